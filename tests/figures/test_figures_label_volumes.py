"""Sections of label volumes lie where they say, whatever the voxels' sides."""

import numpy as np
import pytest

from hipus.figures import label_volumes
from hipus.images import Volume

SPACING = (0.9, 0.5, 0.7)  # elevational, axial, lateral


@pytest.fixture
def labels() -> np.ndarray:
    """Return a block that fills neither the volume nor the same part of each axis."""
    array = np.zeros((20, 30, 24), np.uint8)
    array[5:16, 2:13, 12:23] = 2
    return array


def grey_of(labels: np.ndarray) -> Volume:
    return Volume((labels * 50).astype(np.uint8), SPACING)


class TestPlaces:
    @pytest.mark.parametrize(
        ("axis", "expected"), [(0, [6, 8, 10, 12, 14]), (2, [13, 15, 17, 19, 21])]
    )
    def test_middle_of_equal_parts_of_what_is_labelled(self, labels, axis, expected):
        assert label_volumes.section_places(labels, axis, count=5).tolist() == expected

    def test_empty_labels_are_cut_over_the_whole_axis(self):
        empty = np.zeros((21, 3, 3), np.uint8)
        assert label_volumes.section_places(empty, 0, count=2).tolist() == [5, 15]


class TestLabelVolume:
    def test_sections_have_their_sides_in_mm(self, labels):
        figure = label_volumes.draw_label_volume(grey_of(labels), labels, sections=2)
        spans = [(np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())) for axes in figure.axes[::2]]
        elevational, axial, lateral = 20 * 0.9, 30 * 0.5, 24 * 0.7
        expected = [(lateral, axial), (elevational, axial), (lateral, elevational)]
        np.testing.assert_allclose(spans, expected)

    def test_titles_say_how_far_from_the_centre(self, labels):
        figure = label_volumes.draw_label_volume(grey_of(labels), labels, sections=1)
        assert figure.axes[0].get_title(loc="left") == f"elevational {(10 - 9.5) * 0.9:+.1f} mm"
        assert figure.axes[1].get_title(loc="left") == f"lateral {(17 - 11.5) * 0.7:+.1f} mm"

    def test_turned_section_shows_the_voxels_that_it_cuts(self, labels):
        labels[7, 3, 17] = 1
        figure = label_volumes.draw_label_volume(grey_of(labels), labels, sections=1)
        shown = np.asarray(figure.axes[1].images[0].get_array())
        np.testing.assert_array_equal(shown, 50 * labels[:, :, 17].T)
        assert shown[3, 7] == 50

    def test_labels_of_another_grid_are_refused(self, labels):
        with pytest.raises(ValueError, match=r"labels must be \(20, 30, 24\) like .* got \(20, 30"):
            label_volumes.draw_label_volume(grey_of(labels), labels[:, :, 1:])
