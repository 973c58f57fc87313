"""Recordings of every format become the same kind of sweep."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_hospital import T_PIXEL_TO_PROBE, save_cine, save_sweep, speckle, turning_sweep

from hipus.formats import clarius, metafile, tusrec
from hipus.formats.sequence import from_sweep
from hipus.intake.recordings import read_calibration, read_recording


@pytest.fixture
def sweep(rng):
    """Return a tracked sweep."""
    return turning_sweep(rng, count=30)


class TestSequences:
    def test_a_tracked_one_keeps_all_that_counts(self, sweep, tmp_path):
        found = read_recording(save_sweep(tmp_path / "a.igs.mha", sweep), {})
        assert found.is_tracked
        np.testing.assert_array_equal(found.sweep.frames[:], sweep.frames)
        np.testing.assert_array_equal(found.sweep.T_probe_to_reference, sweep.T_probe_to_reference)
        np.testing.assert_array_equal(found.sweep.T_pixel_to_probe, T_PIXEL_TO_PROBE)
        np.testing.assert_array_equal(found.sweep.imu.time_s, sweep.imu.time_s)

    def test_without_transforms_nobody_tracked_it(self, sweep, tmp_path):
        sequence = replace(from_sweep(sweep), transforms={})
        found = read_recording(metafile.write(tmp_path / "a.igs.mha", sequence), {})
        assert not found.is_tracked
        assert not found.sweep.is_valid.any()
        assert found.sweep.pixel_spacing_xy_mm == pytest.approx((0.5, 0.4))

    def test_names_of_frames_can_be_stated(self, sweep, tmp_path):
        sequence = from_sweep(sweep)
        renamed = {"StylusToTracker": sequence.transforms["ProbeToReference"]}
        path = metafile.write(tmp_path / "a.igs.mha", replace(sequence, transforms=renamed))
        with pytest.raises(ValueError, match="no chain of transforms"):
            read_recording(path, {})
        found = read_recording(path, {"probe": "Stylus", "reference": "Tracker"})
        assert found.is_tracked


class TestScans:
    def test_the_calibration_beside_it_is_taken(self, sweep, tmp_path):
        tusrec.write(sweep, tmp_path / "a.h5", dtype=np.float64)
        tusrec.write_calibration(T_PIXEL_TO_PROBE, tmp_path / "calib_matrix.csv")
        found = read_recording(tmp_path / "a.h5", {})
        assert found.is_tracked
        np.testing.assert_allclose(found.sweep.T_pixel_to_probe, T_PIXEL_TO_PROBE, atol=1e-12)
        np.testing.assert_array_equal(found.sweep.time_s, sweep.time_s)

    def test_without_any_there_is_no_scale(self, sweep, tmp_path):
        tusrec.write(sweep, tmp_path / "a.h5")
        with pytest.raises(ValueError, match="holds no scale: state pixel_mm or calibration"):
            read_recording(tmp_path / "a.h5", {})


class TestClarius:
    @pytest.fixture
    def probe(self, rng, tmp_path):
        """Return a recording of 6 frames of 8 lines of 10 samples, its log beside it."""
        count, lines, depth = 6, 8, 10
        header = clarius.Header(
            frames=count,
            lines=lines,
            samples_per_line=depth,
            sample_bytes=1,
            frame_rate_hz=10.0,
            transmit_frequency_hz=10e6,
            sampling_rate_hz=15e6,
            imaging_depth_mm=30.0,
            focal_depth_mm=15.0,
            delay_samples=16,
            line_element=np.arange(float(lines)),
            line_angle_deg=np.zeros(lines),
        )
        samples = rng.integers(0, 256, (count, lines, depth), dtype=np.uint8)
        found = clarius.ClariusRecording(samples, 300 + 0.1 * np.arange(count), header)
        clarius.write_raw(found, tmp_path / "hip_env.raw")
        imu = turning_sweep(rng, count=9).imu
        clarius.write_imu(replace(imu, time_s=imu.time_s + 300), tmp_path / "hip_imu.yml")
        return tmp_path / "hip_env.raw", samples

    def test_lines_stand_side_by_side_and_the_log_beside_is_read(self, probe):
        path, samples = probe
        found = read_recording(path, {"pixel_mm": "0.3 0.1"})
        assert found.sweep.frames.shape == (6, 10, 8)
        np.testing.assert_array_equal(found.sweep.frames[2, :, 5], samples[2, 5])
        assert found.sweep.pixel_spacing_xy_mm == (0.3, 0.1)
        assert found.sweep.imu.time_s[0] == pytest.approx(299.5)
        assert not found.is_tracked

    def test_a_lateral_scale_must_be_stated(self, probe):
        with pytest.raises(ValueError, match="holds no scale"):
            read_recording(probe[0], {})


class TestCines:
    def test_frames_times_and_scale_come_from_the_file(self, rng, tmp_path):
        frames = speckle(rng, count=5)
        found = read_recording(save_cine(tmp_path / "a.dcm", frames), {})
        np.testing.assert_array_equal(found.sweep.frames, frames)
        np.testing.assert_allclose(found.sweep.time_s, 0.05 * np.arange(5))
        assert found.sweep.pixel_spacing_xy_mm == (0.5, 0.4)
        assert not found.is_tracked

    def test_a_placeholder_is_no_scale(self, rng, tmp_path):
        path = save_cine(tmp_path / "a.dcm", speckle(rng, count=3), PixelSpacing=[1, 1])
        with pytest.raises(ValueError, match="holds no scale"):
            read_recording(path, {})
        assert read_recording(path, {"pixel_mm": "0.2"}).sweep.pixel_spacing_xy_mm == (0.2, 0.2)
        stated = {"pixel_mm": "0.2 0.3"}
        assert read_recording(path, stated).sweep.pixel_spacing_xy_mm == (0.2, 0.3)

    def test_without_times_a_rate_is_stated(self, rng, tmp_path):
        path = save_cine(tmp_path / "a.dcm", speckle(rng, count=3), FrameTime=None)
        with pytest.raises(ValueError, match="states no frame time: state frame_rate_hz"):
            read_recording(path, {})
        found = read_recording(path, {"frame_rate_hz": "10"})
        np.testing.assert_allclose(found.sweep.time_s, [0, 0.1, 0.2])


class TestStated:
    def test_a_stated_calibration_stands_against_the_files(self, sweep, tmp_path):
        other = np.diag([0.3, 0.3, 0.3, 1.0])
        (tmp_path / "c.json").write_text(json.dumps({"T_pixel_to_probe": other.tolist()}))
        path = save_sweep(tmp_path / "a.igs.mha", sweep)
        found = read_recording(path, {"calibration": str(tmp_path / "c.json")})
        np.testing.assert_array_equal(found.sweep.T_pixel_to_probe, other)
        assert found.sweep.pixel_spacing_xy_mm == pytest.approx((0.3, 0.3))

    def test_a_mounting_is_put_to_the_sensor(self, sweep, tmp_path):
        (tmp_path / "m.json").write_text(json.dumps({"T_imu_to_probe": np.eye(4).tolist()}))
        stated = {"imu_to_probe": str(tmp_path / "m.json")}
        found = read_recording(save_sweep(tmp_path / "a.igs.mha", sweep), stated)
        np.testing.assert_array_equal(found.sweep.imu.T_imu_to_probe, np.eye(4))
        path = save_sweep(tmp_path / "b.igs.mha", replace(sweep, imu=None))
        with pytest.raises(ValueError, match="imu_to_probe needs an inertial sensor"):
            read_recording(path, stated)

    def test_an_inertial_log_of_its_own_is_read(self, sweep, tmp_path):
        log = clarius.write_imu(replace(sweep.imu, time_s=sweep.imu.time_s + 1), tmp_path / "i.yml")
        path = save_sweep(tmp_path / "a.igs.mha", replace(sweep, imu=None))
        found = read_recording(path, {"imu": str(log)})
        assert len(found.sweep.imu.time_s) == len(sweep.imu.time_s)

    def test_numbers_that_are_none(self, rng, tmp_path):
        path = save_cine(tmp_path / "a.dcm", speckle(rng, count=3))
        for stated in ({"pixel_mm": "small"}, {"frame_rate_hz": "-3"}):
            with pytest.raises(ValueError, match="must be positive, got"):
                read_recording(path, stated)

    def test_unknown_endings_and_wrong_calibrations(self, tmp_path):
        with pytest.raises(ValueError, match="must end in one of"):
            read_recording(tmp_path / "a.avi", {})
        (tmp_path / "c.json").write_text('{"T_pixel_to_probe": 3}')
        with pytest.raises(ValueError, match="must be JSON with T_pixel_to_probe"):
            read_calibration(tmp_path / "c.json")
