"""Predict a frame from the frames on either side of it, by their poses.

The slice-interpolating counterpart of leaving a frame out of a volume: it needs no voxels, so
it still says something where frames lie further apart than a voxel.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hipus import geometry

#: Distance below which a neighbour counts as if it were this far, mm: no weight is infinite.
NEAREST_MM = 1e-3
#: A pixel this far outside the image still lies on its border, px.
BORDER_PX = 1e-6


def between_neighbours(frames, T_pixel_to_world, *, frame_index: int) -> np.ndarray:
    """Predict a frame by distance-weighted sampling of the frames before and after it.

    Parameters
    ----------
    frames : sliceable (N, H, W)
    T_pixel_to_world : array-like (N, 4, 4)
        Maps (u px, v px, 0) to mm; the third column is the out-of-plane direction.
    frame_index : int
        The frame to predict; it takes no part itself.

    Returns
    -------
    numpy.ndarray (H, W) float32
        NaN where a neighbour does not reach.

    Raises
    ------
    ValueError
        If the frame has no neighbour on one side, or one of the three poses is not valid.

    Notes
    -----
    Each pixel is projected along the neighbour's normal onto the neighbour's plane and
    sampled there bilinearly; the two samples are weighted by inverse distance (distance
    weighting of Trobaugh et al. 1994, with two slices).
    """
    T = np.asarray(T_pixel_to_world, np.float64)
    sides = (frame_index - 1, frame_index + 1)
    if not 1 <= frame_index <= len(T) - 2:
        raise ValueError(f"frame_index must be 1 to {len(T) - 2}, got {frame_index}")
    if np.isnan(T[frame_index - 1 : frame_index + 2]).any():
        raise ValueError(f"T_pixel_to_world[{frame_index}] and its neighbours must be valid")
    height, width = frames.shape[1:]
    v, u = np.mgrid[:height, :width]
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1).reshape(-1, 3)
    world = geometry.apply(T[frame_index], pixels)
    samples = [_sample(np.asarray(frames[i : i + 1])[0], T[i], world) for i in sides]
    weights = [1 / np.maximum(distance, NEAREST_MM) for _, distance in samples]
    total = sum(weight * values for weight, (values, _) in zip(weights, samples, strict=True))
    return (total / sum(weights)).reshape(height, width).astype(np.float32)


def _sample(frame: np.ndarray, T_pixel_to_world, world) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame's values below points, and the points' distances from its plane in mm."""
    pixel = geometry.apply(geometry.invert(T_pixel_to_world), world)
    across_mm = np.linalg.norm(T_pixel_to_world[:3, 2])
    last = np.array(frame.shape[::-1]) - 1
    nearest = np.clip(pixel[:, :2], 0, last)
    # A pixel on the border must not fall outside by a rounding error.
    u, v = np.where(np.abs(pixel[:, :2] - nearest) < BORDER_PX, nearest, pixel[:, :2]).T
    values = ndimage.map_coordinates(frame.astype(np.float32), [v, u], order=1, cval=np.nan)
    return values, np.abs(pixel[:, 2]) * across_mm
