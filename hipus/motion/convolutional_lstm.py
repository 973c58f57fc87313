"""A CNN with a convolutional LSTM: features of each step, remembered over the window.

Decides the cell and the network of the thesis' comparison. Deliberately does not decide
whether windows overlap (that is how their predictions are put together), nor keeps memory
from one window to the next: every window starts from nothing.
"""

from __future__ import annotations

import torch
from torch import nn

from hipus.motion import frame_layout
from hipus.motion.prevost import ConvolutionalEncoder

WIDTH = 24
"""Filters of the encoder; fewer than the two-frame network has, as it runs once a step."""
HIDDEN = 32
"""Channels of each layer's memory."""
LAYERS = 5
"""Stacked cells, as in the thesis."""
_POOLED = 4
"""Side of the grid on which the memory lives."""


class ConvLstmCell(nn.Module):
    """One convolutional LSTM layer, for one instant.

    Parameters
    ----------
    in_channels, hidden : int
    kernel : int
        Odd side of the convolution.

    Attributes
    ----------
    gates : torch.nn.Conv2d
        One convolution over input and hidden state for all gates: input, forget, output,
        candidate, `hidden` channels each, in this order.

    Notes
    -----
    Shi et al. (2015), equation 3, without the peephole terms, as most public versions::

        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)        h' = sigmoid(o) * tanh(c')

    The forget gate's bias starts at 1 (Jozefowicz et al. 2015): memory before training.
    """

    def __init__(self, in_channels: int, hidden: int, *, kernel: int = 3):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(in_channels + hidden, 4 * hidden, kernel, padding=kernel // 2)
        with torch.no_grad():
            self.gates.bias[hidden : 2 * hidden] = 1.0

    def forward(
        self, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the next hidden and cell state (B, hidden, H, W) of an input (B, C, H, W)."""
        h, c = state
        i, f, o, g = self.gates(torch.cat([x, h], dim=1)).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class ConvLstm(nn.Module):
    """Stacked cells over a sequence, all starting from zero.

    Parameters
    ----------
    in_channels, hidden, layers : int
    """

    def __init__(self, in_channels: int, hidden: int, layers: int):
        super().__init__()
        self.cells = nn.ModuleList(
            ConvLstmCell(in_channels if layer == 0 else hidden, hidden) for layer in range(layers)
        )

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """Map (B, T, C, H, W) to the last layer's hidden states (B, T, hidden, H, W)."""
        for cell in self.cells:
            zero = sequence.new_zeros(len(sequence), cell.hidden, *sequence.shape[-2:])
            state, outputs = (zero, zero), []
            for x in sequence.unbind(1):
                state = cell(x, state)
                outputs.append(state[0])
            sequence = torch.stack(outputs, dim=1)
        return sequence


class CnnConvLstm(nn.Module):
    """An encoder for each step, memory over the steps, one linear layer for every step.

    Parameters
    ----------
    in_channels, step_count, numbers_per_step : int
    width, hidden, layers : int
        Filters of the encoder, channels of the memory, stacked cells.
    skip : bool
        Show the encoder's features to the last layer too, beside the memory's.

    Attributes
    ----------
    head : torch.nn.Linear
        The last layer, the same for every step; set to zero, the network predicts the mean
        of its targets.
    """

    def __init__(
        self,
        in_channels: int,
        step_count: int,
        numbers_per_step: int,
        *,
        width: int = WIDTH,
        hidden: int = HIDDEN,
        layers: int = LAYERS,
        skip: bool = True,
    ):
        super().__init__()
        channels = frame_layout.channels_per_frame(in_channels, step_count, numbers_per_step)
        self.step_count, self.skip = step_count, skip
        self.encoder = ConvolutionalEncoder(2 * channels, width)
        self.pool = nn.AdaptiveAvgPool2d(_POOLED)
        self.memory = ConvLstm(width, hidden, layers)
        seen = hidden + width if skip else hidden
        self.head = nn.Linear(seen * _POOLED**2, numbers_per_step)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W), frame by frame, to (B, step_count * numbers_per_step)."""
        pairs = frame_layout.pairs_of(windows, self.step_count)
        features = self.pool(self.encoder(pairs)).unflatten(0, (-1, self.step_count))
        seen = self.memory(features)
        if self.skip:
            seen = torch.cat([seen, features], dim=2)
        return self.head(seen.flatten(2)).flatten(1)


def build(
    in_channels: int, step_count: int, numbers_per_step: int, *, width: int = WIDTH
) -> CnnConvLstm:
    """Build the CNN with a five-layer convolutional LSTM, with random weights.

    Parameters
    ----------
    in_channels : int
        Channels of the window, frame by frame.
    step_count : int
        Steps between its frames.
    numbers_per_step : int
        Rotation numbers and three of the translation.
    width : int
        Filters of the encoder.

    Returns
    -------
    CnnConvLstm
        Maps (B, in_channels, H, W) float32 to (B, step_count * numbers_per_step); any H and
        W from 8 px. With 18 channels, 5 steps, 9 numbers and width 24: 396,697 parameters.

    Raises
    ------
    ValueError
        If a number is not positive or the channels do not divide into the frames.

    Notes
    -----
    The thesis (chapter on sensorless tracking, section "Addition of a CLSTM module") puts
    five ConvLSTM layers after the pooling of the CNN of Prevost et al. (2018) and before
    the flattening. Sizes are not printed: these are ours. A step sees the frames before it
    in the window, never those after its own two (their flow apart, see `pairs_of`).
    Trap: as printed (`skip=False`) the five layers shrink the features' spread about 10,000
    times before training, since every gate halves and every tanh flattens; short trainings
    then stay at the mean step. So the last layer also sees the encoder's features: the
    network contains the CNN without memory, and the comparison asks what memory adds.
    """
    return CnnConvLstm(in_channels, step_count, numbers_per_step, width=width)
