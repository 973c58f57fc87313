"""Surfaces of labelled structures, small enough to lie beside tables.

Decides how a label volume becomes triangles that a figure draws: a little smoothing, so that
voxels do not show, and no more, so that streaks of frame-wise masks do. For looking at only:
distances are measured between voxels (`hipus.surface_metrics`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.images import Volume

#: Finer volumes are averaged to voxels of about this side before they are triangulated.
COARSEST_MM = 0.8
#: Standard deviation of the smoothing, in voxels.
_SIGMA = 0.6


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed surface.

    Attributes
    ----------
    vertices_xyz_mm : numpy.ndarray (V, 3) float16
        In the volume's world; to about 0.02 mm within 32 mm of its origin.
    faces : numpy.ndarray (F, 3) uint16 or uint32
        Triangles of vertices. None where the structure is absent.
    """

    vertices_xyz_mm: np.ndarray
    faces: np.ndarray


def label_surface(volume: Volume, label: int, *, side_mm: float = COARSEST_MM) -> Surface:
    """Return the surface of one structure.

    Parameters
    ----------
    volume : hipus.images.Volume
        Labels.
    label : int
    side_mm : float
        Voxels are averaged in blocks of at most this side.

    Returns
    -------
    Surface
        Cut open nowhere: what reaches the volume's edge is closed there.

    Raises
    ------
    ValueError
        If the side is not positive.

    Notes
    -----
    Marching cubes (Lorensen and Cline 1987) of the smoothed indicator, at half of what it has
    inside the structure (median): one half for a ball, less for a sheet thinner than a block, which
    would vanish else and is drawn about a block thick instead.
    """
    if not side_mm > 0:
        raise ValueError(f"side_mm must be positive, got {side_mm}")
    box = _box(volume.array == label)
    if box is None:
        return Surface(np.zeros((0, 3), np.float16), np.zeros((0, 3), np.uint16))
    from skimage.measure import marching_cubes  # here: half a second that others need not wait

    spacing = np.array(volume.spacing_zyx_mm)
    blocks = np.maximum((side_mm / spacing + 1e-6).astype(int), 1)
    share, margin = _shares(volume.array[box] == label, blocks)
    smooth = ndimage.gaussian_filter(share, _SIGMA, mode="constant")
    vertices, faces, _, _ = marching_cubes(smooth, float(np.median(smooth[share > 0])) / 2)
    # A block's centre lies in the middle of its voxels.
    first = np.array([side.start for side in box])
    index_zyx = (vertices - margin + 0.5) * blocks - 0.5 + first
    xyz = (index_zyx * spacing)[:, ::-1] @ np.asarray(volume.direction).T + volume.origin_xyz_mm
    kind = np.uint16 if len(xyz) <= np.iinfo(np.uint16).max else np.uint32
    return Surface(xyz.astype(np.float16), faces.astype(kind))


def _box(mask: np.ndarray) -> tuple[slice, slice, slice] | None:
    """Return the box around a mask, None if it is empty."""
    places = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(places[0]):
        return None
    return tuple(slice(int(place[0]), int(place[-1]) + 1) for place in places)


def _shares(mask: np.ndarray, blocks: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the share of a mask in each block of voxels, and the empty blocks around."""
    margin = 3
    lack = -np.array(mask.shape) % blocks
    padded = np.pad(mask.astype(np.float32), [(0, int(size)) for size in lack])
    counts = np.array(padded.shape) // blocks
    split = padded.reshape([int(n) for pair in zip(counts, blocks, strict=True) for n in pair])
    return np.pad(split.mean(axis=(1, 3, 5)), margin), margin
