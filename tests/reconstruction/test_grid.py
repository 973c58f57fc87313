"""Grids: extents by hand, rounding rules, refusals."""

import numpy as np
import pytest

from hipus import geometry
from hipus.reconstruction.grid import VoxelGrid, check_spacing, grid_around
from hipus.reconstruction.region import ImageRegion

REGION = ImageRegion(2, 1, 5, 3)  # columns 2 to 6, rows 1 to 3


def poses(*places):
    """Return poses of 0.5 x 0.25 mm pixels at places in mm."""
    T = geometry.transform(translation=np.array(places, float))
    return geometry.compose(T, np.diag([0.5, 0.25, 1, 1]))


class TestExtent:
    """The box through the outermost pixel centres."""

    def test_corners_and_counts_by_hand(self):
        """x 1 to 3 + 1, y 0.25 to 0.75, z 0 to 2.6."""
        grid = grid_around(poses((0, 0, 0), (1, 0, 2.6)), REGION, spacing_xyz_mm=(0.5, 0.2, 1))
        assert grid.origin_xyz_mm == (1, 0.25, 0)
        assert grid.shape_zyx == (4, 4, 7)  # 2.6 -> 3, 2.5 -> 3, 6 -> 6, each + 1
        assert grid.voxel_count == 112

    def test_older_versions_truncate(self):
        """2.6 -> 2 and 2.5 -> 2."""
        T = poses((0, 0, 0), (1, 0, 2.6))
        grid = grid_around(T, REGION, spacing_xyz_mm=(0.5, 0.2, 1), rounding="trunc")
        assert grid.shape_zyx == (3, 3, 7)

    def test_invalid_poses_do_not_count(self):
        """A frame that is not used needs no room."""
        T = poses((0, 0, 0), (100, 0, 0), (1, 0, 2))
        T[1] = np.nan
        grid = grid_around(T, REGION, spacing_xyz_mm=1)
        assert grid == grid_around(T[[0, 2]], REGION, spacing_xyz_mm=1)

    def test_world_to_voxel_puts_the_origin_at_zero(self):
        """And one spacing further at one."""
        grid = VoxelGrid((4, -5, 6), (0.5, 2, 4), (3, 3, 3))
        points = [[4, -5, 6], [4.5, -3, 10]]
        mapped = geometry.apply(grid.T_world_to_voxel, points)
        np.testing.assert_allclose(mapped, [[0, 0, 0], [1, 1, 1]])
        assert grid.spacing_zyx_mm == (4, 2, 0.5)

    def test_closeness_looks_at_shape_origin_and_spacing(self):
        """Within a tolerance in mm."""
        grid = VoxelGrid((0, 0, 0), (1, 1, 1), (3, 4, 5))
        assert grid.is_close(VoxelGrid((0, 5e-5, 0), (1, 1, 1), (3, 4, 5)))
        assert not grid.is_close(VoxelGrid((0, 5e-3, 0), (1, 1, 1), (3, 4, 5)))
        assert not grid.is_close(VoxelGrid((0, 0, 0), (1, 1, 1.1), (3, 4, 5)))
        assert not grid.is_close(VoxelGrid((0, 0, 0), (1, 1, 1), (5, 4, 3)))


class TestRefusals:
    """Every error names what, expected and got."""

    @pytest.mark.parametrize("spacing", [0, -1, np.nan, np.inf, (1, 1), (1, 0, 1), (1, 1, 1, 1)])
    def test_bad_spacing(self, spacing):
        """One or three positive numbers."""
        with pytest.raises(ValueError, match="spacing_xyz_mm must be 3 positive numbers, got"):
            check_spacing(spacing)

    def test_bad_origin(self):
        """Finite."""
        with pytest.raises(ValueError, match="origin_xyz_mm must be 3 finite numbers"):
            VoxelGrid((0, np.nan, 0), (1, 1, 1), (1, 1, 1))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 0, 1), (1, 1.5, 1)])
    def test_bad_shape(self, shape):
        """Three positive integers."""
        with pytest.raises(ValueError, match="shape_zyx must be 3 positive integers, got"):
            VoxelGrid((0, 0, 0), (1, 1, 1), shape)

    def test_no_valid_pose(self):
        """All NaN."""
        with pytest.raises(ValueError, match="has no valid pose: nothing to reconstruct"):
            grid_around(np.full((2, 4, 4), np.nan), REGION, spacing_xyz_mm=1)

    def test_unknown_rounding(self):
        """By name."""
        with pytest.raises(ValueError, match="rounding must be one of .* got 'up'"):
            grid_around(poses((0, 0, 0)), REGION, spacing_xyz_mm=1, rounding="up")

    def test_absurdly_large_volume(self):
        """Micrometres taken for millimetres, say; nothing is allocated."""
        message = (
            r"spacing_xyz_mm \(1e-06, .* needs 2000001 x 500001 x 1 voxels .* limit of 1500000000"
        )
        with pytest.raises(ValueError, match=message):
            grid_around(poses((0, 0, 0)), REGION, spacing_xyz_mm=1e-6)
        with pytest.raises(ValueError, match="more than the limit of 5"):
            grid_around(poses((0, 0, 0)), REGION, spacing_xyz_mm=0.5, largest_voxel_count=5)
