"""What staged rounds save: tables of effort of `segmentation_arms`. No stage of its own.

Decides what is compared: the same volumes, the same rater and lapses of attention, begun from
nothing, from 2D masks and from model 3.1's. What the masks cost before they were there (labelled
frames, first volumes) is paid in `staging_totals`, so that staging has to earn it. Minutes follow
the stated cost model of `hipus.segmentation.effort`; its constants are assumed, so each is also
halved and doubled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.seeds import generator
from hipus.segmentation.dice_intervals import interval, resampled_means
from hipus.segmentation.effort import ASSUMED, Cost
from hipus.stages.volume_labels import FIRST_MASKS, FIRST_ROUND_MASKS, FROM_NOTHING

PRIORS = (FROM_NOTHING, FIRST_MASKS, FIRST_ROUND_MASKS)
#: All volumes, and those of subjects that neither 2.2 nor 3.1 learned from.
ALL, UNSEEN = "all", "unseen"
FACTORS = (0.5, 2.0)
_MEASURES = ("minutes_simulated", "changed_mm3", "touched_slices")
_ENDS = ("", "_low", "_high")
COLUMNS = {
    "staging_effort_cases": [
        *("error_scale", "prior", *SWEEP_KEY, "is_seen", "slice_count", "labelled_mm3"),
        *_MEASURES,
    ],
    "staging_effort": [
        *("error_scale", "prior", "subjects", "volume_count", "subject_count"),
        *(f"{name}{end}" for name in _MEASURES for end in _ENDS),
        *(f"saving_percent{end}" for end in _ENDS),
        *("saving_percent_least_by_cost", "saving_percent_most_by_cost"),
    ],
    "staging_totals": [
        *("error_scale", "first_volume_count", "refined_volume_count", "frames_simulated_h"),
        *("first_round_simulated_h", "refined_round_simulated_h", "staged_simulated_h"),
        *("from_nothing_simulated_h", *(f"saving_percent{end}" for end in _ENDS)),
        *("saving_percent_least_by_cost", "saving_percent_most_by_cost", "break_even_volumes"),
    ],
}
KEYS = {
    "staging_effort_cases": ["error_scale", "prior", *SWEEP_KEY],
    "staging_effort": ["error_scale", "prior", "subjects"],
    "staging_totals": ["error_scale"],
}


def choose_volumes(cases: pd.DataFrame, seen_subjects: Iterable[str], *, most: int) -> pd.DataFrame:
    """Choose the volumes that are corrected from every beginning.

    Parameters
    ----------
    cases : pandas.DataFrame
        subject_id and sweep_id of volumes that have all priors.
    seen_subjects : iterable of str
        Those that the priors' networks learned from or were validated on.
    most : int
        Volumes; only the last subject may be cut.

    Returns
    -------
    pandas.DataFrame
        Rows of cases with is_seen; subjects in turn unseen and seen, those with most sweeps
        first, then by id.
    """
    rows = cases.assign(is_seen=cases.subject_id.isin(list(seen_subjects)))
    sizes = rows.groupby(["is_seen", "subject_id"]).size().rename("size").reset_index()
    sizes = sizes.sort_values(["is_seen", "size", "subject_id"], ascending=[True, False, True])
    sizes["turn"] = sizes.groupby("is_seen").cumcount()
    order = sizes.sort_values(["turn", "is_seen"]).subject_id.tolist()
    rank = rows.subject_id.map(order.index)
    chosen = rows.assign(rank=rank).sort_values(["rank", "sweep_id"]).head(most)
    return chosen.drop(columns="rank").sort_values(SWEEP_KEY).reset_index(drop=True)


def minutes(table: pd.DataFrame, cost: Cost = ASSUMED) -> pd.Series:
    """Return what each row costs.

    Parameters
    ----------
    table : pandas.DataFrame
        changed_mm3 and touched_slices.
    cost : Cost

    Returns
    -------
    pandas.Series
        As `hipus.segmentation.effort.effort` has it.
    """
    work = table.touched_slices * cost.minutes_per_slice + table.changed_mm3 * cost.minutes_per_mm3
    return cost.minutes_per_case + work


def other_costs() -> Iterator[Cost]:
    """Yield the assumed costs with one of them halved or doubled."""
    for name in ("minutes_per_slice", "minutes_per_mm3", "minutes_per_case"):
        for factor in FACTORS:
            yield replace(ASSUMED, **{name: factor * getattr(ASSUMED, name)})


def staging_effort(cases: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return what a volume costs from each beginning, and what that saves against nothing.

    Parameters
    ----------
    cases : pandas.DataFrame
        `staging_effort_cases`.
    seed : int
        The study's.
    resamples : int

    Returns
    -------
    pandas.DataFrame
        Means per volume with 95 % intervals over subjects. `saving_percent` is of the mean
        minutes, subjects drawn alike for both; `_by_cost` its range where one cost is halved or
        doubled.

    Raises
    ------
    ValueError
        If a volume lacks a beginning.
    """
    _check_whole(cases)
    rows = []
    for scale, part in cases.groupby("error_scale"):
        for subjects in (ALL, UNSEEN):
            some = part if subjects == ALL else part[~part.is_seen.astype(bool)]
            for prior in PRIORS if len(some) else ():
                rng = generator(seed, "segmentation_arms", "effort", str(scale), subjects)
                key = {"error_scale": scale, "prior": prior, "subjects": subjects}
                rows.append(key | _effort_row(some, prior, rng=rng, resamples=resamples))
    return pd.DataFrame(rows, columns=COLUMNS["staging_effort"])


def _check_whole(cases: pd.DataFrame) -> None:
    """Raise unless each volume was begun from every prior, at every scale."""
    counts = cases.groupby(["error_scale", *SWEEP_KEY]).prior.nunique()
    if (counts != len(PRIORS)).any():
        raise ValueError(
            f"each volume must be begun from {PRIORS}, got {counts.min()} for {counts.idxmin()}"
        )


def _effort_row(part: pd.DataFrame, prior: str, *, rng, resamples: int) -> dict:
    """Return one row of `staging_effort`, without its key."""
    own, nothing = (
        part[part.prior == name].set_index(SWEEP_KEY).sort_index() for name in (prior, FROM_NOTHING)
    )
    values = own[list(_MEASURES)].assign(nothing=nothing.minutes_simulated)
    draws = resampled_means(values, rng=rng, resamples=resamples)
    owners = own.index.get_level_values("subject_id")
    row = {"volume_count": len(own), "subject_count": owners.nunique()}
    for name, low, high in zip(_MEASURES, *interval(draws), strict=False):
        row |= dict(zip((f"{name}{end}" for end in _ENDS), (own[name].mean(), low, high),
                        strict=True))  # fmt: skip
    saved = _saving(draws[:, :1], draws[:, 3:4])
    means = [minutes(table).mean() for table in (own, nothing)]
    by_cost = [
        _saving(*(minutes(table, cost).mean() for table in (own, nothing)))
        for cost in other_costs()
    ]
    return row | _saving_columns(_saving(*means), saved, by_cost)


def _saving(minutes_taken, minutes_from_nothing):
    """Return what is saved, in percent."""
    return 100 * (1 - minutes_taken / minutes_from_nothing)


def _saving_columns(value: float, draws: np.ndarray, by_cost: list[float]) -> dict:
    """Return the columns that say what is saved; draws (R, 1)."""
    (low,), (high,) = interval(draws)
    row = dict(zip((f"saving_percent{end}" for end in _ENDS), (value, low, high), strict=True))
    least, most = min(by_cost), max(by_cost)
    return row | {"saving_percent_least_by_cost": least, "saving_percent_most_by_cost": most}


def staging_totals(
    cases: pd.DataFrame,
    frames: pd.DataFrame,
    *,
    counts: Mapping[str, int],
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Return what the labels of model 3.2 cost by staged rounds and drawn from nothing.

    Parameters
    ----------
    cases : pandas.DataFrame
        `staging_effort_cases`.
    frames : pandas.DataFrame
        changed_mm3 and touched_slices (frames count as slices) of each task of the frames that
        were learned from.
    counts : mapping of str to int
        Volumes learned from: "first" by 3.1, "refined" by 3.2.
    seed : int
    resamples : int

    Returns
    -------
    pandas.DataFrame
        By the rater's error scale: staged = frames + first volumes from 2D masks + all volumes
        from 3.1's. Test labels, which both ways need, are in neither. `break_even_volumes`:
        where staging begins to save; infinite where a volume from 3.1's masks costs as much as
        one from nothing.

    Notes
    -----
    Frames keep the effort of the slice-wise raters at every scale: only the volumetric rater's
    errors are scaled. They are drawn by one and reviewed by another, volumes seen by one alone,
    as in the study: that speaks against staging.
    """
    rows = []
    for scale, part in cases.groupby("error_scale"):
        taken = _by_prior(part)
        hours = _hours(taken.mean().to_numpy(), minutes(frames).sum(), counts)
        rng = generator(seed, "segmentation_arms", "totals", str(scale))
        draws = resampled_means(taken, rng=rng, resamples=resamples)[:, :-1]
        drawn = _hours(draws.T, minutes(frames).sum(), counts)
        by_cost = [
            _saved(_hours(_by_prior(part, cost).mean(), minutes(frames, cost).sum(), counts))
            for cost in other_costs()
        ]
        saved = _saving_columns(_saved(hours), _saved(drawn)[:, None], by_cost)
        row = {"error_scale": scale, "break_even_volumes": _break_even(taken.mean(), hours)}
        row |= {f"{name}_volume_count": counts[name] for name in ("first", "refined")}
        rows.append(row | {f"{name}_simulated_h": h for name, h in hours.items()} | saved)
    return pd.DataFrame(rows, columns=COLUMNS["staging_totals"])


def _by_prior(part: pd.DataFrame, cost: Cost = ASSUMED) -> pd.DataFrame:
    """Return minutes with a row per volume and a column per prior."""
    timed = part.assign(minutes=minutes(part, cost))
    return timed.pivot(index=SWEEP_KEY, columns="prior", values="minutes")[list(PRIORS)]


def _hours(per_volume, frames_minutes: float, counts: Mapping[str, int]) -> dict:
    """Return hours of each part; minutes per volume (3,) or (3, R) in the order of `PRIORS`."""
    nothing, first, refined = np.asarray(per_volume) / 60
    found = {"frames": frames_minutes / 60, "first_round": counts["first"] * first}
    found["refined_round"] = counts["refined"] * refined
    return found | {"staged": sum(found.values()), "from_nothing": counts["refined"] * nothing}


def _saved(hours: Mapping):
    """Return what staging saves, in percent."""
    return _saving(hours["staged"], hours["from_nothing"])


def _break_even(per_volume: pd.Series, hours: Mapping) -> float:
    """Return after how many volumes staging saves."""
    gain_h = (per_volume[FROM_NOTHING] - per_volume[FIRST_ROUND_MASKS]) / 60
    return (hours["frames"] + hours["first_round"]) / gain_h if gain_h > 0 else np.inf


def make_metrics(content: Mapping[str, pd.DataFrame]) -> dict:
    """Return the headline numbers of effort.

    Parameters
    ----------
    content : mapping of str to pandas.DataFrame
        staging_effort and staging_totals.

    Returns
    -------
    dict
        What staging saves per volume and in all, by error scale.
    """
    found = {}
    for row in content["staging_effort"].itertuples():
        if row.prior != FROM_NOTHING and row.subjects == ALL:
            name = f"saving_percent_{row.prior}_x{row.error_scale:g}"
            found[name] = row.saving_percent
    for row in content["staging_totals"].itertuples():
        found[f"saving_percent_in_all_x{row.error_scale:g}"] = row.saving_percent
    return found
