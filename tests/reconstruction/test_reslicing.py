"""Reslices of volumes with known content, and leave-one-out prediction."""

import numpy as np
import pytest

from hipus import geometry
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.holes import fill_sticks
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.reslicing import leave_one_out, reslice

GRID = VoxelGrid((1, -2, 3), (0.5, 0.8, 1.1), (7, 9, 11))


@pytest.fixture
def ramp():
    """Return a volume whose grey value is 2 x - 3 y + 5 z in world mm."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in GRID.shape_zyx), indexing="ij")
    return 2 * (1 + 0.5 * x) - 3 * (-2 + 0.8 * y) + 5 * (3 + 1.1 * z)


class TestReslice:
    """Trilinear sampling is exact for linear content."""

    def test_an_oblique_plane_shows_the_ramp(self, ramp):
        """Column, row and world axes are not swapped."""
        T = np.array([[0.3, 0.1, 0, 1.5], [0.1, 0.4, 0, -1], [0.05, 0.2, 1, 4], [0, 0, 0, 1.0]])
        made = reslice(ramp, GRID, T_pixel_to_world=T, shape_hw=(4, 6))
        v, u = np.mgrid[:4, :6]
        x, y, z = (T[k, 0] * u + T[k, 1] * v + T[k, 3] for k in range(3))
        np.testing.assert_allclose(made, 2 * x - 3 * y + 5 * z, rtol=1e-5)

    def test_outside_is_nan(self, ramp):
        """Half a row beyond the first voxel centres."""
        T = np.diag([0.5, 0.8, 1, 1.0])
        T[:3, 3] = [1 - 2 * 0.5, -2, 3]
        made = reslice(ramp, GRID, T_pixel_to_world=T, shape_hw=(9, 13))
        assert np.isnan(made[:, :2]).all()
        assert np.isfinite(made[:, 2:]).all()

    def test_voxels_not_hit_do_not_darken_their_neighbours(self):
        """Between a hit and a hole the hit counts alone; beyond half-way it is unknown."""
        grid = VoxelGrid((0, 0, 0), (1, 1, 1), (1, 1, 2))
        volume, is_hit = np.array([[[80.0, 0.0]]]), np.array([[[True, False]]])
        T = np.diag([0.25, 1, 1, 1])
        made = reslice(volume, grid, T_pixel_to_world=T, shape_hw=(1, 5), is_hit=is_hit)
        np.testing.assert_allclose(made[0, :3], 80)
        assert np.isnan(made[0, 3:]).all()

    def test_refusals(self, ramp):
        """Shape of volume and mask; pose."""
        T = np.eye(4)
        with pytest.raises(ValueError, match=r"volume must have the grid's shape \(7, 9, 11\)"):
            reslice(ramp[1:], GRID, T_pixel_to_world=T, shape_hw=(2, 2))
        with pytest.raises(ValueError, match="is_hit must have the grid's shape"):
            reslice(ramp, GRID, T_pixel_to_world=T, shape_hw=(2, 2), is_hit=ramp[1:] > 0)
        with pytest.raises(ValueError, match="T_pixel_to_world"):
            reslice(ramp, GRID, T_pixel_to_world=np.full((4, 4), np.nan), shape_hw=(2, 2))


class TestLeaveOneOut:
    """A frame from its neighbours."""

    @pytest.fixture
    def sweep(self):
        """Return parallel frames 0.5 mm apart whose grey value grows with depth."""
        rows = np.arange(0, 160, 10, dtype=np.uint8)
        frames = np.broadcast_to(rows[None, :, None], (9, 16, 12)).copy()
        T = geometry.transform(translation=np.arange(9)[:, None] * [0, 0, 0.5])
        T = geometry.compose(T, np.diag([0.5, 0.5, 1, 1]))
        grid = grid_around(T, ImageRegion.whole((16, 12)), spacing_xyz_mm=(0.5, 0.5, 1))
        return frames, T, grid

    def test_the_other_frames_predict_it(self, sweep):
        """Content that does not change from frame to frame."""
        made = leave_one_out(*sweep, frame_index=4)
        np.testing.assert_allclose(made.error, 0, atol=1e-3)

    def test_frames_far_apart_predict_only_across_a_filled_gap(self, sweep):
        """Frames 4 mm apart, voxels of 1 mm."""
        frames, T, _ = sweep
        T = T.copy()
        T[:, 2, 3] *= 8
        grid = grid_around(T, ImageRegion.whole((16, 12)), spacing_xyz_mm=(0.5, 0.5, 1))
        open_ = leave_one_out(frames, T, grid, frame_index=4, interpolation="nearest")
        assert np.isnan(open_.error).all()
        made = leave_one_out(
            frames, T, grid, frame_index=4, interpolation="nearest", fill=fill_sticks
        )
        np.testing.assert_allclose(made.error, 0, atol=1e-3)

    def test_the_frame_itself_plays_no_part(self, sweep):
        """A spoilt frame shows its full error."""
        frames, T, grid = sweep
        spoilt = frames.copy()
        spoilt[4] += 50
        expected = leave_one_out(frames, T, grid, frame_index=4).predicted
        made = leave_one_out(spoilt, T, grid, frame_index=4)
        np.testing.assert_array_equal(made.predicted, expected)
        np.testing.assert_allclose(made.error, -50, atol=1e-3)

    def test_outside_the_region_nothing_is_predicted(self, sweep):
        """The same region in both ways."""
        made = leave_one_out(*sweep, frame_index=4, region=ImageRegion(3, 2, 5, 6))
        known = np.isfinite(made.error)
        assert known[2:8, 3:8].all()
        assert known.sum() == 30

    def test_refusals(self, sweep):
        """A frame that is not there, or has no pose."""
        frames, T, grid = sweep
        with pytest.raises(ValueError, match="frame_index must be 0 to 8, got 9"):
            leave_one_out(frames, T, grid, frame_index=9)
        T = T.copy()
        T[2] = np.nan
        with pytest.raises(ValueError, match=r"T_pixel_to_world\[2\] is not valid"):
            leave_one_out(frames, T, grid, frame_index=2)
