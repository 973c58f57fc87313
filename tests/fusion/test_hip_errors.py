"""Errors of fused sweeps near the head: hand-worked displacements."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.fusion.hip_errors import (
    SHELL_MM,
    TrueSweep,
    carried,
    head_drift_mm,
    shape_error,
    shell_targets,
    target_error,
)
from hipus.reconstruction.pose_agreement import picture_points

HEAD_MM, RADIUS_MM = np.array([1.0, -2.0, 0.5]), 6.0
T_WORLD = geometry.transform(
    rotations.from_rotation_vector(np.radians([10.0, -40.0, 5.0])), [5.0, 6.0, -7.0]
)


def passing(count: int = 41, step_mm: float = 0.6) -> np.ndarray:
    """Return T_centre_to_hip of a sweep along z, past the head on both sides."""
    away = np.arange(count) - count // 2
    return geometry.transform(None, away[:, None] * [0.0, 0.0, step_mm])


def across() -> np.ndarray:
    """Return T_centre_to_hip of a sweep along -x."""
    turn = rotations.from_rotation_vector([0.0, np.pi / 2, 0.0])
    return geometry.compose(geometry.transform(turn), passing(45))


class TestShellTargets:
    def test_all_lie_in_the_shell_and_balance(self):
        away = shell_targets(HEAD_MM, RADIUS_MM) - HEAD_MM
        length = np.linalg.norm(away, axis=1)
        assert length.min() >= RADIUS_MM
        assert length.max() <= RADIUS_MM + SHELL_MM
        assert np.ptp(length) > 0.9 * SHELL_MM
        assert np.abs(away.mean(axis=0)).max() < 0.2


class TestCarried:
    def test_true_poses_in_another_world_carry_by_that_world(self):
        true = passing()
        points = shell_targets(HEAD_MM, RADIUS_MM, count=50)
        found = carried(TrueSweep(geometry.compose(T_WORLD, true), true), points)
        np.testing.assert_allclose(found, geometry.apply(T_WORLD, points), atol=1e-9)

    def test_between_two_frames_a_point_is_moved_by_both(self):
        true = passing(2, 2.0)  # planes at -2 and 0
        thought = true.copy()
        thought[1, 0, 3] += 1.0
        found = carried(TrueSweep(thought, true), np.array([[0.0, 0.0, -0.5]]))
        np.testing.assert_allclose(found, [[0.75, 0.0, -0.5]], atol=1e-12)

    def test_beyond_the_ends_only_what_is_close_is_seen(self):
        true = passing(5, 1.0)  # planes at -2 to 2
        points = np.array([[1.0, 0.0, 2.7], [1.0, 0.0, 3.5]])
        found = carried(TrueSweep(true, true), points)
        np.testing.assert_allclose(found[0], points[0])
        assert np.isnan(found[1]).all()

    def test_frames_without_a_pose_are_bridged(self):
        true, thought = passing(), passing()
        thought[20] = np.nan
        points = np.array([[0.0, 1.0, 0.1]])
        np.testing.assert_allclose(carried(TrueSweep(thought, true), points), points, atol=1e-12)


class TestTargetError:
    def test_the_true_placement_of_true_sweeps_has_none(self):
        first, second = passing(), across()
        sweeps = (TrueSweep(first, first), TrueSweep(geometry.compose(T_WORLD, second), second))
        targets = shell_targets(HEAD_MM, RADIUS_MM)
        found = target_error(*sweeps, geometry.invert(T_WORLD), targets_mm=targets)
        assert found.mean_mm < 1e-9
        assert found.seen_share == 1

    def test_a_shift_of_the_placement_is_the_error_of_every_target(self):
        sweeps = TrueSweep(passing(), passing()), TrueSweep(across(), across())
        T = geometry.transform(None, [0.0, 3.0, 4.0])
        found = target_error(*sweeps, T, targets_mm=shell_targets(HEAD_MM, RADIUS_MM))
        assert found.mean_mm == pytest.approx(5)
        assert found.p95_mm == pytest.approx(5)

    def test_sweeps_beside_the_head_see_no_target(self):
        away = geometry.compose(geometry.transform(None, [0.0, 0.0, 60.0]), passing())
        sweeps = TrueSweep(away, away), TrueSweep(across(), across())
        found = target_error(*sweeps, np.eye(4), targets_mm=shell_targets(HEAD_MM, RADIUS_MM))
        assert np.isnan(found.mean_mm)
        assert found.seen_share == 0


class TestShapeError:
    def test_no_rigid_motion_is_an_error_of_shape(self):
        sweep = TrueSweep(geometry.compose(T_WORLD, passing()), passing())
        assert shape_error(sweep, targets_mm=shell_targets(HEAD_MM, RADIUS_MM)).mean_mm < 1e-9

    def test_a_stretch_is_more_with_more_of_it(self):
        targets = shell_targets(HEAD_MM, RADIUS_MM)
        errors = [
            shape_error(TrueSweep(passing(step_mm=0.6 * f), passing()), targets_mm=targets).mean_mm
            for f in (1.0, 1.05, 1.1)
        ]
        assert errors[0] < 1e-9
        assert errors[2] == pytest.approx(2 * errors[1], rel=1e-6)

    def test_three_targets_are_too_few_for_a_shape(self):
        targets = shell_targets(HEAD_MM, RADIUS_MM, count=3)
        assert np.isnan(shape_error(TrueSweep(passing(), passing()), targets_mm=targets).mean_mm)


class TestHeadDrift:
    POINTS = picture_points((60, 60), (0.5, 0.5), step_px=4)

    def drift(self, thought) -> float:
        sweep = TrueSweep(thought, passing())
        return head_drift_mm(sweep, self.POINTS, head_mm=HEAD_MM, radius_mm=RADIUS_MM)

    def test_a_rigid_motion_of_the_world_is_no_drift(self):
        assert self.drift(geometry.compose(T_WORLD, passing())) < 1e-9

    def test_a_stretch_drifts_in_proportion(self):
        once, twice = (self.drift(passing(step_mm=0.6 * f)) for f in (1.1, 1.2))
        assert once > 0.2
        assert twice == pytest.approx(2 * once, rel=1e-6)


class TestTrueSweep:
    def test_stacks_of_two_lengths_are_refused(self):
        with pytest.raises(ValueError, match=r"must both be \(N, 4, 4\), got \(41, 4, 4\) and"):
            TrueSweep(passing(), passing(40))
