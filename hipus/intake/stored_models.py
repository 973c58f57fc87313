"""All models that lie here, and whether each is what it says it is.

Decides where models are looked for and what verifying means: the weights have the SHA-256 that
their description states, and hold tensors only. Deliberately predicts nothing with them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hipus.files import sha256
from hipus.motion import stored_models as motion_models
from hipus.segmentation import stored_models as segmentation_models

#: What a model is for -> where those of a profile lie.
FOLDERS = {
    "motion": motion_models.models_folder,
    "segmentation": segmentation_models.models_folder,
}
PROFILES = ("paper", "small", "smoke")
ABOUT, WEIGHTS = "model.json", "weights.pt"


def list_models(profiles: Sequence[str] = PROFILES) -> list[dict]:
    """List the models of profiles.

    Parameters
    ----------
    profiles : sequence of str

    Returns
    -------
    list of dict
        name, purpose, profile, folder, origin (what it was trained on), sha256 (as stated),
        megabytes. A description that cannot be read has an `error` instead.
    """
    rows = []
    for profile in profiles:
        for purpose, place in FOLDERS.items():
            for path in sorted(place(profile).glob(f"*/{ABOUT}")):
                folder = path.parent
                known = {"name": folder.name, "purpose": purpose, "profile": profile}
                rows.append(known | {"folder": str(folder)} | _facts(folder))
    return rows


def _facts(folder: Path) -> dict:
    """Return what a model's description says."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        weights = folder / WEIGHTS
        return {
            "origin": str(about.get("origin", "not stated")),
            "sha256": str(about["sha256"]),
            "megabytes": round(weights.stat().st_size / 1e6, 2) if weights.is_file() else None,
        }
    except (ValueError, KeyError, AttributeError, OSError) as error:
        return {"error": f"{ABOUT} cannot be read: {error!r}"}


def verify(folder: Path, expected: str | None = None) -> dict:
    """Check the weights of a model against their hash, and load them without running anything.

    Parameters
    ----------
    folder : Path
    expected : str, optional
        The SHA-256 that the weights must have; left out: what model.json states.

    Returns
    -------
    dict
        folder, purpose and sha256.

    Raises
    ------
    FileNotFoundError
        If it is no model's folder.
    ValueError
        If the weights have another hash, hold anything but tensors, or do not fit.
    """
    if not (folder / ABOUT).is_file():
        raise FileNotFoundError(f"{folder} holds no model: it has no {ABOUT}")
    if expected is not None:
        check_hash(folder / WEIGHTS, expected)
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    purpose = "segmentation" if "scheme" in about else "motion"
    if purpose == "segmentation":
        from hipus.segmentation import model_files

        model_files.load(folder)
    else:
        motion_models.load(folder)
    return {"folder": str(folder), "purpose": purpose, "sha256": str(about["sha256"])}


def check_hash(path: Path, expected: str) -> str:
    """Raise unless a file has the hash that somebody states.

    Parameters
    ----------
    path : Path
    expected : str
        64 hexadecimal digits, upper or lower case.

    Returns
    -------
    str
        The hash, in lower case.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If what is expected is no SHA-256, or the file has another.
    """
    wanted = expected.strip().lower()
    if len(wanted) != 64 or set(wanted) - set("0123456789abcdef"):
        raise ValueError(f"a SHA-256 must be 64 hexadecimal digits, got {expected!r}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    found = sha256(path)
    if found != wanted:
        raise ValueError(f"{path} must have the SHA-256 {wanted}, got {found}")
    return found
