"""Intervals of means when several values come from one subject.

Decides the resampling unit: the subject. Sweeps of one infant share anatomy, operator and day,
so resampling sweeps would claim more independent data than there are. Deliberately knows no
tables and no arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanInterval:
    """A mean and its bootstrap interval.

    Attributes
    ----------
    mean : float
        Plain mean of all values, as a table of them shows it.
    low, high : float
        Ends of the interval; NaN with a single subject, who says nothing of the others.
    level : float
        Coverage aimed at, for example 0.95.
    subject_count, value_count : int
    """

    mean: float
    low: float
    high: float
    level: float
    subject_count: int
    value_count: int


def bootstrap_mean_by_subject(
    values, subjects, *, rng: np.random.Generator, resamples: int = 10_000, level: float = 0.95
) -> MeanInterval:
    """Return the mean of values and its interval from resampled subjects.

    Parameters
    ----------
    values : array-like (K,)
        One value per sweep, finite.
    subjects : array-like (K,)
        Whose each value is.
    rng : numpy.random.Generator
    resamples : int
        Number of bootstrap samples.
    level : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    MeanInterval

    Raises
    ------
    ValueError
        If the series are empty, of different lengths or not finite, or a number is out of
        range.

    Notes
    -----
    Cluster bootstrap with percentile interval (Davison and Hinkley 1997, sections 3.8 and
    5.3): subjects are drawn with replacement, each with all of its values, and the mean is of
    all values drawn. A draw only needs each subject's sum and count, so all resamples are two
    matrix products. With n subjects the interval is too narrow by about
    sqrt((n - 1) / n), 5 % for ten.
    """
    values, subjects = _checked(values, subjects)
    _check_numbers(resamples, level)
    owner, sums, counts = _per_subject(values, subjects)
    low = high = float("nan")
    if len(owner) > 1:
        draws = rng.multinomial(len(owner), np.full(len(owner), 1 / len(owner)), size=resamples)
        means = (draws @ sums) / (draws @ counts)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return MeanInterval(
        mean=float(values.mean()),
        low=float(low),
        high=float(high),
        level=float(level),
        subject_count=len(owner),
        value_count=len(values),
    )


def paired_difference_by_subject(
    first,
    second,
    *,
    subjects,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> MeanInterval:
    """Return the mean of first minus second, and its interval from resampled subjects.

    Parameters
    ----------
    first, second : array-like (K,)
        Values of the same sweeps in the same order, finite.
    subjects : array-like (K,)
        Whose each pair is.
    rng, resamples, level
        As for `bootstrap_mean_by_subject`.

    Returns
    -------
    MeanInterval
        An interval below zero: first is smaller on these subjects.

    Raises
    ------
    ValueError
        If the series differ in length, or as for `bootstrap_mean_by_subject`.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise ValueError(
            f"first and second must be of the same sweeps, got {first.shape} and {second.shape}"
        )
    return bootstrap_mean_by_subject(
        first - second, subjects, rng=rng, resamples=resamples, level=level
    )


def _checked(values, subjects) -> tuple[np.ndarray, np.ndarray]:
    """Return finite values and their subjects as arrays of one length."""
    values, subjects = np.asarray(values, np.float64), np.asarray(subjects)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values must be (K,) with K > 0, got {values.shape}")
    if subjects.shape != values.shape:
        raise ValueError(f"subjects must be {values.shape} like values, got {subjects.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ValueError(
            f"values must be finite, got {values[bad[0]]} of subject {subjects[bad[0]]} "
            f"and {len(bad) - 1} more"
        )
    return values, subjects


def _check_numbers(resamples: int, level: float) -> None:
    """Raise if the bootstrap's numbers are out of range."""
    if resamples < 1:
        raise ValueError(f"resamples must be >= 1, got {resamples}")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")


def _per_subject(values: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the subjects, and the sum and count of each one's values."""
    owner, place = np.unique(subjects, return_inverse=True)
    return owner, np.bincount(place, weights=values), np.bincount(place)
