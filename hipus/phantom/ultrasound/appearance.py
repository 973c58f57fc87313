"""How one subject's tissues look: echo levels, fascia, slow variation.

Decides what is drawn once per subject and stays with its anatomy, so that two sweeps of a hip
show the same layers, whatever the probe did. Levels are amplitudes in dB of what the probe
would return without attenuation; 0 dB is bone met head on. Decides nothing about geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

#: Grid of the slow variation, in hip axes: 0.9 mm cells, smoothed over 1.5 (SIMULATION.md A1).
SLOW_PITCH_MM, SLOW_COUNT, SLOW_SIGMA = 0.9, 64, 1.5
#: Fascia: tables over the layer coordinate, mm.
TABLE_STEP_MM, TABLE_REACH_MM = 0.05, 60.0


class Levels(NamedTuple):
    """Echo levels (dB), thicknesses (mm) and attenuation (dB/mm) of one subject.

    Ranges in `RANGES`. They began as fits to real stills and Graf planes (SIMULATION.md A5),
    were retuned by eye and by the statistics of `hipus.phantom.likeness` on the pictures of
    one half (`likeness_real`, "tune"), and are frozen: muscle, shadow and head come out at
    79, 30 and 37 mean grey (stills: 82, 34, 39). What those statistics do not see (gel,
    triradiate cartilage, the capsule's thickness) is assumed.
    """

    gel_db: float
    skin_db: float
    skin_mm: float
    fat_db: float
    fat_mm: float
    muscle_db: float
    stripe_gain: float
    stripe_tilt: float
    deep_db: float
    cartilage_db: float
    triradiate_db: float
    labrum_db: float
    capsule_db: float
    capsule_mm: float
    head_db: float
    rim_mm: float
    pulvinar_db: float
    sparkle_db: float
    sparkle_threshold: float
    bone_db: float
    incidence_power: float
    bone_profile_mm: float
    bone_tail_mm: float
    roughness_mm: float
    clutter_gain: float
    clutter_reach_mm: float
    bone_loss: float
    cartilage_loss: float
    deep_loss: float
    edge_loss: float
    reverberation_gain: float


@dataclass(frozen=True)
class Appearance:
    """Tissue of one subject.

    Attributes
    ----------
    levels : Levels
    slow : numpy.ndarray (n, n, n, 2) float32
        Two periodic fields of zero mean and unit variance, indexed [z, y, x] in hip axes.
    offset_xyz_mm : numpy.ndarray (3,) float64
        Where in the periodic fields this subject lies.
    tables : numpy.ndarray (3, K) float32
        Echo above the base, dB, along the layer coordinate: coarse fascia, other coarse
        fascia, fine fibres.
    """

    levels: Levels
    slow: np.ndarray
    offset_xyz_mm: np.ndarray
    tables: np.ndarray


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """Draw the tissue of one subject.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of the subject (not of the sweep).

    Returns
    -------
    Appearance
    """
    levels = _draw_levels(rng)
    tables = np.stack([_draw_stripes(rng, *kind) for kind in _STRIPES])
    return Appearance(
        levels=levels,
        slow=_draw_slow(rng),
        offset_xyz_mm=rng.uniform(0, SLOW_PITCH_MM * SLOW_COUNT, 3),
        tables=tables.astype(np.float32),
    )


# Stripes per 10 mm, strength in dB (least, most), half width in mm (least, most).
# SIMULATION.md A5.4: 4-8 strong stripes and about 34 fine ones over the soft tissue.
_STRIPES = (
    (4.5, (17.0, 34.0), (0.10, 0.21)),
    (4.5, (15.0, 32.0), (0.10, 0.24)),
    (18.0, (8.0, 26.0), (0.06, 0.13)),
)

#: Uniform ranges of `Levels`, in its order.
RANGES: dict[str, tuple[float, float]] = {
    "gel_db": (-75.0, -68.0),
    "skin_db": (-43.0, -34.0),
    "skin_mm": (0.8, 1.3),
    "fat_db": (-49.0, -42.0),
    "fat_mm": (2.5, 5.5),
    "muscle_db": (-49.5, -43.0),
    "stripe_gain": (0.8, 1.1),
    "stripe_tilt": (-0.22, 0.22),
    "deep_db": (-55.0, -46.0),
    "cartilage_db": (-55.0, -48.0),
    "triradiate_db": (-50.0, -44.0),
    "labrum_db": (-34.0, -26.0),
    "capsule_db": (-27.0, -19.0),
    "capsule_mm": (0.35, 0.6),
    "head_db": (-58.0, -48.0),
    "rim_mm": (0.4, 0.9),
    "pulvinar_db": (-32.0, -24.0),
    "sparkle_db": (14.0, 24.0),
    "sparkle_threshold": (1.8, 3.4),
    "bone_db": (-10.0, -3.5),
    "incidence_power": (1.8, 2.6),
    "bone_profile_mm": (0.22, 0.32),
    "bone_tail_mm": (0.40, 0.75),
    "roughness_mm": (0.08, 0.18),
    "clutter_gain": (0.020, 0.044),
    "clutter_reach_mm": (4.0, 9.0),
    "bone_loss": (24.0, 26.0),
    "cartilage_loss": (-0.30, -0.15),
    "deep_loss": (0.45, 0.8),
    "edge_loss": (0.6, 2.0),
    "reverberation_gain": (0.0008, 0.003),
}


def _draw_levels(rng: np.random.Generator) -> Levels:
    """Draw every level uniformly within its range."""
    return Levels(**{name: float(rng.uniform(*RANGES[name])) for name in Levels._fields})


def _draw_stripes(rng, density: float, strength_db, half_width_mm) -> np.ndarray:
    """Draw one table of stripes at random depths."""
    at_mm = np.arange(0, TABLE_REACH_MM, TABLE_STEP_MM)
    count = rng.poisson(density * TABLE_REACH_MM / 10)
    table = np.zeros(len(at_mm))
    for centre in rng.uniform(0, TABLE_REACH_MM, count):
        width = rng.uniform(*half_width_mm)
        stripe = rng.uniform(*strength_db) * np.exp(-0.5 * ((at_mm - centre) / width) ** 2)
        np.maximum(table, stripe, out=table)
    return table


def _draw_slow(rng: np.random.Generator) -> np.ndarray:
    """Draw two periodic smooth fields of unit variance."""
    from scipy.ndimage import gaussian_filter

    shape = (SLOW_COUNT,) * 3
    fields = []
    for _ in range(2):
        noise = rng.standard_normal(shape, dtype=np.float32)
        smooth = gaussian_filter(noise, SLOW_SIGMA, mode="wrap")
        fields.append((smooth - smooth.mean()) / smooth.std())
    return np.stack(fields, axis=-1).astype(np.float32)
