"""Slice-wise annotation: a rater draws frame after frame.

Decides how a frame is drawn from the picture and the rater's idea of it. Speed: all noise of a
sweep is drawn on coarse nodes at once and enlarged frame by frame.
"""

from __future__ import annotations

import numpy as np

from hipus.labels import HipLabel
from hipus.phantom.annotator.corrections import Annotation, annotation, correct, only_drawn
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


def annotate_slicewise(
    frames: np.ndarray,
    truth_masks: np.ndarray,
    *,
    pixel_side_mm: float,
    rater: Rater,
    rng: np.random.Generator,
    frame_indices=None,
    prior_masks: np.ndarray | None = None,
    misconception: Misconception | None = None,
) -> Annotation:
    """Let a simulated rater annotate frames of one sweep.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    truth_masks : numpy.ndarray (N, H, W) uint8
        Scheme hip: what is insonified. Reaches nothing but the rater's idea (`imagine`).
    pixel_side_mm : float
        Square pixels.
    rater : Rater
    rng : numpy.random.Generator
        Of rater and sweep.
    frame_indices : array-like (N,), optional
        Positions within the sweep, on which the correlation of neighbouring frames depends;
        left out: 0 to N - 1.
    prior_masks : numpy.ndarray (N, H, W) uint8, optional
        Masks to correct; left out: the rater draws on empty frames.
    misconception : Misconception, optional
        Pass the same for all sweeps of a subject; left out: drawn.

    Returns
    -------
    Annotation
        Masks with labels 1 to 4; the labrum is not drawn. A structure that the truth of a
        frame lacks is not invented.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the pixel side is not positive.
    """
    _check(frames, truth_masks, prior_masks, pixel_side_mm)
    indices = np.arange(len(frames)) if frame_indices is None else np.asarray(frame_indices)
    if indices.shape != (len(frames),):
        raise ValueError(f"frame_indices must be ({len(frames)},), got {indices.shape}")
    if misconception is None:
        misconception = draw_misconception(rater, rng)
    lapses = _draw_frame_lapses(
        rater, rng, indices=indices, shape=frames.shape[1:], side_mm=pixel_side_mm
    )
    masks = np.zeros(frames.shape, np.uint8)
    for index, frame in enumerate(frames):
        sight = look(frame, (pixel_side_mm,) * 2, reach_mm=rater.contrast_reach_mm)
        errors = [(moving[:, index], missing[:, index]) for moving, missing in lapses]
        idea = imagine(
            truth_masks[index], sight, pixel_side_mm=pixel_side_mm, rater=rater,
            misconception=misconception, lapses=errors,
        )  # fmt: skip
        prior = None if prior_masks is None else only_drawn(prior_masks[index])
        masks[index] = draw(
            frame, sight, idea=idea, rater=rater, pixel_side_mm=pixel_side_mm, prior=prior
        )
    return annotation(masks, prior_masks)


def _check(frames, truth_masks, prior_masks, pixel_side_mm) -> None:
    """Refuse arrays that do not fit each other."""
    given = {"frames": frames, "truth_masks": truth_masks}
    if prior_masks is not None:
        given["prior_masks"] = prior_masks
    for name, values in given.items():
        if values.ndim != 3 or values.dtype != np.uint8 or values.shape != frames.shape:
            raise ValueError(
                f"{name} must be (N, H, W) uint8 like frames, got {values.shape} {values.dtype} "
                f"with frames {frames.shape}"
            )
    if not (pixel_side_mm > 0 and np.isfinite(pixel_side_mm)):
        raise ValueError(f"pixel_side_mm must be positive, got {pixel_side_mm}")


def _draw_frame_lapses(rater: Rater, rng, *, indices, shape, side_mm: float) -> list:
    """Draw the varying errors of all frames on coarse nodes."""

    def nodes(length_mm: float) -> list:
        pitch = length_mm / NODES_PER_LENGTH / side_mm
        return [indices, *(lattice(size, pitch) for size in shape)]

    return draw_lapses(
        rater,
        rng,
        positions=nodes,
        spacing_mm=(side_mm,) * 2,
        first_axis_length=rater.frame_length,
    )


def imagine(
    truth: np.ndarray, sight: Sight, *, pixel_side_mm: float, rater: Rater, misconception, lapses
) -> Idea:
    """Form a rater's idea of one frame: blurred, displaced, resized, partly forgotten truth.

    Parameters
    ----------
    truth : numpy.ndarray (H, W) uint8
    sight : Sight
        In the dark errors grow.
    pixel_side_mm : float
    rater : Rater
    misconception : Misconception
    lapses : list of tuple
        Of this frame, on coarse nodes, see `draw_lapses`.

    Returns
    -------
    Idea
    """
    distance_mm = np.full((len(DRAWN), *truth.shape), REACH_MM, np.float32)
    for row, (label, sd_mm) in enumerate(zip(DRAWN, rater.sd_mm, strict=True)):
        mask = truth == label
        if not mask.any():
            continue
        moving, missing = lapses[row]
        lasting = np.append(misconception.shift[row], misconception.growth[row])
        error_mm = _enlarge(moving, truth.shape) + lasting[:, None, None]
        doubt = sight.blandness if label == HipLabel.FEMORAL_HEAD else sight.darkness
        error_mm *= np.float32(sd_mm) * (1 + np.float32(rater.shadow_gain) * doubt)
        known = _blurred(
            signed_distance(mask, (pixel_side_mm,) * 2), rater.detail_mm / pixel_side_mm
        )
        believed = _displaced(known, error_mm[:2] / np.float32(pixel_side_mm)) - error_mm[2]
        left_out = forgotten(
            _enlarge(missing, truth.shape)[0], sight.darkness, label=label, rater=rater
        )
        distance_mm[row] = np.where(left_out, np.float32(REACH_MM), believed)
    return Idea(distance_mm)


def draw(frame, sight: Sight, *, idea: Idea, rater: Rater, pixel_side_mm: float, prior=None):
    """Draw one frame from picture, idea and prior alone.

    Parameters
    ----------
    frame : numpy.ndarray (H, W) uint8
        Nothing is drawn on its black margins.
    sight : Sight
        Of the same frame.
    idea : Idea
    rater : Rater
    pixel_side_mm : float
    prior : numpy.ndarray (H, W) uint8, optional

    Returns
    -------
    numpy.ndarray (H, W) uint8
    """
    mask = np.zeros(frame.shape, np.uint8)
    for label in PAINTED:
        believed = idea.distance_mm[DRAWN.index(label)]
        if not (believed < 0).any():
            continue
        if label == HipLabel.FEMORAL_HEAD:
            towards = sight.to_edge
        else:
            towards = steady(sight.to_ridge, believed < 0, (pixel_side_mm,) * 2)
        pull_px = np.float32(-rater.contrast_pull / pixel_side_mm) * towards
        mask[_displaced(believed, pull_px) < 0] = label
    mask[:, ~frame.any(axis=0)] = HipLabel.BACKGROUND
    if prior is None:
        return mask
    return correct(prior, mask, spacing_mm=(pixel_side_mm,) * 2, tolerance_mm=rater.tolerance_mm)


def _enlarge(nodes: np.ndarray, shape) -> np.ndarray:
    """Interpolate coarse nodes (C, h, w) on all pixels, (C, H, W)."""
    import cv2

    size = (shape[1], shape[0])
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in nodes])


def _blurred(distance: np.ndarray, sigma_px: float) -> np.ndarray:
    """Lose the details of a distance map."""
    import cv2

    return cv2.GaussianBlur(distance, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)


def _displaced(values: np.ndarray, offset_px: np.ndarray) -> np.ndarray:
    """Return values read at each pixel plus an offset (2, H, W), rows first."""
    import cv2

    rows, columns = np.indices(values.shape, dtype=np.float32, sparse=True)
    return cv2.remap(
        values, columns + offset_px[1], rows + offset_px[0], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
