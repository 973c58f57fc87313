"""Poses as signals: the principal motion of a tool, smoothed poses."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.calibration.temporal_poses import smoothed_poses, tracker_position


class TestTrackerPosition:
    def test_motion_along_one_direction_is_returned_with_unit_scale(self):
        direction = np.array([2.0, -1.0, 2.0]) / 3
        way_mm = np.array([0.0, 1.0, 3.0, 8.0])
        T = geometry.transform(None, [100.0, 50.0, -3.0] + way_mm[:, None] * direction)
        track = tracker_position(T)
        assert np.abs(np.diff(track.position_mm)) == pytest.approx([1, 2, 5])
        assert track.explained_share == pytest.approx(1.0)
        assert np.abs(track.axis @ direction) == pytest.approx(1.0)

    def test_sign_is_fixed_by_the_largest_component(self):
        T = geometry.transform(None, np.array([[0.0, 0, 9], [0, 1, 5], [0, 2, 1]]))
        assert tracker_position(T).axis[2] > 0
        assert tracker_position(T).position_mm[0] > tracker_position(T).position_mm[2]

    def test_invalid_poses_are_nan_and_do_not_move_the_axis(self):
        T = geometry.transform(None, np.arange(5)[:, None] * [0.0, 1.0, 0.0])
        T[1] = np.nan
        T[3, 0, 3] = 500.0
        track = tracker_position(T, [True, True, True, False, True])
        assert np.isnan(track.position_mm).tolist() == [False, True, False, True, False]
        assert track.axis == pytest.approx([0, 1, 0])

    def test_share_of_two_equal_directions_is_a_half(self):
        T = geometry.transform(None, [[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
        assert tracker_position(T).explained_share == pytest.approx(0.5)

    def test_still_tool_is_refused(self):
        T = geometry.transform(None, np.full((6, 3), 123.4))
        with pytest.raises(ValueError, match="the tool does not move in 6 poses"):
            tracker_position(T)

    def test_one_valid_pose_is_refused(self):
        T = np.full((3, 4, 4), np.nan)
        T[1] = np.eye(4)
        with pytest.raises(ValueError, match="2 valid poses needed, got 1"):
            tracker_position(T)

    def test_mask_of_another_length_is_refused(self):
        with pytest.raises(ValueError, match=r"is_valid must be \(3,\), got \(4,\)"):
            tracker_position(np.tile(np.eye(4), (3, 1, 1)), [True, False, True, True])

    def test_single_pose_is_refused(self):
        with pytest.raises(ValueError, match=r"T_tool_to_tracker must be \(N, 4, 4\), got"):
            tracker_position(np.eye(4))

    def test_reflected_pose_is_refused(self):
        T = np.tile(np.diag([1.0, 1, -1, 1]), (3, 1, 1))
        with pytest.raises(ValueError, match="T_tool_to_tracker.*reflection"):
            tracker_position(T)


class TestSmoothedPoses:
    time_s = np.array([0.0, 0.08, 0.17, 0.24, 0.33, 0.41, 0.5, 0.58])

    def poses(self, time_s):
        """Return a motion quadratic in translation and of constant turning."""
        time_s = np.asarray(time_s)[:, None]
        turned = rotations.from_rotation_vector(time_s * [0.3, -0.8, 0.5])
        return geometry.transform(turned, [3.0, 0, -1] + time_s * [5, 1, 0] + time_s**2 * [0, 9, 2])

    def test_quadratic_motion_is_reproduced_exactly(self):
        query_s = np.array([0.0, 0.05, 0.3, 0.333, 0.58])
        smoothed = smoothed_poses(self.time_s, self.poses(self.time_s), query_s, sigma_s=0.1)
        assert smoothed == pytest.approx(self.poses(query_s), abs=1e-6)

    def test_results_are_rigid(self):
        noisy = self.poses(self.time_s)
        noisy[::2, 0, 3] += 0.4
        smoothed = smoothed_poses(self.time_s, noisy, [0.1, 0.2, 0.45], sigma_s=0.1)
        geometry.check_transform(smoothed, "smoothed")

    def test_noise_is_lowered_equally_on_a_sample_and_between_two(self, rng):
        time_s = 0.08 * np.arange(41)
        query_s = np.array([1.6, 1.64])
        moved = np.empty((400, 2))
        for row in moved:
            T = geometry.transform(None, rng.normal(0, 1, (41, 3)))
            row[:] = smoothed_poses(time_s, T, query_s, sigma_s=0.1)[:, 0, 3]
        on, between = moved.std(axis=0)
        assert between / on == pytest.approx(1.0, abs=0.07)
        assert on < 0.75

    def test_invalid_samples_are_left_out(self):
        T = self.poses(self.time_s)
        T[3] = np.nan
        smoothed = smoothed_poses(self.time_s, T, [0.24], sigma_s=0.1)
        assert smoothed[0] == pytest.approx(self.poses([0.24])[0], abs=1e-6)

    def test_outside_the_samples_and_in_long_gaps_it_is_nan(self):
        time_s = np.array([0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2, 5.3])
        T = self.poses(time_s)
        smoothed = smoothed_poses(time_s, T, [-0.01, 0.15, 2.5, 5.31], sigma_s=0.1)
        assert np.isnan(smoothed).all(axis=(1, 2)).tolist() == [True, False, True, True]

    def test_a_gap_is_not_entered_further_than_the_width(self):
        time_s = np.concatenate([np.arange(0, 1, 0.05), np.arange(2, 3, 0.05)])
        query_s = np.array([0.95, 1.0, 1.04, 1.06, 1.5, 1.91, 1.97])
        smoothed = smoothed_poses(time_s, self.poses(time_s), query_s, sigma_s=0.1)
        is_known = np.isfinite(smoothed).all(axis=(1, 2))
        assert is_known.tolist() == [True, True, True, False, False, True, True]

    def test_no_query_gives_no_poses(self):
        smoothed = smoothed_poses(self.time_s, self.poses(self.time_s), [], sigma_s=0.1)
        assert smoothed.shape == (0, 4, 4)

    @pytest.mark.parametrize("sigma_s", [0.0, -1.0, np.nan])
    def test_width_must_be_positive(self, sigma_s):
        with pytest.raises(ValueError, match="sigma_s must be positive"):
            smoothed_poses(self.time_s, self.poses(self.time_s), [0.1], sigma_s=sigma_s)

    def test_poses_must_not_all_be_invalid(self):
        with pytest.raises(ValueError, match="at least one valid pose, got 8 invalid ones"):
            smoothed_poses(self.time_s, np.full((8, 4, 4), np.nan), [0.1], sigma_s=0.1)
