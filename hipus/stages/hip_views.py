"""The Graf plane of one test sweep by every kind of poses, for figures. No stage of its own.

Decides which sweep is shown: the untracked p_d sweep of the test-only cohort whose shape near
the head is off by the median, so that a figure shows neither the best nor the worst.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage

from hipus import config
from hipus.formats.cohort_layout import Cohort
from hipus.morphometry.hip_landmarks import Plane
from hipus.morphometry.hip_measures import measure_hip
from hipus.segmentation.sweep_volumes import TRUTH_LABELS
from hipus.stages.hip_cells import MODEL_MASKS, SCHEME, Placed, place_sweep
from hipus.stages.placed_sweeps import PREDICTED

SIDE_MM, HALF_MM, ABOVE_MM = 0.25, 17.0, 24.0
SHOWN_TYPE, SHOWN_COHORT = "p_d", "test"
SWEEP = ["subject_id", "sweep_id"]


def typical_sweep(measures: pd.DataFrame) -> str:
    """Return `subject/sweep` of the sweep to be shown.

    Parameters
    ----------
    measures : pandas.DataFrame
        Test rows of table hip_measures.

    Returns
    -------
    str
        Of sweeps by all of whose poses alpha is measured, where there are any.
    """
    own = measures[measures.masks == MODEL_MASKS]
    rows = own[own.poses == PREDICTED]
    whole = own.groupby(SWEEP).alpha_deg.transform(lambda alpha: alpha.notna().all())
    wanted = rows[whole[rows.index]]
    wanted = wanted[(wanted.sweep_type == SHOWN_TYPE) & (wanted.cohort == SHOWN_COHORT)]
    rows = wanted if len(wanted) else rows
    rows = rows.sort_values(["head_shape_mm", "subject_id", "sweep_id"])
    row = rows.iloc[(len(rows) - 1) // 2]
    return f"{row.subject_id}/{row.sweep_id}"


def shown_sweep(row, *, study: config.Study, cohort: Cohort) -> dict[str, np.ndarray]:
    """Return the Graf plane of a sweep by each kind of poses.

    Parameters
    ----------
    row : named tuple or pandas.Series
    study : Study
    cohort : Cohort

    Returns
    -------
    dict of str to numpy.ndarray
        `<poses>_grey`, `_labels`, `_truth` (rows from superior to inferior, columns from
        lateral to medial) uint8, `_landmarks_mm` (K, 2) from the head's centre (lateral,
        superior), `_names` of these and `_alpha_deg`; `side_mm` of a pixel and `sweep`. Poses
        by which no plane or no alpha is found are left out.
    """
    found: dict = {
        "side_mm": np.array(SIDE_MM),
        "sweep": np.array(f"{row.subject_id}/{row.sweep_id}"),
    }
    for placed in place_sweep(row, study=study, cohort=cohort, masks=(MODEL_MASKS,)):
        found |= {f"{placed.poses}_{name}": value for name, value in _plane(placed, row).items()}
    return found


def _plane(placed: Placed, row) -> dict[str, np.ndarray]:
    """Return the measured plane of one volume."""
    grid = placed.volume.grid
    hip = measure_hip(
        placed.model_labels, scheme=SCHEME, spacing_zyx_mm=grid.spacing_xyz_mm[::-1],
        side=row.side, origin_xyz_mm=grid.origin_xyz_mm,
    )  # fmt: skip
    if hip.plane is None or hip.measures["alpha_deg"].is_refused:
        return {}
    points, volumes = _points(hip.plane), {"grey": placed.volume.grey}
    volumes |= {"labels": placed.model_labels}
    if TRUTH_LABELS in placed.volume.labels:
        volumes["truth"] = placed.volume.labels[TRUTH_LABELS]
    index = ((points - grid.origin_xyz_mm) / grid.spacing_xyz_mm)[..., ::-1]
    found = {
        name: ndimage.map_coordinates(
            volume, np.moveaxis(index, -1, 0), order=1 if name == "grey" else 0
        ).astype(np.uint8)
        for name, volume in volumes.items()
    }
    names = ("wing_cranial", "wing_caudal", "bony_rim", "lower_limb", "head_centre")
    known = [name for name in names if name in hip.landmarks_mm]
    away = np.array([hip.landmarks_mm[name] for name in known]) - hip.plane.origin_mm
    flat = np.column_stack([away @ hip.plane.lateral, away @ hip.plane.superior])
    return found | {"landmarks_mm": flat, "names": np.array(known),
                    "alpha_deg": np.array(hip.measures["alpha_deg"].value)}  # fmt: skip


def _points(plane: Plane) -> np.ndarray:
    """Return the plane's places in the world, (rows, columns, 3): lateral left, superior up."""
    lateral = np.arange(HALF_MM, -HALF_MM - SIDE_MM / 2, -SIDE_MM)
    superior = np.arange(ABOVE_MM, -HALF_MM - SIDE_MM / 2, -SIDE_MM)
    up, out = np.meshgrid(superior, lateral, indexing="ij")
    return plane.origin_mm + up[..., None] * plane.superior + out[..., None] * plane.lateral
