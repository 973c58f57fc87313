"""Prepared sweeps whose motion can be read off their flow, for tests that learn."""

import numpy as np

from hipus import geometry, rotations
from hipus.motion import poses
from hipus.motion.arms import Arm
from hipus.motion.preparation import PreparedSweep

#: Two frames, so that a step costs milliseconds; rotation as three angles.
TINY = Arm("tiny", "prevost", frames=2, rotation_numbers=3)


def made_sweep(
    rng, subject="S001", *, sweep_id="p_a", count=14, px=16, has_imu=True, is_mirrored=False
):
    """Return a sweep whose flow u is its elevational step in tenths of a pixel."""
    z_mm = rng.uniform(0.3, 0.9) + 0.2 * rng.standard_normal(count - 1)
    turns = np.radians(0.3) * rng.standard_normal((count - 1, 3))
    R = rotations.from_rotation_vector(turns)
    moved = np.stack([0.1 * rng.standard_normal(count - 1), np.zeros(count - 1), z_mm], axis=1)
    flow = 0.05 * rng.standard_normal((count - 1, 2, px, px)).astype(np.float32)
    flow[:, 0] += (0.1 * z_mm)[:, None, None].astype(np.float32)
    noise = rotations.from_rotation_vector(np.radians(0.02) * rng.standard_normal((count - 1, 3)))
    world = geometry.transform(rotations.from_rotation_vector([0.3, -0.2, 0.5]), [10.0, -5.0, 90.0])
    return PreparedSweep(
        subject_id=subject,
        sweep_id=sweep_id,
        sweep_type=sweep_id,
        side="left" if is_mirrored else "right",
        is_mirrored=is_mirrored,
        is_flipped=False,
        first_frame=2,
        frames=rng.integers(0, 255, (count, 20, 30), dtype=np.uint8),
        thumbnails=rng.random((count, px, px), dtype=np.float32),
        flow=flow,
        time_s=np.arange(count) / 10,
        T_centre_to_world=world @ poses.chain(geometry.transform(R, moved)),
        imu_rotations=R @ noise if has_imu else None,
        pixel_spacing_xy_mm=(0.4, 0.5),
    )


def made_cohort(rng, *, training=3, validation=2, **choices):
    """Return (training, validation) sweeps of different subjects."""
    names = [f"S{number:03d}" for number in range(1, 1 + training + validation)]
    sweeps = [made_sweep(rng, name, **choices) for name in names]
    return sweeps[:training], sweeps[training:]
