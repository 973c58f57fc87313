"""Head and ilium in label volumes, and sweeps placed by them."""

import numpy as np
import pytest
from made_crossing import HEAD_MM, RADIUS_MM, T_SECOND_TO_FIRST, study_sweep, true_poses, volume_of

from hipus import geometry
from hipus.fusion.anatomy import HipPlace, ball, find_hip, place_by_anatomy, which_shows_roof
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid

GRID = VoxelGrid((-9.0, -8.0, -12.0), (0.6, 0.5, 0.8), (30, 34, 36))


def places() -> np.ndarray:
    """Return the voxels' places (D, H, W, 3) of the grid."""
    z, y, x = np.indices(GRID.shape_zyx)
    return np.stack([x, y, z], axis=-1) * GRID.spacing_xyz_mm + np.array(GRID.origin_xyz_mm)


def made_labels(*, head_mm=(1.0, 2.0, -1.0), ilium_mm=(8.0, -2.0, 5.0)) -> np.ndarray:
    """Return a head of 5 mm and a cube of ilium."""
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[np.linalg.norm(places() - head_mm, axis=-1) < 5] = HipLabel.FEMORAL_HEAD
    labels[(np.abs(places() - ilium_mm) < 2).all(axis=-1)] = HipLabel.ILIUM
    return labels


class TestBall:
    def test_a_cap_of_a_ball_gives_centre_and_radius(self, rng):
        directions = rng.normal(size=(200, 3))
        directions = directions[directions[:, 1] < -0.2]
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        centre, radius = ball(np.array([3.0, -2.0, 7.0]) + 8.5 * directions)
        np.testing.assert_allclose(centre, [3, -2, 7], atol=1e-9)
        assert radius == pytest.approx(8.5)


class TestFindHip:
    def test_the_head_is_found_on_anisotropic_voxels(self):
        found = find_hip(made_labels(), GRID)
        np.testing.assert_allclose(found.head_mm, [1, 2, -1], atol=0.1)
        assert found.radius_mm == pytest.approx(5, abs=0.15)

    def test_half_a_head_still_gives_its_centre(self):
        labels = made_labels()
        labels[places()[..., 1] > 2.5] = 0
        cut = (places()[..., 1] > 2.0) & (labels == HipLabel.FEMORAL_HEAD)
        assert cut.any()
        found = find_hip(labels, GRID).head_mm
        assert np.abs(found - [1, 2, -1]).max() < 1.8  # the flat cut pulls it towards the probe

    def test_cranial_points_at_the_ilium_and_across_the_beam(self):
        found = find_hip(made_labels(), GRID).cranial
        np.testing.assert_allclose(found, np.array([7, 0, 6]) / np.hypot(7, 6), atol=0.03)
        assert found[1] == 0

    @pytest.mark.parametrize(
        ("label", "name"), [(HipLabel.ILIUM, "ilium"), (HipLabel.FEMORAL_HEAD, "femoral_head")]
    )
    def test_a_missing_structure_is_named_with_its_sweep(self, label, name):
        labels = made_labels()
        labels[labels == label] = 0
        with pytest.raises(ValueError, match=rf"S1/left_p_d: label {name} is missing \(0 mm3"):
            find_hip(labels, GRID, name="S1/left_p_d")

    def test_an_ilium_over_the_head_tells_no_direction(self):
        labels = made_labels(ilium_mm=(1.0, -6.0, -1.0))
        with pytest.raises(ValueError, match=r"must lie 2 mm or more beside .* got 0\.\d mm"):
            find_hip(labels, GRID)

    def test_labels_of_another_shape_are_refused(self):
        with pytest.raises(ValueError, match=r"labels must have the grid's shape \(30, 34, 36\)"):
            find_hip(made_labels()[1:], GRID)


class TestPlaceByAnatomy:
    @pytest.mark.parametrize("degrees", [90.0, -90.0, 30.0, 170.0])
    def test_a_turn_about_the_beam_is_recovered_whichever_way(self, degrees):
        turn = np.radians(degrees)
        R = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        T = geometry.transform(R, [4.0, -1.0, 2.5])
        second = HipPlace(np.array([1.0, 2.0, 3.0]), 6.0, np.array([0.6, 0.0, 0.8]))
        first = HipPlace(geometry.apply(T, second.head_mm), 6.0, R @ second.cranial)
        np.testing.assert_allclose(place_by_anatomy(first, second), T, atol=1e-12)

    def test_two_made_sweeps_come_within_reach_of_registration(self):
        poses = true_poses()
        thought = [geometry.relative(T[len(T) // 2], T) for T in poses]
        found = []
        for true, own in zip(poses, thought, strict=True):
            volume = volume_of(study_sweep(true, own))
            found.append(find_hip(volume.labels["truth"], volume.grid))
        T = place_by_anatomy(*found)
        assert geometry.geodesic_angle_deg(T, T_SECOND_TO_FIRST) < 8
        head_second = geometry.apply(geometry.invert(T_SECOND_TO_FIRST), HEAD_MM)
        assert np.linalg.norm(geometry.apply(T, head_second) - HEAD_MM) < 1.5
        assert found[0].radius_mm == pytest.approx(RADIUS_MM, abs=0.4)


class TestWhichShowsRoof:
    @pytest.mark.parametrize("sign", [1, -1])
    def test_pictures_along_the_way_to_the_ilium_show_the_roof(self, sign):
        along = HipPlace(np.zeros(3), 8.0, np.array([sign * np.cos(0.3), 0, np.sin(0.3)]))
        across = HipPlace(np.zeros(3), 8.0, np.array([0.2, 0, -sign * np.sqrt(0.96)]))
        assert which_shows_roof(along, across) == 0
        assert which_shows_roof(across, along) == 1
