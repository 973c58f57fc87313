"""Sentences that cannot be tested: their numbers, and that none of them gets a verdict."""

import pandas as pd
import pytest

from hipus.segmentation import untested_claims
from hipus.segmentation.claim_verdicts import NOT_TESTABLE
from hipus.segmentation.volume_scores import STRUCTURE_NAMES


def agreement(*dice) -> pd.DataFrame:
    """Return `inter_rater`."""
    about = {"published_dice": [0.70, 0.86, 0.74, 0.74], "frame_count": [60, 36, 20, 37]}
    return pd.DataFrame({"structure": STRUCTURE_NAMES, "dice": dice, **about})


class TestRaters:
    def test_numbers_stand_beside_printed_ones_without_a_verdict(self):
        found = untested_claims.rater_inputs(agreement(0.72, 0.88, 0.73, 0.74))
        sides = {(one.claim_id, one.part): (one.value_a, one.value_b) for one in found}
        assert sides["S521a", "interfaces and head"] == pytest.approx((0.73, 0.88))
        assert sides["S521b", "ilium lowest"] == pytest.approx((0.73, 0.72))
        assert sides["S521b", "head highest"] == pytest.approx((0.88, 0.74))
        assert {one.verdict for one in found} == {NOT_TESTABLE}
        assert {one.n for one in found} == {60}
        printed = {one.part: (one.printed_a, one.printed_b) for one in found}
        assert printed["ilium lowest"] == pytest.approx((0.74, 0.70))
        assert all(one.note.startswith("an input") for one in found)

    @pytest.mark.parametrize(
        "table", [agreement(0.7, float("nan"), 0.7, 0.7), agreement(1, 1, 1, 1).iloc[:3]]
    )
    def test_without_agreement_of_every_structure_nothing_is_told(self, table):
        assert untested_claims.rater_inputs(table) == []


class TestPseudoLabels:
    ENDS = pd.DataFrame(
        {"subject_id": "S", "sweep_id": ["a", "b"], "trim_start": [4, 0], "trim_stop": [13, 90]}
    )

    def test_frames_of_annotated_sweeps_are_counted(self):
        labelled = pd.DataFrame({"subject_id": "S", "sweep_id": "a", "frame_index": [4, 7, 10]})
        (one,) = untested_claims.pseudo_labels(labelled, self.ENDS)
        assert (one.value_a, one.value_b, one.n) == (1, pytest.approx(3 / 9), 9)
        assert one.verdict == NOT_TESTABLE

    def test_without_annotated_frames_there_is_nothing(self):
        labelled = pd.DataFrame(columns=["subject_id", "sweep_id", "frame_index"])
        assert untested_claims.pseudo_labels(labelled, self.ENDS) == []


def test_what_is_not_part_of_the_study_has_a_reason_and_no_number():
    found = untested_claims.not_part_of_the_study()
    assert [one.claim_id for one in found] == ["S522a", "C1"]
    for one in found:
        assert one.note
        assert (one.n, one.verdict) == (0, NOT_TESTABLE)
        assert pd.isna([one.value_a, one.value_b, one.low, one.high]).all()
