"""The bottom of a water tank in ultrasound frames: one straight bright line per frame.

Decides where the line is (sub-pixel) and whether it is there at all. Deliberately random-free:
the consensus runs over all pairs of a fixed subset of columns, so equal frames give equal
lines. Knows nothing of trackers or time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

log = logging.getLogger(__name__)

#: Columns that vote for a line; all pairs of them are candidates.
_VOTING_COLUMNS = 64
#: Half height of the window in which an echo's centre of brightness is taken.
_HALF_WINDOW_PX = 4
#: A column takes part when its brightest echo reaches this share of the frame's brightest.
_BRIGHT_SHARE = 0.25


@dataclass(frozen=True)
class PlaneTrack:
    """The line that a plane leaves in each frame.

    Attributes
    ----------
    position_px : numpy.ndarray (N,)
        Row v at which the line crosses the frame's central column; NaN where not found.
    angle_deg : numpy.ndarray (N,)
        Slope of the line, positive when it falls to the right; NaN where not found.
    inlier_columns, bright_columns : numpy.ndarray (N,) int
        Columns on the line, and columns with a bright echo.
    """

    position_px: np.ndarray
    angle_deg: np.ndarray
    inlier_columns: np.ndarray
    bright_columns: np.ndarray

    @property
    def is_found(self) -> np.ndarray:
        """Return (N,) bool: frames that show the line."""
        return np.isfinite(self.position_px)


def plane_position(
    frames,
    *,
    tolerance_px: float = 3.0,
    min_grey: int = 20,
    min_columns: int = 20,
    max_angle_deg: float = 50.0,
) -> PlaneTrack:
    """Find the line of a flat reflector in every frame.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8
        u to the right, v downwards; read one frame at a time.
    tolerance_px : float
        Largest distance along v of an echo that belongs to the line.
    min_grey : int
        Darkest echo that counts.
    min_columns : int
        Fewest columns of a line. A line must also hold half of the bright columns.
    max_angle_deg : float
        Steepest line that is looked for.

    Returns
    -------
    PlaneTrack

    Raises
    ------
    ValueError
        If the stack has the wrong shape or no frame shows a line.

    Notes
    -----
    Per column the brightest echo, refined to its centre of brightness; the line with most
    columns within `tolerance_px` (exhaustive consensus in the manner of Fischler and Bolles
    1981, but without chance), then least squares on those columns, repeated. The echo is
    thicker than its surface; a constant offset does not move the lag.
    """
    if len(frames.shape) != 3 or 0 in frames.shape:
        raise ValueError(f"frames must be (N, H, W) and not empty, got {tuple(frames.shape)}")
    rows = np.full((frames.shape[0], 4), np.nan)
    for index in range(len(rows)):
        frame = np.asarray(frames[index : index + 1])[0]
        u_px, v_px = _echoes(frame, min_grey)
        rows[index] = _line(
            u_px, v_px, tolerance_px, min_columns, np.tan(np.radians(max_angle_deg))
        )
        rows[index, 0] += rows[index, 1] * (frame.shape[1] - 1) / 2
    is_lost = np.isnan(rows[:, 0])
    if is_lost.all():
        raise ValueError(f"frames: no straight bright line in any of {len(rows)} frames")
    if is_lost.any():
        log.warning("no line in %d of %d frames", is_lost.sum(), len(rows))
    counts = rows[:, 2:].astype(int)
    return PlaneTrack(rows[:, 0], np.degrees(np.arctan(rows[:, 1])), counts[:, 0], counts[:, 1])


def _echoes(frame: np.ndarray, min_grey: int) -> tuple[np.ndarray, np.ndarray]:
    """Return column u and sub-pixel row v of the brightest echo of each bright column."""
    brightest = frame.max(axis=0)
    u_px = np.flatnonzero(brightest >= max(min_grey, _BRIGHT_SHARE * brightest.max()))
    peak = frame.argmax(axis=0)[u_px]
    window = peak[:, None] + np.arange(-_HALF_WINDOW_PX, _HALF_WINDOW_PX + 1)
    is_inside = (window >= 0) & (window < frame.shape[0])
    weight = frame[window.clip(0, frame.shape[0] - 1), u_px[:, None]] * is_inside.astype(float)
    return u_px.astype(float), (weight * window).sum(axis=1) / weight.sum(axis=1)


def _line(u_px, v_px, tolerance_px: float, min_columns: int, max_slope: float) -> np.ndarray:
    """Return intercept, slope, inlier count and echo count; NaN where there is no line."""
    nothing = np.array([np.nan, np.nan, 0, len(u_px)])
    if len(u_px) < min_columns:
        return nothing
    slope, intercept = _consensus(u_px, v_px, tolerance_px, max_slope)
    # The candidate passes through two echoes, each of which is off by a pixel or so: a wider
    # gate first, then the stated one.
    for gate_px in (2 * tolerance_px, tolerance_px, tolerance_px):
        is_inlier = np.abs(v_px - slope * u_px - intercept) <= gate_px
        if is_inlier.sum() < max(min_columns, 0.5 * len(u_px)):
            return nothing
        slope, intercept = np.polyfit(u_px[is_inlier], v_px[is_inlier], 1)
    return np.array([intercept, slope, is_inlier.sum(), len(u_px)])


def _consensus(u_px, v_px, tolerance_px: float, max_slope: float) -> tuple[float, float]:
    """Return slope and intercept of the line through two echoes that most echoes support."""
    chosen = np.unique(np.linspace(0, len(u_px) - 1, _VOTING_COLUMNS).round().astype(int))
    u, v = u_px[chosen], v_px[chosen]
    # Neighbours make steep candidates out of nothing: pairs an eighth of the width apart.
    first, second = np.triu_indices(len(u), max(1, len(u) // 8))
    slope = (v[second] - v[first]) / (u[second] - u[first])
    is_flat = np.abs(slope) <= max_slope
    if not is_flat.any():
        return 0.0, float(np.median(v))
    slope, intercept = slope[is_flat], (v[first] - slope * u[first])[is_flat]
    votes = (np.abs(v - slope[:, None] * u - intercept[:, None]) <= tolerance_px).sum(axis=1)
    best = int(votes.argmax())
    return float(slope[best]), float(intercept[best])
