"""Which word pages have for the cohort: what was written of the simulated one, told of any.

Decides which parts of a piece are text. Tables stay as stages wrote them, and so do captions of
figures whose content is simulated for every cohort (`figures.origin_words`).
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

from hipus.figures.origin_words import ALWAYS_SIMULATED, RECORDED, worded
from hipus.report.page import Picture, Section

Piece = TypeVar("Piece")
#: Stands behind a section's kind where some of its figures stay simulated.
_SOME = "; captions say what is simulated"


def told_piece(piece: Piece, origin: str) -> Piece:
    """Return a headline, goal or claim whose texts say where the cohort comes from.

    Parameters
    ----------
    piece : dataclass
        Every field that is text is read by people.
    origin : str
        As `figures.origin_words.cohort_origin` returns it.

    Returns
    -------
    dataclass
        The same one for a simulated cohort.
    """
    texts = {one.name: getattr(piece, one.name) for one in fields(piece)}
    told = {name: worded(value, origin) for name, value in texts.items() if isinstance(value, str)}
    changed = {name: value for name, value in told.items() if value != texts[name]}
    return replace(piece, **changed) if changed else piece


def told_section(section: Section, origin: str) -> Section:
    """Return a section whose sentences and captions say where the cohort comes from.

    Parameters
    ----------
    section : Section
    origin : str
        As for `told_piece`.

    Returns
    -------
    Section
        The same one for a simulated cohort.
    """
    if origin != RECORDED:
        return section
    told, kind = told_piece(section, origin), worded(section.kind, origin)
    if kind != section.kind and any(one.name in ALWAYS_SIMULATED for one in section.pictures):
        kind += _SOME
    return replace(
        told,
        kind=kind,
        anchor=section.anchor,
        source=section.source,
        points=tuple(worded(point, origin) for point in section.points),
        shown=_captions(section.shown, origin),
        tables=_captions(section.tables, origin),
        pictures=tuple(_told_picture(one, origin) for one in section.pictures),
    )


def _captions(pairs: tuple[tuple[str, str], ...], origin: str) -> tuple[tuple[str, str], ...]:
    """Return tables with captions that say it; the tables are as they were."""
    return tuple((worded(caption, origin), html) for caption, html in pairs)


def _told_picture(one: Picture, origin: str) -> Picture:
    """Return a figure with a caption that says what the figure says."""
    return one if one.name in ALWAYS_SIMULATED else told_piece(one, origin)
