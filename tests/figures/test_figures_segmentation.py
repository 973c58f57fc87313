"""Figures of segmentation, drawn from made-up content: what they show, and what they leave out."""

import itertools

import made_segmentation as tables_of
import made_segmentation_views as views
import numpy as np
import pandas as pd
import pytest
from matplotlib.axis import Tick
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from hipus.figures import (
    overlays,
    segmentation_arms,
    segmentation_grades,
    segmentation_pictures,
    segmentation_rounds,
    segmentation_scores,
    segmentation_volumes,
    style,
)
from hipus.labels import HipLabel
from hipus.stages.figures import FIGURES, FROM_ARMS

NAMES = [name for name in FIGURES if "_segmentation_" in name]
#: Machado, Oliveira and Fernandes (2009), severity 1: what is left of linear red, green, blue.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
              [-0.003882, -0.048116, 1.051998]]  # fmt: skip
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881]]  # fmt: skip
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                   [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


@pytest.fixture
def made(rng) -> dict:
    """Return every table and figure input."""
    return tables_of.everything(rng) | views.everything(rng)


def words(figure: Figure) -> str:
    """Return all text of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def crosses(axes) -> list:
    """Return places and values of the means of boxes, left to right."""
    lines = [line for line in axes.get_lines() if line.get_marker() == "x"]
    return sorted((float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines)


def lab(colour: str, seen_through) -> np.ndarray:
    """Return a colour in CIE Lab (D65) after a loss of cones."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(seen_through) @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    bent = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])])


class TestPalette:
    @pytest.mark.parametrize("cones", [np.eye(3), PROTANOPIA, DEUTERANOPIA])
    @pytest.mark.parametrize("palette", ["COLOURS", "SURFACE_COLOURS"])
    def test_structures_differ_for_colour_blind_readers(self, palette, cones):
        colours = [getattr(overlays, palette)[label] for label in overlays.STRUCTURES]
        seen = [lab(colour, cones) for colour in colours]
        distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
        assert min(distances) > 30  # 2 is just noticeable

    def test_grey_is_far_from_nothing_and_red_near_green_without_cones(self):
        # Guards the check itself: a pair that deuteranopes are known to confuse comes close.
        pair = ("#C05030", "#6F7A1E")
        near = [np.linalg.norm(lab(pair[0], eye) - lab(pair[1], eye))
                for eye in (DEUTERANOPIA, np.eye(3))]  # fmt: skip
        assert near[0] < near[1] / 2
        np.testing.assert_allclose(lab("#FFFFFF", np.eye(3)), [100, 0, 0], atol=0.01)

    def test_dashes_tell_structures_apart_without_colour(self):
        assert len(set(overlays.DASHES.values())) == len(overlays.STRUCTURES) == 4

    def test_colours_are_those_the_paper_names(self):
        flat = {label: np.array(to_rgb(overlays.COLOURS[label])) for label in overlays.STRUCTURES}
        red, green, blue = flat[HipLabel.ILIUM]
        assert min(red, green) > 2 * blue  # yellow
        assert flat[HipLabel.FEMORAL_HEAD].argmax() == 2
        assert flat[HipLabel.CHONDRO_OSSEOUS_BORDER].min() == 1
        assert flat[HipLabel.FEMORAL_CORTEX].argmax() == 1
        solid = {label: np.array(to_rgb(overlays.SURFACE_COLOURS[label])) for label in flat}
        red, green, blue = solid[HipLabel.ILIUM]
        assert green < red < blue  # purple
        assert np.ptp(solid[HipLabel.FEMORAL_HEAD]) == 0
        red, green, blue = solid[HipLabel.CHONDRO_OSSEOUS_BORDER]
        assert red < blue < green  # turquoise
        assert solid[HipLabel.FEMORAL_CORTEX].argmax() == 2


class TestOutlines:
    def test_contours_run_along_the_edges_of_pixels_in_mm(self):
        mask = np.zeros((6, 9), int)
        mask[1:4, 5:9] = HipLabel.ILIUM  # reaches the right border
        _, axes = style.new_figure()
        overlays.outline_labels(axes, mask, (0.5, 0.7))
        (contour,) = axes.collections
        points = contour.get_paths()[0].vertices
        np.testing.assert_allclose(points.min(axis=0), [5 * 0.7, 1 * 0.5])
        np.testing.assert_allclose(points.max(axis=0), [9 * 0.7, 4 * 0.5])
        assert to_hex(contour.get_edgecolor()[0]).upper() == overlays.COLOURS[HipLabel.ILIUM]

    def test_the_truth_is_thin_solid_and_of_one_colour(self):
        _, axes = style.new_figure()
        overlays.outline_truth(axes, views.volume()[6], views.SPACING[1:])
        colours = {to_hex(one.get_edgecolor()[0]).upper() for one in axes.collections}
        assert colours == {overlays.TRUTH_COLOUR}
        assert len(axes.collections) == 4


@pytest.mark.parametrize("name", NAMES)
class TestEveryFigure:
    def test_says_simulated_and_keeps_its_words_on_the_page(self, name, made):
        draw, table_names, input_name = FIGURES[name]
        figure = draw(*([made[f"{input_name}.npz"]] if input_name else []),
                      *(made[table] for table in table_names))  # fmt: skip
        assert "simulated" in words(figure)
        figure.draw_without_rendering()
        page = figure.bbox.padded(3)
        ticks = {id(text) for tick in figure.findobj(Tick) for text in tick.findobj(Text)}
        for artist in [text for text in figure.findobj(Text) if id(text) not in ticks]:
            box = artist.get_window_extent()
            if artist.get_text().strip() and artist.get_visible() and box.width < 1e4:
                for corner in ((box.x0, box.y0), (box.x1, box.y1)):
                    assert page.contains(*corner), (artist.get_text(), box)


class TestRegistry:
    def test_what_arms_make_is_not_waited_for(self):
        for name in ("05_segmentation_split", "07_segmentation_staging"):
            assert set(FIGURES[name][1]) <= set(FROM_ARMS)


class TestDice:
    def test_models_are_judged_by_what_the_paper_judged_them(self, made):
        frames, cases = made["frame_scores"], made["segmentation_cases"]
        figure = segmentation_scores.draw_dice(frames, cases, made["segmentation_table1"])
        found = [mean for _, mean in crosses(figure.axes[0])]
        study = cases[(cases.cohort == "study") & (cases.structure == "ilium")]
        expected = [
            frames[(frames.model_id == model) & (frames.structure == "ilium")].dice_label.mean()
            for model in ("2.1", "2.2", "2.3")
        ]
        for model, reference in (("3.1", "drawn_label"), ("3.2", "corrected_label")):
            is_so = (study.model_id == model) & (study.reference == reference)
            expected.append(study[is_so].dice.mean())
        np.testing.assert_allclose(found[:5], expected)

    def test_truth_and_the_test_only_cohort_stand_below(self, made):
        frames, cases = made["frame_scores"], made["segmentation_cases"]
        figure = segmentation_scores.draw_dice(frames, cases, made["segmentation_table1"])
        found = [mean for _, mean in crosses(figure.axes[1])]
        border = frames[(frames.cohort == "test") & (frames.structure == "chondro_osseous_border")]
        np.testing.assert_allclose(found[10], border[border.model_id == "2.1"].dice_truth.mean())
        title = figure.axes[1].get_title(loc="left")
        assert "n = 40 frames, 10 volumes (3.1), 10 volumes (3.2) of 5 infants" in title

    def test_printed_means_stand_over_their_model_and_structure(self, made):
        table = made["segmentation_table1"]
        table.loc[(table.model_id == 3.1) & (table.structure == "femoral_head"),
                  "printed_dice"] = 0.123  # fmt: skip
        figure = segmentation_scores.draw_dice(
            made["frame_scores"], made["segmentation_cases"], table
        )
        diamonds = sorted(
            (line.get_xdata()[0], line.get_ydata()[0])
            for line in figure.axes[0].get_lines()
            if line.get_marker() == "D"
        )
        assert len(diamonds) == 20
        assert diamonds[5 + 3][1] == 0.123


class TestProtocol:
    def test_boxes_are_volumes_by_truth_of_the_test_only_cohort(self, made):
        cases = made["segmentation_cases"]
        figure = segmentation_scores.draw_protocol(
            cases, made["segmentation_table5"], made["segmentation_comparisons"]
        )
        top = next(axes for axes in figure.axes if axes.get_ylabel() == "Dice")
        is_so = (cases.cohort == "test") & (cases.reference == "insonified_truth")
        head = cases[is_so & (cases.structure == "femoral_head")].groupby("model_id").dice.mean()
        np.testing.assert_allclose([mean for _, mean in crosses(top)][5:10], head)
        assert "n = 10 volumes of 5 infants" in top.get_title(loc="left")

    def test_confirmatory_differences_come_first_with_their_p(self, made):
        figure = segmentation_scores.draw_protocol(
            *(made[f"segmentation_{name}"] for name in ("cases", "table5", "comparisons"))
        )
        bottom = next(axes for axes in figure.axes if "difference" in axes.get_xlabel())
        labels = bottom.get_yticklabels()
        assert [label.get_text() for label in labels] == [
            *("3.2 − 2.1", "3.2 − 2.2", "3.2 − 2.3", "3.2 − 3.1", "3.1 − 2.3")
        ]
        assert [label.get_fontweight() for label in labels] == ["bold"] * 3 + ["normal"] * 2
        told = [text.get_text() for text in bottom.texts]
        assert told == ["p < 0.001, n = 10"] * 3 + ["p = 0.040, n = 10"] * 2


class TestRounds:
    def test_learning_curves_are_drawn_as_they_are(self, made):
        curves = [made[f"learning_curve_{digits}"] for digits in (21, 22, 23, 31, 32)]
        figure = segmentation_rounds.draw_learning(*curves)
        last = figure.axes[9]
        np.testing.assert_array_equal(
            last.get_lines()[1].get_ydata(), made["learning_curve_32"].dice_femoral_head
        )
        assert figure.axes[4].get_title(loc="left") == "3.2: 40 epochs"

    def test_streaks_stand_beside_the_truth_and_missing_ones_are_left_out(self, made):
        table = made["first_masks"]
        figure = segmentation_rounds.draw_streaks(table)
        found = [mean for _, mean in crosses(figure.axes[1])]
        means = table.groupby("structure").mean(numeric_only=True)
        head = means.loc["femoral_head"]
        np.testing.assert_allclose(
            found[2:4], head[["truth_roughness_elevational_mm", "roughness_elevational_mm"]]
        )
        assert "n = 3 volumes of 3 infants" in words(figure)

    def test_effort_is_that_of_one_rater_in_the_order_of_rounds(self, made):
        figure = segmentation_rounds.draw_effort(
            made["volume_effort_first"], made["volume_effort_refined"]
        )
        axes = figure.axes[0]
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["nothing\nn = 5", "2D masks\nin 3D\nn = 5", "masks of\n3.1\nn = 5"]
        assert [len(points.get_offsets()) for points in axes.collections] == [5, 5, 5]


class TestPictures:
    def test_raters_who_did_not_see_each_other_have_lines_of_their_own(self, made):
        figure = segmentation_pictures.draw_annotation(
            made["frame_labels.npz"], made["inter_rater"]
        )
        blind = figure.axes[2]
        widths = {one.get_linewidth()[0] for one in blind.collections}
        assert len(blind.collections) == 8
        assert len(widths) == 2
        bars = [bar.get_width() for bar in figure.axes[3].patches]
        assert bars == [0.71, 0.88, 0.72, 0.74, 0.75]  # by structure, whatever the table's order

    def test_the_row_of_the_volume_shows_the_volume(self, made):
        inputs = made["segmentation_frame.npz"]
        figure = segmentation_pictures.draw_frames(inputs)
        for axes, grey in zip(figure.axes, ["frame"] * 4 + ["volume_grey"] * 4, strict=True):
            np.testing.assert_array_equal(axes.get_images()[0].get_array(), inputs[grey])
            assert axes.get_images()[0].get_extent() == [0, 12, 10, 0]

    def test_failures_say_what_is_wrong_by_tracked_poses(self, made):
        figure = segmentation_pictures.draw_failures(
            made["segmentation_failures.npz"], made["volume_grades"]
        )
        told = words(figure)
        first = "S201/left_p_a: mean Dice 0.41, femoral cortex 0.40\ninsufficient: "
        assert f"{first}incomplete bone, holes, discontinuity, deformed head, a and 1 more" in told
        assert "S202/left_p_d: mean Dice 0.57, femoral cortex 0.70\ngood" in told

    def test_grades_without_truth_have_no_contours_of_it(self, made):
        figure = segmentation_pictures.draw_graded(made["volume_grades.npz"])
        orange = [sum(to_hex(one.get_edgecolor()[0]).upper() == overlays.TRUTH_COLOUR
                      for one in axes.collections) for axes in figure.axes]  # fmt: skip
        assert all(orange[:3])
        assert not any(orange[3:])
        told = words(figure)
        assert (
            "insufficient: S301/left_p_d, predicted poses (second centre), no truth known" in told
        )

    def test_planes_keep_their_sides(self, made):
        figure = segmentation_pictures.draw_graded(made["volume_grades.npz"])
        sides = [axes.get_images()[0].get_extent() for axes in figure.axes[:3]]
        np.testing.assert_allclose(sides, [[0, 19.2, 14, 0], [0, 8.4, 14, 0], [0, 19.2, 8.4, 0]])


class TestVolumes:
    def test_rounds_are_rendered_and_cut_in_mm(self, made):
        inputs = made["segmentation_rounds.npz"]
        axes = np.array(segmentation_volumes.draw_rounds(inputs).axes).reshape(3, 4)
        assert [box.get_title() for box in axes[0]][1:3] == [
            *("corrected by a rater", "3.1, first 3D round")
        ]
        np.testing.assert_allclose(axes[1, 0].get_images()[0].get_extent(), [0, 19.2, 14, 0])
        np.testing.assert_allclose(axes[2, 0].get_images()[0].get_extent(), [0, 8.4, 14, 0])

    def test_a_structure_that_is_lost_is_not_rendered(self, made):
        axes = segmentation_volumes.draw_rounds(made["segmentation_rounds.npz"]).axes
        first, second = (np.asarray(box.get_images()[0].get_array()) for box in axes[:2])
        assert (first[..., 3] > 0).sum() < (second[..., 3] > 0).sum()

    def test_hips_that_no_volume_shows_are_left_out(self, made):
        axes = segmentation_volumes.draw_cases(made["segmentation_hips.npz"]).axes
        titles = [box.get_title() for box in axes[:3]]
        assert titles == [
            "P-D, left\nS201/p_d_left\nDice 0.81",
            "P-D, right\nS201/p_d_right\nDice 0.81",
            "P-A, left\nS201/p_a_left\nDice 0.81",
        ]


class TestGrades:
    def test_bars_add_up_and_printed_ones_stand_last(self, made):
        figure = segmentation_grades.draw_grades(
            made["volume_grade_shares"], made["volume_failures"]
        )
        bars = figure.axes[0].patches
        rows = {}
        for bar in bars:
            rows.setdefault(round(bar.get_y() + bar.get_height() / 2, 2), []).append(bar)
        sums = [sum(bar.get_width() for bar in row) for row in rows.values()]
        np.testing.assert_allclose(sums, 100)
        assert len(rows) == 3 + 2 + 1  # of the second centre no truth is known
        assert [bar.get_width() for bar in rows[3]] == [53, 39, 8]
        assert {bar.get_hatch() for bar in rows[3]} == {"///"}

    def test_failures_stand_beside_their_group(self, made):
        failures = made["volume_failures"]
        is_it = (failures.group == "test_only") & (failures.failure == "motion_artefact")
        failures.loc[is_it, "share"] = 0.9
        figure = segmentation_grades.draw_grades(
            made["volume_grade_shares"], made["volume_failures"]
        )
        picture = np.asarray(figure.axes[1].get_images()[0].get_array())
        np.testing.assert_allclose(picture, [[30, 70], [30, 90], [30, 70]])
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert [label.split(",")[0] for label in labels] == [
            *("ordinary", "test only", "second centre", "printed")
        ]


class TestArms:
    def test_effort_is_of_infants_that_no_network_learned_from(self, made):
        figure = segmentation_arms.draw_staging(made["staging_effort"], made["rater_error_arm"])
        assert figure.axes[0].get_title(loc="left") == "n = 8 volumes of 2 infants"
        effort = made["staging_effort"]
        chosen = effort[(effort.prior == "first_masks") & (effort.subjects == "unseen")]
        bars = {bar.get_label(): bar for bar in figure.axes[0].containers}
        drawn = bars["2D masks in 3D"].lines[0].get_ydata()
        np.testing.assert_allclose(np.asarray(drawn, float), chosen.minutes_simulated)

    def test_one_infant_has_a_mean_and_no_interval(self, made):
        figure = segmentation_arms.draw_split(made["split_arm"])
        assert "own test frames,\nby labels\nn = 83 and 71 frames" in words(figure)
        alone, several = (bar.lines for bar in figure.axes[0].containers)
        np.testing.assert_allclose(np.asarray(alone[0].get_ydata(), float), 0.65)
        lengths = [[np.ptp(line[:, 1]) for line in lines[2][0].get_segments() if len(line)]
                   for lines in (alone, several)]  # fmt: skip
        assert not np.isfinite(lengths[0]).any()
        np.testing.assert_allclose(lengths[1], 0.11)


def test_models_read_as_numbers_are_the_same_models(made):
    cases = made["segmentation_cases"]
    numbers = cases.assign(model_id=cases.model_id.astype(float))
    frames = made["frame_scores"]
    figures = [
        segmentation_scores.draw_dice(frames, rows, made["segmentation_table1"])
        for rows in (cases, numbers)
    ]
    assert crosses(figures[0].axes[1]) == crosses(figures[1].axes[1])
    assert isinstance(numbers, pd.DataFrame)
    assert not numbers.model_id.equals(cases.model_id)
