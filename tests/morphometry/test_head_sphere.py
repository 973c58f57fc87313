"""A ball of voxels gives back its centre and radius, whole, cut, or with something stuck to it."""

import numpy as np
import pytest

from hipus.morphometry.head_sphere import fit_head, fit_sphere
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused

CENTRE, RADIUS = np.array([12.3, 11.1, 13.7]), 8.1


def ball(spacing_zyx=(0.8, 0.8, 0.8), size_mm=26.0):
    """Return labels of a ball at CENTRE, and the places x, y, z of voxels."""
    counts = [int(np.ceil(size_mm / side)) for side in spacing_zyx]
    grid = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij")[::-1], -1)
    places = grid * np.array(spacing_zyx[::-1])
    return (2 * (np.linalg.norm(places - CENTRE, axis=-1) < RADIUS)).astype(np.uint8), places


class TestBall:
    @pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.8), (0.5, 0.9, 0.7), (1.2, 0.6, 0.6)])
    def test_centre_and_radius_come_back_below_a_voxel(self, spacing):
        labels, _ = ball(spacing)
        head = fit_head(LabelVolume(labels, spacing))
        np.testing.assert_allclose(head.centre_mm, CENTRE, atol=0.06)
        assert head.radius_mm == pytest.approx(RADIUS, abs=0.05)
        assert head.volume_share == pytest.approx(1.0, abs=0.02)
        assert head.residual_mm < 0.4

    def test_a_ball_cut_by_the_volumes_edge_is_still_the_same_ball(self):
        labels, places = ball()
        labels = labels[:, :, places[0, 0, :, 0] > CENTRE[0] + 1.0]  # 56 % are gone
        cut_mm = places[0, 0, places[0, 0, :, 0] > CENTRE[0] + 1.0, 0].min()
        head = fit_head(LabelVolume(np.ascontiguousarray(labels), (0.8, 0.8, 0.8)))
        np.testing.assert_allclose(head.centre_mm + [cut_mm, 0, 0], CENTRE, atol=0.25)
        assert head.radius_mm == pytest.approx(RADIUS, abs=0.15)
        assert head.volume_share == pytest.approx(0.41, abs=0.04)

    def test_faces_towards_other_labels_tell_nothing_of_the_heads_form(self):
        labels, places = ball()
        lid = places[..., 2] < CENTRE[2] - 0.6 * RADIUS
        labels[lid & (labels == 2)] = 3  # a flat border cuts off the lower end
        head = fit_head(LabelVolume(labels, (0.8, 0.8, 0.8)))
        np.testing.assert_allclose(head.centre_mm, CENTRE, atol=0.08)

    def test_a_lobe_and_an_island_do_not_pull(self):
        labels, places = ball()
        labels[np.linalg.norm(places - CENTRE - [RADIUS, 0, 0], axis=-1) < 2.0] = 2
        labels[:3, :3, :3] = 2
        head = fit_head(LabelVolume(labels, (0.8, 0.8, 0.8)))
        np.testing.assert_allclose(head.centre_mm, CENTRE, atol=0.15)
        assert head.radius_mm == pytest.approx(RADIUS, abs=0.1)


class TestFit:
    def test_points_on_a_sphere_and_a_few_far_off(self, rng):
        way = rng.standard_normal((200, 3))
        points = [1.0, -2.0, 3.0] + 5.0 * way / np.linalg.norm(way, axis=1, keepdims=True)
        points[:10] += 4.0
        centre, radius, residual = fit_sphere(points)
        np.testing.assert_allclose(centre, [1, -2, 3], atol=1e-6)
        assert radius == pytest.approx(5.0, abs=1e-6)
        assert residual < 1e-6

    def test_a_quarter_of_a_circle(self):
        angle = np.linspace(0.2, 0.2 + np.pi / 2, 30)
        points = np.array([7.0, 1.0]) + 2.5 * np.stack([np.cos(angle), np.sin(angle)], 1)
        centre, radius, _ = fit_sphere(points)
        np.testing.assert_allclose(centre, [7, 1], atol=1e-6)
        assert radius == pytest.approx(2.5, abs=1e-6)


class TestRefusals:
    def refuse(self, labels, match, spacing=(0.8, 0.8, 0.8)):
        with pytest.raises(VolumeRefused, match=match):
            fit_head(LabelVolume(labels.astype(np.uint8), spacing))

    def test_no_head(self):
        self.refuse(np.ones((4, 4, 4)), "no femoral head label")

    def test_a_few_voxels(self):
        labels = np.zeros((9, 9, 9))
        labels[4, 4, 4:6] = 2
        self.refuse(labels, "femoral head too small: needs 50 boundary faces, has 10")

    def test_a_cap_of_the_ball(self):
        labels, places = ball()
        labels[places[..., 1] < CENTRE[1] + 0.5 * RADIUS] = 0
        cut = labels[:, (places[0, :, 0, 1] >= CENTRE[1] + 0.5 * RADIUS)]
        self.refuse(cut, "femoral head out of view: 1. % of its ball is labelled")

    def test_a_ball_of_another_size(self):
        labels, _ = ball()
        self.refuse(labels, "femoral head is no ball: fitted radius 20", (2.0, 2.0, 2.0))
