"""Contact angle, osculating circle and the socket's middle of roofs with known geometry."""

import numpy as np
import pytest
from made_hips import MadeHip
from test_iliac_wing import placed
from test_roof_surface import WING, roof_of

from hipus.morphometry.contact_angle import contact_angle_deg, osculating_radius_mm
from hipus.morphometry.displacement import CARTILAGE_MM, FOOT_PART, socket_middle_mm
from hipus.morphometry.iliac_wing import fit_wing
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.roof_surface import find_roof, fit_roof


def flat_roof(alpha_deg=50.0, tilt=0.0):
    """Return a flat roof without noise that turns to posterior by a slope `tilt`."""
    depth, posterior = np.meshgrid(np.linspace(0.9, 6.5, 25), np.linspace(-7, 7, 21))
    superior = 11.0 - depth / np.tan(np.radians(alpha_deg)) + tilt * posterior
    return fit_roof(np.stack([-depth, posterior, superior], -1).reshape(-1, 3), WING, 8.0)


class TestContactAngle:
    @pytest.mark.parametrize("alpha_deg", [40.0, 60.0, 75.0])
    def test_of_flat_surfaces_is_alpha(self, alpha_deg):
        assert contact_angle_deg(flat_roof(alpha_deg), 8.0) == pytest.approx(alpha_deg, abs=0.05)

    def test_is_the_angle_of_planes_in_space_not_of_lines_in_a_section(self):
        # Plane: superior = 11 + lateral / tan(a) + 0.3 posterior; its normal is known.
        normal = np.array([1 / np.tan(np.radians(50)), 0.3, -1.0])
        made = np.degrees(np.arccos(normal[0] / np.linalg.norm(normal)))
        assert contact_angle_deg(flat_roof(50.0, 0.3), 8.0) == pytest.approx(made, abs=0.1)
        assert made > 51.0

    def test_of_a_made_hip_at_coarse_voxels(self):
        roof, _, _ = roof_of(MadeHip(alpha_deg=55.0, alpha_growth_deg=0.0))
        assert contact_angle_deg(roof, 8.0) == pytest.approx(55.0, abs=3.0)

    def test_a_roof_in_two_sections_has_no_plane(self):
        roof = flat_roof()
        t, p = roof.points_mm.T
        object.__setattr__(roof, "points_mm", roof.points_mm[p > 6.3])
        with pytest.raises(VolumeRefused, match="it shows in fewer than 3 of 9 sections"):
            contact_angle_deg(roof, 8.0)


class TestOsculatingCircle:
    def radius(self, rounding_mm):
        """Return what is measured of a hip whose rim is rounded."""
        hip = MadeHip(alpha_growth_deg=0.0)
        angle = np.radians(hip.alpha_deg)

        def rounded(labels, points):
            # Inside the corner of wing and roof: an arc that touches both faces.
            depth, down = hip.face_mm - points[..., 0], hip.rim_mm - points[..., 2]
            roof = down * np.sin(angle) - depth * np.cos(angle) - points[..., 1] ** 2 / 20
            a, b = depth - rounding_mm, -roof - rounding_mm
            # Distance from the arc's middle, which lies `rounding` from both faces.
            c = -np.cos(np.pi - angle)
            square = (a**2 + b**2 - 2 * a * b * c) / np.sin(angle) ** 2
            past = (a < b * c) & (b < a * c)
            off = np.sqrt(np.maximum(square, 0)) - rounding_mm
            near = past & (np.abs(points[..., 1]) < 10) & (np.abs(off) < 6)
            labels[near & (labels == 1)] = 0
            labels[near & (off < 0.3) & (off > -0.95)] = 1

        volume, axes = placed(hip, (0.3, 0.3, 0.3), change=rounded)
        roof = find_roof(volume, axes, fit_wing(volume, axes, 8.0), 8.0)
        return osculating_radius_mm(volume, axes, roof)

    def test_a_rounder_rim_has_a_larger_circle(self):
        sharp, round_rim = self.radius(0.8), self.radius(3.0)
        assert sharp < 2.0
        assert round_rim == pytest.approx(3.0, abs=0.9)

    def test_coarse_voxels_show_none(self):
        roof, volume, axes = roof_of(MadeHip())
        with pytest.raises(VolumeRefused, match="voxels of 0.8 mm show no rounding of the bony"):
            osculating_radius_mm(volume, axes, roof)

    def test_a_gap_at_the_rim(self):
        roof, volume, axes = roof_of(MadeHip(), (0.5, 0.5, 0.5))
        labels = volume.labels.copy()
        labels[labels == 1] = 0
        empty = LabelVolume(labels, (0.5, 0.5, 0.5))
        with pytest.raises(VolumeRefused, match="the bony rim is missing: a gap in the ilium"):
            osculating_radius_mm(empty, axes, roof)


class TestSocketsMiddle:
    def test_lies_a_head_and_its_cartilage_below_the_roof(self):
        roof = flat_roof(50.0)
        middle = socket_middle_mm(roof, 8.0)
        limb, rim = roof.line(0.0)
        along = (rim - limb) / np.linalg.norm(rim - limb)
        away = middle[[0, 2]] - limb
        assert away @ along == pytest.approx(FOOT_PART * np.linalg.norm(rim - limb))
        assert away @ [along[1], -along[0]] == pytest.approx(8.0 + CARTILAGE_MM)
        assert middle[1] == 0.0
        assert middle[2] < limb[1]

    def test_without_a_roof_there_is_none(self):
        roof = flat_roof()
        object.__setattr__(roof, "points_mm", roof.points_mm[:0])
        with pytest.raises(VolumeRefused, match="the bony roof is missing"):
            socket_middle_mm(roof, 8.0)
