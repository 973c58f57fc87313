"""Statistics of one ultrasound picture: grey levels, spectrum, texture, brightness in depth.

Decides the features and the common grid on which they are measured. Deliberately knows
neither where a picture comes from nor what it shows.
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
