"""Networks that label hip structures.

Decides how the five published nnU-Nets are built from their plans. Deliberately imports
dynamic_network_architectures and not nnU-Net itself, which takes seconds to import and
changes matplotlib's backend; a test compares the two ways of building.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipus import paths

if TYPE_CHECKING:
    from torch import nn

MODEL_2D = "2.1"
MODEL_2D_HIGH_RESOLUTION = "2.2"
MODEL_2_5D = "2.3"
MODEL_3D_FIRST_ROUND = "3.1"
MODEL_3D_REFINED = "3.2"

CONFIGURATIONS = {
    MODEL_2D: "m21",
    MODEL_2D_HIGH_RESOLUTION: "m22",
    MODEL_2_5D: "m23",
    MODEL_3D_FIRST_ROUND: "m31",
    MODEL_3D_REFINED: "m32",
}
"""The paper's model id -> the configuration in `data/published/nnunet_plans.json`."""

N_CLASSES = 5
"""Background, ilium, femoral head, chondro-osseous border, femoral cortex."""

_ARCHITECTURE = "dynamic_network_architectures.architectures.unet.PlainConvUNet"


@dataclass(frozen=True)
class NetworkPlan:
    """What the plans say about one published network.

    Attributes
    ----------
    model_id : str
        The paper's identifier, "2.1" to "3.2".
    in_channels : int
        Image channels; 5 consecutive frames for "2.3", else 1.
    patch_size : tuple of int
        Training patch in pixels (rows, columns) or voxels (z, y, x); each side is a
        multiple of the product of that axis's strides.
    batch_size : int
        Patches in a training step.
    n_stages : int
        Resolution levels of the encoder.
    arch_kwargs : dict
        Arguments of PlainConvUNet; layer classes as import strings.
    """

    model_id: str
    in_channels: int
    patch_size: tuple[int, ...]
    batch_size: int
    n_stages: int
    arch_kwargs: dict[str, Any]


def plans_file() -> Path:
    """Return the plans of the five published networks, in nnU-Net's own format."""
    return paths.data_dir() / "published" / "nnunet_plans.json"


def published_plan(model_id: str, *, plans: Path | None = None) -> NetworkPlan:
    """Read the plan of one published network.

    Parameters
    ----------
    model_id : str
        One of `CONFIGURATIONS`.
    plans : pathlib.Path, optional
        Another plans file; `plans_file()` by default.

    Returns
    -------
    NetworkPlan

    Raises
    ------
    ValueError
        If the id is unknown, or the plan asks for another architecture.
    FileNotFoundError
        If the plans are missing.

    Notes
    -----
    The number of input channels is the number of normalisation schemes, as in nnU-Net.
    """
    if model_id not in CONFIGURATIONS:
        raise ValueError(f"model_id must be one of {list(CONFIGURATIONS)}, got {model_id!r}")
    file = plans or plans_file()
    plan = _read(file)["configurations"][CONFIGURATIONS[model_id]]
    architecture = plan["architecture"]
    if architecture["network_class_name"] != _ARCHITECTURE:
        raise ValueError(
            f"{file.name}, model {model_id}: network_class_name must be {_ARCHITECTURE}, "
            f"got {architecture['network_class_name']}"
        )
    return NetworkPlan(
        model_id=model_id,
        in_channels=len(plan["normalization_schemes"]),
        patch_size=tuple(plan["patch_size"]),
        batch_size=plan["batch_size"],
        n_stages=architecture["arch_kwargs"]["n_stages"],
        arch_kwargs=architecture["arch_kwargs"],
    )


def published_network(model_id: str, *, deep_supervision: bool = True) -> nn.Module:
    """Build one of the five published networks with random weights.

    Parameters
    ----------
    model_id : str
        "2.1" 2D; "2.2" 2D at high resolution; "2.3" 2.5D; "3.1" first 3D round; "3.2"
        refined 3D round.
    deep_supervision : bool
        True as in training: a list of logits, finest first. False: the finest only.

    Returns
    -------
    torch.nn.Module
        Maps (B, in_channels, *patch) float32 to logits (B, 5, *patch), initialised as
        nnU-Net does (He et al. 2015).

    Raises
    ------
    ValueError
        If the id is unknown.

    Notes
    -----
    Isensee et al. (2021). Trap: the decoder registers the encoder again, so a sum over the
    state dict counts tensors up to four times; the paper prints that sum as its number of
    trainable parameters.
    """
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    plan = published_plan(model_id)
    network = PlainConvUNet(
        input_channels=plan.in_channels,
        num_classes=N_CLASSES,
        deep_supervision=deep_supervision,
        **_with_classes(plan.arch_kwargs),
    )
    network.apply(network.initialize)
    return network


@lru_cache(maxsize=4)
def _read(file: Path) -> dict:
    """Read plans once."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: run `dvc pull data.dvc`")
    return json.loads(file.read_text(encoding="utf-8"))


def _with_classes(arch_kwargs: dict[str, Any]) -> dict[str, Any]:
    """Replace the import strings of layer classes by the classes."""
    names = ("conv_op", "norm_op", "dropout_op", "nonlin")
    return {**arch_kwargs, **{name: layer_class(arch_kwargs[name]) for name in names}}


def layer_class(name: str | None) -> type | None:
    """Import the layer class that a plan names.

    Parameters
    ----------
    name : str or None
        Full name below `torch.nn`, or None where the plan has no such layer.

    Returns
    -------
    type or None

    Raises
    ------
    ValueError
        If the name is not below `torch.nn`: plans are files, and importing whatever a
        file names would run it.
    """
    if name is None:
        return None
    if not name.startswith("torch.nn."):
        raise ValueError(f"a plan's layers must be below torch.nn, got {name!r}")
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
