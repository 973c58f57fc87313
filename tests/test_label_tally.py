"""Counts and boxes of labels: against NumPy's own, label by label."""

import numpy as np
import pytest

from hipus.label_tally import tally_labels


@pytest.fixture(params=[(7, 9, 11), (8, 13)])
def masks(request, rng):
    """Return two sparse masks of labels 1, 3 and 255."""
    labels = np.array([0, 1, 3, 255], np.uint8)
    return rng.choice(labels, (2, *request.param), p=[0.94, 0.03, 0.02, 0.01])


class TestTally:
    def test_counts_are_those_of_each_label_alone(self, masks):
        first, second = masks
        tally = tally_labels(first, second)
        for label in (1, 2, 3, 255):
            assert tally.first[label] == np.count_nonzero(first == label)
            assert tally.second[label] == np.count_nonzero(second == label)
            assert tally.shared[label] == np.count_nonzero((first == label) & (second == label))
        assert tally.first[1:].sum() == np.count_nonzero(first)

    def test_boxes_hold_a_label_of_both_masks_and_nothing_more(self, masks):
        tally = tally_labels(*masks)
        for label in (1, 3, 255):
            places = np.argwhere((masks == label).any(axis=0))
            expected = zip(places.min(axis=0), places.max(axis=0) + 1, strict=True)
            assert tally.box(label) == tuple(slice(int(a), int(b)) for a, b in expected)

    def test_box_of_an_absent_label_has_a_voxel_without_it(self, masks):
        box = tally_labels(*masks).box(2)
        assert masks[0][box].size == 1
        assert not (masks[0][box] == 2).any()

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)),
            (np.zeros((2, 3), np.int16), np.zeros((2, 3), np.uint8)),
            (np.zeros(4, np.uint8), np.zeros(4, np.uint8)),
        ],
    )
    def test_refuses_other_arrays(self, first, second):
        with pytest.raises(ValueError, match="masks must be uint8 of one 2D or 3D shape, got "):
            tally_labels(first, second)
