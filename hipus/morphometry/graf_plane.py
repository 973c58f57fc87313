"""The Graf plane in a label volume: a scored search over planes through the joint.

Decides which plane is the standard one when nobody held the probe there: it cuts the head near
its largest section, stands upright on the ilium's lateral face, shows the wing above the head
and the lower limb beside it, and parts the wing into a front and a back that mirror each other.
Which way is front is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus.morphometry.head_sphere import HeadSphere
from hipus.morphometry.hip_axes import HipAxes, face_mm
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.section_contours import SCHEMES

#: Planes that are tried: turns about the lateral axis, and places along the posterior one.
PITCHES_DEG = np.arange(-36.0, 36.1, 1.5)
OFFSETS_MM = np.arange(-1.0, 1.1, 0.5)
#: Where front and back are compared: this far from the head's centre, in head radii, and up to
#: this angle from superior. Inside lies the joint; walls and edges of the ilium lie within.
RING, RING_ANGLE_DEG, RING_STEP_DEG = (1.1, 3.2), 110.0, 2.0
#: Depths below the lateral face at which bone counts for the comparison, mm.
COMPARED_MM = (-9.0, 1.2)
#: The wing shows over this range above the head's centre, in head radii.
WING_RANGE = (1.4, 2.6)
#: A lower limb lies this far medial of the wing at least, mm, and nearer to the head's centre
#: than this many radii.
LIMB_MEDIAL_MM, LIMB_REACH = 3.0, 2.1
#: Half thickness of a plane in the search, mm.
SLAB_MM = 1.0
#: Parts of wing and lower limb that are enough.
ENOUGH = 0.5
#: What a plane without wing, or without lower limb, loses of its score.
MISSING_LOSS = 0.05
#: A plane's weight is halved by this much less score than the best.
SCORE_SOFTNESS = 0.007
#: Planes this much worse than the best at the head's centre are not moved off it.
WORTHWHILE = 0.06


@dataclass(frozen=True)
class PlaneScore:
    """How well a plane fulfils what defines a Graf plane, each 0 to 1.

    Attributes
    ----------
    head : float
        Radius of the head's section / the head's.
    ilium : float
        Part of the wing's line above the head that shows bone; 1 if at least half.
    limb : float
        Part of the depths from 3 mm medial of the wing to a head radius that show bone beside
        the head; 1 if at least half.
    symmetry : float
        How alike the bone in front of the plane is to the bone behind it.
    """

    head: float
    ilium: float
    limb: float
    symmetry: float

    @property
    def total(self) -> float:
        """Return the product of head and symmetry, less up to a tenth where bone is missing."""
        return self.head * self.symmetry * (1 - MISSING_LOSS * (2 - self.ilium - self.limb))


@dataclass(frozen=True, eq=False)
class GrafPlane:
    """A Graf plane; it is spanned by the lateral and the superior axis.

    Attributes
    ----------
    axes : HipAxes
        Origin is the head's centre projected onto the plane.
    offset_mm : float
        From the head's centre, along the posterior axis.
    score : PlaneScore
    pitch_spread_deg : float
        How far planes differ that score nearly as well.
    """

    axes: HipAxes
    offset_mm: float
    score: PlaneScore
    pitch_spread_deg: float


def find_plane(volume: LabelVolume, head: HeadSphere, axes: HipAxes) -> GrafPlane:
    """Find the best of many planes.

    Parameters
    ----------
    volume : LabelVolume
    head : HeadSphere
    axes : HipAxes
        First guess: lateral right, superior within 30 deg.

    Returns
    -------
    GrafPlane

    Raises
    ------
    VolumeRefused
        If no plane shows the iliac wing above the head and the lower limb.

    Notes
    -----
    Graf (2006) asks for the lower limb, a straight ilium and the labrum in a section through
    the head's middle. The planes that show all three form a fan about the lateral axis; its
    middle, where front and back are alike, is the standard plane.
    """
    bones = _Bones(volume, axes, head)
    scores = _search(bones)
    if scores.max() <= 0:
        raise VolumeRefused("no Graf plane: none shows iliac wing and lower limb beside the head")
    weight = np.exp2((scores - scores.max()) / SCORE_SOFTNESS)
    weight /= weight.sum()
    pitch, offset = weight.sum(1) @ PITCHES_DEG, weight.sum(0) @ OFFSETS_MM
    spread = np.sqrt(weight.sum(1) @ (PITCHES_DEG - pitch) ** 2)
    best = axes.turned(pitch_rad=np.radians(pitch))
    best = replace(best, origin_mm=best.to_volume([0.0, offset, 0.0]))
    score = bones.score(np.radians(pitch), offset)
    return GrafPlane(best, float(offset), score, float(spread))


def _search(bones: _Bones) -> np.ndarray:
    """Return scores (pitches, offsets); planes off the head's centre only where that pays."""
    middle = len(OFFSETS_MM) // 2
    scores = np.full((len(PITCHES_DEG), len(OFFSETS_MM)), -np.inf)
    scores[:, middle] = [bones.score(pitch, 0.0).total for pitch in np.radians(PITCHES_DEG)]
    near = scores[:, middle] > scores[:, middle].max() - WORTHWHILE
    for row in np.flatnonzero(near):
        pitch = np.radians(PITCHES_DEG[row])
        scores[row] = [bones.score(pitch, offset).total for offset in OFFSETS_MM]
    return scores


class _Bones:
    """The ilium as seen from its lateral side, in the axes of a first guess."""

    def __init__(self, volume: LabelVolume, axes: HipAxes, head: HeadSphere) -> None:
        self.radius_mm = head.radius_mm
        self.bone = axes.to_anatomy(volume.voxels_mm(SCHEMES[volume.scheme]["ILIUM"]))
        above = self.bone[self.bone[:, 2] > WING_RANGE[0] * head.radius_mm]
        self.face_mm = face_mm(above[:, 0]) if len(above) else 0.0
        self.step_mm = max(0.5, *volume.spacing_zyx_mm)
        self.half = int(np.ceil((RING[1] * head.radius_mm + 4.0) / self.step_mm))
        self._project(volume, axes)
        self._ring()

    def _project(self, volume: LabelVolume, axes: HipAxes) -> None:
        """See where (posterior, superior) bone shows on the face, and at any depth below it."""
        places = np.arange(-self.half, self.half + 1) * self.step_mm
        depths = np.arange(*COMPARED_MM, min(volume.spacing_zyx_mm) / 2)
        layers = np.stack(np.meshgrid(self.face_mm + depths, places, places, indexing="ij"), -1)
        index = np.rint(axes.to_volume(layers) / volume.spacing_xyz_mm).astype(int)
        size = np.array(volume.labels.shape[::-1])
        known = ((index >= 0) & (index < size)).all(axis=-1)
        x, y, z = np.moveaxis(np.clip(index, 0, size - 1), -1, 0)
        shown = known & (volume.labels[z, y, x] == SCHEMES[volume.scheme]["ILIUM"])
        near = np.abs(depths) <= COMPARED_MM[1]
        self.shown, self.wing = shown.any(axis=0), shown[near].any(axis=0)
        self.known = known[near].all(axis=0)

    def _ring(self) -> None:
        """Lay out the places that are compared, on the posterior side of superior."""
        angle = np.radians(np.arange(RING_STEP_DEG / 2, RING_ANGLE_DEG, RING_STEP_DEG))
        away = np.arange(*(np.array(RING) * self.radius_mm), self.step_mm)
        self.weight, angle = np.meshgrid(away, angle)
        self.along, self.across = self.weight * np.cos(angle), self.weight * np.sin(angle)

    def score(self, pitch_rad: float, offset_mm: float) -> PlaneScore:
        """Score the plane turned by a pitch and moved along the posterior axis."""
        head = float(np.sqrt(max(0.0, 1 - (offset_mm / self.radius_mm) ** 2)))
        ilium, limb = self._ilium(pitch_rad, offset_mm), self._limb(pitch_rad, offset_mm)
        return PlaneScore(head, ilium, limb, self._symmetry(pitch_rad, offset_mm))

    def _look(self, seen, across, along, pitch_rad: float) -> np.ndarray:
        """Look up what is seen across (posterior) and along (superior) a turned plane."""
        c, s = np.cos(pitch_rad), np.sin(pitch_rad)
        posterior, superior = c * across + s * along, c * along - s * across
        place = np.rint(np.stack([posterior, superior]) / self.step_mm).astype(int) + self.half
        return seen[tuple(np.clip(place, 0, 2 * self.half))]

    def _ilium(self, pitch_rad: float, offset_mm: float) -> float:
        along = np.arange(*(np.array(WING_RANGE) * self.radius_mm), self.step_mm)
        shown = [self._look(self.wing, offset_mm + at, along, pitch_rad)
                 for at in (-SLAB_MM / 2, SLAB_MM / 2)]  # fmt: skip
        return min(1.0, float(np.any(shown, axis=0).mean()) / ENOUGH)

    def _limb(self, pitch_rad: float, offset_mm: float) -> float:
        c, s = np.cos(pitch_rad), np.sin(pitch_rad)
        across = c * self.bone[:, 1] - s * self.bone[:, 2] - offset_mm
        depth = self.face_mm - self.bone[:, 0]
        near = (np.abs(across) < SLAB_MM) & (depth >= LIMB_MEDIAL_MM)
        near &= np.linalg.norm(self.bone, axis=1) < LIMB_REACH * self.radius_mm
        bins = np.arange(LIMB_MEDIAL_MM, max(self.radius_mm, LIMB_MEDIAL_MM + 2.0), 1.0)
        return min(1.0, float((np.histogram(depth[near], bins)[0] > 0).mean()) / ENOUGH)

    def _symmetry(self, pitch_rad: float, offset_mm: float) -> float:
        """Return how alike both sides are where both lie in the volume."""
        sides = (offset_mm + self.across, offset_mm - self.across)
        known = [self._look(self.known, side, self.along, pitch_rad) for side in sides]
        back, front = (
            self._look(self.shown, side, self.along, pitch_rad) & known[0] & known[1]
            for side in sides
        )
        total = (self.weight * back).sum() + (self.weight * front).sum()
        return float(1 - (self.weight * (back ^ front)).sum() / total) if total else 0.0
