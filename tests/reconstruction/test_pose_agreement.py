"""Two sets of poses of one sweep: aligned, and how far they put tissue apart."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.reconstruction import pose_agreement

#: Not square, and pixels that are not either.
SHAPE, SPACING = (40, 60), (0.5, 0.8)


def straight(step_mm: float, count: int = 41) -> np.ndarray:
    """Return frames that travel along their normal, the middle one at the origin."""
    offsets = step_mm * (np.arange(count) - count // 2)
    return geometry.transform(None, np.outer(offsets, [0, 0, 1.0]))


def somewhere(T: np.ndarray) -> np.ndarray:
    """Return poses in another world."""
    R = rotations.from_euler((30.0, -50.0, 80.0), "ZYX")
    return geometry.compose(geometry.transform(R, [5.0, -90.0, 400.0]), T)


@pytest.fixture
def points() -> np.ndarray:
    """Return points of the picture."""
    return pose_agreement.picture_points(SHAPE, SPACING, step_px=4)


class TestAlign:
    def test_brings_one_frame_to_its_place_and_moves_the_others_rigidly(self):
        tracked, predicted = somewhere(straight(0.5)), straight(0.4)
        aligned = pose_agreement.align(predicted, tracked, frame_index=7)
        np.testing.assert_allclose(aligned[7], tracked[7], atol=1e-9)
        between = geometry.relative(predicted[2], predicted[30])
        np.testing.assert_allclose(geometry.relative(aligned[2], aligned[30]), between, atol=1e-9)

    def test_does_not_depend_on_the_predictions_world(self):
        tracked = straight(0.5)
        first = pose_agreement.align(straight(0.4), tracked, frame_index=3)
        second = pose_agreement.align(somewhere(straight(0.4)), tracked, frame_index=3)
        np.testing.assert_allclose(first, second, atol=1e-9)

    def test_refuses_a_frame_that_one_set_lacks(self):
        predicted = straight(0.4)
        predicted[3] = np.nan
        with pytest.raises(ValueError, match="frame_index 3 must be one of the frames known in"):
            pose_agreement.align(predicted, straight(0.5), frame_index=3)

    def test_refuses_sets_of_different_length(self):
        with pytest.raises(ValueError, match=r"must both be \(N, 4, 4\), got \(41, 4, 4\) and"):
            pose_agreement.align(straight(0.4), straight(0.5)[:-1], frame_index=0)

    def test_refuses_sets_without_a_common_frame(self):
        first, second = straight(0.4, 4), straight(0.5, 4)
        first[:2], second[2:] = np.nan, np.nan
        with pytest.raises(ValueError, match="no valid frame in common of 4"):
            pose_agreement.is_common(first, second)


class TestNearestFrame:
    def test_is_judged_by_the_distance_from_the_plane_not_from_the_middle(self):
        T = straight(1.0, 11)
        # Frame 8 lies 3 mm along the normal; sideways the point is far from any middle.
        assert pose_agreement.nearest_frame(T, [30.0, -12.0, 3.2]) == 8

    def test_skips_frames_without_a_pose(self):
        T = straight(1.0, 11)
        T[8] = np.nan
        assert pose_agreement.nearest_frame(T, [0.0, 0.0, 3.2]) == 9

    def test_refuses_a_choice_of_nothing(self):
        with pytest.raises(ValueError, match="no valid frame to choose from, of 3"):
            pose_agreement.nearest_frame(straight(1.0, 3), np.zeros(3), allowed=[False] * 3)


class TestPicture:
    def test_the_middle_of_the_picture_is_the_origin(self):
        T = pose_agreement.pixel_to_centre(SHAPE, SPACING)
        np.testing.assert_allclose(geometry.apply(T, np.array([29.5, 19.5, 0.0])), 0, atol=1e-12)
        # Pixel (0, 0): 29.5 columns of 0.5 mm to the left, 19.5 rows of 0.8 mm up.
        np.testing.assert_allclose(geometry.apply(T, np.zeros(3)), [-14.75, -15.6, 0])

    def test_points_lie_evenly_about_the_middle(self):
        points = pose_agreement.picture_points((40, 60), SPACING, step_px=20)
        # Rows 10 and 30, columns 10, 30 and 50.
        np.testing.assert_allclose(np.unique(points[:, 1]), [(10 - 19.5) * 0.8, (30 - 19.5) * 0.8])
        np.testing.assert_allclose(np.unique(points[:, 0]), 0.5 * (np.array([10, 30, 50]) - 29.5))
        assert not points[:, 2].any()


class TestDisplacements:
    def test_equal_poses_move_nothing(self, points):
        T = somewhere(straight(0.5))
        assert pose_agreement.displacements(T, T, points).max() == 0

    def test_a_turn_moves_pixels_by_their_distance_from_its_axis(self):
        tracked = straight(0.5, 1)
        turned = geometry.transform(rotations.from_euler((90.0, 0, 0), "ZYX"))[None]
        # A quarter turn about the normal: the chord is sqrt(2) times the distance.
        moved = pose_agreement.displacements(turned, tracked, np.array([[3.0, 4.0, 0.0]]))
        assert moved[0, 0] == pytest.approx(5 * np.sqrt(2))

    def test_a_frame_without_a_pose_has_no_displacement(self, points):
        tracked, predicted = straight(0.5, 3), straight(0.5, 3)
        predicted[1] = np.nan
        moved = pose_agreement.displacements(predicted, tracked, points)
        assert np.isnan(moved[1]).all()
        assert np.isfinite(moved[[0, 2]]).all()


class TestNearAPoint:
    def test_a_short_step_displaces_by_the_distance_from_the_aligned_frame(self):
        # One pixel at the middle: frame i lies 0.1 |i - 20| mm wrong, and the ball of 4.9 mm
        # holds the 9 frames on each side and the middle one: mean of 0.1 (0 + 1 + ... + 9).
        near = pose_agreement.displacement_near(
            straight(0.4), straight(0.5), np.zeros((1, 3)), centre_mm=np.zeros(3), radius_mm=4.9
        )
        assert near == pytest.approx(0.1 * np.mean(np.arange(10)))

    def test_a_half_that_the_sweep_cuts_does_not_count(self):
        tracked = straight(0.5)
        predicted = tracked.copy()
        predicted[:3, 2, 3] += 7  # all wrong, but within 2 mm of the end only
        near = pose_agreement.displacement_near(
            predicted, tracked, np.zeros((1, 3)), centre_mm=[0, 0, -8.0], radius_mm=5.0
        )
        assert near == pytest.approx(0)

    def test_says_nothing_where_no_half_is_covered(self, points):
        near = pose_agreement.displacement_near(
            straight(0.4), straight(0.5), points, centre_mm=np.zeros(3), radius_mm=11.0
        )
        assert np.isnan(near)


class TestLocalConsistency:
    def test_a_wrong_step_length_is_as_wrong_at_the_point_as_elsewhere(self, points):
        found = pose_agreement.local_consistency(
            somewhere(straight(0.4)), straight(0.5), points, centre_mm=np.zeros(3), radius_mm=5.0
        )
        assert found.final_mm == pytest.approx(0.1 * 40)
        assert found.near_mm == pytest.approx(found.elsewhere_mm, rel=0.05)
        # 41 frames less the 19 within 5 mm of the middle.
        assert found.places == 22

    def test_an_error_far_from_the_point_is_found_elsewhere_only(self, points):
        step = np.full(40, 0.5)
        step[:6] = 0.2
        offsets = np.concatenate([[0], np.cumsum(step)])
        predicted = geometry.transform(None, np.outer(offsets, [0, 0, 1.0]))
        found = pose_agreement.local_consistency(
            predicted, straight(0.5), points, centre_mm=np.zeros(3), radius_mm=5.0
        )
        assert found.near_mm == pytest.approx(0, abs=1e-9)
        assert found.elsewhere_mm > 0.1
        assert found.final_mm == pytest.approx(6 * 0.3)

    def test_a_sweep_shorter_than_the_ball_has_no_elsewhere(self, points):
        found = pose_agreement.local_consistency(
            straight(0.4, 5), straight(0.5, 5), points, centre_mm=np.zeros(3), radius_mm=4.0
        )
        assert found.places == 0
        assert np.isnan(found.elsewhere_mm)
        assert found.final_mm == pytest.approx(0.4)
