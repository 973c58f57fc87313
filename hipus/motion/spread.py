"""How far predictions are off on sweeps whose tracked poses are known.

Decides how residuals of a predictor become the uncertainty it states: one deviation per axis,
and the share of it that the steps of a sweep have in common. Deliberately judges nobody (see
`drift` and `evaluation`): this is what a predictor believes of itself from training sweeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hipus import rotations
from hipus.motion.poses import steps
from hipus.motion.prediction import StepPrediction

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep


@dataclass(frozen=True)
class Spread:
    """Deviations of a predictor's steps.

    Attributes
    ----------
    sd_mm, sd_deg : numpy.ndarray (3,)
        Root mean square error of a step's translation and rotation vector, in the axes of
        the earlier frame: lateral, axial, elevational.
    shared : numpy.ndarray (6,)
        Share of each variance that is one bias of a sweep.
    """

    sd_mm: np.ndarray
    sd_deg: np.ndarray
    shared: np.ndarray

    def prediction(self, T_next_to_previous: np.ndarray) -> StepPrediction:
        """Return steps (N-1, 4, 4) with these deviations beside each."""
        count = len(T_next_to_previous)
        sd_mm, sd_deg = (np.tile(sd, (count, 1)) for sd in (self.sd_mm, self.sd_deg))
        return StepPrediction(T_next_to_previous, sd_mm, sd_deg, self.shared)


def tracked_steps(training: Sequence[PreparedSweep]) -> list[np.ndarray]:
    """Return the tracked steps of training sweeps, (N-1, 4, 4) each, NaN where unknown.

    Parameters
    ----------
    training : sequence of PreparedSweep

    Returns
    -------
    list of numpy.ndarray

    Raises
    ------
    ValueError
        If no sweep has a tracked step.
    """
    found = [steps(sweep.T_centre_to_world) for sweep in training]
    if not any(np.isfinite(one).all(axis=(1, 2)).any() for one in found):
        raise ValueError(f"training must hold a tracked step, got {len(found)} sweeps without one")
    return found


def spread_of(predicted: Sequence[np.ndarray], training: Sequence[PreparedSweep]) -> Spread:
    """Measure predictions of training sweeps against their tracked steps.

    Parameters
    ----------
    predicted : sequence of numpy.ndarray (N-1, 4, 4)
        Of each training sweep; of sweeps left out of the fit where the fit has many numbers.
    training : sequence of PreparedSweep

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        If there are not as many predictions as sweeps, or no step is tracked.

    Notes
    -----
    With n steps in a sweep, the variance of sweep means holds (within-sweep variance) / n of
    noise; what is above it is the bias that a sweep's steps share (one-way variance
    components, Searle et al. 1992).
    """
    if len(predicted) != len(training):
        raise ValueError(
            f"predicted must have {len(training)} sweeps like training, got {len(predicted)}"
        )
    known = [
        _residuals(said, true)
        for said, true in zip(predicted, tracked_steps(training), strict=True)
    ]
    known = [one for one in known if len(one)]
    mean_square = np.mean(np.concatenate(known) ** 2, axis=0)
    bias = np.mean([one.mean(axis=0) ** 2 - _noise_of_mean(one) for one in known], axis=0)
    shared = np.clip(bias / np.maximum(mean_square, 1e-12), 0, 1)
    root = np.sqrt(mean_square)
    return Spread(sd_mm=root[:3], sd_deg=np.degrees(root[3:]), shared=shared)


def _residuals(said: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return translation (mm) and rotation (rad) errors where both are known, (K, 6)."""
    is_known = (np.isfinite(true) & np.isfinite(said)).all(axis=(1, 2))
    said, true = said[is_known], true[is_known]
    turned = said[:, :3, :3] @ np.swapaxes(true[:, :3, :3], 1, 2)
    off = rotations.to_rotation_vector(turned)
    return np.concatenate([said[:, :3, 3] - true[:, :3, 3], off], axis=1)


def _noise_of_mean(residuals: np.ndarray) -> np.ndarray:
    """Return the variance of a sweep's mean residual if its steps erred independently."""
    return residuals.var(axis=0, ddof=1 if len(residuals) > 1 else 0) / len(residuals)
