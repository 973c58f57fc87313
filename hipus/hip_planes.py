"""A hip cut by parallel planes from front to back: sections, Graf's lines in each, and surfaces.

Decides where planes lie (a tenth of the head's radius apart, the Graf plane in the middle) and
that lines of all planes come from the one smooth wing and the one smooth roof that the hip's own
measures stand on, so that alpha in the Graf plane is the measured one. Deliberately defines
nothing of Graf and draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.images import Volume
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.hip_shape import FoundHip, HipShape, find_hip, fit_shape, turn_round
from hipus.morphometry.iliac_wing import PLANE_RANGE_MM, fit_face, look_at_face
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.meshes import LEAST_VOXELS, Mesh, make_mesh
from hipus.morphometry.roof_surface import look_at_roof
from hipus.morphometry.section_contours import SCHEMES
from hipus.morphometry.sections_3d import LATERAL_MM, SUPERIOR_MM

#: Planes in front of the Graf plane, and as many behind it; their distance in head radii.
PLANES_EACH_WAY, PLANE_STEP_RADII = 9, 0.1
#: The planes of `alpha_anterior_deg` and `alpha_posterior_deg`, head radii off the Graf plane.
FACING_RADII = 0.5
#: Side of a section's pixels, mm: half a voxel of the study's volumes.
PIXEL_MM = 0.4
#: Taubin's factors and rounds on top of those of `meshes`, for surfaces that are turned.
SMOOTHING = {"lamb": 0.5, "nu": 0.53, "iterations": 40}
#: (lateral, superior) of the centre of a section's first pixel, mm.
CORNER_MM = (LATERAL_MM[1], SUPERIOR_MM[1])


@dataclass(frozen=True, eq=False)
class PlaneOfHip:
    """One plane through a hip, across its posterior axis.

    Attributes
    ----------
    posterior_mm : float
        Behind the Graf plane.
    alpha_deg : Measure
        Or the sentence that says what this plane lacks.
    wing_mm, roof_mm : numpy.ndarray (2, 2) or None
        Ends of the baseline (cranial, caudal; down to the lower limb) and of the roof line
        (lower limb, rim), (lateral, superior); None where they cannot be drawn.
    """

    posterior_mm: float
    alpha_deg: Measure
    wing_mm: np.ndarray | None
    roof_mm: np.ndarray | None


def locate_hip(labels: Volume, *, scheme: str = "hip", side: str | None = None) -> FoundHip:
    """Find a hip, the right way round.

    Parameters
    ----------
    labels : Volume
    scheme : {"hip", "stills"}
    side : {"left", "right"}, optional
        Where it is known; else anatomy decides.

    Returns
    -------
    FoundHip

    Raises
    ------
    VolumeRefused
        If head or wing is missing.
    """
    found = find_hip(LabelVolume(labels.array, labels.spacing_zyx_mm, scheme))
    if side is None:
        return found
    is_mirrored = np.linalg.det(np.asarray(labels.direction)) < 0
    return found if (found.axes.side == side) != is_mirrored else turn_round(found)


def plane_places_mm(radius_mm: float) -> np.ndarray:
    """Return where planes lie behind the Graf plane, mm, from front to back.

    Parameters
    ----------
    radius_mm : float
        Of the head.

    Returns
    -------
    numpy.ndarray (19,) float64
    """
    steps = np.arange(-PLANES_EACH_WAY, PLANES_EACH_WAY + 1)
    return steps * PLANE_STEP_RADII * radius_mm


def shape_in(found: FoundHip, axes: HipAxes) -> HipShape:
    """Return a hip's wing and roof as planes of other axes see them.

    Parameters
    ----------
    found : FoundHip
    axes : HipAxes
        The hip's own, turned.

    Returns
    -------
    HipShape
        Found anew, as a reader would who takes these planes for the right ones.

    Raises
    ------
    VolumeRefused
        If the wing cannot be seen so.
    """
    volume, radius = found.volume, found.head.radius_mm
    face = look_at_face(volume, axes, radius)
    points = look_at_roof(volume, axes, fit_face(face, radius), radius)
    centre = axes.to_anatomy(found.head.centre_mm)
    return fit_shape(face, points, centre, radius, voxel_mm=volume.voxel_mm)


def plane_at(shape: HipShape, posterior_mm: float) -> PlaneOfHip:
    """Return Graf's lines in one plane of a hip.

    Parameters
    ----------
    shape : HipShape
    posterior_mm : float

    Returns
    -------
    PlaneOfHip
    """
    try:
        roof = shape.need_roof()
        line, alpha = roof.line(posterior_mm), Measure(roof.alpha_deg(posterior_mm), "deg")
    except VolumeRefused as why:
        line, alpha = None, refused(str(why), "deg")
    top, low = shape.wing.rim_mm + np.array(PLANE_RANGE_MM[::-1])
    superior = np.array([top, low if line is None else min(low, line[0, 1])])
    lateral = shape.wing.lateral_mm(posterior_mm, superior)
    return PlaneOfHip(float(posterior_mm), alpha, np.column_stack([lateral, superior]), line)


def section_points(axes: HipAxes, posterior_mm: float, *, side_mm: float = PIXEL_MM) -> np.ndarray:
    """Return where the pixels of a section lie in its volume.

    Parameters
    ----------
    axes : HipAxes
    posterior_mm : float
    side_mm : float
        Of a pixel.

    Returns
    -------
    numpy.ndarray (H, W, 3) float64
        x, y, z in mm; rows run from lateral to medial, columns from superior to inferior.
    """
    lateral = np.arange(LATERAL_MM[1], LATERAL_MM[0], -side_mm)
    superior = np.arange(SUPERIOR_MM[1], SUPERIOR_MM[0], -side_mm)
    grid = np.meshgrid(lateral, [posterior_mm], superior, indexing="ij")
    return axes.to_volume(np.stack(grid, axis=-1)[:, 0])


def grey_at(grey: np.ndarray, spacing_zyx_mm, points_mm: np.ndarray) -> np.ndarray:
    """Return grey levels between voxels, 0 outside of the volume.

    Parameters
    ----------
    grey : numpy.ndarray (D, H, W)
    spacing_zyx_mm : tuple of 3 float
    points_mm : numpy.ndarray (..., 3)
        x, y, z from the centre of the first voxel.

    Returns
    -------
    numpy.ndarray (...) uint8
    """
    index = np.moveaxis((points_mm / np.array(spacing_zyx_mm)[::-1])[..., ::-1], -1, 0)
    found = ndimage.map_coordinates(np.asarray(grey, np.float32), index, order=1)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


def hip_surfaces(found: FoundHip) -> dict[str, Mesh]:
    """Return the smooth surfaces of all structures that are there, in the hip's own axes.

    Parameters
    ----------
    found : FoundHip

    Returns
    -------
    dict of str to Mesh
        By the structures' names in small letters; vertices (lateral, posterior, superior), mm,
        smoothed further than those of `make_mesh`: they are turned, and light shows each voxel.
        Corners of faces run clockwise from outside in a right hip, whose axes are left-handed.
    """
    volume = found.volume
    placed, meshes = Volume(volume.labels, volume.spacing_zyx_mm), {}
    for label in SCHEMES[volume.scheme]:
        name = label.name.lower()
        if int(label) and np.count_nonzero(volume.labels == label) >= LEAST_VOXELS:
            mesh = make_mesh(placed, int(label), name)
            meshes[name] = Mesh(found.axes.to_anatomy(_smoother(mesh)), mesh.faces, name)
    return meshes


def _smoother(mesh: Mesh) -> np.ndarray:
    """Return vertices without the steps that are left of voxels."""
    import trimesh

    made = trimesh.Trimesh(mesh.vertices_mm, mesh.faces, process=False)
    return np.asarray(trimesh.smoothing.filter_taubin(made, **SMOOTHING).vertices)
