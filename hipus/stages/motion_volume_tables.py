"""Tables of `motion_volumes`: rows of all sweeps, and what they say together.

Decides the paper's claim as two measurable ones: tissue near the head is displaced less than
the final drift says, and less than tissue elsewhere on the same sweep. No stage of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.seeds import generator

SWEEP_TYPES = ("p_a", "p_d")
KEY = ["arm", "subject_id", "sweep_id"]
#: Columns of each table that a skip still has.
COLUMNS = {
    "volume_agreement": [*KEY, "sweep_type", "alignment", "inner_mm", "correlation"],
    "local_consistency": [*KEY, "sweep_type", "near_mm", "elsewhere_mm", "final_mm"],
    "local_consistency_summary": ["arm", "sweep_type", "quantity", "mean", "low", "high"],
}


@dataclass(frozen=True)
class Measured:
    """What one sweep and one arm give: rows of the tables, and planes for a picture.

    Attributes
    ----------
    shells : list of dict
        Rows of `volume_agreement`.
    consistency : dict
        The row of `local_consistency`.
    planes : dict of str to numpy.ndarray
        Grey values and labels of the elevational-axial plane through the head's centre.
    """

    shells: list[dict]
    consistency: dict
    planes: dict[str, np.ndarray]


def make_tables(found: Iterable[Measured], *, seed: int, resamples: int) -> dict:
    """Return the stage's tables with their keys.

    Parameters
    ----------
    found : iterable of Measured
    seed : int
        The study's.
    resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    dict of str to (pandas.DataFrame, list of str)
        `volume_agreement`: arm, subject_id, sweep_id, side, sweep_type, alignment ("first",
        "head"), inner_mm, outer_mm, similarity and overlap in the shell, displacement_mm.
        `local_consistency`: near_mm, elsewhere_mm, elsewhere_places, final_mm by sweep.
        `local_consistency_summary`: as `summarise` returns it.
    """
    found = list(found)
    shells = pd.DataFrame([row for one in found for row in one.shells])
    local = pd.DataFrame([one.consistency for one in found])
    summary = summarise(local, seed=seed, resamples=resamples)
    return {
        "volume_agreement": (shells, [*KEY, "alignment", "inner_mm"]),
        "local_consistency": (local, KEY),
        "local_consistency_summary": (summary, ["arm", "sweep_type", "quantity"]),
    }


def summarise(local: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return means of the three displacements and of two differences, with 95 % intervals.

    Parameters
    ----------
    local : pandas.DataFrame
        Table `local_consistency`.
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        arm, sweep_type ("all" too), quantity (near_mm, elsewhere_mm, final_mm,
        final_minus_near_mm, elsewhere_minus_near_mm), mean, low, high, subject_count,
        sweep_count. Sweeps without a value (too short for the ball) are left out, and the
        counts show it. `elsewhere_minus_near_mm` above zero: the head's region is more
        consistent than the rest of the sweep.
    """
    values = local.assign(
        final_minus_near_mm=local.final_mm - local.near_mm,
        elsewhere_minus_near_mm=local.elsewhere_mm - local.near_mm,
    )
    names = [name for name in values if name.endswith("_mm")]
    rows = []
    for arm, of_arm in values.groupby("arm", sort=True):
        for sweep_type in ("all", *SWEEP_TYPES):
            part = of_arm if sweep_type == "all" else of_arm[of_arm.sweep_type == sweep_type]
            for name in names:
                rng = generator(seed, "motion_volumes", arm, sweep_type, name)
                interval = _interval(part.dropna(subset=[name]), name, rng, resamples)
                rows.append({"arm": arm, "sweep_type": sweep_type, "quantity": name, **interval})
    return pd.DataFrame(rows)


def _interval(part: pd.DataFrame, name: str, rng, resamples: int) -> dict[str, float]:
    """Return the columns of one mean; NaN where no sweep has a value."""
    if part.empty:
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "subject_count": 0, "sweep_count": 0}
    found = statistics.bootstrap_mean_by_subject(
        part[name], part.subject_id.to_numpy(str), rng=rng, resamples=resamples
    )
    counts = {"subject_count": found.subject_count, "sweep_count": found.value_count}
    return {"mean": found.mean, "low": found.low, "high": found.high, **counts}


def make_metrics(local: pd.DataFrame, summary: pd.DataFrame) -> dict[str, float]:
    """Return the stage's headline numbers, by arm.

    Parameters
    ----------
    local, summary : pandas.DataFrame
        Tables `local_consistency` and `local_consistency_summary`.

    Returns
    -------
    dict
        Means over all sweeps, mm, and the rank correlation (Spearman 1904) of final drift and
        displacement near the head over sweeps: does global drift tell of local error?
    """
    overall = summary[summary.sweep_type == "all"]
    found = {f"{row.arm}_{row.quantity}": row.mean for row in overall.itertuples()}
    for arm, part in local.groupby("arm"):
        ranks = part[["final_mm", "near_mm"]].dropna().rank()
        found[f"{arm}_rank_correlation_final_near"] = ranks.final_mm.corr(ranks.near_mm)
    return found
