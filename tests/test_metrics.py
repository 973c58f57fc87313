"""Overlap: hand-worked masks and what happens when a structure is absent."""

import numpy as np
import pytest

from hipus import metrics


class TestDice:
    def test_two_of_three_and_two_of_four_pixels_shared_gives_four_sevenths(self):
        first = np.array([[1, 1, 1, 0, 0]], bool)
        second = np.array([[0, 1, 1, 1, 1]], bool)
        assert metrics.dice(first, second) == pytest.approx(4 / 7)

    def test_same_masks_give_one_and_disjoint_masks_zero(self):
        mask = np.array([True, False, True])
        assert metrics.dice(mask, mask) == 1
        assert metrics.dice(mask, ~mask) == 0

    def test_one_empty_mask_gives_zero_and_two_give_nan(self):
        empty, full = np.zeros((2, 3), bool), np.ones((2, 3), bool)
        assert metrics.dice(empty, full) == metrics.dice(full, empty) == 0
        assert np.isnan(metrics.dice(empty, empty))

    def test_any_nonzero_value_counts_as_inside(self):
        assert metrics.dice(np.array([0, 7, 3]), np.array([0, 1, 1])) == 1

    def test_order_does_not_matter(self, rng):
        first, second = rng.random((2, 4, 5, 6)) > 0.5
        assert metrics.dice(first, second) == metrics.dice(second, first)


class TestDicePerLabel:
    def test_each_label_is_scored_alone_and_in_the_order_asked(self):
        first = np.array([[1, 1, 2, 2, 0]])
        second = np.array([[1, 2, 2, 2, 4]])
        scores = metrics.dice_per_label(first, second, (2, 1, 3, 4))
        np.testing.assert_allclose(scores, [4 / 5, 2 / 3, np.nan, 0])

    def test_agrees_with_dice_of_each_mask(self, rng):
        first, second = rng.integers(0, 4, (2, 7, 9))
        scores = metrics.dice_per_label(first, second, (1, 2, 3))
        alone = [metrics.dice(first == label, second == label) for label in (1, 2, 3)]
        np.testing.assert_array_equal(scores, alone)

    def test_refuses_masks_of_different_shapes(self):
        with pytest.raises(ValueError, match=r"masks must have one shape, got \(2, 3\) and \(3, 2"):
            metrics.dice_per_label(np.zeros((2, 3)), np.zeros((3, 2)), (1,))
