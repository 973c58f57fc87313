"""Stage `volume_grades`: how good do volumes look, and how far does model 3.2 carry?

Sets the rules of grading from training truth, applies model 3.2 to sweeps that no round has
seen, to the test-only cohort by predicted poses and to the second, untracked centre, grades
every volume and says what is lost against tracked sweeps of the first centre. Rules are no
reader: people grade in the notebook. Without training truth, the stage is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SUBJECTS, SWEEP_KEY, SWEEPS, find_sweep
from hipus.motion.predictions import prediction_file
from hipus.parallel import map_cases
from hipus.segmentation.grading import GRADES
from hipus.stages import grade_rules, mask_volumes, motion_data, runner
from hipus.stages import volume_drop as drop
from hipus.stages import volume_grade_tables as layout
from hipus.stages.grade_views import shown_volumes
from hipus.stages.graded_cases import PREDICTED, Case, cases_of, turned_truth
from hipus.stages.graded_volumes import MODEL_ID, GradedVolume, grade_case
from hipus.stages.motion_volumes import predictions_dir
from hipus.stages.segmentation_training import model_dir

log = logging.getLogger(__name__)

STAGE = "volume_grades"
RULE_KEY, BROKEN_KEY = ["sweep_type", "name"], [*layout.KEY, "name"]
RULE = ["name", "structure", "measure", "bound", "limit", "severity", "failure", "origin"]
COLUMNS = {
    "grading_rules": ["sweep_type", *RULE, "volume_count"],
    "grading_check": grade_rules.CHECK_COLUMNS,
    STAGE: layout.COLUMNS,
    "volume_broken_rules": [*layout.KEY, *RULE, "value"],
    "volume_grade_shares": layout.SHARE_COLUMNS,
    "volume_grade_dice": layout.DICE_COLUMNS,
    "volume_failures": layout.FAILURE_COLUMNS,
    "volume_drop": drop.COLUMNS,
}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure input and metrics; return the inputs."""
    truth = grade_rules.training_truth(study)
    if not (truth and mask_volumes.is_trained(study.profile, MODEL_ID)):
        log.warning("%s SKIPPED: no training truth, or no model %s", STAGE, MODEL_ID)
        runner.write_empty(study, COLUMNS)
        runner.write_figure_input(study, STAGE, {})
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    rules = grade_rules.rules_by_type(truth)
    cases = cases_of(study)
    cohort = motion_data.cohort_of(study)
    work = partial(grade_case, study=study, cohort=cohort, rules=rules)
    graded = map_cases(work, cases, progress="graded volumes")
    content = make_tables(study, graded) | {
        "grading_rules": (grade_rules.rules_table(rules), RULE_KEY),
        "grading_check": (grade_rules.check_table(truth), SWEEP_KEY),
    }
    content = {name: (table[COLUMNS[name]], key) for name, (table, key) in content.items()}
    runner.write_tables(study, content)
    runner.write_figure_input(study, STAGE, shown_volumes(graded))
    metrics = make_metrics({name: table for name, (table, _) in content.items()})
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return _inputs(study, cases)


def make_tables(study: config.Study, graded: Sequence[GradedVolume]) -> dict:
    """Return the tables of graded volumes with their keys.

    Parameters
    ----------
    study : Study
    graded : sequence of GradedVolume

    Returns
    -------
    dict of str to (pandas.DataFrame, list of str)
    """
    grades = pd.DataFrame([one.row for one in graded])
    pairs = pd.MultiIndex.from_frame(grades[SWEEP_KEY])
    true = turned_truth(study).reindex(pairs).to_numpy(float)
    wrong = np.where(np.isnan(true), np.nan, grades.is_flipped.to_numpy(float) != true)
    grades["is_wrongly_turned"] = wrong
    broken = [row for one in graded for row in one.broken]
    options = {"seed": study.common.seed, "resamples": study.volume_grades.resamples}
    return {
        STAGE: (grades, layout.KEY),
        "volume_broken_rules": (
            pd.DataFrame(broken, columns=COLUMNS["volume_broken_rules"]),
            BROKEN_KEY,
        ),
        "volume_grade_shares": (layout.share_table(grades, **options), layout.SHARE_KEY),
        "volume_grade_dice": (layout.dice_table(grades, **options), layout.DICE_KEY),
        "volume_failures": (layout.failure_table(grades), layout.FAILURE_KEY),
        "volume_drop": (drop.drop_table(grades, **options), drop.KEY),
    }


def make_metrics(content: dict[str, pd.DataFrame]) -> dict[str, float | int]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    content : dict of str to pandas.DataFrame
        As the stage writes them.

    Returns
    -------
    dict
        Counts, shares of grades and mean Dice (of volumes that have any) by group and by what
        told the poses; differences of mean Dice; how many sweeps were turned that should not
        be, or were not and should, where that is known.
    """
    grades, check = content[STAGE], content["grading_check"]
    found: dict[str, float | int] = {"volume_count": len(grades)}
    for (group, poses), part in layout.groups(grades):
        name = f"{group}_{poses}"
        found[f"{name}_volume_count"] = len(part)
        found[f"{name}_with_dice_count"] = int(part.dice_mean.notna().sum())
        found[f"{name}_dice_mean"] = part.dice_mean.mean()
        found[f"{name}_wrongly_turned_count"] = part.is_wrongly_turned.sum(min_count=1)
        found |= {f"{name}_{grade}_share": (part.grade == grade).mean() for grade in GRADES}
    found["training_truth_checked_count"] = len(check)
    if len(check):
        shares = {grade: (check.grade == grade).mean() for grade in GRADES}
        found |= {f"training_truth_{grade}_share": share for grade, share in shares.items()}
    drop_rows = content["volume_drop"]
    for row in drop_rows[drop_rows.quantity == "dice_mean"].itertuples():
        name = row.comparison.replace(",", "").replace(" ", "_")
        found[f"{name}_dice_difference"] = row.difference
    return found


def _inputs(study: config.Study, cases: Sequence[Case]) -> list[Path]:
    """Return the files that were read, but for stored volumes and masks."""
    cohort = motion_data.cohort_of(study).folder
    made = [case for case in cases if not case.is_stored]
    sweeps = {find_sweep(cohort, case.subject_id, case.sweep_id) for case in made}
    folder = predictions_dir(study.profile, study.motion_volumes.arms[0])
    predicted = {
        prediction_file(folder, case.subject_id, case.sweep_id)
        for case in made
        if case.poses == PREDICTED and case.prediction is not None
    }
    model = set(model_dir(study.profile, MODEL_ID).iterdir())
    return [cohort / SUBJECTS, cohort / SWEEPS, *sorted(model | sweeps | predicted)]


if __name__ == "__main__":
    runner.run(STAGE, main)
