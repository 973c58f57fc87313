"""A trained motion model on disk: weights only, settings beside them, a hash over both ways.

Decides the two files of a model's folder. `weights.pt` holds tensors and nothing that could
run (float32; the published network has 16 MB), `model.json` everything else and the SHA-256
of the weights. Deliberately neither trains nor predicts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from hipus import provenance
from hipus.files import atomic_path, sha256, write_text
from hipus.motion import networks
from hipus.motion.arms import Arm, build_network
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.trained_model import HistoryRow, TrainedModel, TrainingSettings
from hipus.motion.uncertainty import Calibration

WEIGHTS, ABOUT = "weights.pt", "model.json"
_KEYS = (
    "arm",
    "calibrations",
    "history",
    "imu_sd_deg",
    "input_px",
    "origin",
    "scaling",
    "sha256",
    "training",
    "training_subjects",
    "versions",
)


def save(model: TrainedModel, folder: str | Path) -> Path:
    """Write a model.

    Parameters
    ----------
    model : TrainedModel
    folder : path-like
        Made if missing; a model already there is replaced.

    Returns
    -------
    Path
        The folder.

    Notes
    -----
    Each file is written wholly or not at all, the weights first: a run that is killed between
    the two leaves a hash that does not fit, which `load` refuses.
    """
    import torch

    folder = Path(folder)
    pictures = {kind: torch.from_numpy(p) for kind, p in model.reference_pictures.items()}
    weights = {name: value.contiguous() for name, value in model.network.state_dict().items()}
    with atomic_path(folder / WEIGHTS) as temporary:
        torch.save({"network": weights, "reference_pictures": pictures}, temporary)
    about = _about(model) | {"sha256": sha256(folder / WEIGHTS)}
    text = json.dumps(about, indent=2, sort_keys=True, allow_nan=False)
    write_text(folder / ABOUT, text + "\n")
    return folder


def load(folder: str | Path) -> TrainedModel:
    """Read a model and check that its parts belong together.

    Parameters
    ----------
    folder : path-like
        As `save` wrote it.

    Returns
    -------
    TrainedModel
        Ready to predict, on the CPU.

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If the settings lack a key or hold a wrong one, the weights are not those the settings
        speak of, or they are of another architecture.
    """
    folder = Path(folder)
    for name in (ABOUT, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is no motion model: it has no {name}")
    about = _read_about(folder / ABOUT)
    _check_hash(folder, about["sha256"])
    weights = _read_weights(folder / WEIGHTS)
    try:
        parts = _parts(about)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{folder / ABOUT} holds a wrong setting: {error}") from error
    network = _network(parts["arm"], weights["network"], folder / WEIGHTS)
    pictures = {kind: picture.numpy() for kind, picture in weights["reference_pictures"].items()}
    return TrainedModel(network=network, reference_pictures=pictures, **parts)


def _about(model: TrainedModel) -> dict:
    """Return all of a model but its tensors, as JSON can hold it."""
    return {
        "arm": asdict(model.arm),
        "calibrations": {kind: _plain(asdict(c)) for kind, c in model.calibrations.items()},
        "history": [_plain(asdict(row)) for row in model.history],
        "imu_sd_deg": None if model.imu_sd_deg is None else model.imu_sd_deg.tolist(),
        "input_px": model.input_px,
        "origin": model.origin,
        "scaling": _plain(asdict(model.scaling)),
        "training": asdict(model.settings),
        "training_subjects": list(model.training_subjects),
        "versions": provenance.versions(),
    }


def _parts(about: Mapping) -> dict:
    """Return the fields of a model but its tensors."""
    arm = dict(about["arm"])
    imu_sd_deg = about["imu_sd_deg"]
    return {
        "arm": Arm(**arm | {"channels": tuple(arm["channels"])}),
        "scaling": TargetScaling(**about["scaling"]),
        "settings": TrainingSettings(**about["training"]),
        "input_px": int(about["input_px"]),
        "training_subjects": tuple(about["training_subjects"]),
        "history": tuple(HistoryRow(**_numbers(row)) for row in about["history"]),
        "calibrations": _calibrations(about["calibrations"]),
        "imu_sd_deg": None if imu_sd_deg is None else np.asarray(imu_sd_deg, np.float64),
        "origin": about["origin"],
    }


def _plain(values: Mapping) -> dict:
    """Return arrays as lists and NaN as null."""

    def plain(value):
        if isinstance(value, np.ndarray):
            return [plain(one) for one in value.tolist()]
        return None if isinstance(value, float) and math.isnan(value) else value

    return {name: plain(value) for name, value in values.items()}


def _numbers(values: Mapping) -> dict:
    """Return null as NaN."""
    _check_object("a row of history", values)
    return {name: math.nan if value is None else value for name, value in values.items()}


def _calibrations(values: Mapping) -> dict[str, Calibration]:
    """Return calibrations by sweep type."""
    _check_object("calibrations", values)
    return {kind: _calibration(one) for kind, one in values.items()}


def _calibration(values: Mapping) -> Calibration:
    """Return a calibration from lists, null being NaN."""
    names = [field.name for field in fields(Calibration)]
    return Calibration(**{name: np.array(values[name], np.float64) for name in names})


def _check_object(name: str, values) -> None:
    """Raise unless a setting is an object of JSON."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{name} must be an object, got {values!r}")


def _read_about(path: Path) -> dict:
    """Return the settings after checking their keys."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    missing = [key for key in _KEYS if key not in about]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}")
    return about


def _check_hash(folder: Path, expected: str) -> None:
    """Raise unless the weights are those the settings speak of."""
    found = sha256(folder / WEIGHTS)
    if found != expected:
        raise ValueError(
            f"{folder / WEIGHTS} must have the SHA-256 {expected} that {ABOUT} states, got {found}"
        )


def _read_weights(path: Path) -> dict:
    """Return the tensors of a file; nothing in it is ever run."""
    import torch

    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return {name: weights[name] for name in ("network", "reference_pictures")}
    except Exception as error:  # torch raises half a dozen kinds for a foreign file
        raise ValueError(f"{path} holds no weights of a motion model: {error}") from error


def _network(arm: Arm, state: Mapping, path: Path):
    """Return an arm's network with given weights, in evaluation mode."""
    network = networks.make_ready(build_network(arm))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        fault = str(error).splitlines()[1].strip()
        raise ValueError(
            f"{path} is of another architecture than arm {arm.name!r} ({arm.network}): {fault}"
        ) from error
    return networks.channels_last(network).eval()
