"""How large a cohort is: subjects, sweeps, frames.

Decides the sizes of the three profiles. Deliberately holds no method: profiles differ in
size only, so that what runs in minutes is what runs for the publication.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

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
        Swept repeatedly by two operators, and once without infant motion.
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


#: The printed 3D split has 32, 8 and 8 volumes at 4 volumes an infant: 8, 2 and 2 infants. The
#: printed 2D split of 8 infants (432, 108 and 71 frames, 76 an infant) is nearest to 6, 1, 1.
_PRINTED = {"labelled_2d": (6, 1, 1), "labelled_3d": (8, 2, 2)}

#: Sizes by profile. `paper`: 50 infants with 3 for validation of motion, as printed; the
#: printed 47 for its training become 45, because two are kept for testing.
PROFILES = {
    "smoke": CohortSettings(
        study_train=1,
        study_validation=1,
        study_test=1,
        labelled_2d=(1, 1, 1),
        labelled_3d=(1, 1, 1),
        test_subjects=2,
        training_only_subjects=1,
        centre2_subjects=1,
        dysplastic_subjects=1,
        repeats_subjects=1,
        grid_subjects=1,
        grid_path_mm=(20.0, 40.0),
        grid_duration_s=(6.0,),
        grid_motion=(1.0,),
        graf_subjects=1,
        frame_rows=116,
        frame_columns=128,
        line_count=64,
        sample_pitch_mm=0.2,
        scene_spacing_mm=0.7,
        volume_spacing_mm=1.0,
    ),
    "small": CohortSettings(
        study_train=8,
        study_validation=2,
        study_test=2,
        **_PRINTED,
        test_subjects=10,
        training_only_subjects=26,
        centre2_subjects=2,
        dysplastic_subjects=5,
        repeats_subjects=2,
        grid_subjects=1,
        grid_path_mm=(20.0, 40.0),
        grid_duration_s=(4.0, 10.0),
        grid_motion=(0.0, 2.0),
        graf_subjects=2,
        frame_rows=232,
        frame_columns=256,
        line_count=128,
        sample_pitch_mm=0.14,
        scene_spacing_mm=0.6,
        volume_spacing_mm=0.5,
    ),
    "paper": CohortSettings(
        study_train=45,
        study_validation=3,
        study_test=2,
        **_PRINTED,
        test_subjects=20,
        training_only_subjects=0,
        centre2_subjects=97,
        dysplastic_subjects=20,
        repeats_subjects=10,
        grid_subjects=3,
        grid_path_mm=(20.0, 30.0, 40.0),
        grid_duration_s=(4.0, 7.0, 10.0),
        grid_motion=(0.0, 1.0, 2.0),
        graf_subjects=97,
        frame_rows=727,
        frame_columns=800,
        line_count=256,
        sample_pitch_mm=0.08,
        scene_spacing_mm=0.4,
        volume_spacing_mm=0.2483,
    ),
}
