"""How far repeated measurements of the same thing scatter under the same conditions.

Decides repeatability in the unit of what was measured, after Bland and Altman. Deliberately knows
no operators: what they add, and the ICC, is `reliability`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Two measurements of the same thing differ by less in 95 % of pairs, per SD of one of them.
COEFFICIENT_PER_SD = 1.96 * np.sqrt(2.0)


@dataclass(frozen=True)
class Repeatability:
    """Scatter of repeated measurements of the same thing under the same conditions.

    Attributes
    ----------
    within_sd, within_sd_low, within_sd_high : float
    coefficient, coefficient_low, coefficient_high : float
        1.96 sqrt(2) within_sd.
    level : float
        Coverage of the intervals.
    degrees_of_freedom : int
        Measurements less items.
    item_count, value_count : int
        Of the items that were measured more than once.
    single_count : int
        Items measured once, which say nothing and are left out.
    """

    within_sd: float
    within_sd_low: float
    within_sd_high: float
    coefficient: float
    coefficient_low: float
    coefficient_high: float
    level: float
    degrees_of_freedom: int
    item_count: int
    value_count: int
    single_count: int


def repeatability(
    table: pd.DataFrame, value: str, *, item: str, level: float = 0.95
) -> Repeatability:
    """Return the within-item SD and repeatability coefficient of repeated measurements.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per measurement.
    value, item : str
        Columns: what was measured, and what is the same thing measured again (for example hip
        and operator).
    level : float
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    Repeatability

    Raises
    ------
    ValueError
        If a column is missing, a value is not finite, no item was measured twice, or the level
        is out of range.

    Notes
    -----
    Bland and Altman 1999, section 4: s_w^2 is the pooled within-item variance, and two
    measurements of an item differ by less than 1.96 sqrt(2) s_w in 95 % of pairs. Interval:
    df s_w^2 / sigma^2 is chi-squared, exact for normal scatter that is alike for all items.
    """
    from scipy.stats import chi2

    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    check_measurements(table, value, keys=[item])
    groups = table.groupby(item, observed=True, sort=True)[value]
    counts = groups.count()
    repeated = counts[counts > 1]
    free = int((repeated - 1).sum())
    if not free:
        raise ValueError(f"{value}: no {item} of {len(counts)} was measured more than once")
    squares = float((groups.var(ddof=1)[repeated.index] * (repeated - 1)).sum())
    low, high = squares / chi2.ppf([(1 + level) / 2, (1 - level) / 2], free)
    sds = np.sqrt([squares / free, low, high])
    names = ("", "_low", "_high")
    return Repeatability(
        **{f"within_sd{name}": float(sd) for name, sd in zip(names, sds, strict=True)},
        **{
            f"coefficient{name}": float(COEFFICIENT_PER_SD * sd)
            for name, sd in zip(names, sds, strict=True)
        },
        level=float(level),
        degrees_of_freedom=free,
        item_count=len(repeated),
        value_count=int(repeated.sum()),
        single_count=int((counts == 1).sum()),
    )


def check_measurements(table: pd.DataFrame, value: str, *, keys: Sequence[str]) -> None:
    """Raise unless every row has a finite value and names what was measured.

    Parameters
    ----------
    table : pandas.DataFrame
    value : str
    keys : sequence of str
        Columns that say what was measured, and by whom.

    Raises
    ------
    ValueError
        If a column is missing, or a row's value or key; the message names the row.
    """
    keys = list(keys)
    missing = [name for name in (value, *keys) if name not in table.columns]
    if missing:
        raise ValueError(f"table needs columns {missing}, has {list(table.columns)}")
    bad = ~np.isfinite(table[value].to_numpy(float)) | table[keys].isna().any(axis=1).to_numpy()
    if bad.any():
        row = table.loc[bad, [*keys, value]].head(1).to_dict("records")[0]
        raise ValueError(
            f"{value} must be finite and {keys} named, got {row} and {bad.sum() - 1} more such "
            "rows; leave refused measurements out and count them"
        )
