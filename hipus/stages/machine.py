"""Stage `machine`: what this machine offers and which packages it has.

Runs at every `dvc repro`, because a fresh clone carries the tables of the machine that made
them. Holds only facts that do not change from run to run, so that nothing reruns for nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata

import pandas as pd

from hipus import config, paths, provenance, tables
from hipus.stages import runner

STAGE = "machine"
#: What the small profile needs; measured on it (see docs/benchmarks.md).
NEEDED_MEMORY_GB = 4
NEEDED_DISK_GB = 5


def main(study: config.Study) -> bool:
    """Write `machine.csv` and `packages.csv` where they changed.

    Parameters
    ----------
    study : Study

    Returns
    -------
    bool
        Whether a table was rewritten.
    """
    changed = [
        tables.write_if_changed(table, paths.table_file(study.profile, name), key=[key])
        for name, table, key in (
            ("machine", machine_table(), "fact"),
            ("packages", package_table(), "package"),
        )
    ]
    return any(changed)


def machine_table() -> pd.DataFrame:
    """Return one row per fact: what is found, what is needed, whether it suffices."""
    facts = provenance.machine()
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    free_gb = shutil.disk_usage(paths.root()).free / 1e9
    python = ".".join(str(part) for part in sys.version_info[:2])
    rows = [
        ("system", facts["system"], "Linux or macOS", os.name == "posix"),
        ("processor", facts["processor"], "any", True),
        ("processor cores", facts["cpu_count"], "2", facts["cpu_count"] >= 2),
        ("memory, GB", round(memory_gb), NEEDED_MEMORY_GB, memory_gb >= NEEDED_MEMORY_GB),
        (
            "disk free, GB",
            f"at least {NEEDED_DISK_GB}" if free_gb >= NEEDED_DISK_GB else "less",
            NEEDED_DISK_GB,
            free_gb >= NEEDED_DISK_GB,
        ),
        ("Python", python, "3.11", python == "3.11"),
        ("NVIDIA driver", _nvidia_driver(), "none for smoke and small", True),
    ]
    return pd.DataFrame(rows, columns=["fact", "found", "needed", "is_enough"]).astype(
        {"found": str, "needed": str}
    )


def package_table() -> pd.DataFrame:
    """Return one row per pinned package: the lock's version and the installed one."""
    lock = (paths.root() / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lock if "==" in line and not line.startswith("#"))
    rows = [(name, pin, _installed(name)) for name, pin in pins.items()]
    table = pd.DataFrame(rows, columns=["package", "locked", "installed"])
    # A local part (2.13.0+cpu) is a build of the same version.
    table["is_as_locked"] = table["installed"].str.partition("+")[0] == table["locked"]
    return table


def _installed(name: str) -> str:
    """Return the installed version of a package, or `absent`."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _nvidia_driver() -> str:
    """Say whether an NVIDIA driver is installed, without importing torch."""
    return "present" if shutil.which("nvidia-smi") else "none"


if __name__ == "__main__":
    runner.run_always(STAGE, main)
