"""All smooth surfaces of one hip in one set of axes: what every 3D measure is taken from.

Decides the order in which head, axes, Graf plane, wing and roof are found, and that a missing
roof leaves coverage measurable. Deliberately gives no numbers: see `hip_measures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.morphometry.graf_plane import GrafPlane, find_plane
from hipus.morphometry.head_sphere import HeadSphere, fit_head
from hipus.morphometry.hip_axes import HipAxes, find_axes
from hipus.morphometry.hip_side import SideEvidence, look_for_front
from hipus.morphometry.iliac_wing import IliacWing, WingFace, fit_face, look_at_face
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.roof_surface import RoofSurface, fit_roof, look_at_roof

_ROUNDS = 2
#: A shorter roof in the Graf plane has no lower limb, mm: of 351 training volumes one has one.
LEAST_WHOLE_ROOF_MM = 5.0


@dataclass(frozen=True, eq=False)
class HipShape:
    """Surfaces of one hip, (lateral, posterior, superior) in mm.

    Attributes
    ----------
    wing : IliacWing
    roof : RoofSurface or None
    why_no_roof : str
        "" where there is one.
    centre_mm : numpy.ndarray (3,)
        Of the head; the origin is the middle of its section in the Graf plane.
    radius_mm : float
        Of the head.
    """

    wing: IliacWing
    roof: RoofSurface | None
    why_no_roof: str
    centre_mm: np.ndarray
    radius_mm: float

    def need_roof(self) -> RoofSurface:
        """Return the roof, or refuse with what is missing."""
        if self.roof is None:
            raise VolumeRefused(self.why_no_roof)
        return self.roof


@dataclass(frozen=True, eq=False)
class FoundHip:
    """A hip's shape and what it was found from.

    Attributes
    ----------
    volume : LabelVolume
    head : HeadSphere
    plane : GrafPlane
        As the search found it.
    axes : HipAxes
        Those of the shape: the plane's, turned so that lateral is the wing's normal in it.
    shape : HipShape
    face : WingFace
    roof_points : numpy.ndarray (N, 3)
    evidence : SideEvidence
        For the posterior of these axes.
    """

    volume: LabelVolume
    head: HeadSphere
    plane: GrafPlane
    axes: HipAxes
    shape: HipShape
    face: WingFace
    roof_points: np.ndarray
    evidence: SideEvidence


def find_hip(volume: LabelVolume, head: HeadSphere | None = None) -> FoundHip:
    """Find a hip in a label volume of any rotation.

    Parameters
    ----------
    volume : LabelVolume
    head : HeadSphere, optional
        Where it is known already.

    Returns
    -------
    FoundHip
        Its posterior is what `evidence` favours, however weakly.

    Raises
    ------
    VolumeRefused
        If head or iliac wing is missing or no plane shows both.
    """
    head = head or fit_head(volume)
    plane = find_plane(volume, head, find_axes(volume, head))
    axes = plane.axes
    for _ in range(_ROUNDS):
        wing = fit_face(look_at_face(volume, axes, head.radius_mm), head.radius_mm)
        axes = axes.turned(yaw_rad=-np.arctan(wing.terms[1]), roll_rad=np.arctan(wing.terms[2]))
    found = _in_axes(volume, head, plane, axes)
    return found if found.evidence.log_odds >= 0 else turn_round(found)


def turn_round(found: FoundHip) -> FoundHip:
    """Return a hip with front and back exchanged."""
    return _in_axes(found.volume, found.head, found.plane, found.axes.reversed())


def fit_shape(
    face: WingFace,
    roof_points: np.ndarray,
    centre_mm: np.ndarray,
    radius_mm: float,
    *,
    voxel_mm: float = 0.0,
) -> HipShape:
    """Fit wing and roof to points of their labels.

    Parameters
    ----------
    face : WingFace
    roof_points : numpy.ndarray (N, 3)
    centre_mm : numpy.ndarray (3,)
    radius_mm : float
    voxel_mm : float
        Side of the voxels that the points were seen in; 0 for exact points.

    Returns
    -------
    HipShape

    Raises
    ------
    VolumeRefused
        If too little of the wing is labelled.
    """
    wing = fit_face(face, radius_mm)
    try:
        roof, why = fit_roof(roof_points, wing, radius_mm, voxel_mm=voxel_mm), ""
        _check_roof(roof)
    except VolumeRefused as reason:
        roof, why = None, str(reason)
    return HipShape(wing, roof, why, centre_mm, radius_mm)


def _check_roof(roof: RoofSurface) -> None:
    """Refuse a roof that ends before its lower limb in the Graf plane."""
    limb, rim = roof.ends_mm(0.0)
    if rim - limb < LEAST_WHOLE_ROOF_MM:
        raise VolumeRefused(
            f"the lower limb of the ilium is missing: {rim - limb:.1f} mm of the bony roof are "
            f"labelled in the Graf plane, asked at least {LEAST_WHOLE_ROOF_MM:g}"
        )


def _in_axes(volume, head: HeadSphere, plane: GrafPlane, axes: HipAxes) -> FoundHip:
    """Return the hip in given axes."""
    face = look_at_face(volume, axes, head.radius_mm)
    points = look_at_roof(volume, axes, fit_face(face, head.radius_mm), head.radius_mm)
    centre = axes.to_anatomy(head.centre_mm)
    shape = fit_shape(face, points, centre, head.radius_mm, voxel_mm=volume.voxel_mm)
    evidence = look_for_front(volume, axes, shape.roof, head.radius_mm)
    return FoundHip(volume, head, plane, axes, shape, face, points, evidence)
