"""Bootstrap intervals of any statistic that can be found from how often each subject is drawn.

Decides the resampling unit (the subject, as in `statistics`), a percentile interval expanded for
few subjects, and that a draw without a defined value is counted, never hidden. Deliberately knows
no statistic: a module brings its own, vectorised over draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A number and its bootstrap interval over subjects.

    Attributes
    ----------
    value : float
    low, high : float
        NaN with a single subject, or where the value is undefined.
    undefined_share : float
        Share of draws without a defined value, which the interval leaves out.
    """

    value: float
    low: float
    high: float
    undefined_share: float = 0.0


def draw_subjects(count: int, rng: np.random.Generator, *, resamples: int) -> np.ndarray:
    """Draw subjects with replacement.

    Parameters
    ----------
    count : int
        Number of subjects.
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    numpy.ndarray (resamples, count) int64
        How often each subject is in each draw; rows sum to `count`.

    Raises
    ------
    ValueError
        If there is no subject or no resample.
    """
    if count < 1 or resamples < 1:
        raise ValueError(
            f"subjects and resamples must be >= 1, got {count} subjects, {resamples} resamples"
        )
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples)


def estimate(value: float, drawn, *, level: float, subject_count: int) -> Estimate:
    """Return a value with the expanded percentile interval of its draws.

    Parameters
    ----------
    value : float
        Of all subjects, NaN where it is undefined.
    drawn : array-like (R,)
        Of each draw, NaN where it is undefined.
    level : float
        Coverage of the interval, between 0 and 1.
    subject_count : int

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the level is out of range.

    Notes
    -----
    Percentile interval of a cluster bootstrap (Davison and Hinkley 1997, sections 3.8 and 5.3),
    taken at the quantiles Phi(-+ sqrt(S / (S - 1)) t) with t of S - 1 degrees of freedom: for S
    subjects the plain one is too narrow (Hesterberg 2015, section 5.3). In simulations of means
    of 12 subjects the plain one covers 91 % and this one 95 %; it is wider than those of
    `statistics` and `rating_agreement` by 17 % for 12 subjects and by 5 % for 40.
    """
    from scipy.stats import norm, t

    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    drawn = np.asarray(drawn, np.float64)
    defined = drawn[np.isfinite(drawn)]
    low = high = np.nan
    if np.isfinite(value) and subject_count > 1 and len(defined):
        reach = t.ppf((1 + level) / 2, subject_count - 1)
        tail = norm.cdf(-reach * np.sqrt(subject_count / (subject_count - 1)))
        low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high), 1 - len(defined) / len(drawn))


def places_of(subjects, count: int) -> tuple[np.ndarray, int]:
    """Return each row's subject as a number, and how many subjects there are.

    Parameters
    ----------
    subjects : array-like (K,)
        Names of subjects, none missing.
    count : int
        Rows expected.

    Returns
    -------
    place : numpy.ndarray (K,) int64
    subject_count : int

    Raises
    ------
    ValueError
        If there are not as many names as rows, no row, or a name is missing.
    """
    import pandas as pd

    subjects = np.asarray(subjects, dtype=object)
    if subjects.shape != (count,) or not count:
        raise ValueError(
            f"subjects must name the subject of each of {count} rows (at least 1), "
            f"got shape {subjects.shape}"
        )
    missing = np.flatnonzero(pd.isna(subjects))
    if len(missing):
        raise ValueError(f"subjects must name every row's subject, row {missing[0]} has none")
    place, owner = pd.factorize(subjects, sort=True)
    return place.astype(np.int64), len(owner)
