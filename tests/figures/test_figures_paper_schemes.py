"""The paper's schemes and tables: what stands where, and that numbers come from tables alone."""

import made_paper_tables
import made_tables
import numpy as np
import pandas as pd
import pytest

from hipus.figures import paper_list, paper_overview, paper_setup, paper_tables, style, typeset
from hipus.stages.figures import FIGURES, named_inputs


def words_of(figure) -> list[str]:
    """Return every text on a figure's axes."""
    figure.draw_without_rendering()
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def row_of(figure, level_of: str) -> list[str]:
    """Return the texts on the line of one text, from left to right."""
    texts = figure.axes[0].texts
    level = next(text for text in texts if text.get_text() == level_of).get_position()[1]
    same = [text for text in texts if abs(text.get_position()[1] - level) < 1e-9]
    return [text.get_text() for text in sorted(same, key=lambda text: text.get_position()[0])]


@pytest.fixture
def made(rng):
    """Return all made content."""
    return made_tables.everything(rng)


def test_all_figures_and_tables_of_the_paper_are_there():
    figures = {f"90_figure_{number:02d}" for number in range(1, 13)}
    assert set(paper_list.PAPER) == figures | {f"90_table_{number}" for number in range(1, 7)}
    assert paper_list.PAPER.items() <= FIGURES.items()


class TestOverview:
    def drawn(self, made, **changed):
        draw, tables, inputs = paper_list.PAPER["90_figure_01"]
        content = made | changed
        return draw(*(content[f"{one}.npz"] for one in named_inputs(inputs)),
                    *(content[one] for one in tables))  # fmt: skip

    def test_stages_are_numbered_in_order(self, made):
        said = words_of(self.drawn(made))
        numbers = [int(text) for text in said if text.isdigit()]
        assert numbers == list(range(1, 11))
        assert said[said.index("9") + 1] == "3D network 3.2"

    def test_counts_come_from_tables_and_a_dash_stands_for_what_is_not_there(self, made):
        said = "\n".join(words_of(self.drawn(made)))
        assert "48 of 12 infants" in said
        assert "462 + 76 + –" in said
        assert "drift of the CNN 5.2 mm" in said

    def test_it_says_that_all_is_simulated(self, made):
        figure = self.drawn(made)
        assert any("simulated" in text.get_text() for text in figure.texts)

    def test_no_text_leaves_the_page(self, made):
        figure = self.drawn(made)
        figure.draw_without_rendering()
        page = figure.bbox
        for text in (one for axes in figure.axes for one in axes.texts):
            box = text.get_window_extent()
            assert page.x0 <= box.x0, text.get_text()
            assert box.x1 <= page.x1, text.get_text()

    def test_a_refused_hip_leaves_its_picture_empty(self, made):
        assert "tracked_grey" not in made["hip_measures.npz"]
        last = self.drawn(made).axes[0].child_axes[-1]
        assert not last.images

    def test_a_measured_hip_is_shown_with_its_alpha(self, made):
        hip = made["hip_measures.npz"]
        tracked = {key.replace("true_", "tracked_"): value for key, value in hip.items()}
        figure = self.drawn(made, **{"hip_measures.npz": hip | tracked})
        last = figure.axes[0].child_axes[-1]
        assert [text.get_text() for text in last.texts] == ["α 45.0°"]


class TestSetup:
    def test_a_smooth_curve_goes_through_its_points(self):
        points = np.array([[0, 0], [4, 1], [5, 5], [1, 4]])
        curve = paper_setup.smooth(points, steps=5)
        np.testing.assert_allclose(curve[::5], [*points, points[0]])

    def test_an_open_curve_ends_at_its_last_point(self):
        curve = paper_setup.smooth(np.array([[0, 0], [1, 1], [3, 0]]), closed=False)
        np.testing.assert_allclose(curve[[0, -1]], [[0, 0], [3, 0]])

    def test_points_on_a_line_stay_on_it(self):
        curve = paper_setup.smooth(np.array([[0, 0], [1, 2], [2, 4], [3, 6]]), closed=False)
        np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0])

    def test_parts_and_frames_are_named(self, made):
        said = words_of(paper_setup.draw_setup(made["cohort.npz"], made["cohort_published"]))
        assert {"IMU", "linear probe", "optical tracker", "T_probe_to_tracker"} <= set(said)

    def test_durations_stand_below_each_sweep(self, made):
        figure = paper_setup.draw_setup(made["cohort.npz"], made["cohort_published"])
        below = [axes.get_xlabel() for axes in figure.axes[1:]]
        assert below[1] == "anterior, mm\n7.5 s printed; 7.5 s here (24 sweeps)"

    def test_the_probe_goes_forwards_in_p_a_and_down_in_p_d(self, made):
        cohort = made["cohort.npz"] | {
            "p_a_true_mm": np.array([[0, 15.0, 0], [0, -5, 0]]),
            "p_d_true_mm": np.array([[0, 0, 20.0], [0, 0, -25]]),
        }
        figure = paper_setup.draw_setup(cohort, made["cohort_published"])
        prints = [axes.lines for axes in figure.axes[2:]]
        assert [line.get_xdata()[0] for line in prints[0]] == [-15, 5]
        assert [line.get_ydata()[0] for line in prints[1]] == [20, -25]


class TestTables:
    def test_printed_and_ours_stand_below_each_other_with_their_n(self):
        figure = paper_tables.draw_table_1(made_paper_tables.segmentation_table1())
        said = words_of(figure)
        first = said.index("2D nnU-Net 2.1")
        assert said[first + 1] == "printed"
        assert said[first + 2] == "0.570 ± 0.300"
        assert "0.58 ± 0.10 (70)" in said[first + 7 : first + 14]

    def test_ours_is_blue_and_printed_black(self):
        figure = paper_tables.draw_table_1(made_paper_tables.segmentation_table1())
        colours = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
        assert colours["printed"] == style.PALETTE["ink"]
        assert colours["here"] == style.PALETTE["ours"]

    def test_motion_has_a_dash_where_the_print_is_unclear(self, made):
        figure = paper_tables.draw_table_2(made["motion_published"], made["motion_arms"])
        said = words_of(figure)
        here = said.index("here", said.index("final drift"))
        assert said[here + 1 : here + 3] == ["5.16 ± 3.57", "–"]

    def test_motion_names_its_interval_and_n(self, made):
        arms = pd.DataFrame([("published", "vs_tracker", 5.157, 4.173, 6.101, 10, 38)],
                            columns=["arm", "truth", "mean", "low", "high", "subject_count",
                                     "sweep_count"])  # fmt: skip
        figure = paper_tables.draw_table_2(made["motion_published"], arms)
        said = " ".join(words_of(figure))
        assert "5.16 mm (95 % interval over infants 4.17 to 6.10 mm; n = 38 sweeps of 10" in said

    def test_both_hausdorff_distances_stand_by_the_printed_one(self):
        figure = paper_tables.draw_table_3(made_paper_tables.segmentation_table3())
        assert row_of(figure, "here, 95th percentile")[-4:] == ["0.100"] * 4
        assert row_of(figure, "here, maximum")[-4:] == ["0.200"] * 4
        assert any("n = 4 simulated" in text for text in words_of(figure))

    def test_cases_stand_beside_the_printed_ones_of_their_direction(self):
        figure = paper_tables.draw_table_4(made_paper_tables.segmentation_table4())
        assert row_of(figure, "S049 left_p_d")[:4] == ["1, p_d", "S049 left_p_d", "0.936", "0.250"]
        said = words_of(figure)
        assert said.count("mean, p_a") == 3
        assert said.count("0.94 / 0.94") == said.count("0.25 / 0.25") == 4 * 4

    def test_further_infants_are_a_line_of_their_own(self):
        said = words_of(paper_tables.draw_table_5(made_paper_tables.segmentation_table5()))
        assert said.count("printed") == said.count("here") == said.count("test-only") == 5

    def test_a_cohort_without_further_infants_leaves_them_out(self):
        table = made_paper_tables.segmentation_table5()
        said = words_of(paper_tables.draw_table_5(table[table["cohort"] == "study"]))
        assert said[said.index("test-only") + 1] == "2D nnU-Net 2.2"

    def test_the_cohort_has_its_units_and_no_more_decimals_than_needed(self):
        figure = paper_tables.draw_table_6(made_paper_tables.cohort_published())
        assert row_of(figure, "age, SD") == [
            *("age, SD", "days", "0.78", "0.65", "12 infants of the study proper")
        ]
        assert row_of(figure, "labelled frames, test")[3] == typeset.NONE

    def test_every_table_says_which_numbers_are_simulated(self, made):
        for number in range(1, 7):
            draw, tables, _ = paper_list.PAPER[f"90_table_{number}"]
            assert "simulated" in " ".join(words_of(draw(*(made[name] for name in tables))))


class TestTypesetting:
    def test_an_unknown_kind_of_line_is_refused(self):
        with pytest.raises(ValueError, match=r"kind of line must be one of .*, got 'loud'"):
            typeset.typeset("t", [("head", ["a"]), ("loud", ["1"])], (1,), "")

    def test_more_cells_than_columns_are_refused(self):
        with pytest.raises(ValueError, match="at most 1 cells, got 2"):
            typeset.typeset("t", [("head", ["a", "b"])], (1,), "")

    def test_lines_follow_each_other_and_never_share_a_level(self):
        lines = [("head", ["a"]), ("group", ["g"]), ("printed", ["p"]), ("ours", ["o"])]
        texts = typeset.typeset("t", lines, (1,), "note").axes[0].texts
        places = {text.get_text(): text.get_position()[1] for text in texts}
        assert places["t"] < places["a"] < places["g"] < places["p"] < places["o"] < places["note"]

    def test_numbers_stand_in_the_middle_and_words_at_the_left(self):
        lines = [("head", ["case", "value"]), ("printed", ["x", "1"])]
        sides = {text.get_text(): text.get_ha()
                 for text in typeset.typeset("t", lines, (1, 1), "").axes[0].texts}  # fmt: skip
        assert (sides["x"], sides["1"]) == ("left", "center")

    @pytest.mark.parametrize(
        ("value", "digits", "text"),
        [(1.6, None, "1.6"), (4.0, None, "4"), (0.651, None, "0.65"), (0.1, 3, "0.100"),
         (np.nan, 2, "–")],
    )  # fmt: skip
    def test_numbers_as_text(self, value, digits, text):
        rows = pd.DataFrame({"ours": [value]}, index=["it"])
        assert typeset.number(rows, "it", "ours", digits) == text

    def test_a_missing_row_or_column_is_a_dash(self):
        rows = pd.DataFrame({"ours": [1.0]}, index=["it"])
        assert typeset.number(rows, "other", "ours") == typeset.NONE
        assert typeset.number(rows, "it", "theirs") == typeset.NONE
        assert typeset.pair(rows, "it", "ours", "sd") == "1.00"


def test_overview_has_words_for_every_stage(made):
    tables = paper_list.PAPER["90_figure_01"][1]
    assert set(paper_overview.words(*(made[name] for name in tables))) == set(paper_overview.STAGES)
