"""Errors of trajectories against answers worked by hand."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.motion import drift


def moved(*positions_mm) -> np.ndarray:
    """Return poses without rotation at the given positions."""
    return geometry.transform(translation=np.array(positions_mm, float))


def wandering(rng, count: int = 12) -> np.ndarray:
    """Return poses of a sweep that moves and turns about every axis."""
    turns = np.cumsum(rng.normal(0, 2.0, (count, 3)), axis=0) + [20.0, -30.0, 50.0]
    places = np.cumsum(rng.normal([0.1, 0.05, 0.8], 0.2, (count, 3)), axis=0) + [90, -40, 250]
    return geometry.transform(rotations.from_euler(turns, "ZYX"), places)


def perturbed(T: np.ndarray, rng) -> np.ndarray:
    """Return poses with small errors of their own."""
    noise = geometry.transform(
        rotations.from_rotation_vector(rng.normal(0, 0.02, (len(T), 3))),
        rng.normal(0, 0.5, (len(T), 3)),
    )
    return T @ noise


def errors(T_predicted, T_true):
    """Return relative and absolute errors."""
    both = drift.from_first_frame(T_predicted, T_true)
    return drift.relative_errors(both), drift.absolute_errors(both)


class TestHandWorkedTranslations:
    def test_steps_too_long_by_a_tenth_and_sideways_add_up(self):
        true = moved([0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3])
        predicted = moved([5, 5, 5], [5.3, 5, 6.4], [5.6, 5, 7.8], [5.9, 5, 9.2])
        relative, absolute = errors(predicted, true)
        np.testing.assert_allclose(relative.translation_mm, [[0.3, 0, 0.4]] * 3, atol=1e-12)
        np.testing.assert_allclose(relative.distance_mm, [0.5] * 3)
        np.testing.assert_allclose(absolute.distance_mm, [0.5, 1.0, 1.5])
        np.testing.assert_allclose(absolute.rotation_deg, np.zeros((3, 3)), atol=1e-12)

    def test_axes_are_the_first_frames_not_the_worlds(self):
        """The first frame's elevational axis is the world's x: so is the error's."""
        R_first_to_world = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
        true = geometry.transform(R_first_to_world, [[0, 0, 0], [1, 0, 0]])
        predicted = geometry.transform(R_first_to_world, [[0, 0, 0], [1.25, 0, 0]])
        relative, absolute = errors(predicted, true)
        np.testing.assert_allclose(absolute.translation_mm, [[0, 0, 0.25]], atol=1e-12)
        np.testing.assert_allclose(relative.translation_mm, [[0, 0, 0.25]], atol=1e-12)

    def test_a_late_steps_error_is_turned_into_the_first_frames_axes(self):
        """Frame 1 is turned 90 deg about its elevational axis: its lateral is axial at first."""
        quarter = rotations.from_rotation_vector([0, 0, np.pi / 2])
        true = geometry.transform(
            np.stack([np.eye(3), quarter, quarter]), [[0, 0, 0], [0, 0, 1], [0, 0, 2]]
        )
        local = geometry.transform(translation=[0.2, 0, 1])
        predicted = np.stack([true[0], true[1], true[1] @ local])
        relative, _ = errors(predicted, true)
        np.testing.assert_allclose(relative.translation_mm[1], [0, 0.2, 0], atol=1e-12)


class TestHandWorkedRotations:
    def test_tilt_about_the_axial_axis_is_found_there_and_lasts(self):
        true = moved([0, 0, 0], [0, 0, 1], [0, 0, 2])
        tilt = rotations.from_rotation_vector([0, np.radians(3.0), 0])
        R = np.stack([np.eye(3), tilt, tilt])
        predicted = geometry.transform(R, true[:, :3, 3])
        relative, absolute = errors(predicted, true)
        np.testing.assert_allclose(absolute.rotation_deg, [[0, 3, 0]] * 2, atol=1e-10)
        np.testing.assert_allclose(relative.rotation_deg, [[0, 3, 0], [0, 0, 0]], atol=1e-10)
        np.testing.assert_allclose(relative.angle_deg, [3, 0], atol=1e-10)

    def test_the_sign_is_predicted_against_true(self):
        true = geometry.transform(rotations.from_rotation_vector([[0, 0, 0], [0.1, 0, 0]]))
        _, absolute = errors(moved([0, 0, 0], [0, 0, 0]), true)
        np.testing.assert_allclose(absolute.rotation_deg, [[-np.degrees(0.1), 0, 0]], atol=1e-10)

    def test_rotation_errors_are_in_the_first_frames_axes_too(self):
        quarter = rotations.from_rotation_vector([0, 0, np.pi / 2])
        nod = rotations.from_rotation_vector([0.05, 0, 0])
        true = geometry.transform(np.stack([np.eye(3), quarter, quarter]))
        predicted = geometry.transform(np.stack([np.eye(3), quarter, quarter @ nod]))
        relative, absolute = errors(predicted, true)
        expected = [0, np.degrees(0.05), 0]
        np.testing.assert_allclose(relative.rotation_deg[1], expected, atol=1e-10)
        np.testing.assert_allclose(absolute.rotation_deg[1], expected, atol=1e-10)


class TestInvariants:
    def test_the_truth_itself_has_no_error(self, rng):
        true = wandering(rng)
        for found in errors(true, true):
            assert np.abs(found.translation_mm).max() < 1e-10
            assert np.abs(found.rotation_deg).max() < 1e-6

    def test_worlds_of_their_own_change_nothing(self, rng):
        true = wandering(rng)
        predicted = perturbed(true, rng)
        T_world_to_other, T_world_to_third = wandering(rng, 2)
        here = errors(predicted, true)
        there = errors(T_world_to_other @ predicted, T_world_to_third @ true)
        for one, other in zip(here, there, strict=True):
            np.testing.assert_allclose(one.translation_mm, other.translation_mm, atol=1e-9)
            np.testing.assert_allclose(one.rotation_deg, other.rotation_deg, atol=1e-9)

    def test_mirrored_runs_change_signs_only(self, rng):
        true = wandering(rng)
        predicted = perturbed(true, rng)
        mirror = np.diag([1.0, 1, -1, 1])
        here = errors(predicted, true)
        there = errors(mirror @ predicted @ mirror, mirror @ true @ mirror)
        for one, other in zip(here, there, strict=True):
            np.testing.assert_allclose(one.translation_mm * [1, 1, -1], other.translation_mm)
            np.testing.assert_allclose(
                one.rotation_deg * [-1, -1, 1], other.rotation_deg, atol=1e-9
            )

    def test_angles_are_geodesic_and_agree_with_an_independent_formula(self, rng):
        true = wandering(rng)
        predicted = perturbed(true, rng)
        _, absolute = errors(predicted, true)
        q, p = (
            rotations.to_quaternion((geometry.invert(T[0]) @ T)[1:, :3, :3])
            for T in (true, predicted)
        )
        by_thesis = np.degrees(2 * np.arccos(np.abs(np.sum(q * p, axis=1))))
        np.testing.assert_allclose(absolute.angle_deg, by_thesis, atol=1e-6)

    def test_errors_agree_with_a_slow_loop(self, rng):
        true = wandering(rng)
        predicted = perturbed(true, rng)
        relative, absolute = errors(predicted, true)
        for i in range(1, len(true)):
            G, P = (np.linalg.inv(T[0]) @ T[i] for T in (true, predicted))
            S, Q = (np.linalg.inv(T[i - 1]) @ T[i] for T in (true, predicted))
            assert absolute.distance_mm[i - 1] == pytest.approx(np.linalg.norm((P - G)[:3, 3]))
            assert relative.distance_mm[i - 1] == pytest.approx(np.linalg.norm((Q - S)[:3, 3]))
            turned = np.linalg.inv(true[0, :3, :3]) @ true[i - 1, :3, :3] @ (Q - S)[:3, 3]
            np.testing.assert_allclose(relative.translation_mm[i - 1], turned, atol=1e-9)


class TestInvalidFrames:
    def test_everything_starts_at_the_first_frame_valid_in_both(self):
        true = moved([0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3])
        predicted = moved([7, 7, 7], [0, 0, 0], [0, 0, 1], [0, 0, 2.5])
        true[0] = np.nan
        both = drift.from_first_frame(predicted, true)
        np.testing.assert_array_equal(both.frame_index, [1, 2, 3])
        np.testing.assert_array_equal(both.T_true[0], np.eye(4))
        np.testing.assert_allclose(drift.absolute_errors(both).distance_mm, [0, 0.5], atol=1e-12)

    def test_steps_across_a_gap_are_left_out_and_frames_after_it_are_kept(self):
        true = moved(*[[0, 0, z] for z in range(6)])
        predicted = moved(*[[0, 0, 1.1 * z] for z in range(6)])
        true[2] = np.nan
        predicted[5] = np.nan
        relative, absolute = errors(predicted, true)
        np.testing.assert_array_equal(relative.frame_index, [1, 4])
        np.testing.assert_array_equal(absolute.frame_index, [1, 3, 4])
        np.testing.assert_allclose(absolute.distance_mm, [0.1, 0.3, 0.4])
        np.testing.assert_allclose(relative.distance_mm, [0.1, 0.1])

    def test_the_final_error_is_of_the_last_frame_valid_in_both(self):
        true = moved([0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3])
        true[3] = np.nan
        _, absolute = errors(moved([0, 0, 0], [0, 0, 2], [0, 0, 4], [0, 0, 6]), true)
        assert absolute.distance_mm[-1] == pytest.approx(2)
        assert absolute.frame_index[-1] == 2

    def test_the_first_pose_is_exactly_the_identity(self, rng):
        both = drift.from_first_frame(*[wandering(rng)] * 2)
        np.testing.assert_array_equal(both.T_predicted[0], np.eye(4))


class TestRefusals:
    def test_stacks_of_different_length(self):
        with pytest.raises(ValueError, match=r"must both be \(N, 4, 4\), got \(2, 4, 4\) and"):
            drift.from_first_frame(moved([0, 0, 0], [0, 0, 1]), moved([0, 0, 0]))

    def test_a_single_matrix_is_no_stack(self):
        with pytest.raises(ValueError, match=r"must both be \(N, 4, 4\), got \(4, 4\)"):
            drift.from_first_frame(np.eye(4), np.eye(4))

    def test_no_shared_neighbours(self):
        true = moved([0, 0, 0], [0, 0, 1], [0, 0, 2])
        true[1] = np.nan
        with pytest.raises(ValueError, match="two neighbouring valid frames, got 2 shared ones"):
            drift.from_first_frame(moved([0, 0, 0], [0, 0, 1], [0, 0, 2]), true)

    def test_a_prediction_that_is_not_rigid_is_named(self):
        predicted = moved([0, 0, 0], [0, 0, 1])
        predicted[1, 0, 0] = 2
        with pytest.raises(ValueError, match=r"T_predicted\[1\] carries a scale"):
            drift.from_first_frame(predicted, moved([0, 0, 0], [0, 0, 1]))
