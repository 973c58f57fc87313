"""Between a coarse grid and one that divides its voxels."""

import numpy as np
import pytest

from hipus import geometry, images
from hipus.segmentation.finer_grid import divided, finer_grid, united


def volume(shape=(2, 3, 4), **place) -> images.Volume:
    """Return a volume with three different sides."""
    return images.Volume(np.zeros(shape, np.uint8), (1.2, 0.8, 0.5), (10.0, -3.0, 7.0), **place)


class TestFinerGrid:
    def test_parts_fill_the_voxel_they_divide(self):
        fine = finer_grid(volume(), 2)
        assert fine.shape_zyx == (4, 6, 8)
        assert fine.spacing_xyz_mm == pytest.approx((0.25, 0.4, 0.6))
        # x: centres at 10 -+ 0.125; y: -3 -+ 0.2; z: 7 -+ 0.3
        assert fine.origin_xyz_mm == pytest.approx((9.875, -3.2, 6.7))

    def test_mean_of_the_parts_is_the_middle_of_the_voxel(self, rng):
        coarse, factor = volume(), 3
        fine = finer_grid(coarse, factor)
        voxel = rng.integers(0, coarse.array.shape[::-1])
        parts = factor * voxel + np.stack(np.meshgrid(*[range(factor)] * 3), -1).reshape(-1, 3)
        places = geometry.apply(np.linalg.inv(fine.T_world_to_voxel), parts.astype(float))
        middle = np.array(coarse.origin_xyz_mm) + voxel * coarse.spacing_zyx_mm[::-1]
        assert places.mean(axis=0) == pytest.approx(middle)

    def test_one_changes_nothing(self):
        fine = finer_grid(volume(), 1)
        assert fine.origin_xyz_mm == (10.0, -3.0, 7.0)
        assert fine.shape_zyx == (2, 3, 4)

    def test_turned_axes_are_refused(self):
        turned = volume(direction=np.diag([-1.0, -1.0, 1.0]))
        with pytest.raises(ValueError, match="must have the world's axes, got direction"):
            finer_grid(turned, 2)


class TestLabels:
    def test_divided_labels_unite_to_themselves(self, rng):
        labels = rng.integers(0, 5, (3, 2, 5)).astype(np.uint8)
        assert np.array_equal(united(divided(labels, 2), 2), labels)
        assert divided(labels, 3).shape == (9, 6, 15)

    def test_most_parts_decide(self):
        parts = np.zeros((2, 2, 2), np.uint8)
        parts[0, 0, 0] = 4
        assert united(parts, 2).item() == 0
        parts[1] = 2  # four of eight: a tie with what is left
        parts[0, 0, 0] = 0
        assert united(parts, 2).item() == 2

    def test_the_larger_label_wins_a_tie(self):
        parts = np.full((2, 2, 2), 1, np.uint8)
        parts[0] = 3
        assert united(parts, 2).item() == 3

    def test_a_shape_that_is_not_divided_is_refused(self):
        with pytest.raises(ValueError, match=r"must be divisible by 2, got \(2, 3, 2\)"):
            united(np.zeros((2, 3, 2), np.uint8), 2)

    @pytest.mark.parametrize("use", [united, divided])
    def test_a_factor_below_one_is_refused(self, use):
        with pytest.raises(ValueError, match="factor must be >= 1, got 0"):
            use(np.zeros((2, 2, 2), np.uint8), 0)
