"""What the five trainings share: from labels on disk to a model's folder. No stage itself.

Decides which labelled frames and volumes each network learns from, and which tables a training
leaves: its course by epoch, and the intensities that it saw. Labels are those of the simulated
raters, never the truth. Where nobody labelled anything, a training is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.segmentation import networks, training
from hipus.segmentation.first_round import resized_labels, resized_volume
from hipus.segmentation.frame_label_files import label_file, read_frame_labels
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.segmentation.training_cases import SPLITS, TrainingCase, with_neighbours
from hipus.stages import motion_data, runner
from hipus.stages.sweep_volumes import grey_file, volumes_dir

log = logging.getLogger(__name__)

STRUCTURES = tuple(training.learned_labels("hip"))
CURVE = ["model_id", "epoch", "train_loss", "val_loss"]
CURVE_COLUMNS = [*CURVE, *(f"dice_{name}" for name in STRUCTURES), "ema", "lr", "seconds"]
INPUT_COLUMNS = ["model_id", "channel", "mean", "sd", "labelled_mean", "labelled_sd"]
#: Frames that model 2.3 sees before and after its own.
REACH = {networks.MODEL_2_5D: 2}

Cases = Callable[[], Iterable[TrainingCase]]


def stage_name(model_id: str) -> str:
    """Return the name of a training's stage, for example "train_21"."""
    return "train_" + model_id.replace(".", "")


def model_dir(profile: str, model_id: str) -> Path:
    """Return `results/<profile>/models/segmentation/<model_id>`."""
    return paths.results_dir(profile) / "models" / "segmentation" / model_id


def train_on_frames(study: config.Study, model_id: str) -> Iterable[Path]:
    """Train a 2D or 2.5D network on the labelled frames; return the inputs.

    Parameters
    ----------
    study : Study
    model_id : {"2.1", "2.2", "2.3"}

    Returns
    -------
    list of Path
    """
    rows = labelled_frames(study)
    folder = paths.results_dir(study.profile) / "annotations" / "frames"
    if rows.empty:
        return _skip(study, model_id, "no frame is labelled")
    cases = partial(frame_cases, study, rows, reach=REACH.get(model_id, 0))
    _train(study, model_id, cases)
    keys = rows[SWEEP_KEY].drop_duplicates().itertuples(index=False)
    return [label_file(folder, *key) for key in keys]


def train_on_volumes(
    study: config.Study, model_id: str, *, labels: str, table: str
) -> Iterable[Path]:
    """Train a 3D network on corrected volumes; return the inputs.

    Parameters
    ----------
    study : Study
    model_id : {"3.1", "3.2"}
    labels : str
        Folder below `annotations`.
    table : str
        The table that lists them, with their split.

    Returns
    -------
    list of Path
    """
    rows = labelled_volumes(study, table)
    if rows.empty:
        return _skip(study, model_id, "no volume is labelled")
    folder = paths.results_dir(study.profile) / "annotations" / labels
    is_resized = model_id == networks.MODEL_3D_FIRST_ROUND
    shape = first_round_shape(study) if is_resized else None
    cases = partial(volume_cases, study.profile, rows, folder=folder, resized_yx=shape)
    _train(study, model_id, cases)
    return [folder / f"{row.subject_id}_{row.sweep_id}.mha" for row in rows.itertuples()]


def first_round_shape(study: config.Study) -> tuple[int, int]:
    """Return the rows and columns of the first 3D round's volumes."""
    return study.sweep_volumes.first_round_rows, study.sweep_volumes.first_round_columns


def labelled_frames(study: config.Study, *, split: str = "split") -> pd.DataFrame:
    """Return the labelled frames that are learned from.

    Parameters
    ----------
    study : Study
    split : {"split", "split_by_frame"}
        The column that says what a frame is for.

    Returns
    -------
    pandas.DataFrame
        subject_id, sweep_id, frame_index and split, sorted; empty where there are none.
    """
    path = paths.table_file(study.profile, "frame_labels")
    found = tables.read(path, columns=(*SWEEP_KEY, "frame_index", split), dtype=_TEXT)
    found = found[[*SWEEP_KEY, "frame_index", split]].rename(columns={split: "split"})
    return found[found.split.isin(SPLITS)].sort_values([*SWEEP_KEY, "frame_index"])


_TEXT = dict.fromkeys(SWEEP_KEY, str)


def labelled_volumes(study: config.Study, table: str) -> pd.DataFrame:
    """Return the corrected volumes that are learned from: subject_id, sweep_id, split."""
    path = paths.table_file(study.profile, table)
    found = tables.read(path, columns=(*SWEEP_KEY, "split"), dtype=_TEXT)
    found = found[[*SWEEP_KEY, "split"]].drop_duplicates()
    return found[found.split.isin(SPLITS)].sort_values(SWEEP_KEY)


def frame_cases(
    study: config.Study, rows: pd.DataFrame, *, reach: int = 0
) -> Iterator[TrainingCase]:
    """Yield labelled frames, each with its neighbours as channels.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        As `labelled_frames`.
    reach : int
        Frames on either side; beyond the ends of a sweep its end frame is repeated.

    Yields
    ------
    TrainingCase

    Raises
    ------
    ValueError
        If a listed frame has no label.
    """
    cohort = motion_data.cohort_of(study)
    folder = paths.results_dir(study.profile) / "annotations" / "frames"
    sweeps = motion_data.sweep_rows(study).set_index(SWEEP_KEY, drop=False)
    for key, part in rows.groupby(SWEEP_KEY):
        sweep = open_study_sweep(cohort, sweeps.loc[key])
        labels = read_frame_labels(label_file(folder, *key))
        place = {int(index): k for k, index in enumerate(labels.frame_index)}
        for row in part.itertuples():
            if row.frame_index not in place:
                raise ValueError(f"{key[0]}/{key[1]}: frame {row.frame_index} has no label")
            position = int(row.frame_index) - sweep.first_frame
            yield TrainingCase(
                case_id=f"{key[0]}_{key[1]}_f{row.frame_index:04d}",
                subject_id=key[0],
                split=row.split,
                channels=with_neighbours(sweep.frames, position, reach=reach),
                labels=labels.masks[place[int(row.frame_index)]],
                spacing_mm=tuple(reversed(sweep.pixel_spacing_xy_mm)),
            )


def volume_cases(
    profile: str, rows: pd.DataFrame, *, folder: Path, resized_yx: tuple[int, int] | None = None
) -> Iterator[TrainingCase]:
    """Yield corrected volumes.

    Parameters
    ----------
    profile : str
    rows : pandas.DataFrame
        As `labelled_volumes`.
    folder : path-like
        Of the corrected masks.
    resized_yx : tuple of 2 int, optional
        Rows and columns that every volume is resized to; the spacing is then only a name.

    Yields
    ------
    TrainingCase
    """
    for row in rows.itertuples():
        stem = f"{row.subject_id}_{row.sweep_id}"
        grey = images.read(grey_file(volumes_dir(profile), row.subject_id, row.sweep_id))
        labels = read_mask(Path(folder) / f"{stem}.mha", scheme="hip").array
        volume = grey.array
        if resized_yx is not None:
            volume = resized_volume(volume, resized_yx)
            labels = resized_labels(labels, resized_yx)
        yield TrainingCase(
            case_id=stem,
            subject_id=row.subject_id,
            split=row.split,
            channels=np.asarray(volume)[None],
            labels=labels,
            spacing_mm=grey.spacing_zyx_mm,
        )


def _train(study: config.Study, model_id: str, cases: Cases) -> None:
    """Train, and write the course of it."""
    stage = stage_name(model_id)
    done = training.train(
        model_id,
        cases,
        getattr(study, "model_" + model_id.replace(".", "")),
        work_dir=paths.work_dir(study.profile) / "segmentation" / model_id,
        model_dir=model_dir(study.profile, model_id),
        seed=study.common.seed,
        device=study.motion.device,
        title=f"model {model_id}",
        origin=motion_data.cohort_of(study).origin,
    )
    curve, inputs = curve_table(model_id, done.epochs), input_table(model_id, done.facts.channels)
    runner.write_tables(study, _content(model_id, curve, inputs))
    tables.write_metrics(_metrics(done, curve), paths.metrics_file(study.profile, stage))


def curve_table(model_id: str, epochs: Iterable[dict]) -> pd.DataFrame:
    """Return the course of a training, a row per epoch (`CURVE_COLUMNS`)."""
    rows = []
    for epoch in epochs:
        dice = {f"dice_{name}": v for name, v in zip(STRUCTURES, epoch["dice"], strict=True)}
        rows.append({"model_id": model_id, **epoch, **dice})
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def input_table(model_id: str, channels) -> pd.DataFrame:
    """Return the intensities of each channel before normalisation (`INPUT_COLUMNS`)."""
    rows = [
        {"model_id": model_id, "channel": number, **asdict(channel)}
        for number, channel in enumerate(channels)
    ]
    return pd.DataFrame(rows, columns=INPUT_COLUMNS)


def _content(model_id: str, curve: pd.DataFrame, inputs: pd.DataFrame) -> dict:
    """Return a training's tables by name."""
    digits = model_id.replace(".", "")
    return {
        f"learning_curve_{digits}": (curve, ["epoch"]),
        f"network_inputs_{digits}": (inputs, ["channel"]),
    }


def _metrics(done: training.TrainedSegmenter, curve: pd.DataFrame) -> dict:
    """Return a training's headline numbers; Dice are nnU-Net's own, of patches."""
    last = curve.iloc[-1]
    return {
        "epochs": len(curve),
        **{f"cases_{split}": count for split, count in done.facts.counts.items()},
        **{f"validation_patch_dice_{name}": last[f"dice_{name}"] for name in STRUCTURES},
        "preparation_s": done.preparation_s,
        "training_s": done.training_s,
        "device": done.device,
    }


def _skip(study: config.Study, model_id: str, why: str) -> list[Path]:
    """Write the form of a skip: every output, and nothing in it."""
    stage = stage_name(model_id)
    log.warning("%s SKIPPED: %s", stage, why)
    model_dir(study.profile, model_id).mkdir(parents=True, exist_ok=True)
    empty = [pd.DataFrame(columns=columns) for columns in (CURVE_COLUMNS, INPUT_COLUMNS)]
    runner.write_tables(study, {k: (t, []) for k, (t, _) in _content(model_id, *empty).items()})
    tables.write_metrics({}, paths.metrics_file(study.profile, stage))
    return []
