"""Outlines of labelled sections as paths of a vector drawing.

Decides the drawing's coordinates: mm from the centre of the section's first pixel, to the right
towards inferior, down towards medial.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hipus.figures.overlays import STRUCTURES

#: Blur before an outline is cut at one half, px, and how far a simpler one may lie off it, mm.
_BLUR_PX, _OFF_MM = 1.1, 0.03
_EDGE_PX = 4


def outlines(labels: np.ndarray, pixel_mm: float) -> dict[str, str]:
    """Return the outlines of a section's structures.

    Parameters
    ----------
    labels : numpy.ndarray (H, W) uint8
        In the hip scheme, rows from lateral to medial, columns from superior to inferior.
    pixel_mm : float
        Side of a pixel.

    Returns
    -------
    dict of str to str
        By the structures' names in small letters: the `d` of an SVG path, closed.
    """
    from skimage.measure import approximate_polygon, find_contours

    found = {}
    for label in STRUCTURES:
        mask = np.pad(labels == label, _EDGE_PX).astype(float)
        if not mask.any():
            continue
        share = ndimage.gaussian_filter(mask, _BLUR_PX)
        level = min(0.5, 0.5 * float(share.max()))
        lines = [approximate_polygon((one - _EDGE_PX) * pixel_mm, _OFF_MM)
                 for one in find_contours(share, level)]  # fmt: skip
        found[label.name.lower()] = "".join(_path(line) for line in lines)
    return found


def _path(line_yx_mm: np.ndarray) -> str:
    """Return one closed line."""
    points = " ".join(f"{x:.2f},{y:.2f}" for y, x in line_yx_mm[:-1])
    return f"M{points}Z"
