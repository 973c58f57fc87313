"""ICC(2,1) by the example of Shrout and Fleiss, and components worked by hand and simulated."""

import numpy as np
import pandas as pd
import pytest

from hipus.reliability import intraclass_correlation, reproducibility

#: Four judges' ratings of six targets: Shrout and Fleiss 1979, table 2.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]]
)


def long(values: np.ndarray) -> pd.DataFrame:
    """Return values (hips, operators[, repeats]) as one row per measurement, shuffled."""
    cube = values if values.ndim == 3 else values[:, :, None]
    hip, operator, _ = np.indices(cube.shape)
    rows = pd.DataFrame(
        {"hip": hip.ravel(), "operator": operator.ravel(), "alpha_deg": cube.ravel()}
    )
    return rows.sample(frac=1, random_state=1)


def icc(values: np.ndarray):
    """Return the ICC of values (hips, operators)."""
    return intraclass_correlation(long(values), "alpha_deg", target="hip", rater="operator")


def components(values: np.ndarray):
    """Return the variance components of values (hips, operators, repeats)."""
    return reproducibility(long(values), "alpha_deg", item="hip", operator="operator")


def simulated(rng, *, shape, item, operator, interaction, repeat) -> np.ndarray:
    """Return simulated values (hips, operators, repeats) of known components."""
    hips, operators, _ = shape
    return (
        rng.normal(60, item, (hips, 1, 1))
        + rng.normal(0, operator, (1, operators, 1))
        + rng.normal(0, interaction, (hips, operators, 1))
        + rng.normal(0, repeat, shape)
    )


class TestIntraclassCorrelation:
    def test_it_is_that_of_shrout_and_fleiss(self):
        """Printed: ICC(2,1) 0.29; mean squares 11.24 targets, 32.49 judges, 1.02 residual."""
        found = icc(SHROUT_FLEISS)
        assert found.icc == pytest.approx(0.2897638, abs=1e-6)
        assert (found.target_count, found.rater_count) == (6, 4)
        assert found.target_sd == pytest.approx(np.sqrt(11.2416667 / 4))
        sem = np.sqrt((32.4861111 - 1.0194444) / 6 + 1.0194444)
        assert found.standard_error_of_measurement == pytest.approx(sem)

    def test_its_interval_is_that_of_mcgraw_and_wong_unrounded(self):
        """R's psych::ICC prints 0.019 and 0.76 for these ratings."""
        found = icc(SHROUT_FLEISS)
        assert found.low == pytest.approx(0.019, abs=5e-4)
        assert found.high == pytest.approx(0.76, abs=5e-3)

    def test_pingouin_rounds_for_others_as_before(self):
        import pingouin

        before = dict(pingouin.options)
        icc(SHROUT_FLEISS)
        assert dict(pingouin.options) == before

    def test_a_wider_spectrum_inflates_it_but_not_the_standard_error(self, rng):
        noise = rng.normal(0, 2, (40, 3))
        hips = rng.normal(0, 1, (40, 1))
        narrow, wide = icc(60 + 2 * hips + noise), icc(60 + 10 * hips + noise)
        assert wide.icc > narrow.icc + 0.2
        assert wide.standard_error_of_measurement == pytest.approx(
            narrow.standard_error_of_measurement
        )

    def test_known_components_are_covered(self):
        """True ICC 36 / (36 + 1 + 4); Monte Carlo error of 60 trials is 2.8 %."""
        rng, hits = np.random.default_rng(8), 0
        for _ in range(60):
            values = simulated(rng, shape=(15, 4, 1), item=6, operator=1, interaction=0, repeat=2)
            found = icc(values[:, :, 0])
            hits += found.low <= 36 / 41 <= found.high
        assert hits / 60 >= 0.86

    def test_raters_who_agree_fully_have_no_interval_to_tell(self):
        found = icc(np.repeat([[50.0], [60.0], [70.0]], 2, axis=1))
        assert (found.icc, found.standard_error_of_measurement) == (1.0, 0.0)
        assert np.isnan([found.low, found.high]).all()

    def test_hips_that_do_not_differ_have_none(self):
        assert np.isnan(icc(np.full((4, 3), 60.0)).icc)


class TestReproducibility:
    def test_by_hand(self):
        """Two hips, two operators, repeats 2 apart: the repeat variance is 2.

        Cell means 10, 14 and 20, 24: MS hip 4 * 5^2 * 2 = 200, operator 4 * 2^2 * 2 = 32,
        cell 0; so interaction 0, operator (32 - 0) / 4 = 8, hip 200 / 4 = 50.
        """
        found = components(np.array([[[9, 11], [13, 15]], [[19, 21], [23, 25.0]]]))
        assert found.repeat_sd**2 == pytest.approx(2.0)
        assert found.interaction_sd == 0.0
        assert found.operator_sd**2 == pytest.approx(8.0)
        assert found.item_sd**2 == pytest.approx(50.0)
        assert found.reproducibility_sd == pytest.approx(np.sqrt(10))
        assert found.coefficient == pytest.approx(1.96 * np.sqrt(20))
        assert (found.item_count, found.operator_count, found.repeat_count) == (2, 2, 2)

    def test_mean_squares_are_those_of_statsmodels(self, rng):
        from statsmodels.formula.api import ols
        from statsmodels.stats.anova import anova_lm

        values = simulated(rng, shape=(8, 3, 2), item=5, operator=3, interaction=2, repeat=1)
        found = components(values)
        fit = ols("alpha_deg ~ C(hip) * C(operator)", long(values)).fit()
        hip, operator, cell, repeat = anova_lm(fit)["mean_sq"]
        assert found.repeat_sd**2 == pytest.approx(repeat)
        assert found.interaction_sd**2 == pytest.approx(max((cell - repeat) / 2, 0))
        assert found.operator_sd**2 == pytest.approx(max((operator - cell) / 16, 0))
        assert found.item_sd**2 == pytest.approx((hip - cell) / 6)

    def test_known_components_are_found_again(self, rng):
        found = components(
            simulated(rng, shape=(200, 60, 3), item=5, operator=2, interaction=1.5, repeat=1)
        )
        assert found.item_sd == pytest.approx(5, abs=0.6)
        assert found.operator_sd == pytest.approx(2, abs=0.5)
        assert found.interaction_sd == pytest.approx(1.5, abs=0.05)
        assert found.repeat_sd == pytest.approx(1, abs=0.02)

    def test_without_repeats_the_interaction_is_within_the_repeats(self, rng):
        found = components(
            simulated(rng, shape=(300, 50, 1), item=5, operator=0, interaction=3, repeat=4)
        )
        assert np.isnan(found.interaction_sd)
        assert found.repeat_sd == pytest.approx(5, abs=0.15)


class TestRefusals:
    def test_a_missing_rating_unbalances(self):
        rows = long(SHROUT_FLEISS).query("not (hip == 3 and operator == 1)")
        with pytest.raises(
            ValueError, match="balanced.* hip 3 by operator 1 has 0 values, most have 1"
        ):
            intraclass_correlation(rows, "alpha_deg", target="hip", rater="operator")

    def test_repeats_are_no_single_ratings(self):
        rows = pd.concat([long(SHROUT_FLEISS)] * 2)
        with pytest.raises(ValueError, match="each operator must rate each hip once, got 2 times"):
            intraclass_correlation(rows, "alpha_deg", target="hip", rater="operator")

    def test_two_targets_are_too_few(self):
        with pytest.raises(ValueError, match="at least 3 hip, got 2"):
            icc(SHROUT_FLEISS[:2])

    def test_one_operator_is_too_few(self):
        with pytest.raises(ValueError, match="at least 2 hip and 2 operator, got 6 and 1"):
            components(SHROUT_FLEISS[:, :1])

    def test_a_refused_value_is_named(self):
        values = SHROUT_FLEISS.copy()
        values[2, 1] = np.nan
        with pytest.raises(ValueError, match="'hip': 2, 'operator': 1, 'alpha_deg': nan"):
            components(values)
