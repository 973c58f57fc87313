"""Stage `segmentation_arms`: what a split by frame, a rater's errors and staging itself change.

Run by `make arms`, outside `make reproduce`. Three questions of one study factor each: how much a
split by frame flatters model 2.1, how far the errors of the volumetric rater reach into model 3.2,
and over which range of errors staged rounds save effort, beside labels drawn from nothing. A
killed run goes on where it was: trainings keep checkpoints in work/, and a finished one is not run
again. Labels, networks and minutes are simulated; the networks are not shipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.segmentation.effort import FRAME_THICKNESS_MM
from hipus.segmentation.training_cases import SPLITS
from hipus.segmentation.volume_scores import TEXT
from hipus.stages import (
    runner,
    segmentation_arm_effort,
    segmentation_arm_frames,
    segmentation_arm_tables,
    segmentation_arm_volumes,
    segmentation_training,
)
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_arm_effort import choose_volumes, staging_effort, staging_totals
from hipus.stages.segmentation_arm_tables import rater_error_arm, split_arm, split_inflation
from hipus.stages.segmentation_arm_volumes import OWN, Arm, effort_arms, trained_arms

log = logging.getLogger(__name__)

STAGE = "segmentation_arms"
CURVES = "segmentation_arm_training"
CURVE_COLUMNS = ["arm", *segmentation_training.CURVE_COLUMNS]
COLUMNS = {
    **segmentation_arm_tables.COLUMNS,
    **segmentation_arm_effort.COLUMNS,
    CURVES: CURVE_COLUMNS,
}
KEYS = {
    **segmentation_arm_tables.KEYS,
    **segmentation_arm_effort.KEYS,
    CURVES: ["arm", "epoch"],
}
#: Tables that say whether there is anything to compare with.
NEEDED = ("frame_labels", "volume_labels_refined", "frame_scores")


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; return the inputs."""
    inputs = [paths.table_file(study.profile, name) for name in NEEDED]
    if any(tables.read(path).empty for path in inputs):
        log.warning("%s SKIPPED: nobody labelled anything, or no model was trained", STAGE)
        runner.write_empty(study, COLUMNS)
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    scratch = paths.work_dir(study.profile) / STAGE
    frames, frame_curve, shared = by_frame(study, scratch)
    volumes, curves = by_rater(study, scratch)
    content = {**frames, **volumes, CURVES: pd.concat([frame_curve, *curves], ignore_index=True)}
    runner.write_tables(study, {name: (content[name], KEYS[name]) for name in COLUMNS})
    arms = [arm.key for arm in (OWN, *trained_arms(study.segmentation_arms.error_scales))]
    metrics = segmentation_arm_tables.make_metrics(content, arms)
    metrics |= segmentation_arm_effort.make_metrics(content)
    metrics["share_of_own_test_frames_from_learned_sweeps"] = shared
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return inputs


def by_frame(study: config.Study, scratch: Path) -> tuple[dict, pd.DataFrame, float]:
    """Train and judge the split by frame.

    Parameters
    ----------
    study : Study
    scratch : path-like

    Returns
    -------
    tables : dict of str to pandas.DataFrame
    curve : pandas.DataFrame
        The course of the training.
    shared : float
        Share of its test frames whose sweep it learned from.
    """
    trained = segmentation_arm_frames.train(study, scratch)
    frames = segmentation_arm_frames.split_arm_frames(study, trained.model_dir)
    options = _options(study)
    found = {
        "split_arm_frames": frames,
        "split_arm": split_arm(frames, **options),
        "split_inflation": split_inflation(frames, **options),
    }
    shared = segmentation_arm_frames.trained_share(segmentation_arm_frames.frame_labels(study))
    return found, _curve(trained, segmentation_arm_tables.BY_FRAME), shared


def by_rater(study: config.Study, scratch: Path) -> tuple[dict, list[pd.DataFrame]]:
    """Correct, train and judge under every scale of errors, from every beginning.

    Parameters
    ----------
    study : Study
    scratch : path-like

    Returns
    -------
    tables : dict of str to pandas.DataFrame
    curves : list of pandas.DataFrame
        The courses of the trainings.
    """
    rows = segmentation_arm_volumes.labelled_volumes(study)
    learned = segmentation_arm_volumes.learned_volumes(rows)
    staged = staged_volumes(study, rows)
    scales = study.segmentation_arms.error_scales
    trains = trained_arms(scales)
    both = pd.concat([staged, learned])[SWEEP_KEY].drop_duplicates()
    cases = {
        arm: both if arm in trains else staged
        for arm in dict.fromkeys((*effort_arms(scales), *trains))
    }
    done = segmentation_arm_volumes.correct(study, cases, scratch=scratch)
    labels = [_labels_of(OWN, rows, learned)]
    labels += [
        _labels_of(arm, one.scores, learned)
        for arm, one in zip(cases, done, strict=True)
        if arm in trains
    ]
    is_seen = staged[[*SWEEP_KEY, "is_seen"]]
    effort = pd.concat([one.effort.merge(is_seen, on=SWEEP_KEY) for one in done], ignore_index=True)
    dice, curves = networks_of(study, trains, learned, scratch=scratch)
    labels = pd.concat(labels, ignore_index=True)
    options = _options(study)
    totals = {"counts": _counts(study, learned), **options}
    return {
        "rater_error_cases": dice,
        "rater_error_arm": rater_error_arm(dice, labels, own=OWN.key, **options),
        "staging_effort_cases": effort[COLUMNS["staging_effort_cases"]],
        "staging_effort": staging_effort(effort, **options),
        "staging_totals": staging_totals(effort, learned_frames(study), **totals),
    }, curves


def staged_volumes(study: config.Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Choose the volumes whose effort is compared from all beginnings.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        The table `volume_labels_refined`.

    Returns
    -------
    pandas.DataFrame
        Columns of `volume_label_tables.CASE`, and is_seen: 2.2 or 3.1, which made the masks
        that raters begin with, learned from this infant.
    """
    first = segmentation_arm_volumes.labelled_volumes(study, "volume_labels_first")
    known = [segmentation_arm_frames.frame_labels(study), first]
    seen = {name for table in known for name in table[table.split.isin(SPLITS)].subject_id}
    cases = rows[rows.cohort != TEST_COHORT].drop_duplicates(SWEEP_KEY)
    return choose_volumes(cases, seen, most=study.segmentation_arms.volumes)


def networks_of(
    study: config.Study, arms: Iterable[Arm], learned: pd.DataFrame, *, scratch: Path
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Train and judge model 3.2 for each arm, and judge the study's own.

    Parameters
    ----------
    study : Study
    arms : iterable of Arm
        Their labels are there.
    learned : pandas.DataFrame
        Volumes to learn from.
    scratch : path-like

    Returns
    -------
    dice : pandas.DataFrame
        `rater_error_cases`.
    curves : list of pandas.DataFrame
    """
    folders, curves = {OWN: None}, []
    for arm in arms:
        trained = segmentation_arm_volumes.train(study, arm, learned, scratch=scratch)
        folders[arm] = trained.model_dir
        curves.append(_curve(trained, str(arm)))
    cases = segmentation_arm_volumes.test_only(study)
    return segmentation_arm_volumes.judge(study, folders, cases), curves


def learned_frames(study: config.Study) -> pd.DataFrame:
    """Return the effort of drawing and reviewing the frames that 2D networks learn from.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
        A row per sweep and task: changed_mm3 (a frame counts as a slice of
        `FRAME_THICKNESS_MM`) and touched_slices. What was drawn blind, to compare raters, is
        left out.
    """
    path = paths.table_file(study.profile, "frame_label_effort")
    names = {"changed_mm2": "changed_mm3", "touched_frames": "touched_slices"}
    effort = tables.read(path, columns=(*SWEEP_KEY, "task", *names), dtype=TEXT)
    frames = segmentation_arm_frames.frame_labels(study)
    learned = frames[frames.split.isin(SPLITS)][SWEEP_KEY].drop_duplicates()
    found = effort[effort.task.isin(["drawn", "reviewed"])].merge(learned, on=SWEEP_KEY)
    found = found.rename(columns=names)[list(names.values())]
    return found.assign(changed_mm3=found.changed_mm3 * FRAME_THICKNESS_MM)


def _counts(study: config.Study, learned: pd.DataFrame) -> dict[str, int]:
    """Return how many volumes each round learns from."""
    first = segmentation_arm_volumes.labelled_volumes(study, "volume_labels_first")
    first = segmentation_arm_volumes.learned_volumes(first)
    return {"first": len(first), "refined": len(learned)}


def _labels_of(arm: Arm, scores: pd.DataFrame, learned: pd.DataFrame) -> pd.DataFrame:
    """Return the Dice of the labels that an arm's network learns from."""
    kept = scores[[*SWEEP_KEY, "structure", "dice_corrected"]].merge(learned[SWEEP_KEY])
    return kept.assign(prior=arm.prior, error_scale=arm.error_scale)


def _curve(trained, arm: str) -> pd.DataFrame:
    """Return the course of a training with its arm."""
    return segmentation_training.curve_table(trained.model_id, trained.epochs).assign(arm=arm)


def _options(study: config.Study) -> dict:
    """Return what every interval needs."""
    return {"seed": study.common.seed, "resamples": study.segmentation_arms.resamples}


if __name__ == "__main__":
    runner.run(STAGE, main)
