"""Tables of the arms of segmentation, by hand."""

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation.effort import ASSUMED, effort
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES
from hipus.stages import segmentation_arm_effort, segmentation_arm_tables
from hipus.stages.segmentation_arm_effort import (
    choose_volumes,
    minutes,
    other_costs,
    staging_effort,
    staging_totals,
)
from hipus.stages.segmentation_arm_tables import rater_error_arm, split_arm, split_inflation
from hipus.stages.volume_labels import FIRST_MASKS, FIRST_ROUND_MASKS, FROM_NOTHING

SEED = {"seed": 4, "resamples": 50}
OWN = (FIRST_ROUND_MASKS, 1.0)


def frames() -> pd.DataFrame:
    """Return Dice that depend on split and frames alone; labels lie 0.1 above."""
    worth = {("by_frame", "own_test_frames"): 0.8, ("by_frame", "test_only_cohort"): 0.5}
    worth |= {("by_subject", "own_test_frames"): 0.6, ("by_subject", "test_only_cohort"): 0.55}
    rows = []
    for (split, judged_on), dice in worth.items():
        own = judged_on == "own_test_frames"
        subjects = ["S1"] if (split, own) == ("by_subject", True) else ["S1", "S2", "S3"]
        for subject in subjects:
            for place, name in enumerate(STRUCTURE_NAMES):
                key = {"split": split, "judged_on": judged_on, "subject_id": subject}
                scores = {"dice_truth": dice + place / 100}
                scores["dice_label"] = dice + 0.1 if own else np.nan
                place = {"sweep_id": "a", "frame_index": 3, "structure": name}
                rows.append(key | place | scores)
    return pd.DataFrame(rows)


class TestSplit:
    def test_what_a_split_by_frame_flatters_is_own_test_less_infants_never_seen(self):
        table = split_inflation(frames(), **SEED).set_index(["split", "structure"])
        np.testing.assert_allclose(table.loc["by_frame"].inflation, 0.3)
        row = table.loc[("by_frame", MEAN)]
        np.testing.assert_allclose([row.low, row.high, row.dice_own_test], [0.3, 0.3, 0.815])
        assert (row.own_test_subject_count, row.test_only_subject_count) == (3, 3)

    def test_one_test_infant_gives_no_interval(self):
        table = split_inflation(frames(), **SEED).set_index(["split", "structure"])
        row = table.loc[("by_subject", MEAN)]
        assert row.inflation == pytest.approx(0.05)
        assert np.isnan([row.low, row.high]).all()

    def test_the_printed_number_stands_beside_own_frames_by_labels_alone(self):
        table = split_arm(frames(), **SEED)
        printed = table[table.printed_dice.notna()]
        assert set(zip(printed.judged_on, printed.reference, strict=True)) == {
            ("own_test_frames", "label")
        }
        by_name = printed[printed.split == "by_frame"].set_index("structure")
        assert by_name.printed_dice[["ilium", "femoral_cortex"]].tolist() == [0.707, 0.693]
        assert by_name.printed_dice[MEAN] == 0.631
        assert by_name.dice_mean[MEAN] == pytest.approx(0.9)
        assert len(table) == 2 * 3 * 5


def volumes(prior: str, scale: float, dice: dict[str, float]) -> list[dict]:
    """Return the Dice of one network: one volume of each subject, alike in all structures."""
    return [
        {"prior": prior, "error_scale": scale, "subject_id": subject, "sweep_id": "a",
         "structure": name, "dice": value, "dice_corrected": value + 0.05}
        for subject, value in dice.items()
        for name in STRUCTURE_NAMES
    ]  # fmt: skip


class TestRaterError:
    def test_a_network_is_compared_with_the_studys_own_volume_by_volume(self):
        rows = volumes(*OWN, {"S1": 0.8, "S2": 0.9})
        rows += volumes(FROM_NOTHING, 1.0, {"S1": 0.7, "S2": 0.86})
        table = pd.DataFrame(rows)
        found = rater_error_arm(table, table, own=OWN, **SEED).set_index(["prior", "structure"])
        row = found.loc[(FROM_NOTHING, MEAN)]
        assert row.dice_model_mean == pytest.approx(0.78)
        assert row.dice_corrected == pytest.approx(0.83)
        assert row.model_difference == pytest.approx(-0.07)
        assert (row.difference_low, row.difference_high) == pytest.approx((-0.1, -0.04))
        assert (row.difference_count, row.label_volume_count) == (2, 2)
        assert found.model_difference[FIRST_ROUND_MASKS].eq(0).all()

    def test_other_volumes_are_refused(self):
        judged = pd.DataFrame(volumes(*OWN, {"S1": 0.8, "S2": 0.9}))
        other = pd.DataFrame(volumes(FROM_NOTHING, 1.0, {"S1": 0.8}))
        table = pd.concat([judged, other])
        with pytest.raises(ValueError, match=r"'nothing', 1.0\) was judged on 1 volumes, must be"):
            rater_error_arm(table, table, own=OWN, **SEED)

    def test_an_arm_without_labels_is_refused(self):
        judged = pd.DataFrame(volumes(*OWN, {"S1": 0.8}))
        with pytest.raises(ValueError, match=r"arm \('first_round_masks', 1.0\) has no labels"):
            rater_error_arm(judged, judged.assign(error_scale=2.0), own=OWN, **SEED)


def corrected(changes: dict[str, tuple[float, float]], *, scale: float = 1.0) -> pd.DataFrame:
    """Return effort: mm3 of S1 and S2 by prior, a slice for 100 mm3; S2 was never seen."""
    rows = []
    for prior, pair in changes.items():
        for subject, mm3 in zip(("S1", "S2"), pair, strict=True):
            row = {"error_scale": scale, "prior": prior, "subject_id": subject, "sweep_id": "a"}
            row |= {"is_seen": subject == "S1", "changed_mm3": mm3, "touched_slices": mm3 / 100}
            rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(minutes_simulated=minutes(table))


#: Minutes: 2 + 0.15 x slices + 0.01 x mm3 = 2 + 0.0115 x mm3.
CHANGES = {FROM_NOTHING: (4000, 6000), FIRST_MASKS: (2000, 2000), FIRST_ROUND_MASKS: (400, 800)}


class TestVolumes:
    def cases(self) -> pd.DataFrame:
        sizes = {"S1": 4, "S2": 3, "S3": 4, "S4": 4}
        rows = [(name, f"w{k}") for name, size in sizes.items() for k in range(size)]
        return pd.DataFrame(rows, columns=["subject_id", "sweep_id"]).sample(frac=1, random_state=1)

    def test_unseen_and_seen_subjects_take_turns_whole_ones_first(self):
        chosen = choose_volumes(self.cases(), ["S1", "S3"], most=9)
        assert chosen.groupby("subject_id").size().to_dict() == {"S1": 4, "S2": 1, "S4": 4}
        assert chosen.groupby("subject_id").is_seen.first().to_dict() == {
            "S1": True, "S2": False, "S4": False,
        }  # fmt: skip

    def test_no_more_are_taken_than_there_are(self):
        assert len(choose_volumes(self.cases(), [], most=100)) == 15


class TestEffort:
    def test_minutes_are_those_of_the_cost_model(self):
        class Change:
            changed_voxels, touched_slices = 500, 7

        table = pd.DataFrame({"changed_mm3": [500 * 0.3], "touched_slices": [7]})
        for cost in (ASSUMED, *other_costs()):
            expected = effort(Change, voxel_mm3=0.3, cost=cost).minutes_simulated
            assert minutes(table, cost)[0] == pytest.approx(expected)

    def test_each_cost_is_halved_and_doubled_alone(self):
        found = [
            (c.minutes_per_slice, c.minutes_per_mm3, c.minutes_per_case) for c in other_costs()
        ]
        assert len(set(found)) == 6
        assert (0.15, 0.02, 2.0) in found
        assert (0.15, 0.01, 1.0) in found

    def test_savings_are_of_mean_minutes_against_nothing(self):
        table = staging_effort(corrected(CHANGES), **SEED).set_index(["subjects", "prior"])
        row = table.loc[("all", FIRST_ROUND_MASKS)]
        taken, nothing = 2 + 0.0115 * 600, 2 + 0.0115 * 5000
        assert row.minutes_simulated == pytest.approx(taken)
        assert row.saving_percent == pytest.approx(100 * (1 - taken / nothing))
        assert row.changed_mm3 == 600
        assert row.touched_slices == 6
        # Two subjects: the interval goes from one to the other.
        ends = [100 * (1 - (2 + 4.6) / (2 + 46)), 100 * (1 - (2 + 9.2) / (2 + 69))]
        assert (row.saving_percent_low, row.saving_percent_high) == pytest.approx(sorted(ends))
        assert table.loc[("all", FROM_NOTHING), "saving_percent"] == 0

    def test_unseen_subjects_stand_alone_too(self):
        table = staging_effort(corrected(CHANGES), **SEED).set_index(["subjects", "prior"])
        row = table.loc[("unseen", FIRST_MASKS)]
        assert (row.volume_count, row.subject_count, row.changed_mm3) == (1, 1, 2000)
        assert np.isnan(row.saving_percent_low)

    def test_other_costs_move_the_saving(self):
        row = staging_effort(corrected(CHANGES), **SEED).set_index(["subjects", "prior"])
        row = row.loc[("all", FIRST_ROUND_MASKS)]
        # A cheaper case leaves only work, which staging saves; a dearer one the reverse.
        most = 100 * (1 - (1 + 0.0115 * 600) / (1 + 0.0115 * 5000))
        least = 100 * (1 - (4 + 0.0115 * 600) / (4 + 0.0115 * 5000))
        assert row.saving_percent_most_by_cost == pytest.approx(most)
        assert row.saving_percent_least_by_cost == pytest.approx(least)

    def test_a_volume_without_a_beginning_is_refused(self):
        with pytest.raises(ValueError, match="each volume must be begun from .* got 2 for"):
            staging_effort(corrected(CHANGES).iloc[:-1], **SEED)


class TestTotals:
    def found(self, changes=CHANGES) -> pd.Series:
        frames = pd.DataFrame({"changed_mm3": [3000.0, 1000.0], "touched_slices": [25, 20]})
        counts = {"first": 3, "refined": 10}
        return staging_totals(corrected(changes), frames, counts=counts, **SEED).iloc[0]

    def test_staging_pays_for_frames_and_first_volumes(self):
        row = self.found()
        frames = (2 + 25 * 0.15 + 30 + 2 + 20 * 0.15 + 10) / 60
        first, refined, nothing = (2 + 0.0115 * np.array([2000, 600, 5000])) / 60
        staged = frames + 3 * first + 10 * refined
        assert row.frames_simulated_h == pytest.approx(frames)
        assert row.first_round_simulated_h == pytest.approx(3 * first)
        assert row.staged_simulated_h == pytest.approx(staged)
        assert row.from_nothing_simulated_h == pytest.approx(10 * nothing)
        assert row.saving_percent == pytest.approx(100 * (1 - staged / (10 * nothing)))
        assert row.saving_percent_low < row.saving_percent < row.saving_percent_high
        least, most = row.saving_percent_least_by_cost, row.saving_percent_most_by_cost
        assert least < row.saving_percent < most
        expected = (frames + 3 * first) / (nothing - refined)
        assert row.break_even_volumes == pytest.approx(expected)

    def test_masks_that_help_nobody_never_pay(self):
        row = self.found(CHANGES | {FIRST_ROUND_MASKS: (5000, 6000)})
        assert row.break_even_volumes == np.inf
        assert row.saving_percent < 0

    def test_metrics_name_prior_and_scale(self):
        cases = corrected(CHANGES, scale=0.5)
        frames = pd.DataFrame({"changed_mm3": [0.0], "touched_slices": [0]})
        counts = {"first": 1, "refined": 2}
        content = {
            "staging_effort": staging_effort(cases, **SEED),
            "staging_totals": staging_totals(cases, frames, counts=counts, **SEED),
        }
        found = segmentation_arm_effort.make_metrics(content)
        assert set(found) == {
            "saving_percent_first_masks_x0.5", "saving_percent_first_round_masks_x0.5",
            "saving_percent_in_all_x0.5",
        }  # fmt: skip


def test_metrics_of_dice_are_means_over_structures():
    table = pd.DataFrame(volumes(*OWN, {"S1": 0.8, "S2": 0.9}))
    content = {
        "split_inflation": split_inflation(frames(), **SEED),
        "rater_error_arm": rater_error_arm(table, table, own=OWN, **SEED),
    }
    found = segmentation_arm_tables.make_metrics(content, [OWN])
    assert found["inflation_by_frame"] == pytest.approx(0.3)
    assert found["dice_by_subject_test_only"] == pytest.approx(0.565)
    assert found["dice_model_3_2_first_round_masks_x1"] == pytest.approx(0.85)
    assert found["dice_corrected_first_round_masks_x1"] == pytest.approx(0.9)
