"""What makes drift: how far the probe goes, how long that takes, or how much the infant moves.

Decides the table that the factor experiment is read from, its designs and the effects in it.
Deliberately runs no arm and judges no claim of others (see `factor_claims`). Simulated data
only: nobody knows how far a real infant's hip moved.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.motion.factor_fit import Design, Fit, fitted, interval
from hipus.motion.sweep_rows import TRUTHS

#: Column of the effects' table, and what one of it is.
UNITS = {"path_mm": "mm", "duration_s": "s", "infant_moved_mm": "mm", "infant_motion": "x"}
_SWEEP = ["subject_id", "sweep_id"]
_TRUE_COLUMNS = {
    "truth_variant": "variant",
    "truth_path_length_mm": "path_mm",
    "truth_duration_s": "duration_s",
    "truth_infant_motion": "infant_motion",
    "truth_infant_moved_mm": "infant_moved_mm",
}
_MEASURES = ("final_mm", "final_lateral_mm", "final_axial_mm", "final_elevational_mm")
_ERRORS = ("arm", *_SWEEP, "sweep_type", "truth", *_MEASURES)
COLUMNS = ("arm", *_SWEEP, "sweep_type", "truth", *_TRUE_COLUMNS.values(), *_MEASURES)


PROTOCOL = Design("protocol", ("protocol",), ("path_mm", "duration_s", "infant_moved_mm"))
#: The order is that of the table of effects.
DESIGNS = (
    PROTOCOL,
    Design("protocol, within type", PROTOCOL.variants, PROTOCOL.factors, ("sweep_type",)),
    Design("grid", ("grid",), ("path_mm", "duration_s", "infant_motion"), ("subject_id",)),
    Design(
        "same sweep, other motion",
        ("repeat", "still", "restless"),
        ("infant_motion",),
        ("subject_id", "sweep_type", "path_mm", "duration_s"),
    ),
)


def factor_table(rows: pd.DataFrame, sweeps: pd.DataFrame) -> pd.DataFrame:
    """Join one arm's errors with what the simulation knows of the sweeps.

    Parameters
    ----------
    rows : pandas.DataFrame
        `motion_errors` of one arm: a row a sweep and truth, all at the recorded spacing.
    sweeps : pandas.DataFrame
        `cohort_sweeps`, with its columns `truth_*`.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, sorted by variant, subject, sweep and truth: `path_mm` and `duration_s` as
        planned, `infant_motion` the factor on the infant's motion, `infant_moved_mm` how far
        the hip really moved, `final_*` the last frame's error.

    Raises
    ------
    ValueError
        If a column is missing, there is not exactly one arm, a sweep appears twice or is not
        in the cohort, or its truth is not known.
    """
    plain = _errors_of_one_arm(rows)
    _check_columns(sweeps, (*_SWEEP, *_TRUE_COLUMNS), "sweeps")
    known = sweeps[[*_SWEEP, *_TRUE_COLUMNS]].rename(columns=_TRUE_COLUMNS)
    table = plain.merge(known, on=_SWEEP, how="left", validate="many_to_one")
    unknown = table[table[list(_TRUE_COLUMNS.values())].isna().any(axis=1)]
    if len(unknown):
        one = unknown.iloc[0]
        raise ValueError(
            f"sweep {one.subject_id} {one.sweep_id} has no truth in sweeps ({len(unknown)} such)"
        )
    order = ["variant", *_SWEEP, "truth"]
    return table[list(COLUMNS)].sort_values(order).reset_index(drop=True)


def _errors_of_one_arm(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of errors after checking that each sweep is there once."""
    _check_columns(rows, _ERRORS, "rows")
    rows = rows[rows["frame_spacing"] == 1] if "frame_spacing" in rows else rows
    arms = sorted(set(rows["arm"]))
    if len(arms) != 1:
        raise ValueError(f"rows must be of one arm, got {arms}")
    repeated = rows[rows.duplicated([*_SWEEP, "truth"])]
    if len(repeated):
        one = repeated.iloc[0]
        raise ValueError(f"rows: sweep {one.subject_id} {one.sweep_id} appears twice")
    return rows[list(_ERRORS)]


def factor_effects(
    table: pd.DataFrame,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Measure the effect of each factor on final drift, in every design.

    Parameters
    ----------
    table : pandas.DataFrame
        As `factor_table` returns it; a design without sweeps in it is left out.
    rng : numpy.random.Generator
    resamples : int
    level : float
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        A row a design, truth and factor: `mm_per_sd` with `low` and `high` (drift for one
        standard deviation more of the factor), `mm_per_unit` with `low_per_unit` and
        `high_per_unit` (for one `unit` more), `mean`, `sd` and `range` of the factor,
        `explained_percent` of the design's variance (all factors together, after the levels
        of `within`), `subject_count`, `sweep_count`.

    Raises
    ------
    ValueError
        If resamples or level are out of range, or no design has sweeps.

    Notes
    -----
    Least squares on factors standardised over the design's sweeps (population SD), with a
    level for each combination of `Design.within`; intervals resample subjects, each with all
    of its sweeps (cluster bootstrap, percentiles). On a full grid, mm_per_unit times range is
    the textbook main effect. Traps: in protocol sweeps path, duration and type go together
    (p_d sweeps are longer and quicker), so path's effect there contains what else is
    different about p_d, and "within type" has little spread; the grid is free of that, but
    has few subjects: with one, intervals are NaN and the effect is that subject's.
    """
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(
            f"resamples must be >= 1 and level between 0 and 1, got {resamples} and {level}"
        )
    found = []
    for design in DESIGNS:
        for truth in TRUTHS:
            part = sweeps_of(table, design, truth)
            if len(part):
                fit = fitted(part, design, rng=rng, resamples=resamples)
                found += _effect_rows(part, design, fit=fit, truth=truth, level=level)
    if not found:
        raise ValueError(f"table has sweeps of no design, got variants {set(table['variant'])}")
    return pd.DataFrame(found)


def sweeps_of(table: pd.DataFrame, design: Design, truth: str) -> pd.DataFrame:
    """Return the rows of a design against one truth.

    Parameters
    ----------
    table : pandas.DataFrame
    design : Design
    truth : {"vs_tracker", "vs_hip"}

    Returns
    -------
    pandas.DataFrame
        Without groups of `within` in which no factor varies: they say nothing of any.
    """
    part = table[table["variant"].isin(design.variants) & (table["truth"] == truth)]
    if not design.within or part.empty:
        return part
    varied = part.groupby(list(design.within))[list(design.factors)].transform("nunique")
    return part[(varied > 1).any(axis=1)]


def _effect_rows(
    part: pd.DataFrame, design: Design, *, fit: Fit, truth: str, level: float
) -> list[dict[str, object]]:
    """Return one row for each factor of a design."""
    low, high = interval(fit.resampled, level)
    rows = []
    for place, factor in enumerate(design.factors):
        values = part[factor]
        sd = values.std(ddof=0)
        rows.append(
            {
                "design": design.name,
                "truth": truth,
                "factor": factor,
                "unit": UNITS[factor],
                "mm_per_sd": fit.mm_per_unit[place] * sd,
                "low": low[place] * sd,
                "high": high[place] * sd,
                "mm_per_unit": fit.mm_per_unit[place],
                "low_per_unit": low[place],
                "high_per_unit": high[place],
                "mean": values.mean(),
                "sd": sd,
                "range": values.max() - values.min(),
                "explained_percent": 100 * fit.explained,
                "subject_count": part["subject_id"].nunique(),
                "sweep_count": len(part),
            }
        )
    return rows


def _check_columns(table: pd.DataFrame, names, place: str) -> None:
    """Raise if a table lacks columns."""
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"{place} lacks the columns {missing}: only simulated sweeps have truth_*")
