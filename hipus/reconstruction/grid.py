"""Where a volume's voxels lie, and how large it must be to hold a sweep.

Decides the extent: the bounding box of the used image rectangle over all valid frames, with
the first voxel centre in its corner. Axes are those of the world (no oblique volumes).
Deliberately allocates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.reconstruction.region import ImageRegion

#: Default limit of a volume, 1.5 thousand million voxels (12 GB of accumulators).
LARGEST_VOXEL_COUNT = 1_500_000_000
_ROUNDING = {"round": lambda extent: np.floor(extent + 0.5), "trunc": np.floor}


@dataclass(frozen=True)
class VoxelGrid:
    """A regular grid of voxels along the world's axes.

    Attributes
    ----------
    origin_xyz_mm : tuple of 3 float
        World position of the centre of voxel [0, 0, 0].
    spacing_xyz_mm : tuple of 3 float
    shape_zyx : tuple of 3 int
        Shape of the array, which is indexed [z, y, x].
    """

    origin_xyz_mm: tuple[float, float, float]
    spacing_xyz_mm: tuple[float, float, float]
    shape_zyx: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Check every attribute."""
        origin = tuple(float(value) for value in self.origin_xyz_mm)
        if len(origin) != 3 or not np.isfinite(origin).all():
            raise ValueError(f"origin_xyz_mm must be 3 finite numbers, got {origin}")
        shape = tuple(self.shape_zyx)
        if len(shape) != 3 or any(size != int(size) or size < 1 for size in shape):
            raise ValueError(f"shape_zyx must be 3 positive integers, got {shape}")
        object.__setattr__(self, "origin_xyz_mm", origin)
        object.__setattr__(self, "spacing_xyz_mm", check_spacing(self.spacing_xyz_mm))
        object.__setattr__(self, "shape_zyx", tuple(int(size) for size in shape))

    @property
    def voxel_count(self) -> int:
        """Return the number of voxels."""
        return int(np.prod(self.shape_zyx, dtype=object))

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Return the spacing in the order of the array's axes."""
        return self.spacing_xyz_mm[::-1]

    @property
    def T_world_to_voxel(self) -> np.ndarray:
        """Return the (4, 4) map from world mm to voxel coordinates (x, y, z); centres whole."""
        T = np.diag([*(1.0 / np.array(self.spacing_xyz_mm)), 1.0])
        T[:3, 3] = -np.array(self.origin_xyz_mm) / self.spacing_xyz_mm
        return T

    def is_close(self, other: VoxelGrid, *, tolerance_mm: float = 1e-4) -> bool:
        """Tell whether two grids have the same shape, and origin and spacing within a tolerance.

        Parameters
        ----------
        other : VoxelGrid
        tolerance_mm : float
            Headers often carry six significant digits, hence not 0.

        Returns
        -------
        bool
        """
        return (
            self.shape_zyx == other.shape_zyx
            and np.allclose(self.origin_xyz_mm, other.origin_xyz_mm, rtol=0, atol=tolerance_mm)
            and np.allclose(self.spacing_xyz_mm, other.spacing_xyz_mm, rtol=0, atol=tolerance_mm)
        )


def check_spacing(spacing_xyz_mm) -> tuple[float, float, float]:
    """Return a spacing as 3 positive floats; a single number stands for all axes.

    Parameters
    ----------
    spacing_xyz_mm : float or array-like (3,)

    Returns
    -------
    tuple of 3 float

    Raises
    ------
    ValueError
        Unless there are 3 (or 1) finite positive numbers.
    """
    given = np.atleast_1d(np.asarray(spacing_xyz_mm, np.float64))
    spacing = np.repeat(given, 3) if given.shape == (1,) else given
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"spacing_xyz_mm must be 3 positive numbers, got {tuple(given.tolist())}")
    return tuple(spacing.tolist())


def grid_around(
    T_pixel_to_world,
    region: ImageRegion,
    *,
    spacing_xyz_mm,
    rounding: str = "round",
    largest_voxel_count: int = LARGEST_VOXEL_COUNT,
) -> VoxelGrid:
    """Return the grid that holds an image region in all its valid poses.

    Parameters
    ----------
    T_pixel_to_world : array-like (N, 4, 4)
        Maps (u px, v px, 0) to mm; frames with NaN are left out.
    region : ImageRegion
        Its rectangle counts, not its fan.
    spacing_xyz_mm : float or array-like (3,)
    rounding : {"round", "trunc"}
        Voxels per axis: extent / spacing rounded or truncated, plus one.
    largest_voxel_count : int
        Refuse larger volumes.

    Returns
    -------
    VoxelGrid

    Raises
    ------
    ValueError
        If no pose is valid, for a bad spacing or rounding, or for too large a volume.

    Notes
    -----
    As the PLUS toolkit does it (Lasso et al. 2014): "round" is what present versions do,
    "trunc" what older ones did. The box runs through the centres of the outermost pixels.
    """
    T = geometry.check_transform(T_pixel_to_world, "T_pixel_to_world", rigid=False, allow_nan=True)
    if rounding not in _ROUNDING:
        raise ValueError(f"rounding must be one of {sorted(_ROUNDING)}, got {rounding!r}")
    T = T.reshape(-1, 4, 4)[~np.isnan(T.reshape(-1, 16)).any(axis=1)]
    if not len(T):
        raise ValueError("T_pixel_to_world has no valid pose: nothing to reconstruct")
    spacing = np.array(check_spacing(spacing_xyz_mm))
    corners = geometry.apply(T, region.corners_px).reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = _ROUNDING[rounding]((high - low) / spacing) + 1
    _refuse_large(counts, spacing, largest_voxel_count)
    return VoxelGrid(tuple(low), tuple(spacing), tuple(int(count) for count in counts[::-1]))


def _refuse_large(counts: np.ndarray, spacing: np.ndarray, largest: int) -> None:
    """Raise for a volume that is a mistake of units rather than a wish."""
    if np.prod(counts) > largest:
        size = " x ".join(f"{count:.0f}" for count in counts)
        raise ValueError(
            f"spacing_xyz_mm {tuple(spacing.tolist())} needs {size} voxels (x, y, z), more than "
            f"the limit of {largest}: choose a larger spacing, or check the poses' unit"
        )
