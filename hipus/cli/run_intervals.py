"""Intervals of a hip widened by the study's table of scales.

Decides which rows of a table are of this hip: those of the same poses, masks and sweep type. A
measure without such a row keeps the interval of its labels, and is named. Learns no scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hipus import tables
from hipus.interval_scales import RELATIVE, IntervalScale
from hipus.morphometry.measures import Measure
from hipus.scale_tables import from_table

#: Columns that tell which hips a scale is of.
KEYS = ("poses", "masks", "sweep_type", "measure")


@dataclass(frozen=True)
class Widened:
    """Measures with calibrated intervals.

    Attributes
    ----------
    measures : mapping of str to Measure
    scaled, unscaled : tuple of str
        Names of measures with a value: those a scale was found for, and the others.
    """

    measures: Mapping[str, Measure]
    scaled: tuple[str, ...]
    unscaled: tuple[str, ...]


def widen(
    measures: Mapping[str, Measure], table: Path, *, poses: str, masks: str, sweep_type: str
) -> Widened:
    """Return measures with intervals scaled as a table says.

    Parameters
    ----------
    measures : mapping of str to Measure
        With raw intervals.
    table : Path
        CSV with the columns `KEYS` and those of `interval_scales.IntervalScale`.
    poses : {"tracked", "predicted"}
    masks : str
        Name of the model that labelled.
    sweep_type : str

    Returns
    -------
    Widened
        Values and refusals stay as they are.

    Raises
    ------
    FileNotFoundError
        If there is no table.
    ValueError
        If it is no such table, or has no row for hips of this kind.
    """
    if not table.is_file():
        raise FileNotFoundError(f"{table} is missing: no scales of intervals to read")
    try:
        scales = from_table(tables.read(table, dtype=dict.fromkeys(KEYS, str)), KEYS)
    except ValueError as error:
        raise ValueError(f"{table}: {error}") from error
    kind = (poses, masks, sweep_type)
    own = {key[-1]: scale for key, scale in scales.items() if key[:-1] == kind}
    if not own:
        known = sorted({_named(key) for key in scales})
        raise ValueError(
            f"{table} must have scales for {_named(kind)}, has {'; '.join(known) or 'none'}"
        )
    valued = {name: one for name, one in measures.items() if not one.is_refused}
    scaled = {
        name: _scaled(one, own[name])
        for name, one in valued.items()
        if name in own and (own[name].kind != RELATIVE or one.lower is not None)
    }
    return Widened(
        dict(measures) | scaled, tuple(scaled), tuple(name for name in valued if name not in scaled)
    )


def _scaled(measure: Measure, scale: IntervalScale) -> Measure:
    """Return a measure with the interval that a scale makes of its own."""
    lower, upper = scale.apply(measure.value, measure.lower, measure.upper)
    return replace(measure, lower=float(lower), upper=float(upper))


def _named(kind: tuple) -> str:
    """Return which hips a scale is of, as a person reads it."""
    return ", ".join(
        f"{name} {value or 'not stated'}" for name, value in zip(KEYS[:-1], kind, strict=False)
    )
