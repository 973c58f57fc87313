"""Tables are read with few digits, in headings that wrap, and lose nothing by it."""

import numpy as np
import pandas as pd
import pytest

from hipus.report.readable_tables import readable, with_interval


def column(values) -> list:
    """Return what a column of these values is read as."""
    return readable(pd.DataFrame({"a": values}))["a"].tolist()


class TestReadable:
    def test_a_column_has_three_digits_of_its_typical_value(self):
        assert column([3.40776, 17.1296, 5.15662]) == ["3.41", "17.13", "5.16"]
        assert column([38.2945, 17.1736]) == ["38.3", "17.2"]
        assert column([0.0851, 0.1802]) == ["0.085", "0.180"]

    def test_whole_numbers_have_no_decimals_and_integers_stay_numbers(self):
        assert column([4.0, 462.0, np.nan]) == ["4", "462", "–"]
        assert column([4, 462]) == [4, 462]

    def test_a_small_number_never_becomes_zero(self):
        assert column([0.04, 0.000002, 0.5, 0.0]) == ["0.0400", "2e-06", "0.5000", "0.0000"]
        assert column([-0.00001, 12.5, 12.5]) == ["-1e-05", "12.5", "12.5"]

    def test_infinite_and_unknown_are_told(self):
        assert column([np.inf, -np.inf, np.nan, 1.25]) == ["∞", "−∞", "–", "1.25"]

    def test_no_column_has_more_than_four_decimals(self):
        assert column([1.2e-5, 2.4e-5]) == ["1e-05", "2e-05"]

    def test_headings_can_wrap_and_true_is_yes(self):
        told = readable(pd.DataFrame({"is_as_locked": [True, False], "unit": ["mm", "deg"]}))
        assert told.to_dict("list") == {"is as locked": ["yes", "no"], "unit": ["mm", "deg"]}

    def test_kinds_of_sweep_keep_their_names(self):
        named = readable(pd.DataFrame(columns=["ours_p_a", "p_d", "step_d", "drop_a"]))
        assert list(named) == ["ours p_a", "p_d", "step d", "drop a"]

    def test_an_empty_table_keeps_its_headings(self):
        assert list(readable(pd.DataFrame({"final_mm": [], "arm": []}))) == ["final mm", "arm"]

    def test_the_table_itself_is_left_alone(self):
        table = pd.DataFrame({"final_mm": [3.40776]}, index=[7])
        told = readable(table, digits=1)
        assert table["final_mm"].iloc[0] == 3.40776
        assert (told["final mm"].iloc[0], told.index[0]) == ("3", 7)

    def test_no_digit_is_no_table(self):
        with pytest.raises(ValueError, match="digits must be >= 1, got 0"):
            readable(pd.DataFrame(), digits=0)


class TestWithInterval:
    def test_a_value_stands_before_the_ends_of_its_interval(self):
        rows = pd.DataFrame({"mean": [3.4078], "low": [2.8427], "high": [4.0372]})
        assert with_interval(rows, "mean") == ["3.41 (2.84 to 4.04)"]
        assert with_interval(rows, "mean", form="+.1f") == ["+3.4 (+2.8 to +4.0)"]

    def test_a_value_without_interval_stands_alone_and_an_unknown_one_is_a_dash(self):
        rows = pd.DataFrame({"v": [1.0, np.nan], "from": [np.nan, 0.0], "to": [2.0, 1.0]})
        assert with_interval(rows, "v", low="from", high="to") == ["1.00", "–"]
