"""What annotation costs: a stated model of a rater's time.

Decides how changed voxels and touched slices become minutes. Nobody was timed: the minutes are
simulated, say so in their name, and stand beside the counts that they are made of, so that a
reader can put other costs in their place.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Protocol

#: A frame counts as a slice of this thickness, so that a stroke of 1 mm2 in a frame costs what
#: 1 mm3 costs in a volume (assumed).
FRAME_THICKNESS_MM = 1.0


@dataclass(frozen=True)
class Cost:
    """Costs of one rater's work.

    Attributes
    ----------
    minutes_per_slice : float
        To find and judge a slice or a frame in which something is changed.
    minutes_per_mm3 : float
        To change labels.
    minutes_per_case : float
        To open, review and save a volume or a sweep.

    Raises
    ------
    ValueError
        If a cost is negative or not finite.
    """

    minutes_per_slice: float
    minutes_per_mm3: float
    minutes_per_case: float

    def __post_init__(self) -> None:
        """Check that nothing is paid for work."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not (value >= 0 and isfinite(value)):
                raise ValueError(f"{item.name} must be >= 0 and finite, got {value}")


#: Assumed, all three. Their sum was set so that a hip volume drawn from nothing (about 3.8 cm3 in
#: 60 to 100 slices) takes some 50 minutes: what the thesis prints for one muscle (25 h for three
#: muscles of ten patients, T033 in data/published/thesis_text_claims.csv), a structure as long.
ASSUMED = Cost(minutes_per_slice=0.15, minutes_per_mm3=0.01, minutes_per_case=2.0)


class Annotated(Protocol):
    """Anything that says how much of a prior mask was changed."""

    @property
    def changed_voxels(self) -> int:
        """Return how many voxels or pixels got another label."""

    @property
    def touched_slices(self) -> int:
        """Return in how many slices or frames at least one did."""


@dataclass(frozen=True)
class Effort:
    """What one rater did to one volume, or to the frames of one sweep.

    Attributes
    ----------
    changed_voxels : int
    changed_mm3 : float
    touched_slices : int
    minutes_simulated : float
    """

    changed_voxels: int
    changed_mm3: float
    touched_slices: int
    minutes_simulated: float


def effort(annotation: Annotated, *, voxel_mm3: float, cost: Cost = ASSUMED) -> Effort:
    """Return what an annotation cost.

    Parameters
    ----------
    annotation : Annotated
        changed_voxels and touched_slices against the mask it began with.
    voxel_mm3 : float
        Volume of a voxel; of frames, a pixel's area times `FRAME_THICKNESS_MM`.
    cost : Cost

    Returns
    -------
    Effort
        minutes = per case + touched slices x per slice + changed mm3 x per mm3. An annotation
        that changes nothing still costs its case: somebody looked.

    Raises
    ------
    ValueError
        If a voxel has no volume or a count is negative.

    Notes
    -----
    Thinner slices cost more at equal volume: twice as many are touched.
    """
    if not (voxel_mm3 > 0 and isfinite(voxel_mm3)):
        raise ValueError(f"voxel_mm3 must be positive, got {voxel_mm3}")
    voxels, slices = int(annotation.changed_voxels), int(annotation.touched_slices)
    if voxels < 0 or slices < 0:
        raise ValueError(f"changed_voxels and touched_slices must be >= 0, got {voxels}, {slices}")
    changed_mm3 = voxels * voxel_mm3
    minutes = cost.minutes_per_case + slices * cost.minutes_per_slice
    return Effort(voxels, changed_mm3, slices, minutes + changed_mm3 * cost.minutes_per_mm3)
