"""One recorded sweep: the truth of every frame, kept apart from what the devices report.

Decides what a recording holds and how reports become a `Sweep`. Truth is named `_to_hip`, or
is the tracker's frame without the tracker's errors; what a tracker says is in `tracker` and
`at_images`. How it is made is in `recorder`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.phantom.acquisition.session import Session
from hipus.phantom.acquisition.tracking import MarkerTrack, poses_at
from hipus.phantom.acquisition.trajectory import SweepPlan
from hipus.sweep import FrameStack, Imu, Sweep

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
    contact : numpy.ndarray (N, K)
        0 to 1 along the transducer's face, left to right; 1 is full contact.
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
    contact: np.ndarray
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
