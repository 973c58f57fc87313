"""Where things are while a hip is examined: the infant, the camera, the reference marker.

Decides the geometry of the room. The infant lies on its side, the examined hip up, in a
cradle (Graf's technique); the camera looks down on it; a reference marker is strapped to the
pelvis. Deliberately knows nothing of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations

#: Distance of the camera, mm (assumed; inside the volume of common optical trackers).
CAMERA_DISTANCE_MM = (1100.0, 1800.0)
#: Angle between the outward axis of the hip and the direction to the camera, deg (assumed).
CAMERA_OFF_AXIS_DEG = (10.0, 35.0)
#: The reference marker's place from the hip: towards the midline, anterior, superior
#: (assumed: the front of the pelvis, mm).
REFERENCE_OFFSET_MM = (25.0, 35.0, 40.0)
#: How far the infant is rolled from lying exactly on its side, deg (assumed, standard dev.).
ROLL_DEG = 8.0
#: Ranges of the reference marker's place and tilt about that (assumed).
REFERENCE_SPREAD_MM, REFERENCE_SPREAD_DEG = 8.0, 20.0


@dataclass(frozen=True)
class SideSetup:
    """One side's arrangement at rest, and which way is down.

    Attributes
    ----------
    T_hip_to_tracker : numpy.ndarray (4, 4)
        The camera is the tracker's origin and looks along its z axis.
    T_reference_to_hip : numpy.ndarray (4, 4)
        Marker's z axis points away from the patient.
    up_in_hip : numpy.ndarray (3,)
        Unit vector against gravity.
    """

    T_hip_to_tracker: np.ndarray
    T_reference_to_hip: np.ndarray
    up_in_hip: np.ndarray

    @property
    def up_in_tracker(self) -> np.ndarray:
        """Return the unit vector against gravity in the tracker's frame, (3,)."""
        return self.T_hip_to_tracker[:3, :3] @ self.up_in_hip


def outward(side: str) -> np.ndarray:
    """Return the unit vector out of the patient at a hip, in the hip frame, (3,).

    Parameters
    ----------
    side : {"left", "right"}

    Returns
    -------
    numpy.ndarray (3,)
        +x (LPS: the patient's left) for a left hip, -x for a right one.
    """
    return np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])


def looking_along(direction, up) -> np.ndarray:
    """Return a rotation whose third column is a direction and whose second is near `-up`.

    Parameters
    ----------
    direction, up : array-like (3,)
        Not parallel; any length.

    Returns
    -------
    numpy.ndarray (3, 3)
        Proper (determinant +1).
    """
    z = np.asarray(direction, float) / np.linalg.norm(direction)
    y = -(np.asarray(up, float) - z * (z @ up))
    y /= np.linalg.norm(y)
    return np.column_stack([np.cross(y, z), y, z])


def draw_side(rng: np.random.Generator, side: str) -> SideSetup:
    """Draw the arrangement while one side is examined.

    Parameters
    ----------
    rng : numpy.random.Generator
    side : {"left", "right"}

    Returns
    -------
    SideSetup
    """
    out, superior = outward(side), np.array([0.0, 0.0, 1.0])
    off, around = np.radians(rng.uniform(*CAMERA_OFF_AXIS_DEG)), rng.uniform(0, 2 * np.pi)
    across = np.cos(around) * superior + np.sin(around) * np.array([0.0, 1.0, 0.0])
    to_camera = np.cos(off) * out + np.sin(off) * across
    R_tracker_to_hip = looking_along(-to_camera, superior + 0.3 * across)
    camera = rng.uniform(*CAMERA_DISTANCE_MM) * to_camera
    roll = rotations.from_rotation_vector(np.radians(ROLL_DEG) * rng.standard_normal(3))
    spread = REFERENCE_SPREAD_MM * rng.uniform(-1, 1, 3)
    towards_midline, anterior, up = REFERENCE_OFFSET_MM + spread
    place = -towards_midline * out + [0.0, -anterior, up]
    tilt = rotations.from_euler(REFERENCE_SPREAD_DEG * rng.uniform(-1, 1, 3), "ZYX")
    return SideSetup(
        T_hip_to_tracker=geometry.invert(geometry.transform(R_tracker_to_hip, camera)),
        T_reference_to_hip=geometry.transform(tilt @ looking_along(out, superior), place),
        up_in_hip=roll @ out,
    )
