"""What wrong poses do to a volume: pictures and labels placed twice and compared.

Decides one grid for all volumes of a sweep, how pictures and labels are put into it (nearest
voxel; what no frame reached takes the nearest hit voxel's value up to `REACH_MM`), and what is
compared in shells of distance from a point: grey values where both volumes know something,
labels everywhere, because a volume that shrank has lost what it does not show. Deliberately
judges nothing and aligns nothing (see `pose_agreement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from hipus import metrics
from hipus.reconstruction.agreement import compare
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise

#: Half of the widest step between frames of a sweep (1.7 mm), rounded up.
REACH_MM = 1.0
#: Side of the window of structural similarity, voxels, and its two constants (Wang 2004).
WINDOW = 7
_STABILISERS = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)


@dataclass(frozen=True)
class Placed:
    """Pictures and labels of one sweep in a volume.

    Attributes
    ----------
    grey : numpy.ndarray (D, H, W) float32
        Mean of the pixels; 0 where nothing is known.
    labels : numpy.ndarray (D, H, W) uint8
        Of the last pixel that reached the voxel; 0 where nothing is known.
    is_known : numpy.ndarray (D, H, W) bool
    """

    grey: np.ndarray
    labels: np.ndarray
    is_known: np.ndarray


@dataclass(frozen=True)
class ShellAgreement:
    """How well two volumes agree at one distance from a point.

    Attributes
    ----------
    inner_mm, outer_mm : float
        Voxels at distances inner <= d < outer.
    voxel_count : int
        Voxels that the reference knows.
    known_share : float
        Share of them that the other volume knows too; NaN for 0 voxels.
    correlation : float
        Pearson's (zero-mean normalised cross-correlation) of grey values known in both.
    mean_absolute_difference : float
        In grey levels, where known in both.
    structural_similarity : float
        Mean of the local index (Wang et al. 2004), where known in both.
    dice : tuple of float
        One per label asked for, over all voxels of the shell; NaN where both lack it.
    dice_any : float
        Of all these labels taken together.
    """

    inner_mm: float
    outer_mm: float
    voxel_count: int
    known_share: float
    correlation: float
    mean_absolute_difference: float
    structural_similarity: float
    dice: tuple[float, ...]
    dice_any: float


def grid_of(poses: Sequence, shape_hw, *, centre_mm, radius_mm, spacing_mm: float) -> VoxelGrid:
    """Return a grid that holds a sweep in all its placements, cut to a cube about a point.

    Parameters
    ----------
    poses : sequence of array-like (N, 4, 4)
        `T_pixel_to_world` of every placement.
    shape_hw : tuple of 2 int
    centre_mm : array-like (3,)
    radius_mm : float
        Half the side of the cube.
    spacing_mm : float

    Returns
    -------
    VoxelGrid

    Raises
    ------
    ValueError
        If the sweep does not reach the cube in any placement.
    """
    stack = np.concatenate([np.asarray(T, np.float64) for T in poses])
    stack[np.isnan(stack).any(axis=(1, 2))] = np.nan
    grid = grid_around(stack, ImageRegion.whole(shape_hw), spacing_xyz_mm=spacing_mm)
    low = np.array(grid.origin_xyz_mm)
    high = low + spacing_mm * (np.array(grid.shape_zyx[::-1]) - 1)
    low = np.maximum(low, np.asarray(centre_mm, float) - radius_mm)
    high = np.minimum(high, np.asarray(centre_mm, float) + radius_mm)
    if (high < low).any():
        raise ValueError(f"no frame comes within {radius_mm} mm of the point {tuple(centre_mm)}")
    counts = np.floor((high - low) / spacing_mm).astype(int) + 1
    return VoxelGrid(tuple(low), (spacing_mm,) * 3, tuple(int(count) for count in counts[::-1]))


def place(frames, labels, *, T_pixel_to_world, grid: VoxelGrid, threads: int = 1) -> Placed:
    """Put pictures and labels into a volume.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    labels : numpy.ndarray (N, H, W) uint8 or None
        Of the same frames; None for none.
    T_pixel_to_world : array-like (N, 4, 4)
        NaN where a frame is left out.
    grid : VoxelGrid
    threads : int

    Returns
    -------
    Placed

    Raises
    ------
    ValueError
        If labels and frames differ in shape, or as `voxelise` says.
    """
    if labels is not None and np.shape(labels) != np.shape(frames):
        raise ValueError(f"labels must be {np.shape(frames)} like frames, got {np.shape(labels)}")
    options = {"interpolation": "nearest", "threads": threads}
    made = voxelise(frames, T_pixel_to_world, grid, **options)
    grey, marked = made.volume, np.zeros(grid.shape_zyx, np.uint8)
    if labels is not None:
        marked = voxelise(labels, T_pixel_to_world, grid, compounding="latest", **options).volume
    if not made.is_hit.any():
        return Placed(grey, marked, made.is_hit)
    distance, nearest = ndimage.distance_transform_edt(
        ~made.is_hit, sampling=grid.spacing_zyx_mm, return_indices=True
    )
    known = distance <= REACH_MM
    nearest = tuple(nearest)
    return Placed(np.where(known, grey[nearest], 0), np.where(known, marked[nearest], 0), known)


def compare_shells(
    other: Placed, reference: Placed, *, grid: VoxelGrid, centre_mm, edges_mm, labels: Sequence[int]
) -> tuple[ShellAgreement, ...]:
    """Compare two volumes of one grid in shells about a point.

    Parameters
    ----------
    other, reference : Placed
    grid : VoxelGrid
    centre_mm : array-like (3,)
    edges_mm : array-like (S + 1,)
        Increasing distances, the first not negative.
    labels : sequence of int
        Labels whose overlap is asked for.

    Returns
    -------
    tuple of ShellAgreement (S,)

    Raises
    ------
    ValueError
        For edges that do not increase, or volumes that do not fit the grid.

    Notes
    -----
    Grey values count where both volumes know something, so read them beside `known_share`:
    few voxels in common can agree well. Overlap counts unknown voxels as background.
    """
    edges = np.asarray(edges_mm, np.float64)
    if edges.ndim != 1 or len(edges) < 2 or edges[0] < 0 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges_mm must be 2 or more increasing distances, got {edges.tolist()}")
    for name, placed in (("other", other), ("reference", reference)):
        if placed.is_known.shape != grid.shape_zyx:
            raise ValueError(
                f"{name} must have the grid's shape {grid.shape_zyx}, got {placed.is_known.shape}"
            )
    distance = distances(grid, centre_mm)
    similarity = structural_similarity(other, reference)
    return tuple(
        _compare(
            (distance >= inner) & (distance < outer),
            other,
            reference,
            similarity,
            ends=(float(inner), float(outer)),
            labels=labels,
        )  # fmt: skip
        for inner, outer in pairwise(edges)
    )


def distances(grid: VoxelGrid, centre_mm) -> np.ndarray:
    """Return every voxel centre's distance from a point, (D, H, W) float32, mm."""
    squares = [
        (start + side * np.arange(count) - middle).astype(np.float32) ** 2
        for start, side, count, middle in zip(
            grid.origin_xyz_mm, grid.spacing_xyz_mm, grid.shape_zyx[::-1], centre_mm, strict=True
        )
    ]
    x, y, z = squares
    return np.sqrt(z[:, None, None] + y[:, None] + x)


def structural_similarity(other: Placed, reference: Placed) -> np.ndarray:
    """Return the local structural similarity of two volumes where both are known.

    Parameters
    ----------
    other, reference : Placed
        Of one shape.

    Returns
    -------
    numpy.ndarray (D, H, W) float32
        Index of Wang et al. (2004), eq. 13, in cubes of `WINDOW` voxels; only voxels known in
        both take part in the local means. 0 where they are not known in both.
    """
    both = other.is_known & reference.is_known
    weight = np.maximum(_mean(both.astype(np.float32)), np.float32(1e-6))
    a, b = (np.where(both, one.grey, 0).astype(np.float32) for one in (other, reference))
    mean_a, mean_b, aa, bb, ab = (_mean(values) / weight for values in (a, b, a * a, b * b, a * b))
    c1, c2 = _STABILISERS
    numerator = (2 * mean_a * mean_b + c1) * (2 * (ab - mean_a * mean_b) + c2)
    # Rounding may leave a variance below 0.
    spread = np.maximum(aa - mean_a**2, 0) + np.maximum(bb - mean_b**2, 0)
    return np.where(both, numerator / ((mean_a**2 + mean_b**2 + c1) * (spread + c2)), 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return means over cubes, nothing outside."""
    return ndimage.uniform_filter(values, WINDOW, mode="constant")


def _compare(inside, other: Placed, reference: Placed, similarity, *, ends, labels):
    """Compare the voxels of one shell."""
    expected = inside & reference.is_known
    both = expected & other.is_known
    count, shared = int(expected.sum()), int(both.sum())
    grey = compare(other.grey, reference.grey, mask=both) if shared else None
    marked = [
        np.where(np.isin(one.labels[inside], labels), one.labels[inside], 0)
        for one in (other, reference)
    ]
    nothing = float("nan")
    return ShellAgreement(
        *ends,
        voxel_count=count,
        known_share=shared / count if count else nothing,
        correlation=grey.correlation if grey else nothing,
        mean_absolute_difference=grey.mean_absolute_difference if grey else nothing,
        structural_similarity=float(similarity[both].mean()) if shared else nothing,
        dice=tuple(metrics.dice_per_label(*marked, labels).tolist()),
        dice_any=metrics.dice(marked[0] > 0, marked[1] > 0),
    )
