"""Who is in the cohort, which hips they have, and which sweeps are made of them.

Decides ids, splits, Graf types and the list of sweeps, as tidy tables that are known before
anything is simulated. One assignment of subjects to splits binds every network and every
measurement. Deliberately draws no hip and no motion.

Ids are stable: a subject is the same in every profile, and adding one changes no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import seeds
from hipus.phantom.acquisition.protocol import SIDES
from hipus.phantom.cohort.infants import BLOCK, Infant, draw_block, spectrum_infant
from hipus.phantom.cohort.settings import CohortSettings
from hipus.phantom.cohort.sweeps import planned_sweeps

#: Groups of subjects, and the number that their ids begin after.
COHORTS = {
    "study": 0,
    "test": 100,
    "training_only": 200,
    "centre2": 300,
    "dysplastic": 400,
    "repeats": 500,
    "grid": 600,
}
#: Where the splits of the study begin within the fifty: their ends never move.
_FIRST_PLACE = {"train": 0, "validation": 45, "test": 48}


@dataclass(frozen=True)
class CohortPlan:
    """A cohort before it is simulated.

    Attributes
    ----------
    settings : CohortSettings
    seed : int
        The study's.
    subjects : pandas.DataFrame
        One row per subject_id: cohort, centre, split {train, validation, test}, sex,
        age_days, is_tracked, is_labelled_2d, is_labelled_3d.
    hips : pandas.DataFrame
        One row per (subject_id, side): graf_type.
    sweeps : pandas.DataFrame
        One row per (subject_id, sweep_id); columns as `sweeps.planned_sweeps` gives them.
    """

    settings: CohortSettings
    seed: int
    subjects: pd.DataFrame
    hips: pd.DataFrame
    sweeps: pd.DataFrame

    def subject(self, subject_id: str) -> SubjectPlan:
        """Return one subject's part of the plan.

        Raises
        ------
        ValueError
            If there is no such subject.
        """
        rows = self.subjects[self.subjects.subject_id == subject_id]
        if rows.empty:
            raise ValueError(f"subject_id must be one of the plan's, got {subject_id!r}")
        return SubjectPlan(
            subject=rows.iloc[0].to_dict(),
            hips=_records(self.hips, subject_id),
            sweeps=_records(self.sweeps, subject_id),
            settings=self.settings,
            seed=self.seed,
        )

    def each(self) -> list[SubjectPlan]:
        """Return all subjects' parts, the longest work first."""
        counts = self.sweeps.subject_id.value_counts()
        order = sorted(self.subjects.subject_id, key=lambda name: (-counts[name], name))
        return [self.subject(name) for name in order]


@dataclass(frozen=True)
class SubjectPlan:
    """All that is needed to simulate one subject.

    Attributes
    ----------
    subject : dict
        A row of `CohortPlan.subjects`.
    hips, sweeps : tuple of dict
        Its rows of the other tables.
    settings : CohortSettings
    seed : int
    """

    subject: dict
    hips: tuple[dict, ...]
    sweeps: tuple[dict, ...]
    settings: CohortSettings
    seed: int

    @property
    def subject_id(self) -> str:
        """Return the subject's id."""
        return self.subject["subject_id"]

    def rng(self, *unit: str) -> np.random.Generator:
        """Return the generator of one part of this subject's work."""
        return seeds.generator(self.seed, "cohort", self.subject_id, *unit)


def _records(table: pd.DataFrame, subject_id: str) -> tuple[dict, ...]:
    return tuple(table[table.subject_id == subject_id].to_dict("records"))


def plan_cohort(settings: CohortSettings, seed: int) -> CohortPlan:
    """Plan a cohort.

    Parameters
    ----------
    settings : CohortSettings
    seed : int
        The study's.

    Returns
    -------
    CohortPlan
    """
    subjects, hips, sweeps = [], [], []
    for cohort in COHORTS:
        for entry in _subjects(settings, cohort):
            subject_id = entry["subject_id"]
            infant = _infant(seed, cohort, subject_id)
            subjects.append(entry | {"sex": infant.sex, "age_days": infant.age_days})
            hips += [
                {"subject_id": subject_id, "side": side, "graf_type": infant.graf_type(side)}
                for side in SIDES
            ]
            operator = seeds.generator(seed, "cohort", subject_id, "operator")
            sweeps += planned_sweeps(operator, entry, settings)
    return CohortPlan(
        settings=settings,
        seed=seed,
        subjects=pd.DataFrame(subjects).drop(columns="has_graf"),
        hips=pd.DataFrame(hips),
        sweeps=pd.DataFrame(sweeps),
    )


def _subjects(settings: CohortSettings, cohort: str) -> list[dict]:
    """Return the rows of one group's subjects, without what is drawn."""
    if cohort == "study":
        return _study_subjects(settings)
    # Only `training_only` is ever trained on; everything else is further test data.
    split = "train" if cohort == "training_only" else "test"
    has_graf = settings.graf_subjects if cohort in ("test", "centre2") else 0
    return [
        _row(cohort, split, place, labels=(False, False), has_graf=place < has_graf)
        for place in range(getattr(settings, f"{cohort}_subjects"))
    ]


def _study_subjects(settings: CohortSettings) -> list[dict]:
    """Return the rows of the study's subjects; those with labels come first in each split."""
    rows = []
    for index, (split, count) in enumerate(settings.splits.items()):
        for rank in range(count):
            labels = rank < settings.labelled_2d[index], rank < settings.labelled_3d[index]
            rows.append(_row("study", split, _FIRST_PLACE[split] + rank, labels=labels))
    # Graf sweeps from the last id on: testing needs them first.
    for row in rows[::-1][: settings.graf_subjects]:
        row["has_graf"] = True
    return rows


def _row(cohort: str, split: str, place: int, *, labels, has_graf: bool = False) -> dict:
    """Return what is known of a subject from its place alone."""
    is_elsewhere = cohort == "centre2"
    return {
        "subject_id": f"S{COHORTS[cohort] + place + 1:03d}",
        "cohort": cohort,
        "centre": 2 if is_elsewhere else 1,
        "split": split,
        "is_tracked": not is_elsewhere,
        "is_labelled_2d": labels[0],
        "is_labelled_3d": labels[1],
        "has_graf": has_graf,
    }


def _infant(seed: int, cohort: str, subject_id: str) -> Infant:
    """Return a subject's infant: its place among fifty, or on the spectrum."""
    place = int(subject_id[1:]) - COHORTS[cohort] - 1
    if cohort == "dysplastic":
        return spectrum_infant(seeds.generator(seed, "cohort", subject_id, "infant"), place)
    block = draw_block(seeds.generator(seed, "cohort", cohort, place // BLOCK))
    return block[place % BLOCK]
