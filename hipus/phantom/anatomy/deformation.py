"""A smooth random deformation, so that no two subjects are of the same ideal shape.

Decides its spectrum: a few long waves, which leave distances true to a few percent.
"""

from __future__ import annotations

from math import sin
from typing import NamedTuple

import numpy as np

from hipus.phantom.anatomy.primitives import compiled

#: Number of waves, and their lengths, mm (assumed: longer than the head is wide).
WAVES = 4
WAVE_LENGTHS_MM = (40.0, 80.0)
#: Within this distance of the origin a deformation has no mean shift, turn or stretch, which
#: are parameters of their own (displacement, inclination, size).
JOINT_MM = 16.0


class Deformation(NamedTuple):
    """Waves of displacement, kept as plain arrays for compiled code.

    Attributes
    ----------
    amplitude_mm : numpy.ndarray (WAVES, 3)
    wave_rad_mm : numpy.ndarray (WAVES, 3)
    phase_rad : numpy.ndarray (WAVES,)
    affine : numpy.ndarray (3, 4)
        The waves' mean slope and shift about the joint, which is taken off.
    """

    amplitude_mm: np.ndarray
    wave_rad_mm: np.ndarray
    phase_rad: np.ndarray
    affine: np.ndarray


def draw_deformation(rng: np.random.Generator, amount_mm: float) -> Deformation:
    """Return a deformation whose components each have an SD of `amount_mm` over space.

    Parameters
    ----------
    rng : numpy.random.Generator
    amount_mm : float
        0 gives none.
    """
    direction = rng.normal(size=(WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length_mm = rng.uniform(*WAVE_LENGTHS_MM, size=(WAVES, 1))
    # A sine has an SD of 1/sqrt(2); the variances of the waves add up.
    amplitude = rng.normal(size=(WAVES, 3)) * amount_mm * np.sqrt(2.0 / WAVES)
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    wave = direction * 2 * np.pi / length_mm
    return Deformation(amplitude, wave, phase, _affine(amplitude, wave, phase))


def _affine(amplitude: np.ndarray, wave: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Return the affine map nearest to the waves' displacement over the joint."""
    axis = np.linspace(-JOINT_MM, JOINT_MM, 9)
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) <= JOINT_MM]
    rows = np.column_stack([points, np.ones(len(points))])
    shift = np.sin(points @ wave.T + phase) @ amplitude
    return np.ascontiguousarray(np.linalg.lstsq(rows, shift, rcond=None)[0].T)


@compiled
def displaced(deformation, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return where a point lies in the ideal shape."""
    amplitude, wave, phase, affine = deformation
    dx = x - (affine[0, 0] * x + affine[0, 1] * y + affine[0, 2] * z + affine[0, 3])
    dy = y - (affine[1, 0] * x + affine[1, 1] * y + affine[1, 2] * z + affine[1, 3])
    dz = z - (affine[2, 0] * x + affine[2, 1] * y + affine[2, 2] * z + affine[2, 3])
    for i in range(phase.size):
        shift = sin(wave[i, 0] * x + wave[i, 1] * y + wave[i, 2] * z + phase[i])
        dx += amplitude[i, 0] * shift
        dy += amplitude[i, 1] * shift
        dz += amplitude[i, 2] * shift
    return dx, dy, dz
