"""The command, called as a person calls it, and small recordings to call it on."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from recordings import T_PIXEL_TO_PROBE, slab

from hipus.cli import main
from hipus.formats import metafile

for _name in ("calibration", "fusion", "morphometry", "motion", "stages"):  # made-up scenes
    sys.path.append(str(Path(__file__).parents[1] / _name))


@dataclass(frozen=True)
class Outcome:
    """What one call left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        """Return standard output as strict JSON."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name}: no JSON"))


@pytest.fixture
def hipus(capsys, monkeypatch):
    """Return a function that runs `hipus ARGUMENTS` in this process."""

    def call(*arguments) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hipus", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return Outcome(int(stop.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def refused(hipus):
    """Return a function that runs `hipus ARGUMENTS` and returns its line of complaint."""

    def call(*arguments) -> str:
        outcome = hipus(*arguments)
        assert outcome.status == 1, outcome
        assert outcome.out == ""
        first, *more = outcome.err.splitlines()
        assert first.startswith("hipus: error: ")
        assert all(line.startswith(("[[", " [")) for line in more), outcome.err  # a matrix
        return first

    return call


@pytest.fixture
def empty_folder(tmp_path) -> Path:
    """Return a folder for outputs, to see that nothing half-written is left in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def write_slab(tmp_path):
    """Return a function that writes a slab to a file and returns its path."""

    def write(name="slab.igs.mha", **options) -> Path:
        return metafile.write(tmp_path / name, metafile.from_sweep(slab(**options)))

    return write


@pytest.fixture
def calibration_json(tmp_path) -> Path:
    """Return a calibration as `hipus calibrate space` writes it."""
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"T_pixel_to_probe": T_PIXEL_TO_PROBE.tolist()}))
    return path
