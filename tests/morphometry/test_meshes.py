"""Surfaces lie where their labels lie in the world, keep their volume, and say so in the file."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from hipus.images import Volume
from hipus.morphometry.meshes import Mesh, make_mesh, write_mesh

SPACING, ORIGIN = (1.0, 0.6, 0.8), (-5.0, 40.0, 12.0)  # z, y, x; x, y, z
TURN = Rotation.from_euler("zyx", [20, -35, 50], degrees=True).as_matrix()
RADII = np.array([6.0, 5.0, 7.0])


@pytest.fixture(scope="module")
def ovoid():
    """Return a labelled ovoid off the middle of a turned anisotropic volume."""
    size = np.array([22, 30, 24])
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij")[::-1], -1)
    away = grid * np.array(SPACING[::-1]) - [9.0, 8.0, 11.0]
    labels = (2 * (((away / RADII) ** 2).sum(-1) < 1)).astype(np.uint8)
    return Volume(labels, SPACING, ORIGIN, TURN)


@pytest.fixture(scope="module")
def mesh(ovoid):
    return make_mesh(ovoid, 2, "femoral_head")


class TestSurface:
    def test_lies_in_the_world(self, mesh):
        middle = TURN @ [9.0, 8.0, 11.0] + ORIGIN
        np.testing.assert_allclose(mesh.vertices_mm.mean(axis=0), middle, atol=0.1)
        own = (mesh.vertices_mm - middle) @ TURN
        np.testing.assert_allclose(np.ptp(own, axis=0) / 2, RADII, atol=0.5)  # half a voxel

    def test_keeps_the_volume_and_is_smooth(self, mesh):
        ovoid = 4 / 3 * np.pi * RADII.prod()
        assert mesh.volume_mm3 == pytest.approx(ovoid, rel=0.02)
        made = trimesh.Trimesh(mesh.vertices_mm, mesh.faces)
        assert made.is_watertight
        assert made.volume == pytest.approx(mesh.volume_mm3)
        assert made.area == pytest.approx(mesh.area_mm2)
        assert np.degrees(np.quantile(made.face_adjacency_angles, 0.95)) < 25

    def test_a_mirrored_volume_still_faces_outwards(self, ovoid):
        mirrored = Volume(ovoid.array, SPACING, ORIGIN, TURN @ np.diag([1, -1, 1]))
        assert make_mesh(mirrored, 2, "femoral_head").volume_mm3 > 0

    def test_a_structure_cut_by_the_edge_is_closed(self, ovoid):
        cut = Volume(ovoid.array[:, :14].copy(), SPACING, ORIGIN, TURN)
        mesh = make_mesh(cut, 2, "femoral_head")
        assert trimesh.Trimesh(mesh.vertices_mm, mesh.faces).is_watertight

    def test_too_few_voxels(self, ovoid):
        labels = np.zeros((4, 4, 4), np.uint8)
        labels[1, 1, 1:3] = 4
        with pytest.raises(ValueError, match="femoral_cortex: needs 8 voxels to make a surface"):
            make_mesh(Volume(labels, SPACING), 4, "femoral_cortex")


class TestSphericity:
    def test_of_a_cube_is_known(self):
        box = trimesh.creation.box((2, 2, 2))
        cube = Mesh(np.asarray(box.vertices), np.asarray(box.faces), "cube")
        assert cube.volume_mm3 == pytest.approx(8.0)
        assert cube.area_mm2 == pytest.approx(24.0)
        assert cube.sphericity == pytest.approx((np.pi / 6) ** (1 / 3))

    def test_falls_from_a_ball_to_an_ovoid(self, mesh):
        ball = trimesh.creation.icosphere(4, 5.0)
        round_one = Mesh(np.asarray(ball.vertices), np.asarray(ball.faces), "ball").sphericity
        assert round_one == pytest.approx(1.0, abs=0.002)
        assert mesh.sphericity < round_one - 0.005


class TestFiles:
    @pytest.mark.parametrize("suffix", [".stl", ".ply"])
    def test_trimesh_reads_back_what_was_written(self, mesh, tmp_path, suffix):
        path = write_mesh(mesh, tmp_path / f"head{suffix}")
        back = trimesh.load(path)
        assert back.volume == pytest.approx(mesh.volume_mm3, rel=1e-4)
        np.testing.assert_allclose(back.bounds[0], mesh.vertices_mm.min(axis=0), atol=1e-3)
        assert b"SPACE=LPS" in path.read_bytes()[:300]
        assert b"units=mm" in path.read_bytes()[:300]

    def test_a_binary_stl_has_its_80_bytes_and_is_not_taken_for_text(self, mesh, tmp_path):
        content = write_mesh(mesh, tmp_path / "head.stl").read_bytes()
        assert len(content) == 84 + 50 * len(mesh.faces)
        assert not content.startswith(b"solid")

    def test_vtk_holds_points_and_polygons(self, mesh, tmp_path):
        lines = write_mesh(mesh, tmp_path / "head.vtk").read_text().splitlines()
        assert lines[0] == "# vtk DataFile Version 3.0"
        assert lines[1].endswith("SPACE=LPS units=mm")
        assert lines[3:5] == ["DATASET POLYDATA", f"POINTS {len(mesh.vertices_mm)} float"]
        points = np.array([line.split() for line in lines[5 : 5 + len(mesh.vertices_mm)]], float)
        np.testing.assert_allclose(points, mesh.vertices_mm, atol=1e-3)
        polygons = lines[5 + len(points)]
        assert polygons == f"POLYGONS {len(mesh.faces)} {4 * len(mesh.faces)}"
        faces = np.array([line.split() for line in lines[6 + len(points) :]], int)
        assert (faces[:, 0] == 3).all()
        assert (faces[:, 1:] == mesh.faces).all()

    def test_another_suffix(self, mesh, tmp_path):
        with pytest.raises(ValueError, match="head.obj must end in one of .stl, .ply, .vtk"):
            write_mesh(mesh, tmp_path / "head.obj")
        assert list(tmp_path.iterdir()) == []
