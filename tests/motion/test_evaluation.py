"""Summaries and comparisons of arms from made-up rows."""

import math

import numpy as np
import pandas as pd
import pytest

from hipus import geometry
from hipus.motion import evaluation
from hipus.motion.evaluation import SweepKey, by_subject, check_sweeps, compare, summarise

SWEEPS = [("S001", "a"), ("S001", "d"), ("S002", "a"), ("S002", "d")]
FINAL = {"constant": [4.0, 8.0, 6.0, 10.0], "network": [1.0, 3.0, 2.0, 6.0]}


@pytest.fixture
def rows() -> pd.DataFrame:
    """Return two arms, two subjects, two sweep types and both truths (hip: 1 mm more)."""
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "truth": truth,
                "subject_id": subject,
                "sweep_id": sweep,
                "sweep_type": f"p_{sweep}",
                "final_mm": final + extra,
                "drift_sum_mm": 10 * final,
            }
            for arm, finals in FINAL.items()
            for truth, extra in (("vs_tracker", 0.0), ("vs_hip", 1.0))
            for (subject, sweep), final in zip(SWEEPS, finals, strict=True)
        ]
    )


def one(table: pd.DataFrame, **wanted) -> pd.Series:
    """Return the one row of a table with the given values."""
    for name, value in wanted.items():
        table = table[table[name] == value]
    (row,) = table.to_dict("records")
    return row


class TestSummary:
    def test_mean_and_sample_sd_by_hand(self, rows):
        table = summarise(rows, SWEEPS, measures=["final_mm"])
        row = one(table, arm="network", truth="vs_tracker", sweep_type="all")
        assert row["mean"] == 3.0
        assert row["sd"] == pytest.approx(math.sqrt((4 + 0 + 1 + 9) / 3))
        assert row["median"] == 2.5
        assert (row["sweep_count"], row["subject_count"]) == (4, 2)

    def test_sweep_types_stand_beside_all(self, rows):
        table = summarise(rows, SWEEPS, measures=["final_mm"])
        assert sorted(table["sweep_type"].unique()) == ["all", "p_a", "p_d"]
        row = one(table, arm="constant", truth="vs_tracker", sweep_type="p_d")
        assert row["mean"] == 9.0
        assert row["sd"] == pytest.approx(math.sqrt(2))
        assert row["sweep_count"] == 2

    def test_truths_never_mix(self, rows):
        table = summarise(rows, SWEEPS, measures=["final_mm"])
        assert one(table, arm="network", truth="vs_hip", sweep_type="all")["mean"] == 4.0

    def test_infinite_rates_are_counted_not_averaged(self, rows):
        rows.loc[0, "drift_sum_mm"] = np.inf
        table = summarise(rows, SWEEPS, measures=["final_mm", "drift_sum_mm"])
        row = one(
            table, arm="constant", truth="vs_tracker", sweep_type="all", measure="drift_sum_mm"
        )
        assert row["mean"] == pytest.approx(80)
        assert row["median"] == pytest.approx(90)
        assert row["not_finite_count"] == 1

    def test_a_single_sweep_has_no_spread(self, rows):
        rows = rows[(rows["subject_id"] == "S001") & (rows["sweep_type"] == "p_a")]
        table = summarise(rows, SWEEPS[:1], measures=["final_mm"])
        assert table["sd"].isna().all()

    def test_other_groups_on_request(self, rows):
        rows = pd.concat([rows.assign(frame_spacing=f) for f in (0.5, 1.0)])
        by = ["arm", "truth", "frame_spacing"]
        table = summarise(rows, SWEEPS, by=by, measures=["final_mm"])
        assert list(table.columns[:5]) == [*by, "sweep_type", "measure"]
        assert len(table) == 2 * 2 * 2 * 3

    def test_all_measures_of_real_rows(self):
        true = geometry.transform(translation=[[0, 0, z] for z in range(4)])
        key = SweepKey("identity", "S001", "a", "p_a", "left", "vs_tracker")
        still = np.broadcast_to(np.eye(4), true.shape)
        rows = pd.DataFrame([evaluation.sweep_row(still, true, key=key)])
        table = summarise(rows, [("S001", "a")])
        assert list(table["measure"][: len(evaluation.MEASURES)]) == list(evaluation.MEASURES)
        row = one(table, sweep_type="all", measure="final_rate_of_path_percent")
        assert row["mean"] == pytest.approx(100)
        assert one(table, sweep_type="p_a", measure="relative_mm")["mean"] == pytest.approx(1)


class TestExpectedSweeps:
    def test_a_missing_sweep_is_named_with_its_arm(self, rows):
        rows = rows.drop(index=rows.index[5])  # constant, vs_hip, S001 d
        with pytest.raises(ValueError, match=r"constant vs_hip: sweep S001 d is missing \(1 such"):
            summarise(rows, SWEEPS, measures=["final_mm"])

    def test_a_sweep_that_nobody_expects_is_named(self, rows):
        with pytest.raises(ValueError, match="constant vs_hip: sweep S002 d is not expected"):
            check_sweeps(rows, SWEEPS[:3])

    def test_a_sweep_that_appears_twice_is_named(self, rows):
        with pytest.raises(ValueError, match="sweep S001 a appears more than once"):
            check_sweeps(pd.concat([rows, rows.iloc[:1]]), SWEEPS)

    @pytest.mark.parametrize("empty", ["rows", "expected"])
    def test_nothing_at_all(self, rows, empty):
        expected = [] if empty == "expected" else SWEEPS
        rows = rows.iloc[:0] if empty == "rows" else rows
        with pytest.raises(ValueError, match="need expected sweeps and rows, got"):
            check_sweeps(rows, expected)


class TestBySubject:
    def test_each_subject_has_its_mean(self, rows):
        table = by_subject(rows, ["final_mm"])
        row = one(table, arm="constant", truth="vs_tracker", subject_id="S002")
        assert row["final_mm"] == 8.0
        assert row["sweep_count"] == 2


class TestComparison:
    def test_the_difference_is_a_minus_b_by_hand(self, rows, rng):
        found = compare(rows, "final_mm", arm_a="network", arm_b="constant", rng=rng)
        assert (found.mean_a, found.mean_b) == (3.0, 7.0)
        assert found.ratio == pytest.approx(3 / 7)
        assert found.difference == -4.0
        # S001: -3 and -5; S002: -4 and -4. Every resample has the mean -4.
        assert (found.low, found.high) == (-4.0, -4.0)
        assert (found.subject_count, found.sweep_count) == (2, 4)

    def test_one_sweep_type_alone(self, rows, rng):
        found = compare(
            rows, "final_mm", arm_a="network", arm_b="constant", sweep_type="p_a", rng=rng
        )
        assert found.difference == -3.5
        assert (found.low, found.high) == (-4.0, -3.0)

    def test_rows_are_paired_by_sweep_not_by_place(self, rows, rng):
        shuffled = rows.sample(frac=1, random_state=3)
        found = compare(shuffled, "final_mm", arm_a="network", arm_b="constant", rng=rng)
        assert (found.low, found.high) == (-4.0, -4.0)

    def test_the_other_truth(self, rows, rng):
        found = compare(
            rows, "final_mm", arm_a="network", arm_b="constant", truth="vs_hip", rng=rng
        )
        assert found.mean_a == 4.0

    def test_a_ratio_to_nothing_is_unknown(self, rows, rng):
        rows.loc[rows["arm"] == "constant", "final_mm"] = 0.0
        found = compare(rows, "final_mm", arm_a="network", arm_b="constant", rng=rng)
        assert math.isnan(found.ratio)

    def test_an_arm_without_rows(self, rows, rng):
        with pytest.raises(ValueError, match=r"no rows of arm 'oracle', got \['constant', 'netw"):
            compare(rows, "final_mm", arm_a="oracle", arm_b="constant", rng=rng)

    def test_arms_of_different_sweeps(self, rows, rng):
        message = "network and constant must be of the same sweeps, got S001 a of one only"
        with pytest.raises(ValueError, match=message):
            compare(rows.iloc[1:], "final_mm", arm_a="network", arm_b="constant", rng=rng)

    def test_a_sweep_that_appears_twice(self, rows, rng):
        doubled = pd.concat([rows, rows.iloc[:1]])
        with pytest.raises(ValueError, match="constant: sweep S001 a appears more than once"):
            compare(doubled, "final_mm", arm_a="network", arm_b="constant", rng=rng)

    def test_an_infinite_value_is_named_by_its_subject(self, rows, rng):
        rows.loc[0, "final_mm"] = np.inf
        with pytest.raises(ValueError, match="values must be finite, got -inf of subject S001"):
            compare(rows, "final_mm", arm_a="network", arm_b="constant", rng=rng)
