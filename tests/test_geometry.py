"""Rigid motions: hand-worked cases, group laws, interpolation, diagnoses."""

import numpy as np
import pytest
from scipy.linalg import expm, logm

from hipus import geometry, rotations


@pytest.fixture
def poses(rng) -> np.ndarray:
    """Return 20 random rigid transforms of some 300 mm."""
    turned = rotations.from_rotation_vector(rng.normal(0, 1.2, (20, 3)))
    return geometry.transform(turned, rng.normal(0, 300, (20, 3)))


#: A quarter turn about z, then 1, 2, 3.
QUARTER = np.array([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])


class TestHandWorked:
    def test_apply_turns_then_shifts(self):
        assert geometry.apply(QUARTER, [5, 0, 0]).tolist() == [1, 7, 3]

    def test_compose_applies_the_last_first(self):
        shift = geometry.transform(None, [10, 0, 0])
        assert geometry.apply(geometry.compose(QUARTER, shift), [0, 0, 0]).tolist() == [1, 12, 3]
        assert geometry.apply(geometry.compose(shift, QUARTER), [0, 0, 0]).tolist() == [11, 2, 3]

    def test_relative_is_the_second_seen_from_the_first(self):
        T_b_to_a = geometry.relative(QUARTER, geometry.transform(None, [1, 7, 3]))
        assert geometry.apply(T_b_to_a, [0, 0, 0]) == pytest.approx([5, 0, 0])

    def test_angle_of_a_quarter_turn_is_90(self):
        assert geometry.geodesic_angle_deg(QUARTER) == pytest.approx(90)

    def test_transform_defaults_to_the_identity(self):
        assert np.array_equal(geometry.transform(), np.eye(4))

    def test_transform_broadcasts_one_rotation_over_many_translations(self):
        T = geometry.transform(QUARTER[:3, :3], np.arange(6).reshape(2, 3))
        assert T.shape == (2, 4, 4)
        assert T[1, :3, 3].tolist() == [3, 4, 5]


class TestGroupLaws:
    def test_inverse_undoes(self, poses):
        identity = np.broadcast_to(np.eye(4), poses.shape)
        assert geometry.compose(poses, geometry.invert(poses)) == pytest.approx(identity, abs=1e-12)

    def test_composition_is_associative_and_agrees_with_apply(self, poses, rng):
        a, b, c = poses[0], poses[1], poses[2]
        points = rng.normal(0, 50, (7, 3))
        stepwise = geometry.apply(a, geometry.apply(b, geometry.apply(c, points)))
        assert geometry.apply(geometry.compose(a, b, c), points) == pytest.approx(stepwise)

    def test_apply_broadcasts_frames_against_points(self, poses, rng):
        points = rng.normal(0, 50, (20, 5, 3))
        every = geometry.apply(poses, points)
        for index in range(20):
            for point in range(5):
                expected = (poses[index] @ [*points[index, point], 1])[:3]
                assert every[index, point] == pytest.approx(expected)

    def test_one_point_under_many_poses(self, poses):
        assert geometry.apply(poses, [0.0, 0, 0]) == pytest.approx(poses[:, :3, 3])

    def test_a_singular_matrix_has_no_inverse(self):
        with pytest.raises(ValueError, match="T must be invertible, got a singular matrix"):
            geometry.invert([np.eye(4), np.diag([1.0, 0, 1, 1])])

    def test_inverse_of_a_scaling_is_full_not_transposed(self):
        T = geometry.compose(QUARTER, np.diag([0.3, 0.7, 1.1, 1.0]))
        assert geometry.invert(T) @ T == pytest.approx(np.eye(4))

    def test_nan_passes_through(self, poses):
        poses[4] = np.nan
        for result in (
            geometry.invert(poses),
            geometry.compose(poses, QUARTER),
            geometry.closest_rigid(poses),
        ):
            assert np.isnan(result).all(axis=(1, 2)).tolist() == [i == 4 for i in range(20)]
        assert np.isnan(geometry.geodesic_angle_deg(poses)[4])

    def test_compose_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="compose needs at least one transform"):
            geometry.compose()


class TestClosestRigid:
    def test_rigid_input_is_kept(self, poses):
        assert geometry.closest_rigid(poses) == pytest.approx(poses, abs=1e-10)

    def test_result_is_rigid_even_from_a_reflection(self, poses, rng):
        disturbed = poses.copy()
        disturbed[:, :3, :3] += rng.normal(0, 0.1, (20, 3, 3))
        disturbed[0, :3, :3] = np.diag([1.0, 1, -1])
        geometry.check_transform(geometry.closest_rigid(disturbed))

    def test_no_other_rotation_is_nearer(self, rng):
        block = np.diag([1.2, 0.8, 1.0]) + rng.normal(0, 0.2, (3, 3))
        T = geometry.transform(block)
        best = np.linalg.norm(geometry.closest_rigid(T)[:3, :3] - block)
        tried = rotations.from_rotation_vector(rng.normal(0, 0.4, (3000, 3)))
        assert np.linalg.norm(tried - block, axis=(1, 2)).min() >= best - 1e-12


class TestGeodesicAngle:
    @pytest.mark.parametrize("angle_deg", [0.0, 1e-7, 0.3, 45, 179.9, 180])
    def test_is_the_angle_about_any_axis(self, angle_deg):
        R = rotations.from_rotation_vector(np.radians(angle_deg) * np.array([2, -1, 2]) / 3)
        assert geometry.geodesic_angle_deg(R) == pytest.approx(angle_deg, abs=1e-6, rel=1e-6)

    def test_tiny_angles_keep_their_digits(self):
        R = rotations.from_rotation_vector([0, 0, 1e-9])
        assert geometry.geodesic_angle_deg(R) == pytest.approx(np.degrees(1e-9), rel=1e-6)

    def test_is_unmoved_by_a_common_rotation(self, poses):
        common = poses[7, :3, :3]
        angles = geometry.geodesic_angle_deg(poses[:10], poses[10:])
        moved = geometry.geodesic_angle_deg(
            common @ poses[:10, :3, :3], common @ poses[10:, :3, :3]
        )
        assert moved == pytest.approx(angles)


class TestInterpolation:
    time_s = np.array([0.0, 1.0, 3.0, 4.0])

    @pytest.fixture
    def four(self):
        """Return four poses turning about one oblique axis, with unequal steps."""
        turned = rotations.from_rotation_vector(self.time_s[:, None] * [0.2, -0.4, 0.1])
        return geometry.transform(turned, self.time_s[:, None] ** 2 * [1.0, 0, -3])

    def test_samples_are_returned_as_they_are(self, four):
        assert geometry.interpolate_poses(self.time_s, four, self.time_s) == pytest.approx(four)

    def test_between_samples_translation_is_linear_and_rotation_steady(self, four):
        T = geometry.interpolate_poses(self.time_s, four, [1.5])[0]
        assert T[:3, 3] == pytest.approx([3, 0, -9])
        expected = rotations.from_rotation_vector(1.5 * np.array([0.2, -0.4, 0.1]))
        assert T[:3, :3] == pytest.approx(expected)

    def test_agrees_with_the_matrix_logarithm(self, poses):
        a, b = poses[3, :3, :3], poses[4, :3, :3]
        expected = a @ expm(0.3 * np.real(logm(a.T @ b)))
        T = geometry.interpolate_poses([0, 1], poses[3:5], [0.3])[0]
        assert T[:3, :3] == pytest.approx(expected, abs=1e-9)

    def test_nothing_is_extrapolated(self, four):
        T = geometry.interpolate_poses(self.time_s, four, [-0.001, 0.0, 4.0, 4.001])
        assert np.isnan(T).all(axis=(1, 2)).tolist() == [True, False, False, True]

    def test_invalid_samples_are_bridged_unless_the_gap_is_too_long(self, four):
        four[1] = np.nan
        bridged = geometry.interpolate_poses(self.time_s, four, [1.0, 3.5])
        assert np.isfinite(bridged).all()
        strict = geometry.interpolate_poses(self.time_s, four, [1.0, 3.0, 3.5], max_gap_s=2.0)
        assert np.isnan(strict).all(axis=(1, 2)).tolist() == [True, False, False]

    def test_a_single_valid_pose_answers_at_its_own_time_only(self, four):
        four[[0, 1, 3]] = np.nan
        T = geometry.interpolate_poses(self.time_s, four, [2.0, 3.0])
        assert np.isnan(T[0]).all()
        assert T[1] == pytest.approx(four[2])

    def test_reversed_time_is_refused(self, four):
        with pytest.raises(ValueError, match="time_s must increase strictly, .* at sample 1"):
            geometry.interpolate_poses(self.time_s[::-1], four, [1.0])

    def test_other_length_is_refused(self, four):
        with pytest.raises(ValueError, match=r"T must be \(3, 4, 4\) like time_s, got \(4, 4, 4\)"):
            geometry.interpolate_poses(self.time_s[:3], four, [1.0])

    def test_queries_of_two_axes_are_refused(self, four):
        with pytest.raises(ValueError, match=r"query_time_s must be \(M,\), got \(2, 2\)"):
            geometry.interpolate_poses(self.time_s, four, np.zeros((2, 2)))

    def test_all_invalid_is_refused(self, four):
        with pytest.raises(ValueError, match="at least one valid pose, got 4 invalid ones"):
            geometry.interpolate_poses(self.time_s, four * np.nan, [1.0])


class TestCheck:
    def test_returns_a_copy_in_float64(self):
        given = np.eye(4, dtype=np.float32)
        checked = geometry.check_transform(given)
        checked[0, 3] = 5
        assert checked.dtype == np.float64
        assert given[0, 3] == 0

    def test_six_digits_of_a_tracker_are_rigid_enough(self, poses):
        rounded = np.array([[float(f"{value:.6g}") for value in T.ravel()] for T in poses])
        geometry.check_transform(rounded.reshape(-1, 4, 4))

    def test_invalid_samples_pass_when_allowed(self, poses):
        poses[2] = np.nan
        assert np.isnan(geometry.check_transform(poses, allow_nan=True)[2]).all()

    def test_scale_passes_when_rigid_is_not_asked(self):
        geometry.check_transform(np.diag([0.08, 0.11, 1, 1]), rigid=False)

    @pytest.mark.parametrize(
        ("T", "fault"),
        [
            (np.eye(3), r"T_x must have shape \(..., 4, 4\), got \(3, 3\)"),
            (np.full((4, 4), np.nan), "T_x is not finite"),
            (np.diag([1, 1, np.inf, 1]), "T_x is not finite"),
            (np.eye(4) + 0.1 * np.eye(4)[[2, 3, 0, 1]], "must end in the row 0 0 0 1"),
            (np.diag([1, -1, 1, 1]), "is a reflection"),
            (np.diag([1, 1.01, 1, 1]), "carries a scale"),
            (geometry.transform([[1, 0.6, 0], [0, 0.8, 0], [0, 0, 1]]), "is sheared"),
        ],
    )
    def test_message_names_the_fault(self, T, fault):
        with pytest.raises(ValueError, match=fault):
            geometry.check_transform(T, "T_x")

    def test_message_names_the_first_bad_matrix_of_a_stack(self, poses):
        poses[[5, 9], :3, 0] *= -1
        with pytest.raises(ValueError, match=r"T_probe_to_tracker\[5\] is a reflection"):
            geometry.check_transform(poses, "T_probe_to_tracker")

    def test_a_partly_nan_matrix_is_no_invalid_sample(self, poses):
        poses[1, 0, 3] = np.nan
        with pytest.raises(ValueError, match=r"T\[1\] is not finite"):
            geometry.check_transform(poses, allow_nan=True)
