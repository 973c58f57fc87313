"""Parallel sections through a label volume, and what they say together at one place.

Decides where sections are cut and how their lines become smooth functions of the place from
front to back: one section of a coarse volume is a handful of voxels, a dozen neighbours carry
the same roof. Every section is measured by `graf_section`; nothing of Graf is defined here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hipus.morphometry.graf_section import SectionMeasures, measure_section
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.label_volume import LabelVolume

#: What a section shows around the head's centre, mm: lateral from, to; superior from, to. Wide
#: enough for a head that left the socket by its own radius.
LATERAL_MM, SUPERIOR_MM = (-24.0, 16.0), (-12.0, 27.0)
#: Side of a section's pixels, mm: a third of a voxel, within these limits.
PIXEL_RANGE_MM = (0.2, 0.35)
#: Sections lie this far apart, mm; as many in front of the Graf plane as behind it. Rim and
#: labrum bend around the head: over 2.5 mm either way a parabola follows them to 0.02 mm.
SECTION_STEP_MM, SECTION_COUNT = 0.5, 5
#: Landmarks of `graf_section` that are followed through the sections.
LANDMARKS = ("bony_rim", "labrum")
#: Values further off than this many robust SDs take no part (Tukey's biweight).
TUKEY = 4.685


@dataclass(frozen=True, eq=False)
class Sections:
    """Parallel sections from front to back.

    Attributes
    ----------
    posterior_mm : numpy.ndarray (N,)
        Places, behind the head's centre.
    landmarks_mm : mapping of str to numpy.ndarray (N, 2)
        (lateral, superior) of each landmark, NaN where a section has none.
    refusals : tuple of str
        Why sections could not be measured, one for each that could not.
    """

    posterior_mm: np.ndarray
    landmarks_mm: Mapping[str, np.ndarray]
    refusals: tuple[str, ...]

    def middle_mm(self, name: str) -> np.ndarray:
        """Return (lateral, superior) of a landmark in the Graf plane; NaN if none shows it."""
        found = self.landmarks_mm[name].T
        return np.array([smooth_at(self.posterior_mm, one, [0.0], degree=2)[0] for one in found])


def cut_section(
    volume: LabelVolume, axes: HipAxes, posterior_mm: float
) -> tuple[np.ndarray, float]:
    """Return the labels of one section and the side of its pixels.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
    posterior_mm : float
        Place of the section, behind the origin of the axes.

    Returns
    -------
    labels : numpy.ndarray (H, W) uint8
        Rows run from lateral to medial, columns from superior to inferior.
    side_mm : float
    """
    side = float(np.clip(min(volume.spacing_zyx_mm) / 3, *PIXEL_RANGE_MM))
    lateral = np.arange(LATERAL_MM[1], LATERAL_MM[0], -side)
    superior = np.arange(SUPERIOR_MM[1], SUPERIOR_MM[0], -side)
    grid = np.meshgrid(lateral, [posterior_mm], superior, indexing="ij")
    points = axes.to_volume(np.stack(grid, axis=-1)[:, 0])
    return volume.labels_at(points), side


def measure_sections(volume: LabelVolume, axes: HipAxes) -> Sections:
    """Measure the sections next to the Graf plane.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
        Sections are spanned by lateral and superior.

    Returns
    -------
    Sections
    """
    places = np.arange(-SECTION_COUNT, SECTION_COUNT + 1) * SECTION_STEP_MM
    found = {name: np.full((len(places), 2), np.nan) for name in LANDMARKS}
    refusals = []
    for row, place in enumerate(places):
        labels, side = cut_section(volume, axes, place)
        measured = measure_section(labels, scheme=volume.scheme, spacing_yx_mm=(side, side))
        if measured.alpha_deg.refusal:
            refusals.append(measured.alpha_deg.refusal)
            continue
        for name in LANDMARKS:
            found[name][row] = _place(measured, name, side)
    return Sections(places, found, tuple(refusals))


def _place(measured: SectionMeasures, name: str, side_mm: float) -> np.ndarray:
    """Return (lateral, superior) of a landmark, mm; NaN where there is none."""
    return from_pixel(measured.landmarks_px.get(name, (np.nan, np.nan)), side_mm)


def from_pixel(points_px, side_mm: float) -> np.ndarray:
    """Return points (..., 2) of a cut section, (u, v) px, as (lateral, superior) mm.

    Parameters
    ----------
    points_px : array-like (..., 2)
    side_mm : float
        As `cut_section` gave it.
    """
    points = np.asarray(points_px, np.float64)
    return np.array([LATERAL_MM[1], SUPERIOR_MM[1]]) - side_mm * points[..., ::-1]


def smooth_at(places, values, wanted, *, degree: int) -> np.ndarray:
    """Return a robust polynomial through values over places, at wanted places.

    Parameters
    ----------
    places : array-like (N,)
    values : array-like (N,)
        NaN where there is none.
    wanted : array-like (M,)
    degree : int
        Lowered where there are too few values: two for each term.

    Returns
    -------
    numpy.ndarray (M,)
        NaN if there is no value at all.
    """
    places, values, wanted = (np.asarray(a, np.float64) for a in (places, values, wanted))
    known = np.isfinite(values)
    if not known.any():
        return np.full(wanted.shape, np.nan)
    degree = min(degree, max(0, int(known.sum()) // 2 - 1))
    rows = np.vander(places[known], degree + 1)
    weight = np.ones(int(known.sum()))
    for _ in range(10):
        terms = np.linalg.lstsq(rows * weight[:, None], values[known] * weight, rcond=None)[0]
        error = values[known] - rows @ terms
        scale = 1.4826 * np.median(np.abs(error)) + 1e-6
        weight = np.clip(1 - (error / (TUKEY * scale)) ** 2, 1e-6, None)
    return np.vander(wanted, degree + 1) @ terms
