"""How streaky each structure of a label volume is, in three numbers.

Decides which numbers tell the streaks of masks that were put together from frames: Dice of
neighbouring slices, and roughness along the sweep and within slices. Compares with no truth and
knows no model; how the numbers are measured is decided in `mask_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from hipus.segmentation.mask_shape import roughness, slice_dice
from hipus.segmentation.structure_shape import STRUCTURES

#: Width of the Gaussian that a surface is compared with, mm.
ROUGHNESS_SIGMA_MM = 1.0


@dataclass(frozen=True)
class Streaks:
    """How streaky one structure is; NaN where the volume does not show it.

    Attributes
    ----------
    slice_dice : float
        Mean Dice of neighbouring slices.
    roughness_elevational_mm, roughness_in_plane_mm : float
        RMS distance of the surface from itself smoothed along the sweep, and within slices.
    """

    slice_dice: float
    roughness_elevational_mm: float
    roughness_in_plane_mm: float


#: The names of the numbers, as tables have them.
SHAPE = tuple(item.name for item in fields(Streaks))


def streaks(
    labels: np.ndarray,
    spacing_zyx_mm: Sequence[float],
    *,
    structures: Sequence[int] = STRUCTURES,
    sigma_mm: float = ROUGHNESS_SIGMA_MM,
) -> tuple[Streaks, ...]:
    """Return how streaky each structure is.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
        Elevational axis first.
    spacing_zyx_mm : sequence of 3 float
    structures : sequence of int
        Labels to look at.
    sigma_mm : float
        Width of the Gaussian that a surface is compared with.

    Returns
    -------
    tuple of Streaks
        In the order of `structures`.

    Raises
    ------
    ValueError
        As `mask_shape.slice_dice` and `mask_shape.roughness`.

    Notes
    -----
    Compare volumes of one spacing: thinner slices agree more, and the staircase of voxels is
    itself rough by about a quarter of a voxel.
    """
    between = slice_dice(labels, structures)
    found = []
    for structure, value in zip(structures, between, strict=True):
        rough = roughness(labels == structure, spacing_zyx_mm=spacing_zyx_mm, sigma_mm=sigma_mm)
        found.append(Streaks(float(value), rough.elevational_mm, rough.in_plane_mm))
    return tuple(found)
