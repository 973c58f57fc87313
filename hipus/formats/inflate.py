"""Compressed frames, inflated in order and no further than declared.

Decides how much of a compressed payload is trusted (its declared size and no byte more) and
how one goes back in it: by inflating forward from the nearest checkpoint.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from hipus.formats.orientation import Turn
from hipus.formats.payload import BLOCK_BYTES, FileFrames, Payload

_CHUNK_BYTES = 1 << 18
_CHECKPOINT_BYTES = 1 << 26


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

    def check(self) -> None:
        """Inflate all frames once, leaving checkpoints behind."""
        step = max(1, BLOCK_BYTES // max(1, self._payload.frame_bytes))
        for low in range(0, len(self), step):
            self._read(low, min(low + step, len(self)))

    def _fill(self, file, low: int, block: np.ndarray) -> None:
        """Inflate stored frames into a block, passing those before it."""
        best = max((p for p in self._checkpoints if p.frame <= low), key=lambda p: p.frame)
        if not best.frame <= self._now.frame <= low:
            self._now = best.copy()
        step = max(1, BLOCK_BYTES // self._payload.frame_bytes)
        try:
            while self._now.frame < low:
                count = min(step, low - self._now.frame)
                self._inflate(file, np.empty((count, self._payload.frame_bytes), np.uint8))
            self._inflate(file, block)
        except BaseException:
            # An interrupted read leaves the stream between frames: start over next time.
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
        """Return an independent position at the same place (its tail is read again)."""
        offset = self.offset - len(self.tail)
        return replace(self, offset=offset, tail=b"", stream=self.stream.copy())

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
