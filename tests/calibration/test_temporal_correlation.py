"""The correlation curve against slow references, its optima and its interval."""

import numpy as np
import pytest

from hipus.calibration.temporal_correlation import correlation_curve, signal_at


def motion(time_s):
    """Return an irregular smooth motion."""
    return np.sin(5.1 * time_s) + 0.6 * np.sin(2.3 * time_s + 1) + 0.3 * np.sin(9.7 * time_s)


def curve_of(lag_s, *, noise=0.0, rng=None, max_lag_s=0.4):
    """Return the curve of a 9 s video at 11 Hz and a tracker at 47 Hz."""
    time_s, dense_s = np.arange(2, 11, 0.09), np.arange(0, 13, 0.0213)
    position = 700 - 40 * motion(time_s)
    if noise:
        position = position + rng.normal(0, noise, len(time_s))
    return correlation_curve(
        time_s, position, dense_s, motion(dense_s - lag_s), max_lag_s=max_lag_s, max_gap_s=0.2
    )


class TestCurve:
    def test_every_value_equals_numpy_corrcoef_of_the_interpolated_signal(self, rng):
        curve = curve_of(-0.07, noise=5, rng=rng)
        dense_s = np.arange(0, 13, 0.0213)
        time_s = np.arange(2, 11, 0.09)
        for index in (0, 137, 400, 800):
            shifted = np.interp(time_s + curve.lags_s[index], dense_s, motion(dense_s + 0.07))
            expected = np.corrcoef(curve.position, shifted)[0, 1]
            assert curve.correlations[index] == pytest.approx(expected, abs=1e-12)

    def test_far_offsets_do_not_cost_digits(self):
        time_s = np.arange(0, 8, 0.1)
        near, far = (
            correlation_curve(
                time_s,
                offset + motion(time_s),
                time_s,
                offset + motion(time_s),
                max_lag_s=0.2,
                max_gap_s=1,
            )
            for offset in (0.0, 1e6)
        )
        assert far.correlations == pytest.approx(near.correlations, abs=1e-6)

    def test_samples_beyond_the_tracker_are_left_out_and_too_few_are_nan(self):
        time_s, dense_s = np.arange(0, 4, 0.1), np.arange(2.2, 9, 0.02)
        curve = correlation_curve(
            time_s, motion(time_s), dense_s, motion(dense_s), max_lag_s=0.5, max_gap_s=0.2
        )
        assert np.isnan(curve.correlations[0])
        assert curve.tried_s == pytest.approx((0.25, 0.5), abs=0.06)

    def test_best_is_between_grid_points_after_refinement(self):
        assert curve_of(-0.0704).refined_lag_s() == pytest.approx(-0.0704, abs=5e-4)

    def test_second_optimum_of_a_periodic_motion_is_half_a_period_away(self):
        time_s, dense_s = np.arange(2, 11, 0.09), np.arange(0, 13, 0.02)
        curve = correlation_curve(
            time_s,
            np.sin(2 * np.pi * time_s) * (1 + 0.02 * time_s),
            dense_s,
            np.sin(2 * np.pi * (dense_s + 0.1)) * (1 + 0.02 * dense_s),
            max_lag_s=0.55,
            max_gap_s=0.2,
        )
        distance_s = abs(curve.lags_s[curve.second_optimum] - curve.lags_s[curve.best])
        assert distance_s == pytest.approx(0.5, abs=0.01)

    def test_short_range_has_one_optimum_only(self):
        curve = curve_of(0.01, max_lag_s=0.08)
        assert curve.second_optimum is None
        assert np.isnan(curve.at(None))

    def test_optimum_at_the_end_is_flagged(self):
        assert curve_of(0.3, max_lag_s=0.2).is_at_end
        assert not curve_of(0.1, max_lag_s=0.2).is_at_end


class TestInterval:
    def test_standard_error_is_that_of_repeated_recordings(self, rng):
        curves = [curve_of(-0.06, noise=12, rng=rng, max_lag_s=0.15) for _ in range(60)]
        found = np.std([curve.refined_lag_s() for curve in curves])
        stated = np.median([curve.jackknife_s()[0] for curve in curves])
        assert 0.6 < stated / found < 1.7

    def test_interval_is_student_t_with_nine_degrees_of_freedom(self, rng):
        sd_s, half_s = curve_of(0.0, noise=9, rng=rng).jackknife_s()
        assert half_s / sd_s == pytest.approx(2.2622, abs=1e-4)

    def test_without_noise_the_interval_closes(self):
        assert curve_of(-0.05).jackknife_s()[0] < 2e-4


class TestSignalAt:
    def test_between_samples_beyond_them_and_across_a_gap(self):
        values, is_known = signal_at(
            np.array([[-0.1, 0.25], [0.9, 2.0]]),
            np.array([0.0, 0.5, 1.5, 2.0]),
            np.array([1.0, 3.0, 9.0, 5.0]),
            max_gap_s=0.6,
        )
        assert is_known.tolist() == [[False, True], [False, True]]
        assert values.tolist() == [[0.0, 2.0], [0.0, 5.0]]


class TestErrors:
    def test_recordings_apart_in_time_are_refused_with_both_spans(self):
        time_s = np.arange(0, 5, 0.1)
        with pytest.raises(
            ValueError, match="do not overlap enough: video 0.000 to 4.900 s, tracker 7.000"
        ):
            correlation_curve(
                time_s, motion(time_s), time_s + 7, motion(time_s), max_lag_s=0.5, max_gap_s=1
            )

    def test_range_too_short_for_an_optimum_is_refused(self):
        with pytest.raises(ValueError, match="max_lag_s must exceed 0.02 s, got 0.01"):
            curve_of(0.0, max_lag_s=0.01)
