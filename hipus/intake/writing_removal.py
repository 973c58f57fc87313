"""Pictures without writing: what `formats.burnt_in` finds is blackened, its border faded.

Decides that a border fades over a few pixels: cut sharply, bright tissue beside black would look
like writing itself, to a person and to `static_ink`. Deliberately leaves pictures alone in which
nothing is written, bit for bit.
"""

from __future__ import annotations

import numpy as np

from hipus.formats.burnt_in import mask_burnt_in_text
from hipus.intake.static_ink import has_writing

#: Pixels over which tissue comes back from black: no two that are 2 px apart differ by 110 then.
FADE_PX = 8


def without_writing(frames, *, is_coloured=None, box_xyxy=None) -> tuple[np.ndarray | None, bool]:
    """Blacken writing, where there is any.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8
    is_coloured : numpy.ndarray (N, H, W) bool, optional
        Pixels that were drawn in colour.
    box_xyxy : tuple of int, optional
        Where the file says that the sonogram lies.

    Returns
    -------
    clean : numpy.ndarray (N, H, W) uint8 or None
        None where nothing is written: take the frames as they are.
    is_masked : bool
    """
    if not (is_coloured is not None and is_coloured.any()) and not has_writing(frames):
        return None, False
    seen = np.asarray(frames[:])
    found = mask_burnt_in_text(seen, is_coloured=is_coloured, box_xyxy=box_xyxy)
    return np.stack([_faded(*pair) for pair in zip(seen, found.is_masked, strict=True)]), True


def _faded(frame: np.ndarray, is_masked: np.ndarray) -> np.ndarray:
    """Return a frame that is black where masked and fades towards it."""
    import cv2

    distance_px = cv2.distanceTransform((~is_masked).astype(np.uint8), cv2.DIST_L2, 3)
    return (frame * np.minimum(distance_px / FADE_PX, 1.0)).astype(np.uint8)
