"""One sweep of a cohort, looked at before anything is computed from it.

Decides which facts of a sweep are judged, their plausible ranges and the names of what is wrong.
All of it comes from what a device delivers. Deliberately repairs nothing: trimming and turning
are proposed here and done where sweeps are used (`sweep_cleaning`, `motion.preparation`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

import numpy as np

from hipus.formats.cohort_session import Session
from hipus.intake.inertial_lag import inertial_lag
from hipus.intake.static_ink import LEAST_INK_PX, ink_map
from hipus.motion.cleaning import TRAVEL_SIGN
from hipus.sweep import Sweep
from hipus.sweep_cleaning import (
    change_pace,
    detect_flip,
    elevational_travel_mm,
    travel_pace,
    trim_hesitation,
)
from hipus.sweep_quality import measure_quality

#: Depths that a picture of an infant's hip has, and rates and durations of a sweep by hand.
DEPTH_MM = (20.0, 100.0)
FRAME_RATE_HZ = (4.0, 120.0)
DURATION_S = (1.5, 60.0)
#: A stated lag beyond this, and a lag left in the poses beyond that, are no calibrated ones. The
#: inertial lags of simulated training sweeps, whose poses are corrected, stay within 19 ms.
MOST_LAG_S, MOST_LAG_LEFT_S = 0.5, 0.05


@dataclass(frozen=True)
class SweepView:
    """What a picture of a checked sweep shows.

    Attributes
    ----------
    frame : numpy.ndarray (H, W) uint8
        From the middle of the sweep.
    is_ink : numpy.ndarray (H, W) bool
    time_s : numpy.ndarray (N,)
        From zero.
    pace : numpy.ndarray (N - 1,)
        Travel, mm/s, or how fast untracked pictures change.
    is_valid : numpy.ndarray (N,) bool
    """

    frame: np.ndarray
    is_ink: np.ndarray
    time_s: np.ndarray
    pace: np.ndarray
    is_valid: np.ndarray


@dataclass(frozen=True)
class SweepCheck:
    """What was found of one sweep.

    Attributes
    ----------
    why_unreadable : str
        "" where it can be read; then all else is known.
    frame_count : int
    duration_s, frame_rate_hz : float
    is_calibrated : bool
        Whether the size of a pixel is known (and, tracked, where the picture is).
    pixel_x_mm, pixel_y_mm, depth_mm : float
    is_tracked : bool
    lost_share, path_mm, dark_share : float
    lag_s : float
        As stated.
    lag_left_s, lag_left_half_s : float
        Of the poses as used against the inertial sensor, with half its 95 % interval.
    lag_note : str
        Why it cannot be told.
    travel_mm : float
        Net, along the picture's normal.
    orientation : str
        "as expected", "turned", or why it cannot be told.
    trim_start, trim_stop : int
        Proposal: the frames between the hesitations.
    ink_px : int
        Sharp edges that stand still.
    problems : tuple of str
    view : SweepView or None
    """

    why_unreadable: str = ""
    frame_count: int = 0
    duration_s: float = nan
    frame_rate_hz: float = nan
    is_calibrated: bool = False
    pixel_x_mm: float = nan
    pixel_y_mm: float = nan
    depth_mm: float = nan
    is_tracked: bool = False
    lost_share: float = nan
    path_mm: float = nan
    dark_share: float = nan
    lag_s: float = nan
    lag_left_s: float = nan
    lag_left_half_s: float = nan
    lag_note: str = ""
    travel_mm: float = nan
    orientation: str = ""
    trim_start: int = 0
    trim_stop: int = 0
    ink_px: int = 0
    problems: tuple[str, ...] = ()
    view: SweepView | None = field(default=None, repr=False, compare=False)


def unreadable(error: Exception) -> SweepCheck:
    """Return the check of a sweep that cannot be read.

    Parameters
    ----------
    error : Exception
        What reading it said.

    Returns
    -------
    SweepCheck
    """
    return SweepCheck(why_unreadable=str(error), problems=("unreadable",))


def check_sweep(sweep: Sweep, session: Session, *, side: str, sweep_type: str) -> SweepCheck:
    """Look at a sweep.

    Parameters
    ----------
    sweep : Sweep
        As the cohort opens it: poses are those of the images.
    session : Session
    side : {"left", "right"}
    sweep_type : {"graf", "p_a", "p_d"}

    Returns
    -------
    SweepCheck

    Raises
    ------
    ValueError, OSError
        If its pictures cannot be read.
    """
    quality = measure_quality(sweep, is_tracked=session.is_tracked)
    sides = sweep.pixel_spacing_xy_mm or (nan, nan)
    duration_s = float(sweep.time_s[-1] - sweep.time_s[0])
    is_travelling = sweep_type in ("p_a", "p_d")
    kept = trim_hesitation(sweep) if is_travelling else slice(0, len(sweep))
    orientation, travel_mm = _orientation(sweep, side if is_travelling else "")
    lag = inertial_lag(sweep)
    ink = ink_map(sweep.frames)
    facts = {
        "frame_count": len(sweep),
        "duration_s": duration_s,
        "frame_rate_hz": (len(sweep) - 1) / duration_s if duration_s > 0 else nan,
        "is_calibrated": _is_calibrated(sweep, session),
        "pixel_x_mm": sides[0],
        "pixel_y_mm": sides[1],
        "depth_mm": sides[1] * sweep.frames.shape[1],
        "is_tracked": session.is_tracked,
        "lost_share": quality.lost_share,
        "path_mm": quality.path_mm,
        "dark_share": quality.dark_share,
        "lag_s": nan if session.lag_s is None else session.lag_s,
        "lag_left_s": lag.lag_s,
        "lag_left_half_s": lag.half_width_s,
        "lag_note": lag.why_not,
        "travel_mm": travel_mm,
        "orientation": orientation,
        "trim_start": kept.start,
        "trim_stop": kept.stop,
        "ink_px": int(np.count_nonzero(ink)),
    }
    problems = (*_problems(facts), *quality.broken_rules(sweep_type))
    return SweepCheck(**facts, problems=problems, view=_view(sweep, ink))


def _is_calibrated(sweep: Sweep, session: Session) -> bool:
    """Return whether sizes and, of tracked pictures, places are known."""
    return (sweep.T_pixel_to_probe if session.is_tracked else sweep.pixel_spacing_xy_mm) is not None


def _orientation(sweep: Sweep, side: str) -> tuple[str, float]:
    """Return whether the probe was held as the protocol says, and the travel that tells."""
    if not side:
        return "a Graf sweep does not travel", nan
    if sweep.T_pixel_to_probe is None or np.count_nonzero(sweep.is_valid) < 2:
        return "not told without poses", nan
    travel_mm = elevational_travel_mm(sweep)
    try:
        is_turned = detect_flip(sweep, TRAVEL_SIGN[side])
    except ValueError:
        return "too short a travel to tell", travel_mm
    return ("turned" if is_turned else "as expected"), travel_mm


def _problems(facts: dict) -> list[str]:
    """Return the names of what is wrong; what is not known is no problem of its own."""
    left_s, half_s = facts["lag_left_s"], facts["lag_left_half_s"]
    wrong = {
        "not_calibrated": not facts["is_calibrated"],
        "implausible_depth": _is_outside(facts["depth_mm"], DEPTH_MM),
        "implausible_frame_rate": _is_outside(facts["frame_rate_hz"], FRAME_RATE_HZ),
        "implausible_duration": _is_outside(facts["duration_s"], DURATION_S),
        "implausible_lag": abs(facts["lag_s"]) > MOST_LAG_S,
        "lag_left_in_poses": abs(left_s) - half_s > MOST_LAG_LEFT_S,
        "burnt_in_text": facts["ink_px"] >= LEAST_INK_PX,
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _is_outside(value: float, limits: tuple[float, float]) -> bool:
    """Return whether a known value lies outside limits."""
    return value < limits[0] or value > limits[1]


def _view(sweep: Sweep, is_ink: np.ndarray) -> SweepView:
    """Return what a picture of the sweep shows."""
    middle = len(sweep) // 2
    is_tracked = 2 * np.count_nonzero(sweep.is_valid) >= len(sweep)
    pace = np.zeros(0)
    if len(sweep) > 1:
        pace = travel_pace(sweep) if is_tracked else change_pace(sweep)
    return SweepView(
        frame=np.asarray(sweep.frames[slice(middle, middle + 1)])[0],
        is_ink=is_ink,
        time_s=sweep.time_s - sweep.time_s[0],
        pace=pace,
        is_valid=np.asarray(sweep.is_valid),
    )
