"""Impossible anatomy is refused with a clear message."""

from dataclasses import replace

import pytest

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import LIMITS, HipParameters


class TestLimits:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"side": "middle"}, r"side must be one of \('left', 'right'\), got 'middle'"),
            ({"head_diameter_mm": -16.0}, "head_diameter_mm must lie between 8 and 30, got -16"),
            ({"alpha_deg": 19.0}, "alpha_deg must lie between 20 and 90, got 19"),
            ({"alpha_posterior_deg": 91.0}, "alpha_posterior_deg must lie between 20 and 90"),
            ({"beta_deg": float("nan")}, "beta_deg must be a finite number, got nan"),
            ({"lateral_displacement_mm": 17.0}, "head outside the pelvis: .* got 17 mm"),
            ({"lateral_displacement_mm": -1.0}, "head inside the pelvic bone: .* got -1"),
            ({"nucleus_diameter_mm": 14.0}, "nucleus_diameter_mm must be at most 80 %"),
            ({"deformation_seed": -1}, "deformation_seed must be >= 0, got -1"),
        ],
    )
    def test_the_message_names_value_and_limit(self, change, message):
        with pytest.raises(ValueError, match=message):
            replace(HipParameters(), **change)

    def test_displacements_add_up_to_leave_the_pelvis(self):
        with pytest.raises(ValueError, match="head outside the pelvis"):
            HipParameters(lateral_displacement_mm=12.0, superior_displacement_mm=12.0)

    def test_every_limited_number_is_a_parameter(self):
        assert set(LIMITS) <= set(HipParameters.__dataclass_fields__)

    @pytest.mark.parametrize("name", sorted(set(LIMITS) - {"nucleus_diameter_mm"}))
    def test_limits_themselves_are_allowed(self, name):
        for value in LIMITS[name]:
            assert getattr(replace(HipParameters(), **{name: value}), name) == value


class TestContradictions:
    def test_a_labrum_inside_the_head(self):
        with pytest.raises(ValueError, match=r"beta_deg 20 puts the labrum inside the head"):
            Hip(HipParameters(beta_deg=20.0))

    def test_a_roof_that_its_depth_cannot_give(self):
        parameters = HipParameters(head_diameter_mm=8.0, acetabular_depth_mm=12.0)
        with pytest.raises(ValueError, match="cannot give a roof of alpha_deg 62.2"):
            Hip(parameters)
