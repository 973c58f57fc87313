"""The inertial sensor: physics without faults, faults as stated, and the open Clarius log."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.formats.clarius_imu import imu_gaps_s, read_imu, write_imu
from hipus.phantom.acquisition.imu import (
    EVEN,
    GRAVITY_M_S2,
    ImuErrors,
    ImuTiming,
    SensorErrors,
    draw_imu_errors,
    draw_imu_times,
    measure,
)

UP = np.array([0.0, 0.6, 0.8])
TIME_S = np.arange(0, 3, 1 / 84)


def spinning(rate_rad_s, start=None):
    """Return a sensor that turns evenly about an axis of its own."""
    start = np.eye(3) if start is None else start

    def T_imu_to_world(time_s):
        turn = rotations.from_rotation_vector(np.multiply.outer(time_s, rate_rad_s))
        return geometry.transform(start @ turn, [5.0, -3.0, 700.0])

    return T_imu_to_world


class TestPhysics:
    def test_a_resting_sensor_shows_gravity_upwards(self, rng):
        R = rotations.from_euler([30.0, -20.0, 50.0], "ZYX")
        imu = measure(rng, TIME_S, spinning([0, 0, 0], R), up_in_world=UP)
        np.testing.assert_allclose(
            imu.acceleration_m_s2,
            np.broadcast_to(GRAVITY_M_S2 * (R.T @ UP), (len(TIME_S), 3)),
            atol=1e-6,
        )
        np.testing.assert_allclose(imu.angular_velocity_rad_s, 0.0, atol=1e-9)

    def test_angular_velocity_is_in_the_sensors_own_frame(self, rng):
        start = rotations.from_euler([90.0, 0.0, 0.0], "ZYX")
        imu = measure(rng, TIME_S, spinning([0.0, 0.3, 0.0], start), up_in_world=UP)
        np.testing.assert_allclose(
            imu.angular_velocity_rad_s, np.broadcast_to([0, 0.3, 0], (len(TIME_S), 3)), atol=1e-9
        )

    def test_shaking_adds_its_acceleration(self, rng):
        amplitude_mm, omega = 2.0, 2 * np.pi * 3

        def shaken(time_s):
            x = amplitude_mm * np.sin(omega * time_s)
            return geometry.transform(np.eye(3), np.stack([x, 0 * x, 0 * x], axis=-1))

        imu = measure(rng, TIME_S, shaken, up_in_world=[0, 0, 1.0])
        expected = -amplitude_mm * 1e-3 * omega**2 * np.sin(omega * TIME_S)
        np.testing.assert_allclose(imu.acceleration_m_s2[:, 0], expected, atol=2e-4)
        np.testing.assert_allclose(imu.acceleration_m_s2[:, 2], GRAVITY_M_S2, atol=1e-5)


class TestFaults:
    def test_scale_bias_noise_and_rounding_come_in_that_order(self, rng):
        errors = ImuErrors(
            gyroscope=SensorErrors(bias=(0.01, 0.0, -0.02), scale=(1.1, 1.0, 0.9), step=0.001)
        )
        imu = measure(rng, TIME_S, spinning([0.3, 0, 0]), up_in_world=UP, errors=errors)
        np.testing.assert_allclose(
            imu.angular_velocity_rad_s,
            np.broadcast_to([0.34, 0.0, -0.02], (len(TIME_S), 3)),
            atol=1e-9,
        )

    def test_noise_is_as_large_as_stated(self, rng):
        time_s = np.arange(0, 50, 1 / 84)
        errors = ImuErrors(SensorErrors(noise=0.004), SensorErrors(noise=0.03))
        imu = measure(rng, time_s, spinning([0, 0, 0]), up_in_world=UP, errors=errors)
        np.testing.assert_allclose(imu.angular_velocity_rad_s.std(axis=0), 0.004, rtol=0.06)
        np.testing.assert_allclose(imu.acceleration_m_s2.std(axis=0), 0.03, rtol=0.06)

    def test_drawn_faults_differ_between_probes(self):
        first, second = (draw_imu_errors(np.random.default_rng(seed)) for seed in (1, 2))
        assert first.gyroscope.bias != second.gyroscope.bias
        assert np.abs(first.gyroscope.bias).max() < 0.03
        assert np.abs(np.array(first.accelerometer.scale) - 1).max() < 0.2


class TestTiming:
    def test_an_even_stream_has_no_gap(self, rng):
        time_s = draw_imu_times(rng, 0.0, 2.0, timing=EVEN)
        np.testing.assert_allclose(np.diff(time_s), 1 / 84)

    def test_stays_within_its_interval(self, rng):
        for _ in range(20):
            time_s = draw_imu_times(rng, -0.3, 1.7)
            assert time_s[0] == -0.3
            assert time_s[-1] <= 1.7
            assert np.diff(time_s).min() > 0.01

    def test_refuses_streams_that_cannot_be(self):
        with pytest.raises(ValueError, match="imu.rate_hz must be positive, got 0"):
            ImuTiming(rate_hz=0.0)
        with pytest.raises(ValueError, match="imu.packet_samples_mean must be >= 2, got 1"):
            ImuTiming(packet_samples_mean=1.0)
        with pytest.raises(
            ValueError, match="gap_s_max must be positive and rise, got 0.036, 0.001"
        ):
            ImuTiming(gap_s_median=0.001)


@pytest.mark.real
class TestBesideTheOpenLog:
    @pytest.fixture
    def real(self, real_file):
        """Return the open log of a probe that is held."""
        return read_imu(real_file("clarius/carotid_imu.yml"))

    def logs(self, seconds, count=40):
        """Return the times of simulated logs."""
        return [draw_imu_times(np.random.default_rng(s), 0.0, seconds) for s in range(count)]

    def test_arrival_is_alike(self, real):
        """Median rate about 82 Hz, 30 samples a second, a third of steps over 36 ms."""
        real_step = np.diff(real.time_s)
        logs = self.logs(np.ptp(real.time_s))
        steps = np.concatenate([np.diff(log) for log in logs])
        assert 1 / np.median(steps) == pytest.approx(1 / np.median(real_step), rel=0.03)
        rates = [len(log) / np.ptp(log) for log in logs]
        assert min(rates) < len(real_step) / np.ptp(real.time_s) < np.mean(rates) * 1.1
        shares = [np.mean(step > 0.036) for step in (steps, real_step)]
        assert shares[0] == pytest.approx(shares[1], abs=0.06)
        assert 0.3 < steps.max() <= real_step.max()

    def test_noise_is_within_what_the_log_shows_between_neighbours(self, real):
        is_near = np.diff(real.time_s) < 0.0145
        errors = draw_imu_errors(np.random.default_rng(0))
        for values, noise in (
            (real.angular_velocity_rad_s, errors.gyroscope.noise),
            (real.acceleration_m_s2, errors.accelerometer.noise),
        ):
            shown = np.diff(values, axis=0)[is_near].std(axis=0) / np.sqrt(2)
            assert 0.4 * shown.min() < noise < shown.min() * 1.05

    def test_the_logs_gain_fault_is_within_the_drawn_ones(self, real):
        ratio = np.linalg.norm(real.acceleration_m_s2.mean(axis=0)) / GRAVITY_M_S2
        scales = [draw_imu_errors(np.random.default_rng(s)).accelerometer.scale for s in range(200)]
        assert np.min(scales) < ratio < np.max(scales)


class TestAsAFile:
    def test_survives_the_probes_own_format(self, rng, tmp_path):
        time_s = draw_imu_times(rng, 0.0, 2.0)
        imu = measure(
            rng, time_s, spinning([0.1, 0, 0]), up_in_world=UP, errors=draw_imu_errors(rng)
        )
        found = read_imu(write_imu(imu, tmp_path / "log_imu.yml"))
        np.testing.assert_allclose(found.time_s, imu.time_s, atol=1e-9)
        np.testing.assert_allclose(found.acceleration_m_s2, imu.acceleration_m_s2, rtol=1e-12)
        assert len(imu_gaps_s(found)) > 3
