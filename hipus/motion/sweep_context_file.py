"""A fitted `SweepContext` on disk: numbers in one archive, what they are beside them.

Decides the two files of a model's folder, `weights.npz` (arrays, nothing that could run) and
`model.json` with its kind, what it was trained on and the SHA-256 of the arrays. Deliberately
neither fits nor predicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hipus import provenance
from hipus.files import atomic_path, sha256, write_text
from hipus.motion.correlation_regression import Basis, CorrelationRegression, Ridge
from hipus.motion.pace import Pace
from hipus.motion.spread import Spread
from hipus.motion.sweep_context import SweepContext

KIND = "sweep_context"
WEIGHTS, ABOUT = "weights.npz", "model.json"
_KEYS = ("kind", "origin", "penalties", "shape", "sha256", "training_subjects", "versions")
_RIDGE = ("mean", "scale", "weights", "offset")
_SPREAD = ("sd_mm", "sd_deg", "shared")


def save(model: SweepContext, folder: str | Path, *, origin: str = "simulated") -> Path:
    """Write a model.

    Parameters
    ----------
    model : SweepContext
    folder : path-like
        Made if missing; a model already there is replaced.
    origin : str
        Of the sweeps it was fitted on.

    Returns
    -------
    Path
        The folder.

    Notes
    -----
    Each file is written wholly or not at all, the arrays first: a run that is killed between
    the two leaves a hash that does not fit, which `load` refuses.
    """
    folder = Path(folder)
    with atomic_path(folder / WEIGHTS) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, **_arrays(model))
    basis = model.shape.basis
    about = {
        "kind": KIND,
        "origin": origin,
        "penalties": {kind: pace.penalty for kind, pace in sorted(model.paces.items())},
        "shape": {
            "context": basis.context,
            "penalty": model.shape.penalty,
            "types": list(basis.types),
        },
        "sha256": sha256(folder / WEIGHTS),
        "training_subjects": list(model.training_subjects),
        "versions": provenance.versions(),
    }
    write_text(folder / ABOUT, json.dumps(about, indent=2, sort_keys=True) + "\n")
    return folder


def load(folder: str | Path) -> SweepContext:
    """Read a model and check that its parts belong together.

    Parameters
    ----------
    folder : path-like
        As `save` wrote it.

    Returns
    -------
    SweepContext

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If the settings are no JSON object, of another kind of model or lack a key, or the
        arrays are not those the settings speak of.
    """
    folder = Path(folder)
    for name in (ABOUT, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is no sweep context model: it has no {name}")
    about = _read_about(folder / ABOUT)
    found = sha256(folder / WEIGHTS)
    if found != about["sha256"]:
        raise ValueError(
            f"{folder / WEIGHTS} must have the SHA-256 {about['sha256']} of {ABOUT}, got {found}"
        )
    with np.load(folder / WEIGHTS, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    try:
        return _model(about, arrays)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder} holds an incomplete model: {error} is missing") from error


def _read_about(path: Path) -> dict:
    """Return the settings after checking their kind and keys."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path} must be a JSON object, got {type(about).__name__}")
    if about.get("kind") != KIND:
        raise ValueError(f"{path}: kind must be {KIND!r}, got {about.get('kind')!r}")
    missing = [key for key in _KEYS if key not in about]
    if missing:
        raise ValueError(f"{path} lacks {missing}")
    return about


def _arrays(model: SweepContext) -> dict[str, np.ndarray]:
    """Return all arrays of a model by name."""
    basis, arrays = model.shape.basis, {}
    arrays |= {f"basis.{name}": getattr(basis, name) for name in ("mean", "scale", "axes")}
    arrays |= _ridge_arrays("shape", model.shape.ridge)
    for kind, pace in model.paces.items():
        arrays |= _ridge_arrays(f"pace.{kind}", pace.ridge)
    arrays |= {f"picture.{kind}": one for kind, one in model.reference_pictures.items()}
    for whose, spread in (("shape", model.shape.spread), ("own", model.spread)):
        arrays |= {f"spread.{whose}.{name}": getattr(spread, name) for name in _SPREAD}
    return arrays


def _ridge_arrays(name: str, ridge: Ridge) -> dict[str, np.ndarray]:
    """Return the arrays of a ridge by name."""
    return {f"{name}.{part}": getattr(ridge, part) for part in _RIDGE}


def _model(about: Mapping, arrays: Mapping[str, np.ndarray]) -> SweepContext:
    """Return the model of settings and arrays."""
    basis = Basis(
        *(arrays[f"basis.{name}"] for name in ("mean", "scale", "axes")),
        int(about["shape"]["context"]),
        tuple(about["shape"]["types"]),
    )
    spreads = {
        whose: Spread(*(arrays[f"spread.{whose}.{name}"] for name in _SPREAD))
        for whose in ("shape", "own")
    }
    shape = CorrelationRegression(
        basis, _ridge("shape", arrays), float(about["shape"]["penalty"]), spreads["shape"]
    )
    kinds = about["penalties"]
    return SweepContext(
        shape=shape,
        paces={kind: Pace(_ridge(f"pace.{kind}", arrays), float(kinds[kind])) for kind in kinds},
        reference_pictures={kind: arrays[f"picture.{kind}"] for kind in kinds},
        spread=spreads["own"],
        training_subjects=tuple(about["training_subjects"]),
    )


def _ridge(name: str, arrays: Mapping[str, np.ndarray]) -> Ridge:
    """Return a ridge from its arrays."""
    return Ridge(*(arrays[f"{name}.{part}"] for part in _RIDGE))
