"""Errors of a spatial calibration, on the frames it was made from or, better, on others.

Decides three measures: the 3D error of the middle wires as PLUS defines it, the distance of
every dot from its wire in mm, and the same in the image in px. Deliberately fits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.calibration.spatial_classic import middle_points_in_probe_mm
from hipus.calibration.spatial_design import check_frames
from hipus.calibration.wires import NWirePhantom

#: PLUS reports the mean of this share of the 3D errors, the smallest ones.
BEST_SHARE = 0.95


@dataclass(frozen=True)
class SpatialErrors:
    """Errors of a calibration on a set of frames; NaN in frames that could not be used.

    Attributes
    ----------
    wire_names : tuple of str (3 L)
    reprojection_mm : numpy.ndarray (F, L)
        Distance in 3D between a middle dot and its wire's crossing told by the ratio on the N.
    point_to_wire_mm : numpy.ndarray (F, 3 L)
        Distance in 3D between a dot and its wire.
    reprojection_px : numpy.ndarray (F, 3 L, 2)
        Dot minus the wire's crossing with the image plane, along u and v.
    """

    wire_names: tuple[str, ...]
    reprojection_mm: np.ndarray
    point_to_wire_mm: np.ndarray
    reprojection_px: np.ndarray

    @property
    def is_used(self) -> np.ndarray:
        """Return which frames had both wires and pose, (F,) bool."""
        return np.isfinite(self.reprojection_mm).all(axis=1)

    @property
    def frames_used(self) -> int:
        """Return the number of frames with wires and pose."""
        return int(self.is_used.sum())

    @property
    def frames_total(self) -> int:
        """Return the number of frames given."""
        return len(self.reprojection_mm)

    @property
    def error_mm_mean(self) -> float:
        """Return the mean 3D error of the best 95 % (PLUS's rule)."""
        return float(self._best().mean())

    @property
    def error_mm_sd(self) -> float:
        """Return the population standard deviation of the best 95 % (PLUS's rule)."""
        return float(self._best().std())

    @property
    def error_mm_mean_all(self) -> float:
        """Return the mean 3D error of all middle dots."""
        return float(self.reprojection_mm[self.is_used].mean())

    @property
    def error_mm_sd_all(self) -> float:
        """Return the population standard deviation of all 3D errors."""
        return float(self.reprojection_mm[self.is_used].std())

    @property
    def point_to_wire_mm_mean(self) -> float:
        """Return the mean distance of all dots from their wires."""
        return float(self.point_to_wire_mm[self.is_used].mean())

    @property
    def px_mean(self) -> np.ndarray:
        """Return each wire's mean signed error in the image, (3 L, 2)."""
        return self.reprojection_px[self.is_used].mean(axis=0)

    @property
    def px_sd(self) -> np.ndarray:
        """Return the population standard deviation behind `px_mean`, (3 L, 2)."""
        return self.reprojection_px[self.is_used].std(axis=0)

    def _best(self) -> np.ndarray:
        """Return the smallest 95 % of the 3D errors, their count rounded half up."""
        errors = np.sort(self.reprojection_mm[self.is_used].ravel())
        return errors[: int(np.floor(BEST_SHARE * len(errors) + 0.5))]


def evaluate(
    T_pixel_to_probe, points_px, T_probe_to_reference, phantom: NWirePhantom
) -> SpatialErrors:
    """Measure a calibration's errors on frames.

    Parameters
    ----------
    T_pixel_to_probe : array-like (4, 4)
    points_px : array-like (F, 3 L, 2)
        Dots in the order of the phantom's wires; NaN where not found.
    T_probe_to_reference : array-like (F, 4, 4)
        NaN where invalid.
    phantom : NWirePhantom

    Returns
    -------
    SpatialErrors

    Raises
    ------
    ValueError
        For wrong shapes, a singular calibration, or if no frame can be used.

    Notes
    -----
    The 3D error compares two readings of the same dots (their place in the image, their ratio
    on the N), so it contains the ratio's own error along the wire; the point-to-wire distance
    does not. Neither is a target registration error: both live where the wires are.
    """
    T_pixel_to_probe = geometry.check_transform(T_pixel_to_probe, "T_pixel_to_probe", rigid=False)
    if abs(np.linalg.det(T_pixel_to_probe[:3, :3])) < 1e-12:
        raise ValueError("T_pixel_to_probe must be invertible, got determinant 0")
    is_used = check_frames(points_px, T_probe_to_reference, phantom)
    points_px = np.where(is_used[:, None, None], points_px, np.nan).astype(np.float64)
    poses = np.where(is_used[:, None, None], T_probe_to_reference, np.nan).astype(np.float64)
    flat = np.concatenate([points_px, np.zeros_like(points_px[..., :1])], axis=-1)
    in_probe = geometry.apply(T_pixel_to_probe, flat)
    middle = middle_points_in_probe_mm(points_px, poses, phantom)
    return SpatialErrors(
        wire_names=phantom.names,
        reprojection_mm=np.linalg.norm(in_probe[:, 1::3] - middle, axis=-1),
        point_to_wire_mm=_point_to_wire_mm(in_probe, poses, phantom),
        reprojection_px=points_px - _crossings_px(T_pixel_to_probe, poses, phantom),
    )


def _point_to_wire_mm(in_probe: np.ndarray, poses: np.ndarray, phantom: NWirePhantom):
    """Return distances of points in the probe's frame from the wires, (F, 3 L)."""
    T_probe_to_phantom = geometry.relative(phantom.T_phantom_to_reference, poses)
    away = geometry.apply(T_probe_to_phantom, in_probe) - phantom.front_mm
    return np.linalg.norm(np.cross(phantom.directions, away), axis=-1)


def _crossings_px(T_pixel_to_probe: np.ndarray, poses: np.ndarray, phantom: NWirePhantom):
    """Return where the wires cross the image plane, (F, 3 L, 2), NaN if parallel to it."""
    T_pixel_to_reference = geometry.compose(poses, T_pixel_to_probe)
    T = geometry.relative(T_pixel_to_reference, phantom.T_phantom_to_reference)
    front, back = geometry.apply(T, phantom.front_mm), geometry.apply(T, phantom.back_mm)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = front[..., 2:] / (front[..., 2:] - back[..., 2:])
        return (front + share * (back - front))[..., :2]
