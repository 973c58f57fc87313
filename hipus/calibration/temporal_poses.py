"""Tracker poses as signals in time: the one-dimensional motion of a tool, smoothed poses.

Decides how poses become what the time calibrations compare with images. Deliberately
estimates no lag.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations


@dataclass(frozen=True)
class ToolTrack:
    """The motion of a tool along its main direction.

    Attributes
    ----------
    position_mm : numpy.ndarray (N,)
        Offset from the mean along `axis`; NaN where the pose is invalid.
    axis : numpy.ndarray (3,)
        Unit vector in the poses' target frame. Its sign is a convention only: the largest
        component is positive.
    explained_share : float
        Share of the translation's variance along `axis`, 1/3 to 1.
    """

    position_mm: np.ndarray
    axis: np.ndarray
    explained_share: float


def tracker_position(T_tool_to_tracker, is_valid=None) -> ToolTrack:
    """Project the translation of a tool on its principal direction.

    Parameters
    ----------
    T_tool_to_tracker : array-like (N, 4, 4)
        Poses of the moving tool; NaN where invalid.
    is_valid : array-like (N,) bool, optional
        Poses to use. Left out: those that are finite.

    Returns
    -------
    ToolTrack

    Raises
    ------
    ValueError
        If shapes differ, fewer than 2 poses are valid, or the tool does not move.

    Notes
    -----
    Principal component of the positions, as in PLUS. Neither direction of a principal axis is
    the right one: whoever compares this signal with another must allow both signs.
    """
    T = geometry.check_transform(T_tool_to_tracker, "T_tool_to_tracker", allow_nan=True)
    if T.ndim != 3:
        raise ValueError(f"T_tool_to_tracker must be (N, 4, 4), got {T.shape}")
    is_used = np.isfinite(T).all(axis=(-2, -1))
    if is_valid is not None:
        if np.shape(is_valid) != is_used.shape:
            raise ValueError(f"is_valid must be {is_used.shape}, got {np.shape(is_valid)}")
        is_used &= np.asarray(is_valid, bool)
    if is_used.sum() < 2:
        raise ValueError(f"T_tool_to_tracker: 2 valid poses needed, got {is_used.sum()}")
    offset = T[:, :3, 3] - T[is_used, :3, 3].mean(axis=0)
    _, spread, directions = np.linalg.svd(offset[is_used], full_matrices=False)
    if spread[0] <= 1e-9 * (1 + np.abs(T[is_used, :3, 3]).max()):
        raise ValueError(f"T_tool_to_tracker: the tool does not move in {is_used.sum()} poses")
    axis = directions[0] * np.sign(directions[0][np.abs(directions[0]).argmax()])
    position_mm = np.where(is_used, offset @ axis, np.nan)
    return ToolTrack(position_mm, axis, float(spread[0] ** 2 / (spread**2).sum()))


def smoothed_poses(time_s, T, query_time_s, *, sigma_s: float) -> np.ndarray:
    """Estimate poses at any time by local quadratic regression in time.

    Parameters
    ----------
    time_s : array-like (N,)
        Strictly increasing.
    T : array-like (N, 4, 4)
        Rigid poses; NaN where invalid (left out).
    query_time_s : array-like (M,)
    sigma_s : float
        Standard deviation of the Gaussian weight; samples within 3 sigma take part.

    Returns
    -------
    numpy.ndarray (M, 4, 4) float64
        NaN outside the valid time range, where fewer than 4 samples are near, and where the
        nearest is further than sigma.

    Raises
    ------
    ValueError
        If `sigma_s` is not positive or no pose is valid.

    Notes
    -----
    Linear interpolation halves the noise variance midway between two samples and leaves it
    on a sample, so that an error curve over lags shows scallops with the sampling period.
    Regression (Cleveland 1979) lowers the noise by the same factor everywhere.
    Rotations are regressed as rotation vectors relative to the nearest sample.
    """
    if not sigma_s > 0:
        raise ValueError(f"sigma_s must be positive, got {sigma_s}")
    is_valid = np.isfinite(T).all(axis=(-2, -1))
    if not is_valid.any():
        raise ValueError(f"T must hold at least one valid pose, got {len(is_valid)} invalid ones")
    time_s, T = np.asarray(time_s, float)[is_valid], np.asarray(T, float)[is_valid]
    query_time_s = np.asarray(query_time_s, float)
    first = np.searchsorted(time_s, query_time_s - 3 * sigma_s, "left")
    count = np.searchsorted(time_s, query_time_s + 3 * sigma_s, "right") - first
    is_known = (count >= 4) & (query_time_s >= time_s[0]) & (query_time_s <= time_s[-1])
    # Deep in a gap a quadratic through one side would extrapolate.
    after = np.searchsorted(time_s, query_time_s).clip(1, len(time_s) - 1)
    gap_s = np.abs(query_time_s - time_s[[after - 1, after]]).min(axis=0)
    is_known &= gap_s <= sigma_s
    result = np.full((len(query_time_s), 4, 4), np.nan)
    if is_known.any():
        order = np.arange(count[is_known].max())
        is_near = order < count[is_known, None]
        window = (first[is_known, None] + order).clip(max=len(time_s) - 1)
        offset = (time_s[window] - query_time_s[is_known, None]) / sigma_s
        result[is_known] = _regressed(offset, T[window], is_near)
    return result


def _regressed(offset: np.ndarray, T: np.ndarray, is_near: np.ndarray) -> np.ndarray:
    """Return poses (M, 4, 4) at offset 0 of weighted quadratics through (M, K) poses.

    Offsets are in units of sigma, which keeps the normal equations well conditioned.
    """
    rows = np.arange(len(T))
    nearest = T[rows, np.where(is_near, np.abs(offset), np.inf).argmin(axis=1)]
    turned = geometry.closest_rigid(geometry.relative(nearest[:, None], T))[..., :3, :3]
    values = np.concatenate([T[..., :3, 3], rotations.to_rotation_vector(turned)], axis=-1)
    weighted = (is_near * np.exp(-0.5 * offset**2))[..., None] * offset[..., None] ** np.arange(3)
    normal = np.swapaxes(weighted, 1, 2) @ offset[..., None] ** np.arange(3)
    at_zero = np.linalg.solve(normal, np.swapaxes(weighted, 1, 2) @ values)[:, 0]
    rotation = nearest[:, :3, :3] @ rotations.from_rotation_vector(at_zero[:, 3:])
    return geometry.transform(rotation, at_zero[:, :3])
