"""Sizes of the stages that predict motion: their blocks of params.yaml as frozen dataclasses.

Decides which keys these blocks have and which values make no sense. Deliberately reads no file
(see `config`) and knows no arm and no network.
"""

from __future__ import annotations

from dataclasses import dataclass

from hipus.settings import Sizes


@dataclass(frozen=True)
class Motion:
    """Size of the study of predicted motion.

    Attributes
    ----------
    input_px : int
        Side of the square pictures that networks see.
    iterations, epochs : int or None
        Length of the published network's training: one of the two, the other null.
    batch_size : int
        Windows of a batch.
    validate_every : int
        Iterations between validations; each leaves a checkpoint.
    threads : int
        Threads of torch while it trains. Results are equal bit for bit for equal numbers.
    device : str
        Where torch trains: cpu, or cuda where there is one.
    resamples : int
        Of subjects, behind every interval.
    """

    input_px: int
    iterations: int | None
    epochs: int | None
    batch_size: int
    validate_every: int
    threads: int
    device: str
    resamples: int

    def __post_init__(self) -> None:
        """Check that one length is given and that every number is positive."""
        if (self.iterations is None) == (self.epochs is None):
            raise ValueError(
                "iterations or epochs must be a number and the other null, "
                f"got {self.iterations} and {self.epochs}"
            )
        for name in (*("input_px", "batch_size", "validate_every", "threads", "resamples"),
                     *("iterations", "epochs")):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}")


@dataclass(frozen=True)
class MotionArms(Sizes):
    """The one budget that all learned arms of motion have.

    Attributes
    ----------
    iterations, batch_size : int
        Updates of a training, and windows of an update.
    learning_rate : float
        At its highest.
    validate_every : int
        Iterations between validations, each with a checkpoint.
    input_px : int
        Side of the networks' pictures.
    resamples : int
        Of subjects, behind every interval.
    """

    iterations: int
    batch_size: int
    learning_rate: float
    validate_every: int
    input_px: int
    resamples: int


@dataclass(frozen=True)
class MotionSpacing(Sizes):
    """Size of the comparison of frame spacings.

    Attributes
    ----------
    training_subjects, test_subjects : int
        Subjects of whom one p_a and one p_d sweep each are simulated again, faster.
    input_px : int
        Side of the pictures on which optical flow is computed.
    resamples : int
        Of subjects, behind every interval.
    """

    training_subjects: int
    test_subjects: int
    input_px: int
    resamples: int
