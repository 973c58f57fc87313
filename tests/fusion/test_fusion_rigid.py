"""Rigid registration of a pelvis: recovery, what the thigh must not do, refusals."""

import numpy as np
import pytest
from made_crossing import HEAD_MM, RADIUS_MM, greys_at, labels_at

from hipus import geometry, rotations
from hipus.fusion import rigid
from hipus.fusion.rigid import PelvisVolume, check_overlap, common_mm3, register_pelvis
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid

FIRST = VoxelGrid((-17.0, -11.0, -14.0), (1.0, 0.9, 1.2), (24, 25, 35))
SECOND = VoxelGrid((-15.0, -11.5, -16.0), (1.1, 1.0, 1.0), (33, 24, 28))
T_SECOND_TO_FIRST = geometry.transform(
    rotations.from_rotation_vector(np.radians([2.0, 84.0, 1.0])), [1.5, -0.8, -1.2]
)


def made(grid: VoxelGrid, T_world_to_hip=None, *, gain: float = 1.0) -> PelvisVolume:
    """Return the made hip on a grid whose world lies somewhere in the hip's."""
    z, y, x = np.indices(grid.shape_zyx)
    places = np.stack([x, y, z], axis=-1) * grid.spacing_xyz_mm + np.array(grid.origin_xyz_mm)
    if T_world_to_hip is not None:
        places = geometry.apply(T_world_to_hip, places.reshape(-1, 3)).reshape(places.shape)
    grey = (gain * greys_at(places)).astype(np.float32)
    return PelvisVolume(grey, np.ones(grid.shape_zyx, bool), labels_at(places), grid)


@pytest.fixture(scope="module")
def pair() -> tuple[PelvisVolume, PelvisVolume]:
    """Return the hip as two sweeps' worlds have it."""
    return made(FIRST), made(SECOND, T_SECOND_TO_FIRST, gain=0.7)


def apart_mm(T) -> float:
    """Return how far points about the head lie from where they should."""
    around = HEAD_MM + (RADIUS_MM + 3) * np.vstack([np.eye(3), -np.eye(3)])
    seen = geometry.apply(geometry.invert(T_SECOND_TO_FIRST), around)
    return float(np.linalg.norm(geometry.apply(T, seen) - around, axis=1).mean())


class TestRegisterPelvis:
    def test_a_place_that_is_off_is_found(self, pair):
        off = geometry.transform(
            rotations.from_rotation_vector(np.radians([3.0, 7.0, -2.0])), [1.5, -1.0, 1.0]
        )
        start = geometry.compose(off, T_SECOND_TO_FIRST)
        found = register_pelvis(*pair, start, centre_mm=HEAD_MM)
        assert apart_mm(start) > 1.5
        assert apart_mm(found.T_second_to_first) < 0.25
        assert found.is_believed
        assert found.correlation > found.correlation_before

    def test_volumes_that_nowhere_meet_are_refused(self, pair):
        away = geometry.transform(None, [500.0, 0.0, 0.0])
        with pytest.raises(
            ValueError, match=r"do not overlap: 0 mm3 of the pelvis are seen by both"
        ):
            register_pelvis(*pair, away @ T_SECOND_TO_FIRST, centre_mm=HEAD_MM)

    def test_a_search_that_ends_far_from_anatomy_is_not_believed(self, pair, monkeypatch):
        monkeypatch.setattr(rigid, "FARTHEST_MM", 0.2)
        start = geometry.compose(geometry.transform(None, [1.5, 0, 0]), T_SECOND_TO_FIRST)
        found = register_pelvis(*pair, start, centre_mm=HEAD_MM)
        assert not found.is_believed
        np.testing.assert_allclose(found.T_second_to_first, start)
        assert found.correlation == found.correlation_before


class TestPelvisVolume:
    def test_the_thigh_and_its_shadow_take_no_part(self, pair):
        keep = pair[0].pelvis()
        z, y, x = np.argwhere(pair[0].labels == HipLabel.FEMORAL_CORTEX)[0]
        assert not keep[z, y:, x].any()
        assert keep[z, 0, x]
        assert keep[pair[0].labels == HipLabel.ILIUM].all()

    def test_labels_stand_out_of_contrasts(self, pair):
        picture = pair[0].picture()
        ilium, head = (
            picture[pair[0].labels == label].mean()
            for label in (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD)
        )
        assert ilium > 2
        assert head < -0.5

    def test_gain_changes_the_picture_little(self, pair):
        other = made(FIRST, gain=0.7)
        assert np.corrcoef(pair[0].picture().ravel(), other.picture().ravel())[0, 1] > 0.99

    def test_arrays_of_another_shape_are_refused(self, pair):
        one = pair[0]
        with pytest.raises(ValueError, match=r"labels must be \(24, 25, 35\) like the grid"):
            PelvisVolume(one.grey, one.is_known, one.labels[1:], one.grid)


class TestOverlap:
    def test_a_volume_shares_its_whole_pelvis_with_itself(self, pair):
        one = pair[0]
        expected = one.pelvis().sum() * np.prod(one.grid.spacing_xyz_mm)
        assert common_mm3(one, one, np.eye(4)) == pytest.approx(expected)

    def test_half_a_shift_leaves_half(self, pair):
        one = pair[0]
        half = geometry.transform(None, [0.0, 0.0, 12 * 1.2])
        share = common_mm3(one, one, half) / common_mm3(one, one, np.eye(4))
        assert share == pytest.approx(0.5, abs=0.08)

    def test_sweeps_that_share_nothing_are_named(self):
        with pytest.raises(ValueError, match=r"a and b do not overlap: 999 mm3 .* is missing"):
            check_overlap(999.4, names="a and b")
        check_overlap(1000.0)
