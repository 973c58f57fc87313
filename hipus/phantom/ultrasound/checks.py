"""Checked numbers of simulated speckle: signal-to-noise ratio, correlation, decorrelation.

Decides how they are measured, for tests, benchmarks and the notebook alike. Everything is
measured on envelopes before gain and grey map; nothing here renders.
"""

from __future__ import annotations

import numpy as np

from hipus import geometry
from hipus.phantom.ultrasound.settings import FWHM_PER_SIGMA, ProbeSettings


def to_envelope(amplitude_db: np.ndarray) -> np.ndarray:
    """Return the envelope of an amplitude in dB, float64."""
    return 10 ** (np.asarray(amplitude_db, np.float64) / 20)


def envelope_snr(envelope: np.ndarray) -> float:
    """Return mean over standard deviation of an envelope.

    Notes
    -----
    sqrt(pi / (4 - pi)) = 1.913 for fully developed speckle (Burckhardt 1978).
    """
    return float(envelope.mean() / envelope.std())


def correlation_fwhm_mm(envelope: np.ndarray, step_mm: float, *, axis: int) -> float:
    """Return the full width at half maximum of the autocorrelation along one axis.

    Parameters
    ----------
    envelope : numpy.ndarray
        Of homogeneous tissue, any rank.
    step_mm : float
        Distance of neighbours along `axis`.
    axis : int

    Returns
    -------
    float
    """
    values = np.moveaxis(np.asarray(envelope, np.float64), axis, 0)
    values = values - values.mean()
    lags = range(max(2, len(values) // 2))
    curve = [(values[: len(values) - lag] * values[lag:]).mean() for lag in lags]
    return 2 * step_mm * half_height(np.array(curve) / curve[0])


def half_height(curve: np.ndarray) -> float:
    """Return where a falling curve that begins at 1 first crosses one half, in samples.

    Parameters
    ----------
    curve : numpy.ndarray (K,) float64

    Returns
    -------
    float
        Linear between samples; K - 1 where it never falls so far.
    """
    under = np.flatnonzero(curve < 0.5)
    if not len(under):
        return float(len(curve) - 1)
    low = under[0] - 1
    return float(low + (curve[low] - 0.5) / (curve[low] - curve[low + 1]))


def decorrelation(envelopes: np.ndarray) -> np.ndarray:
    """Return the correlation coefficient of each frame with the first.

    Parameters
    ----------
    envelopes : numpy.ndarray (N, ...)

    Returns
    -------
    numpy.ndarray (N,) float64
    """
    flat = np.asarray(envelopes, np.float64).reshape(len(envelopes), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    power = np.sqrt((flat**2).sum(axis=1))
    return flat @ flat[0] / (power * power[0])


def designed_decorrelation(distance_mm, fwhm_mm: float) -> np.ndarray:
    """Return what homogeneous tissue should show: exp(-d^2 / (2 sigma^2)).

    Parameters
    ----------
    distance_mm : array-like
    fwhm_mm : float
        Of the amplitude point spread in the direction of motion.

    Returns
    -------
    numpy.ndarray

    Notes
    -----
    The field correlates as exp(-d^2 / (4 sigma^2)); the envelope as nearly its square (at most
    0.02 below it: Middleton 1960, the first term of the hypergeometric series).
    """
    sigma_mm = fwhm_mm / FWHM_PER_SIGMA
    return np.exp(-((np.asarray(distance_mm) / sigma_mm) ** 2) / 2)


def steps_per_correlation_length(T_image_to_hip, settings: ProbeSettings, *, depth_mm: float):
    """Return elevational steps of a sweep over the elevational correlation length.

    Parameters
    ----------
    T_image_to_hip : array-like (N, 4, 4) float64
    settings : ProbeSettings
    depth_mm : float
        Where both are taken, on the image's middle line.

    Returns
    -------
    numpy.ndarray (N - 1,) float64
        Beyond about 1 neighbouring frames share no speckle, and no sensorless method can tell
        their distance from it.
    """
    poses = geometry.check_transform(T_image_to_hip, "T_image_to_hip")
    centre = np.array([0.0, depth_mm, 0.0])
    T_next_to_this = geometry.compose(geometry.invert(poses[:-1]), poses[1:])
    moved = np.stack([geometry.apply(T, centre[None])[0] for T in T_next_to_this])
    return np.abs(moved[:, 2]) / settings.elevational_fwhm_at(depth_mm)
