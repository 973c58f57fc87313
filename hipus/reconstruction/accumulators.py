"""What a voxel remembers while frames arrive, and what becomes of it at the end.

Decides memory: 8 bytes a voxel for means (a packed exact integer sum and count for unweighted
uint8, else two float32), grey value and 4-byte count for maximum and latest. Decides which
voxels are hit. Deliberately knows nothing of poses in millimetres or threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hipus.reconstruction import kernel, selection_kernel
from hipus.reconstruction.blocks import MOST_PIXELS
from hipus.reconstruction.rows import compiled

#: A linear weight below this share of one pixel is a corner barely touched: no hit.
SMALLEST_LINEAR_WEIGHT = 2.0**-10


@dataclass(frozen=True)
class Layout:
    """How the flat accumulator of one reconstruction is laid out.

    Attributes
    ----------
    shape_zyx : tuple of 3 int
        Voxels of the grid.
    pad : int
        1 for linear interpolation (a margin takes what falls outside), else 0.
    axes : tuple of 3 int
        Array axes in kernel order, the slab axis first.
    """

    shape_zyx: tuple[int, int, int]
    pad: int
    axes: tuple[int, int, int]

    @property
    def padded_zyx(self) -> tuple[int, int, int]:
        """Return the shape of the accumulator."""
        return tuple(size + 2 * self.pad for size in self.shape_zyx)

    @property
    def cells(self) -> tuple[int, int, int]:
        """Return how many cells there are along each kernel axis."""
        return tuple(self.shape_zyx[axis] + self.pad for axis in self.axes)

    @property
    def strides(self) -> tuple[int, int, int]:
        """Return the distance of neighbours along each kernel axis."""
        _, rows, columns = self.padded_zyx
        return tuple((rows * columns, columns, 1)[axis] for axis in self.axes)

    @property
    def slab_length(self) -> int:
        """Return how many voxels of the slab axis there are to share out."""
        return self.padded_zyx[self.axes[0]]


class Accumulator(Protocol):
    """What `voxelise` needs of an accumulator."""

    def add(self, frames, steps, indices, segments, slab) -> None:
        """Add the part of frames that lies in a slab; `indices` are their numbers."""

    def check(self, pixel_count: int) -> None:
        """Make sure that so many more pixels can be added."""

    def finish(self, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return volume and weight, both (D, H, W)."""


class PackedMean:
    """Exact mean of unweighted uint8 pixels, nearest neighbour."""

    def __init__(self, layout: Layout) -> None:
        """Allocate one int64 a voxel."""
        self.layout = layout
        self.sums = np.zeros(int(np.prod(layout.padded_zyx)), np.int64)
        self._since_check = 0

    def check(self, pixel_count: int) -> None:
        """Raise ValueError before a hit count could run over: it is looked at rarely, and
        what was seen and what came since are at most 2^27 each, together below 2^28.
        """
        self._since_check += pixel_count
        if self._since_check > MOST_PIXELS:
            most = int(_greatest_count(self.sums))
            if most >= MOST_PIXELS:
                raise ValueError(
                    f"a voxel received {most} pixels, more than {MOST_PIXELS}: "
                    "the spacing is too large, or the probe stood still"
                )
            self._since_check = pixel_count

    def add(self, frames, steps, indices, segments, slab) -> None:
        """Add frames to a slab."""
        cells, strides = self.layout.cells, self.layout.strides
        kernel.add_nearest_packed(frames, steps, segments, self.sums, cells, strides, slab)

    def finish(self, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (float32, 0 where not hit) and hit count (float32)."""
        shape = self.layout.shape_zyx
        mean, weight = np.empty(shape, np.float32), np.empty(shape, np.float32)
        sums = self.sums.reshape(shape)
        _in_slices(lambda z: _unpack(sums[z], mean[z], weight[z]), shape[0], threads)
        return mean, weight


class WeightedMean:
    """Mean of pixels with weights of their own, their frame's, or their interpolation."""

    def __init__(self, layout: Layout, frame_weights, pixel_weights) -> None:
        """Allocate two float32 a voxel."""
        self.layout, self.frame_weights, self.pixel_weights = layout, frame_weights, pixel_weights
        self.sums = np.zeros((int(np.prod(layout.padded_zyx)), 2), np.float32)
        given = [weights.max() for weights in (frame_weights, pixel_weights) if weights is not None]
        greatest = np.prod(given)  # 1 for no weights
        self.smallest = np.float32(SMALLEST_LINEAR_WEIGHT * greatest if layout.pad else 0.0)

    def check(self, pixel_count: int) -> None:
        """Accept any number: float sums do not run over."""

    def add(self, frames, steps, indices, segments, slab) -> None:
        """Add frames to a slab."""
        add = kernel.add_linear if self.layout.pad else kernel.add_nearest
        cells, strides = self.layout.cells, self.layout.strides
        given = self.frame_weights
        scales = np.ones(len(indices)) if given is None else given[indices]
        add(frames, steps, segments, self.sums, cells, strides, slab, scales, self.pixel_weights)

    def finish(self, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and sum of weights (float32), both 0 where not hit."""
        shape = self.layout.shape_zyx
        mean, weight = np.empty(shape, np.float32), np.empty(shape, np.float32)
        pad = self.layout.pad
        depth, height, width = shape
        sums = self.sums.reshape(*self.layout.padded_zyx, 2)
        sums = sums[pad : pad + depth, pad : pad + height, pad : pad + width]
        _in_slices(lambda z: _divide(sums[z], self.smallest, mean[z], weight[z]), depth, threads)
        return mean, weight


class Selection:
    """The greatest or the latest pixel of each voxel."""

    def __init__(self, layout: Layout, dtype, *, is_maximum: bool) -> None:
        """Allocate a grey value and a 4-byte count a voxel."""
        self.layout, self.is_maximum = layout, is_maximum
        self.values = np.zeros(layout.padded_zyx, dtype)
        self.hits = np.zeros(layout.padded_zyx, np.uint32)

    def check(self, pixel_count: int) -> None:
        """Accept any number: the count only has to tell hit from not hit."""

    def add(self, frames, steps, indices, segments, slab) -> None:
        """Add frames to a slab."""
        keep = selection_kernel.keep_linear if self.layout.pad else selection_kernel.keep_nearest
        values, hits = self.values.reshape(-1), self.hits.reshape(-1)
        cells, strides = self.layout.cells, self.layout.strides
        keep(frames, steps, segments, values, hits, cells, strides, slab, self.is_maximum)

    def finish(self, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the kept grey values, in the frames' type, and the hit count (float32)."""
        inner = (slice(self.layout.pad, -self.layout.pad or None),) * 3
        return np.ascontiguousarray(self.values[inner]), self.hits[inner].astype(np.float32)


def _in_slices(work: Callable[[slice], None], depth: int, threads: int) -> None:
    """Call work on as many z slices of a volume as there are threads, at the same time."""
    cuts = np.linspace(0, depth, threads + 1).astype(int)
    slices = [slice(a, b) for a, b in zip(cuts[:-1], cuts[1:], strict=True) if a < b]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, slices):
            pass  # map raises here what a thread has raised


@compiled
def _greatest_count(sums):
    """Return the greatest hit count."""
    most = np.int64(0)
    for packed in sums:
        most = max(most, packed & ((1 << kernel.COUNT_BITS) - 1))
    return most


@compiled
def _unpack(sums, mean, weight):
    """Split packed sums into mean and count."""
    sums, mean, weight = sums.reshape(-1), mean.reshape(-1), weight.reshape(-1)
    for voxel in range(sums.size):
        count = sums[voxel] & ((1 << kernel.COUNT_BITS) - 1)
        grey = sums[voxel] >> kernel.COUNT_BITS
        mean[voxel] = grey / count if count else 0.0
        weight[voxel] = count


@compiled
def _divide(sums, smallest, mean, weight):
    """Divide sums by weights where there is enough weight."""
    for z in range(mean.shape[0]):
        for y in range(mean.shape[1]):
            for x in range(mean.shape[2]):
                total = sums[z, y, x, 1]
                is_hit = total > 0 and total >= smallest
                mean[z, y, x] = sums[z, y, x, 0] / total if is_hit else 0.0
                weight[z, y, x] = total if is_hit else 0.0
