"""Look into a volume along an image plane, and predict a frame from all others.

Decides how a volume is sampled at a frame's own pose (trilinear, only where all voxels that
count were hit), and the leave-one-out error: a frame against the volume made without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus import geometry
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import Reconstruction, voxelise

#: Share of the trilinear weight that hit voxels must have for a resliced pixel to count.
SMALLEST_KNOWN_SHARE = 0.5
_BLOCK_FRAMES = 16


@dataclass(frozen=True)
class Prediction:
    """A frame, and what the other frames say it should be.

    Attributes
    ----------
    frame : numpy.ndarray (H, W) float32
    predicted : numpy.ndarray (H, W) float32
        NaN where the other frames say nothing, and outside the region.
    """

    frame: np.ndarray
    predicted: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Return predicted minus frame, NaN where nothing is predicted."""
        return self.predicted - self.frame


def reslice(volume, grid: VoxelGrid, *, T_pixel_to_world, shape_hw, is_hit=None) -> np.ndarray:
    """Sample a volume at the pixels of a posed frame.

    Parameters
    ----------
    volume : array-like (D, H, W)
    grid : VoxelGrid
        Where the volume lies.
    T_pixel_to_world : array-like (4, 4)
        Maps (u px, v px, 0) to world mm.
    shape_hw : tuple of 2 int
        Rows and columns of the frame.
    is_hit : array-like (D, H, W) of bool, optional
        Voxels that hold something, for example a reconstruction's `is_known`. Left out:
        all. The rest takes no part, rather than darkening what is next to it.

    Returns
    -------
    numpy.ndarray (H, W) float32
        NaN outside the volume and where less than half of the weight is on hit voxels.

    Raises
    ------
    ValueError
        If volume or mask do not have the grid's shape, or the transform is not valid.
    """
    volume = np.asarray(volume, np.float32)
    is_hit = np.ones(volume.shape, bool) if is_hit is None else np.asarray(is_hit, bool)
    for name, array in (("volume", volume), ("is_hit", is_hit)):
        if array.shape != grid.shape_zyx:
            raise ValueError(
                f"{name} must have the grid's shape {grid.shape_zyx}, got {array.shape}"
            )
    T = geometry.check_transform(T_pixel_to_world, "T_pixel_to_world", rigid=False)
    v, u = np.mgrid[: shape_hw[0], : shape_hw[1]]
    pixels = np.stack([u, v, np.zeros_like(u)], axis=-1).reshape(-1, 3)
    xyz = geometry.apply(geometry.compose(grid.T_world_to_voxel, T), pixels)
    zyx = xyz[:, ::-1].T
    share = _sample(is_hit.astype(np.float32), zyx)
    grey = _sample(np.where(is_hit, volume, np.float32(0)), zyx)
    known = share >= SMALLEST_KNOWN_SHARE
    return np.where(known, grey / np.where(known, share, 1), np.nan).reshape(shape_hw)


def _sample(array: np.ndarray, zyx: np.ndarray) -> np.ndarray:
    """Interpolate trilinearly, with nothing (0) outside."""
    return ndimage.map_coordinates(array, zyx, order=1, mode="constant", cval=0.0)


def _without(frames, index: int) -> Iterator[np.ndarray]:
    """Yield all frames but one, in blocks."""
    for start, stop in ((0, index), (index + 1, frames.shape[0])):
        for first in range(start, stop, _BLOCK_FRAMES):
            yield np.asarray(frames[first : min(first + _BLOCK_FRAMES, stop)])


def leave_one_out(
    frames,
    T_pixel_to_world,
    grid: VoxelGrid,
    *,
    frame_index: int,
    region: ImageRegion | None = None,
    fill: Callable[[Reconstruction], Reconstruction] | None = None,
    **options,
) -> Prediction:
    """Predict a frame by the volume that all other frames make.

    Parameters
    ----------
    frames : sliceable (N, H, W)
    T_pixel_to_world : array-like (N, 4, 4)
    grid : VoxelGrid
    frame_index : int
        The frame left out and predicted.
    region : ImageRegion, optional
        Pixels to use, in both ways. Left out: all.
    fill : callable, optional
        From Reconstruction to Reconstruction: fills the gap that the frame leaves, for
        example `fill_sticks`. Without it frames further apart than a voxel predict nothing.
    **options
        Further arguments of `voxelise`.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If there is no such frame, or it has no valid pose.

    Notes
    -----
    Compare frames of a sweep's middle: at its ends there is nothing to interpolate from. The
    error holds tracking, calibration and time lag together with the spacing of frames.
    """
    T = np.array(T_pixel_to_world, np.float64)
    if not 0 <= frame_index < len(T):
        raise ValueError(f"frame_index must be 0 to {len(T) - 1}, got {frame_index}")
    T_frame = T[frame_index].copy()
    if np.isnan(T_frame).any():
        raise ValueError(f"T_pixel_to_world[{frame_index}] is not valid: nowhere to reslice")
    shape_hw = tuple(frames.shape[1:])
    rest = np.delete(T, frame_index, axis=0)
    others = voxelise(_without(frames, frame_index), rest, grid, region=region, **options)
    others = others if fill is None else fill(others)
    predicted = reslice(
        others.volume, grid, T_pixel_to_world=T_frame, shape_hw=shape_hw, is_hit=others.is_known
    )
    used = (region or ImageRegion.whole(shape_hw)).mask(shape_hw)
    frame = np.asarray(frames[frame_index : frame_index + 1])[0].astype(np.float32)
    return Prediction(frame, np.where(used, predicted, np.nan).astype(np.float32))
