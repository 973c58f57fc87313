"""The grade of a label volume: good, adequate or insufficient, and why.

Decides what a rule is and how broken rules make a grade. Where limits come from is in
`grading_rules`, what the rules look at in `structure_shape`; neither truth nor a network is
asked when grading. Deliberately no substitute for a reader: a rule sees form, not whether it
is the right form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from hipus.segmentation.structure_shape import StructureShape

#: From worst to best.
GRADES = ("insufficient", "adequate", "good")
#: What a broken rule shows; labels alone know nothing of its cause.
FAILURES = (
    "missing_structure",
    "incomplete_bone",
    "deformed_head",
    "holes",
    "discontinuity",
    "motion_artefact",
    "excess_label",
)


@dataclass(frozen=True)
class Rule:
    """One condition that a structure must meet.

    Attributes
    ----------
    name : str
        For example "ilium_volume", or "ilium_volume_severe" for its harder twin.
    structure, measure : str
        What is looked at: an attribute of `StructureShape`.
    bound : str
        "at_least" or "at_most".
    limit : float
        In the unit of the measure.
    severity : str
        The best grade that is left when the rule is broken: "adequate" or "insufficient".
    failure : str
        One of `FAILURES`.
    origin : str
        "training truth" or "fixed".
    """

    name: str
    structure: str
    measure: str
    bound: str
    limit: float
    severity: str
    failure: str
    origin: str

    def is_kept(self, shape: StructureShape) -> bool:
        """Return whether a shape meets the rule; what cannot be measured breaks none."""
        value = getattr(shape, self.measure)
        if np.isnan(value):
            return True
        return value >= self.limit if self.bound == "at_least" else value <= self.limit


@dataclass(frozen=True)
class GradingRules:
    """The rules of one kind of sweep.

    Attributes
    ----------
    rules : tuple of Rule
    volume_count : int
        Training volumes that the limits come from.
    """

    rules: tuple[Rule, ...]
    volume_count: int

    def table(self) -> pd.DataFrame:
        """Return one row per rule, as a stage writes them."""
        rows = pd.DataFrame([asdict(rule) for rule in self.rules])
        return rows.assign(volume_count=self.volume_count)


@dataclass(frozen=True)
class BrokenRule:
    """A rule that a volume breaks, and the value that breaks it."""

    rule: Rule
    value: float


@dataclass(frozen=True)
class Grade:
    """The grade of one volume.

    Attributes
    ----------
    name : str
        One of `GRADES`.
    broken : tuple of BrokenRule
        Why it is not better; empty for "good".
    """

    name: str
    broken: tuple[BrokenRule, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """Return the kinds of failure that occur, each once, in the order of `FAILURES`."""
        found = {item.rule.failure for item in self.broken}
        return tuple(kind for kind in FAILURES if kind in found)

    def table(self) -> pd.DataFrame:
        """Return one row per broken rule with the value found; columns also without rows."""
        rows = [asdict(item.rule) | {"value": item.value} for item in self.broken]
        return pd.DataFrame(rows, columns=[*(field.name for field in fields(Rule)), "value"])


def grade(shapes: Sequence[StructureShape], rules: GradingRules) -> Grade:
    """Grade a label volume by its structures' shapes.

    Parameters
    ----------
    shapes : sequence of StructureShape
        Of `structure_shape.measure_structures`.
    rules : GradingRules
        For this kind of sweep, at the same voxel spacing.

    Returns
    -------
    Grade
        "good": no rule is broken; else the worst severity of the broken ones.

    Raises
    ------
    ValueError
        If a rule's structure was not measured.

    Notes
    -----
    After the paper's section 6.1: good, all structures complete and coherent, head a smooth
    ball or ovoid, no holes or implausible discontinuities; adequate, all structures with
    local imperfections; insufficient, structures missing or severely deformed. A missing
    structure breaks that one rule only, so that failures are not counted twice.
    """
    by_name = {shape.structure: shape for shape in shapes}
    unmeasured = {rule.structure for rule in rules.rules} - set(by_name)
    if unmeasured:
        raise ValueError(f"shapes must hold {sorted(unmeasured)}, got {sorted(by_name)}")
    broken = [
        BrokenRule(rule, float(getattr(by_name[rule.structure], rule.measure)))
        for rule in rules.rules
        if not rule.is_kept(by_name[rule.structure])
    ]
    missing = {item.rule.structure for item in broken if item.rule.failure == "missing_structure"}
    broken = [
        item
        for item in broken
        if item.rule.structure not in missing or item.rule.failure == "missing_structure"
    ]
    worst = min((GRADES.index(item.rule.severity) for item in broken), default=len(GRADES) - 1)
    return Grade(GRADES[worst], tuple(broken))


def rules_from_table(table: pd.DataFrame) -> GradingRules:
    """Return the rules that `GradingRules.table` wrote.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of one kind of sweep.

    Returns
    -------
    GradingRules

    Raises
    ------
    ValueError
        If columns are missing or several kinds of sweep are mixed.
    """
    names = [field.name for field in fields(Rule)]
    missing = [name for name in (*names, "volume_count") if name not in table.columns]
    if missing:
        raise ValueError(f"table of rules needs columns {missing}, has {list(table.columns)}")
    if table["name"].duplicated().any() or table["volume_count"].nunique() != 1:
        raise ValueError("table of rules must be of one kind of sweep, got rules that repeat")
    rules = tuple(Rule(**row) for row in table[names].to_dict("records"))
    return GradingRules(rules, int(table["volume_count"].iloc[0]))
