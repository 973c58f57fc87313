"""Speckle: a fixed field of scatterers, seen through the probe's point spread.

Decides how fully developed speckle is made and read: complex Gaussian noise on a grid in the
probe's mean frame, filtered by a point spread whose three widths change with depth, and read
by trilinear interpolation that keeps the variance. Echo strength is the tissue's business.

The point spread belongs to the probe: one field serves the sweeps of one orientation. A field
in anatomical axes would swap lateral and elevational widths when the probe is turned about
its beam (SIMULATION.md A6).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from hipus.phantom.ultrasound.compiling import compiled
from hipus.phantom.ultrasound.settings import FWHM_PER_SIGMA, ProbeSettings

log = logging.getLogger(__name__)

#: Grid steps as a part of the narrowest width (elevational, axial, lateral). At most 0.3:
#: linear interpolation then loses less than 6 % of the variance, which reading restores.
STEPS_PER_FWHM = (0.30, 0.29, 0.24)
#: Period in elevational and lateral direction, mm: beyond any structure's size (a newborn
#: head is 17 mm wide), so that wrapping never repeats a pattern within one.
PERIOD_MM = (29.0, 41.0)
#: How far above the face and below the picture a tilted or shifted frame may look, mm.
MARGIN_MM = 3.0
#: Amplitude of one step of the 16-bit grid; 6 standard deviations fit.
QUANTUM = 6.0 / 32767


@dataclass(frozen=True)
class SpeckleField:
    """Filtered scatterers of unit mean power on a grid in the probe's mean frame.

    Attributes
    ----------
    values : numpy.ndarray (elevational, axial, lateral, 2) int16
        Real and imaginary part in steps of `QUANTUM`; periodic but in depth.
    pitch_mm : tuple of 2 float
        Elevational and lateral step.
    depth_index : numpy.ndarray (K,) float32
        Axial grid coordinate at depths `depth_start_mm + k * depth_step_mm`: the axial axis
        is warped so that the axial width spans the same number of steps everywhere.
    losses : numpy.ndarray (axial, 3) float32
        2 * (1 - correlation of neighbours) per plane in elevational, axial, lateral
        direction: what interpolation between them would lose.
    """

    values: np.ndarray
    pitch_mm: tuple[float, float]
    depth_index: np.ndarray
    depth_start_mm: float
    depth_step_mm: float
    losses: np.ndarray


def build_field(rng: np.random.Generator, settings: ProbeSettings) -> SpeckleField:
    """Build the scatterer field of one sweep.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : ProbeSettings
        Widths and depth.

    Returns
    -------
    SpeckleField

    Notes
    -----
    Complex circular Gaussian scatterers convolved with a Gaussian amplitude point spread:
    the envelope is Rayleigh (SNR 1.91; Burckhardt 1978, Wagner 1983) and correlates over
    distance d as exp(-d^2 / (2 sigma^2)) to within 1 %, so that the designed width is the
    envelope's correlation width.
    """
    depth_mm, depth_index, plane_mm = _warp_depth(settings)
    pitch_mm = (
        STEPS_PER_FWHM[0] * settings.elevational_fwhm_mm,
        STEPS_PER_FWHM[2] * settings.lateral_fwhm_mm,
    )
    counts = [_even_length(period / step) for period, step in zip(PERIOD_MM, pitch_mm, strict=True)]
    widths = np.stack(
        [
            settings.elevational_fwhm_at(plane_mm) / pitch_mm[0],
            np.full(len(plane_mm), 1 / STEPS_PER_FWHM[1]),
            settings.lateral_fwhm_at(plane_mm) / pitch_mm[1],
        ],
        axis=1,
    )
    sigmas = widths / FWHM_PER_SIGMA
    values = _filter_noise(rng, (counts[0], len(plane_mm), counts[1]), sigmas)
    losses = 2 * (1 - np.exp(-1 / (4 * sigmas**2)))
    log.debug("speckle field of %.0f MB", values.nbytes / 1e6)
    return SpeckleField(
        values=values,
        pitch_mm=pitch_mm,
        depth_index=depth_index.astype(np.float32),
        depth_start_mm=float(depth_mm[0]),
        depth_step_mm=float(depth_mm[1] - depth_mm[0]),
        losses=losses.astype(np.float32),
    )


def _warp_depth(settings: ProbeSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return depths, their axial grid coordinates, and the depth of every grid plane."""
    depth_mm = np.linspace(-MARGIN_MM, settings.depth_mm + MARGIN_MM, 256)
    density = 1 / (STEPS_PER_FWHM[1] * settings.axial_fwhm_at(depth_mm))
    steps = np.diff(depth_mm) * (density[1:] + density[:-1]) / 2
    index = np.concatenate([[0.0], np.cumsum(steps)])
    planes = np.arange(_even_length(index[-1] + 2))
    return depth_mm, index, np.interp(planes, index, depth_mm)


def _even_length(count: float) -> int:
    """Return the next length that transforms fast."""
    from scipy.fft import next_fast_len

    return next_fast_len(int(np.ceil(count)))


def _filter_noise(rng, shape: tuple[int, int, int], sigmas: np.ndarray) -> np.ndarray:
    """Return white noise filtered per plane, unit mean power, (Y, Z, X, 2) int16.

    White noise has a white spectrum: it is drawn there, which saves the forward transforms.
    """
    from scipy import fft

    rows, planes, columns = shape
    noise = rng.standard_normal((planes, rows, columns, 2), dtype=np.float32)
    spectrum = noise.view(np.complex64)[..., 0]
    axial = _transfer(planes, sigmas[0, 1])
    spectrum = fft.ifft(spectrum * axial[:, None, None], axis=0, overwrite_x=True, workers=-1)
    spectrum *= _transfers(rows, sigmas[:, 0])[:, :, None]
    spectrum *= _transfers(columns, sigmas[:, 2])[:, None, :]
    field = fft.ifft2(spectrum, axes=(1, 2), overwrite_x=True, workers=-1)
    # Each 1-D inverse transform divides by its length; unit power needs its square root.
    field *= np.float32(np.sqrt(planes * rows * columns / 2) / QUANTUM)
    parts = np.ascontiguousarray(field.transpose(1, 0, 2)).view(np.float32)
    np.clip(parts, -32767, 32767, out=parts)
    return parts.reshape(rows, planes, columns, 2).astype(np.int16)


def _transfers(count: int, sigmas: np.ndarray) -> np.ndarray:
    """Return one transfer function of unit mean power per plane, (planes, count) float32."""
    frequency = np.fft.fftfreq(count)
    gains = np.exp(-2 * (np.pi * sigmas[:, None] * frequency) ** 2)
    return (gains / np.sqrt((gains**2).mean(axis=1, keepdims=True))).astype(np.float32)


def _transfer(count: int, sigma: float) -> np.ndarray:
    """Return the transfer function of one Gaussian."""
    return _transfers(count, np.array([sigma]))[0]


@compiled
def read_row(values, losses, start, step, out):
    """Read a row of equidistant points by trilinear interpolation of kept variance.

    Parameters
    ----------
    values : (Y, Z, X, 2) int16
    losses : (Z, 3) float32
    start, step : (3,) float64
        Grid coordinates (elevational, axial, lateral) of the first point and from one to the
        next; elevational and lateral wrap, axial is clipped.
    out : (2, L) float32
        Real and imaginary parts, changed in place.

    Notes
    -----
    Linear interpolation loses variance between grid points, 2 a (1 - a) (1 - rho) of it per
    axis at part a of a step, rho being the neighbours' correlation; it is divided out, or the
    picture would show the grid (SIMULATION.md A1.1: up to 0.8 dB).
    """
    rows, planes, columns = values.shape[0], values.shape[1], values.shape[2]
    for index in range(out.shape[1]):
        y = start[0] + index * step[0]
        z = min(max(start[1] + index * step[1], 0.0), planes - 1.001)
        x = start[2] + index * step[2]
        y0, z0, x0 = int(np.floor(y)), int(z), int(np.floor(x))
        a, b, c = np.float32(y - y0), np.float32(z - z0), np.float32(x - x0)
        y0, x0 = y0 % rows, x0 % columns
        y1 = y0 + 1 if y0 + 1 < rows else 0
        x1 = x0 + 1 if x0 + 1 < columns else 0
        kept = np.float32(1) - losses[z0, 0] * a * (1 - a)
        kept *= np.float32(1) - losses[z0, 1] * b * (1 - b)
        kept *= np.float32(1) - losses[z0, 2] * c * (1 - c)
        scale = np.float32(QUANTUM) / np.sqrt(kept)
        for part in range(2):
            near = _between(values, y0, z0, x0, x1, b, c, part)
            far = _between(values, y1, z0, x0, x1, b, c, part)
            out[part, index] = scale * (near + a * (far - near))


@compiled
def _between(values, y, z, x0, x1, b, c, part):
    """Interpolate within one elevational slab."""
    above, right = np.float32(values[y, z, x0, part]), np.float32(values[y, z, x1, part])
    top = above + c * (right - above)
    below = np.float32(values[y, z + 1, x0, part])
    bottom = below + c * (np.float32(values[y, z + 1, x1, part]) - below)
    return top + b * (bottom - top)


@compiled
def depth_to_index(depth_index, start_mm, step_mm, depth_mm):
    """Return the axial grid coordinate of a depth, clipped to the grid."""
    position = (depth_mm - start_mm) / step_mm
    position = min(max(position, 0.0), len(depth_index) - 1.001)
    low = int(position)
    return depth_index[low] + (position - low) * (depth_index[low + 1] - depth_index[low])
