"""Solving a spatial calibration at many lags, and how sharply the errors single one out.

Decides what is common to all lags (frames, points, solver) and the two measures of doubt:
the spread of the minimum, and the width over which chance explains the difference.
Deliberately judges nothing and reads nothing: see `spatiotemporal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from hipus.calibration.spatial_errors import evaluate
from hipus.calibration.wires import NWirePhantom

#: Half width of the neighbourhood to which the parabola is fitted.
_FIT_S = 0.05
#: Blocks of consecutive frames left out one at a time.
_BLOCKS = 10

#: From points_px (F, 3 P, 2) and T_probe_to_reference (F, 4, 4) to T_pixel_to_probe (4, 4).
Solver = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scan:
    """What all solutions of a scan share.

    Attributes
    ----------
    lags_s : numpy.ndarray (L,)
        Evenly spaced.
    image_time_s : numpy.ndarray (F,)
    points_px : numpy.ndarray (F, 3 P, 2)
    poses_at : callable
        From times (M,) to T_probe_to_reference (M, 4, 4).
    poses : numpy.ndarray (L, F, 4, 4)
        `poses_at(image_time_s + lag)` for each lag.
    phantom : NWirePhantom
    solve : Solver
    """

    lags_s: np.ndarray
    image_time_s: np.ndarray
    points_px: np.ndarray
    poses_at: Callable[[np.ndarray], np.ndarray]
    poses: np.ndarray
    phantom: NWirePhantom
    solve: Solver

    def errors_mm(self, lags: np.ndarray, is_fitted: np.ndarray) -> np.ndarray:
        """Solve with some frames at some lags; return the errors of all frames (lags, F)."""
        errors_mm = np.empty((len(lags), len(self.points_px)))
        for row, lag in enumerate(lags):
            poses = self.poses[lag]
            T_pixel_to_probe = self.solve(self.points_px[is_fitted], poses[is_fitted])
            errors_mm[row] = self._localisation_mm(T_pixel_to_probe, self.points_px, poses)
        return errors_mm

    def minimum_s(self, curve_mm: np.ndarray) -> float:
        """Return the lag of the least of (L,) errors, refined between lags."""
        return _vertex(self.lags_s, curve_mm)

    def _localisation_mm(self, T_pixel_to_probe, points_px, poses) -> np.ndarray:
        """Return each frame's 3D error, the mean over its middle wires, (F,)."""
        errors = evaluate(T_pixel_to_probe, points_px, poses, self.phantom)
        return errors.reprojection_mm.mean(axis=1)

    def solution(self, lag_s: float) -> tuple[np.ndarray, float]:
        """Return T_pixel_to_probe (4, 4) at any lag, and its mean error in mm."""
        poses = self.poses_at(self.image_time_s + lag_s)
        # Between two lags that were tried a short gap of the tracker may hide.
        is_posed = np.isfinite(poses).all(axis=(1, 2))
        points_px, poses = self.points_px[is_posed], poses[is_posed]
        T_pixel_to_probe = self.solve(points_px, poses)
        errors_mm = self._localisation_mm(T_pixel_to_probe, points_px, poses)
        return T_pixel_to_probe, float(errors_mm.mean())

    def jackknife_s(self, best: int) -> tuple[float, float]:
        """Return standard error and half width of the 95 % interval of the lag.

        Parameters
        ----------
        best : int
            Index of the lag around which the scan is repeated, solving anew.

        Notes
        -----
        Delete-one-block jackknife (Kuensch 1989): consecutive frames err together.
        """
        step_s = self.lags_s[1] - self.lags_s[0]
        reach = int(np.ceil(2 * max(_FIT_S, 2 * step_s) / step_s))
        lags = np.arange(max(best - reach, 0), min(best + reach + 1, len(self.lags_s)))
        found_s = []
        for block in range(_BLOCKS):
            is_kept = _blocks(len(self.points_px)) != block
            curve_mm = self.errors_mm(lags, is_kept)[:, is_kept].mean(axis=1)
            found_s.append(_vertex(self.lags_s[lags], curve_mm))
        sd_s = float(np.sqrt((_BLOCKS - 1) * np.var(found_s)))
        return sd_s, float(student_t.ppf(0.975, _BLOCKS - 1) * sd_s)

    def equivalent_lags_s(self, errors_mm: np.ndarray) -> tuple[float, float]:
        """Return the first and last lag around the best that chance may have made worse.

        Parameters
        ----------
        errors_mm : numpy.ndarray (L, F)

        Notes
        -----
        A lag is worse when its excess over the best, averaged over blocks of consecutive
        frames, exceeds the one-sided 95 % bound of its own standard error (paired t test).
        """
        best = int(errors_mm.mean(axis=1).argmin())
        block = _blocks(errors_mm.shape[1])
        excess = errors_mm - errors_mm[best]
        excess = np.stack([excess[:, block == one].mean(axis=1) for one in range(_BLOCKS)])
        error = excess.std(axis=0, ddof=1) / np.sqrt(_BLOCKS)
        is_worse = excess.mean(axis=0) > student_t.ppf(0.95, _BLOCKS - 1) * error
        before, after = np.flatnonzero(is_worse[:best]), np.flatnonzero(is_worse[best + 1 :])
        first = before[-1] + 1 if len(before) else 0
        last = best + after[0] if len(after) else len(self.lags_s) - 1
        return float(self.lags_s[first]), float(self.lags_s[last])


def _vertex(lags_s: np.ndarray, curve_mm: np.ndarray) -> float:
    """Return the minimum of a parabola through the squared errors near the least one."""
    best_s = lags_s[curve_mm.argmin()]
    half_s = max(_FIT_S, 2.0 * (lags_s[1] - lags_s[0]))
    near = np.abs(lags_s - best_s) <= half_s + 1e-9
    # A wrong lag displaces a point by speed x lag: its square is a parabola, itself a V.
    curvature, slope, _ = np.polyfit(lags_s[near] - best_s, curve_mm[near] ** 2, 2)
    offset_s = -slope / (2 * curvature) if curvature > 0 else 0.0
    return float(best_s + np.clip(offset_s, -half_s, half_s))


def _blocks(count: int) -> np.ndarray:
    """Return the block of each frame: consecutive frames, blocks of equal size."""
    return np.arange(count) * _BLOCKS // count
