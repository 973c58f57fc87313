"""The roof is one surface: its line has the angle it was made with, in front as behind."""

import numpy as np
import pytest
from made_hips import MadeHip
from test_iliac_wing import placed

from hipus.morphometry.hip_side import SideEvidence, look_for_front
from hipus.morphometry.iliac_wing import IliacWing, fit_wing
from hipus.morphometry.label_volume import VolumeRefused
from hipus.morphometry.roof_surface import TOUCH_MEDIAL_MM, angle_deg, find_roof, fit_roof

WING = IliacWing(np.array([0.0, 0.0, 0.0, 0.0]), 1.25, 11.0, 0.1)


def roof_of(hip, spacing=(0.8, 0.8, 0.8), change=None):
    """Return the roof of a made hip in its own axes, the volume and the axes."""
    volume, axes = placed(hip, spacing, change=change)
    wing = fit_wing(volume, axes, hip.radius_mm)
    return find_roof(volume, axes, wing, hip.radius_mm), volume, axes


class TestAlpha:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("alpha", [42.0, 58.0, 73.0])
    def test_is_the_angle_it_was_made_with(self, side, alpha):
        hip = MadeHip(alpha_deg=alpha, side=side)
        coarse, _, _ = roof_of(hip)
        fine, _, _ = roof_of(hip, (0.4, 0.5, 0.45))
        for posterior in (-4.0, 0.0, 4.0):
            made = alpha + hip.alpha_growth_deg * posterior
            assert coarse.alpha_deg(posterior) == pytest.approx(made, abs=3.0)
            assert fine.alpha_deg(posterior) == pytest.approx(made, abs=1.3)

    def test_holes_in_the_roof_move_it_little(self, rng):
        def ragged(labels, points):
            hole = (labels == 1) & (points[..., 2] < 10.5) & (rng.random(labels.shape) < 0.2)
            labels[hole] = 0

        roof, _, _ = roof_of(MadeHip(), change=ragged)
        assert roof.alpha_deg(0.0) == pytest.approx(60.0, abs=2.5)

    def test_a_displaced_head_moves_nothing(self):
        def change(labels, points):
            labels[labels == 2] = 0
            labels[np.linalg.norm(points - [9.0, 0, 2.0], axis=-1) < 8.0] = 2

        hip = MadeHip()
        volume, axes = placed(hip, change=change)
        axes = type(axes)(axes.to_volume(np.array([-9.0, 0, -2.0])), axes.axes)
        roof = find_roof(volume, axes, fit_wing(volume, axes, 8.0), 8.0)
        assert roof.alpha_deg(0.0) == pytest.approx(60.0, abs=1.2)

    def test_angles_of_directions_are_hand_worked(self):
        up, tilted = np.array([0.0, 1.0]), np.array([1.0, 1.0]) / np.sqrt(2)
        assert angle_deg(up, np.array([-1.0, 0.0]), medial=True) == pytest.approx(90.0)
        assert angle_deg(up, np.array([1.0, -1.0]), medial=False) == pytest.approx(45.0)
        assert angle_deg(tilted, np.array([-1.0, 0.0]), medial=True) == pytest.approx(45.0)


class TestSurface:
    @pytest.fixture
    def points(self):
        """Return a hollow roof of 55 deg and 8 mm, its band's middle, without noise."""
        t, p = np.meshgrid(np.linspace(-8.0, -0.5, 30), np.linspace(-7, 7, 21))
        along, normal = np.array([0.8191520, 0.5735764]), np.array([-0.5735764, 0.8191520])
        n = -((t + 4.0) ** 2) / 48 - p**2 / 20
        lateral, superior = (t[..., None] * along + n[..., None] * normal + [0.0, 11.0]).T
        return np.stack([lateral.T, p, superior.T], -1).reshape(-1, 3)

    def test_line_is_the_chord_from_limb_to_rim(self, points):
        roof = fit_roof(points, WING, 8.0)
        limb, rim = roof.line(0.0)
        assert rim[0] == pytest.approx(-TOUCH_MEDIAL_MM, abs=1e-3)
        assert np.linalg.norm(limb - rim) == pytest.approx(7.3, abs=0.4)
        assert roof.residual_mm < 1e-3
        # A chord of a parabola is parallel to its tangent half way: here t = -4.5 (from
        # -8.0 to -1.0, half a millimetre medial of the wing), where it rises by 0.5 / 24.
        assert roof.alpha_deg(0.0) == pytest.approx(55.0 - 1.2, abs=0.3)

    def test_surface_lies_on_the_bone_not_in_the_bands_middle(self, points):
        roof = fit_roof(points, WING, 8.0)
        place = points[(np.abs(points[:, 1]) < 1e-9)][15]
        t = place[[0, 2]] @ roof.along
        below = (place[[0, 2]] - roof.place(t, 0.0)) @ roof.normal
        assert below == pytest.approx(0.26 * 1.25, abs=1e-3)

    def test_coarse_voxels_hold_the_hollow_to_none_and_keep_the_chord(self, points):
        fine, coarse = (fit_roof(points, WING, 8.0, voxel_mm=side) for side in (0.25, 0.8))
        assert abs(fine.terms[5]) == pytest.approx(1 / 48, rel=0.1)
        assert abs(coarse.terms[5]) < 0.25 / 48
        assert coarse.alpha_deg(0.0) == pytest.approx(fine.alpha_deg(0.0), abs=1.5)

    def test_bone_next_to_the_wing_counts_in_fine_voxels_only(self, points):
        depth = -points[:, 0]
        spoilt = points.copy()
        spoilt[depth < 1.3, 2] += 1.0
        exact = fit_roof(points, WING, 8.0, voxel_mm=0.8).terms
        assert fit_roof(spoilt, WING, 8.0, voxel_mm=0.8).terms == pytest.approx(exact)
        assert fit_roof(spoilt, WING, 8.0, voxel_mm=0.25).terms != pytest.approx(exact, abs=1e-4)

    def test_patch_spans_the_roof_and_leaves_gaps_out(self, points):
        roof = fit_roof(points[points[:, 1] < 1.0], WING, 8.0)
        patch = roof.patch(6.0, 9)
        assert set(np.round(patch[:, 1], 2)) == {-6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0}
        assert len(patch) == 7 * 15

    def test_no_section_no_patch(self, points):
        roof = fit_roof(points[points[:, 1] > -3.0], WING, 8.0)
        object.__setattr__(roof, "points_mm", roof.points_mm[:3])
        assert roof.patch(5.6, 9).shape == (0, 3)

    def test_no_roof_in_a_section(self, points):
        roof = fit_roof(points[points[:, 1] < 1.0], WING, 8.0)
        with pytest.raises(VolumeRefused, match="the bony roof is missing: no ilium medial of"):
            roof.alpha_deg(6.0)

    def test_a_stump_of_roof_has_no_lower_limb(self, points):
        stump = points[points[:, 0] > -2.4]
        with pytest.raises(VolumeRefused, match="the lower limb of the ilium is missing: 2.. mm"):
            fit_roof(stump, WING, 8.0).line(0.0)

    def test_too_little_roof_altogether(self, points):
        with pytest.raises(VolumeRefused, match="missing: 39 places of it are labelled medial"):
            fit_roof(points[points[:, 0] < -2.0][:39], WING, 8.0)


class TestFront:
    def test_femur_and_roof_say_the_same(self):
        roof, volume, axes = roof_of(MadeHip())
        evidence = look_for_front(volume, axes, roof, 8.0)
        assert evidence.femur == 4.0
        assert evidence.roof == pytest.approx(4.0, abs=1.5)
        assert evidence.is_enough

    def test_axes_turned_round_get_the_opposite_evidence(self):
        _, volume, axes = roof_of(MadeHip(femur_posterior_mm=-2.0))
        there = look_for_front(volume, axes, None, 8.0)
        back = look_for_front(volume, axes.reversed(), None, 8.0)
        assert there.femur == pytest.approx(-back.femur)
        assert there.femur == pytest.approx(2.1, abs=0.2)
        assert there.roof is None

    def test_nothing_to_see_is_no_evidence(self):
        def change(labels, _):
            labels[labels == 4] = 0

        _, volume, axes = roof_of(MadeHip(), change=change)
        evidence = look_for_front(volume, axes, None, 8.0)
        assert evidence == SideEvidence(None, None)
        assert evidence.log_odds == 0.0
        assert not evidence.is_enough

    def test_contradiction_cancels_out(self):
        evidence = SideEvidence(-3.0, 2.0)
        assert evidence.log_odds == -1.0
        assert not evidence.is_enough

    def test_a_roof_that_does_not_reach_far_says_nothing(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 1] < -1.5) & (points[..., 2] < 11)] = 0

        roof, volume, axes = roof_of(MadeHip(), change=change)
        object.__setattr__(roof, "points_mm", roof.points_mm[roof.points_mm[:, 1] > -0.9])
        assert look_for_front(volume, axes, roof, 8.0).roof is None


class TestWhatIsNoRoof:
    def test_bone_as_long_as_no_roof(self):
        depth, posterior = np.meshgrid(np.linspace(0.9, 9.9, 25), np.linspace(-7, 7, 21))
        superior = 11.0 - depth / np.tan(np.radians(20))
        points = np.stack([-depth, posterior, superior], -1).reshape(-1, 3)
        with pytest.raises(VolumeRefused, match="what is labelled there is 2. mm long"):
            fit_roof(points, WING, 8.0).line(0.0)

    def test_bone_that_runs_beside_the_wing(self):
        height, posterior = np.meshgrid(np.linspace(-20, 11, 40), np.linspace(-7, 7, 21))
        lateral = -4.0 - 0.02 * height
        points = np.stack([lateral, posterior, height], -1).reshape(-1, 3)
        with pytest.raises(VolumeRefused, match="bony roof and iliac wing do not meet"):
            fit_roof(points, WING, 8.0).line(0.0)
