"""Stage `pose_refinement` on a tiny cohort: right, long and turned predictions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from study_folders import TINY_COHORT, make_study_folder, without_real_data

from hipus import config, geometry, parallel, paths, tables
from hipus.motion import poses
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.stages import cohort, motion_data, pose_refinement
from hipus.stages.pose_refinement_tables import COLUMNS, COURSE_COLUMNS, metrics, summarise

FIRST, FRAMES = 4, 40
LONGER = 1.25
ITERATIONS = (12, 6)
#: Seen from a turned probe, x and z point the other way.
TURN = np.diag([-1.0, 1.0, -1.0, 1.0])


def tiny_study() -> SimpleNamespace:
    """Return the smoke profile with one infant to train on and one to test on."""
    smoke = config.load("smoke")
    sizes = TINY_COHORT | {"graf_subjects": 0, "test_subjects": 1}
    lists = {name: tuple(value) for name, value in sizes.items() if isinstance(value, list)}
    return SimpleNamespace(
        profile="smoke",
        common=smoke.common,
        cohort=replace(smoke.cohort, **sizes | lists),
        pose_refinement=SimpleNamespace(
            arms=("long", "turned"), hips=1, resamples=20,
            coarse_iterations=ITERATIONS[0], fine_iterations=ITERATIONS[1],
        ),
    )  # fmt: skip


def longer(T: np.ndarray) -> np.ndarray:
    """Return poses whose elevational steps are too long; untracked frames stand still."""
    steps = poses.steps(T)
    steps[np.isnan(steps).any(axis=(1, 2))] = np.eye(4)
    steps[:, 2, 3] *= LONGER
    return poses.chain(steps)


def predict(study) -> None:
    """Write both arms' predictions of all test sweeps."""
    opened = motion_data.cohort_of(study)
    written = {arm: [] for arm in study.pose_refinement.arms}
    for row in motion_data.sweep_rows(study, split="test", cohort="test").itertuples():
        T = poses.centre_poses(opened.sweep(row.subject_id, row.sweep_id))[FIRST : FIRST + FRAMES]
        key = (row.subject_id, row.sweep_id, FIRST)
        written["long"].append(PosePrediction(*key, longer(T)))
        turned = longer(geometry.compose(T, TURN))
        written["turned"].append(PosePrediction(*key, turned, is_flipped=True))
    for arm, predictions in written.items():
        write_predictions(predictions, pose_refinement.predictions_dir("smoke", arm))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Simulate a tiny cohort, predict it, and run the stage."""
    folder = make_study_folder(tmp_path_factory.mktemp("refinement"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        study = tiny_study()
        cohort.main(study)
        predict(study)
        inputs = pose_refinement.main(study)
        assert len(inputs) == 2 * 2
        yield study


def read(name: str, arm: str) -> pd.DataFrame:
    """Return an arm's rows of a table of the stage."""
    rows = tables.read(paths.table_file("smoke", name))
    return rows[rows.arm == arm].reset_index(drop=True)


class TestStage:
    def test_each_sweep_has_a_row_for_each_truth(self, study):
        rows = read("pose_refinement", "long")
        assert list(rows.columns) == COLUMNS
        assert sorted(zip(rows.truth, rows.sweep_type, strict=True)) == [
            ("vs_hip", "p_a"), ("vs_hip", "p_d"), ("vs_tracker", "p_a"), ("vs_tracker", "p_d"),
        ]  # fmt: skip
        assert (rows.frame_count == FRAMES).all()

    def test_what_is_known_before_is_measured_before(self, study):
        rows = read("pose_refinement", "long")
        tracked = rows[rows.truth == "vs_tracker"]
        assert tracked.true_factor.to_numpy() == pytest.approx(1 / LONGER, abs=0.06)
        assert (tracked.elevational_bias_mm_before > 0.03).all()
        assert (tracked.final_mm_before > 2).all()

    def test_refinement_moves_the_steps_towards_the_truth_in_the_mean(self, study):
        rows = read("pose_refinement", "long")
        tracked = rows[rows.truth == "vs_tracker"]
        error = np.abs(np.log(tracked.factor / tracked.true_factor)).mean()
        assert error < np.abs(np.log(tracked.true_factor)).mean()
        assert tracked.final_mm_after.mean() < tracked.final_mm_before.mean()

    def test_the_course_has_every_iteration(self, study):
        course = read("pose_refinement_course", "long")
        assert list(course.columns) == COURSE_COLUMNS
        assert course.level.tolist() == [0] * ITERATIONS[0] + [1] * ITERATIONS[1]
        assert course.agreement.between(-1, 1).all()
        hip = read("pose_refinement", "long")
        last = hip[(hip.truth == "vs_hip") & (hip.sweep_type == "p_a")].iloc[0]
        wanted = 100 * (last.factor / last.true_factor - 1)
        # Steps have their own weights along a sweep that tilts: the two ways to the mean differ.
        assert course.p_a_error_percent.iloc[-1] == pytest.approx(wanted, abs=1.0)

    def test_a_turned_prediction_is_compared_with_turned_poses(self, study):
        turned = read("pose_refinement", "turned").set_index(["truth", "sweep_type"])
        plain = read("pose_refinement", "long").set_index(["truth", "sweep_type"])
        np.testing.assert_allclose(turned.final_mm_before, plain.final_mm_before, rtol=1e-3)

    def test_metrics_and_summary_are_written(self, study):
        found = tables.read_metrics(paths.metrics_file("smoke", pose_refinement.STAGE))
        assert found["long_vs_hip_final_after_mm"] < found["long_vs_hip_final_before_mm"]
        summary = read("pose_refinement_summary", "long")
        assert sorted(set(summary.sweep_type)) == ["all", "p_a", "p_d"]

    def test_a_sweep_that_was_not_predicted_is_an_error(self, study):
        hip = next(pose_refinement.crossing_hips(study, "long"))
        folder = pose_refinement.predictions_dir("smoke", "partial")
        write_predictions(hip.predictions[:1], folder)
        with pytest.raises(ValueError, match="lacks predictions of 1 of 2 sweeps"):
            next(pose_refinement.crossing_hips(study, "partial"))

    def test_a_cohort_without_crossing_sweeps_is_refused(self, study, monkeypatch):
        rows = motion_data.sweep_rows(study, split="test", cohort="test")
        only = rows[rows.sweep_type == "p_a"]
        monkeypatch.setattr(motion_data, "sweep_rows", lambda *_, **__: only)
        with pytest.raises(ValueError, match="no test hip has both"):
            next(pose_refinement.crossing_hips(study, "long"))


class TestSummary:
    def rows(self) -> pd.DataFrame:
        """Return two subjects' sweeps that lose 1 and 3 mm of drift."""
        rows = pd.DataFrame(
            {
                "subject_id": ["S101", "S101", "S102", "S102"],
                "sweep_type": ["p_a", "p_d"] * 2,
                "final_mm_before": [4.0, 8.0, 5.0, 9.0],
                "final_mm_after": [3.0, 5.0, 4.0, 6.0],
            }
        )
        return rows.assign(arm="x", truth="vs_hip")

    def test_means_and_differences_are_those_worked_by_hand(self):
        found = summarise(self.rows(), seed=1, resamples=50).set_index("sweep_type")
        assert found.final_mm_before["all"] == 6.5
        assert found.final_mm_after["p_a"] == 3.5
        assert found.difference_mm.to_dict() == {"all": -2.0, "p_a": -1.0, "p_d": -3.0}
        assert found.difference_low_mm["p_d"] == found.difference_high_mm["p_d"] == -3.0
        assert found.subject_count["all"] == 2
        assert found.sweep_count["all"] == 4

    def test_metrics_name_arm_truth_and_unit(self):
        found = metrics(summarise(self.rows(), seed=1, resamples=50))
        assert found == {"x_vs_hip_final_before_mm": 6.5, "x_vs_hip_final_after_mm": 4.5}
