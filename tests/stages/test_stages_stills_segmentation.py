"""Stage `stills_segmentation`: scores by hand, and one fold trained on made-up stills."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import made_stills
import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import config, paths, tables
from hipus.formats import real_data
from hipus.segmentation import model_files, plans, stills, training
from hipus.segmentation.planned_network import build_network
from hipus.stages import stills_segmentation, stills_tables

SIZES = SimpleNamespace(
    rows=64, columns=76, folds=1, batch_size=2, epochs=1, iterations_per_epoch=2,
    device="cpu", resamples=20,
)  # fmt: skip


def a_study(**changes) -> SimpleNamespace:
    """Return a study of one fold and two updates."""
    sizes = SimpleNamespace(**{**vars(SIZES), **changes})
    return SimpleNamespace(profile="smoke", common=config.load("smoke").common, stills=sizes)


def a_case(name="a", count=3, value=0) -> stills.StillCase:
    """Return a case of empty masks."""
    frames = np.full((count, 4, 6), value, np.uint8)
    index = np.arange(count)
    return stills.StillCase(name, frames, np.zeros_like(frames), index, index[:0], 0.2, "NN")


def save_model(folder: Path, *, labels=("a", "b", "c", "d")) -> None:
    """Save an untrained model 2.1 of four structures, as the hip has them, or of others."""
    import torch

    numbers = replace(
        plans.published_numbers("2.1"), patch_size=(32, 40), batch_size=5, threads=1,
        features_per_stage=(2, 3, 4), validation_iterations=1, mirror_axes=(), rotation_deg=10.0,
    )  # fmt: skip
    made = plans.study_plans("2.1", numbers, spacing_mm=(0.9, 0.9), median_shape=(50, 60))
    torch.manual_seed(1)
    weights = dict(
        build_network(made, class_count=len(labels) + 1, deep_supervision=True).named_parameters()
    )
    weights = {name: tensor.detach() for name, tensor in weights.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, folder.parent / "weights.pt")
    record = model_files.TrainingRecord(
        "2.1", "hip", ("S001",), ("S002",), {"train": 1, "validation": 1}, [], (), 3, "cpu"
    )
    numbered = {str(name): value for value, name in enumerate(["background", *labels])}
    dataset = {"labels": numbered, "channel_names": {"0": "us"}, "file_ending": ".nii.gz"}
    model_files.save(
        folder, folder.parent / "weights.pt", plans=made, dataset=dataset, record=record
    )


class TestScores:
    @pytest.fixture
    def rows(self):
        """Return the rows of a case of three frames, by structure."""
        case = a_case()
        predicted = case.labels.copy()
        case.labels[0, 0, :4], predicted[0, 0, 2:4] = 1, 1  # 2 x 2 / (4 + 2)
        case.labels[1, 0, :4] = 1  # not found
        predicted[2, 0, 0] = 1  # the machine drew nothing
        case.labels[0, 2, 0], predicted[0, 2, 0] = 2, 2
        found = stills_tables.score_case(case, predicted, arm="from_scratch")
        return {row["structure"]: row for row in found}

    def test_one_empty_mask_is_nought(self, rows):
        assert rows["ilium"]["dice"] == pytest.approx((2 / 3 + 0 + 0) / 3)

    def test_where_the_machine_drew_nothing_need_not_count(self, rows):
        assert rows["ilium"]["dice_where_drawn"] == pytest.approx((2 / 3 + 0) / 2)
        assert (rows["ilium"]["drawn_frame_count"], rows["ilium"]["predicted_frame_count"]) == (
            2,
            2,
        )

    def test_frames_where_both_are_empty_are_counted_and_no_value(self, rows):
        head, ischium = rows["femoral_head"], rows["os_ischium"]
        assert (head["dice"], head["both_empty_frame_count"], head["frame_count"]) == (1, 2, 3)
        assert np.isnan([ischium["dice"], ischium["dice_where_drawn"]]).all()

    def test_every_row_says_who_drew_the_masks(self, rows):
        assert {row["label_source"] for row in rows.values()} == {"machine-made (Retuve)"}

    def test_a_missing_frame_is_an_error(self):
        case = a_case("171551")
        with pytest.raises(ValueError, match=r"171551: predicted masks must be \(3, 4, 6\)"):
            stills_tables.score_case(case, case.labels[:2], arm="pretrained")


class TestSummary:
    @pytest.fixture
    def scores(self):
        """Return two structures of three cases in both arms; one value is missing."""
        dice = {
            "from_scratch": {"a": (0.5, 0.6), "b": (0.7, np.nan), "c": (0.2, 0.4)},
            "pretrained": {"a": (0.6, 0.8), "b": (0.6, 0.0), "c": (0.5, 0.5)},
        }
        return pd.DataFrame(
            [
                {"case_id": case, "structure": name, "arm": arm, "dice": value}
                | {"dice_where_drawn": value}
                for arm, cases in dice.items()
                for case, values in cases.items()
                for name, value in zip(("ilium", "os_ischium"), values, strict=True)
            ]
        )

    def test_the_difference_is_of_the_same_cases(self, scores):
        found = stills_tables.summarise(scores, seed=1, resamples=100)
        found = found[found.measure == "dice"].set_index("structure")
        ilium, ischium = found.loc["ilium"], found.loc["os_ischium"]
        assert ilium.difference == pytest.approx((0.1 - 0.1 + 0.3) / 3)
        assert (ilium.case_count, ilium.better_case_count) == (3, 2)
        assert ischium.pretrained == pytest.approx(0.65)
        assert (ischium.case_count, ischium.left_out_case_count) == (2, 1)
        assert ilium.low <= ilium.difference <= ilium.high

    def test_a_cases_mean_takes_structures_that_both_arms_have(self, scores):
        found = stills_tables.summarise(scores, seed=1, resamples=100)
        mean = found[found.measure == "dice"].set_index("structure").loc["mean"]
        assert mean.from_scratch == pytest.approx((0.55 + 0.7 + 0.3) / 3)
        assert mean.pretrained == pytest.approx((0.7 + 0.6 + 0.5) / 3)
        metrics = stills_tables.make_metrics(found)
        assert metrics["pretraining_adds_dice"] == pytest.approx(0.25 / 3)
        assert metrics["case_count"] == 3

    def test_a_structure_that_no_case_has_stays_empty(self, scores):
        found = stills_tables.summarise(
            scores.assign(dice_where_drawn=np.nan), seed=1, resamples=10
        )
        rows = found[found.measure == "dice_where_drawn"].set_index("structure")
        assert rows["difference"].isna().all()
        assert rows.loc["ilium", "left_out_case_count"] == 3

    def test_a_case_in_one_arm_only_is_an_error(self, scores):
        lacking = scores[(scores.case_id != "b") | (scores.arm == "pretrained")]
        with pytest.raises(ValueError, match=r"both arms of every case, got one of \['b'\]"):
            stills_tables.summarise(lacking, seed=1, resamples=10)


class TestTrainingCases:
    def test_all_frames_of_the_others_are_there_and_one_is_watched(self):
        others = (a_case("a", 2), a_case("b", 4), a_case("c", 3))
        others[1].labels[1, 0, 0] = 3
        others[1].labels[2, 0, :3] = 1, 2, 0  # the frame with most structures
        found = list(stills_segmentation.training_cases(stills.Fold(a_case("d"), others)))
        assert {one.subject_id for one in found} == {"a", "b", "c"}
        assert len({one.case_id for one in found}) == len(found) == 9
        watched = [one.case_id for one in found if one.split == "validation"]
        assert watched == ["b_f002"]
        assert found[0].channels.shape == (1, 4, 6)
        assert found[0].spacing_mm == (0.2, 0.2)


class TestNumbers:
    def test_they_are_the_pretrained_models_but_for_the_length(self, tmp_path):
        save_model(tmp_path / "2.1")
        found = stills_segmentation.numbers_of(tmp_path / "2.1", SIZES)
        assert (found.features_per_stage, found.patch_size) == ((2, 3, 4), (32, 40))
        assert (found.spacing_mm, found.mirror_axes, found.threads) == ((0.9, 0.9), (), 1)
        assert (found.batch_size, found.epochs, found.iterations_per_epoch) == (2, 1, 2)

    def test_without_the_model_it_is_said_how_to_make_it(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="model 2.1 is to be trained first"):
            stills_segmentation.numbers_of(tmp_path / "2.1", SIZES)


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make a study folder with made-up stills and a model 2.1, and nothing else."""
    without_real_data(patch, make_study_folder(folder))
    made_stills.write_cases(folder / "made")
    patch.setattr(real_data, "local_path", lambda name: folder / "made" / name)
    save_model(stills_segmentation.pretrained_dir("smoke"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run the stage with trainings that are remembered, and end with random weights."""
    trainings = []

    def train(model_id, cases_factory, numbers, *, model_dir, **named):
        trainings.append(SimpleNamespace(cases=list(cases_factory()), numbers=numbers, **named))
        save_model(model_dir, labels=stills.STRUCTURES)
        rows = ({"epoch": 0, "train_loss": 0.5, "val_loss": None, "seconds": 1.0},)
        return SimpleNamespace(model_dir=model_dir, epochs=rows)

    with pytest.MonkeyPatch.context() as patch:
        prepare(tmp_path_factory.mktemp("stills"), patch)
        patch.setattr(training, "train", train)
        inputs = stills_segmentation.main(a_study())
        yield SimpleNamespace(inputs=inputs, trainings=trainings)


class TestStage:
    def test_the_left_out_case_is_in_no_training(self, ran):
        others = set(made_stills.CASES) - {"167854", made_stills.EMPTY}
        assert len(ran.trainings) == 2
        for one in ran.trainings:
            assert {case.subject_id for case in one.cases} == others
            assert one.scheme == "still"

    def test_weights_under_that_licence_stay_in_the_scratch_folder(self, ran):
        for one in ran.trainings:
            assert "not to be shipped" in one.origin
            assert paths.work_dir("smoke") in one.work_dir.parents

    def test_one_arm_begins_with_model_2_1_and_the_other_at_random(self, ran):
        first, second = ran.trainings
        assert first.initial_weights is None
        assert second.initial_weights == stills_segmentation.pretrained_dir("smoke")
        assert (first.numbers, first.seed) == (second.numbers, second.seed)

    def test_every_structure_of_the_case_is_scored_in_both_arms(self, ran):
        found = tables.read(paths.table_file("smoke", "stills_segmentation"))
        assert len(found) == 3 * 2
        assert set(found.structure) == {"ilium", "femoral_head", "os_ischium"}
        assert (found.frame_count == 3).all()
        assert found.dice.dropna().between(0, 1).all()

    def test_the_refused_case_is_named_with_its_reason(self, ran):
        found = tables.read(paths.table_file("smoke", "stills_cases")).set_index("case_id")
        assert (found.status == "used").sum() == 7
        assert found.loc[72628, "reason"] == "72628: masks are empty in all 3 frames"
        assert found.attribution.notna().all()

    def test_neither_weights_nor_pictures_go_into_results(self, ran):
        results = paths.results_dir("smoke")
        written = {path.suffix for path in results.rglob("*") if "models" not in path.parts}
        assert written <= {"", ".csv", ".json"}
        assert [path.name for path in (results / "models" / "segmentation").glob("*/")] == ["2.1"]

    def test_all_files_that_were_read_are_named(self, ran):
        names = {path.name for path in ran.inputs}
        assert {"171551.dcm", "171551.nii.gz", "weights.pt", "plans.json"} <= names


@pytest.mark.slow
class TestTraining:
    def test_a_fold_is_trained_in_both_arms_and_a_second_run_trains_nothing(
        self, tmp_path, monkeypatch
    ):
        prepare(tmp_path, monkeypatch)
        stills_segmentation.main(a_study())
        models = paths.work_dir("smoke") / "stills_segmentation" / "models"
        about = [json.loads(path.read_text()) for path in sorted(models.glob("*/model.json"))]
        pretrained = stills_segmentation.pretrained_dir("smoke") / "model.json"
        started = json.loads(pretrained.read_text())["sha256"]
        assert [one["started_from"] for one in about] == [None, started]
        before = paths.table_file("smoke", "stills_segmentation").read_bytes()
        monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("trained again"))
        stills_segmentation.main(a_study())
        assert paths.table_file("smoke", "stills_segmentation").read_bytes() == before


class TestAbsence:
    def test_without_the_stills_tables_are_empty_and_the_missing_named(
        self, tmp_path, monkeypatch, caplog
    ):
        without_real_data(monkeypatch, make_study_folder(tmp_path))
        monkeypatch.setattr(real_data, "local_path", lambda name: None)
        assert list(stills_segmentation.main(a_study())) == []
        for name, columns in stills_tables.COLUMNS.items():
            found = tables.read(paths.table_file("smoke", name), columns=columns)
            assert found.empty
        missing = tables.read(paths.table_file("smoke", "stills_segmentation_missing"))
        assert len(missing) == 16
        assert "SKIPPED" in caplog.text
