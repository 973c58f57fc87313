"""The printed numbers of the cohort beside ours: a table of stage `cohort`.

Decides what is compared with what. Nothing here is a result: printed counts are inputs of the
simulation, and the table says how near whole subjects come to them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.phantom.acquisition.protocol import read_protocol
from hipus.phantom.cohort.assignment import came_out
from hipus.phantom.cohort.sweeps import VOLUMETRIC

COLUMNS = ["quantity", "unit", "published", "ours", "note"]
_NOTES = {
    "sweeps_tracked_train": "with the subjects that only train motion",
    "sweeps_infants_train": "with the subjects that only train motion",
    "sweeps_recorded": "volumetric sweeps of the study proper; printed: 50 infants x 4",
    "sweeps_rejected": "by the named quality rules; printed: 200 less 177 and 12",
    "frames_per_sweep_mean": "p_a and p_d together, hesitation trimmed",
}


def inputs() -> list[Path]:
    """Return the tables of printed numbers that are read."""
    folder = paths.data_dir()
    return [folder / "cohort" / "published_cohort.csv", folder / "protocol" / "sweeps.csv"]


def published_table(
    subjects: pd.DataFrame, sweeps: pd.DataFrame, hips: pd.DataFrame
) -> pd.DataFrame:
    """Return the printed numbers of the cohort beside ours.

    Parameters
    ----------
    subjects, sweeps, hips : pandas.DataFrame
        As the functions above give them.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, unit, published (NaN: not printed), ours, note. The study's subjects
        only; motion also trains on further ones, as its note says.
    """
    study = subjects[subjects.cohort == "study"]
    who = f"{len(study)} infants of the study proper"
    listed = tables.read(inputs()[0], columns=("group", "quantity", "value"))
    printed = listed.set_index(["group", "quantity"]).value
    rows = [
        ("infants", "infants", printed["cohort", "infants"], len(study), who),
        *_demographics(study, printed, who),
        *_hip_rows(hips[hips.subject_id.isin(study.subject_id)], printed),
        *_sweep_rows(
            sweeps[sweeps.subject_id.isin(study.subject_id)], printed["frames", "per_sweep_mean"]
        ),
        *_split_rows(subjects, sweeps),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _demographics(study: pd.DataFrame, printed: pd.Series, who: str) -> list[tuple]:
    """Return sexes and ages."""
    age = study.age_days.astype(float)
    ours = {"mean": age.mean(), "sd": age.std(), "min": age.min(), "max": age.max()}
    sexes = {"female": (study.sex == "f").sum(), "male": (study.sex == "m").sum()}
    return [
        *((k, "infants", printed["cohort", k], float(v), who) for k, v in sexes.items()),
        *((f"age_{k}", "days", printed["cohort", f"age_{k}"], v, who) for k, v in ours.items()),
    ]


def _hip_rows(hips: pd.DataFrame, printed: pd.Series) -> list[tuple]:
    """Return hips by type: the plan's types, whose alpha is drawn within them."""
    note = "by the planned type; alpha is drawn from the norm truncated to it"
    kinds = ("Ib", "IIa")
    rows = [
        (f"hips_{kind}", "hips", printed["hips", f"graf_{kind}"], (hips.graf_type == kind).sum())
        for kind in kinds
    ]
    with_iia = hips[hips.graf_type == "IIa"].subject_id.nunique()
    rows.append(("infants_with_IIa", "infants", printed["hips", "infants_with_IIa"], with_iia))
    return [(*row[:3], float(row[3]) if len(hips) else np.nan, note) for row in rows]


def _sweep_rows(study: pd.DataFrame, printed_frames: float) -> list[tuple]:
    """Return frames, durations and path lengths by type, hesitation included and not."""
    printed_s = {kind.sweep_type: kind.duration_s_mean for kind in read_protocol()}
    rows = []
    for sweep_type in ("graf", *VOLUMETRIC):
        part = study[study.sweep_type == sweep_type]
        kept = (part.trim_stop - part.trim_start) / part.frame_count
        frames = printed_frames if sweep_type in VOLUMETRIC else np.nan
        source = "printed" if sweep_type in VOLUMETRIC else "assumed: printed as about p_d's"
        count = f"{len(part)} sweeps"
        kept_note = f"{count}; hesitation at both ends trimmed"
        rows += [
            (f"{sweep_type}_frames", "frames", np.nan, part.frame_count.mean(), count),
            (f"{sweep_type}_frames_kept", "frames", frames, (kept * part.frame_count).mean(),
             kept_note),
            (f"{sweep_type}_duration", "s", np.nan, part.duration_s.mean(), count),
            (f"{sweep_type}_duration_kept", "s", printed_s[sweep_type],
             (kept * part.duration_s).mean(), f"{kept_note}; {source}"),
            (f"{sweep_type}_path_mean", "mm", np.nan, part.path_mm.mean(),
             f"{count}; an assumption, nothing is printed"),
            (f"{sweep_type}_path_sd", "mm", np.nan, part.path_mm.std(), count),
        ]  # fmt: skip
    return rows


def _split_rows(subjects: pd.DataFrame, sweeps: pd.DataFrame) -> list[tuple]:
    """Return what the one assignment of subjects gave."""
    rows = []
    for row in came_out(subjects, sweeps).itertuples():
        name = f"{row.group}_{row.quantity}"
        note = _NOTES.get(name, "whole subjects")
        rows.append((name, row.unit, row.printed, row.came_out, note))
    return rows
