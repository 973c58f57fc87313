"""What drift is compared with: rates, sums and set distances of two trajectories.

Decides the measures of Luo et al. as the thesis and DualTrack print them, each rate with both
of the denominators found in the literature. They are not interchangeable:

- *of path*: the true path from the first frame to this one;
- *of distance*: the true straight distance of this frame from the first. It explodes on
  there-and-back sweeps, whose last frame is where the first was.

Paths run straight across frames without a valid pose. 0 / 0 (no error where nothing has moved)
is left out of an average; an error where nothing has moved is an infinite rate, and stays one.
Positions are those of whatever point the poses are attached to: the picture's centre in this
study, the image origin in DualTrack. Deliberately makes no tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.motion.drift import Trajectories, absolute_errors

#: Lengths (mm) and angles (deg) below this are what rounding leaves of zero.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class DriftRates:
    """Measures of the positions. Drift of frame i is d_i = |t(P_i) - t(G_i)|.

    Attributes
    ----------
    final_rate_of_path_percent, final_rate_of_distance_percent : float
        FDR: drift of the last frame over path or distance.
    average_rate_of_path_percent, average_rate_of_distance_percent : float
        ADR: mean over frames of drift over path or distance up to that frame.
    maximum_drift_mm : float
        MD: largest drift.
    drift_sum_mm : float
        SD of the thesis: sum of drift over frames. It grows with the number of frames.
    hausdorff_mm : float
        HD: symmetric Hausdorff distance of the two sets of positions.
    path_mm, distance_mm : float
        True path length, and true distance of the last frame from the first.
    """

    final_rate_of_path_percent: float
    final_rate_of_distance_percent: float
    average_rate_of_path_percent: float
    average_rate_of_distance_percent: float
    maximum_drift_mm: float
    drift_sum_mm: float
    hausdorff_mm: float
    path_mm: float
    distance_mm: float


@dataclass(frozen=True)
class GeodesicRates:
    """Measures of the rotations. The geodesic error of frame i is e_i = angle(P_i, G_i).

    Attributes
    ----------
    average_geodesic_rate_of_turning_percent, average_geodesic_rate_of_angle_percent : float
        AGR: mean over frames of e_i over the true turning (the angles of all true steps up
        to the frame, summed) or over the true angle from the first frame.
    maximum_geodesic_rate_of_turning_percent, maximum_geodesic_rate_of_angle_percent : float
        MGR: the largest e_i over the true turning or angle at that frame.
    maximum_geodesic_deg : float
        MG: largest e_i.
    geodesic_sum_deg : float
        SG: sum of e_i over frames. It grows with the number of frames.
    turning_deg : float
        True turning of the whole sweep.
    """

    average_geodesic_rate_of_turning_percent: float
    average_geodesic_rate_of_angle_percent: float
    maximum_geodesic_rate_of_turning_percent: float
    maximum_geodesic_rate_of_angle_percent: float
    maximum_geodesic_deg: float
    geodesic_sum_deg: float
    turning_deg: float


def drift_rates(trajectories: Trajectories) -> DriftRates:
    """Measure the drift of the positions.

    Parameters
    ----------
    trajectories : Trajectories

    Returns
    -------
    DriftRates

    Notes
    -----
    Luo et al. 2021 (self context and shape prior) and 2022 (MoNet); thesis section 2.2.4,
    whose text names the measures without equations; DualTrack (Wilson et al. 2025) fixes
    FDR = 100 d_last / |t(G_last)| and ADR = mean_i 100 d_i / |t(G_i)|, the *of distance*
    ones here, with positions at the image origin. Luo's "sequence length" is read as the
    path. Percent throughout; the thesis prints FDR as a fraction.
    """
    true, predicted = (T[:, :3, 3] for T in (trajectories.T_true, trajectories.T_predicted))
    drift = _rounded(absolute_errors(trajectories).distance_mm)
    path = _rounded(np.cumsum(np.linalg.norm(np.diff(true, axis=0), axis=1)))
    distance = _rounded(np.linalg.norm(true[1:], axis=1))
    of_path, of_distance = _percent(drift, path), _percent(drift, distance)
    return DriftRates(
        final_rate_of_path_percent=float(of_path[-1]),
        final_rate_of_distance_percent=float(of_distance[-1]),
        average_rate_of_path_percent=_mean_of_defined(of_path),
        average_rate_of_distance_percent=_mean_of_defined(of_distance),
        maximum_drift_mm=float(drift.max()),
        drift_sum_mm=float(drift.sum()),
        hausdorff_mm=hausdorff(predicted, true),
        path_mm=float(path[-1]),
        distance_mm=float(distance[-1]),
    )


def geodesic_rates(trajectories: Trajectories) -> GeodesicRates:
    """Measure the error of the rotations against how far the probe has truly turned.

    Parameters
    ----------
    trajectories : Trajectories

    Returns
    -------
    GeodesicRates

    Notes
    -----
    Thesis section 2.2.4, equation 2.4: e = 2 arccos |<q, q'>| of unit quaternions, which is
    the angle of P G^T; computed without arccos, which loses half of the digits near zero.
    "Expected angle" (AGR) and "relative rotation" (MGR) are not defined there: both
    readings are given. A sweep hardly turns, so rates *of angle* are near 0 / 0 in its first
    frames: read them with the sum beside them.
    """
    error = _rounded(absolute_errors(trajectories).angle_deg)
    R = trajectories.T_true
    turning = _rounded(np.cumsum(geometry.geodesic_angle_deg(R[:-1], R[1:])))
    angle = _rounded(geometry.geodesic_angle_deg(R[1:]))
    of_turning, of_angle = _percent(error, turning), _percent(error, angle)
    worst = int(np.argmax(error))
    return GeodesicRates(
        average_geodesic_rate_of_turning_percent=_mean_of_defined(of_turning),
        average_geodesic_rate_of_angle_percent=_mean_of_defined(of_angle),
        maximum_geodesic_rate_of_turning_percent=float(of_turning[worst]),
        maximum_geodesic_rate_of_angle_percent=float(of_angle[worst]),
        maximum_geodesic_deg=float(error[worst]),
        geodesic_sum_deg=float(error.sum()),
        turning_deg=float(turning[-1]),
    )


def hausdorff(first, second) -> float:
    """Return the symmetric Hausdorff distance of two sets of points.

    Parameters
    ----------
    first, second : array-like (M, 3), (K, 3)
        Points in one frame; the unit is theirs.

    Returns
    -------
    float
        The farthest any point of either set lies from the nearest of the other.

    Raises
    ------
    ValueError
        If a set is empty or not (M, 3).

    Notes
    -----
    Sets know no order: a run twice as fast along the same line has a small Hausdorff distance
    and a large drift.
    """
    from scipy.spatial import KDTree

    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    for name, points in (("first", first), ("second", second)):
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise ValueError(f"{name} must be points (M, 3), M > 0, got {points.shape}")
    there, back = KDTree(second).query(first)[0], KDTree(first).query(second)[0]
    return float(max(there.max(), back.max()))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return values with what rounding left of zero set to zero."""
    return np.where(values < _ROUNDING, 0.0, values)


def _percent(errors: np.ndarray, extents: np.ndarray) -> np.ndarray:
    """Return errors as percent of extents: NaN for 0 / 0, infinite for x / 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100.0 * errors / extents


def _mean_of_defined(rates: np.ndarray) -> float:
    """Return the mean of the rates that are not 0 / 0, NaN where all are."""
    defined = rates[~np.isnan(rates)]
    return float(defined.mean()) if len(defined) else float("nan")
