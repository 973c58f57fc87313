"""The printed network sizes beside those of the networks as we build them.

Decides how parameters are counted. Deliberately a module of its own, imported by nothing
else in `hipus.published`: it alone needs the networks, and only when they are built. It
imports no torch itself; a network is whatever has `parameters()` and `state_dict()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hipus.published import tables

RECONSTRUCTION = "reconstruction"


@dataclass(frozen=True)
class ParameterCounts:
    """How large a network is, counted in two ways.

    Attributes
    ----------
    trainable : int
        Elements of all parameters that require a gradient, each tensor once.
    state_dict : int
        Elements of all entries of the state dict: a tensor registered under k names counts
        k times, and buffers count too.
    """

    trainable: int
    state_dict: int


def count_parameters(network: Any) -> ParameterCounts:
    """Count a network's parameters.

    Parameters
    ----------
    network : torch.nn.Module
        Any network.

    Returns
    -------
    ParameterCounts
    """
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return ParameterCounts(trainable, sum(t.numel() for t in network.state_dict().values()))


def network_sizes() -> pd.DataFrame:
    """Build the six published networks and compare their sizes with the printed ones.

    Returns
    -------
    pandas.DataFrame
        One row per network: model_id, network, in_channels, outputs (numbers or classes),
        printed_parameters, trainable_parameters, state_dict_elements, and printed_is: the
        count that the printed number equals ("trainable", "state dict" or "neither").

    Notes
    -----
    Builds one network at a time; the largest needs about 140 MB.
    """
    rows = [_motion_row(), *_segmentation_rows()]
    return pd.DataFrame(rows).sort_values("model_id", ignore_index=True)


def _motion_row() -> dict:
    """Describe the reconstruction network."""
    from hipus.motion import networks

    ends = {"in_channels": networks.IN_CHANNELS, "outputs": networks.N_OUTPUTS}
    return _row(RECONSTRUCTION, "EfficientNet-B0", ends, networks.published_network())


def _segmentation_rows() -> list[dict]:
    """Describe the five segmentation networks."""
    from hipus.segmentation import networks

    rows = []
    for model_id in networks.CONFIGURATIONS:
        plan = networks.published_plan(model_id)
        ends = {"in_channels": plan.in_channels, "outputs": networks.N_CLASSES}
        name = f"{len(plan.patch_size)}D nnU-Net, {plan.n_stages} stages"
        rows.append(_row(model_id, name, ends, networks.published_network(model_id)))
    return rows


def _row(model_id: str, name: str, ends: dict[str, int], network: Any) -> dict:
    """Compare one network with its printed size."""
    rows = f"model_id={model_id};parameter=trainable_parameters"
    printed = int(tables.printed("midl_training", rows))
    counts = count_parameters(network)
    equal = {counts.trainable: "trainable", counts.state_dict: "state dict"}
    return {
        "model_id": model_id,
        "network": name,
        **ends,
        "printed_parameters": printed,
        "trainable_parameters": counts.trainable,
        "state_dict_elements": counts.state_dict,
        "printed_is": equal.get(printed, "neither"),
    }
