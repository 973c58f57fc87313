from dataclasses import replace

import numpy as np
import pytest
from wire_scenes import make_phantom, make_scene

from hipus.calibration.nwire_model import pattern_model

SPACING_MM = 0.087


class TestModel:
    def test_widths_and_gaps_are_those_of_the_phantom(self, phantom):
        model = pattern_model(phantom)
        np.testing.assert_allclose(model.widths_mm, [26, 26, 21])
        np.testing.assert_allclose(model.gaps_mm, [9, 9])
        assert model.layer_count == 3

    def test_layers_at_one_height_are_refused(self):
        phantom = make_phantom(
            [[0, 5, 30], [40, 45, 70]], [[0, 25, 30], [40, 65, 70]], heights=(4.0, 4.5)
        )
        with pytest.raises(ValueError, match=r"patterns must lie >= 1 mm apart .* got 0\.5 mm"):
            pattern_model(phantom)

    def test_layers_that_are_not_parallel_are_refused(self):
        straight = [[0, 5, 30], [0, 5, 30]]
        turned = [[0, 25, 30], [3, 25, 33]]
        with pytest.raises(ValueError, match="outer wires of all patterns must be parallel"):
            pattern_model(make_phantom(straight, turned, heights=(9.0, 0.0)))


class TestNamings:
    def test_the_four_ways_are_layers_and_sides_swapped(self, phantom):
        stack = np.arange(9).reshape(1, 3, 3)
        ways = {tuple(way) for way in pattern_model(phantom).namings(stack)[0]}
        assert ways == {
            (0, 1, 2, 3, 4, 5, 6, 7, 8),
            (2, 1, 0, 5, 4, 3, 8, 7, 6),
            (6, 7, 8, 3, 4, 5, 0, 1, 2),
            (8, 7, 6, 5, 4, 3, 2, 1, 0),
        }

    def test_the_order_of_patterns_in_the_file_does_not_matter(self, phantom):
        swapped = replace(
            phantom,
            front_mm=np.roll(phantom.front_mm, 3, axis=0),
            back_mm=np.roll(phantom.back_mm, 3, axis=0),
        )
        ways = pattern_model(swapped).namings(np.arange(9).reshape(1, 3, 3))[0]
        assert {tuple(np.roll(way, -3)) for way in ways} == {
            (0, 1, 2, 3, 4, 5, 6, 7, 8),
            (2, 1, 0, 5, 4, 3, 8, 7, 6),
            (6, 7, 8, 3, 4, 5, 0, 1, 2),
            (8, 7, 6, 5, 4, 3, 2, 1, 0),
        }


class TestMisfit:
    def test_square_pixels_of_known_size_seen_upright_fit_exactly(self, phantom, rng):
        scene = make_scene(phantom, rng, turn_deg=0.0, pixel_mm=(SPACING_MM, SPACING_MM))
        misfit = pattern_model(phantom).misfit(scene.points_px * SPACING_MM)
        assert misfit.max() < 1e-9

    def test_true_names_fit_and_all_others_fit_far_worse(self, phantom, rng):
        scene = make_scene(phantom, rng, turn_deg=5.0)
        model = pattern_model(phantom)
        stacks = np.arange(9).reshape(1, 3, 3)
        named = model.namings(stacks)[0]
        misfit = model.misfit(scene.points_px[:, named] * SPACING_MM)
        is_true = (named == np.arange(9)).all(axis=1)
        assert misfit[:, is_true].max() < 2.0
        assert misfit[:, ~is_true].min() > misfit[:, is_true].max() + 1.0

    def test_a_middle_dot_beyond_its_wire_cannot_be(self, phantom, scene):
        points_mm = scene.points_px[0] * SPACING_MM
        points_mm[1] = points_mm[0] - 0.2 * (points_mm[2] - points_mm[0])
        assert pattern_model(phantom).misfit(points_mm) == np.inf

    def test_a_picture_of_half_the_size_fits_badly(self, phantom, scene):
        misfit = pattern_model(phantom).misfit(scene.points_px * SPACING_MM / 2)
        assert misfit.min() > 2.5
