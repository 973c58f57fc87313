"""Stage `volume_labels_refined`: the labels of the second 3D round, and a second rater's.

Model 3.1 predicts, its masks are smoothed, and the volumetric rater corrects them (MIDL 2026
paper, section 5.4): 48 volumes where the cohort has them, and the test-only cohort beside them,
which is only ever judged on. A second rater corrects all test volumes from the same masks,
independently: their agreement is what a model's is compared with (section 7).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.segmentation.assignment import check_splits, second_round
from hipus.stages import runner, volume_label_tables, volume_labels
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.study_raters import CORRECTS, SECOND
from hipus.stages.volume_labels import Task, annotations_dir, correct_cases

log = logging.getLogger(__name__)

STAGE, ROUND = "volume_labels_refined", "refined"
OUT, OUT_SECOND = "volumes_refined", "volumes_second_rater"
INTER_RATER_COLUMNS = [*volume_label_tables.CASE, "structure", "dice"]
COLUMNS = {
    "volume_labels_refined": volume_label_tables.SCORE_COLUMNS,
    "volume_labels_second_rater": volume_label_tables.SCORE_COLUMNS,
    "volume_effort_refined": volume_label_tables.EFFORT_COLUMNS,
    "volume_inter_rater": INTER_RATER_COLUMNS,
    "annotation_effort": volume_label_tables.SUMMARY_COLUMNS,
}


def main(study: config.Study) -> Iterable[Path]:
    """Write masks, tables and metrics; return the inputs."""
    outs = [annotations_dir(study.profile, name) for name in (OUT, OUT_SECOND)]
    rows = volume_labels.volume_rows(study)
    if rows.empty:
        log.warning("%s SKIPPED: no volume of a subject with 3D labels has truth", STAGE)
        _write_skip(study, outs)
        return []
    cases = refined_cases(rows)
    judged = cases[cases.split == "test"]
    priors = paths.results_dir(study.profile) / volume_labels.FIRST_ROUND_MASKS
    smoothing_mm = study.volume_labels.smoothing_mm
    first, second = (
        correct_cases(study, part, task=Task(name, ROUND, priors, out, smoothing_mm=smoothing_mm))
        for name, out, part in ((CORRECTS, outs[0], cases), (SECOND, outs[1], judged))
    )
    between = volume_label_tables.compare_raters(judged, *outs)
    effort = pd.concat([first.effort, second.effort], ignore_index=True)
    content = {
        "volume_labels_refined": (first.scores, volume_label_tables.SCORE_KEY),
        "volume_labels_second_rater": (second.scores, volume_label_tables.SCORE_KEY),
        "volume_effort_refined": (effort, [*volume_label_tables.EFFORT_KEY, "rater_id"]),
        "volume_inter_rater": (between, volume_label_tables.SCORE_KEY),
        "annotation_effort": (_all_effort(study, effort), ["task", "rater_id"]),
    }
    runner.write_tables(study, content)
    metrics = make_metrics(first.scores, between, effort)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    masks = [volume_label_tables.mask_file(priors, case) for case in cases.itertuples()]
    return masks + _effort_files(study)


def refined_cases(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the volumes of the second round and those of the test-only cohort.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `volume_labels.volume_rows`.

    Returns
    -------
    pandas.DataFrame
        `split` says what a volume is for, `cohort` which test volumes are test-only.
    """
    test_only = rows[rows.cohort == TEST_COHORT]
    found = pd.concat([second_round(rows), test_only]).drop_duplicates(SWEEP_KEY)
    check_splits(found)
    return found.sort_values(SWEEP_KEY).reset_index(drop=True)


def _effort_files(study: config.Study) -> list[Path]:
    """Return the tables of what was annotated before."""
    names = ("frame_label_effort", "volume_effort_first")
    return [paths.table_file(study.profile, name) for name in names]


def _all_effort(study: config.Study, refined: pd.DataFrame) -> pd.DataFrame:
    """Return what every task of the study cost, in its order."""
    frames, first = (tables.read(path) for path in _effort_files(study))
    parts = [(f"frames {name}", part) for name, part in frames.groupby("task")]
    parts += [(f"first volumes from {name}", part) for name, part in first.groupby("prior")]
    learned = refined.split != "test"
    for name, part in (("learn from", refined[learned]), ("judge on", refined[~learned])):
        parts.append((f"refined volumes to {name}", part))
    return volume_label_tables.summarise_effort(parts)


def make_metrics(scores: pd.DataFrame, between: pd.DataFrame, effort: pd.DataFrame) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    scores : pandas.DataFrame
        Of the first rater.
    between : pandas.DataFrame
        Of both.
    effort : pandas.DataFrame

    Returns
    -------
    dict
        Agreement of the raters over all test volumes, and over the test-only cohort.
    """
    own = effort[effort.rater_id == CORRECTS]
    found = {f"volume_count_{name}": int(n) for name, n in own.split.value_counts().items()}
    for column in ("dice_prior", "dice_corrected"):
        means = volume_label_tables.mean_dice(scores, column)
        found |= {f"{column}_{name}": value for name, value in means.items()}
    for part, name in (
        (between, "all_test"),
        (between[between.cohort == TEST_COHORT], "test_only"),
    ):
        means = volume_label_tables.mean_dice(part, "dice")
        found |= {f"inter_rater_dice_{name}_{key}": value for key, value in means.items()}
    found["minutes_simulated"] = own.minutes_simulated.mean()
    found["changed_mm3"] = own.changed_mm3.mean()
    return found


def _write_skip(study: config.Study, outs: list[Path]) -> None:
    """Write the form of a skip: every output, and nothing in it."""
    for out in outs:
        out.mkdir(parents=True, exist_ok=True)
    runner.write_empty(study, COLUMNS)
    tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))


if __name__ == "__main__":
    runner.run(STAGE, main)
