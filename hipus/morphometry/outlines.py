"""Area, centroid and roundness of a closed outline.

Decides that a shape's numbers come from the area inside its outline (Green's theorem), so that
they do not hang on how densely a side is drawn. Deliberately knows no structure.
"""

from __future__ import annotations

import numpy as np


def _edges(outline_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each edge's cross product and the following points."""
    following = np.roll(outline_mm, -1, axis=0)
    cross = outline_mm[:, 0] * following[:, 1] - following[:, 0] * outline_mm[:, 1]
    return cross, following


def area_mm2(outline_mm: np.ndarray) -> float:
    """Return the area inside a closed outline.

    Parameters
    ----------
    outline_mm : numpy.ndarray (N, 2)

    Returns
    -------
    float
        Not negative, whichever way the outline runs.
    """
    cross, _ = _edges(outline_mm - outline_mm[0])
    return float(abs(cross.sum()) / 2)


def centroid_mm(outline_mm: np.ndarray) -> np.ndarray:
    """Return the centroid (2,) of the area inside a closed outline (N, 2)."""
    shifted = outline_mm - outline_mm[0]
    cross, following = _edges(shifted)
    return outline_mm[0] + ((shifted + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())


def roundness(outline_mm: np.ndarray) -> float:
    """Return the short over the long axis of the ellipse with an outline's second moments.

    Parameters
    ----------
    outline_mm : numpy.ndarray (N, 2)

    Returns
    -------
    float
        1 for a circle.
    """
    centred = outline_mm - centroid_mm(outline_mm)
    cross, following = _edges(centred)
    (x, y), (x1, y1) = centred.T, following.T
    xx = cross @ (x * x + x * x1 + x1 * x1) / 12
    yy = cross @ (y * y + y * y1 + y1 * y1) / 12
    xy = cross @ (x * y1 + 2 * x * y + 2 * x1 * y1 + x1 * y) / 24
    low, high = np.sort(np.abs(np.linalg.eigvalsh([[xx, xy], [xy, yy]])))
    return float(np.sqrt(low / high))
