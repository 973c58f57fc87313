"""Stage `hip_measures` on made hips: who is measured how, what is written, what is skipped."""

import logging
import shutil
from types import SimpleNamespace

import made_hip_cohort as made
import numpy as np
import pandas as pd
import pytest

from hipus import paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.stages import hip_cells, hip_frames, hip_measures, mask_volumes, motion_data
from hipus.stages.segmentation_training import model_dir

FULL, BY_MODEL = ("truth", "rater", "model"), ("model",)
MODELS = (hip_measures.MODEL_ID, hip_frames.MODEL_ID)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Write a cohort and models, run the stage; return the study, its inputs and its folder."""
    folder = tmp_path_factory.mktemp("hip_measures")
    for study in made.opened_hips(folder):
        study.volume_labels.refinement = 1  # for speed: no rater is judged here
        for model in MODELS:
            model_dir("smoke", model).mkdir(parents=True)
            (model_dir("smoke", model) / "model.json").write_text("{}")
        inputs = list(hip_measures.main(study))
        yield SimpleNamespace(study=study, inputs=inputs, folder=folder)


def table(name: str) -> pd.DataFrame:
    """Return a table that the stage wrote."""
    return tables.read(paths.table_file("smoke", name), dtype=dict.fromkeys(SWEEP_KEY, str))


class TestCases:
    def test_who_is_measured_by_which_masks(self, run):
        found = {str(one): (one.role, one.masks) for one in hip_measures.cases_of(run.study)}
        assert found == {
            "S101/left_p_a": ("test", FULL),
            "S101/left_p_d": ("test", FULL),
            "S401/right_p_d": ("test", FULL),
            "S501/left_p_a_O12_1": ("test", ("truth", "model")),
            # What a network learned from is not measured by it.
            "S001/left_p_a": ("calibration", ("truth", "rater")),
            "S046/left_p_d": ("calibration", FULL),
            "S201/right_p_d": ("calibration", BY_MODEL),
        }

    def test_no_case_that_calibrates_is_tested_on(self, run):
        cases = hip_measures.cases_of(run.study)
        roles = {role: {c.row.subject_id for c in cases if c.role == role}
                 for role in hip_measures.ROLES}  # fmt: skip
        assert not roles["test"] & roles["calibration"]
        for case in cases:
            assert (case.row.cohort in hip_measures.TESTED) == (case.role == "test")

    def test_infants_that_no_network_learned_from_calibrate_by_all_masks(self, run, monkeypatch):
        rows = motion_data.sweep_rows(run.study)
        rows.loc[rows.subject_id == "S046", "split"] = "test"
        monkeypatch.setattr(motion_data, "sweep_rows", lambda *_, **__: rows)
        cases = {case.row.subject_id: case for case in hip_measures.cases_of(run.study)}
        assert (cases["S046"].role, cases["S046"].masks) == ("calibration", FULL)

    def test_sweeps_whose_pictures_nobody_placed_are_left_out(self, run, tmp_path, monkeypatch):
        self.copy_without(run, tmp_path, monkeypatch, "S201/right_p_d.npz")
        assert "S201/right_p_d" not in map(str, hip_measures.cases_of(run.study))

    def test_a_hospital_has_none(self, run, tmp_path, monkeypatch):
        truth = self.copy_without(run, tmp_path, monkeypatch)
        shutil.rmtree(truth)
        assert hip_measures.cases_of(run.study) == []

    def copy_without(self, run, tmp_path, monkeypatch, *names: str):
        """Work on a copy of the study folder; return its folder of truth."""
        results = paths.results_dir("smoke")
        shutil.copytree(results / "cohort", tmp_path / "results" / "smoke" / "cohort")
        shutil.copytree(results / "tables", tmp_path / "results" / "smoke" / "tables")
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        truth = paths.results_dir("smoke") / "cohort" / "truth"
        assert truth.is_relative_to(tmp_path)
        for name in names:
            (truth / name).unlink()
        return truth


class TestTables:
    def test_columns_and_keys(self, run):
        for name, key in (
            ("hip_measures", hip_measures.KEY),
            ("hip_frames", hip_measures.FRAME_KEY),
        ):
            found = table(name)
            assert list(found) == hip_measures.COLUMNS[name]
            assert not found.duplicated(key).any()

    def test_every_case_has_a_row_per_poses_and_masks(self, run):
        counts = table("hip_measures").groupby(SWEEP_KEY).size()
        for case in hip_measures.cases_of(run.study):
            key = case.row.subject_id, case.row.sweep_id
            assert counts[key] == len(hip_cells.ALL_POSES) * len(case.masks)

    def test_frames_are_those_of_p_a_sweeps(self, run):
        found = table("hip_frames").groupby(SWEEP_KEY).masks.apply(tuple).to_dict()
        assert found == {
            ("S001", "left_p_a"): ("rater", "truth"),
            ("S101", "left_p_a"): ("model", "rater", "truth"),
            ("S501", "left_p_a_O12_1"): ("model", "truth"),
        }

    def test_rows_say_whose_sweep_it_was(self, run):
        found = table("hip_measures").set_index("subject_id").loc["S501"].iloc[0]
        assert (found.operator_id, found.truth_variant, found.cohort) == (
            "O12",
            "repeat",
            "repeats",
        )
        assert (found.side, found.sweep_type, found.role) == ("left", "p_a", "test")

    def test_a_sweep_is_measured_alike_alone(self, run):
        case = hip_measures.cases_of(run.study)[3]
        alone, frames = hip_measures.measure_case(case, study=run.study)
        key = table("hip_measures").subject_id == "S501"
        stored = table("hip_measures")[key].set_index(["poses", "masks"])
        for row in alone:
            assert stored.alpha_deg[row["poses"], row["masks"]] == pytest.approx(
                row["alpha_deg"], nan_ok=True
            )
        assert [row["masks"] for row in frames] == ["truth", "model"]

    def test_what_a_network_does_not_see_is_refused_with_the_reason(self, run):
        found = table("hip_measures").set_index("subject_id").loc["S201"]
        assert found.alpha_deg.isna().all()
        assert (found.alpha_refusal.str.len() > 10).all()


class TestWhatIsTold:
    def test_metrics_count_test_sweeps_and_refusals(self, run):
        found = tables.read_metrics(paths.metrics_file("smoke", "hip_measures"))
        assert (found["test_sweep_count"], found["subject_count"]) == (4, 3)
        assert found["p_d_true_model_alpha_refused_share"] == 0.0
        rows = pd.DataFrame(
            {"role": ["test", "test", "calibration"], "subject_id": "A", "sweep_id": list("aba"),
             "sweep_type": "p_a", "poses": "true", "masks": "model",
             "alpha_deg": [60.0, np.nan, np.nan]}
        )  # fmt: skip
        made_up = hip_measures.make_metrics(rows)
        assert made_up["p_a_true_model_alpha_refused_share"] == 0.5
        assert (made_up["test_sweep_count"], made_up["subject_count"]) == (2, 1)

    def test_the_figure_shows_the_ordinary_p_d_sweep(self, run):
        with np.load(paths.figure_input_file("smoke", "hip_measures")) as stored:
            assert str(stored["sweep"]) == "S101/left_p_d"
            assert "rounded_labels" in stored.files

    def test_inputs_are_files_that_are_there(self, run):
        assert all(path.is_file() for path in run.inputs)
        names = [path.name for path in run.inputs]
        assert names[:2] == ["subjects.csv", "sweeps.csv"]
        assert names.count("model.json") == 2
        assert sum(name.endswith(".igs.mha") for name in names) == 7


class TestSkip:
    @pytest.mark.parametrize("what", ["no truth", "no model"])
    def test_it_is_loud_and_leaves_empty_tables(self, run, tmp_path, monkeypatch, caplog, what):
        caplog.set_level(logging.WARNING)
        cases = [] if what == "no truth" else hip_measures.cases_of(run.study)
        monkeypatch.setattr(hip_measures, "cases_of", lambda _: cases)
        if what == "no model":
            missing = hip_frames.MODEL_ID
            monkeypatch.setattr(mask_volumes, "is_trained", lambda _, model: model != missing)
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert hip_measures.main(run.study) == []
        assert "hip_measures SKIPPED" in caplog.text
        for name, columns in hip_measures.COLUMNS.items():
            assert list(table(name)) == columns
            assert table(name).empty
        assert tables.read_metrics(paths.metrics_file("smoke", "hip_measures")) == {}
        with np.load(paths.figure_input_file("smoke", "hip_measures")) as stored:
            assert stored.files == []

    def test_a_cohort_without_test_sweeps_shows_none(self, run, tmp_path, monkeypatch):
        case = next(c for c in hip_measures.cases_of(run.study) if c.role == "calibration")
        row = {"role": "calibration", "subject_id": case.row.subject_id, "poses": "true",
               "sweep_id": case.row.sweep_id, "masks": "model"}  # fmt: skip
        monkeypatch.setattr(hip_measures, "cases_of", lambda _: [case])
        monkeypatch.setattr(hip_measures, "map_cases", lambda *_, **__: [([row], [])])
        monkeypatch.setattr(hip_measures, "_inputs", lambda *_: [])
        monkeypatch.setattr(mask_volumes, "is_trained", lambda *_: True)
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        hip_measures.main(run.study)
        with np.load(paths.figure_input_file("smoke", "hip_measures")) as stored:
            assert stored.files == []
        found = tables.read_metrics(paths.metrics_file("smoke", "hip_measures"))
        assert found == {"subject_count": 0, "test_sweep_count": 0}
