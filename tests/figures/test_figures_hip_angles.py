"""Figures of measured hips, drawn from made-up content: what they show, and what they leave out."""

from functools import lru_cache

import made_hip_drawings as made
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_figures_drawing import UNIT, labels_of, numeric_axes

from hipus.figures import graf_section, hip_agreement, hip_angles, hip_drift, style
from hipus.labels import HipLabel
from hipus.stages import hip_cells, hip_error_tables, hip_intervals
from hipus.stages import hip_drift as drift_stage

DRAWN = {
    "planes": (hip_angles.draw_planes, ("hip_measures.npz", "hip_errors")),
    "errors": (hip_angles.draw_errors, ("hip_errors", "hip_error_summary")),
    "drift": (hip_drift.draw_drift, ("hip_added_errors", "hip_drift_bins")),
    "motion": (hip_drift.draw_motion, ("hip_added_errors", "hip_infant_motion")),
    "agreement": (hip_agreement.draw_agreement, ("hip_errors", "hip_agreement")),
    "types": (
        hip_agreement.draw_types_and_roc,
        ("hip_type_confusion", "hip_roc_curves", "hip_roc"),
    ),
    "coverage": (hip_agreement.draw_coverage, ("hip_interval_coverage",)),
}


def words(figure: Figure) -> str:
    """Return all text of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@lru_cache
def drawn(name: str) -> Figure:
    """Draw a figure from made-up content, once for all tests that only look at it."""
    return redrawn(name)


def redrawn(name: str, **changed) -> Figure:
    """Draw a figure from made-up content, some of it changed."""
    function, given = DRAWN[name]
    content = made.everything(np.random.default_rng(3)) | changed
    return function(*(content[one] for one in given))


def lines_of(box, role: str) -> list:
    """Return the data of an axes' lines of one colour of the palette."""
    colour = style.PALETTE[role].lower()
    return [np.column_stack(line.get_data()).astype(float) for line in box.lines
            if to_hex(line.get_color()).lower() == colour]  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
class TestEveryHipFigure:
    def test_is_as_wide_as_the_text_and_says_simulated(self, name):
        figure = drawn(name)
        assert figure.get_figwidth() == style.TEXT_WIDTH_IN
        assert "simulated" in words(figure)

    def test_states_how_much_it_is_of(self, name):
        told = words(drawn(name))
        assert any(sign in told for sign in ("n = ", "sweeps", "S102/left_p_d"))

    def test_labels_end_in_units(self, name):
        figure = drawn(name)
        found = list(numeric_axes(figure))
        assert found
        for axes, side in found:
            own = getattr(axes, f"get_{side}label")()
            shown = labels_of(figure, axes) if axes.images else own
            assert any(UNIT.search(line) for line in shown.splitlines()), (name, side, shown)

    def test_is_drawn_from_empty_groups_without_a_crash(self, name):
        content = made.everything(np.random.default_rng(3))
        few = {
            key: table[table["sweep_type"] == "p_a"] if "sweep_type" in table else table
            for key, table in content.items() if not key.endswith(".npz")
        }  # fmt: skip
        assert isinstance(redrawn(name, **few), Figure)


class TestNames:
    def test_poses_masks_and_the_control_are_those_of_the_study(self):
        assert tuple(hip_angles.POSES) == hip_cells.ALL_POSES
        assert tuple(hip_angles.MASKS) == hip_cells.MASKS
        assert hip_angles.CONTROL == hip_error_tables.CONTROL
        assert set(hip_angles.COHORTS) == set(hip_error_tables.COHORTS[hip_error_tables.ALL])
        assert set(hip_angles.MEASURES) <= set(hip_cells.MEASURES)

    def test_harm_and_the_level_of_intervals_are_those_of_the_study(self):
        assert hip_drift.HARM_DEG == drift_stage.HARM_DEG
        assert hip_agreement.NOMINAL == hip_intervals.LEVEL
        assert set(hip_drift.DRIFT) == set(drift_stage.EDGES_MM)

    def test_every_kind_of_poses_has_its_own_colour(self):
        roles = [*hip_angles.POSES.values(), hip_angles.CONTROL_ROLE]
        assert len(set(roles)) == len(roles)


class TestPlanes:
    def test_lines_lie_where_the_landmarks_are_and_make_alpha(self):
        box = drawn("planes").axes[len(hip_angles.POSES)]
        (base,) = [line for line in box.lines
                   if line.get_color() == graf_section.LINES["baseline"]]  # fmt: skip
        (roof,) = [line for line in box.lines
                   if line.get_color() == graf_section.LINES["bony roof line"]]  # fmt: skip
        base, roof = (np.column_stack(line.get_data()) for line in (base, roof))
        # 19 columns of 0.5 mm: the head lies 4.75 mm from the left, 24 rows: 7.25 mm from the top.
        np.testing.assert_allclose(base[0], [4.75, 1.25])
        np.testing.assert_allclose(base[1, 0], 4.75)
        np.testing.assert_allclose(roof[0], [4.75, 4.25], atol=1e-9)
        along = [(line[1] - line[0]) / np.linalg.norm(line[1] - line[0]) for line in (base, roof)]
        np.testing.assert_allclose(np.degrees(np.arccos(along[0] @ along[1])), 45.0)
        assert along[1][0] > 0  # the roof falls medially, which is to the right

    @pytest.mark.parametrize("alpha_deg", [32.0, 58.5, 75.0])
    def test_the_angle_that_is_drawn_is_the_one_that_is_written(self, rng, alpha_deg):
        inputs = made.hip_measures(rng) | {"predicted_alpha_deg": np.array(alpha_deg)}
        figure = redrawn("planes", **{"hip_measures.npz": inputs})
        box = figure.axes[len(hip_angles.POSES) + 2]
        ends = {line.get_color(): np.diff(np.column_stack(line.get_data()), axis=0)[0]
                for line in box.lines if len(line.get_xdata()) == 2}  # fmt: skip
        base, roof = (ends[graf_section.LINES[name]] for name in ("baseline", "bony roof line"))
        cosine = base @ roof / np.linalg.norm(base) / np.linalg.norm(roof)
        assert np.degrees(np.arccos(cosine)) == pytest.approx(alpha_deg)
        assert f"α {alpha_deg:.1f}°" in words(figure)

    def test_the_truth_stands_beside_the_picture_and_above_the_labels(self):
        figure = drawn("planes")
        assert "true alpha 55.0 deg" in words(figure)
        above, below = figure.axes[0], figure.axes[len(hip_angles.POSES)]
        ends = [box.collections[0].get_paths()[0].vertices[:, 0] for box in (above, below)]
        assert (
            to_hex(above.collections[0].get_edgecolor()[0]).upper()
            == (graf_section.COLOURS["hip"][int(HipLabel.ILIUM)])
        )
        # The truth was rolled by a column of 0.5 mm.
        np.testing.assert_allclose(ends[0] - ends[1], 0.5)

    def test_poses_without_alpha_say_so_twice(self):
        figure = drawn("planes")
        told = [text.get_text() for box in figure.axes for text in box.texts]
        assert told.count("alpha\nrefused") == 2
        assert not figure.axes[1].images


class TestErrors:
    def test_medians_of_all_poses_stand_in_their_order(self):
        box = drawn("errors").axes[0]
        roles = list(hip_angles.POSES.values())
        medians = [next(line for line in lines_of(box, role) if len(line) == 2) for role in roles]
        np.testing.assert_allclose([line[:, 1].mean() for line in medians], [1, 2, 3, 4])
        places = [line[:, 0].mean() for line in medians]
        assert places == sorted(places)

    def test_the_control_of_p_a_lies_behind_both_types_of_sweep(self):
        figure = drawn("errors")
        for box in figure.axes[:2]:
            lines = lines_of(box, hip_angles.CONTROL_ROLE)
            assert len(lines) == len(hip_angles.MASKS)
            np.testing.assert_allclose([line[:, 1] for line in lines], 2.5)

    def test_refused_shares_stand_beneath_p_d_alone(self):
        left, right = drawn("errors").axes[:2]
        told = [[text.get_text() for text in box.texts] for box in (left, right)]
        assert set(told[0]) == {"0"}
        assert told[1].count("25") == len(hip_angles.POSES) * len(hip_angles.MASKS)
        assert told[1].count("0") == len(hip_angles.MASKS)  # the control is one of p_a

    def test_repeated_sweeps_are_in_no_error(self):
        errors = made.hip_errors()
        more = errors.assign(truth_variant="repeat", subject_id="S301", error=99.0)
        shown = redrawn("errors", hip_errors=errors.merge(more, how="outer"))
        assert "n = 4 sweeps of 4 infants" in words(shown)
        top = max(line.get_ydata().max() for line in shown.axes[0].lines if len(line.get_ydata()))
        assert top < 10

    def test_dysplastic_hips_are_hollow(self):
        box = drawn("errors").axes[0]
        faces = [line.get_markerfacecolor() for line in box.lines if line.get_marker() == "o"]
        hollow = len(hip_angles.MASKS) * len(hip_angles.POSES)
        assert faces.count("white") == hollow
        assert len(faces) == 2 * hollow


class TestDrift:
    def test_points_are_sweeps_by_type_and_refused_ones_are_counted(self):
        figure = drawn("drift")
        told = words(figure)
        # 4 infants, 2 types, 3 variants; the p_d sweeps of one infant are refused.
        assert "predicted poses, n = 21 sweeps of 4 infants" in told
        assert "refused by either poses: 3 of 24 sweeps" in told
        assert {"p_a, n = 12", "p_d, n = 9"} <= set(told.splitlines())

    def test_bins_reach_as_far_as_their_sweeps(self):
        left, right = drawn("drift").axes
        for box, scale in ((left, 1.0), (right, 0.1)):
            steps = [line for line in lines_of(box, "ink") if len(line) == 2]
            ends = {tuple(np.round(line.ravel(), 9)) for line in steps}
            # Predicted sweeps drift by 2, 4, 6 and 8 mm, and a tenth of it near the head.
            told = [(2 * scale, 2.0, 4 * scale, 2.0), (6 * scale, 6.0, 8 * scale, 6.0)]
            np.testing.assert_allclose(sorted(ends), told)

    def test_other_poses_are_drawn_by_name(self):
        figure = hip_drift.draw_drift(
            made.hip_added_errors(), made.hip_drift_bins(), poses="tracked"
        )
        points = np.concatenate(lines_of(figure.axes[0], "ours"))
        assert set(points[:, 0]) == {1.0, 2.0, 3.0, 4.0}

    def test_harm_is_a_dashed_line_in_both_panels(self):
        for box in drawn("drift").axes:
            dashed = [line.get_ydata() for line in box.lines if line.get_linestyle() == "--"]
            assert [list(line) for line in dashed] == [[hip_drift.HARM_DEG] * 2]


class TestMotion:
    def test_the_still_stand_above_the_restless_with_their_counts(self):
        left, _ = drawn("motion").axes
        assert [tick.get_text().split("\n")[0] for tick in left.get_yticklabels()] == [
            "still", "restless", "protocol",
        ]  # fmt: skip
        assert left.get_yticklabels()[0].get_text() == "still\n8 sweeps,\n4 infants"
        assert left.yaxis_inverted()

    def test_the_tracker_has_no_gain_over_itself(self):
        _, right = drawn("motion").axes
        colours = {to_hex(line.get_color()).lower() for line in right.lines}
        assert style.PALETTE["second"].lower() not in colours
        assert style.PALETTE["ours"].lower() in colours

    def test_a_variant_that_was_not_swept_has_no_row(self):
        motion = made.hip_infant_motion()
        figure = redrawn("motion", hip_infant_motion=motion[motion["variant"] == "protocol"])
        assert len(figure.axes[0].get_yticks()) == 1


class TestAgreement:
    def test_points_are_measured_minus_true_over_their_mean(self):
        box = drawn("agreement").axes[1]
        assert box.get_title(loc="left").startswith("p_a, rounded poses\n4 sweeps, 0 refused")
        points = np.concatenate([np.column_stack(line.get_data()) for line in box.lines
                                 if line.get_marker() == "o"])  # fmt: skip
        np.testing.assert_allclose(sorted(points[:, 0]), [52, 57, 62, 67])
        np.testing.assert_allclose(points[:, 1], 4)

    def test_refused_hips_are_counted_in_the_title(self):
        assert "3 sweeps, 1 refused" in drawn("agreement").axes[2].get_title(loc="left")

    def test_limits_stand_at_their_values_with_bands_where_known(self):
        _, middle, right = drawn("agreement").axes
        levels = sorted({float(line.get_ydata()[0]) for line in middle.lines
                         if line.get_marker() == "None"})  # fmt: skip
        assert levels == [0.0, 4.0, 8.0]
        assert len(middle.patches) == 3
        assert not right.patches


class TestTypesAndRoc:
    def test_counts_stand_in_the_row_of_the_true_type(self):
        box = drawn("types").axes[0]
        told = {text.get_position(): text.get_text() for text in box.texts}
        assert told == {(0, 0): "2", (4, 0): "1", (0, 1): "1"}
        assert [tick.get_text() for tick in box.get_xticklabels()][-1] == "refused"
        shares = box.images[0].get_array()
        np.testing.assert_allclose(shares[0], [2 / 3, 0, 0, 0, 1 / 3])
        np.testing.assert_allclose(shares[3], 0)  # a type that no hip has

    def test_the_operating_point_lies_on_its_curve(self):
        box = drawn("types").axes[2]
        for role in hip_agreement.ROLES.values():
            lines = {len(line): line for line in lines_of(box, role)}
            curve, point = lines[3], lines[1]
            assert point.tolist() == [[0.0, 0.5]]
            assert point[0].tolist() in curve.tolist()

    def test_the_area_its_interval_and_the_refused_stand_in_the_legend(self):
        told = words(drawn("types"))
        assert "best p_a frame: area 0.75 (0.50 to 1.00), 2 such hips, 1 refused" in told


class TestCoverage:
    def test_cells_stand_at_their_width_and_share(self):
        box = drawn("coverage").axes[0]
        points = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in box.lines
                  if line.get_marker() in hip_angles.MASKS.values()}  # fmt: skip
        widths = {4 * made.off_by(*way) for way in made.WAYS}
        assert points == {(width, 75.0) for width in widths}

    def test_the_goal_is_a_band_from_90_to_98(self):
        for box in drawn("coverage").axes:
            (band,) = box.patches
            low = band.get_y()
            assert (low, low + band.get_height()) == pytest.approx((90, 98))

    def test_a_measure_without_intervals_says_so(self):
        table = made.hip_interval_coverage()
        figure = redrawn("coverage", hip_interval_coverage=table[table["measure"] == "alpha_deg"])
        titles = [box.get_title(loc="left").splitlines()[1] for box in figure.axes]
        assert titles == ["n = 4 to 4 a cell", "no interval", "no interval"]
