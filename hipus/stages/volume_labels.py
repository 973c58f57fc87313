"""What both stages of volume labels share: a rater corrects prior masks in 3D. No stage itself.

Decides which files a correction reads and writes. The rater sees the
picture and the prior mask; truth reaches nothing but its idea, and is compared with before and
after. Errors, effort and all labels are simulated.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.mask_files import read_mask, write_mask
from hipus.metrics import dice_per_label
from hipus.parallel import map_cases
from hipus.phantom.annotator.rater import DRAWN
from hipus.phantom.annotator.volume import correct_volume
from hipus.seeds import generator
from hipus.segmentation.effort import effort
from hipus.segmentation.finer_grid import divided, finer_grid, united
from hipus.segmentation.mask_shape import smooth_labels
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, make_sweep_volume, open_study_sweep
from hipus.stages import motion_data
from hipus.stages.motion_volume_sweeps import has_truth
from hipus.stages.study_raters import idea_of_hip, person
from hipus.stages.volume_label_tables import (
    CASE,
    EFFORT_COLUMNS,
    SCHEME,
    SCORE_COLUMNS,
    TASK,
    mask_file,
)

FROM_NOTHING = "nothing"
#: Folders below `results/<profile>`: 2D predictions put into volumes, and model 3.1's predictions.
FIRST_MASKS, FIRST_ROUND_MASKS = "first_masks", "first_round_masks"


@dataclass(frozen=True)
class Task:
    """What one rater is asked to do.

    Attributes
    ----------
    rater_name : str
        See `study_raters`.
    round_name : str
        Equal names give equal lapses of attention, whatever the prior or the scale of errors:
        arms that differ in these alone are compared on the same noise.
    prior_folder : pathlib.Path or None
        Of the masks that are corrected; None to draw from nothing.
    out_folder : pathlib.Path
    error_scale : float
        Multiplies the rater's errors.
    smoothing_mm : float or None
        Width of the Gaussian that priors are smoothed with first.
    """

    rater_name: str
    round_name: str
    prior_folder: Path | None
    out_folder: Path
    error_scale: float = 1.0
    smoothing_mm: float | None = None

    @property
    def key(self) -> dict:
        """Return the columns that name it in tables."""
        prior = FROM_NOTHING if self.prior_folder is None else Path(self.prior_folder).name
        return dict(zip(TASK, (self.rater_name, prior, self.error_scale), strict=True))


@dataclass(frozen=True)
class CorrectedVolumes:
    """What came of a task.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per volume and structure (`SCORE_COLUMNS`): Dice of the prior, as the rater gets
        it, and of the corrected mask with what was insonified.
    effort : pandas.DataFrame
        A row per volume (`EFFORT_COLUMNS`).
    """

    scores: pd.DataFrame
    effort: pd.DataFrame


def volumes_dir(profile: str) -> Path:
    """Return `results/<profile>/sweep_volumes`, which stage sweep_volumes makes."""
    return paths.results_dir(profile) / "sweep_volumes"


def annotations_dir(profile: str, name: str) -> Path:
    """Return `results/<profile>/annotations/<name>`."""
    return paths.results_dir(profile) / "annotations" / name


def volume_rows(study: config.Study) -> pd.DataFrame:
    """Return the usable p_a and p_d sweeps that have truth, all cohorts, or none.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
        As `motion_data.sweep_rows`; empty for a hospital's cohort, which no simulated rater
        can label.
    """
    rows = motion_data.sweep_rows(study, is_needed=False)
    if "is_labelled_3d" not in rows:
        return rows.iloc[:0]
    return rows[has_truth(motion_data.cohort_of(study), rows)].reset_index(drop=True)


def correct_cases(study: config.Study, cases: pd.DataFrame, *, task: Task) -> CorrectedVolumes:
    """Let a rater correct the masks of volumes, and write what it makes of them.

    Parameters
    ----------
    study : Study
    cases : pandas.DataFrame
        subject_id, sweep_id, side, sweep_type, cohort and split.
    task : Task
        Priors must lie on the grids of the volumes; every case must have one.

    Returns
    -------
    CorrectedVolumes

    Raises
    ------
    hipus.parallel.CaseError
        If a file is missing, or a mask lies elsewhere than its volume.
    """
    correct = partial(_correct_one, task=task, study=study)
    rows = [row for _, row in cases.iterrows()]
    title = f"volumes corrected by {task.rater_name}"
    found = map_cases(correct, rows, progress=title, name=lambda row: mask_file("", row).stem)
    return CorrectedVolumes(
        pd.DataFrame([row for scores, _ in found for row in scores], columns=SCORE_COLUMNS),
        pd.DataFrame([row for _, row in found], columns=EFFORT_COLUMNS),
    )


@dataclass(frozen=True)
class _Seen:
    """What a rater sees of a volume, all on one grid."""

    grey: np.ndarray
    truth: np.ndarray
    prior: np.ndarray
    spacing_zyx_mm: tuple[float, ...]


def _seen(study: config.Study, case: pd.Series, *, grey: images.Volume, truth, prior) -> _Seen:
    """Return what a rater sees: the sweep, on a grid fine enough for a rater's errors."""
    factor = study.volume_labels.refinement
    if factor == 1:
        return _Seen(grey.array, truth, prior, grey.spacing_zyx_mm)
    sweep = open_study_sweep(motion_data.cohort_of(study), case)
    gap_mm = study.sweep_volumes.widest_gap_mm
    made = make_sweep_volume(sweep, grid=finer_grid(grey, factor), widest_gap_mm=gap_mm)
    spacing = tuple(side / factor for side in grey.spacing_zyx_mm)
    return _Seen(made.grey, made.labels[TRUTH_LABELS], divided(prior, factor), spacing)


def _correct_one(case: pd.Series, *, task: Task, study: config.Study) -> tuple[list, dict]:
    """Correct one mask; return its rows of scores and its row of effort."""
    volumes, seed = volumes_dir(study.profile), study.common.seed
    stem = f"{case.subject_id}_{case.sweep_id}"
    grey = images.read(tables.existing(volumes / f"{stem}_grey.mha"))
    truth = _labels_on(grey, volumes / f"{stem}_truth.mha")
    prior = np.zeros_like(truth)
    if task.prior_folder is not None:
        prior = _labels_on(grey, mask_file(task.prior_folder, case))
        if task.smoothing_mm is not None:
            prior = smooth_labels(
                prior, spacing_zyx_mm=grey.spacing_zyx_mm, sigma_mm=task.smoothing_mm
            )
    hip = {"subject_id": case.subject_id, "side": case.side}
    name = task.rater_name
    seen = _seen(study, case, grey=grey, truth=truth, prior=prior)
    corrected = correct_volume(
        seen.grey, seen.prior, truth_mask=seen.truth, spacing_zyx_mm=seen.spacing_zyx_mm,
        rater=person(seed, name), rng=generator(seed, "annotation", name, task.round_name, stem),
        error_scale=task.error_scale, misconception=idea_of_hip(seed, name, **hip, ndim=3),
    )  # fmt: skip
    labels = united(corrected.masks, study.volume_labels.refinement)
    write_mask(
        _like(grey, labels), mask_file(task.out_folder, case), scheme=SCHEME,
        made_by=f"simulated rater {name}", origin="simulated",
        of=f"{case.subject_id}/{case.sweep_id}",
    )  # fmt: skip
    key = {**case[CASE].to_dict(), **task.key}
    scores = _score_rows(key, truth, prior=prior, corrected=labels)
    voxel_mm3 = prod(seen.spacing_zyx_mm)
    row = {
        "slice_count": len(seen.truth),
        "labelled_mm3": np.count_nonzero(corrected.masks) * voxel_mm3,
    }
    return scores, {**key, **row, **asdict(effort(corrected, voxel_mm3=voxel_mm3))}


def _score_rows(key: dict, truth, *, prior, corrected) -> list[dict]:
    """Return a row per structure."""
    pairs = zip(*(dice_per_label(mask, truth, DRAWN) for mask in (prior, corrected)), strict=True)
    return [
        {**key, "structure": label.name.lower(), "dice_prior": before, "dice_corrected": after}
        for label, (before, after) in zip(DRAWN, pairs, strict=True)
    ]


def _labels_on(grey: images.Volume, path: Path) -> np.ndarray:
    """Read a mask and check that it lies where its volume does."""
    mask = read_mask(tables.existing(path), scheme=SCHEME).volume
    names = ("spacing_zyx_mm", "origin_xyz_mm", "direction")
    places = [(mask.array.shape, grey.array.shape)]
    places += [(getattr(mask, name), getattr(grey, name)) for name in names]
    if places[0][0] != places[0][1] or not all(np.allclose(*pair, atol=1e-3) for pair in places):
        raise ValueError(
            f"{path}: mask must lie on its volume's grid, {grey.array.shape} voxels of "
            f"{grey.spacing_zyx_mm} mm at {grey.origin_xyz_mm}, got {mask.array.shape} of "
            f"{mask.spacing_zyx_mm} at {mask.origin_xyz_mm}"
        )
    return mask.array


def _like(volume: images.Volume, array: np.ndarray) -> images.Volume:
    """Return an array in the place of a volume."""
    return images.Volume(array, volume.spacing_zyx_mm, volume.origin_xyz_mm, volume.direction)
