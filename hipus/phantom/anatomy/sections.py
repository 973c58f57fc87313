"""Graf's construction in one coronal section of a hip's final surfaces.

Decides what baseline, bony roof line, bony rim, lower limb and labrum are for a smooth
surface, so that every one is well conditioned: a mask of 0.25 mm must find the same. Reads
distances only, never a parameter of the shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.rays import entries, exits, left_distance

#: The baseline is fitted to the iliac wing over this range above the roof line's upper touch.
BASELINE_RANGE_MM = (3.0, 11.0)
#: Rays to the roof start at the acetabulum's centre and scan these polar angles.
ROOF_ANGLES_DEG = (15.0, 200.0)
ROOF_REACH_MM = 30.0
_OUTSIDE_MM = 45.0


@dataclass(frozen=True)
class GrafSection:
    """Lines and points of one coronal section, (lateral, superior) in mm, left-hip axes.

    Attributes
    ----------
    posterior_mm : float
        Where the section lies, behind the Graf plane.
    baseline_mm : numpy.ndarray (2,)
        Offset a and slope b of the baseline, lateral = a + b superior.
    roof_mm : numpy.ndarray (2, 2)
        Where the bony roof line touches the bone: at the lower limb, at the rim.
    rim_mm : numpy.ndarray (2,)
        Bony rim: the point of the bone nearest to where baseline and roof line cross.
    turning_mm : numpy.ndarray (2,)
        Where the roof turns from concave to convex, Graf's bony rim in the strict sense.
    contour_mm : numpy.ndarray (N, 2)
        The roof between the touches, from the lower limb to the rim.

    Notes
    -----
    The turning point is the start of the rim's rounding, half the rounding's arc below
    `rim_mm`; it hangs on curvature, which no mask of 0.25 mm resolves, so beta is taken from
    `rim_mm` and this one is kept for comparison.
    """

    posterior_mm: float
    baseline_mm: np.ndarray
    roof_mm: np.ndarray
    rim_mm: np.ndarray
    turning_mm: np.ndarray
    contour_mm: np.ndarray

    @property
    def alpha_deg(self) -> float:
        """Angle between baseline and bony roof line."""
        return self.angle_deg(self.roof_mm[0] - self.roof_mm[1], medial=True)

    def angle_deg(self, direction, *, medial: bool) -> float:
        """Return the angle from the distal baseline to a direction, positive to one side."""
        down = np.array([-self.baseline_mm[1], -1.0])
        lateral = down[1] * -direction[0] + down[0] * direction[1]
        angle = np.degrees(np.arctan2(lateral, down @ direction))
        return float(-angle if medial else angle)

    def height_mm(self, points_mm) -> np.ndarray:
        """Return how far points (..., 2) lie lateral of the baseline, medial is negative."""
        a, b = self.baseline_mm
        return (points_mm[..., 0] - a - b * points_mm[..., 1]) / np.hypot(1.0, b)


def measure_section(hip: Hip, posterior_mm: float, *, step_deg: float = 0.25) -> GrafSection:
    """Construct one section's lines from the final surface of the ilium.

    Parameters
    ----------
    hip : Hip
    posterior_mm : float
        Section, behind the Graf plane.
    step_deg : float
        Angle between the rays that find the roof.

    Returns
    -------
    GrafSection

    Raises
    ------
    ValueError
        If there is no bony roof in the section.

    Notes
    -----
    Graf (2006): the bony roof line is the tangent from the lower limb to the bony roof. For a
    concave roof between two roundings that is the common tangent, an edge of the convex hull.
    """
    ilium = left_distance(hip, "ilium_distance")
    contour = _roof_contour(ilium, posterior_mm, step_deg)
    limb, rim_touch = _common_tangent(contour, posterior_mm, hip.shape.incline)
    baseline = _baseline(ilium, posterior_mm, rim_touch[1])
    between = _between(contour, limb, rim_touch)
    rim = _project_crossing(ilium, posterior_mm, baseline, np.array([limb, rim_touch]))
    turning = _turning_point(ilium, posterior_mm, between)
    return GrafSection(posterior_mm, baseline, np.array([limb, rim_touch]), rim, turning, between)


def _lift(points: np.ndarray, posterior_mm: float) -> np.ndarray:
    """Return (..., 3) points of a section from (lateral, superior)."""
    return np.stack(
        [points[..., 0], np.full(points.shape[:-1], posterior_mm), points[..., 1]], axis=-1
    )


def _roof_contour(ilium, posterior_mm: float, step_deg: float) -> np.ndarray:
    """Return (N, 2) points that the acetabulum's centre sees, from lateral to medial."""
    angle = np.radians(np.arange(ROOF_ANGLES_DEG[0], ROOF_ANGLES_DEG[1], step_deg))
    rays = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    points = entries(ilium, [0.0, posterior_mm, 0.0], rays, reach_mm=ROOF_REACH_MM)
    points = points[np.isfinite(points).all(1)][:, [0, 2]]
    if len(points) < 10:
        raise ValueError(f"no bony roof {posterior_mm:g} mm behind the Graf plane")
    return points


def _common_tangent(
    contour: np.ndarray, posterior_mm: float, incline: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper touch of the hull's longest edge that faces the joint.

    The pelvis' inclination tells the roof from the iliac wing, whose normal is sideways.
    """
    hull = ConvexHull(contour)
    edges = contour[hull.simplices]
    c, s = incline
    normal = hull.equations[:, :2] @ np.array([[c, s], [-s, c]])
    facing = (normal[:, 0] > 0) & (normal[:, 1] < -0.25)
    length = np.where(facing, np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1), 0.0)
    if length.max() < 1.0:
        raise ValueError(f"no concave bony roof {posterior_mm:g} mm behind the Graf plane")
    edge = edges[length.argmax()]
    lower, upper = edge[np.argsort(edge[:, 1])]
    return lower, upper


def _baseline(ilium, posterior_mm: float, rim_superior_mm: float) -> np.ndarray:
    """Return offset and slope of the line through the iliac wing's lateral face."""
    height = rim_superior_mm + np.linspace(*BASELINE_RANGE_MM, 61)
    starts = _lift(np.stack([np.full_like(height, _OUTSIDE_MM), height], axis=1), posterior_mm)
    wing = entries(ilium, starts, [-1.0, 0.0, 0.0], reach_mm=2 * _OUTSIDE_MM)
    rows = np.column_stack([np.ones_like(height), height])
    return np.linalg.lstsq(rows, wing[:, 0], rcond=None)[0]


def _between(contour: np.ndarray, limb: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """Return the contour from the lower to the upper touch."""
    order = [int(np.abs(contour - point).sum(1).argmin()) for point in (limb, rim)]
    return contour[order[1] : order[0] + 1][::-1]


def _project_crossing(ilium, posterior_mm: float, baseline, roof) -> np.ndarray:
    """Return the bone's point on the bisector through the crossing of baseline and roof."""
    along = (roof[0] - roof[1]) / np.linalg.norm(roof[0] - roof[1])
    up = np.array([baseline[1], 1.0]) / np.hypot(baseline[1], 1.0)
    # roof[1] - s along = (a, 0) + r (b, 1): one equation in s after taking out r.
    gap = roof[1][0] - baseline[0] - baseline[1] * roof[1][1]
    crossing = roof[1] - along * gap / (along[0] - baseline[1] * along[1])
    inward = (along + up) / np.linalg.norm(along + up)
    point = entries(
        ilium,
        _lift((crossing - 2.0 * inward)[None], posterior_mm),
        [inward[0], 0.0, inward[1]],
        reach_mm=10.0,
    )
    return point[0, [0, 2]]


def _turning_point(ilium, posterior_mm: float, contour: np.ndarray) -> np.ndarray:
    """Return where the normal stops turning one way and begins to turn the other."""
    step = 1e-4
    slope = [
        ilium(_lift(contour + shift, posterior_mm)) - ilium(_lift(contour - shift, posterior_mm))
        for shift in step * np.eye(2)
    ]
    upper = len(contour) // 2
    return contour[upper + int(np.arctan2(slope[1], slope[0])[upper:].argmin())]


def labrum_centre(hip: Hip, near_mm: np.ndarray, posterior_mm: float = 0.0) -> np.ndarray:
    """Return the centroid (lateral, superior) of the labrum's section, mm, left-hip axes.

    Parameters
    ----------
    hip : Hip
    near_mm : numpy.ndarray (2,)
        A point within 12 mm of the labrum, for example the bony rim.
    posterior_mm : float
        Section.

    Raises
    ------
    ValueError
        If no labrum is there.
    """
    labrum = left_distance(hip, "labrum_distance")
    offsets = np.stack(np.meshgrid(*2 * [np.arange(-12.0, 12.1, 0.25)]), axis=-1).reshape(-1, 2)
    values = labrum(_lift(near_mm + offsets, posterior_mm))
    if values.min() >= 0:
        raise ValueError(f"no labrum within 12 mm of {near_mm}, nearest {values.min():.2f} mm")
    inner = near_mm + offsets[values.argmin()]
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    rays = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    outline = exits(labrum, _lift(inner[None], posterior_mm), rays, reach_mm=8.0)[:, [0, 2]]
    return _centroid(outline)


def _centroid(outline: np.ndarray) -> np.ndarray:
    """Return the centroid of a closed polygon (N, 2)."""
    following = np.roll(outline, -1, axis=0)
    cross = outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]
    return ((outline + following) * cross[:, None]).sum(0) / (3 * cross.sum())
