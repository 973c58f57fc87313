"""The centre frame, its mirror, and steps: hand-worked places and invariants."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.motion import poses
from hipus.sweep import Sweep


def random_motions(rng, count, angle=0.3, reach=5.0):
    vectors = angle * rng.standard_normal((count, 3))
    return geometry.transform(
        rotations.from_rotation_vector(vectors), reach * rng.standard_normal((count, 3))
    )


class TestCentrePoses:
    def test_centre_of_five_by_nine_pixels_lies_at_row_two_column_four(self, tiny_sweep):
        expected = tiny_sweep.T_pixel_to_probe @ [4, 2, 0, 1]
        assert np.allclose(poses.centre_to_probe(tiny_sweep)[:, 3], expected)

    def test_one_pixel_right_is_one_column_width_along_x_and_down_one_row_height_along_y(
        self, tiny_sweep
    ):
        T_pixel_to_centre = geometry.compose(
            geometry.invert(poses.centre_poses(tiny_sweep)[0]), tiny_sweep.T_pixel_to_reference[0]
        )
        points = geometry.apply(T_pixel_to_centre, [[4, 2, 0], [5, 2, 0], [4, 3, 0]])
        assert np.allclose(points, [[0, 0, 0], [0.3, 0, 0], [0, 0.7, 0]])

    def test_elevational_axis_is_u_cross_v_whichever_way_the_calibration_points(self, tiny_sweep):
        T = tiny_sweep.T_pixel_to_probe.copy()
        T[:3, 2] *= -1
        turned = replace(tiny_sweep, T_pixel_to_probe=T)
        assert np.allclose(poses.centre_to_probe(turned), poses.centre_to_probe(tiny_sweep))
        assert np.allclose(poses.centre_to_probe(turned)[:3, 2], [0, 0, 1])

    def test_a_sheared_calibration_gives_a_rigid_frame_that_keeps_u(self, tiny_sweep):
        T = tiny_sweep.T_pixel_to_probe.copy()
        T[:3, 1] += [0.01, 0.0, 0.02]
        T_centre = poses.centre_to_probe(replace(tiny_sweep, T_pixel_to_probe=T))
        geometry.check_transform(T_centre)
        assert np.allclose(T_centre[:3, 0], [1, 0, 0])

    def test_invalid_frames_are_nan_and_the_others_are_not(self, tiny_sweep):
        T = poses.centre_poses(tiny_sweep)
        assert T.shape == (7, 4, 4)
        assert np.array_equal(np.isnan(T).all(axis=(1, 2)), ~tiny_sweep.is_valid)
        assert np.isfinite(T[tiny_sweep.is_valid]).all()

    def test_an_untracked_uncalibrated_sweep_is_nan_throughout(self, tiny_sweep):
        blind = Sweep(tiny_sweep.frames, tiny_sweep.time_s, np.full((7, 4, 4), np.nan))
        assert np.isnan(poses.centre_poses(blind)).all()

    def test_poses_without_calibration_are_an_error(self, tiny_sweep):
        with pytest.raises(ValueError, match="sweep 'tiny' has no T_pixel_to_probe"):
            poses.centre_poses(replace(tiny_sweep, T_pixel_to_probe=None))


class TestMirrored:
    def test_elevational_motion_turns_around_and_in_plane_motion_stays(self):
        T = geometry.transform(translation=[1.0, 2.0, 3.0])
        assert np.array_equal(poses.mirrored(T)[:3, 3], [1.0, 2.0, -3.0])

    def test_turns_about_the_elevational_axis_stay_and_the_others_turn_around(self):
        vector = np.array([0.1, -0.2, 0.3])
        R = poses.mirrored(geometry.transform(rotations.from_rotation_vector(vector)))[:3, :3]
        assert np.allclose(rotations.to_rotation_vector(R), [-0.1, 0.2, 0.3])

    def test_is_rigid_its_own_inverse_and_keeps_products(self, rng):
        A, B = random_motions(rng, 2)
        geometry.check_transform(poses.mirrored(A))
        assert np.allclose(poses.mirrored(poses.mirrored(A)), A)
        assert np.allclose(poses.mirrored(A @ B), poses.mirrored(A) @ poses.mirrored(B))

    def test_rotations_alone_are_mirrored_as_in_their_poses(self, rng):
        T = random_motions(rng, 4)
        assert np.array_equal(poses.mirrored(T[:, :3, :3]), poses.mirrored(T)[:, :3, :3])

    def test_poses_may_be_mirrored_before_or_after_they_become_steps(self, rng):
        T = random_motions(rng, 4)
        assert np.allclose(poses.steps(poses.mirrored(T)), poses.mirrored(poses.steps(T)))


class TestSteps:
    def test_step_is_where_the_next_centre_lies_in_this_frames_axes(self):
        turned = rotations.from_euler([90.0, 0.0, 0.0], "ZYX")
        T = geometry.transform(turned, [[10.0, 0, 0], [10.0, 2.0, 0]])
        (step,) = poses.steps(T)
        # World y is this frame's x after a quarter turn about z.
        assert np.allclose(step, geometry.transform(translation=[2.0, 0, 0]))

    def test_do_not_depend_on_where_the_world_is(self, rng):
        T, W = random_motions(rng, 5), random_motions(rng, 1)[0]
        assert np.allclose(poses.steps(W @ T), poses.steps(T))

    def test_both_steps_beside_an_invalid_pose_are_nan(self, tiny_sweep):
        is_nan = np.isnan(poses.steps(poses.centre_poses(tiny_sweep))).all(axis=(1, 2))
        assert is_nan.tolist() == [False, False, True, True, False, False]

    def test_a_single_pose_has_no_steps_and_none_is_an_error(self):
        assert poses.steps(np.eye(4)[None]).shape == (0, 4, 4)
        with pytest.raises(ValueError, match="at least one pose, got 0"):
            poses.steps(np.empty((0, 4, 4)))

    def test_a_single_matrix_is_an_error(self):
        with pytest.raises(ValueError, match=r"T_centre_to_world must be \(N, 4, 4\), got"):
            poses.steps(np.eye(4))


class TestChain:
    def test_undoes_steps_up_to_the_first_pose(self, rng):
        T = random_motions(rng, 6)
        assert np.allclose(poses.chain(poses.steps(T)), geometry.invert(T[0]) @ T)

    def test_no_steps_are_one_frame(self):
        assert np.array_equal(poses.chain(np.empty((0, 4, 4))), np.eye(4)[None])

    def test_what_lies_behind_an_unknown_step_is_unknown(self, rng):
        steps = random_motions(rng, 4)
        steps[2] = np.nan
        is_nan = np.isnan(poses.chain(steps)).all(axis=(1, 2))
        # The last row of a product with NaN must be NaN too, or the stack is half valid.
        assert is_nan.tolist() == [False, False, False, True, True]

    def test_a_step_that_is_not_rigid_is_an_error(self):
        with pytest.raises(ValueError, match="steps carries a scale"):
            poses.chain(np.diag([2.0, 1, 1, 1])[None])
