"""Stage `frame_labels`: who labels which frames, and do two raters agree?

Every third frame of the labelled sweeps is drawn by rater A and corrected by rater B; one
subject, chosen by the study's seed, is drawn by both without seeing the other's (MIDL 2026 paper,
section 5.2.1). Both are simulated, and so is their agreement: it was fitted to the printed one,
on other infants. Needs simulated truth, which reaches nothing but the raters' ideas; without it
the stage is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY, Cohort
from hipus.parallel import map_cases
from hipus.phantom.annotator.corrections import Annotation
from hipus.phantom.annotator.slices import annotate_slicewise
from hipus.seeds import generator
from hipus.segmentation.assignment import frame_split, labelled_frames
from hipus.segmentation.effort import FRAME_THICKNESS_MM, effort
from hipus.segmentation.frame_label_files import FrameLabels, label_file, write_frame_labels
from hipus.segmentation.sweep_volumes import StudySweep, open_study_sweep
from hipus.stages import frame_label_tables, motion_data, runner
from hipus.stages.motion_volume_sweeps import has_truth
from hipus.stages.raters import read_printed
from hipus.stages.study_raters import DRAWS, REVIEWS, idea_of_hip, person

log = logging.getLogger(__name__)

STAGE = "frame_labels"
_FRAME_KEY = [*SWEEP_KEY, "frame_index"]


@dataclass(frozen=True)
class LabelledSweep:
    """What two raters made of one sweep.

    Attributes
    ----------
    frames, effort : pandas.DataFrame
        A row per labelled frame; a row per rater's task.
    scores : frame_label_tables.FrameScores
    shown : dict of str to numpy.ndarray
        One frame with all masks, of the subject that both drew; else empty.
    """

    frames: pd.DataFrame
    effort: pd.DataFrame
    scores: frame_label_tables.FrameScores
    shown: dict[str, np.ndarray]


def main(study: config.Study) -> Iterable[Path]:
    """Write labels, tables, figure input and metrics; return the inputs."""
    cohort = motion_data.cohort_of(study)
    rows = labelled_sweeps(study, cohort)
    if rows.empty:
        log.warning("%s SKIPPED: no sweep of a subject with 2D labels has truth", STAGE)
        _write_skip(study)
        return []
    blind = blind_subject(rows, generator(study.common.seed, "double_blind"))
    label = partial(
        label_sweep, cohort=cohort, seed=study.common.seed, folder=labels_dir(study.profile),
        blind=blind,
    )  # fmt: skip
    cases = [row for _, row in rows.iterrows()]
    found = map_cases(label, cases, progress="labelled sweeps", name=_name)
    _write(study, found, blind)
    return [paths.data_dir() / "cohort" / "published_cohort.csv"]


def _write(study: config.Study, found: list[LabelledSweep], blind: str) -> None:
    """Write tables, figure input and metrics."""
    frames = pd.concat([one.frames for one in found], ignore_index=True)
    by_frame = frame_split(frames, by="frame", rng=generator(study.common.seed, "frame_split"))
    frames.insert(frames.columns.get_loc("split") + 1, "split_by_frame", by_frame)
    effort_rows = pd.concat([one.effort for one in found], ignore_index=True)
    agreement = frame_label_tables.inter_rater([one.scores for one in found], read_printed())
    agreement.insert(0, "subject_id", blind)
    content = {
        "frame_labels": (frames[frame_label_tables.COLUMNS["frame_labels"]], _FRAME_KEY),
        "inter_rater": (agreement, ["structure"]),
        "frame_label_effort": (effort_rows, [*SWEEP_KEY, "task"]),
    }
    runner.write_tables(study, content)
    runner.write_figure_input(study, STAGE, next(one.shown for one in found if one.shown))
    metrics = frame_label_tables.make_metrics(frames, agreement, effort_rows)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))


def labels_dir(profile: str) -> Path:
    """Return `results/<profile>/annotations/frames`."""
    return paths.results_dir(profile) / "annotations" / "frames"


def labelled_sweeps(study: config.Study, cohort: Cohort) -> pd.DataFrame:
    """Return the usable p_a and p_d sweeps of subjects with 2D labels that have truth.

    Parameters
    ----------
    study : Study
    cohort : Cohort

    Returns
    -------
    pandas.DataFrame
        As `motion_data.sweep_rows`; empty for a hospital's cohort.
    """
    rows = motion_data.sweep_rows(study, is_needed=False)
    if "is_labelled_2d" not in rows:
        return rows.iloc[:0]
    rows = rows[rows.is_labelled_2d.astype(bool)]
    return rows[has_truth(cohort, rows)]


def blind_subject(rows: pd.DataFrame, rng: np.random.Generator) -> str:
    """Choose the subject that both raters draw.

    Parameters
    ----------
    rows : pandas.DataFrame
        Labelled sweeps.
    rng : numpy.random.Generator

    Returns
    -------
    str
        One of those with most sweeps (the paper's has all four), whatever its split.
    """
    sizes = rows.groupby("subject_id").size()
    return str(rng.choice(sorted(sizes.index[sizes == sizes.max()])))


def label_sweep(
    row: pd.Series, *, cohort: Cohort, seed: int, folder: Path, blind: str
) -> LabelledSweep:
    """Let both raters label one sweep, and write the labels that they leave.

    Parameters
    ----------
    row : pandas.Series
        The sweep's, see `labelled_sweeps`.
    cohort : Cohort
    seed : int
        The study's.
    folder : path-like
        Where labels go.
    blind : str
        The subject that B also draws without seeing A's labels.

    Returns
    -------
    LabelledSweep
    """
    sweep = open_study_sweep(cohort, row)
    which = labelled_frames(len(sweep.frames))
    draw = partial(_annotate, sweep, which, seed)
    done = {"drawn": draw(DRAWS), "blind": draw(REVIEWS) if row.subject_id == blind else None}
    done["reviewed"] = draw(REVIEWS, prior=done["drawn"].masks)
    labels = FrameLabels(sweep.first_frame + which, done["reviewed"].masks)
    write_frame_labels(labels, label_file(folder, row.subject_id, row.sweep_id))
    truth = sweep.masks[which]
    masks = {task: one.masks for task, one in done.items() if one}
    shown = _shown(sweep, which, truth, masks) if row.subject_id == blind else {}
    scores = frame_label_tables.score_frames(masks, truth)
    key = {name: row[name] for name in (*SWEEP_KEY, "side", "sweep_type")}
    frames = frame_label_tables.frame_rows(labels, scores, key=key | {"split": row.split})
    return LabelledSweep(frames, _effort_rows(done, sweep, key), scores, shown)


def _annotate(sweep: StudySweep, which, seed: int, name: str, prior=None) -> Annotation:
    """Let a rater draw some frames of a sweep, or correct masks of them."""
    rater, task = person(seed, name), "draws" if prior is None else "reviews"
    return annotate_slicewise(
        sweep.frames[which],
        sweep.masks[which],
        pixel_side_mm=pixel_side_mm(sweep),
        rater=rater,
        rng=generator(seed, "annotation", name, task, sweep.subject_id, sweep.sweep_id),
        frame_indices=which,
        prior_masks=prior,
        misconception=idea_of_hip(seed, name, subject_id=sweep.subject_id, side=sweep.side, ndim=2),
    )


def pixel_side_mm(sweep: StudySweep) -> float:
    """Return the side of a sweep's pixels.

    Parameters
    ----------
    sweep : StudySweep

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If they are not square: raters know no others.
    """
    across, down = sweep.pixel_spacing_xy_mm
    if not np.isclose(across, down, rtol=1e-3):
        raise ValueError(
            f"{sweep.subject_id}/{sweep.sweep_id}: pixels must be square to be labelled, got "
            f"{across:g} x {down:g} mm"
        )
    return float(across)


def _effort_rows(done: dict[str, Annotation | None], sweep: StudySweep, key: dict) -> pd.DataFrame:
    """Return a row per rater's task; frames count as slices of `FRAME_THICKNESS_MM`."""
    pixel_mm2, rows = pixel_side_mm(sweep) ** 2, []
    for task, one in done.items():
        if one is None:
            continue
        cost = effort(one, voxel_mm3=pixel_mm2 * FRAME_THICKNESS_MM)
        rater = DRAWS if task == "drawn" else REVIEWS
        size = {"frame_count": len(one.masks), "changed_pixels": cost.changed_voxels}
        size |= {"changed_mm2": cost.changed_voxels * pixel_mm2}
        size |= {"touched_frames": cost.touched_slices, "minutes_simulated": cost.minutes_simulated}
        rows.append({**key, "task": task, "rater_id": rater, **size})
    return pd.DataFrame(rows)


def _shown(sweep: StudySweep, which, truth, masks: dict[str, np.ndarray]) -> dict:
    """Return the labelled frame in the middle of the sweep with all masks of it."""
    middle = len(which) // 2
    found = {"frame": sweep.frames[which[middle]], "truth": truth[middle]}
    found |= {task: one[middle] for task, one in masks.items()}
    name = f"{sweep.subject_id}/{sweep.sweep_id} frame {sweep.first_frame + which[middle]}"
    return found | {"pixel_side_mm": np.array(pixel_side_mm(sweep)), "name": np.array(name)}


def _name(row: pd.Series) -> str:
    return f"{row.subject_id}/{row.sweep_id}"


def _write_skip(study: config.Study) -> None:
    """Write the form of a skip: every output, and nothing in it."""
    labels_dir(study.profile).mkdir(parents=True, exist_ok=True)
    runner.write_empty(study, frame_label_tables.COLUMNS)
    runner.write_figure_input(study, STAGE, {})
    tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))


if __name__ == "__main__":
    runner.run(STAGE, main)
