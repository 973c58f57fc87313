"""Whether the findings of others hold on our arms.

Decides the verdict on each claim of `claims` from the errors of sweeps. Deliberately decides no
claim, runs no arm and writes no file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.motion.claims import CLAIMS, CONSTANT_STEP, EQUAL, LOWER, NOT_LOWER, Claim, Side

HOLDS = "holds here"
OPPOSITE = "opposite here"
NOT_TOLD_APART = "not told apart here"
NOT_RUN = "arm not run"
NOT_LEARNED = "arm learned nothing"
VERDICTS = (HOLDS, OPPOSITE, NOT_TOLD_APART, NOT_RUN, NOT_LEARNED)
MARGIN = 0.1
"""Differences below this share of the other arm's error count as no difference."""
_TURNS = ("relative_deg", "final_deg")
"""Measures of rotation: two arms that turn like a constant step decide nothing by them."""

_SWEEP = ["subject_id", "sweep_id"]


def verdicts(
    rows: pd.DataFrame,
    rng: np.random.Generator,
    *,
    claims: Sequence[Claim] = CLAIMS,
    resamples: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Say of each finding whether it holds on our arms.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `sweep_rows.sweep_row`: one per arm, truth and sweep, all of one variant and
        frame spacing.
    rng : numpy.random.Generator
    claims : sequence of Claim
    resamples, level
        As for `statistics.bootstrap_mean_by_subject`.

    Returns
    -------
    pandas.DataFrame
        One row per claim, in their order: `finding`, `claim`, `source`, `expected`; `a` and
        `b` in words; `mean_a`, `mean_b`, `difference` (a - b), `low`, `high`, `level`,
        `unit`, `subject_count`, `margin` and `verdict` (one of `VERDICTS`). Without rows of
        an arm, or a subject with both types of sweep, the numbers are NaN and the verdict is
        "arm not run"; of a rotation that neither arm learned it is "arm learned nothing".

    Raises
    ------
    ValueError
        If a sweep appears twice for an arm, two arms were not tried on the same sweeps, or a
        value is not finite.

    Notes
    -----
    Differences are paired: by sweep where two arms predicted the same sweeps, else (p_a
    against p_d) by subject. The verdict follows from the interval of the mean difference and
    the margin, a tenth of b's mean error (`verdict_of`): absence of evidence is "not told
    apart", never "no difference". Arms whose steps turn as wrongly as a constant step's, within
    a tenth, learned no rotation, and a tiny interval between two of them says nothing of what
    they differ in; without rows of `claims.CONSTANT_STEP` none is taken for such. Traps: intervals
    are over subjects of arms trained once, and do not contain the spread between trainings; of
    thirty 95 % intervals one or two miss zero by chance; rotations of arms that fuse the IMU say
    little of their networks.
    """
    streams = rng.spawn(len(claims))
    table = [
        _row(rows, claim, rng=stream, resamples=resamples, level=level)
        for claim, stream in zip(claims, streams, strict=True)
    ]
    return pd.DataFrame(table)


def verdict_of(expected: str, low: float, *, high: float, margin: float) -> str:
    """Return the verdict on a claim from the interval of a difference a - b.

    Parameters
    ----------
    expected : {"lower", "not lower", "equal"}
        What the claim says of a against b.
    low, high : float
        Interval of a - b; NaN with a single subject.
    margin : float
        Size of a difference that counts as none, not negative.

    Returns
    -------
    str
        "lower" holds below zero and is contradicted above it. "not lower" is contradicted
        below zero, and holds once a gain of a margin is excluded. "equal" holds within one
        margin of zero, and is contradicted when zero is excluded otherwise. Everything else
        is not told apart.

    Raises
    ------
    ValueError
        If `expected` is none of the three.
    """
    is_lower, is_higher = high < 0, low > 0
    holds, fails = {
        LOWER: (is_lower, is_higher),
        NOT_LOWER: (low > -margin and not is_lower, is_lower),
        EQUAL: (low > -margin and high < margin, is_lower or is_higher),
    }.get(expected, (None, None))
    if holds is None:
        raise ValueError(f"expected must be one of {LOWER}, {NOT_LOWER}, {EQUAL}, got {expected!r}")
    return HOLDS if holds else OPPOSITE if fails else NOT_TOLD_APART


def _row(rows: pd.DataFrame, claim: Claim, **options) -> dict[str, object]:
    """Return the table's row of one claim."""
    told = {
        "finding": claim.name,
        "claim": claim.text,
        "source": claim.source,
        "expected": f"a {claim.expected} than b" if claim.expected != EQUAL else "a equal to b",
        "a": _in_words(claim.a),
        "b": _in_words(claim.b),
        "unit": claim.a.measure.rsplit("_", 1)[-1],
    }
    a, b = _values(rows, claim.a), _values(rows, claim.b)
    if len(a) and len(b):
        a, b = _paired(a, b, claim)
    if a.empty or b.empty:
        numbers = ("mean_a", "mean_b", "difference", "low", "high", "level", "margin")
        return {**told, **dict.fromkeys(numbers, np.nan), "subject_count": 0, "verdict": NOT_RUN}
    found = statistics.paired_difference_by_subject(
        a, b, subjects=a.index.get_level_values("subject_id"), **options
    )
    margin = MARGIN * abs(b.mean())
    return {
        **told,
        "mean_a": a.mean(),
        "mean_b": b.mean(),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "margin": margin,
        "subject_count": found.subject_count,
        "verdict": NOT_LEARNED
        if _is_unlearned_rotation(rows, claim)
        else verdict_of(claim.expected, found.low, high=found.high, margin=margin),
    }


def _is_unlearned_rotation(rows: pd.DataFrame, claim: Claim) -> bool:
    """Return whether a claim is on rotation, and both its arms turn like a constant step."""
    sides = (claim.a, claim.b)
    return all(side.measure in _TURNS and _turns_like_constant(rows, side) for side in sides)


def _turns_like_constant(rows: pd.DataFrame, side: Side) -> bool:
    """Return whether an arm's steps are turned as wrongly as a constant step's."""
    means = rows[rows["truth"] == side.truth].groupby("arm")["relative_deg"].mean()
    constant = means.get(CONSTANT_STEP, np.nan)
    return bool(abs(means.get(side.arm, np.nan) - constant) <= MARGIN * constant)


def _values(rows: pd.DataFrame, side: Side) -> pd.Series:
    """Return the values of a side by subject and sweep; a contrast of types by subject."""
    if side.minus_type is None:
        return _of_type(rows, side, side.sweep_type)
    more, less = (
        _of_type(rows, side, kind).groupby("subject_id").mean()
        for kind in (side.sweep_type, side.minus_type)
    )
    return (more - less).dropna()


def _of_type(rows: pd.DataFrame, side: Side, sweep_type: str) -> pd.Series:
    """Return an arm's values on sweeps of one type, by subject and sweep."""
    is_meant = (rows["arm"] == side.arm) & (rows["truth"] == side.truth)
    if sweep_type != "all":
        is_meant &= rows["sweep_type"] == sweep_type
    values = rows[is_meant].set_index(_SWEEP)[side.measure].sort_index()
    repeated = values.index[values.index.duplicated()]
    if len(repeated):
        raise ValueError(
            f"{_in_words(side)}: sweep {' '.join(map(str, repeated[0]))} appears twice"
        )
    return values


def _paired(a: pd.Series, b: pd.Series, claim: Claim) -> tuple[pd.Series, pd.Series]:
    """Return both sides sweep by sweep, or, of different sweeps, subject by subject."""
    if a.index.equals(b.index):
        return a, b
    if claim.a.sweep_type == claim.b.sweep_type:
        unpaired = a.index.symmetric_difference(b.index)
        raise ValueError(
            f"{claim.name}: {claim.a.arm} and {claim.b.arm} must be of the same sweeps, got "
            f"{' '.join(map(str, unpaired[0]))} of one only ({len(unpaired)} such)"
        )
    a, b = (values.groupby("subject_id").mean() for values in (a, b))
    both = a.index.intersection(b.index)
    return a[both], b[both]


def _in_words(side: Side) -> str:
    """Return a side as a reader sees it."""
    types = {"all": ""}.get(side.sweep_type, f" of {side.sweep_type}")
    minus = f" minus of {side.minus_type}" if side.minus_type else ""
    return f"{side.arm}: {side.measure}{types}{minus} {side.truth}"
