"""What fusing gains, from hand-worked rows."""

import numpy as np
import pandas as pd
import pytest

from hipus.stages import hip_fusion_tables as layout
from hipus.stages.hip_fusion_hips import COLUMNS

#: Subject, side, cohort, drift of p_a before and after, of p_d before and after, alpha by p_a,
#: by p_d, fused. The truth is 60 deg.
HIPS = [
    ("S101", "left", "test", 1.0, 0.4, 0.8, 0.2, 58.0, 66.0, 59.0),
    ("S101", "right", "test", 0.6, 0.2, 0.4, 0.4, 61.0, 55.0, 62.5),
    ("S102", "left", "test", np.nan, np.nan, 1.2, 0.6, 57.0, np.nan, 60.5),
    ("S401", "left", "dysplastic", 2.0, 1.0, 1.0, 0.6, np.nan, 50.0, np.nan),
]


@pytest.fixture
def hips() -> pd.DataFrame:
    """Return a table hip_fusion of four hips."""
    rows = []
    for subject, side, cohort, a0, a1, d0, d1, by_a, by_d, fused in HIPS:
        row = {"subject_id": subject, "side": side, "cohort": cohort}
        row |= {"poses": "predicted", "masks": "model", "alpha_deg_truth": 60.0}
        row |= {"p_a_drift_mm_before": a0, "p_a_drift_mm_after": a1}
        row |= {"p_d_drift_mm_before": d0, "p_d_drift_mm_after": d1}
        row |= {"alpha_deg_p_a": by_a, "alpha_deg_p_d": by_d, "alpha_deg_fused": fused}
        row |= {"dice_ilium_p_a": 0.6, "dice_ilium_fused": 0.7 if side == "left" else 0.5}
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    table["fusion_refusal"] = ["", "", "", "S401/left_p_a: label ilium is missing"]
    return table


@pytest.fixture
def summary(hips) -> pd.DataFrame:
    """Return the summary by group, quantity and what is compared with."""
    return layout.summary_table(hips, seed=3, resamples=200).set_index(
        ["group", "quantity", "second"]
    )


class TestSummary:
    def test_drift_is_the_mean_of_the_sweeps_that_have_one(self, hips):
        found = layout.with_errors(hips)
        assert found.drift_mm_before.tolist() == pytest.approx([0.9, 0.5, 1.2, 1.5])
        assert found.drift_mm_after.tolist() == pytest.approx([0.3, 0.3, 0.6, 0.8])

    def test_means_and_their_quotient(self, summary):
        row = summary.loc["all", "drift_mm", "before"]
        assert row.second_mean == pytest.approx(4.1 / 4)
        assert row.first_mean == pytest.approx(2.0 / 4)
        assert row.ratio == pytest.approx(2.0 / 4.1)
        assert row.difference == pytest.approx(-2.1 / 4)
        assert row.low <= row.difference <= row.high < 0

    def test_only_hips_with_both_numbers_are_compared_and_others_counted(self, summary):
        row = summary.loc["all", "alpha_deg_error", "p_a"]
        assert row.hip_count == 3
        assert (row.first_refused_count, row.second_refused_count) == (1, 1)
        assert row.second_mean == pytest.approx((2 + 1 + 3) / 3)
        assert row.first_mean == pytest.approx((1 + 2.5 + 0.5) / 3)

    def test_the_worst_subject_is_judged_by_the_mean_of_both_hips(self, summary):
        row = summary.loc["all", "alpha_deg_error", "p_a"]
        # S101: -1 and +1.5; S102: -2.5.
        assert row.worst_subject == "S101"
        assert row.worst_difference == pytest.approx(0.25)

    def test_a_fall_of_dice_is_what_is_worse(self, summary):
        row = summary.loc["test", "dice_ilium", "p_a"]
        assert row.difference == pytest.approx((0.1 - 0.1 + 0.1) / 3)
        assert row.worst_subject == "S101"
        assert row.worst_difference == pytest.approx(0.0)

    def test_groups_are_cohorts_and_both_together(self, summary):
        counts = summary.xs("drift_mm", level="quantity").hip_count.droplevel("second")
        assert counts.to_dict() == {"test": 3, "dysplastic": 1, "all": 4}

    def test_with_one_subject_there_is_no_interval(self, summary):
        row = summary.loc["dysplastic", "drift_mm", "before"]
        assert np.isnan(row.low)
        assert row.ratio == pytest.approx(0.8 / 1.5)

    def test_a_quantity_nobody_has_leaves_no_number(self, summary):
        row = summary.loc["all", "head_radius_mm_error", "p_a"]
        assert row.hip_count == 0
        assert np.isnan(row.difference)

    def test_the_same_seed_gives_the_same_table(self, hips):
        pd.testing.assert_frame_equal(
            layout.summary_table(hips, seed=3, resamples=50),
            layout.summary_table(hips, seed=3, resamples=50),
        )


class TestMetrics:
    def test_goals_are_numbers_and_whether_they_are_met(self, hips, summary):
        found = layout.make_metrics(hips, summary.reset_index())
        assert found["goal_drift_mm_ratio"] == pytest.approx(2.0 / 4.1)
        assert found["goal_drift_mm_is_halved"] == 1
        assert found["goal_p_a_drift_mm_is_halved"] == 1  # 1.6 of 3.6
        assert found["goal_p_d_drift_mm_is_halved"] == 0  # 1.8 of 3.4
        assert found["goal_alpha_is_better_than_p_a"] == 1
        assert found["goal_alpha_worst_subject_to_p_a_is_met"] == 1

    def test_a_subject_that_is_worse_by_more_than_a_degree_misses_the_goal(self, hips):
        hips.loc[hips.subject_id == "S102", "alpha_deg_fused"] = 55.0  # 5 deg off, p_a was 3
        summary = layout.summary_table(hips, seed=3, resamples=20)
        found = layout.make_metrics(hips, summary)
        assert found["goal_alpha_worst_subject_to_p_a_deg"] == pytest.approx(2.0)
        assert found["goal_alpha_worst_subject_to_p_a_is_met"] == 0

    def test_hips_that_were_not_fused_are_counted(self, hips, summary):
        found = layout.make_metrics(hips, summary.reset_index())
        assert found["predicted_unfused_count"] == 1
        assert (found["hip_count"], found["subject_count"]) == (4, 3)

    def test_means_stand_by_the_names_of_what_is_compared(self, hips, summary):
        found = layout.make_metrics(hips, summary.reset_index())
        assert found["predicted_drift_mm_before"] == pytest.approx(4.1 / 4)
        assert found["predicted_drift_mm_after"] == pytest.approx(2.0 / 4)
        assert found["predicted_alpha_deg_error_of_hips_with_p_d_p_d"] == pytest.approx(5.5)
        assert found["predicted_alpha_deg_error_of_hips_with_p_d_fused"] == pytest.approx(1.75)
