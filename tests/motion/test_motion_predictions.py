"""Predicted poses on disk: written, read, and refused when they are not all there."""

import numpy as np
import pandas as pd
import pytest

from hipus import geometry, rotations
from hipus.motion.predictions import (
    MATRIX,
    PosePrediction,
    as_recorded,
    prediction_file,
    read_prediction,
    read_predictions,
    write_predictions,
)


def poses(count: int, *, gap: int | None = None) -> np.ndarray:
    """Return poses that turn and travel, one of them unknown."""
    angles = np.column_stack([3.0 * np.arange(count), -2.0 * np.arange(count), np.zeros(count)])
    places = np.outer(np.arange(count), [0.1, -0.2, 0.7]) + [4.0, 5.0, 6.0]
    T = geometry.transform(rotations.from_euler(angles, "ZYX"), places)
    if gap is not None:
        T[gap] = np.nan
    return T


def prediction(sweep_id="left_p_a", **options) -> PosePrediction:
    """Return a prediction with everything that there can be."""
    fields = {
        "first_frame": 6,
        "T_centre_to_first": poses(5),
        "time_s": np.linspace(1, 2, 5),
        "sd_mm": np.arange(12.0).reshape(4, 3),
        "sd_deg": np.arange(12.0).reshape(4, 3) / 10,
        "is_flipped": True,
    }
    return PosePrediction("S101", sweep_id, **(fields | options))


class TestPrediction:
    def test_poses_are_told_from_the_first_known_frame(self):
        T = poses(5, gap=0)
        one = prediction(T_centre_to_first=T)
        np.testing.assert_allclose(one.T_centre_to_first[1], np.eye(4), atol=1e-12)
        expected = geometry.relative(T[1], T[4])
        np.testing.assert_allclose(one.T_centre_to_first[4], expected, atol=1e-12)
        assert np.isnan(one.T_centre_to_first[0]).all()

    def test_frames_are_those_of_the_recorded_sweep(self):
        assert np.arange(20)[prediction().frames].tolist() == [6, 7, 8, 9, 10]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"first_frame": -1}, "S101/left_p_a: first_frame must be >= 0, got -1"),
            ({"T_centre_to_first": np.full((3, 4, 4), np.nan)}, "with a pose in it"),
            ({"T_centre_to_first": np.eye(4)}, r"T must be \(N, 4, 4\)"),
            ({"time_s": np.arange(4.0)}, r"time_s must be \(5,\), got \(4,\)"),
            ({"sd_mm": np.ones((5, 3))}, r"sd_mm must be \(4, 3\), got \(5, 3\)"),
        ],
    )
    def test_refuses_what_does_not_fit(self, options, message):
        with pytest.raises(ValueError, match=message):
            prediction(**options)


class TestFolder:
    def test_everything_comes_back(self, tmp_path):
        given = prediction()
        (path,) = write_predictions([given], tmp_path / "arm")
        assert path == tmp_path / "arm" / "S101_left_p_a.npz"
        found = read_predictions(tmp_path / "arm", [("S101", "left_p_a")])["S101", "left_p_a"]
        assert (found.first_frame, found.is_flipped) == (6, True)
        for name in ("T_centre_to_first", "time_s", "sd_mm", "sd_deg"):
            np.testing.assert_array_equal(getattr(found, name), getattr(given, name))

    def test_what_is_not_known_stays_so(self, tmp_path):
        write_predictions([prediction(time_s=None, sd_mm=None, sd_deg=None)], tmp_path)
        found = read_predictions(tmp_path, [("S101", "left_p_a")])["S101", "left_p_a"]
        assert found.time_s is None
        assert found.sd_mm is None
        assert found.sd_deg is None

    def test_comes_in_the_expected_order_without_what_is_not_asked_for(self, tmp_path):
        names = ("left_p_a", "left_p_d", "right_p_a")
        write_predictions([prediction(name) for name in names], tmp_path)
        found = read_predictions(tmp_path, [("S101", "right_p_a"), ("S101", "left_p_a")])
        assert list(found) == [("S101", "right_p_a"), ("S101", "left_p_a")]

    def test_every_missing_sweep_is_named(self, tmp_path):
        write_predictions([prediction()], tmp_path)
        expected = [("S101", "left_p_a"), ("S101", "left_p_d"), ("S102", "left_p_a")]
        with pytest.raises(
            ValueError, match="lacks predictions of 2 of 3 sweeps: S101/left_p_d, S102/left_p_a$"
        ):
            read_predictions(tmp_path, expected)

    def test_a_damaged_file_is_named(self, tmp_path):
        prediction_file(tmp_path, "S101", "left_p_a").write_bytes(b"PK\x03\x04 no archive")
        with pytest.raises(ValueError, match="S101_left_p_a.npz cannot be read as a prediction"):
            read_predictions(tmp_path, [("S101", "left_p_a")])

    def test_an_archive_of_something_else_is_named(self, tmp_path):
        np.savez(prediction_file(tmp_path, "S101", "left_p_a"), first_frame=3)
        with pytest.raises(ValueError, match="S101_left_p_a.npz cannot be read as a prediction"):
            read_predictions(tmp_path, [("S101", "left_p_a")])

    def test_a_file_under_another_sweeps_name_is_refused(self, tmp_path):
        (path,) = write_predictions([prediction("right_p_a")], tmp_path)
        path.rename(prediction_file(tmp_path, "S101", "left_p_a"))
        with pytest.raises(ValueError, match="must be of S101/left_p_a, is S101/right_p_a"):
            read_predictions(tmp_path, [("S101", "left_p_a")])

    def test_a_sweep_that_comes_twice_is_refused_before_anything_is_written(self, tmp_path):
        with pytest.raises(ValueError, match="S101_left_p_a.npz: written by more than one sweep"):
            write_predictions([prediction(), prediction()], tmp_path / "arm")
        assert not (tmp_path / "arm").exists()

    def test_nothing_to_write_is_an_error(self, tmp_path):
        with pytest.raises(ValueError, match="no predictions to write"):
            write_predictions([], tmp_path)

    def test_a_missing_folder_is_told(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="arm is missing: no predictions to read"):
            read_predictions(tmp_path / "arm", [("S101", "left_p_a")])

    def test_nothing_expected_is_an_error(self, tmp_path):
        with pytest.raises(ValueError, match="expected must name at least one sweep"):
            read_predictions(tmp_path, [])


class TestTable:
    @pytest.fixture
    def rows(self) -> pd.DataFrame:
        """Return a table as another program writes it: any world, shuffled, one frame left out."""
        index = [9, 7, 8, 11]
        T = poses(12)
        table = pd.DataFrame(T[index, :3].reshape(4, 12), columns=MATRIX)
        return table.assign(subject_id="007", sweep_id="left_p_a", frame_index=index)

    def test_poses_and_times_come_back(self, tmp_path):
        given = [prediction(), prediction("left_p_d", T_centre_to_first=poses(5, gap=2))]
        path = tmp_path / "poses.csv"
        assert write_predictions(given, path) == [path]
        found = read_predictions(path, [("S101", "left_p_d"), ("S101", "left_p_a")])
        for one in given:
            back = found["S101", one.sweep_id]
            assert back.first_frame == 6
            T = as_recorded(one).T_centre_to_first
            np.testing.assert_allclose(back.T_centre_to_first, T, atol=1e-7)
            np.testing.assert_allclose(back.time_s, one.time_s)

    def test_poses_of_turned_pictures_are_told_of_the_recorded_ones(self, tmp_path):
        turned = prediction()
        write_predictions([turned], tmp_path / "poses.csv")
        back = read_prediction(tmp_path / "poses.csv")
        assert not back.is_flipped
        left, right = (one.T_centre_to_first[4, :3, 3] for one in (back, turned))
        np.testing.assert_allclose(left, right * [-1, 1, -1], atol=1e-7)
        # A point on the picture's right is on its left once the picture is turned.
        seen = geometry.apply(turned.T_centre_to_first[4], np.array([[3.0, 5.0, 0.0]]))
        again = geometry.apply(back.T_centre_to_first[4], np.array([[-3.0, 5.0, 0.0]]))
        np.testing.assert_allclose(again, seen * [-1, 1, -1], atol=1e-6)
        assert as_recorded(back) is back

    def test_a_frame_that_the_table_leaves_out_has_no_pose(self, tmp_path, rows):
        rows.to_csv(tmp_path / "poses.csv", index=False)
        found = read_predictions(tmp_path / "poses.csv", [("007", "left_p_a")])["007", "left_p_a"]
        assert found.frames == slice(7, 12)
        assert np.isnan(found.T_centre_to_first[3]).all()
        expected = geometry.relative(poses(12)[7], poses(12)[11])
        np.testing.assert_allclose(found.T_centre_to_first[4], expected, atol=1e-9)
        assert found.time_s is None

    def test_a_missing_sweep_is_named(self, tmp_path, rows):
        rows.to_csv(tmp_path / "poses.csv", index=False)
        with pytest.raises(ValueError, match="lacks predictions of 1 of 2 sweeps: 007/left_p_d"):
            read_predictions(tmp_path / "poses.csv", [("007", "left_p_a"), ("007", "left_p_d")])

    def test_a_missing_column_is_named(self, tmp_path, rows):
        rows.drop(columns="m21").to_csv(tmp_path / "poses.csv", index=False)
        with pytest.raises(ValueError, match=r"needs columns \['m21'\]"):
            read_predictions(tmp_path / "poses.csv", [("007", "left_p_a")])

    @pytest.mark.parametrize("index", [[9, 7, 7, 11], [9.5, 7, 8, 11]])
    def test_frames_must_be_whole_and_come_once(self, tmp_path, rows, index):
        rows.assign(frame_index=index).to_csv(tmp_path / "poses.csv", index=False)
        with pytest.raises(ValueError, match="frame_index of 007/left_p_a must be whole numbers"):
            read_predictions(tmp_path / "poses.csv", [("007", "left_p_a")])

    def test_a_matrix_that_is_no_motion_is_refused_with_the_file(self, tmp_path, rows):
        rows.assign(m00=2.0).to_csv(tmp_path / "poses.csv", index=False)
        with pytest.raises(ValueError, match=r"poses.csv: 007/left_p_a: T\[0\]"):
            read_predictions(tmp_path / "poses.csv", [("007", "left_p_a")])


class TestOneSweep:
    def test_an_archive_under_any_name_comes_back(self, tmp_path):
        (path,) = write_predictions([prediction()], tmp_path)
        found = read_prediction(path.rename(tmp_path / "mine.npz"))
        assert (found.subject_id, found.sweep_id, found.is_flipped) == ("S101", "left_p_a", True)
        np.testing.assert_array_equal(found.sd_mm, prediction().sd_mm)

    def test_arrays_of_someone_else_are_left_alone(self, tmp_path):
        (path,) = write_predictions([prediction()], tmp_path)
        with np.load(path) as stored:
            np.savez(path, **stored, pose_sd_mm=np.ones((5, 3)))
        np.testing.assert_allclose(read_prediction(path).time_s, np.linspace(1, 2, 5))

    def test_a_table_of_one_sweep_comes_back(self, tmp_path):
        path = tmp_path / "poses.csv"
        write_predictions([prediction("left_p_d")], path)
        assert read_prediction(path).sweep_id == "left_p_d"

    def test_a_table_of_several_sweeps_is_refused_by_their_names(self, tmp_path):
        path = tmp_path / "poses.csv"
        write_predictions([prediction(), prediction("left_p_d")], path)
        with pytest.raises(ValueError, match="of one sweep, got S101/left_p_a, S101/left_p_d$"):
            read_prediction(path)

    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="mine.npz is missing: no prediction to read"):
            read_prediction(tmp_path / "mine.npz")
