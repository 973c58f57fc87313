"""Dimensions that follow from the parameters: femur, rim, growth, deformation, layers."""

from dataclasses import replace
from math import cos, radians, sin

import numpy as np
import pytest

from hipus.phantom.anatomy import layers
from hipus.phantom.anatomy.deformation import draw_deformation
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.shape import shape_of

PLAIN = HipParameters(
    anteversion_deg=0.0, internal_rotation_deg=0.0, flexion_deg=0.0, neck_shaft_deg=135.0
)


def shaft(parameters: HipParameters) -> np.ndarray:
    """Return the unit vector down the femur."""
    shape = shape_of(parameters)
    along = np.subtract(shape.femur_end, shape.femur_start)
    return along / np.linalg.norm(along)


def neck(parameters: HipParameters) -> np.ndarray:
    """Return the vector from head to shaft, less the part along the shaft, in head radii."""
    shape = shape_of(parameters)
    offset = np.subtract(shape.femur_start, shape.head) / shape.head_radius
    return offset - 0.2 * shaft(parameters)


class TestFemur:
    def test_neutral_by_hand(self):
        assert shaft(PLAIN) == pytest.approx([0, 0, -1])
        assert neck(PLAIN) == pytest.approx([sin(radians(45)), 0, -cos(radians(45))])

    def test_flexion_brings_the_knee_to_the_front(self):
        # Anterior is -y in LPS.
        assert shaft(replace(PLAIN, flexion_deg=90.0)) == pytest.approx([0, -1, 0], abs=1e-12)

    def test_anteversion_puts_the_shaft_behind_the_head(self):
        turned = neck(replace(PLAIN, anteversion_deg=30.0))
        assert turned[1] == pytest.approx(sin(radians(45)) * 0.5)

    def test_internal_rotation_takes_anteversion_back(self):
        both = replace(PLAIN, anteversion_deg=25.0, internal_rotation_deg=25.0)
        assert neck(both) == pytest.approx(neck(PLAIN))

    @pytest.mark.parametrize("flexion_deg", [0.0, 20.0, 70.0])
    def test_neck_shaft_angle_is_kept_by_any_pose(self, flexion_deg):
        posed = replace(PLAIN, flexion_deg=flexion_deg, anteversion_deg=31.0, neck_shaft_deg=140.0)
        assert neck(posed) @ shaft(posed) == pytest.approx(cos(radians(40.0)))

    def test_the_femur_turns_about_the_head(self):
        gaps = []
        for flexion_deg in (0.0, 40.0):
            shape = shape_of(replace(PLAIN, flexion_deg=flexion_deg))
            away = np.subtract(shape.plate_centre, shape.head)
            gaps.append(np.linalg.norm(away) - shape.plate_radius)
        assert gaps[0] == pytest.approx(gaps[1])
        assert gaps[0] == pytest.approx(1.03 * 8.0)


class TestSizes:
    def test_a_larger_child_has_a_larger_femur_and_ischium(self):
        small, large = (
            shape_of(HipParameters(head_diameter_mm=size, cartilage_roof_mm=roof))
            for size, roof in ((15.0, 5.3), (18.0, 6.3))
        )
        assert large.femur_radii[0] / small.femur_radii[0] == pytest.approx(1.2)
        assert large.ischium_radii[1] / small.ischium_radii[1] == pytest.approx(1.2)

    def test_soft_tissue_lies_between_skin_and_head(self):
        shape = shape_of(HipParameters(soft_tissue_mm=12.0, lateral_displacement_mm=1.0))
        assert shape.skin_height == pytest.approx(1.0 + 8.0 + 12.0)

    def test_the_labrum_centre_lies_on_the_cartilage_roof_line(self):
        parameters = HipParameters(beta_deg=63.0)
        shape = shape_of(parameters)
        corners = np.reshape(shape.labrum, (3, 2))
        line = corners.mean(0) - shape.rim
        assert np.linalg.norm(line) == pytest.approx(parameters.cartilage_roof_mm)
        assert np.degrees(np.arctan2(line[0], -line[1])) == pytest.approx(63.0)

    def test_sections_have_their_own_tilt(self):
        # tilt = t0 + t1 s + t2 s^2 at s = -1, 0, 1.
        level = HipParameters(alpha_anterior_deg=62.2, alpha_posterior_deg=62.2)
        steep = replace(level, alpha_posterior_deg=68.2)
        rise = np.subtract(shape_of(steep).tilt, shape_of(level).tilt)
        assert rise[0] == pytest.approx(0.0)
        assert rise[1] == pytest.approx(rise[2])
        # More than the asked 6 deg: both sections share where the roof ends.
        assert 6.0 < np.degrees(rise[1] + rise[2]) < 9.0


class TestDeformation:
    def test_none_is_none(self, rng):
        deformation = draw_deformation(rng, 0.0)
        assert not deformation.amplitude_mm.any()
        assert not deformation.affine.any()

    def test_the_amount_is_the_standard_deviation_of_the_waves(self, rng):
        points = rng.uniform(-500, 500, (4000, 3))
        variances = []
        for seed in range(300):
            amplitude, wave, phase, _ = draw_deformation(np.random.default_rng(seed), 0.2)
            variances.append((np.sin(points @ wave.T + phase) @ amplitude).var(0))
        assert np.sqrt(np.mean(variances)) == pytest.approx(0.2, rel=0.05)


class TestGround:
    def test_is_smoothed_and_has_its_mean_above_the_joint(self):
        depth = layers.empty_ground()
        assert depth.shape == (85, 65)
        depth[:] = 20.0
        depth[42, 32] = 8.0
        ground = layers.smoothed_ground(depth)
        assert 19.0 < ground.depth_mm.min() < 20.0
        assert ground.mean_mm == pytest.approx(20.0, abs=0.02)

    def test_layer_depth_by_hand(self):
        # Flat ground 10 mm deep, mean 12: at half depth 5 + 2 / 4, on the ground 12, below 13.
        ground = layers.Ground(np.full((85, 65), 10.0), 12.0)
        found = [layers.layer_depth(ground, 0.0, 0.0, depth) for depth in (0.0, 5.0, 10.0, 11.0)]
        assert found == pytest.approx([0.0, 5.5, 12.0, 13.0])

    def test_the_ground_is_held_beyond_its_border(self):
        table = np.tile(np.linspace(10, 20, 65), (85, 1))
        ground = layers.Ground(table, 15.0)
        inside = layers.layer_depth(ground, 31.99, 0.0, 4.0)
        assert layers.layer_depth(ground, 80.0, 0.0, 4.0) == pytest.approx(inside, abs=0.01)
        front = layers.layer_depth(ground, -80.0, 0.0, 4.0)
        assert front == pytest.approx(4.0 + 5.0 * 0.16, abs=0.01)
