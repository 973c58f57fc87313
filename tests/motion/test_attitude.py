"""The attitude smoother: true turns recovered, tilt held by gravity, yaw left to drift."""

from dataclasses import replace

import numpy as np
import pytest
from inertial_logs import RATE_HZ, UP, drift_deg, log_of, pan, still, sway, turned

from hipus import geometry, rotations
from hipus.motion import attitude
from hipus.motion.attitude import smooth_attitude
from hipus.motion.stillness import GyroscopeBias, SensorTrust

FRAMES_S = np.arange(0.0, 8.0, 0.11)
#: Trust that lets rates alone speak: gravity hardly pulls.
RATES_ONLY = SensorTrust(tilt_rad=1e3, gyroscope_bias_rad_s=1e-9, sway_rad=1e3)


def worst_deg(found, true):
    return geometry.geodesic_angle_deg(turned(found), turned(true)).max()


def final_drift(log, trust=None, *, turn=sway, times=FRAMES_S):
    """Return (tilt, yaw) drift over the frames, degrees."""
    found = smooth_attitude(log, times, trust=trust).R_imu_to_world
    return drift_deg(found, turn(times), UP)


class TestTrueTurns:
    def test_of_a_perfect_sensor_between_its_samples(self, rng):
        found = smooth_attitude(log_of(sway, rng), FRAMES_S).R_imu_to_world
        assert worst_deg(found, sway(FRAMES_S)) < 0.01

    def test_of_a_full_turn_about_gravity(self, rng):
        def spin(time_s):
            return rotations.from_rotation_vector(np.outer(time_s * 2 * np.pi / 8, UP))

        found = smooth_attitude(log_of(spin, rng), FRAMES_S).R_imu_to_world
        assert worst_deg(found, spin(FRAMES_S)) < 0.01

    def test_up_is_where_the_forces_point(self, rng):
        felt = smooth_attitude(log_of(sway, rng), FRAMES_S)
        up_in_imu = np.einsum("kji,j->ki", felt.R_imu_to_world, felt.up_in_world)
        expected = np.einsum("kji,j->ki", sway(FRAMES_S), UP)
        np.testing.assert_allclose(up_in_imu, expected, atol=5e-4)

    def test_do_not_depend_on_how_axes_are_named(self, rng):
        log = log_of(sway, rng, noise=0.003, tilt_noise=0.03)
        names = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
        renamed = replace(
            log,
            angular_velocity_rad_s=log.angular_velocity_rad_s @ names.T,
            acceleration_m_s2=log.acceleration_m_s2 @ names.T,
        )
        one, other = (turned(smooth_attitude(a, FRAMES_S).R_imu_to_world) for a in (log, renamed))
        np.testing.assert_allclose(names @ one @ names.T, other, atol=1e-9)

    def test_more_frames_between_change_nothing(self, rng):
        log = log_of(sway, rng)
        few, many = (
            smooth_attitude(log, times).R_imu_to_world for times in (FRAMES_S[::8], FRAMES_S)
        )
        assert worst_deg(few, many[::8]) < 0.01


class TestGravity:
    """Rates that are off by 0.6 deg/s about each axis, for 8 s: 4.6 deg if nothing helped."""

    BIAS = (0.01, 0.01, 0.01)

    def test_tilt_does_not_drift_and_yaw_does(self, rng):
        tilt, yaw = final_drift(log_of(pan, rng, bias=self.BIAS), turn=pan)
        expected_yaw = np.degrees(np.dot(self.BIAS, UP)) * FRAMES_S[-1]
        assert tilt < 0.15
        assert yaw == pytest.approx(expected_yaw, rel=0.03)
        assert expected_yaw > 7

    def test_tilting_tells_a_little_of_the_bias_along_gravity(self, rng):
        """A constant bias shows when gravity moves in the sensor; yaw itself never does."""
        _, yaw = final_drift(log_of(sway, rng, bias=self.BIAS))
        assert 0.5 < yaw < 0.6 * np.degrees(np.dot(self.BIAS, UP)) * FRAMES_S[-1]

    def test_without_gravity_tilt_drifts_too(self, rng):
        tilt, _ = final_drift(log_of(sway, rng, bias=(0.02, -0.01, 0.0)), RATES_ONLY)
        assert tilt > 5

    def test_twice_the_time_doubles_yaw_but_not_tilt(self, rng):
        log = log_of(pan, rng, bias=self.BIAS, seconds=16.0)
        drifts = [final_drift(log, turn=pan, times=np.arange(0, end, 0.11)) for end in (8.0, 16.0)]
        tilts, yaws = zip(*drifts, strict=True)
        assert yaws[1] == pytest.approx(2 * yaws[0], rel=0.03)
        assert max(tilts) < 0.15

    def test_the_bias_across_gravity_is_estimated_and_the_one_along_it_is_not(self, rng):
        # A log that is still throughout would tell all; that is switched off here.
        moving = SensorTrust(still_s=100.0)
        felt = smooth_attitude(log_of(still, rng, bias=self.BIAS), FRAMES_S, trust=moving)
        up = still(FRAMES_S)[0].T @ UP
        bias = np.array(self.BIAS)
        across = bias - (bias @ up) * up
        np.testing.assert_allclose(felt.gyroscope_bias_rad_s @ up, 0.0, atol=1e-4)
        np.testing.assert_allclose(
            felt.gyroscope_bias_rad_s - (felt.gyroscope_bias_rad_s @ up) * up, across, atol=5e-4
        )

    def test_a_still_end_pins_yaw_as_well(self, rng):
        log = log_of(still, rng, bias=self.BIAS)
        _, pinned = final_drift(log, turn=still)
        _, free = final_drift(log, SensorTrust(still_s=100.0), turn=still)
        assert pinned < 0.1 * free

    def test_a_wrong_accelerometer_tilts_the_world_and_not_the_way(self, rng):
        log = log_of(sway, rng, force_bias=(0.3, -0.2, 0.1))
        tilt, _ = final_drift(log)
        assert tilt < 0.2  # the forces are 2 deg off

    def test_a_knock_hardly_tips_it(self, rng):
        log = log_of(sway, rng, tilt_noise=0.02)
        forces = log.acceleration_m_s2.copy()
        forces[300:306] += [8.0, -6.0, 5.0]  # 40 deg off, for 70 ms
        knocked = replace(log, acceleration_m_s2=forces)
        found = smooth_attitude(knocked, FRAMES_S).R_imu_to_world
        assert worst_deg(found, sway(FRAMES_S)) < 0.3


class TestGaps:
    def test_half_a_second_is_bridged_and_tilt_recovers_behind_it(self, rng):
        log = log_of(sway, rng, gaps=[(3.0, 3.5)], noise=0.003, tilt_noise=0.025)
        tilt, _ = final_drift(log)
        assert tilt < 0.4
        found = smooth_attitude(log, FRAMES_S).R_imu_to_world
        assert worst_deg(found, sway(FRAMES_S)) < 1.5

    def test_gravity_mends_what_a_gap_cost(self, rng):
        def jerk(time_s):
            """Turn by 6 deg across gravity while nobody looks, and never turn back."""
            across = np.cross(UP, [1.0, 0, 0])
            moving = np.clip((time_s - 3.1) / 0.3, 0, 1)
            ease = (1 - np.cos(np.pi * moving)) / 2
            return rotations.from_rotation_vector(np.radians(6) * np.outer(ease, across))

        log = log_of(jerk, rng, gaps=[(3.0, 3.5)], noise=0.003, tilt_noise=0.025)
        mended, _ = final_drift(log, turn=jerk)
        lost, _ = final_drift(log, RATES_ONLY, turn=jerk)
        assert lost > 4
        # Rates before and after that are nearly zero speak against it: only part is mended.
        assert mended < 0.5 * lost

    def test_times_outside_the_log_are_nan(self, rng):
        log = log_of(sway, rng, seconds=2.0)
        at = np.array([-0.5, log.time_s[0], 1.0, log.time_s[-1], 2.5])
        is_nan = np.isnan(smooth_attitude(log, at).R_imu_to_world).all(axis=(1, 2))
        assert is_nan.tolist() == [True, False, False, False, True]

    def test_two_samples_are_enough(self, rng):
        log = log_of(still, rng)
        two = replace(
            log,
            time_s=log.time_s[:2],
            angular_velocity_rad_s=np.tile([0.1, 0.0, 0.0], (2, 1)),
            acceleration_m_s2=log.acceleration_m_s2[:2],
        )
        found = smooth_attitude(two, two.time_s, trust=RATES_ONLY).R_imu_to_world
        expected = np.degrees(0.1 / RATE_HZ)
        assert geometry.geodesic_angle_deg(*found) == pytest.approx(expected, rel=1e-3)


class TestSolution:
    def test_is_that_of_dense_least_squares(self, rng):
        log = log_of(sway, rng, seconds=0.1, noise=0.01, tilt_noise=0.1, bias=(0.02, 0.01, -0.01))
        trust = SensorTrust()
        nodes = attitude._place_nodes(log, np.array([0.003, 0.051]), trust)
        forces, lengths = attitude._directions(log)
        R = attitude._integrate(nodes.rates_rad_s * nodes.step_s[:, None])
        seen = np.einsum("mij,mj->mi", R[nodes.samples], forces)
        tilt = attitude._Tilt(seen, lengths, trust.tilt_rad)
        prior = GyroscopeBias(np.array([0.01, 0.0, 0.0]), 0.01, 0.5)
        bias = np.array([0.002, 0.001, 0.0])
        error, change = attitude._solve(nodes, R, tilt, prior=prior, bias=bias)
        x = dense_solution(nodes, R, tilt, prior, bias)
        np.testing.assert_allclose(np.append(error, change), x, atol=1e-8)


def dense_solution(nodes, R, tilt, prior, bias):
    """Solve row by row what `_solve` solves by bands."""
    size = 3 * len(R) + 3
    rows, right = [], []

    def add(parts, value, sd):
        row = np.zeros((3, size))
        for column, block in parts:
            row[:, column : column + 3] += block
        rows.append(row / sd)
        right.append(np.asarray(value) / sd)

    eye, none = np.eye(3), np.zeros(3)
    add([(0, eye)], none, attitude._FIRST_RAD)
    for k, (step, variance) in enumerate(zip(nodes.step_s, nodes.variance_rad2, strict=True)):
        parts = [(3 * k + 3, eye), (3 * k, -eye), (size - 3, R[k] * step)]
        add(parts, none, np.sqrt(variance))
    for node, seen, weight in zip(nodes.samples, tilt.seen, tilt.weights, strict=True):
        crossed = np.cross(np.eye(3), seen).T  # e x seen = crossed @ e
        assert np.allclose(crossed @ [0.3, -0.1, 0.2], np.cross([0.3, -0.1, 0.2], seen))
        add([(3 * node, crossed)], tilt.up - seen, weight**-0.5)
    add([(size - 3, eye)], prior.bias_rad_s - bias, prior.sd_rad_s)
    return np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=None)[0]


class TestRefusals:
    def test_a_log_of_one_sample(self, rng):
        log = log_of(still, rng)
        one = replace(
            log,
            time_s=log.time_s[:1],
            angular_velocity_rad_s=log.angular_velocity_rad_s[:1],
            acceleration_m_s2=log.acceleration_m_s2[:1],
        )
        with pytest.raises(ValueError, match="imu must hold at least 2 samples, got 1"):
            smooth_attitude(one, FRAMES_S)

    def test_a_sample_without_force(self, rng):
        log = log_of(still, rng)
        forces = log.acceleration_m_s2.copy()
        forces[7] = 0
        with pytest.raises(
            ValueError, match="acceleration_m_s2 must not vanish, got 0 at sample 7"
        ):
            smooth_attitude(replace(log, acceleration_m_s2=forces), FRAMES_S)

    def test_times_that_step_back(self, rng):
        with pytest.raises(ValueError, match="query_time_s must increase strictly"):
            smooth_attitude(log_of(still, rng), [0.2, 0.1])
