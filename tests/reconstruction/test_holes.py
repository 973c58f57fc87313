"""Hole filling by hand: which sticks, which ends, what stays."""

import numpy as np
import pytest

from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.holes import DIRECTIONS, fill_gaps, fill_sticks
from hipus.reconstruction.voxelisation import Reconstruction


def made_of(values, *, shape=(1, 1, 12), spacing_xyz_mm=(1, 1, 1), dtype=np.float32):
    """Return a reconstruction that holds grey values at (z, y, x)."""
    volume, weight = np.zeros(shape, dtype), np.zeros(shape, np.float32)
    for voxel, grey in values.items():
        volume[voxel], weight[voxel] = grey, 1
    return Reconstruction(volume, weight, VoxelGrid((0, 0, 0), spacing_xyz_mm, shape), 1, 0)


class TestSticks:
    """The shortest line between hit voxels."""

    def test_directions_are_half_of_the_26(self):
        """No direction twice, none with its reverse."""
        both = {tuple(d) for d in DIRECTIONS} | {tuple(-d) for d in DIRECTIONS}
        assert len(DIRECTIONS) == 13
        assert len(both) == 26

    def test_a_gap_is_interpolated_linearly(self):
        """10 at x = 2 and 40 at x = 5."""
        filled = fill_sticks(made_of({(0, 0, 2): 10, (0, 0, 5): 40})).volume[0, 0]
        np.testing.assert_allclose(filled, [0, 0, 10, 20, 30, 40, 0, 0, 0, 0, 0, 0], rtol=1e-6)

    def test_plus_weights_the_ends_unevenly(self):
        """At x = 3: f = 2 steps to 40, g = 1 to 10, so (2 * 40 + 2 * 10) / 4."""
        holed = made_of({(0, 0, 2): 10, (0, 0, 5): 40})
        filled = fill_sticks(holed, ends="plus").volume[0, 0]
        assert filled[3] == pytest.approx(25)
        assert filled[4] == pytest.approx((3 * 40 + 1 * 10) / 4)

    def test_integers_are_rounded_or_truncated(self):
        """12.5 between 10 and 15; PLUS: (2 * 15 + 1 * 10) / 3 = 13.33."""
        holed = made_of({(0, 0, 2): 10, (0, 0, 4): 15}, dtype=np.uint8)
        assert fill_sticks(holed).volume[0, 0, 3] == 13
        assert fill_sticks(holed, ends="plus").volume[0, 0, 3] == 13
        assert fill_sticks(holed).volume.dtype == np.uint8

    def test_the_limit_counts_both_ends(self):
        """Two ends and three holes are five voxels."""
        holed = made_of({(0, 0, 2): 10, (0, 0, 6): 10})
        assert fill_sticks(holed, stick_length_limit=5).volume[0, 0, 3:6].all()
        assert not fill_sticks(holed, stick_length_limit=4).volume[0, 0, 3:6].any()

    def test_the_shortest_stick_wins_and_equals_are_averaged(self):
        """A straight stick of 3 voxels against a diagonal one, and two straight ones."""
        ends = {(0, 2, 1): 10, (0, 2, 3): 30, (0, 1, 1): 200, (0, 3, 3): 200}
        assert fill_sticks(made_of(ends, shape=(1, 5, 5))).volume[0, 2, 2] == pytest.approx(20)
        ends |= {(0, 1, 2): 60, (0, 3, 2): 100}
        assert fill_sticks(made_of(ends, shape=(1, 5, 5))).volume[0, 2, 2] == pytest.approx(50)

    def test_more_sticks_are_weighted_by_their_length(self):
        """Lengths 3 and 3 sqrt 2: (20 / 1 + 200 / sqrt 2) / (1 + 1 / sqrt 2)."""
        ends = {(0, 2, 1): 10, (0, 2, 3): 30, (0, 1, 1): 200, (0, 3, 3): 200}
        filled = fill_sticks(made_of(ends, shape=(1, 5, 5)), stick_count=2)
        share = 1 / np.sqrt(2)
        assert filled.volume[0, 2, 2] == pytest.approx((20 + 200 * share) / (1 + share))

    @pytest.mark.parametrize("direction", DIRECTIONS.tolist())
    def test_every_direction_is_searched(self, direction):
        """Two hit voxels on opposite sides of the middle of a cube."""
        ends = {tuple(np.add(2, direction)): 8, tuple(np.subtract(2, direction)): 4}
        filled = fill_sticks(made_of(ends, shape=(5, 5, 5)))
        assert filled.volume[2, 2, 2] == pytest.approx(6)
        assert np.count_nonzero(filled.volume) == 3

    def test_filled_voxels_are_not_hits_and_fill_no_others(self):
        """The weight tells what was measured."""
        holed = made_of({(0, 0, 2): 10, (0, 0, 4): 10})
        filled = fill_sticks(holed)
        np.testing.assert_array_equal(filled.weight, holed.weight)
        assert holed.volume[0, 0, 3] == 0
        assert np.count_nonzero(filled.volume) == 3
        assert np.argwhere(filled.is_filled).tolist() == [[0, 0, 3]]
        assert filled.is_known.sum() == 3
        assert holed.is_known.sum() == 2

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"stick_length_limit": 2}, "stick_length_limit must be >= 3 voxels, got 2"),
            ({"stick_count": 0}, "stick_count must be >= 1, got 0"),
            ({"ends": "cubic"}, "ends must be 'linear' or 'plus', got 'cubic'"),
        ],
    )
    def test_bad_arguments(self, options, message):
        """What, expected, got."""
        with pytest.raises(ValueError, match=message):
            fill_sticks(made_of({}), **options)


class TestGaps:
    """Widths in mm, whatever the spacing."""

    @pytest.mark.parametrize("spacing", [0.5, 1.0])
    def test_a_gap_is_filled_if_it_is_narrower_than_stated(self, spacing):
        """Slabs of 40 grey levels with a gap of 2 mm between their voxel centres' edges."""
        shape = (1, 1, round(20 / spacing))
        x = np.arange(shape[2]) * spacing
        hits = {(0, 0, i): 40 for i in np.nonzero(((x >= 4) & (x < 8)) | ((x >= 10) & (x < 14)))[0]}
        holed = made_of(hits, shape=shape, spacing_xyz_mm=(spacing, 1, 1))
        wide = fill_gaps(holed, widest_gap_mm=3.0).volume[0, 0]
        np.testing.assert_allclose(wide[(x >= 4) & (x < 14)], 40, rtol=1e-5)
        assert not wide[(x < 4) | (x >= 14)].any()
        narrow = fill_gaps(holed, widest_gap_mm=1.0).volume
        np.testing.assert_array_equal(narrow, holed.volume)

    def test_hits_stay_and_integers_stay_integers(self):
        """Between 10 and 21 lies 15.5."""
        holed = made_of({(0, 0, 4): 10, (0, 0, 6): 21}, dtype=np.uint8)
        filled = fill_gaps(holed, widest_gap_mm=2.5)
        assert filled.volume[0, 0, 3:8].tolist() == [0, 10, 16, 21, 0]
        assert np.argwhere(filled.is_filled).tolist() == [[0, 0, 5]]
        np.testing.assert_array_equal(filled.weight, holed.weight)

    def test_a_hole_at_the_border_is_no_gap(self):
        """The outside is not extrapolated, at the volume's edge neither."""
        holed = made_of({(0, 0, 1): 10})
        np.testing.assert_array_equal(fill_gaps(holed, widest_gap_mm=4).volume, holed.volume)

    def test_bad_width(self):
        """Positive."""
        with pytest.raises(ValueError, match="widest_gap_mm must be positive, got 0"):
            fill_gaps(made_of({}), widest_gap_mm=0)
