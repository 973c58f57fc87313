"""What can be measured at a label volume without any truth: size, wholeness, form, steadiness.

Decides the measures that `grading` judges. Looks at labels alone, so that a volume of an
untracked sweep is measured like any other. Deliberately sets no threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import ndimage

from hipus.labels import HipLabel

#: The structures that the study segments; the labrum is in truth masks only.
STRUCTURES = (
    HipLabel.ILIUM,
    HipLabel.FEMORAL_HEAD,
    HipLabel.CHONDRO_OSSEOUS_BORDER,
    HipLabel.FEMORAL_CORTEX,
)
#: Runs of slices shorter than half of this are streaks: about two frames of a sweep.
STREAK_WINDOW_MM = 1.5
#: Slices with less than this share of the largest section have no steady centre.
_LEAST_SECTION = 0.5
#: Any neighbour, diagonal ones too: thin oblique bone must not fall apart by sampling.
_TOUCHING = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class StructureShape:
    """Measures of one structure in a label volume.

    Attributes
    ----------
    structure : str
        Name of the label in lower case.
    volume_mm3 : float
        0 where the structure is absent; all other measures but component_count are then NaN.
    component_count : int
        Pieces that touch nowhere, also not diagonally.
    largest_component_share : float
        Volume of the largest piece / volume.
    hole_share : float
        Volume that the structure encloses within its slices (D axis) without being part of
        it / volume. A hole in space is one in every slice that crosses it.
    extent_z_mm, extent_y_mm, extent_x_mm : float
        Sides of the box around all voxels.
    slice_gap_mm : float
        Longest run of slices without the structure between slices with it.
    slice_jump_mm : float
        Farthest in-plane move of the section's centre from a slice to the next, among
        sections of at least half the largest area; NaN if no two such are neighbours.
    streak_share : float
        Voxels that differ from the majority of their neighbours along z (over 1.5 mm) /
        voxels: what flickers from slice to slice. A thin sheet along the slices counts too.
    sphere_radius_mm, sphere_residual_share, sphere_volume_ratio : float
        Of the femoral head, else NaN: radius of the sphere through its surface, RMS distance
        of the surface from it / radius, volume / volume of the sphere.
    axis_ratio, ellipsoid_overlap : float
        Of the femoral head, else NaN: longest / shortest axis of the ellipsoid with its
        moments, and its Dice with that ellipsoid: 1 for any ovoid, less for dents, lobes and
        rough surfaces.
    """

    structure: str
    volume_mm3: float
    component_count: int
    largest_component_share: float = np.nan
    hole_share: float = np.nan
    extent_z_mm: float = np.nan
    extent_y_mm: float = np.nan
    extent_x_mm: float = np.nan
    slice_gap_mm: float = np.nan
    slice_jump_mm: float = np.nan
    streak_share: float = np.nan
    sphere_radius_mm: float = np.nan
    sphere_residual_share: float = np.nan
    sphere_volume_ratio: float = np.nan
    axis_ratio: float = np.nan
    ellipsoid_overlap: float = np.nan


def measure_structures(
    labels: np.ndarray,
    spacing_zyx_mm: Sequence[float],
    *,
    structures: Sequence[HipLabel] = STRUCTURES,
) -> tuple[StructureShape, ...]:
    """Measure every structure of a label volume.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) integer
        Labels of the hip scheme in a sweep's grid: D runs elevationally, along the sweep.
    spacing_zyx_mm : sequence of 3 floats
    structures : sequence of HipLabel

    Returns
    -------
    tuple of StructureShape
        One per structure, absent ones too.

    Raises
    ------
    ValueError
        If labels are not a volume of the scheme, or the spacing is not 3 positive numbers.

    Notes
    -----
    Form is asked of the femoral head alone, the one structure of simple shape. Where bone
    casts its shadow on the head, or a sweep ends before it does, the visible part is no
    longer a ball: the measures then report a deformed head although none is, and cannot
    tell the two. The sphere is fitted to face centres between head and not-head voxels, so
    that it lies on the boundary, by linear least squares (Coope 1993).
    """
    labels = np.asarray(labels)
    spacing = _checked_spacing(spacing_zyx_mm)
    if labels.ndim != 3 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be (D, H, W) integer, got {labels.shape} {labels.dtype}")
    known = {int(label) for label in HipLabel}
    if labels.size and not set(np.unique(labels).tolist()) <= known:
        raise ValueError(f"labels must be of {sorted(known)}, got {np.unique(labels).tolist()}")
    places = ndimage.find_objects(labels, max_label=max(known))
    return tuple(_measure(labels, label, places[label - 1], spacing) for label in structures)


def shape_table(shapes: Sequence[StructureShape]) -> pd.DataFrame:
    """Return measured shapes as a tidy table, one row per structure.

    Parameters
    ----------
    shapes : sequence of StructureShape

    Returns
    -------
    pandas.DataFrame
        A column per attribute of `StructureShape`.
    """
    return pd.DataFrame([asdict(shape) for shape in shapes])


def _measure(labels, label: HipLabel, place, spacing: np.ndarray) -> StructureShape:
    """Return the measures of one structure; `place` is its box, None where it is absent."""
    name = label.name.lower()
    if place is None:
        return StructureShape(name, 0.0, 0)
    mask = np.pad(labels[place] == label, 1)  # a margin, so that the box's sides are surface
    pieces, count = ndimage.label(mask, _TOUCHING)
    voxels = np.count_nonzero(mask)
    extents = (np.array(mask.shape) - 2) * spacing
    return StructureShape(
        structure=name,
        volume_mm3=float(voxels * spacing.prod()),
        component_count=count,
        largest_component_share=float(np.bincount(pieces[mask]).max() / voxels),
        hole_share=float((_filled(mask) & ~mask).sum() / voxels),
        extent_z_mm=float(extents[0]),
        extent_y_mm=float(extents[1]),
        extent_x_mm=float(extents[2]),
        slice_gap_mm=_slice_gap_mm(mask, spacing[0]),
        slice_jump_mm=_slice_jump_mm(mask, spacing),
        streak_share=float(_streaks(mask, spacing[0]).sum() / voxels),
        **(_form(mask, spacing) if label == HipLabel.FEMORAL_HEAD else {}),
    )


def _filled(mask: np.ndarray) -> np.ndarray:
    """Return a mask with everything filled that it encloses within a slice."""
    return np.stack([ndimage.binary_fill_holes(section) for section in mask])


def _slice_gap_mm(mask: np.ndarray, step_mm: float) -> float:
    """Return the longest run of empty slices between slices with the structure."""
    there = np.flatnonzero(mask.any(axis=(1, 2)))
    return float((np.diff(there, prepend=there[0] - 1).max() - 1) * step_mm)


def _slice_jump_mm(mask: np.ndarray, spacing: np.ndarray) -> float:
    """Return the farthest move of the centre between neighbouring well-filled slices."""
    areas = mask.sum(axis=(1, 2))
    rows = mask.sum(axis=2) @ np.arange(mask.shape[1])
    columns = mask.sum(axis=1) @ np.arange(mask.shape[2])
    well = areas >= _LEAST_SECTION * areas.max()
    neighbours = well[1:] & well[:-1]
    if not neighbours.any():
        return float("nan")
    centres = np.stack([rows, columns], axis=1) / np.maximum(areas, 1)[:, None] * spacing[1:]
    return float(np.linalg.norm(np.diff(centres, axis=0), axis=1)[neighbours].max())


def _streaks(mask: np.ndarray, step_mm: float) -> np.ndarray:
    """Return voxels that differ from the majority of their neighbours along z."""
    half = max(1, round(STREAK_WINDOW_MM / step_mm / 2 - 0.5))
    padded = np.pad(mask, ((half, half), (0, 0), (0, 0)))
    window = np.ones(2 * half + 1, np.int32)
    votes = ndimage.convolve1d(padded.astype(np.int32), window, axis=0, mode="constant")
    return (votes > half) != padded


def _form(mask: np.ndarray, spacing: np.ndarray) -> dict[str, float]:
    """Return how far a head is from a sphere and from an ovoid."""
    surface = _surface_mm(mask, spacing)
    centre, radius = _sphere(surface)
    residual = np.linalg.norm(surface - centre, axis=1) - radius
    points = np.argwhere(mask) * spacing
    middle = points.mean(axis=0)
    # a voxel is a box, not a point: its own second moment keeps thin masks from degenerating
    moments = np.cov(points.T, bias=True) if len(points) > 1 else np.zeros((3, 3))
    moments = moments + np.diag(spacing**2 / 12)
    axes = np.sqrt(np.linalg.eigvalsh(moments))
    return {
        "sphere_radius_mm": radius,
        "sphere_residual_share": float(np.sqrt(np.mean(residual**2)) / radius),
        "sphere_volume_ratio": float(mask.sum() * spacing.prod() / (4 / 3 * np.pi * radius**3)),
        "axis_ratio": float(axes[-1] / axes[0]),
        "ellipsoid_overlap": _ellipsoid_overlap(mask, middle, moments, spacing=spacing),
    }


def _surface_mm(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the centres of all voxel faces between inside and outside, (P, 3) mm."""
    found = []
    for axis in range(3):
        faces = np.argwhere(np.diff(mask, axis=axis)) * 1.0
        faces[:, axis] += 0.5
        found.append(faces)
    return np.concatenate(found) * spacing


def _sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return centre and radius of the sphere through points by linear least squares."""
    middle = points.mean(axis=0)  # near zero the equations are well conditioned
    near = points - middle
    design = np.column_stack([2 * near, np.ones(len(near))])
    solution = np.linalg.lstsq(design, (near**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return centre + middle, float(np.sqrt(solution[3] + centre @ centre))


def _ellipsoid_overlap(mask, middle, moments, *, spacing: np.ndarray) -> float:
    """Return the Dice of a mask with the ellipsoid that has its middle and moments."""
    reach = np.sqrt(5 * np.diag(moments))  # a solid ellipsoid's variance is a fifth of axis^2
    low = np.floor((middle - reach) / spacing).astype(int)
    high = np.ceil((middle + reach) / spacing).astype(int)
    low, high = np.minimum(low, 0), np.maximum(high, np.array(mask.shape) - 1)
    grid = np.stack(np.meshgrid(*map(np.arange, low, high + 1), indexing="ij"), axis=-1)
    apart = grid * spacing - middle
    inside = np.einsum("...i,ij,...j->...", apart, np.linalg.inv(moments), apart) <= 5
    shared = inside[tuple(slice(-a, -a + n) for a, n in zip(low, mask.shape, strict=True))] & mask
    return float(2 * shared.sum() / (inside.sum() + mask.sum()))


def _checked_spacing(spacing_zyx_mm) -> np.ndarray:
    """Return the spacing as an array, or raise."""
    spacing = np.asarray(spacing_zyx_mm, np.float64)
    if spacing.shape != (3,) or not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing_zyx_mm}")
    return spacing
