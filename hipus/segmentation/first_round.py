"""The grid of the first 3D round: every volume resized to as many rows and columns.

Decides how a volume gets onto that grid for training, and how a network trained on it labels
volumes as they are. The paper's model 3.1 saw volumes of 256 x 332 x depth whatever their size in
mm (appendix F.1), so its pixels are not square and differ from volume to volume.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from hipus.segmentation import network_grid

if TYPE_CHECKING:
    from hipus.segmentation.prediction import Segmenter


def resized_volume(volume: np.ndarray, shape_yx: tuple[int, int]) -> np.ndarray:
    """Resize grey values in the plane by cubic splines; the depth stays.

    Parameters
    ----------
    volume : numpy.ndarray (D, H, W)
    shape_yx : tuple of 2 int
        Rows and columns wanted.

    Returns
    -------
    numpy.ndarray (D, *shape_yx) float32

    Raises
    ------
    ValueError
        If the volume is no volume, or rows or columns are not positive.
    """
    shape = _shape(volume, shape_yx)
    channels = torch.from_numpy(np.array(volume, np.float32)[None])
    return network_grid.resampled_pictures(channels, shape)[0].numpy()


def resized_labels(labels: np.ndarray, shape_yx: tuple[int, int]) -> np.ndarray:
    """Resize labels in the plane: each label linearly, the largest share wins.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
    shape_yx : tuple of 2 int

    Returns
    -------
    numpy.ndarray (D, *shape_yx) uint8

    Raises
    ------
    ValueError
        As `resized_volume`.
    """
    shape = _shape(labels, shape_yx)
    best = torch.full((1, 1, *shape), -1.0)
    result = np.zeros(shape, np.uint8)
    for label in np.unique(labels):
        is_label = torch.from_numpy((labels == label).astype(np.float32))[None, None]
        share = functional.interpolate(is_label, size=shape, mode="trilinear", align_corners=False)
        result[(share > best)[0, 0].numpy()] = label
        best = torch.maximum(best, share)
    return result


def segment_resized(
    segmenter: Segmenter, volume: np.ndarray, *, shape_yx: tuple[int, int]
) -> np.ndarray:
    """Label a volume by a network that was trained on resized ones.

    Parameters
    ----------
    segmenter : Segmenter
        Of model 3.1.
    volume : numpy.ndarray (D, H, W)
        At its own size.
    shape_yx : tuple of 2 int
        What training volumes were resized to.

    Returns
    -------
    numpy.ndarray (D, H, W) uint8
        On the volume's own grid.

    Raises
    ------
    ValueError
        As `resized_volume` and `Segmenter.segment_volume`.

    Notes
    -----
    The network knows one spacing; a volume is presented at the spacing that makes it so many
    rows and columns there, so that its logits come back to its own grid as any other's do.
    """
    _shape(volume, shape_yx)
    spacing = segmenter.model.plan["spacing"]
    factors = (1.0, *(new / old for new, old in zip(shape_yx, volume.shape[1:], strict=True)))
    seen_mm = tuple(side * factor for side, factor in zip(spacing, factors, strict=True))
    return segmenter.segment_volume(volume, spacing_zyx_mm=seen_mm)


def _shape(volume: np.ndarray, shape_yx: tuple[int, int]) -> tuple[int, int, int]:
    """Return the shape wanted, after checking what there is."""
    if volume.ndim != 3 or 0 in volume.shape:
        raise ValueError(f"volume must be (D, H, W), none of them 0, got {volume.shape}")
    if len(shape_yx) != 2 or not all(side > 0 for side in shape_yx):
        raise ValueError(f"shape_yx must be 2 positive numbers, got {shape_yx}")
    return (volume.shape[0], *(int(side) for side in shape_yx))
