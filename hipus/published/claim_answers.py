"""Numbers of ours that stand beside printed ones, read from saved tables.

Decides how a link (`claim_registry.Link`) becomes a number with an interval and a count.
Deliberately simulates, trains and measures nothing, and judges nothing (see `verdicts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import paths, subject_bootstrap
from hipus.published import tables
from hipus.published.claim_registry import How, Link
from hipus.tables import read

LEVEL = 0.95
RESAMPLES = 4_000
#: Printed word -> ours, where they differ.
NAMES = {
    "bone_cortex": "femoral_cortex",
    "co_border": "chondro_osseous_border",
    "posterior_anterior": "p_a",
    "proximal_distal": "p_d",
}


@dataclass(frozen=True)
class Answer:
    """A number of ours.

    Attributes
    ----------
    value : float
        In the printed unit.
    lower, upper : float
        Interval of 95 percent over infants, NaN where there is none.
    n : str
        How many of what, or empty.
    """

    value: float
    lower: float
    upper: float
    n: str

    @property
    def text(self) -> str:
        """Return the number with its interval as a person reads it."""
        is_count = self.value.is_integer() and abs(self.value) >= 1000
        shown = f"{self.value:,.0f}" if is_count else f"{self.value:.3g}"
        if not np.isfinite(self.lower):
            return shown
        return f"{shown} ({self.lower:.3g} to {self.upper:.3g})"


class SavedTables:
    """Tables of one profile as text, each read once; None where a table is absent or empty."""

    def __init__(self, profile: str):
        self.profile = profile
        self._known: dict[str, pd.DataFrame | None] = {}

    def get(self, name: str) -> pd.DataFrame | None:
        """Return a table as text, or None if it is absent or has no row.

        Parameters
        ----------
        name : str

        Returns
        -------
        pandas.DataFrame or None
        """
        if name not in self._known:
            file = paths.table_file(self.profile, name)
            frame = read(file, dtype=str, keep_default_na=False) if file.is_file() else None
            self._known[name] = None if frame is None or frame.empty else frame
        return self._known[name]


def rows_of(link: Link, row: Mapping[str, str], saved: SavedTables) -> pd.DataFrame | None:
    """Return the rows of our table that a link means for one printed row.

    Parameters
    ----------
    link : Link
    row : mapping of str to str
        The printed row.
    saved : SavedTables

    Returns
    -------
    pandas.DataFrame or None
        None where the table is absent or has no such row.
    """
    frame = saved.get(link.our_table)
    if frame is None:
        return None
    words = {key: NAMES.get(value, value) for key, value in row.items()}
    chosen = tables.select(frame, link.our_rows.format_map(words))
    return None if chosen.empty else chosen


def answer(
    link: Link, rows: pd.DataFrame, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Answer | None:
    """Return the number that a link takes out of its rows.

    Parameters
    ----------
    link : Link
        With `how` other than a sentence.
    rows : pandas.DataFrame
        As `rows_of` returns them, text.
    rng : numpy.random.Generator
    resamples : int
        Draws of infants behind an interval.

    Returns
    -------
    Answer or None
        None where no row holds a finite number.

    Raises
    ------
    ValueError
        If a single cell was asked for and there are several.

    Notes
    -----
    Missing and infinite numbers are left out: a structure that neither mask has gives no Dice,
    and one that a prediction misses no distance.
    """
    values = pd.to_numeric(rows[link.our_column], errors="coerce") * float(link.scale)
    rows = rows[np.isfinite(values)]
    values = values[rows.index].to_numpy()
    if not len(values):
        return None
    if link.how == How.SUBJECTS:
        groups = rows[link.per] if link.per else pd.Series("", index=rows.index)
        return _over_subjects(values, rows["subject_id"], groups, rng=rng, resamples=resamples)
    if link.how == How.GROUPS:
        return Answer(float(values.mean()), np.nan, np.nan, "")
    if len(values) != 1:
        raise ValueError(f"{link.our_table}: {link.our_rows!r} names {len(values)} cells, not one")
    return _of_cell(link, rows.iloc[0], values[0])


def distance(printed: float, found: Answer) -> str:
    """Say in words how far ours is from a printed number.

    Parameters
    ----------
    printed : float
    found : Answer

    Returns
    -------
    str
    """
    if found.value == printed:
        return "exactly the printed number"
    if printed == 0:
        return "the printed number is zero"
    share = (found.value - printed) / abs(printed)
    told = f"ours is {abs(share):.0%} {'above' if share > 0 else 'below'} the printed number"
    if share >= 1:
        told = f"ours is {1 + share:.1f} times the printed number"
    inside = " and the printed one lies in our interval"
    return told + inside * (found.lower <= printed <= found.upper)


def _of_cell(link: Link, row: pd.Series, value: float) -> Answer:
    """Return one cell with what stands beside it."""
    ends = [float(row[name] or "nan") * float(link.scale) if name else np.nan
            for name in (link.lower, link.upper)]  # fmt: skip
    column, _, unit = link.n.partition(" ")
    return Answer(float(value), *ends, f"{row[column]} {unit}" if column else "")


def _over_subjects(values, subjects, groups, *, rng, resamples) -> Answer:
    """Return the mean over groups of their mean values, infants resampled."""
    place, count = subject_bootstrap.places_of(subjects.to_numpy(), len(values))
    _, group = np.unique(groups, return_inverse=True)
    sums, counts = (np.zeros((count, group.max() + 1)) for _ in range(2))
    np.add.at(sums, (place, group), values)
    np.add.at(counts, (place, group), 1)
    drawn = subject_bootstrap.draw_subjects(count, rng, resamples=resamples)
    with np.errstate(invalid="ignore"):  # a draw may miss every infant that shows a structure
        means = ((drawn @ sums) / (drawn @ counts)).mean(axis=1)
    value = (sums.sum(axis=0) / counts.sum(axis=0)).mean()
    found = subject_bootstrap.estimate(value, means, level=LEVEL, subject_count=count)
    return Answer(found.value, found.low, found.high, f"{count} infant{'s' * (count > 1)}")
