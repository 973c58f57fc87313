"""How far the femoral head has left the acetabulum, along the pelvis' own axes.

Decides where the middle of a centred head would be. Deliberately says nothing of how much
displacement is a dislocation.
"""

from __future__ import annotations

import numpy as np

from hipus.morphometry.roof_surface import RoofSurface

#: Bony roof to femoral head in a centred newborn hip, mm: 1.3 to 1.9 on the real stills.
CARTILAGE_MM = 1.6
#: The perpendicular through a centred head's middle meets the roof line at this part of its
#: length from the lower limb to the rim (assumed: where simulated centred heads of the
#: training subjects have it; over heads of all types it is good to half a millimetre).
FOOT_PART = 0.33


def socket_middle_mm(roof: RoofSurface, radius_mm: float) -> np.ndarray:
    """Return where the middle of a centred head would lie.

    Parameters
    ----------
    roof : RoofSurface
    radius_mm : float
        Of the head.

    Returns
    -------
    numpy.ndarray (3,)
        (lateral, posterior, superior) in the roof's axes; posterior is 0, the Graf plane.

    Raises
    ------
    VolumeRefused
        If there is no roof in the Graf plane.
    """
    limb, rim = roof.line(0.0)
    along = (rim - limb) / np.linalg.norm(rim - limb)
    foot = limb + FOOT_PART * (rim - limb)
    down = np.array([along[1], -along[0]])
    lateral, superior = foot + (radius_mm + CARTILAGE_MM) * down
    return np.array([lateral, 0.0, superior])
