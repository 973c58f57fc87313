"""Rotations as 3, 4, 6 or 9 numbers in torch: batched, differentiable, always rotations.

Decides what a network's numbers mean, in the conventions of `hipus.rotations`: 3 is the
rotation vector (rad), 4 the quaternion (scalar last), 6 the first two columns, 9 all three
columns. Whatever finite numbers a network says, `from_numbers` returns a matrix with determinant
+1; numbers that are not finite give NaN. Deliberately scales nothing: networks learn numbers
standardised about those of the identity (`identity_numbers`), not about zero.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

#: What a rotation may be said in.
COUNTS = (3, 4, 6, 9)
#: Below this squared angle sine and arc tangent are taken from their series.
_SMALL_RAD2 = 1e-4
#: Columns, quaternions and sums of singular values smaller than this have no direction.
_LEAST = 1e-8


def identity_numbers(count: int, *, dtype=torch.float32, device=None) -> Tensor:
    """Return the numbers (count,) of the identity.

    Raises
    ------
    ValueError
        If `count` is not 3, 4, 6 or 9.
    """
    return to_numbers(torch.eye(3, dtype=dtype, device=device), count)


def from_numbers(numbers: Tensor, count: int) -> Tensor:
    """Return the rotations that numbers stand for.

    Parameters
    ----------
    numbers : torch.Tensor (..., count)
        Of any size: quaternion and columns need no unit length.
    count : int
        3, 4, 6 or 9.

    Returns
    -------
    torch.Tensor (..., 3, 3)
        Determinant +1; NaN where a number is not finite.

    Raises
    ------
    ValueError
        If `count` is none of these, or the last axis has another size.

    Notes
    -----
    6: Gram-Schmidt (Zhou et al. 2019, equation 15). 9: the nearest rotation (Levinson et al.
    2020), with the derivative of the projection itself and not of its singular vectors, which
    is infinite at the identity. Numbers without direction (a zero quaternion, a zero or
    parallel column, a matrix whose nearest rotation is not unique) give *some* rotation, the
    identity for zeros, and no gradient there: never start a last layer at zero without adding
    `identity_numbers`. `hipus.rotations.from_6d` refuses such columns; a network in training
    may not stop for them.
    """
    _check_count(count)
    if numbers.shape[-1:] != (count,):
        raise ValueError(f"numbers must have shape (..., {count}), got {tuple(numbers.shape)}")
    is_finite = torch.isfinite(numbers).all(dim=-1, keepdim=True)
    convert = {3: _from_vector, 4: _from_quaternion, 6: _from_two_columns, 9: _from_matrix}[count]
    # Cleaned before and not after: the gradient of NaN is NaN even where it is not chosen.
    R = convert(torch.where(is_finite, numbers, torch.zeros_like(numbers)))
    return torch.where(is_finite[..., None], R, torch.full_like(R, torch.nan))


def to_numbers(R: Tensor, count: int) -> Tensor:
    """Return the numbers of rotations.

    Parameters
    ----------
    R : torch.Tensor (..., 3, 3)
        Rotations; not checked.
    count : int
        3, 4, 6 or 9.

    Returns
    -------
    torch.Tensor (..., count)
        The rotation vector has a length of at most pi, the quaternion length 1 and a scalar
        that is not negative.

    Raises
    ------
    ValueError
        If `count` is none of these, or R is not (..., 3, 3).

    Notes
    -----
    3 and 4 numbers jump at half a turn, where the axis is known up to its sign only.
    """
    _check_count(count)
    if R.shape[-2:] != (3, 3):
        raise ValueError(f"R must have shape (..., 3, 3), got {tuple(R.shape)}")
    if count in (6, 9):
        return R.transpose(-1, -2).flatten(-2)[..., :count]
    quaternion = _to_quaternion(R)
    return quaternion if count == 4 else _to_vector(quaternion)


def _check_count(count: int) -> None:
    """Refuse counts that say no rotation."""
    if count not in COUNTS:
        raise ValueError(f"count must be one of {COUNTS}, got {count}")


def _from_vector(vector: Tensor) -> Tensor:
    """Return the exponential of rotation vectors (Rodrigues)."""
    square = (vector**2).sum(dim=-1)[..., None, None]
    is_small = square < _SMALL_RAD2
    # The square root has no derivative at 0, not even where its branch is not chosen.
    angle = torch.where(is_small, torch.ones_like(square), square).sqrt()
    sine = torch.where(is_small, 1 - square / 6 + square**2 / 120, torch.sin(angle) / angle)
    versine = torch.where(
        is_small,
        0.5 - square / 24 + square**2 / 720,
        2 * (torch.sin(angle / 2) / angle) ** 2,
    )
    K = _hat(vector)
    return torch.eye(3, dtype=K.dtype, device=K.device) + sine * K + versine * (K @ K)


def _from_quaternion(quaternion: Tensor) -> Tensor:
    """Return the rotations of quaternions of any length."""
    x, y, z, w = _unit(quaternion, quaternion.new_tensor([0, 0, 0, 1])).unbind(dim=-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _from_two_columns(sixd: Tensor) -> Tensor:
    """Return rotations by Gram-Schmidt, whatever the columns."""
    first = _unit(sixd[..., :3], sixd.new_tensor([1, 0, 0]))
    second = normalize(sixd[..., 3:], dim=-1, eps=_LEAST)
    across = second - (first * second).sum(dim=-1, keepdim=True) * first
    second = _unit(across, _any_across(first.detach()), least=_rounding(sixd.dtype))
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def _from_matrix(numbers: Tensor) -> Tensor:
    """Return the rotations nearest to matrices given by their columns.

    The value comes from singular vectors without gradient. For a small change, R turns by the
    w of (tr(S) I - S) w = vee(R^T M - M^T R) with S = R^T M, which is symmetric: its
    eigenvalues are sums of two singular values, none of them zero where R is unique.
    """
    M = numbers.unflatten(-1, (3, 3)).transpose(-1, -2)
    with torch.no_grad():
        U, values, Vt = torch.linalg.svd(M)
        sign = torch.ones_like(values)
        sign[..., 2] = torch.linalg.det(U @ Vt).sign()
        R = (U * sign[..., None, :]) @ Vt
        values = values * sign
        sums = values.sum(dim=-1, keepdim=True) - values
        is_unique = sums > _rounding(M.dtype) * values[..., :1].clamp(min=_LEAST)
        inverse = torch.where(is_unique, 1 / torch.where(is_unique, sums, 1.0), 0.0)
        turn = Vt.transpose(-1, -2) @ (inverse[..., None] * Vt)
    off = R.transpose(-1, -2) @ M
    vector = turn @ _vee(off - off.transpose(-1, -2))[..., None]
    # The turn itself is zero but for rounding: it carries the gradient only.
    return R + R @ _hat((vector - vector.detach())[..., 0])


def _to_quaternion(R: Tensor) -> Tensor:
    """Return unit quaternions (Shepperd 1978: from the largest of its four parts)."""
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(dim=-1) for row in R.unbind(dim=-2))
    rows = [
        [1 + a - e - i, b + d, c + g, h - f],
        [b + d, 1 - a + e - i, f + h, c - g],
        [c + g, f + h, 1 - a - e + i, d - b],
        [h - f, c - g, d - b, 1 + a + e + i],
    ]
    table = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    largest = torch.diagonal(table, dim1=-2, dim2=-1).argmax(dim=-1)
    index = largest[..., None, None].expand(*largest.shape, 1, 4)
    quaternion = normalize(table.gather(-2, index)[..., 0, :], dim=-1)
    return torch.where(quaternion[..., 3:] < 0, -quaternion, quaternion)


def _to_vector(quaternion: Tensor) -> Tensor:
    """Return the rotation vectors of unit quaternions with a scalar that is not negative."""
    part, scalar = quaternion[..., :3], quaternion[..., 3:]
    square = (part**2).sum(dim=-1, keepdim=True)
    is_small = square < _SMALL_RAD2
    length = torch.where(is_small, torch.ones_like(square), square).sqrt()
    ratio = square / torch.where(is_small, scalar, torch.ones_like(scalar)) ** 2
    series = (1 - ratio / 3 + ratio**2 / 5) / torch.where(is_small, scalar, 1.0)
    return 2 * part * torch.where(is_small, series, torch.atan2(length, scalar) / length)


def _hat(vector: Tensor) -> Tensor:
    """Return the matrices (..., 3, 3) of cross products with vectors."""
    x, y, z = vector.unbind(dim=-1)
    zero = torch.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _vee(skew: Tensor) -> Tensor:
    """Return the vectors of skew matrices; the inverse of `_hat`."""
    return torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], dim=-1)


def _unit(vector: Tensor, otherwise: Tensor, *, least: float = _LEAST) -> Tensor:
    """Return unit vectors, another where there is hardly any length."""
    is_long = vector.detach().norm(dim=-1, keepdim=True) > least
    return normalize(torch.where(is_long, vector, otherwise), dim=-1)


def _any_across(first: Tensor) -> Tensor:
    """Return vectors across unit vectors: the next axis, or what is left of another."""
    axes = torch.eye(3, dtype=first.dtype, device=first.device)
    # The axis least along it; for the first axis the second, so zeros give the identity.
    chosen = axes[(first.abs() - 1e-3 * axes[1]).argmin(dim=-1)]
    return chosen - (first * chosen).sum(dim=-1, keepdim=True) * first


def _rounding(dtype: torch.dtype) -> float:
    """Return the share of a length below which a number is zero but for rounding."""
    return 16 * torch.finfo(dtype).eps
