"""How a stage is started, how it records what it did, and how it says what it skipped.

Decides the one positional argument of every stage (the profile), logging, provenance, and
the form of a skip: tables with their columns and no rows, beside `<stage>_missing.csv`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, provenance, tables
from hipus.files import atomic_path
from hipus.formats import real_data

log = logging.getLogger("hipus.stages")

Stage = Callable[[config.Study], Iterable[Path]]


def run(name: str, stage: Stage) -> None:
    """Run one stage for the profile named on the command line and record its provenance.

    Parameters
    ----------
    name : str
        Name of the stage in dvc.yaml.
    stage : callable
        Takes the loaded study, writes its outputs, returns the input files it read.

    Raises
    ------
    SystemExit
        With a usage message if the command line is not exactly one profile.
    """
    study = _study(name)
    inputs = stage(study)
    provenance.record(study, name, inputs=inputs)


def run_always(name: str, stage: Callable[[config.Study], bool]) -> None:
    """Run a stage that DVC starts every time, recording provenance only when it changed.

    Parameters
    ----------
    name : str
        Name of the stage in dvc.yaml.
    stage : callable
        Takes the loaded study, returns whether it rewrote an output.

    Notes
    -----
    A provenance file with a new time stamp would make the report rerun for nothing.
    """
    study = _study(name)
    changed = stage(study)
    if changed or not paths.provenance_file(study.profile, name).is_file():
        provenance.record(study, name)


def _study(name: str) -> config.Study:
    """Return the study of the one positional argument, and start logging."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m hipus.stages.{name} PROFILE")
    logging.basicConfig(format="%(levelname)-7s %(message)s", level=logging.WARNING)
    logging.getLogger("hipus").setLevel(logging.INFO)  # libraries speak up only to warn
    return config.load(sys.argv[1])


def real_inputs(study: config.Study, stage: str, names: Iterable[str]) -> dict[str, Path] | None:
    """Return the real files a stage needs, or None after recording which are missing.

    Parameters
    ----------
    study : Study
    stage : str
        Name of the stage; `<stage>_missing.csv` is written in both cases.
    names : iterable of str
        Manifest paths, for example "plus/SpinePhantomFreehand.igs.mha".

    Returns
    -------
    dict of str to Path, or None
        None means: write empty tables and stop. The stage depends on `real_inputs.csv`, so
        it runs again as soon as the files appear.
    """
    found = {name: real_data.local_path(name) for name in names}
    missing = sorted(name for name, path in found.items() if path is None)
    rows = pd.DataFrame({"file": missing, "how_to_get_it": "hipus fetch, or set HIPUS_MIRROR"})
    tables.write(rows, paths.table_file(study.profile, f"{stage}_missing"), key=["file"])
    if missing:
        log.warning("%s SKIPPED: %d real files are absent: %s", stage, len(missing), missing)
        return None
    return found


def write_tables(study: config.Study, content: Mapping[str, tuple[pd.DataFrame, list[str]]]):
    """Write several tables of a stage.

    Parameters
    ----------
    study : Study
    content : mapping of name to (table, key columns)
    """
    for name, (table, key) in content.items():
        tables.write(table, paths.table_file(study.profile, name), key=key)


def write_empty(study: config.Study, columns: Mapping[str, list[str]]) -> None:
    """Write tables that have their columns and no rows: the form of a skip.

    Parameters
    ----------
    study : Study
    columns : mapping of table name to column names
    """
    for name, names in columns.items():
        tables.write(pd.DataFrame(columns=names), paths.table_file(study.profile, name), key=[])


def write_figure_input(study: config.Study, name: str, arrays: Mapping[str, np.ndarray]) -> Path:
    """Save small arrays that a figure shows, byte for byte the same for the same arrays.

    Parameters
    ----------
    study : Study
    name : str
        Name of the file; figures find it by `paths.figure_input_file`.
    arrays : mapping of str to array

    Returns
    -------
    pathlib.Path
    """
    target = paths.figure_input_file(study.profile, name)
    with atomic_path(target) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **arrays)
    return target
