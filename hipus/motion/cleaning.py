"""Which frames of a sweep count, and which way round they are.

Decides from poses where a sweep is tracked and from pictures where it is to be predicted, so
that nothing tracked leaks into a prediction; decides which recordings show no motion at all.
Deliberately changes nothing (see `preparation`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

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
    reference : numpy.ndarray (P, P) or None
        As `mean_picture` returns it; None: pictures do not tell, not turned.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If the reference has another size, or a tracked sweep does not travel.
    """
    if seen.is_valid.any() and side:
        return sweep_cleaning.detect_flip(seen, TRAVEL_SIGN[side])
    if reference is None:
        return False
    if np.shape(reference) != shrunk.shape[1:]:
        raise ValueError(
            f"reference_picture must be {shrunk.shape[1:]} like the thumbnails, "
            f"got {np.shape(reference)}"
        )
    grey = np.round(255 * np.asarray(reference)).astype(np.uint8)
    known = Sweep(grey[None], time_s=[0.0], T_probe_to_reference=np.full((1, 4, 4), np.nan))
    small = replace(seen, frames=shrunk)
    return sweep_cleaning.detect_flip_by_likeness(small, known)


def mean_picture(prepared: Iterable[PreparedSweep], sweep_type: str) -> np.ndarray:
    """Return what pictures of a kind of sweep look like on average.

    Parameters
    ----------
    prepared : iterable of PreparedSweep
        Known to be the right way round: training sweeps, judged by their poses. Both sides;
        their pictures look alike.
    sweep_type : str

    Returns
    -------
    numpy.ndarray (P, P) float32
        Grey 0 to 1, every sweep with the same weight: the reference that tells flips.

    Raises
    ------
    ValueError
        If there is no sweep of that type.
    """
    means = [one.thumbnails.mean(axis=0) for one in prepared if one.sweep_type == sweep_type]
    if not means:
        raise ValueError(f"a mean picture needs at least one {sweep_type!r} sweep, got none")
    return np.mean(means, axis=0, dtype=np.float32)
