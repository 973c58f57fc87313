"""The pixels of a sequence file, read from disk on demand and never all at once.

Decides how much of a file is trusted (its declared size and no byte more) and how frames
are reached: raw payloads by seeking, compressed ones by inflating forward from the nearest
checkpoint. Deliberately knows no header: `metaimage` and `nrrd` say where the bytes lie.
"""

from __future__ import annotations

import os
import threading
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hipus.formats.orientation import Turn

#: Window settings of zlib for the two kinds of compressed payload.
ZLIB = zlib.MAX_WBITS
GZIP = zlib.MAX_WBITS + 16

_CHUNK_BYTES = 1 << 18
_BLOCK_BYTES = 1 << 22
_CHECKPOINT_BYTES = 1 << 26
#: Deflate cannot do better than 258 bytes from 2 bits.
_LARGEST_RATIO = 1032


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


class FileFrames:
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
        self._payload = payload
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

    def _read(self, low: int, high: int) -> np.ndarray:
        """Return stored frames low to high."""
        block = np.empty((high - low, *self._payload.stored_shape[1:]), np.uint8)
        if block.size:
            with self._lock, open(self._payload.path, "rb") as file:
                if _stamp(self._payload.path) != self._stamp:
                    raise ValueError(f"{self._payload.path} has changed since it was opened")
                self._fill(file, low, block)
        return block

    def _fill(self, file, low: int, block: np.ndarray) -> None:
        raise NotImplementedError


class RawFrames(FileFrames):
    """Frames of an uncompressed payload, reached by seeking."""

    def _fill(self, file, low: int, block: np.ndarray) -> None:
        """Read stored frames into a block."""
        file.seek(self._payload.offset + low * self._payload.frame_bytes)
        if file.readinto(block) != block.size:
            raise ValueError(f"{self._payload.path}: payload ends within frame {low}")


class DeflatedFrames(FileFrames):
    """Frames of a compressed payload, inflated in order.

    Notes
    -----
    Going forward costs each frame once. Going back restarts at the nearest checkpoint; one
    is kept per 64 MiB of pixels that have been passed (about 40 kB each), so after a first
    pass any frame is at most 64 MiB of inflating away.
    """

    def __init__(self, payload: Payload, turn: Turn) -> None:
        super().__init__(payload, turn)
        start = _Position(0, payload.offset, b"", zlib.decompressobj(payload.wbits))
        self._checkpoints = [start]
        self._now = start.copy()

    def _fill(self, file, low: int, block: np.ndarray) -> None:
        """Inflate stored frames into a block, passing those before it."""
        best = max((p for p in self._checkpoints if p.frame <= low), key=lambda p: p.frame)
        if not best.frame <= self._now.frame <= low:
            self._now = best.copy()
        step = max(1, _BLOCK_BYTES // self._payload.frame_bytes)
        try:
            while self._now.frame < low:
                count = min(step, low - self._now.frame)
                self._inflate(file, np.empty((count, self._payload.frame_bytes), np.uint8))
            self._inflate(file, block)
        except Exception:
            self._now = self._checkpoints[0].copy()
            raise

    def _inflate(self, file, block: np.ndarray) -> None:
        """Inflate the next frames and leave a checkpoint where one is due."""
        now = self._now
        file.seek(now.offset)
        view = memoryview(block).cast("B")
        filled = 0
        while filled < len(view):
            piece, has_ended = now.next_piece(file, self._payload, len(view) - filled)
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
            if has_ended and filled < len(view):
                self._refuse_short(now.frame * self._payload.frame_bytes + filled)
        now.frame += len(block)
        if now.frame == self._payload.stored_shape[0]:
            _check_end(now, file, self._payload)
        passed = now.frame - self._checkpoints[-1].frame
        if passed * self._payload.frame_bytes >= _CHECKPOINT_BYTES:
            self._checkpoints.append(now.copy())

    def _refuse_short(self, inflated: int) -> None:
        """Raise for a payload that ends before its declared size."""
        raise ValueError(
            f"{self._payload.path}: compressed payload holds {inflated} bytes, expected "
            f"{self._payload.expected_bytes} for frames of {self._payload.stored_shape}"
        )


@dataclass
class _Position:
    """A place in a compressed payload: the next frame, and how to inflate it."""

    frame: int
    offset: int
    tail: bytes
    stream: object

    def copy(self) -> _Position:
        """Return an independent position at the same place."""
        return replace(self, stream=self.stream.copy())

    def next_piece(self, file, payload: Payload, wanted: int) -> tuple[bytes, bool]:
        """Return up to `wanted` inflated bytes, and whether nothing can follow."""
        chunk = self.tail
        if not chunk:
            left = payload.offset + payload.size - self.offset
            chunk = file.read(min(_CHUNK_BYTES, left))
            self.offset += len(chunk)
        try:
            piece = self.stream.decompress(chunk, wanted)
        except zlib.error as error:
            raise ValueError(
                f"{payload.path}: compressed payload is damaged near byte {self.offset} ({error})"
            ) from error
        self.tail = self.stream.unconsumed_tail
        return piece, self.stream.eof or not (chunk or piece)


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


def check_frames(frames: FileFrames) -> None:
    """Read all frames once, in bounded memory, so that a damaged payload is found now.

    Parameters
    ----------
    frames : FileFrames

    Raises
    ------
    ValueError
        If the payload is damaged, or holds less or more than declared.
    """
    if not frames.shape[1] * frames.shape[2]:
        return
    step = max(1, _BLOCK_BYTES // (frames.shape[1] * frames.shape[2]))
    for start in range(0, len(frames), step):
        frames[start : start + step]


def _check_end(position: _Position, file, payload: Payload) -> None:
    """Raise unless a compressed payload ends, checksum included, with its last frame."""
    has_ended = position.stream.eof
    while not has_ended:
        piece, has_ended = position.next_piece(file, payload, 1)
        if piece:
            raise ValueError(
                f"{payload.path}: compressed payload holds more than the declared "
                f"{payload.expected_bytes} bytes for frames of {payload.stored_shape}"
            )
    if not position.stream.eof:
        raise ValueError(f"{payload.path}: compressed payload is truncated, its end mark is gone")
    unused = len(position.stream.unused_data) + payload.offset + payload.size - position.offset
    if unused:
        raise ValueError(f"{payload.path}: {unused} bytes follow the end of the compressed payload")


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file is replaced."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns
