"""Run all stages of a profile: `python -m hipus.stages <profile>`.

Shows DVC's stage names and progress, then the wall time, what was skipped and where to look.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from hipus import config, paths, tables

log = logging.getLogger("hipus.stages")


def main(arguments: list[str]) -> int:
    """Run `dvc repro` for one profile.

    Parameters
    ----------
    arguments : list of str
        Exactly one profile name.

    Returns
    -------
    int
        DVC's exit status; 2 for bad usage.
    """
    known = config.profiles()
    if len(arguments) != 1 or arguments[0] not in known:
        log.error("usage: python -m hipus.stages PROFILE, one of %s", ", ".join(known))
        return 2
    profile, started = arguments[0], time.monotonic()
    log.info("profile %s: every stage that is not up to date (dvc repro)", profile)
    status = subprocess.call(
        [sys.executable, "-m", "dvc", "repro", "--glob", f"*@{profile}"],
        cwd=paths.root(),
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"},
    )
    if status:
        log.error(
            "a stage failed after %.0f s; its message stands above", time.monotonic() - started
        )
        return status
    _say_where_to_look(profile, time.monotonic() - started)
    return 0


def _say_where_to_look(profile: str, seconds: float) -> None:
    """Log the wall time, what was skipped and the places to open."""
    for name in _skipped(profile):
        log.warning("SKIPPED for lack of real open data: %s (see README, 'Real data')", name)
    log.info("\n%s is up to date (%.0f s). Look at:", profile, seconds)
    for place, what in (
        (f"results/{profile}/report/index.html", "the report, opens from disk"),
        (f"results/{profile}/notebooks/", "executed notebooks"),
        (f"results/{profile}/tables/", "every number, as CSV"),
        (f"figures/{profile}/", "figures, PDF and PNG"),
    ):
        log.info("  %-36s %s", place, what)


def _skipped(profile: str) -> list[str]:
    """Return the stages whose `<stage>_missing.csv` has rows."""
    found = (paths.results_dir(profile) / "tables").glob("*_missing.csv")
    return sorted(path.stem.removesuffix("_missing") for path in found if len(tables.read(path)))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
