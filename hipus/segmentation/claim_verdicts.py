"""Whether the paper's sentences on segmentation hold here.

Decides the verdict on a sentence from intervals of differences: it holds if every difference is
surely positive, does not hold if one surely is not, and is not decided otherwise. Absence of
evidence is "not decided", never "no difference"; what no data of the study could decide is "not
testable". Decides no sentence (see `claims`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from hipus.segmentation.claims import CLAIMS, Claim, MeanDice
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES

log = logging.getLogger(__name__)

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "not decided"
NOT_TESTABLE = "not testable"
VERDICTS = (HOLDS, FAILS, UNDECIDED, NOT_TESTABLE)
#: What all numbers of the table were measured on.
DATA = "simulated"
COLUMNS = [
    *("claim_id", "claim", "source", "part", "a", "b", "measure", "value_a", "value_b"),
    *("difference", "low", "high", "margin", "n", "unit", "printed_a", "printed_b"),
    *("part_verdict", "verdict", "data", "note"),
]
_DICE_NOTE = "mean of subject means by truth, test-only cohort; one training of each model"


@dataclass(frozen=True)
class Finding:
    """One difference of a claim, as found.

    Attributes
    ----------
    claim_id, claim, source, part, a, b, measure : str
        As of `claims.Claim` and `claims.Part`.
    value_a, value_b : float
    low, high : float
        Interval of a - b; NaN where nothing can be said.
    n : int
    unit : str
        What n counts.
    margin : float
        a may fall short of b by as much: "comparable" is not "higher".
    printed_a, printed_b : float
        The same two numbers as printed (clinical), NaN where they are not.
    note : str
    is_testable : bool
        False where the subject is not part of the study or the answer was put into it.
    """

    claim_id: str
    claim: str
    source: str
    part: str
    a: str
    b: str
    measure: str
    value_a: float
    value_b: float
    low: float
    high: float
    n: int
    unit: str
    margin: float = 0.0
    printed_a: float = float("nan")
    printed_b: float = float("nan")
    note: str = ""
    is_testable: bool = True

    @property
    def verdict(self) -> str:
        """Return whether the difference is above minus the margin: one of `VERDICTS`."""
        if not self.is_testable:
            return NOT_TESTABLE
        if self.low > -self.margin:
            return HOLDS
        return FAILS if self.high < -self.margin else UNDECIDED


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings with the verdict on each part and on each claim.

    Parameters
    ----------
    findings : iterable of Finding

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, a row per part; `verdict` is that of the whole claim.
    """
    findings = list(findings)
    table = pd.DataFrame([asdict(one) for one in findings])
    table["difference"] = table.value_a - table.value_b
    table["part_verdict"] = [one.verdict for one in findings]
    whole = table.groupby("claim_id").part_verdict.agg(verdict_of)
    table["verdict"] = table.claim_id.map(whole)
    return table.assign(data=DATA)[COLUMNS]


def verdict_of(parts: Iterable[str]) -> str:
    """Return the verdict on a claim from those on its parts.

    Parameters
    ----------
    parts : iterable of str
        Of `VERDICTS`.

    Returns
    -------
    str
        A claim holds if all its parts do, does not hold if one does not, and is not testable
        if no part is.
    """
    parts = set(parts)
    if FAILS in parts:
        return FAILS
    return parts.pop() if len(parts) == 1 else UNDECIDED


def dice_findings(
    dice: Mapping[str, pd.DataFrame],
    printed: Mapping[str, pd.DataFrame],
    *,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
    claims: Sequence[Claim] = CLAIMS,
) -> list[Finding]:
    """Return the differences of all claims on Dice, with intervals over subjects.

    Parameters
    ----------
    dice : mapping of measure to pandas.DataFrame
        As `volume_scores.subject_dice` returns it, of the subjects of one cohort.
    printed : mapping of measure to pandas.DataFrame (models x structures)
        Printed mean Dice, `MEAN` among the structures.
    rng : numpy.random.Generator
        Draws the subjects.
    resamples : int
    level : float
        Coverage of the intervals, between 0 and 1.
    claims : sequence of Claim

    Returns
    -------
    list of Finding

    Raises
    ------
    ValueError
        If no subject has a Dice of every model and structure.

    Notes
    -----
    Percentile bootstrap of subjects (see `statistics.bootstrap_mean_by_subject`); what is chosen
    from the data (the best other model, the hardest other structure) is chosen anew in every
    resample. Subjects that lack a Dice are left out. Traps: the spread between trainings is in
    no interval, and of twenty 95 % intervals one misses by chance.
    """
    seen, drawn, counts = {}, {}, {}
    for measure, table in dice.items():
        values, models = _by_subject(table, measure)
        counts[measure] = len(values)
        known = {"models": models, "structures": (*STRUCTURE_NAMES, MEAN)}
        seen[measure] = MeanDice(values.mean(axis=0, keepdims=True), **known)
        drawn[measure] = MeanDice(_resampled(values, rng, resamples), **known)
    found = []
    for claim in claims:
        for part in claim.parts:
            a, b = (float(side[0]) for side in part.sides(seen[part.measure]))
            low, high = _interval(part.sides(drawn[part.measure]), counts[part.measure], level)
            beside = part.sides(_printed_dice(printed[part.measure]))
            found.append(
                Finding(
                    claim.claim_id, claim.text, claim.source, part.name, part.a, part.b,
                    part.measure, a, b, low, high, counts[part.measure], "subjects",
                    printed_a=float(beside[0][0]), printed_b=float(beside[1][0]),
                    note=_DICE_NOTE,
                )
            )  # fmt: skip
    return found


def _by_subject(table: pd.DataFrame, measure: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return Dice (subjects, models, structures) of the subjects that have all, and the models."""
    models = tuple(sorted(set(table.model_id)))
    columns = pd.MultiIndex.from_product([models, (*STRUCTURE_NAMES, MEAN)])
    wide = table.pivot(index="subject_id", columns=["model_id", "structure"], values="dice")
    whole = wide.reindex(columns=columns).dropna()
    if whole.empty:
        raise ValueError(f"{measure}: no subject of {len(wide)} has a Dice of every structure")
    if len(whole) < len(wide):
        missing = sorted(set(wide.index) - set(whole.index))
        log.warning("%s: %d subjects lack a Dice and are left out: %s", measure, len(missing),
                    missing)  # fmt: skip
    return whole.to_numpy(float).reshape(len(whole), len(models), -1), models


def _resampled(values: np.ndarray, rng: np.random.Generator, resamples: int) -> np.ndarray:
    """Return the mean of resampled subjects, (resamples, models, structures)."""
    count = len(values)
    draws = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.tensordot(draws / count, values, axes=1)


def _interval(sides, count: int, level: float) -> tuple[float, float]:
    """Return the percentile interval of a - b; NaN of a single subject."""
    if count < 2:
        return float("nan"), float("nan")
    a, b = sides
    low, high = np.quantile(a - b, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _printed_dice(table: pd.DataFrame) -> MeanDice:
    return MeanDice(table.to_numpy(float)[None], tuple(table.index), tuple(table.columns))
