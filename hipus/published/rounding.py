"""Compare a recomputed number with a printed one.

Decides when two rounded numbers can stem from the same unrounded one. Deliberately knows no
table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipus.published.audit import CheckVerdict

_FLOAT_SLACK = 1e-9
"""Keeps a difference of exactly half a unit inside, whichever way floats fall."""


@dataclass(frozen=True)
class Check:
    """One recomputed check of the audit.

    Attributes
    ----------
    check_id : str
        Identifier in `audit.csv`.
    computed, printed : str
        What follows from the tables, and what the document prints.
    verdict : CheckVerdict
        Whether they agree.
    """

    check_id: str
    computed: str
    printed: str
    verdict: CheckVerdict


def half_unit(printed: str) -> float:
    """Return half a unit of the last printed digit.

    Parameters
    ----------
    printed : str
        A decimal number, for example "0.630".

    Returns
    -------
    float
        0.0005 for "0.630", 0.5 for "12".
    """
    return 0.5 * 10.0 ** -len(printed.partition(".")[2])


def holds(condition: bool) -> CheckVerdict:
    """Return consistent for a true condition, else inconsistent."""
    return CheckVerdict.CONSISTENT if condition else CheckVerdict.INCONSISTENT


def compare(
    check_id: str,
    computed: float | Sequence[float],
    printed: str | Sequence[str],
    *,
    slack: float = 0.0,
    digits: int = 4,
) -> Check:
    """Compare recomputed numbers with printed ones, as far as rounding allows.

    Parameters
    ----------
    check_id : str
        Identifier in `audit.csv`.
    computed : float or sequence of float
        Recomputed values.
    printed : str or sequence of str
        As printed; the number of decimals sets the tolerance.
    slack : float
        Largest error of `computed` that the rounding of its own inputs can cause.
    digits : int
        Decimals shown of `computed`.

    Returns
    -------
    Check
        Consistent if every difference is at most half a printed unit plus `slack`.

    Raises
    ------
    ValueError
        If the numbers of values differ.
    """
    texts = [printed] if isinstance(printed, str) else list(printed)
    values = np.atleast_1d(np.asarray(computed, dtype=float))
    if len(values) != len(texts):
        raise ValueError(f"{check_id}: got {len(values)} computed and {len(texts)} printed values")
    tolerance = np.array([half_unit(text) for text in texts]) + slack + _FLOAT_SLACK
    difference = np.abs(values - np.array([float(text) for text in texts]))
    shown = "; ".join(f"{value:.{digits}f}" for value in values)
    return Check(check_id, shown, "; ".join(texts), holds(bool((difference <= tolerance).all())))
