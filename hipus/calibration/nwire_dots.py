"""Bright dots in an ultrasound frame: candidates, and their centres to a fraction of a pixel.

Decides what is bright and compact enough to be a wire, and where its centre lies. Which dots
form a phantom's pattern is decided in `nwire`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hipus.calibration.wires import SegmentationSettings

#: Candidates are looked for on a grid of about this pitch, whatever the frame's own.
SEARCH_PITCH_MM = 0.15
#: Blur that makes a dot one peak, and half the side of the box that stands for its surround.
DOT_SIGMA_MM, SURROUND_MM = 0.35, 2.5
#: Two dots are at least this far apart.
SEPARATION_MM = 1.5
#: Candidates weaker than this share of the strongest are dropped.
WEAKEST_SHARE = 0.02
#: A dot is at most this large (half sides along u and v).
DOT_HALF_SIZE_MM = (2.5, 1.5)


@dataclass(frozen=True)
class Dots:
    """Candidate dots of one frame, brightest first.

    Attributes
    ----------
    points_px : numpy.ndarray (K, 2) float64
        Centres (u, v) in pixels of the whole frame; pixel centres are whole numbers.
    strength : numpy.ndarray (K,) float64
        Contrast against the surround, in grey levels.
    """

    points_px: np.ndarray
    strength: np.ndarray


def find_dots(frame, settings: SegmentationSettings) -> Dots:
    """Find the brightest compact dots of a frame.

    Parameters
    ----------
    frame : numpy.ndarray (H, W) uint8
    settings : SegmentationSettings

    Returns
    -------
    Dots
        At most `settings.max_candidates`; none for a blank frame.

    Raises
    ------
    ValueError
        If the frame is not (H, W) uint8 or the clip rectangle leaves nothing of it.

    Notes
    -----
    Candidates are peaks of a blurred frame minus its surround (a difference of low-passes, on
    a grid of about 0.15 mm): unlike a threshold it keeps a faint wire beside bright ones.
    """
    clipped, origin_px = _clip(frame, settings)
    shrink = max(1, round(SEARCH_PITCH_MM / settings.approximate_spacing_mm))
    if min(clipped.shape) < 4 * shrink:
        raise ValueError(f"the clip rectangle leaves {clipped.shape[::-1]} px of the frame")
    contrast = _contrast(clipped, shrink, settings.approximate_spacing_mm * shrink)
    v, u = _peaks(contrast, settings.approximate_spacing_mm * shrink)
    order = np.argsort(-contrast[v, u], kind="stable")[: settings.max_candidates]
    rough = (np.stack([u, v], axis=-1)[order] + 0.5) * shrink - 0.5
    opened = cv2.morphologyEx(clipped, cv2.MORPH_OPEN, _disc(settings))
    level = _level(clipped, settings)
    points = [_centre(clipped, opened, point, level, settings) for point in rough]
    points_px = np.array(points, np.float64).reshape(-1, 2) + origin_px
    is_first = _first_of_its_kind(points_px, settings)
    return Dots(points_px[is_first], contrast[v, u][order][is_first].astype(np.float64))


def _clip(frame, settings: SegmentationSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return the searched part of a frame and its first pixel."""
    frame = np.asarray(frame)
    if frame.ndim != 2 or frame.dtype != np.uint8:
        raise ValueError(f"frame must be (H, W) uint8, got {frame.shape} {frame.dtype}")
    if settings.clip_origin_px is None:
        return np.ascontiguousarray(frame), np.zeros(2)
    (u, v), (width, height) = settings.clip_origin_px, settings.clip_size_px
    u0, v0 = max(u, 0), max(v, 0)
    part = frame[v0 : max(v + height, 0), u0 : max(u + width, 0)]
    return np.ascontiguousarray(part), np.array([u0, v0], float)


def _contrast(clipped: np.ndarray, shrink: int, pitch_mm: float) -> np.ndarray:
    """Return the blurred frame minus its surround on the search grid."""
    height, width = (side // shrink for side in clipped.shape)
    # Crop to whole cells: a resize by a fraction would shift the grid.
    whole = clipped[: height * shrink, : width * shrink]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = cv2.GaussianBlur(small, (0, 0), DOT_SIGMA_MM / pitch_mm)
    side = 2 * round(SURROUND_MM / pitch_mm) + 1
    return fine - cv2.blur(cv2.blur(small, (side, side)), (side, side))


def _peaks(contrast: np.ndarray, pitch_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the strong local maxima."""
    side = 2 * round(SEPARATION_MM / pitch_mm) + 1
    highest = cv2.dilate(contrast, np.ones((side, side), np.uint8))
    floor = max(WEAKEST_SHARE * float(contrast.max()), 1.0)
    return np.nonzero((contrast >= highest) & (contrast > floor))


def _first_of_its_kind(points_px: np.ndarray, settings: SegmentationSettings) -> np.ndarray:
    """Return which centres are no repetition: a wide dot may have two peaks and one centre."""
    apart = np.linalg.norm(points_px[:, None] - points_px, axis=-1)
    is_same = apart * settings.approximate_spacing_mm < DOT_SIGMA_MM
    return ~np.tril(is_same, k=-1).any(axis=1)


def _disc(settings: SegmentationSettings) -> np.ndarray:
    """Return the disc of the opening."""
    radius = round(settings.opening_radius_mm / settings.approximate_spacing_mm)
    v, u = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (u**2 + v**2 <= radius**2).astype(np.uint8)


def _level(clipped: np.ndarray, settings: SegmentationSettings) -> float:
    """Return the grey level below which a pixel belongs to no dot."""
    low, high = float(clipped.min()), float(clipped.max())
    return low + (high - low) * settings.threshold_percent / 100 + 0.5


def _centre(clipped, opened, rough, level: float, settings: SegmentationSettings):
    """Return the intensity-weighted centroid of the dot around a rough position.

    Flat morphology commutes with a threshold, so the frame is opened once and each dot gets a
    threshold of its own: the frame's, raised above a bright surround (speckle), lowered for a
    faint dot. A dot flatter than the disc does not survive the opening: it is taken as it is.
    """
    half = [max(2, round(side / settings.approximate_spacing_mm)) for side in DOT_HALF_SIZE_MM]
    u, v = (
        int(np.clip(round(x), 0, n - 1)) for x, n in zip(rough, opened.shape[::-1], strict=True)
    )
    reach = half[1] // 2
    corner = (max(u - reach, 0), max(v - reach, 0))
    core = (slice(corner[1], v + reach + 1), slice(corner[0], u + reach + 1))
    source = opened if opened[core].max() >= level else clipped
    peak = float(source[core].max())
    u0, v0 = max(u - half[0], 0), max(v - half[1], 0)
    window = source[v0 : v + half[1] + 1, u0 : u + half[0] + 1]
    bound = min(max(level, float(np.percentile(window, 75)) + 1), peak / 2)
    _, parts = cv2.connectedComponents((window >= bound).astype(np.uint8), connectivity=4)
    rows, columns = np.nonzero(parts)
    nearest = np.argmin((rows - (v - v0)) ** 2 + (columns - (u - u0)) ** 2)
    is_dot = parts == parts[rows[nearest], columns[nearest]]
    return _weighted_mean(np.where(is_dot, window, 0).astype(np.float64)) + (u0, v0)


def _weighted_mean(weight: np.ndarray) -> np.ndarray:
    """Return the mean (u, v) of a window's pixels, weighted."""
    rows, columns = weight.sum(axis=1), weight.sum(axis=0)
    means = columns @ np.arange(len(columns)), rows @ np.arange(len(rows))
    return np.array(means) / weight.sum()
