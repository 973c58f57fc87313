"""The linear heart of spatial calibration: how far a dot lies from its wire.

With `T_pixel_to_probe` unknown, a dot at (u, v) lies in the probe's frame at
`u a + v b + t`: nine numbers. Its distance from its wire along two directions across the wire
is linear in them. Decides that design matrix and whether the frames given can determine a
calibration. Deliberately fits nothing (see `spatial_classic`, `spatial_joint`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.calibration.wires import NWirePhantom

#: Fewer frames are refused.
LEAST_FRAMES = 3
#: A larger condition number means that the calibration is confounded with the phantom's pose.
GREATEST_CONDITION = 1e4


@dataclass(frozen=True)
class WireDesign:
    """Distances of dots from wires, `A @ coefficients + offset_mm`.

    Attributes
    ----------
    A : numpy.ndarray (F, 3 L, 2, 9)
        Coefficients are (a, b, t): the image's u axis, v axis (mm per pixel) and the origin
        (mm) in the probe's frame. The third axis holds two directions across the wire.
    offset_mm : numpy.ndarray (F, 3 L, 2)
    """

    A: np.ndarray
    offset_mm: np.ndarray

    def solve(self) -> np.ndarray:
        """Return the nine coefficients that minimise the summed squared distances."""
        rows, values = self.A.reshape(-1, 9), self.offset_mm.ravel()
        scale = np.linalg.norm(rows, axis=0)
        return np.linalg.lstsq(rows / scale, -values, rcond=None)[0] / scale


def wire_design(points_px, T_probe_to_reference, phantom: NWirePhantom) -> WireDesign:
    """Build the linear distances of all dots from their wires.

    Parameters
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
        Dots, all finite.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    phantom : NWirePhantom

    Returns
    -------
    WireDesign

    Notes
    -----
    With n a unit vector across the wire through q, and (R, p) from probe to phantom, the
    distance of u a + v b + t is n . (R (u a + v b + t) + p - q).
    """
    T = geometry.relative(phantom.T_phantom_to_reference, T_probe_to_reference)
    across = np.einsum("wki,fij->fwkj", phantom.normals, T[:, :3, :3])
    u, v = points_px[..., 0, None, None], points_px[..., 1, None, None]
    away = T[:, None, :3, 3] - phantom.front_mm
    return WireDesign(
        A=np.concatenate([u * across, v * across, across], axis=-1),
        offset_mm=np.einsum("wki,fwi->fwk", phantom.normals, away),
    )


def condition_number(points_px, T_probe_to_reference, phantom: NWirePhantom) -> float:
    """Tell how well frames separate the calibration from an error in the phantom's pose.

    Parameters
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
        Dots, all finite.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    phantom : NWirePhantom

    Returns
    -------
    float
        Condition number of the scaled problem with 9 calibration and 6 phantom-pose unknowns;
        about 30 for 5 degrees of rotation, 150 for 1 degree, infinite for none.

    Notes
    -----
    The phantom's registration is taken as known by every method here. If the probe never
    turned, a shift of the phantom and a shift of the image would look alike and its
    registration error would pass into the calibration whole, with no residual to show it.
    """
    centred = (points_px - points_px.mean(axis=(0, 1))) / np.std(points_px, axis=(0, 1))
    design = wire_design(centred, T_probe_to_reference, phantom)
    a, b, t = design.solve().reshape(3, 3)
    in_probe = centred[..., :1] * a + centred[..., 1:] * b + t
    T = geometry.relative(phantom.T_phantom_to_reference, T_probe_to_reference)
    in_phantom = geometry.apply(T, in_probe)
    arm = in_phantom - in_phantom.mean(axis=(0, 1))
    shift = np.broadcast_to(phantom.normals, (*arm.shape[:2], 2, 3))
    turn = np.cross(arm[:, :, None], phantom.normals)
    columns = np.concatenate([design.A, shift, turn], axis=-1).reshape(-1, 15)
    columns = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    # Through the Gram matrix: fast, and exact enough below 1e7.
    eigenvalues = np.linalg.eigvalsh(columns.T @ columns)
    return float(np.sqrt(eigenvalues[-1] / max(eigenvalues[0], 1e-300)))


def check_frames(points_px, T_probe_to_reference, phantom: NWirePhantom) -> np.ndarray:
    """Check shapes and return which frames can be used.

    Parameters
    ----------
    points_px : array-like (F, 3 L, 2)
        NaN where wires were not found.
    T_probe_to_reference : array-like (F, 4, 4)
        NaN where the pose is invalid.
    phantom : NWirePhantom

    Returns
    -------
    numpy.ndarray (F,) bool
        True where all dots and the pose are finite.

    Raises
    ------
    ValueError
        For wrong shapes, or if no frame can be used.
    """
    points_px = np.asarray(points_px)
    expected = (len(phantom.names), 2)
    if points_px.ndim != 3 or points_px.shape[1:] != expected:
        raise ValueError(f"points_px must be (F, {expected[0]}, 2), got {points_px.shape}")
    poses = geometry.check_transform(T_probe_to_reference, "T_probe_to_reference", allow_nan=True)
    if poses.shape != (len(points_px), 4, 4):
        raise ValueError(
            f"T_probe_to_reference must be ({len(points_px)}, 4, 4), got {poses.shape}"
        )
    is_used = np.isfinite(points_px).all(axis=(1, 2)) & np.isfinite(poses).all(axis=(1, 2))
    if not is_used.any():
        raise ValueError(f"none of {len(points_px)} frames has both its wires and a valid pose")
    return is_used


def check_determined(points_px, T_probe_to_reference, phantom: NWirePhantom) -> float:
    """Refuse frames that cannot determine a calibration.

    Parameters
    ----------
    points_px : numpy.ndarray (F, 3 L, 2)
        Dots, all finite.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    phantom : NWirePhantom

    Returns
    -------
    float
        The condition number.

    Raises
    ------
    ValueError
        For fewer than `LEAST_FRAMES` frames, or poses too alike (condition number above
        `GREATEST_CONDITION`).
    """
    if len(points_px) < LEAST_FRAMES:
        raise ValueError(
            f"a calibration needs >= {LEAST_FRAMES} frames with wires and poses, "
            f"got {len(points_px)}"
        )
    condition = condition_number(points_px, T_probe_to_reference, phantom)
    if not condition <= GREATEST_CONDITION:
        raise ValueError(
            f"the {len(points_px)} poses turn too little to tell the calibration from the "
            f"phantom's registration: condition number {condition:.3g}, at most "
            f"{GREATEST_CONDITION:.0e} is accepted; tilt and turn the probe over the phantom"
        )
    return condition
