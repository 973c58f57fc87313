"""Small made-up tables and figure inputs of the simulated world."""

import numpy as np
import pandas as pd


def cohort_hips() -> pd.DataFrame:
    """Return three hips of two types; one subject is not of the study proper."""
    return pd.DataFrame(
        {
            "subject_id": ["S001", "S001", "S401"],
            "side": ["left", "right", "left"],
            "graf_type": ["Ib", "Ib", "IIc"],
            "alpha_anterior_deg": [58.0, 60.0, 43.0],
            "alpha_deg": [62.0, 64.0, 46.0],
            "alpha_posterior_deg": [63.0, 66.0, 47.0],
        }
    )


def cohort_subjects() -> pd.DataFrame:
    """Return the subjects of these hips."""
    return pd.DataFrame({"subject_id": ["S001", "S401"], "cohort": ["study", "dysplastic"]})


def cohort_sweeps() -> pd.DataFrame:
    """Return one sweep of each type; the untracked one has no path."""
    return pd.DataFrame(
        {
            "sweep_type": ["graf", "p_a", "p_d"],
            "frame_count": [60, 77, 58],
            "trim_start": [0, 5, 6],
            "trim_stop": [60, 72, 53],
            "duration_s": [6.7, 8.5, 6.4],
            "path_mm": [4.7, 30.0, np.nan],
        }
    )


def cohort_published() -> pd.DataFrame:
    """Return the printed durations."""
    names = [f"{kind}_duration_kept" for kind in ("graf", "p_a", "p_d")]
    return pd.DataFrame({"quantity": names, "published": [5.3, 7.5, 5.3]})


def cohort_step() -> pd.DataFrame:
    """Return steps of two directions."""
    shares = {"p05": 0.2, "p25": 0.3, "p50": 0.45, "p75": 0.6, "p95": 0.8}
    columns = {f"step_per_length_{name}": [value, 2 * value] for name, value in shares.items()}
    return pd.DataFrame({"sweep_type": ["p_a", "p_d"], "side": ["left", "left"], **columns})


def decorrelation() -> pd.DataFrame:
    """Return two tissues in two orientations; one tissue has no design."""
    rows = [
        (orientation, tissue, distance, np.exp(-distance), np.exp(-distance) if design else np.nan)
        for orientation in ("p_a", "p_d")
        for tissue, design in (("homogeneous", True), ("head", False))
        for distance in (0.0, 0.5, 1.0)
    ]
    names = ["orientation", "tissue", "distance_mm", "measured", "designed"]
    return pd.DataFrame(rows, columns=names)


def likeness_features() -> pd.DataFrame:
    """Return two features of two groups, and one that is not drawn."""
    rows = [
        (group, feature, 6, 40.0 + n, 5.0)
        for n, group in enumerate(("simulated", "infant_hip_stills"))
        for feature in ("mean_grey", "spectrum_slope", "depth_0")
    ]
    return pd.DataFrame(rows, columns=["group", "feature", "picture_count", "mean", "sd"])


def grey_levels() -> pd.DataFrame:
    """Return one measured and one printed level."""
    return pd.DataFrame(
        {
            "region": ["muscle", "labelled pixels, 2D"],
            "quantity": ["mean", "mean"],
            "simulated": [79.0, 66.0],
            "simulated_sd": [6.0, np.nan],
            "real": [82.0, 131.0],
        }
    )


def rater_agreement() -> pd.DataFrame:
    """Return two structures."""
    return pd.DataFrame(
        {
            "structure": ["ilium", "femoral_head"],
            "published_dice": [0.70, 0.86],
            "fitted_dice": [0.71, 0.86],
            "independent_dice": [0.72, 0.85],
        }
    )


def simulated_calibration() -> pd.DataFrame:
    """Return two sessions of one phantom by two methods."""
    return pd.DataFrame(
        {
            "session": [1, 2, 1, 2],
            "phantom": ["fCal 2.0 N-wire"] * 4,
            "method": ["classic", "classic", "joint", "joint"],
            "target_registration_error_mm_mean": [0.3, 0.25, 0.2, 0.22],
        }
    )


def simulated_lag() -> pd.DataFrame:
    """Return two water tanks."""
    return pd.DataFrame({"true_lag_s": [-0.04, 0.03], "error_s": [0.0004, -0.0008]})


def cohort_input(rng) -> dict:
    """Return frames, masks, courses, trimming and a label volume that is not a cube."""
    arrays = {"pixel_side_mm": np.array(0.4)}
    for name in ("p_a", "p_d"):
        frames = rng.integers(0, 255, (3, 12, 16), dtype=np.uint8)
        course = np.cumsum(rng.normal(size=(9, 3)), axis=0)
        reported = course + 0.1
        reported[4] = np.nan
        arrays |= {
            f"{name}_frames": frames,
            f"{name}_masks": (frames % 5).astype(np.uint8),
            f"{name}_index": np.array([2, 4, 6]),
            f"{name}_true_mm": course,
            f"{name}_reported_mm": reported,
        }
    return arrays | {
        "label_volume": rng.integers(0, 6, (6, 8, 10), dtype=np.uint8),
        "label_spacing_mm": np.array([0.5, 0.5, 0.5]),
        "label_origin_xyz_mm": np.array([-2.5, -2.0, -1.5]),
        "trim_pace_mm_s": np.linspace(0, 5, 8),
        "trim_time_s": 3 + 0.1 * np.arange(9),
        "trim_found": np.array([1, 8]),
        "trim_true": np.array([2, 8]),
    }


def everything(rng) -> dict:
    """Return every table and figure input by name."""
    made = (cohort_hips, cohort_subjects, cohort_sweeps, cohort_published, cohort_step)
    made += (decorrelation, likeness_features, grey_levels, rater_agreement)
    made += (simulated_calibration, simulated_lag)
    return {function.__name__: function() for function in made} | {"cohort.npz": cohort_input(rng)}
