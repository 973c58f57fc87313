"""Truth volumes made of posed frame masks."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.labels import HipLabel
from hipus.stages.cohort_insonified import insonified_volume

RADIUS_MM = 6.0
SIDE_MM = 0.25
SHAPE = (64, 72)


def poses(step_mm: float, turn_deg=(8.0, -5.0, 12.0)) -> np.ndarray:
    """Return frames that cross the origin along their own normal, obliquely to the axes."""
    R = rotations.from_euler(turn_deg, "ZYX")
    offsets = np.arange(-8, 8 + step_mm / 2, step_mm)
    corner = -SIDE_MM * np.array([SHAPE[1] / 2, SHAPE[0] / 2, 0.0])
    local = np.array([[*corner[:2], z] for z in offsets])
    scale = geometry.transform(np.diag([SIDE_MM, SIDE_MM, SIDE_MM]))
    return geometry.transform(R, local @ R.T) @ scale


def ball_masks(T: np.ndarray, label: int, *, seen=lambda world: True) -> np.ndarray:
    """Return what frames show of a ball about the origin."""
    v, u = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    world = geometry.apply(T, pixels)
    inside = (np.linalg.norm(world, axis=-1) < RADIUS_MM) & seen(world)
    return (label * inside).astype(np.uint8).reshape(len(T), *SHAPE)


def true_ball(volume) -> np.ndarray:
    """Return the ball on the volume's own grid."""
    axes = [
        start + side * np.arange(size)
        for start, side, size in zip(
            volume.origin_xyz_mm[::-1], volume.spacing_zyx_mm, volume.array.shape, strict=True
        )
    ]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return x**2 + y**2 + z**2 < RADIUS_MM**2


@pytest.mark.parametrize("step_mm", [0.45, 1.1])
def test_a_swept_ball_comes_back_as_a_ball(step_mm):
    T = poses(step_mm)
    volume = insonified_volume(ball_masks(T, HipLabel.FEMORAL_HEAD), T, spacing_mm=0.5)
    found, true = volume.array == HipLabel.FEMORAL_HEAD, true_ball(volume)
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.95


def test_what_was_not_seen_is_background():
    T = poses(0.45)
    masks = ball_masks(T, HipLabel.FEMORAL_HEAD, seen=lambda world: world[..., 0] > 0)
    volume = insonified_volume(masks, T, spacing_mm=0.5)
    z, y, x = np.nonzero(volume.array)
    assert (volume.origin_xyz_mm[0] + 0.5 * x).min() > -0.5


def test_two_structures_keep_their_labels_and_their_border():
    T = poses(0.45)
    left = ball_masks(T, HipLabel.ILIUM, seen=lambda world: world[..., 0] <= 0)
    right = ball_masks(T, HipLabel.FEMORAL_CORTEX, seen=lambda world: world[..., 0] > 0)
    volume = insonified_volume(left + right, T, spacing_mm=0.5)
    x = volume.origin_xyz_mm[0] + 0.5 * np.arange(volume.array.shape[2])
    assert set(np.unique(volume.array)) == {0, HipLabel.ILIUM, HipLabel.FEMORAL_CORTEX}
    assert not (volume.array[..., x > 0.5] == HipLabel.ILIUM).any()
    assert not (volume.array[..., x < -0.5] == HipLabel.FEMORAL_CORTEX).any()


def test_frames_without_labels_make_an_empty_volume():
    T = poses(1.1)
    volume = insonified_volume(np.zeros((len(T), *SHAPE), np.uint8), T, spacing_mm=0.5)
    assert not volume.array.any()
    assert volume.array.dtype == np.uint8
