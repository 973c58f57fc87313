"""Numbers of ours taken out of tables, on tables small enough for a pencil."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hipus import paths
from hipus.published import claim_answers
from hipus.published.claim_answers import Answer, SavedTables
from hipus.published.claim_registry import Link

LINK = Link(
    table="midl_table1", rows="", columns="", our_table="scores", our_rows="model_id={model_id}",
    our_column="dice", how="subjects", per="", lower="", upper="", n="", scale="1", rule="size",
    note="Dice",
)  # fmt: skip
#: S1 has 0.2 and 0.4 of the ilium, S2 0.9; the head is seen once, and once missed altogether.
SCORES = pd.DataFrame(
    {
        "model_id": ["2.1"] * 6,
        "subject_id": ["S1", "S1", "S2", "S2", "S1", "S2"],
        "structure": ["ilium", "ilium", "ilium", "head", "head", "head"],
        "dice": ["0.2", "0.4", "0.9", "1.0", "", "inf"],
    }
)


def take(link, rows, rng):
    """Return a link's answer."""
    return claim_answers.answer(link, rows, rng=rng, resamples=500)


class TestNumbers:
    def test_mean_over_all_finite_values_and_how_many_infants(self, rng):
        found = take(LINK, SCORES, rng)
        assert found.value == pytest.approx((0.2 + 0.4 + 0.9 + 1.0) / 4)
        assert found.n == "2 infants"

    def test_interval_resamples_infants_and_spans_both(self, rng):
        found = take(LINK, SCORES[SCORES.structure == "ilium"], rng)
        assert (found.lower, found.upper) == pytest.approx((0.3, 0.9))

    def test_structures_are_averaged_first_when_asked(self, rng):
        found = take(replace(LINK, per="structure"), SCORES, rng)
        assert found.value == pytest.approx(((0.2 + 0.4 + 0.9) / 3 + 1.0) / 2)

    def test_one_infant_has_no_interval(self, rng):
        found = take(LINK, SCORES[SCORES.subject_id == "S1"], rng)
        assert math.isnan(found.lower)
        assert (found.n, found.text) == ("1 infant", "0.3")

    def test_a_cell_brings_interval_count_and_unit(self, rng):
        row = pd.DataFrame({"share": ["0.25"], "low": ["0.1"], "high": [""], "k": ["10"]})
        link = replace(LINK, how="cell", our_column="share", scale="100", lower="low",
                       upper="high", n="k infants")  # fmt: skip
        found = take(link, row, rng)
        assert (found.value, found.lower, found.n) == (25.0, 10.0, "10 infants")
        assert math.isnan(found.upper)

    def test_groups_are_averaged_without_interval(self, rng):
        rows = pd.DataFrame({"mean": ["50", "52"], "channel": ["0", "1"]})
        found = take(replace(LINK, how="groups", our_column="mean"), rows, rng)
        assert (found.value, found.n) == (51.0, "")

    def test_several_cells_are_not_one(self, rng):
        link = replace(LINK, how="cell")
        with pytest.raises(ValueError, match="scores: .* names 4 cells, not one"):
            take(link, SCORES, rng)

    def test_no_finite_number_is_no_answer(self, rng):
        assert take(LINK, SCORES.iloc[[4, 5]], rng) is None

    def test_text_shows_counts_in_full_and_the_interval(self):
        assert Answer(4_069_513.0, math.nan, math.nan, "").text == "4,069,513"
        assert Answer(0.8464, 0.824, 0.8701, "").text == "0.846 (0.824 to 0.87)"


class TestDistance:
    @pytest.mark.parametrize(
        ("printed", "ours", "told"),
        [
            (2.0, 2.0, "exactly the printed number"),
            (0.0, 1.0, "the printed number is zero"),
            (2.0, 3.0, "ours is 50% above the printed number"),
            (2.0, 1.5, "ours is 25% below the printed number"),
            (2.0, 25.4, "ours is 12.7 times the printed number"),
        ],
    )
    def test_distance_is_told_in_words(self, printed, ours, told):
        assert claim_answers.distance(printed, Answer(ours, math.nan, math.nan, "")) == told

    def test_an_interval_that_holds_the_printed_number_is_told(self):
        told = claim_answers.distance(2.0, Answer(3.0, 1.5, 4.5, ""))
        assert told.endswith("above the printed number and the printed one lies in our interval")


class TestRows:
    @pytest.fixture
    def saved(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        folder = paths.table_file("smoke", "scores").parent
        folder.mkdir(parents=True)
        SCORES.to_csv(folder / "scores.csv", index=False)
        SCORES.iloc[:0].to_csv(folder / "skipped.csv", index=False)
        return SavedTables("smoke")

    def test_printed_names_become_ours(self, saved):
        link = replace(LINK, our_rows="model_id={model_id};structure={structure}")
        row = {"model_id": "2.1", "structure": "ilium"}
        assert len(claim_answers.rows_of(link, row, saved)) == 3
        assert claim_answers.NAMES["co_border"] == "chondro_osseous_border"

    @pytest.mark.parametrize("table", ["skipped", "absent"])
    def test_an_empty_or_absent_table_gives_nothing(self, saved, table):
        link = replace(LINK, our_table=table)
        assert claim_answers.rows_of(link, {"model_id": "2.1"}, saved) is None

    def test_no_such_row_gives_nothing(self, saved):
        assert claim_answers.rows_of(LINK, {"model_id": "3.2"}, saved) is None

    def test_model_ids_stay_text(self, saved):
        assert set(saved.get("scores")["model_id"]) == {"2.1"}


def test_equal_generators_give_equal_intervals():
    first, second = (
        claim_answers.answer(LINK, SCORES, rng=np.random.default_rng(4), resamples=200)
        for _ in range(2)
    )
    assert first == second
