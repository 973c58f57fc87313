"""The lateral face of the iliac wing as one smooth surface: the baseline of every section.

Decides over which part of the wing the surface is fitted and where the bone lies in a thin
label. One surface instead of a line per section: steps of the grid average out, and a section
whose wing has gaps still has a baseline. The middle of a band is followed, not its edge: voxels
of 0.8 mm tell the edge of a band of 1.25 mm half as well as its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.morphometry.hip_axes import HipAxes, face_mm
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.section_contours import OUTSIDE_PART, SCHEMES

#: The wing is used over this range above the bony rim, mm, and to either side of the plane.
HEIGHT_RANGE_MM, HALF_WIDTH_MM = (2.5, 11.5), 7.0
#: Height above the rim of the patch that a plane is laid through, mm.
PLANE_RANGE_MM = (3.0, 11.0)
#: Bone this near to the wing's surface belongs to it, mm; the search begins further out.
NEAR_MM, SEARCH_MM = 0.8, 3.5
#: Labels thicker than this are closed bones, not bands, mm; the usual band of a rater.
THICKEST_BAND_MM, USUAL_BAND_MM = 2.5, 1.25
#: Bone begins and ends at this share of a label; around it, a band's blurred tail counts, mm.
LEAST_SHARE, TAIL_MM = 0.35, 0.75
#: Fewest places of the face, and the least height they must span, mm.
LEAST_PLACES, LEAST_HEIGHT_MM = 20, 2.5
#: Where a rim may lie above the head's centre, head radii (a displaced head's lies at 0.9), and
#: how far a wing may lean in axes that it was used to find, deg.
RIM_RANGE, MOST_LEAN_DEG = (0.3, 2.1), 20.0
#: Places further out than this many robust SDs count less (Huber).
HUBER = 1.345
#: Distance between places, mm.
STEP_MM = 0.5


@dataclass(frozen=True, eq=False)
class IliacWing:
    """lateral = a + b posterior + c superior + d posterior^2.

    A twist is left out: over what a sweep sees it cannot be told from a turn.

    Attributes
    ----------
    terms : numpy.ndarray (4,)
        a to d, mm and 1/mm, of the bone's surface in the axes that it was fitted in.
    band_mm : float
        Thickness of the label.
    rim_mm : float
        Superior coordinate down to which the face follows the surface: about the bony rim.
    residual_mm : float
        RMS distance of the face from the surface.
    """

    terms: np.ndarray
    band_mm: float
    rim_mm: float
    residual_mm: float

    def lateral_mm(self, posterior_mm, superior_mm) -> np.ndarray:
        """Return how far lateral the wing lies, or would lie further down."""
        return _rows(np.asarray(posterior_mm), np.asarray(superior_mm)) @ self.terms

    @property
    def direction(self) -> np.ndarray:
        """Return the unit vector along the baseline of a section, (lateral, superior)."""
        return np.array([self.terms[2], 1.0]) / np.hypot(self.terms[2], 1.0)

    def plane(self, half_width_mm: float) -> tuple[np.ndarray, float]:
        """Return the nearest plane of a patch to either side of the Graf plane.

        Parameters
        ----------
        half_width_mm : float

        Returns
        -------
        normal : numpy.ndarray (3,)
            Unit vector (lateral, posterior, superior), lateral.
        offset_mm : float
            Of the plane along its normal, from the origin of the axes.
        """
        height = self.rim_mm + np.linspace(*PLANE_RANGE_MM, 13)
        posterior, superior = np.meshgrid(np.linspace(-1, 1, 9) * half_width_mm, height)
        lateral = self.lateral_mm(posterior, superior)
        points = np.stack([lateral, posterior, superior], axis=-1).reshape(-1, 3)
        normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][-1]
        normal = normal * np.sign(normal[0])
        return normal, float(normal @ points.mean(axis=0))


def fit_wing(volume: LabelVolume, axes: HipAxes, radius_mm: float) -> IliacWing:
    """Fit the lateral face of the iliac wing.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
        Lateral within some 10 deg of the wing's normal.
    radius_mm : float
        Of the femoral head; a start for where the wing begins.

    Returns
    -------
    IliacWing
        Of the bone's surface, which lies `OUTSIDE_PART` of a band's thickness below its face.

    Raises
    ------
    VolumeRefused
        If too little of the wing is labelled.
    """
    return fit_face(look_at_face(volume, axes, radius_mm), radius_mm)


@dataclass(frozen=True, eq=False)
class WingFace:
    """The outermost bone as seen from lateral.

    Attributes
    ----------
    middle_mm : numpy.ndarray (N, 3)
        Middle of its label, (lateral, posterior, superior).
    thickness_mm : numpy.ndarray (N,)
    """

    middle_mm: np.ndarray
    thickness_mm: np.ndarray


def fit_face(face: WingFace, radius_mm: float) -> IliacWing:
    """Fit the wing to the outermost bone; see `fit_wing`."""
    lateral, posterior, superior = face.middle_mm.T
    rows = _rows(posterior, superior)
    terms = _first_surface(face, radius_mm)
    rim, (low, high) = _rim(face, terms), HEIGHT_RANGE_MM
    for _ in range(3):
        used = (superior > rim + low) & (superior < rim + high)
        used &= np.abs(lateral - rows @ terms) < NEAR_MM
        if used.sum() < LEAST_PLACES or np.ptp(superior[used]) < LEAST_HEIGHT_MM:
            seen = np.ptp(superior[used]) if used.any() else 0.0
            raise VolumeRefused(
                f"the iliac wing is missing: {seen:.1f} mm of its face are labelled between "
                f"{low:g} and {high:g} mm above the bony rim, asked {LEAST_HEIGHT_MM:g}"
            )
        terms = _robust(rows[used], lateral[used])
        rim = _rim(face, terms)
    _check_rim(rim, terms, radius_mm)
    residual = float(np.std(lateral[used] - rows[used] @ terms))
    band = float(np.median(face.thickness_mm[used]))
    band = band if band < THICKEST_BAND_MM else USUAL_BAND_MM
    outside = (0.5 - OUTSIDE_PART) * band
    return IliacWing(terms + [outside, 0, 0, 0], band, rim, residual)


def _check_rim(rim_mm: float, terms: np.ndarray, radius_mm: float) -> None:
    """Refuse a wing that cannot be one of this head."""
    low, high = RIM_RANGE
    if not low * radius_mm < rim_mm < high * radius_mm:
        raise VolumeRefused(
            f"the bony rim is missing: the wing ends {rim_mm:.1f} mm above the head's centre, "
            f"asked {low * radius_mm:.1f} to {high * radius_mm:.1f} mm"
        )
    lean = np.degrees(np.arctan(np.hypot(terms[1], terms[2])))
    if lean > MOST_LEAN_DEG:
        raise VolumeRefused(
            f"the ilium is not straight: its wing turns by {lean:.0f} deg above the rim"
        )


def _rows(posterior: np.ndarray, superior: np.ndarray) -> np.ndarray:
    ones = np.ones(np.broadcast(posterior, superior).shape)
    return np.stack([ones, ones * posterior, ones * superior, ones * posterior**2], axis=-1)


def look_at_face(volume: LabelVolume, axes: HipAxes, radius_mm: float) -> WingFace:
    """Look at the ilium from lateral, place by place; see `fit_wing`."""
    ilium = SCHEMES[volume.scheme]["ILIUM"]
    bone = axes.to_anatomy(volume.voxels_mm(ilium))
    above = bone[(bone[:, 2] > 1.4 * radius_mm) & (np.abs(bone[:, 1]) < HALF_WIDTH_MM)]
    if len(above) < LEAST_PLACES:
        raise VolumeRefused("the iliac wing is missing: no ilium above the femoral head")
    middle = face_mm(above[:, 0])
    depth = np.arange(middle + SEARCH_MM, middle - SEARCH_MM - 3.0, -STEP_MM / 2)
    places = np.arange(-HALF_WIDTH_MM, HALF_WIDTH_MM + 0.01, STEP_MM)
    heights = np.arange(0.5 * radius_mm, above[:, 2].max() + 0.5, STEP_MM)
    superior, posterior, lateral = np.meshgrid(heights, places, depth, indexing="ij")
    points = axes.to_volume(np.stack([lateral, posterior, superior], axis=-1))
    share = volume.share(ilium, points)
    band = first_bands(share.reshape(-1, len(depth)), STEP_MM / 2)
    found = np.isfinite(band.middle_mm)
    places = [depth[0] - band.middle_mm, posterior[..., 0].ravel(), superior[..., 0].ravel()]
    return WingFace(np.stack(places, axis=1)[found], band.thickness_mm[found])


@dataclass(frozen=True, eq=False)
class Bands:
    """The first bone on each of many rays.

    Attributes
    ----------
    middle_mm : numpy.ndarray (N,)
        Way to the middle of the band, or half a usual band into thicker bone; NaN without.
    thickness_mm : numpy.ndarray (N,)
    """

    middle_mm: np.ndarray
    thickness_mm: np.ndarray


def first_bands(share: np.ndarray, step_mm: float) -> Bands:
    """Find the first bone along rays, by its centre of gravity.

    Parameters
    ----------
    share : numpy.ndarray (N, K)
        How much bone there is along N rays.
    step_mm : float
        Between samples.

    Returns
    -------
    Bands
    """
    step = np.arange(share.shape[1])
    enters = (share >= LEAST_SHARE).argmax(axis=1)
    none = share[np.arange(len(share)), enters] < LEAST_SHARE
    beyond = (step > enters[:, None]) & (share < LEAST_SHARE)
    leaves = np.where(beyond.any(axis=1), beyond.argmax(axis=1), share.shape[1])
    tail = round(TAIL_MM / step_mm)
    part = (step >= enters[:, None] - tail) & (step < leaves[:, None] + tail)
    weight = np.where(part, share, 0.0)
    total = np.maximum(weight.sum(axis=1), 1e-9)
    thickness = total * step_mm
    middle = (weight @ step) / total * step_mm
    middle = np.where(thickness > THICKEST_BAND_MM, enters * step_mm + USUAL_BAND_MM / 2, middle)
    cut = none | (enters == 0)  # a ray that starts in bone has not entered it
    return Bands(np.where(cut, np.nan, middle), np.where(cut, np.nan, thickness))


def _first_surface(face: WingFace, radius_mm: float) -> np.ndarray:
    """Return a plane through what lies well above the head."""
    lateral, posterior, superior = face.middle_mm.T
    if len(lateral) < LEAST_PLACES:
        raise VolumeRefused("the iliac wing is missing: no face of it above the femoral head")
    high = superior > min(1.6 * radius_mm, np.median(superior))
    plane = _robust(_rows(posterior, superior)[high][:, :3], lateral[high])
    return np.append(plane, 0.0)


def _rim(face: WingFace, terms: np.ndarray) -> float:
    """Return down to which height the face follows the surface, near the plane."""
    lateral, posterior, superior = face.middle_mm.T
    off = _rows(posterior, superior) @ terms - lateral
    ends = []
    for place in np.arange(-4.0, 4.1, 2 * STEP_MM):
        here = np.abs(posterior - place) <= STEP_MM
        if (np.abs(off[here]) <= NEAR_MM).any():
            ends.append(_parting(superior[here], np.abs(off[here]) <= NEAR_MM))
    if not ends:
        raise VolumeRefused("the iliac wing is missing: no face of it near the Graf plane")
    return float(np.median(ends))


def _parting(superior: np.ndarray, follows: np.ndarray) -> float:
    """Return the height that best parts bone that follows the surface from bone that does not.

    The first gap from above would be no rim: where a thin band steps by a voxel, rays slip
    through it.
    """
    order = np.argsort(superior)
    superior, follows = superior[order], follows[order]
    below = np.concatenate([[0], np.cumsum(~follows)])
    above = np.concatenate([np.cumsum(follows[::-1])[::-1], [0]])
    first = int((below + above).argmax())
    return float(superior[min(first, len(superior) - 1)])


def _robust(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return least-squares terms, outliers counting less (Huber)."""
    weight = np.ones(len(values))
    for _ in range(8):
        terms = np.linalg.lstsq(rows * weight[:, None], values * weight, rcond=None)[0]
        error = np.abs(values - rows @ terms)
        limit = HUBER * 1.4826 * np.median(error) + 1e-6
        weight = np.sqrt(np.minimum(1.0, limit / np.maximum(error, 1e-9)))
    return terms
