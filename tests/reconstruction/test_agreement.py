"""Agreement of volumes, by hand."""

import numpy as np
import pytest

from hipus.reconstruction.agreement import compare


class TestByHand:
    """Four voxels."""

    volume = np.array([[[10, 20], [30, 45]]])
    reference = np.array([[[10, 22], [33, 40]]], np.uint8)

    def test_all_measures(self):
        """Differences 0, -2, -3, 5; unsigned references do not wrap around."""
        found = compare(self.volume, self.reference)
        assert found.voxel_count == 4
        assert found.equal_fraction == 0.25
        assert found.within_tolerance_fraction == 0.5
        assert found.mean_difference == 0
        assert found.mean_absolute_difference == 2.5
        assert found.largest_difference == 5
        expected = np.corrcoef(self.volume.ravel(), self.reference.ravel())[0, 1]
        assert found.correlation == pytest.approx(expected)

    def test_a_mask_limits_the_comparison(self):
        """Two of four."""
        found = compare(self.volume, self.reference, mask=self.volume < 25, tolerance=1)
        assert (found.voxel_count, found.within_tolerance_fraction) == (2, 0.5)

    def test_constants_have_no_correlation(self):
        """NaN, and no warning."""
        assert np.isnan(compare(np.ones((1, 1, 2)), np.ones((1, 1, 2))).correlation)

    @pytest.mark.parametrize(
        ("reference", "options", "message"),
        [
            (np.zeros((1, 2, 3)), {}, r"differ in shape: \(1, 2, 2\), \(1, 2, 3\)"),
            (volume, {"tolerance": -1}, "tolerance must be >= 0 grey levels, got -1"),
            (volume, {"mask": np.ones((2, 2), bool)}, r"mask must have shape \(1, 2, 2\)"),
            (volume, {"mask": np.zeros((1, 2, 2), bool)}, "mask leaves no voxel to compare"),
        ],
    )
    def test_refusals(self, reference, options, message):
        """What, expected, got."""
        with pytest.raises(ValueError, match=message):
            compare(self.volume, reference, **options)
