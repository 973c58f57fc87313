"""Where things are.

Decides the location of the repository, of inputs, results, figures, scratch and downloaded
real data. Reads environment variables, all machine facts: `HIPUS_ROOT` (a study folder other
than the checkout), `HIPUS_MIRROR` (a folder that holds the real open data), `HIPUS_CACHE` and
`XDG_CACHE_HOME` (where downloads go). Deliberately creates nothing: writers make their own
folders.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


def root() -> Path:
    """Return the study folder: `HIPUS_ROOT`, else the checkout this package lives in.

    Returns
    -------
    pathlib.Path
        Absolute path; never depends on the working directory, so notebooks run from
        JupyterLab and from papermill find the same files.
    """
    configured = os.environ.get("HIPUS_ROOT")
    return Path(configured).resolve() if configured else _PACKAGE_PARENT


def params_file() -> Path:
    """Return the one configuration file, `params.yaml`."""
    return root() / "params.yaml"


def data_dir() -> Path:
    """Return the folder of our own inputs, tracked whole by `data.dvc`."""
    return root() / "data"


def results_dir(profile: str) -> Path:
    """Return `results/<profile>`."""
    return root() / "results" / profile


def table_file(profile: str, name: str) -> Path:
    """Return `results/<profile>/tables/<name>.csv`."""
    return results_dir(profile) / "tables" / f"{name}.csv"


def figure_input_file(profile: str, name: str) -> Path:
    """Return `results/<profile>/figure_inputs/<name>.npz`."""
    return results_dir(profile) / "figure_inputs" / f"{name}.npz"


def metrics_file(profile: str, stage: str) -> Path:
    """Return `results/<profile>/metrics/<stage>.json`."""
    return results_dir(profile) / "metrics" / f"{stage}.json"


def provenance_file(profile: str, stage: str) -> Path:
    """Return `results/<profile>/provenance/<stage>.json`."""
    return results_dir(profile) / "provenance" / f"{stage}.json"


def figures_dir(profile: str) -> Path:
    """Return `figures/<profile>`."""
    return root() / "figures" / profile


def work_dir(profile: str) -> Path:
    """Return `work/<profile>`: checkpoints and scratch, outside git and DVC."""
    return root() / "work" / profile


def mirror_dir() -> Path | None:
    """Return the mirror of the real open data that `HIPUS_MIRROR` names, or None.

    Raises
    ------
    NotADirectoryError
        If the variable is set but names no folder: a typo must not look like "no mirror".
    """
    configured = os.environ.get("HIPUS_MIRROR")
    if not configured:
        return None
    mirror = Path(configured).expanduser()
    if not mirror.is_dir():
        raise NotADirectoryError(f"HIPUS_MIRROR must name a folder, got {configured!r}")
    return mirror


def download_dir() -> Path:
    """Return the per-user folder of downloaded real data (shared by all checkouts)."""
    configured = os.environ.get("HIPUS_CACHE")
    if configured:
        return Path(configured).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "hipus"
