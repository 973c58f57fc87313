"""Means of Dice by structure, with intervals that resample subjects.

Decides that all structures are resampled by the same draws of subjects, that a mean over
structures is the mean of their means (as printed), and that a frame or volume in which neither
mask has a structure is counted and left out. Tests no hypothesis (see `hipus.paired_tests`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES

LEVEL = 0.95
NUMBERS = ["dice_mean", "dice_sd", "low", "high"]
COUNTS = ["case_count", "missing_count", "subject_count"]


def wide(scores: pd.DataFrame, *, column: str = "dice") -> pd.DataFrame:
    """Return scores with a row per frame or volume and a column per structure.

    Parameters
    ----------
    scores : pandas.DataFrame
        subject_id, sweep_id, frame_index for frames, structure and the column.
    column : str

    Returns
    -------
    pandas.DataFrame
        Indexed by what names a frame or volume; columns `STRUCTURE_NAMES`.
    """
    index = [name for name in (*SWEEP_KEY, "frame_index") if name in scores]
    found = scores.pivot(index=index, columns="structure", values=column)
    return found.reindex(columns=list(STRUCTURE_NAMES))


def resampled_means(
    values: pd.DataFrame, *, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return column means over subjects drawn with replacement.

    Parameters
    ----------
    values : pandas.DataFrame
        A level `subject_id` in its index; NaN counts nowhere.
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    numpy.ndarray (resamples, columns + 1)
        Last: the mean of the means of columns with any value. NaN with a single subject, who
        says nothing of the others.

    Notes
    -----
    As `hipus.statistics.bootstrap_mean_by_subject`, for all columns by the same draws.
    """
    subjects = values.groupby(level="subject_id")
    sums, counts = subjects.sum().to_numpy(), subjects.count().to_numpy()
    size = len(sums)
    if size < 2:
        return np.full((resamples, values.shape[1] + 1), np.nan)
    draws = rng.multinomial(size, np.full(size, 1 / size), size=resamples)
    with np.errstate(invalid="ignore"):
        means = (draws @ sums) / (draws @ counts)
    return np.column_stack([means, means[:, counts.any(axis=0)].mean(axis=1)])


def interval(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile interval of each column; NaN where all are NaN.

    Parameters
    ----------
    draws : numpy.ndarray (R, C)

    Returns
    -------
    tuple of 2 numpy.ndarray (C,)
    """
    ends = np.full((2, draws.shape[1]), np.nan)
    known = ~np.isnan(draws).all(axis=0)
    if known.any():
        tail = (1 - LEVEL) / 2
        ends[:, known] = np.nanquantile(draws[:, known], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def summarise(values: pd.DataFrame, *, rng: np.random.Generator, resamples: int) -> pd.DataFrame:
    """Return mean, spread, interval and counts of each structure.

    Parameters
    ----------
    values : pandas.DataFrame
        As `wide` returns them.
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    pandas.DataFrame
        Index structure, `MEAN` last: dice_mean, dice_sd (population), low, high, case_count
        (with a value), missing_count, subject_count.
    """
    owner = values.index.get_level_values("subject_id")
    found = pd.DataFrame({"dice_mean": values.mean(), "dice_sd": values.std(ddof=0)})
    found["case_count"] = values.count()
    found["subject_count"] = values.groupby(owner).count().gt(0).sum()
    of_cases = values.mean(axis=1)
    found.loc[MEAN] = [
        found.dice_mean.mean(), of_cases.std(ddof=0), of_cases.count(),
        owner[of_cases.notna()].nunique(),
    ]  # fmt: skip
    found["low"], found["high"] = interval(resampled_means(values, rng=rng, resamples=resamples))
    found["missing_count"] = len(values) - found.case_count
    return found[[*NUMBERS, *COUNTS]].astype(dict.fromkeys(COUNTS, int))
