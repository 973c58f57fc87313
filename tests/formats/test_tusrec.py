"""TUS-REC scans: both ways, lazily, and no file is believed unchecked."""

import pickle
import tracemalloc

import h5py
import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.formats import tusrec
from hipus.sweep import Imu, Sweep


@pytest.fixture
def scan(tmp_path, rng):
    """Return a scan of 6 frames of 5 x 9 px as the challenge stores it (float32, no time)."""
    path = tmp_path / "RH_Per_L_DtP.h5"
    poses = geometry.transform(rotations.from_euler([[i, 2 * i, 5] for i in range(6)], "ZYX"))
    poses[:, :3, 3] = rng.uniform(-300, 300, (6, 3))
    with h5py.File(path, "w") as file:
        file["frames"] = rng.integers(0, 256, (6, 5, 9), dtype=np.uint8)
        file["tforms"] = poses.astype(np.float32)
    return path


def change(path, name, value):
    """Replace a data set of a scan; None removes it."""
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value


def fault_of(path) -> str | None:
    """Return what reading a whole scan complains of, None if it reads."""
    try:
        tusrec.read(path).frames[:]
    except ValueError as error:
        return str(error)
    return None


class TestRead:
    def test_frames_and_poses_are_the_files(self, scan):
        sweep = tusrec.read(scan)
        with h5py.File(scan) as file:
            np.testing.assert_array_equal(sweep.frames[:], file["frames"][()])
            np.testing.assert_array_equal(sweep.T_probe_to_reference, file["tforms"][()])
        assert (sweep.sweep_id, sweep.reference, sweep.imu) == ("RH_Per_L_DtP", "tracker", None)
        assert sweep.T_pixel_to_probe is None

    def test_the_time_comes_from_the_stated_frame_rate(self, scan):
        np.testing.assert_allclose(tusrec.read(scan).time_s, np.arange(6) * 0.05)
        np.testing.assert_allclose(tusrec.read(scan, frame_rate_hz=10).time_s, np.arange(6) * 0.1)

    def test_a_scan_that_nobody_tracked_has_no_valid_pose(self, scan):
        change(scan, "tforms", None)
        sweep = tusrec.read(scan, needs_poses=False)
        assert np.isnan(sweep.T_probe_to_reference).all()
        assert not sweep.is_valid.any()
        assert sweep.frames[:].shape == (6, 5, 9)
        with pytest.raises(ValueError, match="must hold the data set 'tforms'"):
            tusrec.read(scan)

    def test_a_pixel_goes_where_the_challenges_formula_puts_it(self, scan, tmp_path):
        scale = np.diag([0.5, 0.45, 1.0, 1.0])
        rigid = geometry.transform(rotations.from_euler([3.05, 0.08, -1.45], "ZYX"), [12, -3, 8])
        sweep = tusrec.read(scan, tusrec.Calibration(scale, rigid))
        theirs = sweep.T_probe_to_reference[4] @ rigid @ scale @ [3.0, 2.0, 0.0, 1.0]
        np.testing.assert_allclose(sweep.T_pixel_to_reference[4] @ [2, 1, 0, 1], theirs)
        path = tusrec.write_calibration(sweep.T_pixel_to_probe, tmp_path / "c.csv")
        from_file = tusrec.read(scan, path).T_pixel_to_probe
        np.testing.assert_allclose(from_file, sweep.T_pixel_to_probe, atol=1e-12)

    def test_a_nan_pose_is_invalid_and_wholly_nan(self, scan):
        with h5py.File(scan, "a") as file:
            file["tforms"][2, 0, 3] = np.nan
        sweep = tusrec.read(scan)
        assert sweep.is_valid.tolist() == [True, True, False, True, True, True]
        assert np.isnan(sweep.T_probe_to_reference[2]).all()


class TestLaziness:
    def test_nothing_but_the_asked_frames_is_read(self, scan):
        frames = tusrec.read(scan).frames
        assert isinstance(frames, tusrec.Frames)
        assert (len(frames), frames.shape, frames.dtype) == (6, (6, 5, 9), np.uint8)
        with h5py.File(scan, "a") as file:
            file["frames"][4] = 77
        assert (frames[4:5] == 77).all()
        assert frames[4].shape == (5, 9)

    def test_ten_thousand_frames_take_the_memory_of_a_block(self, tmp_path):
        path = tmp_path / "long.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("frames", (10_000, 64, 96), np.uint8, chunks=(1, 64, 96))
            file["tforms"] = np.tile(np.eye(4, dtype=np.float32), (10_000, 1, 1))
        sweep = tusrec.read(path)
        tracemalloc.start()
        read = sum(len(block) for _, block in sweep.blocks(16))
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert read == 10_000
        assert peak_bytes < 16 * 64 * 96 * 4  # of 61 MB in all

    def test_frames_travel_to_other_processes(self, scan):
        frames = tusrec.read(scan).frames
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames))[1:3], frames[1:3])

    def test_blocks_cover_the_scan_once(self, scan):
        sweep = tusrec.read(scan)
        blocks = [block for _, block in sweep.blocks(4)]
        assert [len(block) for block in blocks] == [4, 2]
        np.testing.assert_array_equal(np.concatenate(blocks), sweep.frames[:])


class TestBadScans:
    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.h5: no such TUS-REC scan"):
            tusrec.read(tmp_path / "absent.h5")

    def test_a_file_that_is_no_hdf5(self, tmp_path):
        path = tmp_path / "x.h5"
        path.write_bytes(b"not hdf5" * 100)
        with pytest.raises(ValueError, match=r"x\.h5 is no readable HDF5 file"):
            tusrec.read(path)

    def test_a_truncated_file(self, scan):
        scan.write_bytes(scan.read_bytes()[:-64])
        with pytest.raises(ValueError, match="no readable HDF5 file: .*truncated"):
            tusrec.read(scan)

    @pytest.mark.parametrize("name", ["frames", "tforms"])
    def test_a_missing_data_set(self, scan, name):
        change(scan, name, None)
        with pytest.raises(ValueError, match=f"must hold the data set '{name}', has"):
            tusrec.read(scan)

    @pytest.mark.parametrize(
        ("frames", "message"),
        [
            (np.zeros((6, 45), np.uint8), r"must be \(N, H, W\), none of them 0, got \(6, 45\)"),
            (np.zeros((0, 5, 9), np.uint8), r"none of them 0, got \(0, 5, 9\)"),
            (np.zeros((6, 5, 9), np.float32), "must be uint8, got float32"),
        ],
    )
    def test_frames_of_another_kind(self, scan, frames, message):
        change(scan, "frames", frames)
        with pytest.raises(ValueError, match=message):
            tusrec.read(scan)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [((6, 1 << 20, 1 << 20), "a frame must be <="), ((1 << 30, 5, 9), "must be <= 1048576 f")],
    )
    def test_declared_sizes_are_bounded_before_anything_is_read(self, scan, shape, message):
        change(scan, "frames", None)
        with h5py.File(scan, "a") as file:
            file.create_dataset("frames", shape, np.uint8, chunks=(1, 5, 9))
        with pytest.raises(ValueError, match=message):
            tusrec.read(scan)

    def test_more_poses_than_frames(self, scan):
        change(scan, "tforms", np.tile(np.eye(4), (7, 1, 1)))
        with pytest.raises(ValueError, match=r"tforms must be \(6, 4, 4\), got \(7, 4, 4\)"):
            tusrec.read(scan)

    def test_a_reflected_pose_is_named_with_its_frame(self, scan):
        poses = np.tile(np.eye(4), (6, 1, 1))
        poses[3, 0, 0] = -1
        change(scan, "tforms", poses)
        with pytest.raises(ValueError, match=r"RH_Per_L_DtP\.h5: tforms\[3\] is a reflection"):
            tusrec.read(scan)

    @pytest.mark.parametrize("kind", ["link", "storage", "group"])
    def test_a_data_set_that_points_elsewhere_is_refused(self, scan, tmp_path, kind):
        (tmp_path / "secret.bin").write_bytes(bytes(270))
        change(scan, "frames", None)
        with h5py.File(scan, "a") as file:
            if kind == "link":
                file["frames"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "frames")
            elif kind == "storage":
                place = [(str(tmp_path / "secret.bin"), 0, 270)]
                file.create_dataset("frames", (6, 5, 9), np.uint8, external=place)
            else:
                file.create_group("frames")
        with pytest.raises(ValueError, match="'frames' must be a data set stored in the file"):
            tusrec.read(scan)

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("time_s", np.arange(5.0), r"time_s must be \(6,\), got \(5,\)"),
            ("time_s", np.array([b"a"] * 6), "time_s must be numbers, got"),
            ("time_s", np.array([0, 1, 2, 2, 3, 4.0]), r"h5: time_s .* repeats at sample 3"),
            ("tforms", np.zeros((6, 4, 4), complex), "tforms must be numbers, got complex128"),
            ("tforms", np.full((6, 4, 4), np.nan), "must hold a valid pose, got 6 of NaN"),
        ],
    )
    def test_times_and_poses_that_are_none(self, scan, name, value, message):
        with h5py.File(scan, "a") as file:
            file.pop(name, None)
            file[name] = value
        with pytest.raises(ValueError, match=message):
            tusrec.read(scan)

    def test_times_that_lie_in_another_file_are_refused(self, scan, tmp_path):
        with h5py.File(scan, "a") as file:
            file["time_s"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "time_s")
        with pytest.raises(ValueError, match="'time_s' must be a data set stored in the file"):
            tusrec.read(scan)

    def test_one_frame_never_inflates_a_huge_chunk(self, scan):
        change(scan, "frames", None)
        with h5py.File(scan, "a") as file:
            shape = (20, 1 << 13, 1 << 13)
            file.create_dataset("frames", shape, np.uint8, chunks=shape, compression="gzip")
        with pytest.raises(ValueError, match="a chunk of frames must be <= 1073741824 bytes, got"):
            tusrec.read(scan)

    def test_frames_that_are_damaged_name_the_file_when_they_are_read(self, tmp_path):
        path = tmp_path / "packed.h5"
        pixels = np.random.default_rng(1).integers(0, 256, (4, 50, 60), np.uint8)
        with h5py.File(path, "w") as file:
            file.create_dataset("frames", data=pixels, chunks=(1, 50, 60), compression="gzip")
            file["tforms"] = np.tile(np.eye(4), (4, 1, 1))
            place = file["frames"].id.get_chunk_info(2).byte_offset
        content = bytearray(path.read_bytes())
        content[place : place + 40] = bytes(40)
        path.write_bytes(content)
        sweep = tusrec.read(path)
        np.testing.assert_array_equal(sweep.frames[1], pixels[1])
        with pytest.raises(ValueError, match=r"packed\.h5 is no readable HDF5 file"):
            sweep.frames[2]

    def test_a_damaged_byte_is_harmless_or_a_clear_error(self, scan):
        content = scan.read_bytes()
        refused = 0
        for place in range(0, len(content), 11):
            scan.write_bytes(
                content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
            )
            fault = fault_of(scan)
            assert fault is None or scan.name in fault
            refused += fault is not None
        assert refused > 10

    @pytest.mark.parametrize("rate", [0, -20, np.nan])
    def test_a_frame_rate_that_is_none(self, scan, rate):
        with pytest.raises(ValueError, match="frame_rate_hz must be positive, got"):
            tusrec.read(scan, frame_rate_hz=rate)


@pytest.fixture
def valid_sweep(tiny_sweep):
    """Return the first three frames of the tiny sweep, all valid."""
    return tiny_sweep.select(slice(0, 3))


class TestWrite:
    def test_round_trip_keeps_frames_poses_and_times(self, valid_sweep, tmp_path):
        found = tusrec.read(tusrec.write(valid_sweep, tmp_path / "a.h5", dtype=np.float64))
        np.testing.assert_array_equal(found.frames[:], valid_sweep.frames)
        np.testing.assert_array_equal(found.T_probe_to_reference, valid_sweep.T_probe_to_reference)
        np.testing.assert_array_equal(found.time_s, valid_sweep.time_s)

    def test_poses_are_float32_as_the_challenges_code_needs(self, valid_sweep, tmp_path):
        path = tusrec.write(valid_sweep, tmp_path / "a.h5")
        with h5py.File(path) as file:
            assert file["tforms"].dtype == np.float32
            assert file["frames"].chunks == (1, 5, 9)
        found = tusrec.read(path).T_probe_to_reference
        np.testing.assert_allclose(found, valid_sweep.T_probe_to_reference, atol=1e-6)

    def test_frames_are_streamed_in_blocks(self, tmp_path):
        class Endless:
            """Frames made on demand that refuse to be taken all at once."""

            shape, dtype = (40, 5, 9), np.dtype(np.uint8)

            def __getitem__(self, key):
                count = key.stop - key.start
                assert count <= 16
                return np.full((count, 5, 9), key.start, np.uint8)

        sweep = Sweep(Endless(), np.arange(40) / 20, np.tile(np.eye(4), (40, 1, 1)))
        found = tusrec.read(tusrec.write(sweep, tmp_path / "a.h5"))
        assert found.frames[:][:, 0, 0].tolist() == [0] * 16 + [16] * 16 + [32] * 8

    def test_invalid_poses_are_refused_and_nothing_is_written(self, tiny_sweep, tmp_path):
        with pytest.raises(ValueError, match="got 1 of 7 frames invalid: cut them off"):
            tusrec.write(tiny_sweep, tmp_path / "a.h5")
        assert list(tmp_path.iterdir()) == []

    def test_a_failure_on_the_way_leaves_nothing(self, tmp_path):
        class Broken:
            shape, dtype = (2, 5, 9), np.dtype(np.uint8)

            def __getitem__(self, key):
                raise OSError("disk gone")

        sweep = Sweep(Broken(), [0.0, 1.0], np.tile(np.eye(4), (2, 1, 1)))
        with pytest.raises(OSError, match="disk gone"):
            tusrec.write(sweep, tmp_path / "a.h5")
        assert list(tmp_path.iterdir()) == []

    def test_an_imu_log_is_left_out_loudly(self, valid_sweep, tmp_path, caplog):
        imu = Imu([0.0, 0.1], np.zeros((2, 3)), np.ones((2, 3)))
        object.__setattr__(valid_sweep, "imu", imu)
        tusrec.write(valid_sweep, tmp_path / "a.h5")
        assert "no place for an IMU log" in caplog.text


class TestLandmarks:
    def test_pixels_count_from_0_here_and_from_1_there(self, tmp_path):
        with h5py.File(tmp_path / "landmark_000.h5", "w") as file:
            file["RH_Per_L_DtP"] = np.array([[16, 33, 31], [1, 1, 8]])
        found = tusrec.read_landmarks(tmp_path / "landmark_000.h5", "RH_Per_L_DtP")
        assert found.frame_index.tolist() == [16, 1]
        assert found.uv_px.tolist() == [[32, 30], [0, 7]]

    def test_an_unknown_scan_and_a_wrong_shape_are_refused(self, tmp_path):
        with h5py.File(tmp_path / "l.h5", "w") as file:
            file["a"] = np.zeros((4, 2))
        with pytest.raises(ValueError, match=r"a must be \(M, 3\), got \(4, 2\)"):
            tusrec.read_landmarks(tmp_path / "l.h5", "a")
        with pytest.raises(ValueError, match=r"must hold the data set 'b', has \['a'\]"):
            tusrec.read_landmarks(tmp_path / "l.h5", "b")

    @pytest.mark.parametrize("row", [[-1, 3, 4], [0.5, 3, 4], [1, np.nan, 4], [np.inf, 3, 4]])
    def test_landmarks_on_no_frame_or_nowhere_are_refused(self, tmp_path, row):
        with h5py.File(tmp_path / "l.h5", "w") as file:
            file["a"] = np.array([[0.0, 1, 2], row])
        with pytest.raises(ValueError, match=r"l\.h5: a must be whole frames >= 0 and finite x, y"):
            tusrec.read_landmarks(tmp_path / "l.h5", "a")

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.h5: no such TUS-REC scan"):
            tusrec.read_landmarks(tmp_path / "absent.h5", "a")
