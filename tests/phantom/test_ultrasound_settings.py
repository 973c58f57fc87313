"""Probe and console: geometry, beam widths, gain, and what is refused."""

import numpy as np
import pytest

from hipus.phantom.ultrasound.settings import ProbeSettings, draw_settings


class TestGeometry:
    def test_full_size_pixels_are_square_and_span_the_depth(self):
        settings = ProbeSettings(depth_mm=45.0)
        assert settings.shape_px == (727, 800)
        assert settings.pixel_mm == pytest.approx(45.0 / 727)

    def test_the_middle_of_the_first_row_lies_at_the_middle_of_the_face(self):
        T = ProbeSettings(shape_px=(100, 121), depth_mm=50.0).T_pixel_to_image
        np.testing.assert_allclose(T @ [60, 0, 0, 1], [0, 0, 0, 1], atol=1e-12)
        np.testing.assert_allclose(T @ [62, 7, 0, 1], [1.0, 3.5, 0, 1], atol=1e-12)

    def test_lines_lie_half_a_pitch_within_the_footprint(self):
        x_mm = ProbeSettings(line_count=8, footprint_mm=40.0).line_x_mm()
        np.testing.assert_allclose(x_mm, [-17.5, -12.5, -7.5, -2.5, 2.5, 7.5, 12.5, 17.5])

    def test_native_rows_reach_the_depth(self):
        settings = ProbeSettings(depth_mm=41.0, sample_pitch_mm=0.3)
        assert settings.sample_y_mm()[0] == 0
        assert settings.sample_y_mm()[-1] >= 41.0 > settings.sample_y_mm()[-2]


class TestBeam:
    def test_elevational_width_is_narrowest_at_its_focus(self):
        settings = ProbeSettings()
        depths = np.linspace(0, 45, 91)
        widths = settings.elevational_fwhm_at(depths)
        assert depths[np.argmin(widths)] == settings.elevational_focus_mm
        assert widths.min() == settings.elevational_fwhm_mm

    def test_widths_grow_by_root_two_one_range_from_the_focus(self):
        settings = ProbeSettings(lateral_focus_mm=10.0, lateral_range_mm=30.0)
        assert settings.lateral_fwhm_at(40.0) == pytest.approx(settings.lateral_fwhm_mm * 2**0.5)

    def test_the_pulse_lengthens_with_depth(self):
        settings = ProbeSettings(axial_fwhm_mm=0.2, axial_growth_per_mm=0.01)
        assert settings.axial_fwhm_at(10.0) == pytest.approx(0.3)


class TestConsole:
    def test_noise_rises_by_its_rise_over_45_mm(self):
        settings = ProbeSettings(noise_db=-80.0, noise_rise_db=20.0)
        np.testing.assert_allclose(settings.noise_at(np.array([0.0, 45.0])), [1e-4, 1e-3])

    def test_sliders_are_interpolated_over_depth(self):
        settings = ProbeSettings(depth_mm=40.0, gain_db=1.0, tgc_db=(0.0, 6.0, 0.0))
        np.testing.assert_allclose(settings.gain_at([0, 10, 20, 40]), [1, 4, 7, 1])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"depth_mm": 0.0}, "depth_mm must be positive, got 0.0"),
            ({"footprint_mm": float("nan")}, "footprint_mm must be positive, got nan"),
            ({"shape_px": (4, 800)}, "shape_px must be rows and columns >= 8"),
            ({"looks": 3}, "looks must be 1 or 2, got 3"),
            ({"smoothing": 0.0}, "smoothing must be in"),
            ({"line_count": 4}, "line_count must be >= 8"),
            ({"tgc_db": (0.0,)}, "line_count must be >= 8 and tgc_db have >= 2 values"),
        ],
    )
    def test_impossible_settings_are_refused_by_name(self, changes, message):
        with pytest.raises(ValueError, match=message):
            ProbeSettings(**changes)


class TestSessions:
    def test_sessions_differ_in_depth_and_gain_but_not_in_the_probe(self):
        drawn = [draw_settings(np.random.default_rng(seed)) for seed in range(20)]
        assert {settings.depth_mm for settings in drawn} <= {40.0, 42.5, 45.0, 47.5, 50.0}
        assert len({settings.pixel_mm for settings in drawn}) > 2
        assert len({settings.gain_db for settings in drawn}) == 20
        assert {settings.footprint_mm for settings in drawn} == {38.0}

    def test_a_seed_gives_one_session(self):
        first, second = (draw_settings(np.random.default_rng(4)) for _ in range(2))
        assert first == second

    def test_the_frame_size_given_is_kept(self):
        small = ProbeSettings(shape_px=(232, 256), line_count=128)
        drawn = draw_settings(np.random.default_rng(1), small)
        assert drawn.shape_px == (232, 256)
        assert drawn.line_count == 128
