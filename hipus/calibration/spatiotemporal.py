"""Calibration in space and in time at once, on N-wires and without a second experiment.

Decides the lag at which the spatial calibration, solved anew for each lag, explains the wires
best. Deliberately takes the wire points as found: images are the business of `nwire`, the
solution in space that of `spatial`. Says how wide the minimum is: slow motion tells no time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

import numpy as np

from hipus import geometry
from hipus.calibration.spatial_classic import fit_classic
from hipus.calibration.spatial_design import check_determined
from hipus.calibration.spatial_joint import fit_joint
from hipus.calibration.spatiotemporal_scan import Scan, Solver
from hipus.calibration.temporal_poses import smoothed_poses
from hipus.calibration.wires import NWirePhantom
from hipus.sweep import check_times

log = logging.getLogger(__name__)

#: Range of the scan, the last one left out (UltraBones100k).
LAG_RANGE_S = (-0.3, 0.0)
#: Fewest frames that may decide a lag.
MIN_FRAMES = 20
_FITS = {"classic": fit_classic, "joint": fit_joint}
#: Poses further apart than this are not interpolated between.
_MAX_GAP_S = 0.25


@dataclass(frozen=True)
class SpatiotemporalCalibration:
    """A lag, the spatial calibration that belongs to it, and the scan behind them.

    Attributes
    ----------
    lag_s : float
        `pose_time = image_time + lag_s`.
    lag_sd_s : float
        Standard error, solving anew without one block of consecutive frames at a time.
    lag_interval_s : tuple of 2 float
        95 % interval (Student's t).
    equivalent_lags_s : tuple of 2 float
        First and last lag whose error is not larger than the least one by more than chance
        (one-sided 95 %, paired by blocks of frames).
    T_pixel_to_probe : numpy.ndarray (4, 4)
        Solved at `lag_s`.
    error_mm : float
        Mean 3D localisation error of the middle wires at `lag_s`.
    lags_s, errors_mm : numpy.ndarray (L,)
        The scan.
    smoothing_s : float
        Standard deviation in time by which poses were smoothed.
    frames_used, frames_total : int
        The same frames serve all lags: those that have a pose at each.
    """

    lag_s: float
    lag_sd_s: float
    lag_interval_s: tuple[float, float]
    equivalent_lags_s: tuple[float, float]
    T_pixel_to_probe: np.ndarray
    error_mm: float
    lags_s: np.ndarray
    errors_mm: np.ndarray
    smoothing_s: float
    frames_used: int
    frames_total: int


def calibrate(
    image_time_s,
    points_px,
    pose_time_s,
    T_probe_to_reference,
    phantom: NWirePhantom,
    *,
    lag_range_s: tuple[float, float] = LAG_RANGE_S,
    step_s: float = 0.005,
    smoothing_s: float | None = None,
    method: str = "classic",
    solve: Solver | None = None,
) -> SpatiotemporalCalibration:
    """Scan the lag, solve the spatial calibration at each, and keep the best.

    Parameters
    ----------
    image_time_s : array-like (F,)
        Strictly increasing times of the frames in which wires were found.
    points_px : array-like (F, 3 P, 2)
        Wire points in the phantom's order; NaN where not found (such frames are left out).
    pose_time_s : array-like (N,)
        Strictly increasing; need not be the images' times.
    T_probe_to_reference : array-like (N, 4, 4)
        NaN where invalid.
    phantom : NWirePhantom
    lag_range_s : tuple of 2 float
        First lag, and the end, which is not tried.
    step_s : float
    smoothing_s : float, optional
        Left out: 1.25 sampling intervals of the poses. 0: linear interpolation only.
    method : str
        `"classic"` or `"joint"`, as in `spatial.calibrate`.
    solve : callable, optional
        Another solver in space.

    Returns
    -------
    SpatiotemporalCalibration

    Raises
    ------
    ValueError
        For an empty range, an unknown method, wrong shapes, too few frames with poses at all
        lags, poses too alike, or a minimum at the end of the range (which is none).

    Notes
    -----
    After UltraBones100k (Wu et al. 2025): lags over [-300, 0) ms, the calibration computed
    for each, the least 3D localisation error wins. Theirs steps by 0.1 ms; here a parabola
    through the squared error refines a coarser grid. Traps: with linear interpolation the
    noise of a pose depends on its distance to the samples, which puts false minima midway
    between them (hence the smoothing); and an error from a wrong lag looks like one from
    motion, so a slow recording yields a wide, shallow minimum.
    """
    lags_s = _lags(lag_range_s, step_s)
    image_time_s, points_px, is_found = _checked_points(image_time_s, points_px, phantom)
    poses_at, smoothing_s = _pose_track(pose_time_s, T_probe_to_reference, smoothing_s)
    poses = np.stack([poses_at(image_time_s + lag_s) for lag_s in lags_s])
    is_used = is_found & np.isfinite(poses).all(axis=(0, 2, 3))
    if is_used.sum() < MIN_FRAMES:
        raise ValueError(
            f"{MIN_FRAMES} frames with wires and a pose at all lags {lags_s[0]:.3f} to "
            f"{lags_s[-1]:.3f} s needed, got {is_used.sum()} of {len(is_used)}"
        )
    # Once for all lags: whether the poses tell the calibration hardly depends on the lag.
    check_determined(points_px[is_used], poses[len(lags_s) // 2, is_used], phantom)
    scan = Scan(
        lags_s=lags_s,
        image_time_s=image_time_s[is_used],
        points_px=points_px[is_used],
        poses_at=poses_at,
        poses=poses[:, is_used],
        phantom=phantom,
        solve=solve or _solver(phantom, method),
    )
    return _estimated(scan, smoothing_s, frames_total=len(is_used))


def _lags(lag_range_s: tuple[float, float], step_s: float) -> np.ndarray:
    """Return the lags of a scan, the end of the range left out."""
    first_s, end_s = (float(value) for value in lag_range_s)
    if not (step_s > 0 and np.isfinite([first_s, end_s]).all() and end_s - first_s >= 5 * step_s):
        raise ValueError(
            f"lag_range_s must span at least 5 steps of {step_s:g} s, got {first_s:g} to {end_s:g}"
        )
    count = int(np.ceil((end_s - first_s) / step_s - 1e-9))
    return first_s + step_s * np.arange(count)


def _checked_points(image_time_s, points_px, phantom: NWirePhantom):
    """Return times, points and which frames show all wires."""
    image_time_s = check_times(image_time_s, "image_time_s")
    points_px = np.asarray(points_px, np.float64)
    expected = (len(image_time_s), len(phantom.names), 2)
    if points_px.shape != expected:
        raise ValueError(f"points_px must be {expected}, got {points_px.shape}")
    return image_time_s, points_px, np.isfinite(points_px).all(axis=(1, 2))


def _pose_track(pose_time_s, T_probe_to_reference, smoothing_s: float | None):
    """Return a function from times to poses, and the smoothing that it applies."""
    pose_time_s = check_times(pose_time_s, "pose_time_s")
    T = geometry.check_transform(T_probe_to_reference, "T_probe_to_reference", allow_nan=True)
    if T.shape != (len(pose_time_s), 4, 4):
        raise ValueError(f"T_probe_to_reference must be ({len(pose_time_s)}, 4, 4), got {T.shape}")
    if smoothing_s is None:
        smoothing_s = 1.25 * float(np.median(np.diff(pose_time_s)))
    if smoothing_s == 0:
        track, gap_s = (pose_time_s, T), _MAX_GAP_S
    else:
        # Regression is dear, interpolation cheap: regress once on a grid so fine that
        # interpolating on it adds nothing.
        grid_s = np.arange(pose_time_s[0], pose_time_s[-1], smoothing_s / 8)
        track = grid_s, smoothed_poses(pose_time_s, T, grid_s, sigma_s=smoothing_s)
        gap_s = smoothing_s
    return partial(geometry.interpolate_poses, *track, max_gap_s=gap_s), smoothing_s


def _solver(phantom: NWirePhantom, method: str) -> Solver:
    """Return the package's own solution in space, bare of the checks that one solution needs."""
    if method not in _FITS:
        raise ValueError(f"method must be one of {sorted(_FITS)}, got {method!r}")

    def solve(points_px: np.ndarray, T_probe_to_reference: np.ndarray) -> np.ndarray:
        return _FITS[method](points_px, T_probe_to_reference, phantom).T_pixel_to_probe

    return solve


def _estimated(scan: Scan, smoothing_s: float, *, frames_total: int):
    """Return the lag, its uncertainty and the solution there."""
    lags_s, count = scan.lags_s, len(scan.points_px)
    errors_mm = scan.errors_mm(np.arange(len(lags_s)), np.ones(count, bool))
    curve_mm = errors_mm.mean(axis=1)
    best = int(curve_mm.argmin())
    if best in (0, len(lags_s) - 1):
        raise ValueError(
            f"the least error {curve_mm[best]:.3f} mm lies at the end of the range, at "
            f"{lags_s[best]:.3f} s: no minimum, shift lag_range_s"
        )
    lag_s = scan.minimum_s(curve_mm)
    T_pixel_to_probe, error_mm = scan.solution(lag_s)
    sd_s, half_s = scan.jackknife_s(best)
    log.info("lag %.4f s, sd %.4f s, error %.3f mm", lag_s, sd_s, error_mm)
    return SpatiotemporalCalibration(
        lag_s=lag_s,
        lag_sd_s=sd_s,
        lag_interval_s=(lag_s - half_s, lag_s + half_s),
        equivalent_lags_s=scan.equivalent_lags_s(errors_mm),
        T_pixel_to_probe=T_pixel_to_probe,
        error_mm=error_mm,
        lags_s=lags_s,
        errors_mm=curve_mm,
        smoothing_s=smoothing_s,
        frames_used=count,
        frames_total=frames_total,
    )
