"""Scores of predicted masks: of one case by structure, of many cases, and their summaries.

Decides which numbers a prediction gets, what they are when a structure is absent (nothing is
dropped: Dice 0, distances inf, NaN only where both masks lack it), that a missing prediction
is an error, and that a summary shows how many values were not finite. Definitions of surface
metrics are those of `hipus.surface_metrics`. Deliberately reads no files and knows no models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum

import numpy as np
import pandas as pd

from hipus.label_tally import LabelTally, tally_labels
from hipus.labels import HipLabel
from hipus.surface_metrics import check_same_grid, check_spacing, surface_distances

#: Tolerance of `StructureScores.surface_dice_1mm`.
TOLERANCE_MM = 1.0
#: More foreign values than this are not listed in a message.
_LISTED = 8


@dataclass(frozen=True)
class StructureScores:
    """How well one structure of one case is predicted.

    If one mask lacks the structure: Dice and surface Dice are 0, distances inf, the volume
    error is -100 % (nothing predicted) or inf (nothing there). If both do: all NaN but the
    volumes.

    Attributes
    ----------
    label : int
    dice : float
        2 |A and B| / (|A| + |B|) over voxels (Dice 1945; all tools agree).
    hd_mm : float
        Maximum Hausdorff distance between border voxels (all tools agree).
    hd95_mm : float
        Larger of the two directed 95th percentiles, linear quantile (MONAI).
    asd_gt_to_pred_mm, asd_pred_to_gt_mm : float
        Mean distance of the reference's border voxels to the prediction's, and back (MONAI).
    assd_mm : float
        Mean of both directions' distances pooled (MONAI's symmetric ASD).
    surface_dice_1mm : float
        Share of all border voxels within 1 mm of the other border (MONAI,
        `use_subvoxels=False`).
    volume_error_percent : float
        100 (prediction - reference) / reference: negative where too little is predicted.
    reference_mm3, prediction_mm3 : float
        Volumes; NaN for 2D masks, which have none (their volume error is of areas).
    """

    label: int
    dice: float
    hd_mm: float
    hd95_mm: float
    asd_gt_to_pred_mm: float
    asd_pred_to_gt_mm: float
    assd_mm: float
    surface_dice_1mm: float
    volume_error_percent: float
    reference_mm3: float
    prediction_mm3: float


@dataclass(frozen=True)
class CaseScores:
    """The scores of one sweep's prediction."""

    subject_id: str
    sweep_id: str
    scores: tuple[StructureScores, ...]


def score_masks(
    prediction: np.ndarray, reference: np.ndarray, *, spacing_zyx_mm, labels: Sequence[int]
) -> tuple[StructureScores, ...]:
    """Score a predicted mask, structure by structure.

    Parameters
    ----------
    prediction, reference : numpy.ndarray (D, H, W) or (H, W) integer
        Label masks of one shape on one grid. A label in neither `labels` nor 0 is an error,
        not background: whoever leaves out a structure (the labrum of truth masks) maps it
        before.
    spacing_zyx_mm : sequence of 3 (2 in 2D) floats
    labels : sequence of int
        Which structures, 1 to 255, each once.

    Returns
    -------
    tuple of StructureScores
        In the order of `labels`.

    Raises
    ------
    ValueError
        For masks that are not of integers, differ in shape or hold foreign labels, for a bad
        spacing, and for labels that are none, repeated or out of range.
    """
    masks = {"prediction": np.asarray(prediction), "reference": np.asarray(reference)}
    check_same_grid(masks)
    spacing = check_spacing(spacing_zyx_mm, masks["reference"].ndim)
    labels = _checked_labels(labels)
    prediction, reference = (_as_bytes(mask, name, labels) for name, mask in masks.items())
    tally = tally_labels(prediction, reference)
    _refuse_foreign("prediction", np.flatnonzero(tally.first), labels)
    _refuse_foreign("reference", np.flatnonzero(tally.second), labels)
    return tuple(
        _structure_scores(prediction, reference, tally, label=label, spacing=spacing)
        for label in labels
    )


def score_table(
    cases: Iterable[CaseScores],
    *,
    expected: Iterable[tuple[str, str]],
    scheme: type[IntEnum] = HipLabel,
) -> pd.DataFrame:
    """Collect the scores of all expected cases, and of no others.

    Parameters
    ----------
    cases : iterable of CaseScores
    expected : iterable of (subject_id, sweep_id)
        Every case that must be scored: a missing one is an error, never a smaller table.
    scheme : type of IntEnum
        Names the labels.

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, structure (`HipLabel.ILIUM` is "ilium"), and the fields of
        `StructureScores` but the label; in the order of `expected` and of the labels.

    Raises
    ------
    ValueError
        If no case is expected, one is expected twice, missing, scored twice or not expected,
        or if cases were scored on different structures.
    """
    expected, cases = [tuple(pair) for pair in expected], list(cases)
    _check_complete(cases, expected)
    by_case = {(case.subject_id, case.sweep_id): case for case in cases}
    rows = [
        {"subject_id": subject_id, "sweep_id": sweep_id, **_named(scores, scheme)}
        for subject_id, sweep_id in expected
        for scores in by_case[subject_id, sweep_id].scores
    ]
    return pd.DataFrame(rows)


def summarise(table: pd.DataFrame, *, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Summarise scores, saying how many of them were not finite.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per case and structure.
    by : sequence of str
        Columns that make a group, at least one.
    columns : sequence of str
        Numbers to summarise.

    Returns
    -------
    pandas.DataFrame
        One row per group, in order of appearance. Of each column: `_median` (of all but the
        missing: infinite values count), `_mean_finite`, `_sd_finite` (population SD, divided
        by n as in the paper's Table 1), `_count` (all rows) and its parts `_finite_count`,
        `_infinite_count` and `_missing_count`.

    Raises
    ------
    ValueError
        If the table is empty, a column is not in it, or no column is named.
    """
    by, columns = list(by), list(columns)
    missing = [name for name in by + columns if name not in table.columns]
    if missing:
        raise ValueError(f"columns {missing} are not in the table, which has {list(table)}")
    if not (len(table) and by and columns):
        raise ValueError(f"nothing to summarise: {len(table)} rows, by {by}, columns {columns}")
    # Groups named by a missing value are groups too: pandas would drop them.
    groups = table.groupby(by, sort=False, dropna=False, observed=True)
    rows = [
        dict(zip(by, key, strict=True))
        | {name: value for column in columns for name, value in _summary(group, column).items()}
        for key, group in groups
    ]
    return pd.DataFrame(rows)


def _structure_scores(prediction, reference, tally: LabelTally, *, label, spacing):
    """Score one structure inside the box around it."""
    box = tally.box(label)
    distances = surface_distances(
        reference=reference[box] == label,
        prediction=prediction[box] == label,
        spacing_zyx_mm=spacing,
    )
    predicted, true, shared = (int(n[label]) for n in (tally.first, tally.second, tally.shared))
    voxel_mm3 = float(spacing.prod()) if len(spacing) == 3 else float("nan")
    return StructureScores(
        label=label,
        dice=2 * shared / (predicted + true) if predicted + true else float("nan"),
        hd_mm=distances.hd_mm,
        hd95_mm=distances.hd95_mm,
        asd_gt_to_pred_mm=distances.asd_gt_to_pred_mm,
        asd_pred_to_gt_mm=distances.asd_pred_to_gt_mm,
        assd_mm=distances.assd_mm,
        surface_dice_1mm=distances.surface_dice(TOLERANCE_MM),
        volume_error_percent=_percent_more(predicted, true),
        reference_mm3=true * voxel_mm3,
        prediction_mm3=predicted * voxel_mm3,
    )


def _percent_more(predicted: int, true: int) -> float:
    if true:
        return 100 * (predicted - true) / true
    return float("inf") if predicted else float("nan")


def _checked_labels(labels: Sequence[int]) -> tuple[int, ...]:
    found = tuple(int(label) for label in labels)
    if not found or len(set(found)) < len(found) or not all(0 < label < 256 for label in found):
        raise ValueError(f"labels must be different numbers from 1 to 255, got {found}")
    return found


def _as_bytes(mask: np.ndarray, name: str, labels: tuple[int, ...]) -> np.ndarray:
    """Return a label mask as uint8, which every label of a scheme fits."""
    if not np.issubdtype(mask.dtype, np.integer):
        raise ValueError(f"{name} must hold integer labels, got {mask.dtype}")
    if mask.min() < 0 or mask.max() > 255:
        _refuse_foreign(name, np.unique(mask), labels)
    return mask.astype(np.uint8, copy=False)


def _refuse_foreign(name: str, values: np.ndarray, labels: tuple[int, ...]) -> None:
    foreign = [int(value) for value in values if value not in (0, *labels)]
    if foreign:
        more = f" and {len(foreign) - _LISTED} more" if len(foreign) > _LISTED else ""
        raise ValueError(
            f"{name} must hold 0 and the labels {labels} only, got {foreign[:_LISTED]}{more}: "
            f"map what is not scored to 0"
        )


def _check_complete(cases: list[CaseScores], expected: list[tuple[str, str]]) -> None:
    """Raise unless the cases are the expected ones, each once, on the same structures."""
    if not expected:
        raise ValueError("expected must name at least one case, got none")
    found = [(case.subject_id, case.sweep_id) for case in cases]
    problems = {
        f"of {len(expected)} cases expected twice": _repeated(expected),
        f"of {len(expected)} cases without a prediction": set(expected) - set(found),
        f"of {len(found)} cases scored twice": _repeated(found),
        f"of {len(found)} cases not among the {len(expected)} expected": set(found) - set(expected),
    }
    for problem, pairs in problems.items():
        if pairs:
            names = ", ".join("/".join(pair) for pair in sorted(pairs)[:_LISTED])
            raise ValueError(f"{len(pairs)} {problem}: {names}")
    labels = {tuple(scores.label for scores in case.scores) for case in cases}
    if len(labels) > 1:
        raise ValueError(f"all cases must be scored on the same structures, got {sorted(labels)}")


def _repeated(pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    return {pair for pair, count in Counter(pairs).items() if count > 1}


def _named(scores: StructureScores, scheme: type[IntEnum]) -> dict:
    numbers = asdict(scores)
    return {"structure": scheme(numbers.pop("label")).name.lower(), **numbers}


def _summary(group: pd.DataFrame, column: str) -> dict[str, float]:
    values = group[column].to_numpy(np.float64)
    finite = values[np.isfinite(values)]
    there = values[~np.isnan(values)]
    return {
        f"{column}_median": float(np.median(there)) if len(there) else float("nan"),
        f"{column}_mean_finite": float(finite.mean()) if len(finite) else float("nan"),
        f"{column}_sd_finite": float(finite.std()) if len(finite) else float("nan"),
        f"{column}_count": len(values),
        f"{column}_finite_count": len(finite),
        f"{column}_infinite_count": len(there) - len(finite),
        f"{column}_missing_count": len(values) - len(there),
    }
