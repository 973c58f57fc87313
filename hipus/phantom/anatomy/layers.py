"""The layer coordinate: how deep a point lies between skin and joint.

Decides how muscle and fascia follow the skin above and the bone below: the depth is warped so
that the ground (the first of ilium, capsule or femur below the skin) lies at one value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from hipus.phantom.anatomy import surfaces
from hipus.phantom.anatomy.primitives import compiled

#: Grid of the ground's depth: pitch and half extents (posterior, superior), mm.
PITCH_MM = 1.0
HALF_EXTENT_MM = (32.0, 42.0)
#: Deepest ground, where the ray finds neither bone nor joint, mm (assumed).
DEEPEST_MM = 26.0
#: Smoothing of the ground: layers do not follow corners, mm (assumed).
SMOOTHING_MM = 2.5


class Ground(NamedTuple):
    """Depth of the ground below the skin.

    Attributes
    ----------
    depth_mm : numpy.ndarray (superior, posterior)
    mean_mm : float
        Its mean above the joint: the layer coordinate of the ground.
    """

    depth_mm: np.ndarray
    mean_mm: float


@compiled
def _cover(shape, x: float, y: float, z: float) -> float:
    ux, uz = surfaces.upright(shape, x, z)
    bone, _ = surfaces.ilium(shape, ux, y, uz)
    thigh, _ = surfaces.femur(shape, x, y, z)
    return min(min(bone, thigh), surfaces.capsule(shape, x, y, z))


@compiled
def march(shape, depth: np.ndarray) -> None:
    """Write how far below the skin each lateral ray first meets the ground, by sphere tracing."""
    rows, columns = depth.shape
    for i in range(rows):
        z = (i - (rows - 1) / 2) * PITCH_MM
        for j in range(columns):
            y = (j - (columns - 1) / 2) * PITCH_MM
            # The skin's slope is small: its depth at x = 0 is its height, to first order.
            top = surfaces.skin_depth(shape, 0.0, y, z)
            down = 0.0
            for _ in range(200):
                step = _cover(shape, top - down, y, z)
                if step < 0.02 or down > DEEPEST_MM:
                    break
                down += max(0.8 * step, 0.02)
            depth[i, j] = min(max(down, 1.0), DEEPEST_MM)


def empty_ground() -> np.ndarray:
    """Return the table (superior, posterior) that `march` fills."""
    return np.empty([round(2 * half / PITCH_MM) + 1 for half in HALF_EXTENT_MM[::-1]])


def smoothed_ground(depth_mm: np.ndarray) -> Ground:
    """Return the ground that layers follow, from a table that `march` has filled."""
    depth_mm = gaussian_filter(depth_mm, SMOOTHING_MM / PITCH_MM, mode="nearest")
    rows, columns = (size // 4 for size in depth_mm.shape)
    return Ground(depth_mm, float(depth_mm[rows:-rows, columns:-columns].mean()))


@compiled
def _ground_at(ground, y: float, z: float) -> float:
    """Interpolate the ground bilinearly, holding its border beyond it."""
    table = ground.depth_mm
    rows, columns = table.shape
    i = min(max(z / PITCH_MM + (rows - 1) / 2, 0.0), rows - 1.001)
    j = min(max(y / PITCH_MM + (columns - 1) / 2, 0.0), columns - 1.001)
    i0, j0 = int(i), int(j)
    a, b = i - i0, j - j0
    upper = (1.0 - b) * table[i0, j0] + b * table[i0, j0 + 1]
    lower = (1.0 - b) * table[i0 + 1, j0] + b * table[i0 + 1, j0 + 1]
    return (1.0 - a) * upper + a * lower


@compiled
def layer_depth(ground, y: float, z: float, depth: float) -> float:
    """Return the layer coordinate of a point `depth` below the skin, mm.

    Notes
    -----
    depth - (E - E0) t^2 with t = depth / E: untouched at the skin, E0 at the ground E. Below
    the ground it goes on with slope 1, as nothing is layered there.
    """
    bottom = _ground_at(ground, y, z)
    if depth > bottom:
        return ground.mean_mm + depth - bottom
    t = depth / bottom
    return depth - (bottom - ground.mean_mm) * t * t
