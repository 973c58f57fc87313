"""Spatial calibration of a tracked probe on an N-wire phantom, from found wires and poses.

Decides what a calibration is (`SpatialCalibration`), which method makes it, and what is
reported of it. Takes dots and poses separately, so that the same dots can be calibrated with
poses shifted in time. Deliberately finds no wires (see `nwire`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hipus import geometry
from hipus.calibration.spatial_classic import fit_classic
from hipus.calibration.spatial_design import check_determined, check_frames
from hipus.calibration.spatial_errors import SpatialErrors, evaluate
from hipus.calibration.spatial_joint import CalibrationUncertainty, fit_joint
from hipus.calibration.wires import NWirePhantom

__all__ = [
    "CalibrationDifference",
    "SpatialCalibration",
    "SpatialErrors",
    "calibrate",
    "difference",
    "evaluate",
    "rigid_part",
    "to_json",
]

log = logging.getLogger(__name__)

Method = Literal["classic", "joint"]


@dataclass(frozen=True)
class SpatialCalibration:
    """Where the image lies in the probe's frame.

    Attributes
    ----------
    T_pixel_to_probe : numpy.ndarray (4, 4) float64
        mm per pixel included; the third column is the image's normal.
    method : str
        "classic" or "joint".
    errors : SpatialErrors
        On the frames it was made from: too good to be true, see `evaluate` on others.
    condition_number : float
        How well the poses separate it from the phantom's registration (see `spatial_design`).
    outliers_per_row : tuple of int (3,) or None
        Equations the classic method left out.
    uncertainty : CalibrationUncertainty or None
        Of the joint method; for any method see `spatial_bootstrap`.
    """

    T_pixel_to_probe: np.ndarray
    method: str
    errors: SpatialErrors
    condition_number: float
    outliers_per_row: tuple[int, int, int] | None = None
    uncertainty: CalibrationUncertainty | None = None

    @property
    def pixel_spacing_xy_mm(self) -> tuple[float, float]:
        """Return the sides of a pixel along u and v."""
        u, v = np.linalg.norm(self.T_pixel_to_probe[:3, :2], axis=0)
        return float(u), float(v)

    @property
    def T_image_to_probe(self) -> np.ndarray:
        """Return the rigid part (image in mm, pixel (0, 0) at its origin), (4, 4)."""
        return rigid_part(self.T_pixel_to_probe)

    @property
    def axes_angle_deg(self) -> float:
        """Return the angle between the image's axes: 90 unless the classic fit skewed it."""
        u, v = self.T_pixel_to_probe[:3, 0], self.T_pixel_to_probe[:3, 1]
        return float(np.degrees(np.arccos(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))))


@dataclass(frozen=True)
class CalibrationDifference:
    """How far one calibration places the image from another.

    Attributes
    ----------
    origin_mm : float
        Between their origins (pixel (0, 0), usually off the dots).
    centre_mm : float
        Between their places of a given pixel.
    angle_deg : float
        Between their rigid parts.
    """

    origin_mm: float
    centre_mm: float
    angle_deg: float


def rigid_part(T_pixel_to_probe) -> np.ndarray:
    """Take the pixel size out of a calibration: the rotation nearest to its unit columns.

    Parameters
    ----------
    T_pixel_to_probe : array-like (4, 4)

    Returns
    -------
    numpy.ndarray (4, 4) float64
        `T_image_to_probe`, with the image's origin at the centre of pixel (0, 0).
    """
    T = np.array(T_pixel_to_probe, np.float64)
    T[:3, :3] /= np.linalg.norm(T[:3, :3], axis=0)
    return geometry.closest_rigid(T)


def difference(T_pixel_to_probe, other, *, centre_px: tuple[float, float]):
    """Compare two calibrations of one probe.

    Parameters
    ----------
    T_pixel_to_probe, other : array-like (4, 4)
    centre_px : tuple of float
        A pixel (u, v) amid the dots.

    Returns
    -------
    CalibrationDifference
    """
    T, other = np.asarray(T_pixel_to_probe), np.asarray(other)
    centre = np.array([*centre_px, 0.0])
    return CalibrationDifference(
        origin_mm=float(np.linalg.norm(T[:3, 3] - other[:3, 3])),
        centre_mm=float(np.linalg.norm(geometry.apply(T, centre) - geometry.apply(other, centre))),
        angle_deg=float(geometry.geodesic_angle_deg(rigid_part(T), rigid_part(other))),
    )


def calibrate(
    points_px,
    T_probe_to_reference,
    phantom: NWirePhantom,
    *,
    method: Method = "classic",
) -> SpatialCalibration:
    """Calibrate the image against the probe's marker.

    Parameters
    ----------
    points_px : array-like (F, 3 L, 2)
        Dots in the order of the phantom's wires; NaN where not found.
    T_probe_to_reference : array-like (F, 4, 4)
        Rigid poses; NaN where invalid.
    phantom : NWirePhantom
    method : {"classic", "joint"}
        Row-wise linear least squares on the middle dots, as PLUS; or all dots to their wires
        under a rigid motion and two pixel sizes.

    Returns
    -------
    SpatialCalibration

    Raises
    ------
    ValueError
        For an unknown method, wrong shapes, too few usable frames, or poses too alike.

    Notes
    -----
    Frames without wires or pose are left out and counted (`errors.frames_used`). On PLUS's
    fCal 2.0 sweep the two methods place the middle of the dots 0.2 mm apart but differ by
    6 degrees of out-of-plane tilt (3.6 mm at pixel (0, 0)): compare errors, not matrices.
    Each wins by its own measure on unseen frames, the classic by the 3D error (it minimises
    it), the joint by the point-to-wire distance.
    """
    if method not in ("classic", "joint"):
        raise ValueError(f'method must be "classic" or "joint", got {method!r}')
    points_px = np.asarray(points_px, np.float64)
    poses = np.asarray(T_probe_to_reference, np.float64)
    is_used = check_frames(points_px, poses, phantom)
    used = points_px[is_used], poses[is_used]
    condition = check_determined(*used, phantom)
    fit = (fit_classic if method == "classic" else fit_joint)(*used, phantom)
    errors = evaluate(fit.T_pixel_to_probe, points_px, poses, phantom)
    log.debug("%s calibration on %d of %d frames", method, is_used.sum(), len(is_used))
    return SpatialCalibration(
        T_pixel_to_probe=fit.T_pixel_to_probe,
        method=method,
        errors=errors,
        condition_number=condition,
        outliers_per_row=getattr(fit, "outliers_per_row", None),
        uncertainty=getattr(fit, "uncertainty", None),
    )


def to_json(calibration: SpatialCalibration, validation: SpatialErrors | None = None) -> dict:
    """List what is known of a calibration for a JSON file; every key carries its unit.

    Parameters
    ----------
    calibration : SpatialCalibration
    validation : SpatialErrors, optional
        Its errors on frames it was not made from.

    Returns
    -------
    dict
        JSON-ready: `T_pixel_to_probe` (4 x 4 lists), `method`, `frames_used`,
        `frames_total`, `pixel_size_u_mm`, `pixel_size_v_mm`, `axes_angle_deg`,
        `condition_number`, and for "calibration" and "validation" errors
        `<which>_error_mm_mean`, `_sd`, `_mean_all`, `_sd_all`,
        `<which>_point_to_wire_mm_mean`, `<which>_frames_used`, `<which>_frames_total`.
    """
    sides = calibration.pixel_spacing_xy_mm
    record = {
        "T_pixel_to_probe": calibration.T_pixel_to_probe.tolist(),
        "method": calibration.method,
        "frames_used": calibration.errors.frames_used,
        "frames_total": calibration.errors.frames_total,
        "pixel_size_u_mm": sides[0],
        "pixel_size_v_mm": sides[1],
        "axes_angle_deg": calibration.axes_angle_deg,
        "condition_number": calibration.condition_number,
    }
    record |= _errors_record("calibration", calibration.errors)
    if validation is not None:
        record |= _errors_record("validation", validation)
    if calibration.uncertainty is not None:
        record |= _uncertainty_record(calibration.uncertainty)
    return record


def _errors_record(which: str, errors: SpatialErrors) -> dict:
    """Return the flat keys of one set of errors."""
    return {
        f"{which}_error_mm_mean": errors.error_mm_mean,
        f"{which}_error_mm_sd": errors.error_mm_sd,
        f"{which}_error_mm_mean_all": errors.error_mm_mean_all,
        f"{which}_error_mm_sd_all": errors.error_mm_sd_all,
        f"{which}_point_to_wire_mm_mean": errors.point_to_wire_mm_mean,
        f"{which}_frames_used": errors.frames_used,
        f"{which}_frames_total": errors.frames_total,
    }


def _uncertainty_record(uncertainty: CalibrationUncertainty) -> dict:
    """Return the flat keys of the joint fit's standard deviations."""
    record = {}
    axes = ("lateral", "axial", "elevational")
    for axis, turn, shift in zip(
        axes, uncertainty.rotation_sd_deg, uncertainty.shift_sd_mm, strict=True
    ):
        record[f"rotation_{axis}_deg_sd"] = float(turn)
        record[f"shift_{axis}_mm_sd"] = float(shift)
    return record
