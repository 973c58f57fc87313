"""Stage `segmentation_arms` on a made cohort: made-up raters of volumes and networks."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import SUBJECTS, SWEEPS, UNUSABLE, write_labelled_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, images, parallel, paths, tables
from hipus.formats.mask_files import read_mask, write_mask
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.phantom.annotator.corrections import annotation
from hipus.segmentation import training
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.stages import (
    frame_labels,
    motion_data,
    segmentation_arm_frames,
    segmentation_arm_volumes,
    segmentation_arms,
    volume_labels,
    volume_labels_refined,
)
from hipus.stages.segmentation_arm_volumes import Arm, effort_arms, trained_arms

NAMES = [label.name.lower() for label in STRUCTURES]
TEST_SWEEPS = [f"{side}_{kind}" for side, kind in SWEEPS]


class MadeSegmenter:
    """Finds the dark ball alone; the network from nothing finds too much of it."""

    def __init__(self, folder) -> None:
        """Remember what it is called."""
        self.darkest = 60 if "nothing" in folder.name else 48

    def segment_volume(self, volume, *, spacing_zyx_mm):
        """Label dark voxels."""
        assert spacing_zyx_mm == pytest.approx((1.3, 0.6, 0.6))
        return np.where(volume < self.darkest, HipLabel.FEMORAL_HEAD, 0).astype(np.uint8)

    def segment_frames(self, frames, *, spacing_yx_mm):
        """Label dark pixels."""
        assert spacing_yx_mm == pytest.approx((0.6, 0.6))
        return np.where(frames < self.darkest, HipLabel.FEMORAL_HEAD, 0).astype(np.uint8)


def made_rater(volume, prior, *, truth_mask, rng, error_scale, **_):
    """Draw the truth but for some voxels, more of them with larger errors, whatever the prior."""
    assert volume.shape == prior.shape
    is_missed = rng.random(truth_mask.shape) < 0.1 * error_scale
    return annotation(np.where(is_missed, 0, truth_mask).astype(np.uint8), prior)


class MadeTrainings(list):
    """Notes what is to be trained, and on what."""

    def __call__(self, model_id, cases_factory, numbers, *, model_dir, **options):
        """Learn nothing."""
        self.append({"cases": list(cases_factory()), "numbers": numbers, **options})
        dice = (0.5, 0.6, 0.7, None)
        epoch = {"epoch": 0, "train_loss": 1.0, "val_loss": 1.0, "dice": dice, "ema": 0.5}
        epochs = (epoch | {"lr": 0.01, "seconds": 1.0},)
        return SimpleNamespace(model_id=model_id, model_dir=model_dir, epochs=epochs)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Make a cohort with labels, and run the stage with made-up networks."""
    folder = make_study_folder(tmp_path_factory.mktemp("arms"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        write_labelled_cohort()
        sizes = config.SegmentationArms(volumes=6, error_scales=(2.0,), resamples=40)
        study = config.load("smoke")
        # The made volumes lie elsewhere than their sweeps, so that raters draw on them alone.
        labels = replace(study.volume_labels, refinement=1)
        study = replace(study, segmentation_arms=sizes, volume_labels=labels)
        _write_own_models()
        patch.setattr(volume_labels, "correct_volume", made_rater)
        for stage in (frame_labels, volume_labels_refined):
            stage.main(study)
        trainings = MadeTrainings()
        patch.setattr(training, "train", trainings)
        patch.setattr(Segmenter, "load", MadeSegmenter)
        inputs = segmentation_arms.main(study)
        yield SimpleNamespace(study=study, trainings=trainings, inputs=inputs)


def _write_own_models() -> None:
    """Write tables of earlier stages, and 3.2's masks of test sweeps: truth without the ilium."""
    results, rows = paths.results_dir("smoke"), []
    for subject, cohort, split, *_ in SUBJECTS:
        for sweep in TEST_SWEEPS:
            if (subject, sweep) != UNUSABLE:
                rows.append({"subject_id": subject, "sweep_id": sweep, "cohort": cohort})
                rows[-1]["split"] = split
    sweeps = pd.DataFrame(rows)
    tables.write(sweeps, paths.table_file("smoke", "sweep_volumes"), key=["subject_id", "sweep_id"])
    first = sweeps[sweeps.cohort == "study"].assign(
        side="left", sweep_type="p_a", minutes_simulated=9
    )
    tables.write(first, paths.table_file("smoke", "volume_labels_first"), key=[])
    effort = first.assign(rater_id="C", prior="first_masks", changed_mm3=9.0, touched_slices=9)
    tables.write(effort, paths.table_file("smoke", "volume_effort_first"), key=[])
    test = sweeps[sweeps.split == "test"]
    frames = test.merge(pd.DataFrame({"frame_index": [2, 5, 8, 11]}), how="cross")
    frames = frames.merge(pd.DataFrame({"structure": NAMES}), how="cross")
    frames = frames.assign(model_id="2.1", dice_truth=0.7, dice_label=0.8)
    other = frames.assign(model_id="2.2", dice_truth=0.1)
    tables.write(pd.concat([frames, other]), paths.table_file("smoke", "frame_scores"), key=[])
    for row in test[test.cohort == "test"].itertuples():
        stem = f"{row.subject_id}_{row.sweep_id}"
        truth = read_mask(results / "sweep_volumes" / f"{stem}_truth.mha").volume
        array = np.where(truth.array == HipLabel.ILIUM, 0, truth.array).astype(np.uint8)
        mask = images.Volume(array, truth.spacing_zyx_mm, truth.origin_xyz_mm)
        path = results / "model_masks" / "3.2" / f"{stem}.mha"
        write_mask(mask, path, scheme="hip", made_by="a test", origin="simulated")


def table(name: str) -> pd.DataFrame:
    """Return a table of the stage."""
    return tables.read(paths.table_file("smoke", name), dtype={"subject_id": str})


class TestTrainings:
    def test_one_by_frame_and_one_for_each_other_kind_of_labels(self, study):
        titles = [one["title"] for one in study.trainings]
        assert titles == [
            "model 2.1, split by frame",
            "model 3.2, first round masks x2",
            "model 3.2, nothing x1",
        ]
        numbers = [one["numbers"] for one in study.trainings]
        own = study.study
        assert numbers == [own.model_21, own.model_32, own.model_32]
        assert {one["seed"] for one in study.trainings} == {own.common.seed}

    def test_by_frame_it_learns_from_the_frames_of_that_split(self, study):
        one = study.trainings[0]
        assert one["splits_by"] == "frame"
        rows = table("frame_labels")
        rows = rows[rows.split_by_frame.isin(["train", "validation"])]
        expected = {
            f"{row.subject_id}_{row.sweep_id}_f{row.frame_index:04d}": row.split_by_frame
            for row in rows.itertuples()
        }
        assert {case.case_id: case.split for case in one["cases"]} == expected
        both = [
            {c.subject_id for c in one["cases"] if c.split == s} for s in ("train", "validation")
        ]
        assert both[0] & both[1]

    def test_others_learn_from_the_volumes_of_3_2_under_other_labels(self, study):
        rows = table("volume_labels_refined")
        rows = rows[rows.split.isin(["train", "validation"])]
        expected = set(rows.subject_id + "_" + rows.sweep_id)
        own = paths.results_dir("smoke") / "annotations" / "volumes_refined"
        for one in study.trainings[1:]:
            assert {case.case_id for case in one["cases"]} == expected
        case = study.trainings[1]["cases"][0]
        stored = read_mask(own / f"{case.case_id}.mha").array
        assert 0.3 < dice_per_label(case.labels, stored, STRUCTURES).mean() < 0.99


class TestSplit:
    def test_own_test_frames_are_scored_by_labels_and_truth(self, study):
        rows = table("split_arm_frames")
        rows = rows[rows.split == "by_frame"]
        own = rows[rows.judged_on == "own_test_frames"]
        labelled = table("frame_labels")
        count = (labelled.split_by_frame == "test").sum()
        assert len(own) == 4 * count
        heads = own[own.structure == "femoral_head"].dropna()
        assert (heads.dice_truth != heads.dice_label).all()
        one = heads.iloc[-1]
        rows_of = motion_data.sweep_rows(study.study).set_index(
            ["subject_id", "sweep_id"], drop=False
        )
        sweep = open_study_sweep(
            motion_data.cohort_of(study.study), rows_of.loc[(one.subject_id, one.sweep_id)]
        )
        at = one.frame_index - sweep.first_frame
        found, head = sweep.frames[at] < 48, sweep.masks[at] == HipLabel.FEMORAL_HEAD
        assert one.dice_truth == pytest.approx(
            2 * (found & head).sum() / (found.sum() + head.sum())
        )
        others = rows[rows.judged_on == "test_only_cohort"]
        assert len(others) == 4 * 4 * len(TEST_SWEEPS)
        assert set(others.frame_index) == {2, 5, 8, 11}
        assert others.dice_label.isna().all()

    def test_the_split_by_subject_is_the_studys_own_model(self, study):
        rows = table("split_arm").set_index(["split", "judged_on", "reference", "structure"])
        own = rows.loc[("by_subject", "own_test_frames", "label", "ilium")]
        assert (own.dice_mean, own.subject_count, own.case_count) == (pytest.approx(0.8), 1, 16)
        others = rows.loc[("by_subject", "test_only_cohort", "insonified_truth", "ilium")]
        assert others.dice_mean == pytest.approx(0.7)

    def test_a_labelled_test_frame_without_a_score_is_an_error(self, study):
        labelled = segmentation_arm_frames.frame_labels(study.study)
        labelled.loc[labelled.split == "test", "frame_index"] += 100
        with pytest.raises(ValueError, match=r"frame_scores.csv: 16 labelled .* S049/left_p_a fr"):
            segmentation_arm_frames._of_own_model(study.study, labelled)

    def test_how_many_test_frames_lie_in_learned_sweeps_is_told(self, study):
        rows = [("S1", "a", "train"), ("S1", "a", "test"), ("S1", "b", "test"), ("S1", "a", "test")]
        known = pd.DataFrame(rows, columns=["subject_id", "sweep_id", "split_by_frame"])
        assert segmentation_arm_frames.trained_share(known) == pytest.approx(2 / 3)


class TestRater:
    def test_networks_are_judged_by_truth_on_the_test_only_cohort(self, study):
        rows = table("rater_error_cases")
        assert set(rows.subject_id) == {"S101"}
        assert len(rows) == 3 * 4 * len(TEST_SWEEPS)
        home = paths.results_dir("smoke") / "sweep_volumes"
        truth = read_mask(home / "S101_left_p_a_truth.mha").array
        grey = images.read(home / "S101_left_p_a_grey.mha").array
        for prior, scale, darkest in (("first_round_masks", 2, 48), ("nothing", 1, 60)):
            found = np.where(grey < darkest, 2, 0)
            expected = dice_per_label(found, truth, STRUCTURES)[NAMES.index("femoral_head")]
            one = rows[(rows.prior == prior) & (rows.error_scale == scale)].set_index("sweep_id")
            one = one[one.structure == "femoral_head"].loc["left_p_a"]
            assert one.dice == pytest.approx(expected)

    def test_the_study_s_own_network_stands_beside(self, study):
        rows = table("rater_error_arm").set_index(["prior", "error_scale", "structure"])
        own = rows.loc[("first_round_masks", 1.0)]
        assert own.dice_model_mean["ilium"] == 0
        assert set(own.dice_model_mean[NAMES].drop("ilium")) == {1}
        assert own.dice_model_mean["mean_over_structures"] == pytest.approx(0.75)
        scores = table("volume_labels_refined")
        scores = scores[scores.split != "test"].groupby("structure").dice_corrected.mean()
        np.testing.assert_allclose(own.dice_corrected[NAMES], scores[NAMES], rtol=1e-8)
        assert set(own.label_volume_count) == {11}

    def test_larger_errors_make_worse_labels(self, study):
        rows = table("rater_error_arm").set_index(["prior", "error_scale", "structure"])
        means = rows.dice_corrected.xs("mean_over_structures", level="structure")
        assert means[("first_round_masks", 2.0)] < means[("first_round_masks", 1.0)]

    def test_raters_get_sweeps_as_the_cohort_states_them(self, study, monkeypatch):
        seen = []
        monkeypatch.setattr(
            volume_labels, "correct_cases", lambda _, rows, task: seen.append((rows, task))
        )
        keys = [("S001", "right_p_d"), ("S001", "left_p_a")]
        keys = pd.DataFrame(keys, columns=["subject_id", "sweep_id"]).assign(is_seen=True)
        arms = {Arm("first_masks", 0.5): keys, Arm("nothing", 1.0): keys.iloc[:1]}
        segmentation_arm_volumes.correct(study.study, arms, scratch=Path("x"))
        (rows, task), (other, from_nothing) = seen
        assert rows.sweep_id.tolist() == ["left_p_a", "right_p_d"]
        assert (rows.trim_start == 2).all()
        assert task.prior_folder == paths.results_dir("smoke") / "first_masks"
        assert (task.round_name, task.error_scale, task.smoothing_mm) == ("refined", 0.5, None)
        assert (len(other), from_nothing.prior_folder) == (1, None)


class TestEffort:
    def test_the_same_volumes_are_begun_from_all_priors_at_all_scales(self, study):
        rows = table("staging_effort_cases")
        volumes = rows.groupby(["error_scale", "prior"]).apply(
            lambda part: tuple(part.subject_id + "_" + part.sweep_id), include_groups=False
        )
        assert len(volumes) == 2 * 3
        assert volumes.nunique() == 1
        # S049 is the one that no network learned from; then those with most sweeps.
        seen = rows.groupby("subject_id").is_seen.first().astype(bool).to_dict()
        assert seen == {"S001": True, "S049": False}

    def test_at_the_rater_s_own_scale_it_is_the_effort_of_the_second_round(self, study):
        rows = table("staging_effort_cases")
        rows = rows[(rows.prior == "first_round_masks") & (rows.error_scale == 1)]
        refined = table("volume_effort_refined")
        both = rows.merge(refined[refined.rater_id == "C"], on=["subject_id", "sweep_id"])
        assert len(both) == 6
        np.testing.assert_allclose(both.changed_mm3_x, both.changed_mm3_y)

    def test_from_nothing_all_is_changed(self, study):
        rows = table("staging_effort_cases")
        is_whole = np.isclose(rows.changed_mm3, rows.labelled_mm3)
        assert is_whole[rows.prior == "nothing"].all()
        assert not is_whole[rows.prior != "nothing"].any()

    def test_frames_and_volumes_to_learn_from_are_paid(self, study):
        row = table("staging_totals").set_index("error_scale").loc[1.0]
        assert (row.first_volume_count, row.refined_volume_count) == (11, 11)
        frames = table("frame_label_effort")
        frames = frames[frames.task.isin(["drawn", "reviewed"]) & (frames.subject_id != "S049")]
        assert row.frames_simulated_h == pytest.approx(frames.minutes_simulated.sum() / 60)
        cases = table("staging_effort_cases")
        nothing = cases[(cases.prior == "nothing") & (cases.error_scale == 1)]
        expected = 11 * nothing.minutes_simulated.mean() / 60
        assert row.from_nothing_simulated_h == pytest.approx(expected)


def test_metrics_and_inputs_tell_what_was_compared(study):
    found = tables.read_metrics(paths.metrics_file("smoke", "segmentation_arms"))
    assert found["dice_model_3_2_nothing_x1"] == pytest.approx(
        table("rater_error_arm")
        .set_index(["prior", "structure"])
        .dice_model_mean[("nothing", "mean_over_structures")]
    )
    assert 0 < found["share_of_own_test_frames_from_learned_sweeps"] <= 1
    assert {path.stem for path in study.inputs} == set(segmentation_arms.NEEDED)
    curves = table("segmentation_arm_training")
    assert set(curves.arm) == {"by_frame", "first_round_masks_x2", "nothing_x1"}
    assert (curves[f"dice_{NAMES[1]}"] == 0.6).all()
    assert curves[f"dice_{NAMES[3]}"].isna().all()


def test_scale_1_is_trained_from_nothing_alone():
    assert [str(arm) for arm in trained_arms((0.5, 2.0))] == [
        "first_round_masks_x0.5", "first_round_masks_x2", "nothing_x1",
    ]  # fmt: skip
    found = effort_arms((0.5, 2.0))
    assert len(found) == 9
    assert {arm.error_scale for arm in found} == {0.5, 1.0, 2.0}
    assert Arm("nothing", 0.5) in found


def test_without_labels_it_leaves_empty_tables(study, monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    for name in segmentation_arms.NEEDED:
        tables.write(pd.DataFrame(columns=["a"]), paths.table_file("smoke", name), key=[])
    assert segmentation_arms.main(study.study) == []
    assert "segmentation_arms SKIPPED" in caplog.text
    for name, columns in segmentation_arms.COLUMNS.items():
        assert list(table(name).columns) == columns
    assert tables.read_metrics(paths.metrics_file("smoke", "segmentation_arms")) == {}
    assert set(segmentation_arms.KEYS) == set(segmentation_arms.COLUMNS)
    assert segmentation_arm_volumes.OWN.key == ("first_round_masks", 1.0)
