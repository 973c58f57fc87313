"""Scores of masks, tables of cases and their summaries: hand-worked, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from hipus import metrics
from hipus.labels import StillLabel
from hipus.mask_scores import CaseScores, score_masks, score_table, summarise
from hipus.surface_metrics import surface_distances

SPACING = (0.5, 1.0, 2.0)
DISTANCES = ("hd_mm", "hd95_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm", "assd_mm")


def scores_of(prediction, reference, labels=(1, 2), spacing=SPACING):
    """Return scores of small masks."""
    return score_masks(prediction, reference, spacing_zyx_mm=spacing, labels=labels)


@pytest.fixture
def masks():
    """Return prediction and reference: label 1 is moved by a voxel in x, label 2 has a lack."""
    prediction, reference = np.zeros((2, 3, 4, 6), np.uint8)
    reference[1, 1, 1:3] = 1
    prediction[1, 1, 2:4] = 1
    reference[0:2, 3, 0:2] = 2
    prediction[0, 3, 0:2] = 2
    return prediction, reference


class TestScores:
    def test_of_two_structures_worked_by_hand(self, masks):
        first, second = scores_of(*masks)
        assert (first.label, second.label) == (1, 2)
        assert (first.dice, second.dice) == (1 / 2, pytest.approx(2 * 2 / (2 + 4)))
        # Label 1: one voxel of each is on the other, one is 2 mm away.
        assert (first.hd_mm, first.assd_mm, first.surface_dice_1mm) == (2, 1, 0.5)
        # Label 2: the upper half of the reference is 0.5 mm from the prediction.
        assert (second.hd_mm, second.asd_gt_to_pred_mm, second.asd_pred_to_gt_mm) == (0.5, 0.25, 0)
        assert second.surface_dice_1mm == 1
        assert (first.volume_error_percent, second.volume_error_percent) == (0, -50)
        assert (second.reference_mm3, second.prediction_mm3) == (4, 2)

    def test_are_those_of_each_structure_alone(self, rng):
        prediction, reference = rng.choice([0, 2, 3, 7], (2, 9, 8, 7), p=[0.6, 0.2, 0.15, 0.05])
        found = scores_of(prediction, reference, labels=(7, 2, 3))
        dice = metrics.dice_per_label(prediction, reference, (7, 2, 3))
        np.testing.assert_array_equal([one.dice for one in found], dice)
        for one in found:
            alone = surface_distances(
                reference=reference == one.label,
                prediction=prediction == one.label,
                spacing_zyx_mm=SPACING,
            )
            assert [getattr(one, name) for name in DISTANCES] == [
                getattr(alone, name) for name in DISTANCES
            ]
            assert one.surface_dice_1mm == alone.surface_dice(1)

    def test_any_integers_in_any_memory_order_score_the_same(self, masks):
        expected = scores_of(*masks)
        assert scores_of(*(mask.astype(np.int64) for mask in masks)) == expected
        assert scores_of(*(np.asfortranarray(mask) for mask in masks)) == expected

    def test_frames_have_areas_and_no_volumes(self, masks):
        frames = (mask.max(axis=0) for mask in masks)
        second = scores_of(*frames, spacing=(1.0, 2.0))[1]
        assert second.dice == 1
        assert second.volume_error_percent == 0
        assert np.isnan([second.reference_mm3, second.prediction_mm3]).all()


class TestAbsentStructures:
    @pytest.mark.parametrize(
        ("order", "error_percent", "volumes"), [(1, -100, (4, 0)), (-1, np.inf, (0, 4))]
    )
    def test_one_empty_scores_nothing_at_infinite_distance(self, order, error_percent, volumes):
        pair = np.zeros((2, 3, 4, 6), np.uint8)
        pair[1, 1, 1, 1:5] = 1
        (one,) = scores_of(*pair[::order], labels=(1,))
        assert (one.dice, one.surface_dice_1mm) == (0, 0)
        assert [getattr(one, name) for name in DISTANCES] == [np.inf] * 5
        assert one.volume_error_percent == error_percent
        assert (one.reference_mm3, one.prediction_mm3) == volumes

    def test_two_empty_say_nothing(self, masks):
        one = scores_of(*masks, labels=(1, 2, 4))[2]
        names = ("dice", "surface_dice_1mm", "volume_error_percent", *DISTANCES)
        assert np.isnan([getattr(one, name) for name in names]).all()
        assert (one.reference_mm3, one.prediction_mm3) == (0, 0)


class TestBadMasks:
    def test_foreign_labels_are_named(self, masks):
        prediction, reference = masks
        reference[0, 0, 0] = 5
        with pytest.raises(ValueError, match=r"reference must hold 0 .*\(1, 2\) only, got \[5\]"):
            scores_of(prediction, reference)
        with pytest.raises(ValueError, match=r"prediction must hold .* got \[5\]: map what is not"):
            scores_of(reference, prediction)

    @pytest.mark.parametrize("value", [-1, 256, 2**40])
    def test_labels_beyond_a_byte_are_foreign_and_do_not_wrap(self, masks, value):
        prediction, reference = (mask.astype(np.int64) for mask in masks)
        prediction[0, 0, 0] = value
        with pytest.raises(ValueError, match=rf"prediction must hold .* got \[{value}\]"):
            scores_of(prediction, reference)

    def test_many_foreign_labels_are_not_all_listed(self):
        prediction = np.arange(30, dtype=np.uint8).reshape(5, 6)
        with pytest.raises(ValueError, match=r"\[3, 4, 5, 6, 7, 8, 9, 10\] and 19 more"):
            scores_of(prediction, prediction, spacing=(1, 1))

    @pytest.mark.parametrize("dtype", ["float32", "bool"])
    def test_refuses_what_are_no_labels(self, masks, dtype):
        with pytest.raises(ValueError, match=f"prediction must hold integer labels, got {dtype}"):
            scores_of(masks[0].astype(dtype), masks[1])

    def test_refuses_another_grid(self, masks):
        with pytest.raises(ValueError, match=r"masks must have one shape, got .*\(2, 4, 6\)"):
            scores_of(masks[0][1:], masks[1])

    def test_refuses_a_bad_spacing(self, masks):
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers, got "):
            scores_of(*masks, spacing=(0.0, 1, 1))

    @pytest.mark.parametrize("labels", [(), (1, 1), (0, 1), (256,)])
    def test_refuses_labels_that_are_no_structures(self, masks, labels):
        with pytest.raises(ValueError, match="labels must be different numbers from 1 to 255"):
            scores_of(*masks, labels=labels)


class TestTable:
    EXPECTED = (("S002", "p_d"), ("S001", "p_a"))

    @pytest.fixture
    def cases(self, masks):
        """Return the scores of the two expected cases, in another order."""
        return [CaseScores("S001", "p_a", scores_of(*masks))] + [
            CaseScores("S002", "p_d", scores_of(*masks[::-1]))
        ]

    def test_has_a_row_per_expected_case_and_named_structure(self, cases):
        table = score_table(iter(cases), expected=self.EXPECTED)
        assert table.subject_id.tolist() == ["S002", "S002", "S001", "S001"]
        assert table.sweep_id.tolist() == ["p_d", "p_d", "p_a", "p_a"]
        assert table.structure.tolist() == ["ilium", "femoral_head"] * 2
        assert table.volume_error_percent.tolist() == [0, 100, 0, -50]
        assert list(table.columns[3:]) == [
            *("dice", *DISTANCES, "surface_dice_1mm", "volume_error_percent"),
            *("reference_mm3", "prediction_mm3"),
        ]

    def test_another_scheme_names_other_structures(self, masks):
        scores = scores_of(*(np.where(mask == 1, 3, 0) for mask in masks), labels=(3,))
        table = score_table(
            [CaseScores("a", "b", scores)], expected=[("a", "b")], scheme=StillLabel
        )
        assert table.structure.tolist() == ["os_ischium"]

    def test_a_missing_prediction_is_an_error_and_never_a_smaller_table(self, cases):
        with pytest.raises(ValueError, match="1 of 2 cases without a prediction: S002/p_d"):
            score_table(cases[:1], expected=self.EXPECTED)

    def test_a_case_scored_twice_is_an_error(self, cases):
        with pytest.raises(ValueError, match="1 of 3 cases scored twice: S001/p_a"):
            score_table([*cases, cases[0]], expected=self.EXPECTED)

    def test_a_case_that_nobody_expects_is_an_error(self, cases):
        with pytest.raises(ValueError, match="not among the 1 expected: S002/p_d"):
            score_table(cases, expected=self.EXPECTED[1:])

    def test_a_case_expected_twice_is_an_error(self, cases):
        with pytest.raises(ValueError, match="1 of 3 cases expected twice: S001/p_a"):
            score_table(cases, expected=[*self.EXPECTED, ("S001", "p_a")])

    def test_nothing_expected_is_an_error(self):
        with pytest.raises(ValueError, match="expected must name at least one case, got none"):
            score_table([], expected=[])

    def test_cases_scored_on_different_structures_are_an_error(self, cases, masks):
        cases[0] = CaseScores("S001", "p_a", scores_of(*masks)[:1])
        with pytest.raises(ValueError, match=r"same structures, got \[\(1,\), \(1, 2\)\]"):
            score_table(cases, expected=self.EXPECTED)


class TestSummary:
    @pytest.fixture
    def table(self):
        """Return four scores of a model, one infinite and one missing, and one of another."""
        return pd.DataFrame(
            {
                "model_id": ["3.2"] * 4 + ["2.1"],
                "structure": "ilium",
                "hd_mm": [1.0, np.inf, 4.0, np.nan, np.nan],
                "dice": [0.5, 0.0, 0.9, np.nan, 0.25],
            }
        )

    def test_counts_what_is_not_finite_and_drops_nothing(self, table):
        found = summarise(table, by=["model_id", "structure"], columns=["hd_mm", "dice"])
        assert found.model_id.tolist() == ["3.2", "2.1"]
        row = found.iloc[0]
        assert row.hd_mm_median == 4  # of 1, 4 and inf
        assert row.hd_mm_mean_finite == 2.5
        assert row.hd_mm_sd_finite == 1.5  # population: of a sample it were 2.12
        counts = [row[f"hd_mm_{kind}count"] for kind in ("", "finite_", "infinite_", "missing_")]
        assert counts == [4, 2, 1, 1]
        assert row.dice_mean_finite == pytest.approx(1.4 / 3)

    def test_of_nothing_but_missing_values_is_missing(self, table):
        row = summarise(table, by=["model_id"], columns=["hd_mm"]).iloc[1]
        numbers = [row.hd_mm_median, row.hd_mm_mean_finite, row.hd_mm_sd_finite]
        assert np.isnan(numbers).all()
        assert (row.hd_mm_count, row.hd_mm_missing_count) == (1, 1)

    def test_a_group_without_a_name_is_kept(self, table):
        table.loc[4, "model_id"] = None
        found = summarise(table, by=["model_id"], columns=["dice"])
        assert found.dice_count.sum() == len(table)

    def test_refuses_unknown_columns(self, table):
        with pytest.raises(ValueError, match=r"columns \['assd_mm'\] are not in the table, which"):
            summarise(table, by=["model_id"], columns=["dice", "assd_mm"])

    def test_refuses_to_summarise_nothing(self, table):
        for nothing in (
            {"table": table.iloc[:0], "by": ["model_id"], "columns": ["dice"]},
            {"table": table, "by": [], "columns": ["dice"]},
            {"table": table, "by": ["model_id"], "columns": []},
        ):
            with pytest.raises(ValueError, match="nothing to summarise: "):
                summarise(nothing.pop("table"), **nothing)
