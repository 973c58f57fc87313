"""How often intervals hold the truth, and how wide they are.

Decides that coverage never stands without its own interval, the width that bought it and the
count of subjects. Deliberately changes no interval: that is `interval_scales`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hipus.interval_scales import finite_columns


@dataclass(frozen=True)
class IntervalCoverage:
    """How often intervals hold the truth, and how wide they are.

    Attributes
    ----------
    share, low, high : float
        Share of truths within, ends included, and its Wilson interval, which takes rows for
        independent: with several rows per subject it is too narrow.
    level : float
        Coverage of the Wilson interval.
    mean_width : float
    row_count, covered_count, subject_count : int
    """

    share: float
    low: float
    high: float
    level: float
    mean_width: float
    row_count: int
    covered_count: int
    subject_count: int


def coverage_of(rows: pd.DataFrame, *, subject: str, level: float = 0.95) -> IntervalCoverage:
    """Count how often intervals hold the truth.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns truth, lower, upper, and the subject's.
    subject : str
        Column of subjects.
    level : float
        Coverage of the Wilson interval, between 0 and 1.

    Returns
    -------
    IntervalCoverage

    Raises
    ------
    ValueError
        If a column is missing, a number not finite, an interval reversed, there is no row, or the
        level is out of range.

    Notes
    -----
    Wilson 1927, which keeps within 0 and 1 and does not vanish where all are covered. For an
    interval over subjects pass the hits to `statistics.bootstrap_mean_by_subject`.
    """
    from scipy.stats import binomtest

    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    truth, lower, upper = finite_columns(rows, ("truth", "lower", "upper"))
    if subject not in rows.columns:
        raise ValueError(f"rows need columns ['{subject}'], have {list(rows.columns)}")
    covered = int(((lower <= truth) & (truth <= upper)).sum())
    wilson = binomtest(covered, len(truth)).proportion_ci(level, method="wilson")
    return IntervalCoverage(
        share=covered / len(truth),
        low=float(wilson.low),
        high=float(wilson.high),
        level=float(level),
        mean_width=float((upper - lower).mean()),
        row_count=len(truth),
        covered_count=covered,
        subject_count=int(rows[subject].nunique()),
    )
