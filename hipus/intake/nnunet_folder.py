"""A trained nnU-Net's folder becomes a model of ours: tensors only, under a hash that was stated.

Decides what of the folder is believed: `plans.json` as `segmentation.planned_network` checks it,
`dataset.json`, and of a checkpoint the network's tensors. The checkpoint is read only after its
SHA-256 was found to be the stated one, and by torch's weights-only reader, which runs nothing.
Deliberately imports no nnU-Net, so nothing that a file names is run.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hipus.files import atomic_path, sha256, write_text
from hipus.formats.mask_files import SCHEMES, scheme_name
from hipus.intake.stored_models import check_hash
from hipus.segmentation import model_files
from hipus.segmentation.networks import CONFIGURATIONS
from hipus.segmentation.planned_network import build_network, load_parameters
from hipus.segmentation.stored_models import models_folder

CHECKPOINT = "checkpoint_final.pth"
#: nnU-Net names a folder TRAINER__PLANS__CONFIGURATION.
_PARTS = 3
_PLAIN = "dynamic_network_architectures.architectures.unet.PlainConvUNet"


@dataclass(frozen=True)
class ForeignModel:
    """What a person states of a foreign model.

    Attributes
    ----------
    name : str
        Under which it is found afterwards.
    kind : str
        The study's model that it is like, "2.1" to "3.2".
    scheme : str
        Of its labels, hip or stills.
    sha256 : str
        Of the checkpoint.
    origin : str
        What it was trained on.
    fold : str
        Folder of the checkpoint, for example "fold_0".
    """

    name: str
    kind: str
    scheme: str
    sha256: str
    origin: str = "recorded"
    fold: str = "fold_0"


def add_nnunet(folder: Path, stated: ForeignModel, *, profile: str = "paper") -> Path:
    """Turn an nnU-Net's folder into a model that `hipus segment --model NAME` finds.

    Parameters
    ----------
    folder : Path
        TRAINER__PLANS__CONFIGURATION with plans.json, dataset.json and the fold.
    stated : ForeignModel
    profile : str
        Below whose results the model is put.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    FileNotFoundError
        If a file of the folder is missing.
    FileExistsError
        If there is a model of that name.
    ValueError
        If the name is one of the study's own, the hash is another, the checkpoint holds more
        than data, or plans, labels and tensors do not fit each other.
    """
    _check_stated(stated)
    target = models_folder(profile) / stated.name
    if target.exists():
        raise FileExistsError(f"{target} is there already: remove it, or choose another --name")
    checkpoint = folder / stated.fold / CHECKPOINT
    digest = check_hash(checkpoint, stated.sha256)
    plans, dataset = _plans(folder, stated), _dataset(folder / "dataset.json", stated)
    content = _read_checkpoint(checkpoint)
    plan = next(iter(plans["configurations"].values()))
    axes = content.get("inference_allowed_mirroring_axes") or ()
    plan["study"] = {"model_id": stated.kind, "mirror_axes": [int(axis) for axis in axes]}
    tensors = _tensors(content, plans, class_count=len(dataset["labels"]), where=checkpoint)
    return _write(target, tensors, plans, dataset, _about(stated, plan, checkpoint, digest))


def _check_stated(stated: ForeignModel) -> None:
    """Raise unless name, kind and scheme are possible."""
    if stated.kind not in CONFIGURATIONS:
        raise ValueError(f"kind must be one of {list(CONFIGURATIONS)}, got {stated.kind!r}")
    if stated.name in CONFIGURATIONS or not stated.name.replace("-", "").replace(".", "").isalnum():
        raise ValueError(
            f"name must be letters, digits, - and . and none of the study's own "
            f"{list(CONFIGURATIONS)}, got {stated.name!r}"
        )
    scheme_name(stated.scheme)


def _plans(folder: Path, stated: ForeignModel) -> dict:
    """Return the plans with the one configuration that the folder's name states."""
    plans = _read_json(folder / "plans.json")
    parts = folder.resolve().name.split("__")
    if len(parts) != _PARTS:
        raise ValueError(f"{folder} must be named TRAINER__PLANS__CONFIGURATION, as nnU-Net does")
    there = plans.get("configurations", {})
    name = parts[-1]
    if name not in there:
        raise ValueError(f"{folder / 'plans.json'}: no configuration {name!r}, has {list(there)}")
    plan = dict(there[name])
    while "inherits_from" in plan:
        parent = plan.pop("inherits_from")
        if parent not in there:
            raise ValueError(f"{folder / 'plans.json'}: {name!r} inherits from missing {parent!r}")
        plan = dict(there[parent]) | plan
    if "architecture" not in plan:
        raise ValueError(
            f"{folder / 'plans.json'}: plans of nnU-Net before 2.4 state no architecture; "
            f"expected {_PLAIN}"
        )
    return plans | {"configurations": {CONFIGURATIONS[stated.kind]: plan}}


def _dataset(path: Path, stated: ForeignModel) -> dict:
    """Return the data set's description after comparing its labels with the scheme."""
    dataset = _read_json(path)
    labels = {int(value): name for name, value in dataset.get("labels", {}).items()}
    known = {int(one): one.name.lower() for one in SCHEMES[scheme_name(stated.scheme)]}
    foreign = {n: name for n, name in labels.items() if known.get(n) != name.lower()}
    if foreign or 0 not in labels:
        raise ValueError(
            f"{path}: labels must be those of scheme {stated.scheme!r} {known}, got {labels}"
        )
    return dataset


def _read_checkpoint(path: Path) -> dict:
    """Return a checkpoint's content; numbers of NumPy are the only other thing that is let in."""
    import numpy as np
    import torch

    kinds = [np.dtype, np.ndarray, *(type(np.dtype(name)) for name in ("f4", "f8", "i4", "i8"))]
    with contextlib.suppress(AttributeError):
        kinds += [np._core.multiarray.scalar, np._core.multiarray._reconstruct]
    try:
        with torch.serialization.safe_globals(kinds):
            content = torch.load(path, map_location="cpu", weights_only=True)
        weights = content["network_weights"]
        named = all(isinstance(value, torch.Tensor) for value in weights.values())
    except Exception as error:  # torch raises half a dozen kinds for a foreign file
        raise ValueError(f"{path} is no checkpoint that holds data only: {error}") from error
    if not named:
        raise ValueError(f"{path}: network_weights must hold tensors only")
    return content


def _tensors(content: Mapping, plans: Mapping, *, class_count: int, where: Path) -> dict:
    """Return the network's tensors, each once: nnU-Net names some up to four times."""
    given = {name.removeprefix("module."): t for name, t in content["network_weights"].items()}
    try:
        network = build_network(plans, class_count=class_count)
        own = dict(network.named_parameters())
        everything = set(network.state_dict())
        foreign = sorted(set(given) - everything)
        if foreign:
            raise ValueError(f"tensors {foreign[:2]} are none of the network's")
        chosen = {name: given[name].float() for name in own if name in given}
        load_parameters(own, chosen)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{where} and the plans describe no network of ours: {error}") from error
    return chosen


def _about(stated: ForeignModel, plan: Mapping, checkpoint: Path, digest: str) -> dict:
    """Return the content of model.json but the hash of the new weights."""
    return {
        "model_id": stated.kind,
        "name": stated.name,
        "scheme": stated.scheme,
        "channel_count": len(plan["normalization_schemes"]),
        "spacing_mm": plan["spacing"],
        "training_subjects": [],
        "origin": stated.origin,
        "pieces": {},
        "made_from": {"checkpoint": f"{checkpoint.parent.name}/{CHECKPOINT}", "sha256": digest},
    }


def _write(target: Path, tensors: dict, plans: dict, dataset: dict, about: dict) -> Path:
    """Write the model's folder, its description last, and read it once."""
    import torch

    with atomic_path(target / model_files.WEIGHTS) as temporary:
        torch.save({name: value.contiguous() for name, value in tensors.items()}, temporary)
    about |= {"sha256": sha256(target / model_files.WEIGHTS)}
    parts = ((model_files.PLANS, plans), (model_files.DATASET, dataset), (model_files.ABOUT, about))
    for name, content in parts:
        write_text(target / name, json.dumps(content, indent=2, sort_keys=True) + "\n")
    write_text(target / model_files.CARD, _card(target.name, about))
    model_files.load(target)
    return target


def _card(name: str, about: Mapping) -> str:
    """Return what a person must know of the model."""
    return (
        f"# Segmentation model {name}\n\nAn nnU-Net that was trained elsewhere, on "
        f"{about['origin']} pictures; used like model {about['model_id']}, labels by scheme "
        f"{about['scheme']}. Made from a checkpoint with SHA-256 `{about['made_from']['sha256']}`; "
        f"`weights.pt` holds its tensors only, SHA-256 `{about['sha256']}`. Terms are those of "
        "whoever trained it. Not a medical device.\n"
    )


def _read_json(path: Path) -> dict:
    """Return an object of JSON."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold an object, got {type(content).__name__}")
    return content
