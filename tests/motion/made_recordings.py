"""Recorded sweeps of a made texture, for tests of what happens before motion is learned."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from hipus import geometry, rotations
from hipus.motion.poses import MIRROR
from hipus.sweep import Imu, Sweep
from hipus.sweep_cleaning import correct_flip

RATE_HZ = 10.0
#: Frames at each end in which the probe stands still.
STILL = 8
#: The probe turns evenly about an oblique axis of its own, deg per frame.
TURN_DEG = np.array([0.5, -0.3, 0.4])
#: Anisotropic pixels, and a picture that sits obliquely in the probe.
PIXEL_MM = (0.3, 0.4)
MOUNTING = geometry.transform(
    rotations.from_rotation_vector([0.4, -1.1, 0.7]), np.array([4.0, -3.0, 20.0])
)
T_IMU_TO_PROBE = geometry.transform(
    rotations.from_rotation_vector([-0.2, 0.5, 1.3]), np.array([1.0, 2.0, 3.0])
)
WORLD = geometry.transform(
    rotations.from_rotation_vector([1.0, 0.2, -0.6]), np.array([100.0, -50.0, 30.0])
)


def texture(rng, shape=(40, 56), *, depth=40) -> np.ndarray:
    """Return a volume (Z, H, W) that is brighter on its left, so that a mirror shows."""
    noise = gaussian_filter(rng.standard_normal((depth, *shape)), 1.5)
    noise /= noise.std()
    ramp = np.linspace(90, -90, shape[1])
    return np.clip(125 + ramp + 25 * noise, 0, 255).astype(np.uint8)


def recording(
    rng, *, side="right", shape=(40, 56), moving=24, is_flipped=False, sweep_id="p_a", turns=True
) -> Sweep:
    """Return a sweep that stands still, travels 0.7 mm a frame, and stands still.

    It travels along +z of the picture for a right hip, along -z for a left one, through the
    same pictures; a flipped one is the same held by a turned probe.
    """
    z = np.concatenate([np.zeros(STILL), np.arange(moving), np.full(STILL, moving - 1)])
    count = len(z)
    frames = texture(rng, shape, depth=moving)[z.astype(int)]
    frames = frames // 2 + rng.integers(0, 5, frames.shape, dtype=np.uint8)  # none repeats
    angles = np.radians(TURN_DEG) * np.arange(count)[:, None] * turns
    moved = np.stack([0.1 * z, 0.05 * z, 0.7 * z], axis=1)
    T_centre = geometry.transform(rotations.from_rotation_vector(angles), moved)
    if side == "left":
        T_centre = MIRROR @ T_centre @ MIRROR
    sweep = _held(frames, WORLD @ T_centre, sweep_id)
    return correct_flip(sweep) if is_flipped else sweep


def _held(frames: np.ndarray, T_centre_to_world: np.ndarray, sweep_id: str) -> Sweep:
    """Return the sweep of a probe that carries a picture along these poses, with its IMU."""
    height, width = frames.shape[1:]
    centre = np.array([(width - 1) / 2 * PIXEL_MM[0], (height - 1) / 2 * PIXEL_MM[1], 0.0])
    scale = geometry.transform(np.diag([*PIXEL_MM, 1.0]), -centre)
    T_probe = T_centre_to_world @ geometry.invert(MOUNTING)
    time_s = 5 + np.arange(len(frames)) / RATE_HZ
    return Sweep(
        frames,
        time_s=time_s,
        T_probe_to_reference=T_probe,
        T_pixel_to_probe=MOUNTING @ scale,
        imu=_felt(time_s, T_probe @ T_IMU_TO_PROBE),
        sweep_id=sweep_id,
    )


def _felt(time_s: np.ndarray, T_imu_to_world: np.ndarray) -> Imu:
    """Return what a perfect sensor feels of an even rotation, before, during and after."""
    ticks = np.arange(time_s[0] - 0.2, time_s[-1] + 0.2, 1 / 80)
    R = T_imu_to_world[:, :3, :3]
    rate = rotations.to_rotation_vector(R[0].T @ R[1]) * RATE_HZ
    turned = rotations.from_rotation_vector(rate * (ticks - time_s[0])[:, None])
    up = np.swapaxes(R[0] @ turned, -1, -2) @ np.array([0.0, 0.0, 9.81])
    return Imu(ticks, np.tile(rate, (len(ticks), 1)), up, T_IMU_TO_PROBE)


def untracked(sweep: Sweep, *, is_calibrated=True) -> Sweep:
    """Return a sweep that nobody tracked."""
    sweep = replace(
        sweep,
        T_probe_to_reference=np.full((len(sweep), 4, 4), np.nan),
        is_valid=np.zeros(len(sweep), bool),
    )
    return sweep if is_calibrated else replace(sweep, T_pixel_to_probe=None)
