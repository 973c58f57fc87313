"""Sums over runs against sums over pixels."""

import itertools

import numpy as np
import pytest

from hipus.reconstruction import kernel


def corner_sums(a, b, greys):
    """Add each pixel's trilinear weights one by one: (2, 2, 2) sums of weight * grey."""
    sums = np.zeros((2, 2, 2))
    for t, grey in enumerate(greys):
        fraction = np.add(a, np.multiply(b, t))
        for corner in itertools.product((0, 1), repeat=3):
            sums[corner] += grey * np.where(corner, fraction, 1 - fraction).prod()
    return sums


class TestRuns:
    """A run at once is its pixels one by one."""

    @pytest.mark.parametrize("count", [1, 2, 7])
    def test_moments_of_greys_and_of_weights(self, rng, count):
        """With weights of their own, and in closed form without."""
        row, weights = rng.integers(0, 256, 20, dtype=np.uint8), rng.random(20)
        t = np.arange(count)
        for given, w in ((None, np.ones(count)), (weights, weights[5 : 5 + count])):
            greys, counts = kernel._moments(row, given, 5, 5 + count)
            for k in range(4):
                assert greys[k] == pytest.approx((w * row[5 : 5 + count] * t**k).sum())
                assert counts[k] == pytest.approx((w * t**k).sum())

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_corners_are_sums_of_trilinear_weights(self, rng, count):
        """Three different fractions and steps."""
        row = rng.integers(0, 256, count, dtype=np.uint8)
        a, b = (0.11, 0.83, 0.4), (0.05, -0.13, 0.021)
        greys, counts = kernel._moments(row, None, 0, count)
        for moments, values in ((greys, row), (counts, np.ones(count))):
            lower, upper = kernel._corners(a, b, moments)
            found = np.array(lower + upper).reshape(2, 2, 2)
            np.testing.assert_allclose(found, corner_sums(a, b, values), rtol=1e-12)

    def test_a_corner_without_weight_is_exactly_zero(self):
        """A row along axis 2 through voxel centres touches one line of voxels only."""
        moments = kernel._moments(np.full(4, 200, np.uint8), None, 0, 4)[0]
        lower, upper = kernel._corners((0.0, 0.0, 0.1), (0.0, 0.0, 0.2), moments)
        assert lower[2:] + upper == (0, 0, 0, 0, 0, 0)
        assert lower[0] + lower[1] == pytest.approx(800)


class TestSlabs:
    """Each call writes its own slab only."""

    @pytest.fixture
    def scene(self, rng):
        """Return a frame that crosses 6 x 5 x 7 voxels obliquely, and its steps."""
        frames = rng.integers(1, 256, (1, 20, 24), dtype=np.uint8)
        steps = np.array([[[0.2, 0.05, 0.6], [0.03, 0.17, 0.7], [0.11, 0.13, 0.9]]])
        used = np.array([[v, 0, 24] for v in range(20)], np.int64)
        return frames, steps, used

    def test_packed_sums_of_slabs_make_the_whole(self, scene):
        """And nothing outside the slab changes."""
        shape, strides = (6, 5, 7), (35, 7, 1)
        whole, parts = np.zeros((2, 6, 5, 7), np.int64)
        kernel.add_nearest_packed(*scene, whole.reshape(-1), shape, strides, (0, 6))
        kernel.add_nearest_packed(*scene, parts.reshape(-1), shape, strides, (2, 4))
        assert parts[2:4].any()
        assert not parts[:2].any()
        assert not parts[4:].any()
        for slab in ((0, 2), (4, 6)):
            kernel.add_nearest_packed(*scene, parts.reshape(-1), shape, strides, slab)
        np.testing.assert_array_equal(parts, whole)
        counts = whole & ((1 << kernel.COUNT_BITS) - 1)
        assert 0 < counts.sum() <= 480

    def test_linear_slabs_share_border_cells_without_double_writing(self, scene):
        """Bit by bit, on the padded accumulator."""
        cells, strides = (5, 4, 6), (35, 7, 1)
        whole, parts = np.zeros((2, 6, 5, 7, 2), np.float32)
        scales = np.ones(1)
        add = kernel.add_linear
        add(*scene, whole.reshape(-1, 2), cells, strides, (0, 6), scales, None)
        add(*scene, parts.reshape(-1, 2), cells, strides, (2, 3), scales, None)
        assert parts[2].any()
        assert not parts[[0, 1, 3, 4, 5]].any()
        for slab in ((0, 2), (3, 6)):
            add(*scene, parts.reshape(-1, 2), cells, strides, slab, scales, None)
        np.testing.assert_array_equal(parts, whole)

    def test_the_packed_sum_is_exact(self):
        """255 times 255 in one voxel, count beside it."""
        frames = np.full((1, 15, 17), 255, np.uint8)
        used = np.array([[v, 0, 17] for v in range(15)], np.int64)
        steps = np.array([[[0.01, 0, 0.5], [0, 0.01, 0.5], [0, 0, 0.5]]])
        sums = np.zeros(1, np.int64)
        kernel.add_nearest_packed(frames, steps, used, sums, (1, 1, 1), (1, 1, 1), (0, 1))
        assert sums[0] >> kernel.COUNT_BITS == 255 * 255
        assert sums[0] & ((1 << kernel.COUNT_BITS) - 1) == 255


class TestFixedPoint:
    """Positions have 32 fractional bits."""

    def test_far_from_the_origin_a_pixel_is_still_in_its_voxel(self):
        """At coordinate 2^29 a float32 could not tell voxels apart."""
        far = 2.0**29
        steps = np.array([[[1.0, 0, far + 0.25], [0, 0, 0.5], [0, 0, 0.5]]])
        frames = np.arange(1, 5, dtype=np.uint8).reshape(1, 1, 4)
        sums = np.zeros(4, np.int64)
        used = np.array([[0, 0, 4]], np.int64)
        end = int(far) + 4
        shifted = np.array(steps)
        shifted[0, 0, 2] -= far
        kernel.add_nearest_packed(frames, shifted, used, sums, (4, 1, 1), (1, 1, 1), (0, 4))
        assert (sums >> kernel.COUNT_BITS).tolist() == [1, 2, 3, 4]
        window = np.zeros(4, np.int64)
        # A slab far out; a stride of 0 along it, so that no memory for it is needed.
        out = ((end, 1, 1), (0, 1, 1), (end - 4, end))
        kernel.add_nearest_packed(frames, steps, used, window, *out)
        assert window[0] >> kernel.COUNT_BITS == 10
