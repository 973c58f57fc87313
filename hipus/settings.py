"""The blocks of params.yaml as frozen dataclasses, each of which checks its own values.

Decides which keys a block has and what they mean. Deliberately reads no file (see `config`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

_SHA256 = re.compile(r"[0-9a-f]{64}")
SOURCES = ("simulated", "folder")


class Sizes:
    """A block that holds nothing but positive numbers and lists that are not empty."""

    def __post_init__(self) -> None:
        """Check that every size is one, and that every list has something in it."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, tuple):
                if not value:
                    raise ValueError(f"{item.name} must not be empty")
            elif not 0 < value < math.inf:
                raise ValueError(f"{item.name} must be > 0 and finite, got {value}")


@dataclass(frozen=True)
class Common:
    """Settings shared by all profiles.

    Attributes
    ----------
    seed : int
        Root of every random generator.
    simulation_sha256 : str
        Fingerprint of the frozen parameters of the simulation, 64 hexadecimal digits
        (`hipus.phantom.cohort.frozen`).
    """

    seed: int
    simulation_sha256: str

    def __post_init__(self) -> None:
        """Check that the fingerprint is one."""
        if not _SHA256.fullmatch(self.simulation_sha256):
            raise ValueError(
                f"simulation_sha256 must be 64 hexadecimal digits, got {self.simulation_sha256!r}"
            )


@dataclass(frozen=True)
class Calibration(Sizes):
    """Size of the calibration study.

    Attributes
    ----------
    frame_step, validation_frame_step : int
        Every n-th frame of the calibration and of the validation sweep is used.
    bootstrap : int
        Resamples of whole frames.
    lag_scan_step_s : float
        Step of the lag grid of the joint space-and-time calibration.
    """

    frame_step: int
    validation_frame_step: int
    bootstrap: int
    lag_scan_step_s: float


@dataclass(frozen=True)
class Reconstruction(Sizes):
    """Size of the reconstruction study.

    Attributes
    ----------
    resliced_frames : int
        Frames left out one at a time and predicted from the others.
    """

    resliced_frames: int


@dataclass(frozen=True)
class Cohort:
    """Where the cohort comes from, and how large a simulated one is.

    Attributes
    ----------
    source : {"simulated", "folder"}
    path : str or None
        The folder's; a relative one begins beside params.yaml.
    study_train, ..., volume_spacing_mm
        Sizes of a simulated cohort, as `hipus.phantom.cohort.settings.CohortSettings` says
        and checks.
    """

    source: str
    path: str | None
    study_train: int
    study_validation: int
    study_test: int
    labelled_2d: tuple[int, ...]
    labelled_3d: tuple[int, ...]
    test_subjects: int
    training_only_subjects: int
    centre2_subjects: int
    dysplastic_subjects: int
    repeats_subjects: int
    grid_subjects: int
    grid_path_mm: tuple[float, ...]
    grid_duration_s: tuple[float, ...]
    grid_motion: tuple[float, ...]
    graf_subjects: int
    frame_rows: int
    frame_columns: int
    line_count: int
    sample_pitch_mm: float
    scene_spacing_mm: float
    volume_spacing_mm: float

    def __post_init__(self) -> None:
        """Check that a folder is named when one is asked for, and only then."""
        if self.source not in SOURCES:
            raise ValueError(f"source must be one of {SOURCES}, got {self.source!r}")
        if (self.source == "folder") != bool(self.path):
            raise ValueError(
                f"path must name the cohort's folder when source is folder, and be null "
                f"otherwise, got {self.path!r} with source {self.source!r}"
            )


@dataclass(frozen=True)
class Realism(Sizes):
    """Size of the comparison of simulated with real pictures.

    Attributes
    ----------
    pictures : int
        Simulated infants, one picture each.
    volume_sweeps : int
        Sweeps of the cohort that are put into volumes for the printed normalisation.
    """

    pictures: int
    volume_sweeps: int

    def __post_init__(self) -> None:
        """Check that every size is one; a classifier needs two pictures."""
        super().__post_init__()
        if self.pictures < 2:
            raise ValueError(f"pictures must be >= 2, got {self.pictures}")


@dataclass(frozen=True)
class Raters(Sizes):
    """Size of the study of raters.

    Attributes
    ----------
    subjects : int
        Infants whose sweeps are annotated.
    pairs : int
        Of raters for each sweep.
    """

    subjects: int
    pairs: int


@dataclass(frozen=True)
class CalibrationSimulated(Sizes):
    """Size of the calibration study on simulated phantoms.

    Attributes
    ----------
    sessions : int
        Of each phantom, and water tanks.
    frames : int
        Of one session.
    """

    sessions: int
    frames: int


@dataclass(frozen=True)
class DecorrelationCurves(Sizes):
    """Size of the curves of decorrelation along four motions.

    Attributes
    ----------
    frames : int
        Of each short motion.
    patch_rows, patch_columns : int
        Patches of a frame.
    """

    frames: int
    patch_rows: int
    patch_columns: int


@dataclass(frozen=True)
class MotionVolumes(Sizes):
    """Size of the comparison of volumes by predicted with those by tracked poses.

    Attributes
    ----------
    arms : tuple of str
        Folders below `motion_predictions`; the first one is shown as a picture.
    spacing_mm : float
        Of the volumes.
    shell_mm, outer_mm : float
        Thickness of the shells about the head's centre, and their last radius.
    near_mm : float
        Radius that counts as near the head.
    resamples : int
        Of the bootstrap over subjects.
    """

    arms: tuple[str, ...]
    spacing_mm: float
    shell_mm: float
    outer_mm: float
    near_mm: float
    resamples: int


@dataclass(frozen=True)
class PoseRefinement(Sizes):
    """Size of the refinement of predicted poses by crossing sweeps.

    Attributes
    ----------
    arms : tuple of str
        Folders below `motion_predictions`.
    hips : int
        Hips of the test-only cohort at most, spread over its subjects.
    coarse_iterations, fine_iterations : int
    resamples : int
        Of the bootstrap over subjects.
    """

    arms: tuple[str, ...]
    hips: int
    coarse_iterations: int
    fine_iterations: int
    resamples: int
