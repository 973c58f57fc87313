"""Anybody's predicted poses, judged as the study's own are.

Decides which frames of a sweep are scored: those between the hesitations as the pictures alone
show them, for every arm alike, so that nobody gains by leaving frames out. A frame among them
that was tracked and is not predicted is an error, and so is a missing sweep. Further frames
are left out. No stage of its own; deliberately prints and plots nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, seeds, statistics, sweep_cleaning
from hipus.formats.cohort_layout import TRUTH, Cohort
from hipus.motion import evaluation
from hipus.motion.cleaning import TRAVEL_SIGN
from hipus.motion.drift import from_first_frame, relative_errors
from hipus.motion.flow import MIN_SIDE_PX
from hipus.motion.poses import mirrored
from hipus.motion.predictions import PosePrediction, as_recorded, read_predictions
from hipus.motion.preparation import TURN, PreparedSweep, prepare
from hipus.motion.sweep_rows import TRUTHS, SweepKey, sweep_row
from hipus.stages import motion_data
from hipus.stages.pose_tusrec import tusrec_scores

#: The arm that always stands beside: what a probe that never moves would score.
IDENTITY = "identity"
#: By truth; "vs_hip" is missing for a cohort without truth.
_TRACKER, _HIP = TRUTHS
#: Key of each table, by its name.
TABLES = {
    "motion_errors": ("arm", "subject_id", "sweep_id", "truth"),
    "motion_summary": ("arm", "truth", "sweep_type", "measure"),
    "motion_arms": ("arm", "truth", "sweep_type"),
    "motion_subjects": ("arm", "truth", "subject_id"),
    "motion_tusrec": ("arm", "subject_id", "sweep_id"),
}


@dataclass(frozen=True, eq=False)
class ScoredSweep:
    """The scored frames of one sweep, and where their pictures lay.

    Attributes
    ----------
    subject_id, sweep_id, sweep_type, side, variant : str
    first_frame : int
        Of the recorded sweep.
    is_turned : bool
        The probe was held turned by 180 degrees, as its tracked travel shows.
    T_true : dict of str to numpy.ndarray (N, 4, 4)
        By truth: `T_centre_to_world`, turned back and mirrored as the study tells motion.
    prepared : PreparedSweep
        Its scored frames, turned back.
    """

    subject_id: str
    sweep_id: str
    sweep_type: str
    side: str
    variant: str
    first_frame: int
    is_turned: bool
    T_true: dict[str, np.ndarray]
    prepared: PreparedSweep

    def __len__(self) -> int:
        """Return the number of scored frames."""
        return len(self.T_true[_TRACKER])


@dataclass(frozen=True, eq=False)
class CohortScores:
    """Predictions of a cohort's sweeps, scored.

    Attributes
    ----------
    arm : str
    origin : str
        Of the cohort: "simulated" or "recorded".
    rows, tusrec : pandas.DataFrame
        Of the arm and the identity: `sweep_rows.sweep_row` by truth, TUS-REC scores.
    expected : list of (subject_id, sweep_id)
    noise_mm, noise_deg : float
        Median difference of tracked and true steps: a floor `vs_tracker`. NaN without truth.
    """

    arm: str
    origin: str
    rows: pd.DataFrame
    tusrec: pd.DataFrame
    expected: list[tuple[str, str]]
    noise_mm: float
    noise_deg: float


def score_cohort(
    source, *, study: config.Study, cohort: str = motion_data.TEST_COHORT, arm: str = ""
) -> CohortScores:
    """Score the predictions of all usable p_a and p_d sweeps of a cohort's test split.

    Parameters
    ----------
    source : path-like
        Folder or .csv file, as `predictions.read_predictions` reads it.
    study : Study
        Its profile's cohort is the one that is meant: simulated, or a hospital's folder.
    cohort : str
        Value of the column `cohort` of subjects.csv.
    arm : str
        What tables call the predictions; the source's name where left out.

    Returns
    -------
    CohortScores

    Raises
    ------
    FileNotFoundError
        If the cohort or the source is missing.
    ValueError
        If a sweep or a scored frame is not predicted, or a file is wrong.
    """
    opened = _open(study)
    rows = motion_data.sweep_rows(study, split="test", cohort=cohort)
    expected = list(zip(rows.subject_id, rows.sweep_id, strict=True))
    found, arm = read_predictions(source, expected), arm or Path(source).resolve().stem
    errors, tusrec, noise = [], [], []
    for row in rows.itertuples():
        sweep = scored_sweep(study, opened, row)
        predicted = predicted_poses(found[(row.subject_id, row.sweep_id)], sweep, source=source)
        told = {IDENTITY: np.broadcast_to(np.eye(4), predicted.shape), arm: predicted}
        T_true, seed = sweep.T_true[_TRACKER], study.common.seed
        tusrec += tusrec_scores(sweep.prepared, T_true, T_predicted=told, seed=seed)
        for name, T in told.items():
            errors += [sweep_row(T, T_true, key=_key(sweep, name, truth))
                       for truth, T_true in sweep.T_true.items()]  # fmt: skip
        noise.append(_tracker_noise(sweep))
    tables = pd.DataFrame(errors), pd.DataFrame(tusrec)
    return CohortScores(arm, opened.origin, *tables, expected, *_median(np.concatenate(noise)))


def scored_sweep(study: config.Study, cohort: Cohort, row) -> ScoredSweep:
    """Return which frames of a sweep are scored, with their truth.

    Parameters
    ----------
    study : Study
    cohort : Cohort
    row : named tuple
        One row of `motion_data.sweep_rows`.

    Returns
    -------
    ScoredSweep
    """
    recorded = cohort.sweep(row.subject_id, row.sweep_id)
    prepared = prepare(
        replace(recorded, imu=None),
        input_px=MIN_SIDE_PX,
        side=row.side,
        subject_id=row.subject_id,
        sweep_id=row.sweep_id,
        sweep_type=row.sweep_type,
        from_pictures=True,
    )
    T_true = {_TRACKER: prepared.T_centre_to_world}
    if (cohort.folder / TRUTH / row.subject_id / f"{row.sweep_id}.npz").is_file():
        T_true[_HIP] = motion_data.hip_truth(study, prepared)
    is_turned = sweep_cleaning.detect_flip(recorded, TRAVEL_SIGN[row.side])
    if is_turned:  # TURN and the mirror commute: both are diagonal
        T_true = {truth: T @ TURN for truth, T in T_true.items()}
        prepared = replace(prepared, frames=np.ascontiguousarray(prepared.frames[:, :, ::-1]))
    return ScoredSweep(
        subject_id=row.subject_id,
        sweep_id=row.sweep_id,
        sweep_type=row.sweep_type,
        side=row.side,
        variant=row.truth_variant,
        first_frame=prepared.first_frame,
        is_turned=is_turned,
        T_true=T_true,
        prepared=prepared,
    )


def predicted_poses(prediction: PosePrediction, sweep: ScoredSweep, *, source) -> np.ndarray:
    """Return the predicted poses of the scored frames, told as their truth is.

    Parameters
    ----------
    prediction : PosePrediction
    sweep : ScoredSweep
    source : path-like
        For messages.

    Returns
    -------
    numpy.ndarray (N, 4, 4)
        `T_centre_to_world`; NaN where neither is known.

    Raises
    ------
    ValueError
        If a scored frame that was tracked is not predicted.
    """
    T = np.full((len(sweep), 4, 4), np.nan)
    prediction = as_recorded(prediction)
    index = np.arange(len(prediction)) + prediction.first_frame - sweep.first_frame
    is_scored = (index >= 0) & (index < len(sweep))
    T[index[is_scored]] = prediction.T_centre_to_first[is_scored]
    is_known = [np.isfinite(T_true[:, 0, 0]) for T_true in sweep.T_true.values()]
    lacking = np.flatnonzero(np.any(is_known, axis=0) & np.isnan(T[:, 0, 0])) + sweep.first_frame
    if len(lacking):
        last = sweep.first_frame + len(sweep) - 1
        raise ValueError(
            f"{source}: {sweep.subject_id}/{sweep.sweep_id}: frames {sweep.first_frame} to {last} "
            f"are scored, {len(lacking)} of them are not predicted, first frame {lacking[0]}"
        )
    T = T @ TURN if sweep.is_turned else T
    return mirrored(T) if sweep.side == "left" else T


def tables_of(scores: CohortScores, *, seed: int, resamples: int = 10_000) -> dict:
    """Return the tables that the study has of its own arms.

    Parameters
    ----------
    scores : CohortScores
    seed : int
        The study's.
    resamples : int
        Of subjects.

    Returns
    -------
    dict of str to pandas.DataFrame
        By the names of `TABLES`; `motion_arms`: mean final drift, 95 % over subjects, by type.
    """
    rows = scores.rows
    return {
        "motion_errors": rows,
        "motion_summary": evaluation.summarise(rows, scores.expected),
        "motion_arms": _intervals(rows, seed=seed, resamples=resamples),
        "motion_subjects": evaluation.by_subject(rows),
        "motion_tusrec": scores.tusrec,
    }


def _open(study: config.Study) -> Cohort:
    """Open the profile's cohort, or say which stage makes it."""
    folder = paths.results_dir(study.profile) / "cohort"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is missing: stage `cohort` makes it, run `dvc repro cohort@{study.profile}` "
            "or `dvc pull`"
        )
    return motion_data.cohort_of(study)


def _key(sweep: ScoredSweep, arm: str, truth: str) -> SweepKey:
    """Return what a row is of."""
    known = ("subject_id", "sweep_id", "sweep_type", "side", "variant")
    return SweepKey(arm=arm, truth=truth, **{name: getattr(sweep, name) for name in known})


def _tracker_noise(sweep: ScoredSweep) -> np.ndarray:
    """Return how far tracked steps lie from true ones, (K, 2): mm and deg."""
    if _HIP not in sweep.T_true:
        return np.empty((0, 2))
    found = relative_errors(from_first_frame(sweep.T_true[_TRACKER], sweep.T_true[_HIP]))
    return np.stack([found.distance_mm, found.angle_deg], axis=1)


def _median(values: np.ndarray) -> list[float]:
    """Return the median of each column, NaN without rows."""
    return np.median(values, axis=0).tolist() if len(values) else [float("nan")] * 2


def _intervals(rows: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return the mean final drift of each arm with its interval over subjects."""
    found = []
    doubled = pd.concat([rows.assign(sweep_type=evaluation.ALL_TYPES), rows])
    for key, part in doubled.groupby(["arm", "truth", "sweep_type"], sort=True):
        interval = statistics.bootstrap_mean_by_subject(
            part.final_mm,
            part.subject_id,
            rng=seeds.generator(seed, "pose_scores", *key),
            resamples=resamples,
        )
        found.append(
            dict(zip(("arm", "truth", "sweep_type"), key, strict=True))
            | {name: getattr(interval, name) for name in ("mean", "low", "high", "subject_count")}
            | {"sweep_count": interval.value_count}
        )
    return pd.DataFrame(found)
