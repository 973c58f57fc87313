"""What the probe's inertial sensor says of its rotation, and how it joins a prediction.

Decides between which frames a log tells anything, in the centre frame's axes, and how its
rotations are weighed against predicted ones. Translation is never taken from it: an
accelerometer integrated twice is off by centimetres within a sweep. **Yaw about gravity is not
observable** (see `attitude`): it drifts with the gyroscope's bias, tilt does not. The network
does not see the log; the published network's parameter count leaves no room for it.
"""

from __future__ import annotations

import numpy as np

from hipus import geometry, rotations
from hipus.motion.attitude import smooth_attitude
from hipus.motion.stillness import SensorTrust
from hipus.sweep import Imu, check_times

#: Samples further apart than this say nothing of what happened between them. A Clarius log
#: has gaps of up to half a second.
MAX_GAP_S = 0.6
#: Error of one step's rotation about each axis where nothing better is known: of the log, as
#: measured on the simulated cohort, and of a prediction that says "no rotation" (there 0.36 deg
#: in all), which a trained network should not exceed.
IMU_SD_DEG, NETWORK_SD_DEG = 0.07, 0.2


def imu_rotations(
    imu: Imu,
    time_s,
    T_centre_to_probe,
    *,
    delay_s: float = 0.0,
    max_gap_s: float = MAX_GAP_S,
    trust: SensorTrust | None = None,
) -> np.ndarray:
    """Return the rotation from each frame to the next as the inertial sensor felt it.

    Parameters
    ----------
    imu : Imu
        Its whole log, also before and after the frames: what is known beyond helps.
    time_s : array-like (N,)
        Image times, strictly increasing.
    T_centre_to_probe : array-like (4, 4)
        Rigid; see `poses.centre_to_probe`.
    delay_s : float
        `imu_time = image_time + delay`, for logs whose clock is not the images'.
    max_gap_s : float
        A step that touches a longer gap between two samples is NaN.
    trust : SensorTrust, optional

    Returns
    -------
    numpy.ndarray (N - 1, 3, 3)
        Frame i + 1 -> frame i in the centre frame's axes, as `poses.steps` has them. NaN
        where the log does not cover the step: leave those to the prediction.

    Raises
    ------
    ValueError
        If the sensor's mounting is unknown, no step lies within the log, a time, transform or
        setting is wrong, or the log holds too little (see `attitude.smooth_attitude`).

    Notes
    -----
    Rotation against the room. Poses against a marker on the infant differ where it moves.
    """
    time_s = check_times(time_s)
    if not (np.isfinite(delay_s) and max_gap_s > 0):
        raise ValueError(
            "delay_s must be finite and max_gap_s positive, "
            f"got delay_s = {delay_s} and max_gap_s = {max_gap_s}"
        )
    R_centre_to_imu = _mounting(imu, T_centre_to_probe)
    felt = smooth_attitude(imu, time_s + delay_s, trust=trust)
    R = felt.R_imu_to_world @ R_centre_to_imu
    turned = np.swapaxes(R[:-1], -1, -2) @ R[1:]
    turned[_touches_gap(imu, time_s + delay_s, max_gap_s)] = np.nan
    if len(turned) and np.isnan(turned).all():
        raise ValueError(
            f"imu covers no step between frames: samples from {imu.time_s[0]:.3f} to "
            f"{imu.time_s[-1]:.3f} s, frames from {time_s[0] + delay_s:.3f} to "
            f"{time_s[-1] + delay_s:.3f} s, gaps up to {max_gap_s} s: check clocks and delay_s"
        )
    return turned


def _mounting(imu: Imu, T_centre_to_probe) -> np.ndarray:
    """Return R_centre_to_imu (3, 3)."""
    if imu.T_imu_to_probe is None:
        raise ValueError(
            "imu.T_imu_to_probe is unknown (a Clarius log does not state it): calibrate how the "
            "sensor is mounted, or leave the rotation to the prediction"
        )
    T = geometry.check_transform(T_centre_to_probe, "T_centre_to_probe")
    return geometry.relative(imu.T_imu_to_probe, T)[:3, :3]


def _touches_gap(imu: Imu, time_s: np.ndarray, max_gap_s: float) -> np.ndarray:
    """Return which steps (N - 1,) share time with a gap that is too long."""
    last = np.flatnonzero(np.diff(imu.time_s) > max_gap_s)
    begins, ends = imu.time_s[last], imu.time_s[last + 1]
    return ((time_s[:-1, None] < ends) & (time_s[1:, None] > begins)).any(axis=1)


def fuse_rotation(
    steps, imu_rotations, *, network_sd_deg=NETWORK_SD_DEG, imu_sd_deg=IMU_SD_DEG
) -> np.ndarray:
    """Join predicted steps with rotations that were felt; translations stay as predicted.

    Parameters
    ----------
    steps : array-like (N - 1, 4, 4)
        Predicted, frame i + 1 -> frame i. NaN where unknown.
    imu_rotations : array-like (N - 1, 3, 3)
        In the same axes; NaN where the log says nothing.
    network_sd_deg, imu_sd_deg : array-like, broadcastable to (N - 1, 3)
        Errors of both about each axis, positive. Best measured on sweeps with known poses
        (`rotation_error_deg`). The spread of overlapping windows is no such error: windows
        share frames and err together, so it trusts the network too much.

    Returns
    -------
    numpy.ndarray (N - 1, 4, 4)
        NaN where the step was; the prediction itself where the log says nothing.

    Raises
    ------
    ValueError
        For wrong shapes, motions that are not rigid, or errors that are not positive.

    Notes
    -----
    Inverse-variance mean on SO(3): with d = log(R_network^T R_imu), the rotation is
    R_network exp(w d), w = var_network / (var_network + var_imu) about each axis. Exact where
    both errors are equal about all axes or d is small.
    """
    steps = geometry.check_transform(steps, "steps", allow_nan=True)
    felt = rotations.check_rotation(
        imu_rotations, "imu_rotations", tolerance=rotations.RIGID_TOLERANCE, allow_nan=True
    )
    if steps.ndim != 3 or felt.shape != (len(steps), 3, 3):
        raise ValueError(
            "steps must be (N - 1, 4, 4) and imu_rotations (N - 1, 3, 3), "
            f"got {steps.shape} and {felt.shape}"
        )
    network_var = _variance(network_sd_deg, "network_sd_deg", len(steps))
    imu_var = _variance(imu_sd_deg, "imu_sd_deg", len(steps))
    predicted = steps[:, :3, :3]
    apart = rotations.to_rotation_vector(np.swapaxes(predicted, -1, -2) @ felt)
    share = network_var / (network_var + imu_var)
    fused = steps.copy()
    is_felt = np.isfinite(apart).all(axis=1)
    turn = rotations.from_rotation_vector((share * apart)[is_felt])
    fused[is_felt, :3, :3] = predicted[is_felt] @ turn
    return fused


def rotation_error_deg(predicted, true) -> np.ndarray:
    """Return the root mean square error of rotations about each axis.

    Parameters
    ----------
    predicted, true : array-like (K, 3, 3) or (K, 4, 4)
        NaN in either is left out.

    Returns
    -------
    numpy.ndarray (3,)
        Of log(predicted^T true), degrees.

    Raises
    ------
    ValueError
        If the shapes differ or no pair is known.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if predicted.ndim != 3 or predicted.shape != true.shape:
        raise ValueError(
            "predicted and true must be alike, (K, 3, 3) or (K, 4, 4), "
            f"got {predicted.shape} and {true.shape}"
        )
    apart = np.swapaxes(predicted[:, :3, :3], -1, -2) @ true[:, :3, :3]
    apart = apart[np.isfinite(apart).all(axis=(1, 2))]
    if not len(apart):
        raise ValueError(f"predicted and true must share a known rotation, got 0 of {len(true)}")
    return np.degrees(np.sqrt((rotations.to_rotation_vector(apart) ** 2).mean(axis=0)))


def _variance(sd_deg, name: str, count: int) -> np.ndarray:
    """Return (count, 3) variances."""
    sd = np.asarray(sd_deg, np.float64)
    if not (np.isfinite(sd) & (sd > 0)).all():
        raise ValueError(f"{name} must be positive, got {sd.min()}")
    try:
        return np.broadcast_to(sd**2, (count, 3))
    except ValueError as error:
        raise ValueError(f"{name} must broadcast to ({count}, 3), got {sd.shape}") from error
