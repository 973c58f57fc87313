"""Prepared sweeps through a block of made speckle, with steps that are known."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from hipus import geometry
from hipus.motion.preparation import PreparedSweep

ROWS, COLUMNS, SPACING_MM = 60, 72, (0.3, 0.25)
#: Slices of the block, and how far its texture reaches out of plane.
PITCH_MM, REACH_MM = 0.02, 0.35


def speckle_block(rng: np.random.Generator, depth_mm: float) -> np.ndarray:
    """Return Gaussian texture (slices, rows, columns) of unit variance."""
    count = int(np.ceil(depth_mm / PITCH_MM)) + 2
    noise = rng.standard_normal((count, ROWS, COLUMNS)).astype(np.float32)
    texture = gaussian_filter(noise, (REACH_MM / PITCH_MM, 1.1, 1.4), mode="wrap")
    return texture / texture.std()


def speckle_sweep(
    rng: np.random.Generator,
    steps_mm: np.ndarray,
    *,
    subject_id: str = "S1",
    sweep_type: str = "p_a",
    shift_uv_px: tuple[int, int] = (0, 0),
    turns: np.ndarray | None = None,
) -> PreparedSweep:
    """Return a sweep that goes straight through a block of its own.

    Content moves by `shift_uv_px` from frame to frame, and flow and poses say so.
    """
    z_mm = np.concatenate([[0.0], np.cumsum(steps_mm)])
    block = speckle_block(rng, z_mm[-1])[np.round(z_mm / PITCH_MM).astype(int)]
    moved = [
        np.roll(b, (i * shift_uv_px[1], i * shift_uv_px[0]), (0, 1)) for i, b in enumerate(block)
    ]
    frames = np.clip(110 + 30 * np.stack(moved), 0, 255).astype(np.uint8)
    count, grid = len(frames), 24
    flow = np.zeros((count - 1, 2, grid, grid), np.float32)
    flow += (
        np.array(shift_uv_px)[:, None, None]
        * np.array([grid / COLUMNS, grid / ROWS])[:, None, None]
    )
    centres = np.column_stack(
        [*(np.outer(-np.array(shift_uv_px), range(count)).T * SPACING_MM).T, z_mm]
    )
    return PreparedSweep(
        subject_id=subject_id,
        sweep_id=f"right_{sweep_type}",
        sweep_type=sweep_type,
        side="right",
        is_mirrored=False,
        is_flipped=False,
        first_frame=0,
        frames=frames,
        thumbnails=np.zeros((count, grid, grid), np.float32),
        flow=flow,
        time_s=0.1 * np.arange(count),
        T_centre_to_world=geometry.transform(translation=centres),
        imu_rotations=turns,
        pixel_spacing_xy_mm=SPACING_MM,
    )
