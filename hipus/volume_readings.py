"""Which label volumes people read, what they see, and how readers and rules agree.

Decides that a reading is blind (volumes come in a random order, under no name of a model or
grade) and that a reader's grade counts only for the labels that were seen: whoever trains anew
has them read anew. The form itself is `reading_form`, the measure `rating_agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import images, paths, tables, viewers
from hipus.figures.label_volumes import draw_label_volume
from hipus.files import sha256
from hipus.formats.mask_files import read_mask
from hipus.rating_agreement import compare_ratings
from hipus.seeds import generator
from hipus.segmentation import networks
from hipus.segmentation.grading import GRADES

#: Who stands for the rules among the readers.
RULE = "rule"
MODEL_ID = networks.MODEL_3D_REFINED
#: Groups whose volumes and masks are kept on disk.
STORED = ("labelled_test", "test_only")
COLUMNS = ["first", "second", "measure", "value", "low", "high", "case_count", "subject_count"]


def readings_dir(profile: str) -> Path:
    """Return `results/<profile>/readings`: a person's work, no stage's output."""
    return paths.results_dir(profile) / "readings"


def cases_to_read(
    profile: str, grades: pd.DataFrame, *, rng: np.random.Generator
) -> dict[str, str]:
    """Return the volumes that people read, in a random order.

    Parameters
    ----------
    profile : str
    grades : pandas.DataFrame
        Table volume_grades: subject_id, sweep_id, group, poses, grade.
    rng : numpy.random.Generator
        Of the order.

    Returns
    -------
    dict of str to str
        "S201_left_p_a" -> SHA-256 of model 3.2's mask, of the stored test volumes.

    Raises
    ------
    FileNotFoundError
        If a mask is missing; the message says what makes it.
    """
    names = rng.permutation(list(_stored(grades).index))
    files = {str(name): tables.existing(_mask_file(profile, name)) for name in names}
    return {name: sha256(path) for name, path in files.items()}


def _stored(grades: pd.DataFrame) -> pd.DataFrame:
    """Return the volumes that people can read, by case."""
    rows = grades[grades["group"].isin(STORED) & (grades["poses"] == "tracked")]
    rows = rows.assign(case_id=rows["subject_id"] + "_" + rows["sweep_id"])
    return rows.sort_values("case_id").set_index("case_id")


def show_case(profile: str, case_id: str) -> None:
    """Show a labelled volume to a reader, under no name.

    Parameters
    ----------
    profile, case_id : str
    """
    grey = images.read(tables.existing(_grey_file(profile, case_id)))
    labels = read_mask(tables.existing(_mask_file(profile, case_id)), scheme="hip")
    viewers.show_figure(draw_label_volume(grey, labels.array))


def agreement_table(
    readings: pd.DataFrame,
    grades: pd.DataFrame,
    *,
    cases: Mapping[str, str],
    seed: int,
    resamples: int = 10_000,
) -> pd.DataFrame:
    """Compare every reader with the rules and with every other reader.

    Parameters
    ----------
    readings : pandas.DataFrame
        Of `reading_form.load_readings`.
    grades : pandas.DataFrame
        Table volume_grades.
    cases : mapping of str to str
        Of `cases_to_read`; readings of other versions are left out.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: percent agreement, unweighted, linear and quadratic kappa of each pair over
        the volumes that both graded; without rows where nobody has read.
    """
    known = _stored(grades).loc[list(cases)]
    graders = {RULE: known["grade"].to_dict(), **_current(readings, cases)}
    parts = []
    for first, second in combinations(graders, 2):
        both = [case for case in cases if case in graders[first] and case in graders[second]]
        if both:
            found = compare_ratings(
                *({case: graders[name][case] for case in both} for name in (first, second)),
                subjects=known["subject_id"], grades=GRADES, resamples=resamples,
                rng=generator(seed, "readings", first, second),
            )  # fmt: skip
            parts.append(found.table().assign(first=first, second=second))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _current(readings: pd.DataFrame, cases: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return each reader's grades of what lies there now."""
    rows = readings[readings["case_id"].map(cases) == readings["version"]]
    parts = rows.set_index("case_id").groupby("reader_id")["grade"]
    return {str(name): part.to_dict() for name, part in parts}


def _grey_file(profile: str, case_id: str) -> Path:
    return paths.results_dir(profile) / "sweep_volumes" / f"{case_id}_grey.mha"


def _mask_file(profile: str, case_id: str) -> Path:
    return paths.results_dir(profile) / "model_masks" / MODEL_ID / f"{case_id}.mha"
