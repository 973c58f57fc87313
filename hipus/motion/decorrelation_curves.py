"""How correlation falls with out-of-plane distance, patch by patch: curves and their fit.

Decides the form of a curve, how it adapts to what a patch shows in its own plane, and how
distances are read from the correlation of all patches together. Deliberately knows no sweep
and no pose (see `decorrelation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Distances among which the likeliest is looked for, mm.
DISTANCES_MM = np.arange(0, 3.001, 0.02)
#: In-plane correlations (lateral, axial) at which the widths of a row are stated.
IN_PLANE_REFERENCE = (0.5, 0.45)
#: Steps that a fit reads at most: more do not change 17 numbers.
_MOST_STEPS = 1500
#: Variance added to that of the residuals, so that alike patches are not over-trusted.
_RIDGE = 1e-3


@dataclass(frozen=True)
class DecorrelationCurves:
    """Correlation against distance: height * exp(-(distance / width) ** power).

    Attributes
    ----------
    log_width_mm, height_logit : numpy.ndarray (G,)
        By row of patches, that is by depth.
    width_gain, height_gain : numpy.ndarray (2,)
        What a patch's own in-plane correlation (lateral, axial) above the reference adds.
    log_power : float
    precision : numpy.ndarray (G * G, G * G)
        Inverse covariance of the residuals of all patches.
    """

    log_width_mm: np.ndarray
    height_logit: np.ndarray
    width_gain: np.ndarray
    height_gain: np.ndarray
    log_power: float
    precision: np.ndarray

    def correlation(self, distance_mm: np.ndarray, in_plane: np.ndarray) -> np.ndarray:
        """Return the expected correlation.

        Parameters
        ----------
        distance_mm : numpy.ndarray (..., G, G) or broadcastable
            Out-of-plane distance of each patch.
        in_plane : numpy.ndarray (2, ..., G, G)
            Lateral and axial correlation within the frame.

        Returns
        -------
        numpy.ndarray (..., G, G)
        """
        return _curve(self._numbers(), distance_mm, in_plane)

    def distances(self, correlation: np.ndarray, in_plane: np.ndarray, *, window: int = 1):
        """Return the likeliest distance of each step, all patches together.

        Parameters
        ----------
        correlation : numpy.ndarray (S, G, G)
        in_plane : numpy.ndarray (2, S, G, G)
        window : int
            Steps whose misfits are averaged: speed is taken as constant over them.

        Returns
        -------
        numpy.ndarray (S,) float64
            mm, never negative: decorrelation has no sign. Tilt is neglected.

        Notes
        -----
        Generalised least squares: patches that err together (contact, noise, a flow that
        missed) count once. Inverting each patch's curve and averaging would be biased, since
        noise on a correlation near its height can only mean distance.
        """
        from scipy.ndimage import uniform_filter1d

        expected = self.correlation(DISTANCES_MM[:, None, None], in_plane[:, :, None])
        misfit = (expected - correlation[:, None]).reshape(*expected.shape[:2], -1)
        badness = np.sum((misfit @ self.precision) * misfit, axis=2)
        if window > 1:
            badness = uniform_filter1d(badness, window, axis=0, mode="nearest")
        return DISTANCES_MM[np.argmin(badness, axis=1)]

    def _numbers(self) -> np.ndarray:
        gains = (self.width_gain, self.height_gain, [self.log_power])
        return np.concatenate([self.log_width_mm, self.height_logit, *gains])


def fit_curves(
    distance_mm: np.ndarray,
    correlation: np.ndarray,
    in_plane: np.ndarray,
    *,
    adaptive: bool = True,
) -> DecorrelationCurves:
    """Fit curves to steps whose distances are known.

    Parameters
    ----------
    distance_mm : numpy.ndarray (S, G, G)
        Out-of-plane distance of each patch, sign ignored; NaN where unknown.
    correlation : numpy.ndarray (S, G, G)
    in_plane : numpy.ndarray (2, S, G, G)
    adaptive : bool
        Let a patch's own in-plane correlation change its curve.

    Returns
    -------
    DecorrelationCurves

    Raises
    ------
    ValueError
        If fewer known steps are given than patches: their covariance would be singular.

    Notes
    -----
    Gee et al. 2006 ("Sensorless freehand 3D ultrasound in real tissue: speckle decorrelation
    without fully developed speckle"): axial and lateral decorrelation within the frame tell
    how far a patch is from fully developed speckle, and stretch the elevational curve. Their
    stretch is heuristic; here it is a log-linear regression on training sweeps. A fully
    developed envelope would have power 2 and height 1; compressed, smoothed pictures with
    noise and coherent layers fall from below 1 and with a long tail (fitted power near 1).
    """
    is_known = np.isfinite(distance_mm).all(axis=(1, 2))
    patches = int(np.prod(correlation.shape[1:]))
    if is_known.sum() < patches:
        raise ValueError(
            f"distance_mm must know at least {patches} steps, as many as patches, "
            f"got {is_known.sum()}"
        )
    given = (np.abs(distance_mm[is_known]), correlation[is_known], in_plane[:, is_known])
    numbers = _fitted(*given, adaptive=adaptive)
    residual = (_curve(numbers, given[0], given[2]) - given[1]).reshape(-1, patches)
    covariance = residual.T @ residual / len(residual) + _RIDGE * np.eye(patches)
    return _named(numbers, np.linalg.inv(covariance))


def _fitted(distance_mm, correlation, in_plane, *, adaptive: bool) -> np.ndarray:
    """Return the least-squares numbers of `_curve`."""
    from scipy.optimize import least_squares

    every = max(1, len(distance_mm) // _MOST_STEPS)
    distance_mm, correlation = distance_mm[::every], correlation[::every]
    in_plane = in_plane[:, ::every]
    rows = correlation.shape[1]
    is_free = np.ones(2 * rows + 5, bool)
    is_free[2 * rows : -1] = adaptive
    start = np.concatenate([np.zeros(rows), np.ones(rows), np.zeros(5)])

    def misfit(free: np.ndarray) -> np.ndarray:
        numbers = start.copy()
        numbers[is_free] = free
        return (_curve(numbers, distance_mm, in_plane) - correlation).ravel()

    numbers = start.copy()
    numbers[is_free] = least_squares(misfit, start[is_free], max_nfev=30).x
    return numbers


def _curve(numbers: np.ndarray, distance_mm, in_plane: np.ndarray) -> np.ndarray:
    """Return height * exp(-(distance / width) ** power) for numbers (2 G + 5,)."""
    rows = (len(numbers) - 5) // 2
    above = [one - mean for one, mean in zip(in_plane, IN_PLANE_REFERENCE, strict=True)]
    log_width, height = (
        numbers[first : first + rows, None] + gain[0] * above[0] + gain[1] * above[1]
        for first, gain in ((0, numbers[-5:-3]), (rows, numbers[-3:-1]))
    )
    scaled = np.abs(distance_mm) * np.exp(-log_width)
    return np.exp(-(scaled ** np.exp(numbers[-1]))) / (1 + np.exp(-height))


def _named(numbers: np.ndarray, precision: np.ndarray) -> DecorrelationCurves:
    """Return the numbers by their names."""
    rows = (len(numbers) - 5) // 2
    return DecorrelationCurves(
        log_width_mm=numbers[:rows],
        height_logit=numbers[rows : 2 * rows],
        width_gain=numbers[-5:-3],
        height_gain=numbers[-3:-1],
        log_power=float(numbers[-1]),
        precision=precision,
    )
