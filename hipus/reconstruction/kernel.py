"""The hot loops of mean compounding: pixels of posed frames into the voxels of a volume.

Decides the order of accumulation. Threads own slabs of the volume along axis 0: every voxel is
written by one thread, in frame, row and column order, and the runs that
`hipus.reconstruction.rows` cuts do not depend on slabs. How many slabs there are changes no
bit of the result. Each run of pixels is added at once: neighbouring pixels share voxels.

Deliberately knows nothing of millimetres, poses, arguments to check or threads to start: see
`hipus.reconstruction.voxelisation`.
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

#: A packed accumulator holds the sum of grey values above a 28-bit hit count.
COUNT_BITS = 28


@compiled
def add_nearest_packed(frames, steps, segments, sums, shape, strides, slab):
    """Add uint8 pixels to the cells they lie in: `sums += grey << COUNT_BITS | 1`, exactly.

    Parameters
    ----------
    frames : (N, H, W) uint8
    steps : (N, 3, 3) float64
        Cell coordinates of pixel (u, v): `steps @ [u, v, 1]`, cells being their floor.
    segments : (S, 3) int64
        Row, first column and last column + 1 of what to use, in row and column order.
    sums : (cells,) int64
        Flat accumulator, changed in place.
    shape, strides : tuple of 3 int
        Cells along each axis, and their distance in `sums`.
    slab : tuple of 2 int
        First cell and last cell + 1 along axis 0 that this call may write.
    """
    width = frames.shape[2]
    ends, cells = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    until = np.zeros(width + 1, np.int64)
    for n in range(frames.shape[0]):
        D = column_step(steps[n])
        for s in range(len(segments)):
            v = segments[s, 0]
            P = row_start(steps[n], v)
            u0, u1 = inside(P, D, shape, slab, segments[s])
            if u0 >= u1:
                continue
            total = np.int64(0)
            for u in range(u0, u1):
                total += (np.int64(frames[n, v, u]) << COUNT_BITS) | 1
                until[u + 1] = total
            last = np.int64(0)
            for run in range(cut_row(P, D, strides, u0, u1, ends, cells)):
                total = until[ends[run]]
                sums[cells[run]] += total - last
                last = total


@compiled
def _moments(row, weights, u, end):
    """Return sums of w * grey * t^k and of w * t^k, k = 0..3, over columns u + t of a run."""
    g0 = g1 = g2 = g3 = 0.0
    if weights is None:
        for t in range(end - u):
            value = np.float64(row[u + t])
            g0 += value
            g1 += value * t
            g2 += value * (t * t)
            g3 += value * (t * t * t)
        n = np.float64(end - u)
        w1 = n * (n - 1) / 2
        return (g0, g1, g2, g3), (n, w1, w1 * (2 * n - 1) / 3, w1 * w1)
    w0 = w1 = w2 = w3 = 0.0
    for t in range(end - u):
        w = np.float64(weights[u + t])
        value = w * row[u + t]
        g0, g1, g2, g3 = g0 + value, g1 + value * t, g2 + value * t**2, g3 + value * t**3
        w0, w1, w2, w3 = w0 + w, w1 + w * t, w2 + w * t**2, w3 + w * t**3
    return (g0, g1, g2, g3), (w0, w1, w2, w3)


@compiled
def add_nearest(frames, steps, segments, sums, shape, strides, slab, scales, weights):
    """Add weighted pixels to the cells they lie in.

    Parameters as `add_linear`, except that cells are the voxels themselves, as in
    `add_nearest_packed`, which is the exact and faster way for unweighted uint8.
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
            row_weights = None if weights is None else weights[v]
            for run in range(cut_row(P, D, strides, u, u1, ends, cells)):
                greys, counts = _moments(frames[n, v], row_weights, u, ends[run])
                sums[cells[run], 0] += np.float32(scales[n] * greys[0])
                sums[cells[run], 1] += np.float32(scales[n] * counts[0])
                u = ends[run]


@compiled
def _corners(a, b, moments):
    """Return sums of m-weighted trilinear weights of a run at the 8 corners of its cell.

    Within a run the fractions are a + b t, so every corner weight is a cubic in t, and its sum
    over the run a combination of the moments: eight updates per run, not per pixel. `at_02` is
    the sum of fraction 0 times fraction 2; inclusion and exclusion (`only_`) turns these into
    corners, and keeps a corner of weight 0 at exactly 0.
    """
    m0, m1, m2, m3 = moments
    at_0, at_1, at_2 = a[0] * m0 + b[0] * m1, a[1] * m0 + b[1] * m1, a[2] * m0 + b[2] * m1
    c0, c1, c2 = a[0] * a[1], a[0] * b[1] + b[0] * a[1], b[0] * b[1]
    at_01 = c0 * m0 + c1 * m1 + c2 * m2
    at_02 = a[0] * a[2] * m0 + (a[0] * b[2] + b[0] * a[2]) * m1 + b[0] * b[2] * m2
    at_12 = a[1] * a[2] * m0 + (a[1] * b[2] + b[1] * a[2]) * m1 + b[1] * b[2] * m2
    at_012 = c0 * a[2] * m0 + (c0 * b[2] + c1 * a[2]) * m1
    at_012 += (c1 * b[2] + c2 * a[2]) * m2 + c2 * b[2] * m3
    only_01, only_02, only_12 = at_01 - at_012, at_02 - at_012, at_12 - at_012
    only_0, only_1 = at_0 - at_01 - only_02, at_1 - at_01 - only_12
    only_2 = at_2 - at_02 - only_12
    none = (m0 - at_0) - (at_1 - at_01) - only_2
    return (none, only_2, only_1, only_12), (only_0, only_02, only_01, at_012)


@compiled
def _add_layer(sums, cell, stride1, stride2, greys, weights, scale):
    """Add four corner sums to the voxels of one layer; sums are (grey, weight) pairs."""
    for k in range(4):
        voxel = cell + (k >> 1) * stride1 + (k & 1) * stride2
        sums[voxel, 0] += np.float32(scale * greys[k])
        sums[voxel, 1] += np.float32(scale * weights[k])


@compiled
def add_linear(frames, steps, segments, sums, shape, strides, slab, scales, weights):
    """Share pixels among the eight voxels around them, by trilinear weight.

    Parameters as `add_nearest_packed`, except
    ----------
    frames : (N, H, W) uint8 or float32
    sums : (voxels, 2) float32
        Sums of weighted grey values and of weights. Cell c lies between voxels c and c + 1
        of each axis; `shape` counts cells, `slab` voxels of axis 0.
    scales : (N,) float64
        Weight of each frame.
    weights : (H, W) float64 or None
        Weight of each pixel.
    """
    width = frames.shape[2]
    ends, cells = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    low, high = slab
    for n in range(frames.shape[0]):
        D = column_step(steps[n])
        b = (D[0] / ONE, D[1] / ONE, D[2] / ONE)
        for s in range(len(segments)):
            v = segments[s, 0]
            P = row_start(steps[n], v)
            u, u1 = inside(P, D, shape, (max(low - 1, 0), min(high, shape[0])), segments[s])
            if u >= u1:
                continue
            row = frames[n, v]
            row_weights = None if weights is None else weights[v]
            for run in range(cut_row(P, D, strides, u, u1, ends, cells)):
                a = (
                    ((P[0] + u * D[0]) & FRACTION_MASK) / ONE,
                    ((P[1] + u * D[1]) & FRACTION_MASK) / ONE,
                    ((P[2] + u * D[2]) & FRACTION_MASK) / ONE,
                )
                greys, counts = _moments(row, row_weights, u, ends[run])
                g, w = _corners(a, b, greys), _corners(a, b, counts)
                layer = (P[0] + u * D[0]) >> FRACTION_BITS
                if layer >= low:
                    _add_layer(sums, cells[run], strides[1], strides[2], g[0], w[0], scales[n])
                if layer + 1 < high:
                    cell = cells[run] + strides[0]
                    _add_layer(sums, cell, strides[1], strides[2], g[1], w[1], scales[n])
                u = ends[run]
