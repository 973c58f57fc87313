"""How the report words numbers: intervals, p, and what an interval tells.

Decides digits and words; knows no table.
"""

from __future__ import annotations

import math

#: Between a number and what belongs to it, so that no line ends there.
_NARROW = "\u00a0"


def number(value: float | None, form: str = ".3f") -> str:
    """Return a number, or a dash where it is unknown.

    Parameters
    ----------
    value : float or None
    form : str
        Format specification.

    Returns
    -------
    str
    """
    return "–" if value is None or math.isnan(value) else format(value, form)


def interval(low: float, high: float, form: str = ".3f") -> str:
    """Return a 95 % interval in words; a single infant has none.

    Parameters
    ----------
    low, high : float
    form : str

    Returns
    -------
    str
        "95 % 0.810 to 0.850".
    """
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    return f"95 % {format(low, form)} to {format(high, form)}"


def p_value(p: float) -> str:
    """Return p with two digits, or that it is below 0.001."""
    if math.isnan(p):
        return "no p"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def told(low: float, high: float, *, above: str, below: str, neither: str) -> str:
    """Return the word for a difference with its interval.

    Parameters
    ----------
    low, high : float
        Of the difference.
    above, below, neither : str
        For an interval above 0, below 0, and around 0 or unknown.

    Returns
    -------
    str
    """
    if low > 0:
        return above
    return below if high < 0 else neither


def beside(ours: float, printed: float, form: str = ".3f") -> str:
    """Return a number with the printed one in brackets, as one piece.

    Parameters
    ----------
    ours, printed : float
        NaN where there is none.
    form : str

    Returns
    -------
    str
    """
    return f"{number(ours, form)}{_NARROW}({number(printed, form)})"
