"""A label volume as something to measure in: where voxels lie, and labels between voxels.

Decides the frame of all 3D measures (mm along x, y, z from the centre of voxel [0, 0, 0]) and
how a label is looked up between voxel centres: every label is blurred a little, sampled
trilinearly, and the largest share wins, so that steps of a coarse grid do not bend a line.
Deliberately knows no anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from hipus.morphometry.section_contours import SCHEMES

#: SD of the blur before sampling: enough to round a voxel's steps, too little to close a gap of
#: two voxels or to thin out a band of one and a half.
BLUR_VOXELS = 0.6


class VolumeRefused(ValueError):
    """A volume lacks what a measure needs; the message is a sentence for the reader."""


@dataclass(frozen=True, eq=False)
class LabelVolume:
    """Labels on a grid.

    Attributes
    ----------
    labels : numpy.ndarray (D, H, W) uint8
        Indexed [z, y, x].
    spacing_zyx_mm : tuple of 3 float
    scheme : {"hip", "stills"}

    Raises
    ------
    ValueError
        If the scheme is unknown, labels are no volume of it, or the spacing is not 3 positive
        numbers.
    """

    labels: np.ndarray
    spacing_zyx_mm: tuple[float, float, float]
    scheme: str = "hip"

    def __post_init__(self) -> None:
        """Check everything."""
        if self.scheme not in SCHEMES:
            raise ValueError(f"scheme must be one of {tuple(SCHEMES)}, got {self.scheme!r}")
        labels = np.asarray(self.labels)
        if labels.ndim != 3 or 0 in labels.shape or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"labels must be (D, H, W) integer, got {labels.shape} {labels.dtype}")
        known = {int(label) for label in SCHEMES[self.scheme]}
        if not known.issuperset(np.unique(labels).tolist()):
            raise ValueError(
                f"labels must be of {sorted(known)} in the scheme {self.scheme!r}, "
                f"got {np.unique(labels).tolist()}"
            )
        spacing = tuple(float(side) for side in self.spacing_zyx_mm)
        if len(spacing) != 3 or not all(np.isfinite(side) and side > 0 for side in spacing):
            raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing}")
        object.__setattr__(self, "labels", labels.astype(np.uint8, copy=False))
        object.__setattr__(self, "spacing_zyx_mm", spacing)
        object.__setattr__(self, "_blurred", {})

    @property
    def spacing_xyz_mm(self) -> np.ndarray:
        """Return the spacing in the order of points, (3,)."""
        return np.array(self.spacing_zyx_mm[::-1])

    @property
    def voxel_mm(self) -> float:
        """Return the side of a cube with a voxel's content."""
        return float(np.prod(self.spacing_zyx_mm) ** (1 / 3))

    @cached_property
    def _boxes(self) -> list:
        return ndimage.find_objects(self.labels, max_label=len(SCHEMES[self.scheme]))

    def has(self, label: int) -> bool:
        """Tell whether any voxel carries a label."""
        return self._boxes[int(label) - 1] is not None

    def voxels_mm(self, label: int) -> np.ndarray:
        """Return the centres of all voxels of a label, (N, 3) x, y, z."""
        box = self._boxes[int(label) - 1]
        if box is None:
            return np.empty((0, 3))
        index = np.argwhere(self.labels[box] == label) + [side.start for side in box]
        return index[:, ::-1] * self.spacing_xyz_mm

    def inside(self, points_mm) -> np.ndarray:
        """Tell which points (..., 3) lie in the volume, (...) bool."""
        index = np.asarray(points_mm) / self.spacing_xyz_mm
        return ((index >= -0.5) & (index <= np.array(self.labels.shape[::-1]) - 0.5)).all(-1)

    def share(self, label: int, points_mm, *, blur_voxels: float = BLUR_VOXELS) -> np.ndarray:
        """Return how much of a label there is at points, 0 to 1.

        Parameters
        ----------
        label : int
        points_mm : array-like (..., 3)
        blur_voxels : float
            SD of the blur, in voxels of each axis.

        Returns
        -------
        numpy.ndarray (...) float32
            0 outside the volume. One half is the label's boundary.
        """
        points = np.asarray(points_mm, np.float64)
        if not self.has(label):
            return np.zeros(points.shape[:-1], np.float32)
        key = (int(label), blur_voxels)
        if key not in self._blurred:
            self._blurred[key] = self._blur(*key)
        blurred, start = self._blurred[key]
        index = points.reshape(-1, 3) / self.spacing_xyz_mm - start
        found = ndimage.map_coordinates(blurred, index[:, ::-1].T, order=1, mode="constant")
        return found.reshape(points.shape[:-1])

    def _blur(self, label: int, blur_voxels: float) -> tuple[np.ndarray, np.ndarray]:
        """Return a label's blurred mask around its box, and where that begins (x, y, z)."""
        margin = int(np.ceil(4 * blur_voxels)) + 1
        sides = zip(self._boxes[label - 1], self.labels.shape, strict=True)
        box = tuple(
            slice(max(side.start - margin, 0), min(side.stop + margin, size))
            for side, size in sides
        )
        mask = (self.labels[box] == label).astype(np.float32)
        # Bone that the volume's edge cuts goes on beyond it.
        blurred = ndimage.gaussian_filter(mask, blur_voxels, mode="nearest")
        return blurred, np.array([side.start for side in box[::-1]])

    def labels_at(self, points_mm) -> np.ndarray:
        """Return the label with the largest share at points.

        Parameters
        ----------
        points_mm : array-like (..., 3)

        Returns
        -------
        numpy.ndarray (...) uint8
            Background where no label has a larger share than what is not labelled.
        """
        points = np.asarray(points_mm, np.float64)
        found = np.zeros(points.shape[:-1], np.uint8)
        best = np.zeros(points.shape[:-1], np.float32)
        rest = np.ones(points.shape[:-1], np.float32)
        for label in SCHEMES[self.scheme]:
            if label and self.has(label):
                share = self.share(label, points)
                found[share > best] = label
                best, rest = np.maximum(best, share), rest - share
        found[best <= rest] = 0
        return found


def unit(vector) -> np.ndarray:
    """Return a vector with length 1.

    Parameters
    ----------
    vector : array-like (3,)
    """
    vector = np.asarray(vector, np.float64)
    return vector / np.linalg.norm(vector)
