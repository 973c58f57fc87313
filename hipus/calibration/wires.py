"""N-wire phantoms: where the wires are, and where a plane that crosses them must be.

Decides the geometry that spatial calibration rests on: wires in patterns of three (two
parallel outer ones and an oblique middle one in their plane). Deliberately knows no file
format (see `plus_phantom`), nothing of images (see `nwire`) or of poses (see `spatial`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hipus import geometry

#: Deviation of wire end points from a plane or from parallelism that still counts as none.
GEOMETRY_TOLERANCE_MM = 0.1


@dataclass(frozen=True)
class SegmentationSettings:
    """What the phantom's configuration says about finding its wires in an image.

    Attributes
    ----------
    approximate_spacing_mm : float
        Side of a pixel, to within some 15 %.
    clip_origin_px, clip_size_px : tuple of int or None
        Part of the image (u, v) that is searched; None for all of it.
    opening_radius_mm : float
        Radius of the disc of the morphological opening: smaller specks vanish.
    threshold_percent : float
        Share of the image's brightest value below which a pixel belongs to no dot.
    collinear_distance_mm : float
        Greatest distance of a layer's middle dot from the line of its outer dots.
    max_angle_difference_deg : float
        Greatest angle between two layers' lines.
    min_line_angle_deg, max_line_angle_deg : float
        Range of the lines' angle against the image's u axis.
    max_candidates : int
        Brightest dots that are kept.
    """

    approximate_spacing_mm: float
    clip_origin_px: tuple[int, int] | None = None
    clip_size_px: tuple[int, int] | None = None
    opening_radius_mm: float = 0.27
    threshold_percent: float = 10.0
    collinear_distance_mm: float = 0.6
    max_angle_difference_deg: float = 10.0
    min_line_angle_deg: float = -70.0
    max_line_angle_deg: float = 70.0
    max_candidates: int = 20

    def __post_init__(self) -> None:
        """Check the sizes that everything else divides by."""
        for name in ("approximate_spacing_mm", "opening_radius_mm", "collinear_distance_mm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value}")
        if (self.clip_origin_px is None) != (self.clip_size_px is None):
            raise ValueError("clip_origin_px and clip_size_px must be given together")


@dataclass(frozen=True)
class NWirePhantom:
    """Wires in patterns of three: outer, middle (oblique), outer.

    Attributes
    ----------
    names : tuple of str (3 L)
    front_mm, back_mm : numpy.ndarray (3 L, 3) float64
        End points in the phantom's frame.
    T_phantom_to_reference : numpy.ndarray (4, 4) float64
    segmentation : SegmentationSettings
    """

    names: tuple[str, ...]
    front_mm: np.ndarray
    back_mm: np.ndarray
    T_phantom_to_reference: np.ndarray
    segmentation: SegmentationSettings

    def __post_init__(self) -> None:
        """Check that the wires form two or more N patterns."""
        for name in ("front_mm", "back_mm"):
            value = np.asarray(getattr(self, name), np.float64)
            if value.shape != (len(self.names), 3) or not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite ({len(self.names)}, 3), got {value.shape}")
            object.__setattr__(self, name, value)
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"wire names must differ, got {', '.join(self.names)}")
        if len(self.names) % 3 or len(self.names) < 6:
            raise ValueError(f"a phantom needs >= 2 patterns of 3 wires, got {len(self.names)}")
        T = geometry.check_transform(self.T_phantom_to_reference, "T_phantom_to_reference")
        object.__setattr__(self, "T_phantom_to_reference", T)
        for part in (slice(first, first + 3) for first in range(0, len(self.names), 3)):
            title = f"pattern of wires {', '.join(self.names[part])}"
            _check_pattern(title, self.front_mm[part], self.back_mm[part])

    @property
    def pattern_count(self) -> int:
        """Return the number L of patterns."""
        return len(self.names) // 3

    @cached_property
    def directions(self) -> np.ndarray:
        """Return the wires' unit directions, front to back, (3 L, 3)."""
        along = self.back_mm - self.front_mm
        return along / np.linalg.norm(along, axis=1, keepdims=True)

    @cached_property
    def normals(self) -> np.ndarray:
        """Return two unit vectors across each wire, (3 L, 2, 3)."""
        helper = np.eye(3)[np.argmin(np.abs(self.directions), axis=1)]
        first = np.cross(self.directions, helper)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        return np.stack([first, np.cross(self.directions, first)], axis=1)

    @cached_property
    def middle_shares(self) -> np.ndarray:
        """Return where the middle wires start and end between the outer wires, (L, 2), 0 to 1."""
        front, back = self.front_mm.reshape(-1, 3, 3), self.back_mm.reshape(-1, 3, 3)
        unit = self.directions[0::3]
        across = front[:, 2] - front[:, 0]
        across = across - unit * np.sum(across * unit, axis=1, keepdims=True)
        ends = np.stack([front[:, 1], back[:, 1]], axis=1) - front[:, :1]
        return np.einsum("lei,li->le", ends, across) / np.sum(across**2, axis=1)[:, None]

    def middle_points_mm(self, points_px) -> np.ndarray:
        """Place each middle wire's crossing by the ratio on the N.

        Parameters
        ----------
        points_px : array-like (..., 3 L, 2)
            Dots of the wires, in the order of `names`; NaN passes through.

        Returns
        -------
        numpy.ndarray (..., L, 3) float64
            Points in the phantom's frame, beyond the wire's ends where the dots say so.

        Notes
        -----
        A plane cuts three coplanar wires in a line, on which the middle dot divides the
        distance of the outer ones as the middle wire does (Comeau et al. 1998; Pagoulatos et
        al. 2001; Carbajal et al. 2013). Distances are taken between dots, as PLUS does; the
        ratio needs no pixel size, however unlike its two sides are.
        """
        points = np.asarray(points_px, np.float64)
        points = points.reshape(*points.shape[:-2], self.pattern_count, 3, 2)
        first, middle, third = np.moveaxis(points, -2, 0)
        share = np.linalg.norm(middle - first, axis=-1) / np.linalg.norm(third - first, axis=-1)
        start, end = self.middle_shares.T
        along = (share - start) / (end - start)
        front, back = self.front_mm[1::3], self.back_mm[1::3]
        return front + along[..., None] * (back - front)


def _check_pattern(title: str, front: np.ndarray, back: np.ndarray) -> None:
    """Raise unless three wires form an N: parallel, oblique between, parallel."""
    along = back - front
    if np.linalg.norm(along, axis=1).min() < 1.0:
        raise ValueError(f"{title}: every wire must be >= 1 mm long")
    unit = along[0] / np.linalg.norm(along[0])
    skew_mm = np.linalg.norm(np.cross(unit, along[2]))
    if skew_mm > GEOMETRY_TOLERANCE_MM:
        raise ValueError(f"{title}: the outer wires must be parallel, got {skew_mm:.3g} mm off")
    across = (front[2] - front[0]) - unit * ((front[2] - front[0]) @ unit)
    width_mm = np.linalg.norm(across)
    if width_mm < 1.0:
        raise ValueError(f"{title}: outer wires must be >= 1 mm apart, got {width_mm:.3g}")
    ends = np.stack([front[1], back[1]]) - front[0]
    off_mm = np.abs(ends @ np.cross(unit, across / width_mm)).max()
    if off_mm > GEOMETRY_TOLERANCE_MM:
        raise ValueError(f"{title}: the wires must lie in one plane, got {off_mm:.3g} mm off")
    share = np.sort(ends @ across / width_mm**2)
    if share[0] < 0 or share[1] > 1 or (share[1] - share[0]) * width_mm < 1.0:
        raise ValueError(
            f"{title}: the middle wire must run obliquely between the outer wires (an N), "
            f"got shares {share[0]:.3g} to {share[1]:.3g} of their distance"
        )
