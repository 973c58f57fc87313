"""Angles and curvature of the acetabulum's edge in 3D: contact angle and osculating circle.

Decides both definitions. Deliberately independent of the femoral head, whose place says nothing
of the socket's form.
"""

from __future__ import annotations

import numpy as np

from hipus.morphometry.coverage_3d import PATCH_HALF_WIDTH
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.roof_surface import RoofSurface
from hipus.morphometry.section_contours import SectionRefused, find_contours
from hipus.morphometry.sections_3d import cut_section, from_pixel

#: Sections of the roof's patch, and of the rim's, whose places are this far off the Graf plane.
SECTIONS, RIM_PLACES_MM = 9, np.arange(-2.0, 2.1, 1.0)
#: The circle is fitted to the bone within this distance of the rim's bisector, mm, and to no
#: bone deeper than this below its outermost point.
EDGE_HALF_WIDTH_MM, EDGE_DEPTH_MM = 1.0, 1.0
#: Straighter edges have no circle, mm.
FLATTEST_MM = 20.0
#: Coarser voxels show no rounding of a rim, whose radius is 1 to 3 mm.
COARSEST_MM = 0.5
#: Fewest points of a section's edge.
LEAST_POINTS = 8


def contact_angle_deg(roof: RoofSurface, radius_mm: float) -> float:
    """Return the angle between the plane of the ilium and the plane of the bony roof.

    Parameters
    ----------
    roof : RoofSurface
    radius_mm : float
        Of the head: the scale of the patches, which reach 0.7 of it to front and back.

    Returns
    -------
    float
        0 for a roof that continues the wing, larger for a better roof.

    Raises
    ------
    VolumeRefused
        If the roof shows in fewer than three sections.

    Notes
    -----
    After the acetabular contact angle of Mabee et al. (2016), between lateral iliac wall and
    acetabular roof of a 3D surface model. Here each surface's plane is the least-squares one
    of points spread evenly over it.
    """
    points = roof.patch(PATCH_HALF_WIDTH * radius_mm, SECTIONS)
    if len(np.unique(points[:, 1])) < 3:
        raise VolumeRefused("the bony roof is missing: it shows in fewer than 3 of 9 sections")
    normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][-1]
    normal = normal * np.sign(normal @ [1.0, 0.0, -1.0])
    wing, _ = roof.wing.plane(PATCH_HALF_WIDTH * radius_mm)
    return float(np.degrees(np.arccos(np.clip(normal @ wing, -1.0, 1.0))))


def osculating_radius_mm(volume: LabelVolume, axes: HipAxes, roof: RoofSurface) -> float:
    """Return the radius of the circle that follows the bony rim in the Graf plane.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
        Those of the roof.
    roof : RoofSurface

    Returns
    -------
    float
        Median over sections near the Graf plane.

    Raises
    ------
    VolumeRefused
        If voxels are too coarse, or no section shows the rim.

    Notes
    -----
    The circle that osculates the parabola through the bone within 1 mm of the bisector of wing
    and roof. Where the rounding is shorter than that, the straight bone next to it is in view
    and the radius comes out larger than the rounding's own: it orders rims by sharpness.
    """
    coarse = max(volume.spacing_zyx_mm)
    if coarse > COARSEST_MM:
        raise VolumeRefused(
            f"voxels of {coarse:g} mm show no rounding of the bony rim, asked at most "
            f"{COARSEST_MM:g} mm"
        )
    found = [_edge_radius(volume, axes, roof, place) for place in RIM_PLACES_MM]
    found = [radius for radius in found if radius is not None]
    if not found:
        raise VolumeRefused("the bony rim is missing: a gap in the ilium where it should be")
    return float(np.median(found))


def _edge_radius(volume, axes: HipAxes, roof: RoofSurface, posterior_mm: float) -> float | None:
    """Return the radius in one section, None where the rim does not show."""
    labels, side = cut_section(volume, axes, posterior_mm)
    try:
        shown = find_contours(labels, scheme=volume.scheme, spacing_yx_mm=(side, side))
    except SectionRefused:
        return None
    points = from_pixel(shown.to_pixel(shown.ilium_mm), side)
    corner, inward = _corner(roof, posterior_mm)
    across = (points - corner) @ np.array([-inward[1], inward[0]])
    depth = (points - corner) @ inward
    near = np.abs(across) < EDGE_HALF_WIDTH_MM
    near &= depth < np.min(depth[near], initial=np.inf) + EDGE_DEPTH_MM
    if near.sum() < LEAST_POINTS:
        return None
    bend = 2.0 * np.polyfit(across[near], depth[near], 2)[0]
    radius = 1.0 / max(bend, 1.0 / FLATTEST_MM)
    return max(0.0, radius - shown.inset_mm)


def _corner(roof: RoofSurface, posterior_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where wing and roof line cross, and the direction of their bisector into bone."""
    limb, rim = roof.line(posterior_mm)
    up = roof.wing.direction
    medial = (limb - rim) / np.linalg.norm(limb - rim)
    inward = (up + medial) / np.linalg.norm(up + medial)
    return rim, inward
