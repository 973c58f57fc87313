"""Sweeps through made speckle of subjects that keep a pace of their own, two types apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from speckle_sweeps import speckle_sweep

from hipus.motion.preparation import PreparedSweep

TYPES = ("p_a", "p_d")
PX = 24


def paced_sweep(
    rng: np.random.Generator, pace_mm: float, *, subject_id: str, sweep_type: str
) -> PreparedSweep:
    """Return a sweep of uneven steps about a pace, brighter to the right (p_a) or below (p_d)."""
    steps_mm = pace_mm * rng.uniform(0.6, 1.4, rng.integers(12, 18))
    sweep = speckle_sweep(rng, steps_mm, subject_id=subject_id, sweep_type=sweep_type)
    across = np.tile(np.linspace(0.1, 0.9, PX), (PX, 1))
    look = across if sweep_type == "p_a" else across.T
    seen = look + 0.05 * rng.standard_normal((len(sweep), PX, PX))
    return replace(sweep, thumbnails=seen.astype(np.float32))


def paced_cohort(rng: np.random.Generator, subjects: int = 8) -> list[PreparedSweep]:
    """Return a sweep of each type of each subject; paces are spread evenly, in any order."""
    paces = {kind: rng.permutation(np.linspace(0.1, 0.4, subjects)) for kind in TYPES}
    return [
        paced_sweep(rng, paces[kind][k], subject_id=f"S{k + 1:03d}", sweep_type=kind)
        for k in range(subjects)
        for kind in TYPES
    ]
