"""The wing's face is one surface: straight, bent, with gaps, as a band or as a closed bone."""

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.head_sphere import fit_head
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.iliac_wing import (
    IliacWing,
    WingFace,
    first_bands,
    fit_face,
    fit_wing,
    look_at_face,
)
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused

TURN = Rotation.random(random_state=11).as_matrix()


def placed(hip, spacing=(0.8, 0.8, 0.8), turn=TURN, change=None):
    """Return a made hip as a volume, and its own axes."""
    made = put_in_volume(hip, turn, spacing)
    if change is not None:
        change(made.labels, made.places())
    volume = LabelVolume(made.labels, spacing)
    return volume, HipAxes(fit_head(volume).centre_mm, made.axes)


class TestBands:
    def test_the_middle_of_a_band_is_its_centre_of_gravity(self):
        share = np.array([[0, 0, 0, 1, 1, 1, 0, 0, 0, 0], [0, 0.2, 0.6, 0.6, 0.2, 0, 0, 0, 0, 0]])
        found = first_bands(share, 0.5)
        np.testing.assert_allclose(found.middle_mm, [2.0, 1.25])
        np.testing.assert_allclose(found.thickness_mm, [1.5, 0.8])

    def test_a_second_band_behind_the_first_does_not_count(self):
        share = np.zeros((1, 30))
        share[0, 4:7] = share[0, 20:26] = 1.0
        assert first_bands(share, 0.5).middle_mm[0] == pytest.approx(2.5)

    def test_thick_bone_is_entered_by_half_a_usual_band(self):
        share = np.zeros((1, 30))
        share[0, 10:] = 1.0
        assert first_bands(share, 0.5).middle_mm[0] == pytest.approx(5.0 + 0.625)

    def test_rays_without_bone_or_that_begin_in_it_find_none(self):
        share = np.zeros((3, 10))
        share[1] = 0.3
        share[2, :4] = 1.0
        found = first_bands(share, 0.5)
        assert np.isnan(found.middle_mm).all()
        assert np.isnan(found.thickness_mm).all()


class TestWing:
    @pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.8), (0.5, 0.7, 0.6)])
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_the_bones_face_comes_back_below_a_fifth_of_a_voxel(self, spacing, side):
        hip = MadeHip(side=side)
        volume, axes = placed(hip, spacing)
        wing = fit_wing(volume, axes, 8.0)
        for place in [(0.0, 14.0), (5.0, 20.0), (-5.0, 18.0)]:
            assert wing.lateral_mm(*place) == pytest.approx(hip.face_mm, abs=0.15)
        assert np.degrees(np.arctan2(*wing.direction)) == pytest.approx(0.0, abs=0.6)
        assert wing.band_mm == pytest.approx(1.25, abs=0.2)
        assert wing.rim_mm == pytest.approx(hip.rim_mm, abs=1.1)
        assert wing.residual_mm < 0.25

    def test_a_lean_and_a_bend_are_told_apart(self):
        posterior, superior = np.meshgrid(np.linspace(-7, 7, 15), np.linspace(5, 24, 39))
        lateral = 1.0 + 0.05 * posterior - 0.1 * superior - posterior**2 / 90
        lateral = np.where(superior < 10, lateral - (10 - superior), lateral)
        points = np.stack([lateral, posterior, superior], -1).reshape(-1, 3)
        face = look_at_face(*placed(MadeHip()), 8.0)
        face = type(face)(points, np.full(len(points), 1.0))
        wing = fit_face(face, 8.0)
        np.testing.assert_allclose(wing.terms, [1.26, 0.05, -0.1, -1 / 90], atol=1e-3)
        assert wing.rim_mm == pytest.approx(10.0, abs=1.0)

    def test_gaps_and_spurs_move_nothing(self, rng):
        hip = MadeHip()

        def ragged(labels, points):
            labels[(labels == 1) & (rng.random(labels.shape) < 0.3)] = 0
            spur = (np.abs(points[..., 0] - 3.0) < 1) & (np.abs(points[..., 1] - 4.0) < 1.5)
            labels[spur & (points[..., 2] > 14) & (points[..., 2] < 17)] = 1

        wing = fit_wing(*placed(hip, change=ragged), 8.0)
        assert wing.lateral_mm(0.0, 16.0) == pytest.approx(hip.face_mm, abs=0.2)

    def test_a_closed_bone_has_the_same_face(self):
        hip = MadeHip()

        def fill(labels, points):
            depth = hip.face_mm - points[..., 0]
            wing = (depth > -0.3) & (depth < 9) & (points[..., 2] > 11) & (points[..., 2] < 26)
            labels[wing & (np.abs(points[..., 1]) < 13)] = 1

        wing = fit_wing(*placed(hip, change=fill), 8.0)
        assert wing.lateral_mm(0.0, 16.0) == pytest.approx(hip.face_mm, abs=0.3)
        assert wing.band_mm == 1.25

    def test_plane_of_a_flat_wing_is_the_wing(self):
        wing = IliacWing(np.array([2.0, 0.0, 0.0, 0.0]), 1.25, 11.0, 0.1)
        normal, offset = wing.plane(5.6)
        np.testing.assert_allclose(normal, [1, 0, 0], atol=1e-12)
        assert offset == pytest.approx(2.0)

    def test_plane_of_a_bent_wing_leans_as_it_does(self):
        wing = IliacWing(np.array([2.0, 0.0, -0.1, -1 / 90]), 1.25, 11.0, 0.1)
        normal, _ = wing.plane(5.6)
        np.testing.assert_allclose(normal, np.array([1, 0, 0.1]) / np.hypot(1, 0.1), atol=1e-3)


class TestRefusals:
    def test_no_ilium_above_the_head(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 2] > 11.2)] = 0

        volume, axes = placed(MadeHip(), change=change)
        with pytest.raises(VolumeRefused, match="the iliac wing is missing: no ilium above"):
            fit_wing(volume, axes, 8.0)

    def test_a_stump_of_wing(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 2] > 14.0)] = 0

        volume, axes = placed(MadeHip(), change=change)
        with pytest.raises(VolumeRefused, match=r"missing: .* mm of its face are labelled between"):
            fit_wing(volume, axes, 8.0)

    def test_a_wing_only_far_from_the_plane(self):
        def change(labels, points):
            labels[(labels == 1) & (np.abs(points[..., 1]) < 5.9)] = 0

        volume, axes = placed(MadeHip(), change=change)
        with pytest.raises(VolumeRefused, match="no face of it near the Graf plane"):
            fit_wing(volume, axes, 8.0)

    def test_too_few_places_of_a_face(self):
        face = look_at_face(*placed(MadeHip()), 8.0)
        few = type(face)(face.middle_mm[:9], face.thickness_mm[:9])
        with pytest.raises(VolumeRefused, match="missing: no face of it above the femoral head"):
            fit_face(few, 8.0)

    def face(self, lean=0.0, lowest=5.0):
        """Return a face that leaves its surface below a height, and leans above it."""
        posterior, superior = np.meshgrid(np.linspace(-7, 7, 15), np.linspace(3, 50, 95))
        lateral = lean * superior - 3.0 * np.maximum(lowest - superior, 0)
        points = np.stack([lateral, posterior, superior], -1).reshape(-1, 3)
        return WingFace(points, np.full(len(points), 1.2))

    def test_a_rim_that_is_none_of_this_head(self):
        with pytest.raises(VolumeRefused, match="the wing ends 18.. mm above the head's centre"):
            fit_face(self.face(lowest=18.0), 8.0)

    def test_a_wing_that_lies_down(self):
        with pytest.raises(VolumeRefused, match="the ilium is not straight: its wing turns by 31"):
            fit_face(self.face(lean=0.6), 8.0)

    def test_a_gap_high_up_is_no_rim(self):
        face = self.face(lowest=9.0)
        behind = np.abs(face.middle_mm[:, 2] - 17.0) < 0.6
        face.middle_mm[behind, 0] -= 6.0
        assert fit_face(face, 8.0).rim_mm == pytest.approx(9.0, abs=0.7)
