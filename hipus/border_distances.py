"""Border voxels of a mask and exact distances to them, in compiled loops.

Decides what a border is (mask minus its erosion by direct neighbours; outside the array is
background) and how the nearest border voxel is found. Deliberately knows no metric: what the
distances mean is decided in `hipus.surface_metrics`.

Trap: numba stamps a cached function with the file it stands in, so all compiled functions that
call each other stay in this file.
"""

from __future__ import annotations

import numpy as np
from numba import njit

compiled = njit(nogil=True, cache=True, error_model="numpy")


def border_voxels(mask: np.ndarray) -> np.ndarray:
    """Return the voxels of a mask that have a neighbour outside it.

    Parameters
    ----------
    mask : numpy.ndarray (...) bool

    Returns
    -------
    numpy.ndarray (...) bool
        Mask minus its erosion by the cross of direct neighbours (two per axis). Beyond the
        array lies background.
    """
    inner = mask.copy()
    for axis in range(mask.ndim):
        kept, moved = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        kept[1:] &= moved[:-1]
        kept[:-1] &= moved[1:]
        kept[:1] = kept[-1:] = False
    return mask & ~inner


def distances_to_border(start: np.ndarray, goal: np.ndarray, spacing_zyx_mm) -> np.ndarray:
    """Return the distance of each start voxel to the nearest goal voxel.

    Parameters
    ----------
    start, goal : numpy.ndarray (D, H, W) bool
        Of one shape. A box around both is enough, and the smaller the faster.
    spacing_zyx_mm : sequence of 3 floats

    Returns
    -------
    numpy.ndarray (K,) float64
        In mm, in the order of `numpy.nonzero(start)`; inf without a goal.

    Notes
    -----
    Exact Euclidean distances. Nearest goal along y by two sweeps, within the plane by the
    lower envelope of parabolas along x (Felzenszwalb and Huttenlocher 2012, section 2), and
    along z, only for the voxels that ask, by looking outwards until nothing nearer can come.
    Time is bounded for any mask: a constant per voxel of the box, at most D per start voxel.
    Takes 8 bytes per voxel of the box.
    """
    start, goal = np.ascontiguousarray(start), np.ascontiguousarray(goal)
    distances = np.full(np.count_nonzero(start), np.inf)
    if len(distances) and goal.any():
        spacing = np.asarray(spacing_zyx_mm, np.float64)
        in_plane = np.empty(goal.shape)
        _fill_in_plane(goal, spacing, in_plane)
        _look_along_z(start, in_plane, spacing[0], _row_starts(start), distances)
    return distances


@compiled
def _fill_in_plane(goal, spacing, squared):
    """Write the squared distance of every voxel to the nearest goal in its own z plane."""
    _, rows, columns = goal.shape
    along_y = np.empty((rows, columns))
    site, start = np.empty(columns, np.int64), np.empty(columns)
    for z in range(goal.shape[0]):
        _square_along_y(goal[z], spacing[1], along_y)
        for y in range(rows):
            _lower_envelope(along_y[y], spacing[2], site, start, squared[z, y])


@compiled
def _square_along_y(goal, spacing_mm, squared):
    """Write the squared distance of every pixel to the nearest goal in its own column."""
    rows, columns = goal.shape
    # Whole voxels are counted, and only then scaled: sums of millimetres would round.
    steps = np.full(columns, np.inf)
    for y in range(rows):
        for x in range(columns):
            steps[x] = 0.0 if goal[y, x] else steps[x] + 1.0
            squared[y, x] = steps[x]
    steps[:] = np.inf
    for y in range(rows - 1, -1, -1):
        for x in range(columns):
            steps[x] = 0.0 if goal[y, x] else steps[x] + 1.0
            distance = min(steps[x], squared[y, x]) * spacing_mm
            squared[y, x] = distance * distance


@compiled
def _lower_envelope(heights, spacing_mm, site, start, lowest):
    """Write the minimum over q of heights[q] + (spacing (x - q))^2 for every x of a row."""
    count = 0
    for q in range(len(heights)):
        if heights[q] == np.inf:
            continue
        crossing = -np.inf
        while count:
            last = site[count - 1]
            rise = (heights[q] - heights[last]) / (spacing_mm * spacing_mm * (q - last))
            crossing = 0.5 * (rise + q + last)
            if crossing > start[count - 1]:
                break
            count -= 1  # the last parabola is nowhere the lowest
        site[count], start[count] = q, crossing if count else -np.inf
        count += 1
    if not count:
        lowest[:] = np.inf
        return
    k = 0
    for x in range(len(heights)):
        while k + 1 < count and start[k + 1] < x:
            k += 1
        distance = (x - site[k]) * spacing_mm
        lowest[x] = heights[site[k]] + distance * distance


@compiled
def _row_starts(start):
    """Return how many voxels of a border come before each of its rows, (D, H)."""
    planes, rows, _ = start.shape
    first, total = np.empty((planes, rows), np.int64), 0
    for z in range(planes):
        for y in range(rows):
            first[z, y] = total
            total += start[z, y].sum()
    return first


@compiled
def _look_along_z(start, in_plane, spacing_mm, first, distances):
    """Write the distance of each start voxel: the best plane, looking outwards from its own.

    `first[z, y]` is where the distances of a row begin. Rows are taken y by y and not in their
    own order: what one y looks at, a (z, x) plane, stays in the cache.
    """
    planes, rows, columns = start.shape
    for y in range(rows):
        for z in range(planes):
            found = first[z, y]
            for x in range(columns):
                if not start[z, y, x]:
                    continue
                best = in_plane[z, y, x]
                for step in range(1, planes):
                    away = (step * spacing_mm) * (step * spacing_mm)
                    if away >= best:
                        break
                    if z >= step:
                        best = min(best, in_plane[z - step, y, x] + away)
                    if z + step < planes:
                        best = min(best, in_plane[z + step, y, x] + away)
                distances[found] = np.sqrt(best)
                found += 1
