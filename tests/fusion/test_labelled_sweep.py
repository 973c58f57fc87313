"""A labelled sweep by other poses, and two sweeps on one grid."""

from dataclasses import replace

import numpy as np
import pytest
from made_crossing import (
    HEAD_MM,
    study_sweep,
    true_poses,
    volume_of,
)

from hipus import geometry
from hipus.fusion.labelled_sweep import FUSED, LabelledSweep, together
from hipus.labels import HipLabel

LOST = 5
FIRST_MIDDLE, SECOND_MIDDLE = (T[len(T) // 2] for T in true_poses())
BETWEEN = geometry.compose(geometry.invert(FIRST_MIDDLE), SECOND_MIDDLE)


def labelled(sweep) -> LabelledSweep:
    """Return a sweep with its volume and its truth as labels."""
    volume = volume_of(sweep)
    return LabelledSweep(sweep, volume, volume.labels["truth"])


@pytest.fixture(scope="module")
def pair() -> tuple[LabelledSweep, LabelledSweep]:
    """Return both sweeps, each in its middle frame's world."""
    return tuple(
        labelled(study_sweep(T, geometry.relative(T[len(T) // 2], T))) for T in true_poses()
    )


@pytest.fixture(scope="module")
def placed(pair):
    """Return both sweeps on the first's grid."""
    return together(pair, (np.eye(4), BETWEEN), spacing_mm=pair[0].volume.grid.spacing_xyz_mm[0])


def dice(first, second) -> float:
    """Return the Dice coefficient of two masks."""
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def head_middle_mm(labels, grid) -> np.ndarray:
    """Return the head's middle in the grid's world."""
    zyx = np.argwhere(labels == HipLabel.FEMORAL_HEAD).mean(axis=0)
    return zyx[::-1] * grid.spacing_xyz_mm + grid.origin_xyz_mm


class TestMoved:
    def test_the_same_poses_give_the_same_volume(self, pair):
        one = pair[0]
        again = one.moved(one.sweep.T_centre_to_world)
        np.testing.assert_array_equal(again.volume.grey, one.volume.grey)
        same = [labels == HipLabel.FEMORAL_HEAD for labels in (again.labels, one.labels)]
        assert dice(*same) > 0.95

    def test_a_stretched_sweep_has_a_longer_volume_with_a_longer_head(self, pair):
        one = pair[0]
        T = one.sweep.T_centre_to_world.copy()
        T[:, 2, 3] *= 1.5
        longer = one.moved(T)
        extents = [
            np.ptp(np.argwhere(found.labels == HipLabel.FEMORAL_HEAD)[:, 0])
            for found in (one, longer)
        ]
        assert extents[1] == pytest.approx(1.5 * extents[0], abs=2)

    def test_whoever_labels_sees_the_new_volume(self, pair):
        seen = []

        def label(volume):
            seen.append(volume)
            return np.full(volume.grid.shape_zyx, HipLabel.ILIUM, np.uint8)

        found = pair[0].moved(pair[0].sweep.T_centre_to_world, label)
        assert seen == [found.volume]
        assert (found.labels == HipLabel.ILIUM).all()

    def test_a_frame_without_a_pose_shows_nothing_and_stays_without(self, pair):
        T = pair[0].sweep.T_centre_to_world.copy()
        T[LOST] = np.nan
        once = pair[0].moved(T)
        twice = once.moved(T)
        assert not twice.sweep.is_valid[LOST]
        assert twice.volume.is_known.sum() == once.volume.is_known.sum()


class TestTogether:
    def test_the_firsts_labels_are_copied_voxel_by_voxel(self, pair, placed):
        own, common = pair[0].volume.grid, placed[0].grid
        start = (np.array(own.origin_xyz_mm) - common.origin_xyz_mm) / common.spacing_xyz_mm
        np.testing.assert_allclose(start, np.rint(start), atol=1e-6)
        low = np.rint(start).astype(int)[::-1]
        box = tuple(slice(a, a + n) for a, n in zip(low, own.shape_zyx, strict=True))
        np.testing.assert_array_equal(placed[0].labels[FUSED][box], pair[0].labels)
        assert (placed[0].labels[FUSED] > 0).sum() == (pair[0].labels > 0).sum()
        assert placed[0].is_known[placed[0].labels[FUSED] > 0].all()

    def test_labels_at_the_very_border_are_copied_too(self, pair):
        one = replace(pair[0], labels=np.full_like(pair[0].labels, HipLabel.ILIUM))
        found = together((one, pair[1]), (np.eye(4), BETWEEN), spacing_mm=1.2)[0]
        assert (found.labels[FUSED] > 0).sum() == one.labels.size

    def test_both_show_the_head_where_it_truly_lies(self, placed):
        expected = geometry.apply(geometry.invert(FIRST_MIDDLE), HEAD_MM)
        for one in placed:
            found = head_middle_mm(one.labels[FUSED], one.grid)
            np.testing.assert_allclose(found, expected, atol=0.25)

    def test_both_show_all_of_the_head(self, placed):
        heads = [one.labels[FUSED] == HipLabel.FEMORAL_HEAD for one in placed]
        assert dice(*heads) > 0.9  # 1.2 mm voxels of two worlds, a head of 6 mm

    def test_the_grid_holds_both(self, pair, placed):
        assert placed[0].grid == placed[1].grid
        known = [one.is_known.sum() for one in placed]
        alone = [one.volume.is_known.sum() for one in pair]
        np.testing.assert_allclose(known, alone, rtol=0.05)

    def test_other_voxels_keep_the_place(self, pair):
        wide, own = together(pair, (np.eye(4), BETWEEN), spacing_mm=2.0)[0], pair[0]
        found = head_middle_mm(wide.labels[FUSED], wide.grid)
        expected = head_middle_mm(own.labels, own.volume.grid)
        np.testing.assert_allclose(found, expected, atol=0.3)
