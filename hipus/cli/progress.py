"""Progress of long runs on a terminal."""

from __future__ import annotations

import numpy as np

from hipus.sweep import FrameStack


class Watched:
    """Frames behind a progress bar that moves as they are read.

    Parameters
    ----------
    frames : FrameStack (N, H, W)
    title : str
        Stands before the bar. There is a bar only where a person is watching, and only when
        reading takes more than a second.
    """

    def __init__(self, frames: FrameStack, title: str = "") -> None:
        """Start the bar."""
        from tqdm import tqdm

        self.shape, self.dtype = frames.shape, frames.dtype
        self._frames = frames
        self._bar = tqdm(total=self.shape[0], desc=title, unit="frame", disable=None, delay=1)

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return frames, and move the bar to the last of them."""
        block = np.asarray(self._frames[part])
        stop = part.indices(self.shape[0])[1]
        self._bar.update(max(stop - self._bar.n, 0))
        if stop == self.shape[0]:
            self._bar.close()
        return block
