import re

import numpy as np
import pytest
from wire_scenes import make_scene

from hipus.calibration.spatial_design import (
    check_determined,
    check_frames,
    condition_number,
    wire_design,
)
from hipus.calibration.spatial_errors import evaluate


class TestDesign:
    def test_true_coefficients_leave_no_distance(self, scene):
        design = wire_design(scene.points_px, scene.T_probe_to_reference, scene.phantom)
        truth = scene.T_pixel_to_probe[:3, [0, 1, 3]].T.ravel()
        assert np.abs(design.A @ truth + design.offset_mm).max() < 1e-9
        np.testing.assert_allclose(design.solve(), truth, atol=1e-9)

    def test_two_residuals_make_the_distance_from_the_wire(self, scene):
        wrong = scene.T_pixel_to_probe.copy()
        wrong[:3, 3] += [0.3, -1.0, 2.0]
        design = wire_design(scene.points_px, scene.T_probe_to_reference, scene.phantom)
        across = design.A @ wrong[:3, [0, 1, 3]].T.ravel() + design.offset_mm
        errors = evaluate(wrong, scene.points_px, scene.T_probe_to_reference, scene.phantom)
        np.testing.assert_allclose(np.linalg.norm(across, axis=-1), errors.point_to_wire_mm)


class TestCondition:
    def test_less_rotation_conditions_worse(self, phantom, rng):
        numbers = []
        for turn_deg in (8.0, 1.0, 0.1):
            scene = make_scene(phantom, rng, turn_deg=turn_deg)
            numbers.append(condition_number(scene.points_px, scene.T_probe_to_reference, phantom))
        assert numbers == sorted(numbers)
        assert numbers[2] / numbers[1] == pytest.approx(10, rel=0.5)

    def test_a_probe_that_never_turns_is_refused(self, phantom, rng):
        scene = make_scene(phantom, rng, turn_deg=0.0)
        with pytest.raises(ValueError, match=r"40 poses turn too little .* condition number"):
            check_determined(scene.points_px, scene.T_probe_to_reference, phantom)

    def test_equal_poses_are_refused_even_with_noisy_dots(self, scene, rng):
        points = scene.points_px[:1] + rng.normal(0, 2, (30, 9, 2))
        poses = np.repeat(scene.T_probe_to_reference[:1], 30, axis=0)
        with pytest.raises(ValueError, match=r"30 poses turn too little .* condition number"):
            check_determined(points, poses, scene.phantom)

    def test_two_frames_are_refused(self, scene):
        with pytest.raises(ValueError, match=r"needs >= 3 frames with wires and poses, got 2"):
            check_determined(scene.points_px[:2], scene.T_probe_to_reference[:2], scene.phantom)


class TestFrames:
    def test_frames_need_all_wires_and_a_pose(self, scene):
        points, poses = scene.points_px.copy(), scene.T_probe_to_reference.copy()
        points[3, 5, 1] = np.nan
        poses[7] = np.nan
        is_used = check_frames(points, poses, scene.phantom)
        np.testing.assert_array_equal(np.flatnonzero(~is_used), [3, 7])

    def test_wrong_shapes_are_refused(self, scene):
        with pytest.raises(ValueError, match=re.escape("points_px must be (F, 9, 2), got (40, 6,")):
            check_frames(scene.points_px[:, :6], scene.T_probe_to_reference, scene.phantom)
        with pytest.raises(ValueError, match=re.escape("must be (40, 4, 4), got (39, 4, 4)")):
            check_frames(scene.points_px, scene.T_probe_to_reference[1:], scene.phantom)

    def test_nothing_usable_is_refused(self, scene):
        with pytest.raises(ValueError, match="none of 40 frames has both its wires and a valid"):
            check_frames(
                np.full_like(scene.points_px, np.nan), scene.T_probe_to_reference, scene.phantom
            )
