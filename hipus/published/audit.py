"""The arithmetic audit of the printed numbers, and which claim each check speaks about.

Decides how a claim's verdict follows from the verdicts of its checks. The links between
checks and claims are data (`data/published/audit_links.csv`), not rules in code.
Deliberately recomputes nothing: that is `hipus.published.recompute`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pandas as pd

from hipus.published import tables


class CheckVerdict(StrEnum):
    """What one check of the audit found."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    NOT_CHECKABLE = "not checkable"


class ClaimVerdict(StrEnum):
    """What the audit says about one printed claim."""

    CONFIRMED = "confirmed by arithmetic"
    INCONSISTENT = "inconsistent"
    NOT_CHECKABLE = "not checkable"
    NOT_AUDITED = "not audited"


class Role(StrEnum):
    """What a claim is to a check: its object, or only a number it uses."""

    TESTED = "tested"
    EVIDENCE = "evidence"


CHECK_COLUMNS = ["check_id", "source", "statement", "computed", "printed", "verdict", "note"]
LINK_COLUMNS = ["check_id", "table", "rows", "columns", "role", "reason"]


def checks() -> pd.DataFrame:
    """Return the transcribed audit.

    Returns
    -------
    pandas.DataFrame
        One row per check: check_id, source (the document), statement, computed, printed,
        verdict (a `CheckVerdict`), note. All text.

    Raises
    ------
    ValueError
        If a column is missing, an id repeats, or a verdict is unknown.
    """
    frame = _read("audit.csv", CHECK_COLUMNS)
    repeated = sorted(frame["check_id"][frame["check_id"].duplicated()])
    if repeated:
        raise ValueError(f"audit.csv: check_id must be unique, got {repeated} more than once")
    _only_known(frame, "verdict", CheckVerdict, "audit.csv")
    return frame


def links() -> pd.DataFrame:
    """Return which printed rows each check concerns.

    Returns
    -------
    pandas.DataFrame
        check_id, table, rows (a selector), columns (joined by `;`, empty for all), role (a
        `Role`), reason. A check without a table concerns no transcribed row; its reason
        says why.

    Raises
    ------
    ValueError
        If a check is unknown or has no link, a role is unknown, or an unlinked check
        gives no reason.
    """
    frame = _read("audit_links.csv", LINK_COLUMNS)
    known = set(checks()["check_id"])
    unknown = sorted(set(frame["check_id"]) - known)
    if unknown:
        raise ValueError(f"audit_links.csv: check_id {unknown} is not in audit.csv")
    absent = sorted(known - set(frame["check_id"]))
    if absent:
        raise ValueError(f"audit_links.csv: no row for check_id {absent}")
    silent = frame[(frame["table"] == "") & (frame["reason"] == "")]
    if len(silent):
        raise ValueError(f"audit_links.csv: {silent['check_id'].iloc[0]} needs a table or a reason")
    _only_known(frame[frame["table"] != ""], "role", Role, "audit_links.csv")
    return frame


def verdict(found: Iterable[str]) -> ClaimVerdict:
    """Return a claim's verdict from the verdicts of the checks that test it.

    Parameters
    ----------
    found : iterable of str
        `CheckVerdict` of each check.

    Returns
    -------
    ClaimVerdict
        One contradiction outweighs any agreement; an agreement outweighs a check that
        could not be decided; without checks the claim is not audited.
    """
    found = set(found)
    if CheckVerdict.INCONSISTENT in found:
        return ClaimVerdict.INCONSISTENT
    if CheckVerdict.CONSISTENT in found:
        return ClaimVerdict.CONFIRMED
    return ClaimVerdict.NOT_CHECKABLE if found else ClaimVerdict.NOT_AUDITED


def _read(name: str, columns: list[str]) -> pd.DataFrame:
    """Read a file whose columns are known."""
    frame = tables.read_csv(name)
    if list(frame.columns) != columns:
        raise ValueError(f"{name}: columns must be {columns}, got {list(frame.columns)}")
    return frame


def _only_known(frame: pd.DataFrame, column: str, known: type[StrEnum], file: str) -> None:
    """Refuse a word outside an enumeration."""
    unknown = sorted(set(frame[column]) - set(known))
    if unknown:
        raise ValueError(f"{file}: {column} must be one of {[*map(str, known)]}, got {unknown}")
