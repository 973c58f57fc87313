"""How like real pictures simulated ones are: grey levels, spectrum, texture, depth.

Decides the features, the common grid on which they are measured, the distances and the
classifier. Deliberately loads no file (see `hipus.phantom.likeness_real`) and judges nothing:
every number about simulated against real pictures stands beside the same number about real
against real ones, because scanners differ among themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.ultrasound.checks import half_height

#: Rows of the common grid; columns follow the picture's aspect.
GRID_ROWS = 256
HISTOGRAM_BINS, DEPTH_BINS = 64, 10
#: Cycles per pixel between which the spectrum's slope is fitted (SIMULATION.md A4).
SLOPE_BAND = (0.02, 0.25)
#: What is coarser than this, in rows of the common grid (about 1 mm), is anatomy, not texture.
TEXTURE_ROWS = 6
#: Ridge penalty of the linear classifier, in units of the number of pictures.
RIDGE = 0.1


@dataclass(frozen=True)
class PictureFeatures:
    """Statistics of one picture on the common grid.

    Attributes
    ----------
    histogram : numpy.ndarray (64,) float64
        Parts of the unmasked pixels per 4 grey levels.
    depth_profile : numpy.ndarray (10,) float64
        Mean grey level in ten bands from the face down.
    spectrum_slope : float
        Of log10 radial power against log10 frequency.
    axial_fwhm_px, lateral_fwhm_px : float
        Correlation widths of what is finer than `TEXTURE_ROWS`.
    gradient_down, gradient_across : float
        Mean absolute grey difference of neighbours.
    """

    histogram: np.ndarray
    depth_profile: np.ndarray
    spectrum_slope: float
    axial_fwhm_px: float
    lateral_fwhm_px: float
    gradient_down: float
    gradient_across: float

    @property
    def correlation_ratio(self) -> float:
        """Return lateral over axial texture width."""
        return self.lateral_fwhm_px / self.axial_fwhm_px

    @property
    def mean_grey(self) -> float:
        """Return the mean grey level, to within a bin."""
        return float(self.histogram @ _bin_centres())

    @property
    def sd_grey(self) -> float:
        """Return the standard deviation of the grey levels, to within a bin."""
        return float(np.sqrt(self.histogram @ (_bin_centres() - self.mean_grey) ** 2))

    def vector(self) -> np.ndarray:
        """Return what the classifier sees, (34,) float64: no position of any structure."""
        coarse = np.cumsum(self.histogram.reshape(16, -1).sum(axis=1))[:-1]
        rest = [self.spectrum_slope, np.log(self.axial_fwhm_px), np.log(self.lateral_fwhm_px)]
        rest += [np.log(self.correlation_ratio), self.mean_grey, self.sd_grey]
        rest += [np.log1p(self.gradient_down), np.log1p(self.gradient_across)]
        rest += [self.gradient_across / max(self.gradient_down, 1e-6)]
        return np.concatenate([coarse, self.depth_profile, rest])


def _bin_centres() -> np.ndarray:
    return (np.arange(HISTOGRAM_BINS) + 0.5) * 256 / HISTOGRAM_BINS


def describe(picture: np.ndarray, is_masked: np.ndarray | None = None) -> PictureFeatures:
    """Measure one picture.

    Parameters
    ----------
    picture : numpy.ndarray (H, W) uint8
        The sonogram alone: margins cut off, square pixels.
    is_masked : numpy.ndarray (H, W) bool, optional
        Burnt-in drawings; they count nowhere.

    Returns
    -------
    PictureFeatures

    Raises
    ------
    ValueError
        If the picture is not (H, W) uint8, or nothing is left of it.
    """
    grey, is_known = _to_grid(picture, is_masked)
    histogram, _ = np.histogram(grey[is_known], HISTOGRAM_BINS, (0, 256))
    bands = zip(np.array_split(grey, DEPTH_BINS), np.array_split(is_known, DEPTH_BINS), strict=True)
    profile = [float(band[known].mean()) if known.any() else 0.0 for band, known in bands]
    filled = np.where(is_known, grey, grey[is_known].mean())
    down, across = np.abs(np.diff(grey, axis=0)), np.abs(np.diff(grey, axis=1))
    texture = _high_pass(filled)
    return PictureFeatures(
        histogram=histogram / histogram.sum(),
        depth_profile=np.array(profile),
        spectrum_slope=_spectrum_slope(filled),
        axial_fwhm_px=_correlation_fwhm(texture, axis=0),
        lateral_fwhm_px=_correlation_fwhm(texture, axis=1),
        gradient_down=float(down[is_known[1:] & is_known[:-1]].mean()),
        gradient_across=float(across[is_known[:, 1:] & is_known[:, :-1]].mean()),
    )


def _to_grid(picture, is_masked) -> tuple[np.ndarray, np.ndarray]:
    """Return grey levels and what is known of them, `GRID_ROWS` high."""
    import cv2

    picture = np.asarray(picture)
    if picture.ndim != 2 or picture.dtype != np.uint8:
        raise ValueError(f"picture must be (H, W) uint8, got {picture.shape} {picture.dtype}")
    masked = np.zeros(picture.shape, bool) if is_masked is None else np.asarray(is_masked, bool)
    size = (max(round(picture.shape[1] * GRID_ROWS / picture.shape[0]), 8), GRID_ROWS)
    weight = cv2.resize((~masked).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    grey = np.where(masked, 0, picture).astype(np.float32)
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    is_known = weight > 0.5
    if is_known.sum() < 0.2 * is_known.size:
        raise ValueError(f"picture is masked but for {is_known.mean():.0%}")
    return np.where(is_known, grey / np.maximum(weight, 0.5), 0).astype(np.float64), is_known


def _high_pass(grey: np.ndarray) -> np.ndarray:
    """Return what is finer than anatomy."""
    from scipy.ndimage import gaussian_filter

    return grey - gaussian_filter(grey, TEXTURE_ROWS)


def _spectrum_slope(grey: np.ndarray) -> float:
    """Return the slope of the radially averaged power spectrum in the log-log plane."""
    window = np.outer(np.hanning(grey.shape[0]), np.hanning(grey.shape[1]))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(
        np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1])[None]
    )
    edges = np.geomspace(*SLOPE_BAND, 16)
    ring = np.digitize(frequency.ravel(), edges)
    total = np.bincount(ring, power.ravel(), minlength=17)[1:16]
    count = np.bincount(ring, minlength=17)[1:16]
    kept = count > 0
    centres = np.sqrt(edges[1:] * edges[:-1])[kept]
    return float(np.polyfit(np.log10(centres), np.log10(total[kept] / count[kept] + 1e-12), 1)[0])


def _correlation_fwhm(texture: np.ndarray, *, axis: int) -> float:
    """Return the full width at half maximum of the autocorrelation along one axis, px.

    One pixel where there is no texture at all.
    """
    values = np.moveaxis(texture, axis, 0)
    power = (values**2).mean()
    if power < 1e-6:
        return 1.0
    lags = range(min(len(values) // 2, 40))
    curve = [(values[: len(values) - lag] * values[lag:]).mean() for lag in lags]
    return 2 * half_height(np.array(curve) / curve[0])


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
