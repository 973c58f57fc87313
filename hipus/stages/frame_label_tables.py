"""Tables of stage `frame_labels`. No stage of its own.

Decides what is compared frame by frame: what two raters drew independently, a first drawing with
its review, and both with what the frame truly shows. Dice as everywhere: 0 where one mask lacks
a structure, NaN where both do; means are over the frames in which one has it, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from hipus.metrics import dice_per_label
from hipus.phantom.annotator.agreement import target_dice
from hipus.phantom.annotator.rater import DRAWN
from hipus.segmentation.assignment import SPLITS
from hipus.segmentation.frame_label_files import FrameLabels

STRUCTURES = tuple(label.name.lower() for label in DRAWN)
OVERALL = "mean of the four"
_KEY = ["subject_id", "sweep_id", "side", "sweep_type"]
_AGREEMENT = (
    *("structure", "dice", "published_dice", "difference", "frame_count"),
    *("reviewed_dice", "reviewed_frame_count", "drawn_truth_dice", "final_truth_dice"),
)
#: Columns of all tables, for a skip.
COLUMNS = {
    "frame_labels": [
        *_KEY, "frame_index", "split", "split_by_frame",
        *(f"pixels_{name}" for name in STRUCTURES), *(f"dice_{name}" for name in STRUCTURES),
    ],
    "inter_rater": ["subject_id", *_AGREEMENT],
    "frame_label_effort": [
        *_KEY, "task", "rater_id", "frame_count", "changed_pixels", "changed_mm2",
        "touched_frames", "minutes_simulated",
    ],
}  # fmt: skip


@dataclass(frozen=True)
class FrameScores:
    """Dice of every labelled frame and structure, (N, 4) in the order of `DRAWN`.

    Attributes
    ----------
    blind : numpy.ndarray (N or 0, 4)
        Between what A and B drew independently; without rows where B did not.
    reviewed : numpy.ndarray (N, 4)
        Between A's drawing and what B made of it.
    drawn_truth, final_truth : numpy.ndarray (N, 4)
        Of A's drawing, and of B's review, with what the frame shows.
    """

    blind: np.ndarray
    reviewed: np.ndarray
    drawn_truth: np.ndarray
    final_truth: np.ndarray


def score_frames(masks: Mapping[str, np.ndarray], truth: np.ndarray) -> FrameScores:
    """Compare the masks of one sweep frame by frame.

    Parameters
    ----------
    masks : mapping of str to numpy.ndarray (N, H, W) uint8
        "drawn", "reviewed" and, where there is one, "blind".
    truth : numpy.ndarray (N, H, W) uint8

    Returns
    -------
    FrameScores
    """
    drawn, reviewed = masks["drawn"], masks["reviewed"]
    nobody = np.empty((0, len(DRAWN)))
    return FrameScores(
        blind=_dice(drawn, masks["blind"]) if "blind" in masks else nobody,
        reviewed=_dice(drawn, reviewed),
        drawn_truth=_dice(drawn, truth),
        final_truth=_dice(reviewed, truth),
    )


def _dice(first, second) -> np.ndarray:
    return np.array([dice_per_label(*pair, DRAWN) for pair in zip(first, second, strict=True)])


def frame_rows(labels: FrameLabels, scores: FrameScores, *, key: Mapping) -> pd.DataFrame:
    """Return a row per labelled frame.

    Parameters
    ----------
    labels : FrameLabels
        Final ones.
    scores : FrameScores
    key : mapping
        Columns that are the same for all.

    Returns
    -------
    pandas.DataFrame
        `frame_index`, `pixels_<structure>` of the final label, and `dice_<structure>`, its Dice
        with what the frame shows.
    """
    table = pd.DataFrame({**key, "frame_index": labels.frame_index})
    for label, name in zip(DRAWN, STRUCTURES, strict=True):
        table[f"pixels_{name}"] = np.count_nonzero(labels.masks == label, axis=(1, 2))
    for column, name in enumerate(STRUCTURES):
        table[f"dice_{name}"] = scores.final_truth[:, column]
    return table


def inter_rater(scores: Sequence[FrameScores], printed: Mapping[str, float]) -> pd.DataFrame:
    """Return how two raters agree, by structure and overall.

    Parameters
    ----------
    scores : sequence of FrameScores
        Of all sweeps.
    printed : mapping
        mean, ilium and head, as `stages.raters.read_printed` returns it; border and cortex share
        what is left equally, since nothing more is printed.

    Returns
    -------
    pandas.DataFrame
        `dice` and `frame_count` of the independent drawings; `reviewed_dice` between the first
        drawing and its review, `drawn_truth_dice` and `final_truth_dice` of both with truth, all
        three on all labelled frames. The last row's Dice are the means of the four.
    """
    stacked = {
        item.name: np.concatenate([getattr(one, item.name) for one in scores])
        for item in fields(FrameScores)
    }
    means = {name: _means(values) for name, values in stacked.items()}
    counts = {name: (~np.isnan(values)).sum(axis=0) for name, values in stacked.items()}
    published = target_dice(**printed)
    table = pd.DataFrame({"structure": STRUCTURES, "dice": means["blind"]})
    table = table.assign(published_dice=published, difference=means["blind"] - published)
    table = table.assign(frame_count=counts["blind"], reviewed_dice=means["reviewed"])
    table = table.assign(reviewed_frame_count=counts["reviewed"])
    for name in ("drawn_truth", "final_truth"):
        table[f"{name}_dice"] = means[name]
    overall = table.drop(columns="structure").mean(skipna=False).to_dict()
    overall |= {"structure": OVERALL, "frame_count": len(stacked["blind"])}
    overall |= {"reviewed_frame_count": len(stacked["reviewed"])}
    return pd.concat([table, pd.DataFrame([overall])], ignore_index=True)[list(_AGREEMENT)]


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each column's finite values, NaN where it has none."""
    count = (~np.isnan(values)).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def make_metrics(frames: pd.DataFrame, agreement: pd.DataFrame, effort: pd.DataFrame) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    frames, agreement, effort : pandas.DataFrame
        The three tables.

    Returns
    -------
    dict
    """
    rows = agreement.set_index("structure")
    names = {OVERALL: "mean", **{name: name for name in STRUCTURES}}
    found = {f"inter_rater_dice_{names[key]}": value for key, value in rows.dice.items()}
    found["reviewed_dice_mean"] = rows.reviewed_dice[OVERALL]
    found["final_truth_dice_mean"] = rows.final_truth_dice[OVERALL]
    found["frame_count"] = len(frames)
    for split in SPLITS:
        found[f"frame_count_{split}"] = int((frames.split == split).sum())
        found[f"frame_count_{split}_by_frame"] = int((frames.split_by_frame == split).sum())
    found["sweep_count"] = len(frames[["subject_id", "sweep_id"]].drop_duplicates())
    for task, hours in (effort.groupby("task").minutes_simulated.sum() / 60).items():
        found[f"{task}_simulated_h"] = hours
    return found
