"""A prepared sweep with fewer of its frames: a faster hand, or a slower frame rate.

Decides what of a sweep has to be computed anew when frames are left out. Deliberately chooses
no stride and no sweep.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from hipus.motion.flow import optical_flow
from hipus.motion.preparation import PreparedSweep


def thinned(prepared: PreparedSweep, stride: int) -> PreparedSweep:
    """Return every so many frames of a prepared sweep, as if no other had been recorded.

    Parameters
    ----------
    prepared : PreparedSweep
    stride : int

    Returns
    -------
    PreparedSweep
        Optical flow is computed anew between the frames that are left, the sensor's rotations
        are those over the frames in between, one after the other. Further maps of frame pairs
        are left out: they are of other pairs.

    Raises
    ------
    ValueError
        If the stride is not positive, or leaves less than two frames.
    """
    if stride < 1 or len(prepared) <= stride:
        raise ValueError(
            f"{prepared.name}: stride must lie between 1 and {len(prepared) - 1} to leave two "
            f"frames, got {stride}"
        )
    if stride == 1:
        return prepared
    shrunk = prepared.thumbnails[::stride]
    return replace(
        prepared,
        frames=prepared.frames[::stride],
        thumbnails=shrunk,
        flow=optical_flow(np.round(255 * shrunk).astype(np.uint8), "dis_fast"),
        time_s=prepared.time_s[::stride],
        T_centre_to_world=prepared.T_centre_to_world[::stride],
        imu_rotations=_over(prepared.imu_rotations, stride),
        extra={},
    )


def _over(turns: np.ndarray | None, stride: int) -> np.ndarray | None:
    """Return rotations over so many steps, next to previous, from those of single steps."""
    if turns is None:
        return None
    count = len(turns) // stride
    parts = [turns[place : count * stride : stride] for place in range(stride)]
    return reduce(np.matmul, parts)
