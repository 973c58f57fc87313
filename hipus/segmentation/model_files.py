"""A trained segmentation network on disk: weights only, and all that is known about them.

Decides the five files of a model's folder: `weights.pt` holds tensors, each once, and nothing
that could run; `plans.json` and `dataset.json` are nnU-Net's; `model.json` says what the model
is and the SHA-256 of its weights; `README.md` says the same to a person. Deliberately neither
trains nor predicts, and imports nothing that a file names but layers of torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hipus import provenance
from hipus.files import atomic_path, sha256, write_text
from hipus.segmentation.components import PieceDecision
from hipus.segmentation.model_card import model_card
from hipus.segmentation.planned_network import build_network, load_parameters
from hipus.segmentation.plans import configuration_name

if TYPE_CHECKING:
    from torch import nn

WEIGHTS, PLANS, DATASET, ABOUT, CARD = (
    "weights.pt",
    "plans.json",
    "dataset.json",
    "model.json",
    "README.md",
)
_KEYS = ("channel_count", "model_id", "scheme", "sha256", "spacing_mm", "training_subjects")


@dataclass(frozen=True)
class TrainingRecord:
    """What a model's folder says of its training.

    Attributes
    ----------
    model_id : str
        "2.1" to "3.2".
    scheme : str
        Label scheme, a key of `hipus.labels.SCHEMES`.
    training_subjects, validation_subjects : tuple of str
    case_counts : dict of str to int
        Split -> pictures or volumes.
    channels : list of dict
        Mean and standard deviation of each channel before z-scoring, over all and over
        labelled pixels.
    epochs : tuple of dict
        Rows of epochs.jsonl.
    seed : int
    device : str
        "cpu" or "cuda".
    origin : str
        Where the pictures come from: "simulated", or what is real.
    started_from : str or None
        SHA-256 of the weights that the training began with; None for random ones.
    pieces : dict
        What `components.decide` found, by structure; none before the validation cases were
        labelled.
    """

    model_id: str
    scheme: str
    training_subjects: tuple[str, ...]
    validation_subjects: tuple[str, ...]
    case_counts: dict[str, int]
    channels: list[dict]
    epochs: tuple[dict, ...]
    seed: int
    device: str
    origin: str = "simulated"
    started_from: str | None = None
    pieces: Mapping[str, PieceDecision] = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentationModel:
    """A network ready to predict.

    Attributes
    ----------
    model_id : str
    network : torch.nn.Module
        In evaluation mode, on the CPU; finest logits only.
    plans : dict
    labels : dict of str to int
        Structures without background.
    about : dict
        Content of model.json.
    """

    model_id: str
    network: nn.Module
    plans: dict
    labels: dict[str, int]
    about: dict

    @property
    def plan(self) -> dict:
        """Return the one configuration of the plans."""
        return self.plans["configurations"][configuration_name(self.plans)]

    @property
    def whole_structures(self) -> tuple[int, ...]:
        """Return the labels of structures of which only the largest piece is kept."""
        pieces = self.about.get("pieces", {})
        kept = (name for name, found in pieces.items() if found["is_better"])
        return tuple(sorted(self.labels[name] for name in kept))


def save(
    folder: str | Path, weights: Path, *, plans: Mapping, dataset: Mapping, record: TrainingRecord
) -> Path:
    """Write a model's folder.

    Parameters
    ----------
    folder : path-like
        Made if missing; a model already there is replaced.
    weights : Path
        Tensors by name, each once, as the training left them.
    plans, dataset : mapping
        nnU-Net's plans.json and dataset.json.
    record : TrainingRecord

    Returns
    -------
    Path
        The folder.

    Notes
    -----
    Each file is written wholly or not at all, the weights first: a run that is killed between
    leaves a hash that does not fit, which `load` refuses. No time is written, so that equal
    trainings leave equal files.
    """
    folder = Path(folder)
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights.read_bytes())
    about = _about(plans, record) | {"sha256": sha256(folder / WEIGHTS)}
    for name, content in ((PLANS, plans), (DATASET, dataset), (ABOUT, about)):
        write_text(folder / name, json.dumps(content, indent=2, sort_keys=True) + "\n")
    write_text(folder / CARD, model_card(about, plans, dataset))
    return folder


def load(folder: str | Path) -> SegmentationModel:
    """Read a model and check that its parts belong together.

    Parameters
    ----------
    folder : path-like
        As `save` wrote it.

    Returns
    -------
    SegmentationModel

    Raises
    ------
    FileNotFoundError
        If one of its files is missing.
    ValueError
        If a file is no JSON or lacks a key, the weights are not those that model.json speaks
        of or not of the network that the plans describe, or the plans ask for anything but a
        plain U-Net of torch's layers on z-scored channels.
    """
    folder = Path(folder)
    for name in (ABOUT, PLANS, DATASET, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is no segmentation model: it has no {name}")
    about, plans, dataset = (_read_json(folder / name) for name in (ABOUT, PLANS, DATASET))
    missing = [key for key in _KEYS if key not in about]
    if missing:
        raise ValueError(f"{folder / ABOUT} lacks {', '.join(missing)}")
    found = sha256(folder / WEIGHTS)
    if found != about["sha256"]:
        raise ValueError(
            f"{folder / WEIGHTS} must have the SHA-256 {about['sha256']} that {ABOUT} states, "
            f"got {found}"
        )
    labels = _labels(dataset, folder / DATASET)
    try:
        network = build_network(plans, class_count=len(labels) + 1)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{folder / PLANS} describes no network of the study: {error}") from error
    _fill(network, folder / WEIGHTS)
    return SegmentationModel(about["model_id"], network.eval(), plans, labels, about)


def _about(plans: Mapping, record: TrainingRecord) -> dict:
    """Return the content of model.json but the hash."""
    plan = plans["configurations"][configuration_name(plans)]
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in record.epochs]
    return {
        "model_id": record.model_id,
        "scheme": record.scheme,
        "channel_count": len(plan["normalization_schemes"]),
        "spacing_mm": plan["spacing"],
        "training_subjects": list(record.training_subjects),
        "validation_subjects": list(record.validation_subjects),
        "case_counts": record.case_counts,
        "channels": record.channels,
        "epochs": rows,
        "seed": record.seed,
        "device": record.device,
        "origin": record.origin,
        "started_from": record.started_from,
        "pieces": {
            name: {**asdict(found), "is_better": found.is_better}
            for name, found in record.pieces.items()
        },
        "versions": provenance.versions(),
    }


def _read_json(path: Path) -> dict:
    """Return an object of JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold an object, got {type(content).__name__}")
    return content


def _labels(dataset: Mapping, path: Path) -> dict[str, int]:
    """Return structures and their numbers, which must be 1, 2, 3, ..."""
    labels = {name: value for name, value in dataset.get("labels", {}).items() if value != 0}
    if not labels or sorted(labels.values()) != list(range(1, len(labels) + 1)):
        raise ValueError(f"{path}: labels must be numbered from 1 without a gap, got {labels}")
    return labels


def _fill(network: nn.Module, path: Path) -> None:
    """Put the tensors of a file into a network; nothing in it is ever run."""
    import torch

    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        named = all(isinstance(value, torch.Tensor) for value in weights.values())
    except Exception as error:  # torch raises half a dozen kinds for a foreign file
        raise ValueError(f"{path} holds no weights of a segmentation model: {error}") from error
    if not named:
        raise ValueError(f"{path} holds no weights of a segmentation model: not only tensors")
    try:
        load_parameters(dict(network.named_parameters()), weights)
    except ValueError as error:
        raise ValueError(f"{path} is of another network than {PLANS} describes: {error}") from error
