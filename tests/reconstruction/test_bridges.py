"""Gaps found once for all channels: the same as hole filling, channel by channel."""

import numpy as np
import pytest
from scipy import ndimage

from hipus.reconstruction.bridges import Bridges, close
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.holes import fill_gaps
from hipus.reconstruction.voxelisation import Reconstruction

SPACING_ZYX = (1.1, 0.7, 0.3)


def holes_in(values: np.ndarray, is_hit: np.ndarray) -> Reconstruction:
    """Return a reconstruction with these values where it was hit."""
    grid = VoxelGrid((0, 0, 0), SPACING_ZYX[::-1], values.shape)
    hit = np.where(is_hit, values, 0).astype(np.float32)
    return Reconstruction(hit, is_hit.astype(np.float32), grid, 1, 0)


@pytest.fixture
def is_hit(rng) -> np.ndarray:
    """Return planes that were hit, with gaps of several widths, and scattered voxels."""
    hit = rng.random((14, 17, 23)) < 0.05
    hit[[2, 4, 7, 12]] = True
    return hit


class TestClosing:
    def test_a_gap_as_wide_as_the_ball_is_closed_and_a_wider_one_is_not(self):
        mask = np.zeros((13, 5, 5), bool)
        mask[[1, 4, 8]] = True
        closed = close(mask, 1.0, spacing_zyx_mm=(0.5, 0.5, 0.5))
        # Between planes 3 voxels apart the farthest voxel lies 2 steps of 0.5 mm from one.
        assert closed[[2, 3]].all()
        np.testing.assert_array_equal(np.flatnonzero(closed[5:8].any(axis=(1, 2))), [0, 1, 2])
        assert not closed[9:].any()
        assert not close(mask, 0.5, spacing_zyx_mm=(0.5, 0.5, 0.5))[5:8].any()

    @pytest.mark.parametrize("radius_mm", [0.2, 1.0, 1.5])
    def test_it_equals_distance_maps(self, is_hit, radius_mm):
        margin = [(int(radius_mm / side) + 2,) * 2 for side in SPACING_ZYX]
        wide = np.pad(is_hit, margin, mode="edge")
        grown = ndimage.distance_transform_edt(~wide, SPACING_ZYX) <= radius_mm
        expected = ndimage.distance_transform_edt(grown, SPACING_ZYX) > radius_mm
        expected = expected[tuple(slice(before, -before) for before, _ in margin)]
        found = close(is_hit, radius_mm, spacing_zyx_mm=SPACING_ZYX)
        np.testing.assert_array_equal(found, expected)
        assert (found != is_hit).any() == (radius_mm > 0.2)


class TestFilling:
    @pytest.mark.parametrize("widest_gap_mm", [0.5, 2.0, 3.5])
    def test_a_channel_is_filled_as_holes_are(self, rng, is_hit, widest_gap_mm):
        given = holes_in(rng.random(is_hit.shape), is_hit)
        expected = fill_gaps(given, widest_gap_mm=widest_gap_mm)
        bridges = Bridges(is_hit, SPACING_ZYX, widest_gap_mm)
        values = given.volume.copy()
        bridges.fill(values)
        np.testing.assert_array_equal(bridges.is_gap, expected.is_filled)
        np.testing.assert_allclose(values, expected.volume, atol=1e-6)

    @pytest.mark.parametrize("place", [(8, 9, 12), (0, 16, 22), (13, 0, 0)])
    def test_a_box_that_holds_all_a_channel_shows_is_enough(self, is_hit, place):
        values = np.zeros(is_hit.shape, np.float32)
        around = tuple(slice(max(0, k - 1), k + 2) for k in place)
        values[around] = is_hit[around]
        bridges = Bridges(is_hit, SPACING_ZYX, 2.0)
        box = tuple(
            slice(max(0, k - 1 - reach), k + 2 + reach)
            for k, reach in zip(place, bridges.reach(), strict=True)
        )
        part, whole = values[box].copy(), values.copy()
        bridges.fill(whole)
        bridges.fill(part, box)
        # Equal but for the hardware: long rows may be summed in another order.
        np.testing.assert_allclose(part, whole[box], atol=1e-7)
        whole[box] = 0
        assert not whole.any()

    def test_a_gap_needs_a_width(self, is_hit):
        with pytest.raises(ValueError, match="widest_gap_mm must be positive, got 0"):
            Bridges(is_hit, SPACING_ZYX, 0)
