"""Tidy tables on disk.

Decides the one dialect of the study's CSV files (sorted by key, `%.9g`, UTF-8, Unix line
ends) and of its metrics JSON (flat, sorted, units in the keys). Deliberately knows no
table's content: a stage owns its columns.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from hipus.files import write_text


def write(table: pd.DataFrame, path: str | os.PathLike, *, key: Sequence[str]) -> Path:
    """Write a tidy table atomically, sorted by its key.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per observation; the index is not written.
    path : path-like
        Target, ending in `.csv`.
    key : sequence of str
        Columns that identify a row.

    Returns
    -------
    pathlib.Path
        The written file.

    Raises
    ------
    ValueError
        If a key column is missing or two rows share a key.
    """
    path = Path(path)
    return write_text(path, to_csv_text(table, path.name, key=key))


def write_if_changed(table: pd.DataFrame, path: str | os.PathLike, *, key: Sequence[str]) -> bool:
    """Write a tidy table unless the file already has these bytes.

    Parameters
    ----------
    table, path, key
        As for `write`.

    Returns
    -------
    bool
        Whether the file was written. A stage that runs always uses this, so that what
        depends on its table reruns only when the content changed.
    """
    path = Path(path)
    text = to_csv_text(table, path.name, key=key)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def to_csv_text(table: pd.DataFrame, name: str = "table", *, key: Sequence[str]) -> str:
    """Return the study's CSV text of a table: sorted by key, `%.9g`, Unix line ends.

    Parameters
    ----------
    table : pandas.DataFrame
    name : str
        Name used in messages.
    key : sequence of str
        Columns that identify a row.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a key column is missing or two rows share a key.
    """
    key = list(key)
    missing = [column for column in key if column not in table.columns]
    if missing:
        raise ValueError(f"{name}: key columns {missing} are not in {list(table.columns)}")
    repeated = table[table.duplicated(key, keep=False)] if key else table.iloc[:0]
    if len(repeated):
        raise ValueError(
            f"{name}: key {key} must identify a row, got {len(repeated)} rows that share one, "
            f"first {repeated[key].iloc[0].to_dict()}"
        )
    ordered = table.sort_values(key, kind="stable") if key else table
    return ordered.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def read(path: str | os.PathLike, *, columns: Sequence[str] = (), **options) -> pd.DataFrame:
    """Read a table and check that the columns a caller needs are there.

    Parameters
    ----------
    path : path-like
        CSV file written by `write`.
    columns : sequence of str
        Columns that must exist.
    **options
        Passed to `pandas.read_csv`.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message says which command makes it.
    ValueError
        If it is no table of the given options, or a needed column is missing.
    """
    path = existing(path)
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # pandas names no file
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{path}: needs columns {missing}, has {list(table.columns)}")
    return table


def existing(path: str | os.PathLike) -> Path:
    """Return the path of a result or an input, or say which command makes it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {_maker(path)}")
    return path


def _maker(path: Path) -> str:
    """Say how a missing table comes into being."""
    parts = path.parts
    if "results" in parts[:-1]:
        profile = parts[parts.index("results") + 1]
        return f"run `dvc repro --glob '*@{profile}'` (or `make reproduce` for small)"
    return "run `dvc pull data.dvc` for the study's own inputs"


def write_metrics(values: Mapping[str, float | int | str | bool | None], path) -> Path:
    """Write one stage's metrics as flat, sorted JSON.

    Parameters
    ----------
    values : mapping
        Name with unit -> number, text or None. NaN and infinity become null, because JSON
        has neither.
    path : path-like
        Target, ending in `.json`.

    Returns
    -------
    pathlib.Path
        The written file.

    Raises
    ------
    ValueError
        If a value is nested: metrics are flat, so that git shows the difference.
    """
    nested = [
        name
        for name, value in values.items()
        if isinstance(value, (Mapping, list, tuple)) or getattr(value, "ndim", 0)
    ]
    if nested:
        raise ValueError(f"{Path(path).name}: metrics must be flat, got nested {nested}")
    plain = {name: _plain(value) for name, value in values.items()}
    return write_text(path, json.dumps(plain, indent=2, sort_keys=True) + "\n")


def read_metrics(path: str | os.PathLike) -> dict[str, float | int | str | bool | None]:
    """Read a stage's metrics.

    Parameters
    ----------
    path : path-like
        JSON file written by `write_metrics`.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message says which command makes it.
    ValueError
        If it holds no flat JSON.
    """
    path = existing(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold names and values, got {type(values).__name__}")
    return values


def _plain(value):
    """Return a JSON number, text, bool or None for a Python or NumPy scalar."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value
