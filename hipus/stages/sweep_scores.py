"""One predicted sweep against its tracked poses: TUS-REC's scores and the study's drift.

Decides that every frame with a true pose must be predicted, that all poses are brought to the
image's centre, and what stands beside each error: that of the identity. No stage of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.formats import tusrec
from hipus.motion import pose_files
from hipus.motion.drift import absolute_errors, from_first_frame, relative_errors
from hipus.motion.drift_rates import drift_rates
from hipus.motion.poses import centre_poses, centre_to_probe
from hipus.motion.predictions import as_recorded
from hipus.motion.tusrec_scores import (
    PointErrors,
    Scores,
    identity_errors,
    normalised,
    point_errors,
)
from hipus.sweep import Sweep


@dataclass(frozen=True)
class Drift:
    """Mean errors of steps and frames, and those of the last frame; of the image's centre.

    Attributes
    ----------
    relative_mm, relative_deg, absolute_mm, absolute_deg, final_mm, final_deg : float
    path_mm : float
        True length of the way.
    """

    relative_mm: float
    relative_deg: float
    absolute_mm: float
    absolute_deg: float
    final_mm: float
    final_deg: float
    path_mm: float


@dataclass(frozen=True)
class SweepScores:
    """What one predicted sweep scores.

    Attributes
    ----------
    frames_scored : int
        Frames with a true pose, the first included.
    errors, identity : PointErrors
        Of the prediction, and of a probe that never moves.
    normalised : Scores
        1 is perfect, 0 no better than the identity; those of landmarks, and their means, are
        NaN without landmarks.
    drift : Drift
    """

    frames_scored: int
    errors: PointErrors
    identity: PointErrors
    normalised: Scores
    drift: Drift

    def flat(self) -> dict[str, float | int]:
        """Return everything by one name each, units in the names."""
        return {
            "frames_scored": self.frames_scored,
            **asdict(self.errors),
            **{f"identity_{key}": value for key, value in asdict(self.identity).items()},
            **{
                f"normalised_{key.rstrip('_')}": value
                for key, value in asdict(self.normalised).items()
            },
            **asdict(self.drift),
        }


def read_landmarks(path: Path, scan: Path) -> tusrec.Landmarks:
    """Read the landmarks of a TUS-REC scan, which are named after its file.

    Parameters
    ----------
    path, scan : pathlib.Path
        `landmark_<subject>.h5`, and the scan.

    Returns
    -------
    Landmarks
    """
    return tusrec.read_landmarks(path, scan.stem)


def score(
    source, truth: Sweep, *, landmarks: tusrec.Landmarks | None = None, name: str = "truth"
) -> SweepScores:
    """Score the prediction of one sweep.

    Parameters
    ----------
    source : path-like
        As `pose_files.read` reads it.
    truth : Sweep
        The same sweep, tracked and calibrated.
    landmarks : Landmarks, optional
    name : str
        The truth's, for messages.

    Returns
    -------
    SweepScores

    Raises
    ------
    ValueError
        If a frame with a true pose is not predicted, or the files cannot be compared.
    """
    T_true = centre_poses(truth)
    T_predicted = _predicted(source, truth, T_true, name=name)
    T_pixel_to_centre = geometry.compose(
        geometry.invert(centre_to_probe(truth)), truth.T_pixel_to_probe
    )
    place = {
        "T_pixel_to_frame": T_pixel_to_centre,
        "shape_hw": tuple(truth.frames.shape[1:]),
        "landmarks": landmarks,
    }
    found = point_errors(T_predicted, T_true, **place)
    still = identity_errors(T_true, **place)
    return SweepScores(
        frames_scored=int(np.isfinite(T_true[:, 0, 0]).sum()),
        errors=found,
        identity=still,
        normalised=normalised(found, still),
        drift=_drift(T_predicted, T_true),
    )


def _predicted(source, truth: Sweep, T_true: np.ndarray, *, name: str) -> np.ndarray:
    """Return the predicted poses of all frames of the truth, (N, 4, 4)."""
    one = as_recorded(pose_files.read(source, like=truth))
    if one.frames.stop > len(truth):
        raise ValueError(
            f"{source}: frames {one.frames.start} to {one.frames.stop - 1} are predicted, "
            f"{name} has {len(truth)}"
        )
    T = np.full((len(truth), 4, 4), np.nan)
    T[one.frames] = one.T_centre_to_first
    lacking = np.flatnonzero(np.isfinite(T_true[:, 0, 0]) & np.isnan(T[:, 0, 0]))
    if len(lacking):
        raise ValueError(
            f"{source}: {len(lacking)} of {len(truth)} frames have a true pose in {name} and "
            f"no predicted one, first frame {lacking[0]}: one sweep is scored whole, untrimmed"
        )
    return T


def _drift(T_predicted: np.ndarray, T_true: np.ndarray) -> Drift:
    """Return the drift of the image's centre."""
    runs = from_first_frame(T_predicted, T_true)
    relative, absolute = relative_errors(runs), absolute_errors(runs)
    return Drift(
        relative_mm=float(relative.distance_mm.mean()),
        relative_deg=float(relative.angle_deg.mean()),
        absolute_mm=float(absolute.distance_mm.mean()),
        absolute_deg=float(absolute.angle_deg.mean()),
        final_mm=float(absolute.distance_mm[-1]),
        final_deg=float(absolute.angle_deg[-1]),
        path_mm=drift_rates(runs).path_mm,
    )
