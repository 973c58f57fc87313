"""Walk an image row through a volume: where it enters, and which pixels share a cell.

A row of pixels is a straight line through the volume, so it is cut into *runs* of pixels that
share a cell by integer arithmetic alone: positions are fixed-point with 32 fractional bits,
crossings follow a Bresenham recurrence. No floor, no division and no bounds check per pixel,
and no run depends on where a walk began: that makes results independent of threads.

Deliberately knows nothing of millimetres or grey values. Axes are in the caller's order;
`strides` says where a cell lies in a flat accumulator.

Trap: numba stamps a cached function with the file it stands in, not with those it calls.
After editing this file, delete the `*.nbi` files of this folder's `__pycache__`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FRACTION_BITS = 32
ONE = 1 << FRACTION_BITS
FRACTION_MASK = ONE - 1
#: Largest voxel coordinate a pixel may have: 30 + 32 bits and a sign fit an int64.
LARGEST_COORDINATE = 2.0**30
_NEVER = 1 << 62

compiled = njit(nogil=True, cache=True)


@compiled
def _clip(P, D, low, high, u0, u1):
    """Return the part of [u0, u1) where low <= cell < high on one axis."""
    if D == 0:
        is_inside = low <= (P >> FRACTION_BITS) < high
        return (u0, u1) if is_inside else (u0, u0)
    if D < 0:  # mirrored: cell -> -1 - cell, exact because ~P == -P - 1
        P, D, low, high = ~P, -D, -high, -low
    u0 = max(u0, -((P - (low << FRACTION_BITS)) // D))
    u1 = min(u1, -((P - (high << FRACTION_BITS)) // D))
    return u0, max(u0, u1)


@compiled
def _first_crossing(P, D, u0):
    """Return the first column after u0 in another cell, and how far it is past the border."""
    if D == 0:
        return _NEVER, 0
    if D < 0:
        P, D = ~P, -D
    border = (((P + u0 * D) >> FRACTION_BITS) + 1) << FRACTION_BITS
    u = -((P - border) // D)
    return u, P + u * D - border


@compiled
def _pace(D):
    """Return |D| and quotient and remainder of one cell by it."""
    D = abs(D)
    return (D, ONE // D, ONE % D) if D else (1, 0, 0)


@compiled
def cut_row(P, D, strides, u0, u1, ends, cells):
    """Cut columns [u0, u1) into runs within one cell: last column + 1 and flat cell of each.

    With D the step per column, a border is one cell after the last one: that is q or q + 1
    columns later (q, r = divmod(1 cell, D)), which the slack s past the last border decides.
    """
    (d0, q0, r0), (d1, q1, r1), (d2, q2, r2) = _pace(D[0]), _pace(D[1]), _pace(D[2])
    (n0, s0), (n1, s1) = _first_crossing(P[0], D[0], u0), _first_crossing(P[1], D[1], u0)
    n2, s2 = _first_crossing(P[2], D[2], u0)
    step0 = strides[0] if D[0] > 0 else -strides[0]
    step1 = strides[1] if D[1] > 0 else -strides[1]
    step2 = strides[2] if D[2] > 0 else -strides[2]
    cell = ((P[0] + u0 * D[0]) >> FRACTION_BITS) * strides[0]
    cell += ((P[1] + u0 * D[1]) >> FRACTION_BITS) * strides[1]
    cell += ((P[2] + u0 * D[2]) >> FRACTION_BITS) * strides[2]
    count = 0
    u = u0
    while u < u1:
        end = min(min(n0, n1), min(n2, u1))
        ends[count] = end
        cells[count] = cell
        count += end > u  # pixels larger than a cell cross several borders at once
        u = end
        # Branch-free on purpose: which axis crosses next cannot be predicted.
        hit0, hit1, hit2 = np.int64(n0 == end), np.int64(n1 == end), np.int64(n2 == end)
        cell += hit0 * step0 + hit1 * step1 + hit2 * step2
        more0, more1, more2 = np.int64(r0 > s0), np.int64(r1 > s1), np.int64(r2 > s2)
        n0 += hit0 * (q0 + more0)
        n1 += hit1 * (q1 + more1)
        n2 += hit2 * (q2 + more2)
        s0 += hit0 * (more0 * d0 - r0)
        s1 += hit1 * (more1 * d1 - r1)
        s2 += hit2 * (more2 * d2 - r2)
    return count


@compiled
def row_start(steps, v):
    """Return the fixed-point position of column 0 of row v."""
    return (
        np.int64(np.rint((steps[0, 1] * v + steps[0, 2]) * ONE)),
        np.int64(np.rint((steps[1, 1] * v + steps[1, 2]) * ONE)),
        np.int64(np.rint((steps[2, 1] * v + steps[2, 2]) * ONE)),
    )


@compiled
def column_step(steps):
    """Return the fixed-point step from one column to the next."""
    return (
        np.int64(np.rint(steps[0, 0] * ONE)),
        np.int64(np.rint(steps[1, 0] * ONE)),
        np.int64(np.rint(steps[2, 0] * ONE)),
    )


@compiled
def inside(P, D, shape, slab, segment):
    """Return the columns of a segment that lie in the volume and in the slab of axis 0."""
    u0, u1 = _clip(P[0], D[0], slab[0], slab[1], segment[1], segment[2])
    u0, u1 = _clip(P[1], D[1], 0, shape[1], u0, u1)
    return _clip(P[2], D[2], 0, shape[2], u0, u1)
