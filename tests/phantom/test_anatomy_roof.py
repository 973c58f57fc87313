"""The roof's outline in a section, and the tilt that gives an asked alpha."""

from math import acos, cos, degrees, radians, sin, sqrt

import numpy as np
import pytest

from hipus.phantom.anatomy.roof import LIMB_RADIUS_MM, WING_RADIUS_MM, RoofProfile


@pytest.fixture
def profile() -> RoofProfile:
    return RoofProfile(socket_radius_mm=10.0, iliac_offset_mm=1.0, depth_mm=7.0, rim_radius_mm=0.8)


class TestOutline:
    def test_the_arc_is_that_of_a_torus(self, profile):
        # Radius 2.5 x 10 in the middle; 6 mm behind, sqrt(100 - 36) = 8 replaces 10.
        assert profile.shift_mm == 15.0
        assert profile.arc_radius_mm(0.0) == 25.0
        assert profile.arc_radius_mm(6.0) == 23.0
        assert profile.arc_radius_mm(-6.0) == 23.0

    def test_the_wing_recedes_to_front_and_back(self, profile):
        assert profile.wing_mm(0.0) == 1.0
        assert profile.wing_mm(6.0) == pytest.approx(1.0 - 36.0 / (2 * WING_RADIUS_MM))

    def test_the_rim_corner_lies_on_arc_and_wing(self, profile):
        tilt = radians(60.0)
        corner = profile.rim_xz_mm(tilt, 0.0, inset_mm=0.0)
        centre = 15.0 * np.array([cos(tilt), -sin(tilt)])
        assert corner[0] == 1.0
        assert np.linalg.norm(corner - centre) == pytest.approx(25.0)
        assert corner[1] > 0

    def test_the_limb_axis_is_one_radius_inside_arc_and_end(self, profile):
        tilt, end = radians(60.0), 3.0
        axis = profile.limb_xz_mm(tilt, 0.0, end)
        centre = 15.0 * np.array([cos(tilt), -sin(tilt)])
        assert np.linalg.norm(axis - centre) == pytest.approx(25.0 + LIMB_RADIUS_MM)
        along = -axis[0] * sin(tilt) - axis[1] * cos(tilt)
        assert along == pytest.approx(end - LIMB_RADIUS_MM)

    def test_the_roof_ends_at_its_depth(self, profile):
        tilt = radians(60.0)
        t = profile.limb_t_mm(tilt)
        n = 15.0 - sqrt(25.0**2 - t**2)
        lateral = n * cos(tilt) - t * sin(tilt)
        assert lateral == pytest.approx(1.0 - 7.0)


class TestAlpha:
    def test_with_equal_roundings_it_is_the_angle_of_the_axes(self):
        # Rim and limb rounded alike: the common tangent is parallel to the line of their axes.
        profile = RoofProfile(10.0, 1.0, 7.0, LIMB_RADIUS_MM)
        tilt, end = radians(60.0), 3.0
        rim = profile.rim_xz_mm(tilt, 0.0, inset_mm=LIMB_RADIUS_MM)
        across = profile.limb_xz_mm(tilt, 0.0, end) - rim
        expected = degrees(acos(-across[1] / np.hypot(*across)))
        assert degrees(profile.alpha_rad(tilt, 0.0, end)) == pytest.approx(expected)

    def test_a_rounder_rim_turns_the_tangent_by_the_known_angle(self):
        # sin(turn) = difference of radii / distance of the axes, for circles in general.
        profile = RoofProfile(10.0, 1.0, 7.0, 2.0)
        tilt, end = radians(60.0), 3.0
        rim = profile.rim_xz_mm(tilt, 0.0, inset_mm=2.0)
        across = profile.limb_xz_mm(tilt, 0.0, end) - rim
        straight = acos(-across[1] / np.hypot(*across))
        turn = np.arcsin((2.0 - LIMB_RADIUS_MM) / np.hypot(*across))
        assert profile.alpha_rad(tilt, 0.0, end) == pytest.approx(straight + turn)

    @pytest.mark.parametrize("alpha_deg", [38.0, 45.0, 62.2, 78.0])
    @pytest.mark.parametrize("section_mm", [-4.0, 0.0, 4.0])
    def test_the_tilt_gives_the_asked_alpha(self, profile, alpha_deg, section_mm):
        tilt = profile.tilt_rad(alpha_deg, section_mm, 2.5)
        assert degrees(profile.alpha_rad(tilt, section_mm, 2.5)) == pytest.approx(alpha_deg)

    def test_in_the_graf_plane_the_end_follows_from_the_depth(self, profile):
        tilt = profile.tilt_rad(60.0, 0.0, None)
        end = profile.limb_t_mm(tilt)
        assert degrees(profile.alpha_rad(tilt, 0.0, end)) == pytest.approx(60.0)
