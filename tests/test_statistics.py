"""Means by subject: hand-worked values, coverage, and SciPy as an independent reference."""

import math

import numpy as np
import pytest
from scipy import stats

from hipus.statistics import bootstrap_mean_by_subject, paired_difference_by_subject


class TestTheMean:
    def test_it_is_that_of_all_values_as_a_table_shows_it(self, rng):
        found = bootstrap_mean_by_subject([1.0, 2.0, 3.0, 10.0], list("aaab"), rng=rng)
        assert found.mean == 4.0
        assert (found.subject_count, found.value_count) == (2, 4)

    def test_order_of_values_does_not_matter(self):
        values, subjects = np.array([4.0, 1.0, 7.0, 3.0]), np.array(list("cabc"))
        order = [2, 0, 3, 1]
        first, second = (
            bootstrap_mean_by_subject(values[o], subjects[o], rng=np.random.default_rng(5))
            for o in ([0, 1, 2, 3], order)
        )
        assert first == second


class TestTheInterval:
    def test_two_subjects_can_only_be_drawn_four_ways(self, rng):
        """aa, ab, ba, bb: a quarter of draws each at the ends, so the ends are the interval."""
        found = bootstrap_mean_by_subject([1.0, 3.0, 6.0], list("aab"), rng=rng)
        assert (found.low, found.high) == (2.0, 6.0)

    def test_values_of_one_subject_are_drawn_together(self, rng):
        """Every subject has a value of each sign: whoever is drawn, the mean is 0."""
        found = bootstrap_mean_by_subject([-1.0, 1.0, -5.0, 5.0], list("aabb"), rng=rng)
        assert (found.low, found.high) == (0.0, 0.0)

    def test_sweeps_of_few_subjects_count_less_than_as_many_subjects(self, rng):
        by_subject = np.repeat(rng.normal(size=8), 6)
        few = bootstrap_mean_by_subject(by_subject, np.repeat(np.arange(8), 6), rng=rng)
        many = bootstrap_mean_by_subject(by_subject, np.arange(48), rng=rng)
        assert few.high - few.low > 2 * (many.high - many.low)

    def test_it_agrees_with_scipy_where_each_subject_has_one_value(self, rng):
        values = rng.gamma(2.0, 3.0, 25)
        found = bootstrap_mean_by_subject(values, np.arange(25), rng=rng, resamples=40_000)
        peer = stats.bootstrap(
            (values,), np.mean, n_resamples=40_000, method="percentile", rng=rng
        ).confidence_interval
        assert found.low == pytest.approx(peer.low, abs=0.05)
        assert found.high == pytest.approx(peer.high, abs=0.05)

    def test_it_agrees_with_a_slow_loop_over_unbalanced_subjects(self, rng):
        values = rng.normal(size=9)
        subjects = np.array(list("aaaabbccd"))
        found = bootstrap_mean_by_subject(values, subjects, rng=rng, resamples=20_000)
        owners = [values[subjects == name] for name in "abcd"]
        means = [
            np.concatenate([owners[k] for k in rng.integers(0, 4, 4)]).mean() for _ in range(20_000)
        ]
        low, high = np.quantile(means, [0.025, 0.975])
        assert found.low == pytest.approx(low, abs=0.05)
        assert found.high == pytest.approx(high, abs=0.05)

    def test_it_covers_the_true_mean_about_as_often_as_it_says(self):
        """30 subjects, 4 sweeps each; sweeps as units would cover about 70 %."""
        rng = np.random.default_rng(7)
        subjects = np.repeat(np.arange(30), 4)
        hits = 0
        for _ in range(300):
            values = np.repeat(rng.normal(size=30), 4) + 0.3 * rng.normal(size=120)
            found = bootstrap_mean_by_subject(values, subjects, rng=rng, resamples=500)
            hits += found.low <= 0 <= found.high
        assert 0.88 <= hits / 300 <= 0.98

    def test_a_higher_level_is_wider(self, rng):
        values = rng.normal(size=20)
        narrow, wide = (
            bootstrap_mean_by_subject(
                values, np.arange(20), rng=np.random.default_rng(1), level=level
            )
            for level in (0.5, 0.95)
        )
        assert wide.low < narrow.low < narrow.high < wide.high
        assert wide.level == 0.95

    def test_one_subject_says_nothing_of_others(self, rng):
        found = bootstrap_mean_by_subject([1.0, 2.0], ["a", "a"], rng=rng)
        assert found.mean == 1.5
        assert math.isnan(found.low)
        assert math.isnan(found.high)


class TestPairedDifference:
    def test_it_is_first_minus_second(self, rng):
        found = paired_difference_by_subject([1.0, 2.0], [4.0, 3.0], subjects=["a", "b"], rng=rng)
        assert found.mean == -2.0
        assert (found.low, found.high) == (-3.0, -1.0)

    def test_what_varies_between_subjects_cancels(self, rng):
        level = 10 * rng.normal(size=12)
        found = paired_difference_by_subject(
            level + 1 + 0.1 * rng.normal(size=12), level, subjects=np.arange(12), rng=rng
        )
        assert 0.8 < found.low < 1 < found.high < 1.2


class TestRefusals:
    @pytest.mark.parametrize("values", [[], [[1.0]], 3.0])
    def test_no_series(self, values, rng):
        with pytest.raises(ValueError, match=r"values must be \(K,\) with K > 0, got"):
            bootstrap_mean_by_subject(values, ["a"], rng=rng)

    def test_a_value_without_a_subject(self, rng):
        with pytest.raises(ValueError, match=r"subjects must be \(2,\) like values, got \(1,\)"):
            bootstrap_mean_by_subject([1.0, 2.0], ["a"], rng=rng)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_value_that_is_not_finite(self, value, rng):
        with pytest.raises(ValueError, match=f"finite, got {value} of subject b and 0 more"):
            bootstrap_mean_by_subject([1.0, value], ["a", "b"], rng=rng)

    def test_no_resamples(self, rng):
        with pytest.raises(ValueError, match="resamples must be >= 1, got 0"):
            bootstrap_mean_by_subject([1.0], ["a"], rng=rng, resamples=0)

    @pytest.mark.parametrize("level", [0, 1, 95])
    def test_a_level_out_of_range(self, level, rng):
        with pytest.raises(ValueError, match=f"level must be between 0 and 1, got {level}"):
            bootstrap_mean_by_subject([1.0], ["a"], rng=rng, level=level)

    def test_series_that_are_no_pairs(self, rng):
        with pytest.raises(ValueError, match=r"of the same sweeps, got \(2,\) and \(1,\)"):
            paired_difference_by_subject([1.0, 2.0], [1.0], subjects=["a", "b"], rng=rng)
