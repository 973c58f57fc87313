"""Study folders with the real settings and inputs, and nowhere to get real data."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import yaml

from hipus import parallel, paths
from hipus.phantom.ultrasound import study as ultrasound_study
from hipus.stages import raters

#: The checkout, before any test names another study folder.
CHECKOUT = paths.root()

#: A simulated cohort of one infant with all six sweeps, in tiny frames.
TINY_COHORT = dict.fromkeys(
    (
        *("study_validation", "study_test", "test_subjects", "training_only_subjects"),
        *("centre2_subjects", "dysplastic_subjects", "repeats_subjects", "grid_subjects"),
    ),
    0,
) | {
    "study_train": 1,
    "labelled_2d": [1, 0, 0],
    "labelled_3d": [1, 0, 0],
    "graf_subjects": 1,
    "frame_rows": 40,
    "frame_columns": 48,
    "line_count": 24,
    "sample_pitch_mm": 0.5,
    "scene_spacing_mm": 1.2,
    "volume_spacing_mm": 1.0,
}


def make_study_folder(folder: Path) -> Path:
    """Return a folder with the checkout's settings, lock and inputs."""
    for name in ("params.yaml", "requirements.lock"):
        shutil.copy(CHECKOUT / name, folder)
    (folder / "data").symlink_to(CHECKOUT / "data", target_is_directory=True)
    return folder


def without_real_data(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Point the study to a folder, and leave neither mirror nor downloads nor network."""
    patch.setenv("HIPUS_ROOT", str(folder))
    patch.setenv("HIPUS_CACHE", str(folder / "cache"))
    patch.setenv("HIPUS_OFFLINE", "1")
    patch.delenv("HIPUS_MIRROR", raising=False)


def shrink_simulation(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the smoke profile's simulated world tiny: the same code in seconds."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    smoke = params["smoke"]
    smoke["cohort"] |= TINY_COHORT
    smoke["realism"] |= {"pictures": 4, "volume_sweeps": 1}
    smoke["raters"] |= {"subjects": 1, "pairs": 1}
    smoke["calibration_simulated"] |= {"sessions": 1, "frames": 30}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    coarse = replace(ultrasound_study.PURE, line_count=64, sample_pitch_mm=0.16)
    patch.setattr(ultrasound_study, "PURE", coarse)
    patch.setattr(ultrasound_study, "FRAMES", 8)
    cases = partial(raters.simulate_cases, sides=("left",), shape_px=(116, 128), frame_step=6)
    patch.setattr(raters, "simulate_cases", cases)
    patch.setattr(parallel, "usable_cores", lambda: 1)  # patches do not reach worker processes
