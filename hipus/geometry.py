"""Rigid motions in space: check, compose, invert, apply, convert, interpolate, compare.

Conventions. `T_a_to_b` is a 4 x 4 matrix that maps column vectors from frame a to frame b:
`p_b = T_a_to_b @ p_a`, so `T_a_to_c = T_b_to_c @ T_a_to_b`. All functions take a single
matrix or a stack with any leading shape, compute in float64, and pass NaN (an invalid pose)
through. Deliberately free of torch: the differentiable twin comes with the motion networks.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from hipus.rotations import RIGID_TOLERANCE


def check_transform(T, name: str = "T", *, rigid: bool = True, allow_nan: bool = False):
    """Return a float64 copy of a transform or stack, or say what is wrong with it.

    Parameters
    ----------
    T : array-like (..., 4, 4)
        Homogeneous matrices.
    name : str
        Name used in messages, for example `"T_probe_to_tracker"`.
    rigid : bool
        Require a rotation (det +1) in the upper left block. False for transforms that carry
        a scale, such as `T_pixel_to_probe`.
    allow_nan : bool
        Accept matrices that are NaN throughout (invalid samples).

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64

    Raises
    ------
    ValueError
        Naming the first bad matrix and the fault: shape, not finite, last row, reflection,
        scale, shear.
    """
    T = np.array(T, dtype=np.float64)
    if T.shape[-2:] != (4, 4):
        raise ValueError(f"{name} must have shape (..., 4, 4), got {T.shape}")
    stack = T.reshape(-1, 4, 4)
    is_nan = np.isnan(stack).all(axis=(1, 2))
    checked = ~is_nan if allow_nan else np.ones(len(stack), bool)
    _refuse(~np.isfinite(stack).all(axis=(1, 2)) & checked, stack, name, "is not finite")
    off = np.abs(np.nan_to_num(stack[:, 3]) - [0, 0, 0, 1]).max(axis=1) > 1e-9
    _refuse(off & checked, stack, name, "must end in the row 0 0 0 1")
    if rigid:
        _check_rotations(stack, checked, name)
    return T


def _refuse(is_bad: np.ndarray, stack: np.ndarray, name: str, fault: str) -> None:
    """Raise for the first bad matrix of a stack."""
    if is_bad.any():
        index = int(np.argmax(is_bad))
        where = f"{name}[{index}]" if len(stack) > 1 else name
        rows = np.array2string(stack[index], precision=6, suppress_small=True)
        raise ValueError(f"{where} {fault}, got\n{rows}")


def _check_rotations(stack: np.ndarray, checked: np.ndarray, name: str) -> None:
    """Raise if a checked matrix's upper left block is no rotation, saying which kind."""
    R = np.where(checked[:, None, None], stack[:, :3, :3], np.eye(3))
    determinant = np.linalg.det(R)
    flipped = determinant < 0
    _refuse(flipped, stack, name, "is a reflection (determinant < 0), not a rigid motion")
    gram = np.swapaxes(R, -1, -2) @ R
    lengths = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    scaled = np.abs(lengths - 1).max(axis=1) > RIGID_TOLERANCE
    _refuse(scaled, stack, name, "carries a scale (columns are not unit vectors), not rigid")
    sheared = np.abs(gram - np.eye(3)).max(axis=(1, 2)) > 2 * RIGID_TOLERANCE
    _refuse(sheared, stack, name, "is sheared (columns are not orthogonal), not rigid")


def transform(rotation=None, translation=None) -> np.ndarray:
    """Build homogeneous matrices from rotation blocks and translations.

    Parameters
    ----------
    rotation : array-like (..., 3, 3), optional
        Identity when left out.
    translation : array-like (..., 3), optional
        Zero when left out; in the unit of the target frame.

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64
    """
    rotation = np.eye(3) if rotation is None else np.asarray(rotation, np.float64)
    translation = np.zeros(3) if translation is None else np.asarray(translation, np.float64)
    shape = np.broadcast_shapes(rotation.shape[:-2], translation.shape[:-1])
    T = np.zeros((*shape, 4, 4))
    T[..., :3, :3] = rotation
    T[..., :3, 3] = translation
    T[..., 3, 3] = 1.0
    return T


def compose(*transforms) -> np.ndarray:
    """Multiply transforms in the order they are written: `compose(T_b_to_c, T_a_to_b)`.

    Parameters
    ----------
    *transforms : array-like (..., 4, 4)
        Leftmost is applied last. Leading shapes broadcast.

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64

    Raises
    ------
    ValueError
        If nothing is given.
    """
    if not transforms:
        raise ValueError("compose needs at least one transform, got none")
    product = np.asarray(transforms[0], np.float64)
    for T in transforms[1:]:
        product = product @ np.asarray(T, np.float64)
    return product


def invert(T) -> np.ndarray:
    """Invert affine transforms as full matrices; NaN stays NaN.

    Parameters
    ----------
    T : array-like (..., 4, 4)

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64

    Raises
    ------
    ValueError
        If a matrix is singular.

    Notes
    -----
    Tracker matrices are rounded to six digits, so transposing the rotation block is not
    their inverse (errors of 1e-3 mm at 300 mm); the full inverse is, to rounding.
    """
    T = np.asarray(T, np.float64)
    is_nan = np.isnan(T).any(axis=(-2, -1))[..., None, None]
    try:
        inverse = np.linalg.inv(np.where(is_nan, np.eye(4), T))
    except np.linalg.LinAlgError as error:
        raise ValueError("T must be invertible, got a singular matrix") from error
    return np.where(is_nan, np.nan, inverse)


def apply(T, points) -> np.ndarray:
    """Map points by transforms.

    Parameters
    ----------
    T : array-like (..., 4, 4)
        Leading shape broadcasts against the points' leading shape without its last axis.
    points : array-like (..., P, 3) or (3,)
        Points in the source frame.

    Returns
    -------
    numpy.ndarray (..., P, 3) or (3,) float64
        Points in the target frame.
    """
    T = np.asarray(T, np.float64)
    points = np.asarray(points, np.float64)
    if points.ndim == 1:
        return apply(T, points[None])[..., 0, :]
    return points @ np.swapaxes(T[..., :3, :3], -1, -2) + T[..., None, :3, 3]


def relative(T_a_to_world, T_b_to_world) -> np.ndarray:
    """Return `T_b_to_a`, the pose of b seen from a.

    Parameters
    ----------
    T_a_to_world, T_b_to_world : array-like (..., 4, 4)

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64
    """
    return invert(T_a_to_world) @ np.asarray(T_b_to_world, np.float64)


def closest_rigid(T) -> np.ndarray:
    """Replace the upper left block by the nearest rotation (Frobenius norm).

    Parameters
    ----------
    T : array-like (..., 4, 4)
        Nearly rigid matrices, for example an unconstrained least-squares solution.

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64
        Same translation; NaN stays NaN.

    Notes
    -----
    Orthogonal Procrustes (Schoenemann 1966) with the sign fix of Umeyama 1991.
    """
    T = np.array(T, np.float64)
    is_nan = np.isnan(T).any(axis=(-2, -1))[..., None, None]
    U, _, Vt = np.linalg.svd(np.where(is_nan, np.eye(3), T[..., :3, :3]))
    U[..., :, 2] *= np.sign(np.linalg.det(U @ Vt))[..., None]
    T[..., :3, :3] = U @ Vt
    return np.where(is_nan, np.nan, T)


def geodesic_angle_deg(R_a, R_b=None) -> np.ndarray:
    """Return the angle of the rotation between two rotations, in degrees, 0 to 180.

    Parameters
    ----------
    R_a, R_b : array-like (..., 3, 3) or (..., 4, 4)
        `R_b` is the identity when left out. NaN gives NaN.

    Returns
    -------
    numpy.ndarray (...)

    Notes
    -----
    Uses atan2 of the skew part and the trace: unlike arccos of the trace alone it is
    accurate for small angles, where arccos loses half of the digits.
    """
    R_a = np.asarray(R_a, np.float64)[..., :3, :3]
    R = R_a if R_b is None else np.swapaxes(R_a, -1, -2) @ np.asarray(R_b)[..., :3, :3]
    off = R - np.swapaxes(R, -1, -2)
    skew = np.stack([off[..., 2, 1], off[..., 0, 2], off[..., 1, 0]], axis=-1)
    trace = np.trace(R, axis1=-2, axis2=-1)
    return np.degrees(np.arctan2(np.linalg.norm(skew, axis=-1), trace - 1.0))


def interpolate_poses(time_s, T, query_time_s, *, max_gap_s: float = np.inf) -> np.ndarray:
    """Interpolate poses in time: linear in translation, spherical in rotation.

    Parameters
    ----------
    time_s : array-like (N,)
        Strictly increasing.
    T : array-like (N, 4, 4)
        Rigid poses; NaN where invalid (those samples are left out).
    query_time_s : array-like (M,)
        Times to evaluate.
    max_gap_s : float
        A query between two valid samples further apart than this is NaN.

    Returns
    -------
    numpy.ndarray (M, 4, 4) float64
        NaN outside the valid time range and inside long gaps: poses are never extrapolated.

    Raises
    ------
    ValueError
        If times do not increase, shapes differ, or no pose is valid.
    """
    time_s, T = _checked_series(time_s, T)
    query = np.atleast_1d(np.asarray(query_time_s, np.float64))
    if query.ndim != 1:
        raise ValueError(f"query_time_s must be (M,), got {query.shape}")
    right = np.clip(np.searchsorted(time_s, query), 1, max(len(time_s) - 1, 1))
    known = (query >= time_s[0]) & (query <= time_s[-1])
    result = np.full((len(query), 4, 4), np.nan)
    if len(time_s) == 1:
        result[known] = T[0]
        return result
    is_near = time_s[right] - time_s[right - 1] <= max_gap_s
    known &= is_near | np.isin(query, time_s)
    at = query[known]
    rotation = Slerp(time_s, Rotation.from_matrix(T[:, :3, :3]))(at).as_matrix()
    moved = [np.interp(at, time_s, T[:, axis, 3]) for axis in range(3)]
    result[known] = transform(rotation, np.stack(moved, axis=-1))
    return result


def _checked_series(time_s, T) -> tuple[np.ndarray, np.ndarray]:
    """Return the valid samples of a pose series."""
    time_s = np.asarray(time_s, np.float64)
    T = check_transform(T, "T", allow_nan=True)
    if T.shape != (len(time_s), 4, 4):
        raise ValueError(f"T must be ({len(time_s)}, 4, 4) like time_s, got {T.shape}")
    if not np.all(np.diff(time_s) > 0):
        index = int(np.argmax(np.diff(time_s) <= 0)) + 1
        raise ValueError(f"time_s must increase strictly, got a step back at sample {index}")
    is_valid = ~np.isnan(T).any(axis=(1, 2))
    if not is_valid.any():
        raise ValueError(f"T must hold at least one valid pose, got {len(T)} invalid ones")
    return time_s[is_valid], T[is_valid]
