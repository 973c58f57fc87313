"""What the stages that apply networks share: masks of frames and of volumes. No stage itself.

Decides how a network's answer becomes a mask on the grid of the sweep's volume: 3D networks label
the volume, 2D networks every frame, which are then put into the volume by the same poses.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.mask_files import write_mask
from hipus.reconstruction.grid import VoxelGrid
from hipus.segmentation import networks
from hipus.segmentation.first_round import segment_resized
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sweep_volumes import StudySweep, make_sweep_volume
from hipus.stages import motion_data
from hipus.stages.segmentation_training import first_round_shape, model_dir
from hipus.stages.sweep_volumes import grey_file, volumes_dir

FRAME_MODELS = (networks.MODEL_2D, networks.MODEL_2D_HIGH_RESOLUTION, networks.MODEL_2_5D)
VOLUME_MODELS = (networks.MODEL_3D_FIRST_ROUND, networks.MODEL_3D_REFINED)
CASE = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "split"]


@lru_cache(maxsize=len(FRAME_MODELS) + len(VOLUME_MODELS))
def segmenter(profile: str, model_id: str, device: str = "cpu") -> Segmenter:
    """Load a model of the study, once in each process.

    Parameters
    ----------
    profile, model_id : str
    device : str

    Returns
    -------
    Segmenter
        Its answers are means over mirrored pictures where training mirrored them: nnU-Net's own
        way of predicting.
    """
    own = Segmenter.load(model_dir(profile, model_id), device=device)
    axes = tuple(own.model.plan["study"]["mirror_axes"])
    return replace(own, windows=replace(own.windows, mirror_axes=axes))


def is_trained(profile: str, model_id: str) -> bool:
    """Return whether a model of the study was trained; none is where nobody labelled anything."""
    return any(model_dir(profile, model_id).glob("*"))


def volume_cases(study: config.Study) -> pd.DataFrame:
    """Return the sweeps that have a volume on disk, with columns trim_start and trim_stop.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
        Columns of `CASE` and those of the cohort's sweeps, sorted by subject and sweep.
    """
    key = ["subject_id", "sweep_id"]
    path = paths.table_file(study.profile, "sweep_volumes")
    made = tables.read(path, columns=key, dtype=dict.fromkeys(key, str))[key]
    return motion_data.sweep_rows(study, is_needed=False).merge(made, on=key, validate="one_to_one")


def segment_frames(profile: str, model_id: str, sweep: StudySweep) -> np.ndarray:
    """Label every frame of a sweep by a 2D model, (N, H, W) uint8."""
    spacing_yx_mm = tuple(reversed(sweep.pixel_spacing_xy_mm))
    return segmenter(profile, model_id).segment_frames(sweep.frames, spacing_yx_mm=spacing_yx_mm)


def put_into_volume(
    sweep: StudySweep, masks: dict[str, np.ndarray], *, grey: images.Volume, widest_gap_mm: float
) -> dict[str, np.ndarray]:
    """Reconstruct masks of frames on the grid of the sweep's volume.

    Parameters
    ----------
    sweep : StudySweep
    masks : dict of str to numpy.ndarray (N, H, W) uint8
    grey : hipus.images.Volume
        The sweep's volume.
    widest_gap_mm : float

    Returns
    -------
    dict of str to numpy.ndarray (D, H, W) uint8
    """
    grid = VoxelGrid(grey.origin_xyz_mm, grey.spacing_zyx_mm[::-1], grey.array.shape)
    made = make_sweep_volume(sweep, widest_gap_mm=widest_gap_mm, masks=masks, grid=grid)
    return {name: made.labels[name] for name in masks}


def segment_volume(study: config.Study, model_id: str, grey: images.Volume) -> np.ndarray:
    """Label a volume by a 3D model, (D, H, W) uint8."""
    own = segmenter(study.profile, model_id)
    if model_id == networks.MODEL_3D_FIRST_ROUND:
        return segment_resized(own, grey.array, shape_yx=first_round_shape(study))
    return own.segment_volume(grey.array, spacing_zyx_mm=grey.spacing_zyx_mm)


def read_grey(study: config.Study, row) -> images.Volume:
    """Read a sweep's volume, which stage sweep_volumes makes."""
    folder = volumes_dir(study.profile)
    return images.read(tables.existing(grey_file(folder, row.subject_id, row.sweep_id)))


def mask_file(folder: Path, row) -> Path:
    """Return where a sweep's mask lies in a folder."""
    return Path(folder) / f"{row.subject_id}_{row.sweep_id}.mha"


def write_on(grey: images.Volume, labels: np.ndarray, path: Path, *, made_by: str, row, origin):
    """Write a mask where its volume lies, with its scheme beside it."""
    place = (grey.spacing_zyx_mm, grey.origin_xyz_mm, grey.direction)
    write_mask(
        images.Volume(labels, *place), path, scheme="hip", made_by=made_by, origin=origin,
        of=f"{row.subject_id}/{row.sweep_id}",
    )  # fmt: skip
