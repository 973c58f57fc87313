"""Sections through a label volume, as a person sees it who looks or grades.

Decides how it is cut: evenly through what is labelled, in all three directions, so that nothing
is picked. Names neither a model nor a grade.
"""

from __future__ import annotations

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
    heights = _heights(labels.shape, grey.spacing_zyx_mm)
    height_in = 1.1 + 0.88 * style.TEXT_WIDTH_IN / sections * sum(heights)
    with style.look():
        figure, axes = style.new_figure(
            len(_CUTS), sections, height_in=height_in, height_ratios=heights, squeeze=False
        )
        for row, (axis, is_turned, sides, across) in zip(axes, _CUTS, strict=True):
            for box, place in zip(row, section_places(labels, axis, count=sections), strict=True):
                pair = (np.take(one, place, axis=axis) for one in (grey.array, labels))
                plane, mask = (one.T if is_turned else one for one in pair)
                spacing = np.delete(np.array(grey.spacing_zyx_mm), axis)
                overlays.show_section(box, plane, mask, spacing[::-1] if is_turned else spacing)
                offset = (place - (labels.shape[axis] - 1) / 2) * grey.spacing_zyx_mm[axis]
                title = f"{across} {offset:+.1f} mm" if box is row[0] else f"{offset:+.1f} mm"
                box.set_title(title, fontsize=6.5, fontweight="normal")
                box.tick_params(labelsize=5.5)
            row[0].set_ylabel(f"{sides}, mm", fontsize=6.5)
        handles = overlays.contour_handles()
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _heights(shape_zyx, spacing_zyx_mm) -> list[float]:
    """Return how high each row's sections are, in their widths."""
    sizes = np.array(shape_zyx) * spacing_zyx_mm
    sides = [(np.delete(sizes, axis), is_turned) for axis, is_turned, *_ in _CUTS]
    pairs = [pair[::-1] if is_turned else pair for pair, is_turned in sides]
    return [float(height / width) for height, width in pairs]


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
