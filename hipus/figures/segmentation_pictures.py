"""Frames and sections with labels: what raters draw, what models make of it, what goes wrong.

Everything drawn here is simulated and says so, the raters too. What is shown was chosen by rule,
by the stages that saved it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import overlays, style

_RATERS = {"drawn": ("A", "solid", 1.0), "blind": ("B", (0, (1.2, 1.2)), 1.3)}
_FRAME_ROW = {"label": "raters' label", "frame_2.1": "2.1", "frame_2.2": "2.2",
              "frame_2.3": "2.3"}  # fmt: skip
_VOLUME_ROW = {"volume_truth": "what was insonified", "volume_2.3": "2.3, reconstructed",
               "volume_3.1": "3.1", "volume_3.2": "3.2"}  # fmt: skip
_OVERALL = "mean of the four"
_MODEL = "3.2"
#: Planes of failures: their axes, and which of z, y, x lie along rows and columns.
_PLANES = {"across_z": ("lateral", (1, 2)), "across_x": ("elevational", (1, 0))}
_GRADED_PLANES = ("lateral_axial", "elevational_axial", "lateral_elevational")
#: Between the names in one cell of a table.
_BETWEEN = ";"
_GRADES = ("good", "adequate", "insufficient")


def draw_annotation(inputs: Mapping[str, np.ndarray], inter_rater: pd.DataFrame) -> Figure:
    """Draw one labelled frame, two raters who did not see each other's, and how they agree.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `frame_labels`: frame, reviewed (the label), drawn (by A), blind (by B),
        (H, W) uint8; pixel_side_mm, name.
    inter_rater : pandas.DataFrame
        Table `inter_rater`: structure, dice, published_dice, frame_count.

    Returns
    -------
    matplotlib.figure.Figure
    """
    spacing = np.repeat(inputs["pixel_side_mm"], 2)
    with style.look():
        figure, axes = style.new_figure(2, 2, height_in=5.3)
        plain, label, blind, agreement = axes.ravel()
        nothing = np.zeros_like(inputs["reviewed"])
        overlays.show_section(plain, inputs["frame"], nothing, spacing)
        overlays.show_section(label, inputs["frame"], inputs["reviewed"], spacing)
        overlays.show_section(blind, inputs["frame"], nothing, spacing)
        for key, (_, dashes, width) in _RATERS.items():
            overlays.outline_labels(blind, inputs[key], spacing, width=width, linestyles=[dashes])
        plain.set_title(f"{inputs['name']}, simulated", fontsize=8)
        label.set_title("label: drawn by A, corrected by B", fontsize=8)
        blind.set_title("double-blind: A lines, B dots", fontsize=8)
        _label_mm(axes.ravel()[:3])
        _draw_agreement(agreement, inter_rater)
        figure.legend(handles=overlays.contour_handles(), loc="outside lower center", ncols=4)
    return figure


def _draw_agreement(box, rows: pd.DataFrame) -> None:
    """Draw the Dice of both raters beside the printed ones."""
    names = {**overlays.SPOKEN, "chondro_osseous_border": "border", _OVERALL: "mean"}
    rows = rows.set_index("structure").loc[list(names)]
    places = np.arange(len(rows))
    box.barh(places, rows["dice"], height=0.55, color=style.PALETTE["ours"],
             label="two simulated raters")  # fmt: skip
    box.plot(rows["published_dice"], places, "D", ms=4.5, mfc="white", mec=style.PALETTE["ink"],
             label="printed, clinical (fitted to)")  # fmt: skip
    counts = rows["frame_count"].astype(int)
    box.set_yticks(places, [f"{names[key]}\nn = {count}" for key, count in counts.items()])
    box.invert_yaxis()
    box.set(xlim=(0, 1), xlabel="Dice of two raters")
    box.set_title("double-blind frames of one infant", fontsize=8)
    box.legend(loc="upper center", bbox_to_anchor=(0.4, -0.2))


def draw_frames(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw one test frame with its label and 2D models, and its place in the volume below.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `segmentation_frame`: frame, label, `frame_<model>`, volume_grey,
        volume_truth and `volume_<model>`, (H, W) uint8; pixel_side_mm, name.

    Returns
    -------
    matplotlib.figure.Figure
        The lower row is the volume in the frame's plane: to be looked at, never scored, since
        a frame has no slice of its own in a volume of moved frames.
    """
    spacing = np.repeat(inputs["pixel_side_mm"], 2)
    rows = (("frame", _FRAME_ROW, "frame"), ("volume_grey", _VOLUME_ROW, "volume, there"))
    with style.look():
        figure, axes = style.new_figure(2, 4, height_in=3.8, sharex=True, sharey=True)
        for boxes, (grey, shown, words) in zip(axes, rows, strict=True):
            for box, (name, title) in zip(boxes, shown.items(), strict=True):
                overlays.show_section(box, inputs[grey], inputs[name], spacing)
                box.set_title(title, fontsize=7.5)
            boxes[0].set_ylabel(f"{words}\naxial, mm")
        for box in axes[-1]:
            box.set_xlabel("lateral, mm")
        figure.legend(handles=overlays.contour_handles(), loc="outside lower center", ncols=4,
                      title=f"{inputs['name']}, simulated")  # fmt: skip
    return figure


def draw_failures(inputs: Mapping[str, np.ndarray], grades: pd.DataFrame) -> Figure:
    """Draw the worst test volumes of model 3.2, with what is wrong with them.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `segmentation_failures`: after `worst<place>_`: name, dice (mean over
        structures), spacing_zyx_mm, and grey, 3.2 and truth `_across_z` and `_across_x`, through
        the places with most wrong voxels.
    grades : pandas.DataFrame
        Table `volume_grades`: subject_id, sweep_id, poses, grade, failures and dice_<structure>.

    Returns
    -------
    matplotlib.figure.Figure
        A row a volume, the worst first: the picture, with labels, and the other plane.
    """
    places = sorted(key.removesuffix("_name") for key in inputs if key.endswith("_name"))
    with style.look():
        figure, axes = style.new_figure(
            len(places), 4, height_in=0.7 + 1.75 * len(places), squeeze=False
        )
        for boxes, place in zip(axes, places, strict=True):
            own = {key.removeprefix(f"{place}_"): value for key, value in inputs.items()
                   if key.startswith(f"{place}_")}  # fmt: skip
            for pair, plane in zip((boxes[:2], boxes[2:]), _PLANES, strict=True):
                _show_failure(pair, own, plane)
            _title_row(boxes, _what(own, grades))
            boxes[0].set_ylabel("axial, mm")
        _add_legend(figure, "by model 3.2, simulated")
    return figure


def _show_failure(boxes, own: Mapping[str, np.ndarray], plane: str) -> None:
    """Show a plane without labels, and with the model's and the truth's."""
    words, sides = _PLANES[plane]
    spacing = own["spacing_zyx_mm"][list(sides)]
    grey, mask = own[f"grey_{plane}"], own[f"{_MODEL}_{plane}"]
    overlays.show_section(boxes[0], grey, np.zeros_like(mask), spacing)
    show_beside_truth(boxes[1], grey, mask, own[f"truth_{plane}"], spacing_yx_mm=spacing)
    for box in boxes:
        box.set_xlabel(f"{words}, mm", fontsize=7, labelpad=1)
        box.tick_params(labelsize=6.5)
    boxes[1].tick_params(labelleft=False)


def _what(own: Mapping[str, np.ndarray], grades: pd.DataFrame) -> str:
    """Name a volume, its Dice with that of its worst structure, and what rules find wrong."""
    name, dice = str(own["name"]), float(own["dice"])
    subject, sweep = name.split("/")
    is_it = (grades["subject_id"] == subject) & (grades["sweep_id"] == sweep)
    row = grades[is_it & (grades["poses"] == "tracked")].iloc[0]
    by_structure = {overlays.SPOKEN[key]: row[f"dice_{key}"] for key in overlays.SPOKEN}
    worst, least = min(by_structure.items(), key=lambda pair: np.nan_to_num(pair[1], nan=np.inf))
    found = "" if pd.isna(row["failures"]) else _listed(str(row["failures"]))
    told = f"{row['grade']}: {found}" if found else str(row["grade"])
    return f"{name}: mean Dice {dice:.2f}, {worst} {least:.2f}\n{told}"


def _listed(names: str, *, most: int = 5) -> str:
    """Return names that a table keeps in one cell as words, the first of many."""
    each = [name.replace("_", " ") for name in names.split(_BETWEEN) if name]
    rest = len(each) - most
    return ", ".join(each[:most]) + (f" and {rest} more" if rest > 0 else "")


def draw_graded(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw a typical volume of each grade in three planes.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `volume_grades`: after `<grade>_`: name, about (group, broken rules),
        dice_mean, and for each plane `<plane>_grey`, `_labels`, `_spacing_mm` (rows, columns)
        and, where known, `_truth`.

    Returns
    -------
    matplotlib.figure.Figure
        A row a grade, the best first; grades that no volume has are left out.
    """
    grades = [name for name in _GRADES if f"{name}_name" in inputs]
    with style.look():
        figure, axes = style.new_figure(
            len(grades), 3, height_in=0.7 + 1.95 * len(grades), squeeze=False
        )
        for boxes, grade in zip(axes, grades, strict=True):
            for box, plane in zip(boxes, _GRADED_PLANES, strict=True):
                grey, mask, truth, spacing = (
                    inputs.get(f"{grade}_{plane}_{part}")
                    for part in ("grey", "labels", "truth", "spacing_mm")
                )
                show_beside_truth(box, grey, mask, truth, spacing_yx_mm=spacing)
                across, down = plane.split("_")
                box.set_xlabel(f"{across}, mm", labelpad=1)
                box.set_ylabel(f"{down}, mm")
            _title_row(boxes, _about(inputs, grade))
        _add_legend(figure, "typical volumes of each grade by rules, model 3.2, simulated")
    return figure


def _about(inputs: Mapping[str, np.ndarray], grade: str) -> str:
    """Return the title of a graded volume."""
    group, broken = (str(part) for part in inputs[f"{grade}_about"])
    dice = float(inputs[f"{grade}_dice_mean"])
    told = f"mean Dice {dice:.2f}" if np.isfinite(dice) else "no truth known"
    why = f"\n{_listed(broken, most=4)}" if broken else ""
    return f"{grade}: {inputs[f'{grade}_name']} ({group.replace('_', ' ')}), {told}{why}"


def _title_row(boxes, words: str) -> None:
    """Give a row of axes one title, as wide as the row."""
    # Laid out, the words would widen their column: empty titles keep the room for them.
    for box in boxes:
        box.set_title("\n".join(" " for _ in words.splitlines()), fontsize=7)
    text = boxes[0].annotate(words, (0, 1), (0, 5), xycoords="axes fraction", weight="bold",
                             textcoords="offset points", va="bottom", fontsize=7)  # fmt: skip
    text.set_in_layout(False)


def show_beside_truth(box, grey, mask, truth, *, spacing_yx_mm) -> None:
    """Show a section with a mask and, thin and orange, the truth's contours.

    Parameters
    ----------
    box : matplotlib axes
    grey, mask : numpy.ndarray (H, W)
    truth : numpy.ndarray (H, W) or None
    spacing_yx_mm : sequence of 2 float
    """
    overlays.show_section(box, grey, mask, spacing_yx_mm)
    if truth is not None:
        overlays.outline_truth(box, truth, spacing_yx_mm)


def _label_mm(axes) -> None:
    """Label the axes of frames."""
    for box in axes:
        box.set_xlabel("lateral, mm")
        box.set_ylabel("axial, mm")


def _add_legend(figure: Figure, title: str) -> None:
    """Explain the model's contours and the truth's."""
    handles = [*overlays.contour_handles(), overlays.truth_handle()]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, title=title,
                  columnspacing=1.0, handlelength=1.6)  # fmt: skip
