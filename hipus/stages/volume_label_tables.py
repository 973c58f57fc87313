"""Tables that both stages of volume labels write. No stage of its own.

Decides their columns, how two raters of the same volumes are compared and how effort is summed
up.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.metrics import dice_per_label
from hipus.phantom.annotator.rater import DRAWN

SCHEME = "hip"
CASE = [*SWEEP_KEY, "side", "sweep_type", "cohort", "split"]
TASK = ["rater_id", "prior", "error_scale"]
SCORE_COLUMNS = [*CASE, *TASK, "structure", "dice_prior", "dice_corrected"]
EFFORT_COLUMNS = [
    *CASE, *TASK, "slice_count", "labelled_mm3", "changed_voxels", "changed_mm3",
    "touched_slices", "minutes_simulated",
]  # fmt: skip
SCORE_KEY, EFFORT_KEY = [*SWEEP_KEY, "structure"], list(SWEEP_KEY)
SUMMARY_COLUMNS = [
    "task", "rater_id", "case_count", "changed_unit", "changed_mean", "touched_slices_mean",
    "minutes_simulated_mean", "simulated_h",
]  # fmt: skip


def mask_file(folder: Path, case) -> Path:
    """Return where a volume's mask lies; `case` has subject_id and sweep_id."""
    return Path(folder) / f"{case.subject_id}_{case.sweep_id}.mha"


def compare_raters(cases: pd.DataFrame, first_folder: Path, second_folder: Path) -> pd.DataFrame:
    """Compare what two raters made of the same volumes.

    Parameters
    ----------
    cases : pandas.DataFrame
        As for `correct_cases`.
    first_folder, second_folder : path-like
        Of corrected masks; a missing one is an error.

    Returns
    -------
    pandas.DataFrame
        A row per volume and structure with the Dice between them.
    """
    rows = []
    for _, case in cases[CASE].iterrows():
        masks = [
            read_mask(tables.existing(mask_file(folder, case)), scheme=SCHEME).array
            for folder in (first_folder, second_folder)
        ]
        for label, value in zip(DRAWN, dice_per_label(*masks, DRAWN), strict=True):
            rows.append({**case.to_dict(), "structure": label.name.lower(), "dice": value})
    return pd.DataFrame(rows, columns=[*CASE, "structure", "dice"])


def summarise_effort(parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Return what each task cost.

    Parameters
    ----------
    parts : iterable of (task, table)
        Tables with `rater_id` and `minutes_simulated`; of frames with `changed_mm2` and
        `touched_frames`, of volumes with `changed_mm3` and `touched_slices`.

    Returns
    -------
    pandas.DataFrame
        A row per task and rater: cases (sweeps or volumes), the mean change of a case with its
        unit, mean slices or frames touched, minutes a case and hours in all.
    """
    rows = []
    for task, table in parts:
        unit = "mm2" if "changed_mm2" in table else "mm3"
        slices = "touched_frames" if unit == "mm2" else "touched_slices"
        for rater, group in table.groupby("rater_id"):
            minutes = group.minutes_simulated
            row = {"task": task, "rater_id": rater, "case_count": len(group), "changed_unit": unit}
            row |= {"changed_mean": group[f"changed_{unit}"].mean()}
            row |= {"touched_slices_mean": group[slices].mean()}
            row |= {"minutes_simulated_mean": minutes.mean(), "simulated_h": minutes.sum() / 60}
            rows.append(row)
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def mean_dice(table: pd.DataFrame, column: str) -> dict[str, float]:
    """Return the mean Dice of each structure, and the mean of these.

    Parameters
    ----------
    table : pandas.DataFrame
        With `structure` and the column; a volume that lacks a structure twice is left out.
    column : str

    Returns
    -------
    dict of str to float
        By structure, and "mean".
    """
    found = table.groupby("structure")[column].mean()
    return {"mean": float(found.mean()), **found.to_dict()}
