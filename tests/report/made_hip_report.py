"""Results on measured hips, made up, with the columns of the stages that write them."""

import pandas as pd

from hipus import paths, tables
from hipus.stages import hip_angles, hip_fusion, hip_fusion_tables

COLUMNS = {**hip_angles.COLUMNS, **hip_fusion.EMPTY}
METRICS = {"interval_count": 4321, "interval_coverage_share": 0.9472}
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
             "second_mean": 0.84, "low": -0.5, "high": -0.3, "ratio": 0.5},
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
                 "refused_share": refused}
        for (kind, poses), (median, refused) in ERRORS.items()
    ]  # fmt: skip
    write("hip_error_summary", errors)
    write("hip_gain", GAINS)
    write("hip_claims", CLAIMS)
    write("hip_fusion_summary", SUMMARY)
    tables.write_metrics(METRICS, paths.metrics_file("smoke", "hip_angles"))
    assert set(SUMMARY[0]) <= set(hip_fusion_tables.SUMMARY_COLUMNS)


def write_skipped() -> None:
    """Write what the stages leave where there is no truth."""
    for name in COLUMNS:
        write(name, [])
    tables.write_metrics({}, paths.metrics_file("smoke", "hip_angles"))
