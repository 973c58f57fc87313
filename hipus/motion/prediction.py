"""What a predictor of probe motion gives: steps, and the trajectory they add up to.

Decides the result every predictor shares (`StepPrediction`), the call they share
(`Predictor`) and how the uncertainty of steps accumulates along a sweep. Deliberately does
not decide how a step is predicted: networks and baselines each live in their own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from hipus import geometry
from hipus.motion import poses

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep


@dataclass(frozen=True)
class StepPrediction:
    """Predicted motion between neighbouring frames of one prepared sweep.

    Parameters
    ----------
    T_next_to_previous : numpy.ndarray (N-1, 4, 4) float64
        Maps the centre frame of frame i+1 to that of frame i, in mm, in the (mirrored) frame
        of the prepared sweep.
    sd_mm : numpy.ndarray (N-1, 3), optional
        Standard deviation of each translation in the axes of frame i: lateral, axial,
        elevational. None where a predictor states none.
    sd_deg : numpy.ndarray (N-1, 3), optional
        Standard deviation of the rotation vector of the error, same axes.
    shared : numpy.ndarray (6,), optional
        Share of each variance (three translations, three rotations) that all steps of a
        sweep have in common: 0 is independent errors, 1 is one bias. None stands for 0.

    Raises
    ------
    ValueError
        For shapes that do not belong together, a matrix that is not rigid, a negative
        standard deviation or a share outside 0 to 1.
    """

    T_next_to_previous: np.ndarray
    sd_mm: np.ndarray | None = None
    sd_deg: np.ndarray | None = None
    shared: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check shapes and values."""
        T = geometry.check_transform(self.T_next_to_previous, "T_next_to_previous")
        if T.ndim != 3:
            raise ValueError(f"T_next_to_previous must be (N-1, 4, 4), got {T.shape}")
        for name in ("sd_mm", "sd_deg"):
            _check_sd(getattr(self, name), name, (len(T), 3))
        if self.shared is not None:
            shared = np.asarray(self.shared)
            if shared.shape != (6,) or not ((shared >= 0) & (shared <= 1)).all():
                raise ValueError(f"shared must be 6 numbers from 0 to 1, got {self.shared}")

    @property
    def frame_count(self) -> int:
        """Return the number of frames, one more than steps."""
        return len(self.T_next_to_previous) + 1


@runtime_checkable
class Predictor(Protocol):
    """Whatever predicts the steps of a prepared sweep from pictures and inertial samples.

    A predictor never reads `PreparedSweep.T_centre_to_world`: a test replaces it by NaN.
    """

    name: str

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the predicted steps of one sweep."""
        ...


@dataclass(frozen=True)
class Trajectory:
    """Predicted poses of a sweep, with how far each may be off.

    Parameters
    ----------
    T_centre_to_first : numpy.ndarray (N, 4, 4) float64
        Centre frame of each prepared frame in that of the first prepared frame, mm, no
        longer mirrored. The first is the identity.
    sd_mm, sd_deg : numpy.ndarray (N, 3)
        Standard deviation of position and rotation vector along the first frame's axes
        (lateral, axial, elevational); 0 at the first frame, NaN where none was predicted.
    """

    T_centre_to_first: np.ndarray
    sd_mm: np.ndarray
    sd_deg: np.ndarray


def trajectory(prediction: StepPrediction, prepared: PreparedSweep) -> Trajectory:
    """Chain predicted steps into poses and carry their uncertainty along.

    Parameters
    ----------
    prediction : StepPrediction
    prepared : PreparedSweep
        The sweep it was predicted for; says whether the frame is mirrored.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If the prediction is for another number of frames.

    Notes
    -----
    To first order, with step i wrong by dt_i and by the small rotation dw_i (frame i's axes,
    R' = exp(dw) R), frame k is displaced by sum A_i dt_i + A_i dw_i x (p_k - p_(i+1)) and
    turned by sum A_i dw_i over i < k, where A_i turns frame i's axes into the first's. Each
    error is one bias of the sweep (its `shared` variance), which adds up like k, and noise,
    which adds up like the root of k. Translation and rotation errors are taken as
    uncorrelated, and so are the axes: a mirrored sweep therefore keeps its deviations.
    """
    count = len(prepared.frames)
    if prediction.frame_count != count:
        raise ValueError(
            f"prediction must have {count - 1} steps for the {count} frames of sweep "
            f"{prepared.subject_id}/{prepared.sweep_id}, got {prediction.frame_count - 1}"
        )
    T_centre_to_first = poses.chain(prediction.T_next_to_previous)
    sd_mm, sd_deg = _accumulated(T_centre_to_first, prediction)
    if prepared.is_mirrored:
        T_centre_to_first = poses.mirrored(T_centre_to_first)
    return Trajectory(T_centre_to_first, sd_mm, sd_deg)


def _check_sd(sd: np.ndarray | None, name: str, shape: tuple[int, int]) -> None:
    """Raise unless standard deviations are absent or fit."""
    if sd is None:
        return
    if np.shape(sd) != shape:
        raise ValueError(f"{name} must be {shape}, as there are {shape[0]} steps, got {sd.shape}")
    if not (np.isfinite(sd) & (np.asarray(sd) >= 0)).all():
        raise ValueError(f"{name} must be finite and not negative, got {np.nanmin(sd):g}")


def _accumulated(T: np.ndarray, prediction: StepPrediction) -> tuple[np.ndarray, np.ndarray]:
    """Return the deviations of position (mm) and rotation (deg) of each frame, (N, 3) each."""
    if prediction.sd_mm is None or prediction.sd_deg is None:
        nothing = np.full((len(T), 3), np.nan)
        return nothing, nothing.copy()
    shared = np.zeros(6) if prediction.shared is None else np.asarray(prediction.shared)
    R, p = T[:, :3, :3], T[:, :3, 3]
    moves = R[:-1] * prediction.sd_mm[:, None, :]
    turns = R[:-1] * np.radians(prediction.sd_deg)[:, None, :]
    variance_mm2, variance_rad2 = np.zeros((len(T), 3)), np.zeros((len(T), 3))
    for k in range(1, len(T)):
        levers = np.cross(turns[:k], (p[k] - p[1 : k + 1])[:, :, None], axis=1)
        variance_mm2[k] = _variance(moves[:k], shared[:3]) + _variance(levers, shared[3:])
        variance_rad2[k] = _variance(turns[:k], shared[3:])
    return np.sqrt(variance_mm2), np.degrees(np.sqrt(variance_rad2))


def _variance(effects: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Return the variance (3,) of a sum of steps' effects (K, axis, component).

    The noise of each step adds by its square, the shared bias by its sum.
    """
    noise = np.sum(effects**2, axis=0) * (1 - shared)
    bias = np.sum(effects, axis=0) ** 2 * shared
    return np.sum(noise + bias, axis=-1)
