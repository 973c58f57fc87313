"""Recomputing the audit: methods on hand-made numbers, and sensitivity to the tables."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from hipus.published import (
    as_printed,
    recompute,
    recompute_cases,
    recompute_companions,
    recompute_counts,
    recompute_tables,
)
from hipus.published.rounding import Check, holds


def verdict_of(part, check_id: str) -> str:
    return {check.check_id: check.verdict for check in part.checks()}[check_id]


class TestMethods:
    def test_pooled_sd_equals_the_sd_of_the_joined_sample(self, rng):
        first, second = rng.normal(3, 1, 7), rng.normal(9, 2, 7)
        sds = (np.std(first, ddof=1), np.std(second, ddof=1))
        pooled = recompute_counts.pooled_sd(sds, (first.mean(), second.mean()), 7)
        assert pooled == pytest.approx(np.std(np.concatenate([first, second]), ddof=1))

    def test_iou_of_dice_by_hand(self):
        # 2 voxels each, 1 in common: Dice 2 * 1 / 4, IoU 1 / 3.
        assert recompute_companions.iou_of_dice(0.5) == pytest.approx(1 / 3)

    def test_f1_by_hand(self):
        assert recompute_companions.f1(0.5, 1.0) == pytest.approx(2 / 3)

    def test_reach_spans_the_corners_of_the_rounding_ranges(self):
        low, high = recompute_companions.reach(lambda a, b: a / b, "1.0", "2")
        assert (low, high) == (pytest.approx(0.95 / 2.5), pytest.approx(1.05 / 1.5))

    def test_a_split_is_found_whichever_cases_it_has(self):
        # The same values under other names: the split must follow them.
        cases = recompute_cases.cases("dice")
        renamed = cases.set_axis(["2", "1", "3", "5", "4", "6", "7", "8"])
        fit = recompute_cases.fit_orientations(renamed.sort_index(), "dice")
        assert fit.proximal_distal == ("2", "5", "6", "7")
        assert fit.n_fitting == 1

    def test_shuffled_values_fit_no_split(self, rng):
        cases = recompute_cases.cases("hd_mm")
        shuffled = pd.DataFrame(
            rng.permuted(cases.to_numpy(), axis=0), index=cases.index, columns=cases.columns
        )
        assert recompute_cases.fit_orientations(shuffled, "hd_mm").n_fitting == 0


class TestSensitivity:
    """A changed printed number must change the verdict, or the check checks nothing."""

    def test_a_wrong_case_breaks_the_mean_row(self, edited):
        edited.replace("midl2026_table4_cases.csv", "bone_cortex,0.9361", "bone_cortex,0.9461")
        assert verdict_of(recompute_tables, "A006") == "inconsistent"

    def test_an_off_lattice_distance_is_noticed(self, edited):
        edited.replace("midl2026_table4_cases.csv", "8.4312", "8.4326")
        assert verdict_of(recompute_cases, "A024") == "inconsistent"

    def test_identical_masks_would_explain_a_zero_distance(self, edited):
        file = edited.folder / "midl2026_table4_cases.csv"
        lines = file.read_text().splitlines()
        lines = [re.sub(r",[\d.]+,0.0000,.*", ",1.0,0.0000,0.0,0.0", line) for line in lines]
        file.write_text("\n".join(lines) + "\n")
        assert verdict_of(recompute_cases, "A025") == "consistent"

    def test_another_share_of_good_sweeps_has_no_counts(self, edited):
        edited.replace("midl2026_text_claims.csv", "graded good,53", "graded good,52")
        assert verdict_of(recompute_counts, "A064") == "inconsistent"

    def test_another_spread_fits_no_six_sweeps_per_direction(self, edited):
        edited.replace("midl2026_table2_reconstruction.csv", "12.60,4.96", "12.60,5.16")
        assert verdict_of(recompute_counts, "A043") == "inconsistent"

    def test_one_more_boy_is_noticed(self, edited):
        edited.replace("midl2026_table6_cohort.csv", "J3GRLN,f,3", "J3GRLN,m,3")
        assert verdict_of(recompute_counts, "A068") == "inconsistent"

    def test_a_part_of_a_border_more_is_noticed(self, edited):
        edited.replace("thesis_distinct_completed.csv", "completed,39.9", "completed,40.9")
        assert verdict_of(recompute_companions, "A186") == "inconsistent"

    def test_a_drift_that_is_no_mean_could_be_a_maximum(self, edited):
        edited.replace("midl2026_text_claims.csv", 'all sweeps",12.6', 'all sweeps",22.6')
        assert verdict_of(recompute_counts, "A044") == "consistent"


class TestWholeAudit:
    def test_has_every_check_once_with_ours_beside_it(self):
        table = recompute.published_checks().set_index("check_id")
        assert len(table) == 199
        row = table.loc["A001"]
        assert (row["audit_computed"], row["recomputed"]) == ("0.63075", "0.63075")
        assert (row["audit_verdict"], row["recomputed_verdict"]) == ("consistent", "consistent")

    def test_leaves_ours_empty_where_nothing_is_recomputed(self):
        table = recompute.published_checks().set_index("check_id")
        assert table.loc["A107", "recomputed_verdict"] == ""
        assert (table["recomputed_verdict"] != "").sum() == len(recompute.recomputed_checks())


class TestOrientations:
    def test_of_all_splits_of_any_size_only_the_even_one_fits(self):
        check = recompute_cases.balanced_orientations()
        assert check.computed == "4 + 4; splits of any size that fit: 1"
        assert check.verdict == "consistent"

    def test_fast_enumeration_equals_a_slow_one(self):
        values = recompute_cases.cases("asd_gt_to_pred_mm")
        printed = as_printed("midl_table3").query("metric == 'asd_mm'")
        slow = []
        for chosen in combinations(values.index, 4):
            deviations = []
            for row in printed.itertuples():
                named = row.sweep_orientation == "proximal_distal"
                group = [case for case in values.index if (case in chosen) == named]
                mean = sum(values.loc[case, row.structure] for case in group) / 4
                deviations.append(abs(mean - float(row.value)))
            slow.append((max(deviations), chosen))
        slow.sort()
        fit = recompute_cases.fit_orientations(values, "asd_mm")
        assert (fit.worst, fit.proximal_distal) == (pytest.approx(slow[0][0]), slow[0][1])
        assert fit.next_best == pytest.approx(slow[1][0])


class TestFaults:
    def test_a_check_unknown_to_the_audit_is_refused(self, monkeypatch):
        stray = Check("A900", "1", "1", holds(True))
        monkeypatch.setattr(recompute_tables, "checks", lambda: [stray])
        with pytest.raises(ValueError, match=r"recomputed checks \['A900'\] are not in audit.csv"):
            recompute.recomputed_checks()

    def test_a_check_recomputed_twice_is_refused(self, monkeypatch):
        twice = [Check("A001", "1", "1", holds(True))] * 2
        monkeypatch.setattr(recompute_tables, "checks", lambda: twice)
        with pytest.raises(ValueError, match="a check is recomputed twice"):
            recompute.recomputed_checks()
