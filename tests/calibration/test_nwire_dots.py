import re

import numpy as np
import pytest
from wire_scenes import draw

from hipus.calibration.nwire_dots import find_dots
from hipus.calibration.wires import SegmentationSettings

SETTINGS = SegmentationSettings(approximate_spacing_mm=0.087)
CENTRES = np.array([[100.3, 80.6], [301.7, 82.2], [455.5, 310.1]])


def nearest(dots, points_px):
    distance = np.linalg.norm(points_px[:, None] - dots.points_px, axis=-1)
    return distance.min(axis=1), distance.argmin(axis=1)


class TestCentres:
    def test_centres_are_found_to_a_tenth_of_a_pixel(self):
        dots = find_dots(draw(CENTRES), SETTINGS)
        assert len(dots.points_px) == 3
        off, _ = nearest(dots, CENTRES)
        assert off.max() < 0.1

    def test_a_wide_dot_counts_once(self):
        dots = find_dots(draw(CENTRES[:1], sigma_px=(14.0, 3.0)), SETTINGS)
        assert len(dots.points_px) == 1

    def test_the_brightest_comes_first(self):
        dots = find_dots(draw(CENTRES, peak=[90, 250, 150]), SETTINGS)
        _, order = nearest(dots, CENTRES)
        np.testing.assert_array_equal(order, [2, 0, 1])
        assert (np.diff(dots.strength) < 0).all()

    def test_a_faint_dot_below_the_threshold_is_kept(self):
        # 15 of 240 grey levels: below the 10 % at which bright dots are cut out.
        off, _ = nearest(find_dots(draw(CENTRES, peak=[240, 15, 240]), SETTINGS), CENTRES)
        assert off.max() < 0.2

    def test_a_dot_flatter_than_the_opening_is_kept(self):
        off, _ = nearest(find_dots(draw(CENTRES, sigma_px=(6.0, 1.0)), SETTINGS), CENTRES)
        assert off.max() < 0.2

    def test_a_dot_on_the_edge_does_not_fail(self):
        dots = find_dots(draw(np.array([[0.0, 0.0], [300.0, 200.0]])), SETTINGS)
        assert len(dots.points_px) == 2

    def test_speckle_moves_centres_by_less_than_half_a_pixel(self, rng):
        frame = draw(CENTRES, rng=rng, speckle=15.0)
        off, order = nearest(find_dots(frame, SETTINGS), CENTRES)
        assert off.max() < 0.5
        assert set(order) == {0, 1, 2}


class TestClipping:
    def test_positions_are_those_of_the_whole_frame(self):
        settings = SegmentationSettings(0.087, clip_origin_px=(61, 43), clip_size_px=(301, 203))
        dots = find_dots(draw(CENTRES), settings)
        off, _ = nearest(dots, CENTRES[:2])
        assert len(dots.points_px) == 2
        assert off.max() < 0.1

    def test_a_rectangle_off_the_frame_is_refused(self):
        settings = SegmentationSettings(0.087, clip_origin_px=(900, 0), clip_size_px=(50, 50))
        with pytest.raises(ValueError, match="clip rectangle leaves"):
            find_dots(draw(CENTRES), settings)


class TestCounts:
    def test_a_blank_frame_has_no_dots(self):
        assert find_dots(np.full((300, 400), 70, np.uint8), SETTINGS).points_px.shape == (0, 2)

    def test_no_more_than_the_settings_allow(self, rng):
        settings = SegmentationSettings(0.087, max_candidates=5)
        frame = draw(CENTRES, rng=rng, speckle=30.0)
        dots = find_dots(frame, settings)
        assert len(dots.points_px) == 5

    @pytest.mark.parametrize("frame", [np.zeros((9, 9)), np.zeros((2, 99, 99), np.uint8)])
    def test_other_shapes_and_types_are_refused(self, frame):
        with pytest.raises(ValueError, match=re.escape("frame must be (H, W) uint8, got")):
            find_dots(frame, SETTINGS)
