"""Volumetric annotation: a rater corrects a prior mask in three dimensions.

Decides how a volume is redrawn from the picture, the prior mask and the rater's idea. Errors
are smooth in all directions, so that no slice stands out as in slice-wise masks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from hipus.labels import HipLabel
from hipus.phantom.annotator.corrections import (
    Annotation,
    annotation,
    bounding_box,
    correct,
    only_drawn,
)
from hipus.phantom.annotator.idea import (
    NODES_PER_LENGTH,
    REACH_MM,
    Idea,
    Misconception,
    draw_lapses,
    draw_misconception,
    forgotten,
    signed_distance,
)
from hipus.phantom.annotator.noise import lattice
from hipus.phantom.annotator.rater import DRAWN, PAINTED, Rater
from hipus.phantom.annotator.sight import Sight, look, steady

#: Displacements of more SDs than this are not followed.
FURTHEST_SD = 4.0


def correct_volume(
    volume: np.ndarray,
    prior_mask: np.ndarray,
    *,
    truth_mask: np.ndarray,
    spacing_zyx_mm,
    rater: Rater,
    rng: np.random.Generator,
    error_scale: float = 1.0,
    misconception: Misconception | None = None,
) -> Annotation:
    """Let a simulated rater correct the mask of a volume.

    Parameters
    ----------
    volume : numpy.ndarray (D, H, W) uint8 or float
        Grey levels 0 to 255.
    prior_mask : numpy.ndarray (D, H, W) uint8
        Scheme hip: what is corrected; all 0 to draw from nothing.
    truth_mask : numpy.ndarray (D, H, W) uint8
        Scheme hip. Reaches nothing but the rater's idea (`imagine_volume`).
    spacing_zyx_mm : sequence of 3 float
    rater : Rater
    rng : numpy.random.Generator
        Of rater and volume.
    error_scale : float
        Multiplies displacements and missed parts, for sensitivity studies.
    misconception : Misconception, optional
        With ndim 3; pass the same for all volumes of a subject; left out: drawn.

    Returns
    -------
    Annotation
        Masks with labels 1 to 4; effort against the prior.

    Raises
    ------
    ValueError
        If shapes do not fit, or a spacing or the scale is not positive.
    """
    spacing = _check(volume, prior_mask, truth_mask, spacing_zyx_mm)
    rater = _scaled(rater, error_scale)
    if misconception is None:
        misconception = draw_misconception(rater, rng, ndim=3)
    prior = only_drawn(prior_mask)
    own = np.zeros_like(prior)
    if np.isin(truth_mask, DRAWN).any():
        # The prior takes no part in this: a rater's idea does not depend on it.
        box = bounding_box(truth_mask > 0, [int(np.ceil(REACH_MM / side)) for side in spacing])
        sight = look(volume[box], spacing, reach_mm=rater.contrast_reach_mm)
        idea = imagine_volume(
            truth_mask[box], sight, spacing_zyx_mm=spacing, rater=rater,
            misconception=misconception, rng=rng,
        )  # fmt: skip
        own[box] = draw_volume(sight, idea, rater=rater, spacing_zyx_mm=spacing)
    masks = correct(prior, own, spacing_mm=spacing, tolerance_mm=rater.tolerance_mm)
    return annotation(masks, prior_mask)


def _check(volume, prior_mask, truth_mask, spacing_zyx_mm) -> tuple[float, ...]:
    """Refuse arrays that do not fit each other; return the spacing."""
    for name, values in {"prior_mask": prior_mask, "truth_mask": truth_mask}.items():
        if values.ndim != 3 or values.dtype != np.uint8 or values.shape != volume.shape:
            raise ValueError(
                f"{name} must be (D, H, W) uint8 like volume, got {values.shape} {values.dtype} "
                f"with volume {volume.shape}"
            )
    spacing = tuple(float(side) for side in spacing_zyx_mm)
    if len(spacing) != 3 or not all(side > 0 and np.isfinite(side) for side in spacing):
        raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing_zyx_mm}")
    return spacing


def _scaled(rater: Rater, error_scale: float) -> Rater:
    """Return the rater as it works in a volume."""
    if not (error_scale > 0 and np.isfinite(error_scale)):
        raise ValueError(f"error_scale must be positive, got {error_scale}")
    factor = error_scale * rater.volume_part
    return replace(rater.scaled(factor), missed_part=min(factor * rater.missed_part, 0.49))


def imagine_volume(
    truth: np.ndarray, sight: Sight, *, spacing_zyx_mm, rater: Rater, misconception, rng
) -> Idea:
    """Form a rater's idea of a volume: blurred, displaced, resized, partly forgotten truth.

    Parameters
    ----------
    truth : numpy.ndarray (D, H, W) uint8
    sight : Sight
    spacing_zyx_mm : sequence of 3 float
    rater : Rater
    misconception : Misconception
    rng : numpy.random.Generator

    Returns
    -------
    Idea
    """

    def nodes(length_mm: float) -> list:
        pitches = [length_mm / NODES_PER_LENGTH / side for side in spacing_zyx_mm]
        return [lattice(*axis) for axis in zip(truth.shape, pitches, strict=True)]

    lapses = draw_lapses(rater, rng, positions=nodes, spacing_mm=spacing_zyx_mm)
    distance_mm = np.full((len(DRAWN), *truth.shape), REACH_MM, np.float32)
    for row, label in enumerate(DRAWN):
        mask = truth == label
        if mask.any():
            known = signed_distance(mask, spacing_zyx_mm)
            known = ndimage.gaussian_filter(
                known, [rater.detail_mm / side for side in spacing_zyx_mm], mode="nearest"
            )
            lasting = np.append(misconception.shift[row], misconception.growth[row])
            distance_mm[row] = _believed(
                known, sight, lapses[row], label=label, rater=rater, lasting=lasting,
                spacing=spacing_zyx_mm,
            )  # fmt: skip
    return Idea(distance_mm)


def _believed(known, sight: Sight, lapses, *, label, rater: Rater, lasting, spacing):
    """Return one structure's believed distances; only voxels near it are computed."""
    sd_mm = np.float32(rater.sd_mm[DRAWN.index(label)])
    # Beyond this many SDs nothing is displaced to the boundary; 1 mm for habit and blur.
    limit_mm = min(REACH_MM, 1 + FURTHEST_SD * sd_mm * (1 + rater.shadow_gain))
    near = np.nonzero(np.abs(known) < limit_mm)
    moving, missing = (_at_voxels(nodes, near, shape=known.shape) for nodes in lapses)
    darkness = sight.darkness[near]
    doubt = sight.blandness[near] if label == HipLabel.FEMORAL_HEAD else darkness
    error_mm = (moving + lasting[:, None]) * (sd_mm * (1 + np.float32(rater.shadow_gain) * doubt))
    values = _displaced(known, near, offset_mm=error_mm[:-1], spacing=spacing) - error_mm[-1]
    values[forgotten(missing[0], darkness, label=label, rater=rater)] = REACH_MM
    out = known.copy()
    out[near] = values
    return out


def draw_volume(sight: Sight, idea: Idea, *, rater: Rater, spacing_zyx_mm) -> np.ndarray:
    """Draw a volume from what is seen and the idea alone.

    Parameters
    ----------
    sight : Sight
    idea : Idea
    rater : Rater
    spacing_zyx_mm : sequence of 3 float

    Returns
    -------
    numpy.ndarray (D, H, W) uint8
    """
    mask = np.zeros(idea.distance_mm.shape[1:], np.uint8)
    for label in PAINTED:
        believed = idea.distance_mm[DRAWN.index(label)]
        if label == HipLabel.FEMORAL_HEAD:
            towards = sight.to_edge
        else:
            towards = steady(sight.to_ridge, believed < 0, spacing_zyx_mm)
        # A pull is at most `contrast_reach_mm` long: further off nothing changes.
        near = np.nonzero(believed < 2 * rater.contrast_reach_mm)
        pull_mm = np.float32(-rater.contrast_pull) * np.stack([axis[near] for axis in towards])
        inside = _displaced(believed, near, offset_mm=pull_mm, spacing=spacing_zyx_mm) < 0
        mask[tuple(axis[inside] for axis in near)] = label
    return mask


def _at_voxels(nodes: np.ndarray, voxels, *, shape) -> np.ndarray:
    """Interpolate nodes (C, ...) of a `lattice` at some voxels, (C, M) float32."""
    places = [
        (axis + 0.5) * (count / size) - 0.5
        for axis, count, size in zip(voxels, nodes.shape[1:], shape, strict=True)
    ]
    return np.stack(
        [ndimage.map_coordinates(plane, places, order=3, mode="nearest") for plane in nodes]
    )


def _displaced(values: np.ndarray, voxels, *, offset_mm: np.ndarray, spacing) -> np.ndarray:
    """Return values (M,) read at some voxels plus an offset (3, M)."""
    places = [
        axis + offset / np.float32(side)
        for axis, offset, side in zip(voxels, offset_mm, spacing, strict=True)
    ]
    return ndimage.map_coordinates(values, places, order=1, mode="nearest")
