"""Poses of sweeps that nobody tracked, by the study's own motion model. No stage of its own.

Decides that the model is the one whose predictions the study looks at elsewhere, and that a
probe taken for turned is turned back, as it is for tracked sweeps: a network must not see the
hip mirrored. Without an inertial sensor the model goes by pictures alone, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from hipus.formats.cohort_layout import Cohort
from hipus.motion import stored_models, tracking
from hipus.motion.predictions import PosePrediction
from hipus.motion.preparation import TURN
from hipus.motion.stored_models import StoredModel

_WITH_IMU = "_imu"


@dataclass(frozen=True, eq=False)
class PredictedPoses:
    """Poses of one sweep, and what told them.

    Attributes
    ----------
    prediction : PosePrediction
        Of the pictures turned back where `is_flipped`.
    arm : str
        As the folders of `motion_predictions` are called.
    """

    prediction: PosePrediction
    arm: str


def predict_poses(cohort: Cohort, row, *, profile: str, arm: str) -> PredictedPoses:
    """Predict where the pictures of a sweep lay.

    Parameters
    ----------
    cohort : Cohort
    row : named tuple, pandas.Series or Case
        subject_id, sweep_id, side, sweep_type. Poses that the sweep may have are not looked at.
    profile : str
        Whose model.
    arm : str
        Folder below `motion_predictions`: its model is stored without "_imu", and has the
        inertial rotation added wherever there is any.

    Returns
    -------
    PredictedPoses

    Raises
    ------
    FileNotFoundError
        If the model or the sweep is missing.
    ValueError
        If the sweep cannot be predicted (see `tracking.track`).
    """
    name = arm.removesuffix(_WITH_IMU)
    tracked = tracking.track(
        cohort.sweep(row.subject_id, row.sweep_id),
        _model(name, profile),
        side=row.side,
        sweep_type=row.sweep_type,
        subject_id=row.subject_id,
        sweep_id=row.sweep_id,
    )
    prediction = tracked.prediction
    if tracked.is_turned:
        T = prediction.T_centre_to_first @ TURN
        prediction = replace(prediction, T_centre_to_first=T, is_flipped=True)
    return PredictedPoses(prediction, name + (_WITH_IMU if tracked.has_imu else ""))


@lru_cache(maxsize=1)
def _model(name: str, profile: str) -> StoredModel:
    """Read a motion model, once in each process."""
    return stored_models.load(stored_models.find(name, (profile,)))
