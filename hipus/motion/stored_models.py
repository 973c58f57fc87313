"""Models of motion by name: where they lie, of which kind they are, what they need to predict.

Decides that `model.json` says of which kind a model is, that a name stands for a folder below
`results/<profile>/models/motion`, and what anybody must know of a model to prepare a sweep for
it. Deliberately reads no weights itself (see `model_file`, `sweep_context`) and trains nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hipus import paths
from hipus.motion.baselines import WithImuRotation
from hipus.motion.model_file import ABOUT
from hipus.motion.prediction import Predictor

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: Profiles in which a name is looked for: the longest trained first.
NEWEST_FIRST = ("paper", "small")
NETWORK, SWEEP_CONTEXT = "network", "sweep_context"
KINDS = (NETWORK, SWEEP_CONTEXT)


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model that was read from its folder.

    Attributes
    ----------
    folder : pathlib.Path
    kind : {"network", "sweep_context"}
    predictor : Predictor
        A network fuses inertial rotation itself; the study's own arm is the pictures' alone.
    input_px : int
        Side of the thumbnails it wants.
    reference_pictures : mapping of str to numpy.ndarray (P, P) float32
        Mean picture of its training sweeps by sweep type: tells a turned probe.
    origin : str
        Where its training sweeps come from: "simulated" ones are not anyone's.
    """

    folder: Path
    kind: str
    predictor: Predictor
    input_px: int
    reference_pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    origin: str = "simulated"

    def predictor_for(self, prepared: PreparedSweep) -> Predictor:
        """Return what predicts a sweep best: with its inertial rotation, where it has any.

        Parameters
        ----------
        prepared : PreparedSweep

        Returns
        -------
        Predictor
            The deviations of the study's own arm stay those of the pictures alone: for turns
            about gravity too small at the end of a sweep, where the gyroscope's bias has added
            up, too large for all others.
        """
        if self.kind == NETWORK or prepared.imu_rotations is None:
            return self.predictor
        return WithImuRotation(self.predictor)


def models_folder(profile: str) -> Path:
    """Return where the models of a profile lie, a folder each."""
    return paths.results_dir(profile) / "models" / "motion"


def find(name: str | Path, profiles: Sequence[str] = NEWEST_FIRST) -> Path:
    """Return the folder of a model.

    Parameters
    ----------
    name : str or path-like
        A folder that holds a model, or the name of one, for example "published".
    profiles : sequence of str
        Where a name is looked for, in this order.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such model: names where it was looked for, which there are, and which
        stage makes them.
    """
    places = [Path(name), *(models_folder(profile) / name for profile in profiles)]
    for place in places:
        if (place / ABOUT).is_file():
            return place
    there = sorted({path.parent.name for place in places[1:] for path in _models_in(place.parent)})
    raise FileNotFoundError(
        f"model {str(name)!r} is missing: no {ABOUT} in {', '.join(map(str, places))}; there is "
        f"{', '.join(there) or 'none'}. Stage `motion` makes them: run "
        f"`dvc repro motion@{profiles[-1]}` or `dvc pull`"
    )


def load(folder: str | Path) -> StoredModel:
    """Read a model of whichever kind, and check it.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    StoredModel

    Raises
    ------
    FileNotFoundError
        If a file of the model is missing.
    ValueError
        If it is of an unknown kind, damaged, or its parts do not belong together.
    """
    folder = Path(folder)
    about = _read_about(folder / ABOUT)
    kind = about.get("kind", NETWORK)
    if kind not in KINDS:
        raise ValueError(f"{folder / ABOUT}: kind must be one of {KINDS}, got {kind!r}")
    log.info("reading %s, a model of kind %s", folder, kind)
    read = {NETWORK: _network, SWEEP_CONTEXT: _sweep_context}[kind]
    return read(folder, str(about.get("origin", "not stated")))


def _read_about(path: Path) -> dict:
    """Return what a model's description says, whichever kind it is of."""
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} is no motion model: it has no {path.name}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path} must be a JSON object, got {type(about).__name__}")
    return about


def _network(folder: Path, origin: str) -> StoredModel:
    """Return a trained network."""
    from hipus.motion import model_file
    from hipus.motion.network_prediction import NetworkPredictor

    model = model_file.load(folder)
    return StoredModel(
        folder=folder,
        kind=NETWORK,
        predictor=NetworkPredictor(model),
        input_px=model.input_px,
        reference_pictures=model.reference_pictures,
        origin=origin,
    )


def _sweep_context(folder: Path, origin: str) -> StoredModel:
    """Return the study's own arm."""
    from hipus.motion import sweep_context_file

    model = sweep_context_file.load(folder)
    return StoredModel(
        folder=folder,
        kind=SWEEP_CONTEXT,
        predictor=model,
        input_px=model.input_px,
        reference_pictures=model.reference_pictures,
        origin=origin,
    )


def _models_in(folder: Path) -> list[Path]:
    """Return the descriptions of all models in a folder."""
    return sorted(folder.glob(f"*/{ABOUT}")) if folder.is_dir() else []
