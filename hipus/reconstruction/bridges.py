"""Gaps of one sweep, found once and filled for every channel.

Decides nothing that `hipus.reconstruction.holes.fill_gaps` does not: the same gaps (a closing of
the hit voxels by half the widest gap) and the same normalised convolution, with what depends on
the hit voxels alone worked out once for grey values and all labels together, and with channels
that are nearly empty, as a label's is, smoothed within their own box.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from hipus.reconstruction.rows import compiled

#: Standard deviations that the Gaussian reaches, and the least certainty, as in `fill_gaps`.
_TRUNCATE, _LEAST_CERTAINTY = 4, 1e-6


@dataclass(frozen=True, eq=False)
class Bridges:
    """Which voxels lie in gaps, and how hit voxels fill them.

    Attributes
    ----------
    is_hit : numpy.ndarray (D, H, W) bool
    spacing_zyx_mm : tuple of 3 float
    widest_gap_mm : float
    is_gap : numpy.ndarray (D, H, W) bool
        To be filled: between hit voxels, not hit.
    certainty : numpy.ndarray (D, H, W) float32
        Gaussian mean of the hit mask.
    """

    is_hit: np.ndarray
    spacing_zyx_mm: tuple[float, float, float]
    widest_gap_mm: float
    is_gap: np.ndarray = field(init=False)
    certainty: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Find the gaps."""
        if not self.widest_gap_mm > 0:
            raise ValueError(f"widest_gap_mm must be positive, got {self.widest_gap_mm}")
        certainty = self._smooth(self.is_hit.astype(np.float32))
        closed = close(self.is_hit, self.widest_gap_mm / 2, spacing_zyx_mm=self.spacing_zyx_mm)
        object.__setattr__(self, "certainty", certainty)
        object.__setattr__(self, "is_gap", closed & ~self.is_hit & (certainty > _LEAST_CERTAINTY))

    @property
    def _sigma(self) -> np.ndarray:
        """Return the Gaussian's width in voxels."""
        spacing = np.array(self.spacing_zyx_mm)
        return np.maximum(self.widest_gap_mm / 4, spacing / 2) / spacing

    def _smooth(self, values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, self._sigma, truncate=_TRUNCATE)

    def reach(self) -> tuple[int, int, int]:
        """Return how many voxels a value is carried along each axis."""
        return tuple(int(_TRUNCATE * sigma + 0.5) for sigma in self._sigma)

    def fill(self, values: np.ndarray, box: tuple[slice, slice, slice] | None = None) -> None:
        """Fill the gaps of a channel, in place.

        Parameters
        ----------
        values : numpy.ndarray (D, H, W) float32
            Changed where `is_gap`; 0 where not hit.
        box : tuple of 3 slice, optional
            Part of the volume that `values` is; outside of it the channel is 0, and so it is
            within `reach` of the box's faces, unless they are the volume's own.
        """
        box = box or (slice(None),) * 3
        gap = self.is_gap[box]
        if gap.any():
            values[gap] = self._smooth(values)[gap] / self.certainty[box][gap]


def close(mask: np.ndarray, radius_mm: float, *, spacing_zyx_mm) -> np.ndarray:
    """Close a mask by a ball given in mm, as if the mask went on beyond the borders.

    Parameters
    ----------
    mask : numpy.ndarray (D, H, W) bool
    radius_mm : float
    spacing_zyx_mm : sequence of 3 float

    Returns
    -------
    numpy.ndarray (D, H, W) bool

    Notes
    -----
    Looks at the ball's own voxels, nearest first, and erodes only where growing has added
    something: for balls of a few voxels much faster than distance maps of the whole volume.
    """
    offsets = _ball(radius_mm, spacing_zyx_mm)
    reach = np.abs(offsets).max(axis=0)
    margin = [(int(count),) * 2 for count in reach]
    wide = np.pad(mask, margin, mode="edge")
    grown = _near(np.pad(wide, margin), offsets, reach, True, wide)
    return ~_near(grown, offsets, reach, False, mask)


def _ball(radius_mm: float, spacing_zyx_mm) -> np.ndarray:
    """Return the (z, y, x) steps to all voxels in a ball, nearest first."""
    spacing = np.array(spacing_zyx_mm)
    most = (radius_mm / spacing).astype(int)
    steps = np.array(list(np.ndindex(*(2 * most + 1)))) - most
    distance = np.linalg.norm(steps * spacing, axis=1)
    order = np.argsort(distance, kind="stable")
    return steps[order][distance[order] <= radius_mm]


@compiled
def _near(mask, offsets, reach, value, known):
    """Return which voxels have a voxel of a value in the ball, as a mask shaped like `known`.

    `mask` is wider than `known` by `reach` on each side. Where `known` is set the answer is
    not looked for: it is `value`, since growing and closing keep what is there.
    """
    found = np.zeros(known.shape, np.bool_)
    _, rows, columns = mask.shape
    flat = mask.reshape(-1)
    away = offsets[:, 0] * (rows * columns) + offsets[:, 1] * columns + offsets[:, 2]
    for z in range(known.shape[0]):
        for y in range(known.shape[1]):
            start = ((z + reach[0]) * rows + y + reach[1]) * columns + reach[2]
            for x in range(known.shape[2]):
                found[z, y, x] = known[z, y, x] and value
                if not known[z, y, x]:
                    for step in away:
                        if flat[start + x + step] == value:
                            found[z, y, x] = True
                            break
    return found
