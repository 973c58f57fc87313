"""Rotations in torch: the same as in NumPy, proper whatever the numbers, with true gradients."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from hipus import rotations
from hipus.motion.torch_rotations import COUNTS, from_numbers, identity_numbers, to_numbers

EYE = torch.eye(3, dtype=torch.float64)


def random_rotations(rng, count, angle=1.0):
    vectors = angle * rng.standard_normal((count, 3))
    return torch.from_numpy(rotations.from_rotation_vector(vectors))


def assert_proper(R, atol):
    assert torch.isfinite(R).all()
    eye = torch.eye(3, dtype=R.dtype).expand(R.shape)
    assert torch.allclose(R @ R.transpose(-1, -2), eye, atol=atol, rtol=0)
    assert torch.allclose(torch.linalg.det(R), torch.ones(R.shape[:-2], dtype=R.dtype), atol=atol)


def slow_nearest(M):
    """Return the nearest rotation from SciPy's Wahba solver, column by column."""
    from scipy.spatial.transform import Rotation

    return Rotation.align_vectors(M.T, np.eye(3))[0].as_matrix()


class TestSameAsNumPy:
    @pytest.mark.parametrize(
        ("count", "there", "back"),
        [
            (3, rotations.from_rotation_vector, rotations.to_rotation_vector),
            (4, rotations.from_quaternion, rotations.to_quaternion),
            (6, rotations.from_6d, rotations.to_6d),
        ],
    )
    def test_both_ways(self, rng, count, there, back):
        numbers = rng.standard_normal((50, count))
        R = from_numbers(torch.from_numpy(numbers), count)
        np.testing.assert_allclose(R, there(numbers), atol=1e-12)
        np.testing.assert_allclose(to_numbers(R, count), back(R.numpy()), atol=1e-11)

    def test_nine_numbers_are_the_nearest_rotation(self, rng):
        for M in rng.standard_normal((20, 3, 3)):
            numbers = torch.from_numpy(M.T.reshape(9).copy())  # column by column
            np.testing.assert_allclose(from_numbers(numbers, 9), slow_nearest(M), atol=1e-9)

    @pytest.mark.parametrize("scale", [0.0, 1e-9, 1e-5, 5e-3, 9.9e-3, 1.01e-2, 3.0])
    def test_rotation_vectors_of_any_length_around_the_series(self, scale):
        vector = scale * np.array([0.6, -0.48, 0.64])
        R = from_numbers(torch.from_numpy(vector), 3)
        np.testing.assert_allclose(R, rotations.from_rotation_vector(vector), atol=1e-15)
        np.testing.assert_allclose(to_numbers(R, 3), vector, rtol=1e-9, atol=1e-15)

    def test_nearly_half_a_turn_about_each_axis(self):
        vectors = (np.pi - 1e-6) * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, -0.8]])
        R = torch.from_numpy(rotations.from_rotation_vector(vectors))
        np.testing.assert_allclose(to_numbers(R, 3), vectors, atol=1e-9)


class TestAlwaysARotation:
    @pytest.mark.parametrize("count", COUNTS)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_random_numbers_of_any_size(self, rng, count, dtype):
        numbers = rng.standard_normal((300, count)) * 10.0 ** rng.uniform(-6, 3, (300, 1))
        R = from_numbers(torch.from_numpy(numbers).to(dtype), count)
        assert R.dtype == dtype
        # A float32 rotation vector of 1000 rad is known to 1e-4 rad, but turns properly.
        assert_proper(R, 1e-5 if dtype is torch.float32 else 1e-11)

    @pytest.mark.parametrize("count", COUNTS)
    def test_zeros_are_the_identity_with_a_finite_gradient(self, count):
        zeros = torch.zeros(2, count, dtype=torch.float64, requires_grad=True)
        R = from_numbers(zeros, count)
        assert torch.allclose(R, EYE.expand(2, 3, 3), atol=1e-15)
        R[..., 0, 1].sum().backward()
        assert torch.isfinite(zeros.grad).all()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        "columns",
        [
            [1, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 1, 0],
            [1, 2, 3, 2, 4, 6],
            [1, 2, 3, -0.1, -0.2, -0.3],
            [0.1, 0.7, 0.3, 0.1 * 1.7, 0.7 * 1.7, 0.3 * 1.7],
            [0, 1, 0, 0, 1, 0],
            [0, 0, -1, 0, 0, 1e-9],
        ],
    )
    def test_zero_and_parallel_columns(self, columns, dtype):
        sixd = torch.tensor(columns, dtype=dtype, requires_grad=True)
        R = from_numbers(sixd, 6)
        assert_proper(R, 1e-6)
        R.sum().backward()
        assert torch.isfinite(sixd.grad).all()

    @pytest.mark.parametrize(
        "matrix",
        [
            np.diag([1.0, 1, -1]),  # a reflection, whose nearest rotation is not unique
            -np.eye(3),
            np.outer([1.0, 2, 3], [1, 0, 1]),
            np.diag([1.0, 1, 0]),
            np.diag([2.0, 1, -0.5]),
        ],
    )
    def test_reflections_and_flat_matrices(self, matrix):
        numbers = torch.from_numpy(matrix.T.reshape(9).copy()).requires_grad_()
        R = from_numbers(numbers, 9)
        assert_proper(R, 1e-12)
        (R * torch.arange(9.0, dtype=torch.float64).view(3, 3)).sum().backward()
        assert torch.isfinite(numbers.grad).all()

    @pytest.mark.parametrize("count", COUNTS)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_what_is_not_finite_gives_nan_and_harms_no_neighbour(self, rng, count, bad):
        numbers = torch.from_numpy(rng.standard_normal((3, count))).requires_grad_()
        spoilt = numbers.detach().clone()
        spoilt[1, 0] = bad
        R = from_numbers(spoilt.requires_grad_(), count)
        assert torch.isnan(R[1]).all()
        assert torch.allclose(R[[0, 2]], from_numbers(numbers, count)[[0, 2]])
        R[[0, 2]].sum().backward()
        assert torch.isfinite(spoilt.grad).all()


class TestGradients:
    @pytest.mark.parametrize("count", COUNTS)
    def test_from_numbers_anywhere(self, rng, count):
        numbers = torch.from_numpy(rng.standard_normal((5, count))).requires_grad_()
        assert gradcheck(lambda x: from_numbers(x, count), numbers, fast_mode=False)

    @pytest.mark.parametrize("count", COUNTS)
    def test_from_numbers_at_and_beside_the_identity(self, rng, count):
        """The singular vectors of the identity have no derivative, its projection has."""
        at = identity_numbers(count, dtype=torch.float64)
        beside = at + 1e-3 * torch.from_numpy(rng.standard_normal((3, count)))
        numbers = torch.cat([at[None], beside]).requires_grad_()
        assert gradcheck(lambda x: from_numbers(x, count), numbers)

    @pytest.mark.parametrize("count", COUNTS)
    @pytest.mark.parametrize("angle", [1e-4, 0.02, 1.0])
    def test_to_numbers(self, rng, count, angle):
        R = random_rotations(rng, 4, angle).requires_grad_()
        assert gradcheck(lambda x: to_numbers(x, count), R)

    @pytest.mark.parametrize("count", COUNTS)
    def test_descent_from_the_identity_finds_a_rotation(self, rng, count):
        target = random_rotations(rng, 1, angle=0.3)[0]
        numbers = identity_numbers(count, dtype=torch.float64).requires_grad_()
        optimiser = torch.optim.Adam([numbers], lr=0.05)
        for _ in range(200):
            optimiser.zero_grad()
            loss = ((from_numbers(numbers, count) - target) ** 2).sum()
            loss.backward()
            optimiser.step()
        assert loss < 1e-6


class TestNumbers:
    @pytest.mark.parametrize("count", COUNTS)
    def test_there_and_back_for_any_leading_shape(self, rng, count):
        R = random_rotations(rng, 12).view(2, 3, 2, 3, 3)
        numbers = to_numbers(R, count)
        assert numbers.shape == (2, 3, 2, count)
        assert torch.allclose(from_numbers(numbers, count), R, atol=1e-12)

    @pytest.mark.parametrize("count", COUNTS)
    def test_an_empty_batch_stays_empty(self, count):
        assert from_numbers(torch.empty(0, count), count).shape == (0, 3, 3)
        assert to_numbers(torch.empty(0, 3, 3), count).shape == (0, count)

    def test_those_of_the_identity_by_hand(self):
        assert identity_numbers(3).tolist() == [0, 0, 0]
        assert identity_numbers(4).tolist() == [0, 0, 0, 1]
        assert identity_numbers(6).tolist() == [1, 0, 0, 0, 1, 0]
        assert identity_numbers(9).tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1]

    def test_columns_and_not_rows_come_one_after_the_other(self):
        quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        assert to_numbers(quarter, 6).tolist() == [0, 1, 0, -1, 0, 0]
        assert to_numbers(quarter, 9).tolist() == [0, 1, 0, -1, 0, 0, 0, 0, 1]

    def test_the_scalar_of_a_quaternion_is_not_negative(self, rng):
        assert (to_numbers(random_rotations(rng, 200, angle=3.0), 4)[:, 3] >= 0).all()


class TestRefusals:
    def test_other_counts(self):
        with pytest.raises(ValueError, match=r"count must be one of \(3, 4, 6, 9\), got 5"):
            from_numbers(torch.zeros(1, 5), 5)
        with pytest.raises(ValueError, match="count must be one of"):
            to_numbers(torch.eye(3), 12)

    def test_numbers_of_another_size(self):
        with pytest.raises(ValueError, match=r"numbers must have shape \(..., 6\), got \(2, 9\)"):
            from_numbers(torch.zeros(2, 9), 6)

    def test_matrices_of_another_shape(self):
        with pytest.raises(ValueError, match=r"R must have shape \(..., 3, 3\), got \(4, 4\)"):
            to_numbers(torch.eye(4), 6)
