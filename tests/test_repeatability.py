"""Repeatability: worked by hand, chi-squared coverage, and refusals."""

import numpy as np
import pandas as pd
import pytest

from hipus.repeatability import COEFFICIENT_PER_SD, check_measurements, repeatability


def table_of(**hips) -> pd.DataFrame:
    """Return measurements of hips, given as lists."""
    return pd.DataFrame(
        [(hip, value) for hip, values in hips.items() for value in values],
        columns=["hip", "alpha_deg"],
    )


class TestByHand:
    def test_within_sd_pools_squares_over_degrees_of_freedom(self):
        """Squares about means: a (-1, 1) 2, b (-2, 0, 2) 8; of 1 + 2 free: sqrt(10 / 3)."""
        found = repeatability(
            table_of(a=[59.0, 61.0], b=[70.0, 72.0, 74.0], c=[50.0]), "alpha_deg", item="hip"
        )
        assert found.within_sd == pytest.approx(np.sqrt(10 / 3))
        assert found.coefficient == pytest.approx(1.96 * np.sqrt(2) * np.sqrt(10 / 3))
        assert (found.degrees_of_freedom, found.item_count, found.value_count) == (3, 2, 5)
        assert found.single_count == 1

    def test_the_interval_is_of_chi_squared_with_so_many_degrees(self):
        """Tables: the 2.5 and 97.5 % points with 3 degrees of freedom are 0.216 and 9.348."""
        found = repeatability(
            table_of(a=[59.0, 61.0], b=[70.0, 72.0, 74.0]), "alpha_deg", item="hip"
        )
        assert found.within_sd_low == pytest.approx(np.sqrt(10 / 9.348), rel=1e-3)
        assert found.within_sd_high == pytest.approx(np.sqrt(10 / 0.216), rel=2e-3)
        assert found.coefficient_high / found.within_sd_high == pytest.approx(COEFFICIENT_PER_SD)

    def test_identical_repeats_have_no_scatter(self):
        found = repeatability(table_of(a=[60.0, 60.0], b=[70.0, 70.0]), "alpha_deg", item="hip")
        assert (found.within_sd, found.coefficient_high) == (0.0, 0.0)


class TestSimulated:
    def test_intervals_cover_and_the_coefficient_bounds_95_percent_of_pairs(self, rng):
        """Monte Carlo error of 400 trials is 1.1 %, of 4 000 pairs 0.3 %."""
        hits = 0
        for _ in range(400):
            values = rng.normal(60, 10, (15, 1)) + rng.normal(0, 2.0, (15, 3))
            rows = pd.DataFrame({"hip": np.repeat(np.arange(15), 3), "alpha_deg": values.ravel()})
            found = repeatability(rows, "alpha_deg", item="hip")
            hits += found.within_sd_low <= 2.0 <= found.within_sd_high
        assert hits / 400 == pytest.approx(0.95, abs=0.033)
        pairs = rng.normal(0, 2.0, (4000, 2))
        within = np.abs(pairs[:, 0] - pairs[:, 1]) < COEFFICIENT_PER_SD * 2.0
        assert within.mean() == pytest.approx(0.95, abs=0.011)

    def test_the_spectrum_of_hips_does_not_matter(self, rng):
        noise = rng.normal(0, 1, (20, 2))
        narrow, wide = (
            repeatability(
                pd.DataFrame(
                    {
                        "hip": np.repeat(np.arange(20), 2),
                        "alpha_deg": (noise + spread * np.arange(20)[:, None]).ravel(),
                    }
                ),
                "alpha_deg",
                item="hip",
            )
            for spread in (0, 5)
        )
        assert narrow.within_sd == pytest.approx(wide.within_sd)


class TestRefusals:
    def test_nothing_measured_twice(self):
        with pytest.raises(ValueError, match="alpha_deg: no hip of 2 was measured more than once"):
            repeatability(table_of(a=[60.0], b=[61.0]), "alpha_deg", item="hip")

    def test_a_level_out_of_range(self):
        with pytest.raises(ValueError, match="level must be between 0 and 1, got 1"):
            repeatability(table_of(a=[60.0, 61.0]), "alpha_deg", item="hip", level=1)

    def test_a_missing_column(self):
        with pytest.raises(ValueError, match=r"needs columns \['operator'\], has"):
            check_measurements(table_of(a=[60.0]), "alpha_deg", keys=["hip", "operator"])

    def test_a_value_that_was_refused_is_named(self):
        with pytest.raises(ValueError, match=r"'hip': 'b', 'alpha_deg': nan.* and 0 more"):
            check_measurements(table_of(a=[60.0], b=[np.nan]), "alpha_deg", keys=["hip"])

    def test_a_measurement_of_nothing_is_named(self):
        with pytest.raises(ValueError, match="finite and .* named"):
            check_measurements(
                pd.DataFrame({"hip": [None], "alpha_deg": [60.0]}), "alpha_deg", keys=["hip"]
            )
