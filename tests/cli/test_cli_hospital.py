"""`hipus import`, `hipus check`, and the walk through docs/hospital.md, command by command."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from hipus import paths, tables

sys.path.append(str(Path(__file__).parents[1] / "intake"))

from made_hospital import hospital

WALK = (paths.root() / "docs" / "hospital.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    hipus (.*)$", WALK, flags=re.MULTILINE)


@pytest.fixture
def export(tmp_path, monkeypatch, rng):
    """Return a folder of recordings, and go to the folder above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return hospital(tmp_path / "export", rng)


class TestWalk:
    def test_every_command_of_the_page_runs_in_order(self, export, hipus):
        first = [line.split()[0] for line in COMMANDS]
        assert first == ["import", "import", "check", "models", "models"]
        told = [hipus(*shlex.split(line)) for line in COMMANDS]
        assert [outcome.status for outcome in told] == [0] * 5, told
        draft, done, checked, listed, verified = (outcome.json for outcome in told)
        assert draft["to_fill_in"] == {"side": 0, "sweep_type": 0}
        assert (done["subjects_total"], done["sweeps_total"]) == (2, 3)
        assert (checked["sweeps_without_problem"], checked["still_identified"]) == (3, {})
        assert listed == {"models": []}
        assert verified == {"verified": [], "failed": {}}
        table = tables.read(export.parent / "checked" / "check.csv")
        assert list(table.orientation) == ["as expected"] * 3
        assert len(list((export.parent / "checked" / "pictures").glob("S00*.png"))) == 3


class TestImport:
    def test_a_list_is_not_drafted_over_one(self, export, hipus, refused):
        hipus("import", export, "--draft", "list.csv")
        assert "may be filled in" in refused("import", export, "--draft", "list.csv")

    def test_places_and_origin_must_be_stated(self, export, hipus, refused):
        hipus("import", export, "--draft", "list.csv")
        assert "needs --output and --mapping" in refused("import", "list.csv", "-o", "c")
        options = ("-o", "c", "--mapping", "w.csv", "--origin", "dreamt")
        assert "must be recorded or simulated" in refused("import", "list.csv", *options)

    def test_a_mapping_never_replaces_the_list(self, export, hipus, refused):
        hipus("import", export, "--draft", "list.csv")
        told = refused("import", "list.csv", "-o", "c", "--mapping", "list.csv")
        assert "must not replace an input" in told


class TestCheck:
    @pytest.fixture
    def cohort(self, export, hipus):
        """Import the export."""
        hipus("import", export, "--draft", "list.csv")
        assert hipus("import", "list.csv", "-o", "cohort", "--mapping", "w.csv").status == 0
        return Path("cohort")

    def test_what_still_names_somebody_fails_until_it_is_accepted(self, cohort, hipus):
        (cohort / "S001" / "notes.txt").touch()
        outcome = hipus("check", cohort)
        assert outcome.status == 1
        assert list(outcome.json["still_identified"]) == ["unknown_file:S001/notes.txt"]
        why = ("--by", "data manager", "--reason", "an empty file")
        outcome = hipus("check", cohort, "--accept", "unknown_file:S001/notes.txt", *why)
        assert outcome.status == 0
        assert outcome.json["accepted"] == ["unknown_file:S001/notes.txt"]
        assert hipus("check", cohort).json["accepted"] == ["unknown_file:S001/notes.txt"]

    def test_nothing_is_accepted_by_nobody_or_for_no_reason(self, cohort, refused):
        (cohort / "S001" / "notes.txt").touch()
        told = refused("check", cohort, "--accept", "unknown_file", "--by", "data manager")
        assert "needs a reason" in told
        assert "needs who accepts them" in refused("check", cohort, "--accept", "unknown_file")
        assert not (cohort / "accepted_findings.csv").exists()

    def test_a_problem_fails_and_is_told_while_one_waits(self, cohort, hipus):
        path = next(cohort.glob("S00*/left_p_a.igs.mha"))
        path.write_bytes(path.read_bytes()[:3000])
        outcome = hipus("check", cohort, "-o", "checked", "--no-pictures")
        assert outcome.status == 1
        assert outcome.json["problems"] == {"unreadable": 1}
        assert "left_p_a: unreadable" in outcome.err
        assert not Path("checked/pictures").exists()

    def test_nothing_is_written_into_the_cohort(self, cohort, refused):
        assert "--output must lie outside" in refused("check", cohort, "-o", cohort / "x")
