"""What an ultrasound DICOM file states of the size of its pixels and of its regions.

Decides which statements there are and how far each is to be trusted. Deliberately picks none:
the caller says which source is good enough.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

_TISSUE_2D, _CENTIMETRES = 1, 3


class SpacingSource(enum.Enum):
    """Where a pixel spacing comes from, best first."""

    #: PhysicalDeltaX and Y of an ultrasound region, in cm: written by the scanner.
    ULTRASOUND_REGION = "ultrasound_region"
    #: PixelSpacing with another value than 1: of unknown origin, often edited.
    PIXEL_SPACING = "pixel_spacing"
    #: PixelSpacing of exactly 1 by 1: what software fills in when it knows nothing.
    UNTRUSTED_PLACEHOLDER = "untrusted_placeholder"


@dataclass(frozen=True)
class PixelSpacing:
    """One statement of the pixel spacing, and who makes it."""

    spacing_xy_mm: tuple[float, float]
    source: SpacingSource


def _tissue_regions(found) -> list:
    """Return the ultrasound regions that show a two-dimensional picture."""
    regions = found.get("SequenceOfUltrasoundRegions") or []
    return [region for region in regions if region.get("RegionSpatialFormat") == _TISSUE_2D]


def spacings_of(found) -> tuple[PixelSpacing, ...]:
    """Return every pixel spacing a file states, best source first.

    Parameters
    ----------
    found : pydicom.Dataset

    Returns
    -------
    tuple of PixelSpacing
    """
    stated = []
    for region in _tissue_regions(found):
        units = {region.get(f"PhysicalUnits{axis}Direction") for axis in "XY"}
        sides = [10 * abs(float(region.get(f"PhysicalDelta{axis}") or 0)) for axis in "XY"]
        if units == {_CENTIMETRES} and min(sides) > 0:
            stated.append(PixelSpacing((sides[0], sides[1]), SpacingSource.ULTRASOUND_REGION))
    if found.get("PixelSpacing"):
        down, right = (float(side) for side in found.PixelSpacing)
        is_placeholder = (down, right) == (1.0, 1.0) or min(down, right) <= 0
        kind = (
            SpacingSource.UNTRUSTED_PLACEHOLDER if is_placeholder else SpacingSource.PIXEL_SPACING
        )
        stated.append(PixelSpacing((right, down), kind))
    return tuple(stated)


def regions_of(found) -> tuple[tuple[int, int, int, int], ...]:
    """Return the boxes of the two-dimensional regions that lie within the picture.

    Parameters
    ----------
    found : pydicom.Dataset

    Returns
    -------
    tuple of (x0, y0, x1, y1)
        First and last column and row.
    """
    keys = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1")
    keys += ("RegionLocationMaxY1",)
    whole = [r for r in _tissue_regions(found) if all(r.get(key) is not None for key in keys)]
    limits = (found.Columns, found.Rows) * 2
    boxes = [tuple(int(region.get(key)) for key in keys) for region in whole]
    inside = [
        box
        for box in boxes
        if all(0 <= edge < limit for edge, limit in zip(box, limits, strict=True))
    ]
    return tuple(inside)
