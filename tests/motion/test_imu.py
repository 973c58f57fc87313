"""Rotations from the inertial log: in the centre's axes, between frames, fused on SO(3)."""

from dataclasses import replace

import numpy as np
import pytest
from inertial_logs import UP, drift_deg, log_of, pan, still, sway

from hipus import geometry, rotations
from hipus.formats.clarius_imu import imu_gaps_s, read_imu_log
from hipus.motion.imu import IMU_SD_DEG, fuse_rotation, imu_rotations, rotation_error_deg
from hipus.motion.poses import chain, mirrored, steps
from hipus.phantom.acquisition.protocol import sweep_kind
from hipus.phantom.acquisition.recorder import record_sweep
from hipus.phantom.acquisition.session import draw_session
from hipus.phantom.acquisition.trajectory import plan_sweep

FRAMES_S = np.arange(0.0, 8.0, 0.11)
MOUNTING = geometry.transform(rotations.from_euler([80.0, -35.0, 20.0], "ZYX"), [1.0, 60.0, -3.0])
CENTRE = geometry.transform(rotations.from_euler([-25.0, 15.0, 65.0], "ZYX"), [6.0, 4.0, -95.0])


def between(R):
    """Return rotations from each attitude to the next."""
    return np.swapaxes(R[:-1], -1, -2) @ R[1:]


def centre_turns(turn, time_s):
    """Return the true turns of the centre frame when the sensor turns so."""
    R_centre_to_imu = geometry.relative(MOUNTING, CENTRE)[:3, :3]
    return between(turn(time_s) @ R_centre_to_imu)


def recorded(seed, sweep_type="p_a", side="right"):
    """Simulate one sweep without its pictures."""
    session = draw_session(np.random.default_rng(seed))
    plan = plan_sweep(np.random.default_rng(seed + 1), session, sweep_kind(sweep_type, side))
    return record_sweep(np.random.default_rng(seed + 2), session, plan)


class TestImuRotations:
    def test_are_those_of_the_centre_frame_however_the_sensor_is_mounted(self, rng):
        found = imu_rotations(log_of(sway, rng, mounting=MOUNTING), FRAMES_S, CENTRE)
        error = geometry.geodesic_angle_deg(found, centre_turns(sway, FRAMES_S))
        assert error.max() < 0.01

    def test_by_hand_a_turn_about_the_sensors_x_is_one_about_the_centres_z(self, rng):
        names = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # sensor x is the probe's z

        def spin(time_s):
            return rotations.from_rotation_vector(np.outer(time_s, [0.2, 0, 0]))

        log = log_of(spin, rng, mounting=geometry.transform(names))
        found = rotations.to_rotation_vector(imu_rotations(log, [1.0, 1.5, 2.5], np.eye(4)))
        np.testing.assert_allclose(found, [[0, 0, 0.1], [0, 0, 0.2]], atol=1e-6)

    def test_agree_with_steps_of_poses_in_direction_and_order(self, rng):
        log = log_of(sway, rng, mounting=MOUNTING)
        T_probe_to_world = geometry.compose(
            geometry.transform(sway(FRAMES_S)), geometry.invert(MOUNTING)
        )
        true = steps(geometry.compose(T_probe_to_world, CENTRE))
        found = imu_rotations(log, FRAMES_S, CENTRE)
        assert geometry.geodesic_angle_deg(found, true).max() < 0.01

    def test_a_log_that_runs_late_is_read_later(self, rng):
        log = log_of(sway, rng, mounting=MOUNTING)
        late = replace(log, time_s=log.time_s + 0.3)
        found = imu_rotations(late, FRAMES_S, CENTRE, delay_s=0.3)
        np.testing.assert_allclose(found, imu_rotations(log, FRAMES_S, CENTRE), atol=1e-9)

    def test_steps_that_touch_a_long_gap_are_nan_and_only_those(self, rng):
        log = log_of(sway, rng, gaps=[(2.0, 2.4), (4.0, 5.0)])
        found = imu_rotations(log, FRAMES_S, np.eye(4))
        is_nan = np.isnan(found).all(axis=(1, 2))
        begin, end = log.time_s[np.searchsorted(log.time_s, 4.5) - [1, 0]]
        touches = (FRAMES_S[1:] > begin) & (FRAMES_S[:-1] < end)
        assert np.array_equal(is_nan, touches)
        assert 9 <= touches.sum() <= 11

    def test_frames_before_and_after_the_log_are_nan(self, rng):
        log = log_of(sway, rng, seconds=4.0)
        time_s = FRAMES_S - 1.0
        is_nan = np.isnan(imu_rotations(log, time_s, np.eye(4))).all(axis=(1, 2))
        is_outside = (time_s[:-1] < log.time_s[0]) | (time_s[1:] > log.time_s[-1])
        assert np.array_equal(is_nan, is_outside)
        assert is_outside[0]
        assert is_outside[-1]
        assert not is_outside.all()

    def test_one_frame_has_no_rotation(self, rng):
        assert imu_rotations(log_of(still, rng), [1.0], np.eye(4)).shape == (0, 3, 3)

    def test_chained_rotations_drift_about_gravity_only(self, rng):
        log = log_of(pan, rng, bias=(0.01, 0.01, 0.01))
        chained = chain(geometry.transform(imu_rotations(log, FRAMES_S, np.eye(4))))
        tilt, yaw = drift_deg(chained[:, :3, :3], pan(FRAMES_S), UP)
        assert tilt < 0.15
        assert yaw > 7

    def test_an_unknown_mounting_is_an_error_that_says_what_to_do(self, rng):
        log = replace(log_of(still, rng), T_imu_to_probe=None)
        with pytest.raises(ValueError, match="T_imu_to_probe is unknown .* leave the rotation to"):
            imu_rotations(log, FRAMES_S, np.eye(4))

    def test_clocks_that_do_not_meet_are_an_error(self, rng):
        with pytest.raises(ValueError, match="covers no step between frames: samples from -0.200"):
            imu_rotations(log_of(still, rng), FRAMES_S + 100.0, np.eye(4))

    @pytest.mark.parametrize(
        "options", [{"delay_s": np.nan}, {"max_gap_s": 0.0}, {"max_gap_s": np.nan}]
    )
    def test_settings_that_make_no_sense(self, rng, options):
        with pytest.raises(ValueError, match="delay_s must be finite and max_gap_s positive"):
            imu_rotations(log_of(still, rng), FRAMES_S, np.eye(4), **options)

    def test_times_and_transforms_are_checked(self, rng):
        log = log_of(still, rng)
        with pytest.raises(ValueError, match="time_s must increase strictly"):
            imu_rotations(log, [1.0, 0.5], np.eye(4))
        with pytest.raises(ValueError, match="T_centre_to_probe carries a scale"):
            imu_rotations(log, FRAMES_S, np.diag([2.0, 1, 1, 1]))


@pytest.fixture(scope="module")
def simulated_errors():
    """Return per sweep the error of a step and the final (tilt, yaw) drift, degrees."""
    rows = []
    for seed in range(12):
        sweep = recorded(10 * seed, *(("p_a", "right"), ("p_d", "left"))[seed % 2])
        T_centre_to_probe = sweep.session.T_image_to_probe
        felt = imu_rotations(sweep.imu, sweep.time_s, T_centre_to_probe)
        R = geometry.compose(sweep.T_probe_to_tracker, T_centre_to_probe)[:, :3, :3]
        step = np.nanmean(geometry.geodesic_angle_deg(felt, between(R)))
        chained = chain(geometry.transform(felt))[:, :3, :3]
        up = sweep.session.setup(sweep.plan.kind.side).up_in_tracker
        rows.append([step, *drift_deg(chained, R, up)])
    return np.array(rows)


class TestSimulatedSweeps:
    """A Clarius' sensor: packets, gaps, bias 0.3 deg/s, forces 0.6 deg off, in a hand."""

    def test_a_step_is_off_by_less_than_a_tenth_of_a_degree(self, simulated_errors):
        assert np.median(simulated_errors[:, 0]) < 0.1

    def test_the_end_is_off_by_little_in_tilt_and_by_more_in_yaw(self, simulated_errors):
        tilt, yaw = np.median(simulated_errors[:, 1:], axis=0)
        assert tilt < 0.5
        assert yaw > 2 * tilt


@pytest.mark.real
class TestTheOpenLog:
    @pytest.fixture
    def log(self, real_file):
        """Return the open log of a probe that is held."""
        return read_imu_log(real_file("clarius/carotid_imu.yml"))

    def frames(self, log):
        return np.arange(log.imu.time_s[0], log.imu.time_s[-1], 0.1)

    def test_has_no_mounting_which_is_said(self, log):
        with pytest.raises(ValueError, match="a Clarius log does not state it"):
            imu_rotations(log.imu, self.frames(log), np.eye(4))

    def test_its_gaps_are_bridged(self, log):
        imu = replace(log.imu, T_imu_to_probe=np.eye(4))
        assert np.diff(imu_gaps_s(imu), axis=1).max() > 0.3
        assert np.isfinite(imu_rotations(imu, self.frames(log), np.eye(4))).all()

    def test_turns_no_further_than_the_probes_own_estimate(self, log):
        """Both say that the held probe turned by a few degrees at most."""
        imu = replace(log.imu, T_imu_to_probe=np.eye(4))
        found = chain(geometry.transform(imu_rotations(imu, imu.time_s, np.eye(4))))[:, :3, :3]
        own = rotations.from_quaternion(np.roll(log.orientation_wxyz, -1, axis=1))
        ours, theirs = geometry.geodesic_angle_deg(found), geometry.geodesic_angle_deg(own, own[:1])
        assert 0.5 < ours.max() < 4.0
        assert abs(ours[-1] - theirs[-1]) < 2.0


def turn_z(degrees):
    """Return rotations (K, 3, 3) about z."""
    return rotations.from_euler(np.outer(np.atleast_1d(degrees), [1.0, 0, 0]), "ZYX")


class TestFuseRotation:
    def test_by_hand_equal_trust_meets_in_the_middle(self):
        predicted = geometry.transform(turn_z(0.0), [[1.0, 2.0, 3.0]])
        fused = fuse_rotation(predicted, turn_z(10.0), network_sd_deg=1.0, imu_sd_deg=1.0)
        np.testing.assert_allclose(fused[0, :3, :3], turn_z(5.0)[0], atol=1e-12)

    def test_by_hand_twice_the_error_is_a_fifth_of_the_weight(self):
        fused = fuse_rotation(
            geometry.transform(turn_z(0.0)), turn_z(10.0), network_sd_deg=2.0, imu_sd_deg=1.0
        )
        np.testing.assert_allclose(fused[0, :3, :3], turn_z(8.0)[0], atol=1e-12)

    def test_translations_stay_as_predicted(self, rng):
        predicted = geometry.transform(turn_z([1.0, 2.0]), rng.standard_normal((2, 3)))
        fused = fuse_rotation(predicted, turn_z([3.0, 4.0]))
        assert np.array_equal(fused[:, :3, 3], predicted[:, :3, 3])

    def test_a_silent_log_leaves_the_prediction(self):
        predicted = geometry.transform(turn_z([1.0, 2.0]))
        felt = turn_z([5.0, 5.0])
        felt[1] = np.nan
        fused = fuse_rotation(predicted, felt)
        assert not np.allclose(fused[0], predicted[0])
        assert np.array_equal(fused[1], predicted[1])

    def test_an_unknown_step_stays_unknown_whatever_was_felt(self):
        predicted = geometry.transform(turn_z([1.0, 2.0]))
        predicted[0] = np.nan
        fused = fuse_rotation(predicted, turn_z([1.0, 1.0]))
        assert np.isnan(fused[0]).all()
        assert np.isfinite(fused[1]).all()

    def test_axes_are_weighed_apart_in_the_frames_own_axes(self):
        felt = rotations.from_rotation_vector([[0.02, 0.02, 0.02]])
        fused = fuse_rotation(
            np.eye(4)[None], felt, network_sd_deg=[1.0, 1.0, 1.0], imu_sd_deg=[1e-6, 1.0, 1e6]
        )
        found = rotations.to_rotation_vector(fused[0, :3, :3])
        np.testing.assert_allclose(found, [0.02, 0.01, 0.0], atol=1e-9)

    def test_errors_may_differ_from_step_to_step(self):
        sd = np.array([[1.0], [3.0]])
        fused = fuse_rotation(
            geometry.transform(turn_z([0.0, 0.0])),
            turn_z([10.0, 10.0]),
            network_sd_deg=sd,
            imu_sd_deg=1.0,
        )
        np.testing.assert_allclose(fused[:, :3, :3], turn_z([5.0, 9.0]), atol=1e-12)

    def test_mirrors_with_its_inputs(self, rng):
        vectors = 0.1 * rng.standard_normal((2, 4, 3))
        predicted = geometry.transform(rotations.from_rotation_vector(vectors[0]), vectors[1])
        felt = rotations.from_rotation_vector(vectors[1])
        np.testing.assert_allclose(
            fuse_rotation(mirrored(predicted), mirrored(felt)),
            mirrored(fuse_rotation(predicted, felt)),
            atol=1e-12,
        )

    def test_halves_the_variance_of_two_equally_noisy_witnesses(self, rng):
        """The mean of two errors of 0.2 deg is one of 0.14 deg."""
        true = rotations.from_rotation_vector(0.01 * rng.standard_normal((4000, 3)))
        noisy = [
            true @ rotations.from_rotation_vector(np.radians(0.2) * rng.standard_normal((4000, 3)))
            for _ in range(2)
        ]
        fused = fuse_rotation(
            geometry.transform(noisy[0]), noisy[1], network_sd_deg=0.2, imu_sd_deg=0.2
        )
        found = rotation_error_deg(fused[:, :3, :3], true)
        np.testing.assert_allclose(found, 0.2 / np.sqrt(2), rtol=0.05)

    @pytest.mark.parametrize(
        ("steps", "felt", "options", "message"),
        [
            (np.eye(4), np.eye(3)[None], {}, r"steps must be \(N - 1, 4, 4\) and imu_rotations"),
            (np.eye(4)[None], np.eye(3), {}, r"got \(1, 4, 4\) and \(3, 3\)"),
            (np.eye(4)[None], -np.eye(3)[None], {}, "imu_rotations has determinant -1"),
            (np.eye(4)[None], np.eye(3)[None], {"imu_sd_deg": 0.0}, "imu_sd_deg must be positive"),
            (
                np.eye(4)[None],
                np.eye(3)[None],
                {"network_sd_deg": [1.0, np.nan, 1.0]},
                "network_sd_deg must be positive, got nan",
            ),
            (
                np.eye(4)[None],
                np.eye(3)[None],
                {"imu_sd_deg": [1.0, 1.0]},
                r"imu_sd_deg must broadcast to \(1, 3\), got \(2,\)",
            ),
        ],
    )
    def test_refuses_what_cannot_be_weighed(self, steps, felt, options, message):
        with pytest.raises(ValueError, match=message):
            fuse_rotation(steps, felt, **options)


class TestRotationError:
    def test_by_hand_root_mean_square_about_each_axis(self):
        found = rotation_error_deg(turn_z([3.0, 0.0, 9.0]), turn_z([0.0, 4.0, 9.0]))
        np.testing.assert_allclose(found, [0, 0, np.sqrt(25 / 3)], atol=1e-9)

    def test_takes_poses_as_well_and_leaves_out_the_unknown(self):
        predicted, true = turn_z([1.0, 50.0]), turn_z([0.0, 0.0])
        predicted[1] = np.nan
        found = rotation_error_deg(geometry.transform(predicted), geometry.transform(true))
        np.testing.assert_allclose(found, [0, 0, 1], atol=1e-9)

    def test_is_the_default_error_of_the_log_on_simulated_sweeps(self):
        """What `fuse_rotation` assumes is what the sensor does, within a factor of two."""
        found = []
        for seed in range(3, 9):
            sweep = recorded(seed)
            T_centre_to_probe = sweep.session.T_image_to_probe
            felt = imu_rotations(sweep.imu, sweep.time_s, T_centre_to_probe)
            R = geometry.compose(sweep.T_probe_to_tracker, T_centre_to_probe)[:, :3, :3]
            found.append(rotation_error_deg(felt, between(R)))
        assert IMU_SD_DEG / 2 < np.mean(found) < 2 * IMU_SD_DEG

    @pytest.mark.parametrize(
        ("predicted", "true", "message"),
        [
            (np.eye(3), np.eye(3), r"must be alike, \(K, 3, 3\) or \(K, 4, 4\), got \(3, 3\)"),
            (np.eye(3)[None], np.eye(4)[None], r"got \(1, 3, 3\) and \(1, 4, 4\)"),
            (np.full((2, 3, 3), np.nan), np.tile(np.eye(3), (2, 1, 1)), "got 0 of 2"),
        ],
    )
    def test_refuses_what_cannot_be_compared(self, predicted, true, message):
        with pytest.raises(ValueError, match=message):
            rotation_error_deg(predicted, true)
