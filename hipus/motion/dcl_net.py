"""DCL-Net (Guo et al. 2020): a 3D residual network over several frames, with attention.

Decides the layers and what was made smaller for CPUs. Deliberately does not decide the loss
(`hipus.motion.losses` has the case-wise correlation that belongs to it) nor the training.
"""

from __future__ import annotations

import torch
from torch import nn

from hipus.motion import frame_layout

WIDTH = 16
"""Filters of the first convolution; all others are multiples of it (authors: 64)."""
DEPTHS = (1, 1)
"""Residual blocks at each of the two resolutions (authors: 3 and 4)."""
CARDINALITY = 8
"""Groups of each block's middle convolution (authors: 32)."""
STEM_STRIDE = 4
"""In-plane stride of the first convolution (authors: 2, at 224 px)."""


class ResidualBlock(nn.Module):
    """A ResNeXt bottleneck in 3D: 1 x 1 x 1, grouped 3 x 3 x 3, 1 x 1 x 1, plus its input.

    Parameters
    ----------
    before : int
        Channels of the input.
    middle : int
        Channels of the grouped convolution; the output has twice as many.
    cardinality : int
        Groups.
    stride : int
        In-plane stride; the frame axis is never strided.
    """

    def __init__(self, before: int, middle: int, *, cardinality: int, stride: int = 1):
        super().__init__()
        after = 2 * middle
        strides = (1, stride, stride)
        self.branch = nn.Sequential(
            nn.Conv3d(before, middle, 1, bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, middle, 3, strides, padding=1, groups=cardinality, bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, after, 1, bias=False),
            nn.BatchNorm3d(after),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv3d(before, after, 1, strides, bias=False), nn.BatchNorm3d(after)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, before, T, H, W) to (B, 2 middle, T, H / stride, W / stride)."""
        return torch.relu(self.branch(x) + self.shortcut(x))


class Attention(nn.Module):
    """Weigh each place of each frame between 0 and 1, the same for all channels.

    Parameters
    ----------
    channels : int

    Notes
    -----
    Guo et al. (2020), section 2.2: the map is computed from the features themselves and
    multiplied into them (Hadamard product), so that places with informative speckle count
    more in the average that follows. It is not the query-key attention of transformers.
    """

    def __init__(self, channels: int):
        super().__init__()
        kernel, padding = (5, 3, 3), (2, 1, 1)
        self.score = nn.Sequential(
            nn.BatchNorm3d(channels),
            nn.Conv3d(channels, channels // 2, kernel, padding=padding),
            nn.ReLU(inplace=True),
            nn.Conv3d(channels // 2, 1, kernel, padding=padding, bias=False),
            nn.BatchNorm3d(1),
        )

    def weights(self, features: torch.Tensor) -> torch.Tensor:
        """Return the weights (B, 1, T, H, W) of features (B, channels, T, H, W)."""
        return torch.sigmoid(self.score(features))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features (B, channels, T, H, W) times their weights."""
        return features * self.weights(features)


class DclTrunk(nn.Module):
    """All of DCL-Net but its last layer.

    Parameters
    ----------
    in_channels, step_count : int
    width : int
        Filters of the first convolution, an even number.
    depths : tuple of 2 int
        Residual blocks at each of the two resolutions.
    cardinality : int
        Groups; divides twice the width.

    Attributes
    ----------
    feature_count : int
        Length of a window's features: 2 width times frames.
    """

    def __init__(
        self,
        in_channels: int,
        step_count: int,
        *,
        width: int = WIDTH,
        depths: tuple[int, int] = DEPTHS,
        cardinality: int = CARDINALITY,
    ):
        super().__init__()
        channels = frame_layout.channels_per_frame(in_channels, step_count)
        if width < 2 or width % 2 or (2 * width) % cardinality:
            raise ValueError(
                "width must be even and twice the width a multiple of cardinality, "
                f"got width={width}, cardinality={cardinality}"
            )
        self.step_count = step_count
        self.feature_count = 2 * width * (step_count + 1)
        self.stem = _stem(channels, width)
        fine = _stage(width, 2 * width, depths[0], cardinality=cardinality, stride=1)
        coarse = _stage(4 * width, 4 * width, depths[1], cardinality=cardinality, stride=2)
        self.blocks = nn.Sequential(*fine, *coarse)
        self.reduce = nn.Conv3d(8 * width, 2 * width, (5, 3, 3), (1, 2, 2), padding=(2, 1, 1))
        self.attention = Attention(2 * width)
        # Channels fastest in memory: a quarter less time on CPUs, the same numbers.
        self.to(memory_format=torch.channels_last_3d)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W), frame by frame, to (B, feature_count)."""
        frames = frame_layout.frames_of(windows, self.step_count)
        # Frames become the depth axis of the 3D convolutions.
        volume = frames.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
        features = self.blocks(self.stem(volume))
        features = self.attention(self.reduce(features))
        return features.mean(dim=(3, 4)).flatten(1)


class DclNet(nn.Module):
    """The trunk and a linear layer.

    Parameters
    ----------
    trunk : DclTrunk
    outputs : int

    Attributes
    ----------
    head : torch.nn.Linear
        The last layer; set to zero, the network predicts the mean of its targets.
    """

    def __init__(self, trunk: DclTrunk, outputs: int):
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.feature_count, outputs)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W), frame by frame, to (B, outputs)."""
        return self.head(self.trunk(windows))


def build(
    in_channels: int, step_count: int, numbers_per_step: int, *, width: int = WIDTH
) -> DclNet:
    """Build DCL-Net, made smaller for CPUs, with random weights.

    Parameters
    ----------
    in_channels : int
        Channels of the window, frame by frame.
    step_count : int
        Steps between its frames.
    numbers_per_step : int
        Rotation numbers and three of the translation.
    width : int
        Filters of the first convolution.

    Returns
    -------
    DclNet
        Maps (B, in_channels, H, W) float32 to (B, step_count * numbers_per_step); any H and
        W. With 18 channels, 5 steps, 9 numbers and width 16: 266,463 parameters.

    Raises
    ------
    ValueError
        If a number is not positive, the channels do not divide into the frames, or the
        width does not divide into the groups.

    Notes
    -----
    Guo et al. (2020), MICCAI, section 2, in the layout of the authors' public code: a
    7 x 7 x 7 convolution, ResNeXt bottlenecks (Xie et al. 2017) at two resolutions, a
    5 x 3 x 3 convolution, the attention map, an average over each frame, a linear layer.
    No layer strides over frames. Theirs: 64 filters, 3 and 4 blocks of 32 groups, first
    convolution with stride 2 and the second resolution with stride 4 at 224 px, greys only,
    and one mean transform per window. Ours: 16 filters, 1 and 1 block of 8 groups, strides
    4 and 2 (the same total), the arm's channels, and every step of the window, as the
    thesis does. The first convolution is 3 x 7 x 7.
    """
    frame_layout.channels_per_frame(in_channels, step_count, numbers_per_step)
    trunk = DclTrunk(in_channels, step_count, width=width)
    return DclNet(trunk, step_count * numbers_per_step)


def _stem(channels: int, width: int) -> nn.Sequential:
    """Return the first convolution, over three frames."""
    strides = (1, STEM_STRIDE, STEM_STRIDE)
    return nn.Sequential(
        nn.Conv3d(channels, width, (3, 7, 7), strides, padding=(1, 3, 3), bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(inplace=True),
    )


def _stage(before: int, middle: int, depth: int, *, cardinality: int, stride: int) -> list:
    """Return the blocks of one resolution; the first one strides."""
    first = ResidualBlock(before, middle, cardinality=cardinality, stride=stride)
    others = [ResidualBlock(2 * middle, middle, cardinality=cardinality) for _ in range(depth - 1)]
    return [first, *others]
