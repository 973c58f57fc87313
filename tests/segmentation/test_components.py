"""Only the largest piece of a structure is kept where that helps the validation cases."""

from __future__ import annotations

import numpy as np
import pytest

from hipus.segmentation.components import PieceDecision, decide, keep_largest


def two_pieces(value: int, *, shape=(6, 12)) -> np.ndarray:
    """Return a mask with a piece of six and one of two pixels."""
    labels = np.zeros(shape, np.uint8)
    labels[1:3, 1:4] = value
    labels[4, 8:10] = value
    return labels


class TestKeepLargest:
    def test_drops_smaller_pieces_of_the_named_structures_alone(self):
        labels = two_pieces(2)
        labels[1, 8] = labels[5, 0:2] = 1
        kept = keep_largest(labels, [2])
        assert (kept == 2).sum() == 6
        assert (kept == 1).sum() == 3
        assert kept[4, 8] == 0
        assert (labels == 2).sum() == 8  # the mask that came in is left alone

    def test_pieces_that_touch_diagonally_are_one(self):
        labels = np.zeros((3, 4, 4), np.uint8)
        labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 2, 2] = 3
        labels[0, 3, 3] = 3
        kept = keep_largest(labels, [3])
        assert (kept == 3).sum() == 3
        assert kept[0, 3, 3] == 0

    def test_an_absent_structure_is_no_error(self):
        labels = two_pieces(1)
        np.testing.assert_array_equal(keep_largest(labels, [4, 2]), labels)

    def test_another_structure_between_does_not_join_pieces(self):
        labels = np.array([[1, 1, 2, 1]], np.uint8)
        np.testing.assert_array_equal(keep_largest(labels, [1]), [[1, 1, 2, 0]])


class TestDecision:
    def test_each_structure_by_the_mean_over_the_cases_that_show_it(self):
        stray, true = two_pieces(1), two_pieces(1)
        true[4] = 0  # structure 1: the small piece is wrong
        stray[0, 6:8] = true[0, 6:8] = 2
        stray[5, 11] = true[5, 11] = 2  # structure 2: the small piece is right
        empty = np.zeros_like(stray)
        found = decide([(stray, true), (empty, empty)], {"one": 1, "two": 2, "none": 3})
        assert found["one"] == PieceDecision(pytest.approx(12 / 14), 1.0, 1)
        assert found["two"] == PieceDecision(1.0, pytest.approx(4 / 5), 1)
        assert [one.is_better for one in found.values()] == [True, False, False]
        assert found["none"].case_count == 0
        assert np.isnan(found["none"].dice)

    def test_equal_is_not_better(self):
        whole = np.ones((3, 3), np.uint8)
        assert not decide([(whole, whole)], {"one": 1})["one"].is_better

    def test_without_cases_everything_is_kept(self):
        assert not decide([], {"one": 1})["one"].is_better

    def test_masks_of_different_shapes(self):
        with pytest.raises(ValueError, match="masks must have one shape"):
            decide([(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))], {"one": 1})
