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
WAVE_LENGTHS_MM = (40.0, 70.0)


class Deformation(NamedTuple):
    """Waves of displacement, kept as plain arrays for compiled code.

    Attributes
    ----------
    amplitude_mm : numpy.ndarray (WAVES, 3)
    wave_rad_mm : numpy.ndarray (WAVES, 3)
    phase_rad : numpy.ndarray (WAVES,)
    """

    amplitude_mm: np.ndarray
    wave_rad_mm: np.ndarray
    phase_rad: np.ndarray


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
    return Deformation(
        amplitude, direction * 2 * np.pi / length_mm, rng.uniform(0, 2 * np.pi, WAVES)
    )


@compiled
def displaced(deformation, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return where a point lies in the ideal shape; the origin stays where it is."""
    amplitude, wave, phase = deformation
    dx, dy, dz = x, y, z
    for i in range(phase.size):
        angle = wave[i, 0] * x + wave[i, 1] * y + wave[i, 2] * z + phase[i]
        shift = sin(angle) - sin(phase[i])
        dx += amplitude[i, 0] * shift
        dy += amplitude[i, 1] * shift
        dz += amplitude[i, 2] * shift
    return dx, dy, dz
