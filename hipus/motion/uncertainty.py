"""How far a predicted step may be off: deviations that hold what they promise.

Decides how the spread of overlapping windows and the errors on validation sweeps become
standard deviations, which share of them is one bias of the whole sweep, and how often an
error lies within one deviation. Knows no network: errors and spreads are arrays of six
columns, translation along lateral, axial, elevational (mm), then rotation about them (deg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations

COMPONENTS = 6
WITHIN_ONE_SD = 0.6827
"""Share of a normal distribution within one standard deviation."""


@dataclass(frozen=True)
class Calibration:
    """How deviations are made from the spread of windows.

    Attributes
    ----------
    floor : numpy.ndarray (6,)
        Root mean square of the validation errors, mm and deg.
    factor : numpy.ndarray (6,)
        The deviation is factor x sqrt(spread^2 + floor^2).
    shared : numpy.ndarray (6,)
        Share of the variance that all steps of a sweep have in common.
    coverage : numpy.ndarray (6,)
        Share of validation errors within one deviation, each sweep judged by a calibration on
        the others; NaN with a single sweep.
    """

    floor: np.ndarray
    factor: np.ndarray
    shared: np.ndarray
    coverage: np.ndarray

    def deviations(self, spread: np.ndarray) -> np.ndarray:
        """Return the standard deviations of steps.

        Parameters
        ----------
        spread : numpy.ndarray (N-1, 6)
            Of the windows; NaN where fewer than two saw the step, which counts as 0.

        Returns
        -------
        numpy.ndarray (N-1, 6)
            mm and deg.
        """
        return self.factor * np.hypot(np.nan_to_num(spread), self.floor)


def step_errors(T_predicted: np.ndarray, T_true: np.ndarray) -> np.ndarray:
    """Return what is to be added to predicted steps to make them true.

    Parameters
    ----------
    T_predicted, T_true : numpy.ndarray (N-1, 4, 4)
        Frame i+1 -> frame i, mm; NaN where unknown.

    Returns
    -------
    numpy.ndarray (N-1, 6)
        Translation (mm), rotation vector of R_true R_predicted^T (deg), both in frame i's
        axes; NaN where either is unknown.
    """
    T_predicted = geometry.check_transform(T_predicted, "T_predicted", allow_nan=True)
    T_true = geometry.check_transform(T_true, "T_true", allow_nan=True)
    turned = T_true[:, :3, :3] @ np.swapaxes(T_predicted[:, :3, :3], 1, 2)
    rotation_deg = np.degrees(rotations.to_rotation_vector(turned))
    return np.hstack([T_true[:, :3, 3] - T_predicted[:, :3, 3], rotation_deg])


def calibrate(errors: Sequence[np.ndarray], spreads: Sequence[np.ndarray]) -> Calibration:
    """Fit deviations so that 68 % of validation errors lie within one.

    Parameters
    ----------
    errors : sequence of numpy.ndarray (N-1, 6)
        One array a sweep, from `step_errors`; NaN where unknown.
    spreads : sequence of numpy.ndarray (N-1, 6)
        Standard deviations over windows, for the same steps.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If no step of any sweep is known, or the lists do not belong together.

    Notes
    -----
    Windows that overlap share frames and so their mistakes: their spread alone promises too
    much. The floor carries what they have in common; the factor is a quantile, so it does
    not ask for a normal distribution. The shared part is the variance component of sweeps in
    a one-way layout: with n steps a sweep's mean error has variance (s + (1 - s) / n) of one
    step's, when s is shared.
    """
    known = _known(errors, spreads)
    floor, factor = _fit(known)
    return Calibration(floor, factor, _shared(known), _left_out_coverage(known))


def within_one_deviation(errors: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return the share (6,) of known errors that lie within one standard deviation.

    Parameters
    ----------
    errors, deviations : numpy.ndarray (K, 6)
        mm and deg; NaN errors are left out.

    Returns
    -------
    numpy.ndarray (6,)
        NaN where no error is known.
    """
    is_known = np.isfinite(errors).all(axis=1)
    if not is_known.any():
        return np.full(errors.shape[1], np.nan)
    return np.mean(np.abs(errors[is_known]) <= deviations[is_known], axis=0)


def _known(errors, spreads) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (errors, spreads) of the known steps of each sweep that has any."""
    if len(errors) != len(spreads):
        raise ValueError(
            f"errors and spreads must be of the same sweeps, got {len(errors)} and {len(spreads)}"
        )
    known = []
    for error, spread in zip(errors, spreads, strict=True):
        if error.shape != spread.shape or error.shape[1:] != (COMPONENTS,):
            raise ValueError(
                f"errors and spreads must be (N-1, 6) each, got {error.shape} and {spread.shape}"
            )
        is_known = np.isfinite(error).all(axis=1)
        if is_known.any():
            known.append((error[is_known], np.nan_to_num(spread[is_known])))
    if not known:
        raise ValueError("errors must hold a known step: no validation sweep has tracked poses")
    return known


def _fit(known: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return floor and factor (6,) of known steps."""
    errors, spreads = (np.concatenate(parts) for parts in zip(*known, strict=True))
    # An error of exactly zero everywhere (a perfect predictor) must not divide by zero.
    floor = np.maximum(np.sqrt(np.mean(errors**2, axis=0)), np.finfo(float).tiny)
    ratio = np.abs(errors) / np.hypot(spreads, floor)
    return floor, np.quantile(ratio, WITHIN_ONE_SD, axis=0)


def _shared(known: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the share (6,) of the error variance that steps of a sweep have in common."""
    total = np.mean(np.concatenate([errors for errors, _ in known]) ** 2, axis=0)
    means = np.array([errors.mean(axis=0) for errors, _ in known])
    chance = np.mean([1 / len(errors) for errors, _ in known])
    if chance == 1:  # single steps: a bias and noise look the same
        return np.zeros(COMPONENTS)
    ratio = np.mean(means**2, axis=0) / np.maximum(total, np.finfo(float).tiny)
    return np.clip((ratio - chance) / (1 - chance), 0, 1)


def _left_out_coverage(known: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the share (6,) within one deviation, each sweep left out of its own fit."""
    if len(known) < 2:
        return np.full(COMPONENTS, np.nan)
    errors, deviations = [], []
    for index, (error, spread) in enumerate(known):
        floor, factor = _fit(known[:index] + known[index + 1 :])
        errors.append(error)
        deviations.append(factor * np.hypot(spread, floor))
    return within_one_deviation(np.concatenate(errors), np.concatenate(deviations))
