"""The paper's data figures, drawn from made-up content: what stands where, and what they say."""

import made_motion
import made_paper_data as made_paper
import made_segmentation_views as views
import numpy as np
import pytest
from matplotlib.text import Text

from hipus.figures import (
    overlays,
    paper_frames,
    paper_motion,
    paper_volumes,
    segmentation_volumes,
    style,
    surfaces,
)
from hipus.stages.figures import FIGURES


def words(figure) -> str:
    """Return all text of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def lines(axes) -> dict:
    """Return the labelled lines of axes."""
    return {line.get_label(): line for line in axes.get_lines()}


def title(axes) -> str:
    """Return the title of axes, wherever it stands."""
    return axes.get_title(loc="left") or axes.get_title()


@pytest.fixture
def motions(rng) -> dict:
    """Return what figures 5 and 7 to 9 are drawn from."""
    return {
        "shown": made_motion.motion_trajectories(rng),
        "printed": made_paper.paper_motion(rng),
        "own_errors": made_motion.motion_frames(rng),
        "printed_errors": made_paper.paper_motion_frames(rng),
    }


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
def test_every_data_figure_is_registered(number):
    assert f"90_figure_{number:02d}" in FIGURES


class TestAnnotation:
    def test_black_rims_are_not_shown(self, rng):
        figure = paper_frames.draw_annotation(made_paper.paper_frames(rng))
        # Two columns of half a millimetre are black on the left, three of 24 on the right.
        assert {box.get_xlim() for box in figure.axes} == {(1.0, 10.5)}

    def test_each_frame_stands_beside_itself_with_its_label(self, rng):
        inputs = made_paper.paper_frames(rng)
        figure = paper_frames.draw_annotation(inputs)
        shown = [box.images[0].get_array() for box in figure.axes]
        for place, frame in enumerate((1, 1, 2, 2)):
            np.testing.assert_array_equal(shown[place], inputs[f"frame_{frame}"])
        tinted = [bool(box.images[1].get_array()[..., 3].any()) for box in figure.axes]
        assert tinted == [False, True, False, True]

    def test_it_says_how_many_of_what_and_that_it_is_simulated(self, rng):
        told = words(paper_frames.draw_annotation(made_paper.paper_frames(rng)))
        assert "n = 2 frames of S001/left_p_a, simulated" in told
        assert {"frame 51", "frame 52", *overlays.SPOKEN.values()} <= set(told.splitlines())


class TestOutlines:
    def test_initial_label_and_models_stand_above_refined_ones(self, rng):
        figure = paper_frames.draw_outlines(
            views.segmentation_frame(rng), made_paper.paper_frames(rng)
        )
        assert [title(box) for box in figure.axes] == [
            "initial 2D label", "2.1", "2.2", "2.3",
            "refined 3D label", "2.3, reconstructed", "3.1", "3.2",
        ]  # fmt: skip

    def test_without_a_refined_label_the_truth_stands_there_by_its_name(self, rng):
        more = made_paper.paper_frames(rng)
        del more["volume_corrected"]
        figure = paper_frames.draw_outlines(views.segmentation_frame(rng), more)
        assert title(figure.axes[4]) == "what was insonified"

    def test_the_refined_label_is_what_is_drawn(self, rng):
        more = made_paper.paper_frames(rng) | {"volume_corrected": np.full(views.SHAPE[1:], 4)}
        figure = paper_frames.draw_outlines(views.segmentation_frame(rng), more)
        tint = figure.axes[4].images[1].get_array()
        np.testing.assert_array_equal(tint, overlays.colour_labels(more["volume_corrected"],
                                                                   opacity=0.3))  # fmt: skip


class TestTrajectories:
    def draw(self, motions, arms=None):
        """Draw figure 5."""
        arms = made_motion.motion_arms() if arms is None else arms
        return paper_motion.draw_trajectories(
            motions["shown"], motions["printed"], motions["printed_errors"], arms
        )

    def test_all_ways_are_drawn_as_they_are(self, motions):
        figure = self.draw(motions)
        space = [box for box in figure.axes if box.name == "3d"]
        assert len(space) == 3
        for n, box in enumerate(space):
            found = lines(box)["the paper's network, trained here"].get_data_3d()
            T = motions["printed"][f"T_printed_{n}"]
            np.testing.assert_allclose(found, [T[:, 2, 3], T[:, 0, 3], -T[:, 1, 3]])

    def test_sideways_ways_keep_gaps_of_the_tracker(self, motions):
        flat = [box for box in self.draw(motions).axes if box.name != "3d"]
        drawn = lines(flat[0])["tracked"].get_ydata()
        np.testing.assert_array_equal(np.isnan(drawn), np.arange(len(drawn)) == 5)

    def test_depth_grows_downwards(self, motions):
        flat = [box for box in self.draw(motions).axes if box.name != "3d"]
        inverted = {box.get_ylabel(): box.yaxis_inverted() for box in flat if box.get_ylabel()}
        assert inverted == {"lateral, mm": False, "axial, mm": True}

    def test_titles_state_rank_and_both_drifts(self, motions):
        errors = motions["printed_errors"]
        last = errors[(errors.order == 2) & (errors.frame_index == 24)].absolute_mm.iloc[0]
        told = words(self.draw(motions))
        own = float(motions["shown"]["final_mm_1"])
        assert f"median: S101 left_p_a\nfinal drift {last:.1f} mm (paper's),\n{own:.1f} mm" in told

    def test_it_says_of_how_many_they_were_chosen_and_by_what(self, motions):
        told = words(self.draw(motions))
        assert "simulated; chosen by the tracked way of n = 16 test sweeps of 4 infants" in told

    def test_lines_differ_without_colour(self, motions):
        box = next(box for box in self.draw(motions).axes if box.name == "3d")
        looks = {(line.get_linestyle(), line.get_linewidth()) for line in lines(box).values()
                 if not line.get_label().startswith("_")}  # fmt: skip
        assert len(looks) == 3


class TestFrameErrors:
    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_only_its_own_sweep_is_drawn_each_prediction_in_its_column(self, motions, order):
        figure = paper_motion.draw_frame_errors(**motions, order=order)
        grid = np.array(figure.axes).reshape(4, 2)
        for column, table in zip(grid.T, ("printed_errors", "own_errors"), strict=True):
            part = motions[table].query("order == @order").sort_values("frame_index")
            for box, name in zip(column, ("relative_mm", "absolute_mm", "relative_deg",
                                          "absolute_deg"), strict=True):  # fmt: skip
                np.testing.assert_array_equal(lines(box)["total"].get_ydata(), part[name])

    def test_both_predictions_have_one_scale_in_a_row(self, motions):
        grid = np.array(paper_motion.draw_frame_errors(**motions, order=2).axes).reshape(4, 2)
        for left, right in grid:
            assert left.get_ylim() == right.get_ylim()

    def test_its_title_names_sweep_side_direction_and_frames(self, motions):
        figure = paper_motion.draw_frame_errors(**motions, order=3)
        # Of 40 frames one has no tracked pose.
        assert figure.get_suptitle() == ("sweep 3 of figure 5, the most complex: S102, left hip, "
                                         "posterior to anterior, n = 39 frames")  # fmt: skip
        assert "simulated" in words(figure)

    def test_columns_state_where_errors_end(self, motions):
        figure = paper_motion.draw_frame_errors(**motions, order=1)
        last = motions["own_errors"].query("order == 1 and frame_index == 24").iloc[0]
        assert title(figure.axes[1]).endswith(
            f"at the end {last.absolute_mm:.1f} mm, {last.absolute_deg:.1f}°"
        )


class TestProgress:
    def test_titles_hold_the_dice_of_their_own_mask(self, rng):
        figure = paper_volumes.draw_progress(
            views.segmentation_rounds(rng), made_paper.paper_rounds()
        )
        assert [title(box) for box in figure.axes[:4]] == [
            "2.2, reconstructed\nDice 0.58", "corrected by a rater\nDice 0.83",
            "3.1, first 3D round\nDice 0.72", "3.2, refined\nDice 0.75",
        ]  # fmt: skip
        assert "n = 1 volume, S049/left_p_d" in words(figure)

    def test_columns_are_masks_in_the_order_of_their_titles(self, rng):
        inputs = views.segmentation_rounds(rng)
        inputs["3.1_across_z"] = np.zeros_like(inputs["3.1_across_z"])
        titles = {"3.2": "b", "3.1": "a"}
        figure = segmentation_volumes.draw_progression(inputs, titles, about="n = 1, simulated")
        tints = [box.images[1].get_array()[..., 3].any() for box in figure.axes[2:4]]
        assert [title(box) for box in figure.axes[:2]] == ["b", "a"]
        assert tints == [True, False]


class TestHips:
    @pytest.fixture
    def figure(self, rng):
        """Draw three hips."""
        return paper_volumes.draw_hips(views.segmentation_hips(rng), made_paper.paper_hips())

    def test_truth_stands_above_the_model_for_every_hip(self, figure):
        assert [title(box).splitlines()[0] for box in figure.axes[:3]] == [
            "P-D, left", "P-D, right", "P-A, left",
        ]  # fmt: skip
        assert "mean Dice 0.81" in title(figure.axes[0])
        assert {"what was insonified", "model 3.2"} <= set(words(figure).splitlines())
        # Truth of the third lacks the border, the model's surfaces do not.
        above, below = (figure.axes[place].images[0].get_array() for place in (2, 5))
        assert above.shape == below.shape
        assert not np.array_equal(above, below)

    def test_sections_show_ilium_head_and_femur_whichever_way_the_sweep_went(self, figure):
        assert [box.get_xlabel() for box in figure.axes[6:9]] == [
            "elevational, mm", "elevational, mm", "lateral, mm",
        ]  # fmt: skip

    def test_it_states_n_and_the_rule(self, figure):
        assert "n = 3 test-only volumes, each the median of its direction and side" in words(figure)
        assert figure.get_figwidth() == style.TEXT_WIDTH_IN

    @pytest.mark.parametrize(
        ("key", "sign"), [("p_d_left", -1), ("p_d_right", 1), ("p_a_left", -1)]
    )
    def test_heads_are_up_and_fronts_mirror_each_other(self, key, sign):
        R = made_paper.TO_HIP[key].astype(float)
        assert np.linalg.det(R) == pytest.approx(1)
        turn = paper_volumes.view_of(R, side=key.split("_")[-1])
        on_screen = surfaces.view_axes() @ turn @ R.T  # of left, posterior, superior
        right, down, away = on_screen @ [0, 0, 1]
        assert down < -0.9
        assert right == pytest.approx(0, abs=1e-9)
        front = on_screen @ [0, -1, 0]
        assert np.sign(front[0]) == sign
        assert front[2] < 0  # towards the viewer
        np.testing.assert_allclose(on_screen @ on_screen.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(on_screen) == pytest.approx(1)
