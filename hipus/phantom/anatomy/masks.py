"""Label masks of the full anatomy, at any points or spacing.

Decides how thick the interfaces are that a rater would draw, and which label wins where two
meet. Deliberately knows nothing of shadows: what a probe can see is decided by ultrasound.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from hipus.labels import HipLabel
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.scene import FIELDS

#: Thickness of a labelled interface, mm: (outside the bone's surface, inside it). The ilium's
#: is fitted to the real stills: four cases with a burnt-in ruler (14.27 and 16.45 px/mm) have
#: ilium masks 1.07 to 1.39 mm thick (median over frames of twice the distance transform on
#: the skeleton), mean 1.25, whose bright front lies 0.06 to 0.42 mm below the mask's upper
#: edge, mean 0.28. The stills have no masks of the femur: its bands are assumed equal.
INTERFACE_BAND_MM: Mapping[HipLabel, tuple[float, float]] = MappingProxyType(
    {
        HipLabel.ILIUM: (0.3, 0.95),
        HipLabel.CHONDRO_OSSEOUS_BORDER: (0.3, 0.95),
        HipLabel.FEMORAL_CORTEX: (0.3, 0.95),
    }
)
_CHUNK_POINTS = 1_000_000


def label_points(hip: Hip, points_mm, *, bands_mm=INTERFACE_BAND_MM) -> np.ndarray:
    """Return the full anatomy's label at points.

    Parameters
    ----------
    hip : Hip
    points_mm : array-like (..., 3)
        Hip frame, mm.
    bands_mm : mapping of HipLabel to (outside, inside)
        Thickness of the interfaces, mm.

    Returns
    -------
    numpy.ndarray (...) uint8
        `hipus.labels.HipLabel`.

    Raises
    ------
    ValueError
        If points are not (..., 3), or a band is missing or has no thickness.
    """
    fields = hip.distances(points_mm)
    return label_fields(fields, hip.plate_excess(points_mm), bands_mm=bands_mm)


def label_fields(
    fields: np.ndarray, plate_excess: np.ndarray, *, bands_mm=INTERFACE_BAND_MM
) -> np.ndarray:
    """Return labels (...) uint8 from fields (len(FIELDS), ...) and `Hip.plate_excess` (...).

    Notes
    -----
    From lowest to highest priority: head (filled), labrum (filled), cortex, chondro-osseous
    border, ilium (bands).
    """
    _check_bands(bands_mm)
    by_name = dict(zip(FIELDS, fields, strict=True))
    femur = by_name["femur_distance"]
    labels = np.zeros(femur.shape, dtype=np.uint8)
    labels[by_name["head_distance"] < 0] = HipLabel.FEMORAL_HEAD
    labels[by_name["labrum_distance"] < 0] = HipLabel.LABRUM
    border = plate_excess >= 0
    cortex_band = _within(femur, bands_mm[HipLabel.FEMORAL_CORTEX])
    border_band = _within(femur, bands_mm[HipLabel.CHONDRO_OSSEOUS_BORDER])
    labels[cortex_band & ~border] = HipLabel.FEMORAL_CORTEX
    labels[border_band & border] = HipLabel.CHONDRO_OSSEOUS_BORDER
    labels[_within(by_name["ilium_distance"], bands_mm[HipLabel.ILIUM])] = HipLabel.ILIUM
    return labels


def _within(distance: np.ndarray, band_mm: tuple[float, float]) -> np.ndarray:
    return (distance < band_mm[0]) & (distance >= -band_mm[1])


def _check_bands(bands_mm) -> None:
    """Refuse bands that are missing or empty."""
    for label in INTERFACE_BAND_MM:
        if label not in bands_mm:
            raise ValueError(f"bands_mm must have {label.name}, got {sorted(bands_mm)}")
        outside, inside = bands_mm[label]
        if not outside + inside > 0:
            raise ValueError(
                f"bands_mm of {label.name} must have a thickness, got ({outside}, {inside})"
            )


def mask_grid(
    hip: Hip,
    origin_xyz_mm: tuple[float, float, float],
    spacing_zyx_mm: tuple[float, float, float],
    shape_zyx: tuple[int, int, int],
    *,
    bands_mm=INTERFACE_BAND_MM,
) -> np.ndarray:
    """Return the full anatomy's labels on a grid along the axes of the hip frame.

    Parameters
    ----------
    hip : Hip
    origin_xyz_mm : tuple of 3 float
        Hip coordinates of the centre of voxel [0, 0, 0].
    spacing_zyx_mm : tuple of 3 float
    shape_zyx : tuple of 3 int
    bands_mm : mapping
        As in `label_points`.

    Returns
    -------
    numpy.ndarray (D, H, W) uint8
        Voxels are labelled by their centre.

    Raises
    ------
    ValueError
        If a spacing is not positive.
    """
    if len(spacing_zyx_mm) != 3 or not min(spacing_zyx_mm) > 0:
        raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing_zyx_mm}")
    z, y, x = (
        origin + spacing * np.arange(size)
        for origin, spacing, size in zip(
            origin_xyz_mm[::-1], spacing_zyx_mm, shape_zyx, strict=True
        )
    )
    labels = np.empty(shape_zyx, dtype=np.uint8)
    step = max(1, _CHUNK_POINTS // (y.size * x.size))
    for first in range(0, z.size, step):
        grid = np.meshgrid(z[first : first + step], y, x, indexing="ij")
        points = np.stack(grid[::-1], axis=-1)
        labels[first : first + step] = label_points(hip, points, bands_mm=bands_mm)
    return labels
