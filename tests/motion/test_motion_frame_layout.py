"""The channels of a window, frame by frame."""

import pytest
import torch

from hipus.motion import frame_layout


def numbered_windows():
    """Return two windows of three frames with two channels; each channel holds one number."""
    values = torch.tensor([[10, 11, 20, 21, 30, 31], [40, 41, 50, 51, 60, 61]])
    return values.float()[:, :, None, None].expand(2, 6, 3, 5)


class TestChannelsPerFrame:
    @pytest.mark.parametrize(
        ("channels", "steps", "each"), [(18, 5, 3), (6, 1, 3), (5, 4, 1), (2, 1, 1)]
    )
    def test_divides_the_channels_among_the_frames(self, channels, steps, each):
        assert frame_layout.channels_per_frame(channels, steps) == each

    def test_refuses_channels_that_do_not_divide(self):
        with pytest.raises(ValueError, match="multiple of the 6 frames of 5 steps, got 17"):
            frame_layout.channels_per_frame(17, 5)

    @pytest.mark.parametrize(
        ("ends", "name"),
        [((0, 1, 9), "in_channels"), ((6, 0, 9), "step_count"), ((6, 1, 0), "numbers_per_step")],
    )
    def test_refuses_numbers_that_are_not_positive(self, ends, name):
        with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
            frame_layout.channels_per_frame(*ends)


class TestFramesOf:
    def test_keeps_each_frame_with_its_channels(self):
        frames = frame_layout.frames_of(numbered_windows(), 2)
        assert frames.shape == (2, 3, 2, 3, 5)
        assert frames[:, :, :, 0, 0].tolist() == [
            [[10, 11], [20, 21], [30, 31]],
            [[40, 41], [50, 51], [60, 61]],
        ]

    def test_does_not_depend_on_the_memory_layout(self):
        windows = torch.arange(2 * 6 * 3 * 5.0).reshape(2, 6, 3, 5)
        inside_out = windows.contiguous(memory_format=torch.channels_last)
        assert torch.equal(
            frame_layout.frames_of(inside_out, 2), frame_layout.frames_of(windows, 2)
        )

    def test_refuses_windows_without_four_axes(self):
        with pytest.raises(ValueError, match=r"windows must be \(B, C, H, W\), got \(2, 6, 3\)"):
            frame_layout.frames_of(torch.zeros(2, 6, 3), 2)


class TestPairsOf:
    def test_puts_each_frame_beside_the_next_one_step_by_step(self):
        pairs = frame_layout.pairs_of(numbered_windows(), 2)
        assert pairs.shape == (4, 4, 3, 5)
        assert pairs[:, :, 0, 0].tolist() == [
            [10, 11, 20, 21],
            [20, 21, 30, 31],
            [40, 41, 50, 51],
            [50, 51, 60, 61],
        ]
