"""Borders and nearest borders: hand-worked shapes, and the slow way for everything else."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from hipus.border_distances import border_voxels, distances_to_border

SPACING = (0.3, 0.7, 1.1)


def slow_distances(start, goal, spacing):
    """Return every start voxel's distance to the nearest of all goal voxels."""
    return cdist(np.argwhere(start) * spacing, np.argwhere(goal) * spacing).min(axis=1)


class TestBorder:
    def test_of_a_block_is_all_but_its_core(self):
        mask = np.zeros((6, 5, 7), bool)
        mask[1:5, 1:4, 1:6] = True
        core = np.zeros_like(mask)
        core[2:4, 2:3, 2:5] = True
        np.testing.assert_array_equal(border_voxels(mask), mask & ~core)

    def test_beyond_the_array_lies_background(self):
        border = border_voxels(np.ones((3, 4), bool))
        np.testing.assert_array_equal(border, [[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]])

    def test_a_diagonal_hole_makes_no_border(self):
        mask = np.ones((5, 5), bool)
        mask[1, 1] = False
        assert not border_voxels(mask)[2, 2]
        assert border_voxels(mask)[2, 1]

    @pytest.mark.parametrize("shape", [(9, 7, 8), (9, 7), (1, 4, 6), (0, 3)])
    def test_is_mask_minus_erosion(self, rng, shape):
        mask = rng.random(shape) < 0.8
        np.testing.assert_array_equal(border_voxels(mask), mask & ~ndimage.binary_erosion(mask))


class TestNearest:
    def test_along_each_axis_its_own_spacing_counts(self):
        goal = np.zeros((4, 5, 6), bool)
        goal[0, 0, 0] = True
        start = np.zeros_like(goal)
        start[3, 0, 0] = start[0, 4, 0] = start[0, 0, 5] = start[3, 4, 5] = True
        along = 3 * 0.3, 4 * 0.7, 5 * 1.1
        # In the order of numpy.nonzero: the far x, the far y, the far z, the corner.
        expected = [along[2], along[1], along[0], np.linalg.norm(along)]
        np.testing.assert_allclose(distances_to_border(start, goal, SPACING), expected)

    @pytest.mark.parametrize("density", [0.002, 0.05, 0.6])
    @pytest.mark.parametrize("shape", [(13, 17, 11), (1, 25, 30), (30, 1, 25), (25, 30, 1)])
    def test_agrees_with_all_pairs(self, rng, shape, density):
        start, goal = rng.random((2, *shape)) < density
        goal.flat[rng.integers(goal.size)] = True
        found = distances_to_border(start, goal, SPACING)
        np.testing.assert_allclose(found, slow_distances(start, goal, SPACING), rtol=1e-12)

    def test_memory_order_of_the_arrays_changes_nothing(self, rng):
        start, goal = rng.random((2, 8, 9, 10)) < 0.1
        expected = distances_to_border(start, goal, SPACING)
        turned = [np.asfortranarray(mask) for mask in (start, goal)]
        np.testing.assert_array_equal(distances_to_border(*turned, SPACING), expected)

    def test_without_a_goal_all_are_infinitely_far_and_without_a_start_there_are_none(self):
        some, none = np.ones((2, 3, 4), bool), np.zeros((2, 3, 4), bool)
        np.testing.assert_array_equal(distances_to_border(some, none, SPACING), [np.inf] * 24)
        assert distances_to_border(none, some, SPACING).shape == (0,)
