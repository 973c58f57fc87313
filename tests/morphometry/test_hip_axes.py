"""Lateral, posterior and superior come from the bones, however the volume is turned."""

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.head_sphere import fit_head
from hipus.morphometry.hip_axes import HipAxes, face_mm, find_axes
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused


def found(made):
    """Return first axes of a made hip as rows in the hip's own axes."""
    volume = LabelVolume(made.labels, made.spacing_zyx_mm)
    return find_axes(volume, fit_head(volume)).axes @ made.axes.T


class TestFromBones:
    @pytest.mark.parametrize(("side", "seed"), [("left", 0), ("right", 1), ("left", None)])
    def test_lateral_is_the_wings_normal_and_superior_points_at_it(self, side, seed):
        turn = np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()
        axes = found(put_in_volume(MadeHip(side=side), turn, (0.9, 0.8, 1.0)))
        assert axes[0, 0] > np.cos(np.radians(4))
        assert axes[2, 2] > np.cos(np.radians(15))
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)

    def test_the_medial_face_of_a_closed_bone_is_not_taken(self):
        made = put_in_volume(MadeHip(), np.eye(3), (1.0, 1.0, 1.0))
        points = made.places()
        wing = (points[..., 2] > 12) & (points[..., 2] < 26) & (np.abs(points[..., 1]) < 13)
        medial = wing & (np.abs(points[..., 0] - (MadeHip().face_mm - 12.0)) < 1.6)
        made.labels[medial] = 1  # thicker than the lateral face, and as large
        assert found(made)[0, 0] > np.cos(np.radians(4))

    def test_without_a_roof_the_femur_tells_lateral_from_medial(self):
        for seed in range(4):
            made = put_in_volume(MadeHip(), Rotation.random(random_state=seed).as_matrix())
            made.labels[(made.labels == 1) & (made.places()[..., 0] < MadeHip().face_mm - 1.2)] = 0
            assert found(made)[0, 0] > np.cos(np.radians(4))

    def test_strays_do_not_hold_the_face_off(self, rng):
        made = put_in_volume(MadeHip(), np.eye(3), (0.8, 0.8, 0.8))
        stray = rng.integers(0, made.labels.shape, (8, 3))
        made.labels[tuple(stray.T)] = 1
        assert found(made)[0, 0] > np.cos(np.radians(4))

    def test_a_face_with_bone_behind_it_lies_where_its_outer_layer_is(self):
        lateral = np.concatenate([np.linspace(4.0, 5.0, 50), np.linspace(-9, -7, 200)])
        assert face_mm(lateral) == pytest.approx(4.5, abs=0.3)


class TestTurns:
    @pytest.fixture
    def axes(self):
        return HipAxes(np.array([1.0, 2.0, 3.0]), np.eye(3))

    def test_points_go_there_and_back(self, axes, rng):
        turned = axes.turned(0.2, -0.3, 0.1)
        points = rng.standard_normal((4, 5, 3))
        np.testing.assert_allclose(turned.to_volume(turned.to_anatomy(points)), points, atol=1e-12)
        assert turned.to_anatomy(axes.origin_mm).tolist() == [0, 0, 0]

    @pytest.mark.parametrize(
        ("turn", "axis", "towards"),
        [("yaw_rad", 0, 1), ("pitch_rad", 2, 1), ("roll_rad", 2, 0)],
    )
    def test_each_turn_moves_its_axis_as_it_says(self, axes, turn, axis, towards):
        moved = axes.turned(**{turn: 0.1}).axes[axis]
        expected = np.zeros(3)
        expected[axis], expected[towards] = np.cos(0.1), np.sin(0.1)
        np.testing.assert_allclose(moved, expected, atol=1e-12)

    def test_turning_round_makes_the_other_side(self, axes):
        assert (axes.side, axes.reversed().side) == ("left", "right")
        assert axes.reversed().axes[1].tolist() == [0, -1, 0]
        assert axes.turned(0.4, 0.4, 0.4).side == "left"


class TestRefusals:
    def refuse(self, change, match):
        made = put_in_volume(MadeHip(), np.eye(3), (0.9, 0.9, 0.9))
        points = made.places()
        change(made.labels, points)
        volume = LabelVolume(made.labels, (0.9, 0.9, 0.9))
        with pytest.raises(VolumeRefused, match=match):
            find_axes(volume, fit_head(volume))

    def test_no_ilium(self):
        self.refuse(lambda labels, _: labels.__setitem__(labels == 1, 0), "no ilium label")

    def test_a_few_voxels_of_ilium(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 2] < 25.5)] = 0
            labels[(labels == 1) & (np.abs(points[..., 1]) > 9)] = 0

        self.refuse(change, "ilium too small: needs 60 voxels, has")

    def test_a_strip_of_ilium(self):
        def change(labels, points):
            labels[(labels == 1) & (np.abs(points[..., 1]) > 1.5)] = 0

        self.refuse(change, "ilium has no flat face: it is a strip, under 5 mm")

    def test_a_ragged_ball_of_ilium(self, rng):
        def change(labels, points):
            labels[labels == 1] = 0
            far = np.linalg.norm(points - [0, 0, 15], axis=-1) < 9
            labels[far & (rng.random(labels.shape) < 0.02) & (labels == 0)] = 1

        self.refuse(change, "ilium has no flat face: .* voxels near its best plane")

    def test_a_wing_alone_does_not_tell_lateral_from_medial(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 0] < MadeHip().face_mm - 1.2)] = 0
            labels[labels == 4] = 0

        self.refuse(change, "lateral and medial cannot be told apart: neither bony roof nor femur")

    def test_a_face_all_around_the_head(self):
        def change(labels, points):
            labels[labels == 1] = 0
            disc = np.linalg.norm(points[..., 1:], axis=-1) < 16
            labels[disc & (np.abs(points[..., 0]) < 1)] = 1
            labels[np.linalg.norm(points, axis=-1) < 8] = 2

        self.refuse(change, "no iliac wing above the femoral head: the ilium's face surrounds it")

    def test_bone_wholly_behind_which_the_head_cannot_be(self):
        def change(labels, points):
            labels[labels == 1] = 0
            away = np.linalg.norm(points, axis=-1)
            labels[(away > 17) & (away < 18.5)] = 1  # a shell: the head is deep in every face

        self.refuse(change, "no lateral face of the ilium that the femoral head could belong to")
