"""A table set as a figure: rules above, below and under the heading; no lines between columns.

Decides how a printed table looks, so that all of them look alike. Deliberately knows nothing of
what stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

#: Inches: a line, room above the first one and at both sides, a line of notes.
_LINE_IN, _TOP_IN, _SIDE_IN, _NOTE_IN = 0.142, 0.26, 0.05, 0.12
#: Points: text and notes; characters of a line of notes.
_TEXT_PT, _NOTE_PT, _NOTE_CHARACTERS = 6.5, 6.0, 140
#: Kind of line -> colour of its numbers. Of a mixed line every second column is ours.
_COLOURS = {"head": "ink", "group": "ink", "printed": "ink", "ours": "ours", "mixed": "ink"}
#: Lines, that a printed line and a group stand apart from what is above them.
_APART = 0.35
#: Headings of columns that hold words.
_WORDS = ("", "of", "case here")
#: What stands where there is no number.
NONE = "–"


def typeset(
    title: str, lines: Sequence[tuple[str, Sequence[str]]], widths: Sequence[float], notes: str
) -> Figure:
    """Return a table as a figure of journal width.

    Parameters
    ----------
    title : str
    lines : sequence of (kind, cells)
        Kind: `head` (bold, a rule beneath), `group` (one cell, bold, over all columns), `printed`
        (black), `ours` (blue), `mixed` (columns whose heading says `here` in blue). Short lines
        leave their last columns empty. A heading of two lines stands over its column and the next.
    widths : sequence of float
        Relative widths of the columns.
    notes : str
        Beneath the table; wrapped.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For an unknown kind of line, or more cells than columns.
    """
    _require_lines(lines, len(widths))
    levels = _levels(lines)
    said = wrap(notes, _NOTE_CHARACTERS)
    foot = _NOTE_IN * len(said) + 0.12
    height = _TOP_IN + levels[-1] + foot
    with style.look():
        figure = Figure(figsize=(style.TEXT_WIDTH_IN, height))
        page = figure.add_axes([0, 0, 1, 1], xlim=(0, style.TEXT_WIDTH_IN), ylim=(height, 0))
        page.axis("off")
        page.text(_SIDE_IN, 0.05, title, weight="bold", fontsize=8, va="top")
        page.text(style.TEXT_WIDTH_IN - _SIDE_IN, 0.07, "black: printed; blue: ours, simulated",
                  fontsize=_NOTE_PT, style="italic", ha="right", va="top")  # fmt: skip
        edges = _edges(widths)
        for (kind, cells), level in zip(lines, levels, strict=False):
            _set_line(page, kind, cells, edges=edges, level=_TOP_IN + level, heads=lines[0][1])
        _rules(page, lines, levels)
        for row, text in enumerate(said):
            page.text(_SIDE_IN, height - foot + 0.07 + _NOTE_IN * row, text, fontsize=_NOTE_PT,
                      va="top")  # fmt: skip
    return figure


def _require_lines(lines, columns: int) -> None:
    """Raise if a line is of no known kind or has too many cells."""
    for kind, cells in lines:
        if kind not in _COLOURS:
            raise ValueError(f"kind of line must be one of {sorted(_COLOURS)}, got {kind!r}")
        if len(cells) > columns:
            raise ValueError(f"a line must have at most {columns} cells, got {len(cells)}")


def _levels(lines) -> np.ndarray:
    """Return where the lines begin and where the last one ends, inches from the first."""
    rows = np.array([1.0 + max(cell.count("\n") for cell in cells) for _, cells in lines])
    kinds = ["head", *(kind for kind, _ in lines)]
    apart = [_APART * (now in ("printed", "group") and before not in ("head", "group"))
             for before, now in pairwise(kinds)]  # fmt: skip
    apart[1] += _APART * (apart[1] == 0)  # below the heading's rule
    ends = np.cumsum(rows + apart)
    return _LINE_IN * np.append(ends - rows, ends[-1] + _APART)


def _edges(widths: Sequence[float]) -> np.ndarray:
    """Return where the columns begin and the last one ends, inches."""
    room = style.TEXT_WIDTH_IN - 2 * _SIDE_IN
    return _SIDE_IN + room * np.append(0, np.cumsum(widths) / np.sum(widths))


def _set_line(page, kind: str, cells, *, edges, level: float, heads) -> None:
    """Set one line: words at the left of their column, numbers in its middle."""
    look = {"fontsize": _TEXT_PT, "va": "center",
            "weight": "bold" if kind in ("head", "group") else "normal"}  # fmt: skip
    for column, text in enumerate(cells):
        over, _, text = text.rpartition("\n")
        head = heads[column].rpartition("\n")[-1]
        is_word = column == 0 or head in _WORDS
        role = "ours" if kind == "mixed" and head == "here" else _COLOURS[kind]
        middle = (edges[column] + edges[column + 1]) / 2
        below = level + _LINE_IN * (0.5 + (kind == "head" and _is_double(heads)))
        place, side = (edges[column], "left") if is_word else (middle, "center")
        page.text(place, below, text, ha=side, color=style.PALETTE[role], **look)
        if over:
            page.text(edges[column + 1], level + _LINE_IN / 2, over, ha="center", **look)


def _is_double(heads) -> bool:
    """Return whether a heading has two lines."""
    return any("\n" in head for head in heads)


def _rules(page, lines, levels) -> None:
    """Draw the rules above and below the table, and beneath its heading."""
    ends = (_SIDE_IN, style.TEXT_WIDTH_IN - _SIDE_IN)
    heading = _TOP_IN + levels[1] - _LINE_IN * _APART / 2
    for level, width in ((_TOP_IN, 1.0), (heading, 0.6), (_TOP_IN + levels[-1], 1.0)):
        page.plot(ends, (level, level), color=style.PALETTE["ink"], lw=width)


def number(rows: pd.DataFrame, name: str, column: str, digits: int | None = 2) -> str:
    """Return a number of a table as text.

    Parameters
    ----------
    rows : pandas.DataFrame
        With the row's name in its index.
    name, column : str
    digits : int or None
        After the point; None for two at most.

    Returns
    -------
    str
        A dash where the table has none.
    """
    value = rows[column].get(name, np.nan) if column in rows else np.nan
    if not np.isfinite(value):
        return NONE
    return f"{value:.2f}".rstrip("0").rstrip(".") if digits is None else f"{value:.{digits}f}"


def pair(rows: pd.DataFrame, name: str, mean: str, spread: str, digits: int = 2) -> str:
    """Return mean ± SD, or the mean alone where no SD is.

    Parameters
    ----------
    rows, name, digits
        As for `number`.
    mean, spread : str
        Columns.

    Returns
    -------
    str
    """
    first, second = (number(rows, name, column, digits) for column in (mean, spread))
    return first if second == NONE else f"{first} ± {second}"
