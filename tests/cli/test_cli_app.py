"""The command as a whole: help, version, exit status, one line per expected error."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hipus import __version__
from hipus.cli.app import app

COMMAND = Path(sys.executable).with_name("hipus")
HELP = {
    (): [
        *("info", "convert", "reconstruct", "track", "segment", "measure", "fetch", "calibrate"),
        *("evaluate", "fuse", "run", "--version"),
    ],
    ("info",): ["SWEEP", ".igs.nrrd", ".h5"],
    ("convert",): ["SOURCE", "TARGET", "--image-to-probe", "--probe", "--reference"],
    ("track",): [
        *("SWEEP", ".raw", "--model", "--output", "-o", ".npz", "left|right", "p_a|p_d"),
        *("--flipped", "--image-to-probe", "X Y", "--imu", "T_imu_to_probe", "--profile"),
    ],
    ("segment",): [
        *("IMAGE|VOLUME|SWEEP", ".nii.gz", "--model", "3.2", "--output", "-o", "--poses", "--grey"),
        *("--volume", "--spacing-mm", "--pixel-mm", "x,y", "left|right", "--flipped", "--trim"),
        *(
            "--mask-text",
            "--keep-text",
            "simulated|recorded",
            "--image-to-probe",
            "--profile",
            "--fast",
        ),
    ],
    ("measure",): [
        *("MASK|VOLUME|DICOM", ".nii.gz", "--output", "-o", ".json", "--mask", "--model", "3.2"),
        *("hip|stills", "left|right", "--figure", ".png", "--pixel-mm", "x,y,z", "all|N"),
        *("--age-days", "--label-sd-mm", "--pose-sd-mm", "Not a medical device"),
    ],
    ("fuse",): [
        *("SWEEP_PA", "SWEEP_PD", "--output", "-o", "--mask", "left|right", "--spacing-mm"),
        *("auto|tracked|predicted", "--motion-model", "--model", "3.2", "--fast", "--profile"),
        "medical",
    ],
    ("run",): [
        *("SWEEP", ".igs.mha", "--output", "-o", "left|right", "p_a|p_d", "--age-days", "--model"),
        *("auto|tracked|predicted", "--motion-model", "--interval-scales", "--fast", "--profile"),
        *("--image-to-probe", "--imu", "--imu-to-probe", "X Y", "--overwrite", "run.json"),
        *("meshes/*.stl", "medical"),
    ],
    ("figure",): ["NAME", "table-3", "--list", "--profile", "--output", "-o", "PDF", "figures/"],
    ("evaluate",): ["poses", "masks"],
    ("evaluate", "masks"): [
        *("PREDICTIONS", ".nii.gz", "--cohort", "hip|stills", "--profile", "--name", "--output"),
        "-o",
    ],
    ("evaluate", "poses"): [
        *("PREDICTIONS", ".npz", "--cohort", "--profile", "--truth", "--calibration"),
        *("--landmarks", "--output", "-o", "TUS-REC"),
    ],
    ("fetch",): ["NAME", "HIPUS_MIRROR"],
    ("check",): ["FOLDER", "--output", "-o", "--no-pictures", "--accept", "KIND:WHERE", "trimming"],
    ("import",): [
        *("SOURCE", "--output", "--mapping", "--draft", "--origin", "--keep-dicom", "--accept"),
        *(".mha", ".h5", ".raw", ".dcm"),
    ],
    ("models",): ["list", "verify", "add"],
    ("models", "list"): ["SHA-256"],
    ("models", "verify"): ["MODEL", "--sha256", "weights-only"],
    ("models", "add"): [
        *("FOLDER", "--name", "--sha256", "--kind", "--labels", "--trained-on", "--fold"),
        "--profile",
    ],
    ("calibrate",): ["space", "time"],
    ("calibrate", "space"): ["CALIB", "VALID", "--phantom", "--method", "classic|joint", "-o"],
    ("calibrate", "time"): ["VIDEO", "TRACKER", "--output", "lag_s"],
    ("reconstruct",): [
        *("SWEEP", "--image-to-probe", "--spacing-mm", "x,y,z", "nearest|linear"),
        *("mean|max|latest", "--clip", "X Y W H", "--output", "-o"),
    ],
}


class TestHelp:
    @pytest.mark.parametrize("command", HELP, ids=" ".join)
    def test_every_command_explains_its_arguments(self, command):
        result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "120"})
        assert result.exit_code == 0
        assert [word for word in HELP[command] if word.lower() not in result.output.lower()] == []

    @pytest.mark.parametrize("command", HELP, ids=" ".join)
    def test_no_help_text_is_eaten_by_markup(self, command):
        output = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "120"}).output
        assert re.findall(r"\S+ \.\s", output) == []

    def test_every_command_of_the_app_is_listed_here(self):
        names = {command.name for command in app.registered_commands}
        groups = {group.name: group.typer_instance for group in app.registered_groups}
        nested = {(group, command.name) for group in groups
                  for command in groups[group].registered_commands}  # fmt: skip
        assert {(), *((name,) for name in names | set(groups)), *nested} == set(HELP)

    def test_the_bare_command_shows_help(self, hipus):
        outcome = hipus()
        assert "reconstruct" in outcome.out
        assert outcome.err == ""

    def test_version_is_printed_alone(self, hipus):
        assert hipus("--version").out.strip() == __version__


class TestExitStatus:
    def test_unknown_command_is_a_usage_error(self, hipus):
        outcome = hipus("weigh")
        assert outcome.status == 2
        assert "weigh" in outcome.err

    def test_missing_option_is_a_usage_error(self, hipus, write_slab):
        outcome = hipus("reconstruct", write_slab())
        assert outcome.status == 2
        assert "--output" in outcome.err

    def test_expected_error_is_one_line_without_a_traceback(self, refused, tmp_path):
        assert refused("info", tmp_path / "none.igs.mha").endswith("none.igs.mha is missing")

    @pytest.mark.parametrize("flag", ["-v", "--verbose"])
    def test_verbose_shows_where_an_error_arose(self, monkeypatch, tmp_path, flag):
        from hipus.cli import main

        monkeypatch.setattr(sys, "argv", ["hipus", flag, "info", str(tmp_path / "none.igs.mha")])
        with pytest.raises(FileNotFoundError, match="is missing"):
            main()


class TestAsProcess:
    """What only another process shows: the installed command, streams, exit status."""

    @staticmethod
    def run(*arguments):
        return subprocess.run(
            [COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False
        )

    def test_error_is_one_line_on_standard_error_and_status_1(self, tmp_path):
        done = self.run("info", tmp_path / "none.igs.mha")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"hipus: error: {tmp_path / 'none.igs.mha'} is missing\n"

    def test_result_is_json_on_standard_output_and_status_0(self, write_slab):
        done = self.run("info", write_slab())
        assert done.returncode == 0, done.stderr
        assert '"frames_total": 5' in done.stdout
        assert done.stderr == ""
