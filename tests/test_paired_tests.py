"""Tests between models: p worked by hand, invariants, and the libraries as references."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hipus.paired_tests import compare_paired, compare_paired_each

PAIRS = (("3.2", "2.1"), ("3.2", "2.2"), ("3.2", "2.3"))


def table_of(differences, base=0.5) -> pd.DataFrame:
    """Return subjects with two models that differ so."""
    names = [f"T{number:03d}" for number in range(len(differences))]
    second = np.full(len(differences), base)
    return pd.DataFrame({"a": second + differences, "b": second}, index=names)


@pytest.fixture
def scores(rng) -> pd.DataFrame:
    """Return mean Dice of 10 subjects and 5 models, 3.2 the best of most."""
    means = {"2.1": 0.5, "2.2": 0.52, "2.3": 0.53, "3.1": 0.62, "3.2": 0.70}
    skill = rng.normal(0, 0.05, 10)
    columns = {name: mean + skill + rng.normal(0, 0.08, 10) for name, mean in means.items()}
    return pd.DataFrame(columns, index=[f"T{number:03d}" for number in range(10)])


def one(table, rng, **options) -> pd.Series:
    """Return the row of the pair (a, b)."""
    return compare_paired(table, [("a", "b")], rng=rng, **options).iloc[0]


class TestPWorkedByHand:
    @pytest.mark.parametrize(
        ("differences", "alternative", "p"),
        [
            ([0.01, 0.02, 0.03, 0.04, 0.05], "two-sided", 2 / 32),  # 1 of 32 signs, both ends
            ([0.01, 0.02, 0.03, 0.04, 0.05], "greater", 1 / 32),
            ([0.01, 0.02, 0.03, 0.04, 0.05], "less", 1.0),
            ([-0.01, 0.02, 0.03, 0.04, 0.05], "two-sided", 4 / 32),  # W- <= 1: {} and {1}
            ([0.01, 0.02, -0.03, 0.04, 0.05], "two-sided", 10 / 32),  # {} 1 2 3 12
            (np.arange(1, 11) / 100, "two-sided", 2 / 1024),
            ([0.125, 0.125, 0.125, -0.125], "two-sided", 10 / 16),  # ties: mean ranks 2.5
        ],
    )
    def test_exact_p_counts_sign_changes(self, rng, differences, alternative, p):
        found = one(table_of(differences), rng, alternative=alternative, resamples=10)
        assert found["p"] == pytest.approx(p, abs=1e-12)
        assert found["p_method"] == "exact"

    def test_equal_values_leave_the_ranks_and_stay_in_n(self, rng):
        with_zeros = table_of([0.0, 0.25, 0.0, 0.5, 0.125])
        found = one(with_zeros, rng)
        assert (found["n"], found["differing_count"]) == (5, 3)
        assert found["p"] == pytest.approx(2 / 8)
        assert found["least_p"] == 2 / 8
        assert found["mean_difference"] == pytest.approx(0.175)  # zeros count here

    def test_nobody_differing_is_no_evidence(self, rng):
        found = one(table_of([0.0, 0.0, 0.0]), rng)
        assert (found["p"], found["rank_biserial"], found["least_p"]) == (1.0, 0.0, 1.0)

    def test_effect_is_the_share_of_ranks_won_minus_lost(self, rng):
        found = one(table_of([-0.03, 0.01, 0.02, 0.04]), rng)  # ranks won 7, lost 3, of 10
        assert found["rank_biserial"] == pytest.approx(0.4)
        assert found["median_difference"] == pytest.approx(0.015)

    def test_many_subjects_are_said_to_be_approximated(self, rng):
        found = one(table_of(rng.normal(size=51)), rng, resamples=10)
        assert found["p_method"] == "normal"
        tied = one(table_of([0.25] * 13 + [-0.5]), rng, resamples=10)
        assert tied["p_method"] == "normal"


class TestInvariants:
    @pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
    def test_swapping_models_mirrors_the_row(self, scores, alternative):
        mirrored = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[alternative]
        draws = [np.random.default_rng(3), np.random.default_rng(3)]
        there = compare_paired(scores, [("3.2", "2.1")], rng=draws[0], alternative=alternative)
        back = compare_paired(scores, [("2.1", "3.2")], rng=draws[1], alternative=mirrored)
        there, back = there.iloc[0], back.iloc[0]
        assert there["p"] == pytest.approx(back["p"])
        for name in ("rank_biserial", "median_difference", "mean_difference"):
            assert there[name] == pytest.approx(-back[name])
        assert there["mean_difference_low"] == pytest.approx(-back["mean_difference_high"])

    def test_order_of_subjects_does_not_matter(self, scores, rng):
        other = scores.iloc[::-1]
        first, second = (
            compare_paired(table, PAIRS, rng=np.random.default_rng(1)) for table in (scores, other)
        )
        pd.testing.assert_frame_equal(first, second)


class TestHolm:
    def test_it_runs_over_exactly_the_pairs_given(self, scores, rng):
        found = compare_paired(scores, PAIRS, rng=rng)
        order = np.argsort(found["p"].to_numpy())
        expected, largest = np.empty(3), 0.0
        for step, place in enumerate(order):
            largest = max(largest, min(1.0, (3 - step) * found["p"].iloc[place]))
            expected[place] = largest
        np.testing.assert_allclose(found["p_holm"], expected)
        alone = compare_paired(scores, PAIRS[:1], rng=rng)
        assert alone["p_holm"].item() == alone["p"].item()

    def test_structures_and_pairs_are_one_exploratory_family(self, scores, rng):
        tables = {"ilium": scores, "femoral_head": scores + 0.1}
        found = compare_paired_each(tables, PAIRS[:2], rng=rng, resamples=10)
        assert set(found["family"]) == {"exploratory"}
        assert list(found["structure"]) == ["ilium"] * 2 + ["femoral_head"] * 2
        assert found["p_holm"].min() == pytest.approx(min(1.0, 4 * found["p"].min()))

    def test_columns_are_those_of_the_documentation(self, scores, rng):
        found = compare_paired(scores, PAIRS, rng=rng, resamples=10)
        documented = compare_paired.__doc__.split("One row per pair: ")[1].split(". Differences")[0]
        names = [part.split("(")[0].strip() for part in documented.split(",")]
        assert [name for name in names if name.isidentifier()] == list(found.columns)
        assert set(found["family"]) == {"confirmatory"}


class TestAgainstLibraries:
    @pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
    def test_p_is_scipys_and_effect_that_of_a_slow_loop(self, scores, rng, alternative):
        found = compare_paired(scores, PAIRS, rng=rng, alternative=alternative, resamples=10)
        for row in found.itertuples():
            difference = (scores[row.model_a] - scores[row.model_b]).to_numpy()
            assert row.p == stats.wilcoxon(difference, alternative=alternative).pvalue
            ranks = stats.rankdata(np.abs(difference))
            slow = sum(r if d > 0 else -r for r, d in zip(ranks, difference, strict=True))
            assert row.rank_biserial == pytest.approx(slow / ranks.sum())


class TestRefusals:
    def test_a_subject_without_a_model_is_named(self, scores, rng):
        scores.loc["T004", "2.2"] = np.nan
        with pytest.raises(ValueError, match="subject T004 has no finite value of model 2.2"):
            compare_paired(scores, PAIRS, rng=rng)
        with pytest.raises(ValueError, match="table of ilium: subject T004"):
            compare_paired_each({"ilium": scores}, PAIRS, rng=rng)

    def test_one_subject_is_too_few(self, scores, rng):
        with pytest.raises(ValueError, match="at least 2 subjects, got 1"):
            compare_paired(scores.head(1), PAIRS, rng=rng)

    def test_repeated_subjects_and_models_are_refused(self, scores, rng):
        with pytest.raises(ValueError, match="subjects must occur once, got T000"):
            compare_paired(pd.concat([scores, scores]), PAIRS, rng=rng)
        with pytest.raises(ValueError, match="models must occur once, got 2.1"):
            compare_paired(pd.concat([scores, scores], axis=1), PAIRS, rng=rng)

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            ([], "at least one pair"),
            ([("3.2", "9.9")], "model '9.9', table has"),
            ([("3.2", "3.2")], "two different models"),
            ([("3.2", "2.1"), ("2.1", "3.2")], "each once"),
        ],
    )
    def test_pairs_that_make_no_family(self, scores, rng, pairs, message):
        with pytest.raises(ValueError, match=message):
            compare_paired(scores, pairs, rng=rng)

    def test_unknown_options_and_empty_input(self, scores, rng):
        with pytest.raises(ValueError, match="alternative must be one of"):
            compare_paired(scores, PAIRS, rng=rng, alternative="better")
        with pytest.raises(ValueError, match="family must be one of"):
            compare_paired(scores, PAIRS, rng=rng, family="main")
        with pytest.raises(ValueError, match="at least one structure"):
            compare_paired_each({}, PAIRS, rng=rng)
