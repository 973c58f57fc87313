"""The paper's figure 1: the stages from sweeps to a measured hip, each with what it made here.

Decides the order and the wording of the stages and who does each: a recording, a person, a
network, or arithmetic. Every picture is one of the study's own saved figure inputs and every
number is read from a table. All of it is simulated, and the figure says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, Rectangle

from hipus.figures import hip_angles, overlays, style, surfaces

#: Who does what: role of the palette, and words.
_KINDS = {
    "recorded": ("muted", "recorded"),
    "person": ("published", "a rater, by hand"),
    "network": ("ours", "a network"),
    "computed": ("second", "computed"),
}
#: Stage -> title and who does it, in the order of the work.
STAGES = {
    "sweeps": ("Sweeps", "recorded"),
    "labels": ("Labels of frames", "person"),
    "frame_masks": ("2D networks", "network"),
    "poses": ("Poses", "computed"),
    "reconstructed": ("Masks in 3D", "computed"),
    "first": ("First 3D labels", "person"),
    "3.1": ("3D network 3.1", "network"),
    "corrected": ("Refined labels", "person"),
    "3.2": ("3D network 3.2", "network"),
    "measure": ("Measured hip", "computed"),
}
_COLUMNS = 5
#: Inches: size of the page, of a tile, of its picture and of its words.
_HEIGHT_IN, _TILE_IN, _STEP_IN, _LEFT_IN, _RIM_IN = 3.78, 1.02, 1.2, 0.09, 0.035
_ROWS_IN = (2.35, 0.73)
_PICTURE_IN, _HEAD_IN, _WORDS_IN = 0.86, 0.17, 0.3
#: Display only: the shift from one frame of a stack to the next, as a share of a frame; every so
#: many poses a picture is outlined; lateral, axial and elevational directions on the page.
_SHIFT, _OUTLINED_EACH = 0.1, 8
_SLANT = np.array([[0.35, -0.2], [0.0, 1.0], [1.0, 0.12]])
#: Stages that show a rendering, and the stage whose neighbour joins it instead of following it.
_RENDERED, _JOINED = ("reconstructed", "corrected", "3.1", "3.2"), 2
_MODELS_2D = ("2.1", "2.2", "2.3")


def draw_overview(
    cohort: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    frame: Mapping[str, np.ndarray],
    poses: Mapping[str, np.ndarray],
    rounds: Mapping[str, np.ndarray],
    hip: Mapping[str, np.ndarray],
    *numbers: pd.DataFrame,
) -> Figure:
    """Draw the staged approach from sweeps to a measured hip, with what each stage made here.

    Parameters
    ----------
    cohort, labels, frame, poses, rounds, hip : mapping of str to array
        Figure inputs `cohort`, `frame_labels`, `segmentation_frame`, `motion_trajectories`,
        `segmentation_rounds` and `hip_measures`.
    *numbers : pandas.DataFrame
        Tables `cohort_published`, `motion_published`, `segmentation_table5`,
        `volume_effort_first`, `volume_effort_refined`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    said = words(*numbers)
    with style.look():
        figure = Figure(figsize=(style.TEXT_WIDTH_IN, _HEIGHT_IN))
        page = figure.add_axes([0, 0, 1, 1], xlim=(0, style.TEXT_WIDTH_IN), ylim=(0, _HEIGHT_IN))
        page.axis("off")
        boxes = {name: _add_tile(page, name, said[name]) for name in STAGES}
        _show_frames(boxes, cohort, labels, frame)
        _show_course(boxes["poses"], poses)
        _show_rounds(boxes, rounds)
        _show_hip(boxes["measure"], hip)
        _connect(page)
        _add_legends(figure)
    return figure


def words(cohort, motion, dice, first, refined) -> dict[str, str]:
    """Return what stands below each stage's picture; a dash for what a table does not hold.

    Parameters
    ----------
    cohort, motion, dice, first, refined : pandas.DataFrame
        As for `draw_overview`.

    Returns
    -------
    dict of str to str
    """
    ours = cohort.set_index("quantity")["ours"]
    frames = " + ".join(_count(ours, f"frames_{part}") for part in ("train", "validation", "test"))
    volumes, scores = _scores(dice)
    drift = motion[motion["metric"] == "Final drift"].set_index("column_as_printed")["ours_mean"]
    return {
        "sweeps": f"{_count(ours, 'sweeps_recorded')} of {_count(ours, 'infants')} infants:\n"
        "two directions, two sides",
        "labels": f"every third frame:\n{frames}",
        "frame_masks": f"{', '.join(_MODELS_2D)}: Dice\n"
        + ", ".join(_number(scores, model) for model in _MODELS_2D),
        "poses": "tracked, or predicted:\n"
        f"drift of the CNN {_number(drift, 'translation_total', 1)} mm",
        "reconstructed": "frames of 2.2, stacked:\nsteps and streaks",
        "first": f"masks of 2.2 (shown) are\ncorrected: {_trained_on(first)} to train on",
        "3.1": f"Dice {_number(scores, '3.1')}; its masks\nare corrected next",
        "corrected": f"masks of 3.1, corrected:\n{_trained_on(refined)} volumes to train on",
        "3.2": f"Dice {_number(scores, '3.2')} on the\nsame {volumes} test volumes",
        "measure": "Graf's plane, found in\nthe tracked volume",
    }


def _scores(dice: pd.DataFrame) -> tuple[str, pd.Series]:
    """Return how many volumes all models were judged on, and the mean Dice of each."""
    rows = dice[(dice["cohort"] == "study") & (dice["reference"] == "corrected_label")]
    rows = rows[rows["structure"] == "mean_over_structures"]
    rows = rows.assign(model_id=rows["model_id"].astype(str)).set_index("model_id")
    return _count(rows["case_count"], "3.2"), rows["dice_mean"]


def _count(numbers: pd.Series, name: str) -> str:
    """Return a count, or a dash where the table has none."""
    return _number(numbers, name, 0)


def _number(numbers: pd.Series, name: str, digits: int = 2) -> str:
    """Return a number, or a dash where the table has none."""
    return f"{numbers[name]:.{digits}f}" if np.isfinite(numbers.get(name, np.nan)) else "–"


def _trained_on(effort: pd.DataFrame) -> int:
    """Return how many of a round's volumes were labelled to train on."""
    return int((effort["split"] == "train").sum())


def _corner(place: int) -> tuple[float, float]:
    """Return where a stage's picture has its lower left corner on the page, inches."""
    row, column = divmod(place, _COLUMNS)
    return _LEFT_IN + column * _STEP_IN, _ROWS_IN[row]


def _add_tile(page, name: str, below: str):
    """Add a stage: its number and title, its words, and axes for its picture."""
    place = list(STAGES).index(name)
    title, kind = STAGES[name]
    colour = style.PALETTE[_KINDS[kind][0]]
    x, y = _corner(place)
    height = _WORDS_IN + _PICTURE_IN + _HEAD_IN
    page.add_patch(
        FancyBboxPatch((x - _RIM_IN, y - _WORDS_IN), _TILE_IN + 2 * _RIM_IN, height + _RIM_IN,
                       boxstyle="round,pad=0,rounding_size=0.05", lw=0.9, ec=colour, fc="#F8F8F6")
    )  # fmt: skip
    level = y + _PICTURE_IN + _HEAD_IN / 2 + _RIM_IN / 2
    page.add_patch(Circle((x + 0.07, level), 0.07, fc=colour, ec="none"))
    page.text(x + 0.07, level - 0.003, f"{place + 1}", color="white", fontsize=6, weight="bold",
              ha="center", va="center_baseline")  # fmt: skip
    page.text(x + 0.17, level, title, fontsize=6.2, weight="bold", va="center")
    page.text(x + _TILE_IN / 2, y - 0.04, below, fontsize=6, ha="center", va="top",
              linespacing=1.25)  # fmt: skip
    box = page.inset_axes([x, y, _TILE_IN, _PICTURE_IN], transform=page.transData)
    box.axis("off")
    return box


def _show_frames(boxes, cohort, labels, frame) -> None:
    """Show a stack of frames, a frame as a rater labelled it, and one as model 2.2 did."""
    stack = cohort["p_a_frames"][len(cohort["p_a_frames"]) // 2 :]  # from the head onwards
    height, width = stack.shape[1:]
    steps = np.arange(len(stack))[::-1, None] * _SHIFT * np.array([width, -height])
    for (left, top), picture in zip(steps, stack[::-1], strict=True):
        ends = (left, left + width, top + height, top)
        boxes["sweeps"].imshow(picture, cmap=style.GREY, vmin=0, vmax=255, extent=ends)
        boxes["sweeps"].add_patch(Rectangle((left, top), width, height, fc="none", ec="white",
                                            lw=0.8))  # fmt: skip
    span = steps.max(axis=0)[0], steps.min(axis=0)[1]
    boxes["sweeps"].set(xlim=(-2, width + span[0] + 2), ylim=(height + 2, span[1] - 2))
    for name, inputs, mask in (("labels", labels, "drawn"), ("frame_masks", frame, "frame_2.2")):
        side = float(inputs["pixel_side_mm"])
        overlays.show_section(boxes[name], inputs["frame"], inputs[mask], (side, side))


def _show_course(box, poses) -> None:
    """Show one sweep: pictures where they were, and the tracked and the predicted course."""
    half = np.append(np.asarray(poses["picture_mm_1"]) / 2, 0.0)
    corners = half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    for who, role in (("tracked", "ink"), ("predicted", "ours")):
        known = poses[f"T_{who}_1"]
        known = known[np.isfinite(known[:, 0, 0])]
        for pose in known[::_OUTLINED_EACH] if who == "tracked" else ():
            outline = _seen(corners @ pose[:3, :3].T + pose[:3, 3])
            box.fill(*outline.T, fc="#8A8A8A22", ec=style.PALETTE["muted"], lw=0.5)
        course = _seen(known[:, :3, 3])
        box.plot(*course.T, color=style.PALETTE[role], lw=1.5, label=who)
        box.plot(*course[-1], "o", color=style.PALETTE[role], ms=2.5)
    box.set_aspect("equal")
    box.invert_yaxis()
    box.margins(0.02)
    box.legend(loc="lower center", fontsize=5.5, handlelength=1.0, handletextpad=0.4, ncols=2,
               columnspacing=0.8, frameon=True, framealpha=0.85, edgecolor="none",
               borderaxespad=0.1, borderpad=0.2)  # fmt: skip


def _seen(points_mm: np.ndarray) -> np.ndarray:
    """Return points (lateral, axial, elevational) as they are seen from the side."""
    return points_mm @ _SLANT


def _show_rounds(boxes, rounds) -> None:
    """Show the masks of one volume after each round."""
    shown = {name: surfaces.surfaces_of(rounds, name) for name in _RENDERED}
    limits = surfaces.screen_limits(list(shown.values()))
    for name, found in shown.items():
        surfaces.show_surfaces(boxes[name], found, limits)
        for text in boxes[name].texts:
            text.set(fontsize=5, x=limits[1, 0], ha="right")
    spacing = rounds["spacing_zyx_mm"][[1, 0]]
    grey, mask = rounds["grey_across_x"], rounds["reconstructed_across_x"]
    overlays.show_section(boxes["first"], grey, mask, spacing)


def _show_hip(box, hip) -> None:
    """Show the plane of one hip with Graf's lines; nothing where it was refused."""
    if "tracked_grey" in hip:
        hip_angles.show_measured(box, hip, "tracked")
        for text in box.texts:
            text.set_fontsize(6.5)


def _connect(page) -> None:
    """Draw arrows from each stage to the next, and from sweeps to poses."""
    for place in range(len(STAGES) - 1):
        x, y = _corner(place)
        level = y + _PICTURE_IN / 2
        if place == _JOINED:
            page.text(x + (_TILE_IN + _STEP_IN) / 2, level, "+", ha="center", va="center",
                      fontsize=9, weight="bold", color=style.PALETTE["ink"])  # fmt: skip
        elif place != _COLUMNS - 1:
            _arrow(page, [(x + _TILE_IN + _RIM_IN, level), (x + _STEP_IN - _RIM_IN, level)])
    top = _PICTURE_IN + _HEAD_IN + _RIM_IN
    (x, y), (to, _) = _corner(0), _corner(_JOINED + 1)
    ends = (x + _TILE_IN / 2, to + _TILE_IN / 2)
    over = y + top + 0.1
    _arrow(page, [(ends[0], y + top), (ends[0], over), (ends[1], over), (ends[1], y + top)])
    (x, y), (to, below) = _corner(_COLUMNS - 1), _corner(_COLUMNS)
    ends = (x + _TILE_IN / 2, to + _TILE_IN / 2)
    under, between = y - _WORDS_IN, (y - _WORDS_IN + below + top) / 2
    _arrow(page, [(ends[0], under), (ends[0], between), (ends[1], between), (ends[1], below + top)])


def _arrow(page, corners) -> None:
    """Draw a line through corners with a head at its end."""
    look = {"color": style.PALETTE["ink"], "lw": 0.9}
    page.plot(*np.array(corners[:-1] + [corners[-1]]).T, solid_joinstyle="round", **look)
    page.add_patch(FancyArrowPatch(corners[-2], corners[-1], arrowstyle="-|>", shrinkA=0,
                                   shrinkB=0, mutation_scale=6, **look))  # fmt: skip


def _add_legends(figure: Figure) -> None:
    """Explain who does what, and the colours of structures in pictures and renderings."""
    kinds = [Patch(fc="#F8F8F6", ec=style.PALETTE[role], lw=1.2, label=said)
             for role, said in _KINDS.values()]  # fmt: skip
    look = {"fontsize": 6, "handlelength": 1.5, "columnspacing": 0.9, "handletextpad": 0.4,
            "borderaxespad": 0, "borderpad": 0.1, "ncols": 4}  # fmt: skip
    figure.legend(handles=kinds, loc="lower center", bbox_to_anchor=(0.5, 0.055), **look)
    pairs = list(zip(overlays.surface_handles(), overlays.contour_handles(), strict=True))
    names = [pair[0].get_label() for pair in pairs]
    look |= {"handlelength": 2.2}
    figure.legend(pairs, names, loc="lower center", bbox_to_anchor=(0.5, 0.008),
                  handler_map={tuple: HandlerTuple(None)}, **look)  # fmt: skip
    figure.text(0.5, 0.985, "All pictures and numbers are simulated; Dice is the mean over four "
                "structures with corrected labels", fontsize=6.3, ha="center", va="top",
                color=style.PALETTE["ink"], style="italic")  # fmt: skip
