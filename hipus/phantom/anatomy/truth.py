"""What a simulated hip really measures, constructed from its final surfaces.

Decides the truth of every angle and coverage: from root finding on the signed distances,
after deformation, without a voxel grid and never from the parameter that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.rays import (
    entries,
    exits,
    fit_sphere,
    left_distance,
    sphere_directions,
)
from hipus.phantom.anatomy.sections import (
    BASELINE_RANGE_MM,
    GrafSection,
    labrum_centre,
    measure_section,
)

#: Front-to-back extent of iliac and roof surface in 3D measures, in head radii (assumed).
SURFACE_HALF_EXTENT = 0.7
SURFACE_SECTIONS = 9


@dataclass(frozen=True)
class HipTruth:
    """True measures of one hip; points are (x, y, z) in the hip frame, mm.

    Attributes
    ----------
    side : str
    alpha_deg, alpha_anterior_deg, alpha_posterior_deg : float
        Angle of baseline and bony roof line in the Graf plane (y = 0) and in the sections
        half a head radius in front of and behind it.
    beta_deg : float
        Angle of baseline and cartilage roof line (bony rim to labrum's centre).
    femoral_head_coverage_percent : float
        Part of the head's diameter medial of the baseline, Graf plane (Morin 1985).
    femoral_head_coverage_3d_percent : float
        Part of the head's volume medial of the iliac plane (after Quader 2017).
    acetabular_contact_angle_deg : float
        Angle of the iliac and the acetabular roof plane in 3D (after Mabee 2016, with planes
        fitted to their surfaces).
    head_centre_mm, head_radius_mm : tuple of 3 float, float
        Sphere fitted to the head's surface.
    lateral_displacement_mm, superior_displacement_mm, posterior_displacement_mm : float
        Of the head's centre from the acetabulum's, which is the origin.
    bony_rim_mm, turning_point_mm, lower_limb_mm, labrum_centre_mm : tuple of 3 float
        Points of the Graf plane; see `sections.GrafSection`.
    """

    side: str
    alpha_deg: float
    alpha_anterior_deg: float
    alpha_posterior_deg: float
    beta_deg: float
    femoral_head_coverage_percent: float
    femoral_head_coverage_3d_percent: float
    acetabular_contact_angle_deg: float
    head_centre_mm: tuple[float, float, float]
    head_radius_mm: float
    lateral_displacement_mm: float
    superior_displacement_mm: float
    posterior_displacement_mm: float
    bony_rim_mm: tuple[float, float, float]
    turning_point_mm: tuple[float, float, float]
    lower_limb_mm: tuple[float, float, float]
    labrum_centre_mm: tuple[float, float, float]


def construct_truth(hip: Hip) -> HipTruth:
    """Construct the true measures of a hip.

    Parameters
    ----------
    hip : Hip

    Returns
    -------
    HipTruth
        Equal, to the last bit, for a hip and its mirror image, but for the sign of x.

    Raises
    ------
    ValueError
        If a section has no bony roof or no labrum.
    """
    offset = hip.parameters.section_offset_mm
    front, graf, back = (measure_section(hip, place) for place in (-offset, 0.0, offset))
    labrum = labrum_centre(hip, graf.rim_mm)
    sphere = _head_sphere(hip)
    wing = _wing_plane(hip, graf, sphere[3])
    lateral, posterior, superior, radius = map(float, sphere)
    return HipTruth(
        side=hip.parameters.side,
        alpha_deg=graf.alpha_deg,
        alpha_anterior_deg=front.alpha_deg,
        alpha_posterior_deg=back.alpha_deg,
        beta_deg=graf.angle_deg(labrum - graf.rim_mm, medial=False),
        femoral_head_coverage_percent=_coverage_2d(hip, graf, sphere),
        femoral_head_coverage_3d_percent=_coverage_3d(hip, wing, sphere),
        acetabular_contact_angle_deg=_contact_angle(hip, wing, radius),
        head_centre_mm=(hip.lateral_sign * lateral, posterior, superior),
        head_radius_mm=radius,
        lateral_displacement_mm=lateral,
        superior_displacement_mm=superior,
        posterior_displacement_mm=posterior,
        bony_rim_mm=_place(hip, graf.rim_mm),
        turning_point_mm=_place(hip, graf.turning_mm),
        lower_limb_mm=_place(hip, graf.roof_mm[0]),
        labrum_centre_mm=_place(hip, labrum),
    )


def _place(hip: Hip, point: np.ndarray) -> tuple[float, float, float]:
    """Return a point of the Graf plane in the hip frame."""
    return (hip.lateral_sign * float(point[0]), 0.0, float(point[1]))


def _head_sphere(hip: Hip) -> np.ndarray:
    """Return (lateral, posterior, superior, radius) of the sphere fitted to the head."""
    start = np.array(hip.shape.head)
    head = left_distance(hip, "head_distance")
    reach = 4 * hip.shape.head_radius
    return fit_sphere(exits(head, start, sphere_directions(600), reach_mm=reach))


def _coverage_2d(hip: Hip, graf: GrafSection, sphere: np.ndarray) -> float:
    """Return the percentage of the head's section medial of the baseline."""
    angle = np.radians(np.arange(0.0, 360.0, 0.5))
    rays = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    head = left_distance(hip, "head_distance")
    start = [sphere[0], 0.0, sphere[2]]
    outline = exits(head, start, rays, reach_mm=3 * sphere[3])[:, [0, 2]]
    height = graf.height_mm(outline)
    return _percent(-height.min(), height.max() - height.min())


def _percent(part: float, whole: float) -> float:
    return float(np.clip(100.0 * part / whole, 0.0, 100.0))


def _fit_plane(points: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, float]:
    """Return unit normal (on the side of `towards`) and offset of the nearest plane."""
    centre = points.mean(0)
    normal = np.linalg.svd(points - centre)[2][-1]
    normal = normal if normal @ towards > 0 else -normal
    return normal, float(normal @ centre)


def _section_places(radius_mm: float) -> np.ndarray:
    return SURFACE_HALF_EXTENT * radius_mm * np.linspace(-1, 1, SURFACE_SECTIONS)


def _wing_plane(hip: Hip, graf: GrafSection, radius_mm: float) -> tuple[np.ndarray, float]:
    """Return the plane of the lateral iliac surface above the rim, its normal lateral."""
    height = graf.roof_mm[1][1] + np.linspace(*BASELINE_RANGE_MM, 13)
    places, heights = np.meshgrid(_section_places(radius_mm), height)
    starts = np.stack([np.full(places.size, 45.0), places.ravel(), heights.ravel()], axis=1)
    ilium = left_distance(hip, "ilium_distance")
    points = entries(ilium, starts, [-1.0, 0.0, 0.0], reach_mm=90.0)
    return _fit_plane(points[np.isfinite(points).all(1)], np.array([1.0, 0.0, 0.0]))


def _coverage_3d(hip: Hip, wing: tuple[np.ndarray, float], sphere: np.ndarray) -> float:
    """Return the percentage of the head's volume medial of the iliac plane.

    Notes
    -----
    Volume = integral of r^3 / 3 over directions (Gauss-Legendre along the plane's normal,
    equal steps around it); the plane cuts each ray in closed form.
    """
    normal, offset = wing
    cosine, weight = np.polynomial.legendre.leggauss(96)
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    axes = np.linalg.svd(normal[None])[2][1:]
    ring = np.cos(turn)[:, None] * axes[0] + np.sin(turn)[:, None] * axes[1]
    rays = cosine[:, None, None] * normal + np.sqrt(1 - cosine**2)[:, None, None] * ring
    head = left_distance(hip, "head_distance")
    ends = exits(head, sphere[:3], rays.reshape(-1, 3), reach_mm=3 * sphere[3])
    radius = np.linalg.norm(ends - sphere[:3], axis=1).reshape(rays.shape[:2])
    height = normal @ sphere[:3] - offset
    crossing = -height / cosine[:, None]
    crossing = np.where(crossing > 0, np.minimum(crossing, radius), radius)
    near, far = crossing**3, radius**3 - crossing**3
    medial = near if height < 0 else far
    return _percent((weight @ medial).sum(), (weight @ radius**3).sum())


def _contact_angle(hip: Hip, wing: tuple[np.ndarray, float], radius_mm: float) -> float:
    """Return the angle between the iliac plane and the plane of the bony roof."""
    roof = []
    for place in _section_places(radius_mm):
        contour = measure_section(hip, float(place), step_deg=1.0).contour_mm
        roof.append(np.insert(contour, 1, place, axis=1))
    normal, _ = _fit_plane(np.concatenate(roof), np.array([1.0, 0.0, -1.0]))
    return float(np.degrees(np.arccos(np.clip(normal @ wing[0], -1, 1))))
