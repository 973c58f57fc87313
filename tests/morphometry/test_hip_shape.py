"""A hip is found once, in axes that fit it, and turning it round changes only front and back."""

from functools import lru_cache

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.hip_shape import find_hip, fit_shape, turn_round
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.shape_measures import UNITS, attempt, shape_measures


@lru_cache
def hip(side="left"):
    """Return a made hip as found, and its own axes."""
    turn = Rotation.random(random_state=21).as_matrix()
    made = put_in_volume(MadeHip(side=side), turn, (0.7, 0.8, 0.9))
    return find_hip(LabelVolume(made.labels, made.spacing_zyx_mm)), made


class TestFound:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_axes_are_the_hips_own(self, side):
        found, made = hip(side)
        np.testing.assert_allclose(found.axes.axes @ made.axes.T, np.eye(3), atol=0.04)
        assert found.axes.side == side
        assert found.evidence.log_odds > 3

    def test_in_its_axes_the_wing_stands_upright(self):
        found, _ = hip()
        np.testing.assert_allclose(found.shape.wing.terms[1:3], 0, atol=0.005)
        assert abs(found.shape.centre_mm[0]) < 0.1
        assert found.shape.radius_mm == pytest.approx(8.0, abs=0.05)

    def test_turning_round_swaps_front_and_back_only(self):
        found, _ = hip()
        back = turn_round(found)
        here, there = shape_measures(found.shape), shape_measures(back.shape)
        for one, other in (("anterior", "posterior"), ("posterior", "anterior")):
            mine, yours = here[f"alpha_{one}_deg"], there[f"alpha_{other}_deg"]
            assert mine.value == pytest.approx(yours.value, abs=0.3)
        for name in ("alpha_deg", "femoral_head_coverage_percent"):
            assert here[name].value == pytest.approx(there[name].value, abs=0.3)
        assert back.axes.side == "right"
        assert back.evidence.log_odds == pytest.approx(-found.evidence.log_odds, abs=1.0)

    def test_a_known_head_is_taken(self):
        found, _ = hip()
        again = find_hip(found.volume, found.head)
        assert again.head is found.head
        np.testing.assert_allclose(again.axes.axes, found.axes.axes)

    def test_a_missing_roof_is_kept_as_a_reason(self):
        found, _ = hip()
        shape = fit_shape(found.face, found.roof_points[:5], np.zeros(3), 8.0)
        assert shape.roof is None
        assert shape.why_no_roof.startswith("the bony roof is missing")
        with pytest.raises(VolumeRefused, match="the bony roof is missing"):
            shape.need_roof()


def test_a_roof_that_ends_before_its_lower_limb_is_no_roof():
    made = put_in_volume(MadeHip(alpha_deg=64.0, roof_mm=4.6), np.eye(3), (0.8, 0.8, 0.8))
    shape = find_hip(LabelVolume(made.labels, made.spacing_zyx_mm)).shape
    with pytest.raises(VolumeRefused, match="lower limb of the ilium is missing: .* Graf plane"):
        shape.need_roof()


class TestMeasuresOfSurfaces:
    def test_are_named_among_all_and_in_their_units(self):
        found, _ = hip()
        for name, measure in shape_measures(found.shape).items():
            assert measure.unit == UNITS[name]
            assert not measure.is_refused

    def test_displacement_moves_with_the_head_and_alpha_does_not(self):
        found, _ = hip()
        centre, voxel = found.shape.centre_mm + [2, 0.5, 1], found.volume.voxel_mm
        moved = fit_shape(found.face, found.roof_points, centre, 8.0, voxel_mm=voxel)
        here, there = shape_measures(found.shape), shape_measures(moved)
        for name, by in (("lateral", 2.0), ("posterior", 0.5), ("superior", 1.0)):
            name = f"{name}_displacement_mm"
            assert there[name].value - here[name].value == pytest.approx(by, abs=0.1)
        assert there["alpha_deg"].value == pytest.approx(here["alpha_deg"].value, abs=0.05)

    def test_without_a_roof_only_coverage_and_radius_are_left(self):
        found, _ = hip()
        bare = shape_measures(fit_shape(found.face, found.roof_points[:5], np.zeros(3), 8.0))
        assert {name for name, one in bare.items() if not one.is_refused} == {
            "femoral_head_coverage_percent",
            "femoral_head_coverage_3d_percent",
            "head_under_roof_percent",
            "head_radius_mm",
        }

    def test_an_angle_that_no_roof_has_is_refused(self, monkeypatch):
        found, _ = hip()
        monkeypatch.setattr(type(found.shape.roof), "alpha_deg", lambda *_: -12.0)
        assert shape_measures(found.shape)["alpha_deg"].refusal == (
            "alpha of -12 deg is no angle of a roof"
        )

    def test_an_attempt_is_a_value_or_its_refusal(self):
        def refuse():
            raise VolumeRefused("no ilium label")

        assert attempt(lambda: 3, "mm") == Measure(3.0, "mm")
        assert attempt(refuse, "mm") == refused("no ilium label", "mm")
