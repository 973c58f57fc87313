"""Poses against the inertial sensor: the sign, the size, and when nothing is said."""

from dataclasses import replace

import numpy as np
import pytest
from made_hospital import turning_sweep

from hipus.intake.inertial_lag import inertial_lag
from hipus.sweep import Imu


@pytest.mark.parametrize("late_s", [-0.2, 0.0, 0.07, 0.25])
def test_a_sensor_that_feels_later_than_poses_say_means_early_poses(rng, late_s):
    found = inertial_lag(turning_sweep(rng, imu_late_s=late_s))
    assert found.lag_s == pytest.approx(-late_s, abs=0.015)
    assert found.why_not == ""
    assert found.correlation > 0.9


def test_the_mounting_of_the_sensor_does_not_matter(rng):
    sweep = turning_sweep(rng, imu_late_s=0.1)
    turned = sweep.imu.angular_velocity_rad_s[:, [1, 2, 0]] * [1, 1, 1]
    other = replace(sweep, imu=replace(sweep.imu, angular_velocity_rad_s=turned))
    assert inertial_lag(other).lag_s == pytest.approx(inertial_lag(sweep).lag_s, abs=1e-9)


class TestNothingSaid:
    def test_without_poses_sensor_or_enough_of_either(self, rng):
        sweep = turning_sweep(rng)
        no_poses = replace(
            sweep,
            T_probe_to_reference=np.full((len(sweep), 4, 4), np.nan),
            is_valid=np.zeros(len(sweep), bool),
        )
        assert inertial_lag(no_poses).why_not == "no poses"
        assert inertial_lag(replace(sweep, imu=None)).why_not == "no inertial sensor"
        assert inertial_lag(sweep.select(slice(0, 9))).why_not == "9 poses"

    def test_a_log_of_another_time(self, rng):
        sweep = turning_sweep(rng)
        later = replace(sweep.imu, time_s=sweep.imu.time_s + 500)
        assert inertial_lag(replace(sweep, imu=later)).why_not == "no common time"

    def test_a_probe_that_does_not_turn(self, rng):
        sweep = turning_sweep(rng)
        still = replace(sweep.imu, angular_velocity_rad_s=np.zeros((len(sweep.imu.time_s), 3)))
        assert inertial_lag(replace(sweep, imu=still)).why_not == "no turning"

    def test_a_sensor_that_felt_something_else(self, rng):
        sweep = turning_sweep(rng)
        noise = rng.normal(0, 0.3, (len(sweep.imu.time_s), 3))
        found = inertial_lag(replace(sweep, imu=replace(sweep.imu, angular_velocity_rad_s=noise)))
        assert np.isnan(found.lag_s)
        assert found.why_not == "tracker and sensor turn differently"

    def test_a_regular_motion_fits_many_lags(self, rng):
        sweep = turning_sweep(rng)
        time_s = sweep.imu.time_s
        rates = np.zeros((len(time_s), 3))
        rates[:, 0] = np.cos(2 * np.pi * 4 * time_s)
        angle = np.sin(2 * np.pi * 4 * sweep.time_s) / (2 * np.pi * 4)
        from hipus import geometry, rotations

        turned = rotations.from_rotation_vector(angle[:, None] * [1.0, 0, 0])
        poses = geometry.transform(turned, sweep.T_probe_to_reference[:, :3, 3])
        regular = replace(
            sweep, T_probe_to_reference=poses, imu=Imu(time_s, rates, sweep.imu.acceleration_m_s2)
        )
        assert np.isnan(inertial_lag(regular).lag_s)
