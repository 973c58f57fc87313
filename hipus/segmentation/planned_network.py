"""Networks built from plans, and tensors put into them.

Decides what of a plan is believed: layers below `torch.nn` in a plain U-Net on z-scored
channels, and no other name is ever imported. Deliberately imports
dynamic_network_architectures and not nnU-Net, as `networks` does, and reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hipus.segmentation import networks
from hipus.segmentation.plans import configuration_name

if TYPE_CHECKING:
    import torch
    from torch import nn

_ARCHITECTURE = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
_RESAMPLING = "resample_data_or_seg_to_shape"
_LAYERS = ("conv_op", "norm_op", "dropout_op", "nonlin")


def build_network(plans: Mapping, *, class_count: int, deep_supervision: bool = False) -> nn.Module:
    """Build the network of plans with random weights.

    Parameters
    ----------
    plans : mapping
        With one configuration.
    class_count : int
        Labels with background.
    deep_supervision : bool
        True as in training: a list of logits, finest first.

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    ValueError
        If the plans name another network, a layer outside `torch.nn`, another normalisation
        or another resampling: nothing that a file names is imported but layers of torch.
    """
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    plan = plans["configurations"][configuration_name(plans)]
    _check_plan(plan)
    kwargs = dict(plan["architecture"]["arch_kwargs"])
    kwargs |= {layer: networks.layer_class(kwargs[layer]) for layer in _LAYERS}
    network = PlainConvUNet(
        input_channels=len(plan["normalization_schemes"]),
        num_classes=class_count,
        deep_supervision=deep_supervision,
        **kwargs,
    )
    network.apply(network.initialize)
    return network


def load_parameters(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> None:
    """Copy tensors into a network's own after checking names and shapes.

    Parameters
    ----------
    own : mapping
        `dict(network.named_parameters())` or a part of it: each tensor once, although the
        state dict names it up to four times.
    given : mapping

    Raises
    ------
    ValueError
        If a tensor is missing, is none of the network's, or has another shape.
    """
    import torch

    missing, foreign = sorted(set(own) - set(given)), sorted(set(given) - set(own))
    if missing or foreign:
        raise ValueError(
            f"weights must be those of the network, got {len(missing)} missing "
            f"{missing[:2]} and {len(foreign)} foreign {foreign[:2]}"
        )
    for name, parameter in own.items():
        if parameter.shape != given[name].shape:
            raise ValueError(
                f"weights {name} must have shape {tuple(parameter.shape)}, "
                f"got {tuple(given[name].shape)}"
            )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(given[name])


def _check_plan(plan: Mapping) -> None:
    """Raise unless a plan asks for what the study knows how to do."""
    wanted = {
        "network_class_name": (plan["architecture"]["network_class_name"], _ARCHITECTURE),
        "resampling_fn_data": (plan["resampling_fn_data"], _RESAMPLING),
        "resampling_fn_probabilities": (plan["resampling_fn_probabilities"], _RESAMPLING),
    }
    for name, (found, expected) in wanted.items():
        if found != expected:
            raise ValueError(f"{name} must be {expected}, got {found!r}")
    others = sorted(set(plan["normalization_schemes"]) - {"ZScoreNormalization"})
    if others or any(plan["use_mask_for_norm"]):
        raise ValueError(f"every channel must be z-scored over the whole crop, got {others}")
