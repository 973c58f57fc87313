"""Steps as standardised numbers: there and back, and what zero means."""

from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import made_sweep

from hipus import geometry, rotations
from hipus.motion.poses import steps
from hipus.motion.target_scaling import LEAST_SD, ROTATION_NUMBERS, TargetScaling
from hipus.motion.windows import Windows


@pytest.fixture
def windows(rng):
    """Return the windows of two sweeps, of one of which a frame is lost."""
    one, other = made_sweep(rng, "S001", count=30), made_sweep(rng, "S002", count=20)
    poses = other.T_centre_to_world.copy()
    poses[7] = np.nan
    return Windows([one, replace(other, T_centre_to_world=poses)])


@pytest.fixture
def all_steps(windows):
    """Return the tracked steps of both sweeps."""
    found = np.concatenate([steps(sweep.T_centre_to_world) for sweep in windows.sweeps])
    return found[np.isfinite(found).all(axis=(1, 2))]


@pytest.mark.parametrize("count", ROTATION_NUMBERS)
class TestEveryRepresentation:
    def test_there_and_back(self, windows, all_steps, count):
        scaling = TargetScaling.fit(windows, count)
        numbers = scaling.encode(all_steps)
        assert numbers.shape == (len(all_steps), count + 3)
        np.testing.assert_allclose(scaling.decode(numbers), all_steps, atol=1e-9)

    def test_numbers_have_mean_0_and_spread_1(self, windows, all_steps, count):
        numbers = TargetScaling.fit(windows, count).encode(all_steps)
        np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-9)
        spread = numbers.std(axis=0)
        assert ((np.abs(spread - 1) < 1e-6) | (spread < 1)).all()
        np.testing.assert_allclose(spread[-3:][[0, 2]], 1)  # v never moves in this fixture

    def test_zero_is_the_constant_step(self, windows, all_steps, count):
        zero = TargetScaling.fit(windows, count).decode(np.zeros(count + 3))
        np.testing.assert_allclose(zero[:3, 3], all_steps[:, :3, 3].mean(axis=0), atol=1e-12)
        vectors = rotations.to_rotation_vector(all_steps[:, :3, :3])
        mean = rotations.from_rotation_vector(vectors.mean(axis=0))
        assert geometry.geodesic_angle_deg(zero[:3, :3], mean) < 0.01
        geometry.check_transform(zero)

    def test_any_number_is_a_rotation(self, windows, rng, count):
        found = TargetScaling.fit(windows, count).decode(5 * rng.standard_normal((40, count + 3)))
        geometry.check_transform(found)

    def test_windows_of_any_shape_go_through(self, windows, count):
        scaling = TargetScaling.fit(windows, count)
        batch = windows.targets(windows.trainable[:4])
        assert scaling.encode(batch).shape == (4, 5, count + 3)
        assert scaling.numbers_per_step == count + 3

    def test_unknown_steps_stay_unknown(self, windows, count):
        numbers = TargetScaling.fit(windows, count).encode(np.full((2, 4, 4), np.nan))
        assert np.isnan(numbers).all()


class TestFit:
    def test_identity_motion_encodes_to_what_the_mean_leaves(self, windows):
        scaling = TargetScaling.fit(windows, 6)
        np.testing.assert_allclose(scaling.identity, [1, 0, 0, 0, 1, 0])
        expected = -scaling.mean / scaling.sd
        np.testing.assert_allclose(scaling.encode(np.eye(4)), expected)

    def test_skipped_frames_do_not_move_the_constant_step(self, windows):
        skipping = Windows(windows.sweeps, strides=(1, 2, 3))
        one, other = TargetScaling.fit(windows), TargetScaling.fit(skipping)
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.sd, other.sd)

    def test_what_never_varies_is_not_blown_up(self, rng):
        still = replace(made_sweep(rng), T_centre_to_world=np.tile(np.eye(4), (14, 1, 1)))
        scaling = TargetScaling.fit(Windows([still]))
        np.testing.assert_array_equal(scaling.sd, LEAST_SD)

    def test_without_a_tracked_step_there_is_no_scale(self, rng):
        lost = replace(made_sweep(rng), T_centre_to_world=np.full((14, 4, 4), np.nan))
        with pytest.raises(ValueError, match="at least one tracked step, got none"):
            TargetScaling.fit(Windows([lost]))


class TestRefusals:
    @pytest.mark.parametrize(
        ("count", "mean", "sd", "message"),
        [
            (5, np.zeros(8), np.ones(8), r"rotation_numbers must be one of \(3, 4, 6, 9\), got 5"),
            (6, np.zeros(8), np.ones(9), "mean must be 9 finite numbers"),
            (6, np.zeros(9), np.full(9, np.inf), "sd must be 9 finite numbers"),
            (3, np.zeros(6), np.zeros(6), "sd must be > 0"),
        ],
    )
    def test_what_is_no_scale_is_named(self, count, mean, sd, message):
        with pytest.raises(ValueError, match=message):
            TargetScaling(count, mean, sd)

    def test_another_count_of_numbers_is_refused(self):
        scaling = TargetScaling(6, np.zeros(9), np.ones(9))
        with pytest.raises(ValueError, match=r"numbers must be \(..., 9\), got \(2, 8\)"):
            scaling.decode(np.zeros((2, 8)))
