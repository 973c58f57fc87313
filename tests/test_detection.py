"""ROC and decisions: hand-worked, scikit-learn and a slow bootstrap as references."""

import numpy as np
import pytest
from scipy import stats

from hipus.detection import decide, roc

#: Alphas found, whether the true one is below 60 deg, and whose hip it is.
ALPHA_DEG = [50.0, 58.0, 61.0, 59.0, 64.0, 70.0]
IS_SHALLOW = [True, True, True, False, False, False]
OWNERS = list("aabbcc")


def hips(rng, *, subjects=40, each=2, noise=3.0):
    """Return simulated found alphas, whether the true one is below 60 deg, and owners."""
    owner = np.repeat(np.arange(subjects), each)
    true = 62 + 6 * rng.normal(size=subjects)[owner]
    return true + noise * rng.normal(size=len(owner)), true < 60, owner


class TestRoc:
    def test_auc_is_the_share_of_ordered_pairs(self, rng):
        """Of nine pairs only (61, 59) stands the wrong way round."""
        found = roc(ALPHA_DEG, IS_SHALLOW, subjects=OWNERS, rng=rng)
        assert found.auc.value == pytest.approx(8 / 9)
        assert (found.positive_count, found.negative_count, found.subject_count) == (3, 3, 3)
        assert found.reason == ""

    def test_the_other_side_is_its_complement(self, rng):
        low, high = (
            roc(ALPHA_DEG, IS_SHALLOW, subjects=OWNERS, rng=rng, positive_side=side).auc.value
            for side in ("low", "high")
        )
        assert low + high == pytest.approx(1.0)

    def test_ties_count_half(self, rng):
        found = roc([1.0, 1.0, 2.0], [True, False, False], subjects=list("abc"), rng=rng)
        assert found.auc.value == 0.75

    def test_the_curve_runs_from_calling_nobody_to_calling_all(self, rng):
        curve = roc(ALPHA_DEG, IS_SHALLOW, subjects=OWNERS, rng=rng).curve
        assert tuple(curve.iloc[0]) == (-np.inf, 0.0, 1.0)
        assert tuple(curve.iloc[-1]) == (70.0, 1.0, 0.0)
        at_58 = curve.set_index("threshold").loc[58.0]
        assert tuple(at_58) == pytest.approx((2 / 3, 1.0))

    def test_the_area_under_the_curve_is_the_auc(self, rng):
        score, truth, owner = hips(rng)
        found = roc(score, truth, subjects=owner, rng=rng, resamples=10)
        area = np.trapezoid(found.curve["sensitivity"], 1 - found.curve["specificity"])
        assert area == pytest.approx(found.auc.value)

    def test_auc_is_that_of_scikit_learn(self, rng):
        from sklearn.metrics import roc_auc_score

        score, truth, owner = hips(rng)
        score = np.round(score)  # with ties
        found = roc(score, truth, subjects=owner, rng=rng, resamples=10)
        assert found.auc.value == pytest.approx(roc_auc_score(truth, -score))

    @pytest.mark.parametrize(("truth", "name"), [(True, "positive"), (False, "negative")])
    def test_one_class_has_no_auc_but_a_reason(self, rng, truth, name):
        found = roc(ALPHA_DEG, [truth] * 6, subjects=OWNERS, rng=rng)
        assert np.isnan([found.auc.value, found.auc.low, found.auc.high]).all()
        assert found.reason == f"all 6 cases are {name}"
        assert len(found.curve) == 0


class TestIntervals:
    def test_auc_has_that_of_a_slow_loop_over_subjects(self, rng):
        from sklearn.metrics import roc_auc_score

        score, truth, owner = hips(rng, subjects=25)
        found = roc(score, truth, subjects=owner, rng=rng, resamples=4000, level=0.8)
        tail = stats.norm.cdf(-np.sqrt(25 / 24) * stats.t.ppf(0.9, 24))  # 25 are few
        slow = []
        for _ in range(600):
            rows = np.concatenate([2 * rng.integers(0, 25, 25) + k for k in (0, 1)])
            slow.append(roc_auc_score(truth[rows], -score[rows]))
        assert found.auc.low == pytest.approx(np.quantile(slow, tail), abs=0.015)
        assert found.auc.high == pytest.approx(np.quantile(slow, 1 - tail), abs=0.015)

    def test_hips_of_few_subjects_count_less_than_as_many_subjects(self, rng):
        score, truth, owner = hips(rng, subjects=20, each=8, noise=0.1)
        score = score + np.repeat(4 * rng.normal(size=20), 8)
        few = roc(score, truth, subjects=owner, rng=rng, resamples=1000).auc
        many = roc(score, truth, subjects=np.arange(160), rng=rng, resamples=1000).auc
        assert few.high - few.low > 1.7 * (many.high - many.low)

    def test_the_true_auc_is_covered_about_as_often_as_said(self):
        """Positives 0, negatives 1 on average, SD 1: AUC Phi(1 / sqrt 2) = 0.760."""
        rng, hits = np.random.default_rng(6), 0
        truth, owner = np.tile([True, False], 40), np.repeat(np.arange(40), 2)
        for _ in range(200):
            found = roc(rng.normal(size=80) + ~truth, truth, subjects=owner, rng=rng, resamples=300)
            hits += found.auc.low <= 0.76025 <= found.auc.high
        assert 0.88 <= hits / 200 <= 0.99

    def test_draws_of_one_class_are_told(self, rng):
        """Two subjects of a class each: half of the draws are of one of them alone."""
        found = roc([1.0, 2.0], [True, False], subjects=["a", "b"], rng=rng, resamples=4000)
        assert found.auc.undefined_share == pytest.approx(0.5, abs=0.03)


class TestDecide:
    def test_counts_are_those_of_the_threshold(self, rng):
        found = decide(ALPHA_DEG, IS_SHALLOW, threshold=60.0, subjects=OWNERS, rng=rng)
        assert (found.true_positives, found.false_negatives) == (2, 1)
        assert (found.true_negatives, found.false_positives) == (2, 1)
        assert found.sensitivity.value == pytest.approx(2 / 3)
        assert found.specificity.value == pytest.approx(2 / 3)

    def test_sixty_degrees_is_not_below_sixty(self, rng):
        low, high = (
            decide(
                [60.0, 60.0],
                [True, False],
                threshold=60.0,
                subjects=["a", "b"],
                rng=rng,
                positive_side=side,
            )
            for side in ("low", "high")
        )
        assert (low.sensitivity.value, low.specificity.value) == (0.0, 1.0)
        assert (high.sensitivity.value, high.specificity.value) == (1.0, 0.0)

    def test_hips_of_a_subject_are_drawn_together(self, rng):
        """Every subject has one of two positives called."""
        found = decide(
            [50.0, 70.0] * 3, [True] * 6, threshold=60.0, subjects=OWNERS, rng=rng, resamples=50
        )
        assert (found.sensitivity.low, found.sensitivity.high) == (0.5, 0.5)
        assert np.isnan(found.specificity.value)
        assert found.reason == "all 6 cases are positive"

    def test_the_table_has_both_shares_with_counts(self, rng):
        table = decide(ALPHA_DEG, IS_SHALLOW, threshold=60.0, subjects=OWNERS, rng=rng).table()
        assert list(table["quantity"]) == ["sensitivity", "specificity"]
        assert set(table["false_positives"]) == {1}


class TestRefusals:
    @pytest.mark.parametrize(
        ("score", "truth", "options", "message"),
        [
            ([], [], {}, r"\(K,\) with K > 0, got \(0,\) and \(0,\)"),
            ([1.0], [True, False], {}, r"got \(1,\) and \(2,\)"),
            ([1.0, np.nan], [True, False], {}, "score must be finite, got nan in row 1 and 0 more"),
            ([1.0, 2.0], [1, 0], {}, "truth must be boolean, got int64"),
            ([1.0, 2.0], [True, False], {"positive_side": "both"}, "one of .*, got 'both'"),
        ],
    )
    def test_what_is_no_score_of_a_truth_is_named(self, rng, score, truth, options, message):
        with pytest.raises(ValueError, match=message):
            roc(score, truth, subjects=["a", "b"][: len(score)], rng=rng, **options)

    def test_a_threshold_that_is_none(self, rng):
        with pytest.raises(ValueError, match="threshold must be finite, got nan"):
            decide([1.0], [True], threshold=np.nan, subjects=["a"], rng=rng)
