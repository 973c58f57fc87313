"""Recordings that nobody tracked: pictures, scale and inertial samples, whatever the format."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from made_recordings import PIXEL_MM, T_IMU_TO_PROBE, recording, untracked

from hipus.cli.untracked import read_mounting, read_untracked
from hipus.formats import clarius, metafile
from hipus.formats.clarius_header import Header

LINES, SAMPLES = 6, 9


@pytest.fixture
def sweep(rng):
    return recording(rng)


def clarius_files(folder, rng, *, angle_deg=0.0, **options):
    """Write a recording of 8 frames as the probe exports it, and return its `.raw`."""
    header = Header(
        frames=8,
        lines=LINES,
        samples_per_line=SAMPLES,
        sample_bytes=options.pop("sample_bytes", 1),
        frame_rate_hz=20.0,
        transmit_frequency_hz=10e6,
        sampling_rate_hz=15e6,
        imaging_depth_mm=30.0,
        focal_depth_mm=15.0,
        delay_samples=0,
        line_element=np.arange(LINES) * 0.6,
        line_angle_deg=np.linspace(-angle_deg, angle_deg, LINES),
    )
    samples = options.pop("samples", None)
    if samples is None:
        samples = rng.integers(0, 256, (8, LINES, SAMPLES), dtype=np.uint8)
    found = clarius.ClariusRecording(samples, 1 + np.arange(8) / 20, header, **options)
    return clarius.write_raw(found, folder / "hip_env.raw")


class TestSequence:
    def test_a_file_without_a_transform_is_a_sweep(self, tmp_path, sweep):
        bare = replace(metafile.from_sweep(sweep), transforms={})
        found = read_untracked(metafile.write(tmp_path / "a.igs.mha", bare))
        np.testing.assert_array_equal(found.frames[:], sweep.frames)
        np.testing.assert_array_equal(found.T_pixel_to_probe, sweep.T_pixel_to_probe)
        assert not found.is_valid.any()
        assert len(found.imu.time_s) == len(sweep.imu.time_s)
        assert found.sweep_id == "p_a"

    def test_poses_of_a_tracked_one_are_left_behind(self, tmp_path, sweep):
        path = metafile.write(tmp_path / "a.igs.nrrd", metafile.from_sweep(sweep))
        assert np.isnan(read_untracked(path).T_probe_to_reference).all()

    def test_a_named_calibration_replaces_the_files_own_with_its_scale(self, tmp_path, sweep):
        path = metafile.write(tmp_path / "a.igs.mha", metafile.from_sweep(sweep))
        found = read_untracked(path, calibration=np.diag([0.2, 0.6, 1.0, 1.0]))
        assert found.pixel_spacing_xy_mm == pytest.approx((0.2, 0.6))

    def test_a_named_scale_stands_where_there_is_no_calibration(self, tmp_path, sweep):
        bare = untracked(replace(sweep, pixel_spacing_xy_mm=None), is_calibrated=False)
        path = metafile.write(tmp_path / "a.igs.mha", metafile.from_sweep(bare))
        found = read_untracked(path, spacing_xy_mm=(0.1, 0.9))
        assert found.pixel_spacing_xy_mm == (0.1, 0.9)
        calibrated = metafile.write(tmp_path / "b.igs.mha", metafile.from_sweep(sweep))
        found = read_untracked(calibrated, spacing_xy_mm=(0.1, 0.9))
        assert found.pixel_spacing_xy_mm == pytest.approx(PIXEL_MM)

    def test_a_log_without_images_is_refused(self, tmp_path, sweep):
        log = metafile.from_sweep(sweep)
        log = replace(log, frames=np.zeros((40, 0, 0), np.uint8), orientation="XX", fields={})
        path = metafile.write(tmp_path / "a.igs.mha", log)
        with pytest.raises(ValueError, match="a sweep needs images, got frames of"):
            read_untracked(path)


class TestScan:
    def test_frames_are_enough(self, tmp_path, sweep):
        with h5py.File(tmp_path / "scan.h5", "w") as scan:
            scan["frames"] = sweep.frames
        found = read_untracked(tmp_path / "scan.h5")
        np.testing.assert_array_equal(found.frames[:], sweep.frames)
        np.testing.assert_allclose(np.diff(found.time_s), 1 / 20)


class TestClarius:
    def test_lines_become_columns_and_the_log_beside_is_read(self, tmp_path, rng, sweep):
        path = clarius_files(tmp_path, rng)
        clarius.write_imu(sweep.imu, tmp_path / "hip_imu.yml")
        found = read_untracked(path)
        samples = clarius.read_raw(path).samples
        np.testing.assert_array_equal(found.frames[3], samples[3].T)
        assert found.frames.shape == (8, SAMPLES, LINES)
        assert len(found.imu.time_s) == len(sweep.imu.time_s)
        assert found.imu.T_imu_to_probe is None

    def test_without_a_log_there_is_no_sensor_until_one_is_named(self, tmp_path, rng, sweep):
        path = clarius_files(tmp_path, rng)
        assert read_untracked(path).imu is None
        log = clarius.write_imu(sweep.imu, tmp_path / "other.yml")
        assert read_untracked(path, imu=log).imu is not None

    def test_lines_that_spread_are_warned_of(self, tmp_path, rng, caplog):
        read_untracked(clarius_files(tmp_path, rng, angle_deg=10.0))
        assert "the lines are not parallel" in caplog.text

    def test_other_samples_than_an_envelope_are_refused(self, tmp_path, rng):
        samples = rng.integers(-99, 99, (8, LINES, SAMPLES), dtype=np.int16)
        path = clarius_files(tmp_path, rng, samples=samples, kind="rf", sample_bytes=2)
        with pytest.raises(ValueError, match="made of an envelope, got rf samples"):
            read_untracked(path)

    @pytest.mark.real
    def test_the_open_recording_has_pictures(self, real_file):
        real_file("clarius/doppler/carotid_env.yml")
        found = read_untracked(real_file("clarius/doppler/carotid_env.raw"))
        count, height, width = found.frames.shape
        assert (count, found.imu) == (1, None)
        assert height > width > 100
        assert np.ptp(found.frames[0]) > 100


class TestMounting:
    def test_is_given_to_the_sensor(self, tmp_path, sweep):
        bare = replace(sweep, imu=replace(sweep.imu, T_imu_to_probe=None))
        path = metafile.write(tmp_path / "a.igs.mha", metafile.from_sweep(bare))
        (tmp_path / "m.json").write_text(json.dumps({"T_imu_to_probe": T_IMU_TO_PROBE.tolist()}))
        found = read_untracked(path, mounting=read_mounting(tmp_path / "m.json"))
        np.testing.assert_array_equal(found.imu.T_imu_to_probe, T_IMU_TO_PROBE)

    def test_without_a_sensor_is_refused(self, tmp_path, sweep):
        bare = metafile.from_sweep(replace(sweep, imu=None))
        path = metafile.write(tmp_path / "a.igs.mha", bare)
        with pytest.raises(ValueError, match="a mounting needs an inertial sensor"):
            read_untracked(path, mounting=np.eye(4))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{}", "must be JSON with T_imu_to_probe"),
            ("nothing", "must be JSON with T_imu_to_probe"),
            ('{"T_imu_to_probe": [1, 2]}', "must be JSON with T_imu_to_probe"),
            (json.dumps({"T_imu_to_probe": (2 * np.eye(4)).tolist()}), "m.json: T_imu_to_probe"),
        ],
    )
    def test_that_is_none_is_refused(self, tmp_path, content, message):
        (tmp_path / "m.json").write_text(content)
        with pytest.raises(ValueError, match=message):
            read_mounting(tmp_path / "m.json")

    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="m.json is missing"):
            read_mounting(tmp_path / "m.json")


class TestRefusals:
    def test_a_missing_file_is_told(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="none.raw is missing"):
            read_untracked(tmp_path / "none.raw")

    def test_another_ending_is_refused(self, tmp_path):
        (tmp_path / "a.avi").write_bytes(b"RIFF")
        with pytest.raises(ValueError, match=r"must end in one of .*\.h5, \.raw"):
            read_untracked(tmp_path / "a.avi")
