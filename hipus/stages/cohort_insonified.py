"""Truth volumes of what a sweep insonified: frame masks put where the probe truly was.

Decides the primary truth in 3D: a voxel carries the label that most of the insonified pixels
around it show, in the hip frame; what no frame reached, or lay in shadow, is background. The
full anatomy is a volume of its own. Only where the cohort has truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import images
from hipus.formats import metafile
from hipus.formats.cohort_layout import Cohort, session_file
from hipus.labels import HipLabel
from hipus.parallel import map_cases
from hipus.phantom.acquisition.session import pixel_to_image
from hipus.phantom.cohort.storage import SweepFiles, files_of
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.holes import fill_gaps
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise

#: Steps between frames reach 1.7 mm in p_d; wider gaps are not bridged.
WIDEST_GAP_MM = 2.0
#: Share of the pixels around a voxel that must show a label.
LEAST_SHARE = 0.5


def write_insonified(cohort: Cohort, sweeps: pd.DataFrame, *, spacing_mm: float) -> int:
    """Write `<sweep>_insonified.mha` beside the truth of every sweep that has 3D labels.

    Parameters
    ----------
    cohort : Cohort
    sweeps : pandas.DataFrame
        Table `cohort_sweeps`.
    spacing_mm : float

    Returns
    -------
    int
        How many volumes were written: p_a and p_d of the subjects with 3D labels and of the
        test-only cohort, where truth masks exist.
    """
    chosen = list(_labelled(cohort, sweeps))
    write = partial(_write_one, folder=cohort.folder, spacing_mm=spacing_mm)
    map_cases(write, chosen, progress="insonified truth", name=lambda case: str(case[0].sweep))
    return len(chosen)


def _write_one(case: tuple[SweepFiles, float], *, folder: Path, spacing_mm: float) -> None:
    """Write one sweep's volume."""
    files, pixel_side_mm = case
    images.write(
        _of_sweep(folder, files, pixel_side_mm, spacing_mm), insonified_file(folder, files)
    )


def insonified_file(folder: Path, files: SweepFiles) -> Path:
    """Return where a sweep's insonified truth volume is written."""
    stem = (Path(folder) / files.volume).name.replace("_anatomy", "_insonified")
    return (Path(folder) / files.volume).with_name(stem)


def _labelled(cohort: Cohort, sweeps: pd.DataFrame) -> Iterator[tuple[SweepFiles, float]]:
    """Yield files and pixel side of the sweeps that get a volume."""
    subjects = cohort.subjects
    if "is_labelled_3d" not in subjects:
        return
    has_labels = (subjects.is_labelled_3d == 1) | (subjects.cohort == "test")
    names = set(subjects.loc[has_labels, "subject_id"])
    for row in sweeps[sweeps.sweep_type.isin(("p_a", "p_d"))].itertuples():
        files = files_of(row.subject_id, row.sweep_id)
        if row.subject_id in names and (cohort.folder / files.masks).is_file():
            session = session_file(cohort.folder, row.subject_id, row.session_id)
            yield files, float(json.loads(session.read_text("utf-8"))["pixel_side_mm"])


def _of_sweep(folder: Path, files: SweepFiles, pixel_side_mm: float, spacing_mm: float):
    """Return the insonified truth of one sweep."""
    masks = np.asarray(metafile.read(folder / files.masks).frames[:])
    with np.load(folder / files.truth) as truth:
        poses = truth["T_image_to_hip"]
    T_pixel_to_hip = poses @ pixel_to_image(masks.shape[1:], pixel_side_mm)
    return insonified_volume(masks, T_pixel_to_hip, spacing_mm=spacing_mm)


def insonified_volume(masks: np.ndarray, T_pixel_to_hip, *, spacing_mm: float) -> images.Volume:
    """Return the volume of labels that posed frame masks make.

    Parameters
    ----------
    masks : numpy.ndarray (N, H, W) uint8
        In the hip scheme; background where nothing is labelled or insonified.
    T_pixel_to_hip : array-like (N, 4, 4)
    spacing_mm : float

    Returns
    -------
    hipus.images.Volume
        uint8, in the hip frame. Per label the share of pixels that show it (trilinear
        weights, gaps up to `WIDEST_GAP_MM` bridged); a voxel carries the label of the largest
        share, if it is at least `LEAST_SHARE`.
    """
    grid = grid_around(
        T_pixel_to_hip, ImageRegion.whole(masks.shape[1:]), spacing_xyz_mm=spacing_mm
    )
    best = np.full(grid.shape_zyx, LEAST_SHARE, np.float32)
    labels = np.zeros(grid.shape_zyx, np.uint8)
    for label in HipLabel:
        is_shown = (masks == label).astype(np.uint8)
        if label == HipLabel.BACKGROUND or not is_shown.any():
            continue
        share = fill_gaps(
            voxelise(is_shown.astype(np.float32), T_pixel_to_hip, grid, threads=1),
            widest_gap_mm=WIDEST_GAP_MM,
        ).volume
        labels[share >= best] = label
        best = np.maximum(best, share)
    return images.Volume(labels, grid.spacing_zyx_mm, grid.origin_xyz_mm)
