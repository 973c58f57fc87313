"""Measures made honest: intervals and offsets learned on calibration sweeps. No stage of its own.

Decides that every kind of poses and masks of each sweep type has its own offset and its own
half-width for each measure, learned by split-conformal prediction on subjects that are not
tested on: how far labels of one kind lead a measure astray is that kind's, not the hip's. Where
there are too few calibration sweeps, measures keep no interval and no offset, and say why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.interval_coverage import coverage_of
from hipus.interval_scales import ABSOLUTE
from hipus.scale_tables import LearntScales, from_table, learn_scales, to_table
from hipus.stages.hip_cells import DRIFT, MEASURES

#: What a measure by the best single frame is called among the poses: it needs none.
BEST_FRAME = "best_frame"
CELL = ["sweep_type", "poses", "masks", "measure"]
KEY = ["subject_id", "sweep_id", "poses", "masks", "measure"]
LEVEL = 0.95
COLUMNS = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "truth_variant",
           "operator_id", "role", "poses", "masks", "measure", "value", "calibrated", "lower",
           "upper", "truth", "error", *DRIFT]  # fmt: skip
SCALE_COLUMNS = [*CELL, "kind", "lower_scale", "upper_scale", "shift", "least_arm", "level",
                 "row_count", "zero_arm_count"]  # fmt: skip
COVERAGE_COLUMNS = [*CELL, "share", "low", "high", "mean_width", "row_count", "subject_count"]


def scales_file(profile: str):
    """Return where stage hip_angles keeps what it learned."""
    return paths.table_file(profile, "hip_interval_scales")


def long_measures(measures: pd.DataFrame, frames: pd.DataFrame, hips: pd.DataFrame) -> pd.DataFrame:
    """Return one row per sweep, poses, masks and measure, beside the truth.

    Parameters
    ----------
    measures, frames : pandas.DataFrame
        Tables hip_measures and hip_frames.
    hips : pandas.DataFrame
        subject_id, side and the true value of each measure.

    Returns
    -------
    pandas.DataFrame
        As `COLUMNS`, without what intervals add; value NaN where refused.
    """
    frames = frames.assign(poses=BEST_FRAME)
    both = pd.concat([measures, frames], ignore_index=True)
    names = [name for name in COLUMNS if name in both]
    long = both.melt(id_vars=names, value_vars=list(MEASURES), var_name="measure")
    given = [name for name in MEASURES if name in frames]
    long = long[(long.poses != BEST_FRAME) | long.measure.isin(given)]
    truth = hips.melt(
        id_vars=["subject_id", "side"], value_vars=list(MEASURES), var_name="measure",
        value_name="truth",
    )  # fmt: skip
    return long.merge(truth, on=["subject_id", "side", "measure"], validate="many_to_one")


def learn(long: pd.DataFrame) -> LearntScales:
    """Learn offsets and half-widths from calibration rows.

    Parameters
    ----------
    long : pandas.DataFrame
        As `long_measures` returns it, of calibration sweeps alone.

    Returns
    -------
    LearntScales
        By `CELL`. Those of too few sweeps are refused.
    """
    rows = long.dropna(subset=["value", "truth"])
    return learn_scales(rows, CELL, level=LEVEL, kind=ABSOLUTE, learns_shift=True)


def apply(long: pd.DataFrame, learned: LearntScales) -> pd.DataFrame:
    """Return test rows with offset, interval and error.

    Parameters
    ----------
    long : pandas.DataFrame
        As `long_measures` returns it.
    learned : LearntScales

    Returns
    -------
    pandas.DataFrame
        With `COLUMNS`: calibrated is value plus the learned offset, or the value itself where
        none was learned; error is calibrated minus truth.
    """
    parts = [long.iloc[:0].assign(calibrated=np.nan, lower=np.nan, upper=np.nan)]
    for cell, part in long.groupby(CELL, sort=True):
        scale = learned.scales.get(cell)
        shift = 0.0 if scale is None else scale.shift
        ends = (np.nan, np.nan) if scale is None else scale.apply(part.value)
        parts.append(part.assign(calibrated=part.value + shift, lower=ends[0], upper=ends[1]))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(error=found.calibrated - found.truth).reindex(columns=COLUMNS)


def scale_table(learned: LearntScales) -> pd.DataFrame:
    """Return what was learned, a row per cell."""
    return to_table(learned.scales, CELL)[SCALE_COLUMNS]


def coverage_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Return how often intervals hold the truth of test hips.

    Parameters
    ----------
    errors : pandas.DataFrame
        As `apply` returns it.

    Returns
    -------
    pandas.DataFrame
        A row per cell that has intervals: share, its Wilson interval, mean width, counts.
    """
    rows = []
    for cell, part in errors.dropna(subset=["value", "truth", "lower"]).groupby(CELL):
        found = coverage_of(part, subject="subject_id")
        rows.append(dict(zip(CELL, cell, strict=True)) | vars(found))
    return pd.DataFrame(rows).reindex(columns=COVERAGE_COLUMNS)


def read_scales(profile: str) -> dict:
    """Return the scales of a profile by `CELL`, empty where its study did not run."""
    path = scales_file(profile)
    return from_table(tables.read(path), CELL) if path.is_file() else {}
