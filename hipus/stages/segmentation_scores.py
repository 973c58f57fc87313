"""Stage `segmentation_scores`: how good are the five models, and does the paper's order hold?

Judges every model's masks of all test volumes by what was insonified (primary) and by corrected
labels, as the paper judges; the difference is what judging oneself adds. Tests, printed tables
and the paper's sentences follow from these scores. A missing prediction is an error. Everything
is simulated; a hospital's cohort without labels by raters is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.mask_scores import CaseScores
from hipus.parallel import map_cases
from hipus.segmentation import networks
from hipus.segmentation.volume_scores import (
    CORRECTED,
    DRAWN,
    MODELS,
    REFERENCES,
    SECOND,
    TRUTH,
    read_on,
    score_volume,
    subject_dice,
)
from hipus.stages import (
    runner,
    segmentation_claims,
    segmentation_printed,
    segmentation_printed_refined,
    segmentation_score_tables,
    segmentation_statistics,
    segmentation_streaks,
)
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_goals import make_metrics
from hipus.stages.segmentation_score_tables import ABOUT

log = logging.getLogger(__name__)

STAGE = "segmentation_scores"
_FIRST, _REFINED = networks.MODEL_3D_FIRST_ROUND, networks.MODEL_3D_REFINED
#: Folder of each reference and ending of its files, below `results/<profile>`.
REFERENCE_FILES = {
    TRUTH: ("sweep_volumes", "_truth.mha"),
    CORRECTED: ("annotations/volumes_refined", ".mha"),
    SECOND: ("annotations/volumes_second_rater", ".mha"),
    DRAWN: ("annotations/volumes_first", ".mha"),
}
_MODULES = (
    segmentation_score_tables,
    segmentation_statistics,
    segmentation_printed,
    segmentation_printed_refined,
    segmentation_claims,
    segmentation_streaks,
)
COLUMNS = {name: columns for one in _MODULES for name, columns in one.COLUMNS.items()}
KEYS = {name: key for one in _MODULES for name, key in one.KEYS.items()}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; return the inputs."""
    cases = judged_cases(study.profile)
    if cases.empty:
        log.warning("%s SKIPPED: no test volume has a label by a rater", STAGE)
        runner.write_empty(study, COLUMNS)
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    judge = partial(_judge, results=paths.results_dir(study.profile))
    rows = [row for _, row in cases.iterrows()]
    found, shapes = zip(*map_cases(judge, rows, progress="volumes scored", name=_name), strict=True)
    scores = segmentation_score_tables.cases_table(cases, _by_judgement(found))
    content = make_tables(study, scores, segmentation_streaks.streak_table(shapes))
    runner.write_tables(study, {name: (table, KEYS[name]) for name, table in content.items()})
    tables.write_metrics(make_metrics(content), paths.metrics_file(study.profile, STAGE))
    return _inputs(study.profile, rows)


def prediction_file(results: Path, model_id: str, case) -> Path:
    """Return where a model's mask of a test volume lies.

    Parameters
    ----------
    results : path-like
        `results/<profile>`.
    model_id : str
    case : named tuple or pandas.Series
        subject_id and sweep_id.
    """
    folder = "first_round_masks" if model_id == _FIRST else f"model_masks/{model_id}"
    return Path(results) / folder / f"{case.subject_id}_{case.sweep_id}.mha"


def reference_file(results: Path, reference: str, case) -> Path:
    """Return where a reference of a test volume lies; see `prediction_file`."""
    folder, ending = REFERENCE_FILES[reference]
    return Path(results) / folder / f"{case.subject_id}_{case.sweep_id}{ending}"


def judged_cases(profile: str) -> pd.DataFrame:
    """Return the volumes that models are judged on.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, side, sweep_type, cohort, and is_drawn: whether a rater drew it
        wholly, from nothing. The test volumes that raters corrected; none without raters.

    Raises
    ------
    ValueError
        If a volume of the test-only cohort was not corrected.
    """
    columns = (*SWEEP_KEY, *ABOUT, "split")
    read = partial(segmentation_claims.read, profile)
    volumes, refined, first = (
        table[table.split == "test"][[*SWEEP_KEY, *ABOUT]].drop_duplicates()
        for table in (
            read(name, columns)
            for name in ("sweep_volumes", "volume_labels_refined", "volume_labels_first")
        )
    )
    expected = volumes[volumes.cohort == TEST_COHORT].merge(refined, how="left", indicator=True)
    missing = expected[expected._merge == "left_only"]
    if len(refined) and len(missing):
        names = ", ".join(f"{row.subject_id}/{row.sweep_id}" for row in missing.itertuples())
        raise ValueError(
            f"{len(missing)} of {len(expected)} test-only volumes have no corrected label: {names}"
        )
    drawn = set(first[SWEEP_KEY].itertuples(index=False, name=None))
    keys = refined[SWEEP_KEY].itertuples(index=False, name=None)
    refined = refined.assign(is_drawn=[key in drawn for key in keys])
    return refined.sort_values(SWEEP_KEY).reset_index(drop=True)


def _judge(case: pd.Series, *, results: Path) -> tuple[dict, list[dict]]:
    """Return the scores of one volume's masks, and how streaky they are."""
    masks = {model: prediction_file(results, model, case) for model in MODELS}
    files = {TRUTH: reference_file(results, TRUTH, case)} | masks
    return score_case(case, results=results), segmentation_streaks.streak_rows(case, files)


def score_case(case: pd.Series, *, results: Path) -> dict[tuple[str, str], CaseScores]:
    """Score every model's mask of one volume by every reference.

    Parameters
    ----------
    case : pandas.Series
        As `judged_cases` returns them.
    results : path-like
        `results/<profile>`.

    Returns
    -------
    dict of (model_id, reference) to CaseScores
        By the second rater's labels model 3.2 alone; by drawn labels where there are any.

    Raises
    ------
    FileNotFoundError, ValueError
        If a mask is missing or lies elsewhere than the truth.
    """
    truth = read_mask(tables.existing(reference_file(results, TRUTH, case)), scheme="hip")
    masks = {model: read_on(prediction_file(results, model, case), truth) for model in MODELS}
    found = {}
    for reference in REFERENCES:
        if reference == DRAWN and not case.is_drawn:
            continue
        path = reference_file(results, reference, case)
        judge = replace(truth, array=read_on(path, truth))
        for model in (_REFINED,) if reference == SECOND else MODELS:
            scores = score_volume(masks[model], judge)
            found[model, reference] = CaseScores(case.subject_id, case.sweep_id, scores)
    return found


def make_tables(
    study: config.Study, scores: pd.DataFrame, streaks: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return all tables of the stage.

    Parameters
    ----------
    study : Study
        common.seed and segmentation_scores.resamples.
    scores, streaks : pandas.DataFrame
        `segmentation_cases` and `segmentation_streaks`.

    Returns
    -------
    dict of str to pandas.DataFrame
        By `COLUMNS`.
    """
    numbers = {"seed": study.common.seed, "resamples": study.segmentation_scores.resamples}
    courses = segmentation_claims.read_courses(study.profile)
    frames = segmentation_claims.read(study.profile, "frame_scores", _FRAME_COLUMNS)
    labelled = courses.labelled[courses.labelled.split == "test"]
    raters = segmentation_score_tables.raters(_pairs(study.profile, scores), **numbers)
    dice = subject_dice(segmentation_printed.of_reference(scores, TRUTH, TEST_COHORT))
    of_frames = subject_dice(frames[frames.cohort == TEST_COHORT], column="dice_truth")
    return {
        "segmentation_cases": scores,
        "segmentation_summary": segmentation_score_tables.summary(scores),
        "segmentation_bias": segmentation_score_tables.bias(scores, **numbers),
        "segmentation_raters": raters,
        "segmentation_table1": segmentation_printed.table1(scores, frames, labelled),
        "segmentation_table3": segmentation_printed_refined.table3(scores),
        "segmentation_table4": segmentation_printed_refined.table4(scores),
        "segmentation_table5": segmentation_printed.table5(scores),
        "segmentation_comparisons": segmentation_statistics.comparisons(dice, **numbers),
        "segmentation_friedman": segmentation_statistics.friedman(dice),
        "segmentation_nemenyi": segmentation_statistics.nemenyi(dice),
        "segmentation_grey_means": segmentation_claims.grey_table(courses),
        "segmentation_streaks": streaks,
        "segmentation_claims": segmentation_claims.claims_table(
            of_frames,
            dice,
            raters=raters,
            courses=courses,
            **numbers,
            streaks=streaks[streaks.cohort == TEST_COHORT],
        ),
    }


_FRAME_COLUMNS = (
    *(*SWEEP_KEY, "frame_index", "cohort", "model_id", "structure", "dice_truth", "dice_label"),
)


def _by_judgement(found: list[dict]) -> dict[tuple[str, str], list[CaseScores]]:
    """Return the cases' scores by model and reference."""
    together: dict[tuple[str, str], list[CaseScores]] = {}
    for one in found:
        for key, scores in one.items():
            together.setdefault(key, []).append(scores)
    return together


def _pairs(profile: str, scores: pd.DataFrame) -> pd.DataFrame:
    """Return Dice of model 3.2, both raters and truth with each other, one row each."""
    names = {TRUTH: f"{_REFINED} and truth", CORRECTED: f"{_REFINED} and C"}
    names |= {SECOND: f"{_REFINED} and D"}
    own = scores[(scores.model_id == _REFINED) & scores.reference.isin(names)]
    parts = [own.assign(pair=own.reference.map(names))]
    for table, column, name in (
        ("volume_inter_rater", "dice", segmentation_score_tables.BETWEEN_RATERS),
        ("volume_labels_refined", "dice_corrected", "C and truth"),
        ("volume_labels_second_rater", "dice_corrected", "D and truth"),
    ):
        wanted = (*SWEEP_KEY, "cohort", "split", "structure", column)
        rows = segmentation_claims.read(profile, table, wanted)
        rows = rows[rows.split == "test"].rename(columns={column: "dice"})
        parts.append(rows.assign(pair=name))
    together = pd.concat(parts, ignore_index=True)
    return together[[*SWEEP_KEY, "cohort", "structure", "pair", "dice"]]


def _inputs(profile: str, rows: list[pd.Series]) -> list[Path]:
    """Return the files that the stage read."""
    results = paths.results_dir(profile)
    files = [prediction_file(results, model, row) for model in MODELS for row in rows]
    files += [
        reference_file(results, name, row)
        for name in REFERENCES
        for row in rows
        if name != DRAWN or row.is_drawn
    ]
    names = ["frame_scores", "sweep_volumes", "volume_labels_refined", "volume_labels_first"]
    names.append("volume_labels_second_rater")
    files += [paths.table_file(profile, name) for name in names]
    return files + segmentation_claims.input_files(profile)


def _name(row: pd.Series) -> str:
    return f"{row.subject_id}/{row.sweep_id}"


if __name__ == "__main__":
    runner.run(STAGE, main)
