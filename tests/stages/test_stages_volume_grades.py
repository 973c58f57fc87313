"""Stage `volume_grades` on a made cohort: who is graded, by which poses, and what is told."""

from dataclasses import replace
from types import SimpleNamespace

import made_graded_cohort as made
import numpy as np
import pandas as pd
import pytest
from made_straight_motion import straight
from study_folders import CHECKOUT, without_real_data

from hipus import images, parallel, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask, write_mask
from hipus.metrics import dice_per_label
from hipus.motion.preparation import thumbnails
from hipus.segmentation import planned_network, plans
from hipus.segmentation.grading import FAILURES, GRADES, grade, rules_from_table
from hipus.segmentation.model_files import SegmentationModel
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sliding_windows import Windows
from hipus.segmentation.structure_shape import STRUCTURES, measure_structures
from hipus.segmentation.sweep_volumes import make_sweep_volume, open_study_sweep
from hipus.stages import (
    grade_rules,
    graded_cases,
    graded_volumes,
    mask_volumes,
    model_masks,
    motion_data,
    untracked_poses,
    volume_grades,
)

STEP_MM = 1.3


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Write a cohort with everything before the stage, run the stage; return study and inputs."""
    folder = tmp_path_factory.mktemp("volume_grades")
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        (folder / "data").symlink_to(CHECKOUT / "data", target_is_directory=True)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(untracked_poses, "_model", lambda *_: straight(folder, step_mm=STEP_MM))
        study = made.write_graded_cohort(patch)
        yield SimpleNamespace(study=study, inputs=list(volume_grades.main(study)))


def table(name: str) -> pd.DataFrame:
    """Return a table that the stage wrote."""
    path = paths.table_file("smoke", name)
    found = tables.read(path, dtype=dict.fromkeys(SWEEP_KEY, str))
    text = ["broken_rules", "failures", "failures_of_truth", "grade_of_truth"]
    return found.fillna({name: "" for name in text if name in found})


@pytest.fixture(scope="module")
def grades(run) -> pd.DataFrame:
    """Return the stage's table by subject, sweep and poses."""
    return table("volume_grades").set_index([*SWEEP_KEY, "poses"]).sort_index()


@pytest.fixture(scope="module")
def rules(run) -> dict:
    """Return the rules of each sweep type, as they were written."""
    kinds = table("grading_rules").groupby("sweep_type")
    return {kind: rules_from_table(part) for kind, part in kinds}


def case_of(run, **wanted) -> graded_cases.Case:
    """Return the first case with these values."""
    cases = graded_cases.cases_of(run.study)
    return next(
        one for one in cases if all(getattr(one, name) == value for name, value in wanted.items())
    )


class TestWhoIsGraded:
    def test_every_usable_sweep_but_those_that_were_learned_from(self, grades):
        counts = grades.groupby(["group", "poses"]).size().to_dict()
        assert counts == {
            ("labelled_test", "tracked"): 4,
            ("test_only", "tracked"): 4,
            ("test_only", "predicted"): 4,
            ("remaining", "tracked"): 8,
            ("dysplastic", "tracked"): 4,
            ("provoked", "tracked"): 4,
            ("second_centre", "predicted"): 4,
        }
        assert not {"S001", "S002", "S046"} & set(grades.index.get_level_values(0))
        assert grades.loc[made.UNTRACKED].centre.unique().tolist() == [2]

    def test_fewer_sweeps_are_spread_over_subjects_and_are_among_the_more(self, run):
        rows = graded_cases.further_rows(run.study)
        taken = [
            graded_cases.spread(rows, count, rng=np.random.default_rng(3)) for count in (4, 7, 99)
        ]
        assert sorted(taken[0].subject_id) == ["S201", "S202", "S401", "S601"]
        assert taken[1].subject_id.value_counts().max() == 2
        assert set(taken[0].index) < set(taken[1].index) < set(taken[2].index)
        pd.testing.assert_frame_equal(taken[2], rows)

    def test_the_limit_touches_further_tracked_sweeps_alone(self, run):
        few = SimpleNamespace(**vars(run.study) | vars(made.graded_study(sweeps=2)))
        cases = graded_cases.cases_of(few)
        assert len(cases) == 4 + 4 + 4 + 4 + 2
        further = [one.subject_id for one in cases if one.subject_id in {"S201", "S401", "S601"}]
        assert len(further) <= 2

    def test_a_limit_of_nothing_is_refused(self, run):
        with pytest.raises(ValueError, match="count must be >= 1, got 0"):
            graded_cases.spread(graded_cases.further_rows(run.study), 0, rng=None)

    def test_a_missing_prediction_is_an_error(self, run):
        study = SimpleNamespace(**vars(run.study))
        study.motion_volumes = SimpleNamespace(arms=("constant_imu_2",))
        with pytest.raises(FileNotFoundError, match="constant_imu_2 is missing"):
            graded_cases.cases_of(study)

    def test_the_inputs_are_files_that_are_there(self, run):
        names = {path.name for path in run.inputs}
        assert {"subjects.csv", "sweeps.csv", "model.json", "S101_left_p_a.npz"} <= names
        assert "left_p_a.igs.mha" in names
        assert all(path.is_file() for path in run.inputs)


class TestGrades:
    @pytest.mark.parametrize("sweep_id", ["left_p_a", "right_p_d"])
    def test_stored_masks_are_graded_as_they_lie(self, grades, rules, sweep_id):
        folder = paths.results_dir("smoke")
        stem = f"S049_{sweep_id}"
        mask = read_mask(folder / "model_masks" / "3.2" / f"{stem}.mha")
        truth = read_mask(folder / "sweep_volumes" / f"{stem}_truth.mha").array
        found = grade(measure_structures(mask.array, mask.spacing_zyx_mm), rules[sweep_id[-3:]])
        row = grades.loc["S049", sweep_id, "tracked"]
        assert row.grade == found.name
        broken = {item.rule.name for item in found.broken}
        assert set(filter(None, row.broken_rules.split(";"))) == broken
        expected = dice_per_label(mask.array, truth, STRUCTURES)
        assert row[graded_volumes.DICE].tolist() == pytest.approx(expected.tolist(), abs=1e-8)
        assert row.dice_mean == pytest.approx(expected.mean())

    def test_true_predicted_poses_change_nothing(self, grades):
        rows = grades[["grade", "grade_of_truth", "broken_rules"]]
        for sweep_id in ("left_p_a", "left_p_d", "right_p_a"):
            pair = rows.loc["S101", sweep_id]
            assert pair.loc["predicted"].tolist() == pair.loc["tracked"].tolist()
            dice = grades.loc["S101", sweep_id].dice_mean
            assert dice["predicted"] == pytest.approx(dice["tracked"], abs=0.02)

    def test_a_path_predicted_too_short_flattens_the_hip_and_keeps_the_dice(self, grades):
        """Truth is put into the same flattened volume: the grade sees what Dice cannot."""
        tracked, predicted = (grades.loc[(*made.SHORT, name)] for name in ("tracked", "predicted"))
        assert predicted.dice_mean > tracked.dice_mean - 0.1
        assert tracked.grade_of_truth == "good"
        assert predicted.grade_of_truth == "insufficient"
        assert "deformed_head" in predicted.failures_of_truth
        assert "femoral_head_length" in predicted.broken_rules

    def test_broken_rules_are_told_one_by_one_with_their_values(self, grades, rules):
        rows = table("volume_broken_rules")
        counts = grades.broken_rules.map(lambda cell: len(cell.split(";")) if cell else 0)
        assert len(rows) == counts.sum()
        worse = np.where(rows.bound == "at_most", rows.value > rows.limit, rows.value < rows.limit)
        assert worse.all()
        assert set(rows.failure) <= set(FAILURES)

    def test_a_sweep_type_without_training_truth_is_refused(self, run, rules):
        case = case_of(run, subject_id="S201", sweep_type="p_d")
        known = {"p_a": rules["p_a"]}
        with pytest.raises(
            ValueError, match="S201/left_p_d .*no training truth of sweep type 'p_d'"
        ):
            graded_volumes.grade_case(case, study=run.study, cohort=None, rules=known)

    def test_a_mask_that_lies_elsewhere_is_refused(self, run, rules, monkeypatch, tmp_path):
        case = case_of(run, is_stored=True)
        grey = mask_volumes.read_grey(run.study, case)
        moved = images.Volume(np.zeros_like(grey.array), grey.spacing_zyx_mm, (9.0, 9.0, 9.0))
        (tmp_path / "3.2").mkdir()
        path = mask_volumes.mask_file(tmp_path / "3.2", case)
        write_mask(moved, path, scheme="hip", made_by="x", origin="simulated")
        monkeypatch.setattr(model_masks, "masks_dir", lambda _: tmp_path)
        with pytest.raises(ValueError, match="mask must lie on its reference's grid"):
            graded_volumes.grade_case(case, study=run.study, cohort=None, rules=rules)


class TestNetwork:
    def test_a_tiny_network_labels_what_the_stage_makes(self, run, rules, monkeypatch):
        numbers = plans.ModelNumbers(
            patch_size=(16, 16, 16), batch_size=2, features_per_stage=(2, 3, 4), epochs=1,
            iterations_per_epoch=1, validation_iterations=1, optimiser="adamw",
            learning_rate=0.01, weight_decay=0.0, momentum=0.9, mirror_axes=(), rotation_deg=0.0,
        )  # fmt: skip
        spacing = (made.SPACING_MM,) * 3
        plan = plans.study_plans("3.2", numbers, spacing_mm=spacing, median_shape=(14, 22, 28))
        network = planned_network.build_network(plan, class_count=5).eval()
        labels = {label.name.lower(): int(label) for label in STRUCTURES}
        model = SegmentationModel("3.2", network, plan, labels, {})
        segmenter = Segmenter(model, Windows((16, 16, 16), 0.5, ()))
        monkeypatch.setattr(mask_volumes, "segmenter", lambda *_: segmenter)
        case, cohort = case_of(run, subject_id="S401"), motion_data.cohort_of(run.study)
        found = graded_volumes.grade_case(case, study=run.study, cohort=cohort, rules=rules)
        volume = make_sweep_volume(open_study_sweep(cohort, case), spacing_mm=made.SPACING_MM)
        grey = np.rint(volume.grey).astype(np.uint8)
        expected = segmenter.segment_volume(grey, spacing_zyx_mm=spacing)
        dice = dice_per_label(expected, volume.labels["truth"], STRUCTURES)
        np.testing.assert_allclose([found.row[name] for name in graded_volumes.DICE], dice)
        shapes = measure_structures(expected, spacing)
        assert found.row["grade"] == grade(shapes, rules[case.sweep_type]).name


class TestUntracked:
    def test_poses_come_from_the_model_and_say_that_no_sensor_helped(self, grades):
        rows = grades.loc[made.UNTRACKED]
        assert set(rows.pose_arm) == {"constant"}
        assert rows.dice_mean.notna().all()

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_a_probe_taken_for_turned_is_turned_back(self, run, monkeypatch, tmp_path, side):
        cohort = motion_data.cohort_of(run.study)
        row = SimpleNamespace(
            subject_id=made.UNTRACKED, sweep_id=f"{side}_p_a", side=side, sweep_type="p_a"
        )
        frames = cohort.sweep(row.subject_id, row.sweep_id).frames[:]
        likely = thumbnails(frames, 24).astype(np.float32).mean(axis=0) / 255
        predicted = {}
        for name, picture in (("held", likely), ("turned", np.fliplr(likely).copy())):
            model = replace(
                straight(tmp_path, step_mm=STEP_MM), reference_pictures={"p_a": picture}
            )
            monkeypatch.setattr(untracked_poses, "_model", lambda *_, model=model: model)
            predicted[name] = untracked_poses.predict_poses(
                cohort, row, profile="smoke", arm="constant_imu"
            )
        held, turned = (predicted[name].prediction for name in ("held", "turned"))
        assert (held.is_flipped, turned.is_flipped) == (False, True)
        sign = -1 if side == "left" else 1
        for one in (held, turned):  # seen in their own pictures, both go the way of that side
            places = one.T_centre_to_first[:, 2, 3]
            assert np.allclose(np.diff(places), sign * STEP_MM)


class TestRules:
    def test_limits_come_from_training_subjects_by_sweep_type(self, run, rules):
        truth = grade_rules.training_truth(run.study)
        assert {one.subject_id for one in truth} == {"S001", "S002"}
        assert {kind: one.volume_count for kind, one in rules.items()} == {"p_a": 4, "p_d": 3}
        for kind, made_of in grade_rules.rules_by_type(truth).items():
            limits = {rule.name: rule.limit for rule in made_of.rules}
            assert {rule.name: rule.limit for rule in rules[kind].rules} == pytest.approx(limits)

    def test_a_subject_is_checked_by_the_rules_of_the_others(self, run):
        truth = grade_rules.training_truth(run.study)
        found = table("grading_check").set_index(SWEEP_KEY)
        assert len(found) == len(truth) == 7
        for own in truth:
            others = [
                one.shapes
                for one in truth
                if one.subject_id != own.subject_id and one.sweep_type == own.sweep_type
            ]
            expected = grade(own.shapes, grade_rules.rules_from_truth(others))
            assert found.loc[(own.subject_id, own.sweep_id)].grade == expected.name

    def test_one_subject_alone_cannot_be_checked(self, run):
        truth = [one for one in grade_rules.training_truth(run.study) if one.subject_id == "S001"]
        found = grade_rules.check_table(truth)
        assert found.empty
        assert list(found) == grade_rules.CHECK_COLUMNS


class TestSkip:
    @pytest.mark.parametrize("what", ["no truth", "no model"])
    def test_a_stage_without_truth_or_model_leaves_empty_tables(
        self, run, monkeypatch, tmp_path, what
    ):
        if what == "no truth":
            monkeypatch.setattr(grade_rules, "training_truth", lambda _: [])
        else:
            monkeypatch.setattr(mask_volumes, "is_trained", lambda *_: False)
            monkeypatch.setattr(grade_rules, "training_truth", lambda _: ["some"])
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert list(volume_grades.main(run.study)) == []
        for name, columns in volume_grades.COLUMNS.items():
            assert list(table(name)) == columns
            assert table(name).empty
        assert tables.read_metrics(paths.metrics_file("smoke", "volume_grades")) == {}
        with np.load(paths.figure_input_file("smoke", "volume_grades")) as stored:
            assert stored.files == []

    def test_without_labels_in_3d_there_is_no_truth_to_learn_rules_from(self, run, monkeypatch):
        rows = mask_volumes.volume_cases(run.study).drop(columns="is_labelled_3d")
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda _: rows)
        assert grade_rules.training_truth(run.study) == []


class TestWhatIsTold:
    def test_tables_have_their_columns_and_keys(self, run):
        for name, columns in volume_grades.COLUMNS.items():
            assert list(table(name)) == columns, name
            assert len(table(name)), name

    def test_metrics_repeat_the_tables(self, grades):
        found = tables.read_metrics(paths.metrics_file("smoke", "volume_grades"))
        assert found["volume_count"] == len(grades) == 32
        second = grades[grades.group == "second_centre"]
        assert found["second_centre_predicted_dice_mean"] == pytest.approx(second.dice_mean.mean())
        shares = [found[f"remaining_tracked_{name}_share"] for name in GRADES]
        assert sum(shares) == pytest.approx(1)
        drop = table("volume_drop").set_index(["comparison", "quantity"]).difference
        key = ("second centre, both predicted", "dice_mean")
        assert found["second_centre_both_predicted_dice_difference"] == pytest.approx(drop[key])

    def test_turns_are_compared_with_the_truth(self, run, grades):
        assert (grades.is_wrongly_turned == 0).all()
        row = dict(grades.reset_index().iloc[0]) | {"is_flipped": 1.0}
        wrong = SimpleNamespace(row=row, broken=[])
        told, _ = volume_grades.make_tables(run.study, [wrong])["volume_grades"]
        assert told.is_wrongly_turned.tolist() == [1]

    def test_the_figure_input_shows_a_volume_of_each_grade_there_is(self, run, grades):
        path = paths.figure_input_file("smoke", "volume_grades")
        assert path.stat().st_size < 300_000
        with np.load(path) as stored:
            shown = {name: stored[name] for name in stored.files}
        for name in set(grades.grade):
            labels = shown[f"{name}_lateral_axial_labels"]
            assert labels.shape == shown[f"{name}_lateral_axial_grey"].shape
            assert str(shown[f"{name}_name"]).endswith(" poses")
            assert shown[f"{name}_lateral_axial_spacing_mm"] == pytest.approx([1.2, 1.2])
            assert (labels == 2).any()
