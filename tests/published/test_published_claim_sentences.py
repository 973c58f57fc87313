"""Rows of the tables of judged comparisons, read as sentences."""

import pandas as pd
import pytest

from hipus.published import claim_sentences
from hipus.published.claim_sentences import Part
from hipus.published.verdicts import Verdict

SEGMENTATION = {
    "part": "3.2 above 3.1", "a": "3.2, ilium", "b": "3.1, ilium", "measure": "Dice",
    "value_a": "0.81", "value_b": "0.74", "difference": "0.07", "low": "0.05", "high": "0.09",
    "n": "10", "unit": "subjects", "part_verdict": "holds", "note": "by truth",
}  # fmt: skip
MOTION = {
    "claim": "Drift is lower", "mean_a": "6.1", "mean_b": "7.1", "difference": "-1", "low": "-3.7",
    "high": "1.2", "unit": "mm", "subject_count": "10", "verdict": "not told apart here",
}  # fmt: skip
FACTORS = {"sentence": "p_d sweeps drift more.", "verdict": "opposite here", "subject_count": "10"}
HIPS = {"found": "+0.1 deg per mm", "asked": "drift need not harm", "verdict": "undecided"}
EFFECT = {
    "factor": "infant_motion", "design": "same sweep", "mm_per_sd": "0.4", "low": "0.25",
    "high": "0.55", "subject_count": "2",
}  # fmt: skip


def part(table, row) -> Part:
    """Return the one comparison of a row."""
    (found,) = claim_sentences.parts_of(table, pd.DataFrame([row]))
    return found


class TestReaders:
    def test_segmentation_names_both_sides_difference_and_measure(self):
        found = part("segmentation_claims", SEGMENTATION)
        ours = "3.2: 0.81 against 3.1: 0.74, difference +0.07 (+0.05 to +0.09)"
        assert found.told == f"{ours} (Dice, ilium)"
        assert (found.n, found.note, found.verdict) == ("10 infants", "by truth", Verdict.SAME)

    def test_ends_that_differ_stay_with_their_side(self):
        row = SEGMENTATION | {"b": "2.1, head", "low": ""}
        ours = "3.2, ilium: 0.81 against 2.1, head: 0.74, difference +0.07 (Dice)"
        assert part("segmentation_claims", row).told == ours

    def test_a_limit_is_not_named_twice(self):
        row = SEGMENTATION | {"b": "0.85", "value_b": "0.85", "difference": "-0.04", "low": ""}
        ours = "3.2, ilium: 0.81 against 0.85, difference -0.04 (Dice)"
        assert part("segmentation_claims", row).told == ours

    def test_a_rule_without_numbers_is_told_by_its_name(self):
        row = SEGMENTATION | dict.fromkeys(("difference", "value_a", "value_b", "b"), "")
        assert part("segmentation_claims", row).told == "3.2 above 3.1"

    def test_motion_tells_claim_and_unit(self):
        found = part("motion_claims", MOTION)
        assert found.told == "Drift is lower: 6.1 against 7.1, difference -1 (-3.7 to +1.2) mm"
        assert found.verdict == Verdict.UNDECIDED

    def test_factors_and_hips_say_themselves_what_was_found(self):
        assert part("motion_factor_verdicts", FACTORS).told == "p_d sweeps drift more"
        assert part("motion_factor_verdicts", FACTORS).verdict == Verdict.DIFFERS
        assert part("hip_claims", HIPS).note == "drift need not harm"

    @pytest.mark.parametrize(
        ("low", "high", "expected"),
        [
            ("0.25", "0.55", Verdict.SAME),
            ("-0.1", "0.5", Verdict.UNDECIDED),
            ("-0.5", "-0.1", Verdict.DIFFERS),
            ("", "", Verdict.UNDECIDED),
        ],
    )
    def test_an_effect_is_judged_by_its_interval(self, low, high, expected):
        found = part("motion_factor_effects", EFFECT | {"low": low, "high": high})
        assert found.verdict == expected
        assert found.told.startswith("infant_motion, same sweep: +0.4 mm of final drift per SD")

    def test_other_tables_hold_no_sentences(self):
        with pytest.raises(ValueError, match="table of sentences must be one of .* 'frame_scores'"):
            claim_sentences.parts_of("frame_scores", pd.DataFrame([HIPS]))


class TestWhy:
    def test_comparisons_are_counted_by_verdict_and_notes_told_once(self):
        parts = [Part("a", "holds", "10 infants", "by truth")] * 2
        parts.append(Part("b", "does not hold", "10 infants", "by truth"))
        assert claim_sentences.why(parts) == (
            "3 comparisons (holds: 2, does not hold: 1); by truth"
        )
        assert claim_sentences.told(parts) == "a; a; b"

    def test_a_single_comparison_is_not_counted(self):
        assert claim_sentences.why([Part("a", "holds here", "", "")]) == (
            "one comparison: holds here"
        )
