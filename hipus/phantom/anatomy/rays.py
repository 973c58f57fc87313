"""Points on a surface, found along rays by bisection of its signed distance.

Decides how a surface point is found from a distance function alone, at any precision and
without a grid. Works in the axes of a left hip, so that left and right truths are equal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hipus.phantom.anatomy.hip import Hip

#: Smallest step of the search, part of the distance that is walked at once (deformed
#: distances are up to some percent too long), and number of halvings of the last step.
STEP_MM = 0.02
SAFETY = 0.8
HALVINGS = 30

Distance = Callable[[np.ndarray], np.ndarray]


def left_distance(hip: Hip, field: str) -> Distance:
    """Return a function from points (..., 3) of the left-hip axes to distances (...), mm."""
    mirror = np.array([hip.lateral_sign, 1.0, 1.0])
    return lambda points: hip.distance(field, points * mirror)


def entries(distance: Distance, starts_mm, directions, *, reach_mm: float) -> np.ndarray:
    """Return where rays first enter a surface from outside.

    Parameters
    ----------
    distance : callable
        Signed distance, negative inside.
    starts_mm, directions : array-like, broadcastable to (N, 3)
        Directions have unit length.
    reach_mm : float
        Length of the rays.

    Returns
    -------
    numpy.ndarray (N, 3)
        NaN where a ray enters nothing.
    """
    starts, directions = np.broadcast_arrays(
        np.asarray(starts_mm, dtype=np.float64), np.asarray(directions, dtype=np.float64)
    )
    low, high = _bracket(distance, starts, directions, reach_mm)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_inside = distance(starts + middle[:, None] * directions) <= 0
        low, high = np.where(is_inside, low, middle), np.where(is_inside, middle, high)
    return starts + ((low + high) / 2)[:, None] * directions


def _bracket(distance: Distance, starts, directions, reach_mm: float) -> tuple:
    """Return lengths just outside and just inside, by sphere tracing; NaN where none is."""
    low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    way, active = np.zeros(len(starts)), np.arange(len(starts))
    while active.size:
        value = distance(starts[active] + way[active, None] * directions[active])
        outside = value > 0
        low[active[outside]] = way[active[outside]]
        # A ray that starts inside has not entered: it must come out first.
        entered = ~outside & np.isfinite(low[active])
        high[active[entered]] = way[active[entered]]
        way[active] += np.maximum(SAFETY * np.abs(value), STEP_MM)
        active = active[~entered & (way[active] < reach_mm)]
    return np.where(np.isfinite(high), low, np.nan), high


def exits(distance: Distance, start_mm, directions, *, reach_mm: float) -> np.ndarray:
    """Return where rays from inside first leave a surface (N, 3); see `entries`."""
    return entries(lambda points: -distance(points), start_mm, directions, reach_mm=reach_mm)


def sphere_directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors spread evenly (Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)


def fit_sphere(points_mm: np.ndarray) -> np.ndarray:
    """Return (x, y, z, radius) of the sphere nearest to points in the least-squares sense.

    Notes
    -----
    An algebraic start, then Gauss-Newton on the true distances.
    """
    rows = np.column_stack([2 * points_mm, np.ones(len(points_mm))])
    x, y, z, power = np.linalg.lstsq(rows, (points_mm**2).sum(1), rcond=None)[0]
    sphere = np.array([x, y, z, np.sqrt(power + x * x + y * y + z * z)])
    for _ in range(10):
        away = points_mm - sphere[:3]
        length = np.linalg.norm(away, axis=1)
        rows = np.column_stack([-away / length[:, None], -np.ones(len(away))])
        sphere = sphere - np.linalg.lstsq(rows, length - sphere[3], rcond=None)[0]
    return sphere
