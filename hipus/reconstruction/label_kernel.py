"""The hot loops of label volumes: labelled pixels of posed frames into a volume, all at once.

Decides how one pass serves every label: rows without a label are skipped, runs of background
cost a look, and each label of a run is shared among eight voxels exactly as
`hipus.reconstruction.kernel.add_linear` shares grey values, so that the sums are those of one
reconstruction a label. Deliberately counts no background: it is what the labels leave.

Trap: numba stamps a cached function with the file it stands in, not with those it calls (see
`hipus.reconstruction.rows`).
"""

from __future__ import annotations

import numpy as np

from hipus.reconstruction.kernel import _corners  # one arithmetic for both
from hipus.reconstruction.rows import (
    FRACTION_MASK,
    ONE,
    column_step,
    compiled,
    cut_row,
    inside,
    row_start,
)


@compiled
def _is_labelled(row, start, stop):
    """Return whether any pixel of a part of a row carries a label."""
    for u in range(start, stop):  # noqa: SIM110 - numba knows no any()
        if row[u]:
            return True
    return False


@compiled
def _moments_of(row, label, u, end):
    """Return sums of t^k, k = 0..3, over the columns u + t of a run that carry a label."""
    m0 = m1 = m2 = m3 = 0.0
    for t in range(end - u):
        if row[u + t] == label:
            m0, m1, m2, m3 = m0 + 1.0, m1 + t, m2 + t * t, m3 + t * t * t
    return m0, m1, m2, m3


@compiled
def _add_cell(sums, cell, strides, corners):
    """Add eight corner sums to the voxels around a cell."""
    for layer in range(2):
        for k in range(4):
            voxel = cell + layer * strides[0] + (k >> 1) * strides[1] + (k & 1) * strides[2]
            sums[voxel] += np.float32(corners[layer][k])


@compiled
def add_labels(masks, steps, segments, sums, shape, strides):
    """Share labelled pixels among the eight voxels around them, by trilinear weight.

    Parameters
    ----------
    masks : (N, H, W) uint8
        0 is background; other numbers index `sums`.
    steps : (N, 3, 3) float64
        Cell coordinates of pixel (u, v): `steps @ [u, v, 1]`, cells being their floor.
    segments : (S, 3) int64
        Row, first column and last column + 1 of what to use, in row and column order.
    sums : (L, voxels) float32
        Flat sums of weights of label 1, 2, ..., L, changed in place. Cell c lies between
        voxels c and c + 1 of each axis.
    shape, strides : tuple of 3 int
        Cells along each axis, and their distance in a row of `sums`.
    """
    ends = np.empty(masks.shape[2] + 1, np.int64)
    cells = np.empty(masks.shape[2] + 1, np.int64)
    for n in range(masks.shape[0]):
        D = column_step(steps[n])
        b = (D[0] / ONE, D[1] / ONE, D[2] / ONE)
        for s in range(len(segments)):
            row = masks[n, segments[s, 0]]
            if not _is_labelled(row, segments[s, 1], segments[s, 2]):
                continue
            P = row_start(steps[n], segments[s, 0])
            u, u1 = inside(P, D, shape, (0, shape[0]), segments[s])
            for run in range(cut_row(P, D, strides, u, u1, ends, cells)):
                if _is_labelled(row, u, ends[run]):
                    a = (
                        ((P[0] + u * D[0]) & FRACTION_MASK) / ONE,
                        ((P[1] + u * D[1]) & FRACTION_MASK) / ONE,
                        ((P[2] + u * D[2]) & FRACTION_MASK) / ONE,
                    )
                    for label in range(1, len(sums) + 1):
                        moments = _moments_of(row, label, u, ends[run])
                        if moments[0]:
                            _add_cell(sums[label - 1], cells[run], strides, _corners(a, b, moments))
                u = ends[run]
