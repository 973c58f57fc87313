"""Results on measured hips, made up, with the columns of the stages that write them."""

import pandas as pd

from hipus import paths, tables
from hipus.stages import hip_angles, hip_fusion, hip_fusion_tables

COLUMNS = {**hip_angles.COLUMNS, **hip_fusion.EMPTY}
METRICS = {
    "interval_count": 4321,
    "interval_coverage_share": 0.9472,
    "alpha_p_d_rounded_median_absolute_error_deg": 4.26,
    "alpha_p_d_rounded_refused_share": 0.05,
    "alpha_p_d_rounded_of_both_deg": 4.26,
    "alpha_control_of_both_deg": 2.41,
    "alpha_p_d_rounded_less_control_deg": 1.22,
    "alpha_p_d_rounded_less_control_low_deg": -0.44,
    "alpha_p_d_rounded_less_control_high_deg": 2.93,
}
FUSION = {
    "goal_drift_mm_ratio": 0.5,
    "goal_drift_mm_is_halved": 1,
    "goal_alpha_difference_to_p_d_deg": -2.3,
    "goal_alpha_is_better_than_p_d": 1,
    "goal_alpha_worst_subject_to_p_d_deg": 1.6,
    "goal_alpha_worst_subject_to_p_d_is_met": 0,
}
COVERAGE = [
    {"measure": "alpha_deg", "masks": "model", "share": 0.9472, "row_count": 4321,
     "mean_width": 12.2},
]  # fmt: skip
ERRORS_EACH = [
    {"cohort": "test", "truth_variant": "protocol", "sweep_type": "p_d", "poses": "rounded",
     "masks": "model", "measure": "alpha_deg", "error": error} for error in (4.26, -4.26, None)
]  # fmt: skip
#: Way -> median absolute error of alpha, share refused.
ERRORS = {
    ("p_d", "tracked"): (1.52, 0.11),
    ("p_d", "predicted"): (5.14, 0.16),
    ("p_d", "rounded"): (4.26, 0.05),
    ("p_a", "tracked"): (1.31, 0.0),
    ("p_a", "predicted"): (1.92, 0.0),
    ("p_a", "rounded"): (1.63, 0.0),
    ("p_a", "best_frame"): (2.47, 0.0),
}
ALPHA = {"group": "ordinary", "measure": "alpha_deg", "masks": "model"}
GAINS = [
    ALPHA | {"first": "p_a rounded", "second": "p_a best_frame", "hip_count": 18,
             "first_median": 1.63, "second_median": 2.47, "mean_difference": -0.71,
             "low": -1.31, "high": -0.12},
    ALPHA | {"first": "p_d rounded", "second": "p_a best_frame", "hip_count": 17,
             "first_median": 4.26, "second_median": 2.41, "mean_difference": 1.22,
             "low": -0.44, "high": 2.93},
]  # fmt: skip
CLAIMS = [
    {"claim": "global drift", "asked": "global drift need not harm", "found": "+0.05 deg per mm",
     "verdict": "holds"},
]  # fmt: skip
FUSED = {"group": "all", "poses": "predicted", "masks": "model", "hip_count": 25,
         "subject_count": 14}  # fmt: skip
SUMMARY = [
    FUSED | {"quantity": "drift_mm", "first": "after", "second": "before", "first_mean": 0.42,
             "second_mean": 0.84, "low": -0.5, "high": -0.3, "ratio": 0.5, "first_low": 0.31,
             "first_high": 0.55},
    FUSED | {"quantity": "alpha_deg_error", "first": "fused", "second": "p_d",
             "first_mean": 2.1, "second_mean": 4.4, "difference": -2.3, "low": -3.1,
             "high": -1.4, "worst_difference": 0.6, "worst_subject": "S104"},
]  # fmt: skip


def write(name: str, rows: list[dict]) -> None:
    """Write a table of the smoke profile with all of its columns."""
    table = pd.DataFrame(rows).reindex(columns=COLUMNS[name])
    tables.write(table, paths.table_file("smoke", name), key=[])


def write_all() -> None:
    """Write everything that the report reads of measured hips."""
    write_skipped()
    errors = [
        ALPHA | {"sweep_type": kind, "poses": poses, "median_absolute_error": median,
                 "refused_share": refused, "low": median - 1, "high": median + 1,
                 "sweep_count": 19, "subject_count": 10}
        for (kind, poses), (median, refused) in ERRORS.items()
    ]  # fmt: skip
    write("hip_error_summary", errors)
    write("hip_gain", GAINS)
    write("hip_claims", CLAIMS)
    write("hip_interval_coverage", COVERAGE)
    write("hip_errors", ERRORS_EACH)
    write("hip_fusion_summary", SUMMARY)
    tables.write_metrics(METRICS, paths.metrics_file("smoke", "hip_angles"))
    tables.write_metrics(FUSION, paths.metrics_file("smoke", "hip_fusion"))
    assert set(SUMMARY[0]) <= set(hip_fusion_tables.SUMMARY_COLUMNS)


def write_skipped() -> None:
    """Write what the stages leave where there is no truth."""
    for name in COLUMNS:
        write(name, [])
    for stage in ("hip_angles", "hip_fusion"):
        tables.write_metrics({}, paths.metrics_file("smoke", stage))
