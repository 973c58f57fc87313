"""How the channels of a window are laid out for networks that look at its frames one by one.

Decides the order of the window tensors that all networks share: frame by frame, each frame
with all its channels (intensity first, then what belongs to the step to the next frame:
optical flow, correlation). The last frame starts no step, so its step channels are zero.
Deliberately decides neither which channels there are nor what a network does with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def channels_per_frame(in_channels: int, step_count: int, numbers_per_step: int = 1) -> int:
    """Return how many channels a frame of the window has, after checking a network's ends.

    Parameters
    ----------
    in_channels : int
        Channels of the whole window.
    step_count : int
        Steps between its frames: one less than frames.
    numbers_per_step : int
        Outputs per step, checked only.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a number is not positive, or the frames would not have equally many channels.
    """
    for name, value in (
        ("in_channels", in_channels),
        ("step_count", step_count),
        ("numbers_per_step", numbers_per_step),
    ):
        if value < 1:
            raise ValueError(f"{name} must be positive, got {value}")
    if in_channels % (step_count + 1):
        raise ValueError(
            f"in_channels must be a multiple of the {step_count + 1} frames of {step_count} "
            f"steps, got {in_channels}"
        )
    return in_channels // (step_count + 1)


def frames_of(windows: torch.Tensor, step_count: int) -> torch.Tensor:
    """Separate the frames of windows.

    Parameters
    ----------
    windows : torch.Tensor (B, C, H, W)
        Channels frame by frame.
    step_count : int

    Returns
    -------
    torch.Tensor (B, step_count + 1, c, H, W)
        A view where the memory layout allows one.

    Raises
    ------
    ValueError
        If the windows have no four axes, or their channels do not divide into the frames.
    """
    if windows.ndim != 4:
        raise ValueError(f"windows must be (B, C, H, W), got {tuple(windows.shape)}")
    channels = channels_per_frame(windows.shape[1], step_count)
    return windows.unflatten(1, (step_count + 1, channels))


def pairs_of(windows: torch.Tensor, step_count: int) -> torch.Tensor:
    """Put the two frames of each step side by side.

    Parameters
    ----------
    windows : torch.Tensor (B, C, H, W)
        Channels frame by frame.
    step_count : int

    Returns
    -------
    torch.Tensor (B * step_count, 2 c, H, W)
        Step by step within each window: all channels of the earlier frame, then all of the
        later one. The later frame's own flow leads out of the pair; it is kept, because it
        is a glimpse of what follows (zero at the window's end).

    Raises
    ------
    ValueError
        As for `frames_of`.
    """
    import torch

    frames = frames_of(windows, step_count)
    return torch.cat([frames[:, :-1], frames[:, 1:]], dim=2).flatten(0, 1)
