"""What a provenance file says, and what it must not say."""

import getpass
import json
import platform
import re
import subprocess

import pytest

from hipus import config, paths, provenance


@pytest.fixture
def study_folder(monkeypatch, tmp_path):
    """Return an empty study folder that all results go to."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def study() -> config.Study:
    """Return the smoke profile."""
    return config.load("smoke", paths.params_file())


class TestRecord:
    def test_holds_settings_versions_machine_and_inputs(self, study, study_folder):
        (study_folder / "input.txt").write_bytes(b"abc")
        path = provenance.record(
            study, "calibration", inputs=[study_folder / "input.txt"], notes={"device": "cpu"}
        )
        assert path == study_folder.resolve() / "results/smoke/provenance/calibration.json"
        found = json.loads(path.read_text())
        assert (found["stage"], found["profile"], found["device"]) == (
            "calibration",
            "smoke",
            "cpu",
        )
        assert found["settings"]["common"]["seed"] == study.common.seed
        assert found["versions"]["python"] == platform.python_version()
        assert found["inputs"]["input.txt"]["bytes"] == 3
        assert found["inputs"]["input.txt"]["sha256"].startswith("ba7816bf8f01cfea")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["finished_utc"])

    def test_two_inputs_of_one_name_are_both_kept(self, study, study_folder):
        files = [study_folder / folder / "table.csv" for folder in ("left", "right")]
        for file in files:
            file.parent.mkdir()
            file.write_text(file.parent.name)
        found = json.loads(provenance.record(study, "fusion", inputs=files).read_text())
        assert sorted(found["inputs"]) == ["left/table.csv", "right/table.csv"]

    def test_says_nothing_of_folders_host_or_user(self, study, study_folder):
        (study_folder / "input.txt").write_text("x")
        text = provenance.record(study, "s", inputs=[study_folder / "input.txt"]).read_text()
        assert str(study_folder) not in text
        assert platform.node() not in text
        assert f"/{getpass.getuser()}" not in text

    def test_missing_input_leaves_no_record(self, study, study_folder):
        with pytest.raises(FileNotFoundError, match="absent.mha"):
            provenance.record(study, "s", inputs=[study_folder / "absent.mha"])
        assert list(study_folder.iterdir()) == []


class TestFacts:
    def test_absent_package_is_said_to_be_absent(self, monkeypatch):
        monkeypatch.setattr(provenance, "_PACKAGES", ["numpy", "no-such-package"])
        assert provenance.versions()["no-such-package"] == "not installed"
        assert provenance.versions()["numpy"][0].isdigit()

    def test_machine_counts_the_cpus_it_may_use(self):
        assert provenance.machine()["cpu_count"] >= 1


class TestCommit:
    def git(self, folder, *arguments):
        """Run git with a neutral identity."""
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

    def test_folder_without_git_is_said_so(self, study_folder):
        assert provenance.commit() == "not a git checkout"

    def test_changes_to_sources_are_marked_and_results_are_not(self, study_folder):
        (study_folder / "params.yaml").write_text("a: 1\n")
        (study_folder / "results.csv").write_text("1\n")
        self.git(study_folder, "init", "-q")
        self.git(study_folder, "add", ".")
        self.git(study_folder, "commit", "-q", "-m", "Start")
        clean = provenance.commit()
        assert re.fullmatch("[0-9a-f]{40}", clean)
        (study_folder / "results.csv").write_text("2\n")
        assert provenance.commit() == clean
        (study_folder / "params.yaml").write_text("a: 2\n")
        assert provenance.commit() == f"{clean}+changes"
