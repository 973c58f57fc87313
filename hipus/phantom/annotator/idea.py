"""A rater's own idea of the anatomy: the one door through which truth reaches a rater.

Decides how the true mask is blurred, displaced, resized and partly forgotten. What is drawn
from an idea (`slices`, `volume`) has no other access to the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import ndtri

from hipus.labels import HipLabel
from hipus.phantom.annotator.corrections import bounding_box
from hipus.phantom.annotator.noise import draw_noise
from hipus.phantom.annotator.rater import DRAWN, Rater

#: Distances are known up to this far from a structure, mm; no error reaches further.
REACH_MM = 4.0
#: Nodes of the noise per correlation length; cubic interpolation between them loses < 2 %.
NODES_PER_LENGTH = 2.0


@dataclass(frozen=True)
class Misconception:
    """What a rater believes wrongly about one subject, in units of its displacement SD.

    Attributes
    ----------
    shift : numpy.ndarray (4, ndim) float32
        Per structure in the order of `DRAWN`, along the axes of the array.
    growth : numpy.ndarray (4,) float32
        Positive where the structure is believed too large.
    """

    shift: np.ndarray
    growth: np.ndarray


@dataclass(frozen=True)
class Idea:
    """Where a rater believes the structures of a frame or volume to be.

    Attributes
    ----------
    distance_mm : numpy.ndarray (4, ...) float32
        Believed signed distances in the order of `DRAWN`, negative inside; `REACH_MM` where
        a structure is unknown.
    """

    distance_mm: np.ndarray


def draw_misconception(rater: Rater, rng: np.random.Generator, *, ndim: int = 2) -> Misconception:
    """Draw a rater's lasting errors about a subject.

    Parameters
    ----------
    rater : Rater
    rng : numpy.random.Generator
        Of the pair of rater and subject: the same for all sweeps that show the same hip.
    ndim : int
        2 for frames, 3 for volumes.

    Returns
    -------
    Misconception
    """
    part = np.sqrt(rater.idea_part)
    shift = part[:, None] * rng.standard_normal((len(DRAWN), ndim))
    growth = part * rater.size_part * rng.standard_normal(len(DRAWN)) + rater.habit
    return Misconception(shift.astype(np.float32), growth.astype(np.float32))


def draw_lapses(rater: Rater, rng, *, positions, spacing_mm, first_axis_length=None) -> list:
    """Draw what varies along a boundary: displacement, growth and what is missed.

    Parameters
    ----------
    rater : Rater
    rng : numpy.random.Generator
    positions : callable
        From a correlation length in mm to the node positions of every axis, in samples.
    spacing_mm : sequence of float
        Of the spatial axes.
    first_axis_length : float, optional
        Correlation length along a leading axis of frames; left out: there is none.

    Returns
    -------
    list of tuple of 2 numpy.ndarray float32
        Per structure: displacements along the axes and growth (ndim + 1, ...) in units of the
        displacement SD; and standard normal noise (1, ...) that decides what is missed.
    """
    leading = [] if first_axis_length is None else [first_axis_length]
    lapses = []
    for length_mm, lasting in zip(rater.length_mm, rater.idea_part, strict=True):
        moving, missing = (
            draw_noise(
                rng,
                positions(mm),
                lengths=[*leading, *(mm / side for side in spacing_mm)],
                channels=channels,
            )
            for mm, channels in ((length_mm, len(spacing_mm) + 1), (rater.missed_length_mm, 1))
        )
        moving *= np.float32(np.sqrt(1 - lasting))
        moving[-1] *= np.float32(rater.size_part)
        lapses.append((moving, missing))
    return lapses


def signed_distance(mask: np.ndarray, spacing_mm) -> np.ndarray:
    """Return the distance to the boundary of a mask, negative inside.

    Parameters
    ----------
    mask : numpy.ndarray (H, W) or (D, H, W) bool
    spacing_mm : sequence of float
        Pictures must have square pixels.

    Returns
    -------
    numpy.ndarray float32
        mm, clipped to +-`REACH_MM`; `REACH_MM` everywhere for an empty mask. The boundary
        lies midway between pixel centres.
    """
    distance = np.full(mask.shape, REACH_MM, np.float32)
    if not mask.any():
        return distance
    box = bounding_box(mask, [int(np.ceil(REACH_MM / side)) + 1 for side in spacing_mm])
    part = mask[box]
    if mask.ndim == 2:
        outside, inside = _distances_of_picture(part, spacing_mm[0])
    else:
        outside = ndimage.distance_transform_edt(~part, sampling=spacing_mm)
        inside = ndimage.distance_transform_edt(part, sampling=spacing_mm)
    half = 0.5 * min(spacing_mm)
    distance[box] = np.clip(np.where(part, half - inside, outside - half), -REACH_MM, REACH_MM)
    return distance


def _distances_of_picture(mask: np.ndarray, side_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances to and from a mask; OpenCV is ten times faster than SciPy."""
    import cv2

    mask = mask.astype(np.uint8)
    outside, inside = (
        cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for part in (1 - mask, mask)
    )
    return outside * np.float32(side_mm), inside * np.float32(side_mm)


def forgotten(noise: np.ndarray, darkness: np.ndarray, *, label: HipLabel, rater: Rater):
    """Return where a rater leaves a structure out, (...) bool.

    Parameters
    ----------
    noise : numpy.ndarray (...) float32
        Standard normal.
    darkness : numpy.ndarray (...) float32
        0 to 1.
    label : HipLabel
        The head is never left out: only thin structures are.
    rater : Rater
    """
    if label == HipLabel.FEMORAL_HEAD:
        return np.zeros(noise.shape, bool)
    bright, dark = ndtri(
        [rater.missed_part, min(rater.missed_part * (1 + rater.shadow_gain), 0.5)]
    ).astype(np.float32)
    return noise < bright + (dark - bright) * darkness
