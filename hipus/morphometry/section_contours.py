"""Outlines of a section's structures below a pixel, in millimetres and in the hip's directions.

Decides what of a ragged mask counts (islands, holes), where an outline lies between pixels, and
which way is cranial: towards the ilium, seen from the head; no flag of a side is asked. The
probe looks along +v, so lateral is towards smaller v. Deliberately measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hipus.labels import HipLabel, StillLabel

SCHEMES: dict[str, type[IntEnum]] = {"hip": HipLabel, "stills": StillLabel}
#: A newborn's femoral head, mm: the scale of pictures that state none (it was 14.8 to 17.2 mm in
#: four real stills with a burnt-in ruler). Angles and ratios hardly depend on it.
NOMINAL_HEAD_MM = 16.0
#: Islands smaller than this part of a structure's largest piece are dropped.
ISLAND_PART = 0.05
#: Part of the ilium's label that lies outside the bone's surface. Four real stills with a ruler:
#: 0.28 of 1.25 mm; the study's own labels: 0.3 of 1.25 mm.
OUTSIDE_PART = 0.24
#: Schemes whose ilium is measured along the middle of its label, because the label is drawn
#: around an echo, its faces are blocky and its thickness varies by half.
MIDDLE_SCHEMES = ("stills",)
#: Blur before an outline is cut at one half, px, and at most this part of the ilium's thickness:
#: a wider one would wash a thin band away.
BLUR_PX, BLUR_PART = 1.2, 0.24
#: Structures that tell the caudal end of the ilium, the surest first.
_CAUDAL = ("FEMORAL_HEAD", "CHONDRO_OSSEOUS_BORDER", "FEMORAL_CORTEX", "OS_ISCHIUM")
_WHOLE = ("FEMORAL_HEAD", "LABRUM")
_NEIGHBOURS = np.ones((3, 3))
_LEAST_PX = 6
_PAD_PX = 4


class SectionRefused(ValueError):
    """A section lacks what a measure needs; the message is a sentence for the reader."""


@dataclass(frozen=True, eq=False)
class SectionContours:
    """What a section's mask shows, points are (lateral, cranial) in mm.

    Attributes
    ----------
    ilium_mm : numpy.ndarray (N, 2)
        Outline of the ilium's label, all faces of all pieces; its middle in `MIDDLE_SCHEMES`.
    band_mm : float
        Mean thickness of the ilium's label.
    inset_mm : float
        How far the bone's surface lies inside `ilium_mm`, negative for outside.
    head_mm, labrum_mm : numpy.ndarray (M, 2) or None
        Closed outlines; None where there is no such label.
    present, cut : frozenset of str
        Names of the labels that are there, and of those that the picture's border cuts.
    scheme : {"hip", "stills"}
    cranial_sign : int
        1 where cranial is towards larger u, -1 where it is towards smaller u.
    corner_vu_px : tuple of 2 int
        Pixel that is the origin of all points.
    spacing_yx_mm : tuple of 2 float
        Side of a pixel; where `is_scaled` is False in units of which a head has
        `NOMINAL_HEAD_MM`.
    is_scaled : bool
    """

    ilium_mm: np.ndarray
    band_mm: float
    inset_mm: float
    head_mm: np.ndarray | None
    labrum_mm: np.ndarray | None
    present: frozenset[str]
    cut: frozenset[str]
    scheme: str
    cranial_sign: int
    spacing_yx_mm: tuple[float, float]
    corner_vu_px: tuple[int, int]
    is_scaled: bool

    def to_pixel(self, points_mm) -> np.ndarray:
        """Return points (..., 2) as (u, v), px; whole numbers are centres of pixels."""
        points = np.asarray(points_mm, dtype=float)
        (dv, du), (v, u) = self.spacing_yx_mm, self.corner_vu_px
        across = u + self.cranial_sign * points[..., 1] / du
        return np.stack([across, v - points[..., 0] / dv], axis=-1)


def find_contours(labels, *, scheme: str, spacing_yx_mm=None) -> SectionContours:
    """Return the outlines of a section's structures.

    Parameters
    ----------
    labels : array-like (H, W) int
        Rows run from lateral to medial within some 40 deg, as the probe looks.
    scheme : {"hip", "stills"}
    spacing_yx_mm : tuple of 2 float or None
        Side of a pixel. None: pixels are square, and the head is the scale.

    Returns
    -------
    SectionContours

    Raises
    ------
    ValueError
        If labels are not (H, W), the scheme is unknown, a label is not of the scheme, or the
        spacing is not positive.
    SectionRefused
        If there is no ilium, nothing that tells its caudal end, or no scale.
    """
    labels = _check_labels(labels, scheme)
    if not labels.any():
        raise SectionRefused("no ilium label: nothing is labelled")
    rows, columns = _box(labels > 0, margin=1)
    masks = _clean(labels[rows, columns], SCHEMES[scheme])
    if "ILIUM" not in masks:
        raise SectionRefused("no ilium label")
    sign = _cranial_sign(masks)
    masks["ILIUM"] = _cranial_pieces(masks, sign)
    spacing = _spacing(spacing_yx_mm, masks)
    to_mm = np.array([-1.0, sign]) * spacing
    lines = _outlines(masks, to_mm)
    area_mm2 = np.count_nonzero(masks["ILIUM"]) * spacing.prod()
    band_mm = float(2 * area_mm2 / sum(map(_length, lines["ILIUM"])))
    is_middle = scheme in MIDDLE_SCHEMES
    return SectionContours(
        ilium_mm=_middle(masks["ILIUM"]) * to_mm if is_middle else np.concatenate(lines["ILIUM"]),
        band_mm=band_mm,
        inset_mm=(OUTSIDE_PART - 0.5 * is_middle) * band_mm,
        head_mm=max(lines["FEMORAL_HEAD"], key=_length) if "FEMORAL_HEAD" in lines else None,
        labrum_mm=max(lines["LABRUM"], key=_length) if "LABRUM" in lines else None,
        present=frozenset(masks),
        cut=frozenset(name for name, mask in masks.items() if _is_cut(mask)),
        scheme=scheme,
        cranial_sign=sign,
        spacing_yx_mm=tuple(map(float, spacing)),
        corner_vu_px=(rows.start, columns.start),
        is_scaled=spacing_yx_mm is not None,
    )


def _check_labels(labels, scheme: str) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise ValueError(f"labels must be (H, W), got {labels.shape}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {tuple(SCHEMES)}, got {scheme!r}")
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels must be whole numbers, got {labels.dtype}")
    highest = max(SCHEMES[scheme])
    if labels.size and not 0 <= labels.min() <= labels.max() <= highest:
        found = sorted({int(labels.min()), int(labels.max())})
        raise ValueError(
            f"labels must be of the scheme {scheme!r} (0 to {int(highest)}), got {found}"
        )
    return labels


def _clean(labels: np.ndarray, scheme: type[IntEnum]) -> dict[str, np.ndarray]:
    """Return each structure's pixels without islands; head and labrum are one piece each."""
    counts = np.bincount(labels.ravel(), minlength=max(scheme) + 1)
    return {
        label.name: _without_islands(labels == label, label.name)
        for label in scheme
        if label != 0 and counts[label] >= _LEAST_PX
    }


def _without_islands(mask: np.ndarray, name: str) -> np.ndarray:
    from scipy import ndimage

    box = _box(mask)
    pieces, count = ndimage.label(mask[box], _NEIGHBOURS)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        least = sizes.max() if name in _WHOLE else max(2, ISLAND_PART * sizes.max())
        mask[box] = (sizes >= least)[pieces]
    if name == "FEMORAL_HEAD":
        mask[box] = ndimage.binary_fill_holes(mask[box])
    return mask


def _centre_px(mask: np.ndarray) -> np.ndarray:
    """Return the mean (v, u) of a mask's pixels."""
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    return np.array([part @ np.arange(part.size) / max(part.sum(), 1) for part in (rows, columns)])


def _cranial_sign(masks: dict[str, np.ndarray]) -> int:
    """Return the direction along u in which the ilium lies."""
    below = next((name for name in _CAUDAL if name in masks), None)
    if below is None:
        raise SectionRefused(
            "no label tells the caudal end of the ilium: neither head, femur nor ischium is there"
        )
    across = _centre_px(masks["ILIUM"])[1] - _centre_px(masks[below])[1]
    extent = np.ptp(np.flatnonzero(masks["ILIUM"].any(axis=0))) + 1
    if abs(across) < 0.1 * extent:
        raise SectionRefused(
            f"the ilium lies on neither side of the {below.lower().replace('_', ' ')}: "
            "which way is cranial cannot be told"
        )
    return 1 if across > 0 else -1


def _cranial_pieces(masks: dict[str, np.ndarray], sign: int) -> np.ndarray:
    """Return the ilium without pieces that lie beyond the head's centre."""
    from scipy import ndimage

    ilium = masks["ILIUM"]
    if "FEMORAL_HEAD" not in masks:
        return ilium
    pieces, count = ndimage.label(ilium, _NEIGHBOURS)
    if count == 1:
        return ilium
    limit = _centre_px(masks["FEMORAL_HEAD"])[1]
    centres = np.array(ndimage.center_of_mass(ilium, pieces, range(1, count + 1)))[:, 1]
    return np.append(False, (centres - limit) * sign > 0)[pieces]


def _spacing(spacing_yx_mm, masks: dict[str, np.ndarray]) -> np.ndarray:
    """Return the sides of a pixel, from the head's area where none is stated."""
    if spacing_yx_mm is not None:
        spacing = np.asarray(spacing_yx_mm, dtype=float)
        if spacing.shape != (2,) or not (np.isfinite(spacing) & (spacing > 0)).all():
            raise ValueError(f"spacing_yx_mm must be 2 positive numbers, got {spacing_yx_mm}")
        return spacing
    if "FEMORAL_HEAD" not in masks:
        raise SectionRefused("no scale: neither a pixel spacing nor a femoral head label")
    diameter_px = np.sqrt(4 / np.pi * np.count_nonzero(masks["FEMORAL_HEAD"]))
    return np.full(2, NOMINAL_HEAD_MM / diameter_px)


def _rough_thickness_px(ilium: np.ndarray) -> float:
    """Return about the thickness of a thin label: twice its pixels over its pixels' free sides."""
    padded = np.pad(ilium, 1)
    sides = sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in (0, 1))
    return 2 * np.count_nonzero(ilium) / (0.9 * sides)


def _cut(mask: np.ndarray, blur_px: float) -> list[np.ndarray]:
    """Return the lines (N, 2) in (v, u), px, where a blurred mask passes one half."""
    from scipy.ndimage import gaussian_filter
    from skimage.measure import find_contours as cut

    rows, columns = _box(mask)
    box = np.pad(mask[rows, columns], _PAD_PX).astype(np.float32)
    smooth = gaussian_filter(box, blur_px, truncate=3.0)
    corner = np.array([rows.start, columns.start]) - _PAD_PX
    return [line + corner for line in cut(smooth, min(0.5, 0.5 * float(smooth.max())))]


def _box(mask: np.ndarray, *, margin: int = 0) -> tuple[slice, slice]:
    """Return the rows and columns that a mask takes, with a margin where there is room."""
    found = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return tuple(
        slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin) for places in found
    )


def _length(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _outlines(masks: dict[str, np.ndarray], to_mm: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Return the outlines (lateral, cranial), mm, of what is measured."""
    blur_px = min(BLUR_PX, BLUR_PART * _rough_thickness_px(masks["ILIUM"]))
    names = [name for name in ("ILIUM", "FEMORAL_HEAD", "LABRUM") if name in masks]
    return {name: [line * to_mm for line in _cut(masks[name], blur_px)] for name in names}


def _middle(ilium: np.ndarray) -> np.ndarray:
    """Return the pixels (N, 2) in (v, u) of the middle line of a band."""
    from skimage.morphology import skeletonize

    return np.argwhere(skeletonize(ilium)).astype(float)


def _is_cut(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
