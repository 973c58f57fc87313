"""Averages of rigid motions: of one motion said several times, and of overlapping windows.

Decides what a mean of motions is (the group mean of SE(3)) and how predictions of windows
that overlap become one motion per step with a spread. Deliberately knows no network and does
not call the spread an error: windows share frames, so they err together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import RigidTransform, Rotation

from hipus import geometry, rotations

_ITERATIONS = 50
#: Largest change of the mean (rad, mm) that ends the iteration.
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class MergedSteps:
    """One motion per step, out of all windows that saw it.

    Attributes
    ----------
    T_next_to_previous : numpy.ndarray (N - 1, 4, 4)
        NaN where no window saw the step.
    sd_mm, sd_deg : numpy.ndarray (N - 1, 3)
        Sample standard deviation of the windows' translations and of their rotations about
        the mean (rotation vectors in the mean's own axes); NaN where fewer than two saw it.
    counts : numpy.ndarray (N - 1,) int
        Windows that saw the step.
    """

    T_next_to_previous: np.ndarray
    sd_mm: np.ndarray
    sd_deg: np.ndarray
    counts: np.ndarray


def mean_transform(stack, weights=None) -> np.ndarray:
    """Average rigid motions on SE(3).

    Parameters
    ----------
    stack : array-like (..., K, 4, 4)
        Motions to average over axis -3. NaN is left out.
    weights : array-like, broadcastable to (..., K), optional
        Not negative; equal when left out.

    Returns
    -------
    numpy.ndarray (..., 4, 4) float64
        NaN where nothing of positive weight is known.

    Raises
    ------
    ValueError
        For a wrong shape, a motion that is not rigid, or weights that are negative.

    Notes
    -----
    Exponential barycentre (Pennec & Arsigny 2013): the motion m for which the weighted
    logarithms of inv(m) T_k sum to zero. It does not depend on the frames that the motions
    are written in, on either side; a mean of rotations beside a mean of translations does
    (their origin moves the answer). Motions more than a quarter turn from their mean have
    several such means; the one found is near the motion of the largest weight.
    """
    stack = geometry.check_transform(stack, "stack", allow_nan=True)
    if stack.ndim < 3:
        raise ValueError(f"stack must be (..., K, 4, 4), got {stack.shape}")
    weights = _weights(stack, weights)
    flat, shares = stack.reshape(-1, *stack.shape[-3:]), weights.reshape(-1, weights.shape[-1])
    means = np.full((len(flat), 4, 4), np.nan)
    is_known = shares.sum(axis=1) > 0
    if is_known.any():
        means[is_known] = _barycentres(flat[is_known], shares[is_known])
    return means.reshape(*stack.shape[:-3], 4, 4)


def merge_windows(window_steps, starts, step_count: int, *, weights=None) -> MergedSteps:
    """Average the steps of overlapping windows.

    Parameters
    ----------
    window_steps : array-like (W, S, 4, 4)
        The S steps of each window, frame i + 1 -> frame i; NaN where unknown.
    starts : array-like (W,) int
        Index of each window's first step.
    step_count : int
        Steps of the sweep, its frames less one.
    weights : array-like (S,), optional
        Trust in a step by its place in the window; equal when left out.

    Returns
    -------
    MergedSteps

    Raises
    ------
    ValueError
        For wrong shapes, a window that reaches beyond the sweep, or what `mean_transform`
        refuses.
    """
    window_steps, starts = _checked_windows(window_steps, starts, step_count)
    count, size = window_steps.shape[:2]
    trust = np.ones(size) if weights is None else np.asarray(weights, np.float64)
    if trust.shape != (size,):
        raise ValueError(f"weights must be ({size},), one per step of a window, got {trust.shape}")
    at = starts[:, None] + np.arange(size)
    slots = _slots(at.ravel(), step_count)
    depth = int(slots.max(initial=-1)) + 1
    said = np.full((step_count, max(depth, 1), 4, 4), np.nan)
    trusts = np.zeros(said.shape[:2])
    said[at.ravel(), slots] = window_steps.reshape(-1, 4, 4)
    trusts[at.ravel(), slots] = np.tile(trust, count)
    return _spread(said, mean_transform(said, trusts))


def _checked_windows(window_steps, starts, step_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows and their places as arrays."""
    window_steps, starts = np.asarray(window_steps, np.float64), np.asarray(starts)
    if window_steps.ndim != 4 or window_steps.shape[2:] != (4, 4):
        raise ValueError(f"window_steps must be (W, S, 4, 4), got {window_steps.shape}")
    if starts.shape != window_steps.shape[:1] or (
        starts.size and not np.issubdtype(starts.dtype, np.integer)
    ):
        raise ValueError(
            f"starts must be ({len(window_steps)},) whole numbers, "
            f"got {starts.shape} {starts.dtype}"
        )
    ends = starts + window_steps.shape[1]
    if starts.size and (starts.min() < 0 or ends.max() > step_count):
        raise ValueError(
            f"windows must lie within the {step_count} steps, got steps {starts.min()} to "
            f"{ends.max() - 1}"
        )
    return window_steps, starts.astype(np.intp)


def _slots(at: np.ndarray, step_count: int) -> np.ndarray:
    """Return for each entry how many earlier ones name the same step."""
    order = np.argsort(at, kind="stable")
    firsts = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=step_count))])
    slots = np.empty(len(at), np.intp)
    slots[order] = np.arange(len(at)) - firsts[at[order]]
    return slots


def _spread(said: np.ndarray, mean: np.ndarray) -> MergedSteps:
    """Return the means with the spread of what was said (N - 1, K, 4, 4)."""
    counts = (~np.isnan(said).any(axis=(2, 3))).sum(axis=1)
    turned = np.swapaxes(mean[:, None, :3, :3], -1, -2) @ said[..., :3, :3]
    off_deg = np.degrees(rotations.to_rotation_vector(turned))
    off_mm = said[..., :3, 3] - mean[:, None, :3, 3]
    degrees_of_freedom = np.where(counts > 1, counts - 1, np.nan)[:, None]
    sd_mm, sd_deg = (
        np.sqrt(np.nansum(off**2, axis=1) / degrees_of_freedom) for off in (off_mm, off_deg)
    )
    return MergedSteps(mean, sd_mm=sd_mm, sd_deg=sd_deg, counts=counts)


def _weights(stack: np.ndarray, weights) -> np.ndarray:
    """Return (..., K) weights, 0 where a motion is unknown."""
    shape = stack.shape[:-2]
    values = np.ones(shape) if weights is None else np.asarray(weights, np.float64)
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"weights must be finite and not negative, got {values.min()}")
    try:
        values = np.broadcast_to(values, shape)
    except ValueError as error:
        raise ValueError(f"weights must broadcast to {shape}, got {values.shape}") from error
    return np.where(np.isnan(stack).any(axis=(-2, -1)), 0.0, values)


def _barycentres(stacks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the group means of (B, K, 4, 4) motions, each with a positive weight sum."""
    shares = weights / weights.sum(axis=1, keepdims=True)
    means = stacks[np.arange(len(stacks)), np.argmax(shares, axis=1)]
    filled = np.where(shares[..., None, None] > 0, stacks, means[:, None])
    for _ in range(_ITERATIONS):
        twists = _twists(geometry.relative(means[:, None], filled))
        change = np.einsum("bk,bkt->bt", shares, twists)
        # Tracker matrices are orthogonal to about 1e-6 only: the mean is kept on the group.
        means = geometry.closest_rigid(means @ RigidTransform.from_exp_coords(change).as_matrix())
        if np.abs(change).max() < _TOLERANCE * (1 + np.abs(twists).max()):
            break
    return means


def _twists(T: np.ndarray) -> np.ndarray:
    """Return the logarithms (..., 6) of rigid motions: rotation, then translation."""
    flat = T.reshape(-1, 4, 4)
    # From the parts, not the matrix: the last row of an inverse is 0 0 0 1 to rounding only.
    motions = RigidTransform.from_components(flat[:, :3, 3], Rotation.from_matrix(flat[:, :3, :3]))
    return motions.as_exp_coords().reshape(*T.shape[:-2], 6)
