"""Errors by group and cell, and what one way of measuring gains over another."""

import made_hip_tables as made
import numpy as np
import pytest
from scipy.stats import norm, t

from hipus.stages import hip_error_tables as errors_of
from hipus.stages.hip_intervals import BEST_FRAME

OPTIONS = {"seed": 3, "resamples": 60}


def summary(*rows: dict):
    """Return the rows of the summary, by group."""
    return errors_of.summary_table(made.errors_of(*rows), **OPTIONS).set_index("group")


class TestGroups:
    def test_ordinary_and_dysplastic_hips_are_told_apart_and_repeats_are_in_none(self):
        table = made.errors_of(
            {"subject_id": "A"}, {"subject_id": "B", "cohort": "dysplastic"},
            {"subject_id": "C", "cohort": "repeats"},
            {"subject_id": "D", "truth_variant": "restless"},
        )  # fmt: skip
        found = {name: "".join(errors_of.of_group(table, name).subject_id)
                 for name in errors_of.GROUPS}  # fmt: skip
        assert found == {"ordinary": "A", "dysplastic": "B", "all": "AB"}


class TestSummary:
    def test_numbers_of_three_measured_and_one_refused_sweep(self):
        rows = [{"subject_id": s, "error": e, "shift": 0.5} for s, e in (("A", -1), ("B", 2))]
        rows += [
            {"subject_id": "B", "error": -3.0, "shift": 0.5},
            {"subject_id": "C", "value": np.nan},
        ]
        row = summary(*rows).loc["ordinary"]
        assert (row.sweep_count, row.subject_count) == (4, 3)
        assert (row.refused_count, row.refused_share) == (1, 0.25)
        assert row.median_absolute_error == 2.0
        assert row.p90_absolute_error == pytest.approx(2.8)
        assert row.bias == pytest.approx(-2 / 3)
        assert row.raw_bias == pytest.approx(-2 / 3 - 0.5)
        assert row.sd == pytest.approx(np.sqrt(((1 / 3) ** 2 + (8 / 3) ** 2 + (7 / 3) ** 2) / 2))
        assert 1.0 <= row.low <= 2.0 <= row.high <= 3.0

    def test_where_every_sweep_is_refused_only_counts_are_told(self):
        row = summary({"value": np.nan}, {"subject_id": "S102", "value": np.nan}).loc["all"]
        assert (row.sweep_count, row.refused_count, row.refused_share) == (2, 2, 1.0)
        assert row[["median_absolute_error", "low", "high", "bias", "sd"]].isna().all()

    def test_each_cell_and_group_has_a_row_and_the_same_seed_the_same_intervals(self):
        rows = [{"subject_id": f"S{k}", "masks": masks, "error": float(k)}
                for k in range(6) for masks in ("truth", "model")]  # fmt: skip
        table = made.errors_of(*rows)
        first, again = (errors_of.summary_table(table, **OPTIONS) for _ in range(2))
        assert first.equals(again)
        assert first.groupby("group").size().to_dict() == {"all": 2, "ordinary": 2}
        assert not first.duplicated(errors_of.SUMMARY_KEY).any()


class TestMedianBySubject:
    def test_draws_agree_with_a_slow_reference(self):
        rng = np.random.default_rng(7)
        values, subjects = rng.normal(size=30).round(2), rng.permutation(np.repeat(range(10), 3))
        found = errors_of.median_by_subject(
            values, subjects, rng=np.random.default_rng(1), resamples=300
        )
        medians = []
        for counts in np.random.default_rng(1).multinomial(10, np.full(10, 0.1), size=300):
            drawn = np.sort(np.repeat(values, counts[subjects]))
            medians.append(drawn[(len(drawn) - 1) // 2])
        assert found.value == np.median(values)
        # The interval of subject_bootstrap for ten subjects.
        tail = norm.cdf(-t.ppf(0.975, 9) * np.sqrt(10 / 9))
        ends = np.quantile(medians, [tail, 1 - tail])
        assert (found.low, found.high) == pytest.approx(tuple(ends))

    def test_one_subject_has_no_interval(self):
        found = errors_of.median_by_subject(
            [1.0, 5.0], ["a", "a"], rng=np.random.default_rng(1), resamples=9
        )
        assert found.value == 3.0
        assert np.isnan([found.low, found.high]).all()


def of_hip(subject: str, side: str, *, frame: float, rounded: float) -> list[dict]:
    """Return a hip's errors by the best frame of p_a and by rounded poses of p_d."""
    hip = {"subject_id": subject, "side": side}
    return [
        hip | {"poses": BEST_FRAME, "error": frame, "sweep_id": f"{side}_p_a"},
        hip | {"poses": "rounded", "error": rounded, "sweep_id": f"{side}_p_d",
               "sweep_type": "p_d"},
    ]  # fmt: skip


class TestGain:
    @pytest.fixture
    def gains(self):
        rows = [
            *of_hip("A", "left", frame=-4.0, rounded=1.0),
            *of_hip("A", "right", frame=2.0, rounded=-3.0),
            *of_hip("B", "left", frame=6.0, rounded=2.0),
            *of_hip("C", "left", frame=1.0, rounded=np.nan),
        ]
        depth = [row | {"measure": "head_radius_mm"} for row in rows if row["poses"] != BEST_FRAME]
        return errors_of.gain_table(made.errors_of(*rows, *depth), **OPTIONS)

    def test_hips_that_both_measured_are_paired(self, gains):
        row = gains[(gains.group == "ordinary")].iloc[0]
        assert (row["first"], row.second) == ("p_d rounded", "p_a best_frame")
        assert (row.hip_count, row.subject_count) == (3, 2)
        assert (row.first_median, row.second_median) == (2.0, 4.0)
        assert row.mean_difference == pytest.approx(((1 - 4) + (3 - 2) + (2 - 6)) / 3)
        # Two subjects: the mean is of A alone, of both, or of B alone.
        assert (row.low, row.high) == pytest.approx((-4.0, -1.0))

    def test_shares_refused_are_of_all_hips(self, gains):
        row = gains.iloc[0]
        assert (row.first_refused_share, row.second_refused_share) == (0.25, 0.0)

    def test_measures_that_a_frame_has_not_and_pairs_without_a_hip_have_no_row(self, gains):
        assert set(gains.measure) == {"alpha_deg"}
        assert sorted(gains.group) == ["all", "ordinary"]

    def test_rounding_is_compared_with_the_poses_as_predicted(self):
        errors = {"predicted": (3, 5), "rounded": (1, 6), BEST_FRAME: (2, 2)}
        rows = [
            {"subject_id": subject, "poses": poses, "error": error}
            for poses, pair in errors.items()
            for subject, error in zip("AB", pair, strict=True)
        ]
        found = errors_of.gain_table(made.errors_of(*rows), **OPTIONS)
        row = found[(found.group == "all") & (found.second == "p_a predicted")].iloc[0]
        assert row["first"] == "p_a rounded"
        assert row.mean_difference == pytest.approx(-0.5)


class TestGoals:
    def test_the_headline_is_of_ordinary_hips_by_the_model_s_masks(self):
        rows = [*of_hip("A", "left", frame=4.0, rounded=1.0),
                *of_hip("B", "left", frame=2.0, rounded=3.0)]  # fmt: skip
        other = [row | {"masks": "truth", "error": 0.0} for row in rows]
        ill = [row | {"cohort": "dysplastic", "subject_id": "D", "error": 30.0} for row in rows[:2]]
        table = made.errors_of(*rows, *other, *ill)
        found = errors_of.goals(
            errors_of.summary_table(table, **OPTIONS), errors_of.gain_table(table, **OPTIONS)
        )
        assert found["alpha_p_d_rounded_median_absolute_error_deg"] == 2.0
        assert found["alpha_p_a_best_frame_median_absolute_error_deg"] == 3.0
        assert found["alpha_p_d_rounded_refused_share"] == 0.0
        assert found["alpha_p_d_rounded_of_both_deg"] == 2.0
        assert found["alpha_control_of_both_deg"] == 3.0
        assert found["alpha_p_d_rounded_less_control_deg"] == pytest.approx(-1.0)
        low, high = (found[f"alpha_p_d_rounded_less_control_{end}_deg"] for end in ("low", "high"))
        assert low <= -1.0 <= high
        assert len(found) == 9


def test_nothing_measured_gives_empty_tables_with_their_columns():
    nothing = made.errors_of({}).iloc[:0]
    table = errors_of.summary_table(nothing, **OPTIONS)
    gains = errors_of.gain_table(nothing, **OPTIONS)
    assert (list(table), len(table)) == (errors_of.SUMMARY_COLUMNS, 0)
    assert (list(gains), len(gains)) == (errors_of.GAIN_COLUMNS, 0)
    assert errors_of.goals(table, gains) == {}
