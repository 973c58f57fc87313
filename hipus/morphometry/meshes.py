"""Smooth surfaces of labelled structures, as files that 3D Slicer opens in the right place.

Decides how a mask becomes a surface (blurred a little, cut at one half, steps smoothed away) and
what a file says of itself: millimetres, LPS. Deliberately measures nothing on surfaces: they are
for looking at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import images
from hipus.files import atomic_path

SUFFIXES = (".stl", ".ply", ".vtk")
#: SD of the blur before a surface is cut, in voxels: a larger one would shrink a head, whose
#: surface it draws in by its square over the radius, and wash out thin bands.
BLUR_VOXELS = 0.5
#: Taubin's two factors and the number of rounds: smooths without shrinking.
TAUBIN = {"lamb": 0.5, "nu": 0.53, "iterations": 20}
#: Pieces with fewer voxels than this are not drawn.
LEAST_VOXELS = 8
_SPACE = "SPACE=LPS"


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle surface in the world.

    Attributes
    ----------
    vertices_mm : numpy.ndarray (V, 3) float64
        x, y, z in LPS.
    faces : numpy.ndarray (F, 3) int64
        Corners, anti-clockwise seen from outside.
    name : str
        Of the structure.
    """

    vertices_mm: np.ndarray
    faces: np.ndarray
    name: str

    @property
    def volume_mm3(self) -> float:
        """Return the enclosed volume; positive if faces point outwards."""
        a, b, c = (self.vertices_mm[self.faces[:, corner]] for corner in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)

    @property
    def area_mm2(self) -> float:
        """Return the area of all triangles."""
        a, b, c = (self.vertices_mm[self.faces[:, corner]] for corner in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)

    @property
    def sphericity(self) -> float:
        """Return how near to a ball the surface is, 1 for a ball.

        Notes
        -----
        Wadell (1932): area of the ball of the same volume / area.
        """
        return float(np.pi ** (1 / 3) * (6.0 * self.volume_mm3) ** (2 / 3) / self.area_mm2)


def make_mesh(volume: images.Volume, label: int, name: str) -> Mesh:
    """Make the smooth surface of one label.

    Parameters
    ----------
    volume : hipus.images.Volume
        Labels, and where they lie.
    label : int
    name : str
        Of the structure.

    Returns
    -------
    Mesh
        Closed, also where the volume's edge cuts the structure.

    Raises
    ------
    ValueError
        If there are fewer than 8 voxels of the label.

    Notes
    -----
    Marching cubes (Lewiner et al. 2003) and Taubin (1995), which keeps the volume.
    """
    from scipy import ndimage
    from skimage.measure import marching_cubes

    mask = volume.array == label
    if np.count_nonzero(mask) < LEAST_VOXELS:
        raise ValueError(
            f"{name}: needs {LEAST_VOXELS} voxels to make a surface, has {np.count_nonzero(mask)}"
        )
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    share = np.pad(mask[box], 4).astype(np.float32)
    share = ndimage.gaussian_filter(share, BLUR_VOXELS)
    places, faces, _, _ = marching_cubes(share, min(0.5, 0.5 * float(share.max())))
    index = places + [side.start for side in box] - 4
    vertices = _in_world(volume, _smooth(index, faces))
    faces = faces.astype(np.int64)
    mesh = Mesh(vertices, faces, name)
    return mesh if mesh.volume_mm3 > 0 else Mesh(vertices, faces[:, ::-1], name)


def _smooth(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return vertices after smoothing that does not shrink."""
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    return np.asarray(trimesh.smoothing.filter_taubin(mesh, **TAUBIN).vertices)


def _in_world(volume: images.Volume, index_zyx: np.ndarray) -> np.ndarray:
    """Return places (N, 3) z, y, x in voxels as x, y, z in the world, mm."""
    along = index_zyx[:, ::-1] * np.array(volume.spacing_zyx_mm[::-1])
    return along @ np.asarray(volume.direction).T + np.asarray(volume.origin_xyz_mm)


def write_mesh(mesh: Mesh, path: str | os.PathLike) -> Path:
    """Write a surface for 3D Slicer.

    Parameters
    ----------
    mesh : Mesh
    path : path-like
        .stl, .ply (binary) or .vtk (legacy, ASCII).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        For another suffix.

    Notes
    -----
    Slicer 4.11 and later read the orientation from the comment "SPACE=LPS" in a file's header
    and take files without one as LPS too; units are millimetres there by convention.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path.name} must end in one of {', '.join(SUFFIXES)}")
    content = _as_vtk(mesh) if path.suffix == ".vtk" else _exported(mesh, path.suffix)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return path


def _exported(mesh: Mesh, suffix: str) -> bytes:
    """Return a file as trimesh writes it, with a header that names space and units."""
    import trimesh

    made = trimesh.Trimesh(mesh.vertices_mm, mesh.faces, process=False)
    content = made.export(file_type=suffix[1:])
    title = f"hipus {mesh.name}. {_SPACE} units=mm"
    if suffix == ".stl":
        return title.encode().ljust(80)[:80] + content[80:]
    first, second, rest = content.split(b"\n", 2)
    return b"\n".join([first, second, f"comment {title}".encode(), rest])


def _as_vtk(mesh: Mesh) -> bytes:
    """Return a legacy VTK file of polygons."""
    lines = [
        "# vtk DataFile Version 3.0",
        f"hipus {mesh.name}. {_SPACE} units=mm",
        "ASCII",
        "DATASET POLYDATA",
        f"POINTS {len(mesh.vertices_mm)} float",
        *(f"{x:.6g} {y:.6g} {z:.6g}" for x, y, z in mesh.vertices_mm),
        f"POLYGONS {len(mesh.faces)} {4 * len(mesh.faces)}",
        *(f"3 {a} {b} {c}" for a, b, c in mesh.faces),
    ]
    return ("\n".join(lines) + "\n").encode()
