"""What of a cohort somebody looked at and found to name nobody: a table in the cohort's folder.

Decides that an acceptance is of one finding at one place, and that it says who accepted it, why
and on which day; so the next sweep in which the same kind of thing is found is refused again.
Deliberately judges nothing (see `identity`), and forgets nothing that was accepted before.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hipus import tables

#: Below a cohort's folder.
FILE = "accepted_findings.csv"
COLUMNS = ("finding", "accepted_by", "reason", "accepted_on")


@dataclass(frozen=True)
class Acceptance:
    """Somebody's word that findings are harmless.

    Attributes
    ----------
    names : tuple of str
        Findings by name, "kind:where", or all of a kind that are there now.
    by : str
        Who says so: a role or initials, because the cohort is passed on.
    reason : str
    day : datetime.date

    Raises
    ------
    ValueError
        If findings are accepted by nobody, or for no reason.
    """

    names: tuple[str, ...]
    by: str
    reason: str
    day: datetime.date

    def __post_init__(self) -> None:
        for title, value in (("who accepts them", self.by), ("a reason", self.reason)):
            if self.names and not value.strip():
                raise ValueError(f"to accept {list(self.names)} needs {title}, got {value!r}")

    def fits(self, kind: str, name: str) -> bool:
        """Return whether a finding of this kind and name is meant."""
        return bool({kind, name} & set(self.names))


def read_acceptances(folder: Path) -> pd.DataFrame:
    """Read what was accepted of a cohort.

    Parameters
    ----------
    folder : Path
        Of the cohort.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, all text; no rows where nothing was accepted.

    Raises
    ------
    ValueError
        If the file lacks a column, or an acceptance says not which finding, by whom, or why.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    table = tables.read(path, columns=COLUMNS, dtype=str, keep_default_na=False)
    for line, row in enumerate(table.itertuples(), start=2):
        empty = [name for name in COLUMNS if not getattr(row, name).strip()]
        if empty:
            raise ValueError(f"{path} line {line}: {empty} must be filled in, got nothing")
    return table


def accepted_names(folder: Path) -> set[str]:
    """Return the names of all findings that were accepted of a cohort.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    set of str
    """
    return set(read_acceptances(folder).finding)


def remember(folder: Path, names: Iterable[str], acceptance: Acceptance) -> None:
    """Add findings to those that were accepted of a cohort.

    Parameters
    ----------
    folder : Path
        Of the cohort.
    names : iterable of str
        Findings at their places; one that was accepted before keeps its row.
    acceptance : Acceptance
    """
    known = read_acceptances(folder)
    new = sorted(set(names) - set(known.finding))
    if not new:
        return
    rows = pd.DataFrame({"finding": new}).assign(
        accepted_by=acceptance.by,
        reason=acceptance.reason,
        accepted_on=acceptance.day.isoformat(),
    )
    table = pd.concat([known, rows], ignore_index=True) if len(known) else rows
    tables.write(table[list(COLUMNS)], Path(folder) / FILE, key=["finding"])
