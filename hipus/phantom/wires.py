"""Calibration sessions: a tracked probe over wires in water, or over the bottom of a tank.

Decides how such a session goes; calibration and lag are known in it. Deliberately finds no
wire and calibrates nothing: `calibration` does, and never sees the truth that is kept here.
The wires are in `wire_phantoms`, their pictures in `wire_images`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.phantom.acquisition.session import Session
from hipus.phantom.acquisition.smooth_motion import SmoothMotion, band_noise, knots, slow_noise
from hipus.phantom.acquisition.tracking import (
    TrackerSettings,
    draw_sample_times,
    draw_stamps,
    draw_track,
)
from hipus.phantom.calibration_session import CalibrationSession
from hipus.phantom.wire_images import WirePicture, cut, draw_frames
from hipus.phantom.wire_phantoms import FCAL_2_0, Z_PHANTOM, WirePhantom

__all__ = [
    "FCAL_2_0",
    "Z_PHANTOM",
    "CalibrationSession",
    "WirePhantom",
    "simulate_calibration_session",
    "simulate_water_tank",
]

#: Time over which tracker and probe are known beyond the first and last frame.
MARGIN_S, TRACKER_MARGIN_S = 0.7, 0.5
#: Distance of the camera from the phantom, mm (assumed).
CAMERA_MM = 1400.0
#: Error of the phantom's registration by a stylus, about the wires' middle: assumed, as 8
#: landmarks picked within 0.66 mm (the error that the public fCal 2.0 configuration states).
REGISTRATION_SHIFT_MM, REGISTRATION_TURN_DEG = 0.15, 0.2
#: The tremor of a hand that scans a phantom (assumed; steadier than on an infant).
TREMOR_MM, TREMOR_DEG = 0.05, 0.08
#: A probe that looks down: u runs against x, v downwards (against z), the normal against y.
_LOOKING_DOWN = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]])


def simulate_calibration_session(
    rng: np.random.Generator,
    session: Session,
    *,
    phantom: WirePhantom = FCAL_2_0,
    count: int = 120,
    frame_shape: tuple[int, int] = (360, 400),
    tilt_deg: float = 8.0,
    tracker: TrackerSettings | None = None,
    picture: WirePicture | None = None,
) -> CalibrationSession:
    """Record a probe that is swept over a wire phantom.

    Parameters
    ----------
    rng : numpy.random.Generator
    session : Session
        Gives frame rate, depth, lag and the probe's true calibration, which are to be found.
    phantom : WirePhantom
    count : int
        Frames.
    frame_shape : tuple of 2 int
        Rows and columns.
    tilt_deg : float
        Standard deviation of the probe's tilts: a calibration needs them.
    tracker, picture : optional
        Defaults of `TrackerSettings` and `WirePicture` when left out.

    Returns
    -------
    CalibrationSession

    Raises
    ------
    ValueError
        If the picture is too shallow for the phantom, or frames are fewer than 2.
    """
    needed_mm = np.ptp(phantom.front_mm[:, 2]) + 12
    if session.depth_mm < needed_mm:
        raise ValueError(
            f"depth_mm must be >= {needed_mm:g} to see all layers of the {phantom.name} "
            f"phantom, got {session.depth_mm:.4g}"
        )
    moving, registering, devices = rng.spawn(3)
    time_s = _image_times(count, session.frame_rate_hz)
    over_middle = phantom.middle_mm - _LOOKING_DOWN @ session.image_centre_mm
    scan = _Scan(
        session,
        time_s,
        hand=_scanning(moving, time_s[-1], session, tilt_deg),
        T_middle_to_phantom=geometry.transform(_LOOKING_DOWN, over_middle),
        mounting=_draw_mounting(registering, phantom.middle_mm),
        phantom=phantom,
    )
    return _record(devices, scan, frame_shape, tracker=tracker, picture=picture)


def simulate_water_tank(
    rng: np.random.Generator,
    session: Session,
    *,
    duration_s: float = 25.0,
    frame_shape: tuple[int, int] = (240, 200),
    amplitude_mm: float = 5.0,
    tracker: TrackerSettings | None = None,
    picture: WirePicture | None = None,
) -> CalibrationSession:
    """Record the flat bottom of a water tank while the probe moves up and down.

    Parameters
    ----------
    rng : numpy.random.Generator
    session : Session
        Gives frame rate, depth and the lag, which is to be found.
    duration_s : float
    frame_shape : tuple of 2 int
        Rows and columns.
    amplitude_mm : float
        Root mean square travel, limited so that the bottom stays in the picture.
    tracker, picture : optional
        Defaults of `TrackerSettings` and `WirePicture` when left out.

    Returns
    -------
    CalibrationSession
        Without wires; the bottom is the plane z = 0 of the "phantom".

    Raises
    ------
    ValueError
        If the bottom would leave the picture, or there are fewer than 2 frames.

    Notes
    -----
    The motion is irregular on purpose (0.15 to 0.9 Hz): a regular one has a second lag that
    fits about as well, half a period away.
    """
    if not 0 < amplitude_mm <= session.depth_mm / 6:
        raise ValueError(
            f"amplitude_mm must be positive and <= {session.depth_mm / 6:.3g} (a sixth of the "
            f"depth), got {amplitude_mm}"
        )
    moving, registering, devices = rng.spawn(3)
    time_s = _image_times(int(duration_s * session.frame_rate_hz), session.frame_rate_hz)
    scan = _Scan(
        session,
        time_s,
        hand=_pumping(moving, time_s[-1], amplitude_mm),
        T_middle_to_phantom=geometry.transform(_LOOKING_DOWN, [0, 0, 0.55 * session.depth_mm]),
        mounting=_draw_mounting(registering, np.zeros(3)),
        phantom=None,
    )
    return _record(devices, scan, frame_shape, tracker=tracker, picture=picture)


@dataclass(frozen=True)
class _Mounting:
    """T_phantom_to_reference, true and as a stylus finds it."""

    true: np.ndarray
    registered: np.ndarray


@dataclass(frozen=True)
class _Scan:
    """A hand's motion over a phantom, or over the bottom of a tank: truth."""

    session: Session
    time_s: np.ndarray
    hand: SmoothMotion
    T_middle_to_phantom: np.ndarray
    mounting: _Mounting
    phantom: WirePhantom | None

    def T_image_to_phantom(self, time_s) -> np.ndarray:
        """Return the picture over the phantom, (N, 4, 4)."""
        return geometry.compose(self.T_middle_to_phantom, self.hand.at(time_s))

    def T_probe_to_reference(self, time_s) -> np.ndarray:
        """Return the probe seen from the phantom's marker, (N, 4, 4)."""
        T_probe_to_image = geometry.invert(self.session.T_image_to_probe)
        return geometry.compose(
            self.mounting.true, self.T_image_to_phantom(time_s), T_probe_to_image
        )


def _image_times(count: int, rate_hz: float) -> np.ndarray:
    """Return evenly spaced image times from 0."""
    if count < 2:
        raise ValueError(f"a session needs >= 2 frames, got {count}")
    return np.arange(count) / rate_hz


def _scanning(rng, last_s: float, session: Session, tilt_deg: float) -> SmoothMotion:
    """Return the wandering and tremor of a hand that scans wires, at most twice as far."""
    time_s = knots(-MARGIN_S, last_s + MARGIN_S)
    tilts = np.radians(tilt_deg) * np.array([1.0, 1.0, 0.6])
    swing = 1.5 * np.tanh(slow_noise(rng, (len(time_s), 6), time_s=0.7) / 1.5)
    course = np.array([0.7, 1.0, 5.5, *tilts]) * swing
    tremor = band_noise(rng, (len(time_s), 6), band_hz=(1.0, 5.0))
    course += tremor * ([TREMOR_MM] * 3 + [np.radians(TREMOR_DEG)] * 3)
    return SmoothMotion(time_s, course[:, :3], course[:, 3:], session.image_centre_mm)


def _pumping(rng, last_s: float, amplitude_mm: float) -> SmoothMotion:
    """Return irregular motion up and down, nearly without tilt."""
    time_s = knots(-MARGIN_S, last_s + MARGIN_S)
    course = np.zeros((len(time_s), 6))
    swing = band_noise(rng, time_s.shape, band_hz=(0.15, 0.9))
    course[:, 1] = amplitude_mm * 1.8 * np.tanh(swing / 1.8)
    course[:, 3:] = np.radians(0.5) * slow_noise(rng, (len(time_s), 3), time_s=1.0)
    return SmoothMotion(time_s, course[:, :3], course[:, 3:], np.zeros(3))


def _draw_mounting(rng: np.random.Generator, middle_mm) -> _Mounting:
    """Return how a marker, facing up, is screwed to the phantom's side, and registered."""
    turn = rotations.from_euler(rng.uniform(-15, 15, 3), "ZYX")
    true = geometry.transform(turn, rng.uniform(-60, 60, 3))
    R = rotations.from_rotation_vector(np.radians(REGISTRATION_TURN_DEG) * rng.standard_normal(3))
    shift = REGISTRATION_SHIFT_MM * rng.standard_normal(3) + middle_mm - R @ middle_mm
    return _Mounting(true, geometry.compose(true, geometry.transform(R, shift)))


def _record(rng, scan: _Scan, frame_shape, *, tracker, picture) -> CalibrationSession:
    """Return what the devices record of a scan, beside its truth."""
    seeing, drawing = rng.spawn(2)
    poses = scan.T_image_to_phantom(scan.time_s)
    T_pixel_to_image = scan.session.T_pixel_to_image(frame_shape)
    wires = None if scan.phantom is None else (scan.phantom.front_mm, scan.phantom.back_mm)
    points_px = np.empty((len(poses), 0, 2))
    if wires is not None:
        points_px = cut(poses @ T_pixel_to_image, *wires)
    return CalibrationSession(
        frames=draw_frames(
            drawing, poses, wires, T_pixel_to_image, frame_shape, picture=picture or WirePicture()
        ),
        time_s=scan.time_s,
        **_tracked(seeing, scan, tracker or TrackerSettings()),
        phantom=scan.phantom,
        T_phantom_to_reference=scan.mounting.registered,
        T_phantom_to_reference_true=scan.mounting.true,
        T_image_to_probe=scan.session.T_image_to_probe,
        T_pixel_to_probe=scan.session.T_image_to_probe @ T_pixel_to_image,
        lag_s=scan.session.lag_s,
        wire_points_px=points_px,
    )


def _tracked(rng, scan: _Scan, settings: TrackerSettings) -> dict:
    """Return stamps and both markers' tracks, as keyword arguments of a session."""
    clock, probe, reference = rng.spawn(3)
    last_s = scan.time_s[-1] + TRACKER_MARGIN_S
    sample_s = draw_sample_times(clock, settings, -TRACKER_MARGIN_S, last_s)
    # The camera hangs above; the phantom's marker (z up) faces it.
    T_reference_to_tracker = geometry.transform(np.diag([1.0, -1.0, -1.0]), [0.0, 0.0, CAMERA_MM])
    T_probe_to_tracker = T_reference_to_tracker @ scan.T_probe_to_reference(sample_s)
    still = np.broadcast_to(T_reference_to_tracker, T_probe_to_tracker.shape)
    return {
        "pose_time_s": draw_stamps(clock, settings, sample_s, lag_s=scan.session.lag_s),
        "probe": draw_track(probe, settings, sample_s, T_probe_to_tracker),
        "reference": draw_track(reference, settings, sample_s, still),
    }
