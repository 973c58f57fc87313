"""Counts and boxes of all labels of two masks, in one pass over both.

Decides nothing about scores: it counts voxels, so that Dice and volumes need no second pass
and surface distances need no more than the box around a structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True, eq=False)
class LabelTally:
    """What two label masks of one shape hold, by label.

    Voxels that are 0 in both masks are not counted, so that the counts of label 0 mean
    nothing.

    Attributes
    ----------
    first, second : numpy.ndarray (256,) int64
        Voxels of each label in either mask.
    shared : numpy.ndarray (256,) int64
        Voxels where both masks have the label.
    ends : numpy.ndarray (256, D, 2) int64
        First voxel and last + 1 along each of the D axes, around both masks' voxels of a
        label; the first is beyond the last where there are none.
    """

    first: np.ndarray
    second: np.ndarray
    shared: np.ndarray
    ends: np.ndarray

    def box(self, label: int) -> tuple[slice, ...]:
        """Return the box around a label in both masks; one voxel where neither has it."""
        ends = self.ends[label]
        if ends[0, 0] > ends[0, 1]:
            return (slice(0, 1),) * len(ends)
        return tuple(slice(int(low), int(high)) for low, high in ends)


def tally_labels(first: np.ndarray, second: np.ndarray) -> LabelTally:
    """Count the labels of two masks and find the boxes around them.

    Parameters
    ----------
    first, second : numpy.ndarray (D, H, W) or (H, W) uint8
        Of one shape.

    Returns
    -------
    LabelTally

    Raises
    ------
    ValueError
        If the masks are not uint8 arrays of one shape with 2 or 3 axes.
    """
    kinds = {first.dtype, second.dtype}
    if first.shape != second.shape or first.ndim not in (2, 3) or kinds != {np.dtype(np.uint8)}:
        raise ValueError(
            f"masks must be uint8 of one 2D or 3D shape, got {first.dtype} {first.shape} and "
            f"{second.dtype} {second.shape}"
        )
    counts, ends = np.zeros((3, 256), np.int64), np.zeros((256, 3, 2), np.int64)
    ends[:, :, 0] = max(first.shape) + 1
    shape = (1, *first.shape)[-3:]
    _count(first.reshape(shape), second.reshape(shape), counts, ends)
    return LabelTally(*counts, ends[:, -first.ndim :])


@njit(nogil=True, cache=True)
def _count(first, second, counts, ends):
    """Add to the counts in the first, in the second and in both, and widen the boxes."""
    for z in range(first.shape[0]):
        for y in range(first.shape[1]):
            for x in range(first.shape[2]):
                here = first[z, y, x], second[z, y, x]
                if not here[0] | here[1]:  # most of a volume
                    continue
                counts[0, here[0]] += 1
                counts[1, here[1]] += 1
                counts[2, here[0]] += here[0] == here[1]
                for label in here:
                    for axis, place in enumerate((z, y, x)):
                        ends[label, axis, 0] = min(ends[label, axis, 0], place)
                        ends[label, axis, 1] = max(ends[label, axis, 1], place + 1)
