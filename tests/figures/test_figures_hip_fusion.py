"""Figures of fused hips, drawn from made-up content: what they show, and what they leave out."""

import made_fusion_drawings as made
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from hipus.figures import hip_fusion, style


@pytest.fixture
def arrays() -> dict:
    """Return a made figure input."""
    return made.sections()


@pytest.fixture
def hips() -> pd.DataFrame:
    """Return a made table."""
    return made.hip_fusion()


def words(figure: Figure) -> str:
    """Return all text of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


class TestSections:
    def test_each_way_has_both_sections_in_mm(self, arrays):
        figure = hip_fusion.draw_sections(arrays)
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert titles[0] == "coronal, p_a alone"
        assert titles[5] == "transverse, both, refined"
        assert figure.axes[0].get_xlim() == (0, 22)
        assert figure.axes[0].get_ylim() == (20, 0)

    def test_the_truth_is_the_same_line_on_every_picture(self, arrays):
        figure = hip_fusion.draw_sections(arrays)
        truth = to_rgba(hip_fusion.overlays.TRUTH_COLOUR)
        for axes in figure.axes:
            drawn = [c for c in axes.collections if tuple(c.get_edgecolor()[0]) == truth]
            assert len(drawn) == 2  # ilium and head

    def test_it_says_which_hip_and_that_it_is_simulated(self, arrays):
        said = words(hip_fusion.draw_sections(arrays))
        assert "left hip of S101" in said
        assert "simulated" in said
        assert "what was insonified" in said

    def test_its_width_is_the_journals(self, arrays):
        assert hip_fusion.draw_sections(arrays).get_figwidth() == style.TEXT_WIDTH_IN


class TestChanges:
    def test_a_line_is_a_hip_coloured_by_whether_it_got_better(self, hips):
        axes = hip_fusion.draw_changes(hips).axes[0]
        lines = [line for line in axes.get_lines() if line.get_marker() == "None"]
        found = {tuple(line.get_ydata()): line.get_color() for line in lines}
        assert found == {
            (1.0, 0.4): style.PALETTE["ours"],
            (0.5, 0.7): style.PALETTE["reference"],
        }

    def test_the_median_is_of_the_hips_that_are_drawn(self, hips):
        axes = hip_fusion.draw_changes(hips).axes[2]
        middle = next(line for line in axes.get_lines() if line.get_marker() == "o")
        np.testing.assert_allclose(middle.get_ydata(), [(3 + 1) / 2, (1 + 3) / 2])
        assert axes.get_title(loc="left") == "alpha, p_a (2 hips)"

    def test_drift_is_drawn_by_its_logarithm_in_a_range_that_holds_every_hip(self, hips):
        drift, alpha = (hip_fusion.draw_changes(hips).axes[k] for k in (0, 2))
        assert (drift.get_yscale(), alpha.get_yscale()) == ("log", "linear")
        assert drift.get_ylim() == hip_fusion.DRIFT_RANGE_MM

    def test_masks_by_truth_are_not_drawn(self, hips):
        hips.loc[hips.masks == "truth", "p_d_drift_mm_before"] = 77.0
        axes = hip_fusion.draw_changes(hips).axes[1]
        assert max(max(line.get_ydata()) for line in axes.get_lines()) == 1.0

    def test_poses_nobody_has_have_no_row(self, hips):
        assert len(hip_fusion.draw_changes(hips).axes) == 8
        assert len(hip_fusion.draw_changes(hips[hips.poses == "predicted"]).axes) == 4

    def test_an_empty_table_is_drawn_empty(self, hips):
        figure = hip_fusion.draw_changes(hips.iloc[:0])
        assert all(not axes.get_lines() for axes in figure.axes)

    def test_it_says_that_it_is_simulated(self, hips):
        assert "simulated" in words(hip_fusion.draw_changes(hips))

    def test_neither_drawing_changes_what_it_is_given(self, hips, arrays):
        before, old = hips.copy(), {name: one.copy() for name, one in arrays.items()}
        hip_fusion.draw_changes(hips)
        hip_fusion.draw_sections(arrays)
        pd.testing.assert_frame_equal(hips, before)
        for name, one in arrays.items():
            np.testing.assert_array_equal(one, old[name])
