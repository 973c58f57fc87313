"""The infant moves: kicks, shifts of the pelvis, breath.

Decides how the hip, and with it anatomy and reference marker, moves in the room while a sweep
is taken: bursts of minimum-jerk excursions (Flash and Hogan 1985) that come back in part, on
top of breathing. Deliberately decides no share of it for marker or probe (see `recorded`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus.phantom.acquisition.smooth_motion import SmoothMotion, slow_noise

#: A hip turns about a point deeper in the pelvis, towards the midline, mm (assumed).
PIVOT_DEPTH_MM = 25.0


@dataclass(frozen=True)
class InfantMotion:
    """How restless an infant is. All assumed: no measurement of it is published.

    Attributes
    ----------
    burst_rate_hz : float
        Kicks or shifts per second.
    amplitude_mm, amplitude_deg : float
        Root mean square size of a burst along and about each axis.
    duration_s : tuple of 2 float
        Range of the time from rest to the extreme.
    return_share : tuple of 2 float
        Range of the part of a burst that is taken back afterwards.
    breathing_mm, breathing_hz : float
        Amplitude of the pelvis' breathing, and its rate.
    reference_share : float
        Part of the motion that the strapped reference marker takes part in: skin gives.
    probe_share : float
        Part of the motion that the probe follows because it is pressed on the skin.
    """

    burst_rate_hz: float = 0.08
    amplitude_mm: float = 1.2
    amplitude_deg: float = 1.5
    duration_s: tuple[float, float] = (0.25, 0.8)
    return_share: tuple[float, float] = (0.3, 1.0)
    breathing_mm: float = 0.06
    breathing_hz: float = 0.8
    reference_share: float = 0.9
    probe_share: float = 0.4

    def __post_init__(self) -> None:
        """Refuse negative amplitudes and shares beyond 0 to 1."""
        for name, value in vars(self).items():
            if not np.all(np.isfinite(value)) or np.min(value) < 0:
                raise ValueError(f"infant.{name} must be finite and >= 0, got {value}")
        for name in ("return_share", "reference_share", "probe_share"):
            if np.max(getattr(self, name)) > 1:
                raise ValueError(f"infant.{name} must be <= 1, got {getattr(self, name)}")
        if not 0 < self.duration_s[0] <= self.duration_s[1]:
            raise ValueError(f"infant.duration_s must be a positive range, got {self.duration_s}")


#: An infant that does not even breathe: the same sweep without its motion.
STILL = InfantMotion(burst_rate_hz=0.0, breathing_mm=0.0)


def scaled(infant: InfantMotion, factor: float) -> InfantMotion:
    """Return an infant that moves at the same moments, by more or less.

    Parameters
    ----------
    infant : InfantMotion
    factor : float
        0 for none.

    Returns
    -------
    InfantMotion

    Raises
    ------
    ValueError
        For a negative factor.
    """
    return replace(
        infant,
        amplitude_mm=factor * infant.amplitude_mm,
        amplitude_deg=factor * infant.amplitude_deg,
        breathing_mm=factor * infant.breathing_mm,
    )


def minimum_jerk(share) -> np.ndarray:
    """Return the smoothest way from 0 to 1 as time goes from 0 to 1.

    Parameters
    ----------
    share : array-like
        Clipped to 0 to 1.

    Returns
    -------
    numpy.ndarray

    Notes
    -----
    10 t^3 - 15 t^4 + 6 t^5 (Flash and Hogan 1985).
    """
    t = np.clip(share, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t**2)


def draw_infant_motion(
    rng: np.random.Generator, time_s: np.ndarray, *, infant: InfantMotion, outward: np.ndarray
) -> SmoothMotion:
    """Draw the motion of a hip during one sweep.

    Parameters
    ----------
    rng : numpy.random.Generator
        Amplitudes scale one and the same draw, so that sweeps with more and less motion are
        the same sweep.
    time_s : numpy.ndarray (K,)
        Knots.
    infant : InfantMotion
    outward : numpy.ndarray (3,)
        Unit vector out of the patient at this hip, in the hip frame.

    Returns
    -------
    SmoothMotion
        Displacement of the hip from its place at rest, in the hip frame at rest.
    """
    bursts, breath = rng.spawn(2)
    course = _bursts(bursts, time_s, infant)
    offset = infant.amplitude_mm * course[:, :3]
    phase = 2 * np.pi * (breath.uniform() + infant.breathing_hz * time_s)
    swing = np.sin(phase + 0.5 * slow_noise(breath, time_s.shape, time_s=1.0))
    direction = breath.standard_normal(3)
    direction /= np.linalg.norm(direction)
    offset = offset + infant.breathing_mm * swing[:, None] * direction
    turn = np.radians(infant.amplitude_deg) * course[:, 3:]
    return SmoothMotion(time_s, offset, turn, -PIVOT_DEPTH_MM * outward)


def _bursts(rng: np.random.Generator, time_s: np.ndarray, infant: InfantMotion) -> np.ndarray:
    """Return the sum of all bursts (K, 6) in units of their amplitudes."""
    span_s = time_s[-1] - time_s[0]
    course = np.zeros((len(time_s), 6))
    for start_s in time_s[0] + span_s * rng.random(rng.poisson(infant.burst_rate_hz * span_s)):
        out_s, back_s = rng.uniform(*infant.duration_s, 2)
        share = rng.uniform(*infant.return_share)
        rise = minimum_jerk((time_s - start_s) / out_s)
        fall = share * minimum_jerk((time_s - start_s - out_s) / back_s)
        course += (rise - fall)[:, None] * rng.standard_normal(6)
    return course
