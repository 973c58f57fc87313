"""A trained motion network with all that is needed to use it and to make it again.

Decides what belongs to a trained model and to the settings of its training. Deliberately
neither trains (`training`) nor predicts (`network_prediction`) nor knows files (`model_file`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hipus.motion.arms import Arm
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.uncertainty import Calibration

if TYPE_CHECKING:
    from torch import nn

_WARM_UP_SHARE = 0.05
_POSITIVE = ("batch_size", "learning_rate", "validate_every", "threads")


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how a network is trained; AdamW, warm-up, then a cosine to zero.

    Parameters
    ----------
    iterations, epochs : int, optional
        Length of the training: one of the two. An epoch shows every training window once,
        but for the last that do not fill a batch.
    batch_size : int
        Windows of a batch.
    learning_rate : float
        At its highest, after 5 % of the iterations.
    weight_decay : float
        Decoupled (AdamW).
    seed : int
        The study's; weights, order and augmentation are drawn from it and nothing else.
    validate_every : int
        Iterations between validations, each with a checkpoint; also before the first
        iteration and after the last.
    threads : int
        Threads of torch. Sums of floats depend on it: results are equal bit for bit for
        equal settings, this one included.
    device : str
        Where torch computes; only "cpu" promises equal bits.

    Raises
    ------
    ValueError
        Unless exactly one length is given and all numbers are positive.
    """

    iterations: int | None = None
    epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    seed: int = 0
    validate_every: int = 100
    threads: int = 2
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check the numbers."""
        lengths = [self.iterations, self.epochs]
        if lengths.count(None) != 1:
            raise ValueError(
                "exactly one of iterations and epochs must be given, "
                f"got {self.iterations} and {self.epochs}"
            )
        if max(length for length in lengths if length is not None) < 1:
            raise ValueError(f"iterations or epochs must be positive, got {lengths}")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay}")

    def total(self, iterations_per_epoch: int) -> int:
        """Return the iterations of the whole training.

        Parameters
        ----------
        iterations_per_epoch : int

        Returns
        -------
        int
        """
        return self.iterations or self.epochs * iterations_per_epoch

    def rate(self, iteration: int, total: int) -> float:
        """Return the learning rate of an iteration.

        Parameters
        ----------
        iteration : int
            From 0.
        total : int
            Iterations of the whole training.

        Returns
        -------
        float
            Rises linearly over the first 5 %, then falls along half a cosine to zero. A
            function of the iteration alone, so that a resumed training needs no scheduler.
        """
        warm_up = max(1, round(_WARM_UP_SHARE * total))
        if iteration < warm_up:
            return self.learning_rate * (iteration + 1) / warm_up
        done = (iteration - warm_up) / max(1, total - warm_up)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class HistoryRow:
    """One validation during training.

    Attributes
    ----------
    iteration : int
        Updates made before it.
    loss : float
        Mean training loss since the row before; NaN before the first update.
    validation_drift_mm : float
        Mean over validation sweeps of the final drift, network alone, without the IMU.
    """

    iteration: int
    loss: float
    validation_drift_mm: float


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network, what its numbers mean, and how it came about.

    Attributes
    ----------
    arm : Arm
    network : torch.nn.Module
        In evaluation mode, on the CPU.
    scaling : TargetScaling
        Of the numbers the network says.
    settings : TrainingSettings
    input_px : int
        Side of the thumbnails it was trained on.
    training_subjects : tuple of str
        Whom it has seen: never to be tested on.
    history : tuple of HistoryRow
    calibrations : mapping of str to Calibration
        Deviations of the network alone ("network") and with inertial rotation ("with_imu"),
        fitted on validation sweeps; one is missing where no such sweep was there.
    imu_sd_deg : numpy.ndarray (3,), optional
        Error of inertial rotations on validation sweeps about each axis: their weight beside
        the network's. None where no validation sweep had any.
    reference_pictures : mapping of str to numpy.ndarray (P, P) float32
        Mean picture of the training sweeps by sweep type: tells a flipped probe.
    origin : str
        Where the training sweeps come from.
    """

    arm: Arm
    network: nn.Module
    scaling: TargetScaling
    settings: TrainingSettings
    input_px: int
    training_subjects: tuple[str, ...]
    history: tuple[HistoryRow, ...]
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    imu_sd_deg: np.ndarray | None = None
    reference_pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    origin: str = "simulated"
