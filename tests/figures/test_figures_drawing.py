"""Every figure of the registry, drawn from made-up tables."""

import ast
import re
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

import made_simulated
import made_tables
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from hipus import paths
from hipus.figures import (
    calibration,
    cohort,
    overlays,
    published,
    realism,
    reconstruction,
    style,
)
from hipus.stages.figures import FIGURES, named_inputs

#: A label ends in a unit, or names a quantity that has none.
UNIT = re.compile(
    r", (mm|mm/s|px|ms|s|deg|millions)$|^mm$|grey levels$|\|correlation\||share of|published claims"
    r"|^sweeps \(simulated\)$|^spectral slope$|^correlation of envelopes$|^Dice of two raters$"
    r"|step / correlation length|, (mm|deg) \(simulated\)$|number in the sweep$|^Dice of labels$"
    r"|Dice$|^Dice of neighbouring slices$|^mean Dice with truth$|, (%|minutes|mm³|number)$"
    r"|^loss$|^touched slices a volume$|, times typical$"
)

#: A scheme of pictures, and tables that are set as figures.
WITHOUT_AXES = {"90_figure_01", *(f"90_table_{number}" for number in range(1, 7))}


def numeric_axes(figure):
    """Yield (axes, "x", "y" or "z") where tick labels with numbers are seen."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        if axes.name == "3d":
            yield from ((axes, side) for side in "xyz")
            continue
        for side in "xy":
            axis = getattr(axes, f"{side}axis")
            seen = [label for label in axis.get_ticklabels() if label.get_visible()]
            is_numeric = isinstance(axis.get_major_formatter(), ScalarFormatter)
            has_text = any(label.get_text() for label in seen)
            if axes.axison and axis.get_visible() and is_numeric and has_text:
                yield axes, side


def labels_of(figure, axes) -> str:
    """Return all labels of an image, or of the images beside and below it."""
    row, column = axes.get_subplotspec().rowspan, axes.get_subplotspec().colspan
    near = [
        other
        for other in figure.axes
        if other.get_subplotspec() is not None
        and (other.get_subplotspec().rowspan == row or other.get_subplotspec().colspan == column)
    ]
    return "\n".join(f"{other.get_xlabel()}\n{other.get_ylabel()}" for other in near)


@dataclass(frozen=True)
class Drawing:
    """A figure, what it was drawn from, and copies of that and of the look from before."""

    figure: Figure
    given: list
    before: list
    look_before: dict
    look_after: dict


@lru_cache
def drawing(name: str) -> Drawing:
    """Draw a figure of the registry, once for all tests that only look at it."""
    function, table_names, input_name = FIGURES[name]
    made = made_tables.everything(np.random.default_rng(5))
    given = [made[f"{one}.npz"] for one in named_inputs(input_name)]
    given += [made[table] for table in table_names]
    before, look = deepcopy(given), dict(mpl.rcParams)
    return Drawing(function(*given), given, before, look, dict(mpl.rcParams))


@pytest.mark.parametrize("name", FIGURES)
class TestEveryFigure:
    def test_is_a_figure_of_journal_width(self, name):
        figure = drawing(name).figure
        assert isinstance(figure, Figure)
        assert 1 <= figure.get_figwidth() <= style.TEXT_WIDTH_IN

    def test_every_quantity_has_a_label_with_its_unit(self, name):
        figure = drawing(name).figure
        found = list(numeric_axes(figure))
        assert found or name in WITHOUT_AXES
        for axes, side in found:
            is_image = axes.images and axes.get_subplotspec() is not None
            own = getattr(axes, f"get_{side}label")()
            shown = labels_of(figure, axes) if is_image else own
            assert any(UNIT.search(line) for line in shown.splitlines()), (axes.get_title(), side)

    def test_leaves_its_tables_as_they_were(self, name):
        one = drawing(name)
        for part, old in zip(one.given, one.before, strict=True):
            if hasattr(part, "columns"):
                assert part.equals(old)
            else:
                assert part.keys() == old.keys()
                for key in old:
                    np.testing.assert_array_equal(part[key], old[key])

    def test_leaves_the_global_look_alone(self, name):
        one = drawing(name)
        assert one.look_after == one.look_before


class TestContent:
    def test_spatial_errors_state_how_many_wires_count(self, rng):
        figure = calibration.draw_spatial_errors(made_tables.spatial_errors(rng))
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        # 6 frames of 2 wires; the toolkit lost one frame.
        assert titles == [
            "calibration, n = 10 to 12",
            "validation, n = 10",
        ]

    def test_lag_figure_names_both_lags_in_ms(self):
        figure = calibration.draw_lag(
            *(made_tables.lag_curve(), made_tables.lag_signals()),
            made_tables.temporal_calibration(),
        )
        texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert texts == ["PLUS -64.8 ms", "ours -64.4 ms"]

    def test_depth_grows_downwards(self):
        figure = calibration.draw_lag(
            *(made_tables.lag_curve(), made_tables.lag_signals()),
            made_tables.temporal_calibration(),
        )
        assert figure.axes[1].yaxis_inverted()

    def test_joint_scan_marks_the_moved_recording(self):
        figure = calibration.draw_joint_scan(
            made_tables.joint_scan(), made_tables.joint_calibration()
        )
        texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert {"known -120 ms", "found -77 ms"} <= set(texts)

    def test_slices_belong_to_their_names_whatever_the_order(self, rng):
        inputs = made_tables.reconstruction_input(rng)
        figure = reconstruction.draw_slices(inputs, made_tables.reconstruction_agreement())
        first = figure.axes[:3]
        assert first[0].get_ylabel().startswith("nearest latest\nr = 0.9991")
        np.testing.assert_array_equal(first[0].images[0].get_array(), inputs["theirs_1"])
        np.testing.assert_array_equal(first[1].images[0].get_array(), inputs["ours_1"])
        np.testing.assert_array_equal(first[2].images[0].get_array(), np.full((9, 13), 2.0))

    def test_slices_are_in_mm(self, rng):
        inputs = made_tables.reconstruction_input(rng)
        figure = reconstruction.draw_slices(inputs, made_tables.reconstruction_agreement())
        assert figure.axes[0].images[0].get_extent() == [0, 6.5, 4.5, 0]

    def test_reslice_differences_are_view_minus_frame(self, rng):
        inputs = made_tables.reconstruction_input(rng)
        figure = reconstruction.draw_reslice(inputs)
        expected = inputs["resliced_left_out"].astype(float) - inputs["resliced_frame"]
        shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
        assert any(np.array_equal(array, expected) for array in shown)

    def test_agreement_marks_judged_measures_and_bounds(self):
        figure = reconstruction.draw_agreement(made_tables.reconstruction_agreement())
        blue = [
            tuple(point)
            for dots in figure.axes[0].collections
            if len(dots.get_facecolor()) and mpl_hex(dots) == style.PALETTE["ours"].lower()
            for point in np.asarray(dots.get_offsets())
        ]
        assert sorted(blue) == [(0.988, 0.0), (0.9904, 1.0)]

    def test_verdict_bars_add_up(self):
        figure = published.draw_verdicts(made_tables.claim_verdicts())
        totals = sorted(text.get_text().strip() for text in figure.axes[0].texts)
        assert totals == ["32", "48"]
        assert sum(patch.get_width() for patch in figure.axes[0].patches) == 80

    def test_unknown_verdict_is_never_left_out_in_silence(self):
        table = made_tables.claim_verdicts()
        table.loc[0, "audit_verdict"] = "perhaps"
        with pytest.raises(ValueError, match=r"unknown audit_verdict \['perhaps'\]"):
            published.draw_verdicts(table)

    def test_hips_are_counted_by_group_and_drawn_by_type(self):
        figure = cohort.draw_hips(made_simulated.cohort_hips(), made_simulated.cohort_subjects())
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert titles == ["all hips, n = 3, simulated", "study hips, n = 2, simulated"]
        assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["Ib", "IIc"]

    def test_durations_are_without_hesitation(self):
        figure = cohort.draw_sweeps(
            made_simulated.cohort_sweeps(), made_simulated.cohort_published()
        )
        printed = [line.get_xdata()[0] for line in figure.axes[0].lines]
        assert printed == [5.3, 7.5, 5.3]

    def test_lag_errors_are_in_ms(self):
        figure = realism.draw_simulated_calibration(
            made_simulated.simulated_calibration(), made_simulated.simulated_lag()
        )
        points = np.asarray(figure.axes[1].collections[-1].get_offsets())
        np.testing.assert_allclose(points, [[-40, 0.4], [30, -0.8]])

    def test_only_named_features_are_drawn(self):
        figure = realism.draw_features(made_simulated.likeness_features())
        labels = {axes.get_ylabel() for axes in figure.axes if axes.axison}
        assert labels == {"mean, grey levels", "spectral slope"}

    def test_pictures_say_which_is_real(self, rng):
        pictures = list(rng.integers(0, 255, (2, 9, 7), dtype=np.uint8))
        figure = realism.draw_beside(pictures, {"a Graf plane": pictures[0]})
        titles = [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]
        assert titles == ["simulated", "simulated", "real: a Graf plane", ""]

    def test_labels_have_one_colour_each_and_background_none(self):
        picture = overlays.colour_labels(np.array([[0, 1, 2], [3, 4, 5]]))
        assert picture[0, 0, 3] == 0
        assert len({tuple(colour) for colour in picture.reshape(-1, 4)[1:]}) == 5

    def test_network_sizes_are_in_millions(self):
        figure = published.draw_network_sizes(made_tables.network_sizes())
        widths = sorted(patch.get_width() for patch in figure.axes[0].patches)
        assert widths == [4.069513, 4.069513, 4.111536, 33.47635, 92.468062, 92.468062]
        assert figure.axes[0].get_xlabel() == "parameters, millions"


def mpl_hex(dots) -> str:
    """Return the face colour of a scatter as #rrggbb."""
    from matplotlib.colors import to_hex

    return to_hex(dots.get_facecolor()[0]).lower()


class TestImports:
    def test_figures_know_no_computation(self):
        allowed = {"paths", "config", "labels", "tables", "files", "images", "figures"}
        for path in sorted((paths.root() / "hipus" / "figures").glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "hipus":
                    parts = node.module.split(".")[1:2]
                    names = set(parts or [alias.name for alias in node.names])
                    assert names <= allowed, path.name

    def test_plotting_packages_are_the_only_others(self):
        plotting = {"matplotlib", "seaborn", "numpy", "pandas", "PIL"}
        standard = {
            "__future__",
            "collections",
            "contextlib",
            "dataclasses",
            "functools",
            "itertools",
            "pathlib",
        }
        standard |= {"io", "re", "textwrap", "hipus"}
        for path in sorted((paths.root() / "hipus" / "figures").glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = (
                    {alias.name for alias in node.names}
                    if isinstance(node, ast.Import)
                    else {node.module}
                    if isinstance(node, ast.ImportFrom)
                    else set()
                )
                assert {name.split(".")[0] for name in names} <= plotting | standard, path.name
