"""Put tracked frames into a volume.

Decides interpolation (nearest, linear), compounding (mean, maximum, latest), weights, which
frames are left out, how frames are streamed (one block at a time) and how the work is shared
among threads: each owns a slab of the volume, so that **the result has the same bits for any
number of threads and any block size**. Deliberately fills no holes (`holes`), makes no grid
(`grid`) and reads no files.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from hipus import geometry
from hipus.reconstruction.accumulators import (
    Accumulator,
    Layout,
    PackedMean,
    Selection,
    WeightedMean,
)
from hipus.reconstruction.blocks import frame_blocks
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.region import ImageRegion, segments
from hipus.reconstruction.rows import LARGEST_COORDINATE

log = logging.getLogger(__name__)

#: A pixel half-way between two voxels goes to the upper one even if rounding errors put it up
#: to this many voxels too low. Also the C++ reference's: its floor works in steps of 2^-16.
TIE_TOLERANCE = 2.0**-17
INTERPOLATIONS = ("nearest", "linear")
COMPOUNDINGS = ("mean", "maximum", "latest")


@dataclass(frozen=True)
class Reconstruction:
    """A volume made of frames.

    Attributes
    ----------
    volume : numpy.ndarray (D, H, W)
        float32 for the mean, else the frames' type; 0 where not hit.
    weight : numpy.ndarray (D, H, W) float32
        Sum of weights (mean) or number of pixels (maximum, latest); 0 where not hit.
    grid : VoxelGrid
    frames_used, frames_left_out : int
        Left out are frames whose transform holds NaN.
    is_filled : numpy.ndarray (D, H, W) bool or None
        Voxels that hole filling has filled; None before.
    """

    volume: np.ndarray
    weight: np.ndarray
    grid: VoxelGrid
    frames_used: int
    frames_left_out: int
    is_filled: np.ndarray | None = None

    @property
    def is_hit(self) -> np.ndarray:
        """Return the (D, H, W) bool mask of voxels that a pixel has reached."""
        return self.weight > 0

    @property
    def is_known(self) -> np.ndarray:
        """Return the (D, H, W) bool mask of voxels that were hit or filled."""
        return self.is_hit if self.is_filled is None else self.is_hit | self.is_filled


def voxelise(
    frames,
    T_pixel_to_world,
    grid: VoxelGrid,
    *,
    interpolation: str = "linear",
    compounding: str = "mean",
    region: ImageRegion | None = None,
    frame_weights=None,
    pixel_weights=None,
    threads: int | None = None,
    block_size: int = 16,
) -> Reconstruction:
    """Reconstruct a volume from frames and their poses.

    Parameters
    ----------
    frames : array, sliceable of shape (N, H, W), or iterable of (n, H, W) blocks
        uint8 or float32. Sliceables are read `block_size` frames at a time.
    T_pixel_to_world : array-like (N, 4, 4)
        Maps (u px, v px, 0) to world mm, scale included; NaN where invalid.
    grid : VoxelGrid
        Pixels outside are left out.
    interpolation : {"nearest", "linear"}
        A pixel goes to the nearest voxel, or to the eight around it by trilinear weight.
    compounding : {"mean", "maximum", "latest"}
        With "linear", maximum and latest choose among pixels of weight >= 1/8 in a voxel.
    region : ImageRegion, optional
        Pixels to use. Left out: all.
    frame_weights : array-like (N,), optional
    pixel_weights : array-like (H, W), optional
        Not negative, for the mean only.
    threads : int, optional
        Left out: as many as there are cores to use. Never changes the result.
    block_size : int
        Frames in memory at a time. Never changes the result.

    Returns
    -------
    Reconstruction

    Raises
    ------
    ValueError
        For unknown methods, wrong shapes, types or weights, no frames, no valid pose, or
        frames and poses that differ in number.

    Notes
    -----
    Pixel-nearest and pixel-trilinear methods of Solberg et al. (2007), as in PLUS (Lasso et
    al. 2014). Peak memory is 16 bytes a voxel and one block of frames. Unweighted nearest
    means of uint8 frames are exact; other means have float32 sums.
    Trap: the nearest voxel is found by rounding half up, in all directions.
    """
    _check_methods(interpolation, compounding, frame_weights, pixel_weights)
    T = _checked_transforms(T_pixel_to_world)
    blocks = frame_blocks(frames, len(T), block_size=block_size)
    first = next(blocks)
    shape_hw = first.shape[1:]
    frame_weights = _checked_weights(frame_weights, (len(T),), "frame_weights")
    pixel_weights = _checked_weights(pixel_weights, shape_hw, "pixel_weights")
    region = region or ImageRegion.whole(shape_hw)
    coordinates = _voxel_coordinates(T, grid, shape_hw)
    layout = _layout(coordinates, region, grid, interpolation)
    accumulator = _accumulator(layout, first.dtype, compounding, frame_weights, pixel_weights)
    work = _Work(accumulator, _kernel_steps(coordinates, layout), segments(region.mask(shape_hw)))
    threads = _thread_count(threads)
    work.add_all(chain([first], blocks), threads)
    return work.finish(grid, threads)


def _check_methods(interpolation, compounding, frame_weights, pixel_weights) -> None:
    """Raise for methods that do not exist or do not go together."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {INTERPOLATIONS}, got {interpolation!r}")
    if compounding not in COMPOUNDINGS:
        raise ValueError(f"compounding must be one of {COMPOUNDINGS}, got {compounding!r}")
    if compounding != "mean" and not (frame_weights is None and pixel_weights is None):
        raise ValueError(f"weights need compounding 'mean', got {compounding!r}")


def _checked_transforms(T_pixel_to_world) -> np.ndarray:
    """Return the (N, 4, 4) transforms, wholly NaN where they hold a NaN."""
    T = np.array(T_pixel_to_world, np.float64)
    if T.ndim != 3 or T.shape[1:] != (4, 4):
        raise ValueError(f"T_pixel_to_world must be (N, 4, 4), got {T.shape}")
    T[np.isnan(T).any(axis=(1, 2))] = np.nan
    T = geometry.check_transform(T, "T_pixel_to_world", rigid=False, allow_nan=True)
    if not len(T):
        raise ValueError("T_pixel_to_world holds zero frames: nothing to reconstruct")
    if np.isnan(T[:, 0, 0]).all():
        raise ValueError(f"T_pixel_to_world has no valid pose in {len(T)} frames")
    return T


def _checked_weights(weights, shape: tuple[int, ...], name: str) -> np.ndarray | None:
    """Return weights of a shape, finite and not negative, or None."""
    if weights is None:
        return None
    weights = np.ascontiguousarray(weights, np.float64)
    if weights.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError(f"{name} must be finite, not negative and not all 0")
    return weights


def _voxel_coordinates(T: np.ndarray, grid: VoxelGrid, shape_hw) -> np.ndarray:
    """Return (N, 3, 3): voxel coordinates (z, y, x) of pixel (u, v) as `c @ [u, v, 1]`."""
    c = geometry.compose(grid.T_world_to_voxel, T)[:, 2::-1][:, :, [0, 1, 3]]
    far = [[u, v, 1] for u in (0, shape_hw[1]) for v in (0, shape_hw[0])]
    reach = np.abs(np.nan_to_num(c @ np.transpose(far))).max(axis=(1, 2))
    if reach.max() >= LARGEST_COORDINATE - 2:
        worst = int(reach.argmax())
        raise ValueError(
            f"T_pixel_to_world[{worst}] puts pixels {reach[worst]:.3g} voxels away from "
            "the grid's origin: check its unit"
        )
    return c


def _layout(coordinates, region: ImageRegion, grid: VoxelGrid, interpolation: str) -> Layout:
    """Choose the slab axis: the one along which the pixels spread most."""
    corners = np.nan_to_num(coordinates) @ (region.corners_px + [0, 0, 1]).T
    is_valid = ~np.isnan(coordinates[:, 0, 0])
    spread = np.std(corners[is_valid], axis=(0, 2))
    first = int(spread.argmax())
    axes = (first, *(axis for axis in range(3) if axis != first))
    return Layout(grid.shape_zyx, pad=int(interpolation == "linear"), axes=axes)


def _kernel_steps(coordinates: np.ndarray, layout: Layout) -> np.ndarray:
    """Return cell coordinates in kernel order: floor gives the cell."""
    steps = coordinates[:, layout.axes].copy()
    steps[:, :, 2] += 1.0 if layout.pad else 0.5 + TIE_TOLERANCE
    return steps


def _accumulator(layout, dtype, compounding, frame_weights, pixel_weights) -> Accumulator:
    """Return the leanest accumulator that can do the job."""
    if compounding != "mean":
        return Selection(layout, dtype, is_maximum=compounding == "maximum")
    is_plain = frame_weights is None and pixel_weights is None
    if is_plain and dtype == np.uint8 and not layout.pad:
        return PackedMean(layout)
    return WeightedMean(layout, frame_weights, pixel_weights)


def _thread_count(threads: int | None) -> int:
    """Return the number of threads to use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if threads < 1:
        raise ValueError(f"threads must be >= 1, got {threads}")
    return threads


@dataclass(frozen=True)
class _Work:
    """What is the same for every block: where to add, where pixels lie, which to use."""

    accumulator: Accumulator
    steps: np.ndarray
    used: np.ndarray

    @property
    def is_valid(self) -> np.ndarray:
        """Return which frames have a transform."""
        return ~np.isnan(self.steps[:, 0, 0])

    def add_all(self, blocks: Iterator[np.ndarray], threads: int) -> None:
        """Add all blocks; ValueError unless they hold as many frames as there are poses."""
        count, expected = 0, len(self.steps)
        with ThreadPoolExecutor(threads) as pool:
            for block in blocks:
                part = slice(count, count + len(block))
                count += len(block)
                if count <= expected:
                    self._add(block, np.arange(expected)[part], pool, threads)
        if count != expected:
            raise ValueError(f"frames and T_pixel_to_world must agree, got {count} and {expected}")

    def finish(self, grid: VoxelGrid, threads: int) -> Reconstruction:
        """Return the result, and say what was left out."""
        volume, weight = self.accumulator.finish(threads)
        count, used = len(self.steps), int(self.is_valid.sum())
        if used < count:
            log.warning("%d of %d frames left out: no valid transform", count - used, count)
        return Reconstruction(volume, weight, grid, used, count - used)

    def _add(self, block: np.ndarray, indices: np.ndarray, pool, threads: int) -> None:
        """Add the valid frames of a block, each slab by one thread."""
        is_valid = self.is_valid[indices]
        if not is_valid.any():
            return
        if not is_valid.all():
            block, indices = block[is_valid], indices[is_valid]
        self.accumulator.check(block.size)
        steps = self.steps[indices]
        slabs = _slabs(steps, self.used, self.accumulator.layout, threads)
        add = partial(self.accumulator.add, block, steps, indices, self.used)
        for _ in pool.map(add, slabs):
            pass  # map raises here what a thread has raised


def _slabs(steps, used, layout: Layout, count: int) -> list[tuple[int, int]]:
    """Cut the slab axis so that each of `count` slabs gets about as many pixels."""
    if count == 1 or not len(used):
        return [(0, layout.slab_length)]
    row, start, stop = used[:: max(1, len(used) // 32)].T
    u = start + np.linspace(0, 1, 17)[:, None] * (stop - 1 - start)
    position = steps[:, 0, 0, None] * u.ravel() + steps[:, 0, 2, None]
    position += steps[:, 0, 1, None] * np.tile(row, len(u))
    inside = position[(position >= 0) & (position < layout.slab_length)]
    shares = np.quantile(inside, np.arange(1, count) / count) if inside.size else []
    cuts = np.unique([0, *np.rint(shares).astype(int), layout.slab_length])
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
