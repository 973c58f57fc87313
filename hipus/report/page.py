"""Pieces of a page: pictures, tables, headline numbers, goals, notes about skips.

Decides how a piece is described before any page is written; knows no result of the study.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from hipus.figures.style import PNG_DPI

_SCREEN_DPI = 150
#: A number and the unit after it.
_WITH_UNIT = re.compile(r"(?<=\d) (?=(?:%|mm|ms|h)(?!\w))")


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    source : Path
        The drawn PNG; the site keeps one copy of it beside its pages.
    caption : str
    name : str
        Name of the figure; the page says where its PDF lies.
    width_px, height_px : int
        On the page: inches in print times a screen's pixels per inch.
    """

    source: Path
    caption: str
    name: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Section:
    """One question of the report.

    Attributes
    ----------
    anchor, question, answer : str
        The answer is one sentence whose numbers come from a saved table.
    kind : str
        "real" or "simulated" or "published": what the numbers were measured on.
    source : str
        Stage and table behind the answer.
    notebook : str
        Name of the executed notebook's page, or empty.
    points : tuple of str
        What else is to be said, one line each.
    shown : tuple of (caption, HTML)
        Tables that are seen without opening them.
    pictures : tuple of Picture
    tables : tuple of (caption, HTML)
    missing : tuple of str
        Real files that were absent.
    """

    anchor: str
    question: str
    answer: str
    kind: str
    source: str
    notebook: str = ""
    points: tuple[str, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[tuple[str, str], ...] = field(default=())
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Headline:
    """A number of the start page, with all that a reader needs to weigh it.

    Attributes
    ----------
    what, value : str
        The value carries its unit.
    interval : str
        "95 % 0.810 to 0.850", or why there is none.
    count : str
        How many cases of how many infants, frames or claims.
    origin : {"simulated", "real", "arithmetic", "mixed"}
    beside : str
        What the value is to be compared with.
    page : str
        Page of the site that tells more.
    """

    what: str
    value: str
    interval: str
    count: str
    origin: str
    beside: str
    page: str


@dataclass(frozen=True)
class Goal:
    """Something that the study set out to reach, and what was found.

    Attributes
    ----------
    asked, found : str
    is_met : bool or None
        None where nothing was measured.
    origin : {"simulated", "real", "arithmetic"}
    page : str
        Page of the site that tells more.
    """

    asked: str
    found: str
    is_met: bool | None
    origin: str
    page: str

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        return {True: "met", False: "not met", None: "not measured"}[self.is_met]


def picture(path: Path, caption: str) -> Picture | None:
    """Return a figure with its size on the page, or None where it was not drawn.

    Parameters
    ----------
    path : Path
        PNG file.
    caption : str

    Returns
    -------
    Picture or None
    """
    if not path.is_file():
        return None
    with open(path, "rb") as stream:
        head = stream.read(24)  # a PNG's first chunk holds its width and height
    width_px, height_px = (
        round(int.from_bytes(head[start : start + 4], "big") * _SCREEN_DPI / PNG_DPI)
        for start in (16, 20)
    )
    return Picture(path, caption, path.stem, width_px, height_px)


def unbroken(text: str) -> str:
    """Return text in which no line ends between a number and its unit.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return _WITH_UNIT.sub("\u00a0", text)


def table_html(table: pd.DataFrame, *, rows: int = 60) -> str:
    """Return a table as HTML: numbers to four digits, text escaped.

    Parameters
    ----------
    table : pandas.DataFrame
    rows : int
        Rows shown at most; a line below says how many there are.

    Returns
    -------
    str
    """
    shown = table.head(rows)
    numeric = [pd.api.types.is_numeric_dtype(table[column]) for column in table.columns]
    html = shown.to_html(
        index=False,
        border=0,
        classes="data",
        na_rep="–",
        formatters={
            column: _number
            for column, is_number in zip(table.columns, numeric, strict=True)
            if is_number and table[column].dtype != bool
        },
    )
    if len(table) > rows:
        html += f"<p class='more'>first {rows} of {len(table)} rows; the CSV has all of them</p>"
    return html


def _number(value: float) -> str:
    """Return a number with up to four significant digits, integers whole."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):d}"
    return f"{value:.4g}"
