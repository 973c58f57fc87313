"""Smooth rigid motion in continuous time, and the noises it is made of.

Decides how hands and infants move between samples: cubic splines through displacements and
rotation vectors, so that images, tracker and inertial sensor may each ask at their own times
and see one motion. Deliberately decides no amplitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from hipus import geometry, rotations
from hipus.sweep import check_times

#: Knots of all motions. Tremor ends at 5 Hz, far below half of it.
KNOT_RATE_HZ = 50.0


@dataclass(frozen=True)
class SmoothMotion:
    """A rigid displacement as a function of time: turn about a pivot, then shift.

    Attributes
    ----------
    time_s : numpy.ndarray (K,)
    offset_mm : numpy.ndarray (K, 3)
    turn_rad : numpy.ndarray (K, 3)
        Rotation vectors.
    pivot_mm : numpy.ndarray (3,)
        Point that turns leave in place.
    """

    time_s: np.ndarray
    offset_mm: np.ndarray
    turn_rad: np.ndarray
    pivot_mm: np.ndarray

    def __post_init__(self) -> None:
        """Check that knots and values belong together."""
        count = len(check_times(self.time_s, "time_s"))
        for name in ("offset_mm", "turn_rad"):
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape != (count, 3) or not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite ({count}, 3), got {value.shape}")

    @cached_property
    def _spline(self) -> CubicSpline:
        """Return the spline through offsets and turns, side by side."""
        return CubicSpline(self.time_s, np.hstack([self.offset_mm, self.turn_rad]))

    def at(self, time_s, *, share: float = 1.0) -> np.ndarray:
        """Return the displacement at any times.

        Parameters
        ----------
        time_s : array-like (N,)
            Within the knots.
        share : float
            Part of the displacement that is taken: of what follows it loosely.

        Returns
        -------
        numpy.ndarray (N, 4, 4) float64
            Maps a point's place at rest to its place at that time, in one frame.

        Raises
        ------
        ValueError
            For times outside the knots: a spline must not be extrapolated.
        """
        time_s = np.asarray(time_s, np.float64)
        first, last = self.time_s[0], self.time_s[-1]
        if time_s.size and not (time_s.min() >= first and time_s.max() <= last):
            raise ValueError(
                f"time_s must lie within {first:g} to {last:g} s, "
                f"got {time_s.min():g} to {time_s.max():g} s"
            )
        values = share * self._spline(time_s)
        R = rotations.from_rotation_vector(values[..., 3:])
        return geometry.transform(R, values[..., :3] + self.pivot_mm - R @ self.pivot_mm)


def truncated_normal(rng: np.random.Generator, limit: float) -> float:
    """Return a standard normal number within +-limit.

    Parameters
    ----------
    rng : numpy.random.Generator
    limit : float
        Positive.

    Returns
    -------
    float
    """
    while abs(value := rng.standard_normal()) > limit:
        pass
    return float(value)


def knots(start_s: float, stop_s: float) -> np.ndarray:
    """Return the knots (K,) of a motion that covers an interval.

    Parameters
    ----------
    start_s, stop_s : float

    Returns
    -------
    numpy.ndarray (K,)
    """
    count = int(np.ceil((stop_s - start_s) * KNOT_RATE_HZ)) + 1
    return start_s + np.arange(max(count, 4)) / KNOT_RATE_HZ


def slow_noise(rng: np.random.Generator, shape: tuple[int, ...], *, time_s: float) -> np.ndarray:
    """Return smooth noise of unit variance along the first axis.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        First axis: knots at `KNOT_RATE_HZ`.
    time_s : float
        Standard deviation of the Gaussian that white noise is smoothed with; the correlation
        falls to 1/e after twice that time.

    Returns
    -------
    numpy.ndarray (*shape) float64

    Notes
    -----
    The variance is 1 over many draws, not within one: a short sweep sees a part of a slow
    swing, as a short sweep of a hand does.
    """
    sigma = time_s * KNOT_RATE_HZ
    reach = int(np.ceil(4 * sigma))
    white = rng.standard_normal((shape[0] + 2 * reach, *shape[1:]))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    gain = kernel.sum() / np.sqrt((kernel**2).sum())
    smooth = gaussian_filter1d(white, sigma, axis=0, radius=reach) * gain
    return smooth[reach : reach + shape[0]]


def band_noise(
    rng: np.random.Generator, shape: tuple[int, ...], *, band_hz: tuple[float, float]
) -> np.ndarray:
    """Return noise of unit variance that holds one band of frequencies only.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        First axis: knots at `KNOT_RATE_HZ`.
    band_hz : tuple of 2 float

    Returns
    -------
    numpy.ndarray (*shape) float64

    Raises
    ------
    ValueError
        If the band is empty or reaches half of the knots' rate.
    """
    low, high = band_hz
    if not 0 <= low < high < KNOT_RATE_HZ / 2:
        raise ValueError(f"band_hz must rise and lie below {KNOT_RATE_HZ / 2:g}, got {band_hz}")
    # Twice the length: a spectrum's noise is periodic, and its end must not meet its start.
    count = 2 * max(shape[0], int(4 * KNOT_RATE_HZ / (high - low)))
    frequency = np.fft.rfftfreq(count, 1 / KNOT_RATE_HZ)
    is_in = (frequency >= low) & (frequency <= high) & (frequency > 0)
    size = (is_in.sum(), *shape[1:])
    spectrum = np.zeros((len(frequency), *shape[1:]), complex)
    spectrum[is_in] = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    noise = np.fft.irfft(spectrum, count, axis=0) * count / (2 * np.sqrt(is_in.sum()))
    return noise[: shape[0]]
