"""Baselines: hand-worked means, and the sensor's rotation where there is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from speckle_sweeps import speckle_sweep

from hipus import geometry, rotations
from hipus.motion.baselines import ConstantPath, ConstantStep, Identity, WithImuRotation
from hipus.motion.prediction import Predictor
from hipus.motion.spread import spread_of, tracked_steps


def posed(sweep, step_mm, count, *, turn_deg=(0, 0, 0), **changes):
    """Return a sweep of `count` frames that all step alike."""
    turn = rotations.from_rotation_vector(np.radians(turn_deg))
    step = geometry.transform(turn, step_mm)
    poses = np.stack([np.linalg.matrix_power(step, i) for i in range(count)])
    return replace(
        sweep,
        frames=sweep.frames[:1].repeat(count, axis=0),
        time_s=np.arange(count) * 0.1,
        T_centre_to_world=poses,
        **changes,
    )


@pytest.fixture
def sweep(rng):
    return speckle_sweep(rng, np.full(3, 0.2))


@pytest.fixture
def training(sweep):
    """Return two slow p_a sweeps and a fast p_d sweep."""
    return [
        posed(sweep, [0, 0, 0.4], 11, subject_id="S1"),
        posed(sweep, [0, 0, 0.6], 11, subject_id="S2"),
        posed(sweep, [0.1, 0, 1.0], 21, subject_id="S1", sweep_type="p_d"),
    ]


def translations(predictor, sweep):
    return predictor.predict(sweep).T_next_to_previous[:, :3, 3]


class TestConstantStep:
    def test_is_the_mean_of_all_steps_not_of_sweeps(self, training):
        fitted = ConstantStep.fit(training)
        expected = [0.1 * 20 / 40, 0, (4 + 6 + 20) / 40]
        np.testing.assert_allclose(translations(fitted, training[0]), np.tile(expected, (10, 1)))
        assert fitted.name == "constant step"

    def test_by_type_each_type_has_its_own_and_others_the_mean_of_all(self, training):
        fitted = ConstantStep.fit(training, by_type=True)
        np.testing.assert_allclose(translations(fitted, training[0])[0], [0, 0, 0.5], atol=1e-12)
        np.testing.assert_allclose(translations(fitted, training[2])[0], [0.1, 0, 1], atol=1e-12)
        unknown = replace(training[0], sweep_type="graf")
        np.testing.assert_allclose(translations(fitted, unknown)[0], [0.05, 0, 0.75])
        assert fitted.name == "constant step by type"

    def test_rotations_are_averaged_too(self, sweep):
        training = [posed(sweep, [0, 0, 1], 9, turn_deg=(0, t, 0)) for t in (1.0, 3.0)]
        step = ConstantStep.fit(training).predict(sweep).T_next_to_previous[0]
        assert geometry.geodesic_angle_deg(step) == pytest.approx(2.0)

    def test_unknown_poses_are_left_out(self, training):
        poses = training[2].T_centre_to_world.copy()
        poses[5] = np.nan
        gappy = replace(training[2], T_centre_to_world=poses)
        fitted = ConstantStep.fit([gappy])
        np.testing.assert_allclose(translations(fitted, gappy)[0], [0.1, 0, 1.0], atol=1e-12)


class TestConstantPath:
    def test_the_same_way_is_covered_in_more_steps(self, training):
        fitted = ConstantPath.fit(training)
        # p_a ways are 4 and 6 mm, whatever the number of frames.
        longer = posed(training[0], [0, 0, 0.4], 26)
        np.testing.assert_allclose(translations(fitted, longer), [[0, 0, 5 / 25]] * 25)
        np.testing.assert_allclose(translations(fitted, training[2])[3], [0.1, 0, 1.0])

    def test_another_type_gets_the_mean_way_of_all_sweeps(self, training):
        other = replace(training[0], sweep_type="graf")
        way = translations(ConstantPath.fit(training), other).sum(axis=0)
        np.testing.assert_allclose(way, [2 / 3, 0, 30 / 3])

    def test_untracked_steps_count_as_the_sweeps_mean_step(self, training):
        poses = training[0].T_centre_to_world.copy()
        poses[3:5] = np.nan
        way = ConstantPath.fit([replace(training[0], T_centre_to_world=poses)]).way_mm["p_a"]
        np.testing.assert_allclose(way, [0, 0, 4.0])


class TestIdentity:
    def test_stands_still_and_errs_by_the_motion(self, training):
        fitted = Identity.fit(training[:1])
        said = fitted.predict(training[0])
        np.testing.assert_array_equal(said.T_next_to_previous, np.tile(np.eye(4), (10, 1, 1)))
        np.testing.assert_allclose(said.sd_mm[0], [0, 0, 0.4], atol=1e-12)

    def test_needs_no_training(self, sweep):
        assert Identity().predict(sweep).sd_mm is None


class TestWithImuRotation:
    def test_takes_rotations_from_the_sensor_and_translations_from_the_base(self, training):
        turn = rotations.from_rotation_vector(np.radians([0.0, 0.5, 0.0]))
        turns = np.tile(turn, (10, 1, 1))
        turns[4] = np.nan
        felt = posed(training[0], [0, 0, 0.4], 11, turn_deg=(0, 0.5, 0), imu_rotations=turns)
        base = ConstantStep.fit(training)
        fitted = WithImuRotation.fit(base, [felt])
        said = fitted.predict(felt)
        assert fitted.name == "IMU rotation + constant step"
        np.testing.assert_allclose(said.T_next_to_previous[:, 2, 3], 0.75)
        np.testing.assert_allclose(said.T_next_to_previous[3, :3, :3], turn)
        # In the gap the base's rotation and its deviation stay.
        np.testing.assert_allclose(said.T_next_to_previous[4, :3, :3], np.eye(3), atol=1e-12)
        np.testing.assert_allclose(said.sd_deg[3], 0, atol=1e-9)
        np.testing.assert_allclose(said.sd_deg[4], base.spread.sd_deg)
        np.testing.assert_allclose(said.sd_mm, base.predict(felt).sd_mm)

    def test_without_a_sensor_the_base_is_kept_and_a_warning_says_so(self, training, caplog):
        base = ConstantStep.fit(training)
        said = WithImuRotation(base).predict(training[0])
        expected = base.predict(training[0])
        np.testing.assert_array_equal(said.T_next_to_previous, expected.T_next_to_previous)
        assert "S1/right_p_a has no IMU rotations: constant step's are kept" in caplog.text

    def test_a_base_without_deviations_stays_without(self, training):
        turns = np.tile(np.eye(3), (10, 1, 1))
        felt = replace(training[0], imu_rotations=turns)
        assert WithImuRotation.fit(Identity(), [felt]).predict(felt).sd_deg is None


class TestAllBaselines:
    def fitted(self, training):
        turns = np.tile(np.eye(3), (10, 1, 1))
        training = [replace(training[0], imu_rotations=turns), *training[1:]]
        step = ConstantStep.fit(training)
        return [
            Identity.fit(training),
            step,
            ConstantStep.fit(training, by_type=True),
            ConstantPath.fit(training),
            WithImuRotation.fit(step, training),
        ]

    def test_they_are_predictors_with_names_of_their_own(self, training):
        fitted = self.fitted(training)
        assert all(isinstance(one, Predictor) for one in fitted)
        assert len({one.name for one in fitted}) == len(fitted)

    def test_they_never_read_the_tracked_poses_of_what_they_predict(self, training):
        blind = replace(training[1], T_centre_to_world=np.full((11, 4, 4), np.nan))
        for one in self.fitted(training):
            np.testing.assert_array_equal(
                one.predict(blind).T_next_to_previous, one.predict(training[1]).T_next_to_previous
            )

    def test_untracked_training_is_refused(self, training):
        blind = replace(training[1], T_centre_to_world=np.full((11, 4, 4), np.nan))
        with pytest.raises(ValueError, match="training must hold a tracked step, got 1 sweeps"):
            ConstantStep.fit([blind])
        with pytest.raises(ValueError, match="training must hold a tracked step, got 0 sweeps"):
            ConstantPath.fit([])


class TestSpread:
    def test_a_bias_of_each_sweep_is_shared_by_its_steps(self, training):
        said = [np.tile(np.eye(4), (10, 1, 1)) for _ in training[:2]]
        spread = spread_of(said, training[:2])
        assert spread.sd_mm[2] == pytest.approx(np.sqrt((0.4**2 + 0.6**2) / 2))
        assert spread.shared[2] == pytest.approx(1.0)

    def test_independent_errors_are_not_shared(self, training, rng):
        many = [posed(training[0], [0, 0, 0.5], 41) for _ in range(30)]
        noise = rng.normal(0, 0.2, (30, 40, 3))
        said = [
            t + geometry.transform(translation=n) - np.eye(4)
            for t, n in zip(tracked_steps(many), noise, strict=True)
        ]
        spread = spread_of(said, many)
        np.testing.assert_allclose(spread.sd_mm, 0.2, rtol=0.1)
        assert (spread.shared[:3] < 0.02).all()

    def test_rotation_errors_are_in_degrees(self, training):
        off = geometry.transform(rotations.from_rotation_vector(np.radians([0, 0, 2.0])))
        said = [steps @ off for steps in tracked_steps(training)]
        np.testing.assert_allclose(spread_of(said, training).sd_deg, [0, 0, 2.0], atol=1e-9)

    def test_counts_predictions(self, training):
        with pytest.raises(ValueError, match="predicted must have 3 sweeps like training, got 0"):
            spread_of([], training)

    def test_every_step_gets_the_same_deviations(self, training):
        spread = spread_of(tracked_steps(training), training)
        said = spread.prediction(tracked_steps(training)[0])
        assert said.sd_mm.shape == said.sd_deg.shape == (10, 3)
        np.testing.assert_array_equal(said.sd_mm, np.tile(spread.sd_mm, (10, 1)))
