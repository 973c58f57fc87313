"""What is lost outside the circumstances that a network learned in. No stage of its own.

Decides which groups of volumes are compared: the same sweeps by predicted and by tracked poses
(paired), and other hips or another centre with the first centre's (not paired). Intervals
resample subjects. The second centre has no sensor of motion and no tracker, so that its
difference from tracked volumes is of centre and poses together; beside it stands that from
the first centre's predicted volumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.seeds import generator
from hipus.segmentation.grading import GRADES
from hipus.stages.graded_cases import (
    DYSPLASTIC,
    ORDINARY,
    PREDICTED,
    PROVOKED_GROUP,
    SECOND_CENTRE,
    TEST_ONLY,
    TRACKED,
)
from hipus.stages.graded_volumes import DICE
from hipus.stages.volume_grade_tables import groups
from hipus.statistics import paired_difference_by_subject

KEY = ["comparison", "quantity"]
COLUMNS = [
    *(*KEY, "group", "poses", "reference_group", "reference_poses", "is_paired", "mean"),
    *("reference_mean", "difference", "low", "high", "volume_count", "subject_count"),
    *("reference_volume_count", "reference_subject_count"),
]
LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """Two groups of volumes.

    Attributes
    ----------
    name : str
    group, reference : tuple of str
        Group and what told the poses.
    is_paired : bool
        The same sweeps are in both.
    """

    name: str
    group: tuple[str, str]
    reference: tuple[str, str]
    is_paired: bool = False


COMPARISONS = (
    Comparison("predicted poses", (TEST_ONLY, PREDICTED), (TEST_ONLY, TRACKED), is_paired=True),
    Comparison("second centre", (SECOND_CENTRE, PREDICTED), (TEST_ONLY, TRACKED)),
    Comparison("second centre, both predicted", (SECOND_CENTRE, PREDICTED), (TEST_ONLY, PREDICTED)),
    Comparison("dysplastic hips", (DYSPLASTIC, TRACKED), (ORDINARY, TRACKED)),
    Comparison("provoked motion and pace", (PROVOKED_GROUP, TRACKED), (ORDINARY, TRACKED)),
)


def drop_table(grades: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Compare groups of volumes by Dice and by shares of grades.

    Parameters
    ----------
    grades : pandas.DataFrame
        Table volume_grades.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: difference is mean less reference_mean, negative where less is reached;
        quantities are dice_mean, dice_<structure> and share_<grade>. Volumes without a value
        are left out, from pairs with their partner; counts are of those that are in. A
        comparison without volumes on either side has no rows.
    """
    values = grades.assign(**{f"share_{name}": grades.grade == name for name in GRADES})
    parts = {name: _in_order(part) for name, part in groups(values)}
    rows = []
    for one in COMPARISONS:
        if one.group in parts and one.reference in parts:
            sides = [parts[name] for name in (one.group, one.reference)]
            unit = ("volume_drop", one.name)
            rows += _rows(one, *sides, seed=seed, unit=unit, resamples=resamples)
    return pd.DataFrame(rows, columns=COLUMNS)


def unpaired_difference(
    values, subjects, reference_values, reference_subjects, *, rng, resamples: int
) -> tuple[float, float]:
    """Return the interval of a difference of means between different subjects.

    Parameters
    ----------
    values, reference_values : array-like (K,), (L,)
        One value per volume, finite.
    subjects, reference_subjects : array-like (K,), (L,)
        Whose each value is.
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    low, high : float
        NaN if either side has a single subject, who says nothing of the others.

    Notes
    -----
    Percentile interval; each side's subjects are drawn with replacement on their own, each
    with all values, as in `statistics.bootstrap_mean_by_subject`. With two subjects a side it
    is much too narrow: it has three different means.
    """
    sides = ((values, subjects), (reference_values, reference_subjects))
    if any(len(set(names)) < 2 for _, names in sides):
        return np.nan, np.nan
    own, reference = (_resampled_means(*side, rng=rng, resamples=resamples) for side in sides)
    low, high = np.quantile(own - reference, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _resampled_means(values, subjects, *, rng, resamples: int) -> np.ndarray:
    """Return means of values of resampled subjects, (resamples,)."""
    owner, place = np.unique(np.asarray(subjects), return_inverse=True)
    sums, counts = np.bincount(place, weights=np.asarray(values, float)), np.bincount(place)
    draws = rng.multinomial(len(owner), np.full(len(owner), 1 / len(owner)), size=resamples)
    return (draws @ sums) / (draws @ counts)


def _in_order(part: pd.DataFrame) -> pd.DataFrame:
    """Return volumes by subject and sweep."""
    return part.sort_values(SWEEP_KEY).set_index(SWEEP_KEY, drop=False)


def _rows(
    one: Comparison, own: pd.DataFrame, reference: pd.DataFrame, *, seed: int, unit, resamples: int
) -> Iterator[dict]:
    """Yield a row per quantity."""
    if one.is_paired:
        reference = reference.reindex(own.index)
    key = {"group": one.group[0], "poses": one.group[1], "is_paired": int(one.is_paired)}
    key |= dict(zip(("reference_group", "reference_poses"), one.reference, strict=True))
    for quantity in ("dice_mean", *DICE, *(f"share_{name}" for name in GRADES[::-1])):
        sides = [part[[quantity, "subject_id"]].dropna() for part in (own, reference)]
        if one.is_paired:
            both = sides[0].index.intersection(sides[1].index)
            sides = [side.loc[both] for side in sides]
        rng = generator(seed, *unit)
        row = {"comparison": one.name, "quantity": quantity, **key}
        yield row | _compared(quantity, *sides, is_paired=one.is_paired, rng=rng, times=resamples)


def _compared(
    quantity: str, own: pd.DataFrame, reference: pd.DataFrame, *, is_paired: bool, rng, times: int
) -> dict[str, float]:
    """Return means, difference, interval and counts of one quantity."""
    values, others = own[quantity].astype(float), reference[quantity].astype(float)
    row = {"mean": values.mean(), "reference_mean": others.mean()}
    row |= {"difference": row["mean"] - row["reference_mean"], "low": np.nan, "high": np.nan}
    for start, side in (("", own), ("reference_", reference)):
        counts = {"volume_count": len(side), "subject_count": side.subject_id.nunique()}
        row |= {f"{start}{name}": count for name, count in counts.items()}
    if is_paired and len(values):
        found = paired_difference_by_subject(
            values, others, subjects=own.subject_id, rng=rng, resamples=times, level=LEVEL
        )
        row |= {"low": found.low, "high": found.high}
    elif len(values) and len(others):
        sides = (values, own.subject_id, others, reference.subject_id)
        row |= dict(zip(("low", "high"), unpaired_difference(*sides, rng=rng, resamples=times),
                        strict=True))  # fmt: skip
    return row
