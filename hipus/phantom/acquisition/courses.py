"""The ways a probe travels: what the hand means to do, before it trembles.

Decides the four motions of the thesis (linear, fast_and_slow, sector, loop) and the settling
of a Graf sweep into its plane, as functions of progress; and how evenly progress runs.
Deliberately knows neither side nor sweep type: the caller gives the signed travel.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import ellipe

from hipus.phantom.acquisition.motion import minimum_jerk
from hipus.phantom.acquisition.smooth_motion import slow_noise

#: The motions of the thesis (Part I, simulated sweeps). It names them without giving their
#: shape: the shapes here are assumed.
THESIS_COURSES = ("linear", "fast_and_slow", "sector", "loop")
COURSES = (*THESIS_COURSES, "settle")
#: Whole angle of a sector: a fan about the skin line.
SECTOR_DEG = 60.0
#: A loop is an ellipse: its lateral extent as a share of its elevational one.
LOOP_ASPECT = 0.35
#: Speeds of fast_and_slow vary between these shares of their geometric mean, twice a sweep.
FAST_AND_SLOW = (0.4, 2.5)
#: A Graf sweep is in its plane after this share of its duration.
SETTLED_SHARE = 0.5
#: Starting and stopping take this long, and speed varies as slowly as this (assumed).
RAMP_S, SPEED_S = 0.25, 0.5


def draw_progress(
    rng: np.random.Generator,
    share: np.ndarray,
    duration_s: float,
    course: str,
    variation: float,
) -> np.ndarray:
    """Draw how progress runs from 0 to 1, with the hand's changes of speed.

    Parameters
    ----------
    rng : numpy.random.Generator
    share : numpy.ndarray (K,)
        Share of the duration at each knot; below 0 before the start, above 1 after the end.
    duration_s : float
    course : str
    variation : float
        Standard deviation of the logarithm of the speed.

    Returns
    -------
    numpy.ndarray (K,) float64
        Never falling; 0 before the start, 1 after the end.
    """
    ramp = min(RAMP_S / duration_s, 0.5)
    speed = minimum_jerk(share / ramp) * minimum_jerk((1 - share) / ramp)
    speed *= np.exp(variation * slow_noise(rng, share.shape, time_s=SPEED_S))
    if course == "fast_and_slow":
        low, high = np.log(FAST_AND_SLOW)
        phase = rng.uniform(0, 2 * np.pi)
        swing = np.sin(4 * np.pi * share + phase)
        speed *= np.exp((low + high) / 2 + (high - low) / 2 * swing)
    way = cumulative_trapezoid(speed, share, initial=0)
    return way / way[-1]


def course_displacement(
    course: str, progress: np.ndarray, travel_mm: float, depth_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and turns of the picture's centre along a course.

    Parameters
    ----------
    course : str
        One of `COURSES`.
    progress : numpy.ndarray (K,)
        0 to 1.
    travel_mm : float
        Path length, signed by the direction along the elevational axis.
    depth_mm : float
        Of the picture: a sector turns about the skin, half of it above the centre.

    Returns
    -------
    offset_mm, turn_rad : numpy.ndarray (K, 3)
        Along and about the lateral, axial and elevational axes of the middle picture; turns
        about the picture's centre.
    """
    offset, turn = np.zeros((2, len(progress), 3))
    if course in ("linear", "fast_and_slow"):
        offset[:, 2] = travel_mm * (progress - 0.5)
    elif course == "settle":
        offset[:, 2] = travel_mm * (minimum_jerk(progress / SETTLED_SHARE) - 1)
    elif course == "sector":
        # Turned about x by a, the point `depth/2` below the pivot moves along z by sin a.
        angle = np.sign(travel_mm) * np.radians(SECTOR_DEG) * (progress - 0.5)
        turn[:, 0] = angle
        offset[:, 1] = depth_mm / 2 * (np.cos(angle) - 1)
        offset[:, 2] = depth_mm / 2 * np.sin(angle)
    else:
        half = _loop_half_axis(travel_mm)
        offset[:, 2] = -half * np.cos(2 * np.pi * progress)
        offset[:, 0] = LOOP_ASPECT * abs(half) * np.sin(2 * np.pi * progress)
    return offset, turn


def sector_path_mm(depth_mm: float) -> float:
    """Return the way of the picture's centre in a sector: its angle gives it.

    Parameters
    ----------
    depth_mm : float
        Of the picture.

    Returns
    -------
    float
    """
    return float(np.radians(SECTOR_DEG) * depth_mm / 2)


def _loop_half_axis(travel_mm: float) -> float:
    """Return the elevational half axis of the ellipse whose circumference is the travel."""
    return travel_mm / (4 * ellipe(1 - LOOP_ASPECT**2))
