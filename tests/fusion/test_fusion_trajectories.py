"""Poses as functions of a factor and a curve; the place of one sweep in the other."""

import numpy as np
import pytest
import torch
from made_crossing import straight

from hipus import geometry, rotations
from hipus.fusion.trajectories import (
    PREDICTED,
    TRACKED,
    Placement,
    PoseSpread,
    Trajectory,
    to_numpy,
)

T_WORLD = geometry.transform(
    rotations.from_rotation_vector(np.radians([20.0, -50.0, 10.0])), [3.0, -4.0, 9.0]
)


def trajectory(T, *, knots: int = 4, spread: PoseSpread = PREDICTED) -> Trajectory:
    """Return a trajectory on the CPU."""
    return Trajectory(T, knots=knots, spread=spread, device="cpu")


def set_to(number: torch.Tensor, values) -> None:
    """Set a free number."""
    with torch.no_grad():
        number.copy_(torch.as_tensor(values, dtype=number.dtype))


class TestTrajectory:
    def test_as_it_begins_it_is_the_sweep_about_its_middle(self):
        T = geometry.compose(T_WORLD, straight(11, 0.7))
        one = trajectory(T)
        np.testing.assert_allclose(
            geometry.compose(one.T_middle_to_world, to_numpy(one.poses())), T, atol=1e-5
        )
        assert one.factor == 1
        assert one.unlikely().item() == 0

    def test_the_factor_stretches_across_the_pictures_only(self):
        T = geometry.transform(None, np.arange(9)[:, None] * [0.3, 0.1, 0.5])
        one = trajectory(T)
        set_to(one.log_factor, [np.log(1.2) / PREDICTED.factor_sd])
        found = to_numpy(one.poses())[:, :3, 3]
        np.testing.assert_allclose(found, (np.arange(9)[:, None] - 4) * [0.3, 0.1, 0.6], atol=1e-5)
        assert one.factor == pytest.approx(1.2)

    def test_a_bend_moves_frames_in_proportion_to_their_knots(self):
        T = straight(10, 0.5)
        one = trajectory(T, knots=4)  # knots at frames 0, 3, 6, 9
        set_to(one.bends[1], [1.0, -2.0, 3.0])
        moved = to_numpy(one.poses())[:, :3, 3] - to_numpy(trajectory(T).poses())[:, :3, 3]
        shares = np.array([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0, 0, 0, 0])
        expected = shares[:, None] * np.array([1.0, -2.0, 3.0]) * PREDICTED.bend_sd_mm
        np.testing.assert_allclose(moved, expected, atol=1e-5)

    def test_rotations_stay(self):
        T = straight(8, 0.5)
        one = trajectory(T)
        set_to(one.bends, np.arange(12.0).reshape(4, 3))
        middle = geometry.relative(T[4], T)
        np.testing.assert_allclose(to_numpy(one.poses())[:, :3, :3], middle[:, :3, :3], atol=1e-6)

    def test_a_level_costs_less_than_a_bend(self):
        level, bend = trajectory(straight(9, 0.5)), trajectory(straight(9, 0.5))
        set_to(level.bends, np.ones((4, 3)))
        set_to(bend.bends, np.array([[0.0], [1], [0], [1]]) * np.ones(3))
        assert 0 < level.unlikely().item() < 0.1 * bend.unlikely().item()

    def test_one_slope_costs_the_same_with_any_number_of_knots(self):
        costs = []
        for knots in (4, 7):
            one = trajectory(straight(30, 0.5), knots=knots)
            set_to(one.bends, np.linspace(-1, 1, knots)[:, None] * [1.0, 0.0, 0.0])
            costs.append(one.unlikely().item())
        assert costs[0] == pytest.approx(costs[1], rel=1e-5)

    @pytest.mark.parametrize("knots", [0, 1])
    def test_without_knots_only_the_factor_is_free(self, knots):
        one = trajectory(straight(6, 0.5), knots=knots)
        assert [number.numel() for number in one.free()] == [1]

    def test_more_knots_go_on_where_fewer_ended(self):
        T = straight(31, 0.5)
        few, many = trajectory(T, knots=3), trajectory(T, knots=5)
        set_to(few.log_factor, [0.4])
        set_to(few.bends, [[1.0, 0, -1], [0, 2, 0], [3, 0, 1]])
        many.start_from(few)
        np.testing.assert_allclose(to_numpy(many.poses()), to_numpy(few.poses()), atol=1e-5)


class TestPlacement:
    def test_as_it_begins_it_is_what_is_expected(self):
        np.testing.assert_allclose(
            to_numpy(Placement(T_WORLD, device="cpu").pose()), T_WORLD, atol=1e-5
        )

    def test_it_stays_rigid_however_far_it_goes(self):
        one = Placement(T_WORLD, device="cpu")
        set_to(one.turn, [5.0, -20.0, 9.0])
        set_to(one.shift, [1.0, 2.0, 3.0])
        T = one.pose().detach().double().numpy()
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-5)
        np.testing.assert_allclose(T[:3, 3] - T_WORLD[:3, 3], [1, 2, 3], atol=1e-5)
        assert one.unlikely().item() > 0

    def test_a_reflection_is_refused(self):
        with pytest.raises(ValueError, match="T_second_to_first is a reflection"):
            Placement(np.diag([1.0, 1, -1, 1]), device="cpu")


class TestPoseSpread:
    def test_a_tracker_is_trusted_more_than_a_prediction(self):
        assert TRACKED.factor_sd < PREDICTED.factor_sd
        assert np.less(TRACKED.bend_sd_mm, PREDICTED.bend_sd_mm).all()

    @pytest.mark.parametrize(("factor", "bend"), [(0.0, (1, 1, 1)), (0.1, (1, -1, 1))])
    def test_sizes_that_are_none_are_refused(self, factor, bend):
        with pytest.raises(ValueError, match="spread must have a positive factor_sd"):
            PoseSpread(factor, bend)
