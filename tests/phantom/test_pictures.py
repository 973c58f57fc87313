"""Simulated standard planes: who they are, what is found in them, how tissue decorrelates."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.phantom import pictures
from hipus.phantom.ultrasound import study
from hipus.phantom.ultrasound.settings import ProbeSettings

PROBE = ProbeSettings(shape_px=(160, 180), line_count=80, sample_pitch_mm=0.2)


@pytest.fixture(scope="module")
def planes():
    return pictures.simulate_planes(range(3), 17, probe=PROBE)


class TestPlanes:
    def test_margins_are_cut_off(self, planes):
        for plane in planes:
            width_mm = plane.picture.shape[1] * plane.pixel_mm
            assert PROBE.footprint_mm - 3 * plane.pixel_mm < width_mm <= PROBE.footprint_mm
            assert plane.picture[:, [2, -3]].max() > 0

    def test_an_infant_is_the_same_whichever_others_are_asked_for(self, planes):
        (alone,) = pictures.simulate_planes([2], 17, probe=PROBE)
        np.testing.assert_array_equal(alone.picture, planes[2].picture)
        assert (planes[0].picture[:, :100] != planes[1].picture[:, :100]).any()

    def test_muscle_is_brighter_than_shadow_and_rougher(self, planes):
        for plane in planes:
            assert plane.grey["muscle"] > plane.grey["shadow"]
            assert plane.texture_sd["muscle"] > plane.texture_sd["shadow"] > 0
            assert set(plane.grey) == set(pictures.REGIONS) == set(pictures.REAL_GREY)

    def test_a_region_that_is_not_there_has_no_level(self):
        assert np.isnan(pictures._of(np.mean, np.empty(0)))
        assert pictures._of(np.mean, np.array([1, 3])) == 2


class TestTissue:
    def test_layers_run_on_out_of_plane_and_the_head_does_not(self, monkeypatch):
        monkeypatch.setattr(study, "PURE", replace(study.PURE, line_count=64, sample_pitch_mm=0.2))
        monkeypatch.setattr(study, "FRAMES", 16)
        curves = pictures.decorrelation_in_a_hip(np.random.default_rng(3))
        found = {(curve.orientation, curve.tissue): curve for curve in curves}
        assert len(found) == len(curves) == 4
        for orientation in ("p_a", "p_d"):
            head, muscle = found[orientation, "head"], found[orientation, "muscle"]
            assert muscle.measured[-1] > head.measured[-1] + 0.1
            assert head.depth_mm > muscle.depth_mm
            np.testing.assert_allclose(head.measured, head.designed, atol=0.25)
