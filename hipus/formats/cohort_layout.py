"""A cohort on disk: the layout that a hospital fills and that the simulation writes.

Decides names and columns (docs/data_formats.md, "A cohort") and checks them before a sweep is
opened; frames stay on disk until they are asked for. Deliberately knows nothing of truth,
which lies apart in `truth/`, and judges no sweep (see `sweep_quality`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.formats.cohort_session import Session, open_sweep, read_json, read_session
from hipus.sweep import Sweep

SUBJECTS, SWEEPS, ABOUT, TRUTH = "subjects.csv", "sweeps.csv", "cohort.json", "truth"
SUBJECT_KEY, SWEEP_KEY = ["subject_id"], ["subject_id", "sweep_id"]
#: Columns that must be there; further ones are kept.
SUBJECT_COLUMNS = ("subject_id",)
SWEEP_COLUMNS = ("subject_id", "sweep_id", "session_id", "side", "sweep_type")
#: Columns whose values are few, where they are there.
VALUES = {
    "side": ("left", "right"),
    "sweep_type": ("graf", "p_a", "p_d"),
    "sex": ("f", "m"),
    "split": ("train", "validation", "test"),
}
SUFFIXES = (".igs.mha", ".igs.mhd", ".igs.nrrd")
#: An id is also a file name: nothing that could lead out of the folder.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Cohort:
    """A cohort whose tables were checked.

    Attributes
    ----------
    folder : pathlib.Path
    origin : str
        "simulated", or "recorded" where nothing is said.
    subjects, sweeps : pandas.DataFrame
        Keyed by subject_id, and by subject_id and sweep_id.
    """

    folder: Path
    origin: str
    subjects: pd.DataFrame
    sweeps: pd.DataFrame

    def sweep(self, subject_id: str, sweep_id: str) -> Sweep:
        """Open a sweep; its frames are read when they are asked for.

        Parameters
        ----------
        subject_id, sweep_id : str

        Returns
        -------
        Sweep
            Poses are those of the images: a lag is undone. An untracked sweep has none valid.

        Raises
        ------
        KeyError
            If the cohort has no such sweep.
        ValueError
            If file and session contradict each other, or the file is damaged.
        """
        rows = self.sweeps[
            (self.sweeps.subject_id == subject_id) & (self.sweeps.sweep_id == sweep_id)
        ]
        if rows.empty:
            raise KeyError(f"{self.folder / SWEEPS} has no sweep {sweep_id!r} of {subject_id!r}")
        session = self.session(subject_id, str(rows.session_id.iloc[0]))
        path = find_sweep(self.folder, subject_id, sweep_id)
        return open_sweep(path, session, f"{subject_id}/{sweep_id}")

    def session(self, subject_id: str, session_id: str) -> Session:
        """Read what is known of one examination.

        Raises
        ------
        FileNotFoundError, ValueError
            If its file is missing or wrong.
        """
        return read_session(session_file(self.folder, subject_id, session_id))


def sweep_file(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return where a sweep is written."""
    return Path(folder) / subject_id / f"{sweep_id}{SUFFIXES[0]}"


def session_file(folder: Path, subject_id: str, session_id) -> Path:
    """Return where a session is described."""
    return Path(folder) / subject_id / f"session_{session_id}.json"


def find_sweep(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return a sweep's file, under whichever ending it has.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If there are several.
    """
    stem = Path(folder) / subject_id / sweep_id
    found = [path for path in (Path(f"{stem}{end}") for end in SUFFIXES) if path.is_file()]
    if not found:
        raise FileNotFoundError(f"{stem}: sweep file is missing, expected {' or '.join(SUFFIXES)}")
    if len(found) > 1:
        names = [path.name for path in found]
        raise ValueError(f"{stem}: sweep must have one file, got {names}")
    return found[0]


def read_cohort(folder) -> Cohort:
    """Read a cohort's tables and check that everything they name is there.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    Cohort

    Raises
    ------
    FileNotFoundError
        If the folder, a table, a sweep or a session file is missing.
    ValueError
        If a table or file is wrong: names file, field, expected and got.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: cohort folder is missing")
    subjects = _read_table(folder / SUBJECTS, SUBJECT_COLUMNS, SUBJECT_KEY)
    sweeps = _read_table(folder / SWEEPS, SWEEP_COLUMNS, SWEEP_KEY)
    unknown = sorted(set(sweeps.subject_id) - set(subjects.subject_id))
    if unknown:
        raise ValueError(f"{folder / SWEEPS}: subject_id {unknown} are not in {SUBJECTS}")
    for row in sweeps.itertuples():
        find_sweep(folder, row.subject_id, row.sweep_id)
    for subject_id, session_id in sweeps[["subject_id", "session_id"]].drop_duplicates().values:
        read_session(session_file(folder, subject_id, session_id))
    return Cohort(folder, _origin(folder / ABOUT), subjects, sweeps)


def _origin(path: Path) -> str:
    """Return where a cohort comes from."""
    if not path.is_file():
        return "recorded"
    origin = read_json(path).get("origin")
    if not isinstance(origin, str) or not origin:
        raise ValueError(f"{path}: origin must be a text, got {origin!r}")
    return origin


def _read_table(path: Path, columns: tuple[str, ...], key: list[str]) -> pd.DataFrame:
    """Read a table whose ids stay text, and check it."""
    ids = dict.fromkeys(("subject_id", "sweep_id", "session_id", "operator_id"), str)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: a cohort needs it, see docs/data_formats.md")
    table = tables.read(path, columns=columns, dtype=ids, keep_default_na=True)
    if table.empty:
        raise ValueError(f"{path} must have at least one row, got none")
    for name in ("subject_id", "sweep_id", "session_id"):
        if name in table:
            _check_ids(path, name, table[name])
    for name, allowed in VALUES.items():
        if name in table:
            _check_values(path, name, table[name], allowed)
    if "age_days" in table and not (table.age_days.dropna() >= 0).all():
        raise ValueError(f"{path}: age_days must be >= 0, got {table.age_days.min()}")
    if "broken_rules" in table:
        table["broken_rules"] = table.broken_rules.astype(object).fillna(
            ""
        )  # an empty cell: none is broken
    repeated = table[table.duplicated(key)]
    if len(repeated):
        first = repeated[key].iloc[0].to_dict()
        raise ValueError(f"{path}: {key} must identify a row, got {first} twice")
    return table


def _check_ids(path: Path, name: str, ids: pd.Series) -> None:
    """Refuse ids that are missing or cannot be file names."""
    for line, value in enumerate(ids, start=2):
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise ValueError(
                f"{path} line {line}: {name} must be letters, digits, - and _ (at most 64), "
                f"got {value!r}"
            )


def _check_values(path: Path, name: str, values: pd.Series, allowed: tuple[str, ...]) -> None:
    """Refuse other values than the allowed ones; optional columns may be empty."""
    is_required = name in SWEEP_COLUMNS
    for line, value in enumerate(values, start=2):
        if value not in allowed and (is_required or not pd.isna(value)):
            raise ValueError(f"{path} line {line}: {name} must be one of {allowed}, got {value!r}")
