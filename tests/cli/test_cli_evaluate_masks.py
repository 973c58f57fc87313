"""`hipus evaluate masks`: anybody's label volumes, judged as the study's own."""

import shutil
from pathlib import Path

import made_segmentation_results as made
import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import images, parallel, paths, tables
from hipus.formats.mask_files import read_mask, sidecar_file
from hipus.mask_scores import CaseScores
from hipus.segmentation.volume_scores import MEAN, MODELS, TRUTH, score_volume
from hipus.stages import segmentation_score_tables, segmentation_statistics
from hipus.stages.segmentation_scores import prediction_file, reference_file

ARGUMENTS = ("--cohort", "test", "--profile", "smoke")
#: Share of each structure that the judged masks miss.
MISSED = 0.2
DICE = 2 * (1 - MISSED) / (2 - MISSED)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Yield a study folder with volumes, truth and masks of the study's own models."""
    folder = make_study_folder(tmp_path_factory.mktemp("masks"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        made.write_results()
        yield folder


@pytest.fixture
def cases(home) -> pd.DataFrame:
    """Return the test-only volumes."""
    rows = made.cases()
    return rows[rows.cohort == "test"].reset_index(drop=True)


@pytest.fixture
def mine(cases, tmp_path, rng) -> Path:
    """Return a folder of masks that miss a fifth of every structure."""
    for case in cases.itertuples():
        path = tmp_path / "mine" / f"{case.subject_id}_{case.sweep_id}.mha"
        made.write(made.rubbed(made.truth(), MISSED, rng), path)
    return tmp_path / "mine"


@pytest.fixture
def study_table(home, cases):
    """Return a function that writes the study's own scores of its models, and is undone."""
    written = paths.table_file("smoke", "segmentation_cases")

    def write(rows=cases):
        scored = {
            (model, TRUTH): [
                CaseScores(case.subject_id, case.sweep_id, _score(model, case))
                for case in rows.itertuples()
            ]
            for model in MODELS
        }
        table = segmentation_score_tables.cases_table(rows.assign(is_drawn=False), scored)
        tables.write(table, written, key=segmentation_score_tables.KEYS["segmentation_cases"])

    yield write
    written.unlink(missing_ok=True)


def _score(model, case):
    """Return the scores of a study's model."""
    results = paths.results_dir("smoke")
    truth = read_mask(reference_file(results, TRUTH, case))
    return score_volume(read_mask(prediction_file(results, model, case)).array, truth)


class TestTables:
    def test_scores_are_those_that_were_made(self, hipus, mine):
        found = hipus("evaluate", "masks", mine, *ARGUMENTS).json
        assert (found["model_id"], found["origin"]) == ("mine", "simulated")
        assert (found["volumes"], found["subjects"], found["written"]) == (10, 5, [])
        rows = {row["structure"]: row for row in found["summary"]}
        assert list(rows) == [*_names(), MEAN]
        assert rows["femoral_head"]["dice_mean"] == pytest.approx(DICE, abs=0.01)
        assert rows[MEAN]["dice_mean"] == pytest.approx(DICE, abs=0.02)
        assert found["comparisons_of_subject_mean_dice"] == []

    def test_tables_have_the_studys_columns(self, hipus, mine, study_table, tmp_path):
        study_table()
        folder = tmp_path / "tables"
        options = ("--name", "ours", "-o", folder)
        found = hipus("evaluate", "masks", mine, *ARGUMENTS, *options).json
        columns = segmentation_score_tables.COLUMNS | segmentation_statistics.COLUMNS
        names = ["segmentation_cases", "segmentation_summary", "segmentation_comparisons"]
        assert found["written"] == [str(folder / f"{name}.csv") for name in names]
        read = {name: pd.read_csv(folder / f"{name}.csv") for name in names}
        assert all(list(table) == columns[name] for name, table in read.items())
        cases = read["segmentation_cases"]
        assert set(cases.model_id) == {"ours"}
        assert set(cases.reference) == {"insonified_truth"}
        assert len(cases) == 10 * 4
        assert set(read["segmentation_summary"].model_id) == {"ours", *MODELS}

    def test_the_studys_models_stand_beside_and_are_tested(self, hipus, mine, study_table):
        study_table()
        found = hipus("evaluate", "masks", mine, *ARGUMENTS).json
        tests = {row["model_b"]: row for row in found["comparisons_of_subject_mean_dice"]}
        assert list(tests) == list(MODELS)
        for model, row in tests.items():
            other = 2 * (1 - made.MISSED[model]) / (2 - made.MISSED[model])
            assert row["mean_difference"] == pytest.approx(DICE - other, abs=0.03)
            assert (row["model_a"], row["n"]) == ("mine", 5)
        assert tests["2.1"]["rank_biserial"] == 1
        assert tests["3.2"]["rank_biserial"] == -1

    def test_a_folder_named_like_a_model_gets_another_name(self, hipus, study_table):
        study_table()
        folder = paths.results_dir("smoke") / "model_masks" / "3.2"
        found = hipus("evaluate", "masks", folder, *ARGUMENTS).json
        assert found["model_id"] == "masks of 3.2"
        tests = {row["model_b"]: row for row in found["comparisons_of_subject_mean_dice"]}
        assert tests["3.2"]["mean_difference"] == 0

    def test_other_formats_and_bare_masks_are_read(self, hipus, refused, mine):
        for path in mine.glob("*.mha"):
            images.write(read_mask(path).volume, path.with_suffix(".nii.gz"))
            sidecar_file(path).unlink()
            path.unlink()
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "say what its numbers mean, --labels hip|stills" in told
        found = hipus("evaluate", "masks", mine, *ARGUMENTS, "--labels", "hip").json
        rows = {row["structure"]: row for row in found["summary"]}
        assert rows["femoral_head"]["dice_mean"] == pytest.approx(DICE, abs=0.01)


class TestRefusals:
    def test_missing_volumes_are_named(self, refused, mine):
        for name in ("S101_left_p_d", "S105_left_p_a"):
            (mine / f"{name}.mha").unlink()
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "lacks masks of 2 of 10 volumes" in told
        assert told.endswith("S101/left_p_d, S105/left_p_a")

    def test_two_masks_of_one_volume_are_refused(self, refused, mine):
        volume = read_mask(mine / "S101_left_p_a.mha").volume
        images.write(volume, mine / "S101_left_p_a.nrrd")
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "must have one mask, got S101_left_p_a.mha, S101_left_p_a.nrrd" in told

    @pytest.mark.parametrize(
        "place",
        [
            (made.SHAPE, (1.5, 0.5, 0.7), (1.0, -2.0, 3.5)),
            (made.SHAPE, (1.5, 0.7, 0.5), made.ORIGIN),
            (made.SHAPE[::-1], made.SPACING, made.ORIGIN),
        ],
    )
    def test_another_grid_names_file_expected_and_got(self, refused, mine, place):
        shape, *where = place
        path = mine / "S103_left_p_a.mha"
        images.write(images.Volume(np.zeros(shape, np.uint8), *where), path)
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "S103_left_p_a.mha: mask must lie on its reference's grid" in told
        assert ", got " in told

    @pytest.mark.parametrize(
        ("value", "message"),
        [(9, "values 9 in 1 places are not in scheme 'hip'"), (5, "map what is not scored to 0")],
    )
    def test_foreign_labels_name_the_file(self, refused, mine, value, message):
        path = mine / "S102_left_p_d.mha"
        volume = read_mask(path).volume
        volume.array[0, 0, 0] = value
        images.write(volume, path)
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "S102_left_p_d.mha: " in told
        assert message in told

    def test_another_scheme_is_refused(self, refused, mine):
        for path in mine.glob("*.json"):
            path.unlink()
        for path in mine.glob("*.mha"):
            volume = read_mask(path, scheme="hip").volume
            volume.array[volume.array == 4] = 0
            images.write(volume, path)
        told = refused("evaluate", "masks", mine, *ARGUMENTS, "--labels", "stills")
        assert "labels must be 'hip', got 'stills'" in told

    def test_a_sidecar_that_says_otherwise_is_believed(self, refused, mine):
        told = refused("evaluate", "masks", mine, *ARGUMENTS, "--labels", "stills")
        assert "says that labels are 'hip', asked for 'stills'" in told

    def test_a_cohort_without_volumes_lists_those_there_are(self, refused, mine):
        told = refused("evaluate", "masks", mine, "--cohort", "none", "--profile", "smoke")
        assert "no test volume of cohort 'none', there is ['study', 'test']" in told

    def test_a_profile_without_volumes_names_the_stage(self, refused, mine):
        told = refused("evaluate", "masks", mine, "--cohort", "test", "--profile", "small")
        assert "sweep_volumes.csv is missing" in told

    def test_without_truth_there_is_nothing_to_score_by(self, refused, mine, home):
        folder = home / "results/smoke/sweep_volumes"
        truth, grey = (folder / f"S101_left_p_a_{kind}.mha" for kind in ("truth", "grey"))
        shutil.move(truth, grey)
        try:
            told = refused("evaluate", "masks", mine, *ARGUMENTS)
        finally:
            shutil.move(grey, truth)
        assert "S101/left_p_a has no truth, there is nothing to score by" in told

    def test_no_folder_no_masks(self, refused, home, tmp_path):
        told = refused("evaluate", "masks", tmp_path / "none", *ARGUMENTS)
        assert told.endswith("none is missing: it must be a folder of masks")

    def test_a_name_of_the_study_is_taken(self, refused, mine):
        told = refused("evaluate", "masks", mine, *ARGUMENTS, "--name", "3.2")
        assert "must not be that of one of the study's models, got '3.2'" in told

    def test_the_studys_own_tables_are_never_replaced(self, refused, mine):
        own = paths.table_file("smoke", "segmentation_cases").parent
        told = refused("evaluate", "masks", mine, *ARGUMENTS, "-o", own)
        assert "must not be the folder of the study's own tables" in told

    def test_scores_on_other_volumes_are_not_compared(self, refused, mine, study_table, cases):
        study_table(cases[:8])
        told = refused("evaluate", "masks", mine, *ARGUMENTS)
        assert "model 2.1 is judged on other volumes than stage sweep_volumes lists" in told
        assert "run `dvc repro segmentation_scores@smoke`" in told


def _names() -> list[str]:
    """Return the structures in order."""
    return ["ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex"]
