"""Rules of grading from the study's own training truth, and what they say of it. No stage.

Decides which volumes set limits: the insonified truth of the subjects that 3D networks learn
from, by type of sweep, because the types show different parts of a hip. No volume that is
graded afterwards is among them. As a check, each subject's truth is graded by the others'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from hipus import config
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.parallel import map_cases
from hipus.segmentation.grading import Grade, GradingRules, grade
from hipus.segmentation.grading_rules import rules_from_truth
from hipus.segmentation.structure_shape import StructureShape, measure_structures
from hipus.stages import mask_volumes
from hipus.stages.sweep_volumes import truth_file, volumes_dir

KEY = [*SWEEP_KEY, "side", "sweep_type"]
CHECK_COLUMNS = [*KEY, "grade", "broken_rules", "failures"]
#: Between names in one cell.
BETWEEN = ";"


@dataclass(frozen=True)
class TruthShape:
    """What the truth of one training volume looks like.

    Attributes
    ----------
    subject_id, sweep_id, side, sweep_type : str
    shapes : tuple of StructureShape
    """

    subject_id: str
    sweep_id: str
    side: str
    sweep_type: str
    shapes: tuple[StructureShape, ...]


def training_truth(study: config.Study) -> list[TruthShape]:
    """Measure the truth of the volumes that limits come from.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of TruthShape
        Empty where there is no truth, or nobody has labels in 3D.
    """
    rows = mask_volumes.volume_cases(study)
    if "is_labelled_3d" not in rows:
        return []
    rows = rows[rows.is_labelled_3d.fillna(0).astype(bool) & (rows.split == "train")]
    folder = volumes_dir(study.profile)
    keys = rows[KEY].itertuples(index=False, name=None)
    there = [key for key in keys if truth_file(folder, *key[:2]).is_file()]
    return map_cases(partial(_measure, folder=folder), there, name="/".join)


def _measure(key: tuple[str, ...], *, folder) -> TruthShape:
    """Measure one volume's truth."""
    mask = read_mask(truth_file(folder, *key[:2]), scheme="hip")
    return TruthShape(*key, measure_structures(mask.array, mask.spacing_zyx_mm))


def rules_by_type(truth: Sequence[TruthShape]) -> dict[str, GradingRules]:
    """Return the rules for each type of sweep.

    Parameters
    ----------
    truth : sequence of TruthShape

    Returns
    -------
    dict of str to GradingRules
    """
    kinds = sorted({one.sweep_type for one in truth})
    return {
        kind: rules_from_truth([one.shapes for one in truth if one.sweep_type == kind])
        for kind in kinds
    }


def rules_table(rules: Mapping[str, GradingRules]) -> pd.DataFrame:
    """Return all rules; `grading.rules_from_table` reads the rows of one sweep type."""
    parts = [one.table().assign(sweep_type=kind) for kind, one in rules.items()]
    return pd.concat(parts, ignore_index=True)


def check_table(truth: Sequence[TruthShape]) -> pd.DataFrame:
    """Grade each subject's truth by rules from the other subjects'.

    Parameters
    ----------
    truth : sequence of TruthShape

    Returns
    -------
    pandas.DataFrame
        `CHECK_COLUMNS`; no rows for a type that one subject alone has.
    """
    rows = []
    for one in truth:
        others = [
            other.shapes
            for other in truth
            if other.sweep_type == one.sweep_type and other.subject_id != one.subject_id
        ]
        if others:
            found = grade(one.shapes, rules_from_truth(others))
            rows.append({name: getattr(one, name) for name in KEY} | told(found))
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)


def told(found: Grade) -> dict[str, str]:
    """Return a grade as cells of a table: its name, broken rules and kinds of failure."""
    names = BETWEEN.join(item.rule.name for item in found.broken)
    return {
        "grade": found.name,
        "broken_rules": names,
        "failures": BETWEEN.join(found.failures),
    }
