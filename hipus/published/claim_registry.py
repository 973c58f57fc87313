"""Which printed claims are inputs of the simulation, which hardware, and what of ours answers one.

Decides how `data/claims/` is read and addressed: `kinds.csv` (what a claim is, and why),
`links.csv` (which cells of our tables stand beside it) and `sources.csv` (which stage makes a
table). All three are data, so that nobody types a number or hides a decision in code. Deliberately
judges nothing (see `verdicts`) and opens no result (see `claim_answers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

import pandas as pd

from hipus import paths
from hipus.published import tables
from hipus.tables import read


class Kind(StrEnum):
    """What a claim is before anything of ours stands beside it."""

    INPUT = "input"
    HARDWARE = "hardware"
    QUOTED = "quoted"
    CLINICAL = "clinical"


class How(StrEnum):
    """How a number of ours is taken out of a table."""

    CELL = "cell"
    GROUPS = "groups"
    SUBJECTS = "subjects"
    SENTENCE = "sentence"


class Rule(StrEnum):
    """What is made of a number of ours."""

    SIZE = "size"
    EXACT = "exact"
    BESIDE = "beside"
    SENTENCE = "sentence"


@dataclass(frozen=True)
class Cell:
    """One printed claim and where it stands.

    Attributes
    ----------
    claim_id : str
        As `claim_table.claims` names it.
    table, column : str
        Short name of the printed table, and its column.
    row : mapping of str to str
        The printed row, as text.
    """

    claim_id: str
    table: str
    column: str
    row: Mapping[str, str]


@dataclass(frozen=True)
class Listed:
    """A row of `kinds.csv`.

    Attributes
    ----------
    table, rows, columns : str
        Which claims are meant: printed table, selector, columns joined by `;` (empty: all).
    kind : str
        A `Kind`.
    used_in : str
        Of an input: the files that use it.
    reason : str
    """

    table: str
    rows: str
    columns: str
    kind: str
    used_in: str
    reason: str


@dataclass(frozen=True)
class Link:
    """A row of `links.csv`: what of ours stands beside a claim.

    Attributes
    ----------
    table, rows, columns : str
        Which claims are meant, as in `Listed`.
    our_table, our_rows, our_column : str
        Table of results, selector and column; `{key}` is filled in from the printed row.
    how : str
        A `How`: one cell; the mean of groups' cells; the mean of cells with an interval that
        resamples infants; or a table of judged comparisons.
    per : str
        Column whose groups are averaged before anything else, or empty.
    lower, upper : str
        Columns of a cell's interval, or empty.
    n : str
        Column of a cell's count and what it counts ("subject_count infants"), or empty.
    scale : str
        Factor from our unit to the printed one.
    rule : str
        A `Rule`: compare sizes, compare exactly, only show, or take over a sentence's verdict.
    note : str
        What our number is; `{column}` is filled in from our row.
    """

    table: str
    rows: str
    columns: str
    our_table: str
    our_rows: str
    our_column: str
    how: str
    per: str
    lower: str
    upper: str
    n: str
    scale: str
    rule: str
    note: str


@dataclass(frozen=True)
class Source:
    """A row of `sources.csv`: where a table of ours comes from.

    Attributes
    ----------
    our_table, stage : str
    pipeline : str
        File that holds the stage: `dvc.yaml` or `arms/dvc.yaml`.
    notebook : str
        Stem of the notebook that shows it.
    origin : str
        simulated, real or arithmetic.
    """

    our_table: str
    stage: str
    pipeline: str
    notebook: str
    origin: str

    def command(self, profile: str) -> str:
        """Return the command that makes the table."""
        prefix = "" if self.pipeline == "dvc.yaml" else f"-s {self.pipeline}:"
        return f"dvc repro {prefix}{self.stage}@{profile}"

    @property
    def page(self) -> str:
        """Return the page of the report, relative to its root."""
        return f"notebooks/{self.notebook}.html"


def cells() -> list[Cell]:
    """Return every printed claim with the row it stands in.

    Returns
    -------
    list of Cell
        In the order of the index; ids are those of `claim_table.claims`.
    """
    found = []
    for name in dict.fromkeys(column.table for column in tables.index()):
        columns = tables.columns_of(name)
        several = len({column.column for column in columns}) > 1
        frame = tables.as_printed(name)
        for column in columns:
            for row in tables.select(frame, column.rows).to_dict("records"):
                if row[column.column]:
                    parts = [name, *(row[key] for key in column.keys)]
                    parts += [column.column] if several else []
                    claim_id = "/".join(parts).replace(" ", "_")
                    found.append(Cell(claim_id, name, column.column, row))
    return found


def kinds() -> dict[str, Listed]:
    """Return what listed claims are.

    Returns
    -------
    dict of claim_id to Listed

    Raises
    ------
    ValueError
        If a row names no claim, two rows name the same one, a kind is unknown, a reason is
        missing, or an input does not say where it is used.
    """
    found: dict[str, Listed] = {}
    known = _by_table()
    for listed in _rows("kinds.csv", Listed):
        _known(listed.kind, Kind, "kinds.csv")
        if not listed.reason or (listed.kind == Kind.INPUT and not listed.used_in):
            raise ValueError(f"kinds.csv: {listed.table} {listed.rows!r} needs reason and used_in")
        for cell in _named(listed, "kinds.csv", known):
            if cell.claim_id in found:
                raise ValueError(f"kinds.csv: {cell.claim_id} is listed twice")
            found[cell.claim_id] = listed
    return found


def links() -> dict[str, list[tuple[Cell, Link]]]:
    """Return what of ours stands beside each linked claim.

    Returns
    -------
    dict of claim_id to list of (Cell, Link)
        Several links only where all of them are sentences.

    Raises
    ------
    ValueError
        If a row names no claim, its table has no source, a word is unknown, or a number has
        several answers.
    """
    known, made = _by_table(), sources()
    found: dict[str, list[tuple[Cell, Link]]] = {}
    for link in _rows("links.csv", Link):
        _known(link.how, How, "links.csv")
        _known(link.rule, Rule, "links.csv")
        if link.our_table not in made:
            raise ValueError(f"links.csv: {link.our_table!r} is not in sources.csv")
        for cell in _named(link, "links.csv", known):
            found.setdefault(cell.claim_id, []).append((cell, link))
    for claim_id, several in found.items():
        if len(several) > 1 and any(link.how != How.SENTENCE for _, link in several):
            raise ValueError(f"links.csv: {claim_id} has {len(several)} answers, expected one")
    return found


def sources() -> dict[str, Source]:
    """Return where our tables come from, by table."""
    return {row.our_table: row for row in _rows("sources.csv", Source)}


def _rows(name: str, kind: type) -> list:
    """Read a file of `data/claims` as dataclasses."""
    frame = read(paths.data_dir() / "claims" / name, dtype=str, keep_default_na=False)
    expected = [field.name for field in fields(kind)]
    if list(frame.columns) != expected:
        raise ValueError(f"{name}: columns must be {expected}, got {list(frame.columns)}")
    return [kind(**row) for row in frame.to_dict("records")]


def _by_table() -> dict[str, list[Cell]]:
    """Group all claims by printed table."""
    grouped: dict[str, list[Cell]] = {}
    for cell in cells():
        grouped.setdefault(cell.table, []).append(cell)
    return grouped


def _named(listed: Listed | Link, file: str, known: Mapping[str, list[Cell]]) -> list[Cell]:
    """Return the claims that a row names."""
    if listed.table not in known:
        raise ValueError(f"{file}: table must be one of {list(known)}, got {listed.table!r}")
    wanted = set(filter(None, listed.columns.split(";")))
    inside = [cell for cell in known[listed.table] if not wanted or cell.column in wanted]
    frame = pd.DataFrame([cell.row for cell in inside])
    chosen = tables.select(frame, listed.rows).index if inside else []
    if not len(chosen):
        raise ValueError(
            f"{file}: {listed.table} has no claim for rows {listed.rows!r} and "
            f"columns {listed.columns!r}"
        )
    return [inside[place] for place in chosen]


def _known(word: str, known: type[StrEnum], file: str) -> None:
    """Refuse a word outside an enumeration."""
    if word not in set(known):
        raise ValueError(f"{file}: expected one of {[*map(str, known)]}, got {word!r}")
