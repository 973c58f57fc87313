"""Coverage counted by hand, and Wilson's interval by an independent formula."""

import numpy as np
import pandas as pd
import pytest

from hipus.interval_coverage import coverage_of


def rows_of(covered: int, missed: int) -> pd.DataFrame:
    """Return intervals of width 2 about 60, so many of which hold their truth."""
    truth = [60.0] * covered + [62.0] * missed
    owner = [f"T{number // 2:03d}" for number in range(len(truth))]
    return pd.DataFrame({"truth": truth, "lower": 59.0, "upper": 61.0, "subject_id": owner})


class TestCounts:
    def test_ends_belong_to_the_interval(self):
        rows = rows_of(3, 1).assign(truth=[59.0, 61.0, 60.0, 61.01])
        found = coverage_of(rows, subject="subject_id")
        assert (found.covered_count, found.row_count, found.share) == (3, 4, 0.75)
        assert found.subject_count == 2

    def test_the_mean_width_counts_every_row(self):
        rows = rows_of(2, 2).assign(upper=[61.0, 61.0, 65.0, 65.0])
        assert coverage_of(rows, subject="subject_id").mean_width == 4.0

    def test_wilson_by_statsmodels(self):
        from statsmodels.stats.proportion import proportion_confint

        found = coverage_of(rows_of(47, 3), subject="subject_id", level=0.9)
        peer = proportion_confint(47, 50, alpha=0.1, method="wilson")
        assert (found.low, found.high) == pytest.approx(peer)
        assert found.level == 0.9

    def test_all_covered_is_not_certain(self):
        """Wilson's lower end where all of n are covered is n / (n + z^2)."""
        found = coverage_of(rows_of(20, 0), subject="subject_id")
        assert found.low == pytest.approx(20 / (20 + 1.959964**2))
        assert found.high == pytest.approx(1.0)

    def test_the_interval_covers_about_as_often_as_said(self, rng):
        hits = 0
        for _ in range(300):
            covered = int(rng.binomial(60, 0.95))
            found = coverage_of(rows_of(covered, 60 - covered), subject="subject_id")
            hits += found.low <= 0.95 <= found.high
        assert 0.91 <= hits / 300 <= 0.995


class TestRefusals:
    @pytest.mark.parametrize(
        ("rows", "options", "message"),
        [
            (rows_of(0, 0), {}, "at least one row, got 0 rows"),
            (rows_of(1, 0).drop(columns="upper"), {}, "need columns .*'upper'"),
            (rows_of(1, 0).drop(columns="subject_id"), {}, r"need columns \['subject_id'\]"),
            (rows_of(1, 0).assign(truth=np.nan), {}, "truth must be finite"),
            (rows_of(1, 0).assign(upper=0.0), {}, "lower must be <= upper, got 59.0 and 0.0"),
            (rows_of(1, 0), {"level": 95}, "level must be between 0 and 1, got 95"),
        ],
    )
    def test_what_cannot_be_counted_is_named(self, rows, options, message):
        with pytest.raises(ValueError, match=message):
            coverage_of(rows, subject="subject_id", **options)
