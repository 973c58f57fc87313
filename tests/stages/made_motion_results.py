"""Results of the stages on predicted motion, made up: their real ones take minutes of training.

Every table has the columns that figures, notebooks and report read; the stages' own tests check
that the stages write them.
"""

import made_motion
import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.stages.motion_fit import STUDY_ARM

TYPES, TRUTHS = ("all", "p_a", "p_d"), ("vs_hip", "vs_tracker")
MEASURES = tuple(
    f"{kind}{axis}_{unit}"
    for kind in ("relative", "absolute", "final")
    for unit in ("mm", "deg")
    for axis in ("", "_lateral", "_axial", "_elevational")
)
#: Tables that `make arms` adds.
FROM_ARMS = ("motion_arm_comparison", "motion_claims", "motion_spacing")
METRICS = {
    "motion": {"origin": "simulated", "tracker_step_error_median_mm": 0.23},
    "motion_transfer": {"recordings_total": 0},
    "decorrelation_curves": {
        "homogeneous_half_distance_mm": 0.58,
        "hip_half_distance_mm": 0.98,
        "linear_rms_from_theory_correlation": 0.02,
    },
    "motion_volumes": {},
    "pose_refinement": {},
}


def motion_summary() -> pd.DataFrame:
    """Return every measure of every arm."""
    rows = [
        (arm, truth, kind, measure, 1.0 + place, 0.5, 16, 4)
        for arm in arms()
        for truth in TRUTHS
        for kind in TYPES
        for place, measure in enumerate(MEASURES)
    ]
    names = ["arm", "truth", "sweep_type", "measure", "mean", "sd", "sweep_count", "subject_count"]
    return pd.DataFrame(rows, columns=names)


def motion_comparisons() -> pd.DataFrame:
    """Return the study's arm and the network against what they must beat."""
    rows = [
        (arm, other, truth, kind, "final_mm", 4.0, 14.0, 4 / 14, -10.0, -12.5, -7.5, 4, 16, best)
        for arm in (STUDY_ARM, "published")
        for other, best in (("constant step", False), ("correlation regression", True))
        for truth in TRUTHS
        for kind in TYPES
    ]
    names = ["arm_a", "arm_b", "truth", "sweep_type", "measure", "mean_a", "mean_b", "ratio"]
    names += ["difference", "low", "high", "subject_count", "sweep_count", "is_best_not_learned"]
    return pd.DataFrame(rows, columns=names)


def motion_tusrec() -> pd.DataFrame:
    """Return scores of one sweep by every arm."""
    scores = {"subject_id": "S101", "sweep_id": "left_p_a", "gpe_mm": 3.0, "final": 0.6}
    scores |= {"gle_mm": 2.0, "lpe_mm": 0.3, "lle_mm": 0.2}
    return pd.DataFrame([{"arm": arm, **scores} for arm in arms()])


def motion_history() -> pd.DataFrame:
    """Return two validations."""
    table = pd.DataFrame({"arm": "published", "iteration": [0, 6], "loss": [np.nan, 0.8]})
    return table.assign(validation_drift_mm=[17.0, 9.0], learning_rate=[0.0, 1e-3])


def motion_factor_effects() -> pd.DataFrame:
    """Return the effects of two factors; one subject has no interval."""
    rows = [("grid", "vs_hip", "path_mm", "mm", 2.0, np.nan, np.nan),
            ("protocol", "vs_hip", "duration_s", "s", 0.5, -0.5, 1.5)]  # fmt: skip
    names = ["design", "truth", "factor", "unit", "mm_per_sd", "low", "high"]
    per_unit = {"mm_per_unit": 0.2, "low_per_unit": -0.1, "high_per_unit": 0.5}
    told = {"explained_percent": 40.0, "subject_count": 2, "sweep_count": 8}
    return pd.DataFrame(rows, columns=names).assign(**per_unit, **told)


def motion_factor_verdicts() -> pd.DataFrame:
    """Return the verdict on one statement."""
    row = ("S63d", "vs_tracker", "opposite here", -2.0, -3.0, -1.0, "p_d sweeps drift less.")
    names = ["claim_id", "truth", "verdict", "difference_mm", "low", "high", "sentence"]
    return pd.DataFrame([row], columns=names)


def pose_refinement_summary() -> pd.DataFrame:
    """Return what the crossing sweep took out."""
    rows = [(STUDY_ARM, truth, kind, 4, 2, 5.25, 3.75, -1.5, -2.5, -0.5)
            for truth in TRUTHS for kind in TYPES]  # fmt: skip
    names = ["arm", "truth", "sweep_type", "sweep_count", "subject_count", "final_mm_before"]
    names += ["final_mm_after", "difference_mm", "difference_low_mm", "difference_high_mm"]
    return pd.DataFrame(rows, columns=names)


def local_consistency_summary() -> pd.DataFrame:
    """Return the made-up means with both differences."""
    made = made_motion.local_consistency_summary()
    gap = made[made.quantity == "near_mm"]
    gap = gap.assign(quantity="elsewhere_minus_near_mm", mean=0.1, low=-0.1, high=0.3)
    return _with_every_arm(pd.concat([made, gap], ignore_index=True))


def motion_arm_comparison() -> pd.DataFrame:
    """Return two networks that `make arms` trained."""
    rows = [(arm, truth, mean, mean - 1, mean + 1, 0.5, 4.0, False, 4_069_513, 3, 64, arm)
            for arm, mean in (("dcl_net", 12), ("prevost", 14)) for truth in TRUTHS]  # fmt: skip
    names = ["arm", "truth", "final_mm", "low", "high", "relative_mm", "final_deg", "uses_imu"]
    names += ["parameters", "iterations", "input_px", "trained_as"]
    return pd.DataFrame(rows, columns=names).assign(made_by="make arms")


def motion_claims() -> pd.DataFrame:
    """Return two findings with different verdicts."""
    rows = [("several_frames", "holds here"), ("imu_step_rotation", "not told apart here")]
    table = pd.DataFrame(rows, columns=["finding", "verdict"])
    said = {"claim": "a is better", "source": "Thesis", "unit": "mm"}
    said |= {"a": "dcl_net", "b": "prevost"}
    numbers = {"mean_a": 12.0, "mean_b": 14.0, "difference": -2.0, "low": -3.0, "high": -1.0}
    return table.assign(**said, **numbers)


def arms() -> tuple[str, ...]:
    """Return the arms that notebooks and report name."""
    return (STUDY_ARM, "published", "identity", "constant step")


def all_tables(rng) -> dict[str, pd.DataFrame]:
    """Return every table of `make reproduce` on predicted motion by name."""
    made = {name: table for name, table in made_motion.everything(rng).items()
            if not name.endswith(".npz") and name not in FROM_ARMS}  # fmt: skip
    made = {name: _with_every_arm(table) for name, table in made.items()}
    shown = {"arm": STUDY_ARM, "subject_id": "S001", "sweep_id": "left_p_a"}
    made["motion_frames"] = made["motion_frames"].assign(**shown)
    ours = {f"ours_{what}{kind}": 3.6 for what in ("mean", "sd") for kind in ("", "_p_a", "_p_d")}
    printed = made["motion_published"].assign(unit="mm", spread_printed=1.0, **ours)
    made["motion_published"] = printed.assign(training="6 iterations", note="")
    own = (motion_summary, motion_comparisons, motion_tusrec, motion_history)
    own += (motion_factor_effects, motion_factor_verdicts, pose_refinement_summary)
    own += (local_consistency_summary,)
    return made | {function.__name__: function() for function in own}


def write_all(rng, profile: str = "smoke") -> None:
    """Write tables, figure inputs and metrics of a profile; the transfer is skipped."""
    for name, table in all_tables(rng).items():
        tables.write(table, paths.table_file(profile, name), key=[])
    for name, arrays in made_motion.everything(rng).items():
        if name.endswith(".npz"):
            target = paths.figure_input_file(profile, name.removesuffix(".npz"))
            target.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(target, **arrays)
    tables.write(pd.DataFrame({"recording": [], "arm": []}),
                 paths.table_file(profile, "motion_transfer"), key=[])  # fmt: skip
    missing = pd.DataFrame({"file": ["plus/SpinePhantomFreehand.igs.mha"]})
    tables.write(missing, paths.table_file(profile, "motion_transfer_missing"), key=[])
    for stage, values in METRICS.items():
        tables.write_metrics(values, paths.metrics_file(profile, stage))


def write_arms(rng, profile: str = "smoke") -> None:
    """Write the tables of `make arms`."""
    own = {"motion_arm_comparison": motion_arm_comparison(), "motion_claims": motion_claims()}
    own["motion_spacing"] = made_motion.motion_spacing()
    for name, table in own.items():
        tables.write(table, paths.table_file(profile, name), key=[])


def _with_every_arm(table: pd.DataFrame) -> pd.DataFrame:
    """Return a made-up table with the study's arm beside the network."""
    if "arm" not in table:
        return table
    table = table.replace({"arm": {"constant_step": "constant step"}})
    return pd.concat([table, table[table.arm == "published"].assign(arm=STUDY_ARM)])
