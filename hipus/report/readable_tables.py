"""Saved tables as a person reads them: few digits, headings that wrap, values with intervals.

Decides digits and headings of what is shown; changes no saved table and computes nothing.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from hipus.report.wording import number

_MOST_DECIMALS = 4
_SWEEP_TYPE = re.compile(r"\bp ([ad])\b")
_WORDS = {True: "yes", False: "no"}


def readable(table: pd.DataFrame, *, digits: int = 3) -> pd.DataFrame:
    """Return a table for reading: numbers rounded by column, headings in words.

    Parameters
    ----------
    table : pandas.DataFrame
    digits : int
        Significant digits of a typical value (the median of a column); all values of a column
        have as many decimals, but what would round to 0 is told as a power of ten.

    Returns
    -------
    pandas.DataFrame
        Of text where numbers had decimals; underscores of headings are spaces, so that a
        narrow column can have a long name; yes and no for true and false.

    Raises
    ------
    ValueError
        If `digits` is below 1.
    """
    if digits < 1:
        raise ValueError(f"digits must be >= 1, got {digits}")
    told = pd.DataFrame({name: _told(table[name], digits) for name in table}, index=table.index)
    return told.rename(columns=_heading)


def with_interval(
    rows: pd.DataFrame, value: str, *, low: str = "low", high: str = "high", form: str = ".2f"
) -> list[str]:
    """Return values with their intervals, one text a row.

    Parameters
    ----------
    rows : pandas.DataFrame
    value, low, high : str
        Columns.
    form : str
        Format specification.

    Returns
    -------
    list of str
        "3.41 (2.84 to 4.04)"; the value alone where an end is unknown, a dash where it is.
    """
    ends = zip(rows[value], rows[low], rows[high], strict=True)
    return [_with_ends(*three, form) for three in ends]


def _heading(name: object) -> str:
    """Return a column's name in words; kinds of sweep keep their names."""
    return _SWEEP_TYPE.sub(r"p_\1", str(name).replace("_", " "))


def _with_ends(value: float, low: float, high: float, form: str) -> str:
    """Return one value with its interval."""
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return number(value, form)
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def _told(column: pd.Series, digits: int) -> pd.Series:
    """Return a column as it is read."""
    if column.dtype == bool:
        return column.map(_WORDS)
    if not pd.api.types.is_float_dtype(column):
        return column
    decimals = _decimals(column.to_numpy(dtype=float), digits)
    return column.map(lambda value: _rounded(value, decimals))


def _decimals(values: np.ndarray, digits: int) -> int:
    """Return how many decimals show so many digits of a column's typical value."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not sizes.size or np.all(sizes == np.rint(sizes)):
        return 0
    place = int(np.floor(np.log10(np.median(sizes))))
    return int(np.clip(digits - 1 - place, 0, _MOST_DECIMALS))


def _rounded(value: float, decimals: int) -> str:
    """Return a number with so many decimals, or as a power of ten if these are all 0."""
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    is_lost = 0 < abs(value) < 0.5 * 10.0**-decimals
    return number(value, ".0e" if is_lost else f".{decimals}f")
