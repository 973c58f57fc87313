"""What a notebook shows of graded volumes: one example of each grade. No stage of its own.

Decides which volumes stand for their grade, without a look at them: the one in the middle by
mean Dice, so that neither the best nor the worst is picked, among those whose truth is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.segmentation.grading import GRADES
from hipus.stages.graded_cases import REMAINING
from hipus.stages.graded_volumes import GradedVolume


def shown_volumes(graded: Sequence[GradedVolume]) -> dict[str, np.ndarray]:
    """Return sections of a typical volume of each grade.

    Parameters
    ----------
    graded : sequence of GradedVolume

    Returns
    -------
    dict of str to numpy.ndarray
        For each grade that occurs `<grade>_name` ("S201/left_p_a, tracked poses"),
        `<grade>_about` (group, broken rules; "" where none is), `<grade>_dice_mean` and, under
        `<grade>_<plane>_...`, what `graded_volumes.sections` returns.
    """
    rows = pd.DataFrame([one.row for one in graded])
    arrays: dict[str, np.ndarray] = {}
    for grade in GRADES[::-1]:
        place = typical(rows, grade)
        if place is None:
            continue
        row = rows.loc[place]
        arrays[f"{grade}_name"] = np.array(f"{row.subject_id}/{row.sweep_id}, {row.poses} poses")
        arrays[f"{grade}_about"] = np.array([row.group, row.broken_rules])
        arrays[f"{grade}_dice_mean"] = np.array(row.dice_mean)
        arrays |= {f"{grade}_{name}": one for name, one in graded[place].sections.items()}
    return arrays


def typical(rows: pd.DataFrame, grade: str) -> int | None:
    """Return the volume that stands for a grade.

    Parameters
    ----------
    rows : pandas.DataFrame
        Table volume_grades, with a plain index.
    grade : str

    Returns
    -------
    int or None
        Index of the lower middle one by mean Dice. Volumes with a Dice are shown with their
        truth and go first: further sweeps of ordinary hips before all others; only where no
        volume of the grade has any, one is taken without.
    """
    found = rows[rows.grade == grade]
    is_known, is_ordinary = found.dice_mean.notna(), found.group == REMAINING
    for is_wanted in (is_known & is_ordinary, is_known, is_ordinary, ~is_known):
        if is_wanted.any():
            ordered = found[is_wanted].sort_values(["dice_mean", *SWEEP_KEY, "poses"])
            return int(ordered.index[(len(ordered) - 1) // 2])
    return None
