"""Graf's angles and Morin's coverage in one section of the hip.

Decides what is measured in a plane, from labels alone, and which sentence stands where a
measure is impossible. Deliberately chooses no plane and no Graf type, and asks no side:
cranial is where the ilium lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from hipus.morphometry.graf_lines import GrafLines, construct_lines
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.outlines import area_mm2, centroid_mm, roundness
from hipus.morphometry.section_contours import SectionContours, SectionRefused, find_contours
from hipus.morphometry.section_quality import NOT_MET, Check, check_section

UNITS = {
    "alpha_deg": "deg",
    "beta_deg": "deg",
    "coverage_percent": "percent",
    "head_diameter_mm": "mm",
}
#: A less round head is part of a head: its diameter is no diameter.
LEAST_ROUNDNESS = 0.65

Point = tuple[float, float]


@dataclass(frozen=True)
class SectionMeasures:
    """What one section measures.

    Attributes
    ----------
    alpha_deg : Measure
        Bony roof angle (Graf 2006).
    beta_deg : Measure
        Cartilage roof angle (Graf 2006); refused without a labrum label.
    coverage_percent : Measure
        Part of the head medial of the baseline, d / D (Morin 1985).
    head_diameter_mm : Measure
        D; refused without a pixel spacing.
    landmarks_px : mapping of str to (u, v)
        "bony_rim", "lower_limb", "roof_touch", "wing_caudal", "wing_cranial", "labrum",
        "head_lateral", "head_baseline", "head_medial": those that were found. Whole numbers
        are centres of pixels.
    checks : tuple of Check
        Quality of the plane; empty where the lines could not be drawn.
    cranial : str
        Where cranial is in the picture: "left" or "right"; "" where that cannot be told.
    """

    alpha_deg: Measure
    beta_deg: Measure
    coverage_percent: Measure
    head_diameter_mm: Measure
    landmarks_px: Mapping[str, Point] = field(default_factory=lambda: MappingProxyType({}))
    checks: tuple[Check, ...] = ()
    cranial: str = ""

    @property
    def measures(self) -> dict[str, Measure]:
        """All measures by name."""
        return {name: getattr(self, name) for name in UNITS}

    @property
    def is_standard_plane(self) -> bool:
        """Whether the lines could be drawn and no point of the checklist is missed."""
        return bool(self.checks) and all(check.state != NOT_MET for check in self.checks)


def measure_section(
    labels, *, scheme: str, spacing_yx_mm: tuple[float, float] | None
) -> SectionMeasures:
    """Measure a label mask of one section.

    Parameters
    ----------
    labels : array-like (H, W) uint8
        Rows run from lateral (the probe) to medial, within some 40 deg; columns along the body,
        cranial on either side.
    scheme : {"hip", "stills"}
        What the numbers mean.
    spacing_yx_mm : tuple of 2 float or None
        Sides of a pixel. None: pixels are taken as square, angles and coverage are measured,
        lengths are refused.

    Returns
    -------
    SectionMeasures
        Measures without an interval: see `label_uncertainty` for these.

    Raises
    ------
    ValueError
        If labels are not (H, W), the scheme is unknown, a label is not of the scheme, or the
        spacing is not positive.

    Notes
    -----
    An axis-aligned wing in a mask of 0.25 mm has no steps that would tell its slope: alpha of
    a single such mask is good to about 0.5 deg (SD), of a turned one to 0.4; beta to three
    times that, because rim and labrum lie close together.
    """
    try:
        contours = find_contours(labels, scheme=scheme, spacing_yx_mm=spacing_yx_mm)
    except SectionRefused as why:
        return _refuse_all(str(why))
    return measure_contours(contours)


def measure_contours(contours: SectionContours) -> SectionMeasures:
    """Measure the outlines of one section; see `measure_section`.

    Parameters
    ----------
    contours : SectionContours

    Returns
    -------
    SectionMeasures
    """
    cranial = "right" if contours.cranial_sign > 0 else "left"
    try:
        lines = construct_lines(contours.ilium_mm, contours.band_mm, contours.inset_mm)
    except SectionRefused as why:
        return _refuse_all(str(why), head=_head_diameter(contours), cranial=cranial)
    points = {
        "bony_rim": lines.rim_mm,
        "lower_limb": lines.roof_mm[0],
        "roof_touch": lines.roof_mm[1],
        "wing_caudal": lines.wing_mm[0],
        "wing_cranial": lines.wing_mm[1],
    }
    coverage, span = _coverage(contours, lines)
    beta, labrum = _beta(contours, lines)
    return SectionMeasures(
        alpha_deg=_angle(lines.alpha_deg, "alpha"),
        beta_deg=beta,
        coverage_percent=coverage,
        head_diameter_mm=_head_diameter(contours),
        landmarks_px=_in_pixels(contours, points | span | labrum),
        checks=check_section(contours, lines),
        cranial=cranial,
    )


def _refuse_all(why: str, *, head: Measure | None = None, cranial: str = "") -> SectionMeasures:
    measures = {name: refused(why, unit) for name, unit in UNITS.items()}
    if head is not None:
        measures["head_diameter_mm"] = head
    return SectionMeasures(**measures, cranial=cranial)


def _in_pixels(contours: SectionContours, points_mm) -> Mapping[str, Point]:
    return MappingProxyType(
        {name: tuple(map(float, contours.to_pixel(point))) for name, point in points_mm.items()}
    )


def _angle(value_deg: float, name: str) -> Measure:
    """Return an angle as a measure if it can be one of a roof."""
    if not 0.0 < value_deg < 120.0:
        return refused(f"{name} of {value_deg:.0f} deg is no angle of a roof", "deg")
    return Measure(value_deg, "deg")


def _beta(contours: SectionContours, lines: GrafLines):
    """Return beta and its landmark."""
    if contours.labrum_mm is None:
        return refused("no labrum label", "deg"), {}
    centre = centroid_mm(contours.labrum_mm)
    return _angle(lines.beta_deg(centre), "beta"), {"labrum": centre}


def _head_refusal(contours: SectionContours) -> str | None:
    """Return why a head's extent is none, if it is none."""
    if contours.head_mm is None:
        return "no femoral head label"
    if "FEMORAL_HEAD" in contours.cut:
        return "the head is out of view: the picture's border cuts it"
    round_part = roundness(contours.head_mm)
    if round_part < LEAST_ROUNDNESS:
        return (
            f"the femoral head is not round: its short axis is {round_part:.2f} of its long one, "
            f"asked >= {LEAST_ROUNDNESS:g}"
        )
    return None


def _coverage(contours: SectionContours, lines: GrafLines):
    """Return Morin's d / D, and the points of its construction.

    D is the head's extent across the baseline, d the part of it medial of the baseline.
    """
    why = _head_refusal(contours)
    if why is not None:
        return refused(why, "percent"), {}
    height = lines.height_mm(contours.head_mm)
    low, high = float(height.min()), float(height.max())
    middle = centroid_mm(contours.head_mm)
    foot = middle - float(lines.height_mm(middle)) * lines.out
    span = {
        "head_lateral": foot + high * lines.out,
        "head_baseline": foot,
        "head_medial": foot + low * lines.out,
    }
    return Measure(float(np.clip(-100.0 * low / (high - low), 0.0, 100.0)), "percent"), span


def _head_diameter(contours: SectionContours) -> Measure:
    """Return the diameter of the disc that has the head's area."""
    why = _head_refusal(contours)
    if why is None and not contours.is_scaled:
        why = "no pixel spacing: lengths cannot be given"
    if why is not None:
        return refused(why, "mm")
    return Measure(float(np.sqrt(4 / np.pi * area_mm2(contours.head_mm))), "mm")
