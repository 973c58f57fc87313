"""Whose poses a sweep has: its tracker's, or those that a motion model predicts.

Decides when a tracker is believed (calibrated, and it followed half of the frames or more) and
that both kinds of poses come in one form: those of the pictures as they were recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus.cli import sources
from hipus.cli.run_sweeps import PoseChoice, Recording, calibration_of
from hipus.cli.untracked import CLARIUS_SUFFIX

#: A tracker that lost more than this of a sweep is not followed.
LEAST_TRACKED = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FoundPoses:
    """Poses of one sweep.

    Attributes
    ----------
    prediction : hipus.motion.predictions.PosePrediction
        Of the pictures as they were recorded.
    facts : dict
        For reports; "told_by" says who told them.
    write : callable
        Writes them to a .csv, as `hipus track` does; without deviations where a tracker tells.
    """

    prediction: object
    facts: dict
    write: Callable[[Path], object]


def find_poses(one: Recording, sweep, *, motion_folder: Path | None) -> FoundPoses:
    """Return a tracker's poses where they are believed, else a model's.

    Parameters
    ----------
    one : Recording
    sweep : hipus.sweep.Sweep
        As `run_sweeps.read` returns it.
    motion_folder : Path or None
        Of the motion model; None where `tracked_sweep` finds poses.

    Returns
    -------
    FoundPoses

    Raises
    ------
    ValueError
        If the sweep cannot be predicted; names the file.
    """
    tracked, why = tracked_sweep(one)
    if tracked is not None:
        return _of_tracker(one, tracked)
    return _of_model(one, sweep, motion_folder, why)


def tracked_sweep(one: Recording):
    """Return a sweep with its tracker's poses, or None and why they are not taken.

    Parameters
    ----------
    one : Recording

    Returns
    -------
    tuple of (hipus.sweep.Sweep or None, str)

    Raises
    ------
    ValueError
        If tracked poses are asked for and there are none.
    """
    if one.choice is PoseChoice.PREDICTED:
        return None, "predicted poses were asked for"
    found, why = _with_poses(one)
    if found is None and one.choice is PoseChoice.TRACKED:
        raise ValueError(f"{one.path}: --poses tracked, but {why}; take --poses predicted")
    return found, why


def _with_poses(one: Recording):
    """Return a sweep with poses that are enough, or None and what is missing."""
    if one.path.name.lower().endswith(CLARIUS_SUFFIX):
        return None, "a Clarius recording holds no poses"
    try:
        sweep = sources.read_sweep(one.path, calibration=calibration_of(one))
    except ValueError as error:
        log.debug("%s", error)
        return None, "the file holds no poses"
    if sweep.T_pixel_to_probe is None:
        return None, "its poses are of an uncalibrated probe"
    share = float(sweep.is_valid.mean())
    if share < LEAST_TRACKED:
        return None, f"only {100 * share:.0f} % of its frames are tracked"
    return sweep, ""


def _of_tracker(one: Recording, sweep) -> FoundPoses:
    """Return the poses of a tracked sweep, its standstills left out."""
    from hipus.motion.cleaning import kept_frames
    from hipus.motion.poses import centre_poses
    from hipus.motion.predictions import PosePrediction, write_predictions

    kept = kept_frames(sweep) if one.sweep_type else slice(0, len(sweep))
    part = sweep.select(kept)
    prediction = PosePrediction(
        "unknown", sweep.sweep_id or one.stem, kept.start, centre_poses(part), part.time_s
    )
    known = prediction.T_centre_to_first[part.is_valid, :3, 3]
    facts = {
        "told_by": "tracker",
        "frames_total": len(sweep),
        "frames_kept": len(part),
        "frames_with_pose": len(known),
        "path_mm": float(np.linalg.norm(np.diff(known, axis=0), axis=1).sum()),
    }
    return FoundPoses(prediction, facts, lambda path: write_predictions([prediction], path))


def _of_model(one: Recording, sweep, folder: Path, why: str) -> FoundPoses:
    """Return predicted poses."""
    from hipus.motion import pose_files, stored_models, tracking

    try:
        tracked = tracking.track(
            sweep,
            stored_models.load(folder),
            side=one.side,
            sweep_type=one.sweep_type,
            sweep_id=sweep.sweep_id or one.stem,
        )
    except ValueError as error:
        raise ValueError(f"{one.path}: {error}") from error
    felt = "with" if tracked.has_imu else "without"
    facts = {
        "told_by": f"motion model {tracked.model}, {felt} inertial rotation",
        "why_predicted": why,
        "trained_on": tracked.origin,
        "frames_total": tracked.frame_count,
        "frames_kept": len(tracked.prediction),
        "frames_with_pose": len(tracked.prediction),
        "path_mm": tracked.path_mm,
        "end_sd_mm": tracked.sd_mm[-1],
        "end_sd_deg": tracked.sd_deg[-1],
    }
    return FoundPoses(
        tracked.prediction, facts, lambda path: pose_files.write(tracked, path, sweep=sweep)
    )
