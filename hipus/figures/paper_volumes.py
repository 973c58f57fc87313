"""The paper's figures 6 and 10: one hip from round to round, and four hips beside the truth.

Decides from where hips are looked at: left and right ones from their own side and a little from
the front, head up, whichever way the sweep went, so that they can be compared. What is shown was
chosen by rule, by stage `segmentation_views`. Everything drawn is simulated and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hipus.figures import overlays, segmentation_volumes, style, surfaces
from hipus.figures.segmentation_volumes import HIPS, MODEL, ROUNDS

#: Masks of the rounds in the paper's order, in words.
_ROUNDS = ROUNDS | {"reconstructed": "2.2, reconstructed"}
#: The plane in which a sweep shows ilium, head and femur together.
_LONG_PLANE = {"p_d": "across_x", "p_a": "across_z"}
_ALONG = {"across_x": ("elevational", (1, 0)), "across_z": ("lateral", (1, 2))}
#: Display only: turns of the view to the front, then from above, degrees.
_FRONT_DEG, _ABOVE_DEG = 35.0, 12.0
#: Display only: height of renderings, of what would fill their column.
_ROOM = 0.74
#: Screen's axes (right, down, away) of one who looks at the side of a hip; rows in the hip's
#: axes left, posterior, superior.
_FROM_SIDE = {
    "left": np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]]),
    "right": np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]]),
}


def draw_progress(shown: Mapping[str, np.ndarray], dice: Mapping[str, np.ndarray]) -> Figure:
    """Draw one volume's masks from round to round, with the Dice of each.

    Parameters
    ----------
    shown : mapping of str to array
        Figure input `segmentation_rounds`, see `segmentation_volumes.draw_rounds`.
    dice : mapping of str to array
        Figure input `paper_rounds`: `dice_<mask>`, mean over structures, with truth.

    Returns
    -------
    matplotlib.figure.Figure
        Renderings above, sections through the femoral head's centre below.
    """
    titles = {name: f"{words}\nDice {float(dice[f'dice_{name}']):.2f}"
              for name, words in _ROUNDS.items()}  # fmt: skip
    return segmentation_volumes.draw_progression(
        shown, titles, about=f"n = 1 volume, {shown['name']}, the test volume of median Dice, "
        "simulated; Dice: mean of structures"
    )  # fmt: skip


def draw_hips(shown: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]) -> Figure:
    """Draw four hips: what was insonified, what model 3.2 makes of it, and a section of both.

    Parameters
    ----------
    shown : mapping of str to array
        Figure input `segmentation_hips`, see `segmentation_volumes.draw_cases`.
    truth : mapping of str to array
        Figure input `paper_hips`: after `<direction>_<side>_`: `truth_<structure>_...`, surfaces
        as those of models, and `R_world_to_hip` (3, 3).

    Returns
    -------
    matplotlib.figure.Figure
        A column a hip. Fill and coloured lines are the model's, thin orange lines the truth's.
    """
    keys = [key for key in HIPS if f"{key}_name" in shown]
    pairs = {key: _pair(shown, truth, key) for key in keys}
    each = [surfaces.screen_limits(list(pair)) for pair in pairs.values()]
    limits = surfaces.centred_limits(each)
    with style.look():
        figure, axes = _new_grid(shown, keys, limits[0])
        for boxes, key, place in zip(axes.T, keys, limits, strict=True):
            for box, own in zip(boxes, pairs[key], strict=False):
                surfaces.show_surfaces(box, own, place)
            dice = f"mean Dice {float(shown[f'{key}_dice']):.2f}"
            boxes[0].set_title(f"{HIPS[key]}\n{str(shown[f'{key}_name']).split('/')[0]}, {dice}",
                               fontsize=7.5, loc="center")  # fmt: skip
            _show_section(boxes[2], shown, key)
        _name_rows(axes[:, 0])
        about = f"n = {len(keys)} test-only volumes, each the median of its direction and side"
        segmentation_volumes.add_legend(figure, f"{about}, simulated")
    return figure


def _pair(shown, truth, key: str) -> tuple[dict, dict]:
    """Return the truth's and the model's surfaces of a hip as seen from its own side."""
    turn = view_of(truth[f"{key}_R_world_to_hip"], side=key.split("_")[-1])
    return tuple(
        {label: (vertices @ turn.T, faces) for label, (vertices, faces) in one.items()}
        for one in (
            surfaces.surfaces_of(truth, f"{key}_truth"),
            surfaces.surfaces_of(shown, f"{key}_{MODEL}"),
        )
    )


def view_of(R_world_to_hip: np.ndarray, *, side: str) -> np.ndarray:
    """Return the turn after which the usual view looks at a hip from its own side.

    Parameters
    ----------
    R_world_to_hip : numpy.ndarray (3, 3)
    side : str
        left or right.

    Returns
    -------
    numpy.ndarray (3, 3)
        Rotation. In the view of `surfaces` the head is then up, and the front lies on the
        screen's left of a left hip and on the right of a right one.
    """
    towards_front = _FRONT_DEG if side == "left" else -_FRONT_DEG
    own_view = surfaces.view_axes((towards_front, _ABOVE_DEG))
    return surfaces.view_axes().T @ own_view @ _FROM_SIDE[side] @ R_world_to_hip


def _new_grid(shown, keys: list[str], limits_mm: np.ndarray):
    """Make axes: two rows of renderings and one of sections, of fitting heights."""
    ratio = _ROOM * (1 + surfaces.FOOT) * np.ptp(limits_mm[:, 1]) / np.ptp(limits_mm[:, 0])
    heights = []
    for key in keys:
        plane = _LONG_PLANE[key[:3]]
        spacing = shown[f"{key}_spacing_zyx_mm"][list(_ALONG[plane][1])]
        height, width = shown[f"{key}_grey_{plane}"].shape * spacing
        heights.append(height / width)
    ratios = [ratio, ratio, max(heights)]
    height_in = 1.25 + 0.9 * style.TEXT_WIDTH_IN / len(keys) * sum(ratios)
    return style.new_figure(3, len(keys), height_in=height_in, height_ratios=ratios, squeeze=False)


def _show_section(box, shown, key: str) -> None:
    """Show the section through the head's centre in which ilium, head and femur lie."""
    plane = _LONG_PLANE[key[:3]]
    words, sides = _ALONG[plane]
    spacing = shown[f"{key}_spacing_zyx_mm"][list(sides)]
    overlays.show_section(box, shown[f"{key}_grey_{plane}"], shown[f"{key}_{MODEL}_{plane}"],
                          spacing)  # fmt: skip
    overlays.outline_truth(box, shown[f"{key}_truth_{plane}"], spacing)
    box.set_xlabel(f"{words}, mm", fontsize=7, labelpad=1)
    box.tick_params(labelsize=6.5)
    box.set_anchor("N")


def _name_rows(boxes) -> None:
    """Say beside the first hip what each row shows."""
    for box, words in zip(boxes, ("what was insonified", f"model {MODEL}"), strict=False):
        box.annotate(words, (0, 0.5), (-6, 0), xycoords="axes fraction", rotation=90, ha="right",
                     textcoords="offset points", va="center", fontsize=7.5)  # fmt: skip
    boxes[-1].set_ylabel("axial, mm", fontsize=7)
