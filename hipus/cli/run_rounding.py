"""Predicted poses of a run, moved until the head is round (see `fusion.round_sweep`).

Decides that the model which labels the volume also tells the head, and that moved poses are
written beside the predicted ones, of the pictures as they were recorded. Nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np


def make_round(sweep, segmenter, *, spacing_mm: float):
    """Move a sweep's poses until its head is round.

    Parameters
    ----------
    sweep : hipus.segmentation.sweep_volumes.StudySweep
    segmenter : hipus.segmentation.prediction.Segmenter
        Of volumes.
    spacing_mm : float
        Of the volume.

    Returns
    -------
    hipus.fusion.round_sweep.RoundSweep
    """
    from hipus.fusion.round_sweep import make_head_round
    from hipus.segmentation import application
    from hipus.segmentation.sweep_volumes import make_sweep_volume

    def label(volume) -> np.ndarray:
        grey = volume.placed(np.rint(volume.grey).astype(np.uint8))
        return application.label_volume(segmenter, grey).array

    return make_head_round(
        sweep,
        make_volume=lambda one: make_sweep_volume(one, spacing_mm=spacing_mm),
        label=label,
        scheme=segmenter.model.about["scheme"],
    )


def write(found, prediction, path: Path) -> None:
    """Write moved poses as `hipus track` writes predicted ones, without deviations.

    Parameters
    ----------
    found : hipus.fusion.round_sweep.RoundSweep
    prediction : hipus.motion.predictions.PosePrediction
        Of the same frames.
    path : Path
        .csv
    """
    from hipus.motion.predictions import as_recorded, write_predictions

    moved = replace(
        prediction,
        T_centre_to_first=found.sweep.T_centre_to_world,
        is_flipped=found.sweep.is_flipped,
        sd_mm=None,
        sd_deg=None,
    )
    write_predictions([as_recorded(moved)], path)
