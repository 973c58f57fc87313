"""Which frames of a sweep count, and which way round they are.

Decides from poses where a sweep is tracked and from pictures where it is to be predicted, so
that nothing tracked leaks into a prediction; decides which recordings show no motion at all.
Deliberately changes nothing (see `preparation`).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hipus import sweep_cleaning
from hipus.sweep import Sweep

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep

log = logging.getLogger(__name__)

#: The paper's network looks at six consecutive frames: shorter sweeps cannot be predicted.
MIN_FRAMES = 6
#: Travel along the picture's normal that the protocol asks for, p_a and p_d alike.
TRAVEL_SIGN = {"left": -1, "right": 1}
#: Parts of a sweep that are compared each with its like.
PARTS = 8
#: Shares of a picture's height and width by which a probe may sit elsewhere on another infant.
SHIFT = (1 / 16, 1 / 4)


def without_poses(sweep: Sweep) -> Sweep:
    """Return a sweep as if nobody had tracked it.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    Sweep
        Every pose NaN and invalid; calibration and IMU are kept, they are the device's.
    """
    unknown = np.full_like(sweep.T_probe_to_reference, np.nan)
    return replace(sweep, T_probe_to_reference=unknown, is_valid=np.zeros(len(sweep), bool))


def kept_frames(sweep: Sweep) -> slice:
    """Return the frames between the hesitations, or all where too few would be left.

    Parameters
    ----------
    sweep : Sweep
        Judged by its poses where it has any.

    Returns
    -------
    slice
    """
    kept = sweep_cleaning.trim_hesitation(sweep)
    if kept.stop - kept.start < MIN_FRAMES:
        log.warning("sweep %s: %s leaves too few frames, not cut", sweep.sweep_id, kept)
        return slice(0, len(sweep))
    return kept


def check_pictures(sweep: Sweep, shrunk: np.ndarray) -> None:
    """Refuse a recording that shows nothing or stands still; tell of repeated frames.

    Parameters
    ----------
    sweep : Sweep
    shrunk : numpy.ndarray (N, P, P) uint8
        Its thumbnails.

    Raises
    ------
    ValueError
        If all pictures are of one grey, or all the same.
    """
    if shrunk.min() == shrunk.max():
        raise ValueError(f"sweep {sweep.sweep_id!r}: all pictures are of one grey, {shrunk.min()}")
    is_same = (shrunk[1:] == shrunk[:-1]).all(axis=(1, 2))
    if is_same.all():
        raise ValueError(
            f"sweep {sweep.sweep_id!r}: all {len(shrunk)} pictures are the same, a frozen "
            f"recording has no motion to predict"
        )
    if is_same.any():
        log.warning("sweep %s: %d frames repeat the one before", sweep.sweep_id, is_same.sum())


def is_flipped_probe(seen: Sweep, shrunk: np.ndarray, side: str, reference) -> bool:
    """Tell whether the probe was held turned by 180 degrees.

    Parameters
    ----------
    seen : Sweep
        With poses: judged by its travel. Without: by its pictures.
    shrunk : numpy.ndarray (N, P, P) uint8
        Its thumbnails.
    side : {"left", "right", ""}
        "" has no expected travel: judged by its pictures.
    reference : numpy.ndarray (K, P, P) or None
        As `mean_picture` returns it, or one picture (P, P) of whole sweeps; None: pictures do
        not tell, not turned.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If the reference has another size, or a tracked sweep does not travel.

    Notes
    -----
    Each eighth of the sweep is correlated with the mean of that eighth in training sweeps, at
    the one shift where the whole sweep fits best: the mean of all frames hides a trochanter
    beside its shaft, and no two probes sit alike. Trap: a sweep drawn from the other end meets
    the wrong parts.
    """
    if seen.is_valid.any() and side:
        return sweep_cleaning.detect_flip(seen, TRAVEL_SIGN[side])
    if reference is None:
        return False
    if np.ndim(reference) not in (2, 3) or np.shape(reference)[-2:] != shrunk.shape[1:]:
        raise ValueError(
            f"reference_picture must be {shrunk.shape[1:]} like the thumbnails, one or a stack, "
            f"got {np.shape(reference)}"
        )
    known = np.asarray(reference, np.float32).reshape(-1, *shrunk.shape[1:])
    parts = part_means(shrunk, len(known))
    upright, turned = likeness(parts, known), likeness(parts[:, :, ::-1], known)
    log.info("sweep %s: likeness %.3f, turned %.3f", seen.sweep_id, upright, turned)
    return turned > upright


def part_means(frames: np.ndarray, count: int = PARTS) -> np.ndarray:
    """Return the mean picture of each of a sweep's equal parts.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W)
    count : int
        Of parts. With fewer frames than parts, parts share frames.

    Returns
    -------
    numpy.ndarray (count, H, W) float32

    Raises
    ------
    ValueError
        If there is no frame, or no part is asked for.
    """
    if count < 1 or not len(frames):
        raise ValueError(f"1 part and 1 frame are needed, got {count} parts, {len(frames)} frames")
    bounds = [k * len(frames) // count for k in range(count + 1)]
    parts = [frames[i : max(j, i + 1)] for i, j in itertools.pairwise(bounds)]
    return np.stack([part.mean(axis=0, dtype=np.float32) for part in parts])


def likeness(parts: np.ndarray, known: np.ndarray) -> float:
    """Return how alike two sweeps look, part by part, wherever the probe sat.

    Parameters
    ----------
    parts, known : numpy.ndarray (K, H, W)
        Of any two grey scales.

    Returns
    -------
    float
        Mean correlation of the parts at the one shift where it is highest: up to a sixteenth
        of the height, a quarter of the width.
    """
    height, width = known.shape[1:]
    dv, du = int(SHIFT[0] * height), int(SHIFT[1] * width)
    by_shift = [
        cv2.matchTemplate(*map(_as_picture, (one, inner)), cv2.TM_CCOEFF_NORMED)
        for one, inner in zip(parts, known[:, dv : height - dv, du : width - du], strict=True)
    ]
    return float(np.mean(by_shift, axis=0).max())


def _as_picture(values: np.ndarray) -> np.ndarray:
    """Return values as OpenCV takes them."""
    return np.ascontiguousarray(values, np.float32)


def mean_picture(prepared: Iterable[PreparedSweep], sweep_type: str) -> np.ndarray:
    """Return what pictures of a kind of sweep look like on average, from its begin to its end.

    Parameters
    ----------
    prepared : iterable of PreparedSweep
        Known to be the right way round: training sweeps, judged by their poses. Both sides;
        their pictures look alike.
    sweep_type : str

    Returns
    -------
    numpy.ndarray (8, P, P) float32
        Grey 0 to 1, of each eighth of a sweep, every sweep with the same weight: the reference
        that tells flips.

    Raises
    ------
    ValueError
        If there is no sweep of that type.
    """
    means = [part_means(one.thumbnails) for one in prepared if one.sweep_type == sweep_type]
    if not means:
        raise ValueError(f"a mean picture needs at least one {sweep_type!r} sweep, got none")
    return np.mean(means, axis=0, dtype=np.float32)
