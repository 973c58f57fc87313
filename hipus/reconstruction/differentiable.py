"""Voxelise differentiably: the linear mean of frames, with gradients to greys and poses.

Decides how sums become means and how a region's pixels become points. Deliberately knows one
method only: where no gradient is needed, `voxelisation` is the fast path, with all methods.
Fills no holes and changes no pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hipus.reconstruction.adjoint import BLOCK_POINTS, splat
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.region import ImageRegion


@dataclass(frozen=True)
class MeanVolume:
    """A volume with gradients.

    Attributes
    ----------
    volume : torch.Tensor (D, H, W)
        Mean grey value; 0 where not hit.
    weight : torch.Tensor (D, H, W)
        Sum of weights.
    """

    volume: torch.Tensor
    weight: torch.Tensor


def voxelise(
    frames,
    T_pixel_to_world,
    *,
    grid: VoxelGrid,
    region: ImageRegion | None = None,
    frame_weights=None,
    pixel_weights=None,
    block_points: int = BLOCK_POINTS,
) -> MeanVolume:
    """Reconstruct the linear mean of frames, with gradients to frames, weights and poses.

    Parameters
    ----------
    frames : torch.Tensor (N, H, W)
        Any type; computed in the poses' type and on their device.
    T_pixel_to_world : torch.Tensor (N, 4, 4)
        Maps (u px, v px, 0) to world mm, scale included; NaN where invalid.
    grid : VoxelGrid
    region : ImageRegion, optional
        Pixels to use. Left out: all.
    frame_weights : torch.Tensor (N,), optional
    pixel_weights : torch.Tensor (H, W), optional
        Not negative.
    block_points : int
        Points in work at a time.

    Returns
    -------
    MeanVolume

    Raises
    ------
    ValueError
        For shapes that do not fit.

    Notes
    -----
    The same volume as `voxelisation.voxelise` with linear interpolation and mean, to rounding.
    Inverse grid sampling of values and of weights, and their quotient (Heinrich et al. 2023).
    """
    if frames.ndim != 3 or len(frames) != len(T_pixel_to_world):
        raise ValueError(
            f"frames must be (N, H, W) with N = {len(T_pixel_to_world)} as T_pixel_to_world, "
            f"got {tuple(frames.shape)}"
        )
    shape_hw = tuple(frames.shape[1:])
    pixels = region_pixels(region or ImageRegion.whole(shape_hw), shape_hw, like=T_pixel_to_world)
    greys = pixel_values(frames.to(T_pixel_to_world), pixels)
    weights = torch.ones_like(greys)
    if frame_weights is not None:
        weights = weights * _shaped(frame_weights, (len(frames),), "frame_weights")[:, None]
    if pixel_weights is not None:
        by_pixel = _shaped(pixel_weights, shape_hw, "pixel_weights")
        weights = weights * pixel_values(by_pixel[None], pixels)
    sums, weight = splat(
        torch.stack([greys * weights, weights]),
        pixel_to_voxel(T_pixel_to_world, grid),
        pixels_px=pixels,
        shape_zyx=grid.shape_zyx,
        block_points=block_points,
    )
    return MeanVolume(normalised(sums, weight), weight)


def normalised(sums, weight):
    """Divide sums by weights where there is weight; 0 elsewhere, without NaN in gradients.

    Parameters
    ----------
    sums, weight : torch.Tensor
        Of one shape.

    Returns
    -------
    torch.Tensor
    """
    is_hit = weight > 0
    # The quotient that `where` throws away would still send NaN back.
    safe = torch.where(is_hit, weight, torch.ones_like(weight))
    return torch.where(is_hit, sums / safe, torch.zeros_like(sums))


def pixel_to_voxel(T_pixel_to_world, grid: VoxelGrid):
    """Return poses in a grid's voxel coordinates (x, y, z), with gradients.

    Parameters
    ----------
    T_pixel_to_world : torch.Tensor (N, 4, 4)
    grid : VoxelGrid

    Returns
    -------
    torch.Tensor (N, 4, 4)
    """
    return T_pixel_to_world.new_tensor(grid.T_world_to_voxel) @ T_pixel_to_world


def region_pixels(region: ImageRegion, shape_hw, *, like):
    """Return the (u, v) of a region's pixels, row by row.

    Parameters
    ----------
    region : ImageRegion
    shape_hw : tuple of 2 int
    like : torch.Tensor
        Gives type and device.

    Returns
    -------
    torch.Tensor (P, 2)
    """
    mask = torch.as_tensor(region.mask(tuple(shape_hw)), device=like.device)
    return mask.nonzero().flip(1).to(like.dtype)


def pixel_values(frames, pixels_px):
    """Return what frames hold at whole pixels.

    Parameters
    ----------
    frames : torch.Tensor (N, H, W)
    pixels_px : torch.Tensor (P, 2)
        Whole numbers (u, v).

    Returns
    -------
    torch.Tensor (N, P)
    """
    u, v = pixels_px.long().T
    return frames[:, v, u]


def _shaped(weights, shape: tuple[int, ...], name: str):
    """Return weights of a shape, or say what they have."""
    if tuple(weights.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(weights.shape)}")
    return weights
