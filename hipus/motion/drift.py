"""Errors of a predicted probe trajectory: relative, absolute and final, total and per axis.

Decides the rules by which two runs of one sweep are compared, stated once for every number:

- Both runs are seen from the first frame whose pose is valid in both (`from_first_frame`), so
  a rigid motion of either world changes nothing. That frame carries no error.
- A relative error is of a step between neighbouring frames, both valid in both runs; an
  absolute error is of a frame valid in both; the final error is that of the last such frame.
- Axes are those of the first frame: lateral (picture to the right), axial (down), elevational
  (out of plane). Where poses are of the picture's centre, errors are of the picture's centre.
- A translation error is predicted minus true. A rotation error is the rotation vector of
  predicted times inverse true, in the first frame's axes: its length is the geodesic angle.
  Euler angles are never used.

Deliberately knows no tables, no sweeps and no rates (see `drift_rates`, `evaluation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations

#: The first frame's axes, in the order of all error vectors.
AXES = ("lateral", "axial", "elevational")


@dataclass(frozen=True)
class Trajectories:
    """The frames valid in both runs, each run seen from the first of them.

    Attributes
    ----------
    frame_index : numpy.ndarray (M,) int
        Frames valid in both runs, increasing.
    T_predicted, T_true : numpy.ndarray (M, 4, 4) float64
        T_frame_to_first, mm; the first is exactly the identity.
    """

    frame_index: np.ndarray
    T_predicted: np.ndarray
    T_true: np.ndarray


@dataclass(frozen=True)
class Steps:
    """The steps between neighbouring frames that are valid in both runs.

    Attributes
    ----------
    later : numpy.ndarray (K,) int
        Place of each step's later frame among the trajectories' frames; `later - 1` is the
        other one.
    T_predicted, T_true : numpy.ndarray (K, 4, 4) float64
        T_next_to_previous = inv(T_i) T_{i+1}, mm.
    """

    later: np.ndarray
    T_predicted: np.ndarray
    T_true: np.ndarray


@dataclass(frozen=True)
class PoseErrors:
    """Errors of K poses or steps in the first frame's axes.

    Attributes
    ----------
    frame_index : numpy.ndarray (K,) int
        The frame, or a step's later frame.
    translation_mm : numpy.ndarray (K, 3)
        Predicted minus true; lateral, axial, elevational.
    rotation_deg : numpy.ndarray (K, 3)
        Rotation vector of predicted times inverse true, about the same axes.
    """

    frame_index: np.ndarray
    translation_mm: np.ndarray
    rotation_deg: np.ndarray

    @property
    def distance_mm(self) -> np.ndarray:
        """Return the lengths (K,) of the translation errors."""
        return np.linalg.norm(self.translation_mm, axis=1)

    @property
    def angle_deg(self) -> np.ndarray:
        """Return the geodesic angles (K,) of the rotation errors."""
        return np.linalg.norm(self.rotation_deg, axis=1)


def from_first_frame(T_predicted, T_true) -> Trajectories:
    """Return both runs seen from the first frame that is valid in both.

    Parameters
    ----------
    T_predicted, T_true : array-like (N, 4, 4)
        T_frame_to_world, mm, each in a world of its own; NaN throughout where invalid. Poses
        of the picture's centre give the study's errors.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError
        If the stacks differ in shape, a matrix is not rigid, or no two neighbouring frames
        are valid in both runs.

    Notes
    -----
    The first pose is set to the exact identity: inv(T) @ T leaves 1e-14 mm, and what divides
    by a distance from the first frame turns that into infinity.
    """
    T_predicted = geometry.check_transform(T_predicted, "T_predicted", allow_nan=True)
    T_true = geometry.check_transform(T_true, "T_true", allow_nan=True)
    if T_predicted.ndim != 3 or T_predicted.shape != T_true.shape:
        raise ValueError(
            "T_predicted and T_true must both be (N, 4, 4), "
            f"got {T_predicted.shape} and {T_true.shape}"
        )
    index = np.flatnonzero(~np.isnan(T_predicted[:, 0, 0] + T_true[:, 0, 0]))
    if not (np.diff(index) == 1).any():
        raise ValueError(
            "T_predicted and T_true must share two neighbouring valid frames, "
            f"got {len(index)} shared ones of {len(T_true)}"
        )
    return Trajectories(index, _from_first(T_predicted[index]), _from_first(T_true[index]))


def _from_first(T_frame_to_world: np.ndarray) -> np.ndarray:
    """Return T_frame_to_first, beginning with the exact identity."""
    T_frame_to_first = geometry.relative(T_frame_to_world[:1], T_frame_to_world)
    T_frame_to_first[0] = np.eye(4)
    return T_frame_to_first


def absolute_errors(trajectories: Trajectories) -> PoseErrors:
    """Return the error of every frame after the first; the last is the final drift.

    Parameters
    ----------
    trajectories : Trajectories

    Returns
    -------
    PoseErrors
        M - 1 errors. The first frame is left out: it defines the alignment, and a certain
        zero would only flatter the mean.

    Notes
    -----
    Translation t(P_i) - t(G_i) with P_i predicted and G_i true, frame i to first. The length
    at the last frame is the "final drift" of Prevost et al. 2018 and of the paper's Table 2
    ("Absolute (mean)" is the mean of the lengths). The thesis' equation 2.3 reads as a
    difference of squares over a norm; the text beside it defines this distance.
    """
    predicted, true = trajectories.T_predicted[1:], trajectories.T_true[1:]
    return PoseErrors(
        frame_index=trajectories.frame_index[1:],
        translation_mm=predicted[:, :3, 3] - true[:, :3, 3],
        rotation_deg=_rotation_errors_deg(predicted, true),
    )


def relative_errors(trajectories: Trajectories) -> PoseErrors:
    """Return the error of every step between neighbouring frames.

    Parameters
    ----------
    trajectories : Trajectories

    Returns
    -------
    PoseErrors
        One error for each pair (i, i + 1) valid in both runs.

    Notes
    -----
    A step's error is born in the axes of frame i and turned into the first frame's by the
    *true* rotation of frame i, so that a network which predicts steps well is not charged for
    earlier ones.
    """
    steps = steps_between(trajectories)
    R_previous_to_first = trajectories.T_true[steps.later - 1, :3, :3]
    moved = steps.T_predicted[:, :3, 3] - steps.T_true[:, :3, 3]
    turned = _rotation_errors_deg(steps.T_predicted, steps.T_true)
    return PoseErrors(
        frame_index=trajectories.frame_index[steps.later],
        translation_mm=np.einsum("kij,kj->ki", R_previous_to_first, moved),
        rotation_deg=np.einsum("kij,kj->ki", R_previous_to_first, turned),
    )


def steps_between(trajectories: Trajectories) -> Steps:
    """Return both runs' steps between neighbouring frames.

    Parameters
    ----------
    trajectories : Trajectories

    Returns
    -------
    Steps
        Steps across an invalid frame are left out, not divided among its neighbours.
    """
    later = np.flatnonzero(np.diff(trajectories.frame_index) == 1) + 1
    predicted, true = (
        geometry.relative(T[later - 1], T[later])
        for T in (trajectories.T_predicted, trajectories.T_true)
    )
    return Steps(later, predicted, true)


def _rotation_errors_deg(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return rotation vectors (K, 3) of predicted times inverse true, in the target's axes."""
    error = predicted[:, :3, :3] @ np.swapaxes(true[:, :3, :3], 1, 2)
    return np.degrees(rotations.to_rotation_vector(error))
