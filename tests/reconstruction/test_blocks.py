"""Blocks of frames: sizes, order, laziness."""

import numpy as np
import pytest

from hipus.reconstruction import blocks
from hipus.reconstruction.blocks import frame_blocks

FRAMES = np.arange(7 * 2 * 3, dtype=np.uint8).reshape(7, 2, 3)


class TestBlocks:
    """Whatever frames come as, they leave in order and in small blocks."""

    @pytest.mark.parametrize("block_size", [1, 3, 7, 100])
    def test_an_array_is_cut_in_order(self, block_size):
        """Nothing lost, nothing too long."""
        found = list(frame_blocks(FRAMES, 7, block_size=block_size))
        assert max(len(block) for block in found) == min(block_size, 7)
        np.testing.assert_array_equal(np.concatenate(found), FRAMES)

    def test_long_blocks_of_a_stream_are_cut_and_empty_ones_dropped(self):
        """Sizes 5, 0 and 2 at most 3 at a time."""
        stream = iter([FRAMES[:5], FRAMES[:0], FRAMES[5:]])
        found = list(frame_blocks(stream, 7, block_size=3))
        assert [len(block) for block in found] == [3, 2, 2]
        np.testing.assert_array_equal(np.concatenate(found), FRAMES)

    def test_a_stream_is_read_no_further_than_needed(self):
        """Memory is one block, not all."""
        seen = []

        def stream():
            for k in range(7):
                seen.append(k)
                yield FRAMES[k : k + 1]

        reader = frame_blocks(stream(), 7, block_size=4)
        next(reader)
        assert seen == [0]

    def test_blocks_are_contiguous(self):
        """The kernel is compiled once, for contiguous frames."""
        turned = np.asfortranarray(FRAMES)
        found = list(frame_blocks(turned[:, :, ::-1], 7, block_size=2))
        assert all(block.flags.c_contiguous for block in found)
        np.testing.assert_array_equal(np.concatenate(found), FRAMES[:, :, ::-1])

    def test_a_block_is_never_larger_than_the_accumulator_can_count(self, monkeypatch):
        """Two frames of 6 px where 12 px are the most."""
        monkeypatch.setattr(blocks, "MOST_PIXELS", 12)
        assert {len(b) for b in frame_blocks(FRAMES, 7, block_size=7)} == {2, 1}
