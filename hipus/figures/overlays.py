"""Frames and slices with their labels on top: one colour per structure everywhere."""

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
NAMES = {
    HipLabel.ILIUM: "ilium",
    HipLabel.FEMORAL_HEAD: "femoral head",
    HipLabel.CHONDRO_OSSEOUS_BORDER: "chondro-osseous border",
    HipLabel.FEMORAL_CORTEX: "femoral cortex",
    HipLabel.LABRUM: "labrum",
}


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
