"""Frames as blocks: from an array, a file read on demand, or a stream, a few at a time.

Decides which frames can be reconstructed: uint8 or finite float32, one shape and type
throughout. Holds one block only. Deliberately knows nothing of poses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

#: Pixels in one block. Twice as many hits of one voxel fit the packed accumulator.
MOST_PIXELS = 1 << 27


def frame_blocks(frames, expected: int, *, block_size: int) -> Iterator[np.ndarray]:
    """Yield contiguous blocks of at most `block_size` frames, in order, at least one.

    Parameters
    ----------
    frames : array, sliceable of shape (N, H, W), or iterable of (n, H, W) blocks
        uint8 or float32.
    expected : int
        Number of frames; checked at once where frames have a shape, else by the caller.
    block_size : int

    Yields
    ------
    numpy.ndarray (n, H, W)
        At most 2^27 pixels, whatever `block_size`.

    Raises
    ------
    ValueError
        For wrong shapes, counts or types, pixels that are not finite, or no frames.
    """
    if block_size < 1:
        raise ValueError(f"block_size must be >= 1 frame, got {block_size}")
    if hasattr(frames, "shape"):
        if len(frames.shape) != 3 or frames.shape[0] != expected:
            raise ValueError(f"frames must be ({expected}, H, W), got {tuple(frames.shape)}")
        source = (frames[k : k + block_size] for k in range(0, expected, block_size))
    else:
        source = iter(frames)
    kind = None
    for block in _checked_blocks(source):
        found = (block.shape[1:], block.dtype.name)
        if kind not in (None, found):
            raise ValueError(f"frames must all have one shape and type, got {found} after {kind}")
        kind = found
        size = min(block_size, MOST_PIXELS // block[0].size)
        for k in range(0, len(block), size):
            yield np.ascontiguousarray(block[k : k + size])
    if kind is None:
        raise ValueError("frames holds zero frames: nothing to reconstruct")


def _checked_blocks(blocks: Iterable) -> Iterator[np.ndarray]:
    """Yield blocks as arrays, or say what is wrong with one."""
    for block in blocks:
        block = np.asarray(block)
        if block.ndim != 3 or 0 in block.shape[1:]:
            raise ValueError(f"frames must come as (n, H, W), got {block.shape}")
        if block.dtype not in (np.uint8, np.float32):
            raise ValueError(f"frames must be uint8 or float32, got {block.dtype}")
        if block.dtype == np.float32 and not np.isfinite(block).all():
            raise ValueError("frames must be finite, got NaN or infinite pixels")
        if block[:1].size > MOST_PIXELS:
            raise ValueError(f"frames must be below 2^27 px each, got {block.shape[1:]}")
        if len(block):
            yield block
