"""Reading, checking and addressing the transcribed tables."""

import numpy as np
import pandas as pd
import pytest

from hipus.published import tables


class TestReading:
    def test_text_stays_as_printed_with_its_trailing_zeros(self):
        hausdorff = tables.as_printed("midl_table4")["hd_mm"]
        assert "0.0000" in set(hausdorff)

    def test_columns_of_numbers_are_float_and_their_spreads_too(self):
        frame = tables.load("midl_table1")
        assert frame["dice_mean"].dtype == np.float64
        assert frame["dice_spread_printed"].dtype == np.float64

    def test_model_ids_stay_text(self):
        assert set(tables.load("midl_table1")["model_id"]) == {"2.1", "2.2", "2.3", "3.1", "3.2"}

    def test_an_empty_cell_is_nan(self):
        graf = tables.load("midl_graf").set_index("type")
        assert np.isnan(graf.loc["I", "alpha_max_deg"])
        assert graf.loc["I", "alpha_min_deg"] == 60

    @pytest.mark.parametrize("table", dict.fromkeys(c.table for c in tables.index()))
    def test_every_table_of_the_index_loads(self, table):
        frame = tables.load(table)
        for column in tables.columns_of(table):
            if column.kind == "number":
                assert frame[column.column].notna().any()

    def test_a_printed_cell_is_found_by_its_row(self):
        assert tables.printed("midl_text", "claim_id=M087") == "50"


class TestSelecting:
    frame = pd.DataFrame({"model": ["a", "a", "b"], "value": ["1", "1.0", "1"]})

    def test_conditions_are_joined_by_and(self):
        assert list(tables.select(self.frame, "model=a; value=1").index) == [0]

    def test_alternatives_are_joined_by_or(self):
        assert list(tables.select(self.frame, "model=a|b;value=1").index) == [0, 2]

    def test_values_compare_as_printed(self):
        assert list(tables.select(self.frame, "value=1.0").index) == [1]

    def test_an_empty_selector_names_every_row(self):
        assert len(tables.select(self.frame, "")) == 3

    def test_a_condition_without_equals_is_refused(self):
        with pytest.raises(ValueError, match="selector must be column=value, got 'model'"):
            tables.select(self.frame, "model")

    def test_an_unknown_column_is_refused(self):
        with pytest.raises(
            ValueError, match=r"selector 'case=1': columns are \['model', 'value'\]"
        ):
            tables.select(self.frame, "case=1")


class TestFaults:
    def test_a_missing_file_says_how_to_get_it(self, edited):
        edited.remove("midl2026_table1_dice.csv")
        with pytest.raises(FileNotFoundError, match=r"table1_dice.csv is missing: run `dvc pull"):
            tables.load("midl_table1")

    def test_an_unknown_table_names_the_known_ones(self):
        with pytest.raises(ValueError, match=r"table must be one of \['midl_statement'.*'table1'"):
            tables.load("table1")

    def test_a_missing_column_is_named(self, edited):
        edited.replace("midl2026_table1_dice.csv", "dice_mean", "dice")
        with pytest.raises(ValueError, match=r"table1_dice.csv: needs columns \['dice_mean'\]"):
            tables.load("midl_table1")

    def test_two_rows_with_one_key_are_refused(self, edited):
        edited.replace("midl2026_table1_dice.csv", "2.2,2D nnU-Net,ilium", "2.1,2D nnU-Net,ilium")
        with pytest.raises(ValueError, match="must identify a row, got 2 rows that share one"):
            tables.load("midl_table1")

    def test_a_word_among_numbers_is_located(self, edited):
        edited.replace("midl2026_table1_dice.csv", "0.628", "O.628")
        message = "table1_dice.csv, column dice_mean, data row 2: expected a number, got 'O.628'"
        with pytest.raises(ValueError, match=message):
            tables.load("midl_table1")

    def test_an_index_with_other_columns_is_refused(self, edited):
        edited.replace("index.csv", "table,file", "name,file")
        with pytest.raises(ValueError, match="index.csv: columns must be"):
            tables.index()

    def test_an_unknown_kind_is_refused(self, edited):
        edited.replace("index.csv", "statement_in_our_words,statement", "statement_in_our_words,x")
        with pytest.raises(ValueError, match=r"index.csv: kind must be one of .* got \['x'\]"):
            tables.index()

    def test_a_cell_that_several_rows_share_is_refused(self):
        with pytest.raises(ValueError, match=r"midl_text: 'section=2.1' must name one row, got 7"):
            tables.printed("midl_text", "section=2.1")
