"""Planes from front to back: where they lie, what they measure, and surfaces of a hip."""

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus import hip_planes
from hipus.images import Volume
from hipus.labels import HipLabel
from hipus.morphometry.hip_measures import measure_hip
from hipus.morphometry.label_volume import VolumeRefused

ALPHA_DEG, GROWTH_DEG = 58.0, 0.7


def located(side="left", seed=3, spacing=(0.8, 0.8, 0.8), **options):
    """Return a made hip's volume, and the hip found in it."""
    hip = MadeHip(alpha_deg=ALPHA_DEG, alpha_growth_deg=GROWTH_DEG, side=side, **options)
    made = put_in_volume(hip, Rotation.random(random_state=seed).as_matrix(), spacing)
    return made, hip_planes.locate_hip(Volume(made.labels, made.spacing_zyx_mm), side=side)


class TestLocate:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_a_stated_side_decides_which_way_is_front(self, side):
        made, found = located(side)
        posterior = made.to_hip(found.axes.to_volume([0.0, 5.0, 0.0])) - made.to_hip(
            found.axes.origin_mm
        )
        assert posterior[1] > 4.5

    def test_a_mirrored_volume_is_turned_round_against_its_axes(self):
        made, found = located("left")
        mirrored = Volume(made.labels, made.spacing_zyx_mm, (0, 0, 0), np.diag([-1.0, 1, 1]))
        other = hip_planes.locate_hip(mirrored, side="left")
        assert other.axes.side == "right"
        assert other.axes.axes[1] @ found.axes.axes[1] == pytest.approx(-1.0, abs=1e-6)

    def test_without_a_side_anatomy_decides(self):
        made, _ = located("right")
        found = hip_planes.locate_hip(Volume(made.labels, made.spacing_zyx_mm))
        assert found.axes.side == "right"

    def test_a_volume_without_a_hip_is_refused(self):
        with pytest.raises(VolumeRefused, match="femoral head"):
            hip_planes.locate_hip(Volume(np.zeros((9, 9, 9), np.uint8), (1.0, 1.0, 1.0)))


class TestPlanes:
    def test_nineteen_planes_lie_about_the_graf_plane_half_a_radius_among_them(self):
        places = hip_planes.plane_places_mm(8.0)
        assert len(places) == 19
        np.testing.assert_allclose(places[[0, 4, 9, 14, 18]], [-7.2, -4.0, 0.0, 4.0, 7.2])

    def test_alpha_of_the_planes_is_the_measured_one_in_front_in_and_behind(self):
        made, found = located(spacing=(0.6, 0.7, 0.6))
        measured = measure_hip(
            made.labels, scheme="hip", spacing_zyx_mm=made.spacing_zyx_mm, side="left"
        ).measures
        half = found.head.radius_mm / 2
        for name, place in (("alpha_anterior_deg", -half), ("alpha_deg", 0.0),
                            ("alpha_posterior_deg", half)):  # fmt: skip
            plane = hip_planes.plane_at(found.shape, place)
            assert plane.alpha_deg.value == pytest.approx(measured[name].value, abs=1e-9)

    def test_alpha_grows_from_front_to_back_as_it_was_made(self):
        _, found = located()
        alpha = [hip_planes.plane_at(found.shape, place).alpha_deg.value for place in (-4.0, 4.0)]
        assert alpha[1] - alpha[0] == pytest.approx(8.0 * GROWTH_DEG, abs=2.0)

    def test_lines_make_the_angle_that_is_stated(self):
        _, found = located()
        plane = hip_planes.plane_at(found.shape, 1.0)
        down, roof = plane.wing_mm[1] - plane.wing_mm[0], plane.roof_mm[0] - plane.roof_mm[1]
        cosine = down @ roof / np.linalg.norm(down) / np.linalg.norm(roof)
        assert np.degrees(np.arccos(cosine)) == pytest.approx(plane.alpha_deg.value, abs=1e-6)
        assert plane.wing_mm[1, 1] == pytest.approx(plane.roof_mm[0, 1])  # down to the limb

    def test_a_plane_behind_the_bone_is_refused_in_words_and_keeps_its_baseline(self):
        _, found = located(reach_mm=(13.0, 5.0))
        plane = hip_planes.plane_at(found.shape, 12.0)
        assert "missing" in plane.alpha_deg.refusal
        assert plane.roof_mm is None
        assert np.isfinite(plane.wing_mm).all()

    def test_turned_planes_see_the_roof_of_a_turned_hip(self):
        _, found = located()
        shape = hip_planes.shape_in(found, found.axes)
        same = hip_planes.plane_at(shape, 0.0).alpha_deg.value
        assert same == pytest.approx(hip_planes.plane_at(found.shape, 0.0).alpha_deg.value)
        turned = hip_planes.shape_in(found, found.axes.turned(pitch_rad=np.radians(12.0)))
        other = hip_planes.plane_at(turned, 0.0).alpha_deg
        assert other.is_refused or abs(other.value - same) > 0.3


class TestSections:
    def test_a_sections_pixels_show_the_hip_where_it_was_made(self):
        made, found = located(spacing=(0.5, 0.6, 0.5))
        places = hip_planes.section_points(found.axes, 0.0)
        labels = found.volume.labels_at(places)
        rows, columns = np.nonzero(labels == HipLabel.FEMORAL_HEAD)
        middle = np.array(hip_planes.CORNER_MM) - 0.4 * np.array([rows.mean(), columns.mean()])
        np.testing.assert_allclose(middle, [0.0, 0.0], atol=0.4)
        assert len(rows) * 0.4**2 == pytest.approx(np.pi * 8.0**2, rel=0.04)
        assert np.nonzero(labels == HipLabel.ILIUM)[1].mean() < columns.mean()  # cranial: left

    def test_grey_is_interpolated_between_voxels_and_nought_outside(self):
        grey = np.zeros((3, 4, 5), np.uint8)
        grey[1, 2, 3] = 200
        points = np.array([[3 * 0.5, 2 * 0.7, 1.1], [3.5 * 0.5, 2 * 0.7, 1.1], [50.0, 0.0, 0.0]])
        found = hip_planes.grey_at(grey, (1.1, 0.7, 0.5), points)
        np.testing.assert_array_equal(found, [200, 100, 0])


class TestSurfaces:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_the_heads_surface_is_the_ball_about_the_axes_origin(self, side):
        _, found = located(side)
        meshes = hip_planes.hip_surfaces(found)
        assert set(meshes) == {"ilium", "femoral_head", "femoral_cortex"}
        away = np.linalg.norm(meshes["femoral_head"].vertices_mm, axis=1)
        assert away.mean() == pytest.approx(8.0, abs=0.4)
        assert meshes["ilium"].vertices_mm[:, 2].mean() > 8.0  # superior of the head
