"""Whether somebody's writing is burnt into pictures that move.

Decides by two things at once that tissue never shows together: edges sharper than ultrasound
can be (`formats.burnt_in`), and grey levels that stay while everything else changes.
Deliberately reads no text, so it finds a ruler as well as a name, and changes nothing.
"""

from __future__ import annotations

import numpy as np

from hipus.formats.burnt_in import STEP_GREY_LEVELS
from hipus.sweep import FrameStack

#: Frames that are compared, spread over the recording.
SAMPLES = 8
#: Grey levels by which drawn pixels may vary: lossy compression varies them by so much.
STEADY_GREY_LEVELS = 16
#: Fewer such pixels are no writing. Simulated training sweeps, which have none, show up to 16;
#: seven of the eight open infant hip cases 385 to 11211, a tracked spine phantom's caption 986.
LEAST_INK_PX = 60
#: Steps within a square of this side that make a drawing, as in `formats.burnt_in`.
_CLUSTER_PX, _CLUSTER_STEPS = 15, 12


def ink_map(frames: FrameStack) -> np.ndarray:
    """Find edges that are too sharp for ultrasound and stand still.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8

    Returns
    -------
    numpy.ndarray (H, W) bool
        A single picture cannot tell what stands still: all its sharp clustered edges count. So
        do those of a frozen recording.

    Notes
    -----
    Eight frames, spread evenly. An edge: a step of `STEP_GREY_LEVELS` within 2 px with at least
    twelve such pixels within 15 px, as `mask_burnt_in_text` has it; it is ink where it is there
    in all of them and its grey levels stay within `STEADY_GREY_LEVELS`.
    """
    import cv2

    index = np.unique(np.linspace(0, frames.shape[0] - 1, SAMPLES).astype(int))
    seen = np.concatenate([np.asarray(frames[slice(i, i + 1)]) for i in index])
    is_ink = seen.max(axis=0).astype(int) - seen.min(axis=0) <= STEADY_GREY_LEVELS
    for frame in seen:
        levels = np.pad(frame.astype(np.int16), 1, mode="edge")
        across = np.abs(levels[1:-1, 2:] - levels[1:-1, :-2])
        along = np.abs(levels[2:, 1:-1] - levels[:-2, 1:-1])
        is_step = np.maximum(across, along) >= STEP_GREY_LEVELS
        window = (_CLUSTER_PX, _CLUSTER_PX)
        near = cv2.boxFilter(is_step.astype(np.float32), -1, window, normalize=False)
        is_ink &= is_step & (near > _CLUSTER_STEPS - 0.5)
    return is_ink


def has_writing(frames: FrameStack) -> bool:
    """Tell whether something is written or drawn into pictures.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8

    Returns
    -------
    bool
    """
    return bool(np.count_nonzero(ink_map(frames)) >= LEAST_INK_PX)
