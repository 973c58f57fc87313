"""Deviations of predicted steps, and how they add up along a sweep."""

from types import SimpleNamespace

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.motion import poses
from hipus.motion.prediction import StepPrediction, trajectory
from hipus.motion.uncertainty import calibrate, step_errors, within_one_deviation


def sweeps(rng, *, count=40, steps=50, bias=0.0, noise=1.0, scale=(1, 2, 3, 4, 5, 6)):
    """Return errors of sweeps that share a bias, and spreads of zero."""
    biases = bias * rng.standard_normal((count, 1, 6))
    errors = (biases + noise * rng.standard_normal((count, steps, 6))) * np.array(scale)
    return list(errors), [np.zeros((steps, 6)) for _ in range(count)]


def steps_of(vectors_deg, translations_mm):
    R = rotations.from_rotation_vector(np.radians(vectors_deg))
    return geometry.transform(R, np.asarray(translations_mm, float))


class TestStepErrors:
    def test_applying_the_error_to_the_prediction_gives_the_truth(self, rng):
        predicted, true = (
            steps_of(rng.normal(size=(5, 3)), rng.normal(size=(5, 3))) for _ in range(2)
        )
        errors = step_errors(predicted, true)
        R = rotations.from_rotation_vector(np.radians(errors[:, 3:])) @ predicted[:, :3, :3]
        np.testing.assert_allclose(R, true[:, :3, :3], atol=1e-12)
        np.testing.assert_allclose(predicted[:, :3, 3] + errors[:, :3], true[:, :3, 3])

    def test_an_unknown_step_has_an_unknown_error(self):
        true = steps_of(np.zeros((2, 3)), [[0, 0, 1], [0, 0, 2]])
        true[1] = np.nan
        errors = step_errors(np.tile(np.eye(4), (2, 1, 1)), true)
        np.testing.assert_array_equal(errors[0], [0, 0, 1, 0, 0, 0])
        assert np.isnan(errors[1]).all()


class TestCalibrate:
    def test_normal_errors_get_their_own_standard_deviation(self, rng):
        calibration = calibrate(*sweeps(rng, count=200))
        deviations = calibration.deviations(np.zeros((1, 6)))
        np.testing.assert_allclose(deviations[0], [1, 2, 3, 4, 5, 6], rtol=0.03)
        np.testing.assert_allclose(calibration.coverage, 0.683, atol=0.02)
        assert (calibration.shared < 0.02).all()

    def test_finds_how_much_of_the_variance_a_sweep_shares(self, rng):
        calibration = calibrate(*sweeps(rng, count=250, bias=0.6, noise=0.8))
        np.testing.assert_allclose(calibration.shared, 0.36, atol=0.08)

    def test_heavy_tails_do_not_widen_what_holds_two_thirds(self, rng):
        errors = [rng.standard_t(2.5, size=(50, 6)) for _ in range(60)]
        calibration = calibrate(errors, [np.zeros((50, 6))] * 60)
        assert (calibration.factor < 0.9).all()
        np.testing.assert_allclose(calibration.coverage, 0.683, atol=0.02)

    def test_windows_that_disagree_widen_a_deviation(self, rng):
        errors, spreads = sweeps(rng, count=4)
        calibration = calibrate(errors, spreads)
        spread = np.array([np.zeros(6), np.full(6, 10.0), np.full(6, np.nan)])
        quiet, loud, single = calibration.deviations(spread)
        np.testing.assert_allclose(loud, calibration.factor * np.hypot(10, calibration.floor))
        np.testing.assert_array_equal(quiet, single)

    def test_unknown_steps_are_left_out(self, rng):
        errors, spreads = sweeps(rng, count=3)
        expected = calibrate([error[5:] for error in errors], [s[5:] for s in spreads])
        for error in errors:
            error[:5] = np.nan
        found = calibrate(errors, spreads)
        np.testing.assert_array_equal(found.factor, expected.factor)
        np.testing.assert_array_equal(found.shared, expected.shared)

    def test_one_sweep_has_no_coverage_and_single_steps_share_nothing(self, rng):
        errors, spreads = sweeps(rng, count=1)
        assert np.isnan(calibrate(errors, spreads).coverage).all()
        errors, spreads = sweeps(rng, count=5, steps=1)
        assert not calibrate(errors, spreads).shared.any()

    def test_refuses_what_cannot_be_calibrated_on(self, rng):
        errors, spreads = sweeps(rng, count=2)
        with pytest.raises(ValueError, match="must be of the same sweeps, got 2 and 1"):
            calibrate(errors, spreads[:1])
        with pytest.raises(ValueError, match=r"must be \(N-1, 6\) each, got \(50, 6\) and \(3, 6"):
            calibrate(errors[:1], [np.zeros((3, 6))])
        with pytest.raises(ValueError, match="no validation sweep has tracked poses"):
            calibrate([np.full((4, 6), np.nan)], [np.zeros((4, 6))])


class TestWithinOneDeviation:
    def test_counts_known_errors_by_component(self):
        errors = np.array([[1, 0, 0, 0, 0, 3], [-3, 0, 0, 0, 0, 3], np.full(6, np.nan)], float)
        share = within_one_deviation(errors, np.full((3, 6), 2.0))
        np.testing.assert_array_equal(share, [0.5, 1, 1, 1, 1, 0])
        assert np.isnan(within_one_deviation(errors[2:], np.ones((1, 6)))).all()


def prepared_of(count, is_mirrored=False):
    return SimpleNamespace(
        frames=np.zeros((count, 2, 2)), is_mirrored=is_mirrored, subject_id="S001", sweep_id="p_a"
    )


class TestTrajectory:
    def test_chains_steps_and_turns_a_mirrored_sweep_back(self, rng):
        steps = steps_of(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))
        found = trajectory(StepPrediction(steps), prepared_of(5, is_mirrored=True))
        expected = poses.chain(poses.mirrored(steps))
        np.testing.assert_allclose(found.T_centre_to_first, expected, atol=1e-12)
        assert np.isnan(found.sd_mm).all()
        assert np.isnan(found.sd_deg).all()

    @pytest.mark.parametrize(("shared", "power"), [(0.0, 0.5), (1.0, 1.0)])
    def test_noise_grows_like_the_root_and_a_bias_like_the_count(self, shared, power):
        steps = steps_of(np.zeros((9, 3)), np.tile([0, 0, 0.5], (9, 1)))
        sd_mm, sd_deg = np.tile([0.1, 0.2, 0.3], (9, 1)), np.zeros((9, 3))
        prediction = StepPrediction(steps, sd_mm, sd_deg, np.full(6, shared))
        found = trajectory(prediction, prepared_of(10))
        growth = np.arange(10.0)[:, None] ** power
        np.testing.assert_allclose(found.sd_mm, growth * [0.1, 0.2, 0.3])
        assert not found.sd_deg.any()

    def test_a_turn_displaces_what_comes_after_it_by_its_lever(self):
        steps = steps_of(np.zeros((3, 3)), np.tile([0, 0, 2.0], (3, 1)))
        sd_deg = np.zeros((3, 3))
        sd_deg[0, 0] = 1.0  # about lateral, then 4 mm along elevational: axial moves
        found = trajectory(StepPrediction(steps, np.zeros((3, 3)), sd_deg), prepared_of(4))
        np.testing.assert_allclose(found.sd_mm[3], [0, 4 * np.radians(1), 0], atol=1e-12)
        np.testing.assert_allclose(found.sd_mm[1], 0, atol=1e-12)
        np.testing.assert_allclose(found.sd_deg[:, 0], [0, 1, 1, 1])

    @pytest.mark.parametrize("shared", [0.0, 0.5])
    def test_agrees_with_trajectories_drawn_at_random(self, rng, shared):
        steps = steps_of(np.tile([2.0, 5.0, -3.0], (12, 1)), np.tile([0.3, -0.2, 1.0], (12, 1)))
        sd = np.tile([0.05, 0.1, 0.2, 0.5, 0.3, 0.4], (12, 1))
        prediction = StepPrediction(steps, sd[:, :3], sd[:, 3:], np.full(6, shared))
        found = trajectory(prediction, prepared_of(13))
        ends, turns = [], []
        for _ in range(1500):
            error = np.sqrt(shared) * rng.standard_normal((1, 6)) * sd
            error = error + np.sqrt(1 - shared) * rng.standard_normal((12, 6)) * sd
            wrong = steps_of(error[:, 3:], steps[:, :3, 3] + error[:, :3])
            wrong[:, :3, :3] = wrong[:, :3, :3] @ steps[:, :3, :3]
            end = poses.chain(wrong)[-1]
            ends.append(end[:3, 3])
            turns.append(end[:3, :3] @ found.T_centre_to_first[-1, :3, :3].T)
        np.testing.assert_allclose(found.sd_mm[-1], np.std(ends, axis=0), rtol=0.08)
        turned_deg = np.degrees(rotations.to_rotation_vector(np.array(turns)))
        np.testing.assert_allclose(found.sd_deg[-1], turned_deg.std(axis=0), rtol=0.08)

    def test_refuses_a_prediction_for_another_sweep(self):
        steps = np.tile(np.eye(4), (3, 1, 1))
        with pytest.raises(
            ValueError, match="must have 4 steps for the 5 frames of sweep S001/p_a"
        ):
            trajectory(StepPrediction(steps), prepared_of(5))


class TestStepPrediction:
    STEPS = np.tile(np.eye(4), (3, 1, 1))

    def test_refuses_parts_that_do_not_belong_together(self):
        with pytest.raises(ValueError, match=r"T_next_to_previous must be \(N-1, 4, 4\), got"):
            StepPrediction(np.eye(4))
        with pytest.raises(ValueError, match=r"T_next_to_previous\[1\] is not finite"):
            StepPrediction(np.stack([np.eye(4), np.full((4, 4), np.nan)]))
        with pytest.raises(ValueError, match=r"sd_mm must be \(3, 3\), as there are 3 steps, got"):
            StepPrediction(self.STEPS, sd_mm=np.ones((2, 3)))
        with pytest.raises(ValueError, match="sd_deg must be finite and not negative, got -1"):
            StepPrediction(self.STEPS, sd_deg=-np.ones((3, 3)))
        with pytest.raises(ValueError, match="shared must be 6 numbers from 0 to 1"):
            StepPrediction(self.STEPS, shared=np.full(6, 1.5))
