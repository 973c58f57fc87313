"""Volumes with their labels: renderings and sections, round by round, and of four hips.

Everything drawn here is simulated and says so. Sections show how labels lie on the picture;
renderings show form and streaks. What is shown was chosen by rule, by stage `segmentation_views`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from hipus.figures import overlays, style, surfaces

#: Masks of the rounds, in the paper's order.
#: Kinds of masks of one hip in the order of the rounds, and what each is called.
ROUNDS = {
    "reconstructed": "2.2, frame by frame",
    "corrected": "corrected by a rater",
    "3.1": "3.1, first 3D round",
    "3.2": "3.2, refined",
}
#: Directions and sides of which a hip each is shown.
HIPS = {
    f"{kind}_{side}": f"{words}, {side}"
    for kind, words in (("p_d", "P-D"), ("p_a", "P-A"))
    for side in ("left", "right")
}
MODEL = "3.2"
#: Planes: their names, and which of z, y, x lie along their rows and columns.
_PLANES = {"across_z": (1, 2), "across_x": (1, 0)}


def draw_rounds(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw one volume's masks from round to round: renderings and two sections.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `segmentation_rounds`: for each mask `<mask>_<structure>_vertices_xyz_mm` and
        `_faces`, `<mask>_across_z` (axial, lateral) and `_across_x` (axial, elevational);
        grey and truth `_across_z` and `_across_x`, spacing_zyx_mm, name.

    Returns
    -------
    matplotlib.figure.Figure
        A column a mask. The section across the lateral axis cuts all frames: there streaks show.
    """
    return draw_progression(inputs, ROUNDS, about=f"{inputs['name']}, simulated")


def draw_progression(
    inputs: Mapping[str, np.ndarray], titles: Mapping[str, str], *, about: str
) -> Figure:
    """Draw one volume's masks, a column each, under given titles.

    Parameters
    ----------
    inputs : mapping of str to array
        As for `draw_rounds`.
    titles : mapping of str to str
        Mask -> title, from the left.
    about : str
        Stands above the legend: which volume, of how many, and that it is simulated.

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = {name: surfaces.surfaces_of(inputs, name) for name in titles}
    limits = surfaces.screen_limits(list(shown.values()))
    with style.look():
        figure, axes = _new_grid(inputs, "", limits, columns=len(titles))
        for boxes, (name, title) in zip(axes.T, titles.items(), strict=True):
            surfaces.show_surfaces(boxes[0], shown[name], limits)
            boxes[0].set_title(title, fontsize=8, loc="center")
            for box, plane in zip(boxes[1:], _PLANES, strict=True):
                _show_plane(box, inputs, plane, name)
        _label_sections(axes)
        add_legend(figure, about)
    return figure


def draw_cases(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw four hips by model 3.2: both directions of sweeps over both sides.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `segmentation_hips`: as `segmentation_rounds`, each name after
        `<direction>_<side>_`, with `dice`, the mean over structures.

    Returns
    -------
    matplotlib.figure.Figure
        A column a hip. Fill and coloured lines are the model's, thin orange lines the truth's.
    """
    keys = [key for key in HIPS if f"{key}_name" in inputs]
    shown = {key: surfaces.surfaces_of(inputs, f"{key}_{MODEL}") for key in keys}
    limits = surfaces.centred_limits([surfaces.screen_limits([one]) for one in shown.values()])
    with style.look():
        figure, axes = _new_grid(inputs, f"{keys[0]}_", limits[0], columns=len(keys))
        for boxes, key, place in zip(axes.T, keys, limits, strict=True):
            surfaces.show_surfaces(boxes[0], shown[key], place)
            dice = f"Dice {float(inputs[f'{key}_dice']):.2f}"
            boxes[0].set_title(f"{HIPS[key]}\n{inputs[f'{key}_name']}\n{dice}", fontsize=7,
                               loc="center")  # fmt: skip
            for box, plane in zip(boxes[1:], _PLANES, strict=True):
                _show_plane(box, inputs, plane, MODEL, start=f"{key}_")
        _label_sections(axes)
        add_legend(figure, f"model {MODEL}, n = {len(keys)} test-only volumes, simulated")
    return figure


def _new_grid(inputs, start: str, limits_mm: np.ndarray, *, columns: int):
    """Make axes: a row of renderings, and a row for each section, of fitting heights."""
    spacing = inputs[f"{start}spacing_zyx_mm"]
    ratios = [(1 + surfaces.FOOT) * np.ptp(limits_mm[:, 1]) / np.ptp(limits_mm[:, 0])]
    for plane, sides in _PLANES.items():
        height, width = inputs[f"{start}grey_{plane}"].shape * spacing[list(sides)]
        ratios.append(height / width)
    width_in = style.TEXT_WIDTH_IN / columns
    height_in = 1.15 + 0.9 * width_in * sum(ratios)
    return style.new_figure(
        1 + len(_PLANES), columns, height_in=height_in, height_ratios=ratios, squeeze=False
    )


def _show_plane(box, inputs, plane: str, mask: str, *, start: str = "") -> None:
    """Show a section with a mask and the truth's contours."""
    spacing = inputs[f"{start}spacing_zyx_mm"][list(_PLANES[plane])]
    grey, labels, truth = (inputs[f"{start}{name}_{plane}"] for name in ("grey", mask, "truth"))
    overlays.show_section(box, grey, labels, spacing)
    overlays.outline_truth(box, truth, spacing)


def _label_sections(axes) -> None:
    """Name the axes of sections at the outer edges only."""
    for words, boxes in zip(("lateral", "elevational"), axes[1:], strict=True):
        for box in boxes:
            box.set_xlabel(f"{words}, mm", fontsize=7, labelpad=1)
            box.tick_params(labelsize=6.5, labelleft=box is boxes[0], left=box is boxes[0])
        boxes[0].set_ylabel("axial, mm", fontsize=7)


def add_legend(figure: Figure, title: str) -> None:
    """Explain colours, of renderings beside those of sections.

    Parameters
    ----------
    figure : Figure
    title : str
    """
    pairs = list(zip(overlays.surface_handles(), overlays.contour_handles(), strict=True))
    names = [pair[0].get_label() for pair in pairs]
    truth = overlays.truth_handle()
    figure.legend([*pairs, truth], [*names, truth.get_label()], title=title, ncols=5,
                  loc="outside lower center", handler_map={tuple: HandlerTuple(None)},
                  handlelength=2.2, columnspacing=0.8, handletextpad=0.4)  # fmt: skip
