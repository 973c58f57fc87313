"""Correcting a prior: what is left alone, what is redrawn, and the count of it."""

import numpy as np
import pytest

from hipus.phantom.annotator.corrections import (
    BRUSH_MM,
    annotation,
    bounding_box,
    correct,
    only_drawn,
)


def bar(first: int, last: int, *, label: int = 1) -> np.ndarray:
    """Return rows `first` to `last` of a 30 x 40 picture labelled."""
    mask = np.zeros((30, 40), np.uint8)
    mask[first : last + 1] = label
    return mask


class TestCorrect:
    def test_a_difference_within_the_tolerance_stays_as_the_prior_has_it(self):
        prior, own = bar(10, 15), bar(11, 16)
        kept = correct(prior, own, spacing_mm=(0.3, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(kept, prior)

    def test_a_larger_difference_is_redrawn(self):
        prior, own = bar(10, 15), bar(12, 17)
        found = correct(prior, own, spacing_mm=(0.3, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(found, own)

    def test_tolerance_is_measured_in_mm_along_each_axis(self):
        prior, own = bar(10, 15), bar(11, 16)
        found = correct(prior, own, spacing_mm=(0.5, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(found, own)
        turned = correct(prior.T, own.T, spacing_mm=(0.5, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(turned, prior.T)

    def test_strokes_end_a_brush_away_from_what_was_noticed(self):
        prior, own = bar(10, 15), bar(11, 16)
        own[20:24, 5:7] = 1
        found = correct(prior, own, spacing_mm=(0.5, 0.5), tolerance_mm=0.6)
        assert (found[20:24, 5:7] == 1).all()
        far = int(BRUSH_MM / 0.5) + 3
        np.testing.assert_array_equal(found[:, 7 + far :], prior[:, 7 + far :])

    def test_a_structure_that_the_prior_lacks_is_added_and_a_false_one_removed(self):
        prior, own = bar(3, 4, label=2), bar(20, 22, label=4)
        found = correct(prior, own, spacing_mm=(0.3, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(found, own)

    def test_a_wrong_label_is_noticed_though_the_shape_is_right(self):
        found = correct(bar(3, 9), bar(3, 9, label=3), spacing_mm=(0.3, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(found, bar(3, 9, label=3))

    def test_the_prior_is_not_written_to(self):
        prior = bar(10, 12)
        correct(prior, bar(20, 22), spacing_mm=(0.3, 0.3), tolerance_mm=0.4)
        np.testing.assert_array_equal(prior, bar(10, 12))


class TestEffort:
    def test_counts_changed_voxels_and_slices_against_the_prior(self):
        prior = np.zeros((3, 4, 5), np.uint8)
        masks = prior.copy()
        masks[0, 1, 1:3] = 1
        masks[2, 0, 0] = 4
        result = annotation(masks, prior)
        assert (result.changed_voxels, result.touched_slices) == (3, 2)

    def test_without_a_prior_everything_drawn_is_work(self):
        result = annotation(np.stack([bar(2, 3), bar(0, 0) * 0]), None)
        assert (result.changed_voxels, result.touched_slices) == (80, 1)

    def test_the_labrum_is_no_rater_s_business(self):
        np.testing.assert_array_equal(only_drawn(np.array([0, 1, 4, 5])), [0, 1, 4, 0])


class TestBoundingBox:
    def test_is_widened_and_stays_within_the_array(self):
        mask = np.zeros((10, 20, 30), bool)
        mask[1, 5:8, 29] = True
        box = bounding_box(mask, (2, 1, 3))
        assert box == (slice(0, 4), slice(4, 9), slice(26, 30))

    def test_refuses_nothing_to_bound(self):
        with pytest.raises(IndexError):
            bounding_box(np.zeros((3, 3), bool), (1, 1))
