"""Correcting a prior mask: what a rater leaves alone, and the effort of the rest.

Decides which differences between a prior mask and a rater's own drawing are worth a stroke.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.labels import HipLabel
from hipus.phantom.annotator.rater import DRAWN

#: How far around something noticed a rater redraws (assumed).
BRUSH_MM = 2.0


@dataclass(frozen=True)
class Annotation:
    """Masks drawn by a simulated rater, and what it took.

    Attributes
    ----------
    masks : numpy.ndarray (N, H, W) or (D, H, W) uint8
        Scheme hip, labels 1 to 4.
    changed_voxels : int
        Pixels or voxels whose label differs from the prior (without one: from background).
    touched_slices : int
        Frames, or slices along the first axis, in which at least one does.
    """

    masks: np.ndarray
    changed_voxels: int
    touched_slices: int


def annotation(masks: np.ndarray, prior: np.ndarray | None) -> Annotation:
    """Return masks with their effort against a prior; None stands for background."""
    changed = masks != (0 if prior is None else prior)
    touched = changed.reshape(len(changed), -1).any(axis=1)
    return Annotation(masks, int(changed.sum()), int(touched.sum()))


def only_drawn(prior: np.ndarray) -> np.ndarray:
    """Return a prior mask without what raters do not draw (the labrum)."""
    return np.where(np.isin(prior, DRAWN), prior, HipLabel.BACKGROUND).astype(np.uint8)


def correct(prior: np.ndarray, own: np.ndarray, *, spacing_mm, tolerance_mm: float) -> np.ndarray:
    """Redraw a prior mask where it is noticeably unlike one's own drawing.

    Parameters
    ----------
    prior, own : numpy.ndarray (...) uint8
        Labels.
    spacing_mm : sequence of float
        Along each axis.
    tolerance_mm : float
        What lies further than this from the same structure of the other mask is noticed.

    Returns
    -------
    numpy.ndarray (...) uint8
        `own` wherever the masks differ within `BRUSH_MM` of something noticed, else `prior`.
    """
    differs = prior != own
    noticed = np.zeros(prior.shape, bool)
    for first, second in ((prior, own), (own, prior)):
        for label in np.unique(first[differs]):
            if label:
                _notice(
                    noticed, first == label, than=second == label,
                    spacing_mm=spacing_mm, tolerance_mm=tolerance_mm,
                )  # fmt: skip
    if not noticed.any():
        return prior.copy()
    box = bounding_box(noticed, [int(np.ceil(BRUSH_MM / side)) for side in spacing_mm])
    near = ndimage.distance_transform_edt(~noticed[box], sampling=spacing_mm) <= BRUSH_MM
    out = prior.copy()
    out[box] = np.where(near, own[box], prior[box])
    return out


def _notice(noticed: np.ndarray, mask, *, than, spacing_mm, tolerance_mm: float) -> None:
    """Mark where a mask lies further than the tolerance from another one."""
    # Only the mask's surroundings matter; the margin keeps all distances up to the tolerance.
    box = bounding_box(mask, [int(np.ceil(tolerance_mm / side)) + 1 for side in spacing_mm])
    if not than[box].any():
        noticed[mask] = True
        return
    far = ndimage.distance_transform_edt(~than[box], sampling=spacing_mm) > tolerance_mm
    noticed[box] |= mask[box] & far


def bounding_box(mask: np.ndarray, margin) -> tuple[slice, ...]:
    """Return slices around the true part of a mask, widened by a margin per axis.

    Parameters
    ----------
    mask : numpy.ndarray (...) bool
        At least one true.
    margin : sequence of int

    Returns
    -------
    tuple of slice
        Within the array.
    """
    box = []
    for axis, wide in enumerate(margin):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(max(found[0] - wide, 0), min(found[-1] + wide + 1, mask.shape[axis])))
    return tuple(box)
