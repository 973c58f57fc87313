"""One subject on the couch: hips, probe settings, sessions, and the recording of each sweep.

Decides which random stream each of them has, so that a sweep does not depend on which others
are made. Deliberately writes nothing (see `outputs`) and renders nothing (see `simulate`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus import seeds
from hipus.phantom.acquisition.motion import InfantMotion, scaled
from hipus.phantom.acquisition.protocol import SweepKind, read_protocol
from hipus.phantom.acquisition.recorded import RecordedPoses
from hipus.phantom.acquisition.recorder import record_sweep
from hipus.phantom.acquisition.session import Session, draw_operator, draw_session
from hipus.phantom.acquisition.trajectory import plan_sweep
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.masks import INTERFACE_BAND_MM, label_points
from hipus.phantom.anatomy.parameters import LIMITS
from hipus.phantom.anatomy.population import DrawnHip, draw_hip
from hipus.phantom.cohort.plan import SubjectPlan
from hipus.phantom.cohort.sweeps import RESTLESS
from hipus.phantom.scene import Scene
from hipus.phantom.ultrasound.settings import ProbeSettings, draw_settings

#: Gel between transducer and skin above the hip, mm (assumed).
GEL_MM = 0.3
#: The second centre: gain against the first's, dB, and depths, mm (assumed: that they differ
#: is what a second centre is for).
CENTRE2_GAIN_DB, CENTRE2_DEPTH_MM = 4.0, (50.0, 55.0, 60.0)
#: Kicks or shifts per second of a restless infant: several in every sweep (assumed).
RESTLESS_RATE_HZ = 0.8


@dataclass(frozen=True)
class Examination:
    """What one session of a subject has in common.

    Attributes
    ----------
    session : Session
    settings : ProbeSettings
    """

    session: Session
    settings: ProbeSettings


def draw_subject_hip(plan: SubjectPlan, side: str) -> DrawnHip:
    """Draw one of a subject's hips.

    Parameters
    ----------
    plan : SubjectPlan
    side : {"left", "right"}

    Returns
    -------
    DrawnHip
        Of the planned Graf type, by its constructed angles.
    """
    graf_type = next(hip["graf_type"] for hip in plan.hips if hip["side"] == side)
    return draw_hip(
        plan.rng("hip", side),
        side=side,
        graf_type=graf_type,
        age_days=float(plan.subject["age_days"]),
        sex=plan.subject["sex"],
    )


def draw_examination(plan: SubjectPlan, session_id: int, operator_id: str) -> Examination:
    """Draw probe settings and session.

    Parameters
    ----------
    plan : SubjectPlan
    session_id : int
    operator_id : str
        Operators are the same persons for all subjects.

    Returns
    -------
    Examination
    """
    sizes = plan.settings
    probe = ProbeSettings(
        shape_px=sizes.shape_px,
        line_count=sizes.line_count,
        sample_pitch_mm=sizes.sample_pitch_mm,
    )
    rng = plan.rng("probe", session_id)
    settings = draw_settings(rng, probe)
    if plan.subject["centre"] == 2:
        depth_mm = float(rng.choice(CENTRE2_DEPTH_MM))
        gain_db = settings.gain_db + CENTRE2_GAIN_DB
        settings = replace(settings, depth_mm=depth_mm, gain_db=gain_db)
    operator = draw_operator(seeds.generator(plan.seed, "acquisition", "operator", operator_id))
    session = draw_session(
        seeds.generator(plan.seed, "acquisition", plan.subject_id, "session", session_id),
        operator=operator,
        depth_mm=settings.depth_mm,
        gain_db=settings.gain_db,
    )
    return Examination(session, settings)


def record(
    plan: SubjectPlan, sweep: dict, *, session: Session, head_depth_mm: float
) -> RecordedPoses:
    """Record one planned sweep.

    Parameters
    ----------
    plan : SubjectPlan
    sweep : dict
        A row of the plan.
    session : Session
    head_depth_mm : float
        Depth of the hip frame's origin below the transducer.

    Returns
    -------
    RecordedPoses
    """
    rng = seeds.generator(plan.seed, "acquisition", plan.subject_id, sweep["drawn_as"])
    planning, recording = rng.spawn(2)
    fixed = {
        name: float(sweep[name])
        for name in ("path_length_mm", "duration_s")
        if np.isfinite(sweep[name])
    }
    planned = plan_sweep(planning, session, _kind(sweep), head_depth_mm=head_depth_mm, **fixed)
    usual = InfantMotion()
    restless = replace(usual, burst_rate_hz=RESTLESS_RATE_HZ)
    infant = scaled(
        restless if sweep["variant"] in RESTLESS else usual, float(sweep["infant_motion"])
    )
    return record_sweep(recording, session, planned, infant=infant)


def _kind(sweep: dict) -> SweepKind:
    """Return the protocol's line of a sweep."""
    kinds = {(kind.side, kind.sweep_type): kind for kind in read_protocol()}
    return kinds[sweep["side"], sweep["sweep_type"]]


def hip_of_sweep(hip: Hip, flexion_offset_deg: float) -> Hip:
    """Return the hip as it is bent during one sweep.

    Parameters
    ----------
    hip : Hip
    flexion_offset_deg : float

    Returns
    -------
    Hip
        The pelvis is the same; the thigh is turned about the head.
    """
    flexion = np.clip(hip.parameters.flexion_deg + flexion_offset_deg, *LIMITS["flexion_deg"])
    return Hip(replace(hip.parameters, flexion_deg=float(flexion)))


class Labeller:
    """Full-anatomy labels at points, exact where a label may lie and quick where none can.

    Parameters
    ----------
    hip : Hip
    scene : Scene
        Of the same hip: tells, coarsely, where nothing labelled is near.
    """

    def __init__(self, hip: Hip, scene: Scene) -> None:
        self.hip = hip
        outside = max(band[0] for band in INTERFACE_BAND_MM.values())
        inside = max(band[1] for band in INTERFACE_BAND_MM.values())
        # A point lies within half a voxel's diagonal of its nearest voxel; distances are true
        # to some percent, for which half a millimetre is plenty.
        slack = 0.87 * scene.spacing_mm + 0.5
        near = np.minimum(scene.field("head_distance"), scene.field("labrum_distance")) < slack
        for name in ("ilium_distance", "femur_distance"):
            distance = scene.field(name)
            near |= (distance < outside + slack) & (distance > -inside - slack)
        self._near = near
        self._origin = np.asarray(scene.origin_xyz_mm)
        self._spacing = scene.spacing_mm

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        """Return labels (M,) uint8 of points (M, 3) in the hip frame; 0 outside the scene."""
        index = np.rint((points_mm - self._origin) / self._spacing).astype(np.intp)[:, ::-1]
        is_inside = ((index >= 0) & (index < self._near.shape)).all(axis=1)
        index[~is_inside] = 0
        is_near = is_inside & self._near[tuple(index.T)]
        labels = np.zeros(len(points_mm), np.uint8)
        if is_near.any():
            labels[is_near] = label_points(self.hip, points_mm[is_near])
        return labels
