"""Grey levels of the simulated pictures beside measured and printed ones.

Decides which frames and voxels of the cohort count as labelled. The printed normalisation
follows from the paper's label convention as much as from brightness (SIMULATION.md C):
nothing is tuned to it.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd

from hipus.formats import metafile
from hipus.formats.cohort_layout import Cohort
from hipus.labels import HipLabel
from hipus.phantom.cohort.storage import files_of
from hipus.phantom.cohort.sweeps import VOLUMETRIC
from hipus.phantom.pictures import REAL_GREY, REAL_TEXTURE_SD, REGIONS, StandardPlane
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise

COLUMNS = ["region", "quantity", "simulated", "simulated_sd", "count", "real", "note"]
#: Printed normalisation, mean and SD (MIDL 2026 paper, models 2.1 and 3.1).
PRINTED = {"labelled pixels, 2D": (131.0, 57.0), "labelled voxels, 3D": (69.0, 57.0)}
#: What the study labels; the labrum is in truth masks only.
_LABELS = [
    HipLabel.ILIUM,
    HipLabel.FEMORAL_HEAD,
    HipLabel.CHONDRO_OSSEOUS_BORDER,
    HipLabel.FEMORAL_CORTEX,
]
FRAME_STEP = 3
VOXEL_MM = 0.5
_MEASURED = "real: 5 open still cases; simulated: one picture per infant"
_PRINTED_NOTE = "real: printed, not tuned to; real labelled pixels measured 27 to 67"


def grey_table(planes: list[StandardPlane], cohort: Cohort, *, sweeps: int) -> pd.DataFrame:
    """Return grey levels by region, simulated beside real.

    Parameters
    ----------
    planes : list of StandardPlane
    cohort : Cohort
        Its labelled sweeps give the normalisation; NaN for a cohort without truth masks.
    sweeps : int
        How many of them are read.

    Returns
    -------
    pandas.DataFrame
        Columns of `COLUMNS`; `count` pictures, pixels or voxels, `simulated_sd` between
        pictures.
    """
    rows = []
    for region in REGIONS:
        for quantity, real, values in (
            ("mean", REAL_GREY[region], [plane.grey[region] for plane in planes]),
            ("texture SD", REAL_TEXTURE_SD[region], [one.texture_sd[region] for one in planes]),
        ):
            known = np.array(values)[np.isfinite(values)]
            found = (known.mean(), known.std(ddof=1)) if len(known) > 1 else (np.nan, np.nan)
            rows.append((region, quantity, *found, len(known), real, _MEASURED))
    pixels, voxels = _labelled(cohort, sweeps)
    for (region, printed), values in zip(PRINTED.items(), (pixels, voxels), strict=True):
        found = (values.mean(), values.std()) if len(values) else (np.nan, np.nan)
        for quantity, ours, real in zip(("mean", "SD"), found, printed, strict=True):
            rows.append((region, quantity, ours, np.nan, len(values), real, _PRINTED_NOTE))
    return pd.DataFrame(rows, columns=COLUMNS)


def _labelled(cohort: Cohort, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return grey levels of labelled pixels and of labelled voxels of some training sweeps."""
    pixels, voxels = [np.empty(0)], [np.empty(0)]
    for row in _chosen(cohort, count):
        sweep = cohort.sweep(row.subject_id, row.sweep_id)
        path = cohort.folder / files_of(row.subject_id, row.sweep_id).masks
        kept = slice(int(row.trim_start), int(row.trim_stop))
        frames = np.asarray(sweep.frames[:])[kept]
        masks = np.asarray(metafile.read(path).frames[:])[kept]
        masks = np.where(np.isin(masks, _LABELS), masks, 0)
        shown, labels = frames[::FRAME_STEP], masks[::FRAME_STEP]
        pixels.append(shown[labels > 0].astype(np.float64))
        voxels.append(_labelled_voxels(frames, masks, sweep.T_pixel_to_reference[kept]))
    return np.concatenate(pixels), np.concatenate(voxels)


def _chosen(cohort: Cohort, count: int) -> list:
    """Return the first usable labelled training sweeps, one of each subject in turn."""
    needed = {"is_labelled_2d", "split"} <= set(cohort.subjects) and "trim_stop" in cohort.sweeps
    if not needed:
        return []
    table = cohort.sweeps.merge(cohort.subjects, on="subject_id")
    table = table[(table.split == "train") & (table.is_labelled_2d == 1) & (table.is_usable == 1)]
    table = table[table.sweep_type.isin(VOLUMETRIC)]
    turn = table.groupby("subject_id").cumcount()
    ordered = table.assign(turn=turn).sort_values(["turn", "subject_id"], kind="stable")
    rows = ordered.itertuples()
    masked = (
        row
        for row in rows
        if (cohort.folder / files_of(row.subject_id, row.sweep_id).masks).is_file()
    )
    return list(islice(masked, count))


def _labelled_voxels(frames: np.ndarray, masks: np.ndarray, T_pixel_to_world) -> np.ndarray:
    """Return the grey levels of a volume's labelled voxels; no hole is filled."""
    region = ImageRegion.whole(frames.shape[1:])
    grid = grid_around(T_pixel_to_world, region, spacing_xyz_mm=VOXEL_MM)
    grey = voxelise(frames, T_pixel_to_world, grid, interpolation="nearest")
    label = voxelise(masks, T_pixel_to_world, grid, interpolation="nearest", compounding="latest")
    return grey.volume[(label.volume > 0) & grey.is_hit].astype(np.float64)
