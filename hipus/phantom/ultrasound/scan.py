"""From the native grid of scan lines to the picture: grey map, pixels, truth masks.

Decides the console's grey map, bilinear scan conversion onto square pixels with black margins
beside the footprint, and which labelled pixels were insonified. Knows no tissue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hipus.phantom.ultrasound.compiling import cached
from hipus.phantom.ultrasound.settings import INSONIFIED_DB, ProbeSettings


@dataclass(frozen=True)
class LabelVolume:
    """Full-anatomy labels on a grid in the hip frame.

    Attributes
    ----------
    values : numpy.ndarray (D, H, W) uint8
        Indexed [z, y, x]; outside the grid is 0.
    origin_xyz_mm : tuple of 3 float
        Hip coordinates of the centre of voxel [0, 0, 0].
    spacing_mm : float
        Isotropic.
    """

    values: np.ndarray
    origin_xyz_mm: tuple[float, float, float]
    spacing_mm: float


#: Where labels come from: a grid, or a function from points (M, 3) float64 in the hip frame,
#: mm, to labels (M,) uint8.
Labels = LabelVolume | Callable[[np.ndarray], np.ndarray]


def map_grey(amplitude_db: np.ndarray, settings: ProbeSettings) -> np.ndarray:
    """Apply gain, sliders, dynamic range and gamma.

    Parameters
    ----------
    amplitude_db : numpy.ndarray (..., samples, lines) float32
        0 dB is bone met head on.
    settings : ProbeSettings

    Returns
    -------
    numpy.ndarray (..., samples, lines) float32
        Grey levels 0 to 255; what is louder saturates.
    """
    gain_db = settings.gain_at(settings.sample_y_mm()).astype(np.float32)[:, None]
    part = (amplitude_db + gain_db) / np.float32(settings.dynamic_range_db) + np.float32(1)
    np.clip(part, 0, 1, out=part)
    return np.float32(255) * part ** np.float32(settings.gamma)


def scan_convert(native: np.ndarray, settings: ProbeSettings) -> np.ndarray:
    """Interpolate values of the native grid on the pixels of a frame.

    Parameters
    ----------
    native : numpy.ndarray (samples, lines) float32
        Grey levels, or anything else known on the native grid.
    settings : ProbeSettings

    Returns
    -------
    numpy.ndarray (H, W) float32
        Bilinear; 0 beside the footprint. Where a pixel spans several native steps, these are
        averaged first: a small frame is a shrunk picture, not a sparse one.
    """
    native = np.ascontiguousarray(native, np.float32)
    if native.shape != (settings.sample_count, settings.line_count):
        raise ValueError(
            f"native must be ({settings.sample_count}, {settings.line_count}), got {native.shape}"
        )
    native = _average(native, settings.pixel_mm / settings.sample_pitch_mm, axis=0)
    native = _average(native, settings.pixel_mm / settings.line_pitch_mm, axis=1)
    rows, columns = pixel_positions(settings)
    inside = np.flatnonzero(~np.isnan(columns))
    out = np.zeros(settings.shape_px, np.float32)
    _interpolate(native, rows, columns[inside], inside[0], out)
    return out


def _average(native: np.ndarray, steps: float, *, axis: int) -> np.ndarray:
    """Average over the native steps that a pixel spans, where it spans at least 1.5."""
    size = round(steps)
    if steps < 1.5:
        return native
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(native, size, axis=axis, mode="nearest")


def pixel_positions(settings: ProbeSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return native row and line coordinates of pixel rows and columns, float64.

    Parameters
    ----------
    settings : ProbeSettings

    Returns
    -------
    rows : numpy.ndarray (H,)
        Within [0, samples - 1].
    columns : numpy.ndarray (W,)
        Within [-0.5, lines - 0.5] inside the footprint, NaN beside it.
    """
    height, width = settings.shape_px
    depths = np.arange(height) * settings.pixel_mm / settings.sample_pitch_mm
    across = (np.arange(width) - (width - 1) / 2) * settings.pixel_mm / settings.line_pitch_mm
    columns = across + settings.line_count / 2 - 0.5
    columns[np.abs(across) > settings.line_count / 2] = np.nan
    return np.minimum(depths, settings.sample_count - 1), columns


@cached
def _interpolate(native, rows, columns, first, out):
    """Fill `out` from column `first` on with the rows and columns given."""
    samples, lines = native.shape
    blended = np.empty(lines, np.float32)
    for v in range(len(rows)):
        above = min(int(rows[v]), samples - 2)
        weight = np.float32(rows[v] - above)
        for line in range(lines):
            top = native[above, line]
            blended[line] = top + weight * (native[above + 1, line] - top)
        for index in range(len(columns)):
            position = min(max(columns[index], 0.0), lines - 1.0)
            low = min(int(position), lines - 2)
            left = blended[low]
            part = np.float32(position - low)
            out[v, first + index] = left + part * (blended[low + 1] - left)


def insonified_mask(passed_db, labels: Labels, settings: ProbeSettings, *, T_image_to_hip):
    """Return the labels of what a frame shows: insonified and not in shadow.

    Parameters
    ----------
    passed_db : numpy.ndarray (samples, lines) float32
        Transmission, as marched.
    labels : LabelVolume or callable
        The full anatomy.
    settings : ProbeSettings
    T_image_to_hip : numpy.ndarray (4, 4) float64

    Returns
    -------
    numpy.ndarray (H, W) uint8
        0 beside the footprint and where transmission is below `INSONIFIED_DB`.
    """
    rows, columns = pixel_positions(settings)
    inside = np.flatnonzero(~np.isnan(columns))
    nearest_line = np.clip(np.rint(columns[inside]).astype(int), 0, settings.line_count - 1)
    nearest_row = np.rint(rows).astype(int)
    is_seen = passed_db[nearest_row][:, nearest_line] >= INSONIFIED_DB
    T_pixel_to_hip = T_image_to_hip @ settings.T_pixel_to_image
    out = np.zeros(settings.shape_px, np.uint8)
    if isinstance(labels, LabelVolume):
        found = np.zeros(is_seen.shape, np.uint8)
        T_pixel_to_voxel = T_pixel_to_hip[:3].copy()
        T_pixel_to_voxel[:, 3] -= labels.origin_xyz_mm
        T_pixel_to_voxel /= labels.spacing_mm
        _look_up(labels.values, T_pixel_to_voxel, inside[0], is_seen, found)
    else:
        v, u = np.nonzero(is_seen)
        found = np.zeros(is_seen.shape, np.uint8)
        pixels = np.stack([inside[u], v, np.zeros(len(u)), np.ones(len(u))])
        found[v, u] = labels((T_pixel_to_hip @ pixels)[:3].T)
    out[:, inside] = found
    return out


@cached
def _look_up(values, T_pixel_to_voxel, first, is_seen, found):
    """Fill the label of the nearest voxel where it is seen."""
    T = T_pixel_to_voxel
    for v in range(is_seen.shape[0]):
        for index in range(is_seen.shape[1]):
            if not is_seen[v, index]:
                continue
            u = first + index
            i = int(np.floor(T[0, 0] * u + T[0, 1] * v + T[0, 3] + 0.5))
            j = int(np.floor(T[1, 0] * u + T[1, 1] * v + T[1, 3] + 0.5))
            k = int(np.floor(T[2, 0] * u + T[2, 1] * v + T[2, 3] + 0.5))
            if 0 <= k < values.shape[0] and 0 <= j < values.shape[1] and 0 <= i < values.shape[2]:
                found[v, index] = values[k, j, i]
