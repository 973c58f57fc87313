"""The measures themselves, on curves and noise with known answers."""

import numpy as np
import pytest

from hipus.phantom.ultrasound import checks
from hipus.phantom.ultrasound.settings import ProbeSettings


def test_the_ratio_of_a_rayleigh_envelope_is_1_91(rng):
    assert checks.envelope_snr(rng.rayleigh(2.0, 200_000)) == pytest.approx(1.913, abs=0.02)


def test_half_height_is_linear_between_samples():
    assert checks.half_height(np.array([1.0, 0.8, 0.3, 0.0])) == pytest.approx(1.6)


def test_a_curve_that_never_falls_has_its_length():
    assert checks.half_height(np.array([1.0, 0.9, 0.8])) == 2.0


def test_decibels_become_amplitudes():
    np.testing.assert_allclose(checks.to_envelope([-20.0, 0.0, 6.0206]), [0.1, 1.0, 2.0], rtol=1e-5)


def test_moving_averages_correlate_over_their_length(rng):
    """White noise averaged over n samples has a triangular correlation of half width n / 2."""
    noise = rng.standard_normal((40_000, 3))
    averaged = sum(noise[k : k - 20] for k in range(20))
    assert checks.correlation_fwhm_mm(averaged, 0.1, axis=0) == pytest.approx(2.0, rel=0.05)


def test_correlation_is_measured_along_the_axis_asked_for(rng):
    noise = rng.standard_normal((300, 400))
    smooth_down = noise[:-3] + noise[1:-2] + noise[2:-1] + noise[3:]
    down = checks.correlation_fwhm_mm(smooth_down, 1.0, axis=0)
    across = checks.correlation_fwhm_mm(smooth_down, 1.0, axis=1)
    assert down > 3 * across


def test_decorrelation_is_one_with_itself_and_minus_one_with_its_negative(rng):
    frame = rng.standard_normal((20, 30))
    np.testing.assert_allclose(checks.decorrelation([frame, -frame, 3 * frame + 7]), [1, -1, 1])


def test_half_a_width_away_the_designed_curve_is_one_half():
    assert checks.designed_decorrelation(0.6, 1.2) == pytest.approx(0.5)


def test_a_step_of_one_width_along_the_beam_normal_counts_one():
    settings = ProbeSettings()
    width = settings.elevational_fwhm_at(20.0)
    poses = np.stack([np.eye(4)] * 3)
    poses[1, 2, 3] = width
    poses[2, :3, 3] = [5.0, 2.0, width]  # in-plane motion does not count
    steps = checks.steps_per_correlation_length(poses, settings, depth_mm=20.0)
    np.testing.assert_allclose(steps, [1, 0], atol=1e-12)


def test_a_tilt_about_the_face_steps_more_at_depth():
    settings = ProbeSettings(elevational_range_mm=1e6)
    angle = np.deg2rad(1.0)
    tilted = np.eye(4)
    tilted[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    near, far = (
        checks.steps_per_correlation_length([np.eye(4), tilted], settings, depth_mm=depth)[0]
        for depth in (10.0, 40.0)
    )
    assert far == pytest.approx(4 * near, rel=1e-3)
