"""What every stage needs of a cohort, and the row that says what is lacking."""

import json
import sys

import pandas as pd
import pytest
import yaml
from study_folders import CHECKOUT, make_study_folder, without_real_data

from hipus import paths, tables
from hipus.formats.cohort_layout import read_cohort
from hipus.stages import availability, runner
from hipus.stages.availability import (
    AVAILABLE,
    KINDS,
    NEEDS,
    availability_table,
    described_sweeps,
    needs_of,
)

PIPELINE = yaml.safe_load((CHECKOUT / "dvc.yaml").read_text())["stages"]


def sweeps(**changes) -> pd.DataFrame:
    """Return p_a and p_d sweeps of six infants, who have everything unless it is changed."""
    rows = [
        {"subject_id": f"S{number}", "sweep_id": kind, "side": "left", "sweep_type": kind}
        | {"split": split, "cohort": cohort}
        for number, (split, cohort) in enumerate(
            [("train", "study"), ("validation", "study"), ("test", "study"), ("test", "test")]
        )
        for kind in ("p_a", "p_d")
    ]
    everything = {"is_usable": 1, "is_tracked": True, "has_truth": True}
    everything |= {"is_labelled_2d": 1, "is_labelled_3d": 1}
    return pd.DataFrame(rows).assign(**everything | changes)


def told(**changes) -> pd.Series:
    """Return the status of every stage."""
    return availability_table(sweeps(**changes)).set_index("stage").status


class TestDeclarations:
    @pytest.mark.parametrize("stage", PIPELINE)
    def test_every_stage_of_the_pipeline_declares_what_it_needs(self, stage):
        assert set(needs_of(stage)) <= set(KINDS)

    def test_a_stage_that_declares_nothing_is_named(self):
        with pytest.raises(KeyError, match="stage 'made_up' declares no needs"):
            needs_of("made_up")

    def test_notebooks_show_what_there_is(self):
        assert needs_of("notebook_01") == ()

    @pytest.mark.parametrize("stage", PIPELINE)
    def test_a_stage_needs_what_those_need_whose_outputs_it_reads(self, stage):
        reads = {dep for dep in PIPELINE[stage]["do"].get("deps", []) if "/models/" in dep}
        makers = [name for name, body in PIPELINE.items() if reads & made(body)]
        for maker in makers:
            assert set(needs_of(maker)) <= {*needs_of(stage), "training sweeps"}, maker


def made(body: dict) -> set[str]:
    """Return the outputs of a stage."""
    entries = body["do"].get("outs", [])
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


class TestTable:
    def test_a_cohort_with_everything_lacks_nothing(self):
        table = availability_table(sweeps())
        assert set(table.status) == {AVAILABLE}
        assert set(table.what_it_would_take) == {""}
        assert list(table.columns) == availability.COLUMNS
        assert sorted(table.stage) == sorted(NEEDS)

    def test_sweeps_with_all_that_is_needed_are_counted(self):
        table = availability_table(sweeps()).set_index("stage")
        assert table.n["motion"] == 8
        assert table.n["sweep_volumes"] == 2  # of the one test-only infant
        assert pd.isna(table.n["calibration"])

    def test_without_tracking_nothing_that_needs_poses_is_available(self):
        status = told(is_tracked=False)
        assert status["motion"] == "not available: no tracking"
        assert status["sweep_volumes"] == "not available: no tracking"
        assert status["realism"] == status["calibration"] == AVAILABLE

    def test_without_truth_and_labels_motion_is_learned_all_the_same(self):
        status = told(has_truth=False, is_labelled_2d=0, is_labelled_3d=0)
        assert status["motion"] == status["pose_refinement"] == AVAILABLE
        assert status["train_21"] == "not available: no labels; no truth"
        assert status["motion_volumes"] == "not available: no truth"

    def test_labels_in_one_split_only_train_nothing(self):
        rows = sweeps()
        rows["is_labelled_2d"] = (rows.split == "train").astype(int)
        table = availability_table(rows).set_index("stage")
        assert table.status["train_22"] == "not available: no labels"
        assert table.status["motion"] == AVAILABLE
        assert "models add" in table.what_it_would_take["train_22"]

    def test_nobody_to_train_or_to_test_on(self):
        assert told(split="test")["motion"] == "not available: nobody to train on"
        assert told(cohort="study")["sweep_volumes"] == "not available: nobody to test on"

    def test_one_direction_alone_is_no_pair(self):
        rows = sweeps()
        table = availability_table(rows[rows.sweep_type == "p_a"]).set_index("stage")
        assert table.status["hip_fusion"] == "not available: no hip with both sweeps"

    def test_sweeps_that_break_rules_are_not_counted(self):
        assert told(is_usable=0)["realism"] == "not available: no usable volumetric sweep"


class TestStage:
    @pytest.fixture
    def placed(self, tmp_path, monkeypatch):
        """Lay out a hospital's cohort as stage cohort places it, with the least that is stated."""
        without_real_data(monkeypatch, make_study_folder(tmp_path))
        folder = paths.results_dir("smoke") / "cohort"
        (folder / "S001").mkdir(parents=True)
        session = {"is_tracked": False, "lag_s": None, "poses_are_lag_corrected": True}
        text = json.dumps(session | {"T_pixel_to_probe": None})
        (folder / "S001" / "session_1.json").write_text(text)
        (folder / "S001" / "a.igs.mha").touch()
        (folder / "subjects.csv").write_text("subject_id\nS001\n")
        rows = "subject_id,sweep_id,session_id,side,sweep_type\nS001,a,1,left,p_a\n"
        (folder / "sweeps.csv").write_text(rows)
        measured = pd.DataFrame({"subject_id": ["S001"], "sweep_id": ["a"], "is_usable": [1]})
        tables.write(measured, paths.table_file("smoke", "cohort_sweeps"), key=["sweep_id"])
        return folder

    def test_what_nobody_stated_is_taken_as_stage_cohort_takes_it(self, placed):
        row = described_sweeps(read_cohort(placed), "smoke").iloc[0]
        assert (row.split, row.cohort, row.is_labelled_3d) == ("test", "test", 0)
        assert not row.is_tracked
        assert not row.has_truth

    def test_it_writes_its_table_and_says_what_it_read(self, placed, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["availability", "smoke"])
        runner.run(availability.STAGE, availability.main)
        table = tables.read(paths.table_file("smoke", "availability")).set_index("stage")
        assert table.status["motion"] == "not available: no tracking; nobody to train on"
        assert table.n["motion"] == 0
        record = json.loads(paths.provenance_file("smoke", "availability").read_text())
        assert set(record["inputs"]) >= {"subjects.csv", "sweeps.csv", "cohort_sweeps.csv"}
