"""The classic N-wire calibration: three linear least squares, one per row of the matrix.

Decides the solution and its outlier rejection exactly as the PLUS toolkit's fCal does, so
that its published results can be reproduced. Uses the middle dots only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.calibration.wires import NWirePhantom

#: A row's equations this many standard deviations off its mean residual are left out.
OUTLIER_SIGMA = 3.0


@dataclass(frozen=True)
class ClassicFit:
    """Result of the row-wise least squares.

    Attributes
    ----------
    T_pixel_to_probe : numpy.ndarray (4, 4) float64
        Its first two columns are as fitted: neither orthogonal nor of equal length.
    outliers_per_row : tuple of int (3,)
        Equations left out of each row's system.
    """

    T_pixel_to_probe: np.ndarray
    outliers_per_row: tuple[int, int, int]


def fit_classic(points_px, T_probe_to_reference, phantom: NWirePhantom) -> ClassicFit:
    """Fit each row of the pixel-to-probe matrix by linear least squares.

    Parameters
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
        Dots, all finite.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    phantom : NWirePhantom

    Returns
    -------
    ClassicFit

    Notes
    -----
    The ratio on the N places each middle dot on its wire, the tracker carries it to the probe
    (x, y, z), and (u, v, 1) . row = x is solved for each of the three rows (Carbajal et al.
    2013, section 2.3; Lasso et al. 2014). Equations whose residual lies more than three
    standard deviations off the mean are dropped, row by row, until none does; a dropped
    equation stays dropped. The out-of-plane column is the unit normal of the image plane
    times the mean pixel size: no dot tells anything about it.
    """
    in_probe = middle_points_in_probe_mm(points_px, T_probe_to_reference, phantom)
    pixels = points_px[:, 1::3].reshape(-1, 2)
    centre = pixels.mean(axis=0)
    # Centred, the three columns are all but orthogonal; the fit itself is the same.
    design = np.column_stack([pixels - centre, np.ones(len(pixels))])
    targets = in_probe.reshape(-1, 3).T
    solved = [_robust_row(design, target) for target in targets]
    rows = np.array([row for row, _ in solved])
    rows[:, 2] -= rows[:, :2] @ centre
    outliers = tuple(int(np.sum(~is_kept)) for _, is_kept in solved)
    return ClassicFit(with_normal(rows), outliers)


def middle_points_in_probe_mm(points_px, T_probe_to_reference, phantom: NWirePhantom):
    """Place the middle wires' crossings in the probe's frame.

    Parameters
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    phantom : NWirePhantom

    Returns
    -------
    numpy.ndarray (F, L, 3) float64
        NaN where dots or pose are.
    """
    T_phantom_to_probe = geometry.relative(T_probe_to_reference, phantom.T_phantom_to_reference)
    return geometry.apply(T_phantom_to_probe, phantom.middle_points_mm(points_px))


def with_normal(columns: np.ndarray) -> np.ndarray:
    """Complete the u, v and origin columns of a pixel-to-probe matrix.

    Parameters
    ----------
    columns : numpy.ndarray (..., 3, 3)
        u axis, v axis (mm per pixel), origin (mm), as columns.

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64
        The third column is u x v, as long as the mean of the two.
    """
    u, v = columns[..., 0], columns[..., 1]
    normal = np.cross(u, v)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    size = np.linalg.norm(columns[..., :2], axis=-2).mean(axis=-1, keepdims=True)
    block = np.stack([u, v, normal * size], axis=-1)
    return geometry.transform(block, columns[..., 2])


def _robust_row(design: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one row's coefficients and which equations they rest on."""
    is_kept = np.ones(len(target), bool)
    while True:
        row = np.linalg.lstsq(design[is_kept], target[is_kept], rcond=None)[0]
        residual = target - design @ row
        mean, sd = residual[is_kept].mean(), residual[is_kept].std()
        # Rounding alone must not count as an outlier of an exact fit.
        bound = max(OUTLIER_SIGMA * sd, 1e-9 * np.abs(target).max())
        still = is_kept & (np.abs(residual - mean) <= bound)
        if still.sum() == is_kept.sum():
            return row, is_kept
        is_kept = still
