"""Regions: which pixels, and how rows are cut into segments."""

import numpy as np
import pytest

from hipus.reconstruction.region import Fan, ImageRegion, segments


class TestRectangle:
    """Whole pixels."""

    def test_mask_and_corners_of_an_asymmetric_rectangle(self):
        """Columns 1 to 3, row 2 only."""
        region = ImageRegion(1, 2, 3, 1)
        mask = region.mask((4, 6))
        assert np.argwhere(mask).tolist() == [[2, 1], [2, 2], [2, 3]]
        assert region.corners_px.tolist() == [[1, 2, 0], [3, 2, 0], [1, 2, 0], [3, 2, 0]]

    def test_whole_frame(self):
        """Width and height are not swapped."""
        assert ImageRegion.whole((4, 6)).mask((4, 6)).sum() == 24
        assert ImageRegion.whole((4, 6)).corners_px.max(axis=0).tolist() == [5, 3, 0]

    def test_leaving_the_frame(self):
        """Names rectangle and frame."""
        with pytest.raises(ValueError, match="= 1 2 3 3 leaves the frame of 6 x 4 px"):
            ImageRegion(1, 2, 3, 3).mask((4, 6))

    @pytest.mark.parametrize(
        "rectangle", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)]
    )
    def test_empty_or_negative(self, rectangle):
        """At least one pixel."""
        with pytest.raises(ValueError, match="at least 1 x 1 px, got u, v, w, h"):
            ImageRegion(*rectangle)


class TestFan:
    """Edges are part of the fan."""

    def test_edges_of_45_degrees_and_radii_are_included(self):
        """Origin (4, 0), radii 2 to 5: row 3 spans columns 1 to 7, but for its middle."""
        fan = Fan((-45, 45), (4, 0), (3, 5))
        mask = ImageRegion(0, 0, 9, 6, fan).mask((6, 9))
        assert np.nonzero(mask[3])[0].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert np.nonzero(mask[2])[0].tolist() == []
        assert np.nonzero(mask[5])[0].tolist() == [4]

    def test_left_and_right_differ(self):
        """Positive angles are towards +u."""
        mask = ImageRegion(0, 0, 9, 6, Fan((0, 45), (4, 0), (0, 9))).mask((6, 9))
        assert not mask[:, :4].any()
        assert mask[3, 4:8].all()

    def test_an_inner_radius_cuts_rows_in_two(self):
        """Row 1 is hollow between the edges of a wide fan."""
        mask = ImageRegion(0, 0, 9, 6, Fan((-80, 80), (4, 0), (2, 9))).mask((6, 9))
        assert np.nonzero(mask[1])[0].tolist() == [0, 1, 2, 6, 7, 8]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (((45, -45), (0, 0), (0, 1)), "angles_deg must be -90 < left < right < 90"),
            (((-90, 45), (0, 0), (0, 1)), "angles_deg must be"),
            (((-45, 45), (0, 0), (2, 1)), "radii_px must be 0 <= start < stop"),
            (((-45, 45), (0, np.nan), (0, 1)), "origin_px must be finite"),
        ],
    )
    def test_bad_fans(self, arguments, message):
        """Order and range."""
        with pytest.raises(ValueError, match=message):
            Fan(*arguments)


class TestSegments:
    """Runs of true pixels."""

    def test_by_hand(self):
        """Two in the first row, none in the second, one to the end in the third."""
        mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1]], bool)
        assert segments(mask).tolist() == [[0, 0, 2], [0, 3, 4], [2, 2, 4]]

    def test_segments_hold_exactly_the_mask(self, rng):
        """Painted back."""
        mask = rng.random((17, 23)) < 0.6
        painted = np.zeros_like(mask)
        for row, start, stop in segments(mask):
            assert not painted[row, start:stop].any()
            painted[row, start:stop] = True
        np.testing.assert_array_equal(painted, mask)
        assert segments(np.zeros((3, 3), bool)).shape == (0, 3)
