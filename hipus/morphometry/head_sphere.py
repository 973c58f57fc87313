"""The femoral head as a sphere: its centre and radius, and how round it is.

Decides what counts as the head's surface (faces towards background; what another label or the
volume's edge cuts off tells nothing of the head's form) and how outliers are kept from pulling.
Deliberately says nothing of the acetabulum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.section_contours import SCHEMES

#: Fewest boundary faces that a sphere is fitted to.
LEAST_FACES = 50
#: Residuals beyond this many robust SDs take no part (Tukey's biweight, 95 % efficient).
TUKEY = 4.685
#: A head of less than this part of its sphere is out of view (assumed).
LEAST_VOLUME_SHARE = 0.3
#: Possible radii, mm: newborns have 7.4 to 8.6 mm on real stills; wide for age and size.
RADIUS_RANGE_MM = (4.0, 16.0)


@dataclass(frozen=True, eq=False)
class HeadSphere:
    """A sphere through the surface of a femoral head.

    Attributes
    ----------
    centre_mm : numpy.ndarray (3,)
        x, y, z in the volume.
    radius_mm : float
    residual_mm : float
        RMS distance of the surface from the sphere, without outliers.
    volume_share : float
        Labelled volume / volume of the sphere.
    faces_mm : numpy.ndarray (N, 3)
        Centres of the voxel faces that the sphere was fitted to.
    """

    centre_mm: np.ndarray
    radius_mm: float
    residual_mm: float
    volume_share: float
    faces_mm: np.ndarray


def fit_head(volume: LabelVolume) -> HeadSphere:
    """Fit a sphere to the femoral head of a label volume.

    Parameters
    ----------
    volume : LabelVolume

    Returns
    -------
    HeadSphere

    Raises
    ------
    VolumeRefused
        If there is no head, too little of it, or what is labelled as head is no ball.

    Notes
    -----
    Only the largest piece counts. Geometric distances by Gauss-Newton from an algebraic start
    (Coope 1993), reweighted by Tukey's biweight.
    """
    head = SCHEMES[volume.scheme]["FEMORAL_HEAD"]
    if not volume.has(head):
        raise VolumeRefused("no femoral head label")
    mask, start = _largest_piece(volume, head)
    faces = _free_faces(volume, mask, start) * volume.spacing_xyz_mm
    if len(faces) < LEAST_FACES:
        raise VolumeRefused(
            f"femoral head too small: needs {LEAST_FACES} boundary faces, has {len(faces)}"
        )
    centre, radius, residual = fit_sphere(faces)
    share = mask.sum() * np.prod(volume.spacing_zyx_mm) / (4 / 3 * np.pi * radius**3)
    if not RADIUS_RANGE_MM[0] <= radius <= RADIUS_RANGE_MM[1]:
        raise VolumeRefused(f"femoral head is no ball: fitted radius {radius:.1f} mm")
    if share < LEAST_VOLUME_SHARE:
        raise VolumeRefused(
            f"femoral head out of view: {100 * share:.0f} % of its ball is labelled"
        )
    return HeadSphere(centre, radius, residual, float(share), faces)


def fit_sphere(points_mm: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Fit a sphere, or a circle, to points; outliers take no part.

    Parameters
    ----------
    points_mm : numpy.ndarray (N, K)
        K is 3 for a sphere, 2 for a circle; more than K points, not in a plane or on a line.

    Returns
    -------
    centre_mm : numpy.ndarray (K,)
    radius_mm : float
    residual_mm : float
        RMS of the distances that count.
    """
    middle = points_mm.mean(axis=0)
    near = points_mm - middle  # near zero the equations are well conditioned
    rows = np.column_stack([2 * near, np.ones(len(near))])
    start = np.linalg.lstsq(rows, (near**2).sum(axis=1), rcond=None)[0]
    sphere = np.append(start[:-1], np.sqrt(start[-1] + start[:-1] @ start[:-1]))
    for _ in range(15):
        away = near - sphere[:-1]
        length = np.linalg.norm(away, axis=1)
        error = length - sphere[-1]
        weight = _biweight(error)
        rows = np.column_stack([-away / length[:, None], -np.ones(len(away))]) * weight[:, None]
        sphere = sphere - np.linalg.lstsq(rows, error * weight, rcond=None)[0]
    residual = np.sqrt(np.average(error**2, weights=weight))
    return sphere[:-1] + middle, float(sphere[-1]), float(residual)


def _biweight(error: np.ndarray) -> np.ndarray:
    """Return square roots of Tukey's weights; the scale is the median's."""
    scale = 1.4826 * np.median(np.abs(error)) + 1e-9
    return np.clip(1 - (error / (TUKEY * scale)) ** 2, 0, None)


def _largest_piece(volume: LabelVolume, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest connected piece in its box, and where the box begins (z, y, x)."""
    box = ndimage.find_objects((volume.labels == label).astype(np.uint8))[0]
    pieces, count = ndimage.label(volume.labels[box] == label)
    sizes = np.bincount(pieces.ravel())[1 : count + 1]
    return pieces == 1 + int(sizes.argmax()), np.array([side.start for side in box])


def _free_faces(volume: LabelVolume, mask: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return centres (N, 3) x, y, z in voxels of faces between head and background."""
    labels = np.pad(volume.labels, 1, constant_values=255)  # beyond the edge nothing is known
    sides = zip(start, mask.shape, strict=True)
    box = tuple(slice(first, first + size + 2) for first, size in sides)
    free, mask = labels[box] == 0, np.pad(mask, 1)
    found = []
    for axis in range(3):
        for head, beyond, step in ((slice(1, None), slice(None, -1), -0.5),
                                   (slice(None, -1), slice(1, None), 0.5)):  # fmt: skip
            inner = tuple(head if a == axis else slice(None) for a in range(3))
            outer = tuple(beyond if a == axis else slice(None) for a in range(3))
            faces = np.argwhere(mask[inner] & free[outer]) * 1.0
            faces[:, axis] += step + (head.start or 0)
            found.append(faces)
    return (np.concatenate(found) + start - 1)[:, ::-1]
