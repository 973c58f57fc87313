"""Truth is constructed from the surfaces: closed forms, slow references, both sides."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.rays import entries, exits, fit_sphere, sphere_directions
from hipus.phantom.anatomy.sections import labrum_centre, measure_section
from hipus.phantom.anatomy.truth import construct_truth

SMOOTH = HipParameters(deformation_mm=0.0)


def ideal(alpha_deg: float) -> HipParameters:
    """Return an ideal hip whose offset and depth follow alpha, as in the population."""
    return replace(
        SMOOTH,
        alpha_deg=alpha_deg,
        alpha_anterior_deg=alpha_deg - 4.0,
        alpha_posterior_deg=alpha_deg + 1.6,
        beta_deg=66.0,
        iliac_offset_mm=0.8 + 0.14 * (alpha_deg - 62.0),
        acetabular_depth_mm=7.0 + 0.05 * (alpha_deg - 60.0),
    )


class TestAlpha:
    @pytest.mark.parametrize("alpha_deg", [40.0, 50.0, 62.2, 75.0])
    def test_an_ideal_hip_has_the_asked_angles(self, alpha_deg):
        truth = construct_truth(Hip(ideal(alpha_deg)))
        assert truth.alpha_deg == pytest.approx(alpha_deg, abs=0.05)
        assert truth.alpha_anterior_deg == pytest.approx(alpha_deg - 4.0, abs=0.2)
        assert truth.alpha_posterior_deg == pytest.approx(alpha_deg + 1.6, abs=0.2)
        assert truth.beta_deg == pytest.approx(66.0, abs=0.5)

    def test_is_never_echoed(self):
        # The same parameters, another deformation: another truth.
        angles = [
            construct_truth(Hip(HipParameters(deformation_seed=seed))).alpha_deg
            for seed in range(4)
        ]
        assert 0.2 < np.std(angles) < 2.0
        assert np.mean(angles) == pytest.approx(62.2, abs=1.2)

    def test_tilting_the_pelvis_changes_no_angle_of_the_graf_plane(self):
        upright = construct_truth(Hip(SMOOTH))
        tilted = construct_truth(Hip(replace(SMOOTH, iliac_inclination_deg=9.0)))
        assert tilted.alpha_deg == pytest.approx(upright.alpha_deg, abs=0.02)
        assert tilted.beta_deg == pytest.approx(upright.beta_deg, abs=0.6)
        assert abs(tilted.bony_rim_mm[0] - upright.bony_rim_mm[0]) > 1.0

    def test_a_slow_search_over_tangents_finds_the_same_roof_line(self):
        # Independent of hull and sphere tracing: from a fine grid of the section, the steepest
        # line that leaves all bone on one side, over all directions.
        hip = Hip(HipParameters(deformation_seed=5))
        section = measure_section(hip, 0.0)
        axis_x, axis_z = np.arange(-7.5, 3.0, 0.01), np.arange(5.0, 14.0, 0.01)
        x, z = np.meshgrid(axis_x, axis_z)
        bone = hip.distance("ilium_distance", np.stack([x, 0 * x, z], axis=-1)) <= 0
        lowest = np.where(bone.any(0), axis_z[bone.argmax(0)], np.nan)
        points = np.stack([axis_x, lowest], axis=1)[np.isfinite(lowest)]
        middle = section.roof_mm.mean(0)[0]
        gaps = []
        tries = np.radians(np.arange(50.0, 75.0, 0.02))
        for angle in tries:
            support = points @ [np.cos(angle), -np.sin(angle)]
            left = points[:, 0] < middle
            gaps.append(support[left].max() - support[~left].max())
        found = np.degrees(tries[np.abs(gaps).argmin()])
        baseline = np.degrees(np.arctan(section.baseline_mm[1]))
        assert found - baseline == pytest.approx(section.alpha_deg, abs=0.05)

    def test_the_rim_lies_on_the_bone_near_the_turning_point(self):
        hip = Hip(HipParameters(deformation_seed=2))
        truth = construct_truth(hip)
        for place in (truth.bony_rim_mm, truth.turning_point_mm, truth.lower_limb_mm):
            assert hip.distance("ilium_distance", place) == pytest.approx(0.0, abs=1e-6)
        apart = np.linalg.norm(np.subtract(truth.bony_rim_mm, truth.turning_point_mm))
        assert 0.1 < apart < hip.parameters.rim_radius_mm

    def test_a_section_without_a_roof_is_refused(self):
        with pytest.raises(ValueError, match="no bony roof 25 mm behind the Graf plane"):
            measure_section(Hip(SMOOTH), 25.0)

    def test_no_labrum_is_refused(self):
        with pytest.raises(ValueError, match="no labrum within 12 mm"):
            labrum_centre(Hip(SMOOTH), np.array([0.0, -30.0]))


class TestHead:
    def test_centre_and_radius_of_a_displaced_ideal_head(self):
        parameters = ideal(47.0)
        parameters = replace(
            parameters,
            side="right",
            beta_deg=80.0,
            lateral_displacement_mm=2.0,
            superior_displacement_mm=1.0,
            posterior_displacement_mm=0.5,
        )
        truth = construct_truth(Hip(parameters))
        assert truth.head_centre_mm == pytest.approx((-2.0, 0.5, 1.0), abs=1e-6)
        assert truth.head_radius_mm == pytest.approx(8.0, abs=1e-6)
        assert truth.lateral_displacement_mm == pytest.approx(2.0, abs=1e-6)

    def test_2d_coverage_in_closed_form(self):
        # Centred head of radius 8, wing 0.8 mm lateral of its centre: 8.8 of 16 mm.
        truth = construct_truth(Hip(SMOOTH))
        assert truth.femoral_head_coverage_percent == pytest.approx(100 * 8.8 / 16.0, abs=0.01)

    def test_displacement_uncovers_the_head(self):
        covered = construct_truth(Hip(ideal(60.0)))
        moved = construct_truth(Hip(replace(ideal(60.0), lateral_displacement_mm=1.6)))
        lost = covered.femoral_head_coverage_percent - moved.femoral_head_coverage_percent
        assert lost == pytest.approx(10.0, abs=0.01)

    def test_3d_coverage_against_counting_random_points(self, rng):
        hip = Hip(HipParameters(deformation_seed=3))
        truth = construct_truth(hip)
        # The iliac plane anew: a straight fit to bisected points of the wing.
        y, up = np.meshgrid(np.linspace(-5.6, 5.6, 9), np.linspace(3.0, 11.0, 13))
        touch = measure_section(hip, 0.0).roof_mm[1][1]
        low, high = np.full(y.size, -5.0), np.full(y.size, 20.0)
        for _ in range(50):
            middle = (low + high) / 2
            place = np.stack([middle, y.ravel(), touch + up.ravel()], axis=1)
            inside = hip.distance("ilium_distance", place) < 0
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        terms = np.column_stack([np.ones(y.size), y.ravel(), touch + up.ravel()])
        plane = np.linalg.lstsq(terms, low, rcond=None)[0]
        cloud = rng.uniform(-9, 9, (400_000, 3))
        cloud = cloud[hip.distance("head_distance", cloud) < 0]
        medial = cloud[:, 0] < plane[0] + cloud[:, 1:] @ plane[1:]
        expected = 100 * medial.mean()
        assert truth.femoral_head_coverage_3d_percent == pytest.approx(expected, abs=0.4)

    def test_the_contact_angle_follows_alpha(self):
        shallow, steep = (construct_truth(Hip(ideal(a))) for a in (50.0, 65.0))
        change = steep.acetabular_contact_angle_deg - shallow.acetabular_contact_angle_deg
        assert change == pytest.approx(15.0, abs=1.0)


class TestSides:
    def test_truth_of_a_mirrored_hip_is_equal_but_for_the_sign_of_x(self):
        left = HipParameters(deformation_seed=8, iliac_inclination_deg=-3.0)
        truths = [asdict(construct_truth(Hip(replace(left, side=s)))) for s in ("left", "right")]
        for name in truths[0]:
            first, second = truths[0][name], truths[1][name]
            if name == "side":
                continue
            if isinstance(first, tuple):
                first = (-first[0], *first[1:])
            assert first == second, name


class TestRays:
    @staticmethod
    def ball(points):
        return np.linalg.norm(points - [1.0, 2.0, 3.0], axis=-1) - 2.0

    def test_entry_and_exit_of_a_ball(self):
        start = np.array([[-5.0, 2.0, 3.0]])
        assert entries(self.ball, start, [1.0, 0.0, 0.0], reach_mm=20)[0] == pytest.approx(
            [-1, 2, 3]
        )
        inside = np.array([[1.0, 2.0, 3.0]])
        leaving = exits(self.ball, inside, [0.0, 0.0, 1.0], reach_mm=20)
        assert leaving[0] == pytest.approx([1, 2, 5])

    def test_a_ray_that_misses_or_starts_inside_enters_nothing(self):
        starts = np.array([[-5.0, 9.0, 3.0], [1.0, 2.0, 3.0]])
        assert np.isnan(entries(self.ball, starts, [1.0, 0.0, 0.0], reach_mm=20)).all()

    def test_sphere_fit_recovers_a_cap(self):
        rays = sphere_directions(500)
        cap = np.array([4.0, -1.0, 2.0]) + 7.5 * rays[rays[:, 2] > 0.3]
        assert fit_sphere(cap) == pytest.approx([4.0, -1.0, 2.0, 7.5])

    def test_directions_are_unit_and_even(self):
        rays = sphere_directions(600)
        assert np.linalg.norm(rays, axis=1) == pytest.approx(np.ones(600))
        assert np.abs(rays.mean(0)).max() < 0.01
