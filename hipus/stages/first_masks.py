"""Stage `first_masks`: masks of frames put into volumes, and the streaks that this leaves.

Model 2.2 labels every frame of the sweeps with 3D labels (MIDL 2026 paper, section 6.4), and the
masks are reconstructed with the sweep. A network of single frames knows nothing of the next one:
how stepped the result is, is measured beside the truth put through the same reconstruction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.mask_files import read_mask
from hipus.metrics import dice_per_label
from hipus.parallel import map_cases
from hipus.segmentation import networks
from hipus.segmentation.streaks import SHAPE, streaks
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages.mask_volumes import CASE
from hipus.stages.sweep_volumes import truth_file, volumes_dir

log = logging.getLogger(__name__)

STAGE = "first_masks"
MODEL_ID = networks.MODEL_2D_HIGH_RESOLUTION
COLUMNS = [*CASE, "structure", "dice", *SHAPE, *(f"truth_{name}" for name in SHAPE)]


def main(study: config.Study) -> Iterable[Path]:
    """Write masks, table and metrics; return the inputs."""
    out = masks_dir(study.profile)
    out.mkdir(parents=True, exist_ok=True)
    rows = cases_of(study)
    if rows.empty or not mask_volumes.is_trained(study.profile, MODEL_ID):
        log.warning("%s SKIPPED: nobody labelled a sweep", STAGE)
        runner.write_empty(study, {STAGE: COLUMNS})
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    make = partial(write_masks, study=study, out=out)
    cases = [row for _, row in rows.iterrows()]
    found = map_cases(make, cases, progress="first masks", name=_name)
    table = pd.DataFrame([row for part in found for row in part], columns=COLUMNS)
    runner.write_tables(study, {STAGE: (table, ["subject_id", "sweep_id", "structure"])})
    tables.write_metrics(make_metrics(table), paths.metrics_file(study.profile, STAGE))
    return [volumes_dir(study.profile) / f"{_name(row)}_grey.mha" for row in cases]


def _name(row: pd.Series) -> str:
    return f"{row.subject_id}_{row.sweep_id}"


def masks_dir(profile: str) -> Path:
    """Return `results/<profile>/first_masks`."""
    return paths.results_dir(profile) / STAGE


def cases_of(study: config.Study) -> pd.DataFrame:
    """Return the sweeps of subjects with 3D labels."""
    rows = mask_volumes.volume_cases(study)
    if "is_labelled_3d" not in rows:
        return rows.iloc[:0]
    return rows[rows.is_labelled_3d.fillna(0).astype(bool)].reset_index(drop=True)


def write_masks(row: pd.Series, *, study: config.Study, out: Path) -> list[dict]:
    """Label one sweep's frames, write the volume of their masks, and measure it.

    Parameters
    ----------
    row : pandas.Series
        As `cases_of` returns them.
    study : Study
    out : Path

    Returns
    -------
    list of dict
        A row per structure (`COLUMNS`); NaN where there is no truth.
    """
    cohort = motion_data.cohort_of(study)
    sweep, grey = open_study_sweep(cohort, row), mask_volumes.read_grey(study, row)
    frames = mask_volumes.segment_frames(study.profile, MODEL_ID, sweep)
    labels = mask_volumes.put_into_volume(
        sweep, {MODEL_ID: frames}, grey=grey, widest_gap_mm=study.sweep_volumes.widest_gap_mm
    )[MODEL_ID]
    made_by = f"model {MODEL_ID}, frame by frame"
    path = mask_volumes.mask_file(out, row)
    mask_volumes.write_on(grey, labels, path, made_by=made_by, row=row, origin=cohort.origin)
    truth = truth_file(volumes_dir(study.profile), row.subject_id, row.sweep_id)
    known = read_mask(truth, scheme="hip").array if truth.is_file() else None
    return list(_rows(row, labels, known, grey.spacing_zyx_mm))


def _rows(row: pd.Series, labels: np.ndarray, truth: np.ndarray | None, spacing_zyx_mm):
    """Yield a row per structure."""
    own = streaks(labels, spacing_zyx_mm)
    nothing = np.full(len(STRUCTURES), np.nan)
    dice = nothing if truth is None else dice_per_label(labels, truth, STRUCTURES)
    true = () if truth is None else streaks(truth, spacing_zyx_mm)
    for number, label in enumerate(STRUCTURES):
        known = asdict(true[number]) if true else {}
        known = {f"truth_{name}": value for name, value in known.items()}
        key = {**row[CASE].to_dict(), "structure": label.name.lower(), "dice": dice[number]}
        yield {**key, **asdict(own[number]), **known}


def make_metrics(table: pd.DataFrame) -> dict:
    """Return the stage's headline numbers: means over volumes."""
    found = {"volume_count": table[["subject_id", "sweep_id"]].drop_duplicates().shape[0]}
    for split, part in table.groupby("split"):
        found[f"dice_{split}"] = part.dice.mean()
    for name in SHAPE:
        found[name] = table[name].mean()
        found[f"truth_{name}"] = table[f"truth_{name}"].mean()
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
