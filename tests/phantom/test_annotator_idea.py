"""Ideas: distances against SciPy, sizes of errors, what is forgotten."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hipus.labels import HipLabel
from hipus.phantom.annotator.idea import (
    REACH_MM,
    draw_lapses,
    draw_misconception,
    forgotten,
    signed_distance,
)
from hipus.phantom.annotator.rater import TYPICAL


class TestSignedDistance:
    def test_the_boundary_lies_midway_between_pixels(self):
        mask = np.zeros((9, 12), bool)
        mask[:, :5] = True
        distance = signed_distance(mask, (0.2, 0.2))
        np.testing.assert_allclose(distance[4, 3:7], [-0.3, -0.1, 0.1, 0.3], atol=1e-6)

    @pytest.mark.parametrize("shape", [(60, 90), (20, 30, 26)])
    def test_agrees_with_a_slow_reference(self, rng, shape):
        mask = ndimage.gaussian_filter(rng.standard_normal(shape), 3) > 0.04
        spacing = (0.3,) * len(shape)
        far = ndimage.distance_transform_edt(~mask, sampling=spacing) - 0.15
        deep = ndimage.distance_transform_edt(mask, sampling=spacing) - 0.15
        expected = np.clip(np.where(mask, -deep, far), -REACH_MM, REACH_MM)
        np.testing.assert_allclose(signed_distance(mask, spacing), expected, atol=2e-3)

    def test_anisotropic_volumes_are_measured_in_mm(self):
        mask = np.zeros((5, 5, 5), bool)
        mask[2, 2, 2] = True
        distance = signed_distance(mask, (0.3, 0.7, 1.1))
        steps = distance[3, 2, 2], distance[2, 3, 2], distance[2, 2, 3]
        np.testing.assert_allclose(steps, [0.15, 0.55, 0.95], atol=1e-6)

    def test_an_absent_structure_is_out_of_reach_everywhere(self):
        assert (signed_distance(np.zeros((4, 5), bool), (0.2, 0.2)) == REACH_MM).all()


class TestErrors:
    def test_lasting_and_varying_shifts_add_up_to_one_displacement_sd(self, rng):
        lasting = np.array([draw_misconception(TYPICAL, rng).shift for _ in range(3000)])
        lapses = draw_lapses(
            TYPICAL, rng, positions=lambda _: [np.arange(400.0), np.arange(9), np.arange(9)],
            spacing_mm=(0.2, 0.2), first_axis_length=0.0,
        )  # fmt: skip
        for row, (moving, _) in enumerate(lapses):
            varying = moving[:2].var()
            assert lasting[:, row].var() + varying == pytest.approx(1, abs=0.12)
            assert lasting[:, row].var() == pytest.approx(TYPICAL.idea_part[row], abs=0.05)

    def test_growth_has_its_own_size_and_the_rater_s_habit(self, rng):
        rater = replace(TYPICAL, habit=(0.5, -0.5, 0.0, 2.0))
        growth = np.array([draw_misconception(rater, rng).growth for _ in range(4000)])
        np.testing.assert_allclose(growth.mean(axis=0), rater.habit, atol=0.03)
        np.testing.assert_allclose(
            growth.std(axis=0), rater.size_part * np.sqrt(rater.idea_part), rtol=0.06
        )

    def test_volumes_have_three_directions(self, rng):
        assert draw_misconception(TYPICAL, rng, ndim=3).shift.shape == (4, 3)


class TestForgotten:
    rater = replace(TYPICAL, missed_part=0.1, shadow_gain=1.0)

    def part(self, rng, darkness: float, label=HipLabel.ILIUM) -> float:
        noise = rng.standard_normal(200_000).astype(np.float32)
        dark = np.full(noise.shape, darkness, np.float32)
        return forgotten(noise, dark, label=label, rater=self.rater).mean()

    def test_the_named_part_is_missed_in_the_light_and_more_in_shadow(self, rng):
        assert self.part(rng, 0.0) == pytest.approx(0.1, abs=0.005)
        assert self.part(rng, 1.0) == pytest.approx(0.2, abs=0.005)

    def test_the_head_is_never_left_out(self, rng):
        assert self.part(rng, 1.0, HipLabel.FEMORAL_HEAD) == 0
