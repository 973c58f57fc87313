"""Pieces of a page: embedded pictures, tables, notes about skips."""

from __future__ import annotations

import base64
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
    data_uri : str
        The PNG itself, so that the page needs no other file.
    caption : str
    name : str
        Name of the figure; the page says where its PDF lies.
    width_px : int
        On the page: inches in print times a screen's pixels per inch.
    """

    data_uri: str
    caption: str
    name: str
    width_px: int


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


def embed(path: Path, caption: str) -> Picture | None:
    """Return a PNG as an embedded picture, or None where the figure was not drawn.

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
    png = path.read_bytes()
    stored_px = int.from_bytes(png[16:20], "big")  # width in a PNG's first chunk
    content = base64.b64encode(png).decode("ascii")
    width_px = round(stored_px * _SCREEN_DPI / PNG_DPI)
    return Picture(f"data:image/png;base64,{content}", caption, path.stem, width_px)


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
    """Return a table as HTML: numbers to four digits and right-aligned, text escaped.

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
