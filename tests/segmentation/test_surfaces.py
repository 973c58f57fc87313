"""Surfaces of made structures: where they lie, what they enclose, and that they are closed."""

from collections import Counter

import numpy as np
import pytest

from hipus.images import Volume
from hipus.segmentation.surfaces import label_surface

SPACING, ORIGIN = (0.5, 0.6, 0.4), (10.0, -5.0, 2.0)


def ball(radius_mm=6.0, spacing=SPACING, label=2) -> Volume:
    """Return a ball about (x, y, z) = (18, 4, 10) mm."""
    shape = [int(20 / side) for side in spacing]
    z, y, x = np.meshgrid(
        *(np.arange(n) * side for n, side in zip(shape, spacing, strict=True)), indexing="ij"
    )
    inside = (x - 8) ** 2 + (y - 9) ** 2 + (z - 8) ** 2 < radius_mm**2
    return Volume(np.where(inside, label, 0).astype(np.uint8), spacing, ORIGIN)


def enclosed_mm3(surface) -> float:
    """Return the volume inside (divergence theorem)."""
    a, b, c = surface.vertices_xyz_mm.astype(float)[surface.faces].transpose(1, 0, 2)
    return abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6


class TestBall:
    @pytest.mark.parametrize("side_mm", [0.1, 0.8, 1.3])
    def test_lies_where_it_is_and_has_its_radius(self, side_mm):
        surface = label_surface(ball(), 2, side_mm=side_mm)
        away = np.linalg.norm(surface.vertices_xyz_mm.astype(float) - [18, 4, 10], axis=1)
        assert away.mean() == pytest.approx(6, abs=0.15)
        assert away.std() < 0.3

    def test_encloses_its_volume_and_is_closed(self):
        volume = ball()
        surface = label_surface(volume, 2)
        expected = (volume.array == 2).sum() * np.prod(SPACING)
        assert enclosed_mm3(surface) == pytest.approx(expected, rel=0.04)
        edges = Counter(
            tuple(sorted(pair))
            for face in surface.faces.tolist()
            for pair in zip(face, face[1:] + face[:1], strict=True)
        )
        assert set(edges.values()) == {2}

    def test_coarser_blocks_need_fewer_triangles(self):
        fine, coarse = (len(label_surface(ball(), 2, side_mm=s).faces) for s in (0.1, 1.3))
        assert coarse < fine / 3

    def test_a_turned_volume_turns_its_surface(self):
        turn = np.diag([-1.0, 1.0, -1.0])
        volume = ball()
        turned = Volume(volume.array, SPACING, ORIGIN, turn)
        middle = label_surface(turned, 2).vertices_xyz_mm.astype(float).mean(axis=0)
        np.testing.assert_allclose(middle, [10 - 8, -5 + 9, 2 - 8], atol=0.1)


class TestOthers:
    def test_a_thin_sheet_keeps_its_extent(self):
        array = np.zeros((30, 40, 50), np.uint8)
        array[15, 5:35, 5:45] = 1
        surface = label_surface(Volume(array, (0.25, 0.25, 0.25)), 1)
        extent = np.ptp(surface.vertices_xyz_mm.astype(float), axis=0)
        assert extent[:2] == pytest.approx([10, 7.5], abs=0.8)
        assert extent[2] < 1.5  # a block and its smoothing

    def test_what_reaches_the_edge_is_closed_there(self):
        surface = label_surface(Volume(np.ones((6, 7, 8), np.uint8), (1.0, 1.0, 1.0)), 1)
        assert enclosed_mm3(surface) == pytest.approx(6 * 7 * 8, rel=0.1)

    def test_a_single_voxel_has_a_surface(self):
        array = np.zeros((5, 5, 5), np.uint8)
        array[2, 2, 2] = 3
        assert len(label_surface(Volume(array, (1.0, 1.0, 1.0)), 3).faces) > 0

    def test_an_absent_structure_has_none(self):
        surface = label_surface(ball(), 4)
        assert surface.vertices_xyz_mm.shape == surface.faces.shape == (0, 3)

    def test_a_side_that_is_none_is_refused(self):
        with pytest.raises(ValueError, match="side_mm must be positive, got 0"):
            label_surface(ball(), 2, side_mm=0)
