"""Tables of scores that stage `segmentation_scores` writes. No stage of its own.

Decides their columns, what a summary holds, and how the judgement by corrected labels differs
from that by truth: corrected labels began as predictions, so that a model judged by them is in
part judged by itself. All data are simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.mask_scores import CaseScores, StructureScores, score_table, summarise
from hipus.seeds import generator
from hipus.segmentation.volume_scores import CORRECTED, DRAWN, MEAN, TRUTH, with_mean

ABOUT = ["side", "sweep_type", "cohort"]
JUDGED = [*SWEEP_KEY, *ABOUT, "model_id", "reference"]
SCORES = [field.name for field in fields(StructureScores) if field.name != "label"]
#: Scores that are also averaged over structures; volumes are not.
AVERAGED = [name for name in SCORES if not name.endswith(("_mm3", "_percent"))]
SUMMARISED = [*AVERAGED, "volume_error_percent"]
GROUP = ["reference", "cohort", "model_id", "structure"]
_COUNTS = [f"{name}count" for name in ("", "finite_", "infinite_", "missing_")]
_INTERVAL = ["difference", "low", "high", "level", "volume_count", "subject_count"]
COLUMNS = {
    "segmentation_cases": [*JUDGED, "structure", *SCORES],
    "segmentation_summary": [*GROUP, "measure", "median", "mean_finite", "sd_finite", *_COUNTS],
    "segmentation_bias": [*GROUP, "dice_by_truth", "dice_by_label", *_INTERVAL, "left_out_count"],
    "segmentation_raters": [
        *("cohort", "structure", "pair", "dice_mean", "dice_low", "dice_high"),
        *_INTERVAL,
        "left_out_count",
    ],
}
KEYS = {
    "segmentation_cases": [*JUDGED[:2], "model_id", "reference", "structure"],
    "segmentation_summary": [*GROUP, "measure"],
    "segmentation_bias": GROUP,
    "segmentation_raters": ["cohort", "structure", "pair"],
}
#: The pair that every other one is compared with.
BETWEEN_RATERS = "C and D"


def cases_table(
    cases: pd.DataFrame, scored: Mapping[tuple[str, str], Iterable[CaseScores]]
) -> pd.DataFrame:
    """Collect all scores; a case that lacks one is an error.

    Parameters
    ----------
    cases : pandas.DataFrame
        subject_id, sweep_id, `ABOUT`, and is_drawn: whether a rater drew the volume from nothing.
    scored : mapping of (model_id, reference) to iterable of CaseScores

    Returns
    -------
    pandas.DataFrame
        A row per case, model, reference and structure. Judged by drawn labels are the cases
        that have one, by all other references all.

    Raises
    ------
    ValueError
        As `mask_scores.score_table`: missing, unexpected and repeated cases.
    """
    parts = []
    for (model_id, reference), found in scored.items():
        expected = cases[cases.is_drawn] if reference == DRAWN else cases
        pairs = expected[SWEEP_KEY].itertuples(index=False, name=None)
        table = score_table(found, expected=pairs)
        parts.append(table.assign(model_id=model_id, reference=reference))
    table = pd.concat(parts, ignore_index=True).merge(cases[[*SWEEP_KEY, *ABOUT]], on=SWEEP_KEY)
    return table[COLUMNS["segmentation_cases"]]


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise scores by reference, cohort, model, structure and measure.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.

    Returns
    -------
    pandas.DataFrame
        Median (infinite values count), mean and population SD of finite values, and how many
        were counted, finite, infinite and missing. Rows of `MEAN` summarise each volume's mean
        over structures, infinite where one of them is.
    """
    rows = with_mean(scores, by=JUDGED, columns=AVERAGED)
    rows = rows.merge(
        scores[[*JUDGED, "structure", "volume_error_percent"]],
        on=[*JUDGED, "structure"],
        how="left",
    )
    long = rows.melt([*GROUP], SUMMARISED, var_name="measure", value_name="value")
    long = long[~((long.structure == MEAN) & (long.measure == "volume_error_percent"))]
    found = summarise(long, by=[*GROUP, "measure"], columns=["value"])
    found.columns = [name.removeprefix("value_") for name in found.columns]
    return found[COLUMNS["segmentation_summary"]]


def bias(scores: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return how much better models seem to be when judged by labels instead of truth.

    Parameters
    ----------
    scores : pandas.DataFrame
        `segmentation_cases`.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `difference` is Dice by label minus Dice by truth on the same volumes, with its
        interval; `left_out_count` volumes have no Dice by one of both. Labels "drawn" from
        nothing hold no model's mask: what is left there is the rater's own error.
    """
    rows = with_mean(scores, by=JUDGED, columns=["dice"])
    wide = rows.pivot(
        index=[*SWEEP_KEY, "cohort", "model_id", "structure"], columns="reference", values="dice"
    ).reset_index()
    found = []
    for reference in (CORRECTED, DRAWN):
        judged = rows.loc[rows.reference == reference, SWEEP_KEY].drop_duplicates()
        for key, part in wide.merge(judged).groupby(GROUP[1:], sort=False):
            key = dict(zip(GROUP, (reference, *key), strict=True))
            pair = part[[*SWEEP_KEY, TRUTH, reference]]
            interval = _difference(pair, reference, TRUTH, key=key, seed=seed, resamples=resamples)
            means = {"dice_by_truth": TRUTH, "dice_by_label": reference}
            known = pair.dropna()
            found.append(key | {name: known[of].mean() for name, of in means.items()} | interval)
    return pd.DataFrame(found)[COLUMNS["segmentation_bias"]]


def raters(pairs: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return how a model agrees with raters, and raters with each other and with truth.

    Parameters
    ----------
    pairs : pandas.DataFrame
        subject_id, sweep_id, cohort, structure, pair and dice: "3.2 and C", "C and D", ...
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        Mean Dice of each pair with its interval over subjects, and its `difference` to
        `BETWEEN_RATERS` on the same volumes. Both raters corrected the same masks of model
        3.1: they agree more than raters who draw independently.
    """
    rows = with_mean(pairs, by=[*SWEEP_KEY, "cohort", "pair"], columns=["dice"])
    found = []
    for (cohort, structure), part in rows.groupby(["cohort", "structure"], sort=False):
        wide = part.pivot(index=SWEEP_KEY, columns="pair", values="dice").reset_index()
        for name in wide.columns[2:]:
            key = {"cohort": cohort, "structure": structure, "pair": name}
            options = {"key": key, "seed": seed, "resamples": resamples}
            own = _mean(wide, name, **options)
            found.append(key | own | _difference(wide, name, BETWEEN_RATERS, **options))
    return pd.DataFrame(found)[COLUMNS["segmentation_raters"]]


def _mean(wide: pd.DataFrame, column: str, *, key: Mapping, seed: int, resamples: int) -> dict:
    """Return a column's mean with its interval over subjects."""
    known = wide.dropna(subset=[column])
    if known.empty:
        return dict.fromkeys(("dice_mean", "dice_low", "dice_high"), np.nan)
    one = statistics.bootstrap_mean_by_subject(
        known[column], known.subject_id.to_numpy(str), rng=_rng(seed, key), resamples=resamples
    )
    return {"dice_mean": one.mean, "dice_low": one.low, "dice_high": one.high}


def _difference(
    wide: pd.DataFrame, a: str, b: str, *, key: Mapping, seed: int, resamples: int
) -> dict:
    """Return the mean of column a minus column b with its interval over subjects."""
    known = wide.dropna(subset=[a, b])
    row = {"left_out_count": len(wide) - len(known), "volume_count": len(known)}
    if known.empty:
        row |= dict.fromkeys(("difference", "low", "high", "level"), np.nan)
        return row | {"subject_count": 0}
    one = statistics.paired_difference_by_subject(
        known[a], known[b], subjects=known.subject_id.to_numpy(str), rng=_rng(seed, key),
        resamples=resamples,
    )  # fmt: skip
    row |= {"difference": one.mean, "low": one.low, "high": one.high, "level": one.level}
    return row | {"subject_count": one.subject_count}


def _rng(seed: int, key: Mapping[str, str]) -> np.random.Generator:
    return generator(seed, "segmentation_scores", *key.values())
