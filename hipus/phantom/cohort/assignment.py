"""What the one assignment of subjects gave, beside what is printed.

Decides how sweeps, frames and volumes of each split are counted. Whole subjects cannot meet
the printed sizes exactly; this table says what came out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.phantom.cohort.sweeps import VOLUMETRIC

#: Every third frame of an annotated sweep carries labels (printed, section 5.2.1).
ANNOTATION_STEP = 3
SPLITS = ("train", "validation", "test")


def came_out(subjects: pd.DataFrame, sweeps: pd.DataFrame) -> pd.DataFrame:
    """Count what each split holds, beside the printed numbers.

    Parameters
    ----------
    subjects, sweeps : pandas.DataFrame
        Of a simulated cohort, as `formats.cohort_layout` reads them.

    Returns
    -------
    pandas.DataFrame
        Columns group, quantity, unit, printed (NaN where nothing is) and came_out.
        `sweeps/recorded` and `sweeps/rejected` count the study's volumetric sweeps; the
        printed numbers imply 11 of 200.
    """
    kept_columns = ["subject_id", "cohort", "split", "is_labelled_2d", "is_labelled_3d"]
    joined = sweeps.merge(subjects[kept_columns], on="subject_id", validate="many_to_one")
    recorded = joined[joined.sweep_type.isin(VOLUMETRIC)]
    usable = recorded[recorded.is_usable == 1]
    counts = _study_counts(recorded[recorded.cohort == "study"])
    counts |= _motion_counts(usable) | _label_counts(usable[usable.cohort == "study"])
    rows = [
        {"group": group, "quantity": name, "unit": unit, "came_out": float(value)}
        for (group, name, unit), value in counts.items()
    ]
    printed = _printed()
    table = pd.DataFrame(rows)
    keys = zip(table.group, table.quantity, strict=True)
    table["printed"] = [printed.get(key, np.nan) for key in keys]
    return table[["group", "quantity", "unit", "printed", "came_out"]]


def _study_counts(study: pd.DataFrame) -> dict:
    """Count the study's sweeps before anything is rejected."""
    return {
        ("sweeps", "recorded", "sweeps"): len(study),
        ("sweeps", "rejected", "sweeps"): int((study.is_usable == 0).sum()),
        ("frames", "per_sweep_mean", "frames"): _used_frames(study).mean(),
    }


def _motion_counts(usable: pd.DataFrame) -> dict:
    """Count sweeps and infants of the motion networks, which need no labels."""
    counts = {}
    for split in ("train", "validation"):
        part = usable[(usable.split == split)]
        counts["sweeps", f"tracked_{split}", "sweeps"] = len(part)
        counts["sweeps", f"infants_{split}", "infants"] = part.subject_id.nunique()
    return counts


def _label_counts(study: pd.DataFrame) -> dict:
    """Count labelled frames and volumes by split."""
    counts = {}
    for split in SPLITS:
        part = study[study.split == split]
        in_2d, in_3d = part[part.is_labelled_2d == 1], part[part.is_labelled_3d == 1]
        annotated = np.ceil(_used_frames(in_2d) / ANNOTATION_STEP).sum()
        counts["frames", split, "frames"] = annotated
        counts["volumes", split, "volumes"] = len(in_3d)
    return counts


def _used_frames(sweeps: pd.DataFrame) -> pd.Series:
    """Return the frames between the hesitations of each sweep."""
    return sweeps.trim_stop - sweeps.trim_start


def _printed() -> dict[tuple[str, str], float]:
    """Return the printed numbers by group and quantity; the rejected ones follow from them."""
    path = paths.data_dir() / "cohort" / "published_cohort.csv"
    table = tables.read(path, columns=("group", "quantity", "value"))
    printed = {(row.group, row.quantity): float(row.value) for row in table.itertuples()}
    infants = printed["sweeps", "infants_train"] + printed["sweeps", "infants_validation"]
    used = printed["sweeps", "tracked_train"] + printed["sweeps", "tracked_validation"]
    recorded = 2 * len(VOLUMETRIC) * infants
    return printed | {("sweeps", "recorded"): recorded, ("sweeps", "rejected"): recorded - used}
