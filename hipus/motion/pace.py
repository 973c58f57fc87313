"""How far a whole sweep steps on average, learned from the sweep as a whole.

Decides the regression behind one number a sweep, what two looks at that number agree on, and
how it is shared among steps. Deliberately measures no picture (see `scale_correlation`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipus.motion.correlation_regression import Ridge

log = logging.getLogger(__name__)

#: Penalties of the ridge that are tried, as shares of the number of sweeps.
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)
#: Groups of subjects left out in turn.
FOLDS = 4
#: Slowest mean elevational step that counts as travel, mm.
SLOWEST_MM = 0.05
#: Steps whose sum is below this share of the sweep's way tell nothing of its shape.
LEAST_SHARE = 0.2


@dataclass(frozen=True)
class Pace:
    """The mean elevational step of a kind of sweep.

    Attributes
    ----------
    ridge : Ridge
        From a sweep's features to the logarithm of its mean step in mm.
    penalty : float
        The chosen one.
    """

    ridge: Ridge
    penalty: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return mean steps in mm (S,) of features (S, F)."""
        return np.exp(self.ridge(features)[:, 0])


def fold_of(subjects: Sequence[str]) -> np.ndarray:
    """Return the fold (S,) of each sweep; the sweeps of a subject share theirs.

    Parameters
    ----------
    subjects : sequence of str
    """
    return np.unique(subjects, return_inverse=True)[1] % FOLDS


def fit_pace(features: np.ndarray, mean_step_mm: np.ndarray, folds: np.ndarray) -> Pace:
    """Fit the pace of one kind of sweep.

    Parameters
    ----------
    features : numpy.ndarray (S, F)
    mean_step_mm : numpy.ndarray (S,)
        Tracked. Sweeps slower than `SLOWEST_MM` are left out: nothing travelled.
    folds : numpy.ndarray (S,)
        Group of each sweep's subject.

    Returns
    -------
    Pace
        With the penalty whose predictions of left-out groups are off least, in mm of the way
        (mean absolute error of step times number of steps).

    Raises
    ------
    ValueError
        If fewer than two sweeps travel, or all belong to one group.
    """
    travels = mean_step_mm > SLOWEST_MM
    features, folds = features[travels], folds[travels]
    if len(np.unique(folds)) < 2:
        raise ValueError(
            "a pace needs travelling sweeps of two groups of subjects or more, "
            f"got {len(features)} sweeps of {len(np.unique(folds))}"
        )
    target = np.log(mean_step_mm[travels])[:, None]
    count = np.exp(features[:, -1])

    def missed_mm(penalty: float) -> float:
        """Return the mean error of the way of sweeps left out."""
        said = np.empty(len(target))
        for fold in np.unique(folds):
            is_out = folds == fold
            ridge = Ridge.fit(features[~is_out], target[~is_out], penalty=penalty)
            said[is_out] = ridge(features[is_out])[:, 0]
        return float(np.mean(count * np.abs(np.exp(said) - np.exp(target[:, 0]))))

    penalty = min(PENALTIES, key=missed_mm)
    log.info("pace: penalty %g of %s, %d sweeps", penalty, PENALTIES, len(target))
    return Pace(Ridge.fit(features, target, penalty=penalty), penalty)


def combined_pace(shape_mm: float, pace_mm: float) -> float:
    """Return the mean step that two looks at a sweep agree on.

    Parameters
    ----------
    shape_mm, pace_mm : float
        Mean elevational step of the regression on steps, and of the pace (positive).

    Returns
    -------
    float
        Their geometric mean; the pace alone where the steps do not add up to travel.

    Notes
    -----
    Both err by a factor, and on subjects left out their errors correlate by a third only:
    half of each errs a fifth less than the better one. The halves are not tuned.
    """
    if shape_mm < LEAST_SHARE * pace_mm:
        return pace_mm
    return float(np.sqrt(shape_mm * pace_mm))


def share_out(elevational_mm: np.ndarray, mean_mm: float) -> np.ndarray:
    """Return elevational steps with a given mean.

    Parameters
    ----------
    elevational_mm : numpy.ndarray (N-1,)
        How the way is shared among steps; only ratios count.
    mean_mm : float
        Positive.

    Returns
    -------
    numpy.ndarray (N-1,)
        Even steps where the shape tells nothing: its sum is less than a fifth of the way.
    """
    if elevational_mm.mean() < LEAST_SHARE * mean_mm:
        return np.full(len(elevational_mm), mean_mm)
    return elevational_mm * (mean_mm / elevational_mm.mean())
