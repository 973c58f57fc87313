"""What fusing two sweeps of a hip gains, over subjects. No stage of its own.

Decides the pairs that are compared on the same hips: near the head before and after refinement,
and each sweep alone (as its poses were) against the fused hip. Decides what "worse in no subject"
means: the mean over a subject's hips, largest one named. Refusals are counted beside every mean
and never enter one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.seeds import generator
from hipus.stages.hip_cells import MODEL_MASKS
from hipus.stages.hip_fusion_hips import AFTER, BEFORE, DICE, FUSED, KINDS, MEASURES
from hipus.stages.placed_sweeps import PREDICTED
from hipus.statistics import bootstrap_mean_by_subject, paired_difference_by_subject

ALL = "all"
GROUPS = {"test": ("test",), "dysplastic": ("dysplastic",), ALL: ("test", "dysplastic")}
ARM = ["group", "poses", "masks"]
SUMMARY_KEY = [*ARM, "quantity", "first", "second"]
SUMMARY_COLUMNS = [
    *SUMMARY_KEY, "hip_count", "subject_count", "first_refused_count", "second_refused_count",
    *("first_mean", "first_low", "first_high", "second_mean", "second_low", "second_high"),
    *("difference", "low", "high", "ratio", "worst_difference", "worst_subject"),
]  # fmt: skip
#: Drift at the head shall fall to this share, alpha get worse in no subject by more than this.
DRIFT_GOAL, WORST_ALPHA_GOAL_DEG = 0.5, 1.0
DRIFT = "drift_mm"
#: Dice is better when larger: a fall of it is what is worse.
_LARGER_IS_BETTER = DICE


def with_errors(hips: pd.DataFrame) -> pd.DataFrame:
    """Return table hip_fusion with absolute errors and the mean drift of both sweeps.

    Parameters
    ----------
    hips : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        Further columns: `<measure>_error_<way>` and `drift_mm_before`, `drift_mm_after`. Drift is
        the mean of those sweeps whose drift at the head is defined.
    """
    more = {
        f"{name}_error_{way}": (hips[f"{name}_{way}"] - hips[f"{name}_truth"]).abs()
        for name in MEASURES
        for way in (*KINDS, FUSED)
    }
    for when in (BEFORE, AFTER):
        more[f"{DRIFT}_{when}"] = hips[[f"{kind}_{DRIFT}_{when}" for kind in KINDS]].mean(axis=1)
    return hips.assign(**more)


def comparisons() -> list[tuple[str, str, str]]:
    """Return what is compared: quantity, name of the first, name of the second.

    Returns
    -------
    list of tuple of 3 str
        Columns are `<quantity>_<first>` and `<quantity>_<second>`.
    """
    near = ["registration_mean_mm", "registration_p95_mm", DRIFT]
    near += [f"{kind}_{name}" for name in (DRIFT, "shape_mm") for kind in KINDS]
    found = [(name, AFTER, BEFORE) for name in near]
    errors = [f"{name}_error" for name in MEASURES]
    return found + [(name, FUSED, kind) for name in (*errors, *DICE) for kind in KINDS]


def summary_table(hips: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return means before and after, or alone and fused, with intervals over subjects.

    Parameters
    ----------
    hips : pandas.DataFrame
        Table hip_fusion.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `SUMMARY_COLUMNS`. `difference` is first minus second on hips that have both, `ratio`
        their quotient; `worst_difference` the subject's mean that is worst for the first.
    """
    hips, rows = with_errors(hips), []
    for group, cohorts in GROUPS.items():
        part = hips[hips.cohort.isin(cohorts)]
        for arm, some in part.groupby(["poses", "masks"]):
            for quantity, first, second in comparisons():
                key = dict(zip(SUMMARY_KEY, (group, *arm, quantity, first, second), strict=True))
                rng = generator(seed, "hip_fusion_summary", *key.values())
                rows.append(key | _compared(some, quantity, (first, second), rng, resamples))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _compared(part: pd.DataFrame, quantity: str, names, rng, resamples: int) -> dict:
    """Return one row's numbers."""
    values = [part[f"{quantity}_{name}"] for name in names]
    row = {f"{which}_refused_count": int(value.isna().sum())
           for which, value in zip(("first", "second"), values, strict=True)}  # fmt: skip
    both = values[0].notna() & values[1].notna()
    row |= {"hip_count": int(both.sum()), "subject_count": part.subject_id[both].nunique()}
    if not both.any():
        return row
    subjects = part.subject_id[both]
    values = [value[both].to_numpy(float) for value in values]
    for which, value in zip(("first", "second"), values, strict=True):
        found = bootstrap_mean_by_subject(value, subjects, rng=rng, resamples=resamples)
        row |= {f"{which}_mean": found.mean, f"{which}_low": found.low, f"{which}_high": found.high}
    found = paired_difference_by_subject(*values, subjects=subjects, rng=rng, resamples=resamples)
    row |= {"difference": found.mean, "low": found.low, "high": found.high}
    row["ratio"] = row["first_mean"] / row["second_mean"] if row["second_mean"] else np.nan
    return row | _worst(values[0] - values[1], subjects, quantity in _LARGER_IS_BETTER)


def _worst(difference: np.ndarray, subjects: pd.Series, larger_is_better: bool) -> dict:
    """Return the subject for whom the first is worst against the second."""
    by_subject = pd.Series(difference).groupby(subjects.to_numpy()).mean()
    name = by_subject.idxmin() if larger_is_better else by_subject.idxmax()
    return {"worst_difference": by_subject[name], "worst_subject": name}


def make_metrics(hips: pd.DataFrame, summary: pd.DataFrame) -> dict[str, float | int]:
    """Return the stage's headline: counts, means, and whether the goals are met (1 or 0).

    Parameters
    ----------
    hips, summary : pandas.DataFrame
        Tables hip_fusion and hip_fusion_summary.

    Returns
    -------
    dict
        Of predicted and of tracked poses with masks by model 3.2, all cohorts together.
    """
    found: dict[str, float | int] = {"subject_count": hips.subject_id.nunique()}
    found["hip_count"] = len(hips[["subject_id", "side"]].drop_duplicates())
    told = summary[(summary.group == ALL) & (summary.masks == MODEL_MASKS)]
    for poses, part in told.groupby("poses"):
        some = hips[(hips.poses == poses) & (hips.masks == MODEL_MASKS)]
        found[f"{poses}_unfused_count"] = int((some.fusion_refusal.fillna("") != "").sum())
        for row in part.itertuples():
            name = f"{poses}_{row.quantity}"
            name += "" if row.second == BEFORE else f"_of_hips_with_{row.second}"
            found[f"{name}_{row.second}"] = row.second_mean
            found[f"{name}_{row.first}"] = row.first_mean
    return found | _goals(told[told.poses == PREDICTED])


def _goals(told: pd.DataFrame) -> dict[str, float | int]:
    """Return the goals' numbers and whether they are met."""
    rows = told.set_index(["quantity", "second"])
    found: dict[str, float | int] = {}
    for name in (DRIFT, *(f"{kind}_{DRIFT}" for kind in KINDS)):
        if (name, BEFORE) in rows.index:
            ratio = rows.ratio[name, BEFORE]
            found[f"goal_{name}_ratio"] = ratio
            found[f"goal_{name}_is_halved"] = int(ratio <= DRIFT_GOAL)
    for kind in KINDS:
        if ("alpha_deg_error", kind) in rows.index:
            row = rows.loc[("alpha_deg_error", kind)]
            found[f"goal_alpha_difference_to_{kind}_deg"] = row.difference
            found[f"goal_alpha_is_better_than_{kind}"] = int(row.difference < 0)
            found[f"goal_alpha_worst_subject_to_{kind}_deg"] = row.worst_difference
            is_met = row.worst_difference <= WORST_ALPHA_GOAL_DEG
            found[f"goal_alpha_worst_subject_to_{kind}_is_met"] = int(is_met)
    return found
