"""How well two signals agree at each lag: the curve, its optima, its uncertainty.

Decides the grid of lags, the sub-grid refinement and the interval. Deliberately judges
nothing: whether an optimum is good enough is decided in `temporal`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks
from scipy.stats import t as student_t

#: Grid of the curve.
STEP_S = 0.001
#: Half width of the neighbourhood to which the parabola is fitted.
FIT_S = 0.01
#: Blocks of consecutive samples left out one at a time.
BLOCKS = 10
#: A wiggle of the absolute correlation lower than this is no optimum of its own.
_PROMINENCE = 0.02


@dataclass(frozen=True)
class Curve:
    """Correlation of a sparse signal with a shifted dense one, over lags.

    Attributes
    ----------
    lags_s : numpy.ndarray (L,)
    correlations : numpy.ndarray (L,)
        NaN where fewer than half of the samples overlap.
    position : numpy.ndarray (N,)
        The sparse signal.
    shifted : numpy.ndarray (L, N)
        The dense signal at the sparse signal's times + lag, 0 where it is not known.
    is_known : numpy.ndarray (L, N) bool
    """

    lags_s: np.ndarray
    correlations: np.ndarray
    position: np.ndarray
    shifted: np.ndarray
    is_known: np.ndarray

    @property
    def best(self) -> int:
        """Return the index of the largest absolute correlation."""
        return int(np.nanargmax(np.abs(self.correlations)))

    @property
    def second_optimum(self) -> int | None:
        """Return the index of the next best optimum of either sign, or None."""
        height = np.nan_to_num(np.abs(self.correlations))
        peaks, _ = find_peaks(height, prominence=_PROMINENCE)
        others = peaks[np.abs(self.lags_s[peaks] - self.lags_s[self.best]) > FIT_S]
        return int(others[height[others].argmax()]) if len(others) else None

    @property
    def tried_s(self) -> tuple[float, float]:
        """Return the first and last lag at which enough samples overlap."""
        tried = self.lags_s[np.isfinite(self.correlations)]
        return float(tried[0]), float(tried[-1])

    @property
    def is_at_end(self) -> bool:
        """Return whether the best lag is too near the end of the curve to be an optimum."""
        lag_s = self.lags_s[self.best]
        return bool(min(lag_s - self.tried_s[0], self.tried_s[1] - lag_s) < FIT_S)

    def at(self, index: int | None) -> float:
        """Return the correlation at an index, NaN for None."""
        return np.nan if index is None else float(self.correlations[index])

    def refined_lag_s(self) -> float:
        """Return the lag of the largest absolute correlation between grid points."""
        return float(_refined(self.lags_s, self.correlations[:, None])[0])

    def jackknife_s(self) -> tuple[float, float]:
        """Return standard error and half width of the 95 % interval of the refined lag.

        Notes
        -----
        Delete-one-block jackknife (Kuensch 1989): neighbouring samples err together, so whole
        blocks of consecutive samples are left out, not single ones.
        """
        block = np.arange(len(self.position)) * BLOCKS // len(self.position)
        is_kept = block != np.arange(BLOCKS)[:, None]
        near = np.abs(self.lags_s - self.lags_s[self.best]) <= 5 * FIT_S
        replicate = _correlation(
            self.position, self.shifted[near], self.is_known[near], is_kept.astype(float)
        )
        lags_s = _refined(self.lags_s[near], replicate)
        sd_s = float(np.sqrt((BLOCKS - 1) / BLOCKS * ((lags_s - lags_s.mean()) ** 2).sum()))
        return sd_s, float(student_t.ppf(0.975, BLOCKS - 1) * sd_s)


def correlation_curve(
    time_s, position, dense_time_s, dense_position, *, max_lag_s: float, max_gap_s: float
) -> Curve:
    """Correlate a sparse signal at t with a dense one at t + lag.

    Parameters
    ----------
    time_s, position : numpy.ndarray (N,)
        The sparse signal; it is never interpolated.
    dense_time_s, dense_position : numpy.ndarray (M,)
        The dense signal, interpolated linearly.
    max_lag_s : float
        The curve runs from -max_lag_s to +max_lag_s.
    max_gap_s : float
        Longest gap of the dense signal that is interpolated.

    Returns
    -------
    Curve

    Raises
    ------
    ValueError
        If the range is too short for an optimum, or the recordings do not overlap.
    """
    if not max_lag_s > 2 * FIT_S:
        raise ValueError(f"max_lag_s must exceed {2 * FIT_S:g} s, got {max_lag_s}")
    steps = int(np.ceil(max_lag_s / STEP_S))
    lags_s = STEP_S * np.arange(-steps, steps + 1)
    shifted, is_known = signal_at(
        time_s + lags_s[:, None], dense_time_s, dense_position, max_gap_s=max_gap_s
    )
    correlations = _correlation(position, shifted, is_known, np.ones((1, len(time_s))))[:, 0]
    if np.isnan(correlations).all():
        raise ValueError(
            f"recordings do not overlap enough: video {time_s[0]:.3f} to {time_s[-1]:.3f} s, "
            f"tracker {dense_time_s[0]:.3f} to {dense_time_s[-1]:.3f} s, lags up to {max_lag_s:g} s"
        )
    return Curve(lags_s, correlations, position, shifted, is_known)


def signal_at(query_time_s, time_s, position, *, max_gap_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate a signal linearly, neither beyond its ends nor across long gaps.

    Parameters
    ----------
    query_time_s : numpy.ndarray (...)
    time_s, position : numpy.ndarray (M,)
    max_gap_s : float

    Returns
    -------
    values : numpy.ndarray (...)
        0 where not known.
    is_known : numpy.ndarray (...) bool
    """
    right = np.searchsorted(time_s, query_time_s).clip(1, len(time_s) - 1)
    is_known = (query_time_s >= time_s[0]) & (query_time_s <= time_s[-1])
    is_known &= time_s[right] - time_s[right - 1] <= max_gap_s
    return np.where(is_known, np.interp(query_time_s, time_s, position), 0.0), is_known


def _correlation(position, shifted, is_known, weights) -> np.ndarray:
    """Return (L, R) correlations for L lags and R weightings of the samples, NaN if too few."""
    known = is_known.astype(float)
    # Centred first: raw sums of squares of a signal far from 0 lose its variance.
    a = position - position.mean()
    b = (shifted - shifted[is_known].mean() if is_known.any() else shifted) * known
    count, sum_a, sum_b, sum_aa, sum_bb, sum_ab = (
        values @ weights.T for values in (known, known * a, b, known * a**2, b**2, b * a)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = sum_ab - sum_a * sum_b / count
        variances = (sum_aa - sum_a**2 / count) * (sum_bb - sum_b**2 / count)
        correlation = covariance / np.sqrt(variances)
    is_enough = count >= 0.5 * weights.sum(axis=1)
    return np.where(is_enough & np.isfinite(correlation), correlation, np.nan)


def _refined(lags_s: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """Return the vertex of a parabola through each column's neighbourhood of its optimum."""
    refined = np.empty(correlations.shape[1])
    for column, values in enumerate(np.abs(correlations).T):
        best_s = lags_s[np.nanargmax(values)]
        near = (np.abs(lags_s - best_s) <= FIT_S + 1e-9) & np.isfinite(values)
        curvature, slope, _ = np.polyfit(lags_s[near] - best_s, values[near], 2)
        vertex_s = -slope / (2 * curvature) if curvature < 0 else 0.0
        refined[column] = best_s + np.clip(vertex_s, -FIT_S, FIT_S)
    return refined
