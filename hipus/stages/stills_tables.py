"""Tables of `stills_segmentation`: Dice by case and structure, and what pretraining adds.

Decides what a structure's absence in a machine-made mask counts: the study's rule (one empty
is 0) stands in `dice`; `dice_where_drawn` asks only frames in which the machine drew the
structure, because where it drew nothing the structure may well be seen. No stage of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus import metrics, statistics
from hipus.seeds import generator
from hipus.segmentation.stills import LABEL_SOURCE, STRUCTURES, StillCase

FROM_SCRATCH, PRETRAINED = "from_scratch", "pretrained"
ARMS = (FROM_SCRATCH, PRETRAINED)
MEASURES = ("dice", "dice_where_drawn")
#: The mean over the structures that a case has a value of.
MEAN = "mean"
KEYS = {
    "stills_cases": ["case_id"],
    "stills_segmentation": ["case_id", "structure", "arm"],
    "stills_segmentation_summary": ["measure", "structure"],
    "stills_segmentation_training": ["case_id", "arm", "epoch"],
}
COLUMNS = {
    "stills_cases": [
        *("case_id", "status", "reason", "frame_count", "dropped_frame_count"),
        *(f"{structure.name.lower()}_frame_count" for structure in STRUCTURES),
        *("pixel_mm", "label_source", "licence", "attribution"),
    ],
    "stills_segmentation": [
        *("case_id", "structure", "arm", "dice", "dice_where_drawn", "frame_count"),
        *("drawn_frame_count", "predicted_frame_count", "both_empty_frame_count"),
        "label_source",
    ],
    "stills_segmentation_summary": [
        *("measure", "structure", "from_scratch", "pretrained", "difference", "low", "high"),
        *("level", "case_count", "better_case_count", "left_out_case_count"),
    ],
    "stills_segmentation_training": [
        *("case_id", "arm", "epoch", "train_loss", "validation_loss"),
    ],
}


def score_case(case: StillCase, predicted: np.ndarray, *, arm: str) -> list[dict]:
    """Score one case's predicted masks, one row per structure.

    Parameters
    ----------
    case : StillCase
        Never learned from by the network that predicted.
    predicted : numpy.ndarray (N, H, W) integer
        `StillLabel` of every frame of the case.
    arm : str
        One of `ARMS`.

    Returns
    -------
    list of dict
        With the columns of the table `stills_segmentation`. `dice` is the mean over frames, 0
        where one mask is empty, without frames where both are; `dice_where_drawn` the mean
        over frames that the machine's mask has the structure in; NaN where no frame counts.

    Raises
    ------
    ValueError
        If a frame is missing or of another size.
    """
    if predicted.shape != case.labels.shape:
        raise ValueError(
            f"{case.case_id}: predicted masks must be {case.labels.shape} like the labels, "
            f"got {predicted.shape}"
        )
    pairs = zip(case.labels, predicted, strict=True)
    dice = np.array([metrics.dice_per_label(*pair, STRUCTURES) for pair in pairs])
    return [
        {"case_id": case.case_id, "structure": structure.name.lower(), "arm": arm}
        | _scores(dice[:, column], case.labels == structure, predicted == structure)
        for column, structure in enumerate(STRUCTURES)
    ]


def _scores(dice: np.ndarray, drawn: np.ndarray, predicted: np.ndarray) -> dict:
    """Return one structure's scores and counts over the frames of a case."""
    is_drawn, is_predicted = (mask.any(axis=(1, 2)) for mask in (drawn, predicted))
    return {
        "dice": _mean(dice[is_drawn | is_predicted]),
        "dice_where_drawn": _mean(dice[is_drawn]),
        "frame_count": len(dice),
        "drawn_frame_count": int(is_drawn.sum()),
        "predicted_frame_count": int(is_predicted.sum()),
        "both_empty_frame_count": int((~is_drawn & ~is_predicted).sum()),
        "label_source": LABEL_SOURCE,
    }


def _mean(values: np.ndarray) -> float:
    """Return the mean, NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")


def summarise(scores: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Say what pretraining adds, by structure, with its interval over cases.

    Parameters
    ----------
    scores : pandas.DataFrame
        `stills_segmentation` with both arms of every case.
    seed : int
        The study's.
    resamples : int
        Of the bootstrap over cases.

    Returns
    -------
    pandas.DataFrame
        Per measure and structure (and "mean", each case's mean over the structures
        that both arms have a value of): the mean
        of each arm over the same cases, pretrained minus from scratch, the ends of its 95 %
        interval, how many cases it rests on, in how many of them pretrained is better, and how
        many have no value in one arm and are left out.

    Raises
    ------
    ValueError
        If a case lacks an arm.

    Notes
    -----
    Cases are resampled (`statistics.bootstrap_mean_by_subject`). Seven cases are few: the
    interval is too narrow by about 7 %, and it tells nothing of another scanner or program.
    """
    lacking = scores.groupby("case_id").arm.nunique()
    lacking = list(lacking[lacking < len(ARMS)].index)
    if lacking:
        raise ValueError(f"scores must have both arms of every case, got one of {lacking}")
    rows = []
    for measure in MEASURES:
        wide = scores.pivot(index=["case_id", "structure"], columns="arm", values=measure)
        paired = wide[wide.notna().all(axis=1)]
        means = paired.groupby("case_id").mean().assign(structure=MEAN)
        wide = pd.concat([wide, means.set_index("structure", append=True)])
        for structure, values in wide.groupby("structure"):
            rng = generator(seed, "stills_segmentation", measure, structure)
            row = _difference(values, rng=rng, resamples=resamples)
            rows.append({"measure": measure, "structure": structure} | row)
    return pd.DataFrame(rows)[COLUMNS["stills_segmentation_summary"]]


def _difference(values: pd.DataFrame, *, rng: np.random.Generator, resamples: int) -> dict:
    """Return one row of the summary."""
    known = values.dropna()
    first, second = known[PRETRAINED].to_numpy(), known[FROM_SCRATCH].to_numpy()
    row = dict.fromkeys(("from_scratch", "pretrained", "difference", "low", "high"), np.nan)
    row |= {"level": 0.95, "case_count": len(known)}
    if len(known):
        found = statistics.paired_difference_by_subject(
            first, second, subjects=np.arange(len(known)), rng=rng, resamples=resamples
        )
        row |= {"from_scratch": second.mean(), "pretrained": first.mean()}
        row |= {"difference": found.mean, "low": found.low, "high": found.high}
    better = int((first > second).sum())
    return row | {"better_case_count": better, "left_out_case_count": len(values) - len(known)}


def case_row(case: StillCase) -> dict:
    """Return what the table `stills_cases` says of a case that is used, but for its licence.

    Parameters
    ----------
    case : StillCase

    Returns
    -------
    dict
    """
    return {
        "case_id": case.case_id,
        "status": "used",
        "reason": "",
        "frame_count": len(case.frames),
        "dropped_frame_count": len(case.dropped_index),
        **{
            f"{one.name.lower()}_frame_count": int((case.labels == one).any(axis=(1, 2)).sum())
            for one in STRUCTURES
        },
        "pixel_mm": case.pixel_mm,
        "label_source": LABEL_SOURCE,
    }


def make_tables(found: dict[str, Sequence[dict]], *, seed: int, resamples: int) -> dict:
    """Return the stage's tables with their keys.

    Parameters
    ----------
    found : dict of str to sequence of dict
        Rows of `stills_cases`, `stills_segmentation` and `stills_segmentation_training`.
    seed, resamples
        As for `summarise`.

    Returns
    -------
    dict of str to (pandas.DataFrame, list of str)
    """
    made = {name: pd.DataFrame(rows, columns=COLUMNS[name]) for name, rows in found.items()}
    summary = summarise(made["stills_segmentation"], seed=seed, resamples=resamples)
    made["stills_segmentation_summary"] = summary
    return {name: (made[name], KEYS[name]) for name in COLUMNS}


def make_metrics(summary: pd.DataFrame) -> dict[str, float]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    summary : pandas.DataFrame
        As `summarise` returns it, or empty.

    Returns
    -------
    dict of str to float
    """
    rows = summary[summary.measure == "dice"].set_index("structure")
    found = {"case_count": int(rows.case_count.get(MEAN, 0))}
    for structure, row in rows.iterrows():
        found[f"{structure}_dice_from_scratch"] = row.from_scratch
        found[f"{structure}_dice_pretrained"] = row.pretrained
    if MEAN in rows.index:
        found["pretraining_adds_dice"] = rows.loc[MEAN, "difference"]
        found["pretraining_adds_dice_low"] = rows.loc[MEAN, "low"]
        found["pretraining_adds_dice_high"] = rows.loc[MEAN, "high"]
    return found
