"""Simple measures of a hip mask, written apart from everything in `hipus`.

A mask is blurred a little and cut at one half, which gives its boundary below a voxel; the
roof line comes from a convex hull in each of many coronal slices, and a polynomial over the
slices gives the Graf plane. One slice is not enough: a wing that leans by 0.02 crosses half a
voxel of 0.25 mm in 6 mm, so the wing is one smooth surface that parts the voxels on its two
sides. Left-hip axes (lateral, superior), mm.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull
from skimage.measure import find_contours

#: Half extent, mm, of the coronal slices around the Graf plane that say where lines and labrum
#: lie. All bend around the head: a parabola of the labrum over 4 mm is 0.015 mm off in the
#: middle, so it gets fewer slices, and roof and rim a quartic over more.
BONE_REACH_MM, LABRUM_REACH_MM, WING_REACH_MM = 6.51, 2.51, 7.01
#: Enough to smooth the steps; it draws an edge of 1.2 mm radius in by 0.02 mm, the largest here.
BLUR_VOXELS = 0.85
#: Widths, in voxels, of the loss that parts the wing's voxels; each starts from the last.
WIDTHS_VOXELS = (0.3, 0.15, 0.08, 0.04, 0.02)


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
    smooth = gaussian_filter((mask == 1).astype(float), BLUR_VOXELS)
    near = np.flatnonzero(np.abs(y) <= BONE_REACH_MM)
    slices = [boundary(smooth[:, j], z, x) for j in near]
    roofs = [roof_line(points) for points in slices]
    wing = wing_plane(mask == 1, z, y, x, at_graf(y[near], [upper[1] for _, upper in roofs]))
    lines = [(wing[0] + wing[2] * at + wing[3] * at**2, wing[1]) for at in y[near]]
    rims = [bony_rim(*parts, outside) for parts in zip(slices, lines, roofs, strict=True)]
    rim = np.array([at_graf(y[near], [point[i] for point in rims]) for i in (0, 1)])
    turn = at_graf(y[near], np.unwrap([np.arctan2(*(lower - upper)) for lower, upper in roofs]))
    down = np.array([-wing[1], -1.0])
    core = np.flatnonzero(np.abs(y) <= LABRUM_REACH_MM)
    wedges = [centroid(mask[:, j] == 5, z, x) for j in core]
    labrum = np.array([at_graf(y[core], [point[i] for point in wedges], 2) for i in (0, 1)])
    centre, radius = head_sphere(mask == 2, z, y, x)
    alpha = angle_deg(down, [np.sin(turn), np.cos(turn)])
    return MaskMeasures(alpha, angle_deg(down, labrum - rim), rim, labrum, centre, radius)


def at_graf(y, values, degree: int = 4) -> float:
    """Return the value at y = 0 of a polynomial through values over slices."""
    return float(np.polyfit(y, values, degree)[-1])


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
    """Return (offset, slope, ...) of the iliac wing's lateral face, 3 to 11 mm above the rim.

    lateral = offset + slope z + a y + b y^2 + c y z: the wing's curvature from front to back
    carries the surface through whole voxels. A fit to the most lateral voxel faces starts it;
    then every voxel centre near it has to lie on its own side. Faces tell a step to half a
    voxel, but the centres that a step only just reaches or misses tell it far better.
    """
    voxel = x[1] - x[0]
    rows, columns = (z > above + 3) & (z < above + 11), np.abs(y) <= WING_REACH_MM
    part = bone[rows][:, columns]
    last = x[x.size - 1 - part[:, :, ::-1].argmax(2)] + voxel / 2
    up, back = np.meshgrid(z[rows], y[columns], indexing="ij")
    terms = np.stack([np.ones_like(up), up, back, back**2, back * up], axis=-1)
    start = np.linalg.lstsq(terms.reshape(-1, 5), last.ravel(), rcond=None)[0]
    depth = (terms @ start)[..., None] - x
    near = np.abs(depth) < 1.2 * voxel
    terms = terms[np.nonzero(near)[:2]]
    shift = np.zeros(5)
    for width in WIDTHS_VOXELS:
        shift = part_sides(terms, depth[near], part[near], width * voxel, shift)
    return start - shift


def part_sides(terms, depth, inside, width: float, start: np.ndarray) -> np.ndarray:
    """Return the weights of terms (N, K) whose sum is less than depth where inside, else more.

    Logistic regression of a fixed width in mm, by Newton steps of at most 0.1 mm a term.
    """
    scale = np.abs(terms).max(0)
    terms, weights = terms / scale, start * scale
    for _ in range(8):
        odds = np.clip((depth - terms @ weights) / width, -50, 50)
        likely = 1 / (1 + np.exp(-odds))
        bend = terms.T @ (terms * (likely * (1 - likely))[:, None]) / width
        step = np.linalg.solve(bend + 1e-6 * np.eye(weights.size), terms.T @ (likely - inside))
        weights = weights + np.clip(step, -0.1, 0.1)
    return weights / scale


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
