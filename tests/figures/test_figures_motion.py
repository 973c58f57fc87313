"""Figures of predicted motion, drawn from made-up tables: content and form."""

import re

import made_motion
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from hipus.figures import motion, motion_factors, motion_volumes, style

#: Figure -> how it is drawn, its tables, its figure input.
DRAWN = {
    "trajectories": (motion.draw_trajectories, (), "motion_trajectories"),
    "frame_errors": (motion.draw_frame_errors, ("motion_frames",), ""),
    "arms": (motion.draw_arms, ("motion_subjects", "motion_arms", "motion_published"), ""),
    "spacing": (motion_factors.draw_spacing, ("motion_spacing",), ""),
    "factors": (motion_factors.draw_factors, ("motion_factors",), ""),
    "decorrelation": (motion_factors.draw_decorrelation, ("decorrelation_motion",), ""),
    "volume_agreement": (motion_volumes.draw_volume_agreement, ("volume_agreement",), ""),
    "local_consistency": (
        motion_volumes.draw_local_consistency,
        ("local_consistency", "local_consistency_summary"),
        "",
    ),
    "placed_volumes": (motion_volumes.draw_placed_volumes, (), "motion_volumes"),
    "refinement": (motion_volumes.draw_refinement, ("pose_refinement",), ""),
}
UNIT = re.compile(r", (mm|deg)( \(simulated\))?$|share of|grey levels$|^Dice of labels$"
                  r"|correlation of envelopes$|number in the sweep$")  # fmt: skip


def draw(name: str, made: dict) -> Figure:
    """Draw a figure from made-up content."""
    function, table_names, input_name = DRAWN[name]
    inputs = [made[f"{input_name}.npz"]] if input_name else []
    return function(*inputs, *(made[table] for table in table_names))


@pytest.fixture
def made(rng) -> dict:
    """Return every table and figure input."""
    return made_motion.everything(rng)


def words(figure: Figure) -> str:
    """Return all text of a figure."""
    found = [
        text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))
    ]
    return "\n".join(found)


def lines(axes) -> dict:
    """Return the labelled lines of axes."""
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize("name", DRAWN)
class TestEveryFigure:
    def test_has_journal_width_and_says_simulated(self, name, made):
        figure = draw(name, made)
        assert 1 <= figure.get_figwidth() <= style.TEXT_WIDTH_IN
        assert "simulated" in words(figure)

    def test_labels_of_the_outer_axes_end_in_a_unit(self, name, made):
        figure = draw(name, made)
        labels = [label for axes in figure.axes
                  for label in (axes.get_xlabel(), axes.get_ylabel()) if label]  # fmt: skip
        assert labels
        assert all(any(UNIT.search(line) for line in label.splitlines()) for label in labels)

    def test_leaves_its_content_as_it_was(self, name, made, rng):
        _, table_names, input_name = DRAWN[name]
        before = {table: made[table].copy() for table in table_names}
        arrays = {key: value.copy() for key, value in made.get(f"{input_name}.npz", {}).items()}
        draw(name, made)
        for table, old in before.items():
            assert made[table].equals(old)
        for key, old in arrays.items():
            np.testing.assert_array_equal(made[f"{input_name}.npz"][key], old)

    def test_text_stays_inside_the_page(self, name, made):
        figure = draw(name, made)
        figure.draw_without_rendering()
        page = figure.bbox.padded(2)
        for axes in figure.axes:
            texts = [axes.xaxis.label, axes.yaxis.label, *axes.findobj(match=_is_title)]
            for text in texts:
                box = text.get_window_extent()
                if text.get_text() and text.get_visible():
                    assert page.contains(box.x0, box.y0), text.get_text()
                    assert page.contains(box.x1, box.y1), text.get_text()


def _is_title(artist) -> bool:
    """Return whether an artist is one of the titles of axes."""
    axes = getattr(artist, "axes", None)
    return axes is not None and artist in (axes.title, axes._left_title)


class TestNamesOfArms:
    @pytest.mark.parametrize(
        ("arm", "words"),
        [
            ("published_without_imu", "published, without IMU"),
            ("published_without_flow", "published, without flow"),
            ("published", "published"),
            ("constant step by type", "constant step by type"),
            ("sweep_context", "sweep context"),
            ("sweep_context_imu", "IMU rotation + sweep context"),
            ("IMU rotation + sweep context", "IMU rotation + sweep context"),
        ],
    )
    def test_are_in_words_also_of_folders(self, arm, words):
        assert motion.spoken(arm) == words

    def test_titles_of_volumes_and_refinements_name_the_arm_of_a_folder(self, made):
        for name, table in (("volume_agreement",) * 2, ("refinement", "pose_refinement")):
            made[table] = made[table].replace({"arm": {"published": "sweep_context_imu"}})
            assert "IMU rotation + sweep context" in words(draw(name, made))


class TestTrajectories:
    def test_unknown_frames_are_left_out_and_ends_are_outlined(self, made):
        figure = draw("trajectories", made)
        box = figure.axes[0]
        courses = lines(box)
        assert len(courses["tracked"].get_data_3d()[0]) == 19
        assert len(courses["predicted"].get_data_3d()[0]) == 20
        outlines = [line for line in box.get_lines() if len(line.get_data_3d()[0]) == 5]
        assert len(outlines) == 4
        # The picture is 38 mm wide (lateral) and 45 mm high, which is drawn upright.
        spans = np.ptp(np.array(outlines[0].get_data_3d()), axis=1)
        np.testing.assert_allclose(spans, [0, 38, 45], atol=1e-9)

    def test_a_probe_that_goes_deeper_goes_down_the_page(self, made):
        inputs = made["motion_trajectories.npz"]
        inputs["T_predicted_0"][:, 1, 3] = np.arange(20)
        box = motion.draw_trajectories(inputs).axes[0]
        along, sideways, up = lines(box)["predicted"].get_data_3d()
        np.testing.assert_allclose(up, -np.arange(20))
        np.testing.assert_allclose(along, inputs["T_predicted_0"][:, 2, 3])
        np.testing.assert_allclose(sideways, 0, atol=1e-9)

    def test_axes_have_one_scale(self, made):
        box = draw("trajectories", made).axes[2]
        spans = [np.ptp(limits) for limits in (box.get_xlim(), box.get_ylim(), box.get_zlim())]
        ratios = np.array(spans) / box._box_aspect
        np.testing.assert_allclose(ratios, ratios[0])

    def test_each_title_states_the_final_drift(self, made):
        assert "S102 left_p_a\nfinal drift 5.5 mm" in words(draw("trajectories", made))


class TestFrameErrors:
    def test_sweeps_stand_in_their_order(self, made):
        figure = draw("frame_errors", made)
        titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
        assert titles == ["S101", "S102", "S103"]

    def test_a_panel_shows_each_axis_and_the_total(self, made):
        frames = made["motion_frames"]
        figure = draw("frame_errors", made)
        panel = figure.axes[3]  # second row, first column: accumulated translation
        first = frames[frames.order == 1]
        np.testing.assert_array_equal(
            lines(panel)["elevational"].get_ydata(), first.absolute_elevational_mm
        )
        np.testing.assert_array_equal(lines(panel)["total"].get_ydata(), first.absolute_mm)


class TestArms:
    def test_the_best_arm_stands_on_top(self, made):
        axes = draw("arms", made).axes[0]
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == ["constant step", "identity", "published"]

    def test_the_printed_drift_is_marked_as_clinical(self, made):
        figure = draw("arms", made)
        assert "12.60 mm: printed, clinical" in words(figure)
        marked = [
            line for line in figure.axes[0].get_lines() if list(line.get_xdata()) == [12.6] * 2
        ]
        assert len(marked) == 1

    def test_what_is_not_learned_is_grey(self, made):
        bars = [c for c in draw("arms", made).axes[0].collections if isinstance(c, LineCollection)]
        roles = {}
        for bar in bars:
            place = round(bar.get_segments()[0][0, 1])
            roles.setdefault(place, set()).add(to_hex(bar.get_color()[0]).upper())
        muted, ours = style.PALETTE["muted"], style.PALETTE["ours"]
        assert roles == {0: {muted}, 1: {muted}, 2: {ours}}

    def test_points_are_subjects_against_the_tracker_only(self, made):
        axes = draw("arms", made).axes[0]
        points = np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections
                                 if len(c.get_offsets()) == 4])  # fmt: skip
        subjects = made["motion_subjects"]
        expected = subjects.loc[subjects.truth == "vs_tracker", "final_mm"]
        np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(expected))


class TestFactors:
    def test_spacing_counts_the_sweeps_of_each_type(self, made):
        titles = [axes.get_title(loc="left") for axes in draw("spacing", made).axes]
        assert titles == ["p_a, n = 10 sweeps, simulated", "p_d, n = 9 to 10 sweeps, simulated"]

    def test_a_panel_of_factors_shows_one_motion_with_the_means_of_its_sweeps(self, made):
        factors = made["motion_factors"]
        figure = draw("factors", made)
        assert [axes.get_title(loc="left") for axes in figure.axes] == [
            "infant's motion × 0, n = 8 sweeps",
            "infant's motion × 2, n = 8 sweeps",
        ]
        chosen = factors[(factors.infant_motion == 2) & (factors.duration_s == 10)]
        chosen = chosen[chosen.truth == "vs_hip"].groupby("path_mm").final_mm.mean()
        drawn = lines(figure.axes[1])["10 s, poses of the pelvis"]
        np.testing.assert_allclose(drawn.get_ydata(), chosen)

    def test_theory_is_a_line_a_depth_where_there_is_one(self, made):
        figure = draw("decorrelation", made)
        counts = [len(axes.get_lines()) for axes in figure.axes[:8]]
        assert counts == [2, 2, 2, 2, 0, 0, 0, 0]


class TestVolumes:
    def test_thick_lines_are_the_mean_of_subjects(self, made):
        rows = made["volume_agreement"]
        figure = draw("volume_agreement", made)
        rows = rows[rows.alignment == "head"].groupby(["inner_mm", "subject_id"])
        expected = rows.displacement_mm.mean().groupby("inner_mm").mean()
        np.testing.assert_allclose(lines(figure.axes[2])["at the head"].get_ydata(), expected)

    def test_a_shell_that_one_subject_lacks_keeps_the_others(self, made):
        overlap = lines(draw("volume_agreement", made).axes[1])["at the head"].get_ydata()
        assert np.isfinite(overlap).all()

    def test_each_arms_sweeps_are_shown_against_their_own_drift(self, made):
        local = made["local_consistency"]
        figure = draw("local_consistency", made)
        for box, arm in zip(figure.axes[::2], made_motion.ARMS, strict=False):
            points = np.concatenate([np.asarray(c.get_offsets()) for c in box.collections])
            expected = local.loc[local.arm == arm, ["final_mm", "near_mm"]]
            np.testing.assert_allclose(points, expected)
            assert box.get_title(loc="left") == f"{arm}, simulated"

    def test_planes_lie_about_the_heads_centre(self, made):
        figure = draw("placed_volumes", made)
        left, right, bottom, top = figure.axes[0].get_images()[0].get_extent()
        # The first voxel's centre lies at -17, -15 mm; 70 x 60 voxels of 0.5 mm.
        assert (left, right) == (-17.25, -17.25 + 35)
        assert (top, bottom) == (-15.25, -15.25 + 30)

    def test_refinement_compares_before_and_after_on_one_scale(self, made):
        axes = draw("refinement", made).axes
        assert axes[0].get_xlim() == axes[0].get_ylim()
        np.testing.assert_allclose(lines(axes[1])["p_a, n = 2"].get_xdata()[[0, -1]], [-1, 0.5])

    def test_a_type_without_sweeps_leaves_the_other(self, made):
        table = made["pose_refinement"]
        figure = motion_volumes.draw_refinement(table[table.sweep_type == "p_a"])
        assert "p_d, n = 0" in words(figure)
