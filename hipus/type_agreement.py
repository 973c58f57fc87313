"""Agreement on ordered types where either side may refuse to give one.

Decides that a refusal is a row and a column of the confusion and no agreement, and that kappa is
of the cases typed by both. Deliberately computes no kappa itself: that is `rating_agreement`.
Which types there are and in which order is the caller's knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus.rating_agreement import Agreement, RatingAgreement, compare_ratings
from hipus.statistics import bootstrap_mean_by_subject

#: Row and column of the confusion where no type was given.
REFUSED = "refused"


@dataclass(frozen=True)
class TypeAgreement:
    """How two ways of typing the same cases agree.

    Attributes
    ----------
    confusion : pandas.DataFrame (types + 1 x types + 1) int
        Case counts; rows the first, columns the second, `REFUSED` last.
    of_all : Agreement
        Percent of all cases that got the same type from both: a refusal is no success.
    typed : RatingAgreement or None
        Percent agreement and kappas of the cases typed by both, with intervals; None where there
        is no such case.
    case_count, typed_count : int
        All cases, and those typed by both.
    refused_by_first, refused_by_second : int
    """

    confusion: pd.DataFrame
    of_all: Agreement
    typed: RatingAgreement | None
    case_count: int
    typed_count: int
    refused_by_first: int
    refused_by_second: int

    def table(self) -> pd.DataFrame:
        """Return one row per measure: of all cases first, then those of the typed ones."""
        typed = () if self.typed is None else self.typed.measures
        rows = [vars(self.of_all) | {"cases": self.case_count}]
        rows += [vars(measure) | {"cases": self.typed_count} for measure in typed]
        return pd.DataFrame(rows).assign(
            refused_by_first=self.refused_by_first, refused_by_second=self.refused_by_second
        )


def compare_types(
    first: Mapping,
    second: Mapping,
    *,
    subjects: Mapping,
    types: Sequence[str],
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> TypeAgreement:
    """Compare the types that two ways gave to the same cases.

    Parameters
    ----------
    first, second : mapping (or Series) of case to type
        None, NaN or "" where the type was refused.
    subjects : mapping (or Series) of case to subject
    types : sequence of str
        All types from one end of the order to the other: kappa weighs their distance.
    rng : numpy.random.Generator
        Draws the subjects of the intervals.
    resamples : int
    level : float
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    TypeAgreement

    Raises
    ------
    ValueError
        If the cases differ, there is none, `REFUSED` is among the types, or as
        `rating_agreement.compare_ratings`.

    Notes
    -----
    Linear and quadratic weights as of Cohen 1968. Trap: kappa of the typed cases flatters a way
    of typing that refuses the hard ones; read it beside `of_all`.
    """
    first, second = _named(first), _named(second)
    _check_cases(first, second, subjects)
    confusion = _confusion(first, second, types)
    both = [case for case in first if REFUSED not in (first[case], second[case])]
    options = {"rng": rng, "resamples": resamples, "level": level}
    return TypeAgreement(
        confusion=confusion,
        of_all=_of_all(first, second, subjects, options),
        typed=_of_typed(first, second, subjects, options | {"cases": both, "grades": types}),
        case_count=len(first),
        typed_count=len(both),
        refused_by_first=int(confusion.loc[REFUSED].sum()),
        refused_by_second=int(confusion[REFUSED].sum()),
    )


def _of_all(first: dict, second: dict, subjects: Mapping, options: dict) -> Agreement:
    """Return the percentage of cases that both typed alike."""
    alike = [100.0 * (first[case] == second[case] != REFUSED) for case in first]
    found = bootstrap_mean_by_subject(alike, [subjects[case] for case in first], **options)
    return Agreement("percent_agreement_of_all", found.mean, found.low, found.high, 0.0)


def _of_typed(first: dict, second: dict, subjects: Mapping, options: dict):
    """Return the agreement over the cases that both typed, None if there is none."""
    cases = options.pop("cases")
    if not cases:
        return None
    given = ({case: side[case] for case in cases} for side in (first, second))
    return compare_ratings(*given, subjects=subjects, **options)


def _check_cases(first: dict, second: dict, subjects: Mapping) -> None:
    """Raise unless both typed the same cases of known subjects."""
    if first.keys() != second.keys() or not first:
        apart = sorted(map(str, first.keys() ^ second.keys()))[:3]
        raise ValueError(
            f"types must be of the same cases, at least one, got {len(first)} and "
            f"{len(second)}; only one has {apart}"
        )
    ownerless = [case for case in first if case not in subjects]
    if ownerless:
        raise ValueError(
            f"subjects must name the subject of every case, got none of {ownerless[0]}"
        )


def _named(given: Mapping) -> dict:
    """Return case -> type, refusals by their name."""
    return {case: REFUSED if pd.isna(name) or name == "" else name for case, name in given.items()}


def _confusion(first: dict, second: dict, types: Sequence[str]) -> pd.DataFrame:
    """Return case counts with the refused ones last."""
    names = [*types, REFUSED]
    if len(set(names)) != len(names):
        raise ValueError(f"types must differ from each other and {REFUSED!r}, got {list(types)}")
    unknown = [name for name in (*first.values(), *second.values()) if name not in names]
    if unknown:
        raise ValueError(f"types must be of {list(types)}, got {unknown[0]!r}")
    counts = pd.DataFrame(0, index=pd.Index(names), columns=pd.Index(names), dtype=np.int64)
    for case, name in first.items():
        counts.loc[name, second[case]] += 1
    return counts
