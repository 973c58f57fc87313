"""The two stages that always run: the machine and the real files."""

import os

import pandas as pd
import pytest

from hipus import paths, tables
from hipus.formats import real_data
from hipus.stages import machine, real_inputs


class TestMachine:
    def test_second_run_changes_nothing(self, study):
        assert machine.main(study) is True
        files = [paths.table_file("smoke", name) for name in ("machine", "packages")]
        before = [file.stat().st_mtime_ns for file in files]
        assert machine.main(study) is False
        assert [file.stat().st_mtime_ns for file in files] == before

    def test_a_changed_table_is_written_again(self, study):
        machine.main(study)
        paths.table_file("smoke", "packages").write_text("of another machine")
        assert machine.main(study) is True

    def test_facts_name_what_is_needed(self, study):
        table = machine.machine_table().set_index("fact")
        assert table.loc["processor cores", "needed"] == "2"
        assert table.loc["memory, GB", "needed"] == str(machine.NEEDED_MEMORY_GB)
        assert table["is_enough"].dtype == bool

    def test_too_small_a_machine_is_told(self, study, monkeypatch):
        monkeypatch.setattr(machine.provenance, "machine", lambda: {
            "system": "Linux", "processor": "one", "cpu_count": 1})  # fmt: skip
        monkeypatch.setattr(os, "sysconf", lambda name: 1024)
        table = machine.machine_table().set_index("fact")
        assert not table.loc["processor cores", "is_enough"]
        assert not table.loc["memory, GB", "is_enough"]
        assert table.loc["system", "is_enough"]

    def test_machine_s_name_and_user_stay_out(self, study):
        text = machine.machine_table().to_csv()
        assert os.uname().nodename not in text
        assert str(paths.root()) not in text


class TestPackages:
    @pytest.mark.parametrize(
        ("installed", "as_locked"),
        [("2.13.0", True), ("2.13.0+cpu", True), ("2.13.1", False), ("absent", False)],
    )
    def test_a_build_of_the_same_version_counts_as_locked(
        self, study, monkeypatch, installed, as_locked
    ):
        (paths.root() / "requirements.lock").write_text("# a==1\ntorch==2.13.0\n\n")
        monkeypatch.setattr(machine, "_installed", lambda _: installed)
        table = machine.package_table()
        assert table["package"].tolist() == ["torch"]
        assert table["is_as_locked"].tolist() == [as_locked]

    def test_lock_and_environment_agree_here(self, study):
        table = machine.package_table()
        assert len(table) > 100
        assert set(table.columns) == {"package", "locked", "installed", "is_as_locked"}
        assert table["is_as_locked"].mean() > 0.95


class TestRealInputsStage:
    def test_without_any_the_table_lists_them_as_absent(self, study):
        assert real_inputs.main(study) is True
        table = tables.read(paths.table_file("smoke", "real_inputs"))
        assert len(table) == len(real_data.registry())
        assert set(table["status"]) == {"absent"}

    def test_second_run_changes_nothing(self, study):
        real_inputs.main(study)
        file = paths.table_file("smoke", "real_inputs")
        before = file.stat().st_mtime_ns
        assert real_inputs.main(study) is False
        assert file.stat().st_mtime_ns == before

    def test_table_is_the_same_from_a_mirror_and_from_downloads(self, study, monkeypatch):
        inventory = real_data.inventory()
        texts = []
        for source in ("mirror", "download"):
            monkeypatch.setattr(
                real_data, "inventory", lambda source=source: inventory.assign(source=source)
            )
            real_inputs.main(study)
            texts.append(paths.table_file("smoke", "real_inputs").read_text())
        assert texts[0] == texts[1]

    def test_a_file_that_appears_rewrites_the_table(self, study, monkeypatch):
        real_inputs.main(study)
        changed = real_data.inventory()
        changed.loc[0, "status"] = "present"
        monkeypatch.setattr(real_data, "inventory", lambda: changed)
        assert real_inputs.main(study) is True
        table = tables.read(paths.table_file("smoke", "real_inputs"))
        assert (table["status"] == "present").sum() == 1

    def test_table_names_no_folder(self, study):
        real_inputs.main(study)
        table: pd.DataFrame = tables.read(paths.table_file("smoke", "real_inputs"), dtype=str)
        assert not table.map(lambda text: str(text).startswith("/")).any(axis=None)
