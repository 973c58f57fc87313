"""Whether poses belong to the pictures they stand beside, by the probe's inertial sensor.

Decides by how fast the probe turns, which tracker and gyroscope both see, whatever way the
sensor is mounted. Inertial samples and pictures share the probe's clock, so a lag of poses
against the sensor is one against the pictures. Deliberately corrects nothing, and says nothing
where the motion does not single a lag out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.calibration.temporal_correlation import correlation_curve
from hipus.sweep import Imu, Sweep

#: A lag is believed from this correlation, lead over the second optimum and interval on. Of 36
#: simulated training sweeps 35 pass; their lags lie within 19 ms of the true one.
LEAST_CORRELATION, LEAST_MARGIN, WIDEST_S = 0.4, 0.04, 0.05
_MAX_LAG_S, _GAP_S, _GRID_S = 0.5, 0.25, 0.005
_LEAST_POSES = 20


@dataclass(frozen=True)
class InertialLag:
    """By how much poses are late against the inertial sensor.

    Attributes
    ----------
    lag_s : float
        Positive: poses are stamped late. NaN where it cannot be told.
    half_width_s : float
        Of its 95 % interval.
    correlation : float
    why_not : str
        Why no lag is told; "" where one is.
    """

    lag_s: float
    half_width_s: float
    correlation: float
    why_not: str


def inertial_lag(sweep: Sweep) -> InertialLag:
    """Estimate the lag of a sweep's poses against its inertial sensor.

    Parameters
    ----------
    sweep : Sweep
        Poses as they are to be used: a lag that was undone must be gone.

    Returns
    -------
    InertialLag

    Notes
    -----
    Correlates the length of the angular velocity of both; the gyroscope's is averaged over a
    frame's interval first, as the difference of two poses is. Curve, parabola and jackknife are
    those of the time calibration (`calibration.temporal_correlation`).
    """
    is_valid = np.asarray(sweep.is_valid)
    if not is_valid.any():
        return InertialLag(np.nan, np.nan, np.nan, "no poses")
    if sweep.imu is None or len(sweep.imu.time_s) < 2:
        return InertialLag(np.nan, np.nan, np.nan, "no inertial sensor")
    if is_valid.sum() < _LEAST_POSES:
        return InertialLag(np.nan, np.nan, np.nan, f"{is_valid.sum()} poses")
    time_s, turn = _pose_rates(sweep.time_s[is_valid], sweep.T_probe_to_reference[is_valid])
    felt = _felt_rates(sweep.imu, float(np.median(np.diff(sweep.time_s))))
    if np.ptp(turn) == 0 or np.ptp(felt[1]) == 0:
        return InertialLag(np.nan, np.nan, np.nan, "no turning")
    try:
        curve = correlation_curve(time_s, turn, *felt, max_lag_s=_MAX_LAG_S, max_gap_s=_GAP_S)
    except ValueError:
        return InertialLag(np.nan, np.nan, np.nan, "no common time")
    return _judged(curve)


def _judged(curve) -> InertialLag:
    """Return the lag of a curve with its sign, or why none is told."""
    # The sparse signal are the poses: poses at t match the sensor at t + curve's lag.
    lag_s, (_, half_s) = -curve.refined_lag_s(), curve.jackknife_s()
    best, second = curve.at(curve.best), curve.at(curve.second_optimum)
    if best < LEAST_CORRELATION:
        return InertialLag(np.nan, np.nan, best, "tracker and sensor turn differently")
    if best - abs(np.nan_to_num(second)) < LEAST_MARGIN or half_s > WIDEST_S:
        return InertialLag(np.nan, np.nan, best, "motion too regular")
    return InertialLag(lag_s, half_s, best, "")


def _pose_rates(time_s: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times and rates (rad/s) of the turns between neighbouring poses."""
    turned = rotations.to_rotation_vector(geometry.relative(T[:-1], T[1:])[:, :3, :3])
    middle_s = 0.5 * (time_s[1:] + time_s[:-1])
    return middle_s, np.linalg.norm(turned, axis=1) / np.diff(time_s)


def _felt_rates(imu: Imu, interval_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return times and rates (rad/s) of the gyroscope, averaged over an interval."""
    from scipy.ndimage import uniform_filter1d

    time_s = np.arange(imu.time_s[0], imu.time_s[-1], _GRID_S)
    axes = [np.interp(time_s, imu.time_s, axis) for axis in imu.angular_velocity_rad_s.T]
    size = max(1, round(interval_s / _GRID_S))
    smooth = uniform_filter1d(np.stack(axes, axis=1), size, axis=0, mode="nearest")
    return time_s, np.linalg.norm(smooth, axis=1)
