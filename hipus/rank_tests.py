"""Tests between all models at once by their ranks within each subject.

Decides the omnibus test (Friedman) and what follows it (Nemenyi). Pairs named beforehand are
compared in `paired_tests`, which has more power for them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd

from hipus.paired_tests import check_scores


@dataclass(frozen=True)
class FriedmanTest:
    """Friedman's test that several models rank alike.

    Attributes
    ----------
    statistic : float
        Chi-squared statistic, corrected for ties.
    p : float
        By the chi-squared approximation, conservative for few subjects.
    kendalls_w : float
        Concordance of the subjects' rankings, 0 (none) to 1 (all rank alike).
    degrees_of_freedom, subject_count, model_count : int
    """

    statistic: float
    p: float
    kendalls_w: float
    degrees_of_freedom: int
    subject_count: int
    model_count: int


def friedman(table: pd.DataFrame) -> FriedmanTest:
    """Test whether at least three models rank alike over subjects.

    Parameters
    ----------
    table : pandas.DataFrame (subjects x models)
        As for `compare_paired`, with at least 3 models.

    Returns
    -------
    FriedmanTest

    Raises
    ------
    ValueError
        If fewer than 3 models are there, or as for `compare_paired`.

    Notes
    -----
    Friedman 1937; W = statistic / (n (k - 1)) (Kendall and Babington Smith 1939). Where every
    subject ties all models nothing ranks: statistic 0, p 1, W 0.
    """
    from scipy import stats

    check_scores(table)
    subjects, models = table.shape
    if models < 3:
        raise ValueError(f"table must have at least 3 models for Friedman's test, got {models}")
    statistic, p = 0.0, 1.0
    if (table.nunique(axis=1) > 1).any():
        statistic, p = stats.friedmanchisquare(*table.to_numpy(float).T)
    return FriedmanTest(
        statistic=float(statistic),
        p=float(p),
        kendalls_w=float(statistic) / (subjects * (models - 1)),
        degrees_of_freedom=models - 1,
        subject_count=subjects,
        model_count=models,
    )


def nemenyi(table: pd.DataFrame) -> pd.DataFrame:
    """Compare all pairs of models by their mean ranks, after Friedman's test.

    Parameters
    ----------
    table : pandas.DataFrame (subjects x models)
        As for `friedman`.

    Returns
    -------
    pandas.DataFrame
        One row per pair: model_a, model_b, n, mean_rank_a, mean_rank_b,
        mean_rank_difference (a minus b), p. Rank 1 is the lowest value, so that a positive
        difference says that a is greater.

    Raises
    ------
    ValueError
        As for `friedman`.

    Notes
    -----
    Nemenyi 1963 in the form of Demsar 2006: the studentised range of k models with infinite
    degrees of freedom, which accounts for all k (k - 1) / 2 pairs; ties are not corrected
    for. It compares mean ranks of all models at once and has less power than `compare_paired`
    on pairs named beforehand.
    """
    import scikit_posthocs  # 2.4 s, only where something is tested

    friedman(table)  # the same conditions, with the same messages
    ranks = table.rank(axis=1).mean()
    p = scikit_posthocs.posthoc_nemenyi_friedman(table.to_numpy(float)).to_numpy()
    pairs = itertools.combinations(range(table.shape[1]), 2)
    rows = [
        {
            "model_a": table.columns[i],
            "model_b": table.columns[j],
            "n": len(table),
            "mean_rank_a": ranks.iloc[i],
            "mean_rank_b": ranks.iloc[j],
            "mean_rank_difference": ranks.iloc[i] - ranks.iloc[j],
            "p": p[i, j],
        }
        for i, j in pairs
    ]
    return pd.DataFrame(rows)
