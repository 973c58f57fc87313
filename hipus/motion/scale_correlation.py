"""How alike the pictures of a sweep stay, from speckle to anatomy, over few steps and over many.

Decides bands, windows and lags of one small table for a whole sweep: correlation against scale
and lag. Speckle decorrelates over half a millimetre, muscle and bone over several: together
they cover what a sweep can travel between two frames. Deliberately knows no distance: what
the table means in mm is learned elsewhere (`sweep_context`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hipus.motion.correlation_maps import correlation_maps

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

#: Frames between the two that are compared, in the bands.
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
#: Bands, each an octave coarser than the one before.
BAND_COUNT = 4
#: Side of a pixel of the finest band, mm, so that a band means the same at every depth.
PITCH_MM = 0.3
#: Standard deviations of the band's two blurs and of its window, px of its own level.
FINE_PX, COARSE_PX, WINDOW_PX = 0.7, 1.6, 3.5
#: Variance that a band must exceed to count, grey levels squared.
FLOOR = 0.5
#: Lags and depths of the finest table: speckle at full size, in-plane motion undone.
SPECKLE_LAGS, SPECKLE_ROWS = (1, 2, 3, 4), 4
#: Pairs of a lag that are compared at most; a mean over a sweep needs no more.
_MOST_PAIRS = 40
_LEAST = 0.02


def sweep_features(prepared: PreparedSweep) -> np.ndarray:
    """Return the numbers that tell of a whole sweep's mean step.

    Parameters
    ----------
    prepared : PreparedSweep
        With `pixel_spacing_xy_mm`.

    Returns
    -------
    numpy.ndarray (F,) float64
        Logarithms of correlations: speckle by lag and depth, bands by scale and lag; then the
        logarithm of the number of steps.

    Raises
    ------
    ValueError
        If the sweep does not state the size of its pixels, or has fewer than two frames.
    """
    if prepared.pixel_spacing_xy_mm is None:
        raise ValueError(f"sweep {prepared.name} must state pixel_spacing_xy_mm: bands are in mm")
    speckle = speckle_table(prepared.frames, prepared.flow)
    bands = band_table(prepared.frames, prepared.pixel_spacing_xy_mm)
    logs = np.log(np.clip(np.concatenate([speckle.ravel(), bands.ravel()]), _LEAST, 1))
    return np.append(logs, np.log(len(prepared.frames) - 1))


def speckle_table(frames: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return the mean local correlation of a sweep's frames by lag and depth.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    flow : numpy.ndarray (N-1, 2, P, Q) float32
        Between neighbouring frames, px of its own grid.

    Returns
    -------
    numpy.ndarray (4, 4) float64
        Lags 1 to 4, from the skin down. Zero for a lag that the sweep is too short for.
    """
    maps = correlation_maps(frames, flow, lags=SPECKLE_LAGS, map_px=SPECKLE_ROWS)
    table = np.zeros((len(SPECKLE_LAGS), SPECKLE_ROWS))
    for row, lag, at_lag in zip(table, SPECKLE_LAGS, maps, strict=True):
        if lag < len(frames):
            row[:] = at_lag[: len(frames) - lag].mean(axis=(0, 2))
    return table


def band_table(
    frames: np.ndarray,
    pixel_spacing_xy_mm: tuple[float, float],
    *,
    lags: Sequence[int] = LAGS,
    band_count: int = BAND_COUNT,
) -> np.ndarray:
    """Return the mean local correlation of a sweep's frames by band and lag.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    pixel_spacing_xy_mm : tuple of 2 float
    lags : sequence of int
        A lag longer than the sweep is replaced by the longest it has.
    band_count : int

    Returns
    -------
    numpy.ndarray (B, L) float64
        -1 to 1, from the finest band to the coarsest.

    Raises
    ------
    ValueError
        If there are fewer than two frames, or a lag is not positive.

    Notes
    -----
    Each band is a difference of two Gaussians an octave apart (Burt and Adelson 1983), on
    pictures halved from band to band. Correlation is normalised in a Gaussian window, so that
    a bright bone counts no more than dark muscle; motion within the plane is not undone: a
    band's structures are larger than it.
    """
    if len(frames) < 2 or min(lags) < 1:
        raise ValueError(
            f"2 frames and positive lags are needed, got {len(frames)} frames, lags {tuple(lags)}"
        )
    level = [_at_pitch(frame, pixel_spacing_xy_mm) for frame in frames]
    table = np.empty((band_count, len(lags)))
    for row in table:
        band = np.stack([_blurred(one, FINE_PX) - _blurred(one, COARSE_PX) for one in level])
        power = np.stack([_blurred(one * one, WINDOW_PX) for one in band]) + FLOOR
        row[:] = [_mean_correlation(band, power, min(lag, len(frames) - 1)) for lag in lags]
        level = [
            cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in level
        ]
    return table


def _at_pitch(frame: np.ndarray, spacing_xy_mm: tuple[float, float]) -> np.ndarray:
    """Return a frame with square pixels of the finest band's pitch, float32."""
    height, width = frame.shape
    size = (round(width * spacing_xy_mm[0] / PITCH_MM), round(height * spacing_xy_mm[1] / PITCH_MM))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _blurred(picture: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return a picture smoothed by a Gaussian."""
    return cv2.GaussianBlur(picture, (0, 0), sigma_px)


def _mean_correlation(band: np.ndarray, power: np.ndarray, lag: int) -> float:
    """Return the mean local correlation over evenly spread pairs and all places."""
    count = len(band) - lag
    starts = np.unique(np.linspace(0, count - 1, min(count, _MOST_PAIRS)).astype(int))
    found = [
        (_blurred(band[i] * band[i + lag], WINDOW_PX) / np.sqrt(power[i] * power[i + lag])).mean()
        for i in starts
    ]
    return float(np.mean(found))
