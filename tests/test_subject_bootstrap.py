"""Draws of subjects and percentile intervals: hand-worked, and against `statistics`."""

import numpy as np
import pandas as pd
import pytest

from hipus.statistics import bootstrap_mean_by_subject
from hipus.subject_bootstrap import draw_subjects, estimate, places_of


class TestDraws:
    def test_each_draw_has_as_many_subjects_as_there_are(self, rng):
        draws = draw_subjects(7, rng, resamples=100)
        assert draws.shape == (100, 7)
        assert set(draws.sum(axis=1)) == {7}

    def test_a_mean_gets_the_interval_that_statistics_gives(self):
        values, subjects = np.array([1.0, 4.0, 2.0, 8.0, 5.0]), list("aabcc")
        place, count = places_of(subjects, 5)
        draws = draw_subjects(count, np.random.default_rng(3), resamples=500)
        sums, counts = np.bincount(place, values), np.bincount(place)
        found = estimate(values.mean(), draws @ sums / (draws @ counts), level=0.9, subject_count=3)
        peer = bootstrap_mean_by_subject(
            values, subjects, rng=np.random.default_rng(3), resamples=500, level=0.9
        )
        assert (found.value, found.low, found.high) == (peer.mean, peer.low, peer.high)

    @pytest.mark.parametrize(("count", "resamples"), [(0, 10), (3, 0)])
    def test_nobody_and_no_draw_are_refused(self, rng, count, resamples):
        with pytest.raises(ValueError, match=f"got {count} subjects, {resamples} resamples"):
            draw_subjects(count, rng, resamples=resamples)


class TestEstimate:
    def test_quantiles_are_of_the_defined_draws_whose_share_is_told(self):
        found = estimate(5.0, [np.nan, *range(101)], level=0.9, subject_count=4)
        assert (found.low, found.high) == pytest.approx((5.0, 95.0))
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
