"""Stage `model_masks`: what every model makes of the test volumes.

The 2D models label each frame and their masks are reconstructed with the sweep, the refined 3D
model labels the volume, so that all can be judged under one protocol (MIDL 2026 paper, appendix
C). Frames are scored here too, as frames: a 2D Dice is never taken from slices of a volume. Model
3.1's masks are those of stage first_round_masks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.metrics import dice_per_label
from hipus.parallel import map_cases
from hipus.segmentation import networks
from hipus.segmentation.assignment import labelled_frames
from hipus.segmentation.frame_label_files import label_file, read_frame_labels
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.sweep_volumes import StudySweep, open_study_sweep
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages.mask_volumes import FRAME_MODELS
from hipus.stages.sweep_volumes import volumes_dir

log = logging.getLogger(__name__)

STAGE = "model_masks"
VOLUME_MODEL = networks.MODEL_3D_REFINED
MODELS = (*FRAME_MODELS, VOLUME_MODEL)
KEY = ["subject_id", "sweep_id", "frame_index", "model_id", "structure"]
ABOUT = ["side", "sweep_type", "cohort"]
COLUMNS = [*KEY[:3], *ABOUT, *KEY[3:], "dice_truth", "dice_label"]


def main(study: config.Study) -> Iterable[Path]:
    """Write masks, table and metrics; return the inputs."""
    rows = cases_of(study)
    out = masks_dir(study.profile)
    for model_id in MODELS:
        (out / model_id).mkdir(parents=True, exist_ok=True)
    if rows.empty or not all(mask_volumes.is_trained(study.profile, one) for one in MODELS):
        log.warning("%s SKIPPED: no test volume, or a model was not trained", STAGE)
        runner.write_empty(study, {"frame_scores": COLUMNS})
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    make = partial(write_masks, study=study, out=out)
    cases = [row for _, row in rows.iterrows()]
    found = map_cases(make, cases, progress="masks of all models", name=_name)
    table = pd.DataFrame([row for part in found for row in part], columns=COLUMNS)
    runner.write_tables(study, {"frame_scores": (table, KEY)})
    tables.write_metrics(make_metrics(table), paths.metrics_file(study.profile, STAGE))
    return [volumes_dir(study.profile) / f"{_name(row)}_grey.mha" for row in cases]


def masks_dir(profile: str) -> Path:
    """Return `results/<profile>/model_masks`, with a folder for each model."""
    return paths.results_dir(profile) / STAGE


def cases_of(study: config.Study) -> pd.DataFrame:
    """Return the test volumes: of study subjects, and of the test-only cohort."""
    rows = mask_volumes.volume_cases(study)
    return rows[rows.split == "test"].reset_index(drop=True)


def write_masks(row: pd.Series, *, study: config.Study, out: Path) -> list[dict]:
    """Let every model label one sweep, and write the volumes of its masks.

    Parameters
    ----------
    row : pandas.Series
        As `cases_of` returns them.
    study : Study
    out : Path

    Returns
    -------
    list of dict
        Dice of each labelled frame (`COLUMNS`), model and structure.
    """
    cohort = motion_data.cohort_of(study)
    sweep, grey = open_study_sweep(cohort, row), mask_volumes.read_grey(study, row)
    frames = {one: mask_volumes.segment_frames(study.profile, one, sweep) for one in FRAME_MODELS}
    volumes = mask_volumes.put_into_volume(
        sweep, frames, grey=grey, widest_gap_mm=study.sweep_volumes.widest_gap_mm
    )
    volumes[VOLUME_MODEL] = mask_volumes.segment_volume(study, VOLUME_MODEL, grey)
    for model_id, labels in volumes.items():
        path = mask_volumes.mask_file(out / model_id, row)
        made_by = f"model {model_id}"
        mask_volumes.write_on(grey, labels, path, made_by=made_by, row=row, origin=cohort.origin)
    return list(_frame_rows(study, row, sweep, frames))


def _frame_rows(
    study: config.Study, row: pd.Series, sweep: StudySweep, masks: dict[str, np.ndarray]
) -> Iterator[dict]:
    """Yield the Dice of every third frame, with the truth and with what raters drew there."""
    drawn = _drawn(study.profile, row)
    about = {name: row[name] for name in ("subject_id", "sweep_id", *ABOUT)}
    nothing = np.full(len(STRUCTURES), np.nan)
    for position in labelled_frames(len(sweep)):
        index = sweep.first_frame + int(position)
        for model_id, labels in masks.items():
            own = labels[position]
            truth = nothing if sweep.masks is None else _dice(own, sweep.masks[position])
            label = _dice(own, drawn[index]) if index in drawn else nothing
            for name, *values in zip(STRUCTURES, truth, label, strict=True):
                key = {"frame_index": index, "model_id": model_id, "structure": name.name.lower()}
                scores = dict(zip(("dice_truth", "dice_label"), values, strict=True))
                yield {**about, **key, **scores}


def _dice(labels: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return dice_per_label(labels, reference, STRUCTURES)


def _drawn(profile: str, row: pd.Series) -> dict[int, np.ndarray]:
    """Return the frames that raters labelled, by their place in the recorded sweep."""
    folder = paths.results_dir(profile) / "annotations" / "frames"
    path = label_file(folder, row.subject_id, row.sweep_id)
    if not path.is_file():
        return {}
    labels = read_frame_labels(path)
    return dict(zip(labels.frame_index.tolist(), labels.masks, strict=True))


def _name(row: pd.Series) -> str:
    return f"{row.subject_id}_{row.sweep_id}"


def make_metrics(table: pd.DataFrame) -> dict:
    """Return the stage's headline numbers: mean Dice of frames, by model.

    Parameters
    ----------
    table : pandas.DataFrame
        As the stage writes it.

    Returns
    -------
    dict
        `labelled`: with the raters' labels, of study subjects. `test_only`: with the truth.
        Frames in which neither shows a structure are left out, as their Dice says nothing.
    """
    found: dict = {"sweep_count": table[["subject_id", "sweep_id"]].drop_duplicates().shape[0]}
    for model_id, part in table.groupby("model_id"):
        test_only = part[part.cohort == motion_data.TEST_COHORT]
        found[f"frame_dice_labelled_{model_id}"] = _mean(part, "dice_label")
        found[f"frame_dice_test_only_{model_id}"] = _mean(test_only, "dice_truth")
    return found


def _mean(part: pd.DataFrame, column: str) -> float:
    """Return the mean over structures of the means over frames; NaN without any."""
    return float(part.groupby("structure")[column].mean().mean())


if __name__ == "__main__":
    runner.run(STAGE, main)
