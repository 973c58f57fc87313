"""Where a training stands, on disk, so that a killed one goes on as if nothing happened.

Decides the key under which a training's scratch lies and what is kept in it. A key covers all
that moves a weight: choices, settings, the training and validation sweeps, the sources that
compute, torch's version. Deliberately scratch: the finished model is `model_file`'s.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hipus.files import atomic_path
from hipus.motion.arms import Arm
from hipus.motion.trained_model import HistoryRow, TrainingSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hipus.motion.preparation import PreparedSweep

_FILE = "state.pt"
_KEY_DIGITS = 16
_SOURCES = ("batches", "losses", "networks", "target_scaling", "training", "windows")
"""Modules of hipus.motion, besides a network's own, that a trained weight depends on."""


@dataclass(frozen=True)
class State:
    """What a checkpoint holds.

    Attributes
    ----------
    iteration : int
        Updates made.
    network, optimiser : dict
        Their state dicts.
    history : tuple of HistoryRow
    """

    iteration: int
    network: dict
    optimiser: dict
    history: tuple[HistoryRow, ...]


def key(
    arm: Arm,
    settings: TrainingSettings,
    *,
    network: nn.Module,
    training: Iterable[PreparedSweep],
    validation: Iterable[PreparedSweep],
) -> str:
    """Return the name under which a training's scratch lies.

    Parameters
    ----------
    arm : Arm
        Only the choices that training depends on count (`Arm.trained_settings`).
    settings : TrainingSettings
    network : torch.nn.Module
        Says which modules' sources count.
    training, validation : iterable of PreparedSweep
        Fingerprinted whole.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    import torch

    content = {
        "arm": arm.trained_settings(),
        "settings": asdict(settings),
        "training": [fingerprint(sweep) for sweep in training],
        "validation": [fingerprint(sweep) for sweep in validation],
        "sources": _source_hashes(network),
        "torch": torch.__version__,
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def fingerprint(sweep: PreparedSweep) -> str:
    """Return the SHA-256 of what training reads of a sweep.

    Parameters
    ----------
    sweep : PreparedSweep

    Returns
    -------
    str
        64 hexadecimal digits over names, thumbnails, flow, further maps and poses.
    """
    digest = hashlib.sha256(f"{sweep.name} {sweep.pixel_spacing_xy_mm}".encode())
    maps = [sweep.extra[name] for name in sorted(sweep.extra)]
    digest.update(" ".join(sorted(sweep.extra)).encode())
    for array in (sweep.thumbnails, sweep.flow, sweep.T_centre_to_world, *maps):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write(state: State, folder: Path) -> Path:
    """Write a checkpoint wholly or not at all.

    Parameters
    ----------
    state : State
    folder : Path
        Of this training alone, see `key`.

    Returns
    -------
    Path
    """
    import torch

    rows = [[row.iteration, row.loss, row.validation_drift_mm] for row in state.history]
    content = {"iteration": state.iteration, "history": rows}
    content |= {"network": state.network, "optimiser": state.optimiser}
    with atomic_path(folder / _FILE) as temporary:
        torch.save(content, temporary)
    return folder / _FILE


def read(folder: Path, *, device: str | torch.device = "cpu") -> State | None:
    """Read the checkpoint of a training, if it has one.

    Parameters
    ----------
    folder : Path
    device : str or torch.device
        Where its tensors go.

    Returns
    -------
    State or None
        None where nothing was written yet.

    Raises
    ------
    ValueError
        If the file cannot be read as a checkpoint.
    """
    import torch

    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        history = tuple(HistoryRow(int(row[0]), *row[1:]) for row in content["history"])
        return State(content["iteration"], content["network"], content["optimiser"], history)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise ValueError(
            f"{path.name} in {path.parent.name} is not a checkpoint of a training; "
            f"delete {path} to begin again ({type(error).__name__})"
        ) from error


def _source_hashes(network: nn.Module) -> dict[str, str]:
    """Return the SHA-256 of the sources that a trained weight depends on, by module."""
    names = {f"hipus.motion.{name}" for name in _SOURCES}
    names |= {type(module).__module__ for module in network.modules()}
    own = sorted(name for name in names if name.startswith("hipus."))
    texts = {name: inspect.getsource(importlib.import_module(name)) for name in own}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
