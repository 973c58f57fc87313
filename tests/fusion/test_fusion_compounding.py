"""Two views in one volume: who counts where, and whose labels stand."""

import numpy as np
import pytest

from hipus.fusion.compounding import BLUR_MM, compound, match_greys, view_shares
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.label_volumes import SweepVolume

GRID = VoxelGrid((0.0, 0.0, 0.0), (0.5, 0.6, 0.8), (20, 18, 22))
SPACING = GRID.spacing_zyx_mm
#: The first probe's picture lies in x y, the second's in z y.
STRAIGHT, TURNED = np.eye(3), np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
EVERYWHERE = np.ones(GRID.shape_zyx, bool)


def border(axis: int) -> np.ndarray:
    """Return a volume that steps from 40 to 200 in the middle of an array axis."""
    index = np.indices(GRID.shape_zyx)[axis]
    return np.where(index < GRID.shape_zyx[axis] // 2, 40, 200).astype(np.float32)


def volume(grey=None, *, labels=0, known=EVERYWHERE, grid=GRID) -> SweepVolume:
    """Return a volume with labels of one number or an array of them."""
    grey = border(0) if grey is None else grey
    full = np.broadcast_to(np.uint8(labels), grid.shape_zyx) * known
    return SweepVolume(np.where(known, grey, 0), known, {"all": full.astype(np.uint8)}, grid)


def shares(grey, *, known=(EVERYWHERE, EVERYWHERE)):
    """Return both views' shares of one volume."""
    return view_shares((grey, grey), known, rotations=(STRAIGHT, TURNED), spacing_zyx_mm=SPACING)


class TestViewShares:
    def test_a_border_is_left_to_the_view_that_cuts_it(self):
        middle = (10, 9, 11)
        by_first, by_second = (one[middle] for one in shares(border(2)))  # a normal along x
        assert by_first > 0.8
        assert by_first + by_second == pytest.approx(1)
        assert shares(border(0))[1][middle] > 0.8  # a normal along z

    def test_a_border_across_the_beam_is_seen_alike_by_both(self):
        assert shares(border(1))[0][10, 9, 11] == pytest.approx(0.5, abs=1e-6)

    def test_a_steep_border_counts_by_inverse_variances(self):
        steep = 1000 * border(2)
        lateral, _, elevational = BLUR_MM
        expected = elevational**2 / (lateral**2 + elevational**2)
        assert shares(steep)[0][10, 9, 11] == pytest.approx(expected, abs=0.01)

    def test_where_nothing_has_a_direction_both_count_alike(self):
        plain = np.full(GRID.shape_zyx, 90, np.float32)
        np.testing.assert_allclose(shares(plain)[0], 0.5)

    def test_the_only_view_has_it_all_and_none_has_nothing(self):
        first, second = EVERYWHERE.copy(), EVERYWHERE.copy()
        first[:5], second[:3] = False, False
        by_first, by_second = shares(border(2), known=(first, second))
        assert (by_first[:3] == 0).all()
        assert (by_second[:3] == 0).all()
        np.testing.assert_allclose(by_second[3:5], 1, rtol=1e-6)
        np.testing.assert_allclose((by_first + by_second)[5:], 1, rtol=1e-5)


class TestMatchGreys:
    def test_another_gain_is_undone(self, rng):
        grey = rng.uniform(20, 120, GRID.shape_zyx).astype(np.float32)
        found = match_greys(volume(grey), volume(1.5 * grey + 10))
        np.testing.assert_allclose(found, grey, atol=0.01)

    def test_with_nothing_in_common_or_a_plain_view_greys_stay(self):
        known = EVERYWHERE.copy()
        known[10:] = False
        second = volume(known=~known)
        np.testing.assert_array_equal(match_greys(volume(known=known), second), second.grey)
        plain = volume(np.full(GRID.shape_zyx, 7, np.float32))
        np.testing.assert_array_equal(match_greys(volume(), plain), plain.grey)


class TestCompound:
    def fused(self, first, second):
        return compound(first, second, rotations=(STRAIGHT, TURNED), name="all")

    def test_two_equal_views_give_the_same_volume(self):
        labels = np.where(border(2) > 100, np.uint8(HipLabel.ILIUM), 0)
        one = volume(labels=labels)
        fused = self.fused(one, one)
        np.testing.assert_allclose(fused.grey, one.grey, atol=0.01)
        np.testing.assert_array_equal(fused.labels, labels)
        assert fused.is_known.all()

    def test_grey_values_that_one_view_misses_come_from_the_other(self):
        first, second = EVERYWHERE.copy(), EVERYWHERE.copy()
        first[:8], second[14:] = False, False
        parts = (
            volume(known=first, labels=HipLabel.FEMORAL_HEAD),
            volume(known=second, labels=HipLabel.FEMORAL_HEAD),
        )
        fused = self.fused(*parts)
        assert (fused.grey > 0).all()
        assert fused.is_known.all()

    @pytest.mark.parametrize("teller", [0, 1])
    def test_the_tellers_labels_stand_where_it_sees(self, teller):
        parts = volume(labels=HipLabel.ILIUM), volume(labels=HipLabel.FEMORAL_CORTEX)
        fused = compound(*parts, rotations=(STRAIGHT, TURNED), name="all", teller=teller)
        assert (fused.labels == parts[teller].labels["all"]).all()

    @pytest.mark.parametrize("label", [HipLabel.ILIUM, HipLabel.FEMORAL_HEAD])
    def test_beyond_the_tellers_view_nothing_is_pieced_on(self, label):
        known = EVERYWHERE.copy()
        known[:8] = False
        fused = self.fused(volume(known=known, labels=HipLabel.ILIUM), volume(labels=label))
        assert (fused.labels[:8] == 0).all()
        assert (fused.labels[8:] == HipLabel.ILIUM).all()
        assert fused.is_known.all()

    def test_a_teller_that_is_neither_is_refused(self):
        with pytest.raises(ValueError, match=r"teller must be 0 \(first\) or 1 \(second\), got 2"):
            compound(volume(), volume(), rotations=(STRAIGHT, TURNED), name="all", teller=2)

    def test_nothing_known_stays_background(self):
        known = EVERYWHERE.copy()
        known[:4] = False
        fused = self.fused(*(volume(known=known, labels=HipLabel.ILIUM) for _ in range(2)))
        assert (fused.labels[:4] == 0).all()
        assert (fused.grey[:4] == 0).all()
        assert not fused.is_known[:4].any()

    def test_views_on_two_grids_are_refused(self):
        other = VoxelGrid((1.0, 0.0, 0.0), GRID.spacing_xyz_mm, GRID.shape_zyx)
        with pytest.raises(ValueError, match="second must lie on the first's grid"):
            self.fused(volume(), volume(grid=other))
