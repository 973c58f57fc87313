"""Means of rigid motions: hand-worked, invariant under both changes of frame, and merged."""

import numpy as np
import pytest
from scipy.linalg import expm, logm

from hipus import geometry, rotations
from hipus.motion import averaging
from hipus.motion.averaging import mean_transform, merge_windows


def random_motions(rng, count, angle=0.3, reach=5.0):
    vectors = angle * rng.standard_normal((count, 3))
    return geometry.transform(
        rotations.from_rotation_vector(vectors), reach * rng.standard_normal((count, 3))
    )


def slow_mean(stack, weights):
    """Iterate with matrix logarithms, one motion at a time."""
    mean, weights = stack[0], np.asarray(weights) / np.sum(weights)
    for _ in range(100):
        twist = sum(w * logm(np.linalg.inv(mean) @ T) for w, T in zip(weights, stack, strict=True))
        mean = mean @ expm(np.real(twist))
    return mean


class TestMeanTransform:
    def test_of_turns_about_one_axis_is_the_mean_angle(self):
        angles = [[0, 0, 0], [10, 0, 0], [50, 0, 0]]
        turns = geometry.transform(rotations.from_euler(angles, "ZYX"))
        expected = rotations.from_euler([20.0, 0, 0], "ZYX")
        assert np.allclose(mean_transform(turns)[:3, :3], expected, atol=1e-12)

    def test_of_translations_is_their_weighted_mean(self):
        moved = geometry.transform(translation=[[0.0, 0, 0], [4.0, 8.0, -4.0]])
        assert np.allclose(mean_transform(moved, [3, 1])[:3, 3], [1.0, 2.0, -1.0])

    def test_of_a_screw_and_rest_is_half_the_screw(self):
        """The mean of rotation and translation apart would leave the screw's path."""
        twist = np.zeros((4, 4))
        twist[:3, :3] = np.cross(np.eye(3), [0.4, -0.2, 0.9])
        twist[:3, 3] = [3.0, 1.0, -2.0]
        screw = np.stack([np.eye(4), expm(twist)])
        assert np.allclose(mean_transform(screw), expm(twist / 2), atol=1e-12)

    def test_agrees_with_matrix_logarithms(self, rng):
        T, weights = random_motions(rng, 5, angle=0.5), [1.0, 2.0, 0.5, 3.0, 1.0]
        assert np.allclose(mean_transform(T, weights), slow_mean(T, weights), atol=1e-9)

    def test_does_not_depend_on_the_frames_on_either_side(self, rng):
        T, (A, B) = random_motions(rng, 6), random_motions(rng, 2, angle=1.0)
        assert np.allclose(mean_transform(A @ T @ B), A @ mean_transform(T) @ B, atol=1e-9)

    def test_of_inverses_is_the_inverse(self, rng):
        T = random_motions(rng, 4)
        expected = geometry.invert(mean_transform(T))
        assert np.allclose(mean_transform(geometry.invert(T)), expected, atol=1e-9)

    def test_leaves_out_what_is_unknown_or_weightless(self, rng):
        T = random_motions(rng, 4)
        holed = np.concatenate([T, np.full((1, 4, 4), np.nan)])
        assert np.allclose(mean_transform(holed), mean_transform(T), atol=1e-12)
        assert np.allclose(mean_transform(T, [1, 0, 1, 0]), mean_transform(T[[0, 2]]), atol=1e-12)

    def test_of_nothing_known_is_nan_beside_known_ones(self, rng):
        stack = random_motions(rng, 6).reshape(2, 3, 4, 4)
        stack[1] = np.nan
        means = mean_transform(stack)
        assert np.isnan(means[1]).all()
        assert np.allclose(means[0], mean_transform(stack[0]))

    def test_is_rigid_even_for_motions_written_with_six_digits(self, rng):
        rounded = np.round(random_motions(rng, 5), 6)
        R = mean_transform(rounded)[:3, :3]
        assert np.allclose(R.T @ R, np.eye(3), atol=1e-14)

    @pytest.mark.parametrize(
        ("stack", "weights", "message"),
        [
            (np.eye(4), None, r"stack must be \(..., K, 4, 4\), got \(4, 4\)"),
            (np.eye(4)[None], [-1.0], "weights must be finite and not negative, got -1.0"),
            (np.eye(4)[None], [np.nan], "weights must be finite"),
            (np.eye(4)[None], [1.0, 1.0], r"weights must broadcast to \(1,\), got \(2,\)"),
            (np.diag([1.0, 1, -1, 1])[None], None, "stack is a reflection"),
        ],
    )
    def test_refuses_what_it_cannot_average(self, stack, weights, message):
        with pytest.raises(ValueError, match=message):
            mean_transform(stack, weights)


class TestMergeWindows:
    def test_windows_that_agree_give_their_steps_back_without_spread(self, rng):
        steps = random_motions(rng, 7, angle=0.05)
        starts = np.arange(5)
        merged = merge_windows(np.stack([steps[s : s + 3] for s in starts]), starts, 7)
        assert np.allclose(merged.T_next_to_previous, steps, atol=1e-12)
        assert merged.counts.tolist() == [1, 2, 3, 3, 3, 2, 1]
        assert np.allclose(merged.sd_mm[1:-1], 0, atol=1e-12)
        assert np.isnan(merged.sd_mm[[0, -1]]).all()
        assert np.isnan(merged.sd_deg[[0, -1]]).all()

    def test_two_windows_that_differ_by_hand(self):
        """One says 1 mm, the other 3 mm: mean 2, sample SD sqrt(2)."""
        windows = geometry.transform(translation=np.array([[[0, 0, 1.0]], [[0, 0, 3.0]]]))
        merged = merge_windows(windows, [0, 0], 1)
        assert np.allclose(merged.T_next_to_previous[0, :3, 3], [0, 0, 2])
        assert np.allclose(merged.sd_mm[0], [0, 0, np.sqrt(2)])
        assert np.allclose(merged.sd_deg[0], 0)

    def test_spread_of_rotations_is_in_degrees_about_their_axis(self):
        turned = rotations.from_euler([[[0, -2.0, 0]], [[0, 0, 0]], [[0, 2.0, 0]]], "ZYX")
        merged = merge_windows(geometry.transform(turned), [0, 0, 0], 1)
        assert np.allclose(merged.sd_deg[0], [0, 2, 0])
        assert np.allclose(merged.T_next_to_previous[0], np.eye(4))

    def test_order_of_windows_does_not_matter(self, rng):
        windows, starts = random_motions(rng, 12).reshape(4, 3, 4, 4), np.array([0, 2, 1, 4])
        one, other = (
            merge_windows(windows[order], starts[order], 8)
            for order in ([0, 1, 2, 3], [3, 1, 0, 2])
        )
        assert np.allclose(one.T_next_to_previous, other.T_next_to_previous, equal_nan=True)
        assert np.allclose(one.sd_deg, other.sd_deg, equal_nan=True)

    def test_a_step_that_no_window_saw_is_nan(self, rng):
        windows = random_motions(rng, 4).reshape(2, 2, 4, 4)
        windows[1, 0] = np.nan
        merged = merge_windows(windows, [0, 3], 6)
        assert merged.counts.tolist() == [1, 1, 0, 0, 1, 0]
        unseen = np.isnan(merged.T_next_to_previous).all(axis=(1, 2))
        assert unseen.tolist() == [False, False, True, True, False, True]

    def test_weights_by_place_prefer_the_middle_of_a_window(self):
        windows = geometry.transform(translation=np.zeros((2, 2, 3)))
        windows[0, 1, 2, 3], windows[1, 0, 2, 3] = 1.0, 5.0
        merged = merge_windows(windows, [0, 1], 3, weights=[1.0, 3.0])
        assert np.isclose(merged.T_next_to_previous[1, 2, 3], 2.0)  # (3 * 1 + 1 * 5) / 4

    def test_no_windows_leave_everything_unknown(self):
        merged = merge_windows(np.empty((0, 5, 4, 4)), np.empty(0, int), 3)
        assert np.isnan(merged.T_next_to_previous).all()
        assert merged.counts.tolist() == [0, 0, 0]

    @pytest.mark.parametrize(
        ("shape", "starts", "weights", "message"),
        [
            ((2, 4, 4), [0, 1], None, r"window_steps must be \(W, S, 4, 4\), got \(2, 4, 4\)"),
            ((2, 3, 4, 4), [0], None, r"starts must be \(2,\) whole numbers, got \(1,\)"),
            ((1, 3, 4, 4), [0.5], None, r"starts must be \(1,\) whole numbers, got \(1,\) float64"),
            ((1, 3, 4, 4), [3], None, "must lie within the 5 steps, got steps 3 to 5"),
            ((1, 3, 4, 4), [-1], None, "must lie within the 5 steps, got steps -1 to 1"),
            ((1, 3, 4, 4), [0], [1.0], r"weights must be \(3,\), one per step of a window"),
        ],
    )
    def test_refuses_windows_that_do_not_fit(self, shape, starts, weights, message):
        windows = np.broadcast_to(np.eye(4), shape)
        with pytest.raises(ValueError, match=message):
            merge_windows(windows, starts, 5, weights=weights)

    def test_every_field_speaks_of_every_step(self, rng):
        merged = merge_windows(random_motions(rng, 4).reshape(2, 2, 4, 4), [0, 1], 3)
        assert isinstance(merged, averaging.MergedSteps)
        assert merged.sd_mm.shape == merged.sd_deg.shape == (3, 3)
