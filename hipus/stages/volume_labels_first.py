"""Stage `volume_labels_first`: the labels of the first 3D round, corrected from 2D masks.

A volumetric rater corrects the masks that were reconstructed from 2D predictions (MIDL 2026
paper, section 5.4): 24 volumes where the cohort has them. The test volumes that judge model 3.1
are annotated wholly, from nothing, so that no model's mask shines through; what that costs stands
beside what correcting costs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.segmentation.assignment import first_round
from hipus.stages import runner, volume_label_tables, volume_labels
from hipus.stages.study_raters import CORRECTS
from hipus.stages.volume_labels import Task

log = logging.getLogger(__name__)

STAGE, ROUND = "volume_labels_first", "first"
OUT = "volumes_first"
COLUMNS = {
    "volume_labels_first": volume_label_tables.SCORE_COLUMNS,
    "volume_effort_first": volume_label_tables.EFFORT_COLUMNS,
}


def main(study: config.Study) -> Iterable[Path]:
    """Write masks, tables and metrics; return the inputs."""
    out = volume_labels.annotations_dir(study.profile, OUT)
    rows = volume_labels.volume_rows(study)
    if rows.empty:
        log.warning("%s SKIPPED: no volume of a subject with 3D labels has truth", STAGE)
        out.mkdir(parents=True, exist_ok=True)
        runner.write_empty(study, COLUMNS)
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    chosen = first_round(rows)
    judges = chosen.split == "test"
    priors = paths.results_dir(study.profile) / volume_labels.FIRST_MASKS
    parts = [
        volume_labels.correct_cases(study, chosen[part], task=Task(CORRECTS, ROUND, prior, out))
        for part, prior in ((~judges, priors), (judges, None))
    ]
    scores = pd.concat([part.scores for part in parts], ignore_index=True)
    effort = pd.concat([part.effort for part in parts], ignore_index=True)
    content = {
        "volume_labels_first": (scores, volume_label_tables.SCORE_KEY),
        "volume_effort_first": (effort, volume_label_tables.EFFORT_KEY),
    }
    runner.write_tables(study, content)
    tables.write_metrics(make_metrics(scores, effort), paths.metrics_file(study.profile, STAGE))
    return [volume_label_tables.mask_file(priors, case) for case in chosen[~judges].itertuples()]


def make_metrics(scores: pd.DataFrame, effort: pd.DataFrame) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    scores, effort : pandas.DataFrame
        The two tables.

    Returns
    -------
    dict
    """
    found = {f"volume_count_{name}": int(n) for name, n in effort.split.value_counts().items()}
    corrected = scores[scores.prior == volume_labels.FIRST_MASKS]
    for column in ("dice_prior", "dice_corrected"):
        means = volume_label_tables.mean_dice(corrected, column)
        found |= {f"{column}_{name}": value for name, value in means.items()}
    for name, part in effort.groupby("prior"):
        found[f"minutes_simulated_from_{name}"] = part.minutes_simulated.mean()
        found[f"changed_mm3_from_{name}"] = part.changed_mm3.mean()
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
