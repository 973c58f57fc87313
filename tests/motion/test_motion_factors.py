"""Drift whose causes are known: their effects are found again, and confused with nothing."""

import numpy as np
import pandas as pd
import pytest
from made_factors import errors_of, grid_sweeps, motion_sweeps, protocol_sweeps

from hipus.motion import factor_fit
from hipus.motion.factor_claims import IN_PART, contrast, factor_verdicts
from hipus.motion.factor_experiment import (
    COLUMNS,
    DESIGNS,
    PROTOCOL,
    factor_effects,
    factor_table,
    sweeps_of,
)
from hipus.motion.findings import HOLDS, NOT_RUN, NOT_TOLD_APART, OPPOSITE

RESAMPLES = 400


def linear(path, time, moved, motion, truth):
    """Drift 0.1 mm a mm of path, 0.2 mm a second, and 0.5 mm a mm that the infant moved."""
    return 1 + 0.1 * path + 0.2 * time + (0.5 * moved if truth == "vs_tracker" else 0)


@pytest.fixture
def table(rng) -> pd.DataFrame:
    """Return protocol, grid and motion sweeps that follow `linear`."""
    sweeps = pd.concat([protocol_sweeps(rng), grid_sweeps(), motion_sweeps()])
    return factor_table(errors_of(sweeps, linear), sweeps)


class TestTable:
    """One arm's errors beside what was simulated."""

    def test_row_holds_error_and_plan(self, table):
        assert tuple(table.columns) == COLUMNS
        row = table[(table.sweep_id == "left_p_a_40.0_4.0_2.0") & (table.truth == "vs_tracker")]
        (row,) = row.itertuples()
        assert (row.path_mm, row.duration_s, row.infant_motion) == (40, 4, 2)
        assert row.infant_moved_mm == 4
        assert row.final_mm == pytest.approx(1 + 4 + 0.8 + 2)
        assert (row.arm, row.variant, row.sweep_type) == ("made", "grid", "p_a")

    def test_both_truths_of_every_sweep_are_there_in_order(self, table):
        assert len(table) == 2 * (24 + 8 + 8)
        key = ["variant", "subject_id", "sweep_id", "truth"]
        assert table[key].equals(table[key].sort_values(key).reset_index(drop=True))

    def test_thinned_sweeps_are_left_out(self):
        sweeps = grid_sweeps()
        rows = errors_of(sweeps, linear)
        both = pd.concat([rows, rows.assign(frame_spacing=0.5, final_mm=99.0)])
        assert factor_table(both, sweeps)["final_mm"].max() < 99

    def test_two_arms_are_refused(self):
        sweeps = grid_sweeps()
        rows = errors_of(sweeps, linear)
        with pytest.raises(ValueError, match=r"rows must be of one arm, got \['made', 'other'\]"):
            factor_table(pd.concat([rows, rows.assign(arm="other")]), sweeps)

    def test_a_sweep_twice_is_refused(self):
        sweeps = grid_sweeps()
        rows = errors_of(sweeps, linear)
        with pytest.raises(ValueError, match="sweep S601 left_p_a_20.0_4.0_0.0 appears twice"):
            factor_table(pd.concat([rows, rows[:1]]), sweeps)

    def test_a_sweep_without_truth_is_refused(self):
        sweeps = grid_sweeps()
        with pytest.raises(ValueError, match=r"S601 left_p_a_20.0_4.0_0.0 has no truth.*2 such"):
            factor_table(errors_of(sweeps, linear), sweeps[1:])

    @pytest.mark.parametrize("place", ["rows", "sweeps"])
    def test_missing_column_is_named(self, place):
        sweeps = grid_sweeps()
        tables = {"rows": errors_of(sweeps, linear), "sweeps": sweeps}
        name = {"rows": "final_axial_mm", "sweeps": "truth_infant_moved_mm"}[place]
        tables[place] = tables[place].drop(columns=name)
        with pytest.raises(ValueError, match=rf"{place} lacks the columns \['{name}'\]"):
            factor_table(**tables)


class TestEffects:
    """Exact drift gives back its rule in every design."""

    @pytest.fixture
    def effects(self, table, rng) -> pd.DataFrame:
        """Return the effects, by design, truth and factor."""
        found = factor_effects(table, rng, resamples=RESAMPLES)
        return found.set_index(["design", "truth", "factor"])

    @pytest.mark.parametrize("design", ["protocol", "protocol, within type"])
    def test_confounded_factors_of_the_protocol_are_told_apart(self, effects, design):
        expected = {"path_mm": 0.1, "duration_s": 0.2, "infant_moved_mm": 0.5}
        for factor, slope in expected.items():
            row = effects.loc[(design, "vs_tracker", factor)]
            assert row[["mm_per_unit", "low_per_unit", "high_per_unit"]].tolist() == pytest.approx(
                [slope] * 3, abs=1e-6
            )
            assert row["mm_per_sd"] == pytest.approx(slope * row["sd"])
            assert row["explained_percent"] == pytest.approx(100)
        assert effects.loc[(design, "vs_hip", "infant_moved_mm"), "mm_per_unit"] == pytest.approx(
            0, abs=1e-6
        )

    def test_grid_gives_the_textbook_main_effects(self, effects, table):
        grid = table[(table.variant == "grid") & (table.truth == "vs_tracker")]
        for factor in ("path_mm", "duration_s", "infant_motion"):
            row = effects.loc[("grid", "vs_tracker", factor)]
            means = grid.groupby(factor)["final_mm"].mean()
            assert row["mm_per_unit"] * row["range"] == pytest.approx(means.iloc[1] - means.iloc[0])
            assert row["subject_count"] == 1
            assert row["sweep_count"] == 8
            ends = row[["low", "high", "low_per_unit", "high_per_unit"]]
            assert ends.isna().all()

    def test_same_sweep_with_other_motion_needs_no_other_sweep(self, effects):
        row = effects.loc[("same sweep, other motion", "vs_tracker", "infant_motion")]
        assert row["mm_per_unit"] == pytest.approx(0.5 * 1.5)
        assert (row["sweep_count"], row["subject_count"]) == (6, 2)
        assert effects.loc[
            ("same sweep, other motion", "vs_hip", "infant_motion"), "mm_per_unit"
        ] == pytest.approx(0, abs=1e-9)

    def test_units_and_order_are_those_of_the_designs(self, effects):
        assert list(dict.fromkeys(effects.index.get_level_values(0))) == [d.name for d in DESIGNS]
        units = effects.groupby(level="factor")["unit"].first().to_dict()
        assert units == {
            "path_mm": "mm", "duration_s": "s", "infant_moved_mm": "mm", "infant_motion": "x"
        }  # fmt: skip

    def test_a_factor_that_does_not_vary_has_no_effect(self, rng):
        sweeps = grid_sweeps()
        sweeps = sweeps[sweeps.truth_duration_s == 4]
        found = factor_effects(
            factor_table(errors_of(sweeps, linear), sweeps), rng, resamples=RESAMPLES
        )
        by_factor = found[found.truth == "vs_tracker"].set_index("factor")["mm_per_unit"]
        assert np.isnan(by_factor["duration_s"])
        assert by_factor["path_mm"] == pytest.approx(0.1)

    def test_level_of_a_subject_is_not_taken_for_an_effect(self, rng):
        sweeps = grid_sweeps(("S601", "S602"))
        sweeps = sweeps[(sweeps.subject_id == "S601") | (sweeps.truth_path_length_mm == 40)]
        rows = errors_of(sweeps, linear)
        rows.loc[rows.subject_id == "S602", "final_mm"] += 100
        found = factor_effects(factor_table(rows, sweeps), rng, resamples=RESAMPLES)
        row = found[(found.truth == "vs_tracker") & (found.factor == "path_mm")].iloc[0]
        assert row.mm_per_unit == pytest.approx(0.1)

    @pytest.mark.parametrize("wrong", [{"resamples": 0}, {"level": 1.0}])
    def test_numbers_out_of_range_are_refused(self, table, rng, wrong):
        with pytest.raises(ValueError, match="resamples must be >= 1 and level between 0 and 1"):
            factor_effects(table, rng, **wrong)

    def test_table_of_no_design_is_refused(self, table, rng):
        with pytest.raises(ValueError, match=r"sweeps of no design, got variants \{'other'\}"):
            factor_effects(table.assign(variant="other"), rng)


class TestFit:
    """Least squares and resampling against a slow loop of NumPy's."""

    @pytest.fixture
    def part(self, rng) -> pd.DataFrame:
        """Return noisy protocol sweeps against the tracker."""
        sweeps = protocol_sweeps(rng, subjects=5)
        rows = errors_of(sweeps, lambda *at: linear(*at) + rng.normal())
        return sweeps_of(factor_table(rows, sweeps), PROTOCOL, "vs_tracker")

    @staticmethod
    def slow(part) -> np.ndarray:
        """Return the slopes of raw factors and an intercept."""
        X = np.column_stack([part[list(PROTOCOL.factors)], np.ones(len(part))])
        return np.linalg.lstsq(X, part["final_mm"].to_numpy(), rcond=None)[0][:3]

    def test_slopes_and_explained_share(self, part, rng):
        fit = factor_fit.fitted(part, PROTOCOL, rng=rng, resamples=10)
        np.testing.assert_allclose(fit.mm_per_unit, self.slow(part), rtol=1e-8)
        X = np.column_stack([part[list(PROTOCOL.factors)], np.ones(len(part))])
        rest = part["final_mm"] - X @ np.linalg.lstsq(X, part["final_mm"], rcond=None)[0]
        assert fit.explained == pytest.approx(1 - rest.var() / part["final_mm"].var())

    def test_each_resample_is_a_fit_of_the_subjects_drawn(self, part, rng):
        fit = factor_fit.fitted(part, PROTOCOL, rng=rng, resamples=20)
        owners = sorted(set(part["subject_id"]))
        assert (fit.draws.sum(axis=1) == len(owners)).all()
        for drawn, slopes in zip(fit.draws, fit.resampled, strict=True):
            if (drawn > 0).sum() < 2:
                continue  # four sweeps, four unknowns: the slow loop loses its digits
            copies = [part[part.subject_id == one] for one in np.repeat(owners, drawn)]
            np.testing.assert_allclose(slopes, self.slow(pd.concat(copies)), rtol=1e-6)

    def test_resample_that_cannot_tell_says_nothing(self):
        told = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 5.0], [4.0, np.nan]])
        low, high = factor_fit.interval(told, 0.5)
        assert (low[0], high[0]) == (1.75, 3.25)
        assert np.isnan([low[1], high[1]]).all()

    def test_interval_leaves_single_gaps_out(self):
        low, high = factor_fit.interval(np.array([[1.0], [np.nan], [3.0]]), 0.5)
        assert (low[0], high[0]) == (1.5, 2.5)


class TestVerdicts:
    """Of S63d and S63e, on infants whose drift has one known cause."""

    @staticmethod
    def verdicts(rng, drift, *, moved=(0.5, 0.5), lateral=1 / 3) -> pd.DataFrame:
        """Return the verdicts against the tracker, by statement."""
        sweeps = protocol_sweeps(rng, subjects=12, moved=moved)
        rows = errors_of(sweeps, lambda *at: drift(*at) + rng.normal(0, 0.2), lateral=lateral)
        found = factor_verdicts(factor_table(rows, sweeps), rng, resamples=RESAMPLES)
        return found[found.truth == "vs_tracker"].set_index("claim_id")

    def test_path_explains_and_motion_does_not(self, rng):
        row = self.verdicts(rng, linear).loc["S63e"]
        assert row.verdict == OPPOSITE
        assert row.path_share_mm == pytest.approx(2, abs=0.6)
        assert row.duration_share_mm == pytest.approx(-0.4, abs=0.4)
        assert abs(row.motion_share_mm) < 0.3
        assert row.low > 0
        assert f"path gives {row.path_share_mm:+.1f}" in row.sentence
        assert row.sentence.endswith(f"{OPPOSITE}.")

    def test_motion_explains_where_infants_move_more_in_p_d(self, rng):
        row = self.verdicts(rng, lambda path, time, moved, *_: 2 + moved, moved=(0.5, 2.5)).loc[
            "S63e"
        ]
        assert row.verdict == HOLDS
        assert row.motion_share_mm == pytest.approx(row.difference_mm, abs=0.5)

    def test_nothing_is_explained_where_nothing_differs(self, rng):
        found = self.verdicts(rng, lambda *_: 3.0)
        assert found.loc["S63e", "verdict"] == NOT_TOLD_APART
        assert "nothing sure to explain" in found.loc["S63e", "sentence"]
        assert found.loc["S63d", "verdict"] == NOT_TOLD_APART

    @pytest.mark.parametrize(("lateral", "verdict"), [(0.9, HOLDS), (0.1, IN_PART)])
    def test_excess_must_be_sideways(self, rng, lateral, verdict):
        row = self.verdicts(rng, linear, lateral=lateral).loc["S63d"]
        assert row.verdict == verdict
        assert f"most {'lateral' if lateral == 0.9 else 'elevational'}" in row.sentence

    def test_less_drift_of_longer_sweeps_is_the_opposite(self, rng):
        assert self.verdicts(rng, lambda path, *_: 9 - path / 10).loc["S63d", "verdict"] == OPPOSITE

    def test_one_type_alone_says_nothing(self, rng, table):
        found = factor_verdicts(table[table.sweep_type == "p_a"], rng)
        assert found["verdict"].tolist() == [NOT_RUN] * 4

    def test_shares_and_what_is_left_add_up(self, rng, table):
        part = sweeps_of(table, PROTOCOL, "vs_tracker")
        seen = contrast(part, rng, resamples=RESAMPLES)
        assert sum(value[0] for value in seen.share_mm.values()) == pytest.approx(
            seen.difference["final_mm"][0]
        )
        assert seen.longer["path_mm"] > seen.shorter["path_mm"]
        low, high = seen.difference["path_mm"][1:]
        assert low < seen.difference["path_mm"][0] < high
