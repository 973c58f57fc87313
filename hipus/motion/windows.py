"""Windows of consecutive frames, as networks are fed with them.

Decides which windows there are, how their channels are laid out and standardised, and what
turning time or space around does to inputs and targets. Deliberately free of torch, draws no
random number and does not scale targets (see `target_scaling`).

Channels go frame by frame, in the order of their names: with the published three, (intensity,
flow_u, flow_v) of the first frame, then of the second. What belongs to a pair of frames stands
with the earlier one; the last frame's pair channels are zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hipus import geometry
from hipus.motion.flow import optical_flow
from hipus.motion.poses import mirrored
from hipus.motion.preparation import PreparedSweep

#: The paper's channels.
CHANNELS = ("intensity", "flow_u", "flow_v")
FLOW = {"flow_u": 0, "flow_v": 1}
#: Flow that becomes 1 at a network's input, as a share of the picture's side: near its spread
#: over simulated p_a and p_d sweeps, so that it is as large as standardised grey values.
FLOW_SIDE_SHARE = 1 / 200


class Windows:
    """All windows of so many frames in a list of sweeps.

    Parameters
    ----------
    sweeps : sequence of PreparedSweep
        Thumbnails of one size.
    frames : int
        Frames of a window, k.
    channels : sequence of str
        "intensity" (standardised over its sweep), "flow_u" and "flow_v" (in units of
        `FLOW_SIDE_SHARE`), or names of `PreparedSweep.extra` (taken as they are).
    strides : sequence of int
        Frames between neighbours of a window: 1, and more for frame skipping.
    flow_method : str
        For strides above 1, whose flow is computed anew, not summed.

    Attributes
    ----------
    sweep_index, start, stride : numpy.ndarray (L,) int
        Of every window: its sweep, first frame, and frames from one to the next.
    is_trainable : numpy.ndarray (L,) bool
        All its frames have a tracked pose.

    Raises
    ------
    ValueError
        If there is no sweep, sizes differ, a sweep is too short or lacks a map, channels
        repeat, there are fewer than two frames or a stride is below 1.

    Notes
    -----
    An extra map at stride s is looked up as `<name>_lag<s>`; it has N - 1 rows like any
    other, of which the last s - 1 are never read. Flow over skipped frames is kept in memory,
    8 bytes per pixel and pair for each stride; at stride 1 it stays where the sweeps have it.
    """

    def __init__(
        self,
        sweeps: Sequence[PreparedSweep],
        *,
        frames: int = 6,
        channels: Sequence[str] = CHANNELS,
        strides: Sequence[int] = (1,),
        flow_method: str = "dis_fast",
    ) -> None:
        self.sweeps, self.channels = tuple(sweeps), tuple(channels)
        self.frames, self.strides = frames, tuple(strides)
        _check(self)
        self._grey = [_grey_scale(sweep) for sweep in self.sweeps]
        self._maps = {stride: self._pair_maps(stride, flow_method) for stride in self.strides}
        rows = [
            (index, start, stride)
            for index, sweep in enumerate(self.sweeps)
            for stride in self.strides
            for start in range(len(sweep) - (frames - 1) * stride)
        ]
        self.sweep_index, self.start, self.stride = np.array(rows, int).reshape(-1, 3).T
        valid = [sweep.is_valid for sweep in self.sweeps]
        self.is_trainable = np.array([valid[i][self._span(s, d)].all() for i, s, d in rows], bool)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.start)

    @property
    def input_px(self) -> int:
        """Return the side P of the inputs."""
        return self.sweeps[0].thumbnails.shape[-1]

    @property
    def in_channels(self) -> int:
        """Return the number of input channels, C."""
        return self.frames * len(self.channels)

    @property
    def trainable(self) -> np.ndarray:
        """Return the indices of windows whose frames all have a tracked pose."""
        return np.flatnonzero(self.is_trainable)

    def covering(self, sweep: int, *, is_overlapping: bool = True) -> np.ndarray:
        """Return windows of neighbouring frames that together hold every step of a sweep.

        Parameters
        ----------
        sweep : int
            Index in `sweeps`.
        is_overlapping : bool
            All windows; or each beginning with the last frame of the one before, and the
            last one as late as it can be.

        Returns
        -------
        numpy.ndarray (W,) int
            In order of time.

        Raises
        ------
        ValueError
            If windows of neighbouring frames were not asked for.
        """
        if 1 not in self.strides:
            raise ValueError(f"strides must hold 1 to cover a sweep, got {self.strides}")
        found = np.flatnonzero((self.sweep_index == sweep) & (self.stride == 1))
        if is_overlapping:
            return found
        kept = np.arange(0, len(found), self.frames - 1)
        return found[np.union1d(kept, len(found) - 1)]

    def inputs(self, indices, *, is_reversed=None) -> np.ndarray:
        """Return what a network sees of windows.

        Parameters
        ----------
        indices : array-like (B,) int
        is_reversed : array-like (B,) bool, optional
            Play the window backwards. The flow backwards is taken as the flow forwards,
            negated and not moved along: at flows below a pixel the difference is small. Extra
            maps are taken as they are: a correlation has no direction.

        Returns
        -------
        numpy.ndarray (B, C, P, P) float32
            Channels vary fastest in memory: `torch.from_numpy` gives a channels_last tensor
            without a copy.
        """
        indices = np.asarray(indices, int)
        turned = np.zeros(len(indices), bool) if is_reversed is None else np.asarray(is_reversed)
        size = self.input_px
        batch = np.empty((len(indices), size, size, self.in_channels), np.float32)
        for window, index, backwards in zip(batch, indices, turned, strict=True):
            cv2.merge(self._planes(index, backwards), window)
        return batch.transpose(0, 3, 1, 2)

    def targets(self, indices, *, is_reversed=None, is_mirrored=None) -> np.ndarray:
        """Return the motion between the neighbouring frames of windows, as tracked.

        Parameters
        ----------
        indices : array-like (B,) int
        is_reversed : array-like (B,) bool, optional
            As for `inputs`: the inverse motions in reversed order. The probe then travels
            along -z.
        is_mirrored : array-like (B,) bool, optional
            As seen in the mirror that turns the elevational axis around; inputs do not
            change. Together with `is_reversed` the probe travels along +z again.

        Returns
        -------
        numpy.ndarray (B, k - 1, 4, 4) float64
            From frame i + 1 to frame i; NaN where either is not tracked.
        """
        indices = np.asarray(indices, int)
        poses = np.stack([self._poses(index) for index in indices])
        if is_reversed is not None:
            turned = np.asarray(is_reversed, bool)
            poses[turned] = poses[turned, ::-1]
        targets = geometry.relative(poses[:, :-1], poses[:, 1:])
        if is_mirrored is not None:
            seen = np.asarray(is_mirrored, bool)
            targets[seen] = mirrored(targets[seen])
        return targets

    def _span(self, start: int, stride: int) -> slice:
        """Return the frames of a window."""
        return slice(start, start + (self.frames - 1) * stride + 1, stride)

    def _poses(self, index: int) -> np.ndarray:
        """Return the tracked poses of a window's frames, (k, 4, 4)."""
        span = self._span(self.start[index], self.stride[index])
        return self.sweeps[self.sweep_index[index]].T_centre_to_world[span]

    def _planes(self, index: int, backwards: bool) -> list[np.ndarray]:
        """Return the C planes of a window, (P, P) each, in the order of the channels."""
        sweep, start, stride = self.sweep_index[index], self.start[index], self.stride[index]
        span = self._span(start, stride)
        order = -1 if backwards else 1
        mean, scale = self._grey[sweep]
        grey = (self.sweeps[sweep].thumbnails[span][::order] - mean) * scale
        pairs = slice(span.start, span.stop - stride, stride)
        maps = {name: values[pairs][::order] for name, values in self._maps[stride][sweep].items()}
        unit = order / (FLOW_SIDE_SHARE * self.input_px)
        maps = {name: m * np.float32(unit) if name in FLOW else m for name, m in maps.items()}
        nothing = np.zeros(grey.shape[1:], np.float32)
        return [
            grey[frame] if name == "intensity" else maps[name][frame] if not is_last else nothing
            for frame, is_last in enumerate([False] * (self.frames - 1) + [True])
            for name in self.channels
        ]

    def _pair_maps(self, stride: int, flow_method: str) -> list[dict[str, np.ndarray]]:
        """Return of each sweep its maps of frame pairs, by channel name."""
        names = [name for name in self.channels if name != "intensity"]
        needs_flow = any(name in FLOW for name in names)
        found = []
        for sweep in self.sweeps:
            flow = _flow(sweep, stride, flow_method) if needs_flow else None
            extra = [name for name in names if name not in FLOW]
            maps = {name: flow[:, axis] for name, axis in FLOW.items() if name in names}
            found.append(maps | {name: _extra(sweep, name, stride) for name in extra})
        return found


def _check(windows: Windows) -> None:
    """Refuse what cannot be windowed."""
    channels, frames, strides = windows.channels, windows.frames, windows.strides
    if not windows.sweeps:
        raise ValueError("windows need at least one sweep, got none")
    if not channels or len(set(channels)) < len(channels):
        raise ValueError(f"channels must be different names, at least one, got {channels}")
    if frames < 2:
        raise ValueError(f"frames must be >= 2 for a step, got {frames}")
    if not strides or min(strides) < 1 or len(set(strides)) < len(strides):
        raise ValueError(f"strides must be different and >= 1 frame, got {strides}")
    expected = windows.sweeps[0].thumbnails.shape[1:]
    for sweep in windows.sweeps:
        if sweep.thumbnails.shape[1:] != expected:
            raise ValueError(
                f"thumbnails must be of one size, got {sweep.thumbnails.shape[1:]} in "
                f"{sweep.name} and {expected} in {windows.sweeps[0].name}"
            )
        if len(sweep) < frames:
            raise ValueError(f"{sweep.name} must have at least {frames} frames, got {len(sweep)}")


def _grey_scale(sweep: PreparedSweep) -> tuple[np.float32, np.float32]:
    """Return mean and reciprocal spread of a sweep's grey values."""
    spread = max(float(sweep.thumbnails.std(dtype=np.float64)), 1e-6)
    return np.float32(sweep.thumbnails.mean(dtype=np.float64)), np.float32(1 / spread)


def _flow(sweep: PreparedSweep, stride: int, method: str) -> np.ndarray:
    """Return the flow over so many frames; no rows where the sweep is too short for one."""
    if stride == 1:
        return sweep.flow
    if len(sweep) <= stride:
        return sweep.flow[:0]
    return optical_flow(np.round(255 * sweep.thumbnails).astype(np.uint8), method, lag=stride)


def _extra(sweep: PreparedSweep, name: str, stride: int) -> np.ndarray:
    """Return a further map of frame pairs."""
    key = name if stride == 1 else f"{name}_lag{stride}"
    if key not in sweep.extra:
        raise ValueError(f"{sweep.name} has no map {key!r}, only {sorted(sweep.extra)}")
    return sweep.extra[key]
