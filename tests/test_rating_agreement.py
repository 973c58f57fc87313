"""Agreement on ordered grades: hand-worked kappas, scikit-learn, and a slow bootstrap."""

import numpy as np
import pandas as pd
import pytest

from hipus.rating_agreement import WEIGHTS, compare_ratings

GRADES = ("insufficient", "adequate", "good")


def compare(first, second, rng, *, subjects=None, **options):
    """Compare lists of grades, given by their first letters, case by case."""
    full = {grade[0]: grade for grade in GRADES}
    owner = subjects or [f"T{number:03d}" for number in range(len(first))]
    cases = [f"case{number}" for number in range(len(first))]
    return compare_ratings(
        {case: full[letter] for case, letter in zip(cases, first, strict=True)},
        {case: full[letter] for case, letter in zip(cases, second, strict=True)},
        subjects=dict(zip(cases, owner, strict=True)),
        grades=GRADES,
        rng=rng,
        **options,
    )


def values_of(found) -> dict[str, float]:
    """Return each measure's value."""
    return {item.measure: item.value for item in found.measures}


class TestByHand:
    def test_weights_grow_with_the_distance_of_grades(self, rng):
        """Pairs ii, ii, ga, gg: a quarter of the cases is one grade apart.

        By chance (margins 1/2, 0, 1/2 and 1/2, 1/4, 1/4) ia 1/8, ig 1/8, gi 1/4, ga 1/8 differ:
        unweighted 5/8, linear 1/8 + 2/8 + 2/4 + 1/8 = 1, quadratic 1/8 + 4/8 + 4/4 + 1/8 = 7/4.
        """
        found = values_of(compare("iigg", "iiag", rng))
        assert found["percent_agreement"] == 75.0
        assert found["kappa_unweighted"] == pytest.approx(1 - 2 / 5)
        assert found["kappa_linear"] == pytest.approx(1 - 1 / 4)
        assert found["kappa_quadratic"] == pytest.approx(1 - 1 / 7)

    def test_full_agreement_is_one_and_reversal_is_minus_one(self, rng):
        agreeing = values_of(compare("iagiag", "iagiag", rng))
        assert agreeing == {
            "percent_agreement": 100.0,
            "kappa_unweighted": 1.0,
            "kappa_linear": 1.0,
            "kappa_quadratic": 1.0,
        }
        assert values_of(compare("igig", "gigi", rng))["kappa_quadratic"] == pytest.approx(-1.0)

    def test_one_grade_for_all_leaves_kappa_undefined_and_percent_full(self, rng):
        found = compare("ggg", "ggg", rng)
        assert values_of(found)["percent_agreement"] == 100.0
        assert np.isnan(values_of(found)["kappa_linear"])
        assert {item.undefined_share for item in found.measures[1:]} == {1.0}

    def test_confusion_has_the_first_rater_in_rows(self, rng):
        found = compare("iigg", "iiag", rng)
        expected = pd.DataFrame([[2, 0, 0], [0, 0, 0], [0, 1, 1]], index=GRADES, columns=GRADES)
        pd.testing.assert_frame_equal(found.confusion, expected)
        assert (found.case_count, found.subject_count) == (4, 4)


class TestReferences:
    @pytest.mark.parametrize("name", WEIGHTS)
    def test_kappa_is_that_of_scikit_learn(self, rng, name):
        from sklearn.metrics import cohen_kappa_score

        first = "".join(rng.choice(list("iag"), 40, p=[0.1, 0.3, 0.6]))
        second = "".join(
            a if keep else "a" for a, keep in zip(first, rng.random(40) < 0.6, strict=True)
        )
        peer = cohen_kappa_score(
            list(first),
            list(second),
            labels=list("iag"),
            weights=name.replace("unweighted", "") or None,
        )
        assert values_of(compare(first, second, rng))[f"kappa_{name}"] == pytest.approx(peer)

    def test_interval_is_that_of_a_slow_loop_over_subjects(self, rng):
        subjects = list(np.repeat(np.arange(12), 3))
        first = list(rng.choice(list("iag"), 36))
        second = [a if keep else "a" for a, keep in zip(first, rng.random(36) < 0.6, strict=True)]
        found = compare(first, second, rng, subjects=subjects, resamples=4000)
        slow = []
        for _ in range(1000):
            drawn = [3 * owner + k for owner in rng.integers(0, 12, 12) for k in range(3)]
            pick = [[given[i] for i in drawn] for given in (first, second)]
            slow.append(values_of(compare(*pick, rng, resamples=1))["kappa_linear"])
        linear = next(item for item in found.measures if item.measure == "kappa_linear")
        assert linear.low == pytest.approx(np.quantile(slow, 0.025), abs=0.04)
        assert linear.high == pytest.approx(np.quantile(slow, 0.975), abs=0.04)

    def test_swapping_raters_changes_nothing_but_the_side_of_the_table(self, rng):
        there, back = compare("iaggg", "iagag", rng), compare("iagag", "iaggg", rng)
        assert values_of(there) == pytest.approx(values_of(back))
        np.testing.assert_array_equal(there.confusion, back.confusion.T)

    def test_one_subject_says_nothing_of_others(self, rng):
        found = compare("iag", "iaa", rng, subjects=["T001"] * 3)
        assert all(np.isnan([item.low, item.high]).all() for item in found.measures)

    def test_table_has_one_row_per_measure(self, rng):
        table = compare("iag", "iaa", rng).table()
        assert list(table["measure"]) == ["percent_agreement", *(f"kappa_{w}" for w in WEIGHTS)]
        assert set(table["case_count"]) == {3}


class TestRefusals:
    def ratings(self, rng, **changes):
        """Compare two cases with some arguments changed."""
        given = {
            "first": {"a": "good", "b": "adequate"},
            "second": {"a": "good", "b": "good"},
            "subjects": {"a": "T001", "b": "T002"},
            "grades": GRADES,
            "rng": rng,
        } | changes
        return compare_ratings(given.pop("first"), given.pop("second"), **given)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"second": {"a": "good"}}, r"same cases, got 2 and 1; only one of them .*'b'"),
            ({"first": {}, "second": {}}, "at least one case"),
            ({"subjects": {"a": "T001"}}, "subject of every case, got none of b"),
            ({"second": {"a": "good", "b": "fair"}}, "second rater: grade of b .* got 'fair'"),
            ({"grades": ("good", "good")}, "at least 2 different names"),
            ({"level": 1.0}, "level between 0 and 1, got 10000 and 1.0"),
            ({"resamples": 0}, "resamples must be >= 1"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, rng, changes, message):
        with pytest.raises(ValueError, match=message):
            self.ratings(rng, **changes)

    def test_series_are_taken_as_mappings(self, rng):
        found = self.ratings(rng, first=pd.Series({"a": "good", "b": "adequate"}))
        assert found.case_count == 2
