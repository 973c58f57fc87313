"""How streaky every model's test volumes are, beside the truth's. No stage of its own.

Decides that all models are asked the same on the same volumes: those that label single frames,
which are put into volumes, and those that label volumes. What the truth shows on the same grid is
what poses and voxels do, whoever labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.segmentation.streaks import SHAPE, streaks
from hipus.segmentation.volume_scores import SCHEME, STRUCTURE_NAMES
from hipus.stages.segmentation_score_tables import ABOUT

TABLE = "segmentation_streaks"
COLUMNS = {TABLE: [*SWEEP_KEY, *ABOUT, "model_id", "structure", *SHAPE]}
KEYS = {TABLE: [*SWEEP_KEY, "model_id", "structure"]}


def streak_rows(case: pd.Series, files: Mapping[str, Path]) -> list[dict]:
    """Return how streaky each mask of one volume is.

    Parameters
    ----------
    case : pandas.Series
        subject_id, sweep_id and what else tables say of the volume.
    files : mapping of str to path-like
        Masks by model; the truth's under its own name.

    Returns
    -------
    list of dict
        A row per mask and structure, `COLUMNS`; NaN where a mask does not show the structure.

    Raises
    ------
    FileNotFoundError
        If a mask is missing.
    """
    about = {name: case[name] for name in (*SWEEP_KEY, *ABOUT)}
    rows = []
    for name, path in files.items():
        mask = read_mask(tables.existing(path), scheme=SCHEME)
        found = streaks(mask.array, mask.spacing_zyx_mm)
        rows += [
            {**about, "model_id": name, "structure": structure, **asdict(one)}
            for structure, one in zip(STRUCTURE_NAMES, found, strict=True)
        ]
    return rows


def streak_table(rows: Iterable[list[dict]]) -> pd.DataFrame:
    """Return the rows of all volumes as the table.

    Parameters
    ----------
    rows : iterable of list of dict
        Of `streak_rows`.

    Returns
    -------
    pandas.DataFrame
    """
    return pd.DataFrame([row for part in rows for row in part], columns=COLUMNS[TABLE])
