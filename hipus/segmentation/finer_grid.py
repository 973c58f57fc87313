"""Between a volume's grid and one that divides each of its voxels.

Decides where the small voxels lie and which label a voxel takes from those in it. Raters need it:
a boundary that a rater displaces by less than half a voxel would not move on a coarse grid, and
two raters would agree there better than any two people do.
"""

from __future__ import annotations

import numpy as np

from hipus import images
from hipus.reconstruction.grid import VoxelGrid


def finer_grid(volume: images.Volume, factor: int) -> VoxelGrid:
    """Return the grid that divides every voxel of a volume.

    Parameters
    ----------
    volume : hipus.images.Volume
        With the world's axes.
    factor : int
        Along each axis.

    Returns
    -------
    VoxelGrid

    Raises
    ------
    ValueError
        If the factor is not positive, or the volume's axes are turned.
    """
    _check(factor)
    if not np.allclose(volume.direction, np.eye(3)):
        raise ValueError(f"volume must have the world's axes, got direction {volume.direction}")
    spacing = np.array(volume.spacing_zyx_mm[::-1])
    origin = np.array(volume.origin_xyz_mm) - spacing * (factor - 1) / (2 * factor)
    shape = tuple(int(factor * count) for count in volume.array.shape)
    return VoxelGrid(tuple(origin), tuple(spacing / factor), shape)


def divided(labels: np.ndarray, factor: int) -> np.ndarray:
    """Return labels on the finer grid, (factor D, factor H, factor W)."""
    _check(factor)
    for axis in range(3):
        labels = np.repeat(labels, factor, axis=axis)
    return labels


def united(labels: np.ndarray, factor: int) -> np.ndarray:
    """Return labels on the coarse grid: the one that most of a voxel's parts have.

    Parameters
    ----------
    labels : numpy.ndarray (factor D, factor H, factor W) uint8
    factor : int

    Returns
    -------
    numpy.ndarray (D, H, W) uint8
        Ties go to a structure against background, and to the larger label, as where frames are
        put into a volume.

    Raises
    ------
    ValueError
        If the factor is not positive or does not divide the shape.
    """
    _check(factor)
    if any(side % factor for side in labels.shape):
        raise ValueError(f"the shape must be divisible by {factor}, got {labels.shape}")
    coarse = tuple(side // factor for side in labels.shape)
    parts = [length for side in coarse for length in (side, factor)]
    result, most = np.zeros(coarse, np.uint8), np.zeros(coarse, np.int32)
    for label in np.unique(labels):
        count = (labels == label).reshape(parts).sum(axis=(1, 3, 5), dtype=np.int32)
        wins = (count >= most) & (count > 0)
        result[wins], most[wins] = label, count[wins]
    return result


def _check(factor: int) -> None:
    if factor < 1:
        raise ValueError(f"factor must be >= 1, got {factor}")
