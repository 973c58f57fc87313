"""Conformal scales: hand-worked quantiles, coverage of simulated rows, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from hipus.interval_scales import (
    ABSOLUTE,
    RELATIVE,
    SIGNED,
    IntervalScale,
    ScaleRefused,
    finite_columns,
    learn_scale,
)


def rows_of(errors, *, arm=1.0, value=60.0) -> pd.DataFrame:
    """Return rows whose truth errs so much from the value, with raw arms of one length."""
    truth = value + np.asarray(errors, float)
    return pd.DataFrame(
        {"value": value, "truth": truth, "lower": value - arm, "upper": value + arm}
    )


def simulated(rng, count, *, bias=0.0, claimed=0.4) -> pd.DataFrame:
    """Return simulated rows of unequal spread, whose raw intervals claim too little of it."""
    spread = rng.uniform(0.5, 3.0, count)
    truth = rng.normal(60, 6, count)
    value = truth - bias + rng.normal(0, spread)
    arm = 1.96 * claimed * spread
    return pd.DataFrame(
        {"value": value, "truth": truth, "lower": value - arm, "upper": value + arm}
    )


def share_within(scale: IntervalScale, rows: pd.DataFrame) -> float:
    """Return the share of truths within the calibrated intervals."""
    low, high = scale.apply(rows["value"], rows["lower"], rows["upper"])
    return float(((low <= rows["truth"]) & (rows["truth"] <= high)).mean())


class TestByHand:
    def test_the_scale_is_the_corrected_quantile(self):
        """Of 9 rows at 80 % the ceil(10 * 0.8) = 8th smallest error in arms of 2 deg."""
        found = learn_scale(rows_of([1, -2, 3, -4, 5, -6, 7, -8, 9], arm=2.0), 0.8)
        assert (found.lower_scale, found.upper_scale) == (4.0, 4.0)
        assert (found.shift, found.row_count, found.zero_arm_count) == (0.0, 9, 0)
        assert found.apply(60.0, 58.0, 63.0) == (52.0, 72.0)

    def test_nineteen_rows_just_do_for_95_percent(self):
        """Rank 20 * 0.95 = 19: the largest error."""
        errors = np.arange(1.0, 20.0)
        assert learn_scale(rows_of(errors), 0.95).upper_scale == 19.0
        with pytest.raises(ScaleRefused, match=r"18 calibration rows .* at least 19 are needed"):
            learn_scale(rows_of(errors[:-1]), 0.95)

    def test_signed_sides_each_miss_half(self):
        """39 errors from -19 to 19: the largest on either side, of each side's own arm."""
        rows = rows_of(np.arange(-19, 20)).assign(upper=64.0)
        found = learn_scale(rows, 0.95, sides=SIGNED)
        assert (found.lower_scale, found.upper_scale) == (19.0, 19.0 / 4)
        with pytest.raises(ScaleRefused, match="38 .* for signed intervals .* at least 39"):
            learn_scale(rows.iloc[1:], 0.95, sides=SIGNED)

    def test_a_side_that_errs_the_other_way_has_no_arm_rather_than_a_negative_one(self):
        found = learn_scale(rows_of(np.arange(1, 40)), 0.95, sides=SIGNED)
        assert (found.lower_scale, found.upper_scale) == (0.0, 39.0)

    def test_the_shift_is_the_median_error(self):
        found = learn_scale(rows_of([1, 2, 3, 4, 6]), 0.8, learns_shift=True)
        assert found.shift == 3.0
        assert found.upper_scale == 3.0  # errors left are -2, -1, 0, 1, 3; rank ceil(4.8) = 5
        assert found.apply(60.0, 59.0, 61.0) == (60.0, 66.0)

    def test_each_error_counts_in_arms_of_its_own_side(self):
        rows = pd.DataFrame(
            {"value": 60.0, "truth": [54.0, 70.0], "lower": 58.0, "upper": [61.0, 65.0]}
        )
        assert learn_scale(rows, 0.6).upper_scale == 3.0  # 6 / 2 and 10 / 5

    def test_absolute_scales_are_half_widths(self):
        rows = rows_of([1, -2, 3, -4])[["value", "truth"]]
        found = learn_scale(rows, 0.8, kind=ABSOLUTE)
        assert found.kind == ABSOLUTE
        assert found.apply(10.0) == (6.0, 14.0)

    def test_arrays_are_calibrated_row_by_row(self):
        scale = IntervalScale(RELATIVE, 2.0, 3.0, 1.0, 0.5, 0.95, 100, 0)
        low, high = scale.apply([10.0, 20.0], [9.0, 20.0], [12.0, 20.0])
        assert low.tolist() == [9.0, 20.0]
        assert high.tolist() == [17.0, 22.5]


class TestIntervalsWithoutWidth:
    def test_no_width_at_the_truth_needs_no_scale(self):
        rows = rows_of([0.0] * 5, arm=0.0)
        assert learn_scale(rows, 0.8).upper_scale == 0.0

    def test_few_are_taken_as_never_covered(self):
        rows = rows_of(np.arange(1, 40))
        rows.loc[0, ["lower", "upper"]] = 60.0
        found = learn_scale(rows, 0.95)
        assert found.upper_scale == 39.0  # rank 38 of 39; the infinite score is the last
        assert found.zero_arm_count == 1

    def test_many_are_refused_with_what_to_do(self):
        with pytest.raises(ScaleRefused, match=r"in 20 of 20 .* no width, .* set least_arm"):
            learn_scale(rows_of(np.arange(1, 21), arm=0.0), 0.95)

    def test_a_least_arm_gives_them_width(self):
        found = learn_scale(rows_of(np.arange(1, 20), arm=0.0), 0.95, least_arm=0.5)
        assert (found.upper_scale, found.least_arm, found.zero_arm_count) == (38.0, 0.5, 0)
        assert found.apply(60.0, 60.0, 60.0) == (41.0, 79.0)

    def test_an_interval_on_one_side_of_the_value_has_no_other_arm(self):
        """Were the lower end 61 stretched about 60, a larger scale would cover less."""
        rows = rows_of(np.arange(1, 20)).assign(lower=61.0, upper=62.0)
        found = learn_scale(rows, 0.95)
        assert found.upper_scale == 9.5
        assert found.apply(60.0, 61.0, 62.0) == (60.0, 79.0)


class TestCoverage:
    @pytest.mark.parametrize(
        ("options", "count"),
        [
            ({}, 19),
            ({}, 50),
            ({"sides": SIGNED}, 60),
            ({"kind": ABSOLUTE}, 50),
            ({"least_arm": 1.5}, 50),
        ],
    )
    def test_new_rows_are_covered_at_the_level_on_average(self, rng, options, count):
        """Between 0.95 and 0.95 + 1 / (n + 1), one more for two sides; Monte Carlo error 0.2 %."""
        shares = [
            share_within(
                learn_scale(simulated(rng, count, bias=1.0), 0.95, **options),
                simulated(rng, 100, bias=1.0),
            )
            for _ in range(400)
        ]
        sides = 2 if "sides" in options else 1
        assert 0.95 - 0.008 <= np.mean(shares) <= 0.95 + sides / (count + 1) + 0.008

    def test_a_learnt_shift_costs_little_coverage_and_saves_width(self, rng):
        shares, plain, shifted = [], [], []
        for _ in range(300):
            rows, new = simulated(rng, 60, bias=4.0), simulated(rng, 100, bias=4.0)
            scale = learn_scale(rows, 0.95, learns_shift=True)
            shares.append(share_within(scale, new))
            plain.append(learn_scale(rows, 0.95).upper_scale)
            shifted.append(scale.upper_scale)
        assert np.mean(shares) == pytest.approx(0.955, abs=0.02)
        assert np.mean(shifted) < 0.7 * np.mean(plain)

    def test_relative_intervals_are_narrower_where_the_raw_ones_are(self, rng):
        rows = simulated(rng, 200)
        low, high = learn_scale(rows, 0.95).apply(rows["value"], rows["lower"], rows["upper"])
        raw = (rows["upper"] - rows["lower"]).to_numpy()
        assert np.corrcoef(high - low, raw)[0, 1] == pytest.approx(1.0)

    def test_the_unit_does_not_matter(self, rng):
        rows = simulated(rng, 50)
        there, back = learn_scale(rows), learn_scale(rows * 10)
        assert back.upper_scale == pytest.approx(there.upper_scale)
        assert learn_scale(rows * 10, kind=ABSOLUTE).upper_scale == pytest.approx(
            10 * learn_scale(rows, kind=ABSOLUTE).upper_scale
        )

    def test_the_order_of_rows_does_not_matter(self, rng):
        rows = simulated(rng, 50)
        assert learn_scale(rows) == learn_scale(rows.sample(frac=1, random_state=2))


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"level": 95}, "level must be between 0 and 1, got 95"),
            ({"kind": "raw"}, "kind must be 'relative' or 'absolute', got 'raw'"),
            ({"sides": "both"}, "sides must be 'symmetric' or 'signed', got 'both'"),
            ({"least_arm": -1.0}, "least_arm must be finite and >= 0, got -1.0"),
            ({"kind": ABSOLUTE, "least_arm": 1.0}, "kind 'absolute' has none"),
        ],
    )
    def test_unknown_options_are_named(self, options, message):
        with pytest.raises(ValueError, match=message):
            learn_scale(rows_of(np.arange(30)), **options)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"truth": [1.0, np.nan]}, "truth must be finite, got nan in row 1 and 0 more"),
            ({"upper": [61.0, 10.0]}, r"lower must be <= upper, got 59.0 and 10.0 in row 1"),
        ],
    )
    def test_rows_that_are_none_are_named(self, changes, message):
        with pytest.raises(ValueError, match=message):
            learn_scale(rows_of([0.0, 1.0]).assign(**changes), 0.5)

    @pytest.mark.parametrize(("drop", "count"), [(["truth"], 2), ([], 0)])
    def test_a_missing_column_and_no_row_are_refused(self, drop, count):
        rows = rows_of([0.0, 1.0]).drop(columns=drop).iloc[:count]
        with pytest.raises(ValueError, match=f"at least one row, got {count} rows of"):
            finite_columns(rows, ("value", "truth"))

    def test_a_relative_scale_needs_a_raw_interval(self):
        with pytest.raises(ValueError, match="needs the raw lower and upper, got none"):
            learn_scale(rows_of(np.arange(19))).apply(60.0)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"kind": "raw"}, "kind must be 'relative' or 'absolute'"),
            ({"upper_scale": np.inf}, "scales and least_arm must be finite"),
            ({"lower_scale": -1.0}, "scales and least_arm must be finite and >= 0"),
            ({"shift": np.nan}, "shift finite"),
        ],
    )
    def test_a_damaged_scale_is_no_scale(self, changes, message):
        given = {
            "kind": RELATIVE,
            "lower_scale": 1.0,
            "upper_scale": 1.0,
            "shift": 0.0,
            "least_arm": 0.0,
            "level": 0.95,
            "row_count": 50,
            "zero_arm_count": 0,
        }
        with pytest.raises(ValueError, match=message):
            IntervalScale(**(given | changes))
