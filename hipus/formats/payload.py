"""The pixels of a sequence file, read from disk on demand and never all at once.

Decides what frames on disk offer: slices, one at a time between threads, pickled as a path.
Raw payloads are reached by seeking; compressed ones are the business of `inflate`.
Deliberately knows no header: `metaimage` and `nrrd` say where the bytes lie.
"""

from __future__ import annotations

import os
import threading
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hipus.formats.orientation import Turn

#: Window settings of zlib for the two kinds of compressed payload.
ZLIB = zlib.MAX_WBITS
GZIP = zlib.MAX_WBITS + 16

#: Pixels that are in memory at a time while a whole file is passed.
BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Payload:
    """Where the pixels of a sequence lie.

    Attributes
    ----------
    path : pathlib.Path
        File with the pixels.
    offset, size : int
        First byte and number of bytes in that file.
    stored_shape : tuple (N, H, W)
        Frames as stored, one byte a pixel.
    wbits : int or None
        `ZLIB` or `GZIP`; None for a raw payload.
    """

    path: Path
    offset: int
    size: int
    stored_shape: tuple[int, int, int]
    wbits: int | None = None

    @property
    def frame_bytes(self) -> int:
        """Return the bytes of one inflated frame."""
        return self.stored_shape[1] * self.stored_shape[2]

    @property
    def expected_bytes(self) -> int:
        """Return the bytes of all inflated frames."""
        return self.stored_shape[0] * self.frame_bytes


class FileFrames(ABC):
    """Frames (N, H, W) uint8 that stay on disk until a slice of them is asked for.

    Attributes
    ----------
    shape : tuple (N, H, W)
        Frames as presented, in MF orientation.
    dtype : numpy.dtype
        Always uint8.

    Notes
    -----
    Safe to share between threads (reads take turns) and to pickle: a copy in another
    process opens the file anew. `numpy.asarray(frames)` reads everything.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, payload: Payload, turn: Turn) -> None:
        # Absolute, so that a worker elsewhere finds the file.
        self._payload = replace(payload, path=payload.path.absolute())
        self._turn = turn
        self._stamp = _stamp(payload.path)
        self._lock = threading.Lock()
        self.shape = turn.shape(payload.stored_shape)

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        """Return the frames of a slice as an array, or one frame for an integer."""
        if not isinstance(key, slice):
            index = range(len(self))[key]
            return self[index : index + 1][0]
        chosen = range(len(self))[key]
        low, high = (min(chosen), max(chosen) + 1) if len(chosen) else (0, 0)
        if len(chosen) < high - low:
            frames = [self[index : index + 1] for index in sorted(chosen)]
            block = np.concatenate(frames)
        else:
            block = self._turn(self._read(low, high))
        return block[::-1] if chosen.step < 0 else block

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Read all frames."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getstate__(self) -> dict:
        """Return what another process needs to open the same frames."""
        return {"payload": self._payload, "turn": self._turn, "stamp": self._stamp}

    def __setstate__(self, state: dict) -> None:
        """Open the frames again."""
        self.__init__(state["payload"], state["turn"])
        self._stamp = state["stamp"]

    @abstractmethod
    def check(self) -> None:
        """Pass over all frames in bounded memory, so that damage is found now.

        Raises
        ------
        ValueError
            If a compressed payload is damaged, or holds less or more than declared.
        """

    def _read(self, low: int, high: int) -> np.ndarray:
        """Return stored frames low to high."""
        block = np.empty((high - low, *self._payload.stored_shape[1:]), np.uint8)
        if block.size:
            with self._lock, open(self._payload.path, "rb") as file:
                if _stamp(self._payload.path) != self._stamp:
                    raise ValueError(f"{self._payload.path} has changed since it was opened")
                self._fill(file, low, block)
        return block

    @abstractmethod
    def _fill(self, file, low: int, block: np.ndarray) -> None:
        """Read stored frames, from frame `low` on, into a block."""


class RawFrames(FileFrames):
    """Frames of an uncompressed payload, reached by seeking."""

    def check(self) -> None:
        """Do nothing: a raw payload has no more to check than its size when opened."""

    def _fill(self, file, low: int, block: np.ndarray) -> None:
        """Read stored frames into a block."""
        file.seek(self._payload.offset + low * self._payload.frame_bytes)
        if file.readinto(block) != block.size:
            raise ValueError(f"{self._payload.path}: payload ends within frame {low}")


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file is replaced."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns
