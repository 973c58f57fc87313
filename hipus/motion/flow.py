"""Optical flow between consecutive pictures, by named methods.

Decides which methods there are, the direction (from a frame to the next one) and the order of
the components (u, then v). One thread, so that a result does not depend on the machine:
OpenCV's inverse search divides the picture by its number of threads. Deliberately neither
resizes nor scales: flow is in pixels of the frames it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

#: OpenCV's names of the presets of dense inverse search.
_PRESETS = {
    "dis_fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "dis_medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
METHODS = (*_PRESETS, "farneback")
#: Smaller frames hold too few of the 8 px patches that inverse search matches.
MIN_SIDE_PX = 16


def optical_flow(frames, method: str = "dis_fast", *, lag: int = 1) -> np.ndarray:
    """Return the optical flow from each frame to a later one.

    Parameters
    ----------
    frames : array-like (N, H, W) uint8
    method : {"dis_fast", "dis_medium", "farneback"}
    lag : int
        Frames between the two of a pair.

    Returns
    -------
    numpy.ndarray (N - lag, 2, H, W) float32
        Element i is the flow from frame i to frame i + lag in px, u (right) then v (down):
        what is at x in frame i is at x + flow in frame i + lag.

    Raises
    ------
    ValueError
        For another method, frames that are not (N, H, W) uint8 or smaller than 16 px, a lag
        below 1, or fewer than lag + 1 frames.

    Notes
    -----
    Dense inverse search: Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search";
    Farneback 2003, "Two-Frame Motion Estimation Based on Polynomial Expansion". Speckle that
    decorrelates between frames has no true flow: what is found then is what looks most alike.
    """
    frames = _checked(frames, method, lag)
    flow = np.empty((len(frames) - lag, 2, *frames.shape[1:]), np.float32)
    with _one_thread():
        between = _estimator(method)
        for index in range(len(flow)):
            flow[index] = between(frames[index], frames[index + lag]).transpose(2, 0, 1)
    return flow


def _checked(frames, method: str, lag: int) -> np.ndarray:
    """Return contiguous frames, or say what is wrong."""
    frames = np.ascontiguousarray(frames)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    if frames.ndim != 3 or frames.dtype != np.uint8:
        raise ValueError(f"frames must be (N, H, W) uint8, got {frames.shape} {frames.dtype}")
    if min(frames.shape[1:]) < MIN_SIDE_PX:
        raise ValueError(f"frames must be at least {MIN_SIDE_PX} px wide, got {frames.shape[1:]}")
    if lag < 1:
        raise ValueError(f"lag must be >= 1 frame, got {lag}")
    if len(frames) <= lag:
        raise ValueError(f"flow over {lag} frames needs {lag + 1} of them, got {len(frames)}")
    return frames


def _estimator(method: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a function of two frames to their flow (H, W, 2)."""
    if method == "farneback":
        # OpenCV's own example: half-size pyramid of 3, window 15, 3 rounds, degree 5, 1.2.
        return lambda one, next_one: cv2.calcOpticalFlowFarneback(
            one, next_one, None, 0.5, 3, 15, 3, 5, 1.2, 0
        )
    search = cv2.DISOpticalFlow.create(_PRESETS[method])
    return lambda one, next_one: search.calc(one, next_one, None)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenCV use one thread for a while."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
