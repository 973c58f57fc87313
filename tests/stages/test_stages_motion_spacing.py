"""Sweeps simulated again, faster: the same sweeps, with more frames; and drift over spacing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_folders import TINY_COHORT, make_study_folder, without_real_data

from hipus import config, geometry, paths, tables
from hipus.motion.poses import steps
from hipus.phantom.cohort.examination import draw_examination, draw_subject_hip, record
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.stages import motion_data, motion_spacing
from hipus.stages import motion_spacing_sweeps as sweeps
from hipus.stages.motion_spacing_sweeps import FINER, STRIDES, SpacingCase

PX = 24
SIZES = {"graf_subjects": 0, "study_train": 2, "test_subjects": 1}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the smoke profile in a folder of its own, with tiny pictures."""
    folder = make_study_folder(tmp_path_factory.mktemp("motion_spacing"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        smoke = config.load("smoke")
        lists = {name: tuple(v) for name, v in TINY_COHORT.items() if isinstance(v, list)}
        cohort = replace(smoke.cohort, **TINY_COHORT | lists | SIZES)
        sizes = replace(smoke.motion_spacing, input_px=PX)
        yield replace(smoke, cohort=cohort, motion_spacing=sizes)


@pytest.fixture(scope="module")
def plan(study):
    """Return the plan of two training infants and one that is only tested on."""
    return plan_cohort(CohortSettings.from_config(study.cohort), study.common.seed)


def rows_of(plan, split: str) -> pd.DataFrame:
    """Return the sweeps of a split."""
    return plan.sweeps.merge(plan.subjects[["subject_id", "split"]]).query("split == @split")


@pytest.fixture(scope="module")
def training(plan):
    return sweeps.chosen_cases(plan, rows_of(plan, "train"), subjects=2, input_px=PX)


@pytest.fixture(scope="module")
def folder(training, tmp_path_factory):
    """Return a folder with the training sweeps at four times the frame rate."""
    home = tmp_path_factory.mktemp("finer") / motion_spacing.STAGE
    for case in training:
        sweeps.make_finer(case, folder=home)
    return home


class TestChoice:
    def test_one_p_a_and_one_p_d_of_each_subject_sides_in_turn(self, training):
        assert [str(case) for case in training] == [
            "S001/left_p_a",
            "S001/left_p_d",
            "S002/right_p_a",
            "S002/right_p_d",
        ]

    def test_only_sweeps_among_the_rows_are_taken(self, plan):
        rows = rows_of(plan, "train").query("sweep_type == 'p_d'")
        found = sweeps.chosen_cases(plan, rows, subjects=2, input_px=PX)
        assert [str(case) for case in found] == ["S001/left_p_d", "S002/right_p_d"]

    def test_fewer_subjects_are_spread_over_all(self, plan):
        rows = plan.sweeps
        found = sweeps.chosen_cases(plan, rows, subjects=2, input_px=PX)
        assert {case.plan.subject_id for case in found} == {"S001", "S101"}

    def test_a_sweep_to_be_predicted_has_the_picture_of_its_type(self, plan):
        pictures = {"p_a": np.zeros((PX, PX)), "p_d": np.ones((PX, PX))}
        found = sweeps.chosen_cases(plan, plan.sweeps, subjects=1, input_px=PX, pictures=pictures)
        assert [case.reference_picture.mean() for case in found] == [0, 1]


class TestFinerSweep:
    def test_it_is_the_same_sweep_at_more_instants(self, plan):
        subject = plan.subject("S002")
        (row,) = (one for one in subject.sweeps if one["sweep_id"] == "right_p_d")
        fine, sweep = sweeps.simulate_finer(subject, row)
        exam = draw_examination(subject, row["session_id"], row["operator_id"])
        depth_mm = draw_subject_hip(subject, "right").hip.shape.skin_height + sweeps.GEL_MM
        usual = record(subject, row, session=exam.session, head_depth_mm=depth_mm)
        assert len(fine) == pytest.approx(FINER * len(usual), abs=FINER)
        assert len(sweep) == len(fine)
        inside = (usual.time_s > fine.time_s[0]) & (usual.time_s < fine.time_s[-1])
        for axis in range(3):
            read = np.interp(usual.time_s, fine.time_s, fine.T_image_to_hip[:, axis, 3])
            away = np.abs(read - usual.T_image_to_hip[:, axis, 3])[inside]
            assert away.max() < 0.05  # mm; steps of the usual one are about 1 mm
        np.testing.assert_array_equal(fine.imu.time_s, usual.imu.time_s)

    def test_every_spacing_covers_the_same_stretch(self, training, folder):
        for case in training:
            found = {
                stride: sweeps.judged_cases([case], folder, stride=stride)[0] for stride in STRIDES
            }
            count = len(found[4].sweep)
            assert [len(found[stride].sweep) for stride in (2, 1)] == [
                2 * count - 1,
                4 * count - 3,
            ]
            for stride in (2, 1):
                for truth in ("vs_tracker", "vs_hip"):
                    np.testing.assert_array_equal(
                        found[stride].truths[truth][:: 4 // stride], found[4].truths[truth]
                    )

    def test_truth_and_tracker_agree_but_for_the_tracker_s_errors(self, training, folder):
        for judged in sweeps.judged_cases(training, folder, stride=4):
            tracked, true = (judged.truths[name] for name in ("vs_tracker", "vs_hip"))
            known = np.isfinite(tracked[:, 0, 0])
            assert known.sum() > 20
            tracked, true = steps(tracked[known]), steps(true[known])
            away = np.linalg.norm(tracked[:, :3, 3] - true[:, :3, 3], axis=1)
            assert np.median(away) < 0.5
            assert np.median(true[:, 2, 3]) > 0.3  # mirrored: every sweep travels along +z

    def test_the_sensor_turns_as_the_pictures_do(self, training, folder):
        (judged,) = sweeps.judged_cases(training[:1], folder, stride=2)
        true = steps(judged.truths["vs_hip"])[:, :3, :3]
        away = geometry.geodesic_angle_deg(judged.sweep.imu_rotations, true)
        still = geometry.geodesic_angle_deg(np.eye(3), true)
        assert np.nanmedian(away) < 0.4 * np.median(still)

    def test_what_was_made_is_not_made_again(self, training, folder, monkeypatch):
        monkeypatch.setattr(sweeps, "simulate_finer", None)
        sweeps.make_finer(training[0], folder=folder)

    def test_another_size_or_reference_is_another_file(self, training, tmp_path):
        case = training[0]
        others = [
            replace(case, input_px=PX + 1),
            replace(case, reference_picture=np.zeros((PX, PX))),
            SpacingCase(case.plan, {**case.sweep, "infant_motion": 2.0}, PX),
        ]
        names = {one.files(tmp_path)[0] for one in (case, *others)}
        assert len(names) == 4


class TestStage:
    @pytest.fixture
    def prepared(self, study, plan, training, folder, monkeypatch):
        """Return the study beside sweeps that are made already."""
        rows = {"train": rows_of(plan, "train"), "test": rows_of(plan, "test")}
        monkeypatch.setattr(
            motion_data, "sweep_rows", lambda study, split, cohort=None: rows[split]
        )
        known = [one.sweep for one in sweeps.judged_cases(training, folder, stride=FINER)]
        monkeypatch.setattr(motion_data, "training_sweeps", lambda study, input_px: known)
        monkeypatch.setattr(paths, "work_dir", lambda profile: folder.parent)
        return study

    def test_gives_every_arm_at_every_spacing(self, prepared, training, folder, monkeypatch):
        monkeypatch.setattr(motion_spacing, "check_frozen", lambda expected: None)
        monkeypatch.setattr(
            motion_spacing, "map_cases", lambda make, cases, **_: [*map(make, cases)]
        )
        assert motion_spacing.main(prepared) == []
        table = tables.read(paths.table_file("smoke", "motion_spacing"))
        assert list(table.columns) == motion_spacing.COLUMNS
        assert sorted(table["frame_spacing"].unique()) == [0.25, 0.5, 1.0]
        assert set(table["sweep_type"]) == {"all", "p_a", "p_d"}
        assert set(table["arm"]) == {
            "identity",
            "constant step",
            "constant step by type",
            "IMU rotation + constant path by type",
            "IMU rotation + speckle decorrelation",
            "IMU rotation + correlation regression",
        }  # two training subjects are too few for the sweep's context
        assert len(table) == 6 * 3 * 3 * 2
        still = table.query("arm == 'identity' and truth == 'vs_hip' and sweep_type == 'all'")
        assert still["mean"].max() - still["mean"].min() < 1e-6  # the way does not depend on it
        assert set(table["training_sweep_count"]) == {4}

    def test_a_hospital_s_sweeps_cannot_be_recorded_again(self, study, caplog):
        folder = replace(study.cohort, source="folder", path="elsewhere")
        assert motion_spacing.main(replace(study, cohort=folder)) == []
        table = tables.read(paths.table_file("smoke", "motion_spacing"))
        assert (list(table.columns), len(table)) == (motion_spacing.COLUMNS, 0)
        assert "motion_spacing SKIPPED" in caplog.text


def test_the_mean_of_each_group_is_that_of_its_sweeps(study):
    rows = pd.DataFrame(
        [
            {"arm": "x", "sweep_type": kind, "truth": "vs_hip", "frame_spacing": 0.5,
             "subject_id": subject, "final_mm": final_mm}
            for subject, kind, final_mm in (("A", "p_a", 1), ("A", "p_d", 3), ("B", "p_a", 8))
        ]
    )  # fmt: skip
    table = motion_spacing.summary(study, rows).set_index("sweep_type")
    assert dict(table["mean"]) == {"all": 4, "p_a": 4.5, "p_d": 3}
    assert dict(table["sweep_count"]) == {"all": 3, "p_a": 2, "p_d": 1}
    assert table.loc["all", "subject_count"] == 2
    assert table.loc["p_a", ["low", "high"]].to_list() == [1, 8]
    assert np.isnan(table.loc["p_d", "low"])  # one subject says nothing of the others
