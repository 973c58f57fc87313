"""From a picture's grid to the one a network sees, and back.

Decides crop, z-score and resampling exactly as nnU-Net's preprocessing and export do, in
matrix products and torch's own interpolation, which take a tenth of the time. Deliberately
runs no network (see `prediction`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

_THICK = 3.0  # from this ratio of spacings on, nnU-Net resamples the thick axis by itself
_LEAST_SD = 1e-8


def content_box(channels: np.ndarray) -> tuple[slice, ...]:
    """Return the smallest box outside which all channels are zero.

    Parameters
    ----------
    channels : numpy.ndarray (C, *shape)

    Returns
    -------
    tuple of slice
        Of the axes behind the first; the whole picture where it is zero everywhere.
    """
    is_content = (channels != 0).any(axis=0)
    if not is_content.any():
        return tuple(slice(0, side) for side in is_content.shape)
    box = []
    for axis in range(is_content.ndim):
        others = tuple(other for other in range(is_content.ndim) if other != axis)
        places = np.flatnonzero(is_content.any(axis=others))
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)


def standardised(channels: np.ndarray) -> np.ndarray:
    """Return each channel with mean 0 and standard deviation 1.

    Parameters
    ----------
    channels : numpy.ndarray (C, *shape)

    Returns
    -------
    numpy.ndarray (C, *shape) float32
        A channel of one value becomes 0.
    """
    channels = np.array(channels, dtype=np.float32)
    for channel in channels:
        channel -= channel.mean()
        channel /= max(float(channel.std()), _LEAST_SD)
    return channels


def resampled_shape(
    shape: Sequence[int], spacing_mm: Sequence[float], target_mm: Sequence[float]
) -> tuple[int, ...]:
    """Return the shape of a picture at another spacing, as nnU-Net rounds it.

    Parameters
    ----------
    shape : sequence of int
    spacing_mm, target_mm : sequence of float
        Of the picture and of the network.

    Returns
    -------
    tuple of int
    """
    sides = zip(shape, spacing_mm, target_mm, strict=True)
    return tuple(int(round(old / new * size)) for size, old, new in sides)


def thick_axis(spacing_mm: Sequence[float], target_mm: Sequence[float]) -> int | None:
    """Return the axis that is resampled by nearest neighbours, if there is one.

    Parameters
    ----------
    spacing_mm, target_mm : sequence of float
        From and to; the first that is anisotropic decides.

    Returns
    -------
    int or None
        The one axis whose spacing is the largest and over three times the smallest.
    """
    for spacing in (spacing_mm, target_mm):
        if max(spacing) / min(spacing) > _THICK:
            axes = [axis for axis, side in enumerate(spacing) if side == max(spacing)]
            return axes[0] if len(axes) == 1 else None
    return None


def resampled_pictures(
    channels: torch.Tensor, shape: Sequence[int], *, thick: int | None = None
) -> torch.Tensor:
    """Resample intensities by cubic splines.

    Parameters
    ----------
    channels : torch.Tensor (C, *old_shape)
    shape : sequence of int
        Wanted.
    thick : int, optional
        Axis resampled by nearest neighbours instead, see `thick_axis`.

    Returns
    -------
    torch.Tensor (C, *shape)

    Notes
    -----
    Equals skimage's `resize(order=3, mode="edge", anti_aliasing=False)` as nnU-Net calls it:
    interpolation by splines is linear and separable, so one matrix for each axis holds it
    whole, prefilter and edges included; its clipping to the channel's range is kept.
    """
    if tuple(channels.shape[1:]) == tuple(shape):
        return channels
    low, high = channels.flatten(1).min(dim=1).values, channels.flatten(1).max(dim=1).values
    result = channels
    for axis, size in enumerate(shape):
        if axis != thick and result.shape[1 + axis] != size:
            matrix = _spline_matrix(result.shape[1 + axis], size).to(result.device)
            result = torch.tensordot(result, matrix, dims=([1 + axis], [1])).movedim(-1, 1 + axis)
    ends = (1,) * len(shape)
    result = torch.clamp(result, low.view(-1, *ends), high.view(-1, *ends))
    return _nearest(result, thick, shape)


def resampled_logits(
    logits: torch.Tensor, shape: Sequence[int], *, thick: int | None = None
) -> torch.Tensor:
    """Resample logits linearly.

    Parameters
    ----------
    logits : torch.Tensor (K, *old_shape)
    shape : sequence of int
        Wanted.
    thick : int, optional
        Axis resampled by nearest neighbours instead.

    Returns
    -------
    torch.Tensor (K, *shape)

    Notes
    -----
    Equals skimage's `resize(order=1, mode="edge", anti_aliasing=False)`.
    """
    if tuple(logits.shape[1:]) == tuple(shape):
        return logits
    linear = [logits.shape[1 + a] if a == thick else size for a, size in enumerate(shape)]
    mode = {2: "bilinear", 3: "trilinear"}[len(shape)]
    result = functional.interpolate(logits[None], size=linear, mode=mode, align_corners=False)[0]
    return _nearest(result, thick, shape)


def _nearest(array: torch.Tensor, axis: int | None, shape: Sequence[int]) -> torch.Tensor:
    """Resample one axis by nearest neighbours."""
    if axis is None or array.shape[1 + axis] == shape[axis]:
        return array
    old, new = array.shape[1 + axis], shape[axis]
    places = np.floor((np.arange(new) + 0.5) * old / new).clip(0, old - 1).astype(np.int64)
    return array.index_select(1 + axis, torch.from_numpy(places).to(array.device))


@lru_cache(maxsize=64)
def _spline_matrix(old: int, new: int) -> torch.Tensor:
    """Return what cubic splines do along one axis, as a matrix (new, old)."""
    steps = np.eye(old)
    matrix = ndimage.zoom(steps, (new / old, 1.0), order=3, mode="nearest", grid_mode=True)
    return torch.from_numpy(matrix.astype(np.float32))
