"""What raters see: steps to ridges and edges worked out by hand, darkness, both dimensions."""

import numpy as np
import pytest

from hipus.phantom.annotator.sight import MUSCLE_GREY, SHADOW_GREY, look, steady

SPACING = (0.2, 0.2)


def ridge_picture(row: float) -> np.ndarray:
    """Return a thin bright horizontal line on black."""
    rows = np.arange(60)[:, None] * SPACING[0]
    return 255 * np.exp(-0.5 * ((rows - row * SPACING[0]) / 0.2) ** 2) * np.ones((1, 40))


class TestPull:
    def test_points_at_the_ridge_from_both_sides_and_vanishes_on_it(self):
        sight = look(ridge_picture(30), SPACING, reach_mm=0.6)
        down = sight.to_ridge[0, :, 20]
        assert down[28] > 0.1
        assert down[32] == pytest.approx(-down[28], abs=1e-3)
        assert down[30] == pytest.approx(0, abs=1e-4)

    def test_is_nearly_the_whole_way_to_a_thin_ridge_nearby(self):
        down = look(ridge_picture(30), SPACING, reach_mm=0.6).to_ridge[0, :, 20]
        # Blurred by 0.6, a ridge of 0.2 mm asks for 0.36 / (0.36 + 0.04) of the distance,
        # somewhat more for the surroundings that are subtracted from its flanks.
        assert down[28] == pytest.approx(0.4, abs=0.08)


class TestSteadyPull:
    def test_a_band_beside_the_ridge_is_moved_as_a_whole(self):
        towards = look(ridge_picture(30), SPACING, reach_mm=0.6).to_ridge
        is_band = np.zeros((60, 40), bool)
        is_band[25:31] = True
        down = steady(towards, is_band, SPACING)[0, 25:31, 20]
        assert (down > 0.1).all()
        assert np.ptp(down) < 0.5 * np.ptp(towards[0, 25:31, 20])

    def test_a_band_about_the_ridge_stays(self):
        towards = look(ridge_picture(30), SPACING, reach_mm=0.6).to_ridge
        is_band = np.zeros((60, 40), bool)
        is_band[27:34] = True
        assert abs(steady(towards, is_band, SPACING)[0, 30, 20]) < 0.01


class TestDirection:
    def test_axes_are_not_swapped(self):
        across = look(ridge_picture(30).T, SPACING, reach_mm=0.6).to_ridge
        assert across[1, 20, 28] > 0.1
        np.testing.assert_allclose(across[0, 20], 0, atol=1e-4)

    def test_never_exceeds_the_reach(self, rng):
        sight = look(rng.integers(0, 256, (50, 60)), SPACING, reach_mm=0.3)
        for steps in (sight.to_ridge, sight.to_edge):
            assert np.hypot(*steps).max() <= 0.3 + 1e-6

    def test_edges_attract_from_the_dark_and_from_the_bright_side(self):
        step = np.where(np.arange(60)[:, None] < 30, 30.0, 150.0) * np.ones((1, 40))
        down = look(step, SPACING, reach_mm=0.6).to_edge[0, :, 20]
        assert down[27] > 0.05
        assert down[32] < -0.05

    def test_a_uniform_picture_pulls_nowhere_and_has_no_edge(self):
        sight = look(np.full((30, 40), 90), SPACING, reach_mm=0.6)
        np.testing.assert_allclose(sight.to_ridge, 0, atol=1e-5)
        np.testing.assert_allclose(sight.to_edge, 0, atol=1e-5)
        np.testing.assert_allclose(sight.blandness, 1, atol=1e-5)


class TestDoubt:
    def test_darkness_runs_from_muscle_to_shadow(self):
        levels = (MUSCLE_GREY + 9, MUSCLE_GREY, (MUSCLE_GREY + SHADOW_GREY) / 2, SHADOW_GREY, 0)
        found = [
            look(np.full((9, 9), grey), SPACING, reach_mm=0.4).darkness[4, 4] for grey in levels
        ]
        np.testing.assert_allclose(found, [0, 0, 0.5, 1, 1], atol=1e-5)

    def test_a_strong_edge_is_not_bland(self):
        step = np.where(np.arange(60)[:, None] < 30, 10.0, 200.0) * np.ones((1, 40))
        blandness = look(step, SPACING, reach_mm=0.4).blandness
        assert blandness[30, 20] == 0
        assert blandness[5, 20] == pytest.approx(1)


class TestVolume:
    def test_a_volume_of_equal_slices_is_seen_like_its_slice(self):
        picture = ridge_picture(25)
        volume = np.repeat(picture[None], 12, axis=0)
        flat = look(picture, SPACING, reach_mm=0.6)
        deep = look(volume, (0.5, *SPACING), reach_mm=0.6)
        np.testing.assert_allclose(deep.to_ridge[0], 0, atol=1e-4)
        np.testing.assert_allclose(deep.to_ridge[1:, 6], flat.to_ridge, atol=0.03)
        np.testing.assert_allclose(deep.darkness[6], flat.darkness, atol=0.03)
