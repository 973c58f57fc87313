"""The lag between images and tracker from one plane seen moving by both.

Decides sign and meaning: `pose_time = image_time + lag`, so that the tracker signal at
t + lag_s matches the video at t; a positive lag means that poses are stamped late. Deliberately
refuses to name a lag that the data do not single out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from hipus.calibration.temporal_correlation import Curve, correlation_curve, signal_at
from hipus.calibration.temporal_plane import PlaneTrack, plane_position
from hipus.calibration.temporal_poses import ToolTrack, tracker_position
from hipus.sweep import check_times

log = logging.getLogger(__name__)

#: Fewest video samples that may decide a lag.
MIN_SAMPLES = 20


@dataclass(frozen=True)
class TemporalCalibration:
    """A lag, how sure it is, and the curve it was read from.

    Attributes
    ----------
    lag_s : float
        `pose_time = image_time + lag_s`.
    lag_sd_s : float
        Standard error, leaving out one block of consecutive frames at a time.
    lag_interval_s : tuple of 2 float
        95 % interval (Student's t).
    correlation : float
        At the lag. Negative when the two signals run in opposite directions, which says
        nothing: the sign of a principal axis is arbitrary.
    second_lag_s, second_correlation : float
        Next best optimum of either sign; NaN if the curve has no other.
    margin : float
        Difference of the two absolute correlations.
    lags_s, correlations : numpy.ndarray (L,)
        The curve; NaN where too few samples overlap.
    fitted_position : numpy.ndarray (N,)
        Tracker signal at `video_time_s + lag_s`, scaled and shifted to the video's unit; NaN
        where it has no sample.
    residual_rms : float
        Of video position minus `fitted_position`, in the video's unit.
    samples_used, samples_total : int
    """

    lag_s: float
    lag_sd_s: float
    lag_interval_s: tuple[float, float]
    correlation: float
    second_lag_s: float
    second_correlation: float
    margin: float
    lags_s: np.ndarray
    correlations: np.ndarray
    fitted_position: np.ndarray
    residual_rms: float
    samples_used: int
    samples_total: int


@dataclass(frozen=True)
class RecordingCalibration:
    """A lag together with the two signals it comes from.

    Attributes
    ----------
    calibration : TemporalCalibration
        Its arrays refer to the frames in which the plane was found.
    plane : PlaneTrack
    tool : ToolTrack
    """

    calibration: TemporalCalibration
    plane: PlaneTrack
    tool: ToolTrack


def calibrate_recordings(
    frames, video_time_s, tracker_time_s, T_tool_to_tracker, *, is_valid=None, max_lag_s=0.5
) -> RecordingCalibration:
    """Estimate the lag between a video of a plane and the poses of the probe.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8
    video_time_s : array-like (N,)
    tracker_time_s : array-like (M,)
    T_tool_to_tracker : array-like (M, 4, 4)
        Poses of the tool on the probe; NaN where invalid.
    is_valid : array-like (M,) bool, optional
    max_lag_s : float

    Returns
    -------
    RecordingCalibration

    Raises
    ------
    ValueError
        As `plane_position`, `tracker_position` and `calibrate`.
    """
    video_time_s = check_times(video_time_s, "video_time_s", count=frames.shape[0])
    plane = plane_position(frames)
    tool = tracker_position(T_tool_to_tracker, is_valid)
    tracker_time_s = check_times(tracker_time_s, "tracker_time_s", count=len(tool.position_mm))
    is_tracked = np.isfinite(tool.position_mm)
    calibration = calibrate(
        video_time_s[plane.is_found],
        plane.position_px[plane.is_found],
        tracker_time_s[is_tracked],
        tool.position_mm[is_tracked],
        max_lag_s=max_lag_s,
    )
    return RecordingCalibration(calibration, plane, tool)


def calibrate(
    video_time_s,
    video_position,
    tracker_time_s,
    tracker_position,
    *,
    max_lag_s: float = 0.5,
    max_gap_s: float = 0.25,
    min_correlation: float = 0.6,
    min_margin: float = 0.02,
) -> TemporalCalibration:
    """Estimate the lag at which two recordings of one motion agree best.

    Parameters
    ----------
    video_time_s, tracker_time_s : array-like (N,), (M,)
        Strictly increasing, on a common clock.
    video_position, tracker_position : array-like (N,), (M,)
        The motion as each saw it, in any unit, with any sign, scale and offset.
    max_lag_s : float
        Lags from -max_lag_s to +max_lag_s are tried.
    max_gap_s : float
        The tracker is not interpolated across longer gaps.
    min_correlation, min_margin : float
        Least absolute correlation, and least lead over the second optimum, of an answer.

    Returns
    -------
    TemporalCalibration

    Raises
    ------
    ValueError
        For values that are not finite, too few samples, a signal that does not move,
        recordings that do not overlap, a lag at the end of the range, signals that do not
        match at any lag, or two lags that match about equally well.

    Notes
    -----
    Absolute correlation of video(t) with tracker(t + lag), maximised on a 1 ms grid and
    refined by a parabola. The denser tracker is interpolated at the video's times, so the
    sparse video is never interpolated (which would pull its turning points inwards). Since
    either sign is allowed, a periodic motion has a second optimum about half a period away:
    a range wider than half a period is told apart by the motion's irregularity only.
    The interval is a delete-one-block jackknife (Kuensch 1989) over 10 blocks. It covers
    chance, not errors of the time stamps themselves.
    """
    video = _checked_signal(video_time_s, video_position, "video", MIN_SAMPLES)
    tracker = _checked_signal(tracker_time_s, tracker_position, "tracker", 2)
    curve = correlation_curve(*video, *tracker, max_lag_s=max_lag_s, max_gap_s=max_gap_s)
    second = curve.second_optimum
    _check_peak(curve, second, min_correlation=min_correlation, min_margin=min_margin)
    lag_s, (sd_s, half_s) = curve.refined_lag_s(), curve.jackknife_s()
    fitted = _fitted(video, tracker, lag_s, max_gap_s)
    correlation, second_correlation = curve.at(curve.best), curve.at(second)
    log.info("lag %.4f s, correlation %.3f, next %.3f", lag_s, correlation, second_correlation)
    return TemporalCalibration(
        lag_s=lag_s,
        lag_sd_s=sd_s,
        lag_interval_s=(lag_s - half_s, lag_s + half_s),
        correlation=correlation,
        second_lag_s=np.nan if second is None else float(curve.lags_s[second]),
        second_correlation=second_correlation,
        margin=abs(correlation) - (0.0 if second is None else abs(second_correlation)),
        lags_s=curve.lags_s,
        correlations=curve.correlations,
        fitted_position=fitted,
        residual_rms=float(np.sqrt(np.nanmean((video[1] - fitted) ** 2))),
        samples_used=int(np.isfinite(fitted).sum()),
        samples_total=len(fitted),
    )


def _checked_signal(time_s, position, name: str, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times and positions of one recording, or say what is wrong with them."""
    time_s = check_times(time_s, f"{name}_time_s")
    position = np.asarray(position, np.float64)
    if position.shape != time_s.shape:
        raise ValueError(f"{name}_position must be {time_s.shape}, got {position.shape}")
    if not np.isfinite(position).all():
        index = int(np.argmin(np.isfinite(position)))
        raise ValueError(
            f"{name}_position must be finite, got {position[index]} at sample {index}: leave "
            "out samples in which nothing was found"
        )
    if len(position) < least:
        raise ValueError(f"{name}_position: {least} samples needed, got {len(position)}")
    if np.ptp(position) <= 1e-9 * (1 + np.abs(position).max()):
        raise ValueError(f"{name}_position does not move: a lag needs motion")
    return time_s, position


def _check_peak(
    curve: Curve, second: int | None, *, min_correlation: float, min_margin: float
) -> None:
    """Refuse a lag that the curve does not single out."""
    best, lag_s = curve.at(curve.best), curve.lags_s[curve.best]
    if abs(best) < min_correlation:
        raise ValueError(
            f"video and tracker do not match at any lag: correlation {best:.3f} at {lag_s:.3f} s, "
            f"needed {min_correlation:g}"
        )
    if curve.is_at_end:
        raise ValueError(
            f"the best lag {lag_s:.3f} s lies at the end of the lags that could be tried "
            f"({curve.tried_s[0]:.3f} to {curve.tried_s[1]:.3f} s): widen it or record longer"
        )
    if second is not None and abs(best) - abs(curve.at(second)) < min_margin:
        raise ValueError(
            f"ambiguous: lag {lag_s:.3f} s (correlation {best:.3f}) and lag "
            f"{curve.lags_s[second]:.3f} s ({curve.at(second):.3f}) match within {min_margin:g}: "
            "narrow max_lag_s, or move less regularly"
        )


def _fitted(video, tracker, lag_s: float, max_gap_s: float) -> np.ndarray:
    """Return the tracker signal at video_time + lag in the video's unit."""
    shifted, is_known = signal_at(video[0] + lag_s, *tracker, max_gap_s=max_gap_s)
    slope, offset = np.polyfit(shifted[is_known], video[1][is_known], 1)
    return np.where(is_known, slope * shifted + offset, np.nan)
