"""The gyroscope's bias from a log's still ends, and how far the sensors are trusted at all.

Decides what counts as still and what a hand that seems still may tell. Deliberately integrates
nothing (see `attitude`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.sweep import Imu

#: Deviations of the bias beyond which a steady rate is a turn.
_PLAUSIBLE = 3.0


@dataclass(frozen=True)
class SensorTrust:
    """How far the sensors are trusted: standard deviations, and what counts as still.

    Attributes
    ----------
    gyroscope_noise_rad_s : float
        Of one sample.
    gyroscope_bias_rad_s : float
        Of the bias about 0 where nothing is known of it.
    tilt_rad : float
        Least deviation of one sample's specific force from gravity's direction, the hand's
        own acceleration included; a log that is shakier than this is trusted less.
    still_rad_s, still_s : float
        The ends of a log are still while every rate stays this close to their median, for at
        least so long, and the median is no larger than three deviations of a bias.
    sway_rad : float
        How far a hand that seems still turns the probe meanwhile.

    Notes
    -----
    Noise and bias are those of a consumer sensor such as a hand-held probe's: the open Clarius
    log shows 0.004 rad/s between neighbouring samples and a mean rate of 0.006 rad/s.
    """

    gyroscope_noise_rad_s: float = 0.004
    gyroscope_bias_rad_s: float = 0.01
    tilt_rad: float = 0.01
    still_rad_s: float = 0.02
    still_s: float = 0.3
    sway_rad: float = 0.003

    def __post_init__(self) -> None:
        """Refuse numbers that are not positive."""
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"trust.{name} must be positive, got {value}")


@dataclass(frozen=True)
class GyroscopeBias:
    """What the still ends of a log say of the gyroscope's bias.

    Attributes
    ----------
    bias_rad_s : numpy.ndarray (3,)
        0 where no end is still.
    sd_rad_s : float
    still_s : float
        Time that was still, both ends together.
    """

    bias_rad_s: np.ndarray
    sd_rad_s: float
    still_s: float


def still_bias(imu: Imu, *, trust: SensorTrust | None = None) -> GyroscopeBias:
    """Estimate the gyroscope's bias from the still ends of a log.

    Parameters
    ----------
    imu : Imu
    trust : SensorTrust, optional

    Returns
    -------
    GyroscopeBias
        0 with the prior's spread where neither end is still long enough.

    Notes
    -----
    The median of the still rates. A hand that seems still sways: over T seconds the bias is
    known to sway / T only, which for half a second is hardly better than the prior. A probe
    that lies on a table for some seconds before and after the sweep tells far more. A steady
    turn slower than three deviations of a bias (1.7 deg/s) cannot be told from one.
    """
    trust = trust or SensorTrust()
    time_s, rates = imu.time_s, imu.angular_velocity_rad_s
    leading = _still_count(time_s, rates, trust)
    trailing = 0
    if leading < len(time_s):
        trailing = _still_count(-time_s[::-1], rates[::-1], trust)
    ends = [slice(leading), slice(len(time_s) - trailing, None)]
    spans = [float(np.ptp(time_s[end])) for end in ends if len(time_s[end])]
    medians = [np.median(rates[end], axis=0) for end in ends if len(time_s[end])]
    if not spans:
        return GyroscopeBias(np.zeros(3), trust.gyroscope_bias_rad_s, 0.0)
    still_s = sum(spans)
    seen = np.average(medians, axis=0, weights=spans)
    seen_sd = trust.sway_rad * np.sqrt(len(spans)) / still_s
    share = 1 / (1 + (seen_sd / trust.gyroscope_bias_rad_s) ** 2)
    return GyroscopeBias(share * seen, seen_sd * np.sqrt(share), still_s)


def _still_count(time_s: np.ndarray, rates: np.ndarray, trust: SensorTrust) -> int:
    """Return how many samples from the first on are still, 0 if they end too soon."""
    is_first = np.abs(time_s - time_s[0]) <= trust.still_s
    middle = np.median(rates[is_first], axis=0)
    if np.abs(middle).max() > _PLAUSIBLE * trust.gyroscope_bias_rad_s:
        return 0  # a steady turn is not a bias
    is_moving = np.abs(rates - middle).max(axis=1) > trust.still_rad_s
    count = int(np.argmax(is_moving)) if is_moving.any() else len(rates)
    is_long = count > 2 and np.abs(time_s[count - 1] - time_s[0]) >= trust.still_s
    return count if is_long else 0
