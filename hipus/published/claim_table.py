"""Every published claim in one tidy table, with the audit's verdict on each.

Decides what a claim is: one printed number, one printed entry, or one sentence. Deliberately
judges nothing itself: verdicts come from `hipus.published.audit`, and whether our own results
agree is decided where those results are.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from hipus.published import audit, tables

COLUMNS = [
    "claim_id",
    "document",
    "location",
    "item",
    "printed",
    "value",
    "unit",
    "spread",
    "kind",
    "audit_verdict",
    "audit_checks",
    "audit_evidence",
    "note",
]
_NOTE_COLUMNS = ("note", "suspected_misprint")


def claims() -> pd.DataFrame:
    """Return one row for every published claim of every document.

    Returns
    -------
    pandas.DataFrame
        claim_id (stable: table, keys and, where a table has several, the column),
        document, location (table or section), item (what is stated), printed (as text),
        value (float64, NaN where the claim is no number), unit, spread (as printed after
        +-), kind (number, entry or statement), audit_verdict (`audit.ClaimVerdict`),
        audit_checks (ids of the checks that test the claim, joined by `;`), audit_evidence
        (ids of the checks that only use it), note (of the transcription).

    Raises
    ------
    ValueError
        If a table, the index or the links are not as they must be, or a link selects
        nothing.

    Notes
    -----
    An empty cell states nothing and is no claim. A statement is a sentence of the paper in
    our words. Identifiers of real infants are no claim and appear in no row.
    """
    frame = _printed()
    linked = linked_claims()
    verdicts = audit.checks().set_index("check_id")["verdict"]
    tested = _checks_by_claim(linked, audit.Role.TESTED)
    evidence = _checks_by_claim(linked, audit.Role.EVIDENCE)
    ids = [tested.get(claim, []) for claim in frame["claim_id"]]
    frame["audit_checks"] = [";".join(checks) for checks in ids]
    frame["audit_verdict"] = [str(audit.verdict(verdicts[checks])) for checks in ids]
    frame["audit_evidence"] = [";".join(evidence.get(claim, [])) for claim in frame["claim_id"]]
    return frame[COLUMNS]


def linked_claims() -> pd.DataFrame:
    """Return every pair of an audit check and a claim that it concerns.

    Returns
    -------
    pandas.DataFrame
        check_id, claim_id, role; each pair once, in the order of the links.

    Raises
    ------
    ValueError
        If a link names an unknown table or column, or selects no printed value.
    """
    links = audit.links()
    links = links[links["table"] != ""]
    columns = _columns_by_table()
    unknown = sorted(set(links["table"]) - set(columns))
    if unknown:
        raise ValueError(f"audit_links.csv: table {unknown} is not in index.csv")
    texts = {name: tables.as_printed(name) for name in set(links["table"])}
    pairs = []
    for link in links.itertuples():
        found = _claims_of_link(link, texts[link.table], columns[link.table])
        pairs += [(link.check_id, claim, link.role) for claim in found]
    return pd.DataFrame(pairs, columns=["check_id", "claim_id", "role"]).drop_duplicates()


def _printed() -> pd.DataFrame:
    """Collect what is printed, without verdicts."""
    rows = []
    for columns in _columns_by_table().values():
        frame = tables.as_printed(columns[0].table)
        several = _several(columns)
        for column in columns:
            cells = tables.select(frame, column.rows).to_dict("records")
            rows += [_claim(column, row, several) for row in cells if row[column.column]]
    return pd.DataFrame(rows)


def _claim(column: tables.PrintedColumn, row: dict[str, str], several: bool) -> dict:
    """Describe one cell."""
    printed = row[column.column]
    value = _number(printed) if column.kind in ("number", "mixed") else np.nan
    kind = column.kind if column.kind != "mixed" else "entry" if np.isnan(value) else "number"
    return {
        "claim_id": _claim_id(column, row, several),
        "document": column.document,
        "location": _location(column.location.format_map(row)),
        "item": column.item.format_map(row),
        "printed": printed,
        "value": value,
        "unit": column.unit.format_map(row),
        "spread": row[column.spread] if column.spread else "",
        "kind": kind,
        "note": "; ".join(row[name] for name in _NOTE_COLUMNS if row.get(name)),
    }


def _claim_id(column: tables.PrintedColumn, row: dict[str, str], several: bool) -> str:
    """Name a cell by table, keys and, if the table has several, the column."""
    parts = [column.table, *(row[key] for key in column.keys)]
    return "/".join([*parts, column.column] if several else parts).replace(" ", "_")


def _columns_by_table() -> dict[str, list[tables.PrintedColumn]]:
    """Group the columns of the index by table, in its order."""
    grouped: dict[str, list[tables.PrintedColumn]] = {}
    for column in tables.index():
        grouped.setdefault(column.table, []).append(column)
    return grouped


def _several(columns: list[tables.PrintedColumn]) -> bool:
    """Say whether a table has more than one column of printed values."""
    return len({column.column for column in columns}) > 1


def _claims_of_link(link, frame: pd.DataFrame, columns: list[tables.PrintedColumn]) -> list[str]:
    """Return the ids of the claims that one link selects."""
    wanted = set(filter(None, link.columns.split(";"))) or {c.column for c in columns}
    unknown = sorted(wanted - {c.column for c in columns})
    if unknown:
        raise ValueError(
            f"audit_links.csv, {link.check_id}: {unknown} are no columns of {link.table}"
        )
    found = []
    for column in (c for c in columns if c.column in wanted):
        chosen = tables.select(tables.select(frame, link.rows), column.rows)
        rows = chosen[chosen[column.column] != ""].to_dict("records")
        found += [_claim_id(column, row, _several(columns)) for row in rows]
    if not found:
        raise ValueError(
            f"audit_links.csv, {link.check_id}: {link.table} has no value for "
            f"rows {link.rows!r} and columns {sorted(wanted)}"
        )
    return found


def _checks_by_claim(linked: pd.DataFrame, role: audit.Role) -> dict[str, list[str]]:
    """Group the ids of checks by claim."""
    return linked[linked["role"] == role].groupby("claim_id")["check_id"].apply(list).to_dict()


def _location(text: str) -> str:
    """Call a bare section number a section."""
    return f"section {text}" if re.fullmatch(r"[\d.]+|[IVX]+", text) else text


def _number(text: str) -> float:
    """Return the number that a cell is, or NaN."""
    try:
        return float(text)
    except ValueError:
        return np.nan
