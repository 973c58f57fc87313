"""Lateral, posterior and superior of a hip, found from its bones in any rotated volume.

Decides which face of the ilium is its lateral one and where it points. Which way is front is
decided in `hip_side`, where along the head the Graf plane lies in `graf_plane`; until then
"posterior" is one of the two directions along the ilium. Deliberately trusts no flag and no
axis of the volume.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus.morphometry.head_sphere import HeadSphere
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused, unit
from hipus.morphometry.section_contours import SCHEMES

#: Directions that are tried as the ilium's lateral normal, and points that they are tried on.
DIRECTION_COUNT, POINT_COUNT = 800, 800
#: Points this far below the outermost bone count as its lateral face; the outermost share of
#: points may be strays.
FACE_DEPTH_MM, STRAY_SHARE = 2.0, 0.015
#: Points this near a fitted plane belong to the face.
FACE_TOLERANCE_MM = 1.5
#: The head's centre lies at most this many radii medial of the lateral face (coverage of 95 %).
DEEPEST_HEAD = 0.9
#: Bone that lies medial of the face tells its sides apart: fewest voxels of it. Without, the
#: femur does, whose bone lies 6 to 9 mm lateral of the head's centre (training sweeps): fewest
#: voxels, and least mean.
LEAST_ROOF_VOXELS, LEAST_FEMUR_VOXELS, LEAST_FEMUR_MM = 20, 20, 3.0
#: The labrum hangs from the rim and lies at most this far medial of the face, even turned in.
DEEPEST_LABRUM_MM = 6.0
FEMUR, LABRUM = ("CHONDRO_OSSEOUS_BORDER", "FEMORAL_CORTEX"), ("LABRUM",)
#: Fewest ilium voxels that show a face, and fewest mm that the face measures along and across.
LEAST_VOXELS, LEAST_EXTENT_MM = 60, 5.0


@dataclass(frozen=True, eq=False)
class HipAxes:
    """Anatomical axes of one hip: coordinates (lateral, posterior, superior), mm.

    Attributes
    ----------
    origin_mm : numpy.ndarray (3,)
        Centre of the femoral head in the volume, x, y, z.
    axes : numpy.ndarray (3, 3)
        Rows are the unit vectors lateral, posterior, superior in the volume. The determinant
        is 1 in a left hip and -1 in a right one.
    """

    origin_mm: np.ndarray
    axes: np.ndarray

    @property
    def side(self) -> str:
        """Return the side that these axes make: "left" if they are right-handed."""
        return "left" if np.linalg.det(self.axes) > 0 else "right"

    def to_anatomy(self, points_mm) -> np.ndarray:
        """Return points (..., 3) of the volume as (lateral, posterior, superior)."""
        return (np.asarray(points_mm) - self.origin_mm) @ self.axes.T

    def to_volume(self, points_mm) -> np.ndarray:
        """Return points (..., 3) given as (lateral, posterior, superior) in the volume."""
        return np.asarray(points_mm) @ self.axes + self.origin_mm

    def turned(self, yaw_rad: float = 0.0, pitch_rad: float = 0.0, roll_rad: float = 0.0):
        """Return axes after small turns.

        Parameters
        ----------
        yaw_rad : float
            About superior; lateral moves towards posterior.
        pitch_rad : float
            About lateral; superior moves towards posterior.
        roll_rad : float
            About posterior; superior moves towards lateral.

        Returns
        -------
        HipAxes
        """
        lateral, posterior, superior = self.axes
        lateral, posterior = _towards(lateral, posterior, yaw_rad)
        superior, posterior = _towards(superior, posterior, pitch_rad)
        superior, lateral = _towards(superior, lateral, roll_rad)
        return replace(self, axes=np.array([lateral, posterior, superior]))

    def reversed(self):
        """Return axes with front and back exchanged."""
        return replace(self, axes=self.axes * [[1.0], [-1.0], [1.0]])


def _towards(a: np.ndarray, b: np.ndarray, angle_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two orthogonal unit vectors, both turned in their plane, the first towards b."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return c * a + s * b, c * b - s * a


def face_mm(lateral_mm: np.ndarray) -> float:
    """Return how far lateral a face lies whose bone, and bone behind it, is given.

    Parameters
    ----------
    lateral_mm : numpy.ndarray (N,)
        How far lateral each voxel of bone lies, N > 0.

    Notes
    -----
    The median of the outermost 2 mm: a closed bone has a second face, which must not count.
    """
    outermost = np.quantile(lateral_mm, 1 - STRAY_SHARE)
    return float(np.median(lateral_mm[np.abs(lateral_mm - outermost + 1.0) <= 1.0]))


def find_axes(volume: LabelVolume, head: HeadSphere) -> HipAxes:
    """Find first axes from the ilium's lateral face and where it lies from the head.

    Parameters
    ----------
    volume : LabelVolume
    head : HeadSphere

    Returns
    -------
    HipAxes
        Lateral is the face's normal; superior points from the head to the face's middle, good
        to about 15 deg; posterior is arbitrary in sign.

    Raises
    ------
    VolumeRefused
        If there is no ilium, no face of it that the head could belong to, or nothing that
        tells its sides apart.

    Notes
    -----
    The lateral face is the one plane that many points lie on, that has no bone beyond it and
    that does not leave the head's centre deep below it, nor femur or labrum on the far side of
    it: that excludes the medial face of a closed bone, its ends and the roof. The medial wall
    of a well covered hip can pass the head's centre, as flat as the wing: only femur and labrum
    exclude it then. A thin wing alone has two such faces; the wrong one would turn coverage
    into its complement.
    """
    points = volume.voxels_mm(SCHEMES[volume.scheme]["ILIUM"])
    if not len(points):
        raise VolumeRefused("no ilium label")
    if len(points) < LEAST_VOXELS:
        raise VolumeRefused(f"ilium too small: needs {LEAST_VOXELS} voxels, has {len(points)}")
    lateral, base = _lateral_face(volume, points, head)
    lateral = _facing_out(volume, (points - base) @ lateral, head, lateral)
    face = points[np.abs((points - base) @ lateral) < FACE_TOLERANCE_MM]
    away = face.mean(axis=0) - head.centre_mm
    away = away - (away @ lateral) * lateral
    if np.linalg.norm(away) < 0.5 * head.radius_mm:
        raise VolumeRefused("no iliac wing above the femoral head: the ilium's face surrounds it")
    superior = unit(away)
    return HipAxes(head.centre_mm, np.array([lateral, np.cross(superior, lateral), superior]))


def _lateral_face(volume, points: np.ndarray, head: HeadSphere) -> tuple[np.ndarray, np.ndarray]:
    """Return unit normal and a point of the ilium's lateral face."""
    some = points[:: max(1, len(points) // POINT_COUNT)]
    directions = _directions(DIRECTION_COUNT)
    heights = some @ directions.T
    last = int((1 - STRAY_SHARE) * (len(some) - 1))
    top = np.partition(heights, last, axis=0)[last]
    counts = (np.abs(heights - top + FACE_DEPTH_MM / 2) <= FACE_DEPTH_MM / 2).sum(axis=0)
    deep = directions @ head.centre_mm < top - DEEPEST_HEAD * head.radius_mm - FACE_DEPTH_MM / 2
    wrong = deep | _turned_away(volume, head, directions, top)
    best = int(np.where(wrong, -1, counts).argmax())
    if wrong[best]:
        raise VolumeRefused("no lateral face of the ilium that the femoral head could belong to")
    normal = directions[best]
    return _settle(points, normal, (top[best] - FACE_DEPTH_MM / 2) * normal)


def _facing_out(volume: LabelVolume, heights_mm, head: HeadSphere, lateral) -> np.ndarray:
    """Return the face's normal, turned by the femur where no roof tells its sides apart."""
    if np.count_nonzero(heights_mm < -2 * FACE_TOLERANCE_MM) >= LEAST_ROOF_VOXELS:
        return lateral
    away = _labelled(volume, FEMUR) - head.centre_mm
    if len(away) < LEAST_FEMUR_VOXELS or abs(away.mean(axis=0) @ lateral) < LEAST_FEMUR_MM:
        raise VolumeRefused(
            "lateral and medial cannot be told apart: neither bony roof nor femur is labelled"
        )
    return lateral * np.sign(away.mean(axis=0) @ lateral)


def _turned_away(volume: LabelVolume, head: HeadSphere, directions, top_mm) -> np.ndarray:
    """Tell which directions (N, 3), bone's tops (N,) along them, have femur or labrum inside."""
    femur, labrum = _labelled(volume, FEMUR) - head.centre_mm, _labelled(volume, LABRUM)
    turned = np.zeros(len(directions), bool)
    if len(femur) >= LEAST_FEMUR_VOXELS:
        turned |= directions @ femur.mean(axis=0) < -LEAST_FEMUR_MM
    if len(labrum) >= LEAST_FEMUR_VOXELS:
        turned |= directions @ labrum.mean(axis=0) < top_mm - DEEPEST_LABRUM_MM
    return turned


def _labelled(volume: LabelVolume, names: tuple[str, ...]) -> np.ndarray:
    """Return the voxels (N, 3), mm, of those named labels that the volume's scheme has."""
    scheme = SCHEMES[volume.scheme]
    known = [volume.voxels_mm(scheme[name]) for name in names if name in scheme.__members__]
    return np.concatenate([np.empty((0, 3)), *known])


def _settle(points, normal, base) -> tuple[np.ndarray, np.ndarray]:
    """Return the plane through the points near a plane, found by repeated fits."""
    for _ in range(8):
        near = points[np.abs((points - base) @ normal) < FACE_TOLERANCE_MM]
        if len(near) < LEAST_VOXELS // 2:
            raise VolumeRefused(f"ilium has no flat face: {len(near)} voxels near its best plane")
        base = near.mean(axis=0)
        _, extent, rows = np.linalg.svd(near - base, full_matrices=False)
        normal = rows[-1] * np.sign(rows[-1] @ normal)
    # Of evenly spread points the SD is the extent over the square root of 12.
    if extent[1] / np.sqrt(len(near) / 12) < LEAST_EXTENT_MM:
        raise VolumeRefused(f"ilium has no flat face: it is a strip, under {LEAST_EXTENT_MM:g} mm")
    return normal, base


def _directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors spread evenly (Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z**2)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)
