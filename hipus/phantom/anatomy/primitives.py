"""Signed distances of a few shapes, and exact ways to join them, compiled.

Decides formulas only: negative inside, |gradient| = 1 where stated. Knows no anatomy.
"""

from __future__ import annotations

from math import sqrt

from numba import njit

#: Building blocks are compiled into whatever calls them and never cached themselves: Numba's
#: cache notices a change of the caller's own file only (see `kernels`).
compiled = njit(nogil=True, error_model="numpy")
#: Cosines beyond these are held: nearly parallel faces have no edge, and far from a curved
#: face the angle between local normals is no longer that of the edge.
_COSINES = (-0.3, 0.98)


@compiled
def rounded_max(a: float, b: float, radius: float, cosine: float) -> float:
    """Intersect two half spaces along a rounded edge.

    Parameters
    ----------
    a, b : float
        Signed distances to the two faces, mm.
    radius : float
        Of the edge, mm.
    cosine : float
        Of the angle between the faces' outward normals.

    Returns
    -------
    float
        The exact distance for plane faces, outside and within `radius` inside.

    Notes
    -----
    The usual sqrt(u^2 + v^2) holds for right angles only and is up to 20 % too steep at a bony
    rim of 60 deg; solving w = x n_a + y n_b for the offset from the arc's axis is exact.
    """
    u, v = a + radius, b + radius
    c = min(max(cosine, _COSINES[0]), _COSINES[1])
    if u > v * c and v > u * c:
        return sqrt((u * u + v * v - 2.0 * u * v * c) / (1.0 - c * c)) - radius
    return max(a, b)


@compiled
def smooth_min(a: float, b: float, width: float) -> float:
    """Unite two shapes with a fillet that starts where they are `width` apart, in mm."""
    h = max(width - abs(a - b), 0.0) / width
    return min(a, b) - 0.25 * h * h * width


@compiled
def round_cone(x: float, y: float, z: float, start, end, radii) -> float:
    """Return the distance to the hull of two balls.

    Parameters
    ----------
    x, y, z : float
        Point, mm.
    start, end : tuple of 3 float
        Centres of the balls, mm.
    radii : tuple of 2 float
        Their radii, mm; the difference must be smaller than the distance of the centres.

    Returns
    -------
    float
        Exact signed distance, mm.

    Notes
    -----
    Along the axis (s) and across it (d) the mantle is a straight line whose normal leans by
    asin((r0 - r1) / length); its foot decides between mantle and balls.
    """
    ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    length = sqrt(ax * ax + ay * ay + az * az)
    px, py, pz = x - start[0], y - start[1], z - start[2]
    s = (px * ax + py * ay + pz * az) / length
    d = sqrt(max(px * px + py * py + pz * pz - s * s, 0.0))
    lean = (radii[0] - radii[1]) / length
    upright = sqrt(1.0 - lean * lean)
    foot = s * upright - d * lean
    if foot < 0.0:
        return sqrt(s * s + d * d) - radii[0]
    if foot > length * upright:
        return sqrt((s - length) ** 2 + d * d) - radii[1]
    return s * lean + d * upright - radii[0]


@compiled
def triangle(x: float, y: float, corners) -> float:
    """Return the exact distance to a triangle in the plane.

    Parameters
    ----------
    x, y : float
        Point, mm.
    corners : tuple of 6 float
        x0, y0, x1, y1, x2, y2, in either sense.
    """
    nearest, inside_plus, inside_minus = 1e30, True, True
    for i in range(3):
        j = (i + 1) % 3
        ex, ey = corners[2 * j] - corners[2 * i], corners[2 * j + 1] - corners[2 * i + 1]
        wx, wy = x - corners[2 * i], y - corners[2 * i + 1]
        f = min(max((wx * ex + wy * ey) / (ex * ex + ey * ey), 0.0), 1.0)
        nearest = min(nearest, (wx - f * ex) ** 2 + (wy - f * ey) ** 2)
        side = ex * wy - ey * wx
        inside_plus &= side >= 0.0
        inside_minus &= side <= 0.0
    distance = sqrt(nearest)
    return -distance if inside_plus or inside_minus else distance
