"""Fill voxels that no pixel reached, from hit voxels around them.

Decides two methods: sticks, as the PLUS toolkit does it, so that volumes can be compared with
it; and gaps up to a stated width in mm, which does not depend on the spacing. Both leave hit
voxels as they are, leave `weight` 0 in filled ones and mark them in `is_filled`, so that what
was measured stays known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from hipus.reconstruction.rows import compiled
from hipus.reconstruction.voxelisation import Reconstruction

#: Half of the 26 neighbour directions, as (z, y, x) steps; the other half is their reverse.
DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d > (1, 1, 1)], np.int64) - 1


def fill_sticks(
    reconstruction: Reconstruction,
    *,
    stick_length_limit: int = 9,
    stick_count: int = 1,
    ends: str = "linear",
) -> Reconstruction:
    """Fill a hole from the shortest straight line through it that ends in hit voxels.

    Parameters
    ----------
    reconstruction : Reconstruction
    stick_length_limit : int
        Longest line in voxels, both ends counted.
    stick_count : int
        How many lines to average, shortest first, weighted by 1 / length. Lines of the same
        length count as one: all of them are used.
    ends : {"linear", "plus"}
        Weights of the two ends: by linear interpolation, or as PLUS computes them.

    Returns
    -------
    Reconstruction
        Of the same type; integer volumes are rounded ("plus" truncates twice, as PLUS does).

    Raises
    ------
    ValueError
        For limits that no line can meet, or unknown `ends`.

    Notes
    -----
    The "stick" method of PLUS (Lasso et al. 2014). With f and g steps to the two ends PLUS
    weights them (g + 1) : f, where linear interpolation is g : f. The difference is up to a
    third of the grey-value step, towards the end on the positive side.
    """
    if stick_length_limit < 3:
        raise ValueError(f"stick_length_limit must be >= 3 voxels, got {stick_length_limit}")
    if stick_count < 1:
        raise ValueError(f"stick_count must be >= 1, got {stick_count}")
    if ends not in ("linear", "plus"):
        raise ValueError(f"ends must be 'linear' or 'plus', got {ends!r}")
    volume, is_hit = reconstruction.volume, reconstruction.is_hit
    is_integer = np.issubdtype(volume.dtype, np.integer)
    filled, is_filled = volume.copy(), np.zeros(volume.shape, bool)
    # Halves go up although weights may have put them a rounding error lower.
    rounding = 0.5 + 1e-9 if is_integer and ends == "linear" else 0.0
    limits = (stick_length_limit, stick_count)
    _fill(volume, is_hit, filled, is_filled, limits, rounding, ends == "plus", is_integer)
    return replace(reconstruction, volume=filled, is_filled=is_filled)


def fill_gaps(reconstruction: Reconstruction, *, widest_gap_mm: float) -> Reconstruction:
    """Fill gaps up to a width in mm with a normalised Gaussian mean of hit voxels.

    Parameters
    ----------
    reconstruction : Reconstruction
    widest_gap_mm : float
        Between hit voxels. The outside of the swept region is not extrapolated.

    Returns
    -------
    Reconstruction
        Of the same type; integer volumes are rounded.

    Raises
    ------
    ValueError
        If the width is not positive.

    Notes
    -----
    Normalised convolution (Knutsson and Westin 1993) with the hit mask as certainty, sigma a
    quarter of the gap, inside a morphological closing of the mask by half the gap.
    """
    if not widest_gap_mm > 0:
        raise ValueError(f"widest_gap_mm must be positive, got {widest_gap_mm}")
    spacing = np.array(reconstruction.grid.spacing_zyx_mm)
    is_hit, volume = reconstruction.is_hit, reconstruction.volume
    gap = _closing(is_hit, widest_gap_mm / 2, spacing) & ~is_hit
    sigma = np.maximum(widest_gap_mm / 4, spacing / 2) / spacing
    smooth = [
        ndimage.gaussian_filter(np.where(is_hit, values, 0).astype(np.float32), sigma, truncate=4)
        for values in (volume, np.float32(1))
    ]
    gap &= smooth[1] > 1e-6  # beyond the kernel's reach there is nothing to average
    filled = volume.copy()
    mean = smooth[0][gap] / smooth[1][gap]
    filled[gap] = np.rint(mean) if np.issubdtype(volume.dtype, np.integer) else mean
    return replace(reconstruction, volume=filled, is_filled=gap)


def _closing(mask: np.ndarray, radius_mm: float, spacing: np.ndarray) -> np.ndarray:
    """Close a mask by a ball given in mm, as if the mask went on beyond the borders."""
    margin = [(int(np.ceil(radius_mm / side)) + 1,) * 2 for side in spacing]
    wide = np.pad(mask, margin, mode="edge")
    grown = ndimage.distance_transform_edt(~wide, spacing) <= radius_mm
    closed = ndimage.distance_transform_edt(grown, spacing) > radius_mm
    return closed[tuple(slice(before, -after) for before, after in margin)]


@compiled
def _reach(is_hit, z, y, x, direction, steps):
    """Return the steps to the first hit voxel in a direction, 0 if there is none in reach."""
    dz, dy, dx = direction
    depth, height, width = is_hit.shape
    for step in range(1, steps + 1):
        z, y, x = z + dz, y + dy, x + dx
        if not (0 <= z < depth and 0 <= y < height and 0 <= x < width):
            return 0
        if is_hit[z, y, x]:
            return step
    return 0


@compiled
def _stick(volume, is_hit, z, y, x, k, limit, like_plus, truncates):
    """Return value and squared length of the stick in direction k, or a length of 0."""
    dz, dy, dx = DIRECTIONS[k, 0], DIRECTIONS[k, 1], DIRECTIONS[k, 2]
    f = _reach(is_hit, z, y, x, (dz, dy, dx), limit - 2)
    g = _reach(is_hit, z, y, x, (-dz, -dy, -dx), limit - 1 - f) if f else 0
    if not g:
        return 0.0, 0
    total = f + g + 1
    share = (g + 1) / total if like_plus else g / (f + g)
    ahead, behind = (
        volume[z + f * dz, y + f * dy, x + f * dx],
        volume[z - g * dz, y - g * dy, x - g * dx],
    )
    value = share * ahead + (1 - share) * behind
    if truncates:
        value = np.floor(value)
    return value, total * total * (dz * dz + dy * dy + dx * dx)


@compiled
def _average(values, squares, count):
    """Return the mean of the `count` shortest sticks, ties included; NaN where there are none."""
    total = weights = 0.0
    used = 0
    while used < count:
        shortest = 0
        for square in squares:
            if square > 0 and (shortest == 0 or square < shortest):
                shortest = square
        if shortest == 0:
            break
        weight = 1 / np.sqrt(shortest)
        for k in range(len(squares)):
            if squares[k] == shortest:
                total += values[k] * weight
                weights += weight
                used += 1
                squares[k] = 0
    return total / weights if weights else np.nan


@compiled
def _fill(volume, is_hit, filled, is_filled, limits, rounding, like_plus, is_integer):
    """Fill every hole that has a stick."""
    depth, height, width = volume.shape
    limit, count = limits
    values, squares = np.zeros(len(DIRECTIONS)), np.zeros(len(DIRECTIONS), np.int64)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if is_hit[z, y, x]:
                    continue
                for k in range(len(DIRECTIONS)):
                    values[k], squares[k] = _stick(
                        volume, is_hit, z, y, x, k, limit, like_plus, like_plus and is_integer
                    )
                mean = _average(values, squares, count)
                if not np.isnan(mean):
                    filled[z, y, x] = np.floor(mean + rounding) if is_integer else mean
                    is_filled[z, y, x] = True
