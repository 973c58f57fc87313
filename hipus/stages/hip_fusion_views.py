"""Sections of one hip by each sweep alone and fused, for figures. No stage of its own.

Decides which hip is shown: the one of the test-only cohort whose registration error after
refinement is the median, so that a figure shows neither the best nor the worst. Decides the
sections: coronal and transverse through the true head's centre, in the pelvis' frame.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import Cohort
from hipus.fusion.hip_errors import TrueSweep
from hipus.stages.hip_cells import MODEL_MASKS, true_head
from hipus.stages.hip_fusion_dice import JUDGED, TrueHip, true_hip
from hipus.stages.hip_fusion_hips import FUSED, KINDS, FusedPair, HipPair
from hipus.stages.placed_sweeps import PREDICTED

SHOWN_COHORT = "test"
SPACING_MM, BEYOND_MM = 0.4, 14.0
#: Section -> axis of an array [z superior, y posterior, x left] across it.
SECTIONS = {"coronal": 1, "transverse": 0}


def typical_hip(hips: pd.DataFrame) -> tuple[str, str] | None:
    """Return subject and side of the hip to be shown.

    Parameters
    ----------
    hips : pandas.DataFrame
        Table hip_fusion.

    Returns
    -------
    tuple of 2 str or None
        None where nothing could be fused.
    """
    rows = hips[(hips.poses == PREDICTED) & (hips.masks == MODEL_MASKS)]
    rows = rows.dropna(subset="registration_mean_mm_after")
    wanted = rows[rows.cohort == SHOWN_COHORT]
    rows = wanted if len(wanted) else rows
    if rows.empty:
        return None
    rows = rows.sort_values(["registration_mean_mm_after", "subject_id", "side"])
    row = rows.iloc[(len(rows) - 1) // 2]
    return row.subject_id, row.side


def shown_hip(found: FusedPair, pair: HipPair, cohort: Cohort) -> dict[str, np.ndarray]:
    """Return sections of one hip.

    Parameters
    ----------
    found : FusedPair
        That was fused.
    pair : HipPair
    cohort : Cohort

    Returns
    -------
    dict of str to numpy.ndarray
        `<way>_<section>_grey` and `_labels`, `truth_<section>_labels` (head and ilium), (H, W)
        uint8, seen from the front and from below; `side_mm` of a pixel; `hip`.
    """
    head_mm, radius_mm = true_head(cohort, pair.rows[KINDS[0]])
    box = {"head_mm": head_mm, "radius_mm": radius_mm, "spacing_mm": SPACING_MM}
    truth = true_hip(found.placed, **box, beyond_mm=BEYOND_MM)
    judged = np.where(np.isin(truth.labels, JUDGED), truth.labels, 0)
    arrays = _sections("truth", truth, {"labels": judged})
    for way, volumes, grid, sweep in _volumes(found):
        carried = {
            name: np.rint(truth.carried(one, grid, sweep=sweep, order=int(name == "grey")))
            for name, one in volumes.items()
        }
        arrays |= _sections(way, truth, carried)
    return arrays | {"side_mm": np.array(SPACING_MM), "hip": np.array(str(pair))}


def _volumes(found: FusedPair):
    """Yield name, grey values and labels, grid, and truth of each sweep alone and of both."""
    fusion = found.fusion
    for kind, one, placed in zip(KINDS, found.labelled, found.placed, strict=True):
        sweep = TrueSweep(one.sweep.T_centre_to_world, placed.T_centre_to_hip)
        yield kind, {"grey": one.volume.grey, "labels": one.labels}, one.volume.grid, sweep
    sweep = TrueSweep(fusion.T_first_to_world, found.placed[0].T_centre_to_hip)
    volume = fusion.volume
    yield FUSED, {"grey": volume.grey, "labels": volume.labels}, volume.grid, sweep


def _sections(way: str, truth: TrueHip, volumes) -> dict[str, np.ndarray]:
    """Return the sections of volumes on the common grid, superior and anterior up."""
    found = {}
    for section, axis in SECTIONS.items():
        for name, volume in volumes.items():
            plane = np.take(volume, truth.grid.shape_zyx[axis] // 2, axis=axis)
            plane = plane[::-1] if section == "coronal" else plane
            found[f"{way}_{section}_{name}"] = plane.astype(np.uint8)
    return found
