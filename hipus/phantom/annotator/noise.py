"""Smooth random fields on separable grids.

Decides nothing about raters: draws Gaussian noise of unit variance with Gaussian correlation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def draw_noise(
    rng: np.random.Generator,
    positions: Sequence[np.ndarray],
    *,
    lengths: Sequence[float],
    channels: int = 1,
) -> np.ndarray:
    """Draw independent smooth fields on the product grid of some positions.

    Parameters
    ----------
    rng : numpy.random.Generator
    positions : sequence of numpy.ndarray (K_i,)
        Grid positions along each axis, in any unit, not necessarily even.
    lengths : sequence of float
        Correlation length along each axis, in the unit of its positions: the correlation of
        two values at distance d is exp(-d^2 / (2 length^2)). 0 makes an axis independent.
    channels : int

    Returns
    -------
    numpy.ndarray (channels, K_1, ..., K_n) float32
        Mean 0, variance 1 everywhere, borders included.

    Raises
    ------
    ValueError
        If positions and lengths differ in number, or a length is negative.

    Notes
    -----
    A Gaussian process with a separable kernel: white noise times the symmetric square root
    of each axis' correlation matrix (Rasmussen & Williams 2006, section 2.2).
    """
    if len(positions) != len(lengths) or min(lengths, default=0) < 0:
        raise ValueError(
            f"lengths must be one number >= 0 for each of {len(positions)} axes, got {lengths}"
        )
    field = rng.standard_normal((channels, *(len(axis) for axis in positions)), dtype=np.float32)
    for axis, (places, length) in enumerate(zip(positions, lengths, strict=True), start=1):
        root = _square_root(np.asarray(places, np.float64), length)
        field = np.moveaxis(np.tensordot(root, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def _square_root(places: np.ndarray, length: float) -> np.ndarray:
    """Return the symmetric square root of a correlation matrix, (K, K) float32."""
    if length == 0:
        return np.eye(len(places), dtype=np.float32)
    apart = (places[:, None] - places[None]) / length
    values, vectors = np.linalg.eigh(np.exp(-0.5 * apart**2))
    # Rounding makes the smallest of these matrices' eigenvalues slightly negative.
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root.astype(np.float32)


def lattice(size: int, pitch: float) -> np.ndarray:
    """Return evenly spaced nodes that stand for the pixels of one axis.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    pitch : float
        Wanted distance of the nodes, pixels; the nearest that divides the axis is taken.

    Returns
    -------
    numpy.ndarray (K,) float64
        Pixel coordinates in the convention of resizing: each node is the centre of its share
        of the axis, K >= 2.
    """
    count = max(2, round(size / pitch))
    return (np.arange(count) + 0.5) * size / count - 0.5
