"""Tests between the models on the test-only cohort. No stage of its own.

Decides what is confirmatory (three comparisons of model 3.2 with the 2D models on subject mean
Dice) and what is exploratory (all else), and that a subject without a value of a structure is
left out of that structure's tests for every model, and counted. Judged by truth alone.
"""

from __future__ import annotations

import logging
from dataclasses import asdict

import pandas as pd

from hipus import paired_tests, rank_tests
from hipus.seeds import generator
from hipus.segmentation import networks
from hipus.segmentation.volume_scores import (
    FRAME_MODELS,
    MEAN,
    MODELS,
    STRUCTURE_NAMES,
)

log = logging.getLogger(__name__)

_FIRST, _REFINED = networks.MODEL_3D_FIRST_ROUND, networks.MODEL_3D_REFINED
CONFIRMATORY = tuple((_REFINED, model) for model in FRAME_MODELS)
#: Further comparisons of subject mean Dice; of structures, these and the confirmatory ones.
EXPLORATORY = (
    (_REFINED, _FIRST),
    (_FIRST, networks.MODEL_2_5D),
    (networks.MODEL_2_5D, networks.MODEL_2D),
    (networks.MODEL_2_5D, networks.MODEL_2D_HIGH_RESOLUTION),
)
KEYS = {
    "segmentation_comparisons": ["family", "structure", "model_a", "model_b"],
    "segmentation_friedman": ["structure"],
    "segmentation_nemenyi": ["structure", "model_a", "model_b"],
}
COLUMNS = {
    "segmentation_comparisons": [
        *KEYS["segmentation_comparisons"],
        *("alternative", "n", "left_out_count", "differing_count", "p", "p_holm", "p_method"),
        *("least_p", "rank_biserial", "median_a", "median_b", "median_difference"),
        *("mean_difference", "mean_difference_low", "mean_difference_high", "level"),
    ],
    "segmentation_friedman": [
        *("structure", "statistic", "p", "kendalls_w", "degrees_of_freedom"),
        *("subject_count", "left_out_count", "model_count"),
    ],
    "segmentation_nemenyi": [
        *(*KEYS["segmentation_nemenyi"], "n", "mean_rank_a", "mean_rank_b"),
        *("mean_rank_difference", "p"),
    ],
}


def by_model(dice: pd.DataFrame, structure: str) -> pd.DataFrame:
    """Return the subjects that every model has a Dice of.

    Parameters
    ----------
    dice : pandas.DataFrame
        As `volume_scores.subject_dice` returns it.
    structure : str

    Returns
    -------
    pandas.DataFrame (subjects x models)
    """
    wide = dice[dice.structure == structure].pivot(
        index="subject_id", columns="model_id", values="dice"
    )[list(MODELS)]
    whole = wide.dropna()
    if len(whole) < len(wide):
        log.warning("%s: %d of %d subjects have no Dice of every model and are left out",
                    structure, len(wide) - len(whole), len(wide))  # fmt: skip
    return whole


def _testable(dice: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return subjects by models, for the mean and each structure that two subjects have."""
    found = {name: by_model(dice, name) for name in (MEAN, *STRUCTURE_NAMES)}
    rare = [name for name in STRUCTURE_NAMES if len(found[name]) < 2]
    if rare:
        log.warning("structures %s are not tested: fewer than 2 subjects have them", rare)
    return {name: table for name, table in found.items() if name not in rare}


def comparisons(dice: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Compare pairs of models on subject Dice.

    Parameters
    ----------
    dice : pandas.DataFrame
        As `volume_scores.subject_dice` returns it, of the test-only cohort by truth.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        Of `paired_tests.compare_paired_each`, two-sided. Holm's correction runs over the three
        confirmatory comparisons; over the exploratory ones of the mean; and over those of all
        structures. A structure that fewer than two subjects have is not tested.
    """
    structures = _testable(dice)
    mean = {MEAN: structures.pop(MEAN)}
    families = (
        ("confirmatory", mean, CONFIRMATORY),
        ("exploratory", mean, EXPLORATORY),
        ("exploratory", structures, (*CONFIRMATORY, *EXPLORATORY)),
    )
    counts = dice.groupby("structure").subject_id.nunique()
    parts = []
    for family, tables, pairs in families:
        rng = generator(seed, "segmentation_scores", "comparisons", family, len(tables))
        parts.append(
            paired_tests.compare_paired_each(
                tables, pairs, rng=rng, family=family, resamples=resamples
            )
        )
    found = pd.concat(parts, ignore_index=True)
    found["left_out_count"] = found.structure.map(counts) - found.n
    return found[COLUMNS["segmentation_comparisons"]]


def friedman(dice: pd.DataFrame) -> pd.DataFrame:
    """Test whether all models rank alike, for the mean and for each structure.

    Parameters
    ----------
    dice : pandas.DataFrame
        As for `comparisons`.

    Returns
    -------
    pandas.DataFrame
        Fields of `rank_tests.FriedmanTest`; structures are exploratory.
    """
    counts = dice.groupby("structure").subject_id.nunique()
    rows = []
    for name, table in _testable(dice).items():
        test = rank_tests.friedman(table)
        left_out = counts[name] - test.subject_count
        rows.append({"structure": name, "left_out_count": left_out, **asdict(test)})
    return pd.DataFrame(rows)[COLUMNS["segmentation_friedman"]]


def nemenyi(dice: pd.DataFrame) -> pd.DataFrame:
    """Compare all pairs of models after Friedman's test, for the mean and each structure.

    Parameters
    ----------
    dice : pandas.DataFrame
        As for `comparisons`.

    Returns
    -------
    pandas.DataFrame
        Of `rank_tests.nemenyi`.
    """
    parts = [
        rank_tests.nemenyi(table).assign(structure=name) for name, table in _testable(dice).items()
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS["segmentation_nemenyi"]]
