"""Stages `first_masks`, `first_round_masks` and `model_masks`: a made cohort, made networks."""

import logging
import shutil
from dataclasses import replace
from types import SimpleNamespace

import made_labelled_cohort
import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import SIDE_MM, TRIM, TURNED, UNUSABLE, write_labelled_cohort
from scipy.ndimage import gaussian_filter
from study_folders import without_real_data

from hipus import images, parallel, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.segmentation.frame_label_files import FrameLabels, label_file, write_frame_labels
from hipus.segmentation.mask_shape import slice_dice
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sliding_windows import Windows
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.stages import (
    first_masks,
    first_round_masks,
    mask_volumes,
    model_masks,
    motion_data,
    sweep_volumes,
)

SPACING_MM, WIDEST_GAP_MM = 1.2, 2.0
ROWS, COLUMNS = 32, 20
STUDY = SimpleNamespace(
    profile="smoke",
    sweep_volumes=SimpleNamespace(
        spacing_mm=SPACING_MM, widest_gap_mm=WIDEST_GAP_MM,
        first_round_rows=ROWS, first_round_columns=COLUMNS,
    ),
)  # fmt: skip
STRUCTURES = ["ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex"]
#: What each 2D network calls the block that it always draws, off the middle of the picture.
CALLED = {
    "2.1": HipLabel.FEMORAL_HEAD, "2.2": HipLabel.ILIUM, "2.3": HipLabel.FEMORAL_CORTEX,
}  # fmt: skip
BLOCK = (slice(10, 20), slice(4, 16))
#: The sweep that raters labelled, and the halves of the block that they drew.
LABELLED, HALF = ("S049", "right_p_a"), (slice(10, 20), slice(4, 10))
STAGES = [first_masks, first_round_masks, model_masks]
SWEEPS = [("left", "p_a"), ("left", "p_d"), ("right", "p_a")]
#: Made networks take its place in the stages.
LOAD = mask_volumes.segmenter


class MadeSegmenter:
    """Draws a block on frames, or tells the dark ball from its surroundings."""

    def __init__(self, model_id: str) -> None:
        """Remember which network it stands for, and what it is shown."""
        self.model_id, self.spacings, self.shapes = model_id, [], []
        self.model = SimpleNamespace(plan={"spacing": [2.0, 0.5, 0.25]})
        self.draws_block = True

    def segment_frames(self, frames, *, spacing_yx_mm) -> np.ndarray:
        """Return the block on every frame, or the ball."""
        self.spacings.append(tuple(spacing_yx_mm))
        labels = np.zeros(frames.shape, np.uint8)
        if self.draws_block:
            labels[(slice(None), *BLOCK)] = CALLED[self.model_id]
            return labels
        return dark(frames)

    def segment_volume(self, volume, *, spacing_zyx_mm) -> np.ndarray:
        """Return the ball."""
        self.spacings.append(tuple(spacing_zyx_mm))
        self.shapes.append(volume.shape)
        return dark(volume)


def dark(grey: np.ndarray) -> np.ndarray:
    """Return where it is dark, as femoral head."""
    smooth = gaussian_filter(grey.astype(np.float32), (0, 1, 1))
    return np.where((smooth < 52) & (grey > 0), HipLabel.FEMORAL_HEAD, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Make cohort and volumes, run the three stages; return networks and inputs."""
    folder = tmp_path_factory.mktemp("masks")
    fakes = {one: MadeSegmenter(one) for one in ("2.1", "2.2", "2.3", "3.1", "3.2")}
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(mask_volumes, "segmenter", lambda profile, model_id: fakes[model_id])
        patch.setattr(made_labelled_cohort, "SWEEPS", SWEEPS)
        home = write_labelled_cohort()
        (home / "cohort.json").write_text('{"origin": "simulated"}')
        for old in ("first_masks", "first_round_masks", "sweep_volumes"):
            shutil.rmtree(paths.results_dir("smoke") / old)
        sweep_volumes.main(STUDY)
        for model_id in fakes:
            weights = mask_volumes.model_dir("smoke", model_id) / "weights.pt"
            weights.parent.mkdir(parents=True)
            weights.write_bytes(b"x")
        write_labels()
        fakes["2.2"].draws_block = False
        inputs = {first_masks: list(first_masks.main(STUDY))}
        fakes["2.2"].draws_block = True
        inputs |= {stage: list(stage.main(STUDY)) for stage in STAGES[1:]}
        yield SimpleNamespace(fakes=fakes, inputs=inputs)


def write_labels() -> None:
    """Write what raters left of one test sweep: half of the block, named as by model 2.1."""
    masks = np.zeros((4, 44, 56), np.uint8)
    masks[(slice(None), *HALF)] = HipLabel.FEMORAL_HEAD
    folder = paths.results_dir("smoke") / "annotations" / "frames"
    write_frame_labels(
        FrameLabels(TRIM.start + np.arange(0, 12, 3), masks), label_file(folder, *LABELLED)
    )


def table(name: str) -> pd.DataFrame:
    """Return a table of the stages."""
    return tables.read(paths.table_file("smoke", name), dtype=dict.fromkeys(SWEEP_KEY, str))


def row_of(subject_id: str, sweep_id: str) -> pd.Series:
    """Return a sweep's row."""
    rows = mask_volumes.volume_cases(STUDY)
    return rows[(rows.subject_id == subject_id) & (rows.sweep_id == sweep_id)].iloc[0]


def stems(rows: pd.DataFrame) -> set[str]:
    """Return the names under which the masks of sweeps lie."""
    return set(rows.subject_id + "_" + rows.sweep_id)


def masks_below(folder) -> dict:
    """Return the masks of a folder by the names of their sweeps."""
    return {path.stem: read_mask(path) for path in sorted(folder.glob("*.mha"))}


def places(volume) -> list:
    """Return where a volume or a mask lies."""
    return [
        *volume.array.shape,
        *volume.spacing_zyx_mm,
        *volume.origin_xyz_mm,
        *volume.direction.flat,
    ]


class TestEveryMask:
    @pytest.mark.parametrize(
        ("name", "made_by", "subjects"),
        [
            ("first_masks", "model 2.2, frame by frame", {"S001", "S002", "S046", "S049"}),
            ("first_round_masks", "model 3.1", {"S001", "S002", "S046", "S049", "S101"}),
            *(
                (f"model_masks/{one}", f"model {one}", {"S049", "S101"})
                for one in model_masks.MODELS
            ),
        ],
    )
    def test_lies_where_its_volume_does_and_says_who_made_it(self, run, name, made_by, subjects):
        rows = mask_volumes.volume_cases(STUDY)
        masks = masks_below(paths.results_dir("smoke") / name)
        assert set(masks) == stems(rows[rows.subject_id.isin(subjects)])
        assert "_".join(UNUSABLE) not in masks
        for stem, mask in masks.items():
            grey = images.read(sweep_volumes.volumes_dir("smoke") / f"{stem}_grey.mha")
            assert places(mask.volume) == pytest.approx(places(grey), abs=1e-5)
            assert (mask.scheme, mask.made_by, mask.origin) == ("hip", made_by, "simulated")
            assert mask.of == stem.replace("_", "/", 1)
            assert mask.array.any()

    @pytest.mark.parametrize("stage", STAGES)
    def test_is_of_a_volume_that_the_stage_names_as_its_input(self, run, stage):
        folder = stage.masks_dir("smoke")
        folder = folder / "3.2" if stage is model_masks else folder
        expected = {f"{path.stem}_grey.mha" for path in folder.glob("*.mha")}
        assert {path.name for path in run.inputs[stage]} == expected
        assert all(path.is_file() for path in run.inputs[stage])


class TestFramesInVolumes:
    @pytest.mark.parametrize("model_id", CALLED)
    def test_a_block_of_every_frame_becomes_a_bar_at_its_place(self, run, model_id):
        mask = read_mask(model_masks.masks_dir("smoke") / model_id / "S101_left_p_a.mha")
        assert set(np.unique(mask.array)) == {0, CALLED[model_id]}
        # The world begins in the picture's centre: rows 10 to 19, columns 4 to 15 of 44 x 56.
        y_mm, x_mm = (
            mask.origin_xyz_mm[axis] + SPACING_MM * np.arange(mask.array.shape[2 - axis])
            for axis in (1, 0)
        )
        edges = [((10, 19), 44, y_mm), ((4, 15), 56, x_mm)]
        inside, outside = [], []
        for ends, size, places_mm in edges:
            low, high = (SIDE_MM * (end - (size - 1) / 2) for end in ends)
            inside.append((places_mm > low + 0.6) & (places_mm < high - 0.6))
            outside.append((places_mm < low - SPACING_MM) | (places_mm > high + SPACING_MM))
        known = images.read(sweep_volumes.volumes_dir("smoke") / "S101_left_p_a_grey.mha").array > 0
        is_bar = mask.array > 0
        within = np.ix_(range(len(is_bar)), *inside)
        assert is_bar[within][known[within]].all()
        assert known[within].mean() > 0.9
        assert not is_bar[:, outside[0]].any()
        assert not is_bar[:, :, outside[1]].any()

    def test_networks_are_told_the_spacing_of_the_frames(self, run):
        for model_id in CALLED:
            assert np.allclose(run.fakes[model_id].spacings, (SIDE_MM, SIDE_MM), atol=1e-6)


class TestFirstMasks:
    def test_a_row_for_every_volume_and_structure(self, run):
        rows = table("first_masks")
        assert list(rows.columns) == first_masks.COLUMNS
        counts = rows.groupby("split").size().to_dict()
        assert counts == {"train": 5 * 4, "validation": 3 * 4, "test": 3 * 4}
        assert set(rows.structure) == set(STRUCTURES)

    def test_dice_and_steps_are_those_of_the_written_mask_and_of_the_truth(self, run):
        rows = table("first_masks").set_index([*SWEEP_KEY, "structure"]).sort_index()
        mask = read_mask(first_masks.masks_dir("smoke") / "S046_left_p_d.mha").array
        truth = read_mask(sweep_volumes.volumes_dir("smoke") / "S046_left_p_d_truth.mha").array
        found = rows.loc[("S046", "left_p_d")].loc[STRUCTURES]
        expected = {
            "dice": dice_per_label(mask, truth, range(1, 5)),
            "slice_dice": slice_dice(mask, range(1, 5)),
            "truth_slice_dice": slice_dice(truth, range(1, 5)),
        }
        for column, values in expected.items():
            np.testing.assert_allclose(found[column], values, rtol=1e-8)
        # Only the head is found: another structure has Dice 0, and no shape of its own.
        assert (found.dice > 0).tolist() == [False, True, False, False]
        assert found.roughness_in_plane_mm.notna().tolist() == [False, True, False, False]
        assert found.truth_roughness_in_plane_mm.notna().all()

    def test_a_turned_probe_makes_no_difference(self, run):
        heads = table("first_masks").query("structure == 'femoral_head'").set_index(SWEEP_KEY)
        assert heads.dice.min() > 0.75
        assert heads.dice[TURNED] == pytest.approx(heads.dice.median(), abs=0.1)

    def test_metrics_are_means_over_volumes(self, run):
        rows = table("first_masks")
        found = tables.read_metrics(paths.metrics_file("smoke", "first_masks"))
        assert found["volume_count"] == 11
        assert found["dice_test"] == pytest.approx(rows[rows.split == "test"].dice.mean())
        for name in first_masks.SHAPE:
            assert found[name] == pytest.approx(rows[name].mean())
            assert found[f"truth_{name}"] == pytest.approx(rows[f"truth_{name}"].mean())

    def test_without_truth_there_is_a_mask_and_nothing_to_compare_it_with(
        self, run, monkeypatch, tmp_path
    ):
        monkeypatch.setattr(first_masks, "truth_file", lambda *_: tmp_path / "none.mha")
        rows = first_masks.write_masks(row_of("S001", "left_p_a"), study=STUDY, out=tmp_path)
        found = pd.DataFrame(rows, columns=first_masks.COLUMNS)
        assert (tmp_path / "S001_left_p_a.mha").is_file()
        assert (
            found[["dice", *(f"truth_{name}" for name in first_masks.SHAPE)]]
            .isna()
            .to_numpy()
            .all()
        )
        assert found.slice_dice.notna().sum() == 1

    def test_a_hospitals_cohort_has_no_volume_to_correct(self, run, monkeypatch):
        rows = mask_volumes.volume_cases(STUDY).drop(columns="is_labelled_3d")
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda _: rows)
        assert first_masks.cases_of(STUDY).empty


class TestFirstRoundMasks:
    def test_the_network_is_shown_every_volume_at_the_size_of_training(self, run):
        one = run.fakes["3.1"]
        assert len(one.shapes) == 14
        for shape, spacing in zip(one.shapes, one.spacings, strict=True):
            # At the plan's spacing (2, 0.5, 0.25), such a volume has 32 rows and 20 columns.
            seen = np.array(shape) * spacing / (2.0, 0.5, 0.25)
            assert seen == pytest.approx((shape[0], ROWS, COLUMNS))

    def test_structures_that_it_does_not_find_are_counted(self, run):
        found = tables.read_metrics(paths.metrics_file("smoke", "first_round_masks"))
        assert found == {
            "volume_count": 14, "missing_structures": 14 * 3, "volumes_without_a_structure": 14,
        }  # fmt: skip

    def test_a_volume_with_all_four_misses_none(self, run, monkeypatch, tmp_path):
        labels = np.arange(5, dtype=np.uint8)
        everything = SimpleNamespace(
            model=run.fakes["3.1"].model,
            segment_volume=lambda volume, **_: np.resize(labels, volume.shape),
        )
        monkeypatch.setattr(mask_volumes, "segmenter", lambda *_: everything)
        row = row_of("S101", "left_p_a")
        assert first_round_masks.write_mask(row, study=STUDY, out=tmp_path) == 0


class TestModelMasks:
    def test_the_refined_network_sees_the_volume_as_it_is(self, run):
        one = run.fakes["3.2"]
        assert np.allclose(one.spacings, SPACING_MM)
        made = masks_below(model_masks.masks_dir("smoke") / "3.2")
        assert sorted(one.shapes) == sorted(mask.array.shape for mask in made.values())

    def test_a_row_for_every_third_frame_model_and_structure(self, run):
        rows = table("frame_scores")
        assert list(rows.columns) == model_masks.COLUMNS
        assert set(rows.frame_index) == {2, 5, 8, 11}
        assert len(rows) == 6 * 4 * 3 * 4
        assert set(rows.model_id.astype(str)) == set(CALLED)
        assert set(rows.cohort) == {"study", "test"}

    def test_scores_are_those_of_the_block_with_the_labels_that_were_drawn(self, run):
        rows = table("frame_scores").set_index([*SWEEP_KEY, "model_id", "structure"]).sort_index()
        own = rows.loc[LABELLED]
        # Half of what is drawn is found: 2 x 60 of 60 + 120 pixels.
        assert own.loc[(2.1, "femoral_head")].dice_label.tolist() == pytest.approx([2 / 3] * 4)
        # 2.2 calls it ilium: nothing of the head is found, and nobody drew an ilium.
        assert own.loc[(2.2, "femoral_head")].dice_label.tolist() == [0] * 4
        assert own.loc[(2.2, "ilium")].dice_label.tolist() == [0] * 4
        assert own.loc[(2.2, "chondro_osseous_border")].dice_label.isna().all()
        is_other = (rows.reset_index()[SWEEP_KEY] != list(LABELLED)).any(axis=1)
        assert rows.dice_label[is_other.to_numpy()].isna().all()

    def test_scores_with_the_truth_are_of_the_same_frame(self, run):
        rows = table("frame_scores").set_index([*SWEEP_KEY, "model_id", "structure", "frame_index"])
        case = row_of("S101", "right_p_a")
        sweep = open_study_sweep(motion_data.cohort_of(STUDY), case)
        for index in (2, 5, 8, 11):
            truth = sweep.masks[index - TRIM.start] == HipLabel.FEMORAL_HEAD
            expected = 2 * truth[BLOCK].sum() / (truth.sum() + 120)
            key = ("S101", "right_p_a", 2.1, "femoral_head", index)
            assert rows.dice_truth[key] == pytest.approx(expected)

    def test_a_cohort_without_truth_has_labels_alone(self, run, monkeypatch, tmp_path):
        row = row_of(*LABELLED)
        sweep = open_study_sweep(motion_data.cohort_of(STUDY), row)
        without = replace(sweep, masks=None)
        monkeypatch.setattr(model_masks, "open_study_sweep", lambda *_: without)
        found = pd.DataFrame(model_masks.write_masks(row, study=STUDY, out=tmp_path))
        assert found.dice_truth.isna().all()
        assert found.dice_label.notna().any()

    def test_metrics_are_means_of_means_by_structure(self, run):
        found = tables.read_metrics(paths.metrics_file("smoke", "model_masks"))
        rows = table("frame_scores")
        rows = rows[(rows.model_id == 2.1) & (rows.cohort == "test")]
        means = [rows[rows.structure == name].dice_truth.mean() for name in STRUCTURES]
        assert found["sweep_count"] == 6
        assert found["frame_dice_test_only_2.1"] == pytest.approx(np.nanmean(means))
        assert found["frame_dice_labelled_2.1"] == pytest.approx(2 / 3)
        assert found["frame_dice_labelled_2.2"] == 0


class TestSkips:
    @pytest.fixture
    def elsewhere(self, run, monkeypatch, tmp_path):
        """Name an empty study folder in which the sweeps are known."""
        rows = mask_volumes.volume_cases(STUDY)
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda _: rows)
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        return rows

    @pytest.mark.parametrize("stage", STAGES)
    def test_without_a_network_all_is_empty_and_said_aloud(self, elsewhere, caplog, stage):
        with caplog.at_level(logging.WARNING):
            assert list(stage.main(STUDY)) == []
        assert f"{stage.STAGE} SKIPPED: " in caplog.text
        assert stage.masks_dir("smoke").is_dir()
        assert not list(stage.masks_dir("smoke").rglob("*.mha"))
        assert tables.read_metrics(paths.metrics_file("smoke", stage.STAGE)) == {}
        if stage is not first_round_masks:
            name = "frame_scores" if stage is model_masks else "first_masks"
            assert table(name).empty
            assert list(table(name).columns) == stage.COLUMNS

    def test_an_empty_folder_is_no_trained_network(self, elsewhere):
        folder = mask_volumes.model_dir("smoke", "3.2")
        folder.mkdir(parents=True)
        assert not mask_volumes.is_trained("smoke", "3.2")
        (folder / "weights.pt").write_bytes(b"x")
        assert mask_volumes.is_trained("smoke", "3.2")

    def test_models_are_compared_only_where_all_were_trained(self, elsewhere, caplog):
        for model_id in ("2.1", "2.2", "3.2"):
            folder = mask_volumes.model_dir("smoke", model_id)
            folder.mkdir(parents=True)
            (folder / "weights.pt").write_bytes(b"x")
        assert list(model_masks.main(STUDY)) == []
        assert "a model was not trained" in caplog.text
        for model_id in model_masks.MODELS:
            assert (model_masks.masks_dir("smoke") / model_id).is_dir()

    @pytest.mark.parametrize("stage", [first_masks, model_masks])
    def test_a_cohort_without_such_sweeps_is_skipped_too(
        self, elsewhere, monkeypatch, caplog, stage
    ):
        monkeypatch.setattr(mask_volumes, "is_trained", lambda *_: True)
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda _: elsewhere.iloc[:0])
        assert list(stage.main(STUDY)) == []
        assert "SKIPPED" in caplog.text


class TestNetworks:
    @pytest.fixture
    def stored(self, monkeypatch):
        """Return the folders that are read; networks are trained with a mirrored first axis."""
        read = []

        def load(folder, *, device):
            read.append((folder, device))
            axes = [0] if folder.name == "3.1" else []
            plan = {"study": {"mirror_axes": axes}}
            return Segmenter(SimpleNamespace(plan=plan), Windows((4, 4, 4), 0.5, ()))

        monkeypatch.setattr(Segmenter, "load", load)
        LOAD.cache_clear()
        yield read
        LOAD.cache_clear()

    def test_mirrored_pictures_are_averaged_where_training_mirrored_them(self, stored):
        assert LOAD("smoke", "3.1").windows == Windows((4, 4, 4), 0.5, (0,))
        assert LOAD("smoke", "3.2").windows == Windows((4, 4, 4), 0.5, ())

    def test_each_is_read_once(self, stored):
        first = LOAD("smoke", "3.1")
        assert LOAD("smoke", "3.1") is first
        assert [(folder.parts[-4:], device) for folder, device in stored] == [
            (("smoke", "models", "segmentation", "3.1"), "cpu")
        ]


class TestRefusals:
    def test_a_missing_volume_is_named(self, run):
        row = SimpleNamespace(subject_id="S900", sweep_id="left_p_a")
        with pytest.raises(FileNotFoundError, match="S900_left_p_a_grey.mha is missing"):
            mask_volumes.read_grey(STUDY, row)

    def test_a_table_that_lists_a_volume_twice(self, run, monkeypatch):
        rows = motion_data.sweep_rows(STUDY)
        twice = pd.concat([rows, rows.iloc[:1]])
        monkeypatch.setattr(
            mask_volumes, "motion_data", SimpleNamespace(sweep_rows=lambda _, **__: twice)
        )
        with pytest.raises(ValueError, match="one-to-one"):
            mask_volumes.volume_cases(STUDY)
