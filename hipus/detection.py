"""How well a continuous score finds cases of a binary truth.

Decides that low or high scores may call a case, that intervals resample subjects, and that a
truth of one class has no ROC. Deliberately chooses no threshold: one that was chosen on the same
cases flatters itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from hipus.subject_bootstrap import Estimate, draw_subjects, estimate, places_of

SIDES = ("low", "high")


@dataclass(frozen=True)
class Roc:
    """The receiver operating characteristic of a score.

    Attributes
    ----------
    auc : Estimate
        Share of (positive, negative) pairs that the score orders rightly, ties half.
    curve : pandas.DataFrame
        Columns threshold, sensitivity, specificity, from calling nobody (threshold infinite) to
        calling all; a case at the threshold is called. Empty without an AUC.
    positive_count, negative_count, subject_count : int
    reason : str
        Why there is no AUC; else empty.
    """

    auc: Estimate
    curve: pd.DataFrame
    positive_count: int
    negative_count: int
    subject_count: int
    reason: str


@dataclass(frozen=True)
class Decision:
    """What a threshold decides.

    Attributes
    ----------
    threshold : float
    sensitivity, specificity : Estimate
        NaN where there is no positive, or no negative.
    true_positives, false_negatives, true_negatives, false_positives : int
    subject_count : int
    reason : str
        Why a share is missing; else empty.
    """

    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    subject_count: int
    reason: str

    def table(self) -> pd.DataFrame:
        """Return one row each for sensitivity and specificity, with the counts."""
        names = ("sensitivity", "specificity")
        rows = pd.DataFrame([{"quantity": name, **asdict(getattr(self, name))} for name in names])
        return rows.assign(**{key: value for key, value in vars(self).items() if key not in names})


def roc(
    score,
    truth,
    *,
    subjects,
    rng: np.random.Generator,
    positive_side: str = "low",
    resamples: int = 10_000,
    level: float = 0.95,
) -> Roc:
    """Return the ROC of a score and the area under it.

    Parameters
    ----------
    score : array-like (K,)
        Finite; a refused one has no place here: count it beside.
    truth : array-like (K,) bool
        Whether each case is positive, for example a true alpha below 60 deg.
    subjects : array-like (K,)
        Whose each case is.
    rng : numpy.random.Generator
        Draws the subjects of the interval.
    positive_side : {"low", "high"}
        Which scores speak for a positive.
    resamples : int
    level : float
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    Roc
        AUC NaN, with a reason, where all cases are of one class.

    Raises
    ------
    ValueError
        If the series are empty, of different lengths, not finite or not boolean, or an option is
        out of range.

    Notes
    -----
    AUC is the Mann-Whitney share of ordered pairs (Hanley and McNeil 1982), curve by
    scikit-learn. A draw of subjects only needs how many pairs between each two subjects are
    ordered, so all draws are one product of matrices. Trap: a wide spectrum of truths inflates
    the AUC of the same error.
    """
    score, truth = _checked(score, truth, positive_side)
    place, subject_count = places_of(subjects, len(score))
    turned = -score if positive_side == "low" else score
    draws = draw_subjects(subject_count, rng, resamples=resamples)
    auc = _auc(turned, truth, place, draws=np.vstack([np.ones(subject_count, int), draws]))
    return Roc(
        auc=estimate(auc[0], auc[1:], level=level, subject_count=subject_count),
        curve=_curve(turned, truth, positive_side),
        positive_count=int(truth.sum()),
        negative_count=int((~truth).sum()),
        subject_count=subject_count,
        reason=_one_class(truth),
    )


def decide(
    score,
    truth,
    *,
    threshold: float,
    subjects,
    rng: np.random.Generator,
    positive_side: str = "low",
    resamples: int = 10_000,
    level: float = 0.95,
) -> Decision:
    """Return sensitivity and specificity of calling cases by a threshold.

    Parameters
    ----------
    score, truth, subjects, rng, positive_side, resamples, level
        As in `roc`.
    threshold : float
        Fixed beforehand. "low" calls scores below it (alpha < 60 deg), "high" those at or above
        it, so that each side's call is the other's refusal to call.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        As `roc`, or if the threshold is not finite.
    """
    if not np.isfinite(threshold):
        raise ValueError(f"threshold must be finite, got {threshold}")
    score, truth = _checked(score, truth, positive_side)
    place, subject_count = places_of(subjects, len(score))
    called = score < threshold if positive_side == "low" else score >= threshold
    draws = draw_subjects(subject_count, rng, resamples=resamples)
    shares, counts = [], []
    for of, right in ((truth, called), (~truth, ~called)):
        hits, all_of = (np.bincount(place, rows, subject_count) for rows in (of & right, of))
        drawn = _share(draws @ hits, draws @ all_of)
        value = float(_share(hits.sum(keepdims=True), all_of.sum(keepdims=True))[0])
        shares.append(estimate(value, drawn, level=level, subject_count=subject_count))
        counts += [int(hits.sum()), int(all_of.sum() - hits.sum())]
    return Decision(float(threshold), *shares, *counts, subject_count, _one_class(truth))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _auc(score: np.ndarray, truth: np.ndarray, place: np.ndarray, *, draws) -> np.ndarray:
    """Return the AUC (R,) of subjects drawn so many times (R, S); high scores are positive."""
    subjects = draws.shape[1]
    positives, negatives = (np.bincount(place[of], minlength=subjects) for of in (truth, ~truth))
    order = np.sign(score[truth][:, None] - score[~truth][None, :])
    ordered = np.zeros((subjects, subjects))
    np.add.at(ordered, (place[truth][:, None], place[~truth][None, :]), (order + 1) / 2)
    found = ((draws @ ordered) * draws).sum(axis=1)
    return _share(found, (draws @ positives) * (draws @ negatives))


def _curve(turned: np.ndarray, truth: np.ndarray, positive_side: str) -> pd.DataFrame:
    """Return the points of the curve of scores that are high for positives."""
    from sklearn.metrics import roc_curve

    if _one_class(truth):
        return pd.DataFrame(columns=["threshold", "sensitivity", "specificity"], dtype=float)
    false_share, true_share, at = roc_curve(truth, turned)
    return pd.DataFrame(
        {
            "threshold": -at if positive_side == "low" else at,
            "sensitivity": true_share,
            "specificity": 1 - false_share,
        }
    )


def _one_class(truth: np.ndarray) -> str:
    """Say which class is missing, "" if none is."""
    if truth.all() or not truth.any():
        return f"all {len(truth)} cases are {'positive' if truth.all() else 'negative'}"
    return ""


def _checked(score, truth, positive_side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return finite scores and boolean truth of one length."""
    if positive_side not in SIDES:
        raise ValueError(f"positive_side must be one of {SIDES}, got {positive_side!r}")
    score, truth = np.asarray(score, np.float64), np.asarray(truth)
    if score.ndim != 1 or not len(score) or truth.shape != score.shape:
        raise ValueError(
            f"score and truth must be (K,) with K > 0, got {score.shape} and {truth.shape}"
        )
    if truth.dtype != bool:
        raise ValueError(f"truth must be boolean, got {truth.dtype}")
    bad = np.flatnonzero(~np.isfinite(score))
    if len(bad):
        raise ValueError(
            f"score must be finite, got {score[bad[0]]} in row {bad[0]} and {len(bad) - 1} more; "
            "leave refused cases out and count them"
        )
    return score, truth
