"""Progress of long runs on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hipus.sweep import Sweep


def counted(sweep: Sweep, *, block_size: int = 16) -> Iterator[np.ndarray]:
    """Yield a sweep's frames in blocks behind a progress bar, if a person is watching.

    Parameters
    ----------
    sweep : Sweep
    block_size : int

    Yields
    ------
    numpy.ndarray (n, H, W)
    """
    from tqdm import tqdm

    with tqdm(total=len(sweep), unit="frame", disable=None, delay=1) as bar:
        for part, block in sweep.blocks(block_size):
            yield block
            bar.update(part.stop - part.start)
