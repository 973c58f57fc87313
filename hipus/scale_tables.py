"""Interval scales of many groups: learnt at once, kept in a table, looked up again.

Decides that a group whose scale is refused is named with the reason, never left out in silence.
Deliberately knows no group: its key columns are the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

from hipus.interval_scales import IntervalScale, ScaleRefused, learn_scale


@dataclass(frozen=True)
class LearntScales:
    """Scales of groups, and why some have none.

    Attributes
    ----------
    scales : dict of tuple to IntervalScale
        By the values of the key columns.
    refusals : dict of tuple to str
    """

    scales: dict[tuple, IntervalScale]
    refusals: dict[tuple, str]


def learn_scales(
    rows: pd.DataFrame, keys: Sequence[str], *, level: float = 0.95, **options
) -> LearntScales:
    """Learn one scale for each group of rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        Calibration rows as for `interval_scales.learn_scale`, with the key columns.
    keys : sequence of str
        Columns that make a group, for example poses, masks and measure.
    level, **options
        As of `learn_scale`.

    Returns
    -------
    LearntScales
        Every group is in one of its two parts.

    Raises
    ------
    ValueError
        If a key column is missing, or as `learn_scale`; the message names the group.
    """
    _check_keys(rows, keys)
    scales, refusals = {}, {}
    for group, part in rows.groupby(list(keys), sort=True, observed=True, dropna=False):
        try:
            scales[group] = learn_scale(part, level, **options)
        except ScaleRefused as why:
            refusals[group] = str(why)
        except ValueError as error:
            raise ValueError(f"group {dict(zip(keys, group, strict=True))}: {error}") from error
    return LearntScales(scales, refusals)


def to_table(scales: Mapping[tuple, IntervalScale], keys: Sequence[str]) -> pd.DataFrame:
    """Return scales as a table, one row per group.

    Parameters
    ----------
    scales : mapping of tuple to IntervalScale
    keys : sequence of str
        Names of the tuples' parts.

    Returns
    -------
    pandas.DataFrame
        The key columns, then the fields of `IntervalScale`.

    Raises
    ------
    ValueError
        If a group has not as many parts as there are keys.
    """
    wrong = [group for group in scales if len(group) != len(keys)]
    if wrong:
        raise ValueError(f"groups must have the parts {list(keys)}, got {wrong[0]}")
    names = [*keys, *(field.name for field in fields(IntervalScale))]
    rows = [dict(zip(keys, group, strict=True)) | asdict(one) for group, one in scales.items()]
    return pd.DataFrame(rows, columns=names)


def from_table(table: pd.DataFrame, keys: Sequence[str]) -> dict[tuple, IntervalScale]:
    """Return the scales that a table keeps.

    Parameters
    ----------
    table : pandas.DataFrame
        As `to_table` gave it, or read back from its file.
    keys : sequence of str

    Returns
    -------
    dict of tuple to IntervalScale

    Raises
    ------
    ValueError
        If a column is missing, two rows share a group, or a row is no scale.
    """
    names = [field.name for field in fields(IntervalScale)]
    _check_keys(table, [*keys, *names])
    groups = list(table[list(keys)].itertuples(index=False, name=None))
    repeated = [group for group in groups if groups.count(group) > 1]
    if repeated:
        raise ValueError(f"keys {list(keys)} must make a row, got {repeated[0]} more than once")
    rows = table[names].to_dict("records")
    return {group: IntervalScale(**row) for group, row in zip(groups, rows, strict=True)}


def _check_keys(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise if a column is missing."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(f"needs columns {missing}, has {list(table.columns)}")
