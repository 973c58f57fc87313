"""How stages start, what they record, and the form of a skip."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from hipus import paths, tables
from hipus.files import sha256
from hipus.stages import runner


@pytest.fixture
def command_line(monkeypatch):
    """Return a function that sets what stands after the stage's name."""
    return lambda *arguments: monkeypatch.setattr(sys, "argv", ["stage", *arguments])


def record_of(stage: str) -> dict:
    """Return a stage's provenance."""
    return json.loads(paths.provenance_file("smoke", stage).read_text())


class TestRun:
    def test_provenance_says_what_made_the_result(self, study, tmp_path, command_line):
        command_line("smoke")
        used = tmp_path / "used.csv"
        used.write_text("a\n1\n")
        runner.run("made", lambda _: [used])
        found = record_of("made")
        assert (found["stage"], found["profile"]) == ("made", "smoke")
        assert found["inputs"] == {"used.csv": {"bytes": 4, "sha256": sha256(used)}}
        assert found["settings"]["common"]["seed"] == study.common.seed
        assert found["settings"]["calibration"]["frame_step"] == study.calibration.frame_step
        assert found["versions"]["numpy"] == np.__version__
        assert set(found["machine"]) == {"system", "processor", "cpu_count"}
        assert found["finished_utc"].endswith("+00:00")

    def test_stage_is_given_the_profile_of_the_command_line(self, study, command_line):
        command_line("paper")
        seen = []
        runner.run("made", lambda given: seen.append(given.profile) or [])
        assert seen == ["paper"]
        assert paths.provenance_file("paper", "made").is_file()

    @pytest.mark.parametrize("arguments", [(), ("smoke", "small")])
    def test_anything_but_one_profile_is_a_usage_error(self, study, command_line, arguments):
        command_line(*arguments)
        with pytest.raises(SystemExit, match="usage: python -m hipus.stages.made PROFILE"):
            runner.run("made", lambda _: pytest.fail("ran"))

    def test_unknown_profile_lists_those_there_are(self, study, command_line):
        command_line("tiny")
        with pytest.raises(ValueError, match=r"profile must be one of \['smoke', 'small', 'pap"):
            runner.run("made", lambda _: pytest.fail("ran"))

    def test_failed_stage_leaves_no_record(self, study, command_line):
        command_line("smoke")

        def fail(_):
            raise ValueError("half-way")

        with pytest.raises(ValueError, match="half-way"):
            runner.run("made", fail)
        assert not paths.provenance_file("smoke", "made").exists()


class TestRunAlways:
    def test_record_is_rewritten_only_when_something_changed(self, study, command_line):
        command_line("smoke")
        file = paths.provenance_file("smoke", "made")
        runner.run_always("made", lambda _: False)
        file.write_text("as it was")
        runner.run_always("made", lambda _: False)
        assert file.read_text() == "as it was"
        runner.run_always("made", lambda _: True)
        assert record_of("made")["stage"] == "made"


class TestRealInputs:
    NAMES = ("plus/SpinePhantomFreehand.igs.mha", "clarius/LICENSE")

    def test_absent_files_are_listed_and_none_is_returned(self, study, caplog):
        assert runner.real_inputs(study, "made", self.NAMES) is None
        table = tables.read(paths.table_file("smoke", "made_missing"))
        assert table["file"].tolist() == sorted(self.NAMES)
        assert table["how_to_get_it"].str.contains("HIPUS_MIRROR").all()
        assert "made SKIPPED: 2 real files are absent" in caplog.text

    def test_one_absent_file_skips_the_stage(self, study, tmp_path, monkeypatch):
        present = tmp_path / "LICENSE"
        present.write_text("x")
        found = {self.NAMES[0]: None, self.NAMES[1]: present}
        monkeypatch.setattr("hipus.formats.real_data.local_path", found.__getitem__)
        assert runner.real_inputs(study, "made", self.NAMES) is None
        table = tables.read(paths.table_file("smoke", "made_missing"))
        assert table["file"].tolist() == [self.NAMES[0]]

    def test_files_that_are_there_leave_an_empty_list(self, study, tmp_path, monkeypatch):
        monkeypatch.setattr("hipus.formats.real_data.local_path", lambda name: tmp_path / name)
        found = runner.real_inputs(study, "made", self.NAMES)
        assert found == {name: tmp_path / name for name in self.NAMES}
        text = paths.table_file("smoke", "made_missing").read_text()
        assert text == "file,how_to_get_it\n"

    def test_unknown_name_is_an_error_not_a_skip(self, study):
        with pytest.raises(ValueError, match="plus/none.mha"):
            runner.real_inputs(study, "made", ["plus/none.mha"])


class TestOutputs:
    def test_tables_are_written_sorted_by_key(self, study):
        table = pd.DataFrame({"id": ["b", "a"], "x": [1 / 3, 2]})
        runner.write_tables(study, {"made": (table, ["id"])})
        assert paths.table_file("smoke", "made").read_text() == "id,x\na,2\nb,0.333333333\n"

    def test_a_skip_has_columns_and_no_rows(self, study):
        runner.write_empty(study, {"made": ["id", "error_mm"]})
        assert paths.table_file("smoke", "made").read_text() == "id,error_mm\n"

    def test_figure_inputs_are_the_same_bytes_every_time(self, study, rng):
        arrays = {"frame": rng.integers(0, 255, (5, 7), dtype=np.uint8), "at": np.array(3)}
        first = runner.write_figure_input(study, "made", arrays).read_bytes()
        path = runner.write_figure_input(study, "made", arrays)
        assert path == paths.figure_input_file("smoke", "made")
        assert path.read_bytes() == first
        with np.load(path) as stored:
            np.testing.assert_array_equal(stored["frame"], arrays["frame"])

    def test_figure_input_of_a_skip_is_empty(self, study):
        with np.load(runner.write_figure_input(study, "made", {})) as stored:
            assert list(stored) == []
