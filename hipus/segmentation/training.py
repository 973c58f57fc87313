"""Train a segmentation network: prepared once, in a process of its own, watched, resumable.

Decides where a training lies (a folder named by all that moves a weight), when its data are
whole, what a person sees while it runs, and what becomes of it: a model's folder, with what its
validation cases say of stray pieces. Deliberately imports no nnU-Net: the process it starts does.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from hipus.files import sha256, write_text
from hipus.labels import SCHEMES, HipLabel
from hipus.segmentation import model_files, networks, nnunet_dataset
from hipus.segmentation.components import PieceDecision, decide
from hipus.segmentation.nnunet_child import CHECKPOINT, EPOCHS, FINISHED, WEIGHTS
from hipus.segmentation.plans import ModelNumbers, study_plans
from hipus.segmentation.training_cases import DatasetFacts, TrainingCase, examine, facts_as_json
from hipus.segmentation.training_process import read_epochs, run

_PREPARED, _DATA = "prepared.json", "preprocessed"
_KEY_DIGITS = 16
_SOURCES = ("nnunet_dataset.py", "nnunet_trainer.py")


@dataclass(frozen=True)
class TrainedSegmenter:
    """A finished training.

    Attributes
    ----------
    model_id : str
    model_dir : Path
        Read it with `prediction.Segmenter.load`.
    work_dir : Path
        Its scratch.
    facts : DatasetFacts
        Of the cases it learned from.
    epochs : tuple of dict
        epoch, train_loss, val_loss, dice (by structure, None where absent), ema, lr, seconds.
    device : str
        "cpu" or "cuda".
    preparation_s, training_s : float
        Seconds: of this call until the training's process started; of all epochs, over kills.
    """

    model_id: str
    model_dir: Path
    work_dir: Path
    facts: DatasetFacts
    epochs: tuple[dict, ...]
    device: str
    preparation_s: float
    training_s: float


def learned_labels(scheme: str) -> dict[str, int]:
    """Return the structures of a scheme that networks learn, without background.

    Parameters
    ----------
    scheme : str
        Key of `hipus.labels.SCHEMES`.

    Returns
    -------
    dict of str to int
        The labrum is not among them: it occurs in truth masks only.

    Raises
    ------
    ValueError
        If the scheme is unknown.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {list(SCHEMES)}, got {scheme!r}")
    names = {label.name.lower(): int(label) for label in SCHEMES[scheme] if label}
    return {name: value for name, value in names.items() if name != HipLabel.LABRUM.name.lower()}


def train(
    model_id: str,
    cases_factory: Callable[[], Iterable[TrainingCase]],
    numbers: ModelNumbers,
    *,
    work_dir: Path,
    model_dir: Path,
    seed: int,
    device: str = "cpu",
    title: str | None = None,
    scheme: str = "hip",
    splits_by: str = "subject",
    initial_weights: Path | None = None,
    origin: str = "simulated",
) -> TrainedSegmenter:
    """Train a network, go on where an earlier run was stopped, or take what was finished.

    Parameters
    ----------
    model_id : str
        "2.1" to "3.2".
    cases_factory : callable
        Gives the cases, the same in each call; called twice where data are prepared, so that
        no more than one case need be in memory.
    numbers : ModelNumbers
    work_dir : Path
        Scratch; the training lies in `<work_dir>/<key>`.
    model_dir : Path
        The model's folder, written when the training is finished.
    seed : int
        The study's.
    device : str
        "cpu", "cuda" or "auto".
    title : str, optional
        Name in progress and log; the model's id by default.
    scheme : str
        Label scheme of the cases.
    splits_by : str
        "subject"; "frame" allows a subject in both splits (see `training_cases.examine`).
    initial_weights : Path, optional
        Folder of a model to start from instead of random weights. Its last layers are taken
        too if it labels the same structures, else they stay random.
    origin : str
        Where the cases come from, kept in the model.

    Returns
    -------
    TrainedSegmenter

    Raises
    ------
    ValueError
        If cases, numbers or initial weights do not fit the network.
    RuntimeError
        If the training's process fails; the message holds its last lines. Calling again goes
        on from the last whole epoch.

    Notes
    -----
    The key stands for plans, seed, cases, initial weights, device, sources and versions, so
    that a changed input never meets an old checkpoint. On a CPU a killed and resumed training
    ends with the weights of one that ran through, bit for bit.
    """
    started = time.monotonic()
    labels = learned_labels(scheme)
    facts = examine(
        cases_factory(),
        channel_count=networks.published_plan(model_id).in_channels,
        label_names=labels,
        splits_by=splits_by,
        is_resampled=bool(numbers.spacing_mm),
    )
    spacing_mm, shape = facts.spacing_mm, facts.median_shape
    plans = study_plans(model_id, numbers, spacing_mm=spacing_mm, median_shape=shape, seed=seed)
    job = {
        "plans": plans,
        "dataset": nnunet_dataset.dataset_description(plans, labels),
        "device": device,
        "initial_weights": _initial(initial_weights, labels),
    }
    folder = Path(work_dir) / _key(job, facts)
    is_finished = (folder / FINISHED).is_file()
    if not is_finished:
        _prepare(cases_factory, folder, plans=plans, labels=labels, facts=facts)
    preparation_s = time.monotonic() - started
    if not is_finished:
        run(job, folder, title=title or f"model {model_id}")
    known = {"model_id": model_id, "scheme": scheme, "seed": seed, "origin": origin}
    about = {"model_dir": Path(model_dir), "facts": facts, "preparation_s": preparation_s}
    return _finish(job, folder, cases_factory, known=known, about=about)


def _finish(
    job: Mapping,
    folder: Path,
    cases_factory: Callable[[], Iterable[TrainingCase]],
    *,
    known: Mapping,
    about: Mapping,
) -> TrainedSegmenter:
    """Write the model's folder and return what is known of a finished training."""
    finished = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
    if sha256(folder / WEIGHTS) != finished["sha256"]:
        raise ValueError(
            f"{folder / WEIGHTS} is not what the training left; delete {folder} to train again"
        )
    facts, epochs = about["facts"], read_epochs(folder / EPOCHS)
    record = model_files.TrainingRecord(
        training_subjects=facts.subjects["train"],
        validation_subjects=facts.subjects["validation"],
        case_counts=facts.counts,
        channels=facts_as_json(facts)["channels"],
        epochs=epochs,
        device=finished["device"],
        started_from=(job["initial_weights"] or {}).get("sha256"),
        **known,
    )
    parts = {"plans": job["plans"], "dataset": job["dataset"], "record": record}
    model_files.save(about["model_dir"], folder / WEIGHTS, **parts)
    pieces = _pieces(about["model_dir"], cases_factory(), device=finished["device"])
    parts["record"] = replace(record, pieces=pieces)
    model_files.save(about["model_dir"], folder / WEIGHTS, **parts)
    (folder / _PREPARED).unlink(missing_ok=True)
    for scratch in (_DATA, "results", "raw"):  # as large as the cases, and never read again
        shutil.rmtree(folder / scratch, ignore_errors=True)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return TrainedSegmenter(
        model_id=record.model_id,
        work_dir=folder,
        epochs=epochs,
        device=record.device,
        training_s=sum(row["seconds"] for row in epochs),
        **about,
    )


def _pieces(
    model_dir: Path, cases: Iterable[TrainingCase], *, device: str
) -> dict[str, PieceDecision]:
    """Decide by the validation cases of which structures only the largest piece is kept."""
    from hipus.segmentation.prediction import Segmenter

    plain = Segmenter.load(model_dir, device=device)
    is_mirrored = bool(plain.model.plan["study"]["mirror_axes"])
    segmenter = Segmenter.load(model_dir, device=device, is_mirrored=is_mirrored)
    own = (
        (segmenter.segment_case(case.channels, spacing_mm=case.spacing_mm), case.labels)
        for case in cases
        if case.split == "validation"
    )
    return decide(own, segmenter.model.labels)


def _initial(folder: Path | None, labels: Mapping[str, int]) -> dict | None:
    """Return where initial weights lie and whether their last layers fit the structures."""
    if folder is None:
        return None
    dataset = json.loads((Path(folder) / model_files.DATASET).read_text(encoding="utf-8"))
    weights = Path(folder).resolve() / model_files.WEIGHTS
    with_heads = dataset["labels"] == {"background": 0, **labels}
    return {"path": str(weights), "sha256": sha256(weights), "with_heads": with_heads}


def _key(job: Mapping, facts: DatasetFacts) -> str:
    """Return the name under which a training's scratch lies."""
    here = Path(__file__)
    initial = dict(job["initial_weights"] or {})
    initial.pop("path", None)
    content = {
        **job,
        "initial_weights": initial,
        "cases": facts.digest,
        "sources": {name: sha256(here.with_name(name)) for name in _SOURCES},
        "versions": {name: metadata.version(name) for name in ("torch", "nnunetv2")},
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def _prepare(
    cases_factory: Callable[[], Iterable[TrainingCase]],
    folder: Path,
    *,
    plans: Mapping,
    labels: Mapping[str, int],
    facts: DatasetFacts,
) -> None:
    """Write the data set unless it is whole: a marker written last says so."""
    marker = folder / _PREPARED
    if marker.is_file():
        return
    nnunet_dataset.write_dataset(cases_factory(), folder / _DATA, plans=plans, label_names=labels)
    write_text(marker, json.dumps(facts_as_json(facts), indent=2, sort_keys=True) + "\n")
