"""Inertial logs of known motions, made with the simulation's sensor."""

import numpy as np

from hipus import geometry, rotations
from hipus.phantom.acquisition.imu import EVEN, ImuErrors, SensorErrors, measure

RATE_HZ = 84.0
#: Gravity along no axis of anything.
UP = np.array([0.36, 0.48, 0.8])


def sway(time_s, *, degrees=4.0):
    """Return a smooth turn (K, 3, 3) about all axes, as of a hand that sweeps."""
    phases = np.outer(time_s, [0.7, 0.5, 0.9]) * 2 * np.pi / 3 + [0.0, 1.0, 2.0]
    return rotations.from_rotation_vector(np.radians(degrees) * np.sin(phases))


def pan(time_s):
    """Return a turn (K, 3, 3) to and fro about gravity alone."""
    angle = np.radians(20) * np.sin(2 * np.pi * np.asarray(time_s) / 5)
    return rotations.from_rotation_vector(np.outer(angle, UP))


def still(time_s):
    """Return no turn (K, 3, 3), askew."""
    return np.broadcast_to(rotations.from_euler([30.0, -20.0, 50.0], "ZYX"), (len(time_s), 3, 3))


def log_of(
    turn,
    rng,
    *,
    seconds=8.0,
    bias=(0.0, 0.0, 0.0),
    noise=0.0,
    tilt_noise=0.0,
    force_bias=(0.0, 0.0, 0.0),
    gaps=(),
    mounting=None,
):
    """Return the log of a sensor that turns in place, without the samples inside gaps."""
    assert EVEN.rate_hz == RATE_HZ
    time_s = np.arange(-0.2, seconds + 0.2, 1 / RATE_HZ)
    for begin, end in gaps:
        time_s = time_s[(time_s <= begin) | (time_s >= end)]
    errors = ImuErrors(
        SensorErrors(bias=bias, noise=noise), SensorErrors(bias=force_bias, noise=tilt_noise)
    )
    return measure(
        rng,
        time_s,
        lambda times: geometry.transform(turn(times)),
        up_in_world=UP,
        errors=errors,
        T_imu_to_probe=np.eye(4) if mounting is None else mounting,
    )


def turned(R):
    """Return the turn since the first attitude (K, 3, 3), in the first one's axes."""
    return np.swapaxes(R[:1], -1, -2) @ R


def drift_deg(found, true, up):
    """Return how far the last attitude went astray since the first: (tilt, yaw), in degrees."""
    astray = turned(found)[-1] @ turned(true)[-1].T
    vector = np.degrees(rotations.to_rotation_vector(astray))
    up_at_first = true[0].T @ up
    yaw = float(vector @ up_at_first)
    return float(np.linalg.norm(vector - yaw * up_at_first)), abs(yaw)
