"""One sweep that nobody tracked: from its pictures to poses with uncertainty.

Decides what is told of a sweep whose motion a stored model predicts: poses of the pictures *as
they were recorded*, whether or not the probe was taken for turned, seen from the first frame
that was kept. Without a side the elevational sign cannot be known from pictures alone: motion
is then told along +z of the image. Deliberately knows no files (see `pose_files`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import sweep_cleaning
from hipus.motion.cleaning import without_poses
from hipus.motion.prediction import trajectory
from hipus.motion.predictions import PosePrediction
from hipus.motion.preparation import TURN, PreparedSweep, prepare
from hipus.motion.stored_models import StoredModel
from hipus.sweep import Sweep

#: A sweep of which nothing is known but its pictures.
UNNAMED = "unknown"


@dataclass(frozen=True, eq=False)
class TrackedSweep:
    """Predicted poses of one recorded sweep.

    Attributes
    ----------
    prediction : PosePrediction
        Poses of the centre of the recorded pictures, seen from the first kept frame.
    sd_mm, sd_deg : numpy.ndarray (N, 3)
        Standard deviation of each pose along the first frame's axes (lateral, axial,
        elevational); 0 at the first frame, NaN where the model states none.
    frame_count : int
        Of the recorded sweep.
    is_turned : bool
        The probe was taken for turned by 180 degrees: its pictures were looked at turned.
    felt_steps : int
        Steps whose rotation the inertial sensor tells; a gap of its log tells none.
    side, sweep_type : str
        As they were given, "" where not.
    model : str
        Name of the predictor.
    origin : str
        Where the model's training sweeps come from.
    """

    prediction: PosePrediction
    sd_mm: np.ndarray
    sd_deg: np.ndarray
    frame_count: int
    is_turned: bool
    felt_steps: int
    side: str
    sweep_type: str
    model: str
    origin: str

    @property
    def has_imu(self) -> bool:
        """Return whether there was any inertial rotation to look at."""
        return self.felt_steps > 0

    @property
    def trimmed(self) -> tuple[slice, slice]:
        """Return the frames cut off before and after those that were kept."""
        kept = self.prediction.frames
        return slice(0, kept.start), slice(kept.stop, self.frame_count)

    @property
    def path_mm(self) -> float:
        """Return the length of the predicted path of the image's centre."""
        places = self.prediction.T_centre_to_first[:, :3, 3]
        return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())


def track(
    sweep: Sweep,
    model: StoredModel,
    *,
    side: str = "",
    sweep_type: str = "",
    subject_id: str = UNNAMED,
    sweep_id: str = "",
    is_flipped: bool = False,
) -> TrackedSweep:
    """Predict the motion of a sweep from its pictures and inertial samples.

    Parameters
    ----------
    sweep : Sweep
        Its poses, where it has any, are not looked at.
    model : StoredModel
    side : {"left", "right", ""}
        p_a and p_d sweeps of left hips travel along -z of the image, those of right hips along
        +z; so does one without a side, because pictures do not tell.
    sweep_type : str
        p_a and p_d sweeps are trimmed, and compared with the model's mean picture of their
        type to see whether the probe was held turned; others are taken whole and as they are.
    subject_id, sweep_id : str
        Names to keep; the sweep's own id where `sweep_id` is left out.
    is_flipped : bool
        The probe was held turned by 180 degrees: not looked for but known.

    Returns
    -------
    TrackedSweep

    Raises
    ------
    ValueError
        For fewer than six frames, pictures that are all the same or smaller than the model's
        input, an unknown side, or an IMU log that does not cover the frames.
    """
    prepared = prepare(
        sweep_cleaning.correct_flip(without_poses(sweep)) if is_flipped else without_poses(sweep),
        input_px=model.input_px,
        side=side,
        subject_id=subject_id,
        sweep_id=sweep_id or sweep.sweep_id or UNNAMED,
        sweep_type=sweep_type,
        from_pictures=True,
        reference_picture=None if is_flipped else model.reference_pictures.get(sweep_type),
    )
    predictor = model.predictor_for(prepared)
    steps = predictor.predict(prepared)
    found = trajectory(steps, prepared)
    is_turned = is_flipped or prepared.is_flipped
    T = TURN @ found.T_centre_to_first @ TURN if is_turned else found.T_centre_to_first
    return TrackedSweep(
        prediction=PosePrediction(
            subject_id=subject_id,
            sweep_id=prepared.sweep_id,
            first_frame=prepared.first_frame,
            T_centre_to_first=T,
            time_s=prepared.time_s,
            sd_mm=steps.sd_mm,
            sd_deg=steps.sd_deg,
        ),
        sd_mm=found.sd_mm,
        sd_deg=found.sd_deg,
        frame_count=len(sweep),
        is_turned=is_turned,
        felt_steps=_felt_steps(prepared),
        side=side,
        sweep_type=sweep_type,
        model=predictor.name,
        origin=model.origin,
    )


def _felt_steps(prepared: PreparedSweep) -> int:
    """Return how many steps have an inertial rotation."""
    if prepared.imu_rotations is None:
        return 0
    return int(np.isfinite(prepared.imu_rotations).all(axis=(1, 2)).sum())
