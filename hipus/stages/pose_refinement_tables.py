"""Columns, summary and headline numbers of stage `pose_refinement`. No stage of its own."""

from __future__ import annotations

import pandas as pd

from hipus import seeds, statistics

#: The sweeps that cross, in the order in which they are refined.
CROSSING = ("p_a", "p_d")
KEY = ["arm", "truth", "subject_id", "sweep_id"]
MEASURES = ("final_mm", "absolute_mm", "relative_mm", "elevational_bias_mm")
COLUMNS = [
    *(*KEY, "sweep_type", "side", "frame_count", "factor", "true_factor"),
    *(f"{measure}_{when}" for measure in MEASURES for when in ("before", "after")),
]
SUMMARY_COLUMNS = [
    *("arm", "truth", "sweep_type", "sweep_count", "subject_count", "final_mm_before"),
    *("final_mm_after", "difference_mm", "difference_low_mm", "difference_high_mm"),
]
COURSE_COLUMNS = ["arm", "subject_id", "side", "iteration", "level", "agreement"]
COURSE_COLUMNS += [f"{kind}_error_percent" for kind in CROSSING]


def summarise(rows: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return mean final drift before and after, and its change with an interval.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns of `COLUMNS`.
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        Columns of `SUMMARY_COLUMNS`; below zero: the crossing sweep helps. Intervals resample
        subjects.
    """
    parts = [("all", rows), *((kind, rows[rows.sweep_type == kind]) for kind in CROSSING)]
    found = []
    for kind, part in parts:
        for (arm, truth), group in part.groupby(["arm", "truth"]):
            change = statistics.paired_difference_by_subject(
                group.final_mm_after,
                group.final_mm_before,
                subjects=group.subject_id,
                rng=seeds.generator(seed, "pose_refinement", arm, truth, kind),
                resamples=resamples,
            )
            means = group.final_mm_before.mean(), group.final_mm_after.mean()
            counts = len(group), group.subject_id.nunique()
            interval = change.mean, change.low, change.high
            found.append((arm, truth, kind, *counts, *means, *interval))
    return pd.DataFrame(found, columns=SUMMARY_COLUMNS)


def metrics(summary: pd.DataFrame) -> dict[str, float]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `summarise` returns it.

    Returns
    -------
    dict
    """
    rows = summary[summary.sweep_type == "all"]
    return {
        f"{row.arm}_{row.truth}_final_{when}_mm": getattr(row, f"final_mm_{when}")
        for row in rows.itertuples()
        for when in ("before", "after")
    }
