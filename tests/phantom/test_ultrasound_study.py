"""The study of checked numbers: that it measures what it says, and that all of it holds."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.phantom.ultrasound import plain_scenes, study
from hipus.phantom.ultrasound.study import PhysicsCheck


@pytest.fixture(scope="module")
def measured():
    """Measure on fewer lines and frames than the stage does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "PURE", replace(study.PURE, line_count=112, sample_pitch_mm=0.1))
        patch.setattr(study, "FRAMES", 24)
        yield study.measure_physics(np.random.default_rng(5))


class TestPhysics:
    def test_everything_that_the_order_limits_holds(self, measured):
        checks, _ = measured
        assert [check.check for check in checks if not check.holds] == []

    def test_both_orientations_are_measured_at_places_of_their_own(self, measured):
        checks = {check.check: check for check in measured[0]}
        assert len(checks) == len(measured[0]) == 29
        for name in ("envelope SNR", "lateral correlation width", "elevational correlation width"):
            first, second = (
                checks[f"{name}, {orientation}, 20 mm deep"] for orientation in ("p_a", "p_d")
            )
            assert first.designed == second.designed
            assert first.measured != second.measured

    def test_slice_thickness_follows_the_depth(self, measured):
        checks = {check.check: check.measured for check in measured[0]}
        near, focus = (
            checks[f"elevational correlation width, p_a, {depth} mm deep"] for depth in (10, 20)
        )
        assert near > 1.02 * focus

    def test_curves_begin_at_one_and_fall_as_designed(self, measured):
        for curve in measured[1]:
            assert curve.tissue == "homogeneous"
            assert curve.measured[0] == pytest.approx(1)
            np.testing.assert_allclose(curve.measured, curve.designed, atol=0.05)
            assert curve.distance_mm[1] == study.STEP_MM


class TestLimits:
    @pytest.mark.parametrize(
        ("measured", "low", "high", "holds"),
        [
            (1.0, 0.9, 1.1, True),
            (0.8, 0.9, 1.1, False),
            (1.2, 0.9, 1.1, False),
            (-50.0, np.nan, -20.0, True),
            (-10.0, np.nan, -20.0, False),
        ],
    )
    def test_a_side_without_limit_does_not_count(self, measured, low, high, holds):
        assert PhysicsCheck("x", "mm", measured, 1.0, low, high).holds is holds


class TestDecorrelation:
    def test_frames_are_paired_by_their_distance(self):
        """Two patterns in turn: an odd number of steps apart nothing is shared."""
        patterns = np.array([[1.0, -1, 1, -1], [1, 1, -1, -1]])
        np.testing.assert_allclose(
            study.decorrelate(patterns[[0, 1] * 4]), [1, 0, 1, 0], atol=1e-12
        )

    def test_level_and_scale_of_a_frame_do_not_count(self, rng):
        frame = rng.standard_normal((5, 7))
        shared = study.decorrelate([frame, 3 * frame + 2, frame - 9, 2 * frame])
        np.testing.assert_allclose(shared, [1, 1])


class TestPoses:
    def test_turned_by_90_degrees_lateral_becomes_elevational(self):
        first, second = (plain_scenes.looking_at(name) for name in ("p_a", "p_d"))
        np.testing.assert_allclose(first[:3, 1], second[:3, 1])
        assert abs(first[:3, 0] @ second[:3, 2]) == pytest.approx(1)
        for pose in (first, second):
            assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)

    def test_steps_leave_the_plane_squarely(self):
        pose = plain_scenes.looking_at("p_d")
        moved = plain_scenes.stepped(pose, [0.0, 1.5])
        np.testing.assert_allclose(moved[1, :3, 3] - pose[:3, 3], 1.5 * pose[:3, 2])

    def test_another_orientation_is_refused(self):
        with pytest.raises(ValueError, match=r'orientation must be "p_a" or "p_d", got .up.'):
            plain_scenes.looking_at("up")


class TestScenes:
    def test_nothing_but_muscle_is_near(self):
        scene = plain_scenes.plain_scene()
        assert scene.field("skin_depth").min() == 40
        assert scene.field("ilium_distance").min() == plain_scenes.REACH_MM

    def test_bone_fills_the_cranial_half_below_its_face(self):
        scene, points = plain_scenes.bone_scene(), plain_scenes.plain_points()
        is_bone = scene.field("ilium_distance") < 0
        expected = (points[..., 0] < 0) & (points[..., 2] > 0)
        np.testing.assert_array_equal(is_bone, expected)
