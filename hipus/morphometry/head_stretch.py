"""How far a sweep is stretched or sheared along its way, told by the head being round.

Decides that a sweep without a tracker errs most in how far it went: its pictures are true in
themselves, so what can be wrong to first order is where each lies along the others. The femoral
head, which all of them cross, is a ball; the stretch and the two shears along the sweep's way
that make its labelled surface one are taken, held towards none as labels are inexact.
Deliberately moves no angle between pictures, and knows no truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from hipus.morphometry.head_sphere import fit_head
from hipus.morphometry.label_volume import LabelVolume

#: How far untracked sweeps are off near the head (SD: stretch, lateral and axial shear), and
#: how far the head's label tells that amiss (training sweeps, labels by model 3.2).
PRIOR_SD = (0.075, 0.05, 0.03)
LABEL_SD = (0.045, 0.034, 0.034)
#: Distances from the ball beyond this count by their length, mm.
OUTLIER_MM = 0.4
#: No sweep is taken to be off by more than this, either way.
MOST = 0.35


@dataclass(frozen=True)
class Stretch:
    """What makes a head round: x + lateral z, y + axial z, stretch z.

    Attributes
    ----------
    stretch : float
        1 for a sweep that is right.
    lateral, axial : float
        mm per mm of the way; 0 for a sweep that is right.
    """

    stretch: float
    lateral: float
    axial: float

    def then(self, more: Stretch) -> Stretch:
        """Return both, one after the other."""
        return Stretch(
            self.stretch * more.stretch,
            self.lateral + more.lateral * self.stretch,
            self.axial + more.axial * self.stretch,
        )

    def apply(self, T_centre_to_world: np.ndarray) -> np.ndarray:
        """Move poses to where the head would be round.

        Parameters
        ----------
        T_centre_to_world : numpy.ndarray (N, 4, 4)
            Of a sweep that goes along the world's z; NaN where unknown.

        Returns
        -------
        numpy.ndarray (N, 4, 4)
            Rotations are kept.
        """
        moved = np.array(T_centre_to_world, float)
        way = moved[:, 2, 3].copy()
        moved[:, 0, 3] += self.lateral * way
        moved[:, 1, 3] += self.axial * way
        moved[:, 2, 3] = self.stretch * way
        return moved


def stretch_of_head(
    labels: np.ndarray,
    *,
    scheme: str,
    spacing_zyx_mm: tuple[float, float, float],
    label_sd: tuple[float, float, float] = LABEL_SD,
) -> Stretch:
    """Return what would make the head of a label volume a ball.

    Parameters
    ----------
    labels : numpy.ndarray (D, H, W) uint8
        Of a volume whose z is the sweep's way.
    scheme : {"hip", "stills"}
    spacing_zyx_mm : tuple of 3 float
    label_sd : tuple of 3 float
        How far labels tell stretch, lateral and axial shear amiss (SD); 0 for exact ones.

    Returns
    -------
    Stretch

    Raises
    ------
    hipus.morphometry.label_volume.VolumeRefused
        If there is no head to fit.
    ValueError
        If label_sd is not 3 numbers >= 0.

    Notes
    -----
    A ball in sheared axes has centre, radius and three more unknowns, all of which its surface
    tells (the general case is an ellipsoid's fit, Li and Griffiths 2004). What it tells is
    drawn towards none by PRIOR_SD^2 / (PRIOR_SD^2 + label_sd^2), the best linear estimate. A
    newborn's head is not quite a ball: what it lacks is taken for stretch.
    """
    if np.shape(label_sd) != (3,) or not (np.asarray(label_sd) >= 0).all():
        raise ValueError(f"label_sd must be 3 numbers >= 0, got {label_sd}")
    head = fit_head(LabelVolume(labels, spacing_zyx_mm, scheme))
    told = _round(head.faces_mm - head.centre_mm, head.radius_mm)
    prior, label = np.square(PRIOR_SD), np.square(label_sd)
    stretch, lateral, axial = np.clip(told * prior / (prior + label), -MOST, MOST)
    return Stretch(1 + float(stretch), float(lateral), float(axial))


def _round(faces: np.ndarray, radius_mm: float) -> np.ndarray:
    """Return stretch - 1, lateral and axial shear that make a surface a ball's."""

    def off(numbers):
        more, lateral, axial, *centre, radius = numbers
        x, y, z = faces.T
        at = np.column_stack([x + lateral * z, y + axial * z, (1 + more) * z]) - centre
        return np.linalg.norm(at, axis=1) - radius

    start = np.array([0, 0, 0, 0, 0, 0, radius_mm], float)
    return least_squares(off, start, loss="soft_l1", f_scale=OUTLIER_MM).x[:3]
