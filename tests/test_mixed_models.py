"""Mixed models: against closed forms of balanced data, on the boundary, and where a fit fails."""

import logging

import numpy as np
import pandas as pd
import pytest

from hipus.mixed_models import CLUSTER_ROBUST, MIXED, _falls_from_zero, fit_mixed


def sweeps(rng, *, subjects=30, each=4, between=2.0, within=1.0, slope=0.5) -> pd.DataFrame:
    """Return simulated errors of sweeps, of which several are one subject's."""
    owner = np.repeat(np.arange(subjects), each)
    drift = rng.normal(0, 3, len(owner))
    noise = rng.normal(0, between, subjects)[owner] + rng.normal(0, within, len(owner))
    return pd.DataFrame(
        {
            "subject_id": [f"T{number:03d}" for number in owner],
            "drift_mm": drift,
            "sweep_type": np.where(np.arange(len(owner)) % 2, "p_a", "p_d"),
            "error_deg": 1.0 + slope * drift + noise,
        }
    )


def sitting_at_zero() -> pd.DataFrame:
    """Return values whose group means agree exactly, so that nothing lies between groups."""
    rows = pd.DataFrame({"subject_id": np.repeat(np.arange(8), 4), "drift_mm": [0.0, 1, 2, 3] * 8})
    sign = np.repeat([1, -1], 16)
    return rows.assign(error_deg=rows["drift_mm"] + sign * np.tile([1.0, -1, -1, 1], 8))


def restricted_likelihood(values, design, groups, *, ratio) -> float:
    """Return the restricted log-likelihood, textbook form, at between / within = ratio."""
    covariance = np.eye(len(values)) + ratio * (groups[:, None] == groups)
    inverse = np.linalg.inv(covariance)
    information = design.T @ inverse @ design
    residual = values - design @ np.linalg.solve(information, design.T @ inverse @ values)
    free = len(values) - design.shape[1]
    determinants = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(information)[1]
    return -0.5 * (free * np.log(residual @ inverse @ residual) + determinants)


class TestBalancedData:
    def test_variances_are_those_of_analysis_of_variance(self, rng):
        """Balanced: REML is ANOVA, within MS_w and between (MS_b - MS_w) / n (Searle 1992)."""
        rows = sweeps(rng, slope=0.0)
        found = fit_mixed(rows, "error_deg", factors=[], group="subject_id")
        groups = rows.groupby("subject_id")["error_deg"]
        within, between = groups.var(ddof=1).mean(), 4 * groups.mean().var(ddof=1)
        assert found.method == MIXED
        assert found.residual_variance == pytest.approx(within, rel=1e-3)
        assert found.group_variance == pytest.approx((between - within) / 4, rel=1e-3)

    def test_the_intercept_has_the_interval_of_subjects_means(self, rng):
        """Balanced: t of 30 means with 29 degrees of freedom, exactly."""
        from scipy import stats

        rows = sweeps(rng, slope=0.0)
        (term,) = fit_mixed(rows, "error_deg", factors=[], group="subject_id").terms
        means = rows.groupby("subject_id")["error_deg"].mean()
        peer = stats.ttest_1samp(means, 0.0)
        interval = peer.confidence_interval(0.95)
        assert term.coefficient == pytest.approx(means.mean())
        assert (term.low, term.high) == pytest.approx((interval.low, interval.high), rel=1e-3)
        assert term.p == pytest.approx(peer.pvalue, rel=1e-2)


class TestTerms:
    def test_numbers_booleans_and_categories_become_named_terms(self, rng):
        rows = sweeps(rng).assign(
            moved=lambda t: t["drift_mm"] > 0,
            poses=lambda t: pd.Categorical(
                np.resize(["true", "tracked", "predicted"], len(t)),
                categories=["true", "tracked", "predicted", "unused"],
            ),
        )
        factors = ["drift_mm", "moved", "sweep_type", "poses"]
        found = fit_mixed(rows, "error_deg", factors=factors, group="subject_id")
        assert [term.name for term in found.terms] == [
            *("intercept", "drift_mm", "moved", "sweep_type[p_d]"),
            *("poses[tracked]", "poses[predicted]"),
        ]

    def test_a_known_slope_is_found_and_a_nil_factor_is_not(self, rng):
        found = fit_mixed(
            sweeps(rng), "error_deg", factors=["drift_mm", "sweep_type"], group="subject_id"
        )
        slope, kind = found.terms[1:]
        assert slope.low < 0.5 < slope.high
        assert slope.high - slope.low < 0.3
        assert slope.p < 1e-6
        assert kind.low < 0 < kind.high
        assert found.group_variance == pytest.approx(4.0, abs=2.5)
        assert (found.row_count, found.group_count) == (120, 30)

    def test_a_factor_in_other_units_changes_its_coefficient_only(self, rng):
        rows = sweeps(rng)
        there, back = (
            fit_mixed(
                rows.assign(drift_mm=rows["drift_mm"] * unit),
                "error_deg",
                factors=["drift_mm"],
                group="subject_id",
            )
            for unit in (1.0, 1000.0)
        )
        assert back.terms[1].coefficient == pytest.approx(there.terms[1].coefficient / 1000)
        assert back.terms[1].p == pytest.approx(there.terms[1].p, rel=0.02)

    def test_slopes_are_covered_about_as_often_as_said(self):
        """10 subjects, a factor that is one per subject; Monte Carlo error of 120 trials 2 %."""
        rng, hits = np.random.default_rng(4), 0
        for _ in range(120):
            rows = sweeps(rng, subjects=10, each=3, slope=0.0)
            rows["drift_mm"] = np.repeat(rng.normal(size=10), 3)
            term = fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id").terms[1]
            hits += term.low <= 0 <= term.high
        assert 0.89 <= hits / 120 <= 0.99

    def test_a_higher_level_is_wider(self, rng):
        rows = sweeps(rng)
        narrow, wide = (
            fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id", level=level)
            for level in (0.5, 0.95)
        )
        assert wide.terms[1].low < narrow.terms[1].low < narrow.terms[1].high < wide.terms[1].high

    def test_the_table_says_method_and_counts_beside_each_term(self, rng):
        table = fit_mixed(
            sweeps(rng), "error_deg", factors=["drift_mm"], group="subject_id"
        ).table()
        assert list(table["name"]) == ["intercept", "drift_mm"]
        assert set(table["method"]) == {MIXED}
        assert set(table["group_count"]) == {30}


class TestTheBoundary:
    def test_no_variance_between_subjects_gives_cluster_robust_least_squares(self):
        rows = sitting_at_zero()
        found = fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id")
        assert (found.method, found.is_converged) == (CLUSTER_ROBUST, True)
        assert "the variance between subject_id sits at zero" in found.note
        assert found.group_variance == 0.0
        slope = np.polyfit(rows["drift_mm"], rows["error_deg"], 1)[0]
        assert found.terms[1].coefficient == pytest.approx(slope)

    def test_its_errors_are_the_sandwich_over_subjects(self, rng):
        """Liang and Zeger's sandwich by hand, with G/(G-1) (N-1)/(N-k)."""
        rows = sitting_at_zero()
        rows["error_deg"] += 0.3 * rng.normal(size=8).repeat(4) * np.tile([1, -1, 1, -1], 8)
        found = fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id")
        assert found.method == CLUSTER_ROBUST
        design = np.column_stack([np.ones(32), rows["drift_mm"]])
        bread = np.linalg.inv(design.T @ design)
        residual = rows["error_deg"].to_numpy() @ (np.eye(32) - design @ bread @ design.T)
        scores = (design * residual[:, None]).reshape(8, 4, 2).sum(axis=1)
        covariance = bread @ scores.T @ scores @ bread * (8 / 7) * (31 / 30)
        assert [term.standard_error for term in found.terms] == pytest.approx(
            np.sqrt(np.diag(covariance))
        )

    def test_no_fit_on_the_boundary_is_given_up(self, caplog):
        """Optimisers stumble over an infinite likelihood at the 19th of these."""
        rng = np.random.default_rng(10)
        methods = set()
        for _ in range(20):
            rows = sweeps(rng, subjects=10, between=0.0, slope=0.0)
            found = fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id")
            assert found.is_converged
            methods.add(found.method)
        assert methods == {MIXED, CLUSTER_ROBUST}
        assert caplog.text == ""

    def test_the_slope_at_zero_is_that_of_the_restricted_likelihood(self, rng):
        """Its sign, against the likelihood itself at a variance of 0 and just above."""
        signs = set()
        for _ in range(20):
            rows = sweeps(rng, subjects=6, each=3, between=0.3)
            values, groups = rows["error_deg"].to_numpy(), np.repeat(np.arange(6), 3)
            design = np.column_stack([np.ones(18), rows["drift_mm"]])
            near, off = (restricted_likelihood(values, design, groups, ratio=r) for r in (0, 1e-5))
            assert _falls_from_zero(values, design, groups) == (off < near)
            signs.add(off < near)
        assert signs == {True, False}

    def test_a_true_variance_is_not_mistaken_for_zero(self):
        """L-BFGS puts some of these at zero with an infinite likelihood."""
        rng = np.random.default_rng(0)
        for _ in range(20):
            found = fit_mixed(
                sweeps(rng, subjects=12, each=6, between=1.0),
                "error_deg",
                factors=["drift_mm"],
                group="subject_id",
            )
            assert found.method == MIXED
            assert found.terms[0].standard_error < 1


class TestFailures:
    def check_failed(self, found, why):
        """Check that a failed fit has no number but a reason."""
        assert not found.is_converged
        assert why in found.note
        numbers = found.table()[["coefficient", "standard_error", "low", "high", "p"]]
        assert numbers.isna().all(axis=None)
        assert np.isnan([found.group_variance, found.residual_variance]).all()

    def test_an_optimiser_that_stopped_early_gives_no_numbers(self, rng, caplog):
        with caplog.at_level(logging.WARNING):
            found = fit_mixed(
                sweeps(rng), "error_deg", factors=["drift_mm"], group="subject_id", iterations=1
            )
        self.check_failed(found, "did not converge in 1 iterations")
        assert "model of error_deg: the fit did not converge" in caplog.text

    def test_an_exact_fit_is_singular(self, rng):
        rows = sweeps(rng).assign(error_deg=lambda t: 2 * t["drift_mm"])
        found = fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id")
        self.check_failed(found, "the fit")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"factors": ["age_days"]}, r"needs columns \['age_days'\], has"),
            ({"factors": ["drift_mm", "drift_mm"]}, "must be different columns"),
            ({"factors": ["gap"]}, "column gap must be complete and finite, 1 of 120 rows are not"),
            ({"factors": ["endless"]}, "column endless must be complete and finite"),
            ({"factors": ["one"]}, r"determine each other or be constant, .*'one'"),
            ({"factors": ["drift_mm", "drift_cm"]}, "must not determine each other"),
            ({"group": "sweep_type", "factors": []}, "at least 3 different sweep_type, got 2"),
            ({"level": 95}, "level must be between 0 and 1 and iterations >= 1, got 95 and 500"),
            ({"iterations": 0}, "got 0.95 and 0"),
        ],
    )
    def test_what_cannot_be_fitted_is_named(self, rng, changes, message):
        rows = sweeps(rng).assign(one=1.0, drift_cm=lambda t: t["drift_mm"] / 10)
        rows["gap"] = rows["endless"] = rows["drift_mm"]
        rows.loc[5, ["gap", "endless"]] = np.nan, np.inf
        options = {"factors": ["drift_mm"], "group": "subject_id"} | changes
        with pytest.raises(ValueError, match=message):
            fit_mixed(rows, "error_deg", **options)

    def test_more_terms_than_rows_are_refused(self, rng):
        rows = sweeps(rng, subjects=3, each=1)
        with pytest.raises(ValueError, match="2 terms need at least 4 rows, got 3"):
            fit_mixed(rows, "error_deg", factors=["drift_mm"], group="subject_id")
