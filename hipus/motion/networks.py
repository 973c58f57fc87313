"""Networks that predict probe motion.

Decides the published network: backbone, inputs and outputs. Deliberately does not decide
how frames become inputs, how targets are scaled or how anything is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

BACKBONE = "efficientnet-b0"
N_FRAMES = 6
CHANNELS_PER_FRAME = 3
"""Intensity, optical flow u, optical flow v."""
NUMBERS_PER_TRANSFORM = 9
"""Six of the rotation (two columns of the matrix) and three of the translation."""

IN_CHANNELS = N_FRAMES * CHANNELS_PER_FRAME
N_OUTPUTS = (N_FRAMES - 1) * NUMBERS_PER_TRANSFORM
_STEM_PER_CHANNEL = 3 * 3 * 32
_FEATURES = 1280
_INNER_TRUNK = 4_006_684
"""All layers whose size depends on neither end; a test builds networks and checks it."""


def published_network() -> nn.Module:
    """Build the paper's reconstruction network with random weights.

    Returns
    -------
    torch.nn.Module
        Maps (B, 18, H, W) float32 to (B, 45) float32. Input channels are frame by frame:
        intensity, flow u, flow v. Outputs are transform by transform: 6D rotation, then
        translation. H and W are at least 32 px; they do not change the parameters.

    Notes
    -----
    The paper (section 5.3) prints EfficientNet-B0 without pretraining, sequences of six
    frames with optical flow, an orthogonalised parameterisation and 4,069,513 trainable
    parameters. Channels and outputs are not printed: 18 and 45 are the reading that gives
    this count exactly (`parameter_count`); it leaves no room for extra IMU inputs.
    Trap: MONAI's defaults are 1000 classes, pretrained weights fetched from the network,
    and a batch-norm momentum of 0.01, under which short trainings keep stale statistics.
    """
    from monai.networks.nets import EfficientNetBN

    return EfficientNetBN(
        BACKBONE,
        pretrained=False,
        progress=False,
        spatial_dims=2,
        in_channels=IN_CHANNELS,
        num_classes=N_OUTPUTS,
    )


def parameter_count(in_channels: int, n_outputs: int) -> int:
    """Return the trainable parameters of an EfficientNet-B0 with these ends.

    Parameters
    ----------
    in_channels : int
        Channels of the input image.
    n_outputs : int
        Width of the linear head.

    Returns
    -------
    int
        Trunk without its first convolution, plus that convolution (3 x 3, 32 filters, no
        bias), plus the head (1280 features and a bias for each output).

    Raises
    ------
    ValueError
        If either number is not positive.

    Notes
    -----
    Tan and Le (2019), table 1, for the widths. The count is linear in both ends, so every
    combination can be compared with a printed number without building a network.
    """
    if in_channels < 1 or n_outputs < 1:
        raise ValueError(
            "in_channels and n_outputs must be positive, "
            f"got in_channels={in_channels}, n_outputs={n_outputs}"
        )
    return _INNER_TRUNK + _STEM_PER_CHANNEL * in_channels + (_FEATURES + 1) * n_outputs
