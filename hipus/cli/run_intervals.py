"""Intervals of a hip widened by the study's table of scales.

Decides which rows of a table are of this hip: those of the same poses, masks and sweep type. A
measure without such a row keeps the interval of its labels, and is named. Learns no scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.interval_scales import RELATIVE, IntervalScale
from hipus.morphometry.measures import Measure
from hipus.scale_tables import from_table

#: Columns that tell which hips a scale is of.
KEYS = ("poses", "masks", "sweep_type", "measure")


#: Where stage hip_angles leaves scales, seen from the results of a profile.
OWN_TABLE = Path("tables") / "hip_interval_scales.csv"


def own_scales(model_folder: Path) -> Path | None:
    """Return the scales of the study that trained a model, None where it learned none.

    Parameters
    ----------
    model_folder : Path
        `results/<profile>/models/segmentation/<model>`, or any other.

    Returns
    -------
    Path or None
    """
    parents = Path(model_folder).resolve().parents
    table = parents[2] / OWN_TABLE if len(parents) > 2 else OWN_TABLE
    return table if table.is_file() and not tables.read(table).empty else None


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


def has_rows(table: Path, *, poses: str, masks: str, sweep_type: str) -> bool:
    """Return whether a table has scales for hips of a kind."""
    rows = tables.read(table, dtype=dict.fromkeys(KEYS, str))
    kind = {"poses": poses, "masks": masks, "sweep_type": sweep_type}
    return bool((rows[list(kind)] == pd.Series(kind)).all(axis=1).any())


def widen(
    measures: Mapping[str, Measure], table: Path, *, poses: str, masks: str, sweep_type: str
) -> Widened:
    """Return measures with intervals scaled, and values moved, as a table says.

    Parameters
    ----------
    measures : mapping of str to Measure
        With raw intervals.
    table : Path
        CSV with the columns `KEYS` and those of `interval_scales.IntervalScale`.
    poses : {"tracked", "predicted", "rounded"}
    masks : str
        "model" for the study's model of volumes, else the name of the model that labelled.
    sweep_type : str

    Returns
    -------
    Widened
        A value moves by what its kind of poses and masks led calibration hips astray; refusals
        stay as they are.

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
    moved = measure.value + scale.shift
    return replace(measure, value=moved, lower=float(lower), upper=float(upper))


def _named(kind: tuple) -> str:
    """Return which hips a scale is of, as a person reads it."""
    return ", ".join(
        f"{name} {value or 'not stated'}" for name, value in zip(KEYS[:-1], kind, strict=False)
    )
