"""Who accepted which finding of a cohort, and why: remembered in the cohort's folder."""

import datetime

import pytest

from hipus.intake.acceptances import (
    FILE,
    Acceptance,
    accepted_names,
    read_acceptances,
    remember,
)

DAY = datetime.date(2026, 1, 2)
WORD = Acceptance(("burnt_in_text",), "data manager", "a ruler, no name", DAY)


class TestAcceptance:
    @pytest.mark.parametrize(
        ("by", "reason", "missing"),
        [("", "a ruler", "who accepts them"), ("data manager", " ", "a reason")],
    )
    def test_nobody_and_no_reason_are_refused(self, by, reason, missing):
        with pytest.raises(ValueError, match=f"to accept .'clock'. needs {missing}"):
            Acceptance(("clock",), by, reason, DAY)

    def test_a_finding_is_meant_by_its_kind_or_its_place(self):
        word = Acceptance(("clock", "unknown_file:notes.txt"), "me", "seen", DAY)
        assert word.fits("clock", "clock:S001/a.igs.mha")
        assert word.fits("unknown_file", "unknown_file:notes.txt")
        assert not word.fits("unknown_file", "unknown_file:more.txt")


class TestTable:
    def test_a_folder_without_the_file_accepts_nothing(self, tmp_path):
        assert accepted_names(tmp_path) == set()
        assert list(read_acceptances(tmp_path)) == [
            "finding",
            "accepted_by",
            "reason",
            "accepted_on",
        ]

    def test_a_row_says_which_finding_by_whom_why_and_when(self, tmp_path):
        remember(tmp_path, ["burnt_in_text:S001/a.igs.mha"], WORD)
        assert (tmp_path / FILE).read_text() == (
            "finding,accepted_by,reason,accepted_on\n"
            'burnt_in_text:S001/a.igs.mha,data manager,"a ruler, no name",2026-01-02\n'
        )

    def test_what_was_accepted_before_keeps_its_row(self, tmp_path):
        remember(tmp_path, ["clock:b"], WORD)
        later = Acceptance(("clock",), "somebody else", "again", DAY)
        remember(tmp_path, ["clock:a", "clock:b"], later)
        table = read_acceptances(tmp_path)
        assert list(table.finding) == ["clock:a", "clock:b"]
        assert list(table.accepted_by) == ["somebody else", "data manager"]

    def test_nothing_new_writes_nothing(self, tmp_path):
        remember(tmp_path, [], WORD)
        assert list(tmp_path.iterdir()) == []

    def test_a_row_that_somebody_left_half_empty_is_named(self, tmp_path):
        text = "finding,accepted_by,reason,accepted_on\nclock:a,me,,2026-01-02\n"
        (tmp_path / FILE).write_text(text)
        with pytest.raises(ValueError, match=r"csv line 2: \['reason'\] must be filled in"):
            accepted_names(tmp_path)

    def test_a_missing_column_is_named(self, tmp_path):
        (tmp_path / FILE).write_text("finding\nclock:a\n")
        with pytest.raises(ValueError, match="accepted_by"):
            accepted_names(tmp_path)
