"""`hipus evaluate poses`: a cohort's predictions, and one sweep's."""

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
from made_trajectories import CALIBRATION, FRAME_COUNT, HEIGHT, WIDTH, tusrec_case
from study_folders import make_study_folder, without_real_data
from test_stages_motion_data import write_cohort

from hipus import config, geometry, paths
from hipus.formats import metafile, tusrec
from hipus.motion.poses import centre_poses, mirrored
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.stages import motion_data
from hipus.sweep import Sweep

#: Errors of the closed-form case by the challenge's own code, prediction and identity.
EXPECTED = {
    "gpe_mm": 0.4806901011229196,
    "gle_mm": 0.4998677977041923,
    "lpe_mm": 0.18339470556756657,
    "lle_mm": 0.20950901563850854,
    "identity_gpe_mm": 26.349135927867927,
    "identity_lle_mm": 2.717024304289545,
    "normalised_final": 0.9551402407589328,
    "normalised_global": 0.982369467073455,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the smoke profile beside a cohort of its own."""
    folder = make_study_folder(tmp_path_factory.mktemp("evaluate"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        write_cohort(paths.results_dir("smoke") / "cohort")
        yield config.load("smoke")


@pytest.fixture
def predictions(study, tmp_path):
    """Return predictions of the test-only cohort that are 1 mm off laterally at the end."""
    found = []
    for sweep in motion_data.test_sweeps(study, input_px=16):
        T = sweep.T_centre_to_world.copy()
        T[-1] = T[-1] @ geometry.transform(None, [1.0, 0.0, 0.0])
        T = mirrored(T) if sweep.is_mirrored else T
        names = (sweep.subject_id, sweep.sweep_id, sweep.first_frame)
        found.append(PosePrediction(*names, T, is_flipped=sweep.is_flipped))
    write_predictions(found, tmp_path / "mine")
    return tmp_path / "mine"


class TestCohort:
    ARGUMENTS = ("--cohort", "test", "--profile", "smoke")

    def test_a_summary_is_printed_by_arm_truth_and_type(self, hipus, predictions):
        found = hipus("evaluate", "poses", predictions, *self.ARGUMENTS).json
        assert (found["arm"], found["sweeps"], found["subjects"]) == ("mine", 2, 1)
        rows = {(r["arm"], r["truth"], r["sweep_type"]): r for r in found["summary"]}
        assert len(rows) == 2 * 2 * 3
        mine = rows["mine", "vs_tracker", "all"]
        assert mine["final_mm"] == pytest.approx(1, abs=1e-6)
        assert mine["sweep_count"] == 2
        assert rows["identity", "vs_tracker", "all"]["final_mm"] > 5
        assert found["written"] == []

    def test_the_studys_tables_are_written(self, hipus, predictions, tmp_path):
        folder = tmp_path / "tables"
        arguments = (*self.ARGUMENTS, "--name", "ours", "-o", folder)
        found = hipus("evaluate", "poses", predictions, *arguments).json
        names = ["motion_errors", "motion_summary", "motion_arms", "motion_subjects"]
        names += ["motion_tusrec"]
        assert found["written"] == [str(folder / f"{name}.csv") for name in names]
        errors = pd.read_csv(folder / "motion_errors.csv")
        assert set(errors.arm) == {"ours", "identity"}
        assert len(errors) == 2 * 2 * 2

    def test_a_missing_sweep_is_an_error_that_names_it(self, refused, predictions):
        next(predictions.glob("*left_p_d.npz")).unlink()
        told = refused("evaluate", "poses", predictions, *self.ARGUMENTS)
        assert "lacks predictions of 1 of 2 sweeps: S101/left_p_d" in told

    def test_the_studys_own_tables_are_never_replaced(self, refused, predictions):
        own = paths.table_file("smoke", "motion").parent
        told = refused("evaluate", "poses", predictions, *self.ARGUMENTS, "-o", own)
        assert "must not be the folder of the study's own tables" in told


@pytest.fixture
def scans(tmp_path):
    """Write the closed-form case as a challenge has it, and return its folder."""
    case = tusrec_case()
    T_tool_to_image = geometry.invert(CALIBRATION.T_image_to_tool)
    frames = np.zeros((FRAME_COUNT, HEIGHT, WIDTH), np.uint8)
    for name, T in (("scan", case.T_true), ("guess", case.T_predicted)):
        sweep = Sweep(frames, np.arange(FRAME_COUNT) / 20, T @ T_tool_to_image)
        tusrec.write(sweep, tmp_path / f"{name}.h5", dtype=np.float64)
    tusrec.write_calibration(CALIBRATION.T_pixel_to_probe, tmp_path / "calib_matrix.csv")
    marked = case.landmarks
    with h5py.File(tmp_path / "landmark_000.h5", "w") as file:
        file["scan"] = np.column_stack([marked.frame_index, marked.uv_px + 1])
    return tmp_path


class TestOneSweep:
    def test_a_scans_scores_are_the_challenges_own(self, hipus, scans):
        found = hipus(
            *("evaluate", "poses", scans / "guess.h5", "--truth", scans / "scan.h5"),
            *("--landmarks", scans / "landmark_000.h5"),
        ).json
        assert {name: found[name] for name in EXPECTED} == pytest.approx(EXPECTED, abs=1e-6)
        assert found["frames_scored"] == FRAME_COUNT

    def test_the_calibration_is_found_beside_or_named(self, hipus, refused, scans):
        arguments = ("evaluate", "poses", scans / "guess.h5", "--truth", scans / "scan.h5")
        usual = hipus(*arguments).json
        elsewhere = (scans / "calib_matrix.csv").rename(scans / "mine.csv")
        assert "holds no calibration: name one with --calibration" in refused(*arguments)
        assert hipus(*arguments, "--calibration", elsewhere).json == usual

    def test_without_landmarks_their_scores_are_null(self, hipus, scans):
        found = hipus("evaluate", "poses", scans / "guess.h5", "--truth", scans / "scan.h5").json
        assert found["gle_mm"] is found["normalised_final"] is None
        assert found["gpe_mm"] == pytest.approx(EXPECTED["gpe_mm"], abs=1e-6)

    def test_poses_of_the_centre_score_the_same_and_are_kept(self, hipus, scans):
        truth = tusrec.read(scans / "scan.h5", scans / "calib_matrix.csv")
        guess = tusrec.read(scans / "guess.h5", scans / "calib_matrix.csv")
        one = PosePrediction("S1", "scan", 0, centre_poses(guess))
        write_predictions([one], scans / "guess.csv")
        arguments = ("--truth", scans / "scan.h5", "-o", scans / "out")
        found = hipus("evaluate", "poses", scans / "guess.csv", *arguments).json
        assert found["gpe_mm"] == pytest.approx(EXPECTED["gpe_mm"], abs=1e-6)
        assert (scans / "out" / "scan_scores.json").is_file()
        places = [centre_poses(sweep) for sweep in (truth, guess)]
        ends = [geometry.relative(T[0], T[-1])[:3, 3] for T in places]
        assert found["final_mm"] == pytest.approx(np.linalg.norm(ends[0] - ends[1]), abs=1e-6)

    def test_a_tracked_sequence_is_a_truth_too(self, hipus, scans):
        sweep = tusrec.read(scans / "scan.h5", scans / "calib_matrix.csv")
        metafile.write(scans / "scan.igs.mha", metafile.from_sweep(sweep))
        one = PosePrediction("S1", "scan", 0, centre_poses(sweep))
        write_predictions([one], scans / "own.csv")
        found = hipus(
            "evaluate", "poses", scans / "own.csv", "--truth", scans / "scan.igs.mha"
        ).json
        assert found["gpe_mm"] == pytest.approx(0, abs=1e-5)
        assert found["normalised_pixel"] == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize("part", [slice(2, None), slice(0, 15)])
    def test_a_frame_that_is_not_predicted_is_an_error(self, refused, scans, part):
        truth = tusrec.read(scans / "scan.h5", scans / "calib_matrix.csv")
        one = PosePrediction("S1", "scan", part.start or 0, centre_poses(truth)[part])
        write_predictions([one], scans / "guess.csv")
        told = refused("evaluate", "poses", scans / "guess.csv", "--truth", scans / "scan.h5")
        assert "frames have a true pose" in told

    def test_a_longer_prediction_is_of_another_sweep(self, refused, scans):
        T = np.tile(np.eye(4), (FRAME_COUNT + 1, 1, 1))
        write_predictions([PosePrediction("S1", "scan", 0, T)], scans / "guess.csv")
        told = refused("evaluate", "poses", scans / "guess.csv", "--truth", scans / "scan.h5")
        assert "frames 0 to 20 are predicted" in told

    def test_turned_pictures_are_turned_back(self, hipus, scans):
        truth = tusrec.read(scans / "scan.h5", scans / "calib_matrix.csv")
        T = centre_poses(truth) @ np.diag([-1.0, 1.0, -1.0, 1.0])
        one = replace(PosePrediction("S1", "scan", 0, T), is_flipped=True)
        write_predictions([one], scans / "arm")
        path = scans / "arm" / "S1_scan.npz"
        found = hipus("evaluate", "poses", path, "--truth", scans / "scan.h5").json
        assert found["final_mm"] == pytest.approx(0, abs=1e-9)


class TestUsage:
    def test_either_a_cohort_or_a_truth_must_be_named(self, hipus, tmp_path):
        for arguments in ((), ("--cohort", "test", "--truth", tmp_path / "scan.h5")):
            outcome = hipus("evaluate", "poses", tmp_path, *arguments)
            assert outcome.status == 2
            assert "name either --cohort or --truth" in outcome.err

    def test_landmarks_belong_to_one_sweep(self, hipus, tmp_path):
        arguments = ("--cohort", "test", "--landmarks", tmp_path / "l.h5")
        outcome = hipus("evaluate", "poses", tmp_path, *arguments)
        assert outcome.status == 2
        assert "go with --truth" in outcome.err
