"""Reconstruct a sweep by the settings of a PLUS configuration.

Decides what those settings mean in our terms: which pixels, which grid, which methods, in
which order. Deliberately reads no files: `hipus.formats.plus_config` does.
"""

from __future__ import annotations

from hipus.formats.plus_config import ReconstructionSettings
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.holes import fill_sticks
from hipus.reconstruction.region import Fan, ImageRegion
from hipus.reconstruction.voxelisation import Reconstruction, voxelise


def region_of(settings: ReconstructionSettings, shape_hw: tuple[int, int]) -> ImageRegion:
    """Return the pixels that PLUS uses of a frame.

    Parameters
    ----------
    settings : ReconstructionSettings
    shape_hw : tuple of 2 int
        Rows and columns of the frames.

    Returns
    -------
    ImageRegion

    Notes
    -----
    Trap: PLUS includes column origin + size and row origin + size, where the frame has them.
    """
    fan = None
    if settings.fan_angles_deg is not None:
        fan = Fan(settings.fan_angles_deg, settings.fan_origin_px, settings.fan_radii_px)
    if settings.clip_origin_px is None:
        return ImageRegion(0, 0, shape_hw[1], shape_hw[0], fan)
    (u, v), (width, height) = settings.clip_origin_px, settings.clip_size_px
    return ImageRegion(u, v, min(width + 1, shape_hw[1] - u), min(height + 1, shape_hw[0] - v), fan)


def reconstruct_like_plus(
    frames,
    T_pixel_to_reference,
    settings: ReconstructionSettings,
    *,
    rounding: str = "round",
    threads: int | None = None,
) -> Reconstruction:
    """Reconstruct a sweep by a PLUS configuration: region, grid, compounding, hole filling.

    Parameters
    ----------
    frames : array or sliceable (N, H, W) uint8
    T_pixel_to_reference : array-like (N, 4, 4)
        Scale included, mm; NaN where invalid.
    settings : ReconstructionSettings
    rounding : {"round", "trunc"}
        Volume size as newer or as older PLUS versions have it.
    threads : int, optional

    Returns
    -------
    Reconstruction
    """
    region = region_of(settings, frames.shape[1:])
    grid = grid_around(
        T_pixel_to_reference, region, spacing_xyz_mm=settings.spacing_xyz_mm, rounding=rounding
    )
    result = voxelise(
        frames,
        T_pixel_to_reference,
        grid,
        interpolation=settings.interpolation,
        compounding=settings.compounding,
        region=region,
        threads=threads,
    )
    if settings.stick_length_limit is None:
        return result
    return fill_sticks(
        result,
        stick_length_limit=settings.stick_length_limit,
        stick_count=settings.stick_count,
        ends="plus",
    )
