"""How much of the femoral head the bone covers: in the Graf plane, and of its volume.

Decides the definitions, all on the head's fitted sphere, so that a head that a sweep saw only in
part is covered as the whole one is.
"""

from __future__ import annotations

import numpy as np

from hipus.morphometry.iliac_wing import IliacWing

#: Half width of the patch of ilium that stands for the iliac plane, head radii.
PATCH_HALF_WIDTH = 0.7
_SLICES = 81


def coverage_percent(wing: IliacWing, centre_mm: np.ndarray, radius_mm: float) -> float:
    """Return the part of the head's section in the Graf plane that lies medial of the baseline.

    Parameters
    ----------
    wing : IliacWing
    centre_mm : numpy.ndarray (3,)
        Of the head, in the wing's axes; the Graf plane is posterior = 0.
    radius_mm : float
        Of the head.

    Returns
    -------
    float
        d / D of Morin, Harcke and MacEwen (1985), 0 to 100.
    """
    lateral, posterior, superior = centre_mm
    section = np.sqrt(max(radius_mm**2 - posterior**2, 1e-6))
    height = float(lateral - wing.lateral_mm(0.0, superior)) * wing.direction[1]
    return float(np.clip(50.0 * (1.0 - height / section), 0.0, 100.0))


def coverage_3d_percent(wing: IliacWing, centre_mm: np.ndarray, radius_mm: float) -> float:
    """Return the part of the head's volume that lies medial of the iliac plane.

    Parameters
    ----------
    wing : IliacWing
    centre_mm : numpy.ndarray (3,)
        Of the head, in the wing's axes.
    radius_mm : float

    Returns
    -------
    float
        0 to 100.

    Notes
    -----
    After Quader et al. (2017), who take the plane of the ilium's voxels; here it is fitted to
    the wing's lateral face. The volume of the cap of height r (1 + u) is
    (2 + 3 u - u^3) / 4 of the sphere's.
    """
    normal, offset = wing.plane(PATCH_HALF_WIDTH * radius_mm)
    u = np.clip((offset - normal @ centre_mm) / radius_mm, -1.0, 1.0)
    return float(100.0 * (2.0 + 3.0 * u - u**3) / 4.0)


def under_roof_percent(wing: IliacWing, centre_mm: np.ndarray, radius_mm: float) -> float:
    """Return the part of the head's volume that lies medial of the bony rim, all along it.

    Parameters
    ----------
    wing, centre_mm, radius_mm
        As in `coverage_3d_percent`.

    Returns
    -------
    float
        0 to 100.

    Notes
    -----
    The rim lies on the wing's face, which bends from front to back: in every section the head
    is cut along that section's own baseline, so that this is Morin's d / D carried through the
    volume. The area of a disc of radius r medial of a line at height h over its middle is
    r^2 arccos(h / r) - h sqrt(r^2 - h^2).
    """
    along = radius_mm * np.linspace(-1, 1, _SLICES + 2)[1:-1]
    disc = np.sqrt(radius_mm**2 - along**2)
    edge = wing.lateral_mm(centre_mm[1] + along, np.full_like(along, centre_mm[2]))
    height = np.clip((centre_mm[0] - edge) * wing.direction[1], -disc, disc)
    medial = disc**2 * np.arccos(height / disc) - height * np.sqrt(disc**2 - height**2)
    return float(100.0 * medial.sum() / (np.pi * disc**2).sum())
