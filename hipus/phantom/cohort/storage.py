"""Where the files of one simulated sweep go, and when they count as there.

Decides that a sweep is there wholly or not at all: its files are written into a folder of
their own and moved, the manifest last. A sweep whose manifest fits is finished and is not
made again. Deliberately knows no content (see `outputs`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hipus.files import write_text
from hipus.formats.cohort_layout import TRUTH, sweep_file
from hipus.phantom.cohort.plan import SubjectPlan

#: Beginning of the name of a folder that holds an unfinished sweep.
PART = ".part-"


@dataclass(frozen=True)
class SweepFiles:
    """Names of one sweep's files, relative to the cohort's folder.

    Attributes
    ----------
    sweep, truth, masks, volume, manifest : pathlib.Path
        `<subject>/<sweep>.igs.mha`; below `truth/<subject>/`: `<sweep>.npz`,
        `<sweep>_masks.igs.mha`, `<sweep>_anatomy.mha`, `<sweep>.json`.
    """

    sweep: Path
    truth: Path
    masks: Path
    volume: Path
    manifest: Path


def files_of(subject_id: str, sweep_id: str) -> SweepFiles:
    """Return the names of a sweep's files."""
    stem = Path(TRUTH) / subject_id / sweep_id
    return SweepFiles(
        sweep=sweep_file(Path(), subject_id, sweep_id),
        truth=stem.with_suffix(".npz"),
        masks=stem.with_name(f"{sweep_id}_masks.igs.mha"),
        volume=stem.with_name(f"{sweep_id}_anatomy.mha"),
        manifest=stem.with_suffix(".json"),
    )


def sweep_key(plan: SubjectPlan, sweep: dict) -> str:
    """Return the fingerprint of everything that a sweep's files depend on.

    Parameters
    ----------
    plan : SubjectPlan
    sweep : dict
        A row of the plan.

    Returns
    -------
    str
        64 hexadecimal digits. Other subjects do not count, nor does this one's split.
    """
    subject = {name: plan.subject[name] for name in ("cohort", "centre", "sex", "age_days")}
    sizes = plan.settings
    content = {
        "seed": plan.seed,
        "subject": subject,
        "hips": plan.hips,
        "sweep": {name: value for name, value in sweep.items() if name != "order"},
        "frames": [*sizes.shape_px, sizes.line_count, sizes.sample_pitch_mm],
        "grids": [sizes.scene_spacing_mm, sizes.volume_spacing_mm],
        "sources": _sources(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@cache
def _sources() -> str:
    """Return the fingerprint of the code that simulates."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def read_manifest(folder: Path, subject_id: str, sweep_id: str) -> dict | None:
    """Return a sweep's manifest, None where the sweep is not there wholly.

    Parameters
    ----------
    folder : pathlib.Path
    subject_id, sweep_id : str

    Returns
    -------
    dict or None
        key, files (name -> bytes), recorded and truth (columns of the tables).
    """
    path = folder / files_of(subject_id, sweep_id).manifest
    if not path.is_file():
        return None
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for name, size in manifest["files"].items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != size:
            return None
    return manifest


@contextmanager
def sweep_folder(folder: Path, subject_id: str, sweep_id: str):
    """Yield a folder for a sweep's files; move them to their places when the block succeeds.

    Parameters
    ----------
    folder : pathlib.Path
        Of the cohort.
    subject_id, sweep_id : str

    Yields
    ------
    pathlib.Path
        On the same file system. Write below it under the names of `files_of`.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind.
    """
    part = folder / f"{PART}{subject_id}-{sweep_id}-{os.getpid()}"
    manifest = files_of(subject_id, sweep_id).manifest
    try:
        part.mkdir(parents=True)
        yield part
        (folder / manifest).unlink(missing_ok=True)
        written = [path.relative_to(part) for path in part.rglob("*") if path.is_file()]
        # The manifest says that the others are there, so it is the last to move.
        for name in sorted(written, key=lambda name: name == manifest):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(part / name, folder / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_parts(folder: Path) -> None:
    """Remove what killed runs left behind."""
    for part in folder.glob(f"{PART}*"):
        shutil.rmtree(part, ignore_errors=True)


def write_manifest(part: Path, names: SweepFiles, content: dict) -> None:
    """Write a sweep's manifest, with the sizes of all files that are there so far."""
    sizes = {
        path.relative_to(part).as_posix(): path.stat().st_size
        for path in sorted(part.rglob("*"))
        if path.is_file()
    }
    write_text(part / names.manifest, json.dumps(content | {"files": sizes}, indent=1) + "\n")
