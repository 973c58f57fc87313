"""Least squares of drift on factors, with intervals that resample subjects.

Decides the unit of resampling (the subject, as in `statistics`) and what a resample says that
cannot tell a factor: nothing. Deliberately knows no designs and no claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Design:
    """Which sweeps are compared by which factors, and what is held fixed.

    Attributes
    ----------
    name : str
    variants : tuple of str
        Acquisitions of the cohort that take part.
    factors : tuple of str
        Columns of the table; effects are of one with the others held fixed.
    within : tuple of str
        Columns whose every combination has a level of drift of its own.
    """

    name: str
    variants: tuple[str, ...]
    factors: tuple[str, ...]
    within: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fit:
    """Least squares of final drift on factors, with what resampled subjects give.

    Attributes
    ----------
    mm_per_unit : numpy.ndarray (F,)
    resampled : numpy.ndarray (B, F)
        The same for each resample; NaN where a factor did not vary in it.
    draws : numpy.ndarray (B, S) int
        How often each resample has each subject, in sorted order; none with one subject.
    explained : float
        Share of the variance about the levels of `Design.within`, 0 to 1.
    """

    mm_per_unit: np.ndarray
    resampled: np.ndarray
    draws: np.ndarray
    explained: float


def fitted(part: pd.DataFrame, design: Design, *, rng: np.random.Generator, resamples: int) -> Fit:
    """Fit one design against one truth.

    Parameters
    ----------
    part : pandas.DataFrame
        As `sweeps_of` returns it, not empty.
    design : Design
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    Fit

    Notes
    -----
    A resample only needs each subject's share of the normal equations, so that all of them
    are one matrix product and a stack of small solutions (pseudoinverse: a resample may lack
    a group, or all spread of a factor, whose effect then is NaN, not zero).
    """
    factors = part[list(design.factors)].to_numpy(np.float64)
    mean, sd = factors.mean(axis=0), factors.std(axis=0)
    scale = np.where(sd > 0, sd, 1)
    X = np.hstack([(factors - mean) / scale, _levels(part, design)])
    y = part["final_mm"].to_numpy(np.float64)
    owner, place = np.unique(part["subject_id"].to_numpy(), return_inverse=True)
    grams = np.stack([X[place == s].T @ X[place == s] for s in range(len(owner))])
    moments = np.stack([X[place == s].T @ y[place == s] for s in range(len(owner))])
    count = resamples if len(owner) > 1 else 0
    draws = rng.multinomial(len(owner), np.full(len(owner), 1 / len(owner)), size=count)
    once = np.ones((1, len(owner)))
    best, more = (_solved(d, grams, moments, factors.shape[1]) for d in (once, draws))
    levels = X.copy()
    levels[:, : len(sd)] = 0
    explained = _explained(X, levels, y)
    return Fit(best[0] / scale, more / scale, draws, explained)


def _levels(part: pd.DataFrame, design: Design) -> np.ndarray:
    """Return one column for each combination of what is held fixed, (K, G)."""
    if not design.within:
        return np.ones((len(part), 1))
    group = part.groupby(list(design.within)).ngroup().to_numpy()
    return (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)


def _solved(draws, grams: np.ndarray, moments: np.ndarray, count: int) -> np.ndarray:
    """Return the first `count` coefficients of each weighting of subjects, (B, count)."""
    A, b = np.tensordot(draws, grams, axes=1), np.tensordot(draws, moments, axes=1)
    inverse = np.linalg.pinv(A, rcond=1e-9, hermitian=True)
    solution = (inverse @ b[..., None])[..., 0]
    # A coefficient is told by the data exactly if its unit vector lies in the row space of A.
    resolved = np.abs(np.einsum("bij,bji->bi", inverse, A) - 1) < 1e-6
    return np.where(resolved, solution, np.nan)[:, :count]


def _explained(X: np.ndarray, levels: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variance about the levels that all columns explain."""
    rest, about = (
        np.sum((y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]) ** 2)
        for columns in (X, levels)
    )
    return float(1 - rest / about) if about > 0 else float("nan")


def interval(resampled: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of the percentile intervals of resampled numbers.

    Parameters
    ----------
    resampled : numpy.ndarray (B, ...)
        NaN entries are left out.
    level : float

    Returns
    -------
    numpy.ndarray (2, ...)
        Low and high; NaN where less than half of the resamples tell.
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    nothing = np.full((2, *resampled.shape[1:]), np.nan)
    if not len(resampled):
        return nothing
    is_told = np.isfinite(resampled).mean(axis=0) > 0.5
    filled = np.where(is_told, resampled, 0.0)
    return np.where(is_told, np.nanquantile(filled, ends, axis=0), nothing)
