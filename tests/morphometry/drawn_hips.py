"""Full-anatomy masks of simulated hips in turned volumes, labelled only where labels change."""

import numpy as np
from scipy import ndimage

from hipus.phantom.anatomy.masks import label_points

#: What a volume shows: from, to along the left hip's axes, mm.
BOX_MM = np.array([[-14.5, -16.0, -12.5], [11.0, 16.0, 26.5]])
#: Cells of this size whose corners differ are labelled finely, mm: bands are 1.25 mm thick.
CELL_MM = 0.8


def label_turned(hip, turn, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (D, H, W) and the volume's origin in the hip frame, axes turned by `turn`.

    Whatever lies outside `BOX_MM` is left unlabelled, as if it had not been seen.
    """
    side, cell = np.array([hip.lateral_sign, 1.0, 1.0]), max(1, int(CELL_MM / spacing_mm))
    corners = np.array(np.meshgrid(*BOX_MM.T)).reshape(3, -1).T * side
    low, high = (corners @ turn).min(0), (corners @ turn).max(0)
    count = cell * np.ceil((high - low) / spacing_mm / cell).astype(int) + 1
    origin = turn @ low

    def labelled(index_xyz):
        points = index_xyz * spacing_mm @ turn.T + origin
        labels = np.zeros(len(points), np.uint8)
        inside = ((points * side >= BOX_MM[0]) & (points * side <= BOX_MM[1])).all(axis=1)
        labels[inside] = label_points(hip, points[inside])
        return labels

    def grid(step):
        axes = [np.arange(0, size, step) for size in count[::-1]]
        return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)

    coarse = grid(cell)
    known = labelled(coarse.reshape(-1, 3)).reshape(coarse.shape[:3])
    around = [filt(known, 3) for filt in (ndimage.minimum_filter, ndimage.maximum_filter)]
    size = tuple(slice(n) for n in count[::-1])
    labels, changing = (_finer(a, cell)[size] for a in (known, around[0] != around[1]))
    fine = np.argwhere(changing)
    labels[tuple(fine.T)] = labelled(fine[:, ::-1])
    return labels, origin


def _finer(array: np.ndarray, times: int) -> np.ndarray:
    """Repeat every value along every axis."""
    for axis in range(array.ndim):
        array = np.repeat(array, times, axis)
    return array
