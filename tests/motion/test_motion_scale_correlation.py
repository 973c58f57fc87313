"""Correlation by scale and lag: identical frames, noise, a translated field, mm not px."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from speckle_sweeps import speckle_sweep

from hipus.motion.scale_correlation import (
    BAND_COUNT,
    LAGS,
    PITCH_MM,
    band_table,
    speckle_table,
    sweep_features,
)

SQUARE = (PITCH_MM, PITCH_MM)
NO_FLOW = np.zeros((99, 2, 8, 8), np.float32)


def noise(rng, count=12, shape=(64, 80)):
    """Return independent frames of white noise."""
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8)


def grey(field):
    """Return a field of unit variance as grey levels."""
    return np.clip(120 + 40 * field / field.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def travelling():
    """Return frames through a field whose structures are as deep as they are wide."""
    rng = np.random.default_rng(4)
    sizes = (0.8, 1.6, 3.2, 6.4)
    fields = [gaussian_filter(rng.normal(size=(60, 64, 80)), s, mode="wrap") for s in sizes]
    return grey(sum(field / field.std() for field in fields))[::2]


class TestBands:
    def test_identical_frames_correlate_fully_in_all(self, travelling):
        frames = np.repeat(travelling[:1], 9, axis=0)
        np.testing.assert_allclose(band_table(frames, SQUARE), 1, atol=0.02)

    def test_independent_noise_correlates_in_none(self, rng):
        table = band_table(noise(rng, 30), SQUARE, lags=(1, 2, 5))
        np.testing.assert_allclose(table, 0, atol=0.06)

    def test_negative_frames_correlate_negatively(self, travelling):
        one = travelling[0]
        table = band_table(np.stack([one, 255 - one] * 3), SQUARE, lags=(1, 2))
        np.testing.assert_allclose(table[:, 0], -1, atol=0.02)
        np.testing.assert_allclose(table[:, 1], 1, atol=0.02)

    def test_flat_grey_correlates_with_nothing(self):
        np.testing.assert_allclose(
            band_table(np.full((5, 64, 64), 90, np.uint8), SQUARE), 0, atol=1e-6
        )

    def test_finer_ones_fall_sooner_and_all_fall_with_lag(self, travelling):
        table = band_table(travelling, SQUARE, lags=(1, 2, 4))
        assert table.shape == (BAND_COUNT, 3)
        assert (np.diff(table[:, 0]) > 0.05).all()
        assert (np.diff(table, axis=1) < 0).all()

    def test_half_the_steps_and_twice_the_lag_are_the_same_way(self, travelling):
        twice = band_table(travelling[::2], SQUARE, lags=(1, 2))
        np.testing.assert_allclose(band_table(travelling, SQUARE, lags=(2, 4)), twice, atol=0.05)

    def test_a_sweep_played_backwards_has_the_same(self, travelling):
        forth, back = (
            band_table(one, SQUARE, lags=(1, 3)) for one in (travelling, travelling[::-1])
        )
        np.testing.assert_allclose(forth, back, atol=1e-5)

    @pytest.mark.parametrize("factors", [(2, 2), (3, 1), (1, 2)])
    def test_are_in_mm_whatever_the_pixel(self, travelling, factors):
        down, right = factors
        finer = travelling.repeat(down, axis=1).repeat(right, axis=2)
        spacing = (PITCH_MM / right, PITCH_MM / down)
        np.testing.assert_allclose(
            band_table(finer, spacing, lags=(1, 2)), band_table(travelling, SQUARE, lags=(1, 2))
        )

    def test_another_pixel_size_of_the_same_frames_is_another_table(self, travelling):
        usual, larger = (band_table(travelling, (mm, mm), lags=(1,)) for mm in (0.3, 0.6))
        assert np.abs(usual - larger).max() > 0.05

    def test_lags_beyond_the_sweep_repeat_its_longest(self, travelling):
        table = band_table(travelling[:5], SQUARE, lags=(1, 4, 5, 24))
        np.testing.assert_array_equal(table[:, 2:], table[:, [1, 1]])
        assert (table[:, 0] > table[:, 1]).all()

    def test_many_pairs_are_thinned_without_bias(self, rng):
        # 51 pairs of a lag in a periodic sweep: every second pair correlates fully.
        one, other = noise(rng, 2)
        frames = np.stack(([one, one, other, other] * 13)[:52])
        assert band_table(frames, SQUARE, lags=(1,))[0, 0] == pytest.approx(0.5, abs=0.06)

    @pytest.mark.parametrize(("count", "lags"), [(1, (1,)), (5, (0, 1)), (5, (2, -1))])
    def test_need_two_frames_and_positive_lags(self, rng, count, lags):
        with pytest.raises(ValueError, match=f"2 frames and positive lags are needed, got {count}"):
            band_table(noise(rng, count), SQUARE, lags=lags)


class TestSpeckle:
    def test_identical_frames_correlate_at_every_depth_and_lag(self, rng):
        table = speckle_table(np.repeat(noise(rng, 1), 6, axis=0), NO_FLOW[:5])
        np.testing.assert_allclose(table, 1, atol=0.05)

    def test_a_lag_that_the_sweep_is_too_short_for_is_zero(self, rng):
        table = speckle_table(np.repeat(noise(rng, 1), 3, axis=0), NO_FLOW[:2])
        assert (table[:2] > 0.9).all()
        assert not table[2:].any()

    def test_rows_go_from_the_skin_down(self, rng):
        frames = noise(rng, 8)
        frames[:, :32] = frames[0, :32]
        table = speckle_table(frames, NO_FLOW[:7])
        assert (table[:, 0] > 0.9).all()
        np.testing.assert_allclose(table[:, 3], 0, atol=0.1)


class TestFeatures:
    def test_are_logarithms_of_both_tables_and_of_the_number_of_steps(self, rng):
        sweep = speckle_sweep(rng, np.full(14, 0.1))
        found = sweep_features(sweep)
        assert found.shape == (16 + BAND_COUNT * len(LAGS) + 1,)
        assert found[-1] == pytest.approx(np.log(14))
        tables = speckle_table(sweep.frames, sweep.flow), band_table(sweep.frames, (0.3, 0.25))
        expected = np.clip(np.concatenate([one.ravel() for one in tables]), 0.02, 1)
        np.testing.assert_allclose(np.exp(found[:-1]), expected)

    def test_of_a_faster_sweep_are_lower(self, rng):
        slow, fast = (sweep_features(speckle_sweep(rng, np.full(14, mm))) for mm in (0.08, 0.25))
        assert (slow[:4] > fast[:4] + 0.1).all()

    def test_need_the_size_of_a_pixel(self, rng):
        bare = replace(speckle_sweep(rng, np.full(5, 0.1)), pixel_spacing_xy_mm=None)
        with pytest.raises(ValueError, match="S1/right_p_a must state pixel_spacing_xy_mm"):
            sweep_features(bare)
