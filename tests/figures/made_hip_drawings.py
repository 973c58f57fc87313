"""Small made-up tables and figure inputs of measured hips: four infants, one of them dysplastic.

Numbers are chosen so that places in figures can be told by hand: p_a sweeps by true poses are off
by 1 deg, each further kind of poses adds 1 deg, p_d sweeps double it; one p_d sweep is refused.
"""

import numpy as np
import pandas as pd

from hipus.labels import HipLabel

POSES = ("true", "tracked", "predicted", "rounded")
MASKS = ("truth", "rater", "model")
SUBJECTS = {"S101": "test", "S102": "test", "S103": "test", "S201": "dysplastic"}
MEASURES = ("alpha_deg", "femoral_head_coverage_percent", "acetabular_contact_angle_deg")
REFUSED = ("S103", "p_d")
#: Rows and columns of the planes, their side, and where the head's centre lies in them.
SHAPE, SIDE_MM = (24, 19), 0.5
WAYS = [("p_a", "best_frame"), *((kind, poses) for kind in ("p_a", "p_d") for poses in POSES)]


def off_by(kind: str, poses: str) -> float:
    """Return the error of a way of measuring."""
    return 2.5 if poses == "best_frame" else (1 + POSES.index(poses)) * (1 + (kind == "p_d"))


def hip_errors() -> pd.DataFrame:
    """Return every way of measuring every infant's left hip."""
    rows = []
    for place, (subject, cohort) in enumerate(SUBJECTS.items()):
        for kind, poses in WAYS:
            for masks in MASKS:
                for measure in MEASURES:
                    error = np.nan if (subject, kind) == REFUSED else off_by(kind, poses)
                    truth = 50.0 + 5 * place
                    rows.append(
                        {"subject_id": subject, "sweep_id": f"left_{kind}", "side": "left",
                         "sweep_type": kind, "cohort": cohort, "truth_variant": "protocol",
                         "poses": poses, "masks": masks, "measure": measure, "truth": truth,
                         "value": truth + error, "calibrated": truth + error, "error": error}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def hip_error_summary() -> pd.DataFrame:
    """Return medians with intervals of half a degree to either side."""
    rows = []
    for kind, poses in WAYS:
        for masks in MASKS:
            for measure in MEASURES[:2]:
                middle = off_by(kind, poses)
                rows.append(
                    {"group": "all", "sweep_type": kind, "poses": poses, "masks": masks,
                     "measure": measure, "sweep_count": 4, "subject_count": 4,
                     "refused_share": 0.25 if kind == "p_d" else 0.0, "low": middle - 0.5,
                     "median_absolute_error": middle, "high": middle + 0.5}
                )  # fmt: skip
    return pd.DataFrame(rows)


def hip_interval_coverage() -> pd.DataFrame:
    """Return cells that hold 3 of 4, wider by worse poses."""
    rows = [
        {"sweep_type": kind, "poses": poses, "masks": masks, "measure": measure, "share": 0.75,
         "low": 0.3, "high": 0.95, "mean_width": 4 * off_by(kind, poses), "row_count": 4,
         "subject_count": 4}
        for kind, poses in WAYS for masks in MASKS for measure in MEASURES
    ]  # fmt: skip
    return pd.DataFrame(rows)


def hip_added_errors() -> pd.DataFrame:
    """Return what other poses change: as much as they drift."""
    rows = []
    for place, subject in enumerate(SUBJECTS):
        for number, poses in enumerate(POSES[1:], start=1):
            for kind in ("p_a", "p_d"):
                for variant in ("protocol", "still", "restless"):
                    drift = number * (1.0 + place)
                    rows.append(
                        {"subject_id": subject, "sweep_id": f"{variant}_{kind}", "poses": poses,
                         "masks": "model", "sweep_type": kind, "truth_variant": variant,
                         "added_deg": np.nan if (subject, kind) == REFUSED else drift,
                         "final_drift_mm": drift, "head_shape_mm": drift / 10,
                         "infant_moved_mm": 0.5}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def hip_drift_bins() -> pd.DataFrame:
    """Return two bins for either drift; a bin of one infant has no interval."""
    rows = []
    for poses in POSES[1:]:
        for drift, edge in (("final_drift_mm", 5.0), ("head_shape_mm", 0.5)):
            ends = ((0.0, edge, 2.0, 1.5, 2.5), (edge, np.inf, 6.0, np.nan, np.nan))
            rows += [
                {"masks": "model", "poses": poses, "drift": drift, "from_mm": start,
                 "to_mm": stop, "median_added_deg": median, "low": low, "high": high,
                 "sweep_count": 3, "subject_count": 3, "harmed_share": 0.5}
                for start, stop, median, low, high in ends
            ]  # fmt: skip
    return pd.DataFrame(rows)


def hip_infant_motion() -> pd.DataFrame:
    """Return three variants: a tracker is better by 0.1 mm for each kind of poses after it."""
    rows = []
    for variant in ("protocol", "restless", "still"):
        for number, poses in enumerate(POSES[1:]):
            rows.append(
                {"variant": variant, "poses": poses, "sweep_count": 8, "subject_count": 4,
                 "mean_shape_mm": 0.2 + 0.1 * number, "low": 0.15 + 0.1 * number,
                 "high": 0.3 + 0.1 * number, "less_than_tracked_mm": -0.1 * number,
                 "less_low": -0.1 * number - 0.05, "less_high": -0.1 * number + 0.05}
            )  # fmt: skip
    return pd.DataFrame(rows)


def hip_agreement() -> pd.DataFrame:
    """Return bias and limits of every way, 4 deg apart; p_d of one infant has no interval."""
    rows = []
    for kind, poses in WAYS:
        for quantity, away in (("bias", 0), ("lower", -4), ("upper", 4)):
            value = off_by(kind, poses) + away
            ends = (np.nan, np.nan) if kind == "p_d" else (value - 1, value + 1)
            rows.append(
                {"group": "all", "sweep_type": kind, "poses": poses, "masks": "model",
                 "measure": "alpha_deg", "quantity": quantity, "value": value, "low": ends[0],
                 "high": ends[1]}
            )  # fmt: skip
    return pd.DataFrame(rows)


def hip_type_confusion() -> pd.DataFrame:
    """Return 2 of type I found, 1 refused, and 1 of type II taken for I; III/IV never met."""
    names = ("I", "II", "IIc/D", "III/IV", "refused")
    counts = {("I", "I"): 2, ("I", "refused"): 1, ("II", "I"): 1}
    rows = [
        {"group": "all", "sweep_type": kind, "poses": poses, "masks": "model", "true_type": true,
         "measured_type": found, "count": counts.get((true, found), 0)}
        for kind, poses in WAYS for true in names for found in names
    ]  # fmt: skip
    return pd.DataFrame(rows)


def hip_roc_curves() -> pd.DataFrame:
    """Return curves of three steps."""
    steps = ((0, -np.inf, 0.0, 1.0), (1, 55.0, 0.5, 1.0), (2, 70.0, 1.0, 0.0))
    rows = [
        {"group": "all", "sweep_type": kind, "poses": poses, "masks": "model", "step": step,
         "threshold": threshold, "sensitivity": found, "specificity": spared}
        for kind, poses in WAYS for step, threshold, found, spared in steps
    ]  # fmt: skip
    return pd.DataFrame(rows)


def hip_roc() -> pd.DataFrame:
    """Return the area and Graf's threshold of each curve."""
    rows = [
        {"group": "all", "sweep_type": kind, "poses": poses, "masks": "model", "auc": 0.75,
         "low": 0.5, "high": 1.0, "sensitivity": 0.5, "specificity": 1.0, "true_positives": 1,
         "false_negatives": 1, "true_negatives": 2, "false_positives": 0, "refused_count": 1}
        for kind, poses in WAYS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def hip_measures(rng) -> dict:
    """Return planes by all poses but tracked ones, by which alpha was refused.

    The wing stands 5 mm above the head's centre and upwards, the roof falls medially by 45 deg.
    """
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:8, 9] = HipLabel.ILIUM
    labels[11:18, 6:13] = HipLabel.FEMORAL_HEAD
    found = {"side_mm": np.array(SIDE_MM), "sweep": np.array("S102/left_p_d")}
    for poses in ("true", "predicted", "rounded"):
        found |= {
            f"{poses}_grey": rng.integers(0, 255, SHAPE, dtype=np.uint8),
            f"{poses}_labels": labels, f"{poses}_truth": np.roll(labels, 1, axis=1),
            f"{poses}_names": np.array(["wing_cranial", "bony_rim", "lower_limb", "head_centre"]),
            f"{poses}_landmarks_mm": np.array([[0.0, 6.0], [0.0, 3.0], [-2.0, 1.0], [0.0, 0.0]]),
            f"{poses}_alpha_deg": np.array(45.0),
        }  # fmt: skip
    return found


def everything(rng) -> dict:
    """Return every table and figure input of measured hips by name."""
    made = (hip_errors, hip_error_summary, hip_interval_coverage, hip_added_errors,
            hip_drift_bins, hip_infant_motion, hip_agreement, hip_type_confusion, hip_roc_curves,
            hip_roc)  # fmt: skip
    return {make.__name__: make() for make in made} | {"hip_measures.npz": hip_measures(rng)}
