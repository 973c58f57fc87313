"""Overlap of masks.

Decides what the numbers are when a structure is absent. Surface distances are not here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two masks.

    Parameters
    ----------
    first, second : numpy.ndarray (...) bool
        Of the same shape.

    Returns
    -------
    float
        2 |A and B| / (|A| + |B|) (Dice 1945): 0 where one is empty, NaN where both are.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return float(dice_per_label(_as_labels(first), _as_labels(second), (1,))[0])


def _as_labels(mask) -> np.ndarray:
    return np.asarray(mask, bool).view(np.uint8)


def dice_per_label(first, second, labels: Sequence[int]) -> np.ndarray:
    """Return the Dice coefficient of several labels.

    Parameters
    ----------
    first, second : numpy.ndarray (...) integer
        Masks of the same shape.
    labels : sequence of int

    Returns
    -------
    numpy.ndarray (len(labels),) float64
        0 where one mask lacks the label, NaN where both do: absent twice says nothing about
        overlap, so summaries must state how many values they leave out.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        raise ValueError(f"masks must have one shape, got {first.shape} and {second.shape}")
    scores = np.full(len(labels), np.nan)
    for index, label in enumerate(labels):
        in_first, in_second = first == label, second == label
        total = np.count_nonzero(in_first) + np.count_nonzero(in_second)
        if total:
            scores[index] = 2 * np.count_nonzero(in_first & in_second) / total
    return scores
