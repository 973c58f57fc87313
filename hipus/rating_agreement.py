"""Agreement of two raters on ordered grades.

Decides how agreement beyond chance is measured (Cohen's kappa, unweighted, linear and
quadratic) and that its intervals resample subjects. Deliberately knows no rater: a rule may
stand against a reader, or one reader against another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Of 1 for neighbouring grades and grade count - 1 for the ends: what a disagreement weighs.
WEIGHTS = {"unweighted": 0, "linear": 1, "quadratic": 2}


@dataclass(frozen=True)
class Agreement:
    """One measure of agreement with its interval.

    Attributes
    ----------
    measure : str
        "percent_agreement", "kappa_unweighted", "kappa_linear" or "kappa_quadratic".
    value : float
        Percent, or kappa: 1 full agreement, 0 that of chance; NaN where chance alone agrees
        fully, because both raters gave every case one and the same grade.
    low, high : float
        Bootstrap interval over subjects; NaN with a single subject or an undefined value.
    undefined_share : float
        Share of resamples without a defined value, which the interval leaves out.
    """

    measure: str
    value: float
    low: float
    high: float
    undefined_share: float


@dataclass(frozen=True)
class RatingAgreement:
    """How two raters agree over the same cases.

    Attributes
    ----------
    measures : tuple of Agreement
        Percent agreement and three kappas.
    confusion : pandas.DataFrame (grades x grades) int
        Case counts; rows the first rater's grades, columns the second's, in order.
    case_count, subject_count : int
    level : float
        Coverage that the intervals aim at.
    """

    measures: tuple[Agreement, ...]
    confusion: pd.DataFrame
    case_count: int
    subject_count: int
    level: float

    def table(self) -> pd.DataFrame:
        """Return one row per measure: value, interval and counts."""
        rows = pd.DataFrame([vars(measure) for measure in self.measures])
        return rows.assign(
            level=self.level, case_count=self.case_count, subject_count=self.subject_count
        )


def compare_ratings(
    first: Mapping,
    second: Mapping,
    *,
    subjects: Mapping,
    grades: Sequence[str],
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> RatingAgreement:
    """Compare the grades that two raters gave to the same cases.

    Parameters
    ----------
    first, second : mapping (or Series) of case to grade
    subjects : mapping (or Series) of case to subject
        May know more cases.
    grades : sequence of str
        From worst to best: neighbours weigh less than ends.
    rng : numpy.random.Generator
        Draws the subjects of the intervals.
    resamples : int
    level : float
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    RatingAgreement

    Raises
    ------
    ValueError
        If the raters judged different cases or none, a case has no subject, a grade is
        unknown or occurs twice in the order, or a number is out of range.

    Notes
    -----
    kappa = 1 - sum(w o) / sum(w e) with o the observed and e the shares expected from the
    margins, and w the distance of two grades to the power 0 (any disagreement 1), 1 or 2
    (Cohen 1960, 1968). Kappa depends on how often each grade occurs: read it beside the
    counts. Sweeps of a subject are drawn together, as in `statistics`.
    """
    first, second = dict(first), dict(second)
    _check_cases(first, second, subjects)
    _check_grades(first, second, grades)
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(
            f"resamples must be >= 1 and level between 0 and 1, got {resamples} and {level}"
        )
    counts = _counts_by_subject(first, second, subjects, grades=grades)
    drawn = _resampled(counts, rng, resamples)
    names = pd.Index(grades)
    return RatingAgreement(
        measures=tuple(
            _with_interval(measure, counts, drawn, level=level)
            for measure in ("percent_agreement", *(f"kappa_{name}" for name in WEIGHTS))
        ),
        confusion=pd.DataFrame(counts.sum(axis=0), index=names, columns=names),
        case_count=len(first),
        subject_count=len(counts),
        level=float(level),
    )


def _counts_by_subject(first, second, subjects, *, grades) -> np.ndarray:
    """Return each subject's confusion counts (S, G, G)."""
    place = {grade: number for number, grade in enumerate(grades)}
    owners = {name: number for number, name in enumerate(sorted({subjects[c] for c in first}))}
    counts = np.zeros((len(owners), len(grades), len(grades)), np.int64)
    for case, grade in first.items():
        counts[owners[subjects[case]], place[grade], place[second[case]]] += 1
    return counts


def _resampled(counts: np.ndarray, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Return the confusion counts (R, G, G) of subjects drawn with replacement."""
    subjects = len(counts)
    draws = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)
    return np.tensordot(draws, counts, axes=1)


def _with_interval(measure: str, counts: np.ndarray, drawn: np.ndarray, *, level: float):
    """Return one measure of all subjects' cases and its percentile interval over resamples."""
    value = float(_measure(measure, counts.sum(axis=0, keepdims=True))[0])
    values = _measure(measure, drawn)
    defined = values[np.isfinite(values)]
    low = high = np.nan
    if np.isfinite(value) and len(counts) > 1:
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Agreement(measure, value, float(low), float(high), 1 - len(defined) / len(values))


def _measure(measure: str, counts: np.ndarray) -> np.ndarray:
    """Return one measure of each of many confusion counts (R, G, G)."""
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    if measure == "percent_agreement":
        return 100 * np.trace(shares, axis1=1, axis2=2)
    grades = np.arange(counts.shape[1])
    distance = np.abs(grades[:, None] - grades)
    weights = np.where(distance, distance ** WEIGHTS[measure.removeprefix("kappa_")], 0)
    expected = shares.sum(axis=2)[:, :, None] * shares.sum(axis=1)[:, None, :]
    by_chance = (weights * expected).sum(axis=(1, 2))
    found = (weights * shares).sum(axis=(1, 2))
    return 1 - np.divide(found, by_chance, out=np.full(len(counts), np.nan), where=by_chance > 0)


def _check_cases(first: dict, second: dict, subjects) -> None:
    """Raise unless both raters judged the same cases of known subjects."""
    apart = sorted(map(str, first.keys() ^ second.keys()))
    if apart:
        raise ValueError(
            f"raters must judge the same cases, got {len(first)} and {len(second)}; only one "
            f"of them judged {apart[:3]}"
        )
    if not first:
        raise ValueError("raters must judge at least one case, got none")
    ownerless = [case for case in first if case not in subjects]
    if ownerless:
        raise ValueError(
            f"subjects must name the subject of every case, got none of {ownerless[0]}"
        )


def _check_grades(first: dict, second: dict, grades: Sequence[str]) -> None:
    """Raise unless every grade stands once in the order."""
    if len(set(grades)) != len(grades) or len(grades) < 2:
        raise ValueError(f"grades must be at least 2 different names, got {list(grades)}")
    for rater, given in (("first", first), ("second", second)):
        unknown = [(case, grade) for case, grade in given.items() if grade not in grades]
        if unknown:
            raise ValueError(
                f"{rater} rater: grade of {unknown[0][0]} must be one of {list(grades)}, "
                f"got {unknown[0][1]!r}"
            )
