"""Tables of stage `motion` made from the rows of all sweeps. No stage of its own.

Decides which arms are compared with which (the goals of the study) and that summaries, arms,
subjects and comparisons are of the protocol's sweeps alone; other variants stand in
`motion_errors` and, where the simulation knows of their factors, in `motion_factors`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from hipus import statistics
from hipus.motion import evaluation
from hipus.motion.evaluation import ALL_TYPES
from hipus.motion.factor_claims import factor_verdicts
from hipus.motion.factor_experiment import factor_effects, factor_table
from hipus.seeds import generator
from hipus.stages.motion_data import PROTOCOL
from hipus.stages.motion_fit import CONTEXT, LEARNED, STUDY_ARM, folder_of

MEASURE = "final_mm"
#: What two arms are compared by.
COMPARED = (MEASURE, "absolute_mm", "relative_mm")
#: What learned arms are compared with, beside the best arm that is not learned.
REFERENCES = ("constant step", "constant step by type", "correlation regression")
_KEY = ["arm", "truth"]
_PAIR = ["arm_a", "arm_b", "truth", "sweep_type", "measure"]
_EFFECT = ["design", "truth", "factor"]
#: Columns of tables that a cohort without simulated truth leaves empty.
FACTOR_COLUMNS = {
    "motion_factors": ["arm", "subject_id", "sweep_id", "truth", "path_mm", "final_mm"],
    "motion_factor_effects": [*_EFFECT, "mm_per_sd", "low", "high"],
    "motion_factor_verdicts": ["claim_id", "truth", "verdict", "difference_mm", "low", "high"],
}


def error_tables(
    rows: pd.DataFrame, expected: Iterable[tuple[str, str]], *, seed: int, resamples: int
) -> dict[str, tuple[pd.DataFrame, list[str]]]:
    """Return the tables of errors with their keys.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `sweep_rows.sweep_row`, every arm, truth, sweep and variant.
    expected : iterable of (subject_id, sweep_id)
        Sweeps of the protocol that every arm must have predicted.
    seed, resamples : int

    Returns
    -------
    dict of str to (pandas.DataFrame, list of str)
    """
    protocol = rows[rows.variant == PROTOCOL]
    summary = evaluation.summarise(protocol, expected)
    arms = arm_table(protocol, seed=seed, resamples=resamples)
    compared = comparison_table(protocol, arms, seed=seed, resamples=resamples)
    return {
        "motion_errors": (rows, ["arm", "variant", "subject_id", "sweep_id", "truth"]),
        "motion_summary": (summary, [*_KEY, "sweep_type", "measure"]),
        "motion_arms": (arms, _KEY),
        "motion_subjects": (evaluation.by_subject(protocol, (MEASURE,)), [*_KEY, "subject_id"]),
        "motion_comparisons": (compared, _PAIR),
    }


def arm_table(rows: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return every arm's mean final drift with its interval over subjects.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of the protocol.
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        arm, truth, is_learned, mean, low, high (mm, 95 %), subject_count, sweep_count.
    """
    found = []
    for (arm, truth), part in rows.groupby(_KEY, sort=True):
        interval = statistics.bootstrap_mean_by_subject(
            part[MEASURE],
            part.subject_id.to_numpy(str),
            rng=generator(seed, "motion", "arms", arm, truth),
            resamples=resamples,
        )
        ends = (interval.mean, interval.low, interval.high)
        counts = (interval.subject_count, interval.value_count)
        found.append((arm, truth, arm in LEARNED, *ends, *counts))
    names = [*_KEY, "is_learned", "mean", "low", "high", "subject_count", "sweep_count"]
    return pd.DataFrame(found, columns=names)


def best_not_learned(arms: pd.DataFrame) -> str:
    """Return the arm without learned weights that drifts least from the tracker.

    Parameters
    ----------
    arms : pandas.DataFrame
        As `arm_table` returns it.

    Notes
    -----
    Chosen on the very sweeps it is compared on: a choice in its favour.
    """
    plain = arms[~arms.is_learned & (arms.truth == "vs_tracker")]
    return str(plain.loc[plain["mean"].idxmin(), "arm"])


def comparison_table(
    rows: pd.DataFrame, arms: pd.DataFrame, *, seed: int, resamples: int
) -> pd.DataFrame:
    """Compare each learned arm with what it must beat, on the same sweeps.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of the protocol.
    arms : pandas.DataFrame
        As `arm_table` returns it.
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        Fields of `evaluation.Comparison`, and `is_best_not_learned` of arm_b; by truth, sweep
        type (all, p_a, p_d) and measure of `COMPARED`. Below zero: the learned arm is better.
    """
    best = best_not_learned(arms)
    there = set(arms.arm)
    pairs = [(a, b) for a in LEARNED for b in dict.fromkeys((*REFERENCES, best)) if a in there]
    types = (ALL_TYPES, *sorted(set(rows.sweep_type)))
    found = []
    for arm_a, arm_b in pairs:
        for truth in sorted(set(rows.truth)):
            for kind in types:
                for measure in COMPARED:
                    key = dict(zip(_PAIR, (arm_a, arm_b, truth, kind, measure), strict=True))
                    rng = generator(seed, "motion", "comparison", *key.values())
                    key.pop("measure")
                    one = evaluation.compare(rows, measure, rng=rng, resamples=resamples, **key)
                    found.append({**asdict(one), "is_best_not_learned": arm_b == best})
    return pd.DataFrame(found)


def factor_tables(
    rows: pd.DataFrame, sweeps: pd.DataFrame, *, seed: int, resamples: int
) -> dict[str, tuple[pd.DataFrame, list[str]]]:
    """Return what drift of the study's arm depends on, and by how much.

    Parameters
    ----------
    rows : pandas.DataFrame
        `motion_errors`, every variant.
    sweeps : pandas.DataFrame
        `cohort_sweeps`; without columns of simulated truth all tables are empty.
    seed, resamples : int

    Returns
    -------
    dict of str to (pandas.DataFrame, list of str)
    """
    if "truth_path_length_mm" not in sweeps:
        return {n: (pd.DataFrame(columns=c), []) for n, c in FACTOR_COLUMNS.items()}
    table = factor_table(rows[rows.arm == study_arm(rows.arm)], sweeps)
    rng = generator(seed, "motion", "factors")
    effects = factor_effects(table, rng, resamples=resamples)
    rng = generator(seed, "motion", "factor verdicts")
    verdicts = factor_verdicts(table, rng, resamples=resamples)
    return {
        "motion_factors": (table, ["variant", "subject_id", "sweep_id", "truth"]),
        "motion_factor_effects": (effects, _EFFECT),
        "motion_factor_verdicts": (verdicts, ["claim_id", "truth"]),
    }


def headline(arms: pd.DataFrame, compared: pd.DataFrame) -> dict[str, float]:
    """Return mean final drift of every arm, and the goals of the study's own.

    Parameters
    ----------
    arms, compared : pandas.DataFrame
        `motion_arms` and `motion_comparisons`.

    Returns
    -------
    dict
        Names with units. `..._minus_best_not_learned_..._high_mm` below zero: the goal is met.
    """
    found: dict[str, float] = {
        f"{folder_of(row.arm)}_final_drift_{row.truth}_mm": row.mean for row in arms.itertuples()
    }
    chosen = compared[(compared.measure == MEASURE) & (compared.arm_a == study_arm(compared.arm_a))]
    for row in chosen.itertuples():
        a, about = folder_of(row.arm_a), f"{row.truth}_{row.sweep_type}"
        if row.arm_b == REFERENCES[0]:
            found[f"{a}_over_constant_step_{about}_ratio"] = row.ratio
        if row.is_best_not_learned:
            for name in ("difference", "low", "high"):
                found[f"{a}_minus_best_not_learned_{about}_{name}_mm"] = getattr(row, name)
    return found


def study_arm(names: Iterable[str]) -> str:
    """Return the study's own arm among those there are: with the sensor where there was one."""
    return STUDY_ARM if STUDY_ARM in set(names) else CONTEXT
