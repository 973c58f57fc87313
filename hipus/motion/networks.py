"""Networks that predict probe motion.

Decides the published network (backbone, inputs and outputs) and how any network is made ready
for a short training. Deliberately does not decide how frames become inputs, how targets are
scaled or how anything is trained.
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
NORM_MOMENTUM = 0.1
"""Weight of a batch in the running statistics; MONAI's 0.01 stays stale for hundreds."""
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
    return build(IN_CHANNELS, N_FRAMES - 1, NUMBERS_PER_TRANSFORM)


def build(in_channels: int, step_count: int, numbers_per_step: int) -> nn.Module:
    """Build the paper's backbone for any window and any way to say a step.

    Parameters
    ----------
    in_channels : int
        Frames times channels of a frame.
    step_count, numbers_per_step : int
        Outputs are their product.

    Returns
    -------
    torch.nn.Module
        Maps (B, in_channels, H, W) float32 to (B, step_count x numbers_per_step) float32.
    """
    from monai.networks.nets import EfficientNetBN

    return EfficientNetBN(
        BACKBONE,
        pretrained=False,
        progress=False,
        spatial_dims=2,
        in_channels=in_channels,
        num_classes=step_count * numbers_per_step,
    )


def make_ready(network: nn.Module) -> nn.Module:
    """Make a fresh network ready for a short training, in place.

    Parameters
    ----------
    network : torch.nn.Module
        From one of the builders: its last linear layer is `head` (`_fc` in MONAI's).

    Returns
    -------
    torch.nn.Module
        The same: zero last layer, no dropout, no drop-connect, running statistics that
        follow within tens of batches; swish and even padding in one pass each, for speed.
        Parameters and outputs keep their shapes.

    Raises
    ------
    ValueError
        If the network has no last layer by either name.

    Notes
    -----
    With targets standardised on the training sweeps, a zero last layer predicts their mean:
    before its first update the network is the constant-step baseline. Each of the changes
    was worth millimetres of drift in trainings of minutes.
    """
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = NORM_MOMENTUM
        elif isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if hasattr(module, "drop_connect_rate"):
            module.drop_connect_rate = 0.0
        if hasattr(module, "_swish"):
            module._swish = nn.SiLU()
        _fold_padding(module)
    for head in _heads(network):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    return network


def _fold_padding(module: nn.Module) -> None:
    """Let convolutions pad by themselves where MONAI copies the picture to pad it evenly."""
    from torch import nn

    for name, pad in list(module.named_children()):
        convolution = getattr(module, name.removesuffix("_padding"), None)
        if not isinstance(pad, nn.ConstantPad2d) or not isinstance(convolution, nn.Conv2d):
            continue
        left, right, top, bottom = pad.padding
        if left == right and top == bottom:
            convolution.padding = (top, left)
            setattr(module, name, nn.Identity())


def channels_last(network: nn.Module) -> nn.Module:
    """Lay the filters of 2D convolutions out as batches are, in place: a third faster on CPUs.

    Parameters
    ----------
    network : torch.nn.Module

    Returns
    -------
    torch.nn.Module
        The same; 3D convolutions keep their layout.
    """
    import torch

    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _heads(network: nn.Module) -> list[nn.Module]:
    """Return the last layer of a network, or of each of two."""
    parts = [getattr(network, name, None) for name in ("rotation", "translation")]
    if all(part is not None for part in parts):
        return [head for part in parts for head in _heads(part)]
    head = getattr(network, "_fc", getattr(network, "head", None))
    if head is None:
        raise ValueError(f"{type(network).__name__} has no last layer named head or _fc")
    return [head]


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
