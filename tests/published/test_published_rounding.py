"""Comparing recomputed with printed numbers."""

import pytest

from hipus.published.audit import CheckVerdict
from hipus.published.rounding import compare, half_unit, holds


class TestHalfUnit:
    @pytest.mark.parametrize(
        ("printed", "expected"), [("0.630", 0.0005), ("12", 0.5), ("12.6", 0.05), ("-1.44", 0.005)]
    )
    def test_follows_the_number_of_printed_decimals(self, printed, expected):
        assert half_unit(printed) == pytest.approx(expected)


class TestCompare:
    def test_a_value_on_the_rounding_boundary_agrees_both_ways(self):
        for printed in ("0.657", "0.658"):
            assert compare("X", 0.6575, printed).verdict == CheckVerdict.CONSISTENT

    def test_a_value_beyond_half_a_unit_disagrees(self):
        assert compare("X", 0.65751, "0.657").verdict == CheckVerdict.INCONSISTENT

    def test_slack_widens_the_tolerance_by_itself(self):
        assert compare("X", 0.6584, "0.657", slack=0.001).verdict == CheckVerdict.CONSISTENT
        assert compare("X", 0.6586, "0.657", slack=0.001).verdict == CheckVerdict.INCONSISTENT

    def test_one_wrong_value_of_several_is_enough(self):
        check = compare("X", [1.0, 2.2], ["1", "2.0"], digits=1)
        assert check.verdict == CheckVerdict.INCONSISTENT
        assert (check.computed, check.printed) == ("1.0; 2.2", "1; 2.0")

    def test_a_missing_value_is_refused(self):
        with pytest.raises(ValueError, match="X: got 1 computed and 2 printed values"):
            compare("X", [1.0], ["1", "2"])

    def test_holds_translates_a_condition(self):
        assert holds(True) == CheckVerdict.CONSISTENT
        assert holds(False) == CheckVerdict.INCONSISTENT
