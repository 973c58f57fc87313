"""How large a cohort is: subjects, sweeps, frames.

Decides which sizes a cohort may have. Deliberately holds no size, which is params.yaml's
business, and no method: profiles differ in size only, so that what runs in minutes is what
runs for the publication.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from hipus import config

#: Most subjects of a kind: ids of a kind are a block of a hundred numbers, and the study
#: proper is the published fifty, each split a part of them.
MOST_SUBJECTS = 99
MOST_BY_SPLIT = {"study_train": 45, "study_validation": 3, "study_test": 2}


@dataclass(frozen=True)
class CohortSettings:
    """Size of a cohort.

    Attributes
    ----------
    study_train, study_validation, study_test : int
        Subjects of the study proper, by split.
    labelled_2d, labelled_3d : tuple of 3 int
        How many of them, by split, carry labels for the 2D and for the 3D networks.
    test_subjects : int
        Further subjects that are only ever tested on.
    training_only_subjects : int
        Further subjects for motion, without labels.
    centre2_subjects : int
        Of a second, untracked centre.
    dysplastic_subjects : int
        Whose hips go through Graf's types.
    repeats_subjects : int
        Swept repeatedly by two operators, and with a still and a restless infant.
    grid_subjects : int
        Swept with every combination of the three axes below.
    grid_path_mm, grid_duration_s, grid_motion : tuple of float
        Path lengths, durations, and factors on the infant's motion.
    graf_subjects : int
        Subjects of study, test cohort and second centre, each, that have Graf sweeps.
    frame_rows, frame_columns : int
    line_count : int
    sample_pitch_mm : float
        Scan lines of the native grid, and its axial step.
    scene_spacing_mm : float
        Grid of the anatomy that ultrasound reads.
    volume_spacing_mm : float
        Grid of the truth label volumes.
    """

    study_train: int
    study_validation: int
    study_test: int
    labelled_2d: tuple[int, int, int]
    labelled_3d: tuple[int, int, int]
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
        """Refuse sizes that no cohort has; lists of params.yaml become tuples."""
        for entry in fields(self):
            if isinstance(getattr(self, entry.name), list):
                object.__setattr__(self, entry.name, tuple(getattr(self, entry.name)))
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name.endswith("_subjects") or entry.name.startswith("study_"):
                _check_count(entry.name, value)
        self._check_labelled()
        for name in ("frame_rows", "frame_columns", "line_count"):
            if getattr(self, name) < 8:
                raise ValueError(f"cohort.{name} must be >= 8, got {getattr(self, name)}")
        for name in ("sample_pitch_mm", "scene_spacing_mm", "volume_spacing_mm"):
            if not 0.05 <= getattr(self, name) <= 2:
                raise ValueError(
                    f"cohort.{name} must lie between 0.05 and 2, got {getattr(self, name)}"
                )

    def _check_labelled(self) -> None:
        """Refuse more labelled subjects than there are."""
        for name in ("labelled_2d", "labelled_3d"):
            wanted = getattr(self, name)
            if len(wanted) != 3 or any(
                not 0 <= few <= many for few, many in zip(wanted, self.splits.values(), strict=True)
            ):
                raise ValueError(
                    f"cohort.{name} must be 3 counts within {tuple(self.splits.values())}, "
                    f"got {wanted}"
                )

    @classmethod
    def from_config(cls, block: config.Cohort) -> CohortSettings:
        """Return the sizes that a profile of params.yaml asks for.

        Raises
        ------
        ValueError
            If no cohort has such sizes; names the key, expected and got.
        """
        return cls(**{entry.name: getattr(block, entry.name) for entry in fields(cls)})

    @property
    def splits(self) -> dict[str, int]:
        """Return the number of study subjects by split."""
        return {
            "train": self.study_train,
            "validation": self.study_validation,
            "test": self.study_test,
        }

    @property
    def study_subjects(self) -> int:
        """Return the number of subjects of the study proper."""
        return sum(self.splits.values())

    @property
    def shape_px(self) -> tuple[int, int]:
        """Return rows and columns of a frame."""
        return self.frame_rows, self.frame_columns


def _check_count(name: str, value: int) -> None:
    """Refuse negative numbers of subjects, and more than ids reach."""
    most = MOST_BY_SPLIT.get(name, MOST_SUBJECTS)
    if not 0 <= value <= most:
        raise ValueError(f"cohort.{name} must lie between 0 and {most}, got {value}")
