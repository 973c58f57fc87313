"""Compare a reconstructed volume with a reference volume, voxel by voxel.

Decides what is compared: geometry first (differing shapes cannot be compared at all), then
grey values, over all voxels or over a mask. Deliberately judges nothing: bounds live with
the references they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """How well two volumes agree.

    Attributes
    ----------
    voxel_count : int
        Voxels compared.
    equal_fraction : float
        Share of equal voxels.
    tolerance : float
        In grey levels.
    within_tolerance_fraction : float
        Share of voxels that differ by no more than the tolerance.
    correlation : float
        Pearson's; NaN where one of the volumes is constant.
    mean_difference, mean_absolute_difference, largest_difference : float
        Of volume minus reference, in grey levels; the last is absolute.
    """

    voxel_count: int
    equal_fraction: float
    tolerance: float
    within_tolerance_fraction: float
    correlation: float
    mean_difference: float
    mean_absolute_difference: float
    largest_difference: float


def compare(volume, reference, *, tolerance: float = 2.0, mask=None) -> Agreement:
    """Compare two volumes of one shape.

    Parameters
    ----------
    volume, reference : array-like (D, H, W)
    tolerance : float
        Largest difference that counts as agreement, in grey levels.
    mask : array-like (D, H, W) of bool, optional
        Voxels to compare. Left out: all.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        For differing shapes, a negative tolerance, or nothing to compare.
    """
    volume, reference = np.asarray(volume), np.asarray(reference)
    if volume.shape != reference.shape:
        raise ValueError(f"volume and reference differ in shape: {volume.shape}, {reference.shape}")
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be >= 0 grey levels, got {tolerance}")
    is_compared = np.ones(volume.shape, bool) if mask is None else np.asarray(mask, bool)
    if is_compared.shape != volume.shape:
        raise ValueError(f"mask must have shape {volume.shape}, got {is_compared.shape}")
    if not is_compared.any():
        raise ValueError("mask leaves no voxel to compare")
    ours, theirs = volume[is_compared].astype(float), reference[is_compared].astype(float)
    difference = ours - theirs
    apart = np.abs(difference)
    return Agreement(
        voxel_count=int(apart.size),
        equal_fraction=float((apart == 0).mean()),
        tolerance=float(tolerance),
        within_tolerance_fraction=float((apart <= tolerance).mean()),
        correlation=_correlation(ours, theirs),
        mean_difference=float(difference.mean()),
        mean_absolute_difference=float(apart.mean()),
        largest_difference=float(apart.max()),
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation, NaN for a constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else float("nan")
