"""The Graf plane of a measured volume as a picture, its 3D construction drawn in.

Decides what the picture shows and where the landmarks of a volume fall in it. Numbers are those
of the volume: nothing is measured anew, so that a picture never contradicts its report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from hipus.images import Volume
from hipus.morphometry.graf_section import SectionMeasures
from hipus.morphometry.head_sphere import fit_head
from hipus.morphometry.hip_landmarks import Plane
from hipus.morphometry.hip_measures import HipMeasures
from hipus.morphometry.label_volume import LabelVolume
from hipus.morphometry.measures import Measure
from hipus.morphometry.section_contours import NOMINAL_HEAD_MM, SCHEMES
from hipus.morphometry.sections_3d import LATERAL_MM, PIXEL_RANGE_MM, SUPERIOR_MM

#: Landmarks that are drawn where the measures that stand on them are not refused.
_NEEDS = {
    "wing_caudal": (),
    "wing_cranial": (),
    "bony_rim": ("alpha_deg",),
    "lower_limb": ("alpha_deg",),
    "labrum": ("alpha_deg", "beta_deg"),
}


@dataclass(frozen=True, eq=False)
class PlaneSection:
    """What one plane of a volume shows.

    Attributes
    ----------
    labels : numpy.ndarray (H, W) uint8
        Rows run from lateral to medial, columns from superior to inferior.
    picture : numpy.ndarray (H, W) or None
        Grey levels, 0 outside the volume.
    spacing_yx_mm : tuple of 2 float
    section : SectionMeasures
        The volume's own measures, and their landmarks in pixels.
    """

    labels: np.ndarray
    picture: np.ndarray | None
    spacing_yx_mm: tuple[float, float]
    section: SectionMeasures


def nominal_side_mm(labels: np.ndarray, scheme: str) -> float:
    """Return the side of cubes that would make a labelled head a newborn's.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W)
    scheme : {"hip", "stills"}

    Returns
    -------
    float
        The scale in which `measure_hip` works where no spacing is stated.
    """
    count = np.count_nonzero(np.asarray(labels) == SCHEMES[scheme]["FEMORAL_HEAD"])
    return float(NOMINAL_HEAD_MM / (6.0 * max(count, 1) / np.pi) ** (1 / 3))


def cut_plane(
    hip: HipMeasures, labels: Volume, *, scheme: str, grey: np.ndarray | None = None
) -> PlaneSection:
    """Cut a measured volume along its Graf plane.

    Parameters
    ----------
    hip : HipMeasures
        What `measure_hip` found in these labels.
    labels : hipus.images.Volume
        Placed as it was measured; where that was without a spacing, cubes of
        `nominal_side_mm`.
    scheme : {"hip", "stills"}
    grey : numpy.ndarray (D, H, W), optional
        Grey levels on the grid of the labels.

    Returns
    -------
    PlaneSection
        Without a Graf plane, the slice along the first axis that shows most labels.

    Raises
    ------
    ValueError
        If grey levels have another shape than the labels.
    """
    if grey is not None and grey.shape != labels.array.shape:
        raise ValueError(f"grey must be {labels.array.shape} like labels, got {grey.shape}")
    if hip.plane is None:
        return _fullest_slice(hip, labels, grey)
    volume = LabelVolume(labels.array, labels.spacing_zyx_mm, scheme)
    side = float(np.clip(min(labels.spacing_zyx_mm) / 3, *PIXEL_RANGE_MM))
    points = _in_volume(_grid_mm(hip.plane, side), labels)
    return PlaneSection(
        labels=volume.labels_at(points),
        picture=None if grey is None else _sampled(grey, points / volume.spacing_xyz_mm),
        spacing_yx_mm=(side, side),
        section=_section(hip, fit_head(volume).radius_mm, side),
    )


def _fullest_slice(hip: HipMeasures, labels: Volume, grey) -> PlaneSection:
    """Return a slice on which to say what is missing."""
    place = int(np.argmax((labels.array > 0).sum(axis=(1, 2))))
    picture = None if grey is None else grey[place]
    sides = tuple(labels.spacing_zyx_mm[1:])
    return PlaneSection(labels.array[place], picture, sides, _measures(hip))


def _grid_mm(plane: Plane, side_mm: float) -> np.ndarray:
    """Return the world positions (H, W, 3) of the picture's pixels."""
    lateral = np.arange(LATERAL_MM[1], LATERAL_MM[0], -side_mm)[:, None, None]
    superior = np.arange(SUPERIOR_MM[1], SUPERIOR_MM[0], -side_mm)[None, :, None]
    return plane.origin_mm + lateral * plane.lateral + superior * plane.superior


def _in_volume(points_mm: np.ndarray, volume: Volume) -> np.ndarray:
    """Return world positions as mm along the volume's own axes."""
    return (points_mm - np.asarray(volume.origin_xyz_mm)) @ np.asarray(volume.direction)


def _sampled(grey: np.ndarray, index_xyz: np.ndarray) -> np.ndarray:
    """Return grey levels between voxels."""
    index = np.moveaxis(index_xyz[..., ::-1], -1, 0)
    return ndimage.map_coordinates(np.asarray(grey, np.float32), index, order=1)


def _measures(hip: HipMeasures) -> SectionMeasures:
    """Return a volume's measures under the names of a section's."""
    radius = hip.measures["head_radius_mm"]
    twice = {
        end: None if getattr(radius, end) is None else 2 * getattr(radius, end)
        for end in ("value", "lower", "upper")
    }
    return SectionMeasures(
        alpha_deg=hip.measures["alpha_deg"],
        beta_deg=hip.measures["beta_deg"],
        coverage_percent=hip.measures["femoral_head_coverage_percent"],
        head_diameter_mm=Measure(**twice, unit="mm", refusal=radius.refusal),
        checks=hip.checks,
    )


def _section(hip: HipMeasures, radius_mm: float, side_mm: float) -> SectionMeasures:
    """Return a volume's measures with their landmarks in the plane's picture."""
    points = {
        name: _in_plane(hip.plane, hip.landmarks_mm[name])
        for name, needed in _NEEDS.items()
        if name in hip.landmarks_mm and not any(hip.measures[one].is_refused for one in needed)
    }
    if "bony_rim" in points:  # in 3D the roof line touches the roof at its rim
        points["roof_touch"] = points["bony_rim"]
    if not hip.measures["femoral_head_coverage_percent"].is_refused:
        points |= _coverage(hip, points, radius_mm)
    corner = np.array([SUPERIOR_MM[1], LATERAL_MM[1]])
    landmarks = {
        name: tuple(map(float, (corner - point[::-1]) / side_mm)) for name, point in points.items()
    }
    return replace(_measures(hip), landmarks_px=landmarks, cranial="left")


def _in_plane(plane: Plane, point_mm: np.ndarray) -> np.ndarray:
    """Return (lateral, superior) of a world position."""
    away = np.asarray(point_mm) - plane.origin_mm
    return np.array([away @ plane.lateral, away @ plane.superior])


def _coverage(hip: HipMeasures, points: Mapping[str, np.ndarray], radius_mm: float) -> dict:
    """Return the ends of d and D: the head's section across the baseline."""
    centre = hip.landmarks_mm["head_centre"]
    behind = float((centre - hip.plane.origin_mm) @ hip.plane.posterior)
    radius = np.sqrt(max(radius_mm**2 - behind**2, 0.0))
    along = points["wing_cranial"] - points["wing_caudal"]
    out = np.array([along[1], -along[0]]) / np.linalg.norm(along)
    middle = _in_plane(hip.plane, centre)
    return {
        "head_lateral": middle + radius * out,
        "head_baseline": middle - ((middle - points["wing_caudal"]) @ out) * out,
        "head_medial": middle - radius * out,
    }
