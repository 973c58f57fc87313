"""The scores of the TUS-REC challenges: errors of pixels and landmarks, global and local.

Decides how a predicted trajectory is scored as TUS-REC 2024 and 2025 do it, on every pixel of
every frame, exactly and without ever holding more than one frame's errors. Deliberately reads
no files (`hipus.formats.tusrec`) and ranks no teams: the 2024 score compared teams with each
other, so it has no value for one prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.formats.tusrec import Landmarks
from hipus.motion.drift import Trajectories, from_first_frame, steps_between


@dataclass(frozen=True)
class PointErrors:
    """Mean distances between where a prediction and the truth put points.

    Attributes
    ----------
    gpe_mm, gle_mm : float
        Global pixel and landmark error: points seen from the first frame.
    lpe_mm, lle_mm : float
        Local pixel and landmark error: points seen from the frame before.

    The landmark errors are NaN where no landmarks are given.
    """

    gpe_mm: float
    gle_mm: float
    lpe_mm: float
    lle_mm: float


@dataclass(frozen=True)
class Scores:
    """Errors normalised by those of the identity prediction: 1 is perfect, 0 is no better.

    Attributes
    ----------
    gpe, gle, lpe, lle : float
        1 - error / error of the identity; below 0 where the prediction is worse.
    final, global_, local, pixel, landmark : float
        Means: of all four, of the global two, the local two, the pixel two, the landmark two.
    """

    gpe: float
    gle: float
    lpe: float
    lle: float
    final: float
    global_: float
    local: float
    pixel: float
    landmark: float


@dataclass(frozen=True)
class _ErrorMatrices:
    """What maps a pixel to its error vector in mm, for each scored frame.

    Attributes
    ----------
    frame_index : numpy.ndarray (K,) int
    pixel_to_error : numpy.ndarray (K, 3, 4)
    """

    frame_index: np.ndarray
    pixel_to_error: np.ndarray


def point_errors(
    T_predicted,
    T_true,
    *,
    T_pixel_to_frame,
    shape_hw: tuple[int, int],
    landmarks: Landmarks | None = None,
) -> PointErrors:
    """Score a predicted trajectory by the distances of all pixels, and of landmarks.

    Parameters
    ----------
    T_predicted, T_true : array-like (N, 4, 4)
        T_frame_to_world, mm, each in a world of its own; NaN where invalid.
    T_pixel_to_frame : array-like (4, 4)
        Pixels *counted from 0* to the frame whose poses are given, in mm. The challenge
        counts from 1: `formats.tusrec.Calibration.T_pixel_to_probe` has that in it.
    shape_hw : tuple of int
        Height and width of the frames.
    landmarks : Landmarks, optional
        As `formats.tusrec.read_landmarks` gives them, counted from 0.

    Returns
    -------
    PointErrors

    Raises
    ------
    ValueError
        If the poses cannot be compared (`drift.from_first_frame`), the shape is empty, or a
        landmark lies in a frame that has no error (the first, or an invalid one).

    Notes
    -----
    TUS-REC 2024 (Li et al. 2025). With G true and P predicted, frame i to first:
    GPE = mean over frames 1..N-1 and all pixels p of |(G_i - P_i) S p|, S pixel to image mm;
    LPE the same with frame i to frame i - 1. A tool rigidly fixed to the image gives the same
    distances, so poses of tool, image origin or image centre all do, each with its own
    `T_pixel_to_frame`. Global predictions are the chained local ones, as in a trajectory
    they must be. The challenge's own code works in float32 and differs by up to 3e-5 mm.
    """
    trajectories = from_first_frame(T_predicted, T_true)
    T_pixel_to_frame = geometry.check_transform(T_pixel_to_frame, "T_pixel_to_frame", rigid=False)
    return _point_errors(trajectories, T_pixel_to_frame, shape_hw, landmarks)


def identity_errors(
    T_true, *, T_pixel_to_frame, shape_hw: tuple[int, int], landmarks: Landmarks | None = None
) -> PointErrors:
    """Return the errors of the prediction that the probe never moves.

    Parameters
    ----------
    T_true, T_pixel_to_frame, shape_hw, landmarks
        As for `point_errors`.

    Returns
    -------
    PointErrors
        The `largest_GPE` and so on of TUS-REC 2025.

    Raises
    ------
    ValueError
        As for `point_errors`.
    """
    T_identity = np.broadcast_to(np.eye(4), np.shape(T_true))
    return point_errors(
        T_identity,
        T_true,
        T_pixel_to_frame=T_pixel_to_frame,
        shape_hw=shape_hw,
        landmarks=landmarks,
    )


def normalised(errors: PointErrors, largest: PointErrors, *, epsilon_mm: float = 0.0) -> Scores:
    """Normalise errors by those of the identity prediction.

    Parameters
    ----------
    errors : PointErrors
        Of a prediction.
    largest : PointErrors
        Of the identity on the same sweep (`identity_errors`).
    epsilon_mm : float
        Added to the denominator. The challenge's site states 0; the code of the 2025
        baseline adds 1e-6, which moves the final score of its test case by 2e-7.

    Returns
    -------
    Scores
        NaN where the identity makes no error (a probe that never moves), or without
        landmarks.

    Notes
    -----
    TUS-REC 2025: X_norm = (X - X_identity) / (0 - X_identity + epsilon).
    """
    gpe, gle, lpe, lle = (
        _normalised(getattr(errors, name), getattr(largest, name), epsilon_mm)
        for name in ("gpe_mm", "gle_mm", "lpe_mm", "lle_mm")
    )
    return Scores(
        gpe=gpe,
        gle=gle,
        lpe=lpe,
        lle=lle,
        final=(gpe + gle + lpe + lle) / 4,
        global_=(gpe + gle) / 2,
        local=(lpe + lle) / 2,
        pixel=(gpe + lpe) / 2,
        landmark=(gle + lle) / 2,
    )


def _normalised(error: float, largest: float, epsilon: float) -> float:
    """Return one normalised score."""
    if not largest > 0:
        return float("nan")
    return (error - largest) / (0.0 - largest + epsilon)


def _point_errors(
    trajectories: Trajectories,
    T_pixel_to_frame: np.ndarray,
    shape_hw: tuple[int, int],
    landmarks: Landmarks | None,
) -> PointErrors:
    """Return the four errors of trajectories that are already aligned."""
    height, width = shape_hw
    if height < 1 or width < 1:
        raise ValueError(f"shape_hw must be two positive numbers, got {shape_hw}")
    from_first = _global_matrices(trajectories, T_pixel_to_frame)
    from_previous = _local_matrices(trajectories, T_pixel_to_frame)
    gpe, lpe = (
        float(np.mean(_mean_over_pixels(each.pixel_to_error, height, width)))
        for each in (from_first, from_previous)
    )
    gle, lle = (_landmark_error(each, landmarks) for each in (from_first, from_previous))
    return PointErrors(gpe_mm=gpe, gle_mm=gle, lpe_mm=lpe, lle_mm=lle)


def _global_matrices(trajectories: Trajectories, T_pixel_to_frame) -> _ErrorMatrices:
    """Return the error matrices of all frames after the first, seen from the first."""
    difference = trajectories.T_true[1:] - trajectories.T_predicted[1:]
    return _ErrorMatrices(trajectories.frame_index[1:], (difference @ T_pixel_to_frame)[:, :3])


def _local_matrices(trajectories: Trajectories, T_pixel_to_frame) -> _ErrorMatrices:
    """Return the error matrices of frames seen from their valid neighbours before them."""
    steps = steps_between(trajectories)
    matrices = ((steps.T_true - steps.T_predicted) @ T_pixel_to_frame)[:, :3]
    return _ErrorMatrices(trajectories.frame_index[steps.later], matrices)


def _mean_over_pixels(pixel_to_error: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the mean length (K,) of the error vectors of all pixels, frame by frame.

    The error of pixel (u, v) is u a + v b + c. Lengths survive an orthogonal turn, and the
    turn of a QR decomposition makes (a, b, c) triangular: one component then varies with u
    and v, one with v alone, and one not at all. That leaves four passes over the pixels
    instead of nine, without the cancellation of the expanded square.
    """
    u, v = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)
    triangles = np.linalg.qr(pixel_to_error[..., [0, 1, 3]], mode="r")
    means = np.empty(len(triangles))
    squares = np.empty((height, width))
    for index, (first, second, third) in enumerate(triangles):
        np.add(first[0] * u, (first[1] * v + first[2])[:, None], out=squares)
        np.multiply(squares, squares, out=squares)
        squares += ((second[1] * v + second[2]) ** 2 + third[2] ** 2)[:, None]
        means[index] = np.sqrt(squares, out=squares).mean()
    return means


def _landmark_error(matrices: _ErrorMatrices, landmarks: Landmarks | None) -> float:
    """Return the mean error of landmarks, NaN without any."""
    if landmarks is None or not len(landmarks.frame_index):
        return float("nan")
    unscored = np.setdiff1d(landmarks.frame_index, matrices.frame_index)
    if len(unscored):
        raise ValueError(
            f"landmarks: frame {unscored[0]} has no error to measure "
            "(it is the first, beyond the last, or it or its neighbour before is invalid)"
        )
    place = np.searchsorted(matrices.frame_index, landmarks.frame_index)
    pixels = np.column_stack([landmarks.uv_px, np.zeros(len(place)), np.ones(len(place))])
    vectors = np.einsum("mij,mj->mi", matrices.pixel_to_error[place], pixels)
    return float(np.linalg.norm(vectors, axis=1).mean())
