"""Where the picture lies in the hip at every moment of a sweep: the plan and the hand's truth.

Decides orientation and course of each kind of sweep. Deliberately knows no tracker, no frame
stamps and no infant motion (see `recorded`).

Orientation, for a probe that is not flipped. The beam (image y) points at the midline. In
graf and p_a the lateral axis (image x, to the right) points inferior, so that cranial is on
the left, as Graf shows hips; in p_d, after a quarter turn about the beam, it points
posterior. Frames are right-handed, so the elevational axis (image z) of graf and p_a points
posterior in a left hip and anterior in a right one; in p_d it points superior in a left hip
and inferior in a right one. Left and right hips therefore give pictures of one kind, and
every p_a and p_d sweep travels along -z in a left hip and along +z in a right one
(`travel_sign`): whoever mixes sides must know the side, or mirror z.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus import geometry
from hipus.phantom.acquisition import protocol
from hipus.phantom.acquisition.contact import contact_at, draw_contact_losses
from hipus.phantom.acquisition.courses import (
    COURSES,
    course_displacement,
    draw_progress,
    sector_path_mm,
)
from hipus.phantom.acquisition.placement import outward
from hipus.phantom.acquisition.protocol import SweepKind
from hipus.phantom.acquisition.session import OperatorStyle, Session
from hipus.phantom.acquisition.smooth_motion import (
    SmoothMotion,
    band_noise,
    knots,
    slow_noise,
    truncated_normal,
)

#: Depth of the femoral head's centre below the transducer (feasibility study A5: 19 to 23 mm).
HEAD_DEPTH_MM = 21.0
#: Band of the tremor. Assumed: what a hand that holds a probe against skin shows at 9 frames
#: per second; with it the inertial noise of a hold is near that of the open Clarius log.
TREMOR_HZ = (1.0, 5.0)
#: Smoothing time of drift and tilt (assumed; feasibility study B calls them slow).
DRIFT_S, TILT_S = 0.8, 0.7
#: Motion is known this long before the first and after the last frame.
MARGIN_S = 0.7
#: Where the middle of a sweep lies against the hip, standard deviation, mm (assumed).
CENTRING_MM = 1.5
#: Where sweeps have their middle against the head's centre, mm (assumed from the printed ways:
#: p_a from the posterior gluteal region to the hip, p_d from the pelvis to the proximal femur).
P_A_MIDDLE_Y_MM, P_D_MIDDLE_Z_MM = 2.0, -4.0
#: Spread of the hip's flexion between the sweeps of a session, deg (assumed).
FLEXION_SD_DEG = 4.0
#: The probe turned by 180 degrees about the beam.
FLIP = np.diag([-1.0, 1.0, -1.0, 1.0])


@dataclass(frozen=True)
class SweepPlan:
    """A sweep as the hand makes it, apart from infant motion: truth.

    Attributes
    ----------
    kind : SweepKind
    course : str
        One of `courses.COURSES`.
    path_length_mm : float
        Travel along the course at the picture's centre, without tremor and drift.
    duration_s : float
        Of the moving part.
    hesitation_s : tuple of 2 float
        Standstill before and after it.
    head_depth_mm : float
    is_flipped : bool
    flexion_offset_deg : float
        This sweep's hip flexion against the session's.
    T_middle_to_hip : numpy.ndarray (4, 4)
        The picture in the middle of the sweep, not flipped, to the hip.
    displacement : SmoothMotion
        From there, in that picture's axes (lateral, axial, elevational), turning about the
        picture's centre. Time 0 is the first frame.
    contact_losses : numpy.ndarray (E, 4)
        As `contact.draw_contact_losses` gives them.
    """

    kind: SweepKind
    course: str
    path_length_mm: float
    duration_s: float
    hesitation_s: tuple[float, float]
    head_depth_mm: float
    is_flipped: bool
    flexion_offset_deg: float
    T_middle_to_hip: np.ndarray
    displacement: SmoothMotion
    contact_losses: np.ndarray

    @property
    def total_s(self) -> float:
        """Return the time from first to last frame."""
        return self.duration_s + sum(self.hesitation_s)

    def T_image_to_hip(self, time_s) -> np.ndarray:
        """Return where the picture lies in a hip that does not move, (N, 4, 4)."""
        T = geometry.compose(self.T_middle_to_hip, self.displacement.at(time_s))
        return T @ FLIP if self.is_flipped else T

    def contact(self, time_s) -> np.ndarray:
        """Return the contact along the transducer's face, (N, CONTACT_PLACES), 0 to 1."""
        return contact_at(time_s, self.contact_losses)


def travel_sign(side: str) -> int:
    """Return the direction of p_a and p_d sweeps along the elevational axis: -1 left, 1 right.

    Parameters
    ----------
    side : {"left", "right"}

    Returns
    -------
    int

    Raises
    ------
    ValueError
        For an unknown side.
    """
    if side not in protocol.SIDES:
        raise ValueError(f"side must be one of {protocol.SIDES}, got {side!r}")
    return -1 if side == "left" else 1


def image_orientation(sweep_type: str, side: str) -> np.ndarray:
    """Return the rotation from image to hip axes of an ideally held probe, (3, 3).

    Parameters
    ----------
    sweep_type : {"graf", "p_a", "p_d"}
    side : {"left", "right"}

    Returns
    -------
    numpy.ndarray (3, 3)
        Columns are the lateral, axial and elevational directions in the hip frame.
    """
    axial = -outward(side)
    if sweep_type == "p_d":
        lateral = np.array([0.0, 1.0, 0.0])
    else:
        lateral = np.array([0.0, 0.0, -1.0])
    return np.column_stack([lateral, axial, np.cross(lateral, axial)])


def plan_sweep(
    rng: np.random.Generator,
    session: Session,
    kind: SweepKind,
    *,
    head_depth_mm: float = HEAD_DEPTH_MM,
    course: str | None = None,
    path_length_mm: float | None = None,
    duration_s: float | None = None,
    is_flipped: bool | None = None,
    operator: OperatorStyle | None = None,
) -> SweepPlan:
    """Draw one sweep.

    Parameters
    ----------
    rng : numpy.random.Generator
        Sizes, motion, contact and placement have streams of their own: fixing one changes no
        other.
    session : Session
    kind : SweepKind
    head_depth_mm : float
        Depth of the hip frame's origin below the transducer in the middle of the sweep.
    course : str, optional
        One of `courses.COURSES`; by default "settle" for graf and "linear" for the others.
    path_length_mm, duration_s, is_flipped : optional
        Drawn from the kind when left out. A sector's path is given by its angle.
    operator : OperatorStyle, optional
        The session's when left out.

    Returns
    -------
    SweepPlan

    Raises
    ------
    ValueError
        For an unknown course, or a depth, path or duration that no sweep can have.
    """
    hand, course = operator or session.operator, _checked_course(course, kind)
    _check_head_depth(head_depth_mm, session.depth_mm)
    drawing, moving, contact, place = rng.spawn(4)
    if course == "sector":
        path_length_mm = sector_path_mm(session.depth_mm)
    asked = {"path_length_mm": path_length_mm, "duration_s": duration_s, "is_flipped": is_flipped}
    given = {name: value for name, value in asked.items() if value is not None}
    sizes = replace(_draw_sizes(drawing, kind, hand), **given)
    return SweepPlan(
        kind=kind,
        course=course,
        **vars(sizes),
        head_depth_mm=head_depth_mm,
        flexion_offset_deg=FLEXION_SD_DEG * float(place.standard_normal()),
        T_middle_to_hip=_draw_middle(place, kind, head_depth_mm),
        displacement=_draw_motion(moving, session, hand, course, sizes, travel_sign(kind.side)),
        contact_losses=draw_contact_losses(contact, hand.contact_loss_rate_hz, sizes.total_s),
    )


@dataclass(frozen=True)
class _Sizes:
    """How far, how long, with which standstills, and held which way round."""

    path_length_mm: float
    duration_s: float
    hesitation_s: tuple[float, float]
    is_flipped: bool

    def __post_init__(self) -> None:
        """Refuse what no sweep can be."""
        protocol.check_path(self.path_length_mm)
        protocol.check_duration(self.duration_s)

    @property
    def total_s(self) -> float:
        """Return the time from first to last frame."""
        return self.duration_s + sum(self.hesitation_s)


def _checked_course(course: str | None, kind: SweepKind) -> str:
    """Return a course that is known; by default the one of the kind."""
    course = course or ("settle" if kind.sweep_type == "graf" else "linear")
    if course not in COURSES:
        raise ValueError(f"course must be one of {COURSES}, got {course!r}")
    return course


def _check_head_depth(head_depth_mm: float, depth_mm: float) -> None:
    """Refuse a head that the picture cannot show."""
    if not 5.0 <= head_depth_mm <= depth_mm:
        raise ValueError(
            f"head_depth_mm must lie between 5 and the picture's depth {depth_mm:.4g} mm, "
            f"got {head_depth_mm}"
        )


def _draw_sizes(rng: np.random.Generator, kind: SweepKind, hand: OperatorStyle) -> _Sizes:
    """Draw sizes of one sweep of a kind."""
    limit = protocol.GREATEST_DEVIATION_SD
    path_z, duration_z = truncated_normal(rng, limit), truncated_normal(rng, limit)
    return _Sizes(
        path_length_mm=kind.path_length_mm_mean + kind.path_length_mm_sd * path_z,
        duration_s=kind.duration_s_mean + kind.duration_s_sd * duration_z,
        hesitation_s=tuple(float(value) for value in rng.uniform(*hand.hesitation_s, 2)),
        is_flipped=bool(rng.random() < hand.flip_probability),
    )


def _draw_middle(rng: np.random.Generator, kind: SweepKind, head_depth_mm: float) -> np.ndarray:
    """Return T_middle_to_hip: the head about in the picture's middle, half way through."""
    R = image_orientation(kind.sweep_type, kind.side)
    shift = CENTRING_MM * rng.standard_normal(3)
    if kind.sweep_type == "graf":
        shift[1] = 0.3 * shift[1]  # the standard plane itself is what is looked for
    if kind.sweep_type == "p_a":
        shift[1] += P_A_MIDDLE_Y_MM
    if kind.sweep_type == "p_d":
        shift[2] += P_D_MIDDLE_Z_MM
    along_beam = shift @ R[:, 1]
    shift -= along_beam * R[:, 1]  # the depth is the caller's
    return geometry.transform(R, shift - R @ [0.0, head_depth_mm, 0.0])


def _draw_motion(
    rng, session: Session, hand: OperatorStyle, course: str, sizes: _Sizes, sign: int
) -> SmoothMotion:
    """Return the hand's motion: the course, drift, tilt and tremor."""
    speed, wandering, shaking = rng.spawn(3)
    time_s = knots(-MARGIN_S, sizes.total_s + MARGIN_S)
    share = (time_s - sizes.hesitation_s[0]) / sizes.duration_s
    progress = draw_progress(speed, share, sizes.duration_s, course, hand.speed_variation)
    travel_mm = sign * sizes.path_length_mm
    offset, turn = course_displacement(course, progress, travel_mm, session.depth_mm)
    drift = (hand.drift_lateral_mm, hand.drift_axial_mm, 0.0)
    offset = offset + drift * slow_noise(wandering, (len(time_s), 3), time_s=DRIFT_S)
    turn = turn + np.radians(hand.tilt_deg) * slow_noise(wandering, (len(time_s), 3), time_s=TILT_S)
    tremor = band_noise(shaking, (len(time_s), 6), band_hz=TREMOR_HZ)
    offset = offset + (hand.tremor_mm, hand.tremor_axial_mm, hand.tremor_mm) * tremor[:, :3]
    turn = turn + np.radians(hand.tremor_deg) * tremor[:, 3:]
    return SmoothMotion(time_s, offset, turn, session.image_centre_mm)
