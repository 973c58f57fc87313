"""Shares, failures, Dice, drops and views of graded volumes, by hand on made grades."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hipus import images
from hipus.labels import HipLabel
from hipus.stages import grade_views, graded_cases, graded_volumes, volume_drop
from hipus.stages import volume_grade_tables as layout
from hipus.stages.graded_volumes import DICE

PLANES = ("lateral_axial", "elevational_axial", "lateral_elevational")
OPTIONS = {"seed": 4, "resamples": 500}


def made_grades(
    group="remaining", poses="tracked", *, count=8, dice=0.8, **columns
) -> pd.DataFrame:
    """Return graded volumes: two sweeps of each subject, the first half of them good."""
    place = np.arange(count)
    rows = pd.DataFrame({"subject_id": [f"S{k // 2:03d}" for k in place]})
    rows["sweep_id"] = np.where(place % 2, "left_p_d", "left_p_a")
    rows["sweep_type"] = rows.sweep_id.str[-3:]
    rows = rows.assign(group=group, poses=poses, failures="", failures_of_truth="")
    rows["grade"] = np.where(place < count / 2, "good", "insufficient")
    rows["grade_of_truth"] = "good"
    for shift, name in enumerate(("dice_mean", *DICE)):
        rows[name] = dice + 0.01 * shift + 0.02 * (place % 2)
    return rows.assign(**columns)


class TestShares:
    def test_shares_intervals_and_counts_by_hand(self):
        found = layout.share_table(made_grades("dysplastic"), **OPTIONS)
        found = found.set_index(["sweep_type", "grade"])
        good = found.loc["all", "good"]
        assert (good["count"], good.share, good.volume_count, good.subject_count) == (4, 0.5, 8, 4)
        assert 0 <= good.low < 0.5 < good.high <= 1
        assert found.loc["p_d", "good"].volume_count == 4
        nobody = found.loc["all", "adequate"]
        assert (nobody["count"], nobody.share, nobody.low, nobody.high) == (0, 0, 0, 0)
        assert found.loc["all"].share.sum() == 1

    def test_the_printed_shares_stand_beside_with_their_count(self):
        found = layout.share_table(made_grades(), **OPTIONS)
        found = found[(found.sweep_type == "all") & (found.group == "ordinary")].set_index("grade")
        assert found.published_percent.to_dict() == {"good": 53, "adequate": 39, "insufficient": 8}
        assert set(found.published_volume_count) == {74}

    def test_truth_shares_are_of_volumes_that_have_truth(self):
        truth = ["good", "adequate", *[""] * 6]
        found = layout.share_table(made_grades("dysplastic", grade_of_truth=truth), **OPTIONS)
        found = found[found.sweep_type == "all"].set_index("grade").share_of_truth
        assert found.to_dict() == {"good": 0.5, "adequate": 0.5, "insufficient": 0}
        none = layout.share_table(made_grades(grade_of_truth=""), **OPTIONS)
        assert none.share_of_truth.isna().all()

    def test_ordinary_tracked_sweeps_are_pooled_and_no_others(self):
        kinds = (("remaining", "tracked"), ("test_only", "tracked"), ("test_only", "predicted"))
        kinds += (("dysplastic", "tracked"), ("provoked", "tracked"))
        grades = pd.concat([made_grades(*names, count=4) for names in kinds])
        sizes = {names: len(part) for names, part in layout.groups(grades)}
        assert sizes == {("ordinary", "tracked"): 8} | dict.fromkeys(kinds, 4)


class TestFailures:
    def test_a_volume_counts_once_for_each_kind_it_shows(self):
        kinds = ["holes;motion_artefact", "holes", *[""] * 6]
        truth = ["holes", *[""] * 7]
        grades = made_grades(failures=kinds, failures_of_truth=truth)
        found = layout.failure_table(grades)
        assert len(found) == 2 * 7
        found = found[found.group == "ordinary"].set_index("failure")
        assert found["count"][["holes", "motion_artefact", "incomplete_bone"]].tolist() == [2, 1, 0]
        assert found.share["holes"] == 0.25
        assert found.share_of_truth[["holes", "motion_artefact"]].tolist() == [0.125, 0]


class TestDice:
    def test_means_leave_out_and_count_what_has_no_value(self):
        grades = made_grades("dysplastic")
        grades.loc[0, "dice_ilium"] = np.nan
        found = layout.dice_table(grades, **OPTIONS).set_index("structure")
        assert found.loc["mean", "dice"] == pytest.approx(0.81)
        ilium = found.loc["ilium"]
        assert ilium.dice == pytest.approx((3 * 0.81 + 4 * 0.83) / 7)
        assert (ilium.volume_count, ilium.subject_count, ilium.without_dice_count) == (7, 4, 1)

    def test_without_truth_there_is_no_mean_and_everything_is_counted(self):
        found = layout.dice_table(made_grades(dice=np.nan), **OPTIONS)
        assert found.dice.isna().all()
        assert set(found.without_dice_count) == {8}
        assert set(found.volume_count) == {0}


class TestDrop:
    def test_pairs_of_the_same_sweeps_differ_by_what_was_lost(self):
        tracked = made_grades("test_only", dice=0.8)
        predicted = made_grades("test_only", "predicted", dice=0.7, grade="insufficient")
        grades = pd.concat([tracked, predicted.iloc[::-1]], ignore_index=True)
        found = volume_drop.drop_table(grades, **OPTIONS).set_index("quantity")
        row = found.loc["dice_mean"]
        assert (row["mean"], row.reference_mean) == pytest.approx((0.71, 0.81))
        assert (row.difference, row.low, row.high) == pytest.approx((-0.1, -0.1, -0.1))
        assert (row.is_paired, row.volume_count, row.subject_count) == (1, 8, 4)
        assert found.difference["share_good"] == -0.5
        assert found.difference["share_insufficient"] == 0.5
        assert found.low["share_good"] < -0.5 < found.high["share_good"]

    def test_a_pair_without_a_value_on_one_side_is_left_out_of_both(self):
        tracked = made_grades("test_only")
        predicted = made_grades("test_only", "predicted", dice=0.7)
        predicted.loc[3, "dice_ilium"] = np.nan
        found = volume_drop.drop_table(pd.concat([tracked, predicted]), **OPTIONS)
        row = found.set_index("quantity").loc["dice_ilium"]
        assert (row.volume_count, row.reference_volume_count) == (7, 7)
        assert row.difference == pytest.approx(-0.1)

    def test_other_subjects_are_compared_by_their_means(self):
        grades = pd.concat([made_grades(), made_grades("dysplastic", dice=0.6, count=4)])
        found = volume_drop.drop_table(grades, **OPTIONS)
        assert set(found.comparison) == {"dysplastic hips"}
        row = found.set_index("quantity").loc["dice_mean"]
        assert row.difference == pytest.approx(-0.2)
        assert (row.is_paired, row.volume_count, row.reference_volume_count) == (0, 4, 8)
        assert row.low == pytest.approx(-0.2) == row.high  # subjects are alike, sweeps are not

    def test_an_unpaired_interval_is_that_of_all_resamples_by_hand(self):
        """Two subjects a side: each mean is 0, 1 or 2 with odds 1:2:1, so the tails are 1/16."""
        low, high = volume_drop.unpaired_difference(
            [0.0, 2.0], ["a", "b"], [10.0, 12.0], ["c", "d"],
            rng=np.random.default_rng(1), resamples=4000,
        )  # fmt: skip
        assert (low, high) == (-12.0, -8.0)

    def test_one_subject_says_nothing_of_the_others(self):
        grades = pd.concat([made_grades(), made_grades("dysplastic", count=2)])
        row = volume_drop.drop_table(grades, **OPTIONS).iloc[0]
        assert np.isnan([row.low, row.high]).all()
        assert np.isfinite(row.difference)

    def test_without_truth_only_grades_are_compared(self):
        grades = pd.concat([made_grades(), made_grades("dysplastic", dice=np.nan)])
        found = volume_drop.drop_table(grades, **OPTIONS).set_index("quantity")
        assert np.isnan(found.difference["dice_mean"])
        assert found.volume_count["dice_mean"] == 0
        assert found.difference["share_good"] == 0

    def test_a_comparison_without_volumes_has_no_rows(self):
        assert volume_drop.drop_table(made_grades(), **OPTIONS).empty


class TestExamples:
    def test_the_middle_one_by_dice_stands_for_a_grade(self):
        rows = made_grades().assign(dice_mean=[0.9, 0.5, 0.7, np.nan, 0.2, 0.4, 0.3, 0.1])
        assert grade_views.typical(rows, "good") == 2  # 0.5 0.7 0.9
        assert grade_views.typical(rows, "insufficient") == 4  # 0.1 0.2 0.3 0.4: lower middle
        assert grade_views.typical(rows, "adequate") is None

    def test_ordinary_hips_go_first(self):
        rows = made_grades().assign(group=["second_centre"] * 7 + ["remaining"])
        assert grade_views.typical(rows, "insufficient") == 7
        assert rows.group[grade_views.typical(rows, "good")] == "second_centre"

    def test_volumes_whose_truth_can_be_shown_go_before_ordinary_hips_without(self):
        rows = made_grades().assign(dice_mean=[np.nan, np.nan, np.nan, 0.4] + [np.nan] * 4)
        rows.loc[3, "group"] = "second_centre"
        assert (rows.grade[3], set(rows.group[:3])) == ("good", {"remaining"})
        assert grade_views.typical(rows, "good") == 3
        assert grade_views.typical(rows, "insufficient") == 5  # nobody's truth is known


class TestSections:
    @staticmethod
    def volume(shape=(5, 8, 11), *, truth=True) -> graded_volumes.LabelledVolume:
        """Return a volume of different sides whose voxels tell where they are."""
        places = np.arange(np.prod(shape)).reshape(shape) % 251
        grey = images.Volume(places.astype(np.uint8), (2.0, 0.5, 0.25))
        labels = np.zeros(shape, np.uint8)
        labels[1, 2:5, 6:9] = HipLabel.FEMORAL_HEAD
        labels[4, 7, 0] = HipLabel.ILIUM
        return graded_volumes.LabelledVolume(
            grey, labels, labels // 2 if truth else None, "tracker", 0.0
        )

    def test_three_planes_meet_in_the_middle_of_the_head(self):
        made = self.volume()
        found = graded_volumes.sections(made)
        grey = made.grey.array
        np.testing.assert_array_equal(found["lateral_axial_grey"], grey[1])
        np.testing.assert_array_equal(found["elevational_axial_grey"], grey[:, :, 7].T)
        np.testing.assert_array_equal(found["lateral_elevational_grey"], grey[:, 3])
        np.testing.assert_array_equal(found["elevational_axial_truth"], made.truth[:, :, 7].T)
        spacing = {name: found[f"{name}_spacing_mm"].tolist() for name in PLANES}
        assert spacing == dict(zip(PLANES, ([0.5, 0.25], [0.5, 2.0], [2.0, 0.25]), strict=True))

    def test_without_a_head_all_labels_count_and_without_labels_the_volume(self):
        made = self.volume(truth=False)
        made.labels[made.labels == HipLabel.FEMORAL_HEAD] = 0
        found = graded_volumes.sections(made)
        np.testing.assert_array_equal(found["lateral_axial_grey"], made.grey.array[4])
        assert not any(name.endswith("_truth") for name in found)
        made.labels[:] = 0
        found = graded_volumes.sections(made)
        np.testing.assert_array_equal(found["lateral_axial_grey"], made.grey.array[2])

    def test_wide_sections_are_thinned_and_say_so(self):
        found = graded_volumes.sections(self.volume((5, 8, 300)))
        assert found["lateral_axial_labels"].shape == (3, 100)
        assert found["lateral_axial_spacing_mm"].tolist() == [1.5, 0.75]
        assert found["elevational_axial_grey"].shape == (8, 5)


class TestGroups:
    @pytest.mark.parametrize(
        ("known", "group"),
        [
            ({"is_tracked": False, "cohort": "centre2"}, "second_centre"),
            ({"truth_variant": "restless", "cohort": "repeats"}, "provoked"),
            ({"truth_variant": "repeat", "cohort": "repeats"}, "remaining"),
            ({"cohort": "dysplastic"}, "dysplastic"),
            ({"cohort": "test"}, "test_only"),
            ({"cohort": "study", "is_labelled_3d": 1}, "labelled_test"),
            ({"cohort": "study", "is_labelled_3d": float("nan")}, "remaining"),
        ],
    )
    def test_a_sweep_is_counted_by_what_was_asked_of_it(self, known, group):
        row = {"is_tracked": True, "truth_variant": "protocol", **known}
        assert graded_cases.group_of(SimpleNamespace(**row)) == group
