"""Whether the largest piece of a structure is all of it, decided as nnU-Net does.

Decides by the validation cases alone of which structures a network's stray pieces are dropped.
Deliberately knows neither networks nor files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.metrics import dice_per_label


@dataclass(frozen=True)
class PieceDecision:
    """What dropping all but the largest piece of a structure does to the validation cases.

    Attributes
    ----------
    dice, dice_largest : float
        Mean over cases that show the structure, predicted or labelled: as it is, and of the
        largest piece alone; NaN where no case does.
    case_count : int
        Such cases.
    """

    dice: float
    dice_largest: float
    case_count: int

    @property
    def is_better(self) -> bool:
        """Return whether stray pieces are dropped."""
        return self.dice_largest > self.dice


def keep_largest(labels: np.ndarray, values: Iterable[int]) -> np.ndarray:
    """Keep the largest piece of some structures.

    Parameters
    ----------
    labels : numpy.ndarray (H, W) or (D, H, W) of unsigned int
    values : iterable of int
        Structures; the others stay as they are.

    Returns
    -------
    numpy.ndarray
        A new array; voxels of smaller pieces are background. Of equal pieces the first in
        memory stays. Pieces touch diagonally, too.
    """
    result = labels.copy()
    touching = np.ones((3,) * labels.ndim, bool)
    boxes = ndimage.find_objects(labels)
    for value in values:
        box = boxes[value - 1] if value <= len(boxes) else None
        if box is None:
            continue
        pieces, count = ndimage.label(labels[box] == value, touching)
        if count > 1:
            largest = 1 + np.argmax(np.bincount(pieces.ravel())[1:])
            result[box][(pieces > 0) & (pieces != largest)] = 0
    return result


def decide(
    cases: Iterable[tuple[np.ndarray, np.ndarray]], structures: Mapping[str, int]
) -> dict[str, PieceDecision]:
    """Decide of which structures only the largest piece is kept.

    Parameters
    ----------
    cases : iterable of (predicted, labelled)
        Masks of the validation cases, each pair of one shape.
    structures : mapping of str to int
        Name -> label.

    Returns
    -------
    dict of str to PieceDecision
        One for each structure.

    Raises
    ------
    ValueError
        If a pair differs in shape.

    Notes
    -----
    Isensee et al. (2021), supplementary note on postprocessing: a structure's smaller pieces are
    dropped if that raises its mean Dice over the validation cases. The paper's networks came
    with that step. nnU-Net tries all structures as one first; the hip's touch each other, so
    each is decided by itself. Test cases have no part in it.
    """
    values = tuple(structures.values())
    before, after = [], []
    for predicted, labelled in cases:
        before.append(dice_per_label(predicted, labelled, values))
        after.append(dice_per_label(keep_largest(predicted, values), labelled, values))
    shape = (-1, len(values))
    pairs = zip(np.reshape(before, shape).T, np.reshape(after, shape).T, strict=True)
    return {name: _decision(*pair) for name, pair in zip(structures, pairs, strict=True)}


def _decision(dice: np.ndarray, dice_largest: np.ndarray) -> PieceDecision:
    """Compare means over the cases that have a Dice."""
    is_shown = np.isfinite(dice)
    if not is_shown.any():
        return PieceDecision(float("nan"), float("nan"), 0)
    means = float(dice[is_shown].mean()), float(dice_largest[is_shown].mean())
    return PieceDecision(*means, int(is_shown.sum()))
