"""The list that a hospital fills in, and the draft of it."""

import pytest
from made_hospital import write_list

from hipus.intake.listing import OF_SUBJECT, OF_SWEEP, REQUIRED, draft, read_listing

ROW = {"file": "a.igs.mha", "patient": "007", "side": "left", "sweep_type": "p_a"}


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a recording that nobody opens."""
    (tmp_path / "a.igs.mha").touch()
    return tmp_path


class TestReading:
    def test_ids_stay_text_paths_are_whole_and_every_column_is_there(self, folder):
        found = read_listing(write_list(folder / "list.csv", ROW))
        assert list(found.columns) == [*REQUIRED, *OF_SWEEP, *OF_SUBJECT]
        assert found.patient[0] == "007"
        assert found.file[0] == str((folder / "a.igs.mha").resolve())
        assert found.sex[0] == found.calibration[0] == ""

    def test_a_column_that_is_not_known_is_not_carried_along(self, folder):
        path = write_list(folder / "list.csv", ROW | {"insurance": "1"})
        with pytest.raises(ValueError, match=r"columns \['insurance'\] are not carried over"):
            read_listing(path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"side": "both"}, r"line 2: side must be \('left', 'right'\), got 'both'"),
            ({"sweep_type": ""}, "line 2: sweep_type must be"),
            ({"patient": ""}, "line 2: patient must be some text, got ''"),
        ],
    )
    def test_cells_that_hold_something_else_are_named(self, folder, change, message):
        with pytest.raises(ValueError, match=message):
            read_listing(write_list(folder / "list.csv", ROW | change))

    def test_a_patient_has_one_sex(self, folder):
        rows = [ROW | {"sex": "f"}, ROW | {"sex": "m", "side": "right"}]
        with pytest.raises(ValueError, match=r"lines \[2, 3\]: sex of one patient must be one"):
            read_listing(write_list(folder / "list.csv", *rows))

    def test_missing_files_columns_and_rows(self, folder):
        with pytest.raises(FileNotFoundError, match=r"b.mha is missing, but the list names it"):
            read_listing(write_list(folder / "list.csv", ROW | {"file": "b.mha"}))
        (folder / "list.csv").write_text("file,patient\n")
        with pytest.raises(ValueError, match="needs columns"):
            read_listing(folder / "list.csv")
        (folder / "list.csv").write_text("file,patient,side,sweep_type\n")
        with pytest.raises(ValueError, match="at least one recording"):
            read_listing(folder / "list.csv")


class TestDraft:
    def test_names_are_read_as_far_as_they_tell(self, tmp_path):
        names = ("x_left_p_a.igs.mha", "R-PD.h5", "unclear.dcm", "graf_L.raw", "notes.txt")
        for name in names:
            path = tmp_path / "Meier" / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        (tmp_path / "Meier" / "calib_matrix.csv").touch()
        found = draft(tmp_path).set_index("file")
        assert set(found.index) == {f"Meier/{name}" for name in names[:4]}
        assert (found.patient == "Meier").all()
        told = {
            name: tuple(found.loc[f"Meier/{name}", ["side", "sweep_type"]]) for name in names[:4]
        }
        assert told == {
            "x_left_p_a.igs.mha": ("left", "p_a"),
            "R-PD.h5": ("right", "p_d"),
            "unclear.dcm": ("", ""),
            "graf_L.raw": ("left", "graf"),
        }
        assert found.loc["Meier/R-PD.h5", "calibration"] == "Meier/calib_matrix.csv"

    def test_an_empty_folder_and_none_are_refused(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no recording"):
            draft(tmp_path)
        with pytest.raises(FileNotFoundError, match="no such folder"):
            draft(tmp_path / "none")
