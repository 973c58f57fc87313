"""Where a measured hip lies in the world: its Graf plane and its landmarks.

Decides their names. Deliberately measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hipus.images import Volume
from hipus.morphometry.displacement import socket_middle_mm
from hipus.morphometry.graf_plane import PlaneScore
from hipus.morphometry.hip_shape import FoundHip
from hipus.morphometry.iliac_wing import PLANE_RANGE_MM
from hipus.morphometry.sections_3d import Sections


@dataclass(frozen=True, eq=False)
class Plane:
    """A Graf plane in the world; it is spanned by lateral and superior.

    Attributes
    ----------
    origin_mm : numpy.ndarray (3,)
        Middle of the head's section, x, y, z.
    lateral, posterior, superior : numpy.ndarray (3,)
        Unit vectors; posterior is the plane's normal.
    score : PlaneScore
    """

    origin_mm: np.ndarray
    lateral: np.ndarray
    posterior: np.ndarray
    superior: np.ndarray
    score: PlaneScore


def plane_in_world(found: FoundHip, world: Volume) -> Plane:
    """Return the Graf plane in the world.

    Parameters
    ----------
    found : FoundHip
    world : hipus.images.Volume
        The labels, and where they lie.

    Returns
    -------
    Plane
    """
    turned = found.axes.axes @ np.asarray(world.direction).T
    origin = _to_world(found.axes.origin_mm, world)
    return Plane(origin, *turned, score=found.plane.score)


def landmarks_in_world(
    found: FoundHip, world: Volume, sections: Sections | None
) -> Mapping[str, np.ndarray]:
    """Return landmarks in the world, mm.

    Parameters
    ----------
    found : FoundHip
    world : hipus.images.Volume
        The labels, and where they lie.
    sections : Sections or None
        Those next to the Graf plane, where a labrum is labelled.

    Returns
    -------
    mapping of str to numpy.ndarray (3,)
        Names as in `hip_measures.HipMeasures`.
    """
    wing = found.shape.wing
    places = {"head_centre": found.shape.centre_mm}
    for name, height in zip(("wing_caudal", "wing_cranial"), PLANE_RANGE_MM, strict=True):
        superior = wing.rim_mm + height
        places[name] = np.array([float(wing.lateral_mm(0.0, superior)), 0.0, superior])
    if found.shape.roof is not None:
        limb, rim = found.shape.roof.line(0.0)
        places["lower_limb"], places["bony_rim"] = np.insert(limb, 1, 0.0), np.insert(rim, 1, 0.0)
        places["socket_middle"] = socket_middle_mm(found.shape.roof, found.shape.radius_mm)
    if sections is not None and np.isfinite(sections.middle_mm("labrum")).all():
        places["labrum"] = np.insert(sections.middle_mm("labrum"), 1, 0.0)
    return MappingProxyType(
        {name: _to_world(found.axes.to_volume(point), world) for name, point in places.items()}
    )


def _to_world(points_mm: np.ndarray, world: Volume) -> np.ndarray:
    return points_mm @ np.asarray(world.direction).T + np.asarray(world.origin_xyz_mm)
