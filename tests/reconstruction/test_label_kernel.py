"""Labelled pixels shared among voxels: by hand, and against a loop over pixels."""

import numpy as np
import pytest

from hipus.reconstruction.accumulators import Layout
from hipus.reconstruction.label_kernel import add_labels
from hipus.reconstruction.region import segments


def added(masks: np.ndarray, steps: np.ndarray, shape_zyx, used=None) -> np.ndarray:
    """Return sums (L, D, H, W) of weights, margins cut off."""
    layout = Layout(shape_zyx, pad=1, axes=(0, 1, 2))
    sums = np.zeros((int(masks.max()), int(np.prod(layout.padded_zyx))), np.float32)
    cells = steps + [[0, 0, 1]] * 3  # the margin
    used = np.ones(masks.shape[1:], bool) if used is None else used
    add_labels(masks, cells, segments(used), sums, layout.cells, layout.strides)
    return sums.reshape(-1, *layout.padded_zyx)[:, 1:-1, 1:-1, 1:-1]


def pixel_by_pixel(masks: np.ndarray, steps: np.ndarray, shape_zyx) -> np.ndarray:
    """Return the same sums, one pixel and one corner at a time."""
    sums = np.zeros((int(masks.max()), *shape_zyx))
    for n, v, u in np.argwhere(masks):
        place = steps[n] @ [u, v, 1]
        cell = np.floor(place).astype(int)
        for corner in np.ndindex(2, 2, 2):
            voxel = cell + corner
            if (voxel >= 0).all() and (voxel < shape_zyx).all():
                weight = np.prod(np.where(corner, place - cell, 1 - (place - cell)))
                sums[(masks[n, v, u] - 1, *voxel)] += weight
    return sums


def test_a_pixel_between_voxels_is_shared_by_its_fractions():
    masks = np.array([[[0, 2, 0]]], np.uint8)
    # Pixel u = 1 lies at z 1.25, y 0.5, x 2.
    steps = np.array([[[0.0, 0.0, 1.25], [0.0, 0.0, 0.5], [1.0, 0.0, 1.0]]])
    sums = added(masks, steps, (4, 3, 5))
    expected = np.zeros((2, 4, 3, 5))
    expected[1, 1, :2, 2], expected[1, 2, :2, 2] = 0.375, 0.125
    np.testing.assert_allclose(sums, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.23, 0.9, 1.7])
def test_oblique_rows_add_what_single_pixels_add(rng, scale):
    masks = rng.integers(0, 5, (3, 11, 17), dtype=np.uint8)
    masks[:, 4] = 0
    masks[rng.random(masks.shape) < 0.5] = 0
    steps = scale * rng.uniform(-0.7, 0.7, (3, 3, 3))
    steps[:, :, 2] = rng.uniform(2, 5, (3, 3))
    shape = (6, 7, 9)
    expected = pixel_by_pixel(masks, steps, shape)
    assert expected.sum() > 5  # they do meet the volume
    np.testing.assert_allclose(added(masks, steps, shape), expected, atol=1e-5)


def test_pixels_that_are_not_used_add_nothing(rng):
    masks = np.ones((2, 6, 8), np.uint8)
    steps = np.tile(np.array([[0.1, 0.2, 1.3], [0.0, 0.7, 0.4], [0.6, 0.0, 0.2]]), (2, 1, 1))
    used = rng.random((6, 8)) < 0.6
    found = added(masks, steps, (5, 6, 7), used)
    expected = pixel_by_pixel(np.where(used, masks, 0), steps, (5, 6, 7))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.sum() == pytest.approx(2 * used.sum(), rel=0.01)
