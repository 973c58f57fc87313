"""Where the hip lies in a labelled sweep, and from that how two sweeps lie to each other.

Decides the first guess that registration starts from: the centre of the femoral head, and which
way the ilium lies from it. Both probes look along the beam (+y of a sweep's world), so two
sweeps differ by a turn about the beam, found from the ilium, and by a shift, found from the head.
Sides and directions of travel are never asked for: they follow from the labels. Deliberately
measures nothing (see `morphometry`) and looks at no grey value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.labels import HipLabel
from hipus.reconstruction.grid import VoxelGrid

#: The beam's direction in the world of a sweep's volume.
BEAM = np.array([0.0, 1.0, 0.0])
#: Less of a structure than this may be noise.
LEAST_VOLUME_MM3 = 20.0
#: The ilium's middle must lie this far beside the head for its direction to mean anything.
LEAST_DISTANCE_MM = 2.0


@dataclass(frozen=True)
class HipPlace:
    """Where a hip lies in a sweep's world.

    Attributes
    ----------
    head_mm : numpy.ndarray (3,)
        Centre of the femoral head.
    radius_mm : float
        Of the ball with the head's seen surface.
    cranial : numpy.ndarray (3,)
        Unit vector across the beam, from the head towards the ilium.
    """

    head_mm: np.ndarray
    radius_mm: float
    cranial: np.ndarray


def find_hip(labels: np.ndarray, grid: VoxelGrid, *, name: str = "sweep") -> HipPlace:
    """Find the head and the direction of the ilium in a label volume.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
        Of the hip scheme.
    grid : VoxelGrid
        Where it lies; its y axis is the beam.
    name : str
        Of the sweep, for messages.

    Returns
    -------
    HipPlace

    Raises
    ------
    ValueError
        If ilium or femoral head are missing, or the ilium lies over the head's middle, which
        leaves the turn about the beam open.

    Notes
    -----
    The head's centre is that of the ball through its surface (linear least squares, Coope
    1993): a sweep that shows half a head has its middle far from the centre.
    """
    head_mm, radius_mm = find_head(labels, grid, name=name)
    ilium = _checked(labels, grid, label=HipLabel.ILIUM, name=name)
    away = _places_mm(np.argwhere(ilium), grid).mean(axis=0) - head_mm
    across = away - (away @ BEAM) * BEAM
    length = float(np.linalg.norm(across))
    if length < LEAST_DISTANCE_MM:
        raise ValueError(
            f"{name}: the ilium's middle must lie {LEAST_DISTANCE_MM:g} mm or more beside the "
            f"femoral head's to tell how the probe was turned, got {length:.1f} mm"
        )
    return HipPlace(head_mm, radius_mm, across / length)


def find_head(labels, grid: VoxelGrid, *, name: str = "sweep") -> tuple[np.ndarray, float]:
    """Find the femoral head in a label volume.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
    grid : VoxelGrid
    name : str

    Returns
    -------
    tuple of (numpy.ndarray (3,), float)
        Centre and radius, mm, in the grid's world.

    Raises
    ------
    ValueError
        If the head is missing, or the labels have another shape than the grid.
    """
    mask = _checked(labels, grid, label=HipLabel.FEMORAL_HEAD, name=name)
    return ball(_surface_mm(mask, grid))


def place_by_anatomy(first: HipPlace, second: HipPlace) -> np.ndarray:
    """Return how the second sweep lies to the first, by head and ilium alone.

    Parameters
    ----------
    first, second : HipPlace

    Returns
    -------
    numpy.ndarray (4, 4)
        Rigid `T_second_to_first`, mm: heads on one another, beams parallel, ilia one way.
    """
    turn = _heading(first.cranial) - _heading(second.cranial)
    R = rotations.from_rotation_vector(turn * BEAM)
    return geometry.transform(R, first.head_mm - R @ second.head_mm)


def which_shows_roof(first: HipPlace, second: HipPlace) -> int:
    """Return which sweep's pictures lie along the way from the head to the ilium.

    Parameters
    ----------
    first, second : HipPlace
        Each in its own sweep's world, whose x axis lies in the pictures.

    Returns
    -------
    int
        0 or 1: the sweep whose pictures show wing and roof in one plane, as Graf's do. Borders
        in the picture's plane are sharp, so its labels are the better ones.
    """
    return int(abs(second.cranial[0]) > abs(first.cranial[0]))


def ball(points_mm: np.ndarray) -> tuple[np.ndarray, float]:
    """Return centre (3,) and radius of the ball with points on its surface.

    Parameters
    ----------
    points_mm : numpy.ndarray (P, 3)
        Four or more, not in one plane.

    Returns
    -------
    tuple of (numpy.ndarray (3,), float)
    """
    middle = points_mm.mean(axis=0)
    moved = points_mm - middle
    design = np.column_stack([2 * moved, np.ones(len(moved))])
    found = np.linalg.lstsq(design, (moved**2).sum(axis=1), rcond=None)[0]
    return found[:3] + middle, float(np.sqrt(max(found[3] + found[:3] @ found[:3], 0.0)))


def _heading(direction: np.ndarray) -> float:
    """Return the angle of a direction about the beam, radians."""
    return float(np.arctan2(direction[0], direction[2]))


def _checked(labels, grid: VoxelGrid, *, label: HipLabel, name: str) -> np.ndarray:
    """Return a structure's mask if there is enough of it."""
    if np.shape(labels) != grid.shape_zyx:
        raise ValueError(
            f"labels must have the grid's shape {grid.shape_zyx}, got {np.shape(labels)} ({name})"
        )
    mask = np.asarray(labels) == label
    volume_mm3 = float(mask.sum() * np.prod(grid.spacing_xyz_mm))
    if volume_mm3 < LEAST_VOLUME_MM3:
        raise ValueError(
            f"{name}: label {label.name.lower()} is missing ({volume_mm3:.0f} mm3, "
            f"{LEAST_VOLUME_MM3:g} needed): nothing to place the other sweep by"
        )
    return mask


def _places_mm(voxels_zyx: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Return world places (P, 3) of voxels (P, 3) [z, y, x]."""
    return voxels_zyx[:, ::-1] * np.array(grid.spacing_xyz_mm) + np.array(grid.origin_xyz_mm)


def _surface_mm(mask: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Return the middles of the faces between a mask and the rest, (P, 3), mm."""
    faces = []
    for axis in range(3):
        edges = np.argwhere(np.diff(mask.astype(np.int8), axis=axis) != 0).astype(float)
        edges[:, axis] += 0.5
        faces.append(edges)
    return _places_mm(np.concatenate(faces), grid)
