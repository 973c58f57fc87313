"""Stages `train_21` to `train_32`: what networks learn from, and what a training leaves."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import made_labelled_cohort
import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import COUNT, SHAPE, SIDE_MM, STEP_MM, TRIM, TURNED, write_labelled_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, images, parallel, paths, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask, write_mask
from hipus.segmentation import training
from hipus.segmentation.first_round import resized_labels, resized_volume
from hipus.segmentation.frame_label_files import FrameLabels, label_file, write_frame_labels
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sweep_volumes import truth_masks_file
from hipus.stages import (
    mask_volumes,
    motion_data,
    segmentation_training,
    train_21,
    train_22,
    train_23,
    train_31,
    train_32,
)

STAGES = {"2.1": train_21, "2.2": train_22, "2.3": train_23, "3.1": train_31, "3.2": train_32}
FRAME_STAGES = [train_21, train_22, train_23]
VOLUME_STAGES = {train_31: "first", train_32: "refined"}
STRUCTURES = ["ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex"]
SWEEPS = [("left", "p_a"), ("right", "p_a")]
#: Every third frame of those that count, as raters draw; the last one is the one before the end.
INDEX = np.arange(TRIM.start, TRIM.stop, 3)
ROWS, COLUMNS = 20, 40


class MadeTrainings(dict):
    """Notes what is to be learned, by model, and learns nothing."""

    def __call__(self, model_id, cases_factory, numbers, **options):
        """Return two epochs; one structure was never shown in validation patches."""
        cases = list(cases_factory())
        facts = training.examine(
            cases,
            channel_count=len(cases[0].channels),
            label_names=training.learned_labels("hip"),
        )
        self[model_id] = SimpleNamespace(cases=cases, numbers=numbers, facts=facts, **options)
        epochs = tuple(
            {
                "epoch": number, "train_loss": 1.5 - number, "val_loss": 1.25,
                "dice": [0.25, 0.5 + 0.25 * number, None, 1.0], "ema": 0.5, "lr": 0.01,
                "seconds": 2.0,
            }
            for number in range(2)
        )  # fmt: skip
        return SimpleNamespace(
            epochs=epochs, facts=facts, preparation_s=3.0, training_s=4.0, device="cpu"
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Make a cohort with labels, and run the five stages with made trainings."""
    folder = make_study_folder(tmp_path_factory.mktemp("training"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(made_labelled_cohort, "SWEEPS", SWEEPS)
        home = write_labelled_cohort()
        (home / "cohort.json").write_text('{"origin": "simulated"}')
        study = config.load("smoke")
        sizes = replace(study.sweep_volumes, first_round_rows=ROWS, first_round_columns=COLUMNS)
        study = replace(study, sweep_volumes=sizes)
        write_labels(study)
        trainings = MadeTrainings()
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(training, "train", trainings)
            inputs = {model: list(stage.main(study)) for model, stage in STAGES.items()}
        yield SimpleNamespace(study=study, trainings=trainings, inputs=inputs, home=home)


def write_labels(study) -> None:
    """Write what raters left: truth, of every third frame and of the volumes."""
    frames, volumes, results = [], [], paths.results_dir("smoke")
    for row in motion_data.sweep_rows(study).itertuples():
        key = {"subject_id": row.subject_id, "sweep_id": row.sweep_id}
        truth = read_mask(
            results / "sweep_volumes" / f"{row.subject_id}_{row.sweep_id}_truth.mha"
        ).volume
        if row.is_labelled_2d:
            path = label_file(results / "annotations" / "frames", *key.values())
            write_frame_labels(FrameLabels(INDEX, truth.array[INDEX]), path)
            other = {"train": "validation", "validation": "test", "test": "train"}[row.split]
            named = {"split": row.split, "split_by_frame": other}
            frames += [key | {"frame_index": index} | named for index in INDEX[::-1]]
        for name in ("first", "refined"):
            path = (
                results / "annotations" / f"volumes_{name}" / f"{row.subject_id}_{row.sweep_id}.mha"
            )
            array = truth.array if name == "first" else np.roll(truth.array, 1, axis=1)
            moved = images.Volume(array, truth.spacing_zyx_mm, truth.origin_xyz_mm)
            write_mask(moved, path, scheme="hip", made_by="a test", origin="simulated")
        volumes += [key | {"split": row.split, "structure": name} for name in STRUCTURES]
    tables.write(pd.DataFrame(frames), paths.table_file("smoke", "frame_labels"), key=[])
    table = pd.DataFrame(volumes)
    tables.write(table, paths.table_file("smoke", "volume_labels_refined"), key=[])
    first = table[table.subject_id != "S002"]
    tables.write(first, paths.table_file("smoke", "volume_labels_first"), key=[])


def case_of(run, model_id: str, case_id: str):
    """Return a case that a network learned from."""
    return next(case for case in run.trainings[model_id].cases if case.case_id == case_id)


def recorded(run, subject_id: str, sweep_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames and truth masks of a sweep as they lie on disk."""
    frames = motion_data.cohort_of(run.study).sweep(subject_id, sweep_id).frames[:]
    masks = metafile.read(truth_masks_file(run.home, subject_id, sweep_id)).frames[:]
    return np.asarray(frames), np.asarray(masks)


class TestEveryTraining:
    @pytest.mark.parametrize("model_id", STAGES)
    def test_has_the_numbers_places_and_name_of_its_model(self, run, model_id):
        one, study = run.trainings[model_id], run.study
        digits = model_id.replace(".", "")
        stage = STAGES[model_id]
        assert (model_id, f"train_{digits}") == (stage.MODEL_ID, stage.STAGE)
        assert one.numbers == getattr(study, f"model_{digits}")
        assert one.model_dir == paths.results_dir("smoke") / "models" / "segmentation" / model_id
        assert one.work_dir == paths.work_dir("smoke") / "segmentation" / model_id
        assert (one.seed, one.device) == (study.common.seed, study.motion.device)
        assert (one.title, one.origin) == (f"model {model_id}", "simulated")

    @pytest.mark.parametrize("model_id", STAGES)
    def test_learns_from_train_chooses_by_validation_and_sees_no_test(self, run, model_id):
        first = {"train": ("S001",), "validation": ("S046",)}
        refined = first | {"train": ("S001", "S002")}
        facts = run.trainings[model_id].facts
        assert facts.subjects == (refined if model_id == "3.2" else first)

    @pytest.mark.parametrize("model_id", STAGES)
    def test_leaves_its_course_its_inputs_and_its_numbers(self, run, model_id):
        digits = model_id.replace(".", "")
        curve = tables.read(paths.table_file("smoke", f"learning_curve_{digits}"))
        assert list(curve.columns) == segmentation_training.CURVE_COLUMNS
        assert curve.columns[4:8].tolist() == [f"dice_{name}" for name in STRUCTURES]
        assert curve.epoch.tolist() == [0, 1]
        assert curve.model_id.astype(str).tolist() == [model_id] * 2
        assert curve.train_loss.tolist() == [1.5, 0.5]
        assert curve.dice_femoral_head.tolist() == [0.5, 0.75]
        assert curve.dice_chondro_osseous_border.isna().all()
        inputs = tables.read(paths.table_file("smoke", f"network_inputs_{digits}"))
        assert list(inputs.columns) == segmentation_training.INPUT_COLUMNS
        assert inputs.channel.tolist() == list(range(5 if model_id == "2.3" else 1))
        learned = [case for case in run.trainings[model_id].cases if case.split == "train"]
        grey = np.concatenate([case.channels[0].ravel() for case in learned])
        named = np.concatenate([case.labels.ravel() for case in learned]) > 0
        row = inputs.iloc[0]
        if model_id != "2.3":  # channel 0 is two frames before the labels
            assert row.labelled_mean == pytest.approx(grey[named].mean(), rel=1e-5)
        assert row["mean"] == pytest.approx(grey.mean(), rel=1e-5)
        assert row.sd == pytest.approx(grey.std(), rel=1e-4)

    def test_metrics_are_of_the_last_epoch(self, run):
        found = tables.read_metrics(paths.metrics_file("smoke", "train_21"))
        assert found == {
            "epochs": 2, "cases_train": 2 * len(INDEX), "cases_validation": 2 * len(INDEX),
            "validation_patch_dice_ilium": 0.25, "validation_patch_dice_femoral_head": 0.75,
            "validation_patch_dice_chondro_osseous_border": None,
            "validation_patch_dice_femoral_cortex": 1.0,
            "preparation_s": 3.0, "training_s": 4.0, "device": "cpu",
        }  # fmt: skip


class TestFrames:
    def test_each_labelled_frame_is_a_case_of_its_own(self, run):
        expected = [
            f"{subject}_{sweep}_f{index:04d}"
            for subject in ("S001", "S046") for sweep in ("left_p_a", "right_p_a")
            for index in INDEX
        ]  # fmt: skip
        for model_id in ("2.1", "2.2", "2.3"):
            assert [case.case_id for case in run.trainings[model_id].cases] == expected

    def test_a_case_is_the_recorded_frame_with_its_labels(self, run):
        frames, masks = recorded(run, "S046", "right_p_a")
        case = case_of(run, "2.1", "S046_right_p_a_f0008")
        np.testing.assert_array_equal(case.channels, frames[8][None])
        np.testing.assert_array_equal(case.labels, masks[8])
        assert case.spacing_mm == pytest.approx((SIDE_MM, SIDE_MM))

    def test_frames_of_a_turned_probe_are_turned_back(self, run):
        frames, _ = recorded(run, *TURNED)
        case = case_of(run, "2.2", "S001_right_p_a_f0005")
        np.testing.assert_array_equal(case.channels[0], frames[5][:, ::-1])
        # as their labels are: everything lies left of the middle
        assert np.flatnonzero(case.labels.any(axis=0)).max() < 35

    @pytest.mark.parametrize(
        ("index", "neighbours"),
        [
            # What lies beyond the hesitation at an end is not the sweep: its end is repeated.
            (2, [2, 2, 2, 3, 4]), (5, [3, 4, 5, 6, 7]), (11, [9, 10, 11, 12, 12]),
        ],
    )  # fmt: skip
    def test_2_3_sees_two_frames_on_either_side_within_the_sweep(self, run, index, neighbours):
        frames, masks = recorded(run, "S046", "left_p_a")
        case = case_of(run, "2.3", f"S046_left_p_a_f{index:04d}")
        np.testing.assert_array_equal(case.channels, frames[neighbours])
        np.testing.assert_array_equal(case.labels, masks[index])

    def test_inputs_are_the_label_files_of_what_was_learned(self, run):
        names = [path.name for path in run.inputs["2.3"]]
        assert names == [f"{s}_{w}_p_a.npz" for s in ("S001", "S046") for w in ("left", "right")]
        assert all(path.is_file() for path in run.inputs["2.3"])

    def test_another_column_may_say_what_a_frame_is_for(self, run):
        rows = segmentation_training.labelled_frames(run.study, split="split_by_frame")
        assert rows.groupby("subject_id").split.unique().str[0].to_dict() == {
            "S001": "validation", "S049": "train",
        }  # fmt: skip
        assert list(rows.columns) == [*SWEEP_KEY, "frame_index", "split"]

    def test_a_listed_frame_without_a_label_is_named(self, run):
        rows = segmentation_training.labelled_frames(run.study).head(1).assign(frame_index=3)
        with pytest.raises(ValueError, match="S001/left_p_a: frame 3 has no label"):
            list(segmentation_training.frame_cases(run.study, rows))

    def test_a_label_outside_the_frames_that_count_is_refused(self, run, monkeypatch):
        rows = segmentation_training.labelled_frames(run.study).head(1).assign(frame_index=1)
        early = FrameLabels(np.array([1]), np.zeros((1, *SHAPE), np.uint8))
        monkeypatch.setattr(segmentation_training, "read_frame_labels", lambda _: early)
        with pytest.raises(IndexError, match="index must be 0 to 10, got -1"):
            list(segmentation_training.frame_cases(run.study, rows))


class TestVolumes:
    def test_3_2_learns_volumes_as_they_are_from_the_second_rounds_labels(self, run):
        results = paths.results_dir("smoke")
        assert len(run.trainings["3.2"].cases) == 6
        for case in run.trainings["3.2"].cases:
            grey = images.read(results / "sweep_volumes" / f"{case.case_id}_grey.mha")
            label = read_mask(results / "annotations" / "volumes_refined" / f"{case.case_id}.mha")
            np.testing.assert_array_equal(case.channels, grey.array[None])
            np.testing.assert_array_equal(case.labels, label.array)
            assert case.spacing_mm == pytest.approx((STEP_MM, SIDE_MM, SIDE_MM))

    def test_3_1_learns_resized_ones_from_the_first_rounds_labels(self, run):
        results = paths.results_dir("smoke")
        assert len(run.trainings["3.1"].cases) == 4
        for case in run.trainings["3.1"].cases:
            grey = images.read(results / "sweep_volumes" / f"{case.case_id}_grey.mha").array
            label = read_mask(results / "annotations" / "volumes_first" / f"{case.case_id}.mha")
            assert case.channels.shape == (1, COUNT, ROWS, COLUMNS)
            np.testing.assert_array_equal(case.channels[0], resized_volume(grey, (ROWS, COLUMNS)))
            np.testing.assert_array_equal(case.labels, resized_labels(label.array, (ROWS, COLUMNS)))

    @pytest.mark.parametrize("model_id", ["3.1", "3.2"])
    def test_inputs_are_the_masks_that_were_learned(self, run, model_id):
        cases = run.trainings[model_id].cases
        folder = f"volumes_{VOLUME_STAGES[STAGES[model_id]]}"
        assert [path.parent.name for path in run.inputs[model_id]] == [folder] * len(cases)
        assert [path.stem for path in run.inputs[model_id]] == [case.case_id for case in cases]


class TestSkips:
    @pytest.fixture
    def unlabelled(self, run, monkeypatch, tmp_path):
        """Write the tables of a study of which nobody labelled anything to learn from."""
        wanted = ("frame_labels", "volume_labels_first", "volume_labels_refined")
        found = {name: tables.read(paths.table_file("smoke", name)) for name in wanted}
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        monkeypatch.setattr(training, "train", None)

        def write(*, keep: str | None = None) -> None:
            for name, table in found.items():
                part = table[table.split == keep]
                tables.write(part, paths.table_file("smoke", name), key=[])

        return write

    @pytest.mark.parametrize("stage", STAGES.values())
    @pytest.mark.parametrize("keep", [None, "test"])
    def test_without_labels_all_is_empty_and_said_aloud(self, run, unlabelled, caplog, stage, keep):
        unlabelled(keep=keep)
        with caplog.at_level(logging.WARNING):
            assert list(stage.main(run.study)) == []
        what = "frame" if stage in FRAME_STAGES else "volume"
        assert f"{stage.STAGE} SKIPPED: no {what} is labelled" in caplog.text
        digits = stage.STAGE.removeprefix("train_")
        for name, columns in (
            (f"learning_curve_{digits}", segmentation_training.CURVE_COLUMNS),
            (f"network_inputs_{digits}", segmentation_training.INPUT_COLUMNS),
        ):
            table = tables.read(paths.table_file("smoke", name))
            assert table.empty
            assert list(table.columns) == columns
        assert tables.read_metrics(paths.metrics_file("smoke", stage.STAGE)) == {}
        folder = segmentation_training.model_dir("smoke", stage.MODEL_ID)
        assert folder.is_dir()
        assert not mask_volumes.is_trained("smoke", stage.MODEL_ID)

    @pytest.mark.parametrize("stage", STAGES.values())
    def test_a_table_without_splits_is_refused(self, run, unlabelled, stage):
        unlabelled()
        for name in ("frame_labels", "volume_labels_first", "volume_labels_refined"):
            path = paths.table_file("smoke", name)
            tables.write(tables.read(path).drop(columns="split"), path, key=[])
        with pytest.raises(ValueError, match=r"needs columns \['split'\], has"):
            stage.main(run.study)


class TestEndToEnd:
    def test_a_trained_network_of_resized_volumes_labels_volumes(self, run, monkeypatch):
        numbers = replace(
            run.study.model_31, patch_size=(16, 24, 16), features_per_stage=(4, 6, 8), batch_size=1,
            epochs=1, iterations_per_epoch=1, validation_iterations=1, mirror_axes=(0,), threads=1,
        )  # fmt: skip
        study = replace(run.study, model_31=numbers)
        train_31.main(study)
        curve = tables.read(paths.table_file("smoke", "learning_curve_31"))
        assert curve.epoch.tolist() == [0]
        assert np.isfinite(curve.train_loss[0])
        found = tables.read_metrics(paths.metrics_file("smoke", "train_31"))
        assert (found["cases_train"], found["cases_validation"], found["device"]) == (2, 2, "cpu")
        assert mask_volumes.is_trained("smoke", "3.1")
        mask_volumes.segmenter.cache_clear()
        own = mask_volumes.segmenter("smoke", "3.1")
        assert isinstance(own, Segmenter)
        assert own.windows.mirror_axes == (0,)
        row = SimpleNamespace(subject_id="S049", sweep_id="left_p_a")
        labels = mask_volumes.segment_volume(study, "3.1", mask_volumes.read_grey(study, row))
        mask_volumes.segmenter.cache_clear()
        assert labels.shape == (COUNT, *SHAPE)
        assert labels.max() <= len(STRUCTURES)
