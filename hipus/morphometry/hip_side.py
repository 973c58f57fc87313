"""Which way is front, and so whether a hip is a left or a right one, from anatomy.

Decides by what two things say: the thigh of an infant on the couch is flexed, so the femur's
bone lies in front of the head's centre; and the roof is steeper in front than behind. Neither is
certain, so evidence is added up and may be too little. Deliberately asks no file name and no
axis of the volume; a volume that was mirrored shows the other side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.morphometry.hip_axes import FEMUR, HipAxes
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.roof_surface import RoofSurface
from hipus.morphometry.section_contours import SCHEMES

#: Log odds per mm that the femur lies in front, and per deg that alpha grows to the back: twice
#: the mean over the variance. Femur 3.3 +- 2.5 mm (31 training sweeps of the study), alpha
#: 5.6 deg over a head radius (literature.csv: 58.2 in front, 63.8 behind), +- 3.5 measured.
FEMUR_PER_MM, ALPHA_PER_DEG = 1.06, 0.9
#: No single sign says more than this.
MOST_LOG_ODDS = 4.0
#: Evidence that is enough to decide: odds of 4.5 to 1.
LEAST_LOG_ODDS = 1.5
#: Fewest voxels of the femur that tell anything.
LEAST_VOXELS = 20


@dataclass(frozen=True)
class SideEvidence:
    """Log odds that the axes' posterior is posterior; None where there is nothing to see.

    Attributes
    ----------
    femur, roof : float or None
    """

    femur: float | None
    roof: float | None

    @property
    def log_odds(self) -> float:
        """Return the sum of what there is."""
        return (self.femur or 0.0) + (self.roof or 0.0)

    @property
    def is_enough(self) -> bool:
        """Whether front and back can be told apart."""
        return abs(self.log_odds) >= LEAST_LOG_ODDS


def look_for_front(
    volume: LabelVolume, axes: HipAxes, roof: RoofSurface | None, radius_mm: float
) -> SideEvidence:
    """Weigh which way is front.

    Parameters
    ----------
    volume : LabelVolume
    axes : HipAxes
    roof : RoofSurface or None
        In these axes.
    radius_mm : float
        Of the head.

    Returns
    -------
    SideEvidence
    """
    names = [name for name in FEMUR if name in SCHEMES[volume.scheme].__members__]
    bone = [volume.voxels_mm(SCHEMES[volume.scheme][name]) for name in names]
    bone = np.concatenate(bone) if bone else np.empty((0, 3))
    femur = None
    if len(bone) >= LEAST_VOXELS:
        femur = -FEMUR_PER_MM * float(axes.to_anatomy(bone)[:, 1].mean())
    slope = None
    if roof is not None:
        try:
            slope = ALPHA_PER_DEG * _alpha_growth(roof, radius_mm / 2)
        except VolumeRefused:
            slope = None
    return SideEvidence(_clip(femur), _clip(slope))


def _alpha_growth(roof: RoofSurface, offset_mm: float) -> float:
    return roof.alpha_deg(offset_mm) - roof.alpha_deg(-offset_mm)


def _clip(log_odds: float | None) -> float | None:
    return None if log_odds is None else float(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS))
