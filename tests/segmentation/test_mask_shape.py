"""Streaks in numbers, and smoothing that loses no structure."""

import numpy as np
import pytest
from scipy import ndimage

from hipus.segmentation.mask_shape import (
    roughness,
    slice_dice,
    smooth_labels,
    surface_roughness_mm,
)

SPACING_ZYX = (0.5, 0.2, 0.1)


def stacked_discs(shifts_mm, radius_mm: float = 4.0) -> np.ndarray:
    """Return a cylinder along z that is made of discs, each moved along x."""
    y, x = np.mgrid[-30:31, -60:61].astype(float) * np.array(SPACING_ZYX[1:])[:, None, None]
    return np.stack([y**2 + (x - shift) ** 2 <= radius_mm**2 for shift in shifts_mm])


def ball(radius_mm: float, spacing_mm: float) -> np.ndarray:
    """Return a ball in a cube of voxels."""
    half = int(radius_mm / spacing_mm) + 8
    z, y, x = np.mgrid[-half : half + 1, -half : half + 1, -half : half + 1] * spacing_mm
    return z**2 + y**2 + x**2 <= radius_mm**2


class TestRoughness:
    @pytest.mark.parametrize(("jitter_mm", "sigma_mm"), [(0.3, 1.0), (0.6, 1.0), (0.4, 2.5)])
    def test_jitter_of_stacked_discs_is_found_along_the_sweep_alone(self, rng, jitter_mm, sigma_mm):
        shifts = rng.normal(0, jitter_mm, 40)
        moved = shifts - ndimage.gaussian_filter1d(shifts, sigma_mm / 0.5, mode="nearest")
        # A disc's rim moves by the shift times the cosine of its normal, whose mean square is 1/2.
        expected = np.sqrt(np.mean(moved**2) / 2)
        found = roughness(stacked_discs(shifts), spacing_zyx_mm=SPACING_ZYX, sigma_mm=sigma_mm)
        assert found.elevational_mm == pytest.approx(expected, rel=0.12)
        assert found.in_plane_mm < 0.1
        still = roughness(stacked_discs(0 * shifts), spacing_zyx_mm=SPACING_ZYX, sigma_mm=sigma_mm)
        assert still.elevational_mm == pytest.approx(0, abs=1e-6)

    def test_jitter_within_slices_is_found_there_alone(self, rng):
        # The same cylinder lying along y, its discs being rows: streaks of another direction.
        mask = stacked_discs(rng.normal(0, 0.4, 40)).transpose(1, 0, 2)
        found = roughness(mask, spacing_zyx_mm=(0.2, 0.5, 0.1), sigma_mm=1.0)
        assert found.in_plane_mm > 0.15
        assert found.elevational_mm < 0.6 * found.in_plane_mm

    def test_a_cut_by_the_volumes_border_is_no_surface(self, rng):
        shifts = rng.normal(0, 0.4, 40)
        whole = stacked_discs(shifts)
        half = whole[:, :31]
        found = [
            surface_roughness_mm(one, spacing_zyx_mm=SPACING_ZYX, sigma_mm=(1.0, 0.0, 0.0))
            for one in (whole, half)
        ]
        assert found[1] == pytest.approx(found[0], rel=0.05)

    @pytest.mark.parametrize("spacing_mm", [0.25, 0.5])
    def test_a_smooth_ball_has_none_but_the_staircase_of_its_voxels(self, spacing_mm):
        mask = ball(6.0, spacing_mm)
        found = surface_roughness_mm(mask, spacing_zyx_mm=(spacing_mm,) * 3, sigma_mm=1.0)
        assert found < 0.3 * spacing_mm

    def test_doubled_spacing_and_width_double_it_and_axes_are_not_mixed_up(self, rng):
        mask = stacked_discs(rng.normal(0, 0.4, 16))
        found = surface_roughness_mm(mask, spacing_zyx_mm=SPACING_ZYX, sigma_mm=(1.0, 0.0, 0.3))
        doubled = surface_roughness_mm(
            mask, spacing_zyx_mm=2 * np.array(SPACING_ZYX), sigma_mm=(2.0, 0.0, 0.6)
        )
        turned = surface_roughness_mm(
            mask.transpose(2, 0, 1), spacing_zyx_mm=(0.1, 0.5, 0.2), sigma_mm=(0.3, 1.0, 0.0)
        )
        assert found > 0.1
        assert doubled == pytest.approx(2 * found, rel=1e-4)
        assert turned == pytest.approx(found, rel=1e-4)

    def test_nothing_and_a_volume_full_of_it_have_no_surface(self):
        for mask in (np.zeros((4, 5, 6), bool), np.ones((4, 5, 6), bool)):
            found = surface_roughness_mm(mask, spacing_zyx_mm=SPACING_ZYX, sigma_mm=1.0)
            assert np.isnan(found)


class TestSliceDice:
    def test_neighbours_that_share_three_of_four_pixels(self):
        labels = np.zeros((4, 3, 9), np.uint8)
        for k in range(3):
            labels[k, 1, k : k + 4] = 2
        labels[1, 2, 5] = 1
        # Label 2: 3/4, 3/4, and 0 where it ends. Label 1: twice 0. Label 3: nowhere.
        found = slice_dice(labels, (1, 2, 3))
        np.testing.assert_allclose(found, [0, 0.5, np.nan])
        along_x = slice_dice(labels, (2,), axis=2)
        # Columns hold 1, 2, 3, 3, 2, 1 voxels, neighbours share all of the smaller one; then 0.
        expected = np.mean([2 / 3, 4 / 5, 1, 4 / 5, 2 / 3, 0])
        np.testing.assert_allclose(along_x, [expected])

    def test_streaks_lower_it(self, rng):
        still, moved = (stacked_discs(scale * rng.normal(0, 1, 20)) for scale in (0, 0.5))
        assert slice_dice(still, (1,)) == 1
        assert slice_dice(moved, (1,)) < 0.93

    def test_labels_must_be_a_volume(self):
        with pytest.raises(ValueError, match=r"labels must be \(D, H, W\), got \(3, 4\)"):
            slice_dice(np.zeros((3, 4), np.uint8), (1,))


class TestSmoothing:
    def test_streaks_go_and_the_volume_stays(self, rng):
        labels = 2 * stacked_discs(rng.normal(0, 0.5, 24)).astype(np.uint8)
        found = smooth_labels(labels, spacing_zyx_mm=SPACING_ZYX, sigma_mm=1.0)
        before, after = (
            roughness(one > 0, spacing_zyx_mm=SPACING_ZYX, sigma_mm=1.0).elevational_mm
            for one in (labels, found)
        )
        assert after < before / 3
        assert slice_dice(found, (2,)) > slice_dice(labels, (2,)) + 0.03
        assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(labels), rel=0.01)
        assert set(np.unique(found)) == {0, 2}
        assert found.dtype == np.uint8

    @pytest.mark.parametrize("thickness_mm", [0.9, 1.3])
    def test_a_thin_sheet_does_not_vanish(self, thickness_mm):
        z, y, x = np.mgrid[:20, :40, :40] * 0.5
        labels = 3 * (np.abs(y - 10 - 0.3 * (x - 10) - 0.2 * (z - 5)) < thickness_mm / 2)
        labels = labels.astype(np.uint8)
        found = smooth_labels(labels, spacing_zyx_mm=(0.5, 0.5, 0.5), sigma_mm=1.0)
        plain = ndimage.gaussian_filter((labels == 3).astype(float), 2.0, mode="nearest")
        assert np.count_nonzero(plain > 0.5) < 0.5 * np.count_nonzero(labels)
        assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(labels), rel=0.01)
        overlap = np.count_nonzero((found == 3) & (labels == 3))
        assert overlap > 0.9 * np.count_nonzero(labels)

    def test_solid_structures_are_those_of_the_argmax(self):
        labels = np.zeros((30, 40, 50), np.uint8)
        labels[5:25, 8:32, 6:25], labels[5:25, 8:32, 25:44] = 1, 4
        found = smooth_labels(labels, spacing_zyx_mm=(0.5, 0.5, 0.5), sigma_mm=0.6)
        shares = [ndimage.gaussian_filter((labels == k).astype(float), 1.2) for k in range(5)]
        differs = found != np.argmax(shares, axis=0)
        # Only along the edges, which the argmax cuts and kept volume does not.
        assert np.count_nonzero(differs) < 0.03 * np.count_nonzero(labels)
        assert not differs[8:22, 11:29, 9:41].any()
        # Where two meet, nothing opens between them.
        assert (found[8:22, 11:29, 9:41] > 0).all()

    def test_three_that_meet_leave_no_seam(self):
        labels = np.full((12, 30, 30), 1, np.uint8)
        labels[:, 15:, :15], labels[:, 15:, 15:] = 2, 3
        found = smooth_labels(labels, spacing_zyx_mm=(0.5, 0.5, 0.5), sigma_mm=1.0)
        assert (found > 0).all()

    def test_no_width_changes_nothing_and_nothing_stays_nothing(self, rng):
        labels = rng.integers(0, 5, (4, 5, 6), dtype=np.uint8)
        found = smooth_labels(labels, spacing_zyx_mm=SPACING_ZYX, sigma_mm=0)
        np.testing.assert_array_equal(found, labels)
        assert found is not labels
        empty = np.zeros((4, 5, 6), np.uint8)
        assert not smooth_labels(empty, spacing_zyx_mm=SPACING_ZYX, sigma_mm=1.0).any()


class TestRefusals:
    def test_widths_and_spacings_that_are_none(self):
        mask = np.ones((3, 4, 5), bool)
        for sigma in (-1.0, (1.0, 2.0), np.nan):
            with pytest.raises(ValueError, match="sigma_mm must be 1 or 3 numbers >= 0, got"):
                surface_roughness_mm(mask, spacing_zyx_mm=SPACING_ZYX, sigma_mm=sigma)
        with pytest.raises(ValueError, match="sigma_mm must be positive along an axis, got 0"):
            surface_roughness_mm(mask, spacing_zyx_mm=SPACING_ZYX, sigma_mm=0)
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers, got"):
            smooth_labels(mask.astype(np.uint8), spacing_zyx_mm=(0.5, 0.5), sigma_mm=1.0)
