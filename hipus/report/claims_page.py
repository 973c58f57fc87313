"""The page of all published claims: each beside ours, with a verdict and where to look.

Decides what stands in a row, that every row has an address of its own, and what can be filtered;
the filter itself is `templates/claims.js`. Judges nothing: verdicts are those of the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

import pandas as pd

from hipus import paths, tables
from hipus.report.wording import interval

TABLE = "claims"
#: Verdict -> (sign, tone of its mark); the sign tells it without colour.
VERDICTS = {
    "confirmed by arithmetic": ("✓", "good"),
    "same direction": ("≈", "good"),
    "differs": ("≠", "bad"),
    "undecided here": ("?", "quiet"),
    "input of the simulation": ("→", "quiet"),
    "quoted, not tested": ("“", "quiet"),
    "not testable without the clinical cohort": ("∅", "quiet"),
    "hardware, not comparable": ("⚙", "quiet"),
}
_OTHER = ("·", "quiet")
#: Units that a number is read without.
_BARE = ("", "fraction", "count", "dice", "flag", "1")
_TEXT = ("claim_id", "document", "location", "item", "printed", "unit", "audit_verdict", "ours",
         "profile", "n", "origin", "verdict", "reason", "table", "stage", "command",
         "link")  # fmt: skip
_COLUMNS = (*_TEXT, "ours_value", "ours_lower", "ours_upper")


@dataclass(frozen=True)
class Claim:
    """A row of the page.

    Attributes
    ----------
    claim_id, address : str
        The address is "#" and the id, quoted for a link.
    document, location, item, printed, audit_verdict : str
    ours, interval, count : str
        Empty where nothing was measured.
    origin, verdict, sign, tone, reason : str
    table, stage, command, link, link_name : str
    """

    claim_id: str
    address: str
    document: str
    location: str
    item: str
    printed: str
    audit_verdict: str
    ours: str
    interval: str
    count: str
    origin: str
    verdict: str
    sign: str
    tone: str
    reason: str
    table: str
    stage: str
    command: str
    link: str
    link_name: str


def read_claims(profile: str) -> list[Claim] | None:
    """Return all claims, documents with most claims first, else in the table's order.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Claim, or None
        None where stage `claims` has not run.

    Raises
    ------
    ValueError
        If a claim stands twice: its address would lead to the first one.
    """
    path = paths.table_file(profile, TABLE)
    if not path.is_file():
        return None
    table = tables.read(path, columns=_COLUMNS, dtype=dict.fromkeys(_TEXT, str))
    twice = table["claim_id"][table["claim_id"].duplicated()].tolist()
    if twice:
        raise ValueError(f"{path}: claim_id must be there once, got {twice[:3]} twice")
    texts = table[list(_TEXT)].fillna("")
    found = [
        _claim(row, interval=_interval(numbers))
        for row, numbers in zip(texts.to_dict("records"), table.to_dict("records"), strict=True)
    ]
    size = Counter(one.document for one in found)
    return sorted(found, key=lambda one: (-size[one.document], one.document))


def counts(claims: list[Claim]) -> pd.DataFrame:
    """Return how many claims of each document have each verdict.

    Parameters
    ----------
    claims : list of Claim

    Returns
    -------
    pandas.DataFrame
        A row per verdict with its sign, in the order of `VERDICTS`; a column per document, and
        all.
    """
    found = pd.DataFrame([(one.verdict, one.document) for one in claims],
                         columns=["verdict", "document"])  # fmt: skip
    crossed = pd.crosstab(found["verdict"], found["document"])[list(dict.fromkeys(found.document))]
    order = [*VERDICTS, *sorted(set(crossed.index) - set(VERDICTS))]
    crossed = crossed.reindex([name for name in order if name in crossed.index])
    crossed["all"] = crossed.sum(axis=1)
    crossed.insert(0, "verdict", [f"{sign_of(name)[0]} {name}" for name in crossed.index])
    return crossed.rename_axis(columns=None)


def choices(claims: list[Claim]) -> dict[str, list[tuple[str, int]]]:
    """Return what each filter offers, with the number of claims.

    Parameters
    ----------
    claims : list of Claim

    Returns
    -------
    dict of str to list of (value, count)
        By "verdict", "document" and "origin".
    """
    ranks = {name: place for place, name in enumerate(VERDICTS)}
    offered = {}
    for name in ("verdict", "document", "origin"):
        values = [getattr(one, name) for one in claims]
        known = [value for value in dict.fromkeys(values) if value]
        known.sort(key=lambda value: ranks.get(value, len(ranks)))
        offered[name] = [(value, values.count(value)) for value in known]
    return offered


def sign_of(verdict: str) -> tuple[str, str]:
    """Return a verdict's sign and tone.

    Parameters
    ----------
    verdict : str

    Returns
    -------
    (str, str)
    """
    return VERDICTS.get(verdict, _OTHER)


def _claim(row: dict, *, interval: str) -> Claim:
    """Return a row of the page."""
    sign, tone = sign_of(row["verdict"])
    plain = ("claim_id", "document", "location", "item", "audit_verdict", "origin", "verdict",
             "reason", "table", "stage", "command", "link")  # fmt: skip
    return Claim(
        **{name: row[name] for name in plain},
        address=f"#{quote(row['claim_id'], safe='/')}",
        printed=_with_unit(row["printed"], row["unit"]),
        ours=row["ours"],
        interval=interval if row["ours"] else "",
        count=f"n = {row['n'].removesuffix('.0')}" if row["n"] and row["ours"] else "",
        link_name=_link_name(row["link"]),
        sign=sign,
        tone=tone,
    )


def _link_name(link: str) -> str:
    """Return what a link leads to."""
    stem = link.partition("#")[0].rpartition("/")[2].removesuffix(".html")
    return f"notebook {stem[:2]}" if link.startswith("notebooks/") else stem.replace("_", " ")


def _with_unit(printed: str, unit: str) -> str:
    """Return a printed number with its unit, unless it is a share or has it already."""
    told = "" if unit in _BARE or unit in printed else f" {unit}"
    return f"{printed}{told}"


def _interval(row: dict) -> str:
    """Return the interval of our value, or nothing."""
    low, high = row["ours_lower"], row["ours_upper"]
    return "" if pd.isna(low) or pd.isna(high) else interval(low, high, ".4g")
