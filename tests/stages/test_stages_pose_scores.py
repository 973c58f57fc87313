"""Anybody's predictions get the rows that the study's own would."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data
from test_stages_motion_data import COUNT, PX, write_cohort

from hipus import config, geometry, paths, rotations
from hipus.motion.poses import mirrored
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.motion.preparation import TURN
from hipus.motion.sweep_rows import MEASURES, SweepKey, sweep_row
from hipus.seeds import generator
from hipus.stages import motion_data, pose_scores
from hipus.stages.motion_measured import (
    Case,
    bright_landmarks,
    pixel_to_centre,
    tusrec_rows,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the smoke profile beside a cohort of its own."""
    folder = make_study_folder(tmp_path_factory.mktemp("pose_scores"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        write_cohort(paths.results_dir("smoke") / "cohort")
        yield config.load("smoke")


@pytest.fixture(scope="module")
def prepared(study):
    """Return the two sweeps of the test-only cohort: a turned right one, and a left one."""
    return motion_data.test_sweeps(study, input_px=PX)


@pytest.fixture(scope="module")
def guesses(prepared):
    """Return poses in each prepared sweep's frame that are off by turns and steps."""
    rng = np.random.default_rng(8)
    off = rotations.from_rotation_vector(np.radians(0.5) * rng.standard_normal((COUNT, 3)))
    moved = 0.3 * rng.standard_normal((COUNT, 3))
    error = geometry.transform(off, moved)
    return [sweep.T_centre_to_world @ error[: len(sweep)] for sweep in prepared]


def told(sweep, T, *, is_flipped=None) -> PosePrediction:
    """Return poses of a prepared sweep as a prediction tells them, not mirrored."""
    is_flipped = sweep.is_flipped if is_flipped is None else is_flipped
    T = mirrored(T) if sweep.is_mirrored else T
    T = T @ TURN if is_flipped != sweep.is_flipped else T
    return PosePrediction(
        sweep.subject_id, sweep.sweep_id, sweep.first_frame, T, is_flipped=is_flipped
    )


@pytest.fixture
def folder(tmp_path, prepared, guesses):
    """Return a folder of predictions."""
    write_predictions(map(told, prepared, guesses), tmp_path / "mine")
    return tmp_path / "mine"


def rows_of(scores, arm) -> pd.DataFrame:
    """Return one arm's rows by sweep and truth."""
    rows = scores.rows[scores.rows.arm == arm]
    return rows.set_index(["subject_id", "sweep_id", "truth"]).sort_index()


class TestCohort:
    def test_rows_are_those_of_the_studys_own_arms(self, study, prepared, guesses, folder):
        found = rows_of(pose_scores.score_cohort(folder, study=study), "mine")
        assert len(found) == 4
        for sweep, T in zip(prepared, guesses, strict=True):
            truths = {
                "vs_tracker": sweep.T_centre_to_world,
                "vs_hip": motion_data.hip_truth(study, sweep),
            }
            for truth, T_true in truths.items():
                key = SweepKey(
                    "mine", sweep.subject_id, sweep.sweep_id, sweep.sweep_type, sweep.side, truth
                )
                expected = sweep_row(T, T_true, key=key)
                row = found.loc[(sweep.subject_id, sweep.sweep_id, truth)]
                np.testing.assert_allclose(
                    [row[name] for name in MEASURES],
                    [expected[name] for name in MEASURES],
                    atol=1e-6,
                )
                assert (row.side, row.sweep_type, row.variant) == (
                    sweep.side, sweep.sweep_type, "protocol",
                )  # fmt: skip

    def test_a_turned_probe_scores_alike_however_it_is_told(
        self, study, prepared, guesses, folder, tmp_path
    ):
        assert [sweep.is_flipped for sweep in prepared] == [False, True]
        other = [
            told(sweep, T, is_flipped=not sweep.is_flipped)
            for sweep, T in zip(prepared, guesses, strict=True)
        ]
        write_predictions(other, tmp_path / "other")
        one, two = (
            pose_scores.score_cohort(source, study=study, arm="a").rows[list(MEASURES)]
            for source in (folder, tmp_path / "other")
        )
        np.testing.assert_allclose(one, two, atol=1e-6)

    def test_the_truth_itself_is_no_error_and_the_identity_stands_beside(
        self, study, prepared, tmp_path
    ):
        own = [told(sweep, sweep.T_centre_to_world) for sweep in prepared]
        write_predictions(own, tmp_path / "true.csv")
        scores = pose_scores.score_cohort(tmp_path / "true.csv", study=study)
        best = rows_of(scores, "true").xs("vs_tracker", level="truth")
        np.testing.assert_allclose(best.final_mm, 0, atol=1e-5)
        still = rows_of(scores, "identity").xs("vs_tracker", level="truth")
        np.testing.assert_allclose(still.final_mm, still.distance_mm)

    def test_predictions_called_identity_are_still_the_predictions(self, study, folder, prepared):
        scores = pose_scores.score_cohort(folder, study=study, arm="identity")
        assert len(scores.rows) == 2 * len(prepared)
        assert (scores.rows.relative_mm < 1).all()

    def test_the_made_tracker_has_no_noise_of_its_own(self, study, folder):
        scores = pose_scores.score_cohort(folder, study=study)
        assert scores.noise_mm == pytest.approx(0, abs=1e-6)
        assert scores.noise_deg == pytest.approx(0, abs=1e-4)

    def test_without_truth_there_is_the_tracker_alone(self, study, folder):
        truth = paths.results_dir("smoke") / "cohort" / "truth"
        hidden = truth.rename(truth.with_name("hidden"))
        try:
            scores = pose_scores.score_cohort(folder, study=study)
        finally:
            hidden.rename(truth)
        assert set(scores.rows.truth) == {"vs_tracker"}
        assert np.isnan(scores.noise_mm)

    def test_tables_have_the_studys_names_and_keys(self, study, folder):
        scores = pose_scores.score_cohort(folder, study=study)
        found = pose_scores.tables_of(scores, seed=3, resamples=20)
        assert set(found) == set(pose_scores.TABLES)
        for name, key in pose_scores.TABLES.items():
            assert not found[name].duplicated(list(key)).any()
        drift = found["motion_arms"].set_index(["arm", "truth", "sweep_type"])
        rows = rows_of(scores, "mine").xs("vs_tracker", level="truth")
        assert drift.loc[("mine", "vs_tracker", "all"), "mean"] == pytest.approx(
            rows.final_mm.mean()
        )
        assert drift.loc[("mine", "vs_tracker", "p_d"), "sweep_count"] == 1


class TestRefusals:
    def test_every_missing_sweep_is_named(self, study, prepared, guesses, tmp_path):
        write_predictions([told(prepared[0], guesses[0])], tmp_path / "mine")
        with pytest.raises(ValueError, match="lacks predictions of 1 of 2 sweeps: S101/right_p_a"):
            pose_scores.score_cohort(tmp_path / "mine", study=study)

    def test_a_prediction_that_stops_early_is_refused(self, study, prepared, guesses, tmp_path):
        own = [told(*pair) for pair in zip(prepared, guesses, strict=True)]
        short = replace(own[1], T_centre_to_first=own[1].T_centre_to_first[:-3])
        write_predictions([own[0], short], tmp_path / "mine")
        with pytest.raises(ValueError, match="S101/right_p_a: frames .* 3 of them are not"):
            pose_scores.score_cohort(tmp_path / "mine", study=study)

    def test_frames_beyond_the_scored_ones_are_left_out(self, prepared, guesses):
        one, T_true = prepared[0], prepared[0].T_centre_to_world
        sweep = pose_scores.ScoredSweep(
            *(one.subject_id, one.sweep_id, one.sweep_type, one.side, "protocol"),
            first_frame=one.first_frame + 2,
            is_turned=False,
            T_true={"vs_tracker": T_true[2:9]},
            prepared=one,
        )
        T = pose_scores.predicted_poses(told(one, guesses[0]), sweep, source="mine")
        expected = geometry.relative(guesses[0][2], guesses[0][2:9])
        np.testing.assert_allclose(geometry.relative(T[0], T), expected, atol=1e-9)

    def test_a_frame_that_was_not_tracked_need_not_be_predicted(self, prepared, guesses):
        one, T_true = prepared[0], prepared[0].T_centre_to_world.copy()
        T_true[4] = np.nan
        guess = guesses[0].copy()
        guess[4:6] = np.nan
        known = (one.subject_id, one.sweep_id, one.sweep_type, one.side, "protocol")
        sweep = pose_scores.ScoredSweep(*known, one.first_frame, False, {"vs_tracker": T_true}, one)
        with pytest.raises(ValueError, match=f"1 of them are .* frame {one.first_frame + 5}$"):
            pose_scores.predicted_poses(told(one, guess), sweep, source="mine")

    def test_an_unknown_cohort_is_refused(self, study, folder):
        with pytest.raises(ValueError, match="no sweep of split 'test', cohort 'nobody'"):
            pose_scores.score_cohort(folder, study=study, cohort="nobody")

    def test_a_missing_cohort_names_its_stage(self, study, folder):
        with pytest.raises(FileNotFoundError, match="run `dvc repro cohort@small`"):
            pose_scores.score_cohort(folder, study=config.load("small"))


class TestChallengeScores:
    def test_they_are_those_of_the_study_for_a_turned_sweep_too(
        self, study, folder, prepared, guesses
    ):
        found = pose_scores.score_cohort(folder, study=study, arm="mine").tusrec
        mine = found[found["arm"] == "mine"].set_index("sweep_id")
        for sweep, T in zip(prepared, guesses, strict=True):
            rng = generator(
                study.common.seed, "motion", "landmarks", sweep.subject_id, sweep.sweep_id
            )
            case = Case(
                sweep.subject_id, sweep.sweep_id, sweep.sweep_type, sweep.side, "",
                {"vs_tracker": sweep.T_centre_to_world}, {"mine": T},
                sweep.frames.shape[1:], pixel_to_centre(sweep), bright_landmarks(sweep, rng),
            )  # fmt: skip
            (expected,) = tusrec_rows(case)
            for name in ("gpe_mm", "gle_mm", "lpe_mm", "lle_mm", "final"):
                assert mine.loc[sweep.sweep_id, name] == pytest.approx(expected[name], rel=1e-6)

    def test_a_probe_that_stands_still_scores_nothing(self, study, folder):
        found = pose_scores.score_cohort(folder, study=study).tusrec
        still = found[found["arm"] == pose_scores.IDENTITY]
        assert len(still) == 2
        assert still["final"].to_numpy() == pytest.approx([0, 0], abs=1e-12)
