"""One recorded sweep: the truth of every frame, kept apart from what the devices report.

Decides how hand, infant and room combine, and what a recording holds. The infant moves the
hip, the strapped marker follows it in part, and so does the probe that is pressed on the
skin. Truth is named `_to_hip`; what a tracker says is in `tracker` and `at_images`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, seeds
from hipus.phantom.acquisition.imu import ImuTiming, draw_imu_times, measure
from hipus.phantom.acquisition.motion import InfantMotion, draw_infant_motion
from hipus.phantom.acquisition.placement import outward
from hipus.phantom.acquisition.protocol import SweepKind, read_protocol
from hipus.phantom.acquisition.session import Session, draw_session
from hipus.phantom.acquisition.smooth_motion import SmoothMotion
from hipus.phantom.acquisition.tracking import (
    MarkerTrack,
    TrackerSettings,
    draw_sample_times,
    draw_stamps,
    draw_track,
    poses_at,
)
from hipus.phantom.acquisition.trajectory import MARGIN_S, SweepPlan, plan_sweep
from hipus.sweep import FrameStack, Imu, Sweep

#: Standard deviation of the time between frames about its even pace (assumed).
FRAME_JITTER_S = 0.001
#: The tracker runs this long before the first and after the last frame.
TRACKER_MARGIN_S = 0.4
#: Reported poses are not interpolated across longer gaps.
MAX_GAP_S = 0.12


@dataclass(frozen=True)
class TrackerStream:
    """What the tracker reports, at its own rate and on its own late stamps.

    Attributes
    ----------
    time_s : numpy.ndarray (M,)
        Stamps: `pose_time = image_time + lag`.
    probe, reference : MarkerTrack
    """

    time_s: np.ndarray
    probe: MarkerTrack
    reference: MarkerTrack

    @property
    def T_probe_to_reference(self) -> np.ndarray:
        """Return the probe seen from the reference marker, NaN where either is lost."""
        return geometry.relative(self.reference.T_marker_to_tracker, self.probe.T_marker_to_tracker)

    def at(self, time_s, *, max_gap_s: float = MAX_GAP_S) -> TrackerStream:
        """Return the stream interpolated at other stamps."""
        return TrackerStream(
            time_s=np.asarray(time_s, np.float64),
            probe=poses_at(time_s, self.time_s, self.probe, max_gap_s=max_gap_s),
            reference=poses_at(time_s, self.time_s, self.reference, max_gap_s=max_gap_s),
        )


@dataclass(frozen=True)
class RecordedPoses:
    """A sweep without its pictures. Truth unless said otherwise.

    Attributes
    ----------
    session : Session
    plan : SweepPlan
    time_s : numpy.ndarray (N,)
        Image times, the first about 0.
    T_image_to_hip : numpy.ndarray (N, 4, 4)
        Where each picture lies in the (moving) hip: render from this.
    T_hip_to_tracker : numpy.ndarray (N, 4, 4)
        The hip in the room, moved by the infant.
    T_reference_to_tracker : numpy.ndarray (N, 4, 4)
    contact_loss : numpy.ndarray (N, 2)
        Share of the footprint without contact at its left and right end.
    informative : slice
        Frames taken while the probe travels: the truth for trimming.
    tracker : TrackerStream
        Reported.
    imu : Imu
        Reported, on the images' clock.
    """

    session: Session
    plan: SweepPlan
    time_s: np.ndarray
    T_image_to_hip: np.ndarray
    T_hip_to_tracker: np.ndarray
    T_reference_to_tracker: np.ndarray
    contact_loss: np.ndarray
    informative: slice
    tracker: TrackerStream
    imu: Imu

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.time_s)

    @property
    def sweep_id(self) -> str:
        """Return the sweep's name within its session, for example `left_p_a`."""
        return self.plan.kind.sweep_id

    @property
    def is_flipped(self) -> bool:
        """Return whether the probe was held turned by 180 degrees."""
        return self.plan.is_flipped

    @property
    def T_probe_to_hip(self) -> np.ndarray:
        """Return the probe in the hip, `_vs_hip`, (N, 4, 4)."""
        T_probe_to_image = geometry.invert(self.session.T_image_to_probe)
        return geometry.compose(self.T_image_to_hip, T_probe_to_image)

    @property
    def T_probe_to_tracker(self) -> np.ndarray:
        """Return the probe in the room, `_vs_tracker` without the tracker's errors."""
        return geometry.compose(self.T_hip_to_tracker, self.T_probe_to_hip)

    @property
    def T_probe_to_reference(self) -> np.ndarray:
        """Return the probe seen from the reference marker without the tracker's errors."""
        return geometry.relative(self.T_reference_to_tracker, self.T_probe_to_tracker)

    def at_images(self, *, lag_s: float | None = None) -> TrackerStream:
        """Return what the tracker reports at the images' times.

        Parameters
        ----------
        lag_s : float, optional
            The lag to correct; the session's calibrated one when left out, 0 for none.

        Returns
        -------
        TrackerStream
            N samples; NaN and a status where no pose is near.
        """
        lag_s = self.session.lag_calibrated_s if lag_s is None else lag_s
        return self.tracker.at(self.time_s + lag_s)

    def to_sweep(self, frames: FrameStack, *, lag_s: float | None = None) -> Sweep:
        """Return the sweep that a user of real devices would have.

        Parameters
        ----------
        frames : FrameStack (N, H, W) uint8
        lag_s : float, optional
            As for `at_images`.

        Returns
        -------
        Sweep
            Reported poses against the reference marker, and the calibrated (not the true)
            T_pixel_to_probe.

        Raises
        ------
        ValueError
            If frames and poses differ in number.
        """
        if frames.shape[0] != len(self):
            raise ValueError(f"frames must be {len(self)} like the poses, got {frames.shape[0]}")
        return Sweep(
            frames=frames,
            time_s=self.time_s,
            T_probe_to_reference=self.at_images(lag_s=lag_s).T_probe_to_reference,
            T_pixel_to_probe=geometry.compose(
                self.session.T_image_to_probe_calibrated,
                self.session.T_pixel_to_image(tuple(frames.shape[1:])),
            ),
            imu=self.imu,
            reference="reference",
            sweep_id=self.sweep_id,
        )


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
    def _setup(self):
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
    T_probe_to_tracker = room.T_probe_to_tracker(time_s)
    T_hip_to_tracker = room.T_hip_to_tracker(time_s)
    T_probe_to_hip = geometry.relative(T_hip_to_tracker, T_probe_to_tracker)
    first, last = plan.hesitation_s[0], plan.hesitation_s[0] + plan.duration_s
    start, stop = np.searchsorted(time_s, [first, last])
    return RecordedPoses(
        session=session,
        plan=plan,
        time_s=time_s,
        T_image_to_hip=geometry.compose(T_probe_to_hip, session.T_image_to_probe),
        T_hip_to_tracker=T_hip_to_tracker,
        T_reference_to_tracker=room.T_reference_to_tracker(time_s),
        contact_loss=plan.contact_loss(time_s),
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
