"""Baseline, bony roof line and bony rim of one section, from the ilium's outline.

Decides Graf's construction on a thin label: which face of it is bone, where the wing is fitted,
and what touches the roof. Works in (lateral, cranial) mm of any orientation within some 40 deg
of upright. Deliberately knows no pixels and no other structure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus.morphometry.section_contours import SectionRefused

#: The baseline is fitted to the iliac wing this far above the roof line's upper touch, mm, to
#: as much of it as there is.
BASELINE_RANGE_MM = (3.0, 18.0)
LEAST_WING_MM = 3.5
#: A shorter roof line is no roof: in the simulated cohort 6.7 to 9.0 mm from limb to rim.
LEAST_ROOF_MM = 3.0
#: The wing is no line if its face strays from it by more than this (RMS), mm.
MOST_BENT_MM = 0.6
#: Rim and lower limb are the outline within this distance of the label's two corners, mm.
END_MM = 1.5
_SETTLED_RAD = 1e-4


@dataclass(frozen=True, eq=False)
class GrafLines:
    """Lines and points on the bone's surface, (lateral, cranial) in mm.

    Attributes
    ----------
    wing_mm : numpy.ndarray (2, 2)
        Caudal and cranial end of the fitted wing, on the baseline.
    roof_mm : numpy.ndarray (2, 2)
        Where the bony roof line touches: at the lower limb, at the rim.
    rim_mm : numpy.ndarray (2,)
        Bony rim: the bone's point nearest to where baseline and roof line cross.
    bent_mm : float
        RMS distance of the wing's face from the baseline.
    """

    wing_mm: np.ndarray
    roof_mm: np.ndarray
    rim_mm: np.ndarray
    bent_mm: float

    @property
    def up(self) -> np.ndarray:
        """Unit vector along the baseline, cranial."""
        along = self.wing_mm[1] - self.wing_mm[0]
        return along / np.linalg.norm(along)

    @property
    def out(self) -> np.ndarray:
        """Unit vector across the baseline, lateral."""
        return _turned(self.up)

    @property
    def alpha_deg(self) -> float:
        """Angle between the caudal baseline and the bony roof line, towards medial."""
        return -self._angle_deg(self.roof_mm[0] - self.roof_mm[1])

    def beta_deg(self, labrum_mm: np.ndarray) -> float:
        """Return the angle between the caudal baseline and the line from rim to labrum."""
        return self._angle_deg(labrum_mm - self.rim_mm)

    def height_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Return how far points (..., 2) lie lateral of the baseline, medial is negative."""
        return (np.asarray(points_mm) - self.wing_mm[0]) @ self.out

    def _angle_deg(self, direction: np.ndarray) -> float:
        return float(np.degrees(np.arctan2(direction @ self.out, -(direction @ self.up))))


@dataclass(frozen=True)
class _Wing:
    """A line along the wing: lateral = offset + slope cranial, from the roof's upper touch."""

    offset_mm: float
    slope: float
    bent_mm: float
    ends_mm: tuple[float, float] = (0.0, 0.0)


def construct_lines(ilium_mm: np.ndarray, band_mm: float, inset_mm: float) -> GrafLines:
    """Construct Graf's lines from the outline or the middle of the ilium's label.

    Parameters
    ----------
    ilium_mm : numpy.ndarray (N, 2)
        Outline or middle, (lateral, cranial) in mm, of a bent band or of the bone's closed shell.
    band_mm : float
        Thickness of the label.
    inset_mm : float
        How far the bone's surface lies inside the given points, negative for outside.

    Returns
    -------
    GrafLines

    Raises
    ------
    SectionRefused
        If a landmark is missing or the wing is not straight; the message says which.

    Notes
    -----
    Graf (2006): the baseline runs along the iliac wing's echo, the bony roof line is the
    tangent from the lower limb to the bony roof: for a concave roof between two roundings an
    edge of the convex hull. Only the hull's two ends are asked: a label that bulges between them
    (a network's, or a convex roof) then has the line from rim to limb instead of a short edge.
    Parallel curves have parallel tangents, so `inset_mm` moves points and never angles.
    A face along the rows of the picture has no steps: at 0.25 mm such a wing of 8 mm leaves its
    own slope open by 1.8 deg, which is why all of the wing that is seen is used.
    """
    hull = _hull(ilium_mm)
    up, limb, corner = _first_look(hull)
    for _ in range(6):
        corner, limb = _ends(hull, corner, limb, up)
        roof = _roof_line(ilium_mm, corner, limb, up)
        wing = _fit_wing(ilium_mm, up, roof[1], band_mm)
        before, up = up, _unit(up + wing.slope * _turned(up))
        if np.linalg.norm(up - before) < _SETTLED_RAD:
            break
    if wing.bent_mm > MOST_BENT_MM:
        raise SectionRefused(
            f"the ilium is not straight: its wing strays {wing.bent_mm:.1f} mm from a line"
        )
    out, along = _turned(up), _unit(roof[1] - roof[0])
    face = roof[1] + wing.offset_mm * out + np.outer(wing.ends_mm, up)
    return GrafLines(
        wing_mm=face - inset_mm * out,
        roof_mm=roof - inset_mm * np.array([along[1], -along[0]]),
        rim_mm=_rim(ilium_mm, face, roof, inset_mm),
        bent_mm=wing.bent_mm,
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _turned(up: np.ndarray) -> np.ndarray:
    """Return the lateral direction that belongs to a cranial one."""
    return np.array([up[1], -up[0]])


def _hull(points: np.ndarray) -> np.ndarray:
    """Return the corners (K, 2) of the convex hull in order, counter-clockwise."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return points[ConvexHull(points).vertices]
    except QhullError as error:
        raise SectionRefused("the ilium's label is no more than a line of pixels") from error


def _away(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.hypot(*(points - place).T)


def _first_look(hull: np.ndarray) -> np.ndarray:
    """Return roughly where the wing points, the lower limb and the corner at the rim, (3, 2).

    Top and lower limb are extremes at 45 deg, which no tilt of up to 40 deg exchanges; the
    corner is the hull's point farthest lateral of the chord between them.
    """
    top = hull[(hull @ [1.0, 1.0]).argmax()]
    limb = hull[(hull @ [-1.0, -1.0]).argmax()]
    chord = _unit(top - limb)
    corner = hull[((hull - limb) @ _turned(chord)).argmax()]
    length = np.linalg.norm(top - corner)
    if length < LEAST_WING_MM:
        raise SectionRefused(
            f"the iliac wing is missing: {length:.1f} mm of the ilium lie cranial of the rim"
        )
    return np.stack([(top - corner) / length, limb, corner])


def _ends(hull: np.ndarray, corner, limb, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hull's corners between wing and roof, and between roof and medial side."""
    along = _unit(limb - corner)
    facing = np.array([-along[1], along[0]])
    corner = hull[(hull @ (_turned(up) + facing)).argmax()]
    return corner, hull[(hull @ (0.35 * along + facing)).argmax()]


def _roof_line(ilium_mm: np.ndarray, corner, limb, up: np.ndarray) -> np.ndarray:
    """Return the lower and upper touch of the line along the two ends of the roof."""
    near_rim, near_limb = (ilium_mm[_away(ilium_mm, end) < END_MM] for end in (corner, limb))
    if np.linalg.norm(limb - corner) < LEAST_ROOF_MM or (limb - corner) @ _turned(up) > 0:
        raise SectionRefused("the lower limb of the ilium is missing: no bony roof line")
    upper, lower = corner, limb
    for _ in range(8):
        along = _unit(lower - upper)
        facing = np.array([-along[1], along[0]])
        upper = near_rim[(near_rim @ facing).argmax()]
        lower = near_limb[(near_limb @ facing).argmax()]
    return np.stack([lower, upper])


def _fit_wing(ilium_mm, up: np.ndarray, touch: np.ndarray, band_mm: float) -> _Wing:
    """Return the line along the wing's face as it stands to a direction `up`."""
    out = _turned(up)
    low, high = BASELINE_RANGE_MM
    cranial, lateral = (ilium_mm - touch) @ up, (ilium_mm - touch) @ out
    is_wing = (cranial > low) & (cranial < high)
    face = _face(cranial[is_wing], lateral[is_wing], band_mm)
    if len(face) < 4 or np.ptp(face[:, 0]) < LEAST_WING_MM:
        seen = np.ptp(face[:, 0]) if len(face) else 0.0
        raise SectionRefused(
            f"the iliac wing is missing: {seen:.1f} mm of its face are labelled between "
            f"{low:g} and {high:g} mm above the bony roof"
        )
    line = _robust_line(face, band_mm)
    return replace(line, ends_mm=(float(face[:, 0].min()), float(face[:, 0].max())))


def _face(cranial: np.ndarray, lateral: np.ndarray, band_mm: float) -> np.ndarray:
    """Return (cranial, lateral) of the points of the outer face.

    They lie within half a label's thickness of the outermost point of their stretch and its
    neighbours, each as long as the label is thick; the inner face lies a thickness away.
    """
    if not len(cranial):
        return np.empty((0, 2))
    stretch = np.floor((cranial - cranial.min()) / band_mm).astype(int)
    outermost = np.full(stretch.max() + 3, -np.inf)
    for shift in range(3):
        np.maximum.at(outermost, stretch + shift, lateral)
    is_outer = lateral > outermost[stretch + 1] - 0.5 * band_mm
    return np.stack([cranial[is_outer], lateral[is_outer]], axis=1)


def _robust_line(face: np.ndarray, band_mm: float) -> _Wing:
    """Return the line through points (cranial, lateral), and their RMS distance from it.

    Huber's weights: spurs, and gaps through which the inner face is seen, count less.
    """
    along, aside = face.T
    weight = np.ones(len(face))
    for _ in range(5):
        middle, height = np.average(along, weights=weight), np.average(aside, weights=weight)
        reach = weight * (along - middle)
        slope = reach @ (aside - height) / (reach @ (along - middle))
        off = np.abs(aside - height - slope * (along - middle))
        median = float(np.partition(off, off.size // 2)[off.size // 2])
        limit = max(1.5 * median, 0.05 * band_mm)
        weight = np.minimum(1.0, limit / np.maximum(off, 1e-9))
    bent_mm = float(np.sqrt(np.mean(off**2)))
    return _Wing(float(height - slope * middle), float(slope), bent_mm)


def _rim(ilium_mm: np.ndarray, wing: np.ndarray, roof: np.ndarray, inset_mm: float) -> np.ndarray:
    """Return the bone's point on the bisector through the crossing of wing and roof line."""
    up, along = _unit(wing[1] - wing[0]), _unit(roof[1] - roof[0])
    # wing[0] + r up = roof[0] + s along
    r, _ = np.linalg.solve(np.column_stack([up, -along]), roof[0] - wing[0])
    crossing, inward = wing[0] + r * up, _unit(up - along)
    return crossing + (_depth(ilium_mm, crossing, inward) + inset_mm) * inward


def _depth(ilium_mm: np.ndarray, crossing: np.ndarray, inward: np.ndarray) -> float:
    """Return how far the label's face lies from the crossing, along the bisector.

    A parabola through the face's points near the bisector, which are about round there.
    """
    across = (ilium_mm - crossing) @ _turned(inward)
    depth = (ilium_mm - crossing) @ inward
    near = np.abs(across) < 0.9
    if not near.any():
        raise SectionRefused("the bony rim is missing: a gap in the ilium where the lines cross")
    near &= depth < depth[near].min() + 0.6
    if near.sum() < 6:
        return float(depth[near].min())
    return float(np.polynomial.Polynomial.fit(across[near], depth[near], 2)(0.0))
