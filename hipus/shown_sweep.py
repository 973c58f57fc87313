"""One sweep as a person looks through it: frames, labels, tracked and predicted courses.

Decides that both courses are seen from the first frame that both know (mm, that frame's lateral,
axial and elevational axes), so that their distance at a frame is the drift there, by the rules
of `motion.drift`; and that a shown sweep of the study comes with the poses of its own arm and
the labels of what was insonified. Draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import geometry, paths
from hipus.formats import metafile
from hipus.formats.cohort_layout import TRUTH, Cohort, read_cohort
from hipus.motion import drift
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import as_recorded, prediction_file, read_prediction
from hipus.sweep import Sweep

#: The arm of the motion study whose poses are shown: the study's own.
ARM = "sweep_context_imu"


@dataclass(frozen=True, eq=False)
class ShownSweep:
    """A sweep of the cohort with what was predicted and what is known of it.

    Attributes
    ----------
    sweep : Sweep
    T_predicted : numpy.ndarray (N, 4, 4) or None
        T_centre_to_first of the frames as they were recorded, mm; NaN where nothing is
        predicted. None where the arm predicted no poses of this sweep.
    masks : numpy.ndarray (N, H, W) uint8 or None
        What was insonified, in the hip scheme; None for a cohort without truth.
    caption : str
        Which sweep, whose poses and masks, real or simulated.
    """

    sweep: Sweep
    T_predicted: np.ndarray | None
    masks: np.ndarray | None
    caption: str


@dataclass(frozen=True, eq=False)
class Courses:
    """Where each frame lay, by the tracker and as predicted, and how far apart these are.

    Attributes
    ----------
    T_tracked, T_predicted : numpy.ndarray (N, 4, 4)
        T_centre_to_first, mm; NaN where unknown.
    drift_mm, drift_deg : numpy.ndarray (N,)
        0 at the first frame that both know, NaN where either is unknown.
    """

    T_tracked: np.ndarray
    T_predicted: np.ndarray
    drift_mm: np.ndarray
    drift_deg: np.ndarray


def courses_of(sweep: Sweep, T_predicted: np.ndarray | None = None) -> Courses:
    """Return both courses of a sweep, seen from the first frame that both know.

    Parameters
    ----------
    sweep : Sweep
        Tracked and calibrated, or not tracked at all.
    T_predicted : numpy.ndarray (N, 4, 4), optional
        T_centre_to_world of every frame, mm, in any rigid world; NaN where unknown.

    Returns
    -------
    Courses
        Where no frame is known to both, each is seen from its own first frame, and there is no
        drift.

    Raises
    ------
    ValueError
        If poses are not one for each frame, not rigid, or tracked but not calibrated.
    """
    T_tracked = centre_poses(sweep)
    if T_predicted is None:
        T_predicted = np.full_like(T_tracked, np.nan)
    T_predicted = geometry.check_transform(T_predicted, "T_predicted", allow_nan=True)
    if T_predicted.shape != T_tracked.shape:
        raise ValueError(f"T_predicted must be {T_tracked.shape}, got {T_predicted.shape}")
    shared = _known(T_tracked) & _known(T_predicted)
    both = [_from_first(T, shared) for T in (T_tracked, T_predicted)]
    distance_mm, angle_deg = np.full((2, len(sweep)), np.nan)
    if shared.any():
        distance_mm[np.argmax(shared)] = angle_deg[np.argmax(shared)] = 0.0
    if (shared[1:] & shared[:-1]).any():
        errors = drift.absolute_errors(drift.from_first_frame(T_predicted, T_tracked))
        distance_mm[errors.frame_index] = errors.distance_mm
        angle_deg[errors.frame_index] = errors.angle_deg
    return Courses(*both, distance_mm, angle_deg)


def load_shown_sweep(profile: str, name: str, *, arm: str = ARM) -> ShownSweep:
    """Load a sweep of a profile's cohort with its predicted poses and its labels.

    Parameters
    ----------
    profile : str
    name : str
        Subject and sweep as tables and files have them: "S101_left_p_a".
    arm : str
        A folder below `results/<profile>/motion_predictions`.

    Returns
    -------
    ShownSweep
        Poses and masks are None where the study has none of this sweep.

    Raises
    ------
    FileNotFoundError
        If the cohort's files are not here (they are not in git): names what makes them.
    KeyError
        If the cohort has no such sweep.
    """
    cohort = _cohort(profile)
    subject_id, _, sweep_id = name.partition("_")
    sweep = cohort.sweep(subject_id, sweep_id)
    T_predicted = _predicted(profile, subject_id, sweep_id, arm=arm, count=len(sweep))
    masks = _masks(cohort.folder, subject_id, sweep_id)
    whose = [f"{cohort.origin}, {len(sweep)} frames"]
    whose += [] if T_predicted is None else [f"poses predicted by {arm.replace('_', ' ')}"]
    whose += [] if masks is None else ["labels: what was insonified"]
    return ShownSweep(sweep, T_predicted, masks, f"{name} ({'; '.join(whose)})")


def _cohort(profile: str) -> Cohort:
    """Return a profile's cohort; say what makes it where it is not here."""
    folder = paths.results_dir(profile) / "cohort"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is missing: sweeps are not in git, `dvc repro cohort@{profile} "
            f"motion@{profile}` makes them and their predicted poses"
        )
    return read_cohort(folder)


def _predicted(profile: str, subject_id: str, sweep_id: str, *, arm: str, count: int):
    """Return an arm's poses (N, 4, 4) of every recorded frame, or None."""
    folder = paths.results_dir(profile) / "motion_predictions" / arm
    path = prediction_file(folder, subject_id, sweep_id)
    if not path.is_file():
        return None
    one = as_recorded(read_prediction(path))
    T = np.full((count, 4, 4), np.nan)
    if one.frames.stop > count:
        raise ValueError(f"{path}: predicts frame {one.frames.stop - 1}, the sweep has {count}")
    T[one.frames] = one.T_centre_to_first
    return T


def _masks(folder: Path, subject_id: str, sweep_id: str) -> np.ndarray | None:
    """Return what was insonified (N, H, W), or None for a cohort without truth."""
    path = folder / TRUTH / subject_id / f"{sweep_id}_masks.igs.mha"
    return np.asarray(metafile.read(path).frames[:]) if path.is_file() else None


def _known(T: np.ndarray) -> np.ndarray:
    """Return which poses are known."""
    return np.isfinite(T[:, 0, 0])


def _from_first(T: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Return poses seen from the first shared frame, or from their own first one."""
    choice = shared if shared.any() else _known(T)
    return geometry.relative(T[np.argmax(choice)], T) if choice.any() else T
