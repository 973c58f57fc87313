"""The printed tables, as transcribed.

Decides how a table of `data/published/` is read, checked and addressed; what is in which
table stands in `data/published/index.csv`, one row for every column of printed values.
Deliberately corrects nothing: suspected misprints are noted, never repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import pandas as pd

from hipus import paths

KINDS = ("number", "entry", "mixed", "statement")
"""Numbers only; words only; numbers and words; whole sentences."""


@dataclass(frozen=True)
class PrintedColumn:
    """One column of printed values: a row of `index.csv`.

    Attributes
    ----------
    table : str
        Short, stable name of the table, first part of every claim id.
    file : str
        File name in `data/published/`.
    document : str
        Document that prints the table.
    location, item, unit : str
        Where it stands, what is stated, in which unit; `{column}` is filled in by row.
    keys : tuple of str
        Columns that identify a row of the file.
    rows : str
        Selector of the rows meant (see `select`); empty for all.
    column : str
        Column that holds the values.
    kind : str
        One of `KINDS`.
    spread : str
        Column that holds the number printed after +-, or empty.
    """

    table: str
    file: str
    document: str
    location: str
    keys: tuple[str, ...]
    rows: str
    column: str
    kind: str
    item: str
    unit: str
    spread: str


def folder() -> Path:
    """Return `data/published`."""
    return paths.data_dir() / "published"


def read_csv(name: str) -> pd.DataFrame:
    """Read a file of the folder with every cell as the text that stands in it.

    Parameters
    ----------
    name : str
        File name.

    Returns
    -------
    pandas.DataFrame
        Strings; an empty cell is the empty string.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    """
    file = folder() / name
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: run `dvc pull data.dvc`")
    return _read(file, file.stat().st_mtime_ns).copy()


@lru_cache(maxsize=64)
def _read(file: Path, changed_ns: int) -> pd.DataFrame:
    """Parse a file once for each state of it."""
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")


def index() -> tuple[PrintedColumn, ...]:
    """Return the columns of printed values in the order of `index.csv`.

    Returns
    -------
    tuple of PrintedColumn

    Raises
    ------
    ValueError
        If the index has other columns than `PrintedColumn`, or an unknown kind.
    """
    file = folder() / "index.csv"
    return _index(file, file.stat().st_mtime_ns if file.is_file() else 0)


@lru_cache(maxsize=4)
def _index(file: Path, changed_ns: int) -> tuple[PrintedColumn, ...]:
    """Parse the index once for each state of the file."""
    frame = read_csv(file.name)
    expected = [field.name for field in fields(PrintedColumn)]
    if list(frame.columns) != expected:
        raise ValueError(f"index.csv: columns must be {expected}, got {list(frame.columns)}")
    unknown = sorted(set(frame["kind"]) - set(KINDS))
    if unknown:
        raise ValueError(f"index.csv: kind must be one of {list(KINDS)}, got {unknown}")
    rows = frame.to_dict("records")
    return tuple(PrintedColumn(**{**row, "keys": tuple(row["keys"].split(";"))}) for row in rows)


def columns_of(table: str) -> tuple[PrintedColumn, ...]:
    """Return the columns of printed values of one table.

    Parameters
    ----------
    table : str
        Short name, for example "midl_table4".

    Returns
    -------
    tuple of PrintedColumn

    Raises
    ------
    ValueError
        If no table has this name; the message lists the known ones.
    """
    everything = index()
    found = tuple(column for column in everything if column.table == table)
    if not found:
        known = list(dict.fromkeys(column.table for column in everything))
        raise ValueError(f"table must be one of {known}, got {table!r}")
    return found


def as_printed(table: str) -> pd.DataFrame:
    """Read one table as text, exactly as transcribed.

    Parameters
    ----------
    table : str
        Short name.

    Returns
    -------
    pandas.DataFrame
        Strings, "0.0000" stays "0.0000".

    Raises
    ------
    ValueError
        If a column is missing, or two rows share a key.
    """
    columns = columns_of(table)
    file, keys = columns[0].file, list(columns[0].keys)
    frame = read_csv(file)
    needed = dict.fromkeys([*keys, *(c.column for c in columns), *(c.spread for c in columns)])
    missing = [name for name in needed if name and name not in frame.columns]
    if missing:
        raise ValueError(f"{file}: needs columns {missing}, has {list(frame.columns)}")
    repeated = frame[frame.duplicated(keys, keep=False)]
    if len(repeated):
        raise ValueError(
            f"{file}: {keys} must identify a row, got {len(repeated)} rows that share one, "
            f"first {repeated[keys].iloc[0].to_dict()}"
        )
    return frame


def load(table: str) -> pd.DataFrame:
    """Read one table with its columns of numbers as float64.

    Parameters
    ----------
    table : str
        Short name.

    Returns
    -------
    pandas.DataFrame
        Columns of kind "number" and their spreads are float64, NaN where nothing is
        printed; all others, keys among them, stay text (model "2.1" is no number).

    Raises
    ------
    ValueError
        If a cell of a column of numbers is neither a number nor empty.
    """
    frame = as_printed(table)
    for column in columns_of(table):
        if column.kind != "number":
            continue
        for name in filter(None, (column.column, column.spread)):
            if not pd.api.types.is_float_dtype(frame[name]):
                frame[name] = _to_float(frame[name], column.file)
    return frame


def select(frame: pd.DataFrame, selector: str) -> pd.DataFrame:
    """Return the rows that a selector names.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table as text (`as_printed`).
    selector : str
        Conditions joined by `;`, each `column=value`, alternatives joined by `|`:
        `model_id=2.1|2.2; structure=ilium`. Empty for all rows. Values compare as printed.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        If a condition has no `=`, or names a column that the table lacks.
    """
    chosen = pd.Series(True, index=frame.index)
    for condition in filter(None, (part.strip() for part in selector.split(";"))):
        column, equals, values = condition.partition("=")
        if not equals:
            raise ValueError(f"selector must be column=value, got {condition!r}")
        if column not in frame.columns:
            raise ValueError(f"selector {condition!r}: columns are {list(frame.columns)}")
        chosen &= frame[column].isin(values.split("|"))
    return frame[chosen]


def printed(table: str, rows: str, column: str = "value") -> str:
    """Return the text of one printed cell.

    Parameters
    ----------
    table : str
        Short name.
    rows : str
        Selector that names exactly one row (see `select`).
    column : str
        Column of the cell.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the selector names no row or several.
    """
    found = select(as_printed(table), rows)
    if len(found) != 1:
        raise ValueError(f"{table}: {rows!r} must name one row, got {len(found)}")
    return found[column].iloc[0]


def _to_float(cells: pd.Series, file: str) -> pd.Series:
    """Parse cells; name the first that is no number."""
    numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce").astype(float)
    wrong = cells[numbers.isna() & (cells != "")]
    if len(wrong):
        raise ValueError(
            f"{file}, column {cells.name}, data row {wrong.index[0] + 1}: "
            f"expected a number, got {wrong.iloc[0]!r}"
        )
    return numbers
