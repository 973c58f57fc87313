"""Predicted label volumes judged by reference volumes, and what follows for a subject.

Decides that a prediction must lie where its reference lies (nothing is resampled: appendix C of
the MIDL 2026 paper compares models in 3D because interpolated slices mean little), what the mean
over structures is, and how sweeps become one number of a subject. What a score is, is decided in
`hipus.mask_scores`. Knows no stage, chooses no case and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import LabelMask, read_mask
from hipus.mask_scores import StructureScores, score_masks
from hipus.segmentation import networks
from hipus.segmentation.structure_shape import STRUCTURES

SCHEME = "hip"
#: The study's models: those that label frames, and those that label volumes.
FRAME_MODELS = (networks.MODEL_2D, networks.MODEL_2D_HIGH_RESOLUTION, networks.MODEL_2_5D)
VOLUME_MODELS = (networks.MODEL_3D_FIRST_ROUND, networks.MODEL_3D_REFINED)
MODELS = (*FRAME_MODELS, *VOLUME_MODELS)
#: What a prediction is judged by: what was insonified; what the raters corrected from model 3.1's
#: masks, the first and the second; and what the first rater drew from nothing.
TRUTH, CORRECTED, SECOND, DRAWN = (
    "insonified_truth",
    "corrected_label",
    "second_label",
    "drawn_label",
)
REFERENCES = (TRUTH, CORRECTED, SECOND, DRAWN)
#: Types of the columns of tables of scores: model "2.1" is no number.
TEXT = dict.fromkeys((*SWEEP_KEY, "model_id"), str)
STRUCTURE_NAMES = tuple(label.name.lower() for label in STRUCTURES)
#: Stands among the structures: the mean over those that have a value.
MEAN = "mean_over_structures"
#: Millimetres by which two headers of one grid may differ.
_SAME_PLACE_MM = 1e-3


def read_on(path: Path, reference: LabelMask, *, scheme: str | None = SCHEME) -> np.ndarray:
    """Read a mask that must lie on a reference's grid.

    Parameters
    ----------
    path : path-like
    reference : LabelMask
        A volume.
    scheme : str or None
        As for `read_mask`; None where only the mask's own sidecar may say.

    Returns
    -------
    numpy.ndarray (D, H, W) uint8

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message says what makes it.
    ValueError
        If the mask is of another scheme or lies elsewhere, or as `read_mask`.
    """
    mask = read_mask(tables.existing(path), scheme=scheme)
    if mask.scheme != reference.scheme:
        raise ValueError(f"{path}: labels must be {reference.scheme!r}, got {mask.scheme!r}")
    found, expected = _place(mask), _place(reference)
    if found[0] != expected[0] or not np.allclose(
        np.concatenate(found[1:]), np.concatenate(expected[1:]), rtol=0, atol=_SAME_PLACE_MM
    ):
        raise ValueError(
            f"{path}: mask must lie on its reference's grid, {_in_words(reference)}, "
            f"got {_in_words(mask)}"
        )
    return mask.array


def score_volume(prediction: np.ndarray, reference: LabelMask) -> tuple[StructureScores, ...]:
    """Score a prediction by a reference on the same grid.

    Parameters
    ----------
    prediction : numpy.ndarray (D, H, W) uint8
        As `read_on` returns it.
    reference : LabelMask
        A volume without labrum.

    Returns
    -------
    tuple of StructureScores
        In the order of `STRUCTURES`.

    Raises
    ------
    ValueError
        For a label that the study does not segment, see `score_masks`.
    """
    spacing = reference.volume.spacing_zyx_mm
    return score_masks(prediction, reference.array, spacing_zyx_mm=spacing, labels=STRUCTURES)


def with_mean(scores: pd.DataFrame, *, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Add the mean over structures to each case's rows.

    Parameters
    ----------
    scores : pandas.DataFrame
        One row per case and structure.
    by : sequence of str
        Columns that name a case.
    columns : sequence of str
        Numbers to average.

    Returns
    -------
    pandas.DataFrame
        `by`, structure and `columns`, with one more row per case, structure `MEAN`. A
        structure without a value (absent twice) is left out of its case's mean; an infinite
        distance makes the mean infinite.
    """
    kept = scores[[*by, "structure", *columns]]
    means = kept.groupby(list(by), sort=False)[list(columns)].mean().reset_index()
    return pd.concat([kept, means.assign(structure=MEAN)[kept.columns]], ignore_index=True)


def subject_dice(scores: pd.DataFrame, *, column: str = "dice") -> pd.DataFrame:
    """Return one Dice per subject, model and structure.

    Parameters
    ----------
    scores : pandas.DataFrame
        subject_id, sweep_id, model_id, structure and the column, of one reference: a row per
        sweep, or per frame (then with frame_index).
    column : str

    Returns
    -------
    pandas.DataFrame
        subject_id, model_id, structure (`MEAN` too) and dice, the mean over the subject's sweeps
        or frames in which it has a value; NaN if it never has.
    """
    case = [name for name in (*SWEEP_KEY, "frame_index", "model_id") if name in scores]
    rows = with_mean(scores, by=case, columns=[column])
    means = rows.groupby(["subject_id", "model_id", "structure"])[column].mean()
    return means.rename("dice").reset_index()


def _place(mask: LabelMask) -> tuple:
    """Return shape, spacing, origin and direction."""
    volume = mask.volume
    geometry = (volume.spacing_zyx_mm, volume.origin_xyz_mm, np.ravel(volume.direction))
    return volume.array.shape, *(np.asarray(part, float) for part in geometry)


def _in_words(mask: LabelMask) -> str:
    spacing = " x ".join(f"{side:.4g}" for side in mask.spacing_zyx_mm)
    origin = ", ".join(f"{value:.4g}" for value in mask.origin_xyz_mm)
    turn = "" if np.allclose(mask.direction, np.eye(3)) else f", axes {np.round(mask.direction, 3)}"
    return f"{mask.array.shape} voxels of {spacing} mm at ({origin}){turn}"
