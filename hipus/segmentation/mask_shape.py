"""Smooth label volumes, and how streaky they are.

Masks that were predicted frame by frame and stacked by their poses jump from frame to frame: the
streaks of the paper's figure 2. Decides how they are smoothed before somebody corrects them
(every structure keeps its volume) and how they are told in numbers: Dice of neighbouring slices,
and the distance of a surface from its own smoothed self, along the sweep and within its slices.
Deliberately compares with no truth; what is normal is what truth itself shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

#: Standard deviations that the Gaussian reaches.
_TRUNCATE = 4.0


@dataclass(frozen=True)
class Roughness:
    """How rough one structure's surface is along the sweep and across it.

    Attributes
    ----------
    elevational_mm : float
        RMS distance from the surface smoothed along the sweep alone: streaks.
    in_plane_mm : float
        RMS distance from the surface smoothed within slices alone.
    """

    elevational_mm: float
    in_plane_mm: float


def smooth_labels(labels: np.ndarray, *, spacing_zyx_mm, sigma_mm: float) -> np.ndarray:
    """Smooth a label volume, every structure keeping its volume.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
    spacing_zyx_mm : sequence of 3 float
    sigma_mm : float
        Standard deviation of the Gaussian; 0 changes nothing.

    Returns
    -------
    numpy.ndarray (D, H, W) uint8

    Raises
    ------
    ValueError
        If sigma is negative, or labels or spacing are not three-dimensional.

    Notes
    -----
    The indicator of each label, background included, is smoothed. A plain argmax of these would
    be enough for solid structures, but thin ones lose against background on both of their sides:
    a flat sheet is gone when it is thinner than 1.35 sigma, and of the 1.25 mm band of the
    chondro-osseous border (voxels of 0.5 mm) sigma = 0.5 mm left 57 %, 1 mm nothing. So a label
    claims the voxels where its smoothed indicator reaches the level that keeps its volume (near
    a half for solid structures); where several claim, the one that exceeds its level by the
    largest factor wins; where none claims, the argmax stands, so that no seam opens between
    two. A structure is never lost, but what is smaller than the Gaussian becomes round.
    """
    sigma = _sigma_voxels(labels, spacing_zyx_mm, sigma_mm)
    if not sigma.any():
        return labels.copy()
    background = np.ones(labels.shape, np.float32)
    claims, claimed = np.zeros(labels.shape, np.float32), np.zeros_like(labels)
    largest, plain = np.zeros(labels.shape, np.float32), np.zeros_like(labels)
    for label in np.unique(labels[labels > 0]):
        box, share = _smoothed(labels == label, sigma)
        ratio = share / _level(share, labels[box] == label)
        background[box] -= share
        for best, names, values in ((claims, claimed, ratio), (largest, plain, share)):
            wins = values > best[box]
            best[box][wins], names[box][wins] = values[wins], label
    plain[largest < background] = 0
    return np.where(claims >= 1, claimed, plain)


def slice_dice(labels: np.ndarray, structures: Sequence[int], *, axis: int = 0) -> np.ndarray:
    """Return the mean Dice of neighbouring slices of each structure.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) integer
    structures : sequence of int
        Labels to look at.
    axis : int
        Along which slices are neighbours; 0 is elevational.

    Returns
    -------
    numpy.ndarray (len(structures),) float64
        Over pairs of which one slice at least shows the structure (0 where only one does); NaN
        where no slice does.

    Raises
    ------
    ValueError
        If labels are not (D, H, W).

    Notes
    -----
    A structure that tapers or moves through the slices has less than 1 without any streak, and
    slices that lie closer have more: compare volumes of one spacing, truth being one of them.
    """
    labels = np.moveaxis(_check(labels), axis, 0)
    found = np.full(len(structures), np.nan)
    for index, structure in enumerate(structures):
        flat = (labels == structure).reshape(len(labels), -1)
        sizes = np.count_nonzero(flat, axis=1)
        total = sizes[1:] + sizes[:-1]
        shared = np.count_nonzero(flat[1:] & flat[:-1], axis=1)
        if total.any():
            found[index] = np.mean(2 * shared[total > 0] / total[total > 0])
    return found


def surface_roughness_mm(mask: np.ndarray, *, spacing_zyx_mm, sigma_mm) -> float:
    """Return the RMS distance of a surface from its own smoothed self.

    Parameters
    ----------
    mask : numpy.ndarray (D, H, W) bool
    spacing_zyx_mm : sequence of 3 float
    sigma_mm : float or sequence of 3 float
        Standard deviation of the Gaussian, along z, y and x where there are three; 0 leaves an
        axis as it is.

    Returns
    -------
    float
        mm; NaN for an empty mask or one without a surface in the volume.

    Raises
    ------
    ValueError
        If a sigma is negative or all are 0, or mask or spacing are not three-dimensional.

    Notes
    -----
    From every face between a voxel inside and one outside to the nearest point of the smoothed
    mask's level surface (found by linear interpolation, at the level that keeps the volume, so
    that curvature alone is no roughness), along that surface's normal. Faces at the volume's
    borders do not count. The staircase of voxels itself is about a quarter of a voxel: compare
    masks of one spacing.
    """
    sigma = _sigma_voxels(mask, spacing_zyx_mm, sigma_mm)
    if not sigma.any():
        raise ValueError(f"sigma_mm must be positive along an axis, got {sigma_mm}")
    mask = np.asarray(mask, bool)
    if not mask.any():
        return float("nan")
    box, share = _smoothed(mask, sigma)
    faces = _crossings(mask[box].astype(np.float32), 0.5, spacing_zyx_mm)
    smooth = _crossings(share, _level(share, mask[box]), spacing_zyx_mm)
    if not len(faces) or not len(smooth):
        return float("nan")
    _, nearest = cKDTree(smooth).query(faces)
    normals = _normals(share, smooth[nearest], spacing_zyx_mm)
    distance = np.sum((faces - smooth[nearest]) * normals, axis=1)
    return float(np.sqrt(np.mean(distance**2)))


def roughness(mask: np.ndarray, *, spacing_zyx_mm, sigma_mm: float) -> Roughness:
    """Return a structure's roughness along the sweep and within slices.

    Parameters
    ----------
    mask : numpy.ndarray (D, H, W) bool
        Elevational axis first.
    spacing_zyx_mm : sequence of 3 float
    sigma_mm : float
        Standard deviation of both Gaussians.

    Returns
    -------
    Roughness

    Notes
    -----
    See `surface_roughness_mm`. Streaks raise the first and leave the second.
    """
    along, across = (sigma_mm, 0.0, 0.0), (0.0, sigma_mm, sigma_mm)
    return Roughness(
        *(
            surface_roughness_mm(mask, spacing_zyx_mm=spacing_zyx_mm, sigma_mm=one)
            for one in (along, across)
        )
    )


def _check(labels: np.ndarray) -> np.ndarray:
    """Return labels after checking that they are a volume."""
    if np.ndim(labels) != 3:
        raise ValueError(f"labels must be (D, H, W), got {np.shape(labels)}")
    return np.asarray(labels)


def _sigma_voxels(labels, spacing_zyx_mm, sigma_mm) -> np.ndarray:
    """Return the Gaussian's width along each axis in voxels, all arguments checked."""
    _check(labels)
    spacing, sigma = np.asarray(spacing_zyx_mm, float), np.asarray(sigma_mm, float)
    if spacing.shape != (3,) or not (spacing > 0).all():
        raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing_zyx_mm}")
    if sigma.shape not in ((), (3,)) or not (np.isfinite(sigma) & (sigma >= 0)).all():
        raise ValueError(f"sigma_mm must be 1 or 3 numbers >= 0, got {sigma_mm}")
    return sigma / spacing


def _smoothed(mask: np.ndarray, sigma: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
    """Return the box that a smoothed mask fills, and its values there; it is 0 outside."""
    reach = np.ceil(_TRUNCATE * sigma).astype(int) + 1
    (tight,) = ndimage.find_objects(mask.astype(np.uint8))
    box = tuple(
        slice(max(0, part.start - more), part.stop + more)
        for part, more in zip(tight, reach.tolist(), strict=True)
    )
    # What lies beyond the volume is taken to go on as at its border.
    share = ndimage.gaussian_filter(
        mask[box].astype(np.float32), sigma, truncate=_TRUNCATE, mode="nearest"
    )
    return box, np.round(share, 5)  # voxels of a flat face are equal, rounding errors aside


def _level(share: np.ndarray, mask: np.ndarray) -> float:
    """Return the level above which a smoothed mask comes closest to the mask's own volume."""
    count = np.count_nonzero(mask)
    middle = np.partition(share.ravel(), share.size - count)[share.size - count]
    above, below = share[share > middle], share[share < middle]
    # Equal values go in or out together: a flat face must not be split.
    goes_out = above.size and count - above.size < share.size - below.size - count
    if goes_out:
        return float(middle + above.min()) / 2
    return float(middle + (below.max() if below.size else 0)) / 2


def _crossings(values: np.ndarray, level: float, spacing_zyx_mm) -> np.ndarray:
    """Return where a field crosses a level between neighbouring voxels, (P, 3), z y x, mm."""
    is_inside, points = values >= level, []
    for axis in range(3):
        first, second = (np.moveaxis(values, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        inside = np.moveaxis(is_inside, axis, 0)
        place = np.argwhere(inside[:-1] != inside[1:])
        start, stop = (one[tuple(place.T)] for one in (first, second))
        place = place.astype(float)
        place[:, 0] += (level - start) / (stop - start)
        order = [1, 2]
        order.insert(axis, 0)
        points.append(place[:, order])
    return np.concatenate(points) * np.asarray(spacing_zyx_mm, float)


def _normals(share: np.ndarray, points_mm: np.ndarray, spacing_zyx_mm) -> np.ndarray:
    """Return unit normals of a field's level surface at points, (P, 3), z y x."""
    places = (points_mm / np.asarray(spacing_zyx_mm, float)).T
    gradient = np.stack(
        [
            ndimage.map_coordinates(part, places, order=1, mode="nearest")
            for part in np.gradient(share, *spacing_zyx_mm)
        ],
        axis=1,
    )
    return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12)
