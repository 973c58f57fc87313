"""Fixtures shared by all tests, and the loud list of what was skipped."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: its threads spin

from pathlib import Path

import numpy as np
import pytest

from hipus import geometry, paths, rotations
from hipus.sweep import Sweep


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed."""
    return np.random.default_rng(20260101)


@pytest.fixture
def real_file():
    """Return a function from a manifest path to the local file, skipping where it is absent."""

    def find(name: str) -> Path:
        folders = [
            folder for folder in (paths.mirror_dir(), paths.download_dir() / "real") if folder
        ]
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
        if os.environ.get("HIPUS_REQUIRE_REAL"):
            pytest.fail(f"{name} is required (HIPUS_REQUIRE_REAL) and is in neither {folders}")
        pytest.skip(f"real open data absent: {name} (set HIPUS_MIRROR or run `hipus fetch`)")

    return find


@pytest.fixture
def tiny_sweep(rng) -> Sweep:
    """Return 7 frames of 5 x 9 px, anisotropic pixels, one invalid pose, oblique motion."""
    count = 7
    frames = rng.integers(0, 256, (count, 5, 9), dtype=np.uint8)
    angles = np.linspace(0, 12, count)[:, None] * [1.0, -0.5, 0.3]
    poses = geometry.transform(
        rotations.from_euler(angles, "ZYX"), np.linspace(0, 3, count)[:, None] * [0.2, 0.1, 1.0]
    )
    poses[3] = np.nan
    T_pixel_to_probe = geometry.transform(np.diag([0.3, 0.7, 1.1]), [1.0, -2.0, 0.5])
    return Sweep(
        frames=frames,
        time_s=10 + 0.11 * np.arange(count),
        T_probe_to_reference=poses,
        T_pixel_to_probe=T_pixel_to_probe,
        sweep_id="tiny",
    )


def pytest_terminal_summary(terminalreporter) -> None:
    """Say loudly that real data were absent: a skip must never look like a pass."""
    skipped = terminalreporter.stats.get("skipped", [])
    absent = [report for report in skipped if "real open data absent" in str(report.longrepr)]
    if absent:
        terminalreporter.section("REAL OPEN DATA ABSENT", sep="!", red=True, bold=True)
        terminalreporter.write_line(
            f"{len(absent)} checks against real data did NOT run. Set HIPUS_MIRROR or run "
            "`hipus fetch`."
        )
