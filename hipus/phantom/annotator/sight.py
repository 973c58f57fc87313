"""What a rater sees in a picture: ridges, edges and darkness.

Decides how strongly and where to a picture pulls a boundary. Knows no anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: Mean grey of muscle and of shadow in the real stills (SIMULATION.md A4, issue text).
MUSCLE_GREY, SHADOW_GREY = 82.0, 34.0
#: Grey levels and grey levels per mm below which nothing stands out (assumed).
GREY_FLOOR, EDGE_FLOOR = 8.0, 6.0
#: Half width of the surroundings that a ridge stands out from, relative to the reach (assumed).
SURROUND = 4.0
#: Over which a band is taken for one thing, mm (about its thickness).
BAND_MM = 0.8
#: Grey levels per mm of an edge that leaves no doubt (assumed).
CLEAR_EDGE = 20.0


@dataclass(frozen=True)
class Sight:
    """A picture or volume as a rater sees it.

    Attributes
    ----------
    to_ridge, to_edge : numpy.ndarray (ndim, ...) float32
        Displacement towards the next bright ridge and the next edge, mm, along the axes of
        the array.
    darkness : numpy.ndarray (...) float32
        0 where it is as bright as muscle, 1 where it is as dark as shadow.
    blandness : numpy.ndarray (...) float32
        0 where there is a clear edge, 1 where there is none.
    """

    to_ridge: np.ndarray
    to_edge: np.ndarray
    darkness: np.ndarray
    blandness: np.ndarray


def look(picture: np.ndarray, spacing_mm, *, reach_mm: float) -> Sight:
    """Look at a picture or volume.

    Parameters
    ----------
    picture : numpy.ndarray (H, W) or (D, H, W)
        Grey levels 0 to 255.
    spacing_mm : sequence of float
        Along each axis.
    reach_mm : float
        Scale of the features looked for.

    Returns
    -------
    Sight

    Notes
    -----
    About a ridge of Gaussian profile the brightness above the surroundings is close to
    exp(-e^2 / (2 s^2)) at the distance e, so that s^2 times the gradient of its logarithm is
    the step -e to the ridge; the step to an edge is the same of the blurred gradient
    magnitude. Steps are at most `reach_mm` long.
    """
    sigma = [reach_mm / side for side in spacing_mm]
    bright = _blur(np.asarray(picture, np.float32), sigma)
    steepness = np.sqrt((_gradient(bright, spacing_mm) ** 2).sum(axis=0))
    steepness = _blur(steepness, sigma)
    darkness = (MUSCLE_GREY - bright) / np.float32(MUSCLE_GREY - SHADOW_GREY)
    standing_out = np.maximum(bright - _surroundings(bright, spacing_mm, reach_mm), 0)
    return Sight(
        to_ridge=_step(standing_out + np.float32(GREY_FLOOR), spacing_mm, reach_mm),
        to_edge=_step(steepness + np.float32(EDGE_FLOOR), spacing_mm, reach_mm),
        darkness=np.clip(darkness, 0, 1),
        blandness=np.clip(1 - steepness / np.float32(CLEAR_EDGE), 0, 1),
    )


def steady(towards: np.ndarray, is_band: np.ndarray, spacing_mm) -> np.ndarray:
    """Average a pull across a band, which moves as a whole.

    Parameters
    ----------
    towards : numpy.ndarray (ndim, ...) float32
    is_band : numpy.ndarray (...) bool
        Where the band is believed to be.
    spacing_mm : sequence of float

    Returns
    -------
    numpy.ndarray (ndim, ...) float32
        Both sides of a band are pulled to its ridge: followed separately, they would make the
        band thinner rather than move it.
    """
    sigma = [BAND_MM / side for side in spacing_mm]
    weight = is_band.astype(np.float32)
    total = _blur(weight, sigma) + np.float32(1e-3)
    return np.stack([_blur(axis * weight, sigma) / total for axis in towards])


def _blur(values: np.ndarray, sigma) -> np.ndarray:
    """Blur by a Gaussian; pictures with OpenCV, which is several times faster."""
    if values.ndim != 2:
        return ndimage.gaussian_filter(values, sigma, mode="nearest", truncate=3.0)
    import cv2

    return cv2.GaussianBlur(
        values, (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_REPLICATE
    )


def _surroundings(values: np.ndarray, spacing_mm, reach_mm: float) -> np.ndarray:
    """Return the mean of a box about each place."""
    size = [2 * round(SURROUND * reach_mm / side) + 1 for side in spacing_mm]
    if values.ndim != 2:
        return ndimage.uniform_filter(values, size, mode="nearest")
    import cv2

    return cv2.blur(values, size[::-1], borderType=cv2.BORDER_REPLICATE)


def _gradient(values: np.ndarray, spacing_mm) -> np.ndarray:
    """Return central differences per mm along each axis, (ndim, ...) float32."""
    out = np.zeros((values.ndim, *values.shape), np.float32)
    for axis, side in enumerate(spacing_mm):
        moved, source = np.moveaxis(out[axis], axis, 0), np.moveaxis(values, axis, 0)
        np.subtract(source[2:], source[:-2], out=moved[1:-1])
        moved *= np.float32(0.5 / side)
    return out


def _step(feature: np.ndarray, spacing_mm, reach_mm: float) -> np.ndarray:
    """Return the step that climbs to the top of a positive blurred feature."""
    step = np.float32(reach_mm**2) * _gradient(feature, spacing_mm) / feature
    length = np.sqrt((step**2).sum(axis=0))
    return step / np.maximum(length / np.float32(reach_mm), 1)
