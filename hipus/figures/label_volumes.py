"""Sections through label volumes: as a reader sees them, and one typical volume of each grade.

Decides how a volume is cut for a person: evenly through what is labelled, in all three
directions, so that nothing is picked. Names neither a model nor a grade unless asked to.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hipus.figures import overlays, style
from hipus.images import Volume

#: Rows of a reader's picture: axis across the section, whether it is transposed, its sides.
_CUTS = (
    (0, False, "axial × lateral", "elevational"),
    (2, True, "axial × elevational", "lateral"),
    (1, False, "elevational × lateral", "axial"),
)
#: Planes of a graded example, as the figure input names them, and their sides in words.
_PLANES = {
    "lateral_axial": "axial × lateral",
    "elevational_axial": "axial × elevational",
    "lateral_elevational": "elevational × lateral",
}
_GRADES = ("good", "adequate", "insufficient")


def draw_label_volume(grey: Volume, labels: np.ndarray, *, sections: int = 5) -> Figure:
    """Draw sections through a labelled volume, evenly along what is labelled.

    Parameters
    ----------
    grey : Volume
        x lateral, y axial, z elevational.
    labels : numpy.ndarray (D, H, W) int
        In the hip scheme, on the grid of `grey`.
    sections : int
        In each of the three directions.

    Returns
    -------
    matplotlib.figure.Figure
        Titles say how far each section lies from the volume's centre, mm.

    Raises
    ------
    ValueError
        If the labels lie on another grid.
    """
    if labels.shape != grey.array.shape:
        raise ValueError(f"labels must be {grey.array.shape} like the volume, got {labels.shape}")
    with style.look():
        figure, axes = style.new_figure(len(_CUTS), sections, height_in=4.8, squeeze=False)
        for row, (axis, is_turned, sides, across) in zip(axes, _CUTS, strict=True):
            for box, place in zip(row, section_places(labels, axis, count=sections), strict=True):
                pair = (np.take(one, place, axis=axis) for one in (grey.array, labels))
                plane, mask = (one.T if is_turned else one for one in pair)
                spacing = np.delete(np.array(grey.spacing_zyx_mm), axis)
                overlays.show_section(box, plane, mask, spacing[::-1] if is_turned else spacing)
                offset = (place - (labels.shape[axis] - 1) / 2) * grey.spacing_zyx_mm[axis]
                box.set_title(f"{across} {offset:+.1f} mm", fontsize=6.5, fontweight="normal")
                box.tick_params(labelsize=5.5)
            row[0].set_ylabel(f"{sides}, mm", fontsize=6.5)
        handles = overlays.contour_handles()
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def section_places(labels: np.ndarray, axis: int, *, count: int) -> np.ndarray:
    """Return where sections cut a label volume along an axis.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) int
    axis : int
    count : int

    Returns
    -------
    numpy.ndarray (count,) int
        In the middle of equal parts of the labelled stretch, or, without any label, of the
        whole axis.
    """
    others = tuple(other for other in range(labels.ndim) if other != axis)
    where = np.flatnonzero((labels > 0).any(axis=others))
    first, last = (where[0], where[-1]) if len(where) else (0, labels.shape[axis] - 1)
    return np.rint(first + (last - first) * (np.arange(count) + 0.5) / count).astype(int)


def draw_graded_examples(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw sections through a typical volume of each grade that occurs.

    Parameters
    ----------
    inputs : mapping of str to numpy.ndarray
        Figure input `volume_grades`: of each grade its name, and under `<grade>_<plane>_` grey,
        labels and spacing_mm (rows, columns).

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no grade is there.
    """
    grades = [grade for grade in _GRADES if f"{grade}_name" in inputs]
    if not grades:
        raise ValueError(f"inputs must hold a volume of one of {_GRADES}, got none")
    with style.look():
        size = (len(grades), len(_PLANES))
        figure, axes = style.new_figure(*size, height_in=0.5 + 2.0 * len(grades), squeeze=False)
        for row, grade in zip(axes, grades, strict=True):
            for box, (plane, sides) in zip(row, _PLANES.items(), strict=True):
                parts = (inputs[f"{grade}_{plane}_{name}"] for name in ("grey", "labels"))
                overlays.show_section(box, *parts, inputs[f"{grade}_{plane}_spacing_mm"])
                box.set_ylabel(f"{sides}, mm", fontsize=6.5)
            row[0].set_title(_title(inputs, grade), fontsize=8)
        handles = overlays.contour_handles()
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _title(inputs: Mapping[str, np.ndarray], grade: str) -> str:
    """Return what is said of one example."""
    dice = float(inputs[f"{grade}_dice_mean"])
    told = "no truth" if np.isnan(dice) else f"Dice {dice:.2f}"
    return f"{grade}: {inputs[f'{grade}_name']}, {told} (simulated)"
