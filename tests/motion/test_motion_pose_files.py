"""Poses of one sweep in a file: written, opened by others, read back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_recordings import MOUNTING, PIXEL_MM, recording, untracked

from hipus import geometry, rotations
from hipus.formats import metafile, tusrec
from hipus.motion import pose_files
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction, read_predictions
from hipus.motion.tracking import TrackedSweep

FIRST, COUNT = 6, 30


def tracked(sweep_id="p_a", **options) -> TrackedSweep:
    """Return predicted poses of frames 6 to 35 of 40, each with deviations of its own."""
    index = np.arange(COUNT)[:, None]
    turns = rotations.from_rotation_vector(np.radians([0.5, -0.2, 0.3]) * index)
    one = PosePrediction(
        "S7",
        sweep_id,
        FIRST,
        geometry.transform(turns, index * [0.1, -0.2, 0.7]),
        time_s=5 + (FIRST + np.arange(COUNT)) / 10,
        sd_mm=np.full((COUNT - 1, 3), 0.1),
        sd_deg=np.full((COUNT - 1, 3), 0.2),
    )
    known = {"sd_mm": index * [0.1, 0.2, 0.3], "sd_deg": index * [0.4, 0.5, 0.6]}
    known |= {"frame_count": 40, "is_turned": False, "felt_steps": COUNT - 1, "side": "right"}
    known |= {"sweep_type": "p_a", "model": "steady", "origin": "simulated"}
    return TrackedSweep(one, **known | options)


@pytest.fixture
def sweep(rng):
    """Return the recorded sweep: 40 frames, calibrated, nobody tracked it."""
    return untracked(recording(rng))


class TestTable:
    def test_has_a_row_a_frame_with_pose_and_deviation(self, tmp_path, sweep):
        table = pd.read_csv(pose_files.write(tracked(), tmp_path / "poses.csv", sweep=sweep))
        assert table.frame_index.tolist() == list(range(6, 36))
        assert table.time_s[1] == pytest.approx(5.7)
        T = tracked().prediction.T_centre_to_first
        assert table.m23[10] == pytest.approx(T[10, 2, 3])
        assert table.m01[10] == pytest.approx(T[10, 0, 1])
        columns = ["sd_lateral_mm", "sd_axial_mm", "sd_elevational_mm"]
        columns += ["sd_lateral_deg", "sd_axial_deg", "sd_elevational_deg"]
        np.testing.assert_allclose(table.loc[10, columns].tolist(), [1, 2, 3, 4, 5, 6])

    def test_is_read_like_anybodys_predictions(self, tmp_path, sweep):
        path = pose_files.write(tracked(), tmp_path / "poses.csv", sweep=sweep)
        found = read_predictions(path, [("S7", "p_a")])["S7", "p_a"]
        expected = tracked().prediction
        np.testing.assert_allclose(found.T_centre_to_first, expected.T_centre_to_first, atol=1e-7)
        assert found.first_frame == FIRST


class TestArrays:
    def test_hold_deviations_of_steps_and_of_poses(self, tmp_path, sweep):
        path = pose_files.write(tracked(), tmp_path / "S7_p_a.npz", sweep=sweep)
        found = read_predictions(tmp_path, [("S7", "p_a")])["S7", "p_a"]
        np.testing.assert_array_equal(found.sd_mm, np.full((COUNT - 1, 3), 0.1))
        with np.load(path) as stored:
            np.testing.assert_array_equal(stored["pose_sd_deg"], tracked().sd_deg)

    def test_leave_out_what_the_model_does_not_state(self, tmp_path, sweep):
        one = replace(tracked().prediction, sd_mm=None, sd_deg=None)
        path = pose_files.write(tracked(), tmp_path / "a.npz", sweep=sweep)
        bare = pose_files.write(replace(tracked(), prediction=one), tmp_path / "b.npz", sweep=sweep)
        with np.load(path) as full, np.load(bare) as less:
            assert set(full.files) - set(less.files) == {"sd_mm", "sd_deg"}


class TestSequence:
    def test_comes_back_as_a_tracked_sweep_with_these_poses(self, tmp_path, sweep):
        path = pose_files.write(tracked(), tmp_path / "poses.igs.mha", sweep=sweep)
        back = metafile.read(path).to_sweep()
        np.testing.assert_array_equal(back.frames[:], sweep.frames)
        assert np.flatnonzero(back.is_valid).tolist() == list(range(6, 36))
        np.testing.assert_allclose(
            centre_poses(back)[6:36], tracked().prediction.T_centre_to_first, atol=1e-9
        )

    def test_the_calibration_stays_that_of_the_sweep(self, tmp_path, sweep):
        path = pose_files.write(tracked(), tmp_path / "poses.igs.nrrd", sweep=sweep)
        back = metafile.read(path).to_sweep()
        np.testing.assert_array_equal(back.T_pixel_to_probe, sweep.T_pixel_to_probe)
        first = back.T_probe_to_reference[6] @ MOUNTING
        np.testing.assert_allclose(first, np.eye(4), atol=1e-9)

    def test_without_calibration_the_size_of_a_pixel_does(self, tmp_path, sweep):
        bare = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=PIXEL_MM)
        path = pose_files.write(tracked(), tmp_path / "poses.igs.mha", sweep=bare)
        back = metafile.read(path).to_sweep()
        np.testing.assert_allclose(
            centre_poses(back)[6:36], tracked().prediction.T_centre_to_first, atol=1e-9
        )
        corner = geometry.apply(back.T_pixel_to_reference[6], np.array([[0.0, 0.0, 0.0]]))
        np.testing.assert_allclose(corner, [[-27.5 * 0.3, -19.5 * 0.4, 0.0]], atol=1e-9)

    def test_says_who_predicted_and_how_sure(self, tmp_path, sweep):
        path = pose_files.write(tracked(), tmp_path / "poses.igs.mha", sweep=sweep)
        sequence = metafile.read(path)
        assert sequence.fields["PosesPredictedBy"] == "steady (simulated training)"
        column = sequence.frame_fields["PredictedSdMm"]
        assert (column[5], column[36]) == (None, None)
        np.testing.assert_allclose([float(x) for x in column[16].split()], [1, 2, 3])

    def test_says_nothing_of_deviations_that_are_not_stated(self, sweep):
        nothing = np.full((COUNT, 3), np.nan)
        sequence = pose_files.to_sequence(tracked(sd_mm=nothing, sd_deg=nothing), sweep)
        assert sequence.frame_fields == {}


class TestRead:
    @pytest.mark.parametrize("name", ["poses.csv", "poses.npz", "poses.igs.mha"])
    def test_every_form_gives_the_same_poses(self, tmp_path, sweep, name):
        path = pose_files.write(tracked(), tmp_path / name, sweep=sweep)
        found = pose_files.read(path, like=sweep)
        T = np.full((40, 4, 4), np.nan)
        T[found.frames] = found.T_centre_to_first
        np.testing.assert_allclose(T[6:36], tracked().prediction.T_centre_to_first, atol=1e-7)
        assert np.isnan(T[:6]).all()

    def test_poses_of_a_scans_tool_are_brought_to_the_images_centre(self, tmp_path, rng):
        sweep = recording(rng)
        tusrec.write(sweep, tmp_path / "scan.h5", dtype=np.float64)
        found = pose_files.read(tmp_path / "scan.h5", like=sweep)
        expected = geometry.relative(centre_poses(sweep)[0], centre_poses(sweep))
        np.testing.assert_allclose(found.T_centre_to_first, expected, atol=1e-9)

    def test_another_ending_is_refused(self, tmp_path, sweep):
        with pytest.raises(ValueError, match=r"must end in one of \.csv, \.npz, .*\.h5"):
            pose_files.read(tmp_path / "poses.txt", like=sweep)

    def test_a_missing_file_is_told(self, tmp_path, sweep):
        with pytest.raises(FileNotFoundError, match="is missing: no prediction to read"):
            pose_files.read(tmp_path / "poses.igs.mha", like=sweep)


class TestTarget:
    def test_another_ending_is_refused(self, sweep):
        with pytest.raises(ValueError, match=r"poses must end in one of \.csv, \.npz"):
            pose_files.check_target("poses.json", sweep)

    def test_a_sequence_of_unknown_scale_is_refused(self, sweep):
        bare = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=None)
        with pytest.raises(ValueError, match="needs the size of a pixel"):
            pose_files.write(tracked(), "poses.igs.mha", sweep=bare)
        pose_files.check_target("poses.csv", bare)
