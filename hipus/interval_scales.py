"""Intervals made honest on calibration rows by split-conformal scales.

Decides how raw intervals are stretched so that a stated share of truths lies within, that a scale
is never made of too few rows, and what a raw interval without width means. Deliberately knows no
measure and no cohort: a caller learns on subjects that it neither trained nor tests on. How often
intervals cover is `interval_coverage`; scales of many groups are `scale_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
import pandas as pd

RELATIVE, ABSOLUTE = "relative", "absolute"
SYMMETRIC, SIGNED = "symmetric", "signed"


class ScaleRefused(ValueError):
    """No finite scale can be learnt from these rows."""


@dataclass(frozen=True)
class IntervalScale:
    """How a raw interval becomes one that covers.

    Attributes
    ----------
    kind : str
        `RELATIVE`: scales multiply the arms of the raw interval; `ABSOLUTE`: there is no raw
        interval, and scales are the arms, in the unit of the measure.
    lower_scale, upper_scale : float
        Of the arm below and the arm above, >= 0; equal where learnt as one.
    shift : float
        Added to the value before, in the unit of the measure; 0 where none was learnt.
    least_arm : float
        Arms shorter than this count as this long, in the unit of the measure.
    level : float
        Share of truths to lie within.
    row_count : int
        Calibration rows.
    zero_arm_count : int
        Of these, rows whose truth lay where the raw interval had no width.
    """

    kind: str
    lower_scale: float
    upper_scale: float
    shift: float
    least_arm: float
    level: float
    row_count: int
    zero_arm_count: int

    def __post_init__(self) -> None:
        """Refuse what cannot have been learnt, for example from a damaged table."""
        numbers = (self.lower_scale, self.upper_scale, self.least_arm)
        if self.kind not in (RELATIVE, ABSOLUTE):
            raise ValueError(f"kind must be {RELATIVE!r} or {ABSOLUTE!r}, got {self.kind!r}")
        if not all(isfinite(one) and one >= 0 for one in numbers) or not isfinite(self.shift):
            raise ValueError(
                f"scales and least_arm must be finite and >= 0, shift finite, got {numbers} and "
                f"{self.shift}"
            )

    def apply(self, value, lower=None, upper=None) -> tuple[np.ndarray, np.ndarray]:
        """Return the calibrated ends of intervals.

        Parameters
        ----------
        value : array-like (K,) or float
        lower, upper : array-like (K,) or float, optional
            Ends of the raw intervals; needed by `RELATIVE`, not looked at by `ABSOLUTE`.

        Returns
        -------
        lower, upper : numpy.ndarray (K,) or float
            In the unit of the value. With a shift they may lie to one side of it.

        Raises
        ------
        ValueError
            If raw ends are needed and not given.
        """
        value = np.asarray(value, np.float64)
        if self.kind == RELATIVE and (lower is None or upper is None):
            raise ValueError("a relative scale needs the raw lower and upper, got none")
        below, above = _arms(value, lower, upper, kind=self.kind, least_arm=self.least_arm)
        centre = value + self.shift
        return centre - self.lower_scale * below, centre + self.upper_scale * above


def learn_scale(
    rows: pd.DataFrame,
    level: float = 0.95,
    *,
    kind: str = RELATIVE,
    sides: str = SYMMETRIC,
    learns_shift: bool = False,
    least_arm: float = 0.0,
) -> IntervalScale:
    """Learn how far intervals must reach to cover a share of truths.

    Parameters
    ----------
    rows : pandas.DataFrame
        Calibration rows of one group with columns value, truth and, if relative, lower and upper:
        finite, in one unit. Refused measurements have no row.
    level : float
        Share of new truths to be covered, between 0 and 1.
    kind : {"relative", "absolute"}
        Whether raw intervals are stretched, or all get one half-width.
    sides : {"symmetric", "signed"}
        One scale for both arms, or one for each, which halves what each may miss.
    learns_shift : bool
        Add the median of truth - value first.
    least_arm : float
        Arms of raw intervals count as at least so long, in the unit of the measure.

    Returns
    -------
    IntervalScale

    Raises
    ------
    ScaleRefused
        If there are too few rows for the level, or so many truths lie where the raw interval has
        no width that no finite scale reaches them.
    ValueError
        If a column is missing, a number not finite, an interval reversed, or an option unknown.

    Notes
    -----
    Split-conformal prediction with normalised scores (Papadopoulos et al. 2002; Lei et al. 2018,
    section 5.2; Angelopoulos and Bates 2023, section 2.3): score = |truth - value| / arm on the
    truth's side, scale = the ceil((n + 1) level)-th smallest of n. Then a new exchangeable row is
    covered with probability between level and level + 1 / (n + 1). Signed: each side at
    (1 + level) / 2 (Romano et al. 2019, theorem 2); a negative scale is taken as 0, which only
    covers more.

    Traps. An arm is value - lower or upper - value, and 0 where the raw interval lies on the other
    side of the value: intervals must grow with the scale, or the quantile means nothing. The shift
    is learnt on the same rows, which costs coverage of order 1 / n. Rows of one subject are not
    exchangeable with a new subject's: coverage then holds on average only about (simulated: 94.3 %
    instead of 95 from 20 subjects of 4 alike rows), and varies as with fewer rows.
    Coverage is over groups as a whole, not for each kind of hip.
    """
    _check_options(level, kind, sides, least_arm)
    value, truth, lower, upper = _columns(rows, kind)
    rank = _rank(len(value), level, sides)
    shift = float(np.median(truth - value)) if learns_shift else 0.0
    error = truth - value - shift
    below, above = _arms(value, lower, upper, kind=kind, least_arm=least_arm)
    arm = np.where(error < 0, below, above)
    if sides == SYMMETRIC:
        scales = [_quantile(_ratio(np.abs(error), arm), rank)] * 2
    else:
        scales = [_quantile(_ratio(e, a), rank) for e, a in ((-error, below), (error, above))]
    without = int(((arm == 0) & (error != 0)).sum())
    scales = [max(scale, 0.0) for scale in scales]
    if not np.isfinite(scales).all():
        raise ScaleRefused(
            f"in {without} of {len(value)} calibration rows the truth lies where the raw interval "
            f"has no width, too many for level {level}: set least_arm, or use kind {ABSOLUTE!r}"
        )
    return IntervalScale(kind, *scales, shift, float(least_arm), float(level), len(value), without)


def finite_columns(rows: pd.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
    """Return columns of finite numbers.

    Parameters
    ----------
    rows : pandas.DataFrame
    names : sequence of str

    Returns
    -------
    list of numpy.ndarray (K,) float64

    Raises
    ------
    ValueError
        If there is no row, a column is missing, or a number not finite; where both are there,
        also if upper is below lower.
    """
    missing = [name for name in names if name not in rows.columns]
    if missing or not len(rows):
        raise ValueError(
            f"rows need columns {list(names)} and at least one row, got {len(rows)} rows of "
            f"{list(rows.columns)}"
        )
    columns = {name: rows[name].to_numpy(np.float64) for name in names}
    for name, column in columns.items():
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            raise ValueError(
                f"{name} must be finite, got {column[bad[0]]} in row {rows.index[bad[0]]} and "
                f"{len(bad) - 1} more; leave refused measurements out and count them"
            )
    if {"lower", "upper"} <= columns.keys():
        bad = np.flatnonzero(columns["upper"] < columns["lower"])
        if len(bad):
            raise ValueError(
                f"lower must be <= upper, got {columns['lower'][bad[0]]} and "
                f"{columns['upper'][bad[0]]} in row {rows.index[bad[0]]}"
            )
    return list(columns.values())


def _columns(rows: pd.DataFrame, kind: str) -> list[np.ndarray | None]:
    """Return value, truth, lower and upper; the raw ends only where they matter."""
    if kind == RELATIVE:
        return finite_columns(rows, ("value", "truth", "lower", "upper"))
    return [*finite_columns(rows, ("value", "truth")), None, None]


def _arms(value, lower, upper, *, kind: str, least_arm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a raw interval reaches below and above the value, never negative."""
    if kind == ABSOLUTE:
        return np.ones_like(value), np.ones_like(value)
    below, above = value - np.asarray(lower, np.float64), np.asarray(upper, np.float64) - value
    return np.maximum(below, least_arm), np.maximum(above, least_arm)


def _rank(count: int, level: float, sides: str) -> int:
    """Return which of so many sorted scores is the scale."""
    side_level = level if sides == SYMMETRIC else (1 + level) / 2
    rank = ceil((count + 1) * side_level - 1e-9)  # 20 * 0.95 is 19, not 19.000...004
    if rank > count:
        needed = ceil(1 / (1 - side_level) - 1 - 1e-9)
        raise ScaleRefused(
            f"{count} calibration rows are too few for {sides} intervals of level {level}: "
            f"at least {needed} are needed, with fewer the scale is infinite"
        )
    return rank


def _ratio(error: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """Return error in arms: infinite where there is no arm, 0 where there is no error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, error / arm)


def _quantile(scores: np.ndarray, rank: int) -> float:
    """Return the rank-th smallest score."""
    return float(np.sort(scores)[rank - 1])


def _check_options(level: float, kind: str, sides: str, least_arm: float) -> None:
    """Raise for options that are unknown or out of range."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if kind not in (RELATIVE, ABSOLUTE):
        raise ValueError(f"kind must be {RELATIVE!r} or {ABSOLUTE!r}, got {kind!r}")
    if sides not in (SYMMETRIC, SIGNED):
        raise ValueError(f"sides must be {SYMMETRIC!r} or {SIGNED!r}, got {sides!r}")
    if not (isfinite(least_arm) and least_arm >= 0):
        raise ValueError(f"least_arm must be finite and >= 0, got {least_arm}")
    if kind == ABSOLUTE and least_arm:
        raise ValueError(f"least_arm is of raw intervals, kind {ABSOLUTE!r} has none")
