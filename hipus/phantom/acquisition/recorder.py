"""Record a sweep: hand, infant and room together, seen by tracker and inertial sensor.

Decides how motions combine. The infant moves the hip; the strapped marker follows it in part,
and so does the probe that is pressed on the skin. What a recording holds is in `recorded`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, seeds
from hipus.phantom.acquisition.imu import ImuTiming, draw_imu_times, measure
from hipus.phantom.acquisition.motion import InfantMotion, draw_infant_motion
from hipus.phantom.acquisition.placement import SideSetup, outward
from hipus.phantom.acquisition.protocol import SweepKind, read_protocol
from hipus.phantom.acquisition.recorded import RecordedPoses, TrackerStream
from hipus.phantom.acquisition.session import Session, draw_session
from hipus.phantom.acquisition.smooth_motion import SmoothMotion
from hipus.phantom.acquisition.tracking import (
    TrackerSettings,
    draw_sample_times,
    draw_stamps,
    draw_track,
)
from hipus.phantom.acquisition.trajectory import MARGIN_S, SweepPlan, plan_sweep
from hipus.sweep import Imu

#: Standard deviation of the time between frames about its even pace (assumed).
FRAME_JITTER_S = 0.001
#: The tracker runs this long before the first and after the last frame.
TRACKER_MARGIN_S = 0.4


@dataclass(frozen=True)
class _Room:
    """Truth in continuous time: where hip, probe and reference marker are in the room."""

    session: Session
    plan: SweepPlan
    infant: InfantMotion
    infant_path: SmoothMotion

    def T_hip_to_tracker(self, time_s) -> np.ndarray:
        """Return the hip in the room, (N, 4, 4)."""
        return geometry.compose(self._setup.T_hip_to_tracker, self.infant_path.at(time_s))

    def T_image_to_hip(self, time_s) -> np.ndarray:
        """Return the picture in the moving hip, (N, 4, 4)."""
        T_probe_to_hip = geometry.relative(
            self.T_hip_to_tracker(time_s), self.T_probe_to_tracker(time_s)
        )
        return geometry.compose(T_probe_to_hip, self.session.T_image_to_probe)

    def T_probe_to_tracker(self, time_s) -> np.ndarray:
        """Return the probe in the room: the hand's plan, dragged along in part."""
        dragged = self.infant_path.at(time_s, share=self.infant.probe_share)
        return geometry.compose(
            self._setup.T_hip_to_tracker,
            dragged,
            self.plan.T_image_to_hip(time_s),
            geometry.invert(self.session.T_image_to_probe),
        )

    def T_reference_to_tracker(self, time_s) -> np.ndarray:
        """Return the strapped marker in the room: it follows the hip in part."""
        followed = self.infant_path.at(time_s, share=self.infant.reference_share)
        return geometry.compose(
            self._setup.T_hip_to_tracker, followed, self._setup.T_reference_to_hip
        )

    def T_imu_to_tracker(self, time_s) -> np.ndarray:
        """Return the inertial sensor in the room, (N, 4, 4)."""
        return geometry.compose(self.T_probe_to_tracker(time_s), self.session.T_imu_to_probe)

    @property
    def _setup(self) -> SideSetup:
        """Return the arrangement of the side that is swept."""
        return self.session.setup(self.plan.kind.side)


def record_sweep(
    rng: np.random.Generator,
    session: Session,
    plan: SweepPlan,
    *,
    infant: InfantMotion | None = None,
    tracker: TrackerSettings | None = None,
    imu_timing: ImuTiming | None = None,
) -> RecordedPoses:
    """Record one sweep.

    Parameters
    ----------
    rng : numpy.random.Generator
        Images, infant, tracker and sensor have streams of their own: the same sweep with and
        without infant motion, or with another tracker, differs in nothing else.
    session : Session
    plan : SweepPlan
    infant, tracker, imu_timing : optional
        The defaults of `InfantMotion`, `TrackerSettings` and `ImuTiming` when left out.

    Returns
    -------
    RecordedPoses
    """
    images, moving, seeing, feeling = rng.spawn(4)
    infant = infant or InfantMotion()
    path = draw_infant_motion(
        moving, plan.displacement.time_s, infant=infant, outward=outward(plan.kind.side)
    )
    room = _Room(session, plan, infant, path)
    time_s = _draw_image_times(images, session.frame_rate_hz, plan.total_s)
    start, stop = np.searchsorted(time_s, plan.hesitation_s[0] + np.array([0, plan.duration_s]))
    return RecordedPoses(
        session=session,
        plan=plan,
        time_s=time_s,
        T_image_to_hip=room.T_image_to_hip(time_s),
        T_hip_to_tracker=room.T_hip_to_tracker(time_s),
        T_reference_to_tracker=room.T_reference_to_tracker(time_s),
        contact=plan.contact(time_s),
        informative=slice(int(start), int(stop)),
        tracker=_draw_stream(seeing, room, tracker or TrackerSettings()),
        imu=_draw_imu(feeling, room, imu_timing or ImuTiming()),
    )


def _draw_image_times(rng: np.random.Generator, rate_hz: float, total_s: float) -> np.ndarray:
    """Return the times of the frames, at one rate with a little jitter."""
    time_s = np.arange(rng.random() / rate_hz, total_s, 1 / rate_hz)
    limit = 0.2 / rate_hz
    return time_s + np.clip(FRAME_JITTER_S * rng.standard_normal(len(time_s)), -limit, limit)


def _draw_stream(rng, room: _Room, settings: TrackerSettings) -> TrackerStream:
    """Return what the tracker reports of both markers."""
    clock, probe, reference = rng.spawn(3)
    sample_s = draw_sample_times(
        clock, settings, -TRACKER_MARGIN_S, room.plan.total_s + TRACKER_MARGIN_S
    )
    return TrackerStream(
        time_s=draw_stamps(clock, settings, sample_s, lag_s=room.session.lag_s),
        probe=draw_track(probe, settings, sample_s, room.T_probe_to_tracker(sample_s)),
        reference=draw_track(reference, settings, sample_s, room.T_reference_to_tracker(sample_s)),
    )


def _draw_imu(rng, room: _Room, timing: ImuTiming) -> Imu:
    """Return the log of the probe's inertial sensor, from just before to just after."""
    clock, noise = rng.spawn(2)
    margin_s = MARGIN_S / 2
    time_s = draw_imu_times(clock, -margin_s, room.plan.total_s + margin_s, timing=timing)
    return measure(
        noise,
        time_s,
        room.T_imu_to_tracker,
        up_in_world=room.session.setup(room.plan.kind.side).up_in_tracker,
        errors=room.session.imu_errors,
        T_imu_to_probe=room.session.T_imu_to_probe,
    )


def record_infant(
    seed: int,
    subject_id: str,
    *,
    head_depth_mm: dict[str, float],
    kinds: tuple[SweepKind, ...] | None = None,
    infant: InfantMotion | None = None,
    tracker: TrackerSettings | None = None,
) -> dict[str, RecordedPoses]:
    """Record the protocol's sweeps of one infant.

    Parameters
    ----------
    seed : int
        The study's.
    subject_id : str
    head_depth_mm : dict of float
        Depth of the femoral head's centre, by side.
    kinds : tuple of SweepKind, optional
        `read_protocol()` when left out. Leaving sweeps out or adding some changes no other.
    infant, tracker : optional
        As for `record_sweep`.

    Returns
    -------
    dict of RecordedPoses
        By sweep id, for example `left_p_a`, in the protocol's order.

    Raises
    ------
    ValueError
        If a side has no head depth, or a sweep is impossible.
    """
    kinds = read_protocol() if kinds is None else kinds
    missing = sorted({kind.side for kind in kinds} - set(head_depth_mm))
    if missing:
        raise ValueError(f"head_depth_mm must name every side, lacks {', '.join(missing)}")
    session = draw_session(seeds.generator(seed, "acquisition", subject_id, "session"))
    recorded = {}
    for kind in kinds:
        planning, recording = seeds.generator(seed, "acquisition", subject_id, kind.sweep_id).spawn(
            2
        )
        plan = plan_sweep(planning, session, kind, head_depth_mm=head_depth_mm[kind.side])
        recorded[kind.sweep_id] = record_sweep(
            recording, session, plan, infant=infant, tracker=tracker
        )
    return recorded
