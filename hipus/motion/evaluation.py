"""How well arms predict motion: summaries of sweeps' rows, and comparisons of two arms.

Decides that a sweep which should be there and is not is an error: it is named, never skipped;
that spreads are sample standard deviations over sweeps; and that intervals resample subjects.
Deliberately decides no columns of its own (see `sweep_rows`), no arms, no cohorts, no files.

Rows of several variants or frame spacings are filtered, or grouped by, before they come here:
a sweep that appears twice in a group is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.motion.sweep_rows import MEASURES, TRUTHS, SweepKey, frame_table, sweep_row

__all__ = ["ALL_TYPES", "MEASURES", "TRUTHS", "Comparison", "SweepKey", "by_subject"]
__all__ += ["check_sweeps", "compare", "frame_table", "summarise", "sweep_row"]

#: Columns that name a sweep.
SWEEP = ["subject_id", "sweep_id"]
#: The sweep type that stands for all of them.
ALL_TYPES = "all"
_GROUP = ("arm", "truth")


@dataclass(frozen=True)
class Comparison:
    """Two arms on the same sweeps.

    Attributes
    ----------
    arm_a, arm_b, measure, truth, sweep_type : str
    mean_a, mean_b : float
        Over sweeps, in the measure's unit.
    ratio : float
        mean_a / mean_b; NaN where mean_b is 0.
    difference, low, high : float
        Mean of a - b and its interval from resampled subjects; below zero: a is smaller.
    level : float
        Coverage of the interval.
    subject_count, sweep_count : int
    """

    arm_a: str
    arm_b: str
    measure: str
    truth: str
    sweep_type: str
    mean_a: float
    mean_b: float
    ratio: float
    difference: float
    low: float
    high: float
    level: float
    subject_count: int
    sweep_count: int


def check_sweeps(
    rows: pd.DataFrame, expected: Iterable[tuple[str, str]], *, by: Sequence[str] = _GROUP
) -> None:
    """Raise unless every group of rows holds each expected sweep exactly once, and no other.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `sweep_row`.
    expected : iterable of (subject_id, sweep_id)
    by : sequence of str
        Columns that make a group.

    Raises
    ------
    ValueError
        If nothing is expected, there are no rows, or a sweep is missing, repeated or not
        expected; group and sweep are named.
    """
    expected = {(str(subject), str(sweep)) for subject, sweep in expected}
    if not expected or not len(rows):
        raise ValueError(f"need expected sweeps and rows, got {len(expected)} and {len(rows)}")
    for group, part in rows.groupby(list(by), sort=True, dropna=False):
        found = list(zip(part["subject_id"].astype(str), part["sweep_id"].astype(str), strict=True))
        faults = {
            "is missing": expected - set(found),
            "is not expected": set(found) - expected,
            "appears more than once": {sweep for sweep in found if found.count(sweep) > 1},
        }
        for fault, sweeps in faults.items():
            if sweeps:
                raise ValueError(
                    f"{' '.join(map(str, group))}: sweep {' '.join(min(sweeps))} {fault} "
                    f"({len(sweeps)} such, {len(expected)} expected)"
                )


def summarise(
    rows: pd.DataFrame,
    expected: Iterable[tuple[str, str]],
    *,
    by: Sequence[str] = _GROUP,
    measures: Sequence[str] = MEASURES,
) -> pd.DataFrame:
    """Return mean and SD of every measure by arm, truth and sweep type, and over all types.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `sweep_row`.
    expected : iterable of (subject_id, sweep_id)
        Sweeps that each group must hold.
    by : sequence of str
        Columns that make a group; the sweep type is always one more.
    measures : sequence of str

    Returns
    -------
    pandas.DataFrame
        Long: `by`, `sweep_type` (with "all"), `measure`, `mean`, `sd`, `median`,
        `sweep_count`, `subject_count`, `not_finite_count`. Mean and SD are over the finite
        values of sweeps; the SD is the sample's (n - 1), NaN for a single sweep; the median
        counts infinite values and leaves out NaN.

    Raises
    ------
    ValueError
        As for `check_sweeps`.
    """
    check_sweeps(rows, expected, by=by)
    doubled = pd.concat([rows.assign(sweep_type=ALL_TYPES), rows])
    keys = [*by, "sweep_type"]
    parts = [
        _summary(part, measures).assign(**dict(zip(keys, group, strict=True)))
        for group, part in doubled.groupby(keys, sort=True, dropna=False)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[[*keys, *(name for name in table.columns if name not in keys)]]


def _summary(part: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Return the summary of one group: a row per measure."""
    values = part[list(measures)].astype(np.float64)
    finite = values.where(np.isfinite(values))
    return pd.DataFrame(
        {
            "measure": list(measures),
            "mean": finite.mean().to_numpy(),
            "sd": finite.std(ddof=1).to_numpy(),
            "median": values.median().to_numpy(),
            "sweep_count": len(part),
            "subject_count": part["subject_id"].nunique(),
            "not_finite_count": finite.isna().sum().to_numpy(),
        }
    )


def by_subject(
    rows: pd.DataFrame, measures: Sequence[str] = ("final_mm",), *, by: Sequence[str] = _GROUP
) -> pd.DataFrame:
    """Return each subject's means, so that no one hides in the average.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `sweep_row`.
    measures : sequence of str
    by : sequence of str
        Columns that make a group.

    Returns
    -------
    pandas.DataFrame
        `by`, `subject_id`, `sweep_count` and the mean of each measure over the subject's
        sweeps.
    """
    groups = rows.groupby([*by, "subject_id"], sort=True, dropna=False)
    means = groups[list(measures)].mean()
    means.insert(0, "sweep_count", groups.size())
    return means.reset_index()


def compare(
    rows: pd.DataFrame,
    measure: str,
    *,
    arm_a: str,
    arm_b: str,
    rng: np.random.Generator,
    truth: str = "vs_tracker",
    sweep_type: str = ALL_TYPES,
    resamples: int = 10_000,
    level: float = 0.95,
) -> Comparison:
    """Compare two arms on the same sweeps, with an interval that resamples subjects.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `sweep_row`.
    measure : str
        For example `final_mm`.
    arm_a, arm_b : str
        The difference is a - b.
    rng : numpy.random.Generator
    truth, sweep_type : str
        Which rows.
    resamples, level
        As for `statistics.bootstrap_mean_by_subject`.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If an arm has no such rows, the arms' sweeps are not the same, a sweep appears twice,
        or a value is not finite.
    """
    a, b = _paired(_meant(rows, truth, sweep_type), measure, (arm_a, arm_b))
    found = statistics.paired_difference_by_subject(
        a, b, subjects=a.index.get_level_values(0), rng=rng, resamples=resamples, level=level
    )
    return Comparison(
        arm_a=arm_a,
        arm_b=arm_b,
        measure=measure,
        truth=truth,
        sweep_type=sweep_type,
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        ratio=float(a.mean() / b.mean()) if b.mean() else float("nan"),
        difference=found.mean,
        low=found.low,
        high=found.high,
        level=level,
        subject_count=found.subject_count,
        sweep_count=found.value_count,
    )


def _meant(rows: pd.DataFrame, truth: str, sweep_type: str) -> pd.DataFrame:
    """Return the rows of one truth, and of one sweep type or all."""
    rows = rows[rows["truth"] == truth]
    return rows if sweep_type == ALL_TYPES else rows[rows["sweep_type"] == sweep_type]


def _paired(rows: pd.DataFrame, measure: str, arms: tuple[str, str]) -> list[pd.Series]:
    """Return two arms' values of the same sweeps in the same order."""
    a, b = (_of_arm(rows, arm, measure) for arm in arms)
    unpaired = a.index.symmetric_difference(b.index)
    if len(unpaired):
        raise ValueError(
            f"{arms[0]} and {arms[1]} must be of the same sweeps, "
            f"got {' '.join(map(str, unpaired[0]))} of one only ({len(unpaired)} such)"
        )
    return [a, b]


def _of_arm(rows: pd.DataFrame, arm: str, measure: str) -> pd.Series:
    """Return one arm's values by subject and sweep, sorted."""
    part = rows[rows["arm"] == arm]
    if part.empty:
        raise ValueError(f"no rows of arm {arm!r}, got {sorted(rows['arm'].unique())}")
    values = part.set_index(SWEEP)[measure].sort_index()
    repeated = values.index[values.index.duplicated()]
    if len(repeated):
        raise ValueError(f"{arm}: sweep {' '.join(map(str, repeated[0]))} appears more than once")
    return values
