"""The volumetric rater's errors and beginnings, arms of `segmentation_arms`. No stage of its own.

Decides that the second round is repeated from the rater onwards: the same volumes and lapses of
attention, errors scaled or the prior taken away, and model 3.2 trained on what comes of it with
nothing else changed. Model 3.1 and its masks stay: what a worse rater does to them is not asked.
Networks are judged by truth on the test-only cohort, whose labels no arm touches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from pathlib import Path

import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.metrics import dice_per_label
from hipus.parallel import map_cases
from hipus.segmentation import networks, training
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.training_cases import SPLITS
from hipus.segmentation.volume_scores import TEXT, read_on
from hipus.stages import motion_data, segmentation_training, volume_labels
from hipus.stages.model_masks import masks_dir
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_arm_effort import PRIORS
from hipus.stages.segmentation_arm_tables import COLUMNS
from hipus.stages.study_raters import CORRECTS
from hipus.stages.sweep_volumes import grey_file, truth_file, volumes_dir
from hipus.stages.volume_label_tables import CASE, mask_file
from hipus.stages.volume_labels import (
    FIRST_ROUND_MASKS,
    FROM_NOTHING,
    CorrectedVolumes,
    Task,
)
from hipus.stages.volume_labels_refined import ROUND

MODEL_ID = networks.MODEL_3D_REFINED


@dataclass(frozen=True)
class Arm:
    """What the rater begins with, and how much he errs.

    Attributes
    ----------
    prior : str
        One of `segmentation_arm_effort.PRIORS`.
    error_scale : float
    """

    prior: str
    error_scale: float

    @property
    def key(self) -> tuple[str, float]:
        """Return the columns that name it in tables."""
        return self.prior, self.error_scale

    def __str__(self) -> str:
        """Return its name in files and messages."""
        return f"{self.prior}_x{self.error_scale:g}"


#: What the study itself does.
OWN = Arm(FIRST_ROUND_MASKS, 1.0)


def trained_arms(error_scales: Sequence[float]) -> list[Arm]:
    """Return the arms that model 3.2 is trained for: other errors, and no prior."""
    return [*(Arm(OWN.prior, scale) for scale in error_scales), Arm(FROM_NOTHING, 1.0)]


def effort_arms(error_scales: Sequence[float]) -> list[Arm]:
    """Return the arms whose effort is compared: every prior at every scale, 1 among them."""
    scales = sorted({OWN.error_scale, *error_scales})
    return [Arm(prior, scale) for scale, prior in product(scales, PRIORS)]


def labelled_volumes(study: config.Study, table: str = "volume_labels_refined") -> pd.DataFrame:
    """Return the rows of a table of corrected volumes, with every structure's Dice."""
    return tables.read(paths.table_file(study.profile, table), columns=CASE, dtype=TEXT)


def learned_volumes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the volumes among corrected ones that a network learns from: columns of `CASE`."""
    learned = rows[rows.split.isin(SPLITS)][CASE]
    return learned.drop_duplicates().sort_values(SWEEP_KEY).reset_index(drop=True)


def correct(
    study: config.Study, cases: Mapping[Arm, pd.DataFrame], *, scratch: Path
) -> list[CorrectedVolumes]:
    """Let the rater of the second round correct volumes under the terms of arms.

    Parameters
    ----------
    study : Study
    cases : mapping of Arm to pandas.DataFrame
        subject_id and sweep_id of each arm's volumes.
    scratch : path-like

    Returns
    -------
    list of CorrectedVolumes
        Of each arm; masks lie in `arm_labels(scratch, arm)`.
    """
    # Whole rows of the cohort: raters look at the sweeps, which are to be trimmed as stated.
    rows = volume_labels.volume_rows(study)
    jobs = [
        (keys[SWEEP_KEY].merge(rows, validate="one_to_one"), task_of(study, arm, scratch))
        for arm, keys in cases.items()
    ]
    work = partial(_correct, study=study)
    # An arm is a case here, because workers take longer to start than a rater to correct.
    return map_cases(work, jobs, progress="arms corrected", name=lambda job: job[1].out_folder.name)


def _correct(job: tuple[pd.DataFrame, Task], *, study: config.Study) -> CorrectedVolumes:
    """Correct the volumes of one arm."""
    rows, task = job
    return volume_labels.correct_cases(study, rows.sort_values(SWEEP_KEY), task=task)


def task_of(study: config.Study, arm: Arm, scratch: Path) -> Task:
    """Return what the rater of the second round is asked to do in an arm."""
    folder = paths.results_dir(study.profile) / arm.prior
    is_own = arm.prior == FIRST_ROUND_MASKS
    return Task(
        rater_name=CORRECTS,
        round_name=ROUND,
        prior_folder=None if arm.prior == FROM_NOTHING else folder,
        out_folder=arm_labels(scratch, arm),
        error_scale=arm.error_scale,
        smoothing_mm=study.volume_labels.smoothing_mm if is_own else None,
    )


def arm_labels(scratch: Path, arm: Arm) -> Path:
    """Return the folder of an arm's corrected masks."""
    return Path(scratch) / "labels" / str(arm)


def train(
    study: config.Study, arm: Arm, learned: pd.DataFrame, *, scratch: Path
) -> training.TrainedSegmenter:
    """Train model 3.2 on the labels of an arm, or take what is finished.

    Parameters
    ----------
    study : Study
    arm : Arm
    learned : pandas.DataFrame
        As `learned_volumes` returns them.
    scratch : path-like

    Returns
    -------
    TrainedSegmenter
    """
    cases = partial(
        segmentation_training.volume_cases, study.profile, learned, folder=arm_labels(scratch, arm)
    )
    return training.train(
        MODEL_ID,
        cases,
        study.model_32,
        work_dir=Path(scratch) / "trainings",
        model_dir=Path(scratch) / "models" / f"{MODEL_ID}_{arm}",
        seed=study.common.seed,
        device=study.motion.device,
        title=f"model {MODEL_ID}, {str(arm).replace('_', ' ')}",
        origin=motion_data.cohort_of(study).origin,
    )


def test_only(study: config.Study) -> pd.DataFrame:
    """Return the volumes that networks are judged on."""
    rows = volume_labels.volume_rows(study)
    return rows[rows.cohort == TEST_COHORT]


def judge(
    study: config.Study, networks_of: Mapping[Arm, Path | None], cases: pd.DataFrame
) -> pd.DataFrame:
    """Score networks by truth.

    Parameters
    ----------
    study : Study
    networks_of : mapping of Arm to path-like or None
        Each arm's model; None for the study's own network, whose masks are read.
    cases : pandas.DataFrame
        As `test_only` returns them.

    Returns
    -------
    pandas.DataFrame
        `rater_error_cases`.
    """
    jobs = [
        (case, arm, folder)
        for arm, folder in networks_of.items()
        for _, case in cases[SWEEP_KEY].iterrows()
    ]
    score = partial(_score_volume, profile=study.profile)
    found = map_cases(
        score, jobs, progress="volumes of the arms", name=lambda job: f"{job[1]} {'/'.join(job[0])}"
    )
    return pd.DataFrame([row for part in found for row in part])[COLUMNS["rater_error_cases"]]


def _score_volume(job: tuple[pd.Series, Arm, Path | None], *, profile: str) -> list[dict]:
    """Return a row per structure of one volume."""
    case, arm, model_dir = job
    folder, key = volumes_dir(profile), (case.subject_id, case.sweep_id)
    truth = read_mask(tables.existing(truth_file(folder, *key)), scheme="hip")
    if model_dir is None:
        labels = read_on(mask_file(masks_dir(profile) / MODEL_ID, case), truth)
    else:
        grey = images.read(tables.existing(grey_file(folder, *key)))
        spacing = grey.spacing_zyx_mm
        labels = _segmenter(Path(model_dir)).segment_volume(grey.array, spacing_zyx_mm=spacing)
    dice = dice_per_label(labels, truth.array, STRUCTURES)
    about = {"prior": arm.prior, "error_scale": arm.error_scale, **case.to_dict()}
    return [
        {**about, "structure": label.name.lower(), "dice": value}
        for label, value in zip(STRUCTURES, dice, strict=True)
    ]


@lru_cache(maxsize=8)
def _segmenter(folder: Path) -> Segmenter:
    """Load a network of a few, once in each process."""
    return Segmenter.load(folder)
