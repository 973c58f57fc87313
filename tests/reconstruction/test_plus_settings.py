"""What the settings of a PLUS configuration mean."""

import numpy as np

from hipus import geometry
from hipus.formats.plus_config import ReconstructionSettings
from hipus.reconstruction.plus_settings import reconstruct_like_plus, region_of
from hipus.reconstruction.region import Fan, ImageRegion


def settings(**options):
    """Return nearest mean settings at 1 mm."""
    options = {"interpolation": "nearest", "compounding": "mean", **options}
    return ReconstructionSettings(spacing_xyz_mm=(1, 1, 1), **options)


class TestRegion:
    """PLUS counts the far edge in."""

    def test_far_edge_is_included_inside_the_frame_only(self):
        """20 wide from 5 is columns 5 to 25; 30 wide ends at the frame."""
        clip = {"clip_origin_px": (5, 3), "clip_size_px": (20, 10)}
        assert region_of(settings(**clip), (50, 40)) == ImageRegion(5, 3, 21, 11)
        assert region_of(settings(**clip), (13, 25)) == ImageRegion(5, 3, 20, 10)

    def test_without_clip_all_pixels_with_their_fan(self):
        """All three fan settings go along."""
        fan = {"fan_angles_deg": (-30, 40), "fan_origin_px": (9, 1), "fan_radii_px": (2, 8)}
        expected = ImageRegion(0, 0, 40, 50, Fan((-30, 40), (9, 1), (2, 8)))
        assert region_of(settings(**fan), (50, 40)) == expected


class TestReconstruction:
    """Region, grid, methods and holes in one."""

    frames = np.array([[[10, 0, 0, 40]]], np.uint8)
    T = geometry.transform(translation=np.zeros((1, 3)))

    def test_methods_and_rounding_are_handed_on(self):
        """Pixels 0.9 mm apart: 2.7 mm, four voxels or three."""
        T = geometry.compose(self.T, np.diag([0.9, 1, 1, 1]))
        made = reconstruct_like_plus(self.frames, T, settings(compounding="maximum"))
        assert made.volume.dtype == np.uint8
        assert made.volume.tolist() == [[[10, 0, 0, 40]]]
        made = reconstruct_like_plus(self.frames, T, settings(), rounding="trunc")
        assert made.grid.shape_zyx == (1, 1, 3)

    def test_holes_are_filled_where_the_settings_say_so(self):
        """Pixels 2 mm apart leave every other voxel empty."""
        T = geometry.compose(self.T, np.diag([2, 1, 1, 1]))
        open_ = reconstruct_like_plus(self.frames, T, settings())
        assert open_.volume[0, 0].tolist() == [10, 0, 0, 0, 0, 0, 40]
        sticks = settings(stick_length_limit=3, stick_count=1)
        filled = reconstruct_like_plus(self.frames, T, sticks).volume[0, 0]
        np.testing.assert_allclose(filled, [10, 10 / 3, 0, 0, 0, 80 / 3, 40], rtol=1e-6)
