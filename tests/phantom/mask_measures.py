"""Simple measures of a hip mask, written apart from everything in `hipus`.

A mask is blurred a little and cut at one half, which gives its boundary below a voxel; lines
come from a convex hull and a straight fit in each of many coronal slices, and a parabola over
the slices gives the Graf plane. One slice is not enough: a wing that leans by 0.02 crosses
half a voxel of 0.25 mm in 6 mm. Left-hip axes (lateral, superior), mm.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull
from skimage.measure import find_contours


@dataclass(frozen=True)
class MaskMeasures:
    """What a mask of a left-hip grid shows."""

    alpha_deg: float
    beta_deg: float
    rim: np.ndarray
    labrum: np.ndarray
    head_centre: np.ndarray
    head_radius: float


def measure(mask: np.ndarray, z, y, x, *, outside: float) -> MaskMeasures:
    """Measure labels (D, H, W) on a cubic grid; the bands begin `outside` mm off the bone."""
    smooth = gaussian_filter((mask == 1).astype(float), 0.7)
    near = np.flatnonzero(np.abs(y) <= 4.01)
    slices = [boundary(smooth[:, j], z, x) for j in near]
    roofs = [roof_line(points) for points in slices]
    wing = wing_plane(mask == 1, z, y, x, at_graf(y[near], [upper[1] for _, upper in roofs]))
    lines = [(wing[0] + wing[2] * at + wing[3] * at**2, wing[1]) for at in y[near]]
    rims = [bony_rim(*parts, outside) for parts in zip(slices, lines, roofs, strict=True)]
    rim = np.array([at_graf(y[near], [point[i] for point in rims]) for i in (0, 1)])
    turn = at_graf(y[near], np.unwrap([np.arctan2(*(lower - upper)) for lower, upper in roofs]))
    down = np.array([-wing[1], -1.0])
    wedges = [centroid(mask[:, j] == 5, z, x) for j in near]
    labrum = np.array([at_graf(y[near], [point[i] for point in wedges]) for i in (0, 1)])
    centre, radius = head_sphere(mask == 2, z, y, x)
    alpha = angle_deg(down, [np.sin(turn), np.cos(turn)])
    return MaskMeasures(alpha, angle_deg(down, labrum - rim), rim, labrum, centre, radius)


def at_graf(y, values) -> float:
    """Return the value at y = 0 of a parabola through values over slices."""
    return float(np.polyfit(y, values, 2)[2])


def boundary(smooth: np.ndarray, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return (N, 2) points where a blurred slice (D, W) passes one half."""
    rows = np.concatenate(find_contours(smooth, 0.5))
    return np.array([x[0], z[0]]) + rows[:, ::-1] * np.array([x[1] - x[0], z[1] - z[0]])


def roof_line(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper end of the hull's longest edge facing down and sideways."""
    hull = ConvexHull(points)
    ends = points[hull.simplices]
    normal = hull.equations[:, :2]
    facing = (normal[:, 0] > 0.1) & (normal[:, 1] < -0.3)
    edge = ends[np.where(facing, np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), 0).argmax()]
    return edge[edge[:, 1].argmin()], edge[edge[:, 1].argmax()]


def wing_plane(bone: np.ndarray, z, y, x, above: float) -> np.ndarray:
    """Return (offset, slope, ...) of the most lateral voxel faces, 3 to 11 mm above the rim.

    lateral = offset + slope z + a y + b y^2 + c y z: the wing's curvature from front to back
    carries the surface through whole voxels, which averages their steps.
    """
    rows, columns = (z > above + 3) & (z < above + 11), np.abs(y) <= 7.01
    part = bone[rows][:, columns]
    last = x[x.size - 1 - part[:, :, ::-1].argmax(2)] + (x[1] - x[0]) / 2
    up, back = (axis.ravel() for axis in np.meshgrid(z[rows], y[columns], indexing="ij"))
    terms = np.column_stack([np.ones(up.size), up, back, back**2, back * up])
    return np.linalg.lstsq(terms, last.ravel(), rcond=None)[0]


def angle_deg(a, b) -> float:
    """Return the angle between two directions."""
    a, b = np.asarray(a), np.asarray(b)
    return float(np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))))


def bony_rim(points, wing, roof, outside: float) -> np.ndarray:
    """Return the bone's point nearest to the crossing of wing and roof line.

    The boundary lies `outside` mm off the bone.
    """
    lower, upper = roof
    up = np.array([wing[1], 1.0]) / np.hypot(wing[1], 1.0)
    along = (upper - lower) / np.linalg.norm(upper - lower)
    base = np.array([wing[0], 0.0])
    crossing = base + np.linalg.solve(np.column_stack([up, -along]), lower - base)[0] * up
    inward = (up - along) / np.linalg.norm(up - along)
    across = np.abs((points - crossing) @ np.array([-inward[1], inward[0]]))
    nearest = ((points - crossing) @ inward)[across < 0.3].min()
    return crossing + (nearest + outside) * inward


def centroid(inside: np.ndarray, z, x) -> np.ndarray:
    """Return the mean (lateral, superior) of the pixels of one slice (D, W)."""
    index = np.argwhere(inside).mean(0)
    return np.array([np.interp(index[1], range(x.size), x), np.interp(index[0], range(z.size), z)])


def head_sphere(inside: np.ndarray, z, y, x) -> tuple[np.ndarray, float]:
    """Return centre (x, y, z) and radius of a filled ball from its voxels."""
    index = np.argwhere(inside)
    volume = len(index) * (x[1] - x[0]) * (y[1] - y[0]) * (z[1] - z[0])
    means = index.mean(0)[::-1]
    centre = [np.interp(i, range(a.size), a) for i, a in zip(means, (x, y, z), strict=True)]
    return np.array(centre), float((3 * volume / (4 * np.pi)) ** (1 / 3))
