"""The scatterer field: Rayleigh statistics, designed widths, no grid in the picture."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.phantom.ultrasound import checks
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import QUANTUM, build_field, depth_to_index, read_row

SETTINGS = ProbeSettings(depth_mm=40.0, elevational_range_mm=12.0, axial_growth_per_mm=0.004)


@pytest.fixture(scope="module")
def field():
    return build_field(np.random.default_rng(5), SETTINGS)


def envelope_at(field, depth_mm, *, half_mm=2.0):
    """Return the grid's envelope around a depth (elevational, axial, lateral)."""
    depths = np.interp(
        np.arange(field.values.shape[1]),
        field.depth_index,
        field.depth_start_mm + field.depth_step_mm * np.arange(len(field.depth_index)),
    )
    part = field.values[:, np.abs(depths - depth_mm) < half_mm].astype(np.float32) * QUANTUM
    return np.hypot(part[..., 0], part[..., 1])


def read(field, start, step, count):
    """Return complex values of equidistant grid points."""
    out = np.empty((2, count), np.float32)
    read_row(field.values, field.losses, np.array(start, float), np.array(step, float), out)
    return out[0] + 1j * out[1]


class TestStatistics:
    @pytest.mark.parametrize("depth_mm", [4.0, 20.0, 36.0])
    def test_the_envelope_is_fully_developed_speckle(self, field, depth_mm):
        assert checks.envelope_snr(envelope_at(field, depth_mm)) == pytest.approx(1.913, abs=0.03)

    def test_mean_power_is_one_at_every_depth(self, field):
        power = (field.values.astype(np.float64) * QUANTUM) ** 2
        planes = power.sum(axis=3).mean(axis=(0, 2))[:540].reshape(-1, 30).mean(axis=1)
        np.testing.assert_allclose(planes, 1, atol=0.12)
        assert power.sum(axis=3).mean() == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize("depth_mm", [8.0, 20.0, 36.0])
    def test_widths_are_those_designed_at_that_depth(self, field, depth_mm):
        envelope = envelope_at(field, depth_mm, half_mm=1.5)
        elevational = checks.correlation_fwhm_mm(envelope, field.pitch_mm[0], axis=0)
        lateral = checks.correlation_fwhm_mm(envelope, field.pitch_mm[1], axis=2)
        assert elevational == pytest.approx(SETTINGS.elevational_fwhm_at(depth_mm), rel=0.1)
        assert lateral == pytest.approx(SETTINGS.lateral_fwhm_at(depth_mm), rel=0.1)

    def test_slice_thickness_differs_between_focus_and_surface(self, field):
        near, focus = (
            checks.correlation_fwhm_mm(envelope_at(field, depth), field.pitch_mm[0], axis=0)
            for depth in (2.0, 20.0)
        )
        assert near > 1.5 * focus

    def test_the_axial_axis_is_warped_to_the_pulse_length(self, field):
        def index(depth_mm):
            return depth_to_index(
                field.depth_index, field.depth_start_mm, field.depth_step_mm, depth_mm
            )

        near, far = index(1.5) - index(0.5), index(38.5) - index(37.5)
        expected = SETTINGS.axial_fwhm_at(38.0) / SETTINGS.axial_fwhm_at(1.0)
        assert near / far == pytest.approx(expected, rel=0.02)


class TestReading:
    def test_a_grid_point_is_read_as_it_is(self, field):
        value = read(field, (3, 40, 7), (0, 0, 1), 2)[1]
        expected = field.values[3, 40, 8].astype(float) * QUANTUM
        assert value == pytest.approx(complex(*expected), abs=1e-5)

    def test_power_is_the_same_between_grid_points_as_on_them(self, field):
        rng = np.random.default_rng(0)
        starts = np.stack([rng.integers(0, n, 4000) for n in field.values.shape[:3]], axis=1)
        starts[:, 1] = rng.integers(5, field.values.shape[1] - 5, 4000)
        on = np.mean([abs(read(field, start, (0, 0, 9), 8)) ** 2 for start in starts])
        between = np.mean([abs(read(field, start + 0.5, (0, 0, 9), 8)) ** 2 for start in starts])
        assert 10 * np.log10(between / on) == pytest.approx(0, abs=0.15)

    def test_without_the_correction_the_grid_would_show(self, field):
        bare = replace(field, losses=np.zeros_like(field.losses))
        starts = np.arange(5, 305)
        kept = np.mean([abs(read(field, (s % 90 + 0.5, s, 0.5), (0, 0, 9), 30)) for s in starts])
        lost = np.mean([abs(read(bare, (s % 90 + 0.5, s, 0.5), (0, 0, 9), 30)) for s in starts])
        assert 20 * np.log10(kept / lost) > 0.25

    def test_elevational_and_lateral_wrap_but_depth_does_not(self, field):
        rows, planes, columns = field.values.shape[:3]
        here = read(field, (2.3, 50.2, 4.6), (0, 0, 1.1), 5)
        there = read(field, (2.3 + rows, 50.2, 4.6 - columns), (0, 0, 1.1), 5)
        np.testing.assert_allclose(here, there, atol=1e-4)
        np.testing.assert_array_equal(
            read(field, (2, planes + 3, 4), (0, 0, 1), 3), read(field, (2, 9e9, 4), (0, 0, 1), 3)
        )

    def test_periods_exceed_the_head(self, field):
        rows, _, columns = field.values.shape[:3]
        assert rows * field.pitch_mm[0] > 25
        assert columns * field.pitch_mm[1] > SETTINGS.footprint_mm


class TestSeeds:
    def test_one_seed_gives_one_field_and_another_a_different_one(self, field):
        again = build_field(np.random.default_rng(5), SETTINGS)
        other = build_field(np.random.default_rng(6), SETTINGS)
        np.testing.assert_array_equal(field.values, again.values)
        parts = [f.values[::3, ::5].astype(float).ravel() for f in (field, other)]
        assert abs(np.corrcoef(*parts)[0, 1]) < 0.02
