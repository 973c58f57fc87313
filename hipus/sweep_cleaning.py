"""What is cut or turned before a sweep is used: hesitation at its ends, a probe held backwards.

Decides from what a real device delivers (frames, times, reported poses), never from a
simulation's truth. Tracked sweeps are judged by the travel of the picture's centre; untracked
ones by how frames change. Deliberately changes no grey value.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from hipus import geometry
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

#: A sweep begins and ends where its pace passes this share of its usual pace.
STILL_SHARE = 0.3
#: Poses are averaged over this time before they are differenced: tremor must not look like
#: travel, and a step of a slow sweep (0.4 mm) is not much larger than the tracker's noise.
SMOOTHING_S = 0.55
#: Side of the thumbnails that untracked frames are compared by.
THUMBNAIL_PX = 48
#: Fewest frames in which hesitation can be told from travel.
MIN_FRAMES = 8


def trim_hesitation(sweep: Sweep, *, still_share: float = STILL_SHARE) -> slice:
    """Find the frames between the standstills at both ends of a sweep.

    Parameters
    ----------
    sweep : Sweep
        Tracked (half of the frames or more), or not: then frames are compared.
    still_share : float
        Pace, as a share of the sweep's usual one, at which it begins and ends.

    Returns
    -------
    slice
        For `Sweep.select`. The whole sweep if it is too short to judge (< 8 frames).

    Raises
    ------
    ValueError
        If `still_share` is not between 0 and 1.

    Notes
    -----
    For sweeps that travel. A Graf sweep stays in its plane: there is nothing to trim.
    """
    if not 0 < still_share < 1:
        raise ValueError(f"still_share must lie between 0 and 1, got {still_share}")
    if len(sweep) < MIN_FRAMES:
        return slice(0, len(sweep))
    is_tracked = 2 * np.count_nonzero(sweep.is_valid) >= len(sweep)
    pace = travel_pace(sweep) if is_tracked else change_pace(sweep)
    return _moving_part(pace, still_share)


def travel_pace(sweep: Sweep) -> np.ndarray:
    """Return how fast the picture's centre travels between frames.

    Parameters
    ----------
    sweep : Sweep
        With at least two valid poses. Without calibration the probe's marker is followed.

    Returns
    -------
    numpy.ndarray (N - 1,) float64
        mm/s; gaps are bridged. Each principal direction of the travel counts by its share of
        the variance: drift across a sweep is not travel, a loop has two directions.

    Raises
    ------
    ValueError
        If fewer than two poses are valid.
    """
    centres, is_valid = _centres(sweep)
    if is_valid.sum() < 2:
        raise ValueError(f"sweep {sweep.sweep_id!r}: 2 valid poses needed, got {is_valid.sum()}")
    index = np.arange(len(sweep))
    known = index[is_valid]
    filled = np.stack([np.interp(index, known, axis[is_valid]) for axis in centres.T], axis=1)
    size = _window(sweep)
    smooth = uniform_filter1d(filled, size, axis=0, mode="nearest")
    velocity = np.diff(smooth, axis=0) / np.diff(sweep.time_s)[:, None]
    _, spread, directions = np.linalg.svd(smooth - smooth.mean(axis=0), full_matrices=False)
    share = spread**2 / max(np.sum(spread**2), 1e-12)
    return np.sqrt(np.sum(share * (velocity @ directions.T) ** 2, axis=1))


def change_pace(sweep: Sweep) -> np.ndarray:
    """Return how fast the pictures change, for sweeps without poses.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    numpy.ndarray (N - 1,) float64
        Change (1 - correlation of thumbnails) per second above that of a probe at rest.
    """
    thumbs = _thumbnails(sweep)
    likeness = np.sum(thumbs[:-1] * thumbs[1:], axis=1)
    change = np.clip(1 - likeness, 0, None) ** 0.5 / np.diff(sweep.time_s)
    smooth = median_filter(change, _window(sweep), mode="nearest")
    return smooth - smooth.min()


def _window(sweep: Sweep) -> int:
    """Return the smoothing window in frames, odd and at least 3."""
    rate_hz = 1 / np.median(np.diff(sweep.time_s))
    return max(3, 2 * round(SMOOTHING_S * rate_hz / 2) + 1)


def _moving_part(pace: np.ndarray, still_share: float) -> slice:
    """Return the frames from the first to the last step that is part of the travel.

    The usual pace is the median of the faster half, so that standstill does not lower it.
    """
    usual = np.median(pace[pace >= np.median(pace)])
    is_moving = np.flatnonzero(pace > still_share * usual)
    if not len(is_moving):
        return slice(0, len(pace) + 1)
    return slice(int(is_moving[0]), int(is_moving[-1]) + 2)


def _centres(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture's centre (or the marker) per frame, and where it is known."""
    height, width = sweep.frames.shape[1:]
    if sweep.T_pixel_to_probe is None:
        T, centre = sweep.T_probe_to_reference, np.zeros(3)
    else:
        T, centre = sweep.T_pixel_to_reference, np.array([(width - 1) / 2, (height - 1) / 2, 0.0])
    return geometry.apply(T, centre[None])[:, 0], np.asarray(sweep.is_valid)


def _thumbnails(sweep: Sweep) -> np.ndarray:
    """Return unit vectors (N, P): frames shrunk by block means, mean removed."""
    thumbs = []
    for _, block in sweep.blocks():
        step_v, step_u = (max(1, side // THUMBNAIL_PX) for side in block.shape[1:])
        height, width = block.shape[1] // step_v * step_v, block.shape[2] // step_u * step_u
        cells = block[:, :height, :width].astype(np.float32)
        cells = cells.reshape(len(block), height // step_v, step_v, width // step_u, step_u)
        thumbs.append(cells.mean(axis=(2, 4)).reshape(len(block), -1))
    flat = np.concatenate(thumbs).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)


def elevational_travel_mm(sweep: Sweep) -> float:
    """Return the net travel of the picture's centre along the picture's own normal.

    Parameters
    ----------
    sweep : Sweep
        Calibrated and tracked.

    Returns
    -------
    float
        Positive along the elevational axis (lateral cross axial).

    Raises
    ------
    ValueError
        If the sweep is not calibrated or fewer than two poses are valid.
    """
    T = sweep.T_pixel_to_reference[np.asarray(sweep.is_valid)]
    if len(T) < 2:
        raise ValueError(f"sweep {sweep.sweep_id!r}: 2 valid poses needed, got {len(T)}")
    centres, is_valid = _centres(sweep)
    normal = np.cross(T[:, :3, 0], T[:, :3, 1]).mean(axis=0)
    first, last = centres[is_valid][[0, -1]]
    return float((last - first) @ normal / np.linalg.norm(normal))


def detect_flip(sweep: Sweep, expected_sign: int, *, least_mm: float = 3.0) -> bool:
    """Tell whether the probe was held turned by 180 degrees, from where it travelled.

    Parameters
    ----------
    sweep : Sweep
        Calibrated and tracked, and swept in the protocol's direction.
    expected_sign : {-1, 1}
        Direction along the elevational axis that the protocol asks for: in p_a and p_d -1 for
        a left hip and +1 for a right one.
    least_mm : float
        Shorter net travel does not tell.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        For another sign, or a sweep that does not travel.

    Notes
    -----
    A probe turned about its beam has its elevational axis reversed, and the hand still goes
    from posterior to anterior: the travel changes its sign.
    """
    if expected_sign not in (-1, 1):
        raise ValueError(f"expected_sign must be -1 or 1, got {expected_sign}")
    travel_mm = elevational_travel_mm(sweep)
    if abs(travel_mm) < least_mm:
        raise ValueError(
            f"sweep {sweep.sweep_id!r} travels {travel_mm:.2f} mm along its normal: "
            f">= {least_mm:g} mm needed to tell a flip"
        )
    return bool(np.sign(travel_mm) != expected_sign)


def detect_flip_by_likeness(sweep: Sweep, reference: Sweep) -> bool:
    """Tell whether a sweep shows its pictures mirrored, beside one that is known not to.

    Parameters
    ----------
    sweep, reference : Sweep
        Of the same kind, frames of the same shape; poses are not used.

    Returns
    -------
    bool
        True if the mean picture is more like the reference's when mirrored.

    Raises
    ------
    ValueError
        If the frames differ in shape.
    """
    shapes = [tuple(one.frames.shape[1:]) for one in (sweep, reference)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"frames must be alike in shape, got {shapes[0]} and {shapes[1]}")
    mean, known = _mean_picture(sweep), _mean_picture(reference)
    upright, mirrored = (
        np.corrcoef(one.ravel(), known.ravel())[0, 1] for one in (mean, mean[:, ::-1])
    )
    log.info("sweep %s: likeness %.3f, mirrored %.3f", sweep.sweep_id, upright, mirrored)
    return bool(mirrored > upright)


def _mean_picture(sweep: Sweep) -> np.ndarray:
    """Return the mean of all frames, (H, W)."""
    total = np.zeros(sweep.frames.shape[1:])
    for _, block in sweep.blocks():
        total += block.sum(axis=0, dtype=np.float64)
    return total / len(sweep)


def correct_flip(sweep: Sweep) -> Sweep:
    """Return a sweep as if the probe had been held the other way round.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    Sweep
        Mirrored frames (a view) and, where there is a calibration, T_pixel_to_probe to match:
        every pixel stays where it was in space, and the normal is reversed.

    Notes
    -----
    Poses belong to the probe's marker and stay: mirroring frames without their calibration
    would reflect the volume.
    """
    T = sweep.T_pixel_to_probe
    if T is not None:
        width = sweep.frames.shape[2]
        T = T @ geometry.transform(np.diag([-1.0, 1.0, -1.0]), [width - 1, 0.0, 0.0])
    frames = np.asarray(sweep.frames[:])[:, :, ::-1]
    return replace(sweep, frames=frames, T_pixel_to_probe=T)
