"""The split by frame, a study arm of `segmentation_arms`. No stage of its own.

Decides that model 2.1 is trained once more, with nothing changed but which labelled frames it
learns from, and that both splits are judged on their own test frames and on every third frame of
the test-only cohort. This is the one place where frames of an infant may stand on both sides: the
printed split may do so, and the difference is what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY, Cohort
from hipus.metrics import dice_per_label
from hipus.parallel import map_cases
from hipus.segmentation import networks, training
from hipus.segmentation.assignment import labelled_frames
from hipus.segmentation.frame_label_files import label_file, read_frame_labels
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.segmentation.volume_scores import TEXT
from hipus.stages import mask_volumes, motion_data, segmentation_training
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_arm_tables import (
    BY_FRAME,
    BY_SUBJECT,
    COLUMNS,
    OWN_TEST,
    TEST_ONLY,
)
from hipus.stages.volume_labels import annotations_dir

MODEL_ID = networks.MODEL_2D
_FRAME = [*SWEEP_KEY, "frame_index"]


def train(study: config.Study, scratch: Path) -> training.TrainedSegmenter:
    """Train model 2.1 on the frames of the split by frame, or take what is finished.

    Parameters
    ----------
    study : Study
    scratch : path-like

    Returns
    -------
    TrainedSegmenter
    """
    rows = segmentation_training.labelled_frames(study, split="split_by_frame")
    return training.train(
        MODEL_ID,
        partial(segmentation_training.frame_cases, study, rows),
        study.model_21,
        work_dir=scratch / "trainings",
        model_dir=scratch / "models" / f"{MODEL_ID}_{BY_FRAME}",
        seed=study.common.seed,
        device=study.motion.device,
        title=f"model {MODEL_ID}, split by frame",
        splits_by="frame",
        origin=motion_data.cohort_of(study).origin,
    )


def frame_labels(study: config.Study) -> pd.DataFrame:
    """Return subject, sweep, frame_index, split and split_by_frame of all labelled frames."""
    path = paths.table_file(study.profile, "frame_labels")
    columns = [*_FRAME, "split", "split_by_frame"]
    return tables.read(path, columns=columns, dtype=TEXT)[columns]


def trained_share(labelled: pd.DataFrame) -> float:
    """Return the share of frames to test by frame whose sweep was learned from.

    Parameters
    ----------
    labelled : pandas.DataFrame
        As `frame_labels` returns it.

    Returns
    -------
    float
    """
    learned = labelled[labelled.split_by_frame == "train"][SWEEP_KEY].drop_duplicates()
    test = labelled[labelled.split_by_frame == "test"]
    return len(test.merge(learned, on=SWEEP_KEY)) / len(test)


def split_arm_frames(study: config.Study, model_dir: Path) -> pd.DataFrame:
    """Return the Dice of all frames that either split is judged on.

    Parameters
    ----------
    study : Study
    model_dir : path-like
        Of the network that learned by frame.

    Returns
    -------
    pandas.DataFrame
        `segmentation_arm_tables.COLUMNS["split_arm_frames"]`; the network that learned by
        subject is the study's own, whose scores are read.
    """
    labelled = frame_labels(study)
    by_subject = _of_own_model(study, labelled)
    sweeps = mask_volumes.volume_cases(study)
    own = labelled[labelled.split_by_frame == "test"]
    cases = [*_own_cases(motion_data.sweep_rows(study), own), *_test_only_cases(sweeps)]
    score = partial(
        score_frames, cohort=motion_data.cohort_of(study), model_dir=Path(model_dir),
        labels=annotations_dir(study.profile, "frames"),
    )  # fmt: skip
    found = map_cases(score, cases, progress="frames of the split by frame", name=_name)
    by_frame = pd.DataFrame([row for part in found for row in part])
    parts = [by_subject.assign(split=BY_SUBJECT), by_frame.assign(split=BY_FRAME)]
    return pd.concat(parts, ignore_index=True)[COLUMNS["split_arm_frames"]]


def _of_own_model(study: config.Study, labelled: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the study's model 2.1 on its labelled test frames and the cohort's."""
    path = paths.table_file(study.profile, "frame_scores")
    needed = ("cohort", "structure", "dice_truth", "dice_label")
    scores = tables.read(path, columns=(*_FRAME, "model_id", *needed), dtype=TEXT)
    scores = scores[scores.model_id == MODEL_ID]
    test = labelled[labelled.split == "test"][_FRAME]
    own = test.merge(scores, on=_FRAME, how="left")
    missing = own[own.structure.isna()]
    if len(missing):
        one = missing.iloc[0]
        raise ValueError(
            f"{path.name}: {len(missing)} labelled test frames have no score, "
            f"{one.subject_id}/{one.sweep_id} frame {one.frame_index} is the first"
        )
    others = scores[scores.cohort == TEST_COHORT]
    parts = [own.assign(judged_on=OWN_TEST), others.assign(judged_on=TEST_ONLY)]
    return pd.concat(parts, ignore_index=True)


def _own_cases(sweeps: pd.DataFrame, own: pd.DataFrame) -> Iterator[tuple[pd.Series, np.ndarray]]:
    """Yield sweeps with the places of their test frames."""
    rows = sweeps.set_index(SWEEP_KEY, drop=False)
    for key, part in own.groupby(SWEEP_KEY):
        yield rows.loc[key], part.frame_index.to_numpy()


def _test_only_cases(sweeps: pd.DataFrame) -> Iterator[tuple[pd.Series, None]]:
    """Yield the sweeps of the test-only cohort."""
    for _, row in sweeps[sweeps.cohort == TEST_COHORT].iterrows():
        yield row, None


def _name(case: tuple[pd.Series, np.ndarray | None]) -> str:
    return f"{case[0].subject_id}/{case[0].sweep_id}"


def score_frames(
    case: tuple[pd.Series, Iterable[int] | None], *, cohort: Cohort, model_dir: Path, labels: Path
) -> list[dict]:
    """Label frames of one sweep by a 2D network, and score them by truth and raters' labels.

    Parameters
    ----------
    case : tuple of (pandas.Series, iterable of int or None)
        The sweep's row and the frames' places in the recorded sweep; None for every third frame
        that counts, of which nobody drew any.
    cohort : Cohort
        With truth.
    model_dir : pathlib.Path
    labels : pathlib.Path
        Folder of the raters' labels.

    Returns
    -------
    list of dict
        judged_on, subject_id, sweep_id, frame_index, structure, dice_truth, dice_label.
    """
    row, places = case
    sweep = open_study_sweep(cohort, row)
    drawn: dict[int, np.ndarray] = {}
    judged_on = TEST_ONLY if places is None else OWN_TEST
    if places is None:
        places = sweep.first_frame + labelled_frames(len(sweep))
    else:
        known = read_frame_labels(label_file(labels, row.subject_id, row.sweep_id))
        drawn = dict(zip(known.frame_index.tolist(), known.masks, strict=True))
    positions = np.asarray(places) - sweep.first_frame
    spacing = tuple(reversed(sweep.pixel_spacing_xy_mm))
    found = _segmenter(model_dir).segment_frames(sweep.frames[positions], spacing_yx_mm=spacing)
    rows = []
    for index, own in zip(places, found, strict=True):
        truth = dice_per_label(own, sweep.masks[index - sweep.first_frame], STRUCTURES)
        label = np.full(len(STRUCTURES), np.nan)
        if judged_on == OWN_TEST:
            label = dice_per_label(own, drawn[int(index)], STRUCTURES)
        key = {"judged_on": judged_on, "subject_id": row.subject_id, "sweep_id": row.sweep_id}
        key["frame_index"] = int(index)
        for structure, *dice in zip(STRUCTURES, truth, label, strict=True):
            scores = dict(zip(("dice_truth", "dice_label"), dice, strict=True))
            rows.append({**key, "structure": structure.name.lower(), **scores})
    return rows


@lru_cache(maxsize=1)
def _segmenter(folder: Path) -> Segmenter:
    """Load a network, once in each process."""
    return Segmenter.load(folder)
