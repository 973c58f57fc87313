"""Displacement fields of rigid motions, and the network that passes through them."""

import math

import pytest
import torch

from hipus.motion import displacement_field
from hipus.rotations import from_rotation_vector

WIDTH_MM, HEIGHT_MM = 28.0, 35.0


def transform(rotation_vector_rad=(0, 0, 0), translation_mm=(0, 0, 0)):
    """Return a 4 x 4 float64 transform."""
    T = torch.eye(4, dtype=torch.float64)
    T[:3, :3] = torch.from_numpy(from_rotation_vector(rotation_vector_rad))
    T[:3, 3] = torch.tensor(translation_mm, dtype=torch.float64)
    return T


@pytest.fixture
def points():
    return displacement_field.field_points(WIDTH_MM, HEIGHT_MM).double()


class TestFieldPoints:
    def test_are_centres_of_cells_rows_from_shallow_to_deep(self, points):
        assert points.shape == (7, 7, 3)
        # 28 mm in 7 cells: 4 mm apart, the first at -12; 35 mm: 5 mm apart, first at -15.
        assert points[0, 0].tolist() == pytest.approx([-12, -15, 0], abs=1e-5)
        assert points[0, 1].tolist() == pytest.approx([-8, -15, 0], abs=1e-5)
        assert points[1, 0].tolist() == pytest.approx([-12, -10, 0], abs=1e-5)
        assert points[3, 3].tolist() == pytest.approx([0, 0, 0], abs=1e-6)

    @pytest.mark.parametrize(
        ("size", "message"),
        [((0.0, 35.0), "got 0 and 35"), ((28.0, -1.0), "got 28 and -1")],
    )
    def test_refuse_an_image_without_size(self, size, message):
        with pytest.raises(ValueError, match=f"must be positive, {message}"):
            displacement_field.field_points(*size)


class TestFieldOfTransforms:
    def test_of_a_translation_is_the_translation_everywhere(self, points):
        field = displacement_field.field_of_transforms(
            transform(translation_mm=(0.1, -0.2, 0.6)), points
        )
        expected = torch.tensor([0.1, -0.2, 0.6], dtype=torch.float64).expand(7, 7, 3)
        torch.testing.assert_close(field, expected)

    def test_of_a_quarter_turn_about_the_elevational_axis_by_hand(self, points):
        field = displacement_field.field_of_transforms(transform((0, 0, math.pi / 2)), points)
        # (-12, -15, 0) turns to (15, -12, 0).
        assert field[0, 0].tolist() == pytest.approx([27, 3, 0], abs=1e-5)
        assert field[3, 3].tolist() == pytest.approx([0, 0, 0], abs=1e-6)

    def test_of_a_small_tilt_about_the_lateral_axis_lifts_deep_points(self, points):
        field = displacement_field.field_of_transforms(transform((0.01, 0, 0)), points)
        assert field[6, 2, 2].item() == pytest.approx(15 * math.sin(0.01), abs=1e-6)
        assert field[0, 2, 2].item() == pytest.approx(-15 * math.sin(0.01), abs=1e-6)
        assert torch.count_nonzero(field[..., 0].abs() > 1e-12) == 0

    def test_batches_are_their_members(self, points):
        steps = [transform((0.1, 0.2, -0.1), (1, 2, 3)), transform(), transform((0, 0.3, 0))]
        stack = torch.stack([*steps, *steps]).reshape(2, 3, 4, 4)
        fields = displacement_field.field_of_transforms(stack, points)
        assert fields.shape == (2, 3, 7, 7, 3)
        for column, step in enumerate(steps):
            one = displacement_field.field_of_transforms(step, points)
            torch.testing.assert_close(fields[1, column], one)


class TestRigidityLoss:
    def test_is_exactly_zero_at_rest(self, points):
        assert displacement_field.rigidity_loss(torch.zeros(2, 7, 7, 3), points.float()) == 0

    @pytest.mark.parametrize("seed", range(3))
    def test_is_zero_for_rigid_motions_large_and_small(self, points, seed):
        draw = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed)).tolist()
        field = displacement_field.field_of_transforms(transform(*draw), points)
        assert field.abs().max() > 0.1
        assert displacement_field.rigidity_loss(field, points).item() < 1e-24

    def test_of_a_uniform_stretch_by_hand(self, points):
        # All distances grow by 1 %: ((1.01^2 - 1) / 2 r)^2 = (0.01005 r)^2, and the mean of
        # r^2 over pairs is twice the variance of the points (sample, of both coordinates).
        loss = displacement_field.rigidity_loss(0.01 * points, points)
        lateral, axial = (points[..., k].flatten().var(unbiased=True) for k in (0, 1))
        expected = 0.01005**2 * 2 * (lateral + axial).item()
        assert loss.item() == pytest.approx(expected, rel=1e-9)

    def test_of_one_moved_point_equals_a_slow_loop(self, points):
        field = torch.zeros(7, 7, 3, dtype=torch.float64)
        field[2, 5] = torch.tensor([0.5, -0.3, 0.8])
        rest, moved = points.reshape(-1, 3), (points + field).reshape(-1, 3)
        total = 0.0
        for i in range(49):
            for j in range(i):
                r, d = (float((p[i] - p[j]).norm()) for p in (rest, moved))
                total += ((d**2 - r**2) / (2 * r)) ** 2
        loss = displacement_field.rigidity_loss(field, points).item()
        assert loss == pytest.approx(total / (49 * 48 / 2), rel=1e-9)
        assert loss > 0

    def test_is_unmoved_by_a_rigid_motion_on_top(self, points):
        field = 0.3 * torch.randn(7, 7, 3, generator=torch.Generator().manual_seed(1)).double()
        T = transform((0.4, -0.2, 0.7), (5, 6, 7))
        moved = (points + field) @ T[:3, :3].T + T[:3, 3] - points
        assert displacement_field.rigidity_loss(moved, points).item() == pytest.approx(
            displacement_field.rigidity_loss(field, points).item(), rel=1e-9
        )

    def test_a_mirrored_plane_counts_as_turned_over(self, points):
        mirrored = points * torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
        assert displacement_field.rigidity_loss(mirrored - points, points).item() < 1e-24

    def test_has_a_gradient_where_all_points_meet(self, points):
        field = (-points).clone().requires_grad_()
        displacement_field.rigidity_loss(field, points).backward()
        assert torch.isfinite(field.grad).all()

    def test_its_gradient_is_that_of_finite_differences(self, points):
        field = 0.1 * torch.randn(7, 7, 3, generator=torch.Generator().manual_seed(2)).double()
        field.requires_grad_()
        assert torch.autograd.gradcheck(
            lambda f: displacement_field.rigidity_loss(f, points), field, fast_mode=True
        )


class TestNetwork:
    def test_returns_numbers_and_a_field_for_each_step(self):
        network = displacement_field.build(6, 2, 9, width=4).eval()
        prediction = network(torch.zeros(3, 6, 32, 40))
        assert prediction.numbers.shape == (3, 2 * 9)
        assert prediction.field_mm.shape == (3, 2, 7, 7, 3)

    def test_the_numbers_of_a_step_come_from_its_own_field(self):
        network = displacement_field.build(6, 2, 9, width=4).eval()
        prediction = network(torch.randn(3, 6, 32, 40))
        expected = network.head(prediction.field_mm.flatten(2))
        torch.testing.assert_close(prediction.numbers.unflatten(1, (2, 9)), expected)
