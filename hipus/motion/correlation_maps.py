"""How alike neighbouring frames are, place by place, once their in-plane motion is undone.

Decides high-pass, compensation, windows and lags of local correlation, as maps for a network
and as compact features of a step. Deliberately knows no distance: what a correlation means in
mm is learned elsewhere (`decorrelation`, `baselines`, networks).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Frames between the two that are compared.
LAGS = (1, 2, 3)
#: Standard deviations of the local window and of the high-pass, px of the frame.
SIGMA_PX, HIGH_PASS_PX = 4.0, 2.5
#: Cells of the feature grids along each side, for correlation and grey, and for flow.
GRID, FLOW_GRID = 6, 4
#: Quantiles of a map that complete its grid.
QUANTILES = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.97)
#: Side of the maps that features are read from; divisible by `GRID`.
_FEATURE_MAP_PX = 48
#: Variance that speckle must exceed to count, grey levels squared: a window without
#: structure correlates with nothing.
_FLOOR = 1.0


def correlation_maps(
    frames: np.ndarray,
    flow: np.ndarray | None = None,
    *,
    lags: Sequence[int] = LAGS,
    map_px: int | None = None,
    sigma_px: float = SIGMA_PX,
    high_pass_px: float = HIGH_PASS_PX,
) -> np.ndarray:
    """Correlate each frame locally with later ones.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
        At full size: speckle does not survive a thumbnail.
    flow : numpy.ndarray (N-1, 2, P, Q) float32, optional
        Displacement (u, v) from each frame to the next, in px of its own grid, whatever its
        size. Left out: motion within the plane is not compensated.
    lags : sequence of int
        Frame i is compared with frame i + lag.
    map_px : int, optional
        Side of the square maps; left out, the size of the frames. 6 gives a small grid.
    sigma_px : float
        Standard deviation of the window, px of the frames.
    high_pass_px : float
        Standard deviation of the mean that is taken off first.

    Returns
    -------
    numpy.ndarray (L, N, P, P) float32
        -1 to 1; zero where there is no partner (the last frames) or nothing but flat grey.

    Raises
    ------
    ValueError
        If frames or flow do not fit, or a lag, size or width is not positive.

    Notes
    -----
    Normalised cross-correlation of high-passed grey levels in a window of two boxes (their
    triangle stands in for a Gaussian). The partner is moved by the median flow, summed over
    the lag, with bilinear interpolation; its variance is taken *after* that, so that the
    smoothing by interpolation costs no correlation by itself. Elevational motion alone then
    lowers it (Chen et al. 1997; Prager et al. 2003). Trap: it also falls with rotation about
    the in-plane axes, and with noise in shadows, where it says nothing.
    """
    _check(frames, flow, lags, (sigma_px, high_pass_px, *([] if map_px is None else [map_px])))
    shift_px = _path_px(frames, flow)
    detail = [_high_pass(frame, high_pass_px) for frame in frames]
    power = [_smooth(frame * frame, sigma_px) for frame in detail]
    size = frames.shape[1:] if map_px is None else (map_px, map_px)
    maps = np.zeros((len(lags), len(frames), *size), np.float32)
    for lag, at_lag in zip(lags, maps, strict=True):
        for i in range(len(frames) - lag):
            moved = _moved(detail[i + lag], shift_px[i + lag] - shift_px[i])
            local = _correlation(detail[i], moved, power[i], sigma_px)
            at_lag[i] = _resized(local, size)
    return maps


def self_correlation(
    frames: np.ndarray,
    shift_uv_px: tuple[float, float],
    *,
    map_px: int | None = None,
    sigma_px: float = SIGMA_PX,
    high_pass_px: float = HIGH_PASS_PX,
) -> np.ndarray:
    """Correlate each frame locally with itself, moved within its plane.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    shift_uv_px : tuple of 2 float
        Distance to the right and down, px of the frames.
    map_px, sigma_px, high_pass_px
        As for `correlation_maps`.

    Returns
    -------
    numpy.ndarray (N, P, P) float32

    Raises
    ------
    ValueError
        As `correlation_maps`.

    Notes
    -----
    Fully developed speckle has a known correlation at a known distance in the plane; what
    correlates further is coherent, and will do so out of plane too (Gee et al. 2006). Where
    it falls faster it is noise.
    """
    _check(frames, None, (1,), (sigma_px, high_pass_px, *([] if map_px is None else [map_px])))
    size = frames.shape[1:] if map_px is None else (map_px, map_px)
    maps = np.empty((len(frames), *size), np.float32)
    for frame, one in zip(frames, maps, strict=True):
        detail = _high_pass(frame, high_pass_px)
        power = _smooth(detail * detail, sigma_px)
        moved = _moved(detail, np.asarray(shift_uv_px))
        one[:] = _resized(_correlation(detail, moved, power, sigma_px), size)
    return maps


def median_shift_mm(
    frames: np.ndarray, flow: np.ndarray, spacing_xy_mm: tuple[float, float]
) -> np.ndarray:
    """Return how far the picture's content moved in each step, (N-1, 2) mm to the right and down.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W)
        Only their size is used.
    flow : numpy.ndarray (N-1, 2, P, Q)
    spacing_xy_mm : tuple of 2 float
        Sides of a pixel of the frames.

    Returns
    -------
    numpy.ndarray (N-1, 2) float64
        The median of the flow. The probe moved the other way.
    """
    return np.diff(_path_px(frames, flow), axis=0) * np.asarray(spacing_xy_mm)


def correlation_features(
    frames: np.ndarray, flow: np.ndarray | None = None, *, lags: Sequence[int] = LAGS
) -> np.ndarray:
    """Describe each step by few numbers: correlation at several lags, grey, flow.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    flow : numpy.ndarray (N-1, 2, P, Q) float32, optional
        As for `correlation_maps`; left out, its features are zero.
    lags : sequence of int

    Returns
    -------
    numpy.ndarray (N-1, F) float32
        By lag: a 6 x 6 grid and 8 quantiles; then grey levels (0 to 1) on a 6 x 6 grid, then
        flow u and v on 4 x 4 grids, as shares of the frame's width and height.

    Raises
    ------
    ValueError
        As `correlation_maps`.

    Notes
    -----
    At a lag above 1 a step takes the mean of all comparisons that span it, so that a sweep
    played backwards has the same correlation features in reverse order. A sweep no longer
    than the lag has zeros there.
    """
    maps = correlation_maps(frames, flow, lags=lags, map_px=_FEATURE_MAP_PX)
    parts = []
    for lag, at_lag in zip(lags, maps, strict=True):
        spanning = _per_step(at_lag, lag)
        levels = np.quantile(spanning.reshape(len(spanning), -1), QUANTILES, axis=1).T
        parts += [_cells(spanning, GRID), levels]
    grey = np.stack([_resized(frame.astype(np.float32) / 255, (GRID, GRID)) for frame in frames])
    parts += [(grey[:-1] + grey[1:]).reshape(len(grey) - 1, -1) / 2]
    parts += [_flow_cells(flow, len(frames) - 1)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _check(frames: np.ndarray, flow: np.ndarray | None, lags, sizes_px) -> None:
    """Refuse what cannot be correlated."""
    if frames.ndim != 3 or frames.dtype != np.uint8 or len(frames) < 2:
        raise ValueError(
            f"frames must be (N, H, W) uint8 with N >= 2, got {frames.shape} {frames.dtype}"
        )
    if flow is not None and (flow.ndim != 4 or flow.shape[:2] != (len(frames) - 1, 2)):
        raise ValueError(f"flow must be ({len(frames) - 1}, 2, P, Q), got {flow.shape}")
    if not lags or min(lags) < 1:
        raise ValueError(f"lags must be positive numbers of frames, got {tuple(lags)}")
    if min(sizes_px) <= 0:
        raise ValueError(f"sigma_px, high_pass_px and map_px must be positive, got {sizes_px}")


def _path_px(frames: np.ndarray, flow: np.ndarray | None) -> np.ndarray:
    """Return where the first frame's content lies in each frame, (N, 2) px of the frames."""
    path = np.zeros((len(frames), 2))
    if flow is not None:
        median = np.median(flow.reshape(*flow.shape[:2], -1), axis=2)
        path[1:] = np.cumsum(median * _frame_per_flow(frames, flow), axis=0)
    return path


def _frame_per_flow(frames: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return the scale (u, v) from px of the flow's grid to px of the frames."""
    return np.array([frames.shape[2] / flow.shape[3], frames.shape[1] / flow.shape[2]])


def _high_pass(frame: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return a frame without its local mean, float32."""
    frame = frame.astype(np.float32)
    return frame - cv2.GaussianBlur(frame, (0, 0), sigma_px)


def _smooth(values: np.ndarray, sigma_px: float) -> np.ndarray:
    """Average over a window, two boxes whose variances add up to sigma squared.

    The result is decimated: a window of 4 px needs no more than every second pixel, and the
    boxes then cost a quarter.
    """
    ratio = max(int(sigma_px // 2), 1)
    if ratio > 1:
        values = _resized(values, tuple(max(side // ratio, 1) for side in values.shape))
    width = np.sqrt(6 * (sigma_px / ratio) ** 2 + 1)
    side = 2 * max(round((width - 1) / 2), 1) + 1
    return cv2.blur(cv2.blur(values, (side, side)), (side, side))


def _moved(frame: np.ndarray, shift_px: np.ndarray) -> np.ndarray:
    """Return a frame read at its pixels plus a shift (u, v); zero outside."""
    matrix = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame, matrix, frame.shape[::-1], flags=flags)


def _correlation(first, second, power_first: np.ndarray, sigma_px: float) -> np.ndarray:
    """Return the local correlation of two high-passed frames."""
    power = power_first * _smooth(second * second, sigma_px)
    return _smooth(first * second, sigma_px) / np.sqrt(power + _FLOOR**2)


def _resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image on another grid: averaged when that is coarser, else bilinear."""
    is_coarser = size[0] < values.shape[0]
    interpolation = cv2.INTER_AREA if is_coarser else cv2.INTER_LINEAR
    return cv2.resize(values, size[::-1], interpolation=interpolation)


def _per_step(at_lag: np.ndarray, lag: int) -> np.ndarray:
    """Average (N, P, P) maps at a lag over all comparisons that span a step, (N-1, P, P)."""
    total, steps = np.zeros_like(at_lag[1:]), len(at_lag) - 1
    known = max(len(at_lag) - lag, 0)
    count = np.zeros(steps, np.float32)
    for offset in range(min(lag, steps)):
        total[offset : offset + known] += at_lag[:known]
        count[offset : offset + known] += 1
    return total / np.maximum(count, 1)[:, None, None]


def _cells(maps: np.ndarray, grid: int) -> np.ndarray:
    """Average (N, P, P) maps over grid x grid blocks, (N, grid * grid)."""
    block = maps.shape[-1] // grid
    blocks = maps.reshape(len(maps), grid, block, grid, block)
    return blocks.mean(axis=(2, 4)).reshape(len(maps), -1)


def _flow_cells(flow: np.ndarray | None, steps: int) -> np.ndarray:
    """Return flow on its grid as shares of the frame's sides, (N-1, 2 * FLOW_GRID**2)."""
    if flow is None:
        return np.zeros((steps, 2 * FLOW_GRID**2), np.float32)
    share = flow / np.array([flow.shape[3], flow.shape[2]], np.float32)[:, None, None]
    size = (FLOW_GRID, FLOW_GRID)
    return np.stack([[_resized(part, size).ravel() for part in one] for one in share]).reshape(
        steps, -1
    )
