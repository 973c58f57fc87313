"""Limits of agreement: the example of Bland and Altman 2007, and simulated subjects."""

import numpy as np
import pytest
from scipy import stats

from hipus.method_agreement import limits_of_agreement

#: Cardiac output in l/min by radionuclide ventriculography and impedance cardiography, pairs of
#: 12 subjects: Bland and Altman 1999, table 4 (data of Bowling et al. 1993).
CARDIAC = {
    1: "7.83 6.57 7.42 5.62 7.89 6.90 7.12 6.57 7.88 6.35",
    2: "6.16 4.06 7.26 4.29 6.71 4.26 6.54 4.09",
    3: "4.75 4.71 5.24 5.50 4.86 5.08 4.78 5.02 6.05 6.01 5.42 5.67",
    4: "4.21 4.14 3.61 4.20 3.72 4.61 3.87 4.68 3.92 5.04",
    5: "3.13 3.03 2.98 2.86 2.85 2.77 3.17 2.46 3.09 2.32 3.12 2.43",
    6: "5.92 5.90 6.42 5.81 5.92 5.70 6.27 5.76",
    7: "7.13 5.09 6.62 4.63 6.58 4.61 6.93 5.09",
    8: "4.54 4.72 4.81 4.61 5.11 4.36 5.29 4.20 5.39 4.36 5.57 4.20",
    9: "4.48 3.17 4.92 3.12 3.97 2.96",
    10: "4.22 4.35 4.65 4.62 4.74 3.16 4.44 3.53 4.50 3.53",
    11: "6.78 7.20 6.07 6.09 6.52 7.00 6.42 7.10 6.41 7.40 5.76 6.80",
    12: "5.06 4.50 4.72 4.20 4.90 3.80 4.80 3.80 4.90 4.20 5.10 4.50",
}


def cardiac():
    """Return impedance, ventriculography and subjects, so that second minus first is theirs."""
    parts = {name: np.array(text.split(), float).reshape(-1, 2) for name, text in CARDIAC.items()}
    pairs = np.vstack(list(parts.values()))
    return pairs[:, 1], pairs[:, 0], np.repeat(list(parts), [len(part) for part in parts.values()])


def simulated(rng, *, subjects, pairs, between, within, bias=1.0):
    """Return simulated pairs with known variance components."""
    owner = np.repeat(np.arange(subjects), pairs)
    first = rng.normal(60, 5, len(owner))
    error = bias + rng.normal(0, between, subjects)[owner] + rng.normal(0, within, len(owner))
    return first, first + error, owner


class TestPublishedExample:
    def test_limits_are_those_of_bland_and_altman_2007(self, rng):
        """Printed: MS within 0.1707, between 4.2091, m 4.98, SD 0.9906, limits -1.34 and 2.54."""
        first, second, subjects = cardiac()
        found = limits_of_agreement(first, second, subjects=subjects, rng=rng, resamples=200)
        assert (found.pair_count, found.subject_count) == (60, 12)
        assert found.bias.value == pytest.approx(0.6021667, abs=1e-7)
        assert found.within_sd**2 == pytest.approx(0.1707140, abs=1e-6)
        assert found.between_sd**2 == pytest.approx((4.2090856 - 0.1707140) / 4.9818182, abs=1e-6)
        assert found.sd == pytest.approx(0.9906241, abs=1e-6)
        assert found.lower.value == pytest.approx(-1.3394565, abs=1e-5)
        assert found.upper.value == pytest.approx(2.5437899, abs=1e-5)

    def test_plain_limits_would_be_narrower(self, rng):
        first, second, subjects = cardiac()
        alone = limits_of_agreement(first, second, subjects=np.arange(60), rng=rng, resamples=10)
        assert alone.sd == pytest.approx(0.9610571, abs=1e-6)
        assert alone.sd == pytest.approx((second - first).std(ddof=1))
        assert np.isnan(alone.within_sd)


class TestComponents:
    def test_swapping_the_methods_turns_everything_round(self):
        first, second, subjects = cardiac()
        there, back = (
            limits_of_agreement(*pair, subjects=subjects, rng=np.random.default_rng(2))
            for pair in ((first, second), (second, first))
        )
        assert back.bias.value == pytest.approx(-there.bias.value)
        assert (back.lower.value, back.upper.low) == pytest.approx(
            (-there.upper.value, -there.lower.high)
        )

    def test_subjects_that_differ_less_than_chance_have_no_between_variance(self, rng):
        """Each subject's differences are -1 and 1: the means do not differ at all."""
        found = limits_of_agreement(
            [0.0] * 6, [-1.0, 1.0] * 3, subjects=list("aabbcc"), rng=rng, resamples=50
        )
        assert (found.bias.value, found.between_sd) == (0.0, 0.0)
        assert found.within_sd == pytest.approx(np.sqrt(2))
        assert found.upper.value == pytest.approx(1.96 * np.sqrt(2))
        assert (found.bias.low, found.bias.high) == (0.0, 0.0)

    def test_known_components_are_found_again(self, rng):
        data = simulated(rng, subjects=1500, pairs=4, between=2.0, within=1.0)
        found = limits_of_agreement(*data[:2], subjects=data[2], rng=rng, resamples=20)
        assert found.between_sd == pytest.approx(2.0, abs=0.12)
        assert found.within_sd == pytest.approx(1.0, abs=0.03)
        assert found.bias.value == pytest.approx(1.0, abs=0.16)

    def test_one_pair_each_is_the_classic_method(self, rng):
        first, second, _ = simulated(rng, subjects=40, pairs=1, between=1.0, within=1.0)
        found = limits_of_agreement(first, second, subjects=np.arange(40), rng=rng, resamples=20)
        difference = second - first
        assert found.upper.value == pytest.approx(difference.mean() + 1.96 * difference.std(ddof=1))


class TestIntervals:
    def test_they_are_those_of_a_slow_loop_over_subjects(self, rng):
        first, second, subjects = cardiac()
        found = limits_of_agreement(
            first, second, subjects=subjects, rng=rng, resamples=4000, level=0.8
        )
        tail = stats.norm.cdf(-np.sqrt(12 / 11) * stats.t.ppf(0.9, 11))  # 12 are few
        slow = []
        for _ in range(800):
            picks = [np.flatnonzero(subjects == name) for name in rng.integers(1, 13, 12)]
            owner = np.repeat(np.arange(12), [len(pick) for pick in picks])
            rows = np.concatenate(picks)
            one = limits_of_agreement(
                first[rows], second[rows], subjects=owner, rng=rng, resamples=1
            )
            slow.append((one.bias.value, one.upper.value))
        for interval, values in zip((found.bias, found.upper), np.transpose(slow), strict=True):
            assert interval.low == pytest.approx(np.quantile(values, tail), abs=0.05)
            assert interval.high == pytest.approx(np.quantile(values, 1 - tail), abs=0.05)

    def test_the_bias_is_covered_about_as_often_as_said(self):
        """40 subjects of 3 pairs; Monte Carlo error of 200 trials is 1.5 %."""
        rng, hits = np.random.default_rng(11), 0
        for _ in range(200):
            first, second, owner = simulated(rng, subjects=40, pairs=3, between=2, within=1)
            found = limits_of_agreement(first, second, subjects=owner, rng=rng, resamples=400)
            hits += found.bias.low <= 1.0 <= found.bias.high
        assert 0.89 <= hits / 200 <= 0.99

    def test_the_table_has_a_row_for_bias_and_each_limit(self, rng):
        first, second, subjects = cardiac()
        found = limits_of_agreement(first, second, subjects=subjects, rng=rng, resamples=20)
        table = found.table()
        assert list(table["quantity"]) == ["bias", "lower", "upper"]
        assert list(table["value"]) == [found.bias.value, found.lower.value, found.upper.value]
        assert set(table["subject_count"]) == {12}


class TestRefusals:
    @pytest.mark.parametrize(
        ("first", "second", "subjects", "message"),
        [
            ([1.0], [1.0, 2.0], ["a"], r"pairs \(K,\), got \(1,\), \(2,\)"),
            ([1.0, np.nan], [1.0, 2.0], ["a", "b"], r"\(nan, 2.0\) in row 1 and 0 more"),
            ([1.0, 2.0], [1.0, 2.0], ["a", "a"], "at least 2 subjects, got 1"),
            ([1.0, 2.0], [1.0, 2.0], ["a"], "each of 2 rows"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, rng, first, second, subjects, message):
        with pytest.raises(ValueError, match=message):
            limits_of_agreement(first, second, subjects=subjects, rng=rng)
