"""Representations of rotations: hand-worked, both ways, batched, and diagnosed."""

import numpy as np
import pytest
from scipy.linalg import expm

from hipus import rotations

#: A quarter turn about z maps x to y.
QUARTER = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.fixture
def matrices(rng) -> np.ndarray:
    """Return 2 x 30 random rotations with any angle."""
    return rotations.from_quaternion(rng.normal(size=(2, 30, 4)))


class TestHandWorked:
    def test_quaternion_is_scalar_last(self):
        half = np.sqrt(0.5)
        assert rotations.from_quaternion([0, 0, half, half]) == pytest.approx(QUARTER)
        assert rotations.to_quaternion(QUARTER) == pytest.approx([0, 0, half, half])

    def test_quaternion_scalar_is_never_negative(self, matrices):
        assert (rotations.to_quaternion(matrices)[..., 3] >= 0).all()

    def test_quaternion_of_any_length_and_sign_is_the_same_rotation(self):
        assert rotations.from_quaternion([0, 0, -3, -3]) == pytest.approx(QUARTER)

    def test_rotation_vector_is_axis_times_radians(self):
        assert rotations.from_rotation_vector([0, 0, np.pi / 2]) == pytest.approx(QUARTER)
        assert rotations.to_rotation_vector(QUARTER) == pytest.approx([0, 0, np.pi / 2])

    def test_six_numbers_are_the_first_two_columns(self):
        assert rotations.to_6d(QUARTER).tolist() == [0, 1, 0, -1, 0, 0]

    def test_six_numbers_need_neither_unit_length_nor_right_angles(self):
        assert rotations.from_6d([0, 7, 0, -2, 5, 0]) == pytest.approx(QUARTER)

    def test_euler_upper_case_turns_along(self):
        R = rotations.from_euler([90, 0, 90], "ZYX")
        # Rz(90) Rx(90): z goes to -y under Rx, then to x under Rz.
        assert R[:, 2] == pytest.approx([1, 0, 0], abs=1e-12)
        assert rotations.from_euler([90, 0, 90], "xyz") == pytest.approx(R)

    def test_euler_at_gimbal_lock_still_gives_the_matrix_back(self):
        R = rotations.from_euler([20, 90, 35], "ZYX")
        with pytest.warns(UserWarning, match="Gimbal lock"):
            angles_deg = rotations.to_euler(R, "ZYX")
        assert rotations.from_euler(angles_deg, "ZYX") == pytest.approx(R, abs=1e-9)


class TestBothWays:
    def test_matrix_comes_back_from_each_representation(self, matrices):
        ways = [
            rotations.from_quaternion(rotations.to_quaternion(matrices)),
            rotations.from_rotation_vector(rotations.to_rotation_vector(matrices)),
            rotations.from_6d(rotations.to_6d(matrices)),
            rotations.from_euler(rotations.to_euler(matrices, "ZYX"), "ZYX"),
        ]
        for back in ways:
            assert back.shape == (2, 30, 3, 3)
            assert back == pytest.approx(matrices, abs=1e-9)

    def test_any_six_numbers_give_a_rotation(self, rng):
        R = rotations.check_rotation(rotations.from_6d(rng.normal(size=(500, 6))))
        assert np.linalg.det(R) == pytest.approx(np.ones(500))

    def test_rotation_vector_agrees_with_the_matrix_exponential(self, rng):
        for x, y, z in rng.normal(0, 1, (10, 3)):
            skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
            assert rotations.from_rotation_vector([x, y, z]) == pytest.approx(expm(skew))

    def test_rotation_vector_is_at_most_half_a_turn(self, matrices):
        assert np.linalg.norm(rotations.to_rotation_vector(matrices), axis=-1).max() <= np.pi

    @pytest.mark.parametrize("shape", [(0,), (2, 0), ()])
    def test_empty_and_single_batches_keep_their_shape(self, shape):
        R = np.broadcast_to(np.eye(3), (*shape, 3, 3))
        assert rotations.to_quaternion(R).shape == (*shape, 4)
        assert rotations.to_6d(R).shape == (*shape, 6)
        assert rotations.to_euler(R, "ZYX").shape == (*shape, 3)
        assert rotations.from_quaternion(rotations.to_quaternion(R)).shape == R.shape
        assert rotations.from_rotation_vector(rotations.to_rotation_vector(R)).shape == R.shape
        assert rotations.from_6d(rotations.to_6d(R)).shape == R.shape


WAYS = [
    (rotations.to_quaternion, rotations.from_quaternion),
    (rotations.to_rotation_vector, rotations.from_rotation_vector),
    (rotations.to_6d, rotations.from_6d),
    (lambda R: rotations.to_euler(R, "ZYX"), lambda angles: rotations.from_euler(angles, "ZYX")),
    (lambda R: rotations.to_euler(R, "zxz"), lambda angles: rotations.from_euler(angles, "zxz")),
]


class TestInvalidAndRoundedPoses:
    @pytest.mark.parametrize(("there", "back"), WAYS)
    def test_nan_passes_through_and_disturbs_no_neighbour(self, matrices, there, back):
        matrices[1, 7] = np.nan
        found = there(matrices)
        assert np.isnan(found[1, 7]).all()
        assert np.isnan(found).any(axis=-1).sum() == 1
        returned = back(found)
        assert np.isnan(returned[1, 7]).all()
        is_known = ~np.isnan(matrices)
        assert returned[is_known] == pytest.approx(matrices[is_known], abs=1e-9)

    @pytest.mark.parametrize(("there", "back"), WAYS)
    def test_nothing_but_nan_stays_nan(self, there, back):
        found = there(np.full((4, 3, 3), np.nan))
        assert len(found) == 4
        assert np.isnan(back(found)).all()

    @pytest.mark.parametrize(("there", "back"), WAYS)
    def test_six_digits_of_a_tracker_are_a_rotation(self, matrices, there, back):
        rounded = np.vectorize(lambda value: float(f"{value:.5g}"))(matrices)
        error = np.abs(np.swapaxes(rounded, -1, -2) @ rounded - np.eye(3)).max()
        assert error > 1e-6
        assert back(there(rounded)) == pytest.approx(rounded, abs=3 * error)

    def test_a_matrix_that_is_nan_in_part_is_refused(self, matrices):
        matrices[1, 7, 0, 0] = np.nan
        with pytest.raises(ValueError, match="R must be finite, got 1 others"):
            rotations.to_quaternion(matrices)

    def test_a_zero_quaternion_is_found_beside_a_nan(self):
        with pytest.raises(ValueError, match="xyzw must not have length 0"):
            rotations.from_quaternion([[np.nan] * 4, [0.0] * 4])

    @pytest.mark.parametrize(
        ("convert", "size"),
        [
            (rotations.from_quaternion, 4),
            (rotations.from_rotation_vector, 3),
            (rotations.from_6d, 6),
            (lambda values: rotations.from_euler(values, "ZYX"), 3),
        ],
    )
    def test_infinity_is_refused(self, convert, size):
        with pytest.raises(ValueError, match="must not be infinite, got 1"):
            convert([np.inf, *np.ones(size - 1)])

    @pytest.mark.parametrize("sequence", ["QQQ", "ZY", "Zyx", "ZZX", "XYY", ""])
    def test_a_sequence_that_is_none_is_refused_both_ways(self, sequence):
        with pytest.raises(ValueError, match=f"sequence must be three axes, .* got '{sequence}'"):
            rotations.from_euler([0.0, 0, 0], sequence)
        with pytest.raises(ValueError, match=f"sequence must be three axes, .* got '{sequence}'"):
            rotations.to_euler(np.eye(3), sequence)


class TestErrors:
    @pytest.mark.parametrize(
        ("R", "fault"),
        [
            (np.eye(4), r"R_a must have shape \(..., 3, 3\), got \(4, 4\)"),
            (np.full((3, 3), np.nan), "R_a must be finite, got 9 others"),
            (np.diag([1, 1, 1.1]), "R_a must be orthogonal within 1e-06, R.T R is off by 0.21"),
            (np.diag([1, 1, -1]), "R_a has determinant -1: a rotoreflection"),
        ],
    )
    def test_check_names_the_fault(self, R, fault):
        with pytest.raises(ValueError, match=fault):
            rotations.check_rotation(R, "R_a")

    def test_one_reflection_in_a_batch_is_enough(self, matrices):
        matrices[1, 7] *= -1
        with pytest.raises(ValueError, match="rotoreflection"):
            rotations.to_quaternion(matrices)

    def test_zero_quaternion_is_refused(self):
        with pytest.raises(ValueError, match="xyzw must not have length 0"):
            rotations.from_quaternion([[0, 0, 0, 1], [0, 0, 0, 0]])

    @pytest.mark.parametrize(
        "sixd",
        [
            [0, 0, 0, 1, 0, 0],
            [1, 2, 3, 2, 4, 6],
            [1, 2, 3, 0, 0, 0],
            [1.1e8, 2.3e8, 3.7e8, 2.2e8, 4.6e8, 7.4e8],
            [0.1, 0.2, 0.7, 3e9 * 0.1, 3e9 * 0.2, 3e9 * 0.7],
        ],
    )
    def test_zero_or_parallel_columns_are_refused_at_any_size(self, sixd):
        with pytest.raises(ValueError, match="column has no direction of its own"):
            rotations.from_6d(sixd)

    def test_tiny_columns_still_have_a_direction(self):
        assert rotations.from_6d([0, 1e-12, 0, -1e-12, 0, 0]) == pytest.approx(QUARTER)

    @pytest.mark.parametrize(
        ("convert", "name", "size"),
        [
            (rotations.from_quaternion, "xyzw", 4),
            (rotations.from_rotation_vector, "rotation_vector_rad", 3),
            (rotations.from_6d, "sixd", 6),
            (lambda values: rotations.from_euler(values, "ZYX"), "angles_deg", 3),
        ],
    )
    def test_last_axis_must_fit(self, convert, name, size):
        with pytest.raises(
            ValueError, match=rf"{name} must have shape \(..., {size}\), got \(5,\)"
        ):
            convert(np.ones(5))

    def test_unknown_euler_sequence_is_refused(self):
        with pytest.raises(ValueError, match="sequence|axes|seq"):
            rotations.from_euler([1, 2, 3], "ABC")
