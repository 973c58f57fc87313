"""Errors and true columns of made sweeps whose drift follows factors by known rules."""

import itertools

import numpy as np
import pandas as pd

TRUTH = ["truth_variant", "truth_path_length_mm", "truth_duration_s"]
TRUTH += ["truth_infant_motion", "truth_infant_moved_mm"]


def protocol_sweeps(rng, *, subjects=6, moved=(0.5, 0.5)) -> pd.DataFrame:
    """Return two p_a and two p_d sweeps a subject; p_d ones are longer and quicker."""
    rows = []
    for n in range(subjects):
        for kind, side in itertools.product(("p_a", "p_d"), ("left", "right")):
            is_long = kind == "p_d"
            rows.append(
                (f"S10{n}", f"{side}_{kind}", kind, "protocol",
                 rng.uniform(45, 55) if is_long else rng.uniform(25, 35),
                 rng.uniform(4.5, 6) if is_long else rng.uniform(6.5, 8), 1.0,
                 moved[is_long] * rng.uniform(0, 2))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "sweep_type", *TRUTH])


def grid_sweeps(subjects=("S601",)) -> pd.DataFrame:
    """Return the full 2 x 2 x 2 grid of each subject."""
    rows = [
        (one, f"left_p_a_{path}_{time}_{motion}", "p_a", "grid", path, time, motion, 2.0 * motion)
        for one in subjects
        for path, time, motion in itertools.product((20.0, 40.0), (4.0, 10.0), (0.0, 2.0))
    ]
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "sweep_type", *TRUTH])


def motion_sweeps(subjects=("S501", "S502")) -> pd.DataFrame:
    """Return the same sweep with none, plain and twice the motion, and one of another sweep."""
    rows = []
    for n, one in enumerate(subjects):
        for variant, motion in (("still", 0.0), ("repeat", 1.0), ("restless", 2.0)):
            name = f"left_p_a_{variant}"
            rows.append((one, name, "p_a", variant, 30.0 + n, 7.0, motion, 1.5 * motion))
        rows.append((one, "left_p_a_other", "p_a", "repeat", 33.0 + n, 7.5, 1.0, 9.0))
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "sweep_type", *TRUTH])


def errors_of(sweeps: pd.DataFrame, drift, *, lateral=1 / 3) -> pd.DataFrame:
    """Return rows of one arm: `drift(path, duration, moved, motion, truth)` in mm."""
    parts = []
    for truth in ("vs_tracker", "vs_hip"):
        final = np.array(
            [drift(path, time, moved, motion, truth) for _, path, time, motion, moved
             in sweeps[TRUTH].itertuples(index=False)]
        )  # fmt: skip
        part = sweeps[["subject_id", "sweep_id", "sweep_type"]].assign(
            arm="made",
            truth=truth,
            frame_spacing=1.0,
            final_mm=final,
            final_lateral_mm=lateral * final,
            final_axial_mm=final / 4,
            final_elevational_mm=final / 2,
        )
        parts.append(part)
    return pd.concat(parts)
