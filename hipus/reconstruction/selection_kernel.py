"""The hot loops of maximum and latest compounding, which select a pixel instead of averaging.

Decides what "linear" means where nothing is interpolated: a pixel is a candidate for each of
the up to eight voxels around it in which its trilinear weight is at least 1/8, the weight it
has everywhere when it lies in the middle of a cell. Rows are walked, and slabs owned by
threads, as in `hipus.reconstruction.kernel`; "latest" is the last in frame, row, column order.
"""

from __future__ import annotations

import numpy as np

from hipus.reconstruction.rows import (
    FRACTION_BITS,
    FRACTION_MASK,
    ONE,
    column_step,
    compiled,
    cut_row,
    inside,
    row_start,
)

MINIMUM_CORNER_WEIGHT = 0.125


@compiled
def _keep(values, hits, voxel, grey, count, is_maximum):
    """Let a voxel hold the grey value if it is its first, the greatest, or simply the latest."""
    if not is_maximum or hits[voxel] == 0 or grey > values[voxel]:
        values[voxel] = grey
    hits[voxel] += np.uint32(count)


@compiled
def keep_nearest(frames, steps, segments, values, hits, shape, strides, slab, is_maximum):
    """Keep the greatest or latest of the pixels that lie in each cell.

    Parameters
    ----------
    frames : (N, H, W) uint8 or float32
    steps : (N, 3, 3) float64
        Cell coordinates of pixel (u, v): `steps @ [u, v, 1]`, cells being their floor.
    segments : (S, 3) int64
        Row, first column and last column + 1 of what to use, in row and column order.
    values : (cells,) as frames
        Flat accumulator, changed in place.
    hits : (cells,) uint32
        Number of pixels seen, changed in place.
    shape, strides : tuple of 3 int
        Cells along each axis, and their distance in `values`.
    slab : tuple of 2 int
        First cell and last cell + 1 along axis 0 that this call may write.
    is_maximum : bool
        Keep the greatest, else the latest.
    """
    width = frames.shape[2]
    ends, cells = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    for n in range(frames.shape[0]):
        D = column_step(steps[n])
        for s in range(len(segments)):
            v = segments[s, 0]
            P = row_start(steps[n], v)
            u, u1 = inside(P, D, shape, slab, segments[s])
            if u >= u1:
                continue
            for run in range(cut_row(P, D, strides, u, u1, ends, cells)):
                end = ends[run]
                grey = frames[n, v, end - 1]
                if is_maximum:
                    for column in range(u, end - 1):
                        grey = max(grey, frames[n, v, column])
                _keep(values, hits, cells[run], grey, end - u, is_maximum)
                u = end


@compiled
def _keep_corners(P, D, u, grey, values, hits, cell, strides, slab, is_maximum):
    """Offer one pixel to the corners of its cell that are near enough and in the slab."""
    p0, p1, p2 = P[0] + u * D[0], P[1] + u * D[1], P[2] + u * D[2]
    f0, f1 = (p0 & FRACTION_MASK) / ONE, (p1 & FRACTION_MASK) / ONE
    f2 = (p2 & FRACTION_MASK) / ONE
    for k in range(8):
        i, j, l = k >> 2, (k >> 1) & 1, k & 1  # noqa: E741
        weight = (f0 if i else 1 - f0) * (f1 if j else 1 - f1) * (f2 if l else 1 - f2)
        layer = (p0 >> FRACTION_BITS) + i
        if weight >= MINIMUM_CORNER_WEIGHT and slab[0] <= layer < slab[1]:
            voxel = cell + i * strides[0] + j * strides[1] + l * strides[2]
            _keep(values, hits, voxel, grey, 1, is_maximum)


@compiled
def keep_linear(frames, steps, segments, values, hits, shape, strides, slab, is_maximum):
    """Keep the greatest or latest of the pixels whose trilinear weight in a voxel is >= 1/8.

    Parameters as `keep_nearest`, except that cell c lies between voxels c and c + 1 of each
    axis: `shape` counts cells, `slab` voxels of axis 0.
    """
    width = frames.shape[2]
    ends, cells = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    reach = (max(slab[0] - 1, 0), min(slab[1], shape[0]))
    for n in range(frames.shape[0]):
        D = column_step(steps[n])
        for s in range(len(segments)):
            v = segments[s, 0]
            P = row_start(steps[n], v)
            u, u1 = inside(P, D, shape, reach, segments[s])
            if u >= u1:
                continue
            for run in range(cut_row(P, D, strides, u, u1, ends, cells)):
                cell = cells[run]
                for column in range(u, ends[run]):
                    grey = frames[n, v, column]
                    _keep_corners(P, D, column, grey, values, hits, cell, strides, slab, is_maximum)
                u = ends[run]
