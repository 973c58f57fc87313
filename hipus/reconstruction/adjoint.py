"""Trilinear sampling of a volume, its adjoint, and the gradients of both.

Decides how volume and frames are tied for optimisation: `sample` reads a volume at posed
pixels (A), `splat` writes pixels into a volume (its transpose). Both have gradients to grey
values and to poses, work block by block so that memory stays bounded, and run on the device
and in the precision of the poses. Deliberately normalises nothing (see `differentiable`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import torch
from torch.nn.functional import grid_sample, pad

#: Points in work at a time (about 150 bytes each). Changes the result by rounding only.
BLOCK_POINTS = 1 << 20


def sample(volume, T_pixel_to_voxel, *, pixels_px, block_points: int = BLOCK_POINTS):
    """Read a volume at the pixels of posed frames, trilinearly: A.

    Parameters
    ----------
    volume : torch.Tensor (C, D, H, W)
    T_pixel_to_voxel : torch.Tensor (N, 4, 4)
        Maps (u px, v px, 0) to voxel coordinates (x, y, z), voxel centres whole; NaN where
        invalid.
    pixels_px : torch.Tensor (P, 2)
        The (u, v) to read in every frame.
    block_points : int
        Points in work at a time.

    Returns
    -------
    torch.Tensor (C, N, P)
        Outside the volume there is nothing: values fade to 0 over the outermost voxel. 0 in
        frames without a valid pose.

    Raises
    ------
    ValueError
        For shapes that do not fit.

    Notes
    -----
    Gradients go to the volume (by `splat`) and to the poses. As everywhere with trilinear
    interpolation, the gradient to poses jumps where a pixel crosses a voxel centre's plane.
    """
    _check_places(T_pixel_to_voxel, pixels_px)
    if volume.ndim != 4:
        raise ValueError(f"volume must be (C, D, H, W), got {tuple(volume.shape)}")
    is_valid, rows = _valid_rows(T_pixel_to_voxel)
    read = _Sample.apply(volume, rows, pixels_px, block_points)
    whole = read.new_zeros(len(volume), len(is_valid), len(pixels_px))
    return whole.index_copy(1, is_valid.nonzero()[:, 0], read)


def splat(values, T_pixel_to_voxel, *, pixels_px, shape_zyx, block_points: int = BLOCK_POINTS):
    """Write posed pixels into a volume, trilinearly: the adjoint of `sample`.

    Parameters
    ----------
    values : torch.Tensor (C, N, P)
    T_pixel_to_voxel : torch.Tensor (N, 4, 4)
        As for `sample`; frames with NaN write nothing.
    pixels_px : torch.Tensor (P, 2)
    shape_zyx : tuple of 3 int
    block_points : int
        Points in work at a time.

    Returns
    -------
    torch.Tensor (C, D, H, W)
        Sums, not means: `<sample(x), y> = <x, splat(y)>` for all x, y.

    Raises
    ------
    ValueError
        For shapes that do not fit.

    Notes
    -----
    Inverse grid sampling (Heinrich et al. 2023): what the derivative of sampling computes.
    Gradients go to the values (by `sample`) and to the poses: since <splat(y), g> is linear
    in both, its derivative by a pixel's place is y times the slope of g there.
    Trap: on a GPU sums are added in any order, so the last digits differ between runs.
    """
    _check_places(T_pixel_to_voxel, pixels_px)
    expected = (len(T_pixel_to_voxel), len(pixels_px))
    if values.ndim != 3 or tuple(values.shape[1:]) != expected:
        raise ValueError(
            f"values must be (C, N, P) = (C, {expected[0]}, {expected[1]}), "
            f"got {tuple(values.shape)}"
        )
    is_valid, rows = _valid_rows(T_pixel_to_voxel)
    return _Splat.apply(values[:, is_valid], rows, pixels_px, tuple(shape_zyx), block_points)


def _check_places(T_pixel_to_voxel, pixels_px) -> None:
    """Refuse poses and pixels that are none."""
    if T_pixel_to_voxel.ndim != 3 or tuple(T_pixel_to_voxel.shape[1:]) != (4, 4):
        raise ValueError(f"T_pixel_to_voxel must be (N, 4, 4), got {tuple(T_pixel_to_voxel.shape)}")
    if pixels_px.ndim != 2 or pixels_px.shape[1] != 2:
        raise ValueError(f"pixels_px must be (P, 2), got {tuple(pixels_px.shape)}")


def _valid_rows(T):
    """Return which frames have a pose, and theirs as (n, 3, 3): (z, y, x) of (u, v, 1)."""
    is_valid = torch.isfinite(T).all(dim=(1, 2))
    return is_valid, T[is_valid][:, [2, 1, 0]][:, :, [0, 1, 3]]


def _blocks(frame_count: int, points: int, block_points: int) -> Iterator[slice]:
    """Yield slices of frames that hold about `block_points` points, one frame at least."""
    size = max(1, block_points // max(1, points))
    for start in range(0, frame_count, size):
        yield slice(start, start + size)


def _places(rows, pixels_px):
    """Return the voxel coordinates (n, P, 3), z y x, of pixels."""
    return pixels_px @ rows[:, :, :2].mT + rows[:, None, :, 2]


def _read(volume, rows, pixels_px):
    """Sample a volume (C, D, H, W) at all pixels of a block: (C, n, P)."""
    size = volume.new_tensor(volume.shape[1:])
    # Pixel-edge convention: with the other one, a volume one voxel thin has no coordinates.
    places = ((2 * _places(rows, pixels_px) + 1) / size - 1).flip(-1)
    return grid_sample(volume[None], places[None, None], align_corners=False)[0, :, 0]


def _write(total, values, rows, pixels_px) -> None:
    """Add a block's values (C, n, P) to a volume with a margin of one voxel, in place."""
    places = _places(rows, pixels_px).reshape(-1, 3)
    lower = places.floor()
    size = lower.new_tensor(total.shape[1:]) - 2
    # A pixel within a voxel outside still gives its share to the outermost ones.
    inside = ((lower >= -1) & (lower < size)).all(dim=1)
    shares = torch.stack([1 - (places - lower), places - lower])
    cell = torch.where(inside[:, None], lower + 1, torch.zeros_like(lower)).long()
    first = (cell[:, 0] * total.shape[2] + cell[:, 1]) * total.shape[3] + cell[:, 2]
    flat, values = total.view(len(total), -1), values.reshape(len(values), -1) * inside
    for z, y, x in product((0, 1), repeat=3):
        share = shares[z, :, 0] * shares[y, :, 1] * shares[x, :, 2]
        step = (z * total.shape[2] + y) * total.shape[3] + x
        flat.index_add_(1, first + step, values * share)


def _read_all(volume, rows, pixels_px, block_points: int):
    """Sample block by block: (C, n, P)."""
    read = volume.new_empty(len(volume), len(rows), len(pixels_px))
    for part in _blocks(len(rows), len(pixels_px), block_points):
        read[:, part] = _read(volume, rows[part], pixels_px)
    return read


def _write_all(values, rows, pixels_px, shape_zyx, block_points: int):
    """Write block by block: (C, D, H, W)."""
    total = values.new_zeros(len(values), *(size + 2 for size in shape_zyx))
    for part in _blocks(len(rows), len(pixels_px), block_points):
        _write(total, values[:, part], rows[part], pixels_px)
    return pad(total, [-1] * 6).contiguous()


def _pose_gradient(volume, values, rows, pixels_px, block_points: int):
    """Return the derivative of <values, sample(volume)> by `rows`, (n, 3, 3)."""
    gradient = torch.empty_like(rows)
    for part in _blocks(len(rows), len(pixels_px), block_points):
        with torch.enable_grad():
            free = rows[part].detach().requires_grad_()
            read = _read(volume.detach(), free, pixels_px)
            gradient[part] = torch.autograd.grad(read, free, values[:, part])[0]
    return gradient


class _Sample(torch.autograd.Function):
    """Sampling, whose backward writes."""

    @staticmethod
    def forward(ctx, volume, rows, pixels_px, block_points):
        """Read the volume (C, D, H, W) at all pixels: (C, n, P)."""
        ctx.save_for_backward(volume, rows, pixels_px)
        ctx.block_points = block_points
        return _read_all(volume, rows, pixels_px, block_points)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        """Send a gradient (C, n, P) back to volume and poses."""
        volume, rows, pixels = ctx.saved_tensors
        to_volume = to_rows = None
        if ctx.needs_input_grad[0]:
            to_volume = _write_all(gradient, rows, pixels, volume.shape[1:], ctx.block_points)
        if ctx.needs_input_grad[1]:
            to_rows = _pose_gradient(volume, gradient, rows, pixels, ctx.block_points)
        return to_volume, to_rows, None, None


class _Splat(torch.autograd.Function):
    """Writing, whose backward samples."""

    @staticmethod
    def forward(ctx, values, rows, pixels_px, shape_zyx, block_points):
        """Write values (C, n, P) into a new volume (C, D, H, W)."""
        ctx.save_for_backward(values, rows, pixels_px)
        ctx.block_points = block_points
        return _write_all(values, rows, pixels_px, shape_zyx, block_points)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        """Send a gradient (C, D, H, W) back to values and poses."""
        values, rows, pixels = ctx.saved_tensors
        to_values = to_rows = None
        if ctx.needs_input_grad[0]:
            to_values = _read_all(gradient, rows, pixels, ctx.block_points)
        if ctx.needs_input_grad[1]:
            to_rows = _pose_gradient(gradient, values, rows, pixels, ctx.block_points)
        return to_values, to_rows, None, None, None
