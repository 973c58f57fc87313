"""Renderings of surfaces: triangles of several structures, shaded, seen from one direction.

Decides how a surface looks: an orthographic view, light from above the viewer's left shoulder,
structures opaque. A picture of fixed size comes out, so that files stay small however many
triangles there are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgb

from hipus.figures import overlays, style

#: Turns of the view about the axial axis and then about the screen's horizontal one, degrees.
VIEW_DEG = (38.0, 28.0)
#: Towards the light, in the screen's axes (right, down, away).
_LIGHT = np.array([-0.45, -0.65, -0.62])
#: Shares of light that come from everywhere, from the light, and as a highlight.
_AMBIENT, _DIFFUSE, _HIGHLIGHT, _SHININESS = 0.25, 0.75, 0.15, 24
#: Room for the scale bar below a picture, of its height.
FOOT = 0.14
#: Each pixel is the mean of this many samples a side.
_FINER = 2


def surfaces_of(inputs: Mapping[str, np.ndarray], name: str) -> dict:
    """Return the surfaces of one mask from a figure input.

    Parameters
    ----------
    inputs : mapping of str to array
        With `<name>_<structure>_vertices_xyz_mm` (V, 3) and `<name>_<structure>_faces` (F, 3).
    name : str

    Returns
    -------
    dict of HipLabel to (vertices, faces)
        Of structures that are there.
    """
    found = {}
    for label in overlays.STRUCTURES:
        stem = f"{name}_{label.name.lower()}"
        faces = inputs[f"{stem}_faces"]
        if len(faces):
            vertices = inputs[f"{stem}_vertices_xyz_mm"]
            found[label] = (vertices.astype(float), faces.astype(np.int64))
    return found


def view_axes(view_deg: tuple[float, float] = VIEW_DEG) -> np.ndarray:
    """Return the screen's axes in the world.

    Parameters
    ----------
    view_deg : tuple of 2 float
        Turn about the axial axis (y, which points down), then about the screen's horizontal.

    Returns
    -------
    numpy.ndarray (3, 3)
        Rows: right, down, away from the viewer. Without turns these are x, y and z.
    """
    turn, tilt = np.deg2rad(view_deg)
    about_y = [[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]]
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    return np.array(about_x) @ np.array(about_y)


def show_surfaces(axes, surfaces: Mapping, limits_mm: np.ndarray, *, height_px: int = 200) -> None:
    """Show surfaces as a shaded picture with a scale bar of 10 mm.

    Parameters
    ----------
    axes : matplotlib axes
    surfaces : mapping of HipLabel to (vertices, faces)
    limits_mm : numpy.ndarray (2, 2)
        Least and largest place to the right and down on the screen, see `screen_limits`.
    height_px : int
    """
    side_mm = np.ptp(limits_mm[:, 1]) / height_px
    picture = render(surfaces, limits_mm, side_mm=side_mm)
    (left, top), (right, bottom) = limits_mm
    axes.imshow(picture, extent=(left, right, bottom, top), interpolation="antialiased")
    foot = bottom + FOOT * (bottom - top)
    axes.set(xlim=(left, right), ylim=(foot, top), aspect="equal")
    axes.axis("off")
    axes.plot([right - 10, right], [foot, foot], color=style.PALETTE["ink"], lw=1.4)
    axes.text(right - 5, foot, "10 mm", ha="center", va="bottom", fontsize=6.5)


def screen_limits(many: list[Mapping], *, margin_mm: float = 1.0) -> np.ndarray:
    """Return limits on the screen that hold several sets of surfaces.

    Parameters
    ----------
    many : list of mappings of HipLabel to (vertices, faces)
        With one surface at least.
    margin_mm : float

    Returns
    -------
    numpy.ndarray (2, 2)
        Rows least and largest; columns right and down, mm.
    """
    points = [vertices for surfaces in many for vertices, _ in surfaces.values()]
    places = np.concatenate(points) @ view_axes()[:2].T
    return np.array([places.min(axis=0) - margin_mm, places.max(axis=0) + margin_mm])


def centred_limits(each: list[np.ndarray]) -> list[np.ndarray]:
    """Return limits of one size around the middle of each of several.

    Parameters
    ----------
    each : list of numpy.ndarray (2, 2)
        As `screen_limits` returns them.

    Returns
    -------
    list of numpy.ndarray (2, 2)
    """
    half = np.max([np.ptp(limits, axis=0) for limits in each], axis=0) / 2
    return [np.stack([limits.mean(axis=0) - half, limits.mean(axis=0) + half]) for limits in each]


def render(surfaces: Mapping, limits_mm: np.ndarray, *, side_mm: float) -> np.ndarray:
    """Return a shaded picture of surfaces; the nearest surface hides what lies behind.

    Parameters
    ----------
    surfaces : mapping of HipLabel to (vertices, faces)
        Vertices (V, 3) in mm; faces (F, 3), in either order of their corners.
    limits_mm : numpy.ndarray (2, 2)
        As `screen_limits` returns them.
    side_mm : float
        Side of a pixel.

    Returns
    -------
    numpy.ndarray (H, W, 4) float64
        RGBA, transparent where nothing is.

    Notes
    -----
    Triangles are sampled as densely as pixels; a pixel keeps its nearest sample, which is a depth
    buffer (Catmull 1974) without a loop. Only what is seen is shaded.
    """
    fine_mm = side_mm / _FINER
    width, height = (np.ceil(np.ptp(limits_mm, axis=0) / side_mm).astype(int) * _FINER).tolist()
    nearest = np.full(height * width, np.inf, np.float32)
    picture = np.zeros((height * width, 4))
    for label, (vertices, faces) in surfaces.items():
        places, normals = _samples(vertices, faces, fine_mm)
        column, row = np.floor((places[:, :2] - limits_mm[0]) / fine_mm).astype(int).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        pixel, depth = (row * width + column)[inside], places[inside, 2]
        before = nearest.copy()
        np.minimum.at(nearest, pixel, depth)
        seen = (depth == nearest[pixel]) & (depth < before[pixel])
        colour = np.array(to_rgb(overlays.SURFACE_COLOURS[label]))
        picture[pixel[seen], :3] = _shaded(normals[inside][seen], colour)
        picture[pixel[seen], 3] = 1
    return _averaged(picture.reshape(height, width, 4))


def _averaged(picture: np.ndarray) -> np.ndarray:
    """Return the mean of each block of samples; empty ones make a pixel transparent."""
    height, width, _ = picture.shape
    blocks = picture.reshape(height // _FINER, _FINER, width // _FINER, _FINER, 4)
    blocks = blocks.sum(axis=(1, 3))
    seen = np.maximum(blocks[..., 3:], 1)
    return np.concatenate([blocks[..., :3] / seen, blocks[..., 3:] / _FINER**2], axis=2)


def _samples(vertices, faces, side_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places on the screen (right, down, away) and normals all over a surface."""
    axes = view_axes()
    corners = (vertices @ axes.T).astype(np.float32)[faces]
    turned = (_vertex_normals(vertices, faces) @ axes.T).astype(np.float32)[faces]
    sides = np.linalg.norm((corners - np.roll(corners, 1, axis=1))[..., :2], axis=2)
    counts = np.ceil(sides.max(axis=1) / side_mm).astype(int) + 1
    parts = []
    for count in np.unique(counts):  # small triangles need few samples
        weights, chosen = _weights(count), counts == count
        parts.append([np.einsum("sc,fcd->fsd", weights, of[chosen]).reshape(-1, 3)
                      for of in (corners, turned)])  # fmt: skip
    places, normals = (np.concatenate(group) for group in zip(*parts, strict=True))
    return places, normals


def _shaded(normals: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return a colour under the light; surfaces are lit on the side that is seen."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    normals = np.where(normals[:, 2:] > 0, -normals, normals)  # towards the viewer
    light = _LIGHT / np.linalg.norm(_LIGHT)
    half = light + [0, 0, -1]
    lit = _AMBIENT + _DIFFUSE * np.clip(normals @ light, 0, 1)
    shine = _HIGHLIGHT * np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** _SHININESS
    return np.clip(lit[:, None] * colour + shine[:, None], 0, 1)


def _vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the mean normal of the triangles around each vertex, by their area."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    across, normals = np.cross(second - first, third - first), np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    return normals


def _weights(count: int) -> np.ndarray:
    """Return barycentric weights spread evenly over a triangle, (S, 3)."""
    first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    keep = first + second <= count
    first, second = first[keep] / count, second[keep] / count
    return np.stack([first, second, 1 - first - second], axis=1).astype(np.float32)
