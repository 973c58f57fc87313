"""Draws of subjects and percentile intervals: hand-worked, and against `statistics`."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hipus.statistics import bootstrap_mean_by_subject
from hipus.subject_bootstrap import draw_subjects, estimate, places_of


class TestDraws:
    def test_each_draw_has_as_many_subjects_as_there_are(self, rng):
        draws = draw_subjects(7, rng, resamples=100)
        assert draws.shape == (100, 7)
        assert set(draws.sum(axis=1)) == {7}

    def test_a_mean_of_many_subjects_gets_the_interval_that_statistics_gives(self, rng):
        values, subjects = rng.normal(size=800), np.repeat(np.arange(400), 2)
        place, count = places_of(subjects, 800)
        draws = draw_subjects(count, np.random.default_rng(3), resamples=2000)
        means = draws @ np.bincount(place, values) / (draws @ np.bincount(place))
        found = estimate(values.mean(), means, level=0.9, subject_count=count)
        peer = bootstrap_mean_by_subject(
            values, subjects, rng=np.random.default_rng(3), resamples=2000, level=0.9
        )
        width = peer.high - peer.low
        assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.01 * width)

    @pytest.mark.parametrize(("count", "resamples"), [(0, 10), (3, 0)])
    def test_nobody_and_no_draw_are_refused(self, rng, count, resamples):
        with pytest.raises(ValueError, match=f"got {count} subjects, {resamples} resamples"):
            draw_subjects(count, rng, resamples=resamples)


class TestEstimate:
    def test_means_of_few_subjects_are_covered_as_often_as_said(self):
        """12 subjects; the plain percentile interval covers 91 %. Monte Carlo error 0.8 %."""
        rng, hits = np.random.default_rng(9), 0
        for _ in range(800):
            values = rng.normal(size=12)
            means = draw_subjects(12, rng, resamples=500) @ values / 12
            found = estimate(values.mean(), means, level=0.95, subject_count=12)
            hits += found.low <= 0 <= found.high
        assert hits / 800 == pytest.approx(0.95, abs=0.025)

    def test_it_is_as_wide_as_the_t_interval(self, rng):
        """Drawn means spread by sqrt((S - 1) / S) too little, which the quantiles give back."""
        values = stats.norm.ppf((np.arange(1, 13) - 0.5) / 12)  # as normal as 12 values can be
        means = draw_subjects(12, rng, resamples=40_000) @ values / 12
        found = estimate(values.mean(), means, level=0.95, subject_count=12)
        width = 2 * stats.t.ppf(0.975, 11) * values.std(ddof=1) / np.sqrt(12)
        assert found.high - found.low == pytest.approx(width, rel=0.05)

    def test_quantiles_are_of_the_defined_draws_whose_share_is_told(self):
        found = estimate(5.0, [np.nan, *range(101)], level=0.9, subject_count=4)
        tail = stats.norm.cdf(-np.sqrt(4 / 3) * stats.t.ppf(0.95, 3))
        assert (found.low, found.high) == pytest.approx((100 * tail, 100 * (1 - tail)))
        assert (found.value, found.undefined_share) == (5.0, pytest.approx(1 / 102))

    @pytest.mark.parametrize(
        ("value", "drawn", "subjects"), [(1.0, [1.0], 1), (np.nan, [1.0], 3), (1.0, [np.nan], 3)]
    )
    def test_one_subject_or_nothing_defined_has_no_interval(self, value, drawn, subjects):
        found = estimate(value, drawn, level=0.95, subject_count=subjects)
        assert np.isnan([found.low, found.high]).all()

    def test_a_level_out_of_range_is_refused(self):
        with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
            estimate(1.0, [1.0], level=95, subject_count=2)


class TestPlaces:
    def test_names_of_any_kind_are_numbered(self):
        place, count = places_of(pd.Series(["b", "a", "b"]), 3)
        assert (place.tolist(), count) == ([1, 0, 1], 2)

    def test_too_few_names_are_refused(self):
        with pytest.raises(ValueError, match=r"each of 3 rows .*got shape \(2,\)"):
            places_of(["a", "b"], 3)

    def test_a_missing_name_is_refused(self):
        with pytest.raises(ValueError, match="row 1 has none"):
            places_of(["a", None], 2)
