"""Windows: which there are, where each channel goes, and what turning them around does."""

from dataclasses import replace

import numpy as np
import pytest
from made_recordings import recording
from made_sweeps import made_sweep

from hipus import geometry
from hipus.motion.flow import optical_flow
from hipus.motion.poses import mirrored, steps
from hipus.motion.preparation import prepare
from hipus.motion.windows import FLOW_SIDE_SHARE, Windows

PX = 16


@pytest.fixture
def sweeps(rng):
    """Return two sweeps of 9 and 7 frames with a further map."""
    return [
        made_sweep(rng, name, count=count, px=PX).with_extra(
            likeness=rng.random((count - 1, PX, PX)),
            likeness_lag2=rng.random((count - 1, PX, PX)),
        )
        for name, count in (("S001", 9), ("S002", 7))
    ]


def lose(sweep, *frames):
    """Return a sweep whose tracker saw nothing in some frames."""
    poses = sweep.T_centre_to_world.copy()
    poses[list(frames)] = np.nan
    return replace(sweep, T_centre_to_world=poses)


class TestWhichThereAre:
    def test_every_run_of_neighbours_is_one(self, sweeps):
        windows = Windows(sweeps, frames=6)
        assert len(windows) == 4 + 2
        assert list(windows.sweep_index) == [0, 0, 0, 0, 1, 1]
        assert list(windows.start) == [0, 1, 2, 3, 0, 1]
        assert set(windows.stride) == {1}
        assert (windows.input_px, windows.in_channels) == (PX, 18)

    def test_skipping_frames_gives_fewer_and_longer_ones(self, sweeps):
        windows = Windows(sweeps, frames=4, strides=(1, 2))
        found = list(zip(windows.sweep_index, windows.start, windows.stride, strict=True))
        assert [row for row in found if row[2] == 2] == [(0, 0, 2), (0, 1, 2), (0, 2, 2), (1, 0, 2)]
        assert len(found) == 6 + 4 + 4

    def test_a_stride_that_fits_no_sweep_gives_no_window(self, sweeps):
        windows = Windows(sweeps, frames=2, strides=(1, 9))
        assert set(windows.stride) == {1}

    def test_windows_that_touch_a_lost_frame_are_not_trained_on(self, sweeps):
        windows = Windows([lose(sweeps[0], 2), sweeps[1]], frames=6, strides=(1,))
        assert list(windows.trainable) == [3, 4, 5]
        strided = Windows([lose(sweeps[0], 3), sweeps[1]], frames=3, strides=(2,))
        # Frames 0 2 4, 1 3 5, 2 4 6, 3 5 7, 4 6 8 of the first sweep.
        assert list(strided.trainable[:3]) == [0, 2, 4]

    def test_an_untracked_sweep_has_windows_and_none_to_train_on(self, sweeps):
        windows = Windows([lose(sweeps[0], *range(9))])
        assert len(windows) == 4
        assert len(windows.trainable) == 0


class TestCovering:
    def test_overlapping_windows_are_all_of_them(self, sweeps):
        assert list(Windows(sweeps, frames=6).covering(1)) == [4, 5]

    @pytest.mark.parametrize(("frames", "starts"), [(5, [0, 4]), (4, [0, 3, 5]), (6, [0, 3])])
    def test_others_meet_at_a_frame_and_the_last_ends_with_the_sweep(self, sweeps, frames, starts):
        windows = Windows(sweeps, frames=frames, strides=(2, 1))
        found = windows.covering(0, is_overlapping=False)
        assert list(windows.start[found]) == starts
        held = {step for start in starts for step in range(start, start + frames - 1)}
        assert held == set(range(8))

    def test_nothing_is_covered_by_skipping(self, sweeps):
        with pytest.raises(ValueError, match=r"strides must hold 1 to cover a sweep, got \(2,\)"):
            Windows(sweeps, frames=3, strides=(2,)).covering(0)


class TestInputs:
    def test_channels_stand_frame_by_frame(self, sweeps):
        channels = ("flow_v", "intensity", "likeness", "flow_u")
        windows = Windows(sweeps, frames=3, channels=channels)
        index = int(np.flatnonzero((windows.sweep_index == 1) & (windows.start == 2))[0])
        batch = windows.inputs([0, index])
        assert batch.shape == (2, 12, PX, PX)
        assert batch.dtype == np.float32
        sweep = sweeps[1]
        grey = (sweep.thumbnails - sweep.thumbnails.mean()) / sweep.thumbnails.std()
        flow = sweep.flow / (FLOW_SIDE_SHARE * PX)
        for frame in range(3):
            is_last = frame == 2
            expected = {
                "flow_v": 0 * grey[0] if is_last else flow[2 + frame, 1],
                "intensity": grey[2 + frame],
                "likeness": 0 * grey[0] if is_last else sweep.extra["likeness"][2 + frame],
                "flow_u": 0 * grey[0] if is_last else flow[2 + frame, 0],
            }
            for place, name in enumerate(channels):
                plane = batch[1, 4 * frame + place]
                np.testing.assert_allclose(plane, expected[name], atol=2e-6)

    def test_grey_values_are_standardised_over_their_sweep(self, sweeps):
        darker = replace(sweeps[0], thumbnails=0.2 * sweeps[0].thumbnails + 0.1)
        windows = Windows([sweeps[0], darker], frames=9, channels=("intensity",))
        one, other = windows.inputs([0, 1])
        np.testing.assert_allclose(one, other, atol=1e-4)
        assert one.mean() == pytest.approx(0, abs=1e-4)
        assert one.std() == pytest.approx(1, abs=1e-4)

    def test_channels_vary_fastest_in_memory(self, sweeps):
        batch = Windows(sweeps).inputs([0, 3])
        assert batch.transpose(0, 2, 3, 1).flags.c_contiguous

    def test_torch_takes_them_as_channels_last_without_a_copy(self, sweeps):
        torch = pytest.importorskip("torch")
        batch = Windows(sweeps).inputs([0, 3, 5])
        tensor = torch.from_numpy(batch)
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        assert tensor.data_ptr() == batch.ctypes.data

    def test_flow_over_skipped_frames_is_computed_anew(self, rng):
        one = prepare(recording(rng), input_px=32, side="right", sweep_type="p_a")
        windows = Windows([one], frames=3, channels=("flow_u", "flow_v"), strides=(2,))
        small = np.round(255 * one.thumbnails).astype(np.uint8)
        expected = optical_flow(small[1:6:2]) / (FLOW_SIDE_SHARE * 32)
        found = windows.inputs([1])[0].reshape(3, 2, 32, 32)
        np.testing.assert_allclose(found[:2], expected, rtol=1e-5)

    def test_further_maps_over_skipped_frames_are_looked_up_by_their_lag(self, sweeps):
        windows = Windows(sweeps, frames=3, channels=("likeness",), strides=(2,))
        found = windows.inputs([1])[0]
        expected = sweeps[0].extra["likeness_lag2"][[1, 3]]
        np.testing.assert_array_equal(found[:2], expected)


class TestTargets:
    def test_they_are_the_tracked_steps(self, sweeps):
        windows = Windows(sweeps, frames=4)
        index = np.flatnonzero(windows.sweep_index == 1)
        found = windows.targets(index)
        assert found.shape == (4, 3, 4, 4)
        expected = steps(sweeps[1].T_centre_to_world)
        for window, start in zip(found, range(4), strict=True):
            np.testing.assert_allclose(window, expected[start : start + 3], atol=1e-9)

    def test_over_skipped_frames_they_are_products_of_steps(self, sweeps):
        windows = Windows(sweeps, frames=3, strides=(2,))
        single = steps(sweeps[0].T_centre_to_world)
        expected = [single[1] @ single[2], single[3] @ single[4]]
        np.testing.assert_allclose(windows.targets([1])[0], expected, atol=1e-9)

    def test_a_lost_frame_leaves_its_steps_unknown(self, sweeps):
        found = Windows([lose(sweeps[0], 2)], frames=6).targets([0])[0]
        assert list(np.isnan(found).any(axis=(1, 2))) == [False, True, True, False, False]


class TestTurningAround:
    @pytest.fixture
    def backwards(self, rng):
        """Return a prepared sweep whose texture flows, and the same played backwards."""
        sweep = recording(rng)
        frames = np.stack([np.roll(sweep.frames[0], i // 2, axis=1) for i in range(len(sweep))])
        sweep = replace(sweep, frames=frames, imu=None)
        turned = replace(
            sweep,
            frames=frames[::-1].copy(),
            T_probe_to_reference=sweep.T_probe_to_reference[::-1].copy(),
        )
        return [prepare(one, input_px=32, side="right") for one in (sweep, turned)]

    def test_played_backwards_it_is_the_sweep_recorded_backwards(self, backwards):
        forth, back = (Windows([one]) for one in backwards)
        same = len(forth) - 1 - 3
        found = forth.inputs([3], is_reversed=[True])[0].reshape(6, 3, 32, 32)
        wanted = back.inputs([same])[0].reshape(6, 3, 32, 32)
        np.testing.assert_allclose(found[:, 0], wanted[:, 0], atol=1e-5)
        # The negated flow stands in for the flow backwards: alike, not equal.
        inside = (slice(None), slice(1, None), slice(8, -8), slice(8, -8))
        unit_px = FLOW_SIDE_SHARE * 32
        assert np.median(np.abs(found[inside] - wanted[inside])) * unit_px < 0.05
        moved = np.abs(np.median(wanted[:2, 1], axis=(-2, -1)))
        assert moved.max() * unit_px > 0.2

    def test_its_motion_is_the_inverse_in_reversed_order(self, backwards):
        forth, back = (Windows([one]) for one in backwards)
        same = len(forth) - 1 - 12
        found = forth.targets([12], is_reversed=[True])
        np.testing.assert_allclose(found, back.targets([same]), atol=1e-9)
        inverse = geometry.invert(forth.targets([12])[0, ::-1])
        np.testing.assert_allclose(found[0], inverse, atol=1e-9)
        assert (found[0, :, 2, 3] < 0).all()

    def test_in_the_mirror_it_travels_forth_again(self, backwards):
        windows = Windows([backwards[0]])
        found = windows.targets([12, 12], is_reversed=[True, False], is_mirrored=[True, False])
        assert (found[:, :, 2, 3] > 0).all()
        np.testing.assert_allclose(
            found[0], mirrored(windows.targets([12], is_reversed=[True]))[0], atol=1e-9
        )

    def test_only_the_asked_windows_are_turned(self, sweeps):
        windows = Windows(sweeps)
        plain = windows.inputs([0, 1, 2])
        mixed = windows.inputs([0, 1, 2], is_reversed=[False, True, False])
        np.testing.assert_array_equal(mixed[[0, 2]], plain[[0, 2]])
        assert not np.array_equal(mixed[1], plain[1])

    def test_reversed_pairs_stand_with_the_frame_they_begin_at(self, sweeps):
        windows = Windows(sweeps, frames=3, channels=("likeness", "flow_u"))
        found = windows.inputs([1], is_reversed=[True])[0].reshape(3, 2, PX, PX)
        np.testing.assert_array_equal(found[0, 0], sweeps[0].extra["likeness"][2])
        np.testing.assert_array_equal(found[1, 0], sweeps[0].extra["likeness"][1])
        np.testing.assert_allclose(
            found[0, 1], -sweeps[0].flow[2, 0] / (FLOW_SIDE_SHARE * PX), rtol=1e-6
        )
        assert not found[2].any()


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"channels": ()}, r"channels must be different names, at least one, got \(\)"),
            ({"channels": ("intensity",) * 2}, "channels must be different names"),
            ({"channels": ("sound",)}, r"S001/p_a has no map 'sound', only \['likeness',"),
            ({"channels": ("likeness",), "strides": (3,)}, "has no map 'likeness_lag3'"),
            ({"frames": 1}, "frames must be >= 2 for a step, got 1"),
            ({"frames": 8}, "S002/p_a must have at least 8 frames, got 7"),
            ({"strides": ()}, "strides must be different and >= 1 frame"),
            ({"strides": (0,)}, r"strides must be different and >= 1 frame, got \(0,\)"),
            ({"strides": (1, 1)}, "strides must be different"),
        ],
    )
    def test_what_cannot_be_windowed_is_named(self, sweeps, options, message):
        with pytest.raises(ValueError, match=message):
            Windows(sweeps, **options)

    def test_no_sweep_is_refused(self):
        with pytest.raises(ValueError, match="windows need at least one sweep, got none"):
            Windows([])

    def test_sizes_that_differ_are_refused(self, sweeps, rng):
        message = r"one size, got \(20, 20\) in S003/p_a and \(16, 16\) in S001/p_a"
        with pytest.raises(ValueError, match=message):
            Windows([*sweeps, made_sweep(rng, "S003", px=20)])
