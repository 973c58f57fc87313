"""Tables of how far measures are from the truth, and what is gained over one frame. No stage.

Decides the groups (ordinary test hips, dysplastic ones, both), that a share of refusals stands
beside every error, and the control: the best single frame of the p_a sweep of the same hip.
Intervals are over subjects.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.seeds import generator
from hipus.stages.hip_cells import MODEL_MASKS, PREDICTED, ROUNDED
from hipus.stages.hip_intervals import BEST_FRAME, CELL
from hipus.statistics import paired_difference_by_subject
from hipus.subject_bootstrap import draw_subjects, estimate, places_of

ORDINARY, DYSPLASTIC, ALL = GROUPS = ("ordinary", "dysplastic", "all")
COHORTS = {ORDINARY: ("test",), DYSPLASTIC: ("dysplastic",), ALL: ("test", "dysplastic")}
HIP = ["subject_id", "side"]
SUMMARY_KEY, GAIN_KEY = ["group", *CELL], ["group", "measure", "masks", "first", "second"]
SUMMARY_COLUMNS = [*SUMMARY_KEY, "sweep_count", "subject_count", "refused_count",
                   "refused_share", "median_absolute_error", "low", "high", "p90_absolute_error",
                   "bias", "sd", "raw_bias"]  # fmt: skip
GAIN_COLUMNS = [*GAIN_KEY, "hip_count", "subject_count", "first_median", "second_median",
                "mean_difference", "low", "high", "first_refused_share",
                "second_refused_share"]  # fmt: skip
#: Compared on the same hips: (sweep type, poses) of the first and of the second.
CONTROL = ("p_a", BEST_FRAME)
PAIRS = (
    *(((kind, poses), CONTROL) for kind in ("p_a", "p_d") for poses in (ROUNDED, PREDICTED,
                                                                         "tracked", "true")),
    *(((kind, ROUNDED), (kind, PREDICTED)) for kind in ("p_a", "p_d")),
)  # fmt: skip


def of_group(errors: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return the rows of a group: protocol sweeps of its cohorts."""
    return errors[errors.cohort.isin(COHORTS[group]) & (errors.truth_variant == "protocol")]


def summary_table(errors: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return errors by group and cell.

    Parameters
    ----------
    errors : pandas.DataFrame
        As `hip_intervals.apply` returns it, of test sweeps.
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        Of all sweeps: count, refusals; of measured ones: median absolute error with interval,
        90th percentile, bias, SD, and the bias without the learned offset.
    """
    rows = []
    for group in GROUPS:
        for cell, part in of_group(errors, group).groupby(CELL):
            key = dict(zip(CELL, cell, strict=True))
            rng = generator(seed, "hip_error_summary", group, *cell)
            rows.append({"group": group, **key, **_errors(part, rng, resamples)})
    return pd.DataFrame(rows).reindex(columns=SUMMARY_COLUMNS)


def _errors(part: pd.DataFrame, rng, resamples: int) -> dict:
    """Return one row's numbers."""
    known = part.dropna(subset="error")
    found = {
        "sweep_count": len(part),
        "subject_count": part.subject_id.nunique(),
        "refused_count": len(part) - len(known),
        "refused_share": 1 - len(known) / len(part),
    }
    if known.empty:
        return found
    size = known.error.abs().to_numpy()
    median = median_by_subject(size, known.subject_id, rng=rng, resamples=resamples)
    return found | {
        "median_absolute_error": median.value,
        "low": median.low,
        "high": median.high,
        "p90_absolute_error": float(np.quantile(size, 0.9)),
        "bias": known.error.mean(),
        "sd": known.error.std(),
        "raw_bias": (known.value - known.truth).mean(),
    }


def median_by_subject(values, subjects, *, rng: np.random.Generator, resamples: int):
    """Return a median and its interval from resampled subjects.

    Parameters
    ----------
    values : array-like (K,)
        Finite.
    subjects : array-like (K,)
    rng : numpy.random.Generator
    resamples : int

    Returns
    -------
    hipus.subject_bootstrap.Estimate
        Of a draw: the least value that half of the drawn values do not exceed.
    """
    values = np.asarray(values, np.float64)
    place, count = places_of(subjects, len(values))
    order = np.argsort(values, kind="stable")
    draws = draw_subjects(count, rng, resamples=resamples)[:, place[order]].cumsum(axis=1)
    at = (draws >= draws[:, -1:] / 2).argmax(axis=1)
    return estimate(float(np.median(values)), values[order][at], level=0.95, subject_count=count)


def gain_table(errors: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return what one way gains over another on the same hips.

    Parameters
    ----------
    errors : pandas.DataFrame
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        Of hips measured by both: median absolute errors, mean difference of absolute errors
        (negative: the first is better) with its interval; shares refused are of all hips.
    """
    rows = []
    for group in GROUPS:
        part = of_group(errors, group)
        part = part[part.measure.isin(part[part.poses == BEST_FRAME].measure.unique())]
        for (measure, masks), same in part.groupby(["measure", "masks"]):
            for first, second in PAIRS:
                key = dict(zip(GAIN_KEY, (group, measure, masks, _name(first), _name(second)),
                               strict=True))  # fmt: skip
                rng = generator(seed, "hip_gain", *key.values())
                row = _gain(_hips(same, first), _hips(same, second), rng, resamples)
                rows += [key | row] if row else []
    return pd.DataFrame(rows).reindex(columns=GAIN_COLUMNS)


def _name(way: tuple[str, str]) -> str:
    return " ".join(way)


def _hips(errors: pd.DataFrame, way: tuple[str, str]) -> pd.Series:
    """Return the absolute error of each hip by one way."""
    kind, poses = way
    rows = errors[(errors.sweep_type == kind) & (errors.poses == poses)]
    return rows.set_index(HIP).error.abs()


def _gain(first: pd.Series, second: pd.Series, rng, resamples: int) -> dict:
    """Return one row's numbers, none where no hip has both."""
    both = pd.concat([first, second], axis=1, keys=["first", "second"], join="inner").dropna()
    if both.empty:
        return {}
    subjects = both.index.get_level_values("subject_id")
    found = paired_difference_by_subject(
        both["first"], both["second"], subjects=subjects, rng=rng, resamples=resamples
    )
    return {
        "hip_count": len(both),
        "subject_count": found.subject_count,
        "first_median": both["first"].median(),
        "second_median": both["second"].median(),
        "mean_difference": found.mean,
        "low": found.low,
        "high": found.high,
        "first_refused_share": first.isna().mean(),
        "second_refused_share": second.isna().mean(),
    }


def goals(summary: pd.DataFrame, gains: pd.DataFrame) -> dict[str, float]:
    """Return the headline: alpha from untracked p_d sweeps, and the control of the same hips.

    Parameters
    ----------
    summary, gains : pandas.DataFrame

    Returns
    -------
    dict
        Of ordinary test hips, by model 3.2's masks.
    """
    found = {}
    rows = summary[(summary.group == ORDINARY) & (summary.measure == "alpha_deg")]
    rows = rows[rows.masks == MODEL_MASKS]
    for row in rows.itertuples():
        name = f"alpha_{row.sweep_type}_{row.poses}"
        found[f"{name}_median_absolute_error_deg"] = row.median_absolute_error
        found[f"{name}_refused_share"] = row.refused_share
    rows = gains[(gains.group == ORDINARY) & (gains.measure == "alpha_deg")]
    rows = rows[(rows.masks == MODEL_MASKS) & (rows["first"] == f"p_d {ROUNDED}")]
    for row in rows[rows.second == _name(CONTROL)].itertuples():
        found["alpha_p_d_rounded_of_both_deg"] = row.first_median
        found["alpha_control_of_both_deg"] = row.second_median
        found["alpha_p_d_rounded_less_control_deg"] = row.mean_difference
        found["alpha_p_d_rounded_less_control_low_deg"] = row.low
        found["alpha_p_d_rounded_less_control_high_deg"] = row.high
    return found
