"""The two-frame network of Prevost et al. (2018): a plain CNN on frames and their flow.

Decides the layers. Deliberately does not decide how frames become channels, how targets are
scaled, or how anything is trained. The IMU, which Prevost et al. append to the last hidden
layer, is fused after the network here, as for every other arm.
"""

from __future__ import annotations

import torch
from torch import nn

from hipus.motion import frame_layout

WIDTH = 64
"""Filters of each convolution."""
HIDDEN = 512
"""Features of the fully connected layer before the outputs."""
_POOLED = 3
"""Side of the grid on which features are averaged: coarse positions survive, for rotations."""


class ConvolutionalEncoder(nn.Sequential):
    """Four convolutions that reduce a picture to an eighth of its side.

    Parameters
    ----------
    in_channels : int
    width : int
        Filters of each convolution.

    Notes
    -----
    5 x 5 twice, then 3 x 3 twice; the first three with stride 2. Every convolution is
    followed by batch normalisation and ReLU. Maps (B, in_channels, H, W) to
    (B, width, ceil(H / 8), ceil(W / 8)).
    """

    def __init__(self, in_channels: int, width: int = WIDTH):
        channels = (in_channels, width, width, width)
        layers = []
        for before, kernel, stride in zip(channels, (5, 5, 3, 3), (2, 2, 2, 1), strict=True):
            layers += [
                nn.Conv2d(before, width, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class PrevostNetwork(nn.Module):
    """Convolutions, one hidden fully connected layer, linear outputs.

    Parameters
    ----------
    in_channels : int
    outputs : int
    width : int
        Filters of each convolution.
    hidden : int
        Features before the outputs.

    Attributes
    ----------
    head : torch.nn.Linear
        The last layer; set to zero, the network predicts the mean of its targets.
    """

    def __init__(self, in_channels: int, outputs: int, *, width: int = WIDTH, hidden: int = HIDDEN):
        super().__init__()
        self.encoder = ConvolutionalEncoder(in_channels, width)
        self.pool = nn.AdaptiveAvgPool2d(_POOLED)
        self.hidden = nn.Linear(width * _POOLED**2, hidden)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map (B, in_channels, H, W) to (B, outputs)."""
        features = self.pool(self.encoder(windows)).flatten(1)
        return self.head(torch.relu(self.hidden(features)))


def build(
    in_channels: int, step_count: int, numbers_per_step: int, *, width: int = WIDTH
) -> PrevostNetwork:
    """Build the two-frame network, or its like for longer windows, with random weights.

    Parameters
    ----------
    in_channels : int
        Channels of the window, frame by frame. Two frames with intensity and flow have 6, of
        which 4 carry information (both pictures, flow u and v), as in the paper; the second
        frame's flow is zero.
    step_count : int
        1 for the network of the paper.
    numbers_per_step : int
        Rotation numbers and three of the translation.
    width : int
        Filters of each convolution.

    Returns
    -------
    PrevostNetwork
        Maps (B, in_channels, H, W) float32 to (B, step_count * numbers_per_step); any H and
        W from 8 px. With 6 channels, 9 outputs and width 64: 486,281 parameters.

    Raises
    ------
    ValueError
        If a number is not positive or the channels do not divide into the frames.

    Notes
    -----
    Prevost et al. (2018), Medical Image Analysis 48, section 3: four convolutions on two
    frames and the two components of their optical flow, a fully connected layer of 512
    features, six linear outputs. Ours: batch normalisation, strides instead of pooling,
    and an average over a 3 x 3 grid before the fully connected layer, which makes the
    parameters independent of the input size. Mean squared error on standardised targets
    replaces their weighting of degrees against millimetres.
    """
    frame_layout.channels_per_frame(in_channels, step_count, numbers_per_step)
    return PrevostNetwork(in_channels, step_count * numbers_per_step, width=width)
