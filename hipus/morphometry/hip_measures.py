"""All 3D measures of one hip from its labels: one function for truth, raters and networks.

Decides which measures there are, their names and units, and which sentence stands where one is
impossible. Definitions are their own modules'. Not a medical device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from hipus.images import Volume
from hipus.morphometry.contact_angle import osculating_radius_mm
from hipus.morphometry.graf_section import measure_section
from hipus.morphometry.head_sphere import HeadSphere, fit_head
from hipus.morphometry.hip_landmarks import Plane, landmarks_in_world, plane_in_world
from hipus.morphometry.hip_shape import FoundHip, find_hip, turn_round
from hipus.morphometry.hip_side import LEAST_LOG_ODDS
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.meshes import make_mesh
from hipus.morphometry.roof_surface import angle_deg
from hipus.morphometry.section_contours import NOMINAL_HEAD_MM, SCHEMES
from hipus.morphometry.section_quality import Check
from hipus.morphometry.sections_3d import Sections, cut_section, measure_sections
from hipus.morphometry.shape_measures import UNITS, attempt, shape_measures
from hipus.morphometry.volume_uncertainty import Uncertainty, with_intervals

SIDES = ("left", "right")
#: Measures that a hip turned front to back would swap.
FACING = ("alpha_anterior_deg", "alpha_posterior_deg", "posterior_displacement_mm")
#: Heads of which less than this is labelled are not asked whether they are round.
LEAST_WHOLE_HEAD = 0.9
#: A side that was stated is doubted from odds of 20 to 1 against it.
DOUBT_LOG_ODDS = 3.0


@dataclass(frozen=True, eq=False)
class HipMeasures:
    """What one hip measures.

    Attributes
    ----------
    measures : mapping of str to Measure
        Every name of `UNITS`.
    side : str or None
        "left" or "right" as stated, else by anatomy; None where neither tells.
    side_log_odds : float
        Of anatomy, for that side (for "left" where it is None).
    plane : Plane or None
        None where there is no Graf plane.
    landmarks_mm : mapping of str to numpy.ndarray (3,)
        In the world: "head_centre", "bony_rim", "lower_limb", "wing_caudal", "wing_cranial",
        "labrum", "socket_middle": those that were found.
    checks : tuple of Check
        Quality of the Graf plane's section; empty where it cannot be judged.
    """

    measures: Mapping[str, Measure]
    side: str | None = None
    side_log_odds: float = 0.0
    plane: Plane | None = None
    landmarks_mm: Mapping[str, np.ndarray] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()


def measure_hip(
    labels: np.ndarray,
    *,
    scheme: str,
    spacing_zyx_mm: tuple[float, float, float] | None,
    side: str | None = None,
    origin_xyz_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    direction: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
    uncertainty: Uncertainty | None = None,
) -> HipMeasures:
    """Measure a hip in a label volume of any rotation.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
    scheme : {"hip", "stills"}
        What the numbers mean.
    spacing_zyx_mm : tuple of 3 float or None
        None: voxels are taken as cubes and the head as a newborn's; angles and parts are
        measured, millimetres are refused.
    side : {"left", "right"}, optional
        What is known from elsewhere; anatomy is asked all the same, and strong doubt refuses
        what front and back decide.
    origin_xyz_mm, direction : optional
        Where the volume lies in the world (LPS); left out: at the origin, unturned.
    rng : numpy.random.Generator, optional
        Needed for intervals.
    uncertainty : Uncertainty, optional
        How uncertain labels and poses are. Left out with an rng: the defaults.

    Returns
    -------
    HipMeasures

    Raises
    ------
    ValueError
        If labels are no volume of the scheme, the scheme or the side is unknown, a number is
        out of range, or an uncertainty comes without an rng.

    Notes
    -----
    Anterior and posterior alpha: sections half a head radius in front of and behind the Graf
    plane. beta needs a labrum label. Depth needs a label of the acetabular floor, which no
    scheme has.
    """
    if side is not None and side not in SIDES:
        raise ValueError(f"side must be one of {SIDES}, got {side!r}")
    if uncertainty is not None and rng is None:
        raise ValueError("uncertainty needs an rng to draw with, got None")
    volume, is_scaled = _volume(labels, scheme, spacing_zyx_mm)
    world = Volume(volume.labels, volume.spacing_zyx_mm, tuple(origin_xyz_mm),
                   np.eye(3) if direction is None else np.asarray(direction))  # fmt: skip
    try:
        head = fit_head(volume)
    except VolumeRefused as why:
        return HipMeasures(_scaled(_all_refused(str(why)), is_scaled))
    try:
        found = find_hip(volume, head)
    except VolumeRefused as why:
        measures = _all_refused(str(why)) | _head_measures(volume, head)
        return HipMeasures(_scaled(measures, is_scaled))
    return _measure(found, world, side, is_scaled, rng, uncertainty)


def _volume(labels, scheme: str, spacing_zyx_mm) -> tuple[LabelVolume, bool]:
    """Return the volume, its scale taken from the head where no spacing is stated."""
    if spacing_zyx_mm is not None:
        return LabelVolume(labels, spacing_zyx_mm, scheme), True
    volume = LabelVolume(labels, (1.0, 1.0, 1.0), scheme)
    count = np.count_nonzero(volume.labels == SCHEMES[scheme]["FEMORAL_HEAD"])
    side = NOMINAL_HEAD_MM / (6.0 * max(count, 1) / np.pi) ** (1 / 3)
    return replace(volume, spacing_zyx_mm=(side, side, side)), False


def _all_refused(why: str) -> dict[str, Measure]:
    return {name: refused(why, unit) for name, unit in UNITS.items()}


def _scaled(measures: dict[str, Measure], is_scaled: bool) -> Mapping[str, Measure]:
    """Return measures, millimetres refused where there is no scale."""
    why = "no voxel spacing: lengths cannot be given"
    return MappingProxyType(
        {
            name: refused(why, "mm") if one.unit == "mm" and not is_scaled else one
            for name, one in measures.items()
        }
    )


def _measure(found: FoundHip, world: Volume, side, is_scaled: bool, rng, uncertainty):
    """Return everything of a hip that was found."""
    mirror = float(np.sign(np.linalg.det(world.direction)))
    found, odds, doubt = _faced(found, side, mirror)
    sections = measure_sections(found.volume, found.axes) if _has(found, "LABRUM") else None
    measures = _label_measures(found, sections) | shape_measures(found.shape)
    if rng is not None:
        measures = with_intervals(measures, found, shape_measures, rng=rng,
                                  uncertainty=uncertainty or Uncertainty())  # fmt: skip
    for name in FACING:
        if doubt and not measures[name].is_refused:
            measures[name] = refused(doubt, UNITS[name])
    return HipMeasures(
        measures=_scaled({name: measures[name] for name in UNITS}, is_scaled),
        side=side or (None if doubt else _side(found, mirror)),
        side_log_odds=odds,
        plane=plane_in_world(found, world),
        landmarks_mm=landmarks_in_world(found, world, sections),
        checks=_checks(found),
    )


def _label_measures(found: FoundHip, sections: Sections | None) -> dict[str, Measure]:
    """Return what needs the labels themselves."""
    measures = _head_measures(found.volume, found.head)
    measures["beta_deg"] = attempt(lambda: _beta_deg(found, sections), "deg")
    measures["osculating_circle_radius_mm"] = attempt(
        lambda: osculating_radius_mm(found.volume, found.axes, found.shape.need_roof()), "mm"
    )
    measures["acetabular_depth_mm"] = refused("no label of the acetabular floor", "mm")
    return measures


def _side(found: FoundHip, mirror: float) -> str:
    """Return the side of a hip's axes in the world."""
    return found.axes.side if mirror > 0 else SIDES[1 - SIDES.index(found.axes.side)]


def _faced(found: FoundHip, side: str | None, mirror: float) -> tuple[FoundHip, float, str]:
    """Return a hip the right way round, the odds of anatomy for it, and a doubt, "" for none."""
    if side is not None and _side(found, mirror) != side:
        found = turn_round(found)
    odds, doubt = found.evidence.log_odds, ""
    if side is None and not found.evidence.is_enough:
        doubt = (
            f"front and back cannot be told apart: anatomy's log odds are {odds:.1f}, asked "
            f"{LEAST_LOG_ODDS:g}, and no side is stated"
        )
        odds = odds if _side(found, mirror) == "left" else -odds
    elif side is not None and odds <= -DOUBT_LOG_ODDS:
        doubt = f"the side is stated as {side}, anatomy says the other (log odds {odds:.1f})"
    return found, odds, doubt


def _has(found: FoundHip, name: str) -> bool:
    members = SCHEMES[found.volume.scheme].__members__
    return name in members and found.volume.has(members[name])


def _head_measures(volume: LabelVolume, head: HeadSphere) -> dict[str, Measure]:
    """Return what the head alone gives."""
    if head.volume_share < LEAST_WHOLE_HEAD:
        why = f"the head is out of view: {100 * head.volume_share:.0f} % of its ball is labelled"
        round_head = refused(why, "1")
    else:
        label = SCHEMES[volume.scheme]["FEMORAL_HEAD"]
        mesh = make_mesh(Volume(volume.labels, volume.spacing_zyx_mm), label, "femoral_head")
        round_head = Measure(mesh.sphericity, "1")
    return {"head_radius_mm": Measure(head.radius_mm, "mm"), "head_sphericity": round_head}


def _beta_deg(found: FoundHip, sections: Sections | None) -> float:
    """Return Graf's beta from rim and labrum next to the Graf plane."""
    if sections is None:
        raise VolumeRefused("no labrum label")
    rim, labrum = sections.middle_mm("bony_rim"), sections.middle_mm("labrum")
    if not np.isfinite([rim, labrum]).all():
        raise VolumeRefused("no labrum or no bony rim in the sections next to the Graf plane")
    return angle_deg(found.shape.wing.direction, labrum - rim, medial=False)


def _checks(found: FoundHip) -> tuple[Check, ...]:
    """Return the checklist of the Graf plane's own section."""
    labels, side = cut_section(found.volume, found.axes, 0.0)
    return measure_section(labels, scheme=found.volume.scheme, spacing_yx_mm=(side, side)).checks
