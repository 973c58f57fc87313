"""Tables of `segmentation_arms` that compare Dice. No stage of its own.

Decides that how much a split by frame flatters is the network's Dice on its own test frames less
its Dice on infants whom it never saw; the same of a split by subject stands beside it, because
infants differ anyway. A network trained on other labels is compared with the study's own, volume
by volume.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.seeds import generator
from hipus.segmentation import networks
from hipus.segmentation.dice_intervals import (
    COUNTS,
    NUMBERS,
    interval,
    resampled_means,
    summarise,
    wide,
)
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES
from hipus.stages.segmentation_printed import printed_dice

BY_SUBJECT, BY_FRAME = "by_subject", "by_frame"
OWN_TEST, TEST_ONLY = "own_test_frames", "test_only_cohort"
LABEL, TRUTH = "label", "insonified_truth"
#: What the split arm is judged on and by; nobody labelled the test-only cohort's frames.
JUDGES = ((OWN_TEST, LABEL), (OWN_TEST, TRUTH), (TEST_ONLY, TRUTH))
_OF_MODEL = [f"dice_model_{name}" for name in ("mean", "sd", "low", "high")]
COLUMNS = {
    "split_arm_frames": [
        *("split", "judged_on", *SWEEP_KEY, "frame_index", "structure"),
        *("dice_truth", "dice_label"),
    ],
    "split_arm": [
        *("split", "judged_on", "reference", "structure", *NUMBERS, *COUNTS, "printed_dice"),
    ],
    "split_inflation": [
        *("split", "structure", "dice_own_test", "dice_test_only", "inflation", "low", "high"),
        *("own_test_subject_count", "test_only_subject_count"),
    ],
    "rater_error_cases": ["prior", "error_scale", *SWEEP_KEY, "structure", "dice"],
    "rater_error_arm": [
        *("prior", "error_scale", "structure", "dice_corrected", "label_volume_count"),
        *(*_OF_MODEL, *COUNTS, "model_difference", "difference_low", "difference_high"),
        "difference_count",
    ],
}
KEYS = {
    "split_arm_frames": ["split", "judged_on", *SWEEP_KEY, "frame_index", "structure"],
    "split_arm": ["split", "judged_on", "reference", "structure"],
    "split_inflation": ["split", "structure"],
    "rater_error_cases": ["prior", "error_scale", *SWEEP_KEY, "structure"],
    "rater_error_arm": ["prior", "error_scale", "structure"],
}


def split_arm(frames: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return the Dice of model 2.1 by split, test frames and reference.

    Parameters
    ----------
    frames : pandas.DataFrame
        `split_arm_frames`.
    seed : int
        The study's.
    resamples : int

    Returns
    -------
    pandas.DataFrame
        A row per structure and `MEAN`; printed_dice stands beside the network's own test frames
        by the raters' labels, which is how the paper's Table 1 judges.
    """
    parts = []
    for split, rows in frames.groupby("split"):
        for judged_on, reference in JUDGES:
            values = _values(rows, judged_on, reference)
            rng = generator(seed, "segmentation_arms", split, judged_on, reference)
            part = summarise(values, rng=rng, resamples=resamples).rename_axis("structure")
            key = {"split": split, "judged_on": judged_on, "reference": reference}
            parts.append(part.reset_index().assign(**key))
    found = pd.concat(parts, ignore_index=True)
    printed = printed_dice("midl_table1")
    printed = printed[printed.model_id == networks.MODEL_2D].set_index("structure").printed_dice
    as_printed = (found.judged_on == OWN_TEST) & (found.reference == LABEL)
    found["printed_dice"] = found.structure.map(printed).where(as_printed)
    return found[COLUMNS["split_arm"]]


def split_inflation(frames: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return by how much Dice on own test frames exceeds that on infants never seen.

    Parameters
    ----------
    frames : pandas.DataFrame
        `split_arm_frames`.
    seed : int
    resamples : int

    Returns
    -------
    pandas.DataFrame
        By truth, which both have; the interval resamples the subjects of both independently.
    """
    parts = []
    for split, rows in frames.groupby("split"):
        rng = generator(seed, "segmentation_arms", split, "inflation")
        own, others = (_values(rows, judged_on, TRUTH) for judged_on in (OWN_TEST, TEST_ONLY))
        draws = [resampled_means(part, rng=rng, resamples=resamples) for part in (own, others)]
        low, high = interval(draws[0] - draws[1])
        part = pd.DataFrame({"structure": [*STRUCTURE_NAMES, MEAN], "low": low, "high": high})
        part["dice_own_test"], part["dice_test_only"] = (
            [*values.mean(), values.mean().mean()] for values in (own, others)
        )
        part["own_test_subject_count"], part["test_only_subject_count"] = (
            values.index.get_level_values("subject_id").nunique() for values in (own, others)
        )
        parts.append(part.assign(split=split))
    found = pd.concat(parts, ignore_index=True)
    found["inflation"] = found.dice_own_test - found.dice_test_only
    return found[COLUMNS["split_inflation"]]


def _values(rows: pd.DataFrame, judged_on: str, reference: str) -> pd.DataFrame:
    """Return the Dice of one set of frames by one reference."""
    column = "dice_label" if reference == LABEL else "dice_truth"
    return wide(rows[rows.judged_on == judged_on], column=column)


def rater_error_arm(
    cases: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    own: tuple[str, float],
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Return what a rater's errors and beginning do to labels and to the network.

    Parameters
    ----------
    cases : pandas.DataFrame
        `rater_error_cases`, with those of the study's own network.
    labels : pandas.DataFrame
        prior, error_scale, subject_id, sweep_id, structure and dice_corrected of the volumes
        that each network learned from.
    own : tuple of (str, float)
        prior and error_scale of the study's own network.
    seed : int
    resamples : int

    Returns
    -------
    pandas.DataFrame
        `model_difference`: less the study's own, over volumes in which both have a value.

    Raises
    ------
    ValueError
        If two networks were judged on different volumes, or an arm has no labels.
    """
    judged = {key: wide(part) for key, part in cases.groupby(_ARM)}
    drawn = {key: wide(part, column="dice_corrected") for key, part in labels.groupby(_ARM)}
    _check_arms(judged, drawn, own)
    parts = []
    for key, values in judged.items():
        options = {"rng": generator(seed, "segmentation_arms", *map(str, key))}
        options["resamples"] = resamples
        part = summarise(values, **options).rename(
            columns=dict(zip(NUMBERS, _OF_MODEL, strict=True))
        )
        difference = summarise(values - judged[own], **options)
        part["model_difference"], part["difference_count"] = (
            difference.dice_mean, difference.case_count,
        )  # fmt: skip
        part["difference_low"], part["difference_high"] = difference.low, difference.high
        means = drawn[key].mean()
        part["dice_corrected"] = [*means, means.mean()]
        part["label_volume_count"] = len(drawn[key])
        arm = dict(zip(_ARM, key, strict=True))
        parts.append(part.rename_axis("structure").reset_index().assign(**arm))
    return pd.concat(parts, ignore_index=True)[COLUMNS["rater_error_arm"]]


_ARM = ["prior", "error_scale"]


def _check_arms(judged: dict, drawn: dict, own: tuple[str, float]) -> None:
    """Raise unless every arm has labels and was judged on the volumes of the own network."""
    for key, values in judged.items():
        if key not in drawn:
            raise ValueError(f"arm {key} has no labels, only {list(drawn)} have")
        if not values.index.equals(judged[own].index):
            raise ValueError(
                f"arm {key} was judged on {len(values)} volumes, must be the "
                f"{len(judged[own])} of {own}"
            )


def make_metrics(content: dict[str, pd.DataFrame], arms: Iterable[tuple[str, float]]) -> dict:
    """Return the headline numbers of Dice.

    Parameters
    ----------
    content : dict of str to pandas.DataFrame
        split_inflation and rater_error_arm.
    arms : iterable of (str, float)
        prior and error_scale of each network.

    Returns
    -------
    dict
        Means over structures.
    """
    table = content["split_inflation"]
    rows = table[table.structure == MEAN].set_index("split")
    found = {
        f"dice_{split}_{name}": row[f"dice_{name}"]
        for split, row in rows.iterrows()
        for name in ("own_test", "test_only")
    }
    found |= {f"inflation_{split}": row.inflation for split, row in rows.iterrows()}
    table = content["rater_error_arm"]
    rows = table[table.structure == MEAN].set_index(_ARM)
    for prior, scale in arms:
        row, name = rows.loc[(prior, scale)], f"{prior}_x{scale:g}"
        found[f"dice_model_3_2_{name}"] = row.dice_model_mean
        found[f"dice_corrected_{name}"] = row.dice_corrected
    return found
