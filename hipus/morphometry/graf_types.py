"""Graf's types and sub-types from alpha, beta and age.

Decides that every possible alpha has a type: ranges are half-open, so 59.5 deg is type II and no
angle is rounded to get there. Thresholds and their source stand in `data/graf/types.csv` and
`maturity.csv` (Graf R., Hip Sonography, 2nd ed., Springer 2006). Deliberately gives the coarser
type, with a note, where a measure for the finer one is missing.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite

from hipus import paths
from hipus.morphometry.measures import Measure

#: IIa is split by maturity from this age on.
SPLIT_AGE_DAYS = 42.0
#: Types and sub-types, from mature to dislocated; unions where a measure is missing.
TYPES = (
    *("I", "Ia", "Ib", "II", "IIa", "IIa+", "IIa-", "IIb"),
    *("IIc/D", "IIc", "D", "III/IV", "III", "IIIa", "IIIb", "IV"),
)


@dataclass(frozen=True)
class TypeRow:
    """One row of the table of types; limits are [min, max)."""

    name: str
    alpha_deg: tuple[float, float]
    beta_deg: tuple[float, float]
    age_days: tuple[float, float]


@dataclass(frozen=True)
class GrafType:
    """The type of a hip.

    Attributes
    ----------
    name : str or None
        One of `TYPES`; None where alpha was refused.
    notes : tuple of str
        What is missing for a finer type, and what contradicts this one.
    """

    name: str | None
    notes: tuple[str, ...] = ()


@lru_cache
def type_rows() -> tuple[TypeRow, ...]:
    """Return the table of types from data/."""
    path = paths.data_dir() / "graf" / "types.csv"
    with open(path, encoding="utf-8", newline="") as stream:
        return tuple(
            TypeRow(
                row["type"],
                (_number(row["alpha_min_deg"], -inf), _number(row["alpha_max_deg"], inf)),
                (_number(row["beta_min_deg"], -inf), _number(row["beta_max_deg"], inf)),
                (_number(row["age_min_days"], -inf), _number(row["age_max_days"], inf)),
            )
            for row in csv.DictReader(stream)
        )


def _number(text: str, absent: float) -> float:
    return float(text) if text else absent


@lru_cache
def _maturity() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return ages in days, and the least alpha of a hip that matures in time."""
    path = paths.data_dir() / "graf" / "maturity.csv"
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    days = tuple(7.0 * float(row["age_weeks"]) for row in rows)
    return days, tuple(float(row["alpha_min_deg"]) for row in rows)


def least_mature_alpha_deg(age_days: float) -> float:
    """Return the least alpha of a hip that matures in time, linear between the table's ages."""
    import numpy as np

    return float(np.interp(age_days, *_maturity()))


def classify(
    alpha: Measure,
    beta: Measure,
    *,
    age_days: float | None = None,
    is_decentred: bool | None = None,
    is_roof_echogenic: bool | None = None,
) -> GrafType:
    """Return the Graf type of a hip.

    Parameters
    ----------
    alpha, beta : Measure
        In degrees; beta may be refused.
    age_days : float or None
        Splits II into IIa and IIb, and IIa into + and -.
    is_decentred : bool or None
        Whether the head has left the socket: stands for beta between IIc and D where beta is
        refused, else it only contradicts.
    is_roof_echogenic : bool or None
        Whether the cartilage roof is, which splits III; no mask tells it.

    Returns
    -------
    GrafType

    Raises
    ------
    ValueError
        If an angle is not in degrees, or the age is negative or not finite.

    Notes
    -----
    Graf (2006) reads whole degrees, so "59" and "60" leave nothing open there. Here an angle is
    a real number and limits are the lower numbers: [50, 60) is II. Beta of exactly 55 is Ib,
    of exactly 77 D or III; an age of 12 weeks is 84 days, and day 84 itself still IIa.
    """
    for name, measure in (("alpha", alpha), ("beta", beta)):
        if measure.unit != "deg":
            raise ValueError(f"{name} must be in deg, got {measure.unit!r}")
    if age_days is not None and not (isfinite(age_days) and age_days >= 0):
        raise ValueError(f"age_days must be >= 0, got {age_days}")
    if alpha.is_refused:
        return GrafType(None, (f"no type without alpha: {alpha.refusal}",))
    rows = _matching(alpha.value, beta.value, age_days)
    if len(rows) == 1:
        name, notes = _refine(rows[0].name, alpha.value, age_days, is_roof_echogenic)
    else:
        name, notes = _union(rows, beta, is_decentred)
    return GrafType(name, (*notes, *_contradictions(name, is_decentred)))


def _matching(alpha_deg: float, beta_deg: float | None, age_days: float | None) -> list[TypeRow]:
    """Return the rows that the known numbers do not exclude."""
    return [
        row
        for row in type_rows()
        if _within(alpha_deg, row.alpha_deg)
        and _within(beta_deg, row.beta_deg)
        and _within(age_days, row.age_days)
    ]


def _within(value: float | None, limits: tuple[float, float]) -> bool:
    return value is None or limits[0] <= value < limits[1]


def _refine(name: str, alpha_deg: float, age_days: float | None, is_echogenic: bool | None):
    """Return the sub-type of a type, and notes."""
    if name == "IIa" and age_days is not None and age_days >= SPLIT_AGE_DAYS:
        is_mature = alpha_deg >= least_mature_alpha_deg(age_days)
        return ("IIa+" if is_mature else "IIa-"), ()
    if name == "III":
        if is_echogenic is None:
            return name, ("IIIa or IIIb: the echo of the cartilage roof is not known",)
        return ("IIIb" if is_echogenic else "IIIa"), ()
    return name, ()


def _union(rows: list[TypeRow], beta: Measure, is_decentred: bool | None):
    """Return the type that is left where beta or age is missing, and what is missing."""
    names = [row.name for row in rows]
    if names == ["IIa", "IIb"]:
        return "II", ("IIa or IIb: the age is not known",)
    if names == ["IIc", "D"] and is_decentred is not None:
        return ("D" if is_decentred else "IIc"), ("told by the place of the head, not by beta",)
    union = {"Ia": "I", "IIc": "IIc/D", "III": "III/IV"}[names[0]]
    return union, (f"{' or '.join(names)}: beta is missing ({beta.refusal})",)


def _contradictions(name: str, is_decentred: bool | None) -> tuple[str, ...]:
    """Return what the place of the head says against a type."""
    if is_decentred is None or name == "IIc/D":
        return ()
    should = name in ("D", "III/IV", "III", "IIIa", "IIIb", "IV")
    if should == is_decentred:
        return ()
    seen = "decentred" if is_decentred else "centred"
    return (f"the head is {seen}, which type {name} is not: is this the standard plane?",)
