"""Which recording is whose: the list that a hospital fills in before an import.

Decides its columns, and refuses every other one, so that no name of a patient is carried along
because it stood in a column. Deliberately opens no recording.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import VALUES
from hipus.intake.recordings import CALIBRATIONS, SUFFIXES

REQUIRED = ("file", "patient", "side", "sweep_type")
#: What may be stated of a recording. Paths begin at the list's folder.
OF_SWEEP = ("sweep", "session", "order", "operator", "date", "calibration", "imu", "imu_to_probe")
OF_SWEEP += ("lag_s", "poses_are_lag_corrected", "pixel_mm", "frame_rate_hz", "orientation")
OF_SWEEP += ("probe", "reference")
#: What may be stated of a patient: the same in all rows of one.
OF_SUBJECT = ("sex", "age_days", "split", "cohort", "centre", "is_labelled_2d", "is_labelled_3d")
_PATHS = ("file", "calibration", "imu", "imu_to_probe")
_GUESSES = {"left": r"left|(?<![a-z])l(?![a-z])", "right": r"right|(?<![a-z])r(?![a-z])"}
_TYPES = {"graf": r"graf", "p_a": r"p[_-]?a(?![a-z])", "p_d": r"p[_-]?d(?![a-z])"}


def read_listing(path: Path) -> pd.DataFrame:
    """Read a filled list.

    Parameters
    ----------
    path : Path
        CSV with `REQUIRED` and any of `OF_SWEEP` and `OF_SUBJECT`.

    Returns
    -------
    pandas.DataFrame
        All text, "" where nothing is stated; every column is there; paths are absolute.

    Raises
    ------
    FileNotFoundError
        If the list or a file that it names is missing.
    ValueError
        If a column is missing or none of these, a cell that must be filled is empty or holds
        another value, or a patient's rows contradict each other.
    """
    table = tables.read(path, columns=REQUIRED, dtype=str, keep_default_na=False)
    allowed = (*REQUIRED, *OF_SWEEP, *OF_SUBJECT)
    foreign = [name for name in table if name not in allowed]
    if foreign:
        raise ValueError(
            f"{path}: columns {foreign} are not carried over, take them out; known are {allowed}"
        )
    if table.empty:
        raise ValueError(f"{path} must list at least one recording, got none")
    table = table.reindex(columns=allowed, fill_value="")
    for line, row in enumerate(table.itertuples(index=False), start=2):
        _check_row(f"{path} line {line}", row)
    _check_subjects(path, table)
    for name in _PATHS:
        table[name] = [_found(path.parent, value) for value in table[name]]
    return table


def _check_row(where: str, row) -> None:
    """Raise unless a row's required cells hold what they may."""
    for name in REQUIRED:
        value = getattr(row, name)
        if not value or value not in VALUES.get(name, (value,)):
            expected = VALUES.get(name, "some text")
            raise ValueError(f"{where}: {name} must be {expected}, got {value!r}")


def _check_subjects(path: Path, table: pd.DataFrame) -> None:
    """Raise if a patient has two sexes, ages or splits."""
    for _, rows in table.groupby("patient", sort=False):
        for name in OF_SUBJECT:
            stated = sorted(set(rows[name]))
            if len(stated) > 1:
                lines = [int(line) + 2 for line in rows.index]
                raise ValueError(
                    f"{path} lines {lines}: {name} of one patient must be one, got {stated}"
                )


def _found(folder: Path, name: str) -> str:
    """Return where a named file lies, "" for none."""
    if not name:
        return ""
    place = folder / name
    if not place.is_file():
        raise FileNotFoundError(f"{place} is missing, but the list names it")
    return str(place.resolve())


def draft(folder: Path) -> pd.DataFrame:
    """List the recordings of a folder, with what their names suggest.

    Parameters
    ----------
    folder : Path
        Looked through with all folders in it.

    Returns
    -------
    pandas.DataFrame
        `REQUIRED` and the commonest columns. `patient` is the folder that holds a recording;
        `side` and `sweep_type` are guessed from its name, "" where it does not say. A person
        has to look at it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no recording in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    found = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(SUFFIXES))
    if not found:
        raise FileNotFoundError(f"{folder} holds no recording: {', '.join(SUFFIXES)}")
    rows = [
        {
            "file": path.relative_to(folder).as_posix(),
            "patient": path.parent.name,
            "side": _guess(path, _GUESSES),
            "sweep_type": _guess(path, _TYPES),
            "session": "1",
            "calibration": _calibration_near(path, folder),
        }
        for path in found
    ]
    return pd.DataFrame(rows)


def _guess(path: Path, patterns: dict[str, str]) -> str:
    """Return the one word that a file's name fits, "" for none or several."""
    fits = [word for word, pattern in patterns.items() if re.search(pattern, path.name.lower())]
    return fits[0] if len(fits) == 1 else ""


def _calibration_near(path: Path, folder: Path) -> str:
    """Return the calibration beside a scan that holds none itself."""
    if path.suffix.lower() != ".h5":
        return ""
    places = [path.with_name(f"{path.stem}.{CALIBRATIONS}"), path.with_name(CALIBRATIONS)]
    near = next((place for place in places if place.is_file()), None)
    return near.relative_to(folder).as_posix() if near else ""
