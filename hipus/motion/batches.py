"""Which windows a network is shown, in which order and how they are turned around.

Decides batches as a function of the seed and the iteration alone: a training that is resumed,
or a batch that is made ahead on another thread, sees the same. Deliberately learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hipus import seeds
from hipus.motion.arms import Arm
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.windows import Windows

STRIDES = (1, 2, 3)
"""Frames from one to the next under augmentation: faster sweeps by skipping frames."""
_GROUP = 8
"""Windows of one sweep that stay together where a loss compares them within their sweep."""


@dataclass(frozen=True)
class Batch:
    """Windows beside the motion within them.

    Attributes
    ----------
    inputs : numpy.ndarray (B, C, P, P) float32
    T_next_to_previous : numpy.ndarray (B, S, 4, 4) float64
        As tracked, mm.
    numbers : numpy.ndarray (B, S, K) float32
        The same, standardised.
    sweep_index : numpy.ndarray (B,) int
    """

    inputs: np.ndarray
    T_next_to_previous: np.ndarray
    numbers: np.ndarray
    sweep_index: np.ndarray


class Batches:
    """The batches of a training, by iteration.

    Parameters
    ----------
    windows : Windows
        Of the training sweeps.
    arm : Arm
        Says whether to augment, and whether windows of a sweep stay together.
    scaling : TargetScaling
    settings : TrainingSettings

    Raises
    ------
    ValueError
        If no window has tracked poses throughout.

    Notes
    -----
    Every epoch is a new order of all trainable windows; what does not fill its last batch is
    left for the next. The correlation loss compares windows of one sweep (Guo et al. 2020):
    for it they come in groups of eight. Augmentation plays half of the windows backwards
    *and* looks at them in the elevational mirror: the probe then again travels along +z, as
    it does in every prepared sweep. Reversal alone would ask for a sign no picture shows.
    """

    def __init__(
        self, windows: Windows, *, arm: Arm, scaling: TargetScaling, settings: TrainingSettings
    ) -> None:
        """Find the windows with known motion."""
        self.windows, self.arm, self.scaling = windows, arm, scaling
        self.seed = settings.seed
        self._trainable = windows.trainable
        if not len(self._trainable):
            names = ", ".join(sweep.name for sweep in windows.sweeps[:3])
            raise ValueError(
                f"training needs {arm.frames} neighbouring frames with tracked poses, got none "
                f"in {len(windows.sweeps)} sweeps ({names} ...)"
            )
        self.size = min(settings.batch_size, len(self._trainable))
        self._epoch: tuple[int, np.ndarray] | None = None

    @property
    def per_epoch(self) -> int:
        """Return the iterations of an epoch."""
        return len(self._trainable) // self.size

    def __getitem__(self, iteration: int) -> Batch:
        """Return the batch of an iteration, from 0."""
        epoch, place = divmod(iteration, self.per_epoch)
        indices = self._order(epoch)[place * self.size : (place + 1) * self.size]
        turned = self._turned(iteration) if self.arm.augment else None
        T = self.windows.targets(indices, is_reversed=turned, is_mirrored=turned)
        return Batch(
            inputs=self.windows.inputs(indices, is_reversed=turned),
            T_next_to_previous=T,
            numbers=self.scaling.encode(T).astype(np.float32),
            sweep_index=self.windows.sweep_index[indices],
        )

    def ahead(self, start: int, stop: int) -> Iterator[Batch]:
        """Yield the batches of iterations, each made while the one before is learned from.

        Parameters
        ----------
        start, stop : int
            First iteration, and the one after the last.

        Yields
        ------
        Batch
        """
        with ThreadPoolExecutor(max_workers=1) as maker:
            coming = maker.submit(self.__getitem__, start) if start < stop else None
            for iteration in range(start, stop):
                batch = coming.result()
                if iteration + 1 < stop:
                    coming = maker.submit(self.__getitem__, iteration + 1)
                yield batch

    def _order(self, epoch: int) -> np.ndarray:
        """Return the windows of an epoch in their order."""
        if self._epoch is None or self._epoch[0] != epoch:
            rng = seeds.generator(self.seed, "motion", "order", epoch)
            order = rng.permutation(self._trainable)
            grouped = self.arm.correlation_weight > 0
            self._epoch = epoch, self._grouped(order, rng) if grouped else order
        return self._epoch[1]

    def _grouped(self, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the same windows with groups of one sweep side by side."""
        sweep = self.windows.sweep_index[order]
        groups = []
        for index in np.unique(sweep):
            own = order[sweep == index]
            groups += np.split(own, np.arange(_GROUP, len(own), _GROUP))
        return np.concatenate([groups[place] for place in rng.permutation(len(groups))])

    def _turned(self, iteration: int) -> np.ndarray:
        """Return which windows of a batch are played backwards."""
        rng = seeds.generator(self.seed, "motion", "turned", iteration)
        return rng.random(self.size) < 0.5


def training_windows(sweeps, arm: Arm) -> Windows:
    """Return the windows that an arm is trained on.

    Parameters
    ----------
    sweeps : sequence of PreparedSweep
    arm : Arm

    Returns
    -------
    Windows
        Of neighbouring frames; with skipped ones too where the arm augments.
    """
    strides = STRIDES if arm.augment else (1,)
    return Windows(sweeps, frames=arm.frames, channels=arm.channels, strides=strides)
