"""One sweep placed by true, by tracked and by predicted poses, beside its truth. No stage.

Decides what true poses are: where the pelvis had each picture, without the tracker's errors and
without the infant's motion (`_vs_hip`). Decides that all three kinds of poses are of the same
sweep with its pictures turned alike, the predicted ones as their predictor turned them.
Deliberately makes no volume and measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, geometry
from hipus.formats.cohort_layout import TRUTH, Cohort, session_file
from hipus.formats.cohort_session import read_json
from hipus.motion.predictions import PosePrediction
from hipus.motion.preparation import TURN
from hipus.segmentation.sweep_volumes import StudySweep, open_study_sweep
from hipus.stages.untracked_poses import predict_poses

TRUE, TRACKED, PREDICTED = POSES = ("true", "tracked", "predicted")
#: What the placing of a sweep by truth or by its tracker is called among the motion study's arms.
TRUTH_ARM, TRACKER_ARM = "truth", "tracker"


@dataclass(frozen=True, eq=False)
class PlacedSweep:
    """A sweep with one kind of poses.

    Attributes
    ----------
    poses : str
        One of `POSES`.
    pose_arm : str
        "truth", "tracker", or the arm of the motion study that predicted.
    sweep : StudySweep
    T_centre_to_hip : numpy.ndarray (N, 4, 4)
        Where the same pictures truly lay in the pelvis, turned as they are.
    """

    poses: str
    pose_arm: str
    sweep: StudySweep
    T_centre_to_hip: np.ndarray


def open_all_ways(
    cohort: Cohort, row, *, study: config.Study, poses=POSES
) -> dict[str, PlacedSweep]:
    """Open a simulated sweep by each kind of poses.

    Parameters
    ----------
    cohort : Cohort
        With truth.
    row : named tuple or pandas.Series
        subject_id, sweep_id, session_id, side, sweep_type, and trim_start and trim_stop where
        the cohort states them.
    study : Study
        Whose motion model predicts: the first arm of `study.motion_volumes`.
    poses : sequence of str
        Some of `POSES`.

    Returns
    -------
    dict of str to PlacedSweep

    Raises
    ------
    FileNotFoundError
        If the sweep has no truth, or the motion model is missing.
    ValueError
        If the sweep cannot be predicted.
    """
    T_true = true_poses(cohort, row)
    found = {}
    if TRACKED in poses or TRUE in poses:
        tracked = open_study_sweep(cohort, row)
        true = _turned(T_true[tracked.first_frame :][: len(tracked)], tracked.is_flipped)
        found[TRACKED] = PlacedSweep(TRACKED, TRACKER_ARM, tracked, true)
        exact = PosePrediction(
            row.subject_id, row.sweep_id, tracked.first_frame, true, is_flipped=tracked.is_flipped
        )
        found[TRUE] = PlacedSweep(
            TRUE, TRUTH_ARM, open_study_sweep(cohort, row, prediction=exact), true
        )
    if PREDICTED in poses:
        found[PREDICTED] = _predicted(cohort, row, study, T_true)
    return {name: found[name] for name in poses}


def true_poses(cohort: Cohort, row) -> np.ndarray:
    """Return where the pelvis had each recorded picture.

    Parameters
    ----------
    cohort : Cohort
    row : named tuple or pandas.Series
        subject_id, sweep_id and session_id.

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        `T_centre_to_hip` of all recorded frames, as they were recorded.

    Raises
    ------
    FileNotFoundError
        If the sweep has no truth: only simulated ones have.
    """
    folder, path = cohort.folder / TRUTH, _truth_file(cohort, row)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: only a simulated cohort has truth")
    with np.load(path) as stored:
        T_image_to_hip = stored["T_image_to_hip"]
    session = read_json(session_file(folder, row.subject_id, row.session_id))
    T_pixel_to_image = geometry.compose(
        geometry.invert(session["T_image_to_probe"]), session["T_pixel_to_probe"]
    )
    height, width = cohort.sweep(row.subject_id, row.sweep_id).frames.shape[1:]
    middle = geometry.apply(T_pixel_to_image, np.array([(width - 1) / 2, (height - 1) / 2, 0.0]))
    return geometry.compose(T_image_to_hip, geometry.transform(None, middle))


def has_true_poses(cohort: Cohort, rows: pd.DataFrame) -> pd.Series:
    """Return of which sweeps it is known where the pelvis had their pictures.

    Parameters
    ----------
    cohort : Cohort
    rows : pandas.DataFrame
        With subject_id and sweep_id.

    Returns
    -------
    pandas.Series of bool
        None of a hospital's sweeps.
    """
    found = [_truth_file(cohort, row).is_file() for row in rows.itertuples()]
    return pd.Series(found, index=rows.index, dtype=bool)


def _truth_file(cohort: Cohort, row) -> Path:
    """Return where a sweep's true poses are, if there are any."""
    return Path(cohort.folder / TRUTH / row.subject_id / f"{row.sweep_id}.npz")


def _predicted(cohort: Cohort, row, study: config.Study, T_true: np.ndarray) -> PlacedSweep:
    """Predict poses from pictures (and inertial samples), whatever was tracked."""
    made = predict_poses(cohort, row, profile=study.profile, arm=study.motion_volumes.arms[0])
    sweep = open_study_sweep(cohort, row, prediction=made.prediction)
    true = _turned(T_true[made.prediction.frames], made.prediction.is_flipped)
    return PlacedSweep(PREDICTED, made.arm, sweep, true)


def _turned(T: np.ndarray, is_flipped: bool) -> np.ndarray:
    """Return poses of pictures turned about the beam, if they were."""
    return geometry.compose(T, TURN) if is_flipped else T
