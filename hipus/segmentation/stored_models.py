"""Models of segmentation by name: where they lie, and how one is found.

Decides that a name, "2.1" to "3.2", stands for a folder below `results/<profile>/models/
segmentation`. Deliberately reads no weights (see `model_files`) and trains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hipus import paths
from hipus.segmentation import networks
from hipus.segmentation.model_files import ABOUT

#: Profiles in which a name is looked for: the longest trained first.
NEWEST_FIRST = ("paper", "small")


def models_folder(profile: str) -> Path:
    """Return where the models of a profile lie, a folder each."""
    return paths.results_dir(profile) / "models" / "segmentation"


def find(name: str | Path, profiles: Sequence[str] = NEWEST_FIRST) -> Path:
    """Return the folder of a model.

    Parameters
    ----------
    name : str or path-like
        A folder that holds a model, or the name of one, for example "3.2".
    profiles : sequence of str
        Where a name is looked for, in this order.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such model: names where it was looked for, which there are, and the
        command that makes it.
    """
    places = [Path(name), *(models_folder(profile) / name for profile in profiles)]
    for place in places:
        if (place / ABOUT).is_file():
            return place
    there = sorted({path.parent.name for place in places[1:] for path in _models_in(place.parent)})
    raise FileNotFoundError(
        f"model {str(name)!r} is missing: no {ABOUT} in {', '.join(map(str, places))}; there is "
        f"{', '.join(there) or 'none'}. {_advice(str(name), profiles[-1])}"
    )


def _advice(name: str, profile: str) -> str:
    """Say how a model comes about, or which names there can be."""
    if name not in networks.CONFIGURATIONS:
        return f"The study's models are {', '.join(networks.CONFIGURATIONS)}"
    stage = f"train_{name.replace('.', '')}"
    return f"Stage `{stage}` makes it: run `dvc repro {stage}@{profile}` or `dvc pull`"


def _models_in(folder: Path) -> list[Path]:
    """Return the descriptions of all models in a folder."""
    return sorted(folder.glob(f"*/{ABOUT}")) if folder.is_dir() else []
