"""Frames and slices with their labels on top: one colour per structure everywhere.

Decides the colours of structures in pictures and in renderings, both as the paper has them, and
their contours' dashes, which tell them apart without any colour.
"""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba

from hipus.figures import style
from hipus.labels import HipLabel

#: Colours of the structures, as the paper's figures have them where they name one.
COLOURS = {
    HipLabel.ILIUM: "#F0E442",
    HipLabel.FEMORAL_HEAD: "#56B4E9",
    HipLabel.CHONDRO_OSSEOUS_BORDER: "#FFFFFF",
    HipLabel.FEMORAL_CORTEX: "#2FBF71",
    HipLabel.LABRUM: "#CC79A7",
}
#: Colours of surfaces in renderings: purple, grey, turquoise and blue, as in the paper's.
SURFACE_COLOURS = {
    HipLabel.ILIUM: "#7B13DF",
    HipLabel.FEMORAL_HEAD: "#D4D4D4",
    HipLabel.CHONDRO_OSSEOUS_BORDER: "#1B8272",
    HipLabel.FEMORAL_CORTEX: "#4297E9",
}
#: Dashes of contours: offset, then lengths on and off in line widths.
DASHES = {
    HipLabel.ILIUM: (0, ()),
    HipLabel.FEMORAL_HEAD: (0, (5, 1.5)),
    HipLabel.CHONDRO_OSSEOUS_BORDER: (0, (1.2, 0.9)),
    HipLabel.FEMORAL_CORTEX: (0, (4, 1.2, 1.2, 1.2)),
}
STRUCTURES = tuple(DASHES)
#: Of thin solid contours of the truth, on top of a mask.
TRUTH_COLOUR = style.PALETTE["reference"]
#: What contours lie on; light ones would be lost on a page.
GROUND = "#30343A"
NAMES = {
    HipLabel.ILIUM: "ilium",
    HipLabel.FEMORAL_HEAD: "femoral head",
    HipLabel.CHONDRO_OSSEOUS_BORDER: "chondro-osseous border",
    HipLabel.FEMORAL_CORTEX: "femoral cortex",
    HipLabel.LABRUM: "labrum",
}
#: Structures as tables call them -> in words.
SPOKEN = {label.name.lower(): NAMES[label] for label in STRUCTURES}


def colour_labels(mask: np.ndarray, *, opacity: float = 0.45) -> np.ndarray:
    """Return a mask as an RGBA picture, transparent where nothing is labelled.

    Parameters
    ----------
    mask : numpy.ndarray (H, W) int
        In the hip scheme.
    opacity : float

    Returns
    -------
    numpy.ndarray (H, W, 4) float64
    """
    picture = np.zeros((*mask.shape, 4))
    for label, colour in COLOURS.items():
        picture[mask == label] = to_rgba(colour, opacity)
    return picture


def show_labelled(axes, frame: np.ndarray, mask: np.ndarray | None, side_mm: float) -> None:
    """Show a frame with its labels, axes in mm.

    Parameters
    ----------
    axes : matplotlib axes
    frame : numpy.ndarray (H, W)
    mask : numpy.ndarray (H, W) or None
    side_mm : float
        Side of a pixel.
    """
    height, width = np.array(frame.shape) * side_mm
    options = {"extent": (0, width, height, 0), "interpolation": "nearest"}
    axes.imshow(frame, cmap=style.GREY, vmin=0, vmax=255, **options)
    if mask is not None:
        axes.imshow(colour_labels(mask), **options)
    axes.tick_params(length=2)


def outline_labels(axes, mask: np.ndarray, spacing_yx_mm, *, width: float = 1.0, **options) -> None:
    """Draw the contours of a mask's structures, each in its colour and dashes.

    Parameters
    ----------
    axes : matplotlib axes
        In mm; the picture's corner is at 0, 0.
    mask : numpy.ndarray (H, W) int
    spacing_yx_mm : sequence of 2 float
        Sides of a pixel.
    width : float
        Line width, points.
    **options
        Passed to `contour`; linestyles or colors given here stand for all structures.
    """
    padded = np.pad(mask, 1)  # so that what leaves the picture has a closed contour
    y, x = ((np.arange(size) - 0.5) * side
            for size, side in zip(padded.shape, spacing_yx_mm, strict=True))  # fmt: skip
    for label, dashes in DASHES.items():
        if (mask == label).any():
            look = {"colors": [COLOURS[label]], "linestyles": [dashes], **options}
            axes.contour(x, y, padded == label, levels=[0.5], linewidths=width, **look)


def outline_truth(axes, truth: np.ndarray, spacing_yx_mm) -> None:
    """Draw the truth's contours thin and in one colour; see `outline_labels`."""
    outline_labels(axes, truth, spacing_yx_mm, width=0.6, linestyles="solid", colors=TRUTH_COLOUR)


def show_section(axes, grey: np.ndarray, mask: np.ndarray, spacing_yx_mm) -> None:
    """Show a section with its labels, faintly filled and outlined, axes in mm.

    Parameters
    ----------
    axes : matplotlib axes
    grey, mask : numpy.ndarray (H, W)
    spacing_yx_mm : sequence of 2 float
        Sides of a pixel.
    """
    height, width = np.array(grey.shape) * np.asarray(spacing_yx_mm, float)
    options = {"extent": (0, width, height, 0), "interpolation": "nearest"}
    axes.imshow(grey, cmap=style.GREY, vmin=0, vmax=255, **options)
    axes.imshow(colour_labels(mask, opacity=0.3), **options)
    outline_labels(axes, mask, spacing_yx_mm)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.tick_params(length=2)


def contour_handles(labels=STRUCTURES):
    """Return legend handles of structures in their colours and dashes.

    Parameters
    ----------
    labels : tuple of HipLabel

    Returns
    -------
    list of matplotlib.patches.Patch
    """
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=GROUND, edgecolor=COLOURS[label], linestyle=DASHES[label], lw=1.3,
              label=NAMES[label])
        for label in labels
    ]  # fmt: skip


def truth_handle():
    """Return the legend handle of the truth's contours; see `outline_truth`."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=TRUTH_COLOUR, lw=0.8, label="what was insonified")


def surface_handles(labels=STRUCTURES):
    """Return legend handles of the surfaces in renderings; see `contour_handles`."""
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=SURFACE_COLOURS[label], edgecolor="none", label=NAMES[label])
        for label in labels
    ]


def label_handles(labels=tuple(COLOURS)[:4]):
    """Return legend handles of the named structures.

    Parameters
    ----------
    labels : tuple of HipLabel

    Returns
    -------
    list of matplotlib.patches.Patch
    """
    from matplotlib.patches import Patch

    return [
        Patch(facecolor=COLOURS[label], edgecolor=style.PALETTE["ink"], label=NAMES[label], lw=0.4)
        for label in labels
    ]
