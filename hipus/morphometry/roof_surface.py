"""The bony roof as the joint sees it: one smooth surface, and Graf's roof line on any section.

Decides what of the ilium is roof (what rays from the socket's middle meet medial of the wing),
how few voxels become a surface, and where its lower limb and its rim end. One surface instead
of a line per section: at 0.8 mm a section's roof is a dozen voxels with gaps between them.
Deliberately knows nothing of the head's place, so that a head that left its socket moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.iliac_wing import IliacWing, first_bands
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.section_contours import OUTSIDE_PART, SCHEMES

#: Rays from the socket's middle, from lateral over superior to medial, deg.
ANGLES_DEG = np.arange(40.0, 175.1, 1.5)
#: Where rays begin and end, mm, and their step.
RAY_MM, RAY_STEP_MM = (3.0, 24.0), 0.2
#: The socket's middle lies this far below the rim, in head radii, and medial of the wing, mm.
MIDDLE_BELOW_RIM, MIDDLE_MEDIAL_MM = 1.35, 0.5
#: Sections of rays are this far apart, mm, and up to this many head radii off the Graf plane.
STEP_MM, REACH = 0.75, 0.9
#: Roof lies this far medial of the wing: from, mm, the more the coarser the voxels, in which
#: the wing's own end blurs into the roof; to, head radii.
FROM_MEDIAL_MM, FROM_MEDIAL_VOXELS, TO_MEDIAL = 0.5, 1.25, 1.25
#: The roof line touches the rim this far medial of the wing, mm.
TOUCH_MEDIAL_MM = 0.5
#: Points off the surface by this many robust SDs take no part (Tukey's biweight); those with
#: less than this weight are no roof when its end is looked for.
TUKEY, LEAST_WEIGHT = 4.0, 0.3
#: The limb's end is that of the bone within this distance of a section, mm, without strays.
END_WINDOW_MM, END_SHARE = 3.0, 0.03
#: How much the roof's hollow (t^2) is held to none, in voxels of 0.8 mm: there, points tell it
#: only by their noise. It falls with the fourth power of the voxel's side: the square of the
#: noise by the area of an independent point. The bend (p^2 t) is held three times as much.
HOLD, HOLD_VOXEL_MM, HOLD_BEND = 30.0, 0.8, 3.0
#: Fewest points, and shortest and longest roof, mm: a newborn's measures 7 to 11.
LEAST_POINTS, LEAST_ROOF_MM, MOST_ROOF_MM = 40, 3.0, 20.0


@dataclass(frozen=True, eq=False)
class RoofSurface:
    """n = sum of terms of (t, p): along the roof towards lateral, and posterior.

    Attributes
    ----------
    wing : IliacWing
    terms : numpy.ndarray (7,)
        Of 1, t, p, p^2, p t, t^2, p^2 t; the bone's surface.
    along, normal : numpy.ndarray (2,)
        Directions of t and n, (lateral, superior).
    points_mm : numpy.ndarray (N, 2)
        (t, p) of the bone that the surface was fitted to.
    residual_mm : float
        RMS distance of that bone from the surface.
    """

    wing: IliacWing
    terms: np.ndarray
    along: np.ndarray
    normal: np.ndarray
    points_mm: np.ndarray
    residual_mm: float

    def ends_mm(self, posterior_mm: float) -> tuple[float, float]:
        """Return t of the lower limb and of the rim in one section.

        Raises
        ------
        VolumeRefused
            If there is no roof, or only a stump of it, or it does not end at the wing.
        """
        t, p = self.points_mm.T
        near = t[np.abs(p - posterior_mm) <= END_WINDOW_MM]
        if len(near) < LEAST_POINTS / 5:
            raise VolumeRefused("the bony roof is missing: no ilium medial of the bony rim there")
        limb, rim = float(np.quantile(near, END_SHARE)), self._touch(posterior_mm)
        if rim - limb < LEAST_ROOF_MM:
            raise VolumeRefused(
                f"the lower limb of the ilium is missing: {max(rim - limb, 0):.1f} mm of the bony "
                f"roof are labelled, asked at least {LEAST_ROOF_MM:g}"
            )
        if rim - limb > MOST_ROOF_MM:
            raise VolumeRefused(
                f"the bony roof is missing: what is labelled there is {rim - limb:.0f} mm long"
            )
        return limb, rim

    def _touch(self, posterior_mm: float) -> float:
        """Return t where the surface comes near the wing, by secant steps along the roof."""
        t = 0.0
        for _ in range(20):
            lateral, superior = self.place(t, posterior_mm)
            gap = self.wing.lateral_mm(posterior_mm, superior) - TOUCH_MEDIAL_MM - lateral
            t += float(np.clip(gap / max(self.along[0], 0.2), -5.0, 5.0))
            if abs(gap) < 1e-6:
                break
        if abs(gap) > 0.1:
            raise VolumeRefused("the bony rim is missing: bony roof and iliac wing do not meet")
        return t

    def place(self, t_mm, posterior_mm) -> np.ndarray:
        """Return (lateral, superior) of the surface at (t, p), (..., 2)."""
        t, p = np.broadcast_arrays(np.asarray(t_mm, float), np.asarray(posterior_mm, float))
        height = _rows(t, p) @ self.terms
        return t[..., None] * self.along + height[..., None] * self.normal

    def line(self, posterior_mm: float) -> np.ndarray:
        """Return the bony roof line of a section: lower limb and rim, (2, 2) lateral, superior."""
        return self.place(np.array(self.ends_mm(posterior_mm)), posterior_mm)

    def alpha_deg(self, posterior_mm: float) -> float:
        """Return Graf's alpha in one section.

        Notes
        -----
        Graf (2006): angle of the baseline (caudal) and the bony roof line. The roof is hollow,
        so its tangent from the lower limb to the rim is the chord between both.
        """
        limb, rim = self.line(posterior_mm)
        up = self.wing.direction
        return angle_deg(up, limb - rim, medial=True)

    def patch(self, half_width_mm: float, sections: int) -> np.ndarray:
        """Return points of the surface, (K, 3) lateral, posterior, superior; gaps are left out."""
        found = []
        for posterior in np.linspace(-half_width_mm, half_width_mm, sections):
            try:
                ends = self.ends_mm(posterior)
            except VolumeRefused:
                continue
            points = self.place(np.linspace(*ends, 15), posterior)
            found.append(np.insert(points, 1, posterior, axis=1))
        return np.concatenate(found) if found else np.empty((0, 3))


def angle_deg(up: np.ndarray, direction: np.ndarray, *, medial: bool) -> float:
    """Return the angle from the caudal baseline to a direction, positive to one side.

    Parameters
    ----------
    up : numpy.ndarray (2,)
        Along the baseline, (lateral, superior).
    direction : numpy.ndarray (2,)
    medial : bool
        Positive towards medial (alpha); else towards lateral (beta).
    """
    out = np.array([up[1], -up[0]])
    angle = float(np.degrees(np.arctan2(direction @ out, -(direction @ up))))
    return -angle if medial else angle


def find_roof(volume: LabelVolume, axes: HipAxes, wing: IliacWing, radius_mm: float) -> RoofSurface:
    """Fit the bony roof as the joint sees it.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
        Those that the wing was fitted in.
    wing : IliacWing
    radius_mm : float
        Of the head: the scale of the roof.

    Returns
    -------
    RoofSurface
        Of the bone, which lies below the face of its label by `OUTSIDE_PART` of its thickness.

    Raises
    ------
    VolumeRefused
        If too little of the roof is labelled.
    """
    points = look_at_roof(volume, axes, wing, radius_mm)
    return fit_roof(points, wing, radius_mm, voxel_mm=volume.voxel_mm)


def fit_roof(
    points: np.ndarray, wing: IliacWing, radius_mm: float, *, voxel_mm: float = 0.0
) -> RoofSurface:
    """Fit the roof to points (N, 3) on the middle of a label in voxels; see `find_roof`."""
    hold = HOLD * (voxel_mm / HOLD_VOXEL_MM) ** 4
    nearest = FROM_MEDIAL_MM + FROM_MEDIAL_VOXELS * voxel_mm
    depth = wing.lateral_mm(points[:, 1], wing.rim_mm) - points[:, 0]
    points = points[(depth > nearest) & (depth < TO_MEDIAL * radius_mm)]
    if len(points) < LEAST_POINTS:
        raise VolumeRefused(
            f"the bony roof is missing: {len(points)} places of it are labelled medial of the "
            f"bony rim, asked at least {LEAST_POINTS}"
        )
    plane = np.column_stack([np.ones(len(points)), points[:, 0]])
    slope = np.arctan(_robust(plane, points[:, 2])[0][1])
    for _ in range(2):
        along = np.array([np.cos(slope), np.sin(slope)])
        normal = np.array([-along[1], along[0]])
        t, n = points[:, [0, 2]] @ along, points[:, [0, 2]] @ normal
        middle = np.median(t)
        terms, weight, error = _fit(t, points[:, 1], n, middle, hold)
        slope += np.arctan(terms[1] + 2 * terms[5] * middle)
    kept = weight > LEAST_WEIGHT
    # Bone lies on the joint's side of the band's middle, which is down the normal.
    terms[0] -= (0.5 - OUTSIDE_PART) * wing.band_mm
    residual = float(np.sqrt(np.mean(error[kept] ** 2)))
    return RoofSurface(wing, terms, along, normal, np.stack([t, points[:, 1]], 1)[kept], residual)


def look_at_roof(
    volume: LabelVolume, axes: HipAxes, wing: IliacWing, radius_mm: float
) -> np.ndarray:
    """Return where rays from the socket's middle first meet bone.

    Parameters
    ----------
    volume, axes, wing, radius_mm
        As in `find_roof`.

    Returns
    -------
    numpy.ndarray (N, 3)
        Middle of the label there, (lateral, posterior, superior).
    """
    lateral = float(wing.lateral_mm(0.0, wing.rim_mm)) - MIDDLE_MEDIAL_MM
    superior = wing.rim_mm - MIDDLE_BELOW_RIM * radius_mm
    half = int(REACH * radius_mm / STEP_MM)
    places = np.arange(-half, half + 1) * STEP_MM
    angle, way = np.radians(ANGLES_DEG), np.arange(*RAY_MM, RAY_STEP_MM)

    def at(way_mm, turn, posterior):
        return np.stack(
            [lateral + way_mm * np.cos(turn), posterior, superior + way_mm * np.sin(turn)], axis=-1
        )

    posterior, turn, length = np.meshgrid(places, angle, way, indexing="ij")
    points = axes.to_volume(at(length, turn, posterior))
    share = volume.share(SCHEMES[volume.scheme]["ILIUM"], points)
    found = first_bands(share.reshape(-1, len(way)), RAY_STEP_MM).middle_mm
    points = at(RAY_MM[0] + found, turn[..., 0].ravel(), posterior[..., 0].ravel())
    return points[np.isfinite(found)]


def _rows(t: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(t), t, p, p * p, p * t, t * t, p * p * t], axis=-1)


def _fit(t, p, n, middle: float, hold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return terms, weights and errors of the surface; around its middle, terms are stable."""
    held = np.zeros((2, 7))
    held[0, 5], held[1, 6] = np.sqrt(hold * len(t)) * np.array([1.0, HOLD_BEND])
    terms, weight, error = _robust(_rows(t - middle, p), n, held)
    one, slope, flat, bow, twist, hollow, bend = terms
    moved = [one - slope * middle + hollow * middle**2, slope - 2 * hollow * middle,
             flat - twist * middle, bow - bend * middle, twist, hollow, bend]  # fmt: skip
    return np.array(moved), weight, error


def _robust(
    rows: np.ndarray, values: np.ndarray, held: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return terms, weights and errors of a fit in which outliers take no part.

    Rows of `held` draw terms to 0.
    """
    held = np.empty((0, rows.shape[1])) if held is None else held
    weight, none = np.ones(len(values)), np.zeros(len(held))
    for _ in range(12):
        weighed = np.vstack([rows * weight[:, None], held])
        terms = np.linalg.lstsq(weighed, np.append(values * weight, none), rcond=None)[0]
        error = values - rows @ terms
        scale = 1.4826 * np.median(np.abs(error)) + 1e-6
        weight = np.clip(1 - (error / (TUKEY * scale)) ** 2, 1e-6, None)
    return terms, weight, error
