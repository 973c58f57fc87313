"""Without tracked sweeps to learn from, motion leaves every output with nothing in it."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from study_folders import CHECKOUT, make_study_folder, without_real_data

from hipus import config, paths, tables
from hipus.stages import (
    motion,
    motion_data,
    motion_skip,
    motion_transfer,
    motion_volumes,
    pose_refinement,
    runner,
    sweep_volumes,
)

STAGES = (motion, motion_volumes, pose_refinement, sweep_volumes)
PIPELINE = yaml.safe_load((CHECKOUT / "dvc.yaml").read_text())["stages"]


@pytest.fixture
def untracked(tmp_path, monkeypatch):
    """Lay out a hospital's untracked sweep as stage cohort leaves it; return the study."""
    without_real_data(monkeypatch, make_study_folder(tmp_path))
    folder = paths.results_dir("smoke") / "cohort"
    (folder / "S001").mkdir(parents=True)
    session = {"is_tracked": False, "lag_s": None, "poses_are_lag_corrected": True}
    text = json.dumps(session | {"T_pixel_to_probe": None})
    (folder / "S001" / "session_1.json").write_text(text)
    (folder / "S001" / "a.igs.mha").touch()
    (folder / "subjects.csv").write_text("subject_id,split\nS001,test\n")
    rows = "subject_id,sweep_id,session_id,side,sweep_type\nS001,a,1,left,p_a\n"
    (folder / "sweeps.csv").write_text(rows)
    measured = pd.DataFrame({"subject_id": ["S001"], "sweep_id": ["a"], "is_usable": [1]})
    tables.write(measured, paths.table_file("smoke", "cohort_sweeps"), key=["sweep_id"])
    return config.load("smoke")


def outs_of(stage: str) -> list[str]:
    """Return what dvc.yaml says that a stage writes, for the smoke profile."""
    body = PIPELINE[stage]["do"]
    entries = [*body.get("outs", []), *body.get("metrics", [])]
    names = [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]
    return [name.replace("${item}", "smoke") for name in names]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.STAGE)
def test_every_output_is_there_and_tables_have_no_rows(untracked, monkeypatch, stage):
    monkeypatch.setattr(sys, "argv", ["stage", "smoke"])
    runner.run(stage.STAGE, stage.main)
    names = outs_of(stage.STAGE)
    assert [name for name in names if not (paths.root() / name).exists()] == []
    for name in names:
        if name.endswith(".csv"):
            table = tables.read(paths.root() / name)
            assert len(table) == 0
            assert len(table.columns) >= 4
        elif name.endswith(".npz"):
            with np.load(paths.root() / name) as stored:
                assert list(stored) == []


def test_without_a_model_nothing_is_transferred(untracked, monkeypatch):
    monkeypatch.setattr(runner, "real_inputs", lambda *_: {})
    assert motion_transfer.main(untracked) == []
    assert len(tables.read(paths.table_file("smoke", "motion_transfer"))) == 0


@pytest.mark.parametrize("name", motion_skip.COLUMNS)
def test_columns_are_those_of_the_kept_results(name):
    kept = tables.read(CHECKOUT / "results" / "small" / "tables" / f"{name}.csv")
    assert list(kept) == motion_skip.COLUMNS[name]


def test_rows_that_are_not_needed_may_be_missing(untracked):
    assert motion_data.sweep_rows(untracked, is_needed=False).empty
    with pytest.raises(ValueError, match="no sweep of split None"):
        motion_data.sweep_rows(untracked)
