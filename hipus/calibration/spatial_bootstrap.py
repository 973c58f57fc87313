"""How far a spatial calibration would have moved with other frames: the bootstrap.

Decides the unit of resampling (whole frames) and the axes in which the scatter is told.
Deliberately works for any method, through `spatial.calibrate` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from hipus import geometry
from hipus.calibration.spatial import Method, SpatialCalibration, calibrate
from hipus.calibration.spatial_design import check_frames
from hipus.calibration.spatial_errors import SpatialErrors
from hipus.calibration.wires import NWirePhantom


@dataclass(frozen=True)
class CalibrationScatter:
    """Bootstrap replicates of a calibration, seen from the calibration itself.

    Attributes
    ----------
    T_pixel_to_probe : numpy.ndarray (n, 4, 4) float64
    shift_mm : numpy.ndarray (n, 3)
        Along the image's lateral, axial and elevational axes, at the dots' mean.
    rotation_deg : numpy.ndarray (n, 3)
        Rotation vector about the same axes.
    pixel_size_mm : numpy.ndarray (n, 2)
    """

    T_pixel_to_probe: np.ndarray
    shift_mm: np.ndarray
    rotation_deg: np.ndarray
    pixel_size_mm: np.ndarray

    @property
    def shift_sd_mm(self) -> np.ndarray:
        """Return standard deviations along lateral, axial, elevational, (3,)."""
        return self.shift_mm.std(axis=0, ddof=1)

    @property
    def rotation_sd_deg(self) -> np.ndarray:
        """Return standard deviations about lateral, axial, elevational, (3,)."""
        return self.rotation_deg.std(axis=0, ddof=1)


def bootstrap(
    points_px,
    T_probe_to_reference,
    phantom: NWirePhantom,
    *,
    count: int,
    rng: np.random.Generator,
    method: Method = "classic",
) -> CalibrationScatter:
    """Calibrate again on frames drawn with replacement.

    Parameters
    ----------
    points_px : array-like (F, 3 L, 2)
        Dots; NaN where not found (such frames are left out before drawing).
    T_probe_to_reference : array-like (F, 4, 4)
        NaN where invalid.
    phantom : NWirePhantom
    count : int
        Replicates, at least 2.
    rng : numpy.random.Generator
    method : {"classic", "joint"}

    Returns
    -------
    CalibrationScatter

    Raises
    ------
    ValueError
        If `count` is below 2, and as `spatial.calibrate`.

    Notes
    -----
    Whole frames are drawn (Efron and Tibshirani 1993): dots of one frame share its pose error.
    Neighbouring frames are alike too and the phantom's registration is the same in all, so
    the true uncertainty is larger.
    """
    if count < 2:
        raise ValueError(f"count must be >= 2 replicates, got {count}")
    points_px = np.asarray(points_px, np.float64)
    poses = np.asarray(T_probe_to_reference, np.float64)
    is_used = check_frames(points_px, poses, phantom)
    points_px, poses = points_px[is_used], poses[is_used]
    centre = calibrate(points_px, poses, phantom, method=method)
    replicates = []
    for _ in range(count):
        drawn = rng.integers(0, len(poses), len(poses))
        replicates.append(calibrate(points_px[drawn], poses[drawn], phantom, method=method))
    return _scatter(centre, replicates, points_px.mean(axis=(0, 1)))


def error_interval_mm(
    errors: SpatialErrors,
    *,
    count: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a bootstrap interval of the mean 3D error (all dots) over whole frames.

    Parameters
    ----------
    errors : SpatialErrors
    count : int
        Replicates, at least 2.
    rng : numpy.random.Generator
    level : float
        Share of replicates inside.

    Returns
    -------
    tuple of float
        Lower and upper percentile, in mm.

    Raises
    ------
    ValueError
        If `count` is below 2 or `level` is not between 0 and 1.
    """
    if count < 2:
        raise ValueError(f"count must be >= 2 replicates, got {count}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    per_frame = errors.reprojection_mm[errors.is_used].mean(axis=1)
    drawn = rng.integers(0, len(per_frame), (count, len(per_frame)))
    tail = 50 * (1 - level)
    low, high = np.percentile(per_frame[drawn].mean(axis=1), [tail, 100 - tail])
    return float(low), float(high)


def _scatter(
    centre: SpatialCalibration, replicates: list[SpatialCalibration], middle_px: np.ndarray
) -> CalibrationScatter:
    """Express replicates in the image axes of the calibration they scatter about."""
    T = np.stack([replicate.T_pixel_to_probe for replicate in replicates])
    middle = np.array([*middle_px, 0.0])
    to_image = centre.T_image_to_probe[:3, :3].T
    moved = geometry.apply(T, middle) - geometry.apply(centre.T_pixel_to_probe, middle)
    turned = to_image @ np.stack([replicate.T_image_to_probe[:3, :3] for replicate in replicates])
    return CalibrationScatter(
        T_pixel_to_probe=T,
        shift_mm=moved @ to_image.T,
        rotation_deg=np.degrees(Rotation.from_matrix(turned).as_rotvec()),
        pixel_size_mm=np.array([replicate.pixel_spacing_xy_mm for replicate in replicates]),
    )
