"""The reading form: answers kept at once, taken up again, and silent in a pipeline."""

import logging
import os

import pandas as pd
import pytest

from hipus import reading_form
from hipus.reading_form import (
    COLUMNS,
    ReadingForm,
    load_readings,
    read_grades,
    readings_file,
    save_reading,
)
from hipus.segmentation.grading import GRADES

CASES = {"v1": "sha-1", "v2": "sha-2", "v3": "sha-3"}


@pytest.fixture
def shown(monkeypatch):
    """Return the list of what notebooks would display."""
    found = []
    monkeypatch.setattr(reading_form, "display", found.append)
    return found


@pytest.fixture
def live(monkeypatch):
    """Let a person be there."""
    monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)


@pytest.fixture
def seen() -> list[str]:
    """Return the list of cases whose picture was shown."""
    return []


@pytest.fixture
def form(tmp_path, seen) -> ReadingForm:
    """Return a reader's form that nobody has answered."""
    return ReadingForm(CASES, seen.append, readings_file(tmp_path, "reader-a"))


def grades(folder) -> dict[str, str]:
    """Return case -> grade as saved."""
    readings = load_readings(folder)
    return dict(zip(readings["case_id"], readings["grade"], strict=True))


class TestForm:
    def test_each_button_saves_its_grade_at_once_and_shows_the_next(self, form, seen, tmp_path):
        for count, grade in enumerate(("good", "insufficient", "adequate"), start=1):
            form.buttons[grade].click()
            assert len(grades(tmp_path)) == count
        assert grades(tmp_path) == {"v1": "good", "v2": "insufficient", "v3": "adequate"}
        assert seen == ["v1", "v2", "v3"]
        assert form.status.value == "All 3 volumes are read."
        assert all(button.disabled for button in form.buttons.values())

    def test_a_reading_says_who_when_and_of_what(self, form, tmp_path):
        form.remark.value = ' streaks, "torn",\nhead ok '
        form.buttons["adequate"].click()
        row = load_readings(tmp_path).iloc[0]
        assert list(load_readings(tmp_path).columns) == list(COLUMNS)
        assert (row["reader_id"], row["case_id"], row["version"]) == ("reader-a", "v1", "sha-1")
        assert row["remark"] == 'streaks, "torn",\nhead ok'
        assert pd.Timestamp(row["read_at"]).tz is not None
        assert 0 <= row["seconds"] < 60
        assert form.remark.value == ""

    def test_reading_goes_on_where_it_stopped(self, form, seen, tmp_path):
        form.buttons["good"].click()
        again = ReadingForm(CASES, seen.append, form.path)
        assert again.status.value == "Volume 2 of 3"
        assert seen[-1] == "v2"

    def test_a_volume_that_was_made_anew_is_read_anew(self, form, seen):
        form.buttons["good"].click()
        ReadingForm(CASES | {"v1": "sha-9"}, seen.append, form.path)
        assert seen[-1] == "v1"

    def test_back_lets_an_answer_be_corrected(self, form, seen, tmp_path):
        assert form.back.disabled
        form.buttons["good"].click()
        form.buttons["good"].click()
        form.back.click()
        form.back.click()
        form.buttons["insufficient"].click()  # v1 anew; v2 is read already
        assert seen == ["v1", "v2", "v3", "v2", "v1", "v3"]
        assert grades(tmp_path) == {"v1": "insufficient", "v2": "good"}

    def test_an_answer_that_cannot_be_kept_is_said_and_asked_again(
        self, form, seen, tmp_path, caplog
    ):
        form.path.mkdir()
        with caplog.at_level(logging.ERROR):
            form.buttons["good"].click()
        assert form.status.value.startswith("<b>NOT SAVED:</b>")
        assert "not saved" in caplog.text
        form.path.rmdir()
        form.buttons["good"].click()
        assert grades(tmp_path) == {"v1": "good"}

    def test_buttons_are_named_and_explained(self, form):
        assert [button.description for button in form.buttons.values()] == list(reversed(GRADES))
        assert "ilium" in form.buttons["insufficient"].tooltip

    def test_two_readers_do_not_see_each_other(self, form, seen, tmp_path):
        form.buttons["good"].click()
        ReadingForm(CASES, seen.append, readings_file(tmp_path, "reader-b"))
        assert seen[-1] == "v1"


class TestNotebook:
    def test_a_pipeline_gets_one_line_and_writes_nothing(self, shown, seen, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        read_grades(CASES, seen.append, tmp_path / "none", reader_id="reader-a")
        (note,) = shown
        assert "reader-a 0 of 3" in note.data
        assert "set `reader_id`" in note.data
        assert seen == []
        assert not (tmp_path / "none").exists()

    def test_without_a_name_nobody_is_asked(self, shown, seen, tmp_path, live):
        read_grades(CASES, seen.append, tmp_path)
        (note,) = shown
        assert "Nobody has read" in note.data
        assert seen == []

    def test_a_person_gets_the_line_and_the_form(self, shown, seen, tmp_path, live):
        save_reading(tmp_path / "reader-b.csv", "v2", grade="good", version="sha-2")
        save_reading(tmp_path / "reader-b.csv", "v3", grade="good", version="older")
        read_grades(CASES, seen.append, tmp_path, reader_id="reader-a")
        note, widget = shown
        assert "reader-a 0 of 3, reader-b 1 of 3" in note.data
        assert type(widget).__name__ == "VBox"
        assert seen == ["v1"]


class TestReadings:
    def test_nobody_having_read_is_an_empty_table(self, tmp_path):
        for folder in (tmp_path, tmp_path / "none"):
            found = load_readings(folder)
            assert list(found.columns) == list(COLUMNS)
            assert len(found) == 0

    def test_readers_are_joined_and_half_written_files_left_out(self, tmp_path):
        save_reading(tmp_path / "a.csv", "007", grade="good")
        save_reading(tmp_path / "b.csv", "007", grade="adequate", remark="NA")
        (tmp_path / ".123.part.a.csv").write_text("reader_id")
        found = load_readings(tmp_path)
        assert list(found["reader_id"]) == ["a", "b"]
        assert list(found["case_id"]) == ["007", "007"]
        assert list(found["remark"]) == ["", "NA"]

    def test_a_failed_write_leaves_the_older_file(self, tmp_path, monkeypatch):
        path = tmp_path / "a.csv"
        save_reading(path, "v1", grade="good")

        def fail(*_):
            raise OSError("no room")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no room"):
            save_reading(path, "v2", grade="good")
        assert grades(tmp_path) == {"v1": "good"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("grade", "fair", "grade must be one of .* got 'fair'"),
            ("reader_id", "b", "readings must be of a, got 'b'"),
            ("case_id", "v1", "read once, got v1 twice"),
            ("seconds", "long", "seconds must be numbers"),
        ],
    )
    def test_files_that_are_no_readings_are_named(self, tmp_path, column, value, message):
        path = tmp_path / "a.csv"
        for case in ("v1", "v2"):
            save_reading(path, case, grade="good")
        table = pd.read_csv(path, dtype=str)
        table.loc[1, column] = value
        table.to_csv(path, index=False)
        with pytest.raises(ValueError, match=rf"a\.csv: .*{message}"):
            load_readings(tmp_path)

    def test_other_tables_are_no_readings(self, tmp_path):
        (tmp_path / "a.csv").write_text("case_id,grade\n")
        with pytest.raises(ValueError, match="needs columns"):
            load_readings(tmp_path)

    @pytest.mark.parametrize("name", ["", "../a", "Dr. Who"])
    def test_readers_have_plain_names(self, tmp_path, name):
        with pytest.raises(ValueError, match="reader_id must be of letters"):
            readings_file(tmp_path, name)

    def test_unknown_grades_and_no_cases(self, tmp_path, seen):
        with pytest.raises(ValueError, match="grade must be one of"):
            save_reading(tmp_path / "a.csv", "v1", grade="fine")
        with pytest.raises(ValueError, match="at least one volume"):
            read_grades({}, seen.append, tmp_path)
