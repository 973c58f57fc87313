"""What an optical tracker reports: late, noisy, and nothing at all when it cannot see.

Decides noise, occlusions, line of sight and time stamps of a camera that follows marker
bodies. Deliberately knows nothing of hips: it is given true poses in its own frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hipus import geometry, rotations


class TrackingStatus(IntEnum):
    """Why there is a pose or none; names as PLUS writes them."""

    OK = 0
    #: The marker is turned too far away from the camera.
    OUT_OF_VIEW = 1
    #: Something stands between marker and camera, or the camera lost it for a moment.
    MISSING = 2


@dataclass(frozen=True)
class TrackerSettings:
    """The camera. The published tracker is not named: all values are assumed.

    Attributes
    ----------
    rate_hz : float
        Common cameras deliver 20 to 60 Hz.
    stamp_jitter_s : float
        Standard deviation of the time stamps about their even pace.
    position_noise_mm : tuple of 3 float
        In the tracker's axes: worst along z, the viewing direction, as in any stereo camera
        (Wiles et al. 2004 report 0.25 to 0.35 mm overall error, most of it slowly varying;
        this is the part that changes from sample to sample).
    rotation_noise_deg : float
        About each axis.
    occlusion_rate_hz, occlusion_s : float
        Occlusions per second of each marker, and their mean duration.
    loss_probability : float
        Of a single sample.
    greatest_angle_deg : float
        Between a marker's normal (its z axis) and the direction to the camera.
    """

    rate_hz: float = 40.0
    stamp_jitter_s: float = 0.0005
    position_noise_mm: tuple[float, float, float] = (0.04, 0.04, 0.10)
    rotation_noise_deg: float = 0.05
    occlusion_rate_hz: float = 0.02
    occlusion_s: float = 0.25
    loss_probability: float = 0.003
    greatest_angle_deg: float = 60.0

    def __post_init__(self) -> None:
        """Refuse rates and spreads that are none."""
        for name, value in vars(self).items():
            if not np.all(np.isfinite(value)) or np.min(value) < 0:
                raise ValueError(f"tracker.{name} must be finite and >= 0, got {value}")
        if self.rate_hz <= 0:
            raise ValueError(f"tracker.rate_hz must be positive, got {self.rate_hz}")
        if self.loss_probability > 1:
            raise ValueError(f"tracker.loss_probability must be <= 1, got {self.loss_probability}")


#: A camera without faults, for tests and for what-if studies.
PERFECT = TrackerSettings(
    stamp_jitter_s=0.0,
    position_noise_mm=(0.0, 0.0, 0.0),
    rotation_noise_deg=0.0,
    occlusion_rate_hz=0.0,
    loss_probability=0.0,
    greatest_angle_deg=180.0,
)


@dataclass(frozen=True)
class MarkerTrack:
    """One marker as the tracker reports it.

    Attributes
    ----------
    T_marker_to_tracker : numpy.ndarray (M, 4, 4) float64
        NaN where the status is not OK.
    status : numpy.ndarray (M,) int8
        `TrackingStatus`.
    """

    T_marker_to_tracker: np.ndarray
    status: np.ndarray

    @property
    def is_valid(self) -> np.ndarray:
        """Return (M,) bool: where there is a pose."""
        return self.status == TrackingStatus.OK


def draw_sample_times(
    rng: np.random.Generator, settings: TrackerSettings, start_s: float, stop_s: float
) -> np.ndarray:
    """Draw the moments at which a camera looks, at an even pace and an arbitrary phase.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : TrackerSettings
    start_s, stop_s : float

    Returns
    -------
    numpy.ndarray (M,) float64
        Strictly increasing, within the interval.
    """
    first = start_s + rng.random() / settings.rate_hz
    return np.arange(first, stop_s, 1 / settings.rate_hz)


def draw_stamps(
    rng: np.random.Generator, settings: TrackerSettings, sample_time_s, *, lag_s: float
) -> np.ndarray:
    """Draw the time stamps of samples: late by the lag, with jitter, strictly increasing.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : TrackerSettings
    sample_time_s : numpy.ndarray (M,)
        True times on the images' clock.
    lag_s : float
        `pose_time = image_time + lag`.

    Returns
    -------
    numpy.ndarray (M,) float64
    """
    limit = 0.4 / settings.rate_hz
    jitter = settings.stamp_jitter_s * rng.standard_normal(len(sample_time_s))
    return sample_time_s + lag_s + np.clip(jitter, -limit, limit)


def draw_track(
    rng: np.random.Generator, settings: TrackerSettings, sample_time_s, T_marker_to_tracker
) -> MarkerTrack:
    """Draw what a camera reports of one marker.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : TrackerSettings
    sample_time_s : numpy.ndarray (M,)
    T_marker_to_tracker : numpy.ndarray (M, 4, 4)
        Truth. The camera is the tracker's origin.

    Returns
    -------
    MarkerTrack
    """
    noise, gaps = rng.spawn(2)
    count = len(sample_time_s)
    shift = settings.position_noise_mm * noise.standard_normal((count, 3))
    turn = np.radians(settings.rotation_noise_deg) * noise.standard_normal((count, 3))
    T = np.array(T_marker_to_tracker, np.float64)
    T[:, :3, :3] = T[:, :3, :3] @ rotations.from_rotation_vector(turn)
    T[:, :3, 3] += shift
    status = np.full(count, TrackingStatus.OK, np.int8)
    status[_draw_losses(gaps, settings, sample_time_s)] = TrackingStatus.MISSING
    is_away = view_angle_deg(T_marker_to_tracker) > settings.greatest_angle_deg
    status[is_away] = TrackingStatus.OUT_OF_VIEW
    T[status != TrackingStatus.OK] = np.nan
    return MarkerTrack(T, status)


def view_angle_deg(T_marker_to_tracker) -> np.ndarray:
    """Return the angle between a marker's normal and the direction to the camera.

    Parameters
    ----------
    T_marker_to_tracker : numpy.ndarray (M, 4, 4)

    Returns
    -------
    numpy.ndarray (M,)
        0 when the marker faces the camera.
    """
    T = np.asarray(T_marker_to_tracker, np.float64)
    place = T[..., :3, 3]
    cosine = -np.sum(T[..., :3, 2] * place, axis=-1) / np.linalg.norm(place, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _draw_losses(rng: np.random.Generator, settings: TrackerSettings, time_s) -> np.ndarray:
    """Return (M,) bool: samples that are lost singly or in an occlusion."""
    is_lost = rng.random(len(time_s)) < settings.loss_probability
    span_s = time_s[-1] - time_s[0]
    for _ in range(rng.poisson(settings.occlusion_rate_hz * span_s)):
        start_s = time_s[0] + span_s * rng.random()
        stop_s = start_s + rng.exponential(settings.occlusion_s)
        is_lost |= (time_s >= start_s) & (time_s <= stop_s)
    return is_lost


def poses_at(query_time_s, time_s, track: MarkerTrack, *, max_gap_s: float) -> MarkerTrack:
    """Return a marker at other times: interpolated, never across a gap or beyond the ends.

    Parameters
    ----------
    query_time_s : array-like (N,)
    time_s : numpy.ndarray (M,)
        Stamps of the track.
    track : MarkerTrack
    max_gap_s : float

    Returns
    -------
    MarkerTrack
        N samples. Where no pose results, the status is that of the nearest sample without
        one, or MISSING.
    """
    query = np.asarray(query_time_s, np.float64)
    if not track.is_valid.any():
        T = np.full((len(query), 4, 4), np.nan)
    else:
        T = geometry.interpolate_poses(
            time_s, track.T_marker_to_tracker, query, max_gap_s=max_gap_s
        )
    status = np.zeros(len(query), np.int8)
    is_bad = np.isnan(T).any(axis=(1, 2))
    status[is_bad] = TrackingStatus.MISSING
    if is_bad.any() and not track.is_valid.all():
        lost = np.flatnonzero(~track.is_valid)
        nearest = lost[np.abs(time_s[lost][None] - query[is_bad, None]).argmin(axis=1)]
        status[is_bad] = track.status[nearest]
    return MarkerTrack(T, status)
