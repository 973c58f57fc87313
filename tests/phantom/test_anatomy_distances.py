"""Fields of a hip: true distances, in their places, mirrored, the same on a grid."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.kernels import source_stamp
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.scene import BONES, FIELDS

MIRROR = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def hip() -> Hip:
    return Hip(HipParameters(nucleus_diameter_mm=5.0, deformation_seed=4))


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.random.default_rng(7).uniform((-20, -16, -24), (20, 16, 26), (60_000, 3))


def _shifted(size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the ranges of all but the last and all but the first."""
    return (0, size - 1), (1, size)


class TestDistances:
    @pytest.mark.parametrize("field", [*BONES, "head_distance", "capsule_distance"])
    def test_gradient_is_one_near_the_surface(self, hip, points, field):
        near = points[np.abs(hip.distance(field, points)) < 0.8]
        steps = 1e-4 * np.eye(3)
        slope = [hip.distance(field, near + s) - hip.distance(field, near - s) for s in steps]
        length = np.linalg.norm(slope, axis=0) / 2e-4
        assert len(near) > 40
        assert np.median(length) == pytest.approx(1.0, abs=0.03)
        assert (np.abs(length - 1) < 0.06).mean() > 0.94

    @pytest.mark.parametrize(
        ("field", "probes"),
        [
            ("head_distance", [(12.0, 3.0, -4.0), (-2.0, 13.0, 1.0), (1.0, -1.0, 15.0)]),
            ("ilium_distance", [(6.0, 0.0, 17.0), (-1.0, 1.0, 2.0), (4.0, -2.0, 9.0)]),
        ],
    )
    def test_is_the_distance_to_the_nearest_surface_point_of_a_fine_grid(self, field, probes):
        hip = Hip(HipParameters(deformation_mm=0.0))
        axes = np.arange(-11, 9, 0.2), np.arange(-9, 9, 0.2), np.arange(-10, 22, 0.2)
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        inside = hip.distance(field, grid) < 0
        surface = []
        for axis in range(3):
            first, last = (np.take(grid, range(*r), axis) for r in _shifted(axes[axis].size))
            edge = np.diff(inside, axis=axis)
            surface.append((first + last)[edge] / 2)
        surface = np.concatenate(surface)
        for probe in probes:
            expected = np.linalg.norm(surface - probe, axis=1).min()
            assert hip.distance(field, probe) == pytest.approx(expected, rel=0.05)

    def test_structures_lie_where_they_belong(self, hip):
        # Left hip: lateral +x, anterior -y, superior +z.
        places = {
            "head_distance": (0.0, 0.0, 0.0),
            "nucleus_distance": (0.6, 0.0, 0.6),
            "ilium_distance": (-3.0, 0.0, 20.0),
            "femur_distance": (8.0, -2.0, -14.0),
            "ischium_distance": (-13.0, 8.0, -15.0),
            "pubis_distance": (-20.0, -12.0, -7.0),
            "acetabular_cartilage_distance": (-3.9, 0.0, 7.9),
            "triradiate_distance": (-9.0, 0.0, 5.5),
            "capsule_distance": (0.0, 0.0, -9.0),
        }
        for name, place in places.items():
            assert hip.distance(name, place) < 0, name

    def test_bones_and_cartilage_do_not_overlap(self, hip, points):
        fields = dict(zip(FIELDS, hip.distances(points), strict=True))
        bones = [fields[name] < 0 for name in BONES[:4]]
        assert sum(bones).max() == 1
        pelvis = bones[0] | bones[2] | bones[3]
        for soft in ("head", "acetabular_cartilage", "labrum", "triradiate"):
            assert not (pelvis & (fields[f"{soft}_distance"] < 0)).any(), soft
        assert not ((fields["labrum_distance"] < 0) & (fields["head_distance"] < 0)).any()

    def test_depth_grows_medially_from_the_skin(self, hip):
        skin = hip.shape.skin_height
        depth = hip.distance("skin_depth", [[skin + 1, 0, 0], [skin - 1, 0, 0], [skin - 9, 0, 0]])
        assert depth == pytest.approx([-1, 1, 9], abs=0.3)

    def test_without_a_nucleus_its_distance_is_far(self):
        assert Hip(HipParameters()).distance("nucleus_distance", [0.0, 0.0, 0.0]) == 1000.0

    def test_shapes_follow_the_points(self, hip):
        assert hip.distances(np.zeros((3, 5, 3))).shape == (len(FIELDS), 3, 5)
        assert hip.distance("head_distance", (0.0, 0.0, 0.0)).shape == ()

    def test_wrong_points_and_fields_are_refused(self, hip):
        with pytest.raises(ValueError, match=r"points_mm must be \(..., 3\), got \(4, 2\)"):
            hip.distances(np.zeros((4, 2)))
        with pytest.raises(ValueError, match="field must be one of .* got 'skull_distance'"):
            hip.distance("skull_distance", [0, 0, 0])


class TestLayers:
    def test_layer_depth_is_depth_at_the_skin_and_constant_on_the_ground(self, hip):
        z = np.array([-2.0, 0.0, 14.0, 18.0])
        column = np.stack([np.full(4, hip.shape.skin_height), np.zeros(4), z], axis=1)
        depth, layer = hip.distances(column)[-2:]
        assert layer == pytest.approx(depth, abs=0.1)
        # The joint's top and the ilium differ by some 9 mm in depth, but hardly in layer.
        joint = hip.shape.head[0] + hip.shape.capsule_radius
        ground = np.array([[joint, 0.0, 0.0], [hip.shape.wing_offset, 0.0, 20.0]])
        depth, layer = hip.distances(ground)[-2:]
        assert abs(depth[1] - depth[0]) > 8
        assert abs(layer[1] - layer[0]) < 3

    def test_layer_depth_grows_along_the_beam(self, hip):
        down = hip.shape.skin_height - np.arange(0.0, 40.0, 0.1)
        for y, z in ((0.0, 0.0), (8.0, 15.0), (-10.0, -12.0)):
            column = np.stack([down, np.full_like(down, y), np.full_like(down, z)], axis=1)
            assert (np.diff(hip.distance("layer_depth", column)) > 0).all()


class TestSides:
    def test_a_left_hip_is_a_mirrored_right_one(self, hip, points):
        right = Hip(replace(hip.parameters, side="right"))
        np.testing.assert_array_equal(right.distances(points * MIRROR), hip.distances(points))

    def test_sides_differ_at_the_same_point(self, hip):
        right = Hip(replace(hip.parameters, side="right"))
        lateral = [10.0, 0.0, 5.0]
        assert right.distance("skin_depth", lateral) > hip.distance("skin_depth", lateral) + 15


class TestDeformation:
    def test_subjects_differ_smoothly(self, points):
        ideal, first, second = (
            Hip(HipParameters(deformation_mm=amount, deformation_seed=seed))
            for amount, seed in ((0.0, 0), (0.15, 1), (0.15, 2))
        )
        change = [h.distance("head_distance", points) for h in (ideal, first, second)]
        assert 0.02 < np.abs(change[1] - change[0]).mean() < 0.4
        assert np.abs(change[2] - change[1]).mean() > 0.02

    def test_neither_shifts_nor_stretches_the_joint(self):
        axis = np.linspace(-14, 14, 15)
        ball = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
        ball = ball[np.linalg.norm(ball, axis=1) < 14]
        hip = Hip(HipParameters(deformation_mm=0.3, deformation_seed=9))
        amplitude, wave, phase, affine = hip.deformation
        shift = np.sin(ball @ wave.T + phase) @ amplitude - ball @ affine[:, :3].T - affine[:, 3]
        assert np.abs(shift.mean(0)).max() < 0.05
        assert 0.02 < shift.std() < 0.3


class TestScene:
    def test_holds_the_distances_at_its_voxels(self, hip, rng):
        scene = build_scene(hip, spacing_mm=1.1, reach_mm=5.0, half_extent_mm=(12.0, 17.0))
        index = rng.integers(0, scene.fields.shape[1:], (200, 3))
        points = np.array(scene.origin_xyz_mm) + scene.spacing_mm * index[:, ::-1]
        expected = hip.distances(points)
        expected[:-2] = np.clip(expected[:-2], -5.0, 5.0)
        found = scene.fields[:, index[:, 0], index[:, 1], index[:, 2]]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert scene.fields.dtype == np.float32

    def test_covers_skin_and_depth(self, hip):
        scene = build_scene(hip, spacing_mm=2.0)
        depth = scene.field("skin_depth")
        assert depth.min() < -1
        assert depth.max() > 44

    def test_the_scene_of_a_right_hip_is_mirrored(self, hip):
        left = build_scene(hip, spacing_mm=1.5)
        right = build_scene(Hip(replace(hip.parameters, side="right")), spacing_mm=1.5)
        np.testing.assert_array_equal(right.fields, left.fields[..., ::-1])
        width = left.fields.shape[-1] - 1
        assert right.origin_xyz_mm[0] == -(left.origin_xyz_mm[0] + 1.5 * width)

    @pytest.mark.parametrize("name", ["spacing_mm", "reach_mm", "depth_mm"])
    def test_lengths_must_be_positive(self, hip, name):
        with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
            build_scene(hip, **{name: 0.0})


class TestKernels:
    def test_the_stamp_follows_any_source(self, tmp_path):
        (tmp_path / "a.py").write_text("x = 1\n")
        (tmp_path / "b.py").write_text("y = 1\n")
        before = source_stamp(tmp_path)
        (tmp_path / "a.py").write_text("x = 2\n")
        assert source_stamp(tmp_path) != before
