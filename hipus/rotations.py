"""Representations of rotations, each both ways, in float64 and batched.

Decides the conventions: matrices act on column vectors; quaternions are scalar-last
(x, y, z, w) with w >= 0; 6D is the first two columns of the matrix (Zhou et al. 2019);
rotation vectors are axis times angle in radians; Euler angles are in degrees and always
named with their sequence. On disk only matrices and rotation vectors are allowed. NaN (an
invalid pose) passes through every conversion; infinity passes through none. What is to be
converted from a matrix must be a rotation (`check_rotation`), to the digits a tracker writes.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.spatial.transform import Rotation

#: Largest deviation of R^T R from identity that counts as a rotation. Tracker software
#: writes six significant digits, which alone leaves up to about 1e-5.
RIGID_TOLERANCE = 1e-3


def check_rotation(
    R, name: str = "R", *, tolerance: float = 1e-6, allow_nan: bool = False
) -> np.ndarray:
    """Return float64 rotation matrices, or say what is wrong with them.

    Parameters
    ----------
    R : array-like (..., 3, 3)
    name : str
        Name used in messages.
    tolerance : float
        Largest deviation of R^T R from the identity.
    allow_nan : bool
        Accept matrices that are NaN throughout.

    Returns
    -------
    numpy.ndarray (..., 3, 3) float64

    Raises
    ------
    ValueError
        For a wrong shape, values that are not finite, a matrix that is not orthogonal, or a
        rotoreflection (determinant -1).
    """
    R = np.asarray(R, np.float64)
    if R.shape[-2:] != (3, 3):
        raise ValueError(f"{name} must have shape (..., 3, 3), got {R.shape}")
    checked = np.where(_is_nan(R, 2)[..., None, None], np.eye(3), R) if allow_nan else R
    if not np.isfinite(checked).all():
        others = np.count_nonzero(~np.isfinite(checked))
        raise ValueError(f"{name} must be finite, got {others} others")
    error = np.abs(np.swapaxes(checked, -1, -2) @ checked - np.eye(3)).max(initial=0.0)
    if error > tolerance:
        raise ValueError(
            f"{name} must be orthogonal within {tolerance:g}, R^T R is off by {error:g}"
        )
    if R.size and np.linalg.det(checked).min() < 0:
        raise ValueError(f"{name} has determinant -1: a rotoreflection, not a rotation")
    return R


def from_quaternion(xyzw) -> np.ndarray:
    """Return the matrices of quaternions.

    Parameters
    ----------
    xyzw : array-like (..., 4)
        Scalar last, any length but 0.

    Returns
    -------
    numpy.ndarray (..., 3, 3) float64

    Raises
    ------
    ValueError
        For a wrong shape, an infinite number, or a quaternion of length 0.
    """
    xyzw = _last_axis(xyzw, 4, "xyzw")
    if (np.linalg.norm(xyzw, axis=-1) < 1e-12).any():
        raise ValueError("xyzw must not have length 0, got a zero quaternion")
    return _convert(xyzw, 1, lambda rows: Rotation.from_quat(rows).as_matrix())


def to_quaternion(R) -> np.ndarray:
    """Return the unit quaternions of matrices.

    Parameters
    ----------
    R : array-like (..., 3, 3)

    Returns
    -------
    numpy.ndarray (..., 4) float64
        Scalar last and not negative.
    """
    R = _checked(R)
    return _convert(R, 2, lambda rows: Rotation.from_matrix(rows).as_quat(canonical=True))


def from_rotation_vector(rotation_vector_rad) -> np.ndarray:
    """Return the matrices of rotation vectors.

    Parameters
    ----------
    rotation_vector_rad : array-like (..., 3)
        Axis times angle.

    Returns
    -------
    numpy.ndarray (..., 3, 3) float64

    Raises
    ------
    ValueError
        For a wrong shape or an infinite number.
    """
    vector = _last_axis(rotation_vector_rad, 3, "rotation_vector_rad")
    return _convert(vector, 1, lambda rows: Rotation.from_rotvec(rows).as_matrix())


def to_rotation_vector(R) -> np.ndarray:
    """Return the rotation vectors of matrices.

    Parameters
    ----------
    R : array-like (..., 3, 3)

    Returns
    -------
    numpy.ndarray (..., 3) float64
        Radians, length 0 to pi.

    Notes
    -----
    At half a turn the axis is known up to its sign only.
    """
    R = _checked(R)
    return _convert(R, 2, lambda rows: Rotation.from_matrix(rows).as_rotvec())


def from_euler(angles_deg, sequence: str) -> np.ndarray:
    """Return matrices (..., 3, 3) of Euler angles (..., 3) in degrees.

    Parameters
    ----------
    angles_deg : array-like (..., 3)
    sequence : str
        SciPy's notation: upper case for axes that turn along ("ZYX" is
        Rz(a) Ry(b) Rx(c)), lower case for fixed axes.

    Returns
    -------
    numpy.ndarray (..., 3, 3) float64

    Raises
    ------
    ValueError
        For a wrong shape or sequence.
    """
    angles_deg, sequence = _last_axis(angles_deg, 3, "angles_deg"), _checked_sequence(sequence)
    return _convert(
        angles_deg, 1, lambda rows: Rotation.from_euler(sequence, rows, degrees=True).as_matrix()
    )


def to_euler(R, sequence: str) -> np.ndarray:
    """Return Euler angles (..., 3) in degrees of matrices.

    Parameters
    ----------
    R : array-like (..., 3, 3)
    sequence : str
        As for `from_euler`.

    Returns
    -------
    numpy.ndarray (..., 3) float64

    Raises
    ------
    ValueError
        For a wrong shape or sequence, or a matrix that is no rotation.

    Notes
    -----
    At gimbal lock (middle angle +-90 deg for "ZYX") the third angle is set to 0 and SciPy
    warns; the matrix is still reproduced exactly.
    """
    R, sequence = _checked(R), _checked_sequence(sequence)
    return _convert(R, 2, lambda rows: Rotation.from_matrix(rows).as_euler(sequence, degrees=True))


def from_6d(sixd) -> np.ndarray:
    """Return matrices (..., 3, 3) of 6D vectors (..., 6) by Gram-Schmidt.

    Parameters
    ----------
    sixd : array-like (..., 6)
        First column, then second column; neither needs unit length.

    Returns
    -------
    numpy.ndarray (..., 3, 3) float64

    Raises
    ------
    ValueError
        For a wrong shape, or columns that are zero or parallel (no plane, no rotation).

    Notes
    -----
    Zhou et al. 2019, equation 15. The third column is the cross product, so the
    determinant is +1 by construction.
    """
    sixd = _last_axis(sixd, 6, "sixd")
    first = _unit(sixd[..., :3], "first", 0.0)
    along = np.sum(first * sixd[..., 3:], axis=-1, keepdims=True)
    # Rounding leaves about 1e-16 of a parallel column, whatever its length.
    least = 1e-9 * np.linalg.norm(sixd[..., 3:], axis=-1, keepdims=True)
    second = _unit(sixd[..., 3:] - along * first, "second", least)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def to_6d(R) -> np.ndarray:
    """Return the first two columns of matrices.

    Parameters
    ----------
    R : array-like (..., 3, 3)

    Returns
    -------
    numpy.ndarray (..., 6) float64
        First column, then second.
    """
    R = _checked(R)
    return np.concatenate([R[..., :, 0], R[..., :, 1]], axis=-1)


def _checked(R) -> np.ndarray:
    """Return matrices that are rotations as far as a tracker writes them, or NaN throughout."""
    return check_rotation(R, tolerance=RIGID_TOLERANCE, allow_nan=True)


def _checked_sequence(sequence: str) -> str:
    """Return a sequence of three axes, no two neighbours alike."""
    is_known = re.fullmatch("[xyz]{3}|[XYZ]{3}", sequence)
    if not is_known or sequence[1] in (sequence[0], sequence[2]):
        raise ValueError(
            "sequence must be three axes, all of XYZ or all of xyz, no two neighbours alike, "
            f"got {sequence!r}"
        )
    return sequence


def _unit(columns: np.ndarray, name: str, least: np.ndarray | float) -> np.ndarray:
    """Return unit vectors, or say which column is no longer than `least`."""
    length = np.linalg.norm(columns, axis=-1, keepdims=True)
    if (length <= least).any():
        raise ValueError(f"sixd: the {name} column has no direction of its own (zero or parallel)")
    return columns / length


def _last_axis(values, size: int, name: str) -> np.ndarray:
    """Return float64 values after checking their last axis."""
    values = np.asarray(values, np.float64)
    if values.ndim == 0 or values.shape[-1] != size:
        raise ValueError(f"{name} must have shape (..., {size}), got {values.shape}")
    if np.isinf(values).any():
        raise ValueError(f"{name} must not be infinite, got {np.count_nonzero(np.isinf(values))}")
    return values


def _convert(values: np.ndarray, axes: int, function) -> np.ndarray:
    """Call a SciPy conversion, which knows one batch axis and no NaN, on any leading shape."""
    lead, item = values.shape[:-axes], values.shape[-axes:]
    rows = values.reshape(-1, *item)
    is_known = ~_is_nan(rows, axes)
    # SciPy refuses an empty batch: without a single known rotation it converts any.
    known = function(rows[is_known] if is_known.any() else _any_rotation(item)[None])
    converted = np.full((len(rows), *known.shape[1:]), np.nan)
    converted[is_known] = known if is_known.any() else known[:0]
    return converted.reshape(*lead, *known.shape[1:])


def _is_nan(values: np.ndarray, axes: int) -> np.ndarray:
    """Return where a vector holds a NaN, or a matrix is NaN throughout."""
    holds = np.any if axes == 1 else np.all
    return holds(np.isnan(values), axis=tuple(range(-axes, 0)))


def _any_rotation(item: tuple[int, ...]) -> np.ndarray:
    """Return a rotation without gimbal lock as a matrix, a quaternion, or three angles."""
    numbers = np.array([0.1, 0.2, 0.3, 1.0])
    return Rotation.from_rotvec(numbers[:3]).as_matrix() if item == (3, 3) else numbers[: item[0]]
