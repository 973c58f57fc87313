"""How like real pictures simulated ones are: distances of grey levels, a linear classifier.

Decides distances, classifier and what is compared with what. Deliberately loads no file (see
`hipus.phantom.likeness_real`) and judges nothing: every number about simulated against real
pictures stands beside the same number about real against real ones, because scanners differ
among themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.likeness_features import HISTOGRAM_BINS, PictureFeatures, describe

__all__ = ["Likeness", "PictureFeatures", "auc", "classifier_auc", "compare", "describe"]
__all__ += ["distances", "histogram_distance"]

#: Ridge penalty of the linear classifier, in units of the number of pictures.
RIDGE = 0.1


def histogram_distance(first: PictureFeatures, second: PictureFeatures) -> float:
    """Return the Wasserstein-1 distance of two grey-level histograms, grey levels."""
    gap = np.cumsum(first.histogram) - np.cumsum(second.histogram)
    return float(np.abs(gap).sum() * 256 / HISTOGRAM_BINS)


def distances(first, second=None) -> np.ndarray:
    """Return the grey-level distances of all pairs of two groups, or within one.

    Parameters
    ----------
    first, second : sequence of PictureFeatures
        Left out `second`: pairs within `first`, each once.

    Returns
    -------
    numpy.ndarray (pairs,) float64
    """
    if second is None:
        pairs = [(a, b) for index, a in enumerate(first) for b in first[index + 1 :]]
    else:
        pairs = [(a, b) for a in first for b in second]
    return np.array([histogram_distance(a, b) for a, b in pairs])


@dataclass(frozen=True)
class Likeness:
    """Simulated against real pictures, beside real against real ones.

    Attributes
    ----------
    simulated_to_real, real_to_real : float
        Median histogram distance over pairs, grey levels; pairs of one subject left out.
    auc_simulated, auc_halves : float
        Of the linear classifier: simulated against real; one random half of the real subjects
        against the other, mean over `SPLITS` draws.
    auc_groups : float
        One group of real pictures (a source) against another: how far scanners differ; NaN
        where there is only one.
    """

    simulated_to_real: float
    real_to_real: float
    auc_simulated: float
    auc_halves: float
    auc_groups: float


#: Draws of two halves of the real subjects.
SPLITS = 20


def compare(simulated, real, subjects, groups, *, rng: np.random.Generator) -> Likeness:
    """Compare simulated with real pictures.

    Parameters
    ----------
    simulated : sequence of PictureFeatures
        One picture per simulated subject.
    real : sequence of PictureFeatures
    subjects, groups : sequence of str
        Subject and source of every real picture.
    rng : numpy.random.Generator
        Draws the halves.

    Returns
    -------
    Likeness
    """
    subjects, groups = np.asarray(subjects), np.asarray(groups)
    ours = np.array([features.vector() for features in simulated])
    theirs = np.array([features.vector() for features in real])
    is_real = np.arange(len(ours) + len(theirs)) >= len(ours)
    own = np.array([f"simulated {index}" for index in range(len(ours))])
    everyone = np.concatenate([own, subjects])
    pairs = [
        histogram_distance(a, b)
        for index, a in enumerate(real)
        for b, other in zip(real[index + 1 :], subjects[index + 1 :], strict=True)
        if other != subjects[index]
    ]
    kinds = np.unique(groups)
    between = np.nan
    if len(kinds) > 1:
        between = classifier_auc(theirs, groups == kinds[0], subjects)
    return Likeness(
        simulated_to_real=float(np.median(distances(simulated, real))),
        real_to_real=float(np.median(pairs)),
        auc_simulated=classifier_auc(np.concatenate([ours, theirs]), is_real, everyone),
        auc_halves=float(np.mean([_halves_auc(theirs, subjects, rng) for _ in range(SPLITS)])),
        auc_groups=between,
    )


def _halves_auc(vectors: np.ndarray, subjects: np.ndarray, rng: np.random.Generator) -> float:
    """Return the AUC of a random half of the subjects against the other."""
    names = rng.permutation(np.unique(subjects))
    return classifier_auc(vectors, np.isin(subjects, names[: len(names) // 2]), subjects)


def classifier_auc(vectors: np.ndarray, is_second: np.ndarray, groups: np.ndarray) -> float:
    """Return how well a linear classifier tells two groups of pictures apart.

    Parameters
    ----------
    vectors : numpy.ndarray (N, F) float64
        `PictureFeatures.vector` of every picture.
    is_second : numpy.ndarray (N,) bool
    groups : numpy.ndarray (N,)
        Subject of every picture: a subject is never in training and test at once.

    Returns
    -------
    float
        Area under the ROC curve of held-out scores: 0.5 is chance, 1 is always right; small
        samples scatter about it, also below 0.5.

    Raises
    ------
    ValueError
        If a group holds no subject or only one.

    Notes
    -----
    Ridge regression on standardised features, leaving one subject out at a time. Classes are
    weighted equally. Leaving out shifts the mean of the rest away from the subject left out,
    which biases the AUC of indistinguishable groups downwards: compare, do not test.
    """
    is_second = np.asarray(is_second, bool)
    for kind in (False, True):
        if len(np.unique(groups[is_second == kind])) < 2:
            raise ValueError(f"groups must hold 2 subjects or more of each kind, got {groups}")
    scores = np.empty(len(vectors))
    for group in np.unique(groups):
        test = groups == group
        scores[test] = _ridge_scores(vectors[~test], is_second[~test], vectors[test])
    return auc(scores[is_second], scores[~is_second])


def _ridge_scores(vectors, is_second, unseen) -> np.ndarray:
    """Return scores of unseen vectors by weighted ridge regression."""
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0) + 1e-9
    known, unseen = (vectors - mean) / scale, (unseen - mean) / scale
    weight = np.where(is_second, 0.5 / is_second.sum(), 0.5 / (~is_second).sum())
    target = np.where(is_second, 1.0, -1.0)
    centre = weight @ known
    known, unseen = known - centre, unseen - centre
    normal = (known * weight[:, None]).T @ known + RIDGE * np.eye(known.shape[1])
    return unseen @ np.linalg.solve(normal, (known * weight[:, None]).T @ target)


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the part of pairs in which the positive score is higher, ties counting half.

    Parameters
    ----------
    positive, negative : numpy.ndarray (M,), (N,) float64

    Returns
    -------
    float
    """
    order = positive[:, None] - negative[None]
    return float((order > 0).mean() + 0.5 * (order == 0).mean())
