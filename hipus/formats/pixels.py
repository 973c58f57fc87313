"""Between the pixels of a sequence file and a stack of frames, both ways.

Decides how a payload is checked before anything is allocated, and how frames of any length
are written block by block.
"""

from __future__ import annotations

import os
import zlib

import numpy as np

from hipus.formats.inflate import DeflatedFrames
from hipus.formats.orientation import Turn
from hipus.formats.payload import BLOCK_BYTES, FileFrames, Payload, RawFrames
from hipus.sweep import FrameStack

#: Deflate cannot do better than 258 bytes from 2 bits.
_LARGEST_RATIO = 1032
#: On tracked B-mode: 121 MB/s and 34 % of the size; level 6 needs 33 MB/s for 33 %.
_LEVEL = 1


def open_frames(payload: Payload, turn: Turn) -> FileFrames:
    """Open the frames of a payload after checking its size against the file.

    Parameters
    ----------
    payload : Payload
    turn : Turn
        From stored to MF orientation.

    Returns
    -------
    FileFrames

    Raises
    ------
    ValueError
        If the file is shorter or longer than declared, or if a compressed payload is too
        small to hold the declared frames (no more than the declared size is ever inflated,
        and none of it is allocated before this check).
    """
    there = os.path.getsize(payload.path) - payload.offset
    size = payload.expected_bytes if payload.wbits is None else payload.size
    if there != size:
        fault = "truncated" if there < size else "followed by extra bytes"
        raise ValueError(
            f"{payload.path}: payload is {fault}, expected {size} bytes after the header "
            f"for frames of {payload.stored_shape}, got {there}"
        )
    if payload.wbits is None:
        return RawFrames(payload, turn)
    if payload.expected_bytes > _LARGEST_RATIO * (payload.size + 1):
        raise ValueError(
            f"{payload.path}: {payload.size} compressed bytes cannot hold the "
            f"{payload.expected_bytes} bytes of frames of {payload.stored_shape}"
        )
    return DeflatedFrames(payload, turn)


def pick_frames(frames: FrameStack, indices: np.ndarray) -> FrameStack:
    """Return a stack of some frames of another, still on disk.

    Parameters
    ----------
    frames : FrameStack (N, H, W)
    indices : numpy.ndarray (M,) int
        Strictly increasing.

    Returns
    -------
    FrameStack (M, H, W)
    """
    return _PickedFrames(frames, np.asarray(indices))


class _PickedFrames:
    """Some frames of another stack."""

    def __init__(self, frames: FrameStack, indices: np.ndarray) -> None:
        self._frames = frames
        self._indices = indices
        self.shape = (len(indices), *frames.shape[1:])
        self.dtype = frames.dtype

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._indices)

    def __getitem__(self, key) -> np.ndarray:
        """Return the frames of a slice as an array, or one frame for an integer."""
        if not isinstance(key, slice):
            return self._frames[int(self._indices[key])]
        wanted = self._indices[key]
        if not len(wanted):
            return np.empty((0, *self.shape[1:]), self.dtype)
        # Neighbours are read together: one slice per run of consecutive frames.
        runs = np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1)
        return np.concatenate([self._frames[run[0] : run[-1] + 1] for run in runs])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Read all frames."""
        return self[:] if dtype is None else self[:].astype(dtype)


def write_frames(file, frames: FrameStack, *, wbits: int | None = None) -> int:
    """Write frames to an open file, block by block.

    Parameters
    ----------
    file : binary file
    frames : FrameStack (N, H, W) uint8
    wbits : int or None
        `payload.ZLIB` or `payload.GZIP`; None writes them raw.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    ValueError
        If the frames are not uint8, or a block has another shape than announced.
    """
    count, height, width = frames.shape
    if np.dtype(frames.dtype) != np.uint8:
        raise ValueError(f"frames must be uint8, got {np.dtype(frames.dtype)}")
    squeeze = None if wbits is None else zlib.compressobj(_LEVEL, zlib.DEFLATED, wbits)
    step = max(1, BLOCK_BYTES // max(1, height * width))
    written = 0
    for start in range(0, count, step):
        block = np.ascontiguousarray(frames[start : start + step])
        expected = (min(step, count - start), height, width)
        if block.shape != expected:
            raise ValueError(f"frames {start}... must be {expected}, got {block.shape}")
        written += file.write(squeeze.compress(block) if squeeze else block)
    return written + (file.write(squeeze.flush()) if squeeze else 0)
