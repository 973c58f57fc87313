"""Frames predicted from their neighbours by pose."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.reconstruction.neighbours import between_neighbours

SCALE = np.diag([0.3, 0.7, 0.5])


def ramp(T, shape=(6, 8)):
    """Return what a frame sees of a world whose brightness is 10 + 2 x + 3 y + 5 z."""
    v, u = np.mgrid[: shape[0], : shape[1]]
    world = geometry.apply(T, np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3))
    return (10 + world @ [2.0, 3.0, 5.0]).reshape(shape).astype(np.float32)


def poses(z_mm, x_mm=(0, 0, 0)):
    """Return three parallel frames at given heights and sideways shifts."""
    shifts = np.stack([x_mm, np.zeros(3), z_mm], axis=-1)
    return geometry.transform(SCALE, shifts)


def test_middle_between_two_is_their_mean():
    T = poses([0.0, 1.0, 2.0])
    frames = np.stack([np.full((6, 8), 10.0), np.full((6, 8), 99.0), np.full((6, 8), 30.0)])
    assert np.allclose(between_neighbours(frames, T, frame_index=1), 20)


def test_the_nearer_neighbour_weighs_more():
    T = poses([0.0, 0.5, 2.0])
    frames = np.stack([np.full((6, 8), 10.0), np.zeros((6, 8)), np.full((6, 8), 30.0)])
    assert np.allclose(between_neighbours(frames, T, frame_index=1), 0.75 * 10 + 0.25 * 30)


def test_a_linear_world_is_predicted_exactly_through_sideways_shifts():
    T = poses([0.0, 1.2, 2.0], x_mm=(0.4, 0.0, -0.3))
    frames = np.stack([ramp(pose) for pose in T])
    predicted = between_neighbours(frames, T, frame_index=1)
    known = np.isfinite(predicted)
    assert 0 < known.sum() < known.size
    assert np.allclose(predicted[known], frames[1][known], atol=1e-4)


def test_the_frame_itself_takes_no_part(rng):
    T = poses([0.0, 1.0, 2.0])
    frames = rng.random((3, 6, 8))
    other = frames.copy()
    other[1] = 0
    assert np.array_equal(
        between_neighbours(frames, T, frame_index=1), between_neighbours(other, T, frame_index=1)
    )


def test_moving_the_world_changes_nothing(rng):
    T = poses([0.0, 1.2, 2.0], x_mm=(0.4, 0.0, -0.3))
    frames = rng.random((3, 6, 8))
    moved = geometry.transform(rotations.from_euler([20, -30, 50], "ZYX"), [5, 6, 7]) @ T
    assert np.allclose(
        between_neighbours(frames, T, frame_index=1),
        between_neighbours(frames, moved, frame_index=1),
        atol=1e-5,
        equal_nan=True,
    )


@pytest.mark.parametrize("index", [0, 2])
def test_a_frame_at_the_end_is_refused(index):
    with pytest.raises(ValueError, match=f"frame_index must be 1 to 1, got {index}"):
        between_neighbours(np.zeros((3, 6, 8)), poses([0.0, 1.0, 2.0]), frame_index=index)


def test_an_invalid_neighbour_is_refused():
    T = poses([0.0, 1.0, 2.0])
    T[2] = np.nan
    with pytest.raises(ValueError, match="neighbours must be valid"):
        between_neighbours(np.zeros((3, 6, 8)), T, frame_index=1)
