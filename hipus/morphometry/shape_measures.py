"""What a hip's smooth surfaces measure: names, units, and refusals instead of numbers.

Decides which measures come from wing, roof and head sphere alone, so that the same function
measures a hip as it was found and every equally plausible one. Definitions are their own
modules'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hipus.morphometry.contact_angle import contact_angle_deg
from hipus.morphometry.coverage_3d import (
    coverage_3d_percent,
    coverage_percent,
    under_roof_percent,
)
from hipus.morphometry.displacement import socket_middle_mm
from hipus.morphometry.hip_shape import HipShape
from hipus.morphometry.label_volume import VolumeRefused
from hipus.morphometry.measures import Measure, refused

#: Names and units of all 3D measures, those that need labels themselves too.
UNITS: Mapping[str, str] = MappingProxyType(
    {
        "alpha_deg": "deg",
        "alpha_anterior_deg": "deg",
        "alpha_posterior_deg": "deg",
        "beta_deg": "deg",
        "femoral_head_coverage_percent": "percent",
        "femoral_head_coverage_3d_percent": "percent",
        "head_under_roof_percent": "percent",
        "acetabular_contact_angle_deg": "deg",
        "osculating_circle_radius_mm": "mm",
        "head_radius_mm": "mm",
        "head_sphericity": "1",
        "lateral_displacement_mm": "mm",
        "superior_displacement_mm": "mm",
        "posterior_displacement_mm": "mm",
        "acetabular_depth_mm": "mm",
    }
)
#: Anterior and posterior sections lie this many head radii off the Graf plane.
SECTION_OFFSET = 0.5
#: Larger alphas are no angles of a roof.
MOST_ALPHA_DEG = 90.0


def shape_measures(shape: HipShape) -> dict[str, Measure]:
    """Return the measures that a hip's smooth surfaces give.

    Parameters
    ----------
    shape : HipShape

    Returns
    -------
    dict of str to Measure
        Without intervals; those of `UNITS` that need labels themselves are left out.
    """
    wing, centre, radius = shape.wing, shape.centre_mm, shape.radius_mm
    offset = SECTION_OFFSET * radius
    away = _away(shape)
    return {
        "alpha_deg": _alpha(shape, 0.0),
        "alpha_anterior_deg": _alpha(shape, -offset),
        "alpha_posterior_deg": _alpha(shape, offset),
        "femoral_head_coverage_percent": Measure(coverage_percent(wing, centre, radius), "percent"),
        "femoral_head_coverage_3d_percent": Measure(
            coverage_3d_percent(wing, centre, radius), "percent"
        ),
        "head_under_roof_percent": Measure(under_roof_percent(wing, centre, radius), "percent"),
        "acetabular_contact_angle_deg": attempt(
            lambda: contact_angle_deg(shape.need_roof(), radius), "deg"
        ),
        "head_radius_mm": Measure(radius, "mm"),
        "lateral_displacement_mm": away[0],
        "superior_displacement_mm": away[2],
        "posterior_displacement_mm": away[1],
    }


def _alpha(shape: HipShape, posterior_mm: float) -> Measure:
    """Return alpha in one section, refused where it is no angle of a roof."""
    found = attempt(lambda: shape.need_roof().alpha_deg(posterior_mm), "deg")
    # Beyond 90 deg a roof would rise towards medial: then wing and inner wall were mistaken.
    if found.value is not None and not 0.0 < found.value < MOST_ALPHA_DEG:
        return refused(f"alpha of {found.value:.0f} deg is no angle of a roof", "deg")
    return found


def _away(shape: HipShape) -> tuple[Measure, Measure, Measure]:
    """Return the head's displacement (lateral, posterior, superior)."""
    try:
        away = shape.centre_mm - socket_middle_mm(shape.need_roof(), shape.radius_mm)
    except VolumeRefused as why:
        return (refused(str(why), "mm"),) * 3
    return tuple(Measure(float(one), "mm") for one in away)


def attempt(value: Callable[[], float], unit: str) -> Measure:
    """Return a value as a measure, or the reason why there is none.

    Parameters
    ----------
    value : callable
        Without arguments; refuses by raising `VolumeRefused`.
    unit : str

    Returns
    -------
    Measure
    """
    try:
        return Measure(float(value()), unit)
    except VolumeRefused as why:
        return refused(str(why), unit)
