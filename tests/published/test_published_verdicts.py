"""The two rules of a verdict, on hand-worked numbers."""

import math

import pytest

from hipus.published import verdicts
from hipus.published.verdicts import Verdict

NAN = math.nan


class TestNumbers:
    @pytest.mark.parametrize(
        ("printed", "ours", "low", "high", "expected"),
        [
            (0.80, 0.72, NAN, NAN, Verdict.SAME),  # 10 % off, no interval
            (0.80, 0.71, NAN, NAN, Verdict.DIFFERS),
            (0.80, 0.65, 0.55, 0.85, Verdict.SAME),  # inside an interval of 0.30
            (0.80, 0.65, 0.55, 0.75, Verdict.DIFFERS),
            (0.80, 1.50, 0.50, 2.50, Verdict.UNDECIDED),  # the interval holds nearly anything
            (0.80, 0.81, 0.10, 1.50, Verdict.SAME),  # near, however wide
            (-2.0, -2.1, NAN, NAN, Verdict.SAME),
            (0.0, 0.1, NAN, NAN, Verdict.DIFFERS),  # no share of zero
            (0.0, 0.0, NAN, NAN, Verdict.SAME),
        ],
    )
    def test_verdict(self, printed, ours, low, high, expected):
        assert verdicts.of_number(printed, ours, low=low, high=high) == expected

    def test_ends_of_the_interval_belong_to_it(self):
        assert verdicts.of_number(1.0, 1.5, low=1.0, high=2.0) == Verdict.SAME

    def test_unit_does_not_matter(self):
        for scale in (1, 1000):
            found = verdicts.of_number(scale, 1.3 * scale, low=1.2 * scale, high=1.4 * scale)
            assert found == Verdict.DIFFERS

    @pytest.mark.parametrize("pair", [(NAN, 1.0), (1.0, NAN), (1.0, math.inf)])
    def test_nothing_is_said_of_what_is_no_number(self, pair):
        with pytest.raises(ValueError, match="printed and ours must be finite"):
            verdicts.of_number(*pair, low=NAN, high=NAN)

    def test_no_number_is_ever_confirmed(self):
        found = {
            verdicts.of_number(printed, ours, low=ours - width, high=ours + width)
            for printed in (0.5, 1.0)
            for ours in (0.4, 0.5, 1.0, 3.0)
            for width in (0.0, 0.5, 4.0)
        }
        assert found == {Verdict.SAME, Verdict.DIFFERS, Verdict.UNDECIDED}


class TestSentences:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["holds", "holds"], Verdict.SAME),
            (["holds", "not decided"], Verdict.UNDECIDED),
            (["holds", "not decided", "does not hold"], Verdict.DIFFERS),
            (["holds here", "opposite here"], Verdict.DIFFERS),
            (["holds here in part"], Verdict.UNDECIDED),
            (["arm learned nothing"], Verdict.UNDECIDED),
            (["not testable"], Verdict.CLINICAL),
        ],
    )
    def test_the_weakest_comparison_decides(self, words, expected):
        assert verdicts.of_parts(verdicts.of_word(word) for word in words) == expected

    def test_a_sentence_without_comparison_has_no_verdict(self):
        with pytest.raises(ValueError, match="at least one judged comparison"):
            verdicts.of_parts([])

    def test_an_unknown_word_is_refused(self):
        with pytest.raises(ValueError, match="got 'maybe'"):
            verdicts.of_word("maybe")

    def test_every_word_of_the_tables_is_known(self):
        from hipus.motion import findings
        from hipus.motion.factor_claims import IN_PART
        from hipus.segmentation import claim_verdicts
        from hipus.stages import hip_drift

        words = {*claim_verdicts.VERDICTS, *findings.VERDICTS, IN_PART}
        words |= {hip_drift.HOLDS, hip_drift.FAILS, hip_drift.UNDECIDED}
        assert words <= set(verdicts.WORDS)
