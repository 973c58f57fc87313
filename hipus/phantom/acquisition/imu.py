"""What the probe's inertial sensor delivers, as a Clarius logs it.

Decides when samples arrive, in which frame they are and how wrong they are. Deliberately
estimates nothing from them. `ImuErrors` and `ImuTiming` were set beside the one open Clarius
log (84 samples in 2.8 s of a held probe): packets of about 4 samples at 82 Hz, gaps of 50 ms
between them and now and then of up to 0.5 s, a mean of 30 samples per second, 0.92 g at rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.sweep import Imu

#: What an accelerometer at rest shows upwards.
GRAVITY_M_S2 = 9.80665
#: Faults of a Clarius' sensors, in rad/s and m/s^2; sources in `draw_imu_errors`.
GYROSCOPE = {"bias_sd": 0.005, "scale_sd": 0.01, "noise": 0.003, "step": 1.305e-4}
ACCELEROMETER = {
    "bias_sd": 0.1,
    "scale_sd": 0.04,
    "noise": 0.025,
    "step": 5.83e-5 * GRAVITY_M_S2,
}
#: Half the span of the central differences that velocity and acceleration are taken from.
_STEP_S = 1e-3


@dataclass(frozen=True)
class SensorErrors:
    """Faults of a three-axis sensor, in its unit. A fresh instance has none.

    Attributes
    ----------
    bias, scale : tuple of 3 float
        A sample is scale * truth + bias.
    noise : float
        Standard deviation of a sample.
    step : float
        Rounding of the samples; 0 for none.
    """

    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 0.0
    step: float = 0.0

    def apply(self, rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
        """Return true values (M, 3) as the sensor gives them."""
        # Noise is drawn even where it is 0: the generator then stands where it always does.
        measured = values * self.scale + self.bias + self.noise * rng.standard_normal(values.shape)
        return np.round(measured / self.step) * self.step if self.step else measured


@dataclass(frozen=True)
class ImuErrors:
    """Faults of one probe's sensors: rad/s and m/s^2."""

    gyroscope: SensorErrors = SensorErrors()
    accelerometer: SensorErrors = SensorErrors()


@dataclass(frozen=True)
class ImuTiming:
    """When samples arrive.

    Attributes
    ----------
    rate_hz : float
        Within a packet.
    packet_samples_mean : float
        Samples between two gaps, at least 2; infinity for an even stream without gaps.
    slow_share, slow_s : float, tuple of 2 float
        Share of steps within a packet that take longer, and how long.
    gap_s_min, gap_s_median, gap_s_max, gap_log_sd : float
        What gaps exceed `gap_s_min` by is log-normal; cut off at `gap_s_max`.
    """

    rate_hz: float = 84.0
    packet_samples_mean: float = 3.7
    slow_share: float = 0.14
    slow_s: tuple[float, float] = (0.017, 0.031)
    gap_s_min: float = 0.036
    gap_s_median: float = 0.053
    gap_s_max: float = 0.52
    gap_log_sd: float = 1.1

    def __post_init__(self) -> None:
        """Refuse a stream that never advances."""
        if not self.rate_hz > 0:
            raise ValueError(f"imu.rate_hz must be positive, got {self.rate_hz}")
        if not self.packet_samples_mean >= 2:
            raise ValueError(
                f"imu.packet_samples_mean must be >= 2, got {self.packet_samples_mean}"
            )
        if not 0 < self.gap_s_min < self.gap_s_median <= self.gap_s_max:
            raise ValueError(
                "imu.gap_s_min, gap_s_median and gap_s_max must be positive and rise, "
                f"got {self.gap_s_min}, {self.gap_s_median} and {self.gap_s_max}"
            )


#: A sensor that delivers every sample, for tests and for what-if studies.
EVEN = ImuTiming(packet_samples_mean=np.inf, slow_share=0.0)


def draw_imu_errors(rng: np.random.Generator) -> ImuErrors:
    """Draw the faults of one probe's sensor.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    ImuErrors

    Notes
    -----
    Spreads are assumed around the open log, which shows a mean rate of 0.006 rad/s in a held
    probe and 0.92 g at rest (the gains of its accelerometer were never calibrated). Between
    neighbouring samples it shows 0.004 rad/s and 0.03 m/s^2, hand included; its values are
    multiples of 1.305e-4 rad/s and 5.83e-5 g.
    """
    return ImuErrors(*(_draw_sensor(rng, faults) for faults in (GYROSCOPE, ACCELEROMETER)))


def _draw_sensor(rng: np.random.Generator, faults: dict[str, float]) -> SensorErrors:
    """Draw the faults of one three-axis sensor."""
    return SensorErrors(
        bias=tuple(faults["bias_sd"] * rng.standard_normal(3)),
        scale=tuple(1 + faults["scale_sd"] * rng.standard_normal(3)),
        noise=faults["noise"],
        step=faults["step"],
    )


def draw_imu_times(
    rng: np.random.Generator, start_s: float, stop_s: float, *, timing: ImuTiming | None = None
) -> np.ndarray:
    """Draw the times of a log: packets of samples with gaps between them.

    Parameters
    ----------
    rng : numpy.random.Generator
    start_s, stop_s : float
    timing : ImuTiming, optional
        As the open Clarius log when left out.

    Returns
    -------
    numpy.ndarray (M,) float64
        Strictly increasing.
    """
    timing = timing or ImuTiming()
    count = int(np.ceil((stop_s - start_s) * timing.rate_hz)) + 2
    step = np.full(count, 1 / timing.rate_hz)
    if np.isfinite(timing.packet_samples_mean):
        step *= 1 + np.abs(rng.normal(0, 0.025, count))
        is_slow = rng.random(count) < timing.slow_share
        step[is_slow] = rng.uniform(*timing.slow_s, is_slow.sum())
        sizes = 2 + rng.poisson(timing.packet_samples_mean - 2, count)
        ends = np.cumsum(sizes)
        ends = ends[ends <= count] - 1
        gap = np.exp(timing.gap_log_sd * rng.standard_normal(len(ends)))
        gap = timing.gap_s_min + (timing.gap_s_median - timing.gap_s_min) * gap
        step[ends] = np.minimum(gap, timing.gap_s_max)
    time_s = start_s + np.concatenate([[0.0], np.cumsum(step)])
    return time_s[time_s <= stop_s]


def measure(
    rng: np.random.Generator,
    time_s: np.ndarray,
    T_imu_to_world: Callable[[np.ndarray], np.ndarray],
    *,
    up_in_world,
    errors: ImuErrors | None = None,
    T_imu_to_probe: np.ndarray | None = None,
) -> Imu:
    """Measure a motion with an inertial sensor.

    Parameters
    ----------
    rng : numpy.random.Generator
    time_s : numpy.ndarray (M,)
        The motion must be known a millisecond beyond both ends.
    T_imu_to_world : callable
        Times (K,) to poses (K, 4, 4) of the sensor in a frame that does not move, mm.
    up_in_world : array-like (3,)
        Unit vector against gravity.
    errors : ImuErrors, optional
        None for a perfect sensor.
    T_imu_to_probe : numpy.ndarray (4, 4), optional
        Kept with the log.

    Returns
    -------
    Imu
        Angular velocity and specific force in the sensor's own frame.

    Notes
    -----
    Central differences over 2 ms: motions end at 5 Hz, so the error is below 2e-4 of the
    value.
    """
    errors = errors or ImuErrors()
    before, now, after = (T_imu_to_world(time_s + shift) for shift in (-_STEP_S, 0.0, _STEP_S))
    turned = geometry.relative(before, after)[..., :3, :3]
    velocity = rotations.to_rotation_vector(turned) / (2 * _STEP_S)
    moved_m = (after - 2 * now + before)[:, :3, 3] * 1e-3
    force = moved_m / _STEP_S**2 + GRAVITY_M_S2 * np.asarray(up_in_world, np.float64)
    force = np.einsum("mij,mi->mj", now[:, :3, :3], force)
    return Imu(
        time_s=time_s,
        angular_velocity_rad_s=errors.gyroscope.apply(rng, velocity),
        acceleration_m_s2=errors.accelerometer.apply(rng, force),
        T_imu_to_probe=T_imu_to_probe,
    )
