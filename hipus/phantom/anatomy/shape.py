"""From clinical parameters to the dimensions that the compiled surfaces read.

Decides every dimension that no parameter names, with its source or the word "assumed", as a
multiple of the head's radius where it grows with the child. Everything is that of a left hip
in anatomical axes (lateral, posterior, superior); a right hip is mirrored afterwards.
"""

from __future__ import annotations

from math import cos, radians, sin
from typing import NamedTuple

import numpy as np

from hipus import rotations
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.roof import LIMB_RADIUS_MM, WING_RADIUS_MM, RoofProfile

Point = tuple[float, float, float]

#: Thickness of the joint gap between the two cartilages, mm (assumed).
JOINT_GAP_MM = 0.15
#: Height of the anterior and posterior walls, as in n / socket radius (assumed).
HORN_RATIO = -0.2
#: Width of the growth cartilage between ilium, ischium and pubis, mm (assumed).
TRIRADIATE_MM = 3.0
#: Flare of the iliac wing in front of the Graf plane, 1/mm2: "the ilium leans towards the
#: probe in anterior sections, away from it in posterior ones" (Graf 2006; amount assumed).
WING_FLARE = 0.004
#: Above the rim by this much, the flare begins, mm; below lies the baseline (assumed).
FLARE_START_MM = 11.5
#: Front-to-back and head-to-foot curvature radii of the skin under a probe, mm (assumed).
SKIN_RADII_MM = (70.0, 200.0)


class Shape(NamedTuple):
    """Dimensions of one hip in mm and radians; a plain tuple, so that compiled code reads it."""

    incline: tuple[float, float]
    socket_radius: float
    roof_shift: float
    tilt: tuple[float, float, float]
    section: float
    wing_offset: float
    wing_curvature: float
    flare: float
    flare_start: float
    rim_radius: float
    limb_t: float
    limb_radius: float
    horn: float
    medial_offset: float
    top: float
    half_width: float
    head: Point
    head_radius: float
    nucleus: Point
    nucleus_radius: float
    femur_start: Point
    femur_end: Point
    femur_radii: tuple[float, float]
    plate_centre: Point
    plate_radius: float
    plate_edge: float
    ischium_start: Point
    ischium_end: Point
    ischium_radii: tuple[float, float]
    pubis_start: Point
    pubis_end: Point
    pubis_radii: tuple[float, float]
    triradiate: float
    joint_radius: float
    gap: float
    rim: tuple[float, float]
    cartilage_side: tuple[float, float]
    cartilage_length: float
    labrum: tuple[float, float, float, float, float, float]
    capsule_radius: float
    skin_height: float
    skin_curvature: tuple[float, float]


def shape_of(parameters: HipParameters) -> Shape:
    """Return the dimensions of a hip.

    Parameters
    ----------
    parameters : HipParameters
        What is asked for.

    Returns
    -------
    Shape

    Raises
    ------
    ValueError
        If the parameters contradict each other: a labrum inside the head, or a roof that its
        depth cannot give.
    """
    p = parameters
    return Shape(**_pelvis(p), **_rim_tissues(p), **_head(p), **_femur(p), **_covers(p))


def _profile(p: HipParameters) -> RoofProfile:
    socket = p.head_radius_mm + p.acetabular_cartilage_mm
    return RoofProfile(socket, p.iliac_offset_mm, p.acetabular_depth_mm, p.rim_radius_mm)


def _tilts(p: HipParameters) -> tuple[float, float, float, float]:
    """Return the roof's tilt in the three sections (front, Graf, back) and where it ends."""
    profile, offset = _profile(p), p.section_offset_mm
    try:
        standard = profile.tilt_rad(p.alpha_deg, 0.0, None)
        limb_t = profile.limb_t_mm(standard)
        front = profile.tilt_rad(p.alpha_anterior_deg, -offset, limb_t)
        back = profile.tilt_rad(p.alpha_posterior_deg, offset, limb_t)
    except ValueError:
        raise ValueError(
            f"acetabular_depth_mm {p.acetabular_depth_mm:g} and iliac_offset_mm "
            f"{p.iliac_offset_mm:g} cannot give a roof of alpha_deg {p.alpha_deg:g}"
        ) from None
    return front, standard, back, limb_t


def _rim(p: HipParameters, tilt: float) -> np.ndarray:
    """Return (lateral, superior) of the rim: nearest to where baseline and roof line cross."""
    alpha, radius = radians(p.alpha_deg), p.rim_radius_mm
    axis = _profile(p).rim_xz_mm(tilt, 0.0, inset_mm=radius)
    touch = axis + radius * np.array([cos(alpha), -sin(alpha)])
    rise = (p.iliac_offset_mm - touch[0]) / sin(alpha)
    outward = touch + rise * np.array([sin(alpha), cos(alpha)]) - axis
    return axis + radius * outward / np.hypot(*outward)


def _pelvis(p: HipParameters) -> dict:
    front, standard, back, limb_t = _tilts(p)
    radius, incline = p.head_radius_mm, radians(p.iliac_inclination_deg)
    rim_superior = float(_rim(p, standard)[1])
    # Through the three sections: tilt = t0 + t1 s + t2 s^2 with s = -1, 0, 1.
    tilt = (standard, (back - front) / 2, (front + back) / 2 - standard)
    return {
        "incline": (cos(incline), sin(incline)),
        "socket_radius": radius + p.acetabular_cartilage_mm,
        "roof_shift": _profile(p).shift_mm,
        "tilt": tilt,
        "section": p.section_offset_mm,
        "wing_offset": p.iliac_offset_mm,
        "wing_curvature": 1.0 / WING_RADIUS_MM,
        "flare": WING_FLARE,
        "flare_start": rim_superior + FLARE_START_MM,
        "rim_radius": p.rim_radius_mm,
        "limb_t": limb_t,
        "limb_radius": LIMB_RADIUS_MM,
        "horn": HORN_RATIO * (radius + p.acetabular_cartilage_mm),
        # 4 mm of bone behind the lower limb, 26 mm of wing above the rim (assumed).
        "medial_offset": p.iliac_offset_mm - p.acetabular_depth_mm - 4.0,
        "top": rim_superior + 26.0,
        "half_width": radius + p.acetabular_cartilage_mm + 3.5,
        # Centres and radii of ischium and pubis in head radii (assumed, after Graf planes: the
        # os ischium shines 1.5 radii deep of the head's centre and a third of one below it).
        "ischium_start": (-1.95 * radius, 0.1 * radius, -0.40 * radius),
        "ischium_end": (-1.55 * radius, 1.5 * radius, -2.5 * radius),
        "ischium_radii": (0.42 * radius, 0.55 * radius),
        "pubis_start": (-1.75 * radius, -0.95 * radius, -0.25 * radius),
        "pubis_end": (-3.2 * radius, -1.9 * radius, -1.4 * radius),
        "pubis_radii": (0.42 * radius, 0.36 * radius),
        "triradiate": TRIRADIATE_MM,
    }


def _rim_tissues(p: HipParameters) -> dict:
    """Place the labrum on the cartilage roof line, its tip along the head."""
    rim = _rim(p, _tilts(p)[1])
    beta = radians(p.beta_deg)
    along = np.array([sin(beta), -cos(beta)])
    centre = rim + p.cartilage_roof_mm * along
    head = np.array([p.lateral_displacement_mm, p.superior_displacement_mm])
    outward = centre - head
    clearance = float(np.hypot(*outward)) - p.head_radius_mm
    if clearance < 0.7:
        raise ValueError(
            f"beta_deg {p.beta_deg:g} puts the labrum inside the head: its centre must lie at "
            f"least 0.7 mm outside, got {clearance:.2f} mm"
        )
    outward /= np.hypot(*outward)
    tangent = np.array([outward[1], -outward[0]])
    tangent *= 1.0 if tangent @ along >= 0 else -1.0
    half = min(clearance - 0.2, 1.3)
    base = centre - 1.1 * tangent
    corners = (base + half * outward, base - half * outward, centre + 2.2 * tangent)
    return {
        "rim": (float(rim[0]), float(rim[1])),
        "cartilage_side": (float(along[0]), float(along[1])),
        "cartilage_length": p.cartilage_roof_mm,
        "labrum": tuple(float(value) for corner in corners for value in corner),
    }


def _head_centre(p: HipParameters) -> np.ndarray:
    return np.array(
        [p.lateral_displacement_mm, p.posterior_displacement_mm, p.superior_displacement_mm]
    )


def _head(p: HipParameters) -> dict:
    centre, radius = _head_centre(p), p.head_radius_mm
    # The nucleus appears a little lateral and superior of the centre (assumed).
    nucleus = centre + radius * np.array([0.08, 0.0, 0.08])
    return {
        "head": tuple(map(float, centre)),
        "head_radius": radius,
        "nucleus": tuple(map(float, nucleus)),
        "nucleus_radius": p.nucleus_diameter_mm / 2,
        "joint_radius": radius + JOINT_GAP_MM,
        "gap": JOINT_GAP_MM,
    }


def _femur_axes(p: HipParameters) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors from the head along the neck, and down the shaft."""
    turn = radians(p.anteversion_deg - p.internal_rotation_deg)
    lean = radians(180.0 - p.neck_shaft_deg)
    neck = np.array([sin(lean) * cos(turn), sin(lean) * sin(turn), -cos(lean)])
    # Flexion brings the knee (down, -z) to the front (-y): a turn about the lateral axis.
    flexed = rotations.from_euler(np.array([0.0, 0.0, -p.flexion_deg]), "ZYX")
    return flexed @ neck, flexed @ np.array([0.0, 0.0, -1.0])


def _femur(p: HipParameters) -> dict:
    """Build the shaft, cut by the growth plate that faces the head.

    Ratios after Graf planes and stills (assumed where they show nothing): the plate passes
    just below the head and the metaphysis is three quarters as wide as the head.
    """
    radius, centre = p.head_radius_mm, _head_centre(p)
    neck, shaft = _femur_axes(p)
    start = centre + radius * (1.0 * neck + 0.2 * shaft)
    facing = -(0.35 * neck + 0.65 * shaft)
    facing /= np.linalg.norm(facing)
    plate_radius = 2.2 * radius
    plate_centre = centre - facing * (1.03 * radius + plate_radius)
    return {
        "femur_start": tuple(map(float, start)),
        "femur_end": tuple(map(float, start + 4.5 * radius * shaft)),
        "femur_radii": (0.80 * radius, 0.42 * radius),
        "plate_centre": tuple(map(float, plate_centre)),
        "plate_radius": plate_radius,
        "plate_edge": 0.25 * radius,
    }


def _covers(p: HipParameters) -> dict:
    return {
        # Capsule 2.0 to 2.6 mm outside the head's radius (measured on stills, middle taken).
        "capsule_radius": p.head_radius_mm + 2.2,
        "skin_height": p.lateral_displacement_mm + p.head_radius_mm + p.soft_tissue_mm,
        "skin_curvature": (1.0 / SKIN_RADII_MM[0], 1.0 / SKIN_RADII_MM[1]),
    }
