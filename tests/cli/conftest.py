"""The command, called as a person calls it, and small recordings to call it on."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hipus import geometry
from hipus.cli import main
from hipus.formats import metafile
from hipus.formats.sequence import Sequence, TransformTrack
from hipus.sweep import Sweep

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))  # for wire_scenes


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


#: Pixels of 1 x 1 mm whose v axis points along the probe's y.
T_PIXEL_TO_PROBE = geometry.transform(translation=[10.0, 20.0, 0.0])


def slab(*, count=5, invalid=(), calibrated=True) -> Sweep:
    """Return frames of 3 x 4 px with value 10 (k + 1), 1 mm apart along z."""
    frames = np.repeat(10 * np.arange(1, count + 1, dtype=np.uint8), 12).reshape(count, 3, 4)
    poses = geometry.transform(translation=np.arange(count)[:, None] * [0.0, 0.0, 1.0])
    poses[list(invalid)] = np.nan
    return Sweep(
        frames=frames,
        time_s=5 + 0.5 * np.arange(count),
        T_probe_to_reference=poses,
        T_pixel_to_probe=T_PIXEL_TO_PROBE if calibrated else None,
        sweep_id="slab",
    )


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


def recording(frames, time_s, transforms: dict, **options) -> Sequence:
    """Return a sequence of named transforms, INVALID where NaN."""
    tracks = {}
    for name, T in transforms.items():
        is_posed = ~np.isnan(T).any(axis=(1, 2))
        matrices = np.where(is_posed[:, None, None], T, np.eye(4))
        status = tuple("OK" if posed else "INVALID" for posed in is_posed)
        tracks[name] = TransformTrack(matrices, status)
    return Sequence(
        frames=frames,
        time_s=time_s,
        transforms=tracks,
        image_status=("OK",) * len(time_s),
        orientation=options.pop("orientation", "MF"),
        **options,
    )


needs_permissions = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere"
)
