"""The attitude of an inertial sensor: angular rates integrated, tilt held by gravity.

Decides the filter: an error-state smoother over the whole log (Sola 2017 for the error state,
Rauch, Tung & Striebel 1965 for smoothing), solved at once as banded least squares. **Yaw, the
turn about gravity, is not observable**: an accelerometer at rest reads the same whichever way
it faces, so yaw is the integral of the gyroscope and drifts with what is left of its bias; tilt
does not. Deliberately knows neither images nor probe (see `imu`), and no magnetometer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import Akima1DInterpolator
from scipy.linalg import solveh_banded

from hipus import rotations
from hipus.motion.stillness import GyroscopeBias, SensorTrust, still_bias
from hipus.sweep import Imu, check_times

_PASSES = 3
#: Standard deviation of the first node's error, rad: wide for tilt, and yaw needs a zero.
_FIRST_RAD = 0.2
#: A specific force this share away from its median length is trusted half as much.
_FORCE_SHARE = 0.02
#: Least deviation of the turn between two nodes: rounding, and no division by nothing.
_LEAST_RAD = 1e-5


@dataclass(frozen=True)
class Attitude:
    """Where a sensor points.

    Attributes
    ----------
    time_s : numpy.ndarray (K,)
    R_imu_to_world : numpy.ndarray (K, 3, 3)
        World: at rest, yaw counted from the sensor's own first sample. NaN outside the log.
    up_in_world : numpy.ndarray (3,)
        Unit vector against gravity; its tilt is as good as the accelerometer's bias.
    gyroscope_bias_rad_s : numpy.ndarray (3,)
        What gravity and still ends say; of the part along gravity, gravity says little, and
        only as far as the sensor tilts.
    """

    time_s: np.ndarray
    R_imu_to_world: np.ndarray
    up_in_world: np.ndarray
    gyroscope_bias_rad_s: np.ndarray


def smooth_attitude(imu: Imu, query_time_s, *, trust: SensorTrust | None = None) -> Attitude:
    """Estimate where a sensor points at given times, from its whole log.

    Parameters
    ----------
    imu : Imu
        At least two samples; gaps are bridged by a smooth curve through the rates, and
        trusted less the longer they are.
    query_time_s : array-like (K,)
        Strictly increasing, on the log's clock.
    trust : SensorTrust, optional

    Returns
    -------
    Attitude
        NaN at times outside the log.

    Raises
    ------
    ValueError
        If the log holds fewer than two samples, a sample without any specific force, or the
        query times do not increase.

    Notes
    -----
    Rates between samples: modified Akima interpolation, integrated in closed form. Errors e
    (small turns in the world) and the bias b follow e[k+1] = e[k] - R[k] b dt + noise; in a
    gap of h seconds, whose end rates are known, the noise is that of a Brownian bridge, rate
    variance q h^2 / 12, q from the log's own changes. Each sample's specific force shows up
    with `tilt_rad`, less trusted where its length differs from the median. Accelerometer gain
    and bias are not estimated: constant, they tilt the world, not the sensor's way through it.
    """
    trust = trust or SensorTrust()
    query = check_times(query_time_s, "query_time_s")
    forces, lengths = _directions(imu)
    nodes = _place_nodes(imu, query, trust)
    prior = still_bias(imu, trust=trust)
    bias = prior.bias_rad_s
    for _ in range(_PASSES):
        R = _integrate((nodes.rates_rad_s - bias) * nodes.step_s[:, None])
        seen = np.einsum("mij,mj->mi", R[nodes.samples], forces)
        tilt = _Tilt(seen, lengths, trust.tilt_rad)
        error, change = _solve(nodes, R, tilt, prior=prior, bias=bias)
        bias = bias + change
    R = rotations.from_rotation_vector(error) @ R
    found = np.full((len(query), 3, 3), np.nan)
    is_inside = (query >= imu.time_s[0]) & (query <= imu.time_s[-1])
    found[is_inside] = R[np.searchsorted(nodes.time_s, query[is_inside])]
    return Attitude(query, found, up_in_world=tilt.up, gyroscope_bias_rad_s=bias)


@dataclass(frozen=True)
class _Nodes:
    """The log cut at its samples and at the times asked for.

    Attributes: `time_s` (n,); `step_s`, `rates_rad_s` (mean rate) and `variance_rad2` of the
    n - 1 pieces between; `samples` (M,), which nodes are samples.
    """

    time_s: np.ndarray
    step_s: np.ndarray
    rates_rad_s: np.ndarray
    variance_rad2: np.ndarray
    samples: np.ndarray


class _Tilt:
    """Which way up the forces show, and how much each of them weighs (1 / rad^2)."""

    def __init__(self, seen: np.ndarray, lengths: np.ndarray, least_rad: float) -> None:
        self.seen = seen
        self.up = seen.mean(axis=0) / np.linalg.norm(seen.mean(axis=0))
        shaking_rad = 1.4826 * np.median(np.abs(seen - np.median(seen, axis=0)))
        off = np.abs(lengths / np.median(lengths) - 1) / _FORCE_SHARE
        self.weights = (max(least_rad, shaking_rad) * (1 + off)) ** -2.0


def _directions(imu: Imu) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit directions (M, 3) and lengths (M,) of the specific force."""
    if len(imu.time_s) < 2:
        raise ValueError(f"imu must hold at least 2 samples, got {len(imu.time_s)}")
    lengths = np.linalg.norm(imu.acceleration_m_s2, axis=1)
    if not (lengths > 0).all():
        index = int(np.argmin(lengths))
        raise ValueError(f"imu.acceleration_m_s2 must not vanish, got 0 at sample {index}")
    return imu.acceleration_m_s2 / lengths[:, None], lengths


def _place_nodes(imu: Imu, query: np.ndarray, trust: SensorTrust) -> _Nodes:
    """Cut a log at its samples and at the times asked for."""
    time_s, rates = imu.time_s, imu.angular_velocity_rad_s
    is_inside = (query > time_s[0]) & (query < time_s[-1])
    nodes = np.union1d(time_s, query[is_inside])
    step_s = np.diff(nodes)
    turned = Akima1DInterpolator(time_s, rates, method="makima").antiderivative()(nodes)
    between = np.searchsorted(time_s, nodes[:-1], side="right") - 1
    gap_s = np.diff(time_s)[between]
    # Rate of change of the rates as a random walk, from the log itself.
    change = (np.diff(rates, axis=0) ** 2).mean(axis=1).sum() / (time_s[-1] - time_s[0])
    density = trust.gyroscope_noise_rad_s**2 * gap_s + change * gap_s**2 / 12
    return _Nodes(
        time_s=nodes,
        step_s=step_s,
        rates_rad_s=np.diff(turned, axis=0) / step_s[:, None],
        variance_rad2=density * step_s + _LEAST_RAD**2,
        samples=np.searchsorted(nodes, time_s),
    )


def _integrate(turns_rad: np.ndarray) -> np.ndarray:
    """Return the attitudes (n, 3, 3) that turns (n - 1, 3) in the sensor's frame lead to."""
    parts = rotations.from_rotation_vector(turns_rad)
    R = np.empty((len(parts) + 1, 3, 3))
    R[0] = np.eye(3)
    for index, part in enumerate(parts):
        R[index + 1] = R[index] @ part
    return R


def _solve(
    nodes: _Nodes, R: np.ndarray, tilt: _Tilt, *, prior: GyroscopeBias, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors (n, 3), turns in the world, and the change of the bias (3,).

    Normal equations: block-tridiagonal in the errors, bordered by the three of the bias.
    """
    trust = 1 / nodes.variance_rad2
    blocks, pulls = _gravity(nodes, tilt)
    diagonal = np.zeros(len(R))
    diagonal[0] = _FIRST_RAD**-2
    diagonal[:-1] += trust
    diagonal[1:] += trust
    blocks += diagonal[:, None, None] * np.eye(3)
    border = np.zeros((len(R), 3, 3))
    part = R[:-1] * (trust * nodes.step_s)[:, None, None]
    border[:-1] -= part
    border[1:] += part
    border = border.reshape(-1, 3)
    right = np.column_stack([pulls.ravel(), border])
    solved = solveh_banded(_bands(blocks, trust), right, lower=True)
    alone, along = solved[:, 0], solved[:, 1:]
    own = np.eye(3) * ((trust * nodes.step_s**2).sum() + prior.sd_rad_s**-2)
    off = (prior.bias_rad_s - bias) / prior.sd_rad_s**2
    change = np.linalg.solve(own - border.T @ along, off - border.T @ alone)
    return (alone - along @ change).reshape(-1, 3), change


def _gravity(nodes: _Nodes, tilt: _Tilt) -> tuple[np.ndarray, np.ndarray]:
    """Return what forces demand: blocks (n, 3, 3) and right-hand sides (n, 3).

    A turn e moves a force seen at f by e x f, which should be `up - f`: nothing along f, which
    is why yaw is not observable.
    """
    blocks, pulls = np.zeros((len(nodes.time_s), 3, 3)), np.zeros((len(nodes.time_s), 3))
    across = np.eye(3) - np.einsum("mi,mj->mij", tilt.seen, tilt.seen)
    blocks[nodes.samples] = tilt.weights[:, None, None] * across
    pulls[nodes.samples] = tilt.weights[:, None] * np.cross(tilt.seen, tilt.up)
    return blocks, pulls


def _bands(blocks: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return the lower bands (4, 3 n) of a block-tridiagonal matrix with -trust beside it."""
    bands = np.zeros((4, len(blocks), 3))
    for below in range(3):
        for column in range(3 - below):
            bands[below, :, column] = blocks[:, column + below, column]
    bands[3, :-1] = -trust[:, None]
    return bands.reshape(4, -1)
