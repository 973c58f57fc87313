"""Tests between models that were judged on the same subjects.

Decides the test of a pair (Wilcoxon signed-rank with Holm's correction), what counts as one
family of hypotheses and what stands beside every p: n, an effect size and an interval. The
unit is the subject: tables hold one value per subject and model. Deliberately knows no model's
name and decides no claim; all models at once are compared in `rank_tests`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hipus.statistics import paired_difference_by_subject

ALTERNATIVES = ("two-sided", "greater", "less")
FAMILIES = ("confirmatory", "exploratory")
#: Largest numbers of differing subjects whose p SciPy computes exactly, without and with ties.
_MOST_EXACT, _MOST_EXACT_TIED = 50, 13


def compare_paired(
    table: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    rng: np.random.Generator,
    alternative: str = "two-sided",
    family: str = "confirmatory",
    resamples: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare pairs of models by their values on the same subjects.

    Parameters
    ----------
    table : pandas.DataFrame (subjects x models)
        Index subject, one column per model, finite values: of each subject one number, for
        example the mean Dice over its sweeps and structures.
    pairs : sequence of (str, str)
        Columns to compare, (a, b); they are the family of Holm's correction.
    rng : numpy.random.Generator
        Draws the subjects of the intervals.
    alternative : {"two-sided", "greater", "less"}
        "greater": a is greater than b.
    family : {"confirmatory", "exploratory"}
        Written beside each row; it changes no number.
    resamples, level
        Of the interval of the mean difference, see
        `statistics.paired_difference_by_subject`.

    Returns
    -------
    pandas.DataFrame
        One row per pair: family, model_a, model_b, alternative, n, differing_count, p, p_holm,
        p_method, least_p (the smallest p that so many differing subjects can give),
        rank_biserial, median_a, median_b, median_difference, mean_difference,
        mean_difference_low, mean_difference_high, level. Differences are a minus b; a
        positive rank_biserial favours a, whatever the alternative.

    Raises
    ------
    ValueError
        If a subject lacks a model, a value is not finite, a subject or model occurs twice,
        fewer than 2 subjects are there, a pair repeats or names an unknown model, or an
        option is unknown.

    Notes
    -----
    Wilcoxon 1945: subjects whose difference is zero are left out of ranks and p (n counts
    them, differing_count does not); equal absolute differences share their mean rank. p is
    exact over all sign changes for up to 50 differing subjects, with ties up to 13; above,
    the normal approximation with corrections for ties and continuity, as p_method says. If
    nobody differs, p is 1 and the effect 0. Effect: matched-pairs rank-biserial correlation,
    (sum of positive minus sum of negative ranks) / sum (Kerby 2014). Holm 1979 over all rows.
    """
    rows = compare_paired_each(
        {"": table},
        pairs,
        rng=rng,
        alternative=alternative,
        family=family,
        resamples=resamples,
        level=level,
    )
    return rows.drop(columns="structure")


def compare_paired_each(
    tables: Mapping[str, pd.DataFrame],
    pairs: Sequence[tuple[str, str]],
    *,
    rng: np.random.Generator,
    alternative: str = "two-sided",
    family: str = "exploratory",
    resamples: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare pairs of models in each of several structures, as one family.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame (subjects x models)
        Structure -> table as for `compare_paired`.
    pairs, rng, alternative, family, resamples, level
        As for `compare_paired`; Holm's correction runs over all structures and pairs.

    Returns
    -------
    pandas.DataFrame
        As of `compare_paired`, with the column structure.

    Raises
    ------
    ValueError
        As for `compare_paired`; the message names the structure.
    """
    import pingouin  # 1.7 s, only where something is tested

    _check_choices(pairs, alternative, family)
    rows = []
    for structure, table in tables.items():
        check_scores(table, structure)
        _check_pairs(table, pairs)
        for a, b in pairs:
            interval = paired_difference_by_subject(
                table[a], table[b], subjects=table.index, rng=rng, resamples=resamples, level=level
            )
            rows.append(
                {"family": family, "structure": structure, "model_a": a, "model_b": b}
                | _signed_rank(table[a].to_numpy(float), table[b].to_numpy(float), alternative)
                | _differences(table[a], table[b], interval)
            )
    if not rows:
        raise ValueError("tables must hold at least one structure, got none")
    found = pd.DataFrame(rows)
    found.insert(found.columns.get_loc("p") + 1, "p_holm", pingouin.multicomp(found["p"])[1])
    return found


def _signed_rank(a: np.ndarray, b: np.ndarray, alternative: str) -> dict:
    """Return one pair's counts, p and effect size."""
    import pingouin

    differences = (a - b)[a != b]
    count = len(differences)
    p, effect = 1.0, 0.0
    if count:
        found = pingouin.wilcoxon(differences, alternative=alternative).iloc[0]
        # pingouin turns the sign with the alternative; a reader wants one direction
        p, effect = found["p_val"], found["RBC"] * (-1 if alternative == "less" else 1)
    return {
        "alternative": alternative,
        "n": len(a),
        "differing_count": count,
        "p": float(p),
        "p_method": _p_method(differences),
        "least_p": min(1.0, 0.5**count * (2 if alternative == "two-sided" else 1)),
        "rank_biserial": float(effect),
    }


def _p_method(differences: np.ndarray) -> str:
    """Return how SciPy finds p for differences without zeros."""
    is_tied = len(np.unique(np.abs(differences))) < len(differences)
    most = _MOST_EXACT_TIED if is_tied else _MOST_EXACT
    return "exact" if len(differences) <= most else "normal"


def _differences(a: pd.Series, b: pd.Series, interval) -> dict:
    """Return one pair's medians and differences."""
    return {
        "median_a": float(a.median()),
        "median_b": float(b.median()),
        "median_difference": float((a - b).median()),
        "mean_difference": interval.mean,
        "mean_difference_low": interval.low,
        "mean_difference_high": interval.high,
        "level": interval.level,
    }


def _check_choices(pairs, alternative: str, family: str) -> None:
    """Raise for unknown options and for pairs that would be tested twice."""
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {ALTERNATIVES}, got {alternative!r}")
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {FAMILIES}, got {family!r}")
    if not len(pairs):
        raise ValueError("pairs must name at least one pair of models, got none")
    unordered = [frozenset(pair) for pair in pairs]
    twice = [pair for pair, models in zip(pairs, unordered, strict=True) if len(models) != 2]
    twice += [pair for pair in pairs if unordered.count(frozenset(pair)) > 1]
    if twice:
        raise ValueError(f"pairs must be of two different models, each once, got {twice[0]}")


def _check_pairs(table: pd.DataFrame, pairs) -> None:
    """Raise if a pair names a model that the table lacks."""
    unknown = [name for pair in pairs for name in pair if name not in table.columns]
    if unknown:
        raise ValueError(f"pairs name model {unknown[0]!r}, table has {list(table.columns)}")


def check_scores(table: pd.DataFrame, structure: str = "") -> None:
    """Raise unless every subject has one finite value of every model.

    Parameters
    ----------
    table : pandas.DataFrame (subjects x models)
    structure : str
        Named in messages.

    Raises
    ------
    ValueError
        If a subject or model occurs twice, there are fewer than 2 subjects, or a value is
        missing or not finite; the message names it.
    """
    where = f"table of {structure}" if structure else "table"
    for axis, names in (("subjects", table.index), ("models", table.columns)):
        if names.has_duplicates:
            raise ValueError(f"{where}: {axis} must occur once, got {names[names.duplicated()][0]}")
    if len(table) < 2:
        raise ValueError(f"{where} must have at least 2 subjects, got {len(table)}")
    subjects, models = np.nonzero(~np.isfinite(table.to_numpy(float)))
    if len(subjects):
        raise ValueError(
            f"{where}: subject {table.index[subjects[0]]} has no finite value of model "
            f"{table.columns[models[0]]}, and {len(subjects) - 1} more are missing"
        )
