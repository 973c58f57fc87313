"""Anybody's masks beside those of the study's own models. No stage of its own.

Decides that both must be judged on the same volumes, by truth alone, and that subjects are
compared, not volumes. Everything is exploratory: the study's confirmatory tests are its own.
"""

from __future__ import annotations

import logging

import pandas as pd

from hipus import config, paired_tests, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.seeds import generator
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES, TRUTH, subject_dice
from hipus.stages import segmentation_score_tables, segmentation_statistics

log = logging.getLogger(__name__)

_CASES, _COMPARISONS = "segmentation_cases", "segmentation_comparisons"


def study_scores(profile: str, cases: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the study's own models on the same volumes, by truth.

    Parameters
    ----------
    profile : str
    cases : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        As `segmentation_cases`; empty where the study has not judged its models.

    Raises
    ------
    ValueError
        If it has judged them on other volumes.
    """
    path = paths.table_file(profile, _CASES)
    columns = segmentation_score_tables.COLUMNS[_CASES]
    if not path.is_file():
        log.info("%s is not there: nothing to compare with", path)
        return pd.DataFrame(columns=columns)
    text = dict.fromkeys((*SWEEP_KEY, "model_id"), str)
    found = tables.read(path, columns=columns, dtype=text)[columns]
    found = found[(found.reference == TRUTH) & found.cohort.isin(cases.cohort)]
    keys = set(cases[SWEEP_KEY].itertuples(index=False, name=None))
    for model_id, part in found.groupby("model_id"):
        if set(part[SWEEP_KEY].itertuples(index=False, name=None)) != keys:
            raise ValueError(
                f"{path}: model {model_id} is judged on other volumes than stage sweep_volumes "
                f"lists: run `dvc repro segmentation_scores@{profile}`"
            )
    return found


def comparisons(scores: pd.DataFrame, model_id: str, *, study: config.Study) -> pd.DataFrame:
    """Compare masks with those of the study's models on subject Dice.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases` of all, by truth.
    model_id : str
        The one that is compared with each other one.
    study : Study
        common.seed and segmentation_scores.resamples.

    Returns
    -------
    pandas.DataFrame
        As the study's own: paired Wilcoxon, two-sided; Holm's correction over the models for
        the mean over structures, and over models and structures for these. A subject without
        a value of every model is left out of that structure's tests, and counted.
    """
    dice = subject_dice(scores.assign(dice=_as_written(scores.dice)))
    others = [model for model in dice.model_id.unique() if model != model_id]
    pairs = [(model_id, other) for other in others]
    counts = dice.groupby("structure").subject_id.nunique()
    parts = []
    for names in ((MEAN,), STRUCTURE_NAMES):
        wide = {name: _by_subject(dice, name) for name in names}
        rng = generator(study.common.seed, "mask_evaluation", len(names))
        resamples = study.segmentation_scores.resamples
        parts.append(paired_tests.compare_paired_each(wide, pairs, rng=rng, resamples=resamples))
    found = pd.concat(parts, ignore_index=True)
    found["left_out_count"] = found.structure.map(counts) - found.n
    return found[segmentation_statistics.COLUMNS[_COMPARISONS]]


def _as_written(values: pd.Series) -> pd.Series:
    """Return numbers as a table holds them: equal masks must not differ in the tenth digit."""
    return values.map("{:.9g}".format).astype(float)


def _by_subject(dice: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return Dice of subjects that every model has a value of, subjects x models."""
    rows = dice[dice.structure == structure]
    return rows.pivot(index="subject_id", columns="model_id", values="dice").dropna()
