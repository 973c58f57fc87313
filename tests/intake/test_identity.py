"""What still tells who somebody is, wherever it stands."""

import datetime
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_hospital import save_cine, speckle, turning_sweep, written

from hipus.formats import metafile
from hipus.formats.sequence import from_sweep
from hipus.intake.acceptances import FILE, Acceptance
from hipus.intake.identity import check_identity, findings


@pytest.fixture
def cohort(rng, tmp_path):
    """Return the folder of a cohort in which nothing tells who anybody is."""
    folder = tmp_path / "cohort"
    (folder / "S001").mkdir(parents=True)
    sweep = replace(turning_sweep(rng, count=20), sweep_id="left_p_a")
    metafile.write(folder / "S001" / "left_p_a.igs.mha", from_sweep(sweep))
    content = {"is_tracked": True, "lag_s": 0.01, "day_shifted": "2014-05-06"}
    (folder / "S001" / "session_1.json").write_text(json.dumps(content))
    pd.DataFrame({"subject_id": ["S001"], "age_days": [3]}).to_csv(
        folder / "subjects.csv", index=False
    )
    rows = {"subject_id": ["S001"], "sweep_id": ["left_p_a"], "operator_id": ["O1"]}
    pd.DataFrame(rows).to_csv(folder / "sweeps.csv", index=False)
    return folder


def word(*names: str) -> Acceptance:
    """Return somebody's word for findings."""
    return Acceptance(names, "data manager", "notes of the scanner", datetime.date(2026, 1, 2))


def rewrite(cohort, **changes):
    """Change the sequence of the cohort's one sweep."""
    path = cohort / "S001" / "left_p_a.igs.mha"
    found = metafile.read(path)
    frames = changes.pop("frames", np.array(found.frames[:]))
    metafile.write(path, replace(found, frames=frames, **changes))


def names(cohort) -> list[str]:
    """Return the names of all findings."""
    return [one.name for one in findings(cohort)]


class TestFindings:
    def test_a_clean_cohort_has_none(self, cohort):
        assert findings(cohort) == []

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("scan_20210304.igs.mha", "date_in_name"),
            ("04.03.2021.igs.mha", "date_in_name"),
            ("record_4711471.igs.mha", "number_in_name"),
        ],
    )
    def test_names_of_files(self, cohort, name, kind):
        (cohort / "S001" / "left_p_a.igs.mha").rename(cohort / "S001" / name)
        assert names(cohort) == [f"{kind}:S001/{name}"]

    @pytest.mark.parametrize("name", ["Meier_Anna", "Huber"])
    def test_a_name_as_an_id(self, cohort, name):
        (cohort / "S001").rename(cohort / name)
        assert names(cohort) == [f"name_as_id:{name}"]

    @pytest.mark.parametrize("name", ["S0012", "infant-07", "patient3", "C2_S014", "0007"])
    def test_study_ids_are_no_names(self, cohort, name):
        (cohort / "S001").rename(cohort / name)
        expected = [] if name != "C2_S014" else [f"name_as_id:{name}"]
        assert names(cohort) == expected

    def test_columns_and_cells_of_tables(self, cohort):
        table = {"subject_id": ["S001"], "birth": ["x"], "seen": ["2021-03-04"], "who": ["A^B"]}
        pd.DataFrame(table).to_csv(cohort / "subjects.csv", index=False)
        assert names(cohort) == [
            "telling_column:subjects.csv/birth",
            "telling_value:subjects.csv/seen",
            "telling_value:subjects.csv/who",
        ]

    def test_entries_of_a_session(self, cohort):
        content = {"physician": "Dr", "note": "seen 2021-03-04", "depth_mm": 40}
        (cohort / "S001" / "session_1.json").write_text(json.dumps(content))
        where = "telling_entry:S001/session_1.json/"
        assert names(cohort) == [f"{where}note", f"{where}physician"]

    def test_header_fields_and_frame_fields(self, cohort):
        found = metafile.read(cohort / "S001" / "left_p_a.igs.mha")
        rewrite(
            cohort,
            fields=found.fields | {"PatientName": "Anna", "Comment": "on 2021-03-04", "Gain": "7"},
            frame_fields={"OperatorName": ("Nurse",) * 20},
        )
        where = "telling_header:S001/left_p_a.igs.mha/"
        assert names(cohort) == [f"{where}{k}" for k in ("Comment", "OperatorName", "PatientName")]

    def test_a_clock_that_tells_the_date(self, cohort):
        found = metafile.read(cohort / "S001" / "left_p_a.igs.mha")
        rewrite(cohort, time_s=found.time_s + 1.6e9)
        assert names(cohort) == ["clock:S001/left_p_a.igs.mha"]

    def test_writing_in_pictures(self, cohort, rng):
        rewrite(cohort, frames=written(speckle(rng, count=20)))
        assert names(cohort) == ["burnt_in_text:S001/left_p_a.igs.mha"]

    def test_dicom_elements(self, cohort, rng):
        save_cine(cohort / "S001" / "left_p_a.dcm", speckle(rng, count=2))
        (found,) = findings(cohort)
        assert found.name == "dicom_elements:S001/left_p_a.dcm"
        assert "AccessionNumber" in found.what
        assert "Meier" not in found.what

    def test_files_that_nobody_can_look_into(self, cohort):
        (cohort / "S001" / "notes.txt").write_text("Anna")
        (cohort / "S001" / "x.dcm").write_text("no dicom")
        (cohort / "S001" / "session_2.json").write_text("[")
        (cohort / "S001" / "left_p_d.igs.mha").write_text("no sequence")
        assert names(cohort) == [
            "unknown_file:S001/notes.txt",
            "unreadable:S001/left_p_d.igs.mha",
            "unreadable:S001/session_2.json",
            "unreadable:S001/x.dcm",
        ]

    def test_truth_of_the_simulation_is_not_looked_at(self, cohort):
        (cohort / "truth").mkdir()
        (cohort / "truth" / "birth_20210304.txt").touch()
        assert findings(cohort) == []


class TestRefusing:
    @pytest.fixture
    def named(self, cohort):
        """Return a cohort with two findings."""
        (cohort / "S001" / "notes.txt").touch()
        (cohort / "S001" / "more.txt").touch()
        return cohort

    def test_each_finding_is_named(self, named):
        with pytest.raises(ValueError, match=r"still looks identified: unknown_file:S001/more.txt"):
            check_identity(named)

    def test_accepted_by_name_or_by_kind_it_passes(self, named):
        both = [f"unknown_file:S001/{name}.txt" for name in ("more", "notes")]
        assert [one.name for one in check_identity(named, word(*both))] == both
        assert [one.name for one in check_identity(named)] == both  # remembered in the folder
        (named / FILE).unlink()
        assert len(check_identity(named, word("unknown_file"))) == 2

    def test_a_kind_is_accepted_at_the_places_where_it_is_now(self, named):
        check_identity(named, word("unknown_file"))
        (named / "S001" / "later.txt").touch()
        with pytest.raises(ValueError, match="unknown_file:S001/later.txt"):
            check_identity(named)

    def test_the_words_of_whoever_accepts_are_looked_at_too(self, named):
        spoken = replace(word("unknown_file"), reason="asked Meier^Anna")
        check_identity(named, spoken)
        assert names(named)[0] == "telling_value:accepted_findings.csv/reason"
        with pytest.raises(ValueError, match="telling_value:accepted_findings.csv/reason"):
            check_identity(named)

    def test_accepting_one_leaves_the_other(self, named):
        with pytest.raises(ValueError, match="notes.txt"):
            check_identity(named, word("unknown_file:S001/more.txt"))

    def test_accepting_what_is_not_there_is_a_mistake(self, cohort):
        with pytest.raises(ValueError, match=r"accepted \['clock'\] fit no finding"):
            check_identity(cohort, word("clock"))

    def test_many_findings_are_counted(self, cohort):
        for number in range(7):
            (cohort / "S001" / f"{number}.txt").touch()
        with pytest.raises(ValueError, match="and 2 more"):
            check_identity(cohort)
