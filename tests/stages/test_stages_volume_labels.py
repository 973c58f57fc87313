"""Stages `volume_labels_first` and `volume_labels_refined` on a made cohort of tiny volumes."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_labelled_cohort import COUNT, SHAPE, SIDE_MM, STEP_MM, UNUSABLE, write_labelled_cohort
from study_folders import make_study_folder, without_real_data

from hipus import config, images, parallel, paths, tables
from hipus.formats.mask_files import read_mask, write_mask
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.phantom.annotator.rater import DRAWN
from hipus.stages import (
    volume_label_tables,
    volume_labels,
    volume_labels_first,
    volume_labels_refined,
)
from hipus.stages.volume_labels import Task

VOXEL_MM3 = STEP_MM * SIDE_MM**2
SMOOTHING_MM = 0.8
STRUCTURES = [label.name.lower() for label in DRAWN]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Make a cohort with volumes and priors, and run both stages."""
    folder = make_study_folder(tmp_path_factory.mktemp("volumes"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        write_labelled_cohort()
        _write_frame_effort()
        block = SimpleNamespace(smoothing_mm=SMOOTHING_MM, refinement=1)
        common = config.load("smoke").common
        study = SimpleNamespace(profile="smoke", common=common, volume_labels=block)
        study.inputs = {
            stage.STAGE: list(stage.main(study))
            for stage in (volume_labels_first, volume_labels_refined)
        }
        yield study


def _write_frame_effort() -> None:
    """Write what stage frame_labels leaves for the summary of effort."""
    rows = [("S001", "drawn", "A", 60.0), ("S046", "drawn", "A", 30.0)]
    rows.append(("S001", "reviewed", "B", 9.0))
    table = pd.DataFrame(rows, columns=["subject_id", "task", "rater_id", "minutes_simulated"])
    table = table.assign(sweep_id="left_p_a", changed_mm2=5.0, touched_frames=4)
    key = ["subject_id", "sweep_id", "task"]
    tables.write(table, paths.table_file("smoke", "frame_label_effort"), key=key)


def table(name: str) -> pd.DataFrame:
    """Return a table of either stage."""
    return tables.read(paths.table_file("smoke", name), dtype={"subject_id": str})


def case_rows(study, count: int = 1) -> pd.DataFrame:
    """Return the first volumes at hand."""
    return volume_labels.volume_rows(study).iloc[:count]


def task_into(folder, **changes) -> Task:
    """Return rater C's task of the first round, into a folder."""
    priors = paths.results_dir("smoke") / "first_masks"
    return replace(Task("C", "first", priors, folder), **changes)


def mask_of(name: str, subject="S001", sweep="left_p_a"):
    """Return a mask below `results`."""
    return read_mask(paths.results_dir("smoke") / name / f"{subject}_{sweep}.mha")


class TestFirstRound:
    def test_it_corrects_what_is_learned_from_and_draws_what_judges(self, study):
        effort = table("volume_effort_first")
        counts = effort.groupby(["split", "prior"]).size().to_dict()
        # Two training subjects, one with three usable sweeps.
        assert counts == {
            ("train", "first_masks"): 7,
            ("validation", "first_masks"): 4,
            ("test", "nothing"): 4,
        }
        assert UNUSABLE not in set(zip(effort.subject_id, effort.sweep_id, strict=True))
        assert set(effort.rater_id) == {"C"}
        assert len(study.inputs["volume_labels_first"]) == 11

    def test_masks_are_written_in_the_volumes_place_and_say_who_made_them(self, study):
        mask = mask_of("annotations/volumes_first")
        assert mask.array.shape == (COUNT, *SHAPE)
        assert mask.spacing_zyx_mm == pytest.approx((STEP_MM, SIDE_MM, SIDE_MM))
        assert mask.origin_xyz_mm == pytest.approx((1, 2, 3))
        assert (mask.scheme, mask.made_by, mask.origin) == ("hip", "simulated rater C", "simulated")
        assert mask.of == "S001/left_p_a"

    def test_scores_are_those_of_prior_and_written_mask(self, study):
        rows = table("volume_labels_first")
        rows = rows[(rows.subject_id == "S001") & (rows.sweep_id == "left_p_a")]
        rows = rows.set_index("structure").loc[STRUCTURES]
        truth = read_mask(volume_labels.volumes_dir("smoke") / "S001_left_p_a_truth.mha").array
        for column, name in (
            ("dice_prior", "first_masks"), ("dice_corrected", "annotations/volumes_first"),
        ):  # fmt: skip
            expected = dice_per_label(mask_of(name).array, truth, DRAWN)
            np.testing.assert_allclose(rows[column], expected, rtol=1e-8)

    def test_correction_brings_masks_nearer_to_what_was_insonified(self, study):
        found = tables.read_metrics(paths.metrics_file("smoke", "volume_labels_first"))
        assert found["dice_corrected_mean"] > found["dice_prior_mean"]
        assert found["volume_count_train"] == 7

    def test_effort_is_that_of_the_difference_to_the_prior(self, study):
        rows = table("volume_effort_first").set_index(["subject_id", "sweep_id"])
        for key, prior in ((("S001", "left_p_a"), "first_masks"), (("S049", "left_p_a"), None)):
            after = mask_of("annotations/volumes_first", *key).array
            before = mask_of(prior, *key).array if prior else np.zeros_like(after)
            row, changed = rows.loc[key], after != before
            assert row.changed_voxels == changed.sum()
            assert row.changed_mm3 == pytest.approx(changed.sum() * VOXEL_MM3)
            assert row.touched_slices == changed.any(axis=(1, 2)).sum()
            assert row.labelled_mm3 == pytest.approx((after > 0).sum() * VOXEL_MM3)
            assert row.slice_count == COUNT


class TestRefinedRound:
    def test_it_takes_all_splits_and_the_test_only_cohort(self, study):
        rows = table("volume_effort_refined")
        counts = rows.groupby(["rater_id", "cohort", "split"]).size().to_dict()
        assert counts == {
            ("C", "study", "train"): 7,
            ("C", "study", "validation"): 4,
            ("C", "study", "test"): 4,
            ("C", "test", "test"): 4,
            ("D", "study", "test"): 4,
            ("D", "test", "test"): 4,
        }
        names = [path.name for path in study.inputs["volume_labels_refined"]]
        assert len(names) == 19 + 2
        assert names[-2:] == ["frame_label_effort.csv", "volume_effort_first.csv"]

    def test_the_rater_gets_a_smoothed_prior(self, study):
        rows = table("volume_labels_refined")
        assert set(rows.prior) == {"first_round_masks"}
        rows = rows[(rows.subject_id == "S001") & (rows.sweep_id == "left_p_a")]
        truth = read_mask(volume_labels.volumes_dir("smoke") / "S001_left_p_a_truth.mha").array
        raw = mask_of("first_round_masks").array
        spacing = (STEP_MM, SIDE_MM, SIDE_MM)
        smooth = volume_labels.smooth_labels(raw, spacing_zyx_mm=spacing, sigma_mm=SMOOTHING_MM)
        assert (smooth != raw).any()
        found = rows.set_index("structure").dice_prior[STRUCTURES]
        np.testing.assert_allclose(found, dice_per_label(smooth, truth, DRAWN), rtol=1e-8)

    def test_two_raters_of_one_volume_differ_and_are_compared(self, study):
        rows = table("volume_inter_rater")
        assert len(rows) == 8 * 4
        assert set(rows.split) == {"test"}
        masks = [
            mask_of(f"annotations/{name}", "S101", "right_p_d").array
            for name in ("volumes_refined", "volumes_second_rater")
        ]
        rows = rows[(rows.subject_id == "S101") & (rows.sweep_id == "right_p_d")]
        found = rows.set_index("structure").dice[STRUCTURES]
        np.testing.assert_allclose(found, dice_per_label(*masks, DRAWN), rtol=1e-8)
        assert found.max() < 1

    def test_metrics_tell_agreement_with_and_without_the_studys_own_subjects(self, study):
        found = tables.read_metrics(paths.metrics_file("smoke", "volume_labels_refined"))
        rows = table("volume_inter_rater")
        heads = rows[rows.structure == "femoral_head"]
        expected = {
            "inter_rater_dice_all_test_femoral_head": heads.dice.mean(),
            "inter_rater_dice_test_only_femoral_head": heads[heads.cohort == "test"].dice.mean(),
        }
        for name, value in expected.items():
            assert found[name] == pytest.approx(value)

    def test_effort_of_the_whole_study_is_summed_up_by_task(self, study):
        rows = table("annotation_effort").set_index(["task", "rater_id"])
        drawn = rows.loc[("frames drawn", "A")]
        assert (drawn.case_count, drawn.minutes_simulated_mean) == (2, 45)
        assert drawn.simulated_h == pytest.approx(1.5)
        assert drawn.changed_unit == "mm2"
        nothing = rows.loc[("first volumes from nothing", "C")]
        corrected = rows.loc[("first volumes from first_masks", "C")]
        assert nothing.changed_unit == "mm3"
        assert nothing.changed_mean > corrected.changed_mean > 0
        assert rows.loc[("refined volumes to learn from", "C")].case_count == 11
        assert rows.loc[("refined volumes to judge on", "D")].case_count == 8


class TestCorrection:
    def test_it_does_not_depend_on_what_else_is_corrected(self, study, tmp_path):
        volume_labels.correct_cases(study, case_rows(study), task=task_into(tmp_path))
        stored = paths.results_dir("smoke") / "annotations" / "volumes_first" / "S001_left_p_a.mha"
        assert (tmp_path / "S001_left_p_a.mha").read_bytes() == stored.read_bytes()

    def test_larger_errors_on_the_same_noise_agree_less_with_truth(self, study, tmp_path):
        found = [
            volume_labels.correct_cases(
                study, case_rows(study, 2),
                task=task_into(tmp_path / str(scale), error_scale=scale, prior_folder=None),
            )
            for scale in (0.5, 1.0, 2.0)
        ]  # fmt: skip
        means = [one.scores.dice_corrected.mean() for one in found]
        assert means[0] > means[1] > means[2]
        assert set(found[2].effort.error_scale) == {2.0}
        assert set(found[2].effort.prior) == {"nothing"}

    def test_a_better_prior_costs_less(self, study, tmp_path):
        truths = tmp_path / "truths"
        truths.mkdir()
        home = volume_labels.volumes_dir("smoke")
        for end in ("", ".labels.json"):
            shutil.copy(home / f"S001_left_p_a_truth.mha{end}", truths / f"S001_left_p_a.mha{end}")
        cost = {
            name: volume_labels.correct_cases(
                study, case_rows(study), task=task_into(tmp_path / name, prior_folder=folder)
            ).effort.changed_mm3[0]
            for name, folder in (
                ("truth", truths),
                ("shifted", paths.results_dir("smoke") / "first_masks"),
                ("nothing", None),
            )
        }
        assert cost["truth"] < cost["shifted"] < cost["nothing"]


class TestRefusals:
    @pytest.fixture
    def priors(self, tmp_path):
        """Return a function that writes another prior for the first volume."""

        def write(array, **place):
            volume = images.Volume(array, **{"spacing_zyx_mm": (STEP_MM, SIDE_MM, SIDE_MM)} | place)
            write_mask(
                volume, tmp_path / "S001_left_p_a.mha", scheme="hip", made_by="x",
                origin="simulated",
            )  # fmt: skip
            return task_into(tmp_path / "out", prior_folder=tmp_path)

        return write

    def test_a_missing_prior_names_its_volume(self, study, tmp_path):
        with pytest.raises(parallel.CaseError, match="S001_left_p_a failed.*left_p_a.mha is miss"):
            volume_labels.correct_cases(
                study, case_rows(study), task=task_into(tmp_path, prior_folder=tmp_path / "none")
            )

    @pytest.mark.parametrize(
        ("shape", "place"),
        [
            ((COUNT, SHAPE[1], SHAPE[0]), {"origin_xyz_mm": (1.0, 2.0, 3.0)}),
            ((COUNT, *SHAPE), {"origin_xyz_mm": (1.0, 2.0, 3.5)}),
            ((COUNT, *SHAPE), {"origin_xyz_mm": (1, 2, 3), "spacing_zyx_mm": (1.3, 0.6, 0.7)}),
        ],
    )
    def test_a_prior_that_lies_elsewhere(self, study, priors, shape, place):
        task = priors(np.zeros(shape, np.uint8), **place)
        with pytest.raises(parallel.CaseError, match="mask must lie on its volume's grid"):
            volume_labels.correct_cases(study, case_rows(study), task=task)

    def test_a_number_outside_the_scheme(self, study, priors):
        place = {"origin_xyz_mm": (1.0, 2.0, 3.0)}
        task = priors(np.zeros((COUNT, *SHAPE), np.uint8), **place)
        array = np.full((COUNT, *SHAPE), max(HipLabel) + 1, np.uint8)
        volume = images.Volume(array, (STEP_MM, SIDE_MM, SIDE_MM), **place)
        images.write(volume, task.prior_folder / "S001_left_p_a.mha")
        with pytest.raises(parallel.CaseError, match="not in scheme 'hip'"):
            volume_labels.correct_cases(study, case_rows(study), task=task)

    def test_a_rater_who_left_a_volume_out(self, study, tmp_path):
        stored = paths.results_dir("smoke") / "annotations" / "volumes_refined"
        with pytest.raises(FileNotFoundError, match="S001_left_p_a.mha is missing"):
            volume_label_tables.compare_raters(case_rows(study), stored, tmp_path)

    @pytest.mark.parametrize("stage", [volume_labels_first, volume_labels_refined])
    @pytest.mark.parametrize("what", ["no truth", "no labels"])
    def test_without_truth_or_labels_a_stage_leaves_empty_tables(
        self, study, monkeypatch, tmp_path, stage, what
    ):
        rows = volume_labels.volume_rows(study)
        rows = rows if what == "no truth" else rows.drop(columns="is_labelled_3d")
        fake = SimpleNamespace(
            cohort_of=lambda _: SimpleNamespace(folder=tmp_path), sweep_rows=lambda _, **__: rows
        )
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        monkeypatch.setattr(volume_labels, "motion_data", fake)
        assert list(stage.main(study)) == []
        for name, columns in stage.COLUMNS.items():
            assert list(table(name).columns) == columns
            assert table(name).empty
        assert (paths.results_dir("smoke") / "annotations").is_dir()
