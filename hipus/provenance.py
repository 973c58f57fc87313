"""What made a result: versions, machine, settings, inputs.

Decides what a provenance file says. Written by every stage beside its tables; read by the
report. Uses importlib metadata, so that recording a version imports nothing.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from hipus import __version__, config, paths
from hipus.files import sha256, write_text

_PACKAGES = [
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "torch",
    "monai",
    "nnunetv2",
    "SimpleITK",
    "papermill",
    "jupyterlab",
    "dvc",
    "pydicom",
    "h5py",
]


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that can move a number."""
    found = {"hipus": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, str | int]:
    """Return what kind of machine this is, without its name or its user."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpu_count": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
    }


def commit() -> str:
    """Return the commit of the checkout, with `+changes` if tracked files differ from it."""
    head = _git("rev-parse", "HEAD")
    if head is None:
        return "not a git checkout"
    sources = ("hipus", "notebooks", "params.yaml", "requirements.lock")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *sources)
    return f"{head}+changes" if changed else head


def record(
    study: config.Study,
    stage: str,
    *,
    inputs: Iterable[Path] = (),
    notes: Mapping[str, str | int | float] | None = None,
) -> Path:
    """Write `results/<profile>/provenance/<stage>.json`.

    Parameters
    ----------
    study : Study
        The loaded profile; its settings are stored whole.
    stage : str
        Name of the stage.
    inputs : iterable of Path
        Files the stage read; stored by name, size and SHA-256, never by machine path.
    notes : mapping, optional
        Further facts, for example `{"device": "cpu"}`.

    Returns
    -------
    pathlib.Path
    """
    content = {
        "stage": stage,
        "profile": study.profile,
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "settings": asdict(study),
        "versions": versions(),
        "machine": machine(),
        "inputs": _fingerprints(inputs),
        **(notes or {}),
    }
    target = paths.provenance_file(study.profile, stage)
    return write_text(target, json.dumps(content, indent=2, sort_keys=True) + "\n")


def _fingerprints(inputs: Iterable[Path]) -> dict[str, dict[str, str | int]]:
    """Return size and SHA-256 of each input, by name, with its folder where two share one."""
    files = sorted({Path(path) for path in inputs})
    names = Counter(path.name for path in files)
    return {
        path.name if names[path.name] == 1 else f"{path.parent.name}/{path.name}": {
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in files
    }


def _processor() -> str:
    """Return the processor's model name, or what Python knows of it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _git(*arguments: str) -> str | None:
    """Return git's answer for the checkout, or None where there is no git or checkout."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=paths.root(), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
