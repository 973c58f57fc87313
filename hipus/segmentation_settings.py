"""The blocks of params.yaml that belong to segmentation.

Decides which keys they have and what they mean. Deliberately reads no file (see `config`); what a
network's numbers may be is checked here, whether they fit a network where its plan is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from hipus.settings import Sizes

OPTIMISERS = ("sgd", "adamw")
SCHEDULES = ("poly",)


@dataclass(frozen=True)
class SweepVolumes(Sizes):
    """Size of the volumes that sweeps are put into.

    Attributes
    ----------
    spacing_mm : float
        Of their voxels.
    widest_gap_mm : float
        Wider gaps between frames are not bridged.
    first_round_rows, first_round_columns : int
        Every volume is resized to that many rows and columns for model 3.1; its depth stays.
    """

    spacing_mm: float
    widest_gap_mm: float
    first_round_rows: int
    first_round_columns: int


@dataclass(frozen=True)
class VolumeLabels(Sizes):
    """How predicted masks are made ready for correction.

    Attributes
    ----------
    smoothing_mm : float
        Width (sigma) of the Gaussian that smooths the masks of model 3.1.
    refinement : int
        Raters draw on a grid that divides each voxel of a volume so many times along each axis:
        on a coarse one their errors would vanish below half a voxel.
    """

    smoothing_mm: float
    refinement: int


@dataclass(frozen=True)
class SegmentationScores(Sizes):
    """Size of the statistics of segmentation.

    Attributes
    ----------
    resamples : int
        Of the bootstrap over subjects.
    """

    resamples: int


@dataclass(frozen=True)
class VolumeGrades(Sizes):
    """Size of the grading of volumes that nobody labelled.

    Attributes
    ----------
    sweeps : int
        Further sweeps at most, spread over their subjects.
    resamples : int
        Of the bootstrap over subjects.
    """

    sweeps: int
    resamples: int


@dataclass(frozen=True)
class SegmentationArms(Sizes):
    """Size of the arms of segmentation; their trainings have the numbers of models 2.1 and 3.2.

    Attributes
    ----------
    volumes : int
        Volumes at most that are corrected from each beginning; whole subjects.
    error_scales : tuple of float
        Factors on the volumetric rater's errors, each a training; 1 is always among the arms
        and needs none.
    resamples : int
        Of the bootstrap over subjects.
    """

    volumes: int
    error_scales: tuple[float, ...]
    resamples: int

    def __post_init__(self) -> None:
        """Check that every factor is one, and stands for an arm of its own."""
        super().__post_init__()
        scales = self.error_scales
        if not all(0 < scale < inf for scale in scales) or len({1.0, *scales}) <= len(scales):
            raise ValueError(
                f"error_scales must be positive, different from each other and from 1, got {scales}"
            )


@dataclass(frozen=True)
class Stills:
    """Size of the trainings on real stills.

    Attributes
    ----------
    rows, columns : int
        Of the pictures that networks see.
    folds : int
        Cases that are left out in turn, at most.
    epochs, iterations_per_epoch, batch_size : int
        Of each training; all else is as model 2.1's.
    resamples : int
        Of the bootstrap over cases.
    device : str
        "cpu", "cuda" or "auto".
    """

    rows: int
    columns: int
    folds: int
    epochs: int
    iterations_per_epoch: int
    batch_size: int
    resamples: int
    device: str


@dataclass(frozen=True)
class ModelNumbers:
    """All that a profile may choose about one network.

    Attributes
    ----------
    patch_size : tuple of int
        Pixels (rows, columns) or voxels (z, y, x) of a training patch.
    batch_size : int
        Patches in an update.
    features_per_stage : tuple of int
        Channels of each resolution level; its length is the number of levels.
    convolutions_per_stage : tuple of int
        Convolutions of each level, from the finest down to the coarsest and up again; () for two
        everywhere, as published. On a CPU those of the finest level, with few channels, take most
        of the time of an update.
    epochs, iterations_per_epoch, validation_iterations : int
        Length of the training: updates are `epochs * iterations_per_epoch`.
    optimiser : str
        "sgd" with Nesterov momentum, as published, or "adamw".
    learning_rate, weight_decay, momentum : float
        The first learning rate; `momentum` is read by "sgd" alone.
    mirror_axes : tuple of int
        Array axes that augmentation may mirror, () for none. Stock: all.
    rotation_deg : float
        Largest rotation of augmentation about each axis. Stock: 180 in 2D, 30 in 3D.
    schedule : str
        "poly": the learning rate falls by epoch as (1 - epoch / epochs)^0.9.
    batch_dice : bool
        Dice loss of all patches of a batch together, not of each: a structure that a patch does
        not show costs nothing there. As published for all but 3.2; short runs need it.
    oversample_foreground_percent : float
        Share (0 to 1, as nnU-Net names it) of a batch that must show a structure.
    spacing_mm : tuple of float
        Spacing the network sees, in array order; () for that of the data.
    threads : int
        Processor threads of the training; the bits of a result depend on it.
    loader_processes : int
        Processes that augment on a GPU (nnU-Net wants at least 8); none on a CPU, where a
        training is to be repeatable to the bit.
    """

    patch_size: tuple[int, ...]
    batch_size: int
    features_per_stage: tuple[int, ...]
    epochs: int
    iterations_per_epoch: int
    validation_iterations: int
    optimiser: str
    learning_rate: float
    weight_decay: float
    momentum: float
    mirror_axes: tuple[int, ...]
    rotation_deg: float
    convolutions_per_stage: tuple[int, ...] = ()
    schedule: str = "poly"
    batch_dice: bool = True
    oversample_foreground_percent: float = 0.33
    spacing_mm: tuple[float, ...] = ()
    threads: int = 2
    loader_processes: int = 8

    def __post_init__(self) -> None:
        """Check each number by itself."""
        lengths = ("batch_size", "epochs", "iterations_per_epoch", "validation_iterations")
        for name in (*lengths, "threads", "loader_processes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser must be one of {OPTIMISERS}, got {self.optimiser!r}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {SCHEDULES}, got {self.schedule!r}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if not 0 <= self.oversample_foreground_percent <= 1:
            share = self.oversample_foreground_percent
            raise ValueError(f"oversample_foreground_percent must be 0 to 1, got {share}")
        stages = len(self.features_per_stage)
        counts = self.convolutions_per_stage
        if counts and (len(counts) != 2 * stages - 1 or min(counts) < 1):
            raise ValueError(
                f"convolutions_per_stage must be {2 * stages - 1} positive numbers ({stages} "
                f"levels down, {stages - 1} up) or none, got {counts}"
            )
