"""The page on measuring: its commands run as they stand, and what it names exists."""

import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from made_hips import put_in_volume
from made_runs import HIP
from typer.main import get_command

from hipus import images, paths
from hipus.cli import measure as command
from hipus.cli import run_request
from hipus.cli.app import app
from hipus.formats.mask_files import write_mask
from hipus.morphometry.shape_measures import UNITS
from hipus.morphometry.volume_uncertainty import Uncertainty

PAGE = (paths.root() / "docs" / "measuring.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^    (hipus .*)$", PAGE, flags=re.MULTILINE)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with the masks and volumes that the page names, as the working one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "_uncertainty", lambda *sds: Uncertainty(draws=20))
    made = put_in_volume(HIP, np.eye(3), (1.0, 0.9, 1.1), half_mm=24.0)
    volume = images.Volume(made.labels, made.spacing_zyx_mm)
    for name in ("mask.mha", "hip_mask.mha"):
        write_mask(volume, tmp_path / name, scheme="hip", made_by="truth", origin="simulated")
    for name in ("volume.mha", "hip.mha"):
        images.write(replace(volume, array=40 * made.labels), tmp_path / name)
    images.write(images.Volume(made.labels, (1.0, 1.0, 1.0)), tmp_path / "bare.nrrd")
    return tmp_path


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[1] == "measure"], ids=" ".join)
def test_every_measuring_command_measures(hipus, folder, words):
    outcome = hipus(*words[1:])
    assert outcome.status == 0, outcome.err
    assert not outcome.json["measures"]["alpha_deg"].startswith("refused")


@pytest.mark.parametrize("words", [c for c in COMMANDS if c[1] != "measure"], ids=" ".join)
def test_other_commands_are_understood_as_they_stand(words):
    called = get_command(app).commands[words[1]]
    context = called.make_context(words[1], words[2:])
    assert context.params["side"] == "left"


def test_there_is_an_example_of_every_command():
    assert {words[1] for words in COMMANDS} == {"run", "fuse", "measure"}


def test_every_measure_is_defined():
    defined = PAGE.partition("## Definitions")[2].partition("## Refusals")[0]
    short = {f"{side}_displacement_mm": f"{side}_" for side in ("lateral", "superior")}
    assert [name for name in UNITS if short.get(name, name) not in defined] == []


def test_every_file_of_a_run_is_named():
    names = (run_request.POSES, run_request.VOLUME, run_request.MASK, run_request.MEASUREMENTS,
             run_request.FIGURE, run_request.REPORT, "run.json", "meshes/*.stl")  # fmt: skip
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_it_is_no_medical_device_before_any_number():
    assert PAGE.index("**Not a medical device.**") < PAGE.index("## Commands")
