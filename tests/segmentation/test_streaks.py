"""Streaks of label volumes: known shapes, and what jumping from slice to slice does."""

import numpy as np
import pytest

from hipus.segmentation.streaks import SHAPE, Streaks, streaks
from hipus.segmentation.structure_shape import STRUCTURES

SPACING = (1.0, 0.5, 0.7)


def block(shift=0) -> np.ndarray:
    """Return a bar of label 2 that jumps sideways by some voxels in every second slice."""
    labels = np.zeros((12, 20, 24), np.uint8)
    for index in range(1, 11):
        start = 8 + shift * (index % 2)
        labels[index, 6:14, start : start + 8] = 2
    return labels


def test_there_is_one_for_each_structure_and_nothing_of_what_is_absent():
    found = streaks(block(), SPACING)
    assert len(found) == len(STRUCTURES)
    is_there = [label == 2 for label in STRUCTURES]
    assert [np.isfinite(one.slice_dice) for one in found] == is_there
    assert [np.isfinite(one.roughness_in_plane_mm) for one in found] == is_there
    assert SHAPE == ("slice_dice", "roughness_elevational_mm", "roughness_in_plane_mm")


def test_neighbours_of_a_straight_bar_agree_wholly_but_at_its_ends():
    (one,) = streaks(block(), SPACING, structures=[2])
    assert one.slice_dice == pytest.approx(9 / 11)  # of 11 pairs, the first and the last are 0


def test_jumps_from_slice_to_slice_are_rough_along_the_sweep_alone():
    (straight,), (jumping,) = (streaks(block(k), SPACING, structures=[2]) for k in (0, 2))
    assert jumping.slice_dice == pytest.approx(9 / 11 * 6 / 8)
    along = jumping.roughness_elevational_mm - straight.roughness_elevational_mm
    within = jumping.roughness_in_plane_mm - straight.roughness_in_plane_mm
    assert along > 0.15
    assert within < 0.01
    assert isinstance(jumping, Streaks)


def test_a_width_of_zero_compares_with_nothing():
    with pytest.raises(ValueError, match="sigma_mm must be positive along an axis"):
        streaks(block(), SPACING, structures=[2], sigma_mm=0.0)
