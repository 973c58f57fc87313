"""What a sweep promises, and what it refuses."""

import dataclasses

import numpy as np
import pytest

from hipus import geometry
from hipus.sweep import FrameStack, Imu, Sweep, check_times


class LazyFrames:
    """Frames that remember which slices were read."""

    shape = (10, 4, 6)
    dtype = np.dtype(np.uint8)

    def __init__(self):
        self.read = []

    def __getitem__(self, key):
        self.read.append(key)
        return np.full((len(range(10)[key]), 4, 6), 7, np.uint8)


def sweep_of(frames, **changes):
    """Return a valid sweep over frames, with changes."""
    count = frames.shape[0]
    given = {
        "time_s": 0.1 * np.arange(count),
        "T_probe_to_reference": np.tile(np.eye(4), (count, 1, 1)),
        **changes,
    }
    return Sweep(frames=frames, **given)


class TestPoses:
    def test_validity_follows_from_the_poses(self, tiny_sweep):
        assert tiny_sweep.is_valid.tolist() == [True] * 3 + [False] + [True] * 3

    def test_image_pose_is_probe_pose_after_calibration(self, tiny_sweep):
        T = tiny_sweep.T_pixel_to_reference
        corner = geometry.apply(tiny_sweep.T_pixel_to_probe, [8.0, 4.0, 0.0])
        expected = geometry.apply(tiny_sweep.T_probe_to_reference[5], corner)
        assert geometry.apply(T[5], [8.0, 4.0, 0.0]) == pytest.approx(expected)

    def test_image_pose_is_nan_where_the_sweep_is_invalid_although_the_pose_is_there(
        self, tiny_sweep
    ):
        is_valid = tiny_sweep.is_valid.copy()
        is_valid[0] = False
        T = dataclasses.replace(tiny_sweep, is_valid=is_valid).T_pixel_to_reference
        assert np.isnan(T).all(axis=(1, 2)).tolist() == (~is_valid).tolist()

    def test_spacing_is_taken_from_an_anisotropic_calibration(self, tiny_sweep):
        assert tiny_sweep.pixel_spacing_xy_mm == pytest.approx((0.3, 0.7))

    def test_uncalibrated_sweep_has_no_image_pose(self):
        sweep = sweep_of(np.zeros((3, 4, 6), np.uint8), sweep_id="left_graf")
        assert sweep.pixel_spacing_xy_mm is None
        with pytest.raises(ValueError, match="sweep 'left_graf' has no T_pixel_to_probe"):
            sweep.T_pixel_to_reference  # noqa: B018

    def test_stored_poses_are_not_the_caller_s(self):
        poses = np.tile(np.eye(4), (3, 1, 1))
        sweep = sweep_of(np.zeros((3, 4, 6), np.uint8), T_probe_to_reference=poses)
        poses[:] = 9
        assert np.array_equal(sweep.T_probe_to_reference[0], np.eye(4))


class TestFrames:
    def test_lazy_frames_are_read_block_by_block_only(self):
        frames = LazyFrames()
        sweep = sweep_of(frames)
        assert isinstance(frames, FrameStack)
        assert frames.read == []
        blocks = list(sweep.blocks(4))
        assert [part for part, _ in blocks] == [slice(0, 4), slice(4, 8), slice(8, 10)]
        assert [len(block) for _, block in blocks] == [4, 4, 2]
        assert frames.read == [slice(0, 4), slice(4, 8), slice(8, 10)]

    def test_blocks_need_a_size(self, tiny_sweep):
        with pytest.raises(ValueError, match="size must be >= 1 frame, got 0"):
            next(tiny_sweep.blocks(0))

    def test_select_keeps_frames_times_poses_and_validity_together(self, tiny_sweep):
        part = tiny_sweep.select(slice(2, 6))
        assert len(part) == 4
        assert np.array_equal(part.frames, tiny_sweep.frames[2:6])
        assert part.time_s == pytest.approx(tiny_sweep.time_s[2:6])
        assert part.is_valid.tolist() == [True, False, True, True]
        assert part.T_probe_to_reference[3] == pytest.approx(tiny_sweep.T_probe_to_reference[5])
        assert part.sweep_id == "tiny"

    def test_select_of_nothing_is_refused(self, tiny_sweep):
        with pytest.raises(ValueError, match="leaves none of 7 frames"):
            tiny_sweep.select(slice(7, 9))

    @pytest.mark.parametrize(
        ("frames", "fault"),
        [
            (np.zeros((4, 6), np.uint8), r"frames must be \(N, H, W\), got \(4, 6\)"),
            (np.zeros((0, 4, 6), np.uint8), "frames must hold at least one frame, got 0"),
            (np.zeros((2, 0, 6), np.uint8), r"at least one pixel, got \(2, 0, 6\)"),
            (np.zeros((2, 4, 6), np.float32), "frames must be uint8, got float32"),
        ],
    )
    def test_wrong_frames_are_refused(self, frames, fault):
        with pytest.raises(ValueError, match=fault):
            sweep_of(frames)


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"time_s": [0.0, 0.1]}, r"time_s must be \(3,\), got \(2,\)"),
            ({"time_s": [0.0, 0.1, 0.1]}, "repeats at sample 2: 0.100000 then 0.100000 s"),
            ({"time_s": [0.0, 0.2, 0.1]}, "steps back at sample 2: 0.200000 then 0.100000 s"),
            ({"time_s": [0.0, np.nan, 0.1]}, "time_s must be finite, got nan"),
            (
                {"T_probe_to_reference": np.tile(np.eye(4), (2, 1, 1))},
                r"T_probe_to_reference must be \(3, 4, 4\), got \(2, 4, 4\)",
            ),
            (
                {"T_probe_to_reference": np.stack([np.eye(4), np.eye(4), np.diag([1, 1, -1, 1])])},
                r"T_probe_to_reference\[2\] is a reflection",
            ),
            ({"is_valid": [True, True]}, r"is_valid must be \(3,\), got \(2,\)"),
            (
                {
                    "is_valid": [True] * 3,
                    "T_probe_to_reference": np.stack([np.eye(4), np.full((4, 4), np.nan)] * 2)[:3],
                },
                "is_valid is True at frame 1, whose pose is NaN",
            ),
            (
                {"T_pixel_to_probe": np.diag([0.1, 0.1, 0, 1])},
                "T_pixel_to_probe must be invertible",
            ),
            (
                {"pixel_spacing_xy_mm": (0.1, 0.0)},
                r"pixel_spacing_xy_mm must be 2 positive numbers, got \(0.1, 0.0\)",
            ),
            (
                {"pixel_spacing_xy_mm": (0.1, 0.1, 0.1)},
                "pixel_spacing_xy_mm must be 2 positive numbers",
            ),
        ],
    )
    def test_message_names_the_fault(self, changes, fault):
        with pytest.raises(ValueError, match=fault):
            sweep_of(np.zeros((3, 4, 6), np.uint8), **changes)


class TestImu:
    time_s = np.array([0.0, 0.012, 0.5])

    def test_keeps_its_own_times_and_mounting(self):
        T = geometry.transform(None, [1, 2, 3])
        imu = Imu(self.time_s, np.zeros((3, 3)), np.tile([0, 0, 9.81], (3, 1)), T)
        assert imu.time_s.tolist() == self.time_s.tolist()
        assert imu.T_imu_to_probe[:3, 3].tolist() == [1, 2, 3]

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"time_s": [0.0, 0.2, 0.1]}, "imu.time_s must increase strictly"),
            (
                {"angular_velocity_rad_s": np.zeros((2, 3))},
                r"imu.angular_velocity_rad_s must be \(3, 3\), got \(2, 3\)",
            ),
            (
                {"angular_velocity_rad_s": np.diag([1, np.nan, 1])},
                r"imu.angular_velocity_rad_s must be finite, got \[.*nan.*\] at sample 1",
            ),
            ({"acceleration_m_s2": np.zeros(3)}, r"imu.acceleration_m_s2 must be \(3, 3\)"),
            ({"T_imu_to_probe": 2 * np.eye(4)}, "imu.T_imu_to_probe must end in the row 0 0 0 1"),
        ],
    )
    def test_message_names_the_fault(self, changes, fault):
        given = {
            "time_s": self.time_s,
            "angular_velocity_rad_s": np.zeros((3, 3)),
            "acceleration_m_s2": np.zeros((3, 3)),
            **changes,
        }
        with pytest.raises(ValueError, match=fault):
            Imu(**given)


class TestCheckTimes:
    def test_integers_become_seconds(self):
        assert check_times([1, 2, 4]).dtype == np.float64

    def test_a_table_of_times_is_refused(self):
        with pytest.raises(ValueError, match=r"video_time_s must be \(N,\), got \(2, 2\)"):
            check_times([[0, 1], [2, 3]], "video_time_s")
