"""A sweep without a tracker, moved until its femoral head is round.

Decides the order: volume, labels, what makes the labelled head a ball, poses moved by it, and
all again, because labels of a truer volume are truer. Decides how inexact labels are taken to be
each time. Labels come from the caller, so that truth can never enter unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hipus.morphometry.head_stretch import Stretch, stretch_of_head
from hipus.morphometry.label_volume import VolumeRefused
from hipus.reconstruction.label_volumes import SweepVolume
from hipus.segmentation.sweep_volumes import StudySweep

#: SD of what labels tell of stretch and shears, each time: what is left after the first time is
#: smaller, labels are not.
LABEL_SDS = ((0.045, 0.034, 0.034), (0.06, 0.045, 0.045))


@dataclass(frozen=True, eq=False)
class RoundSweep:
    """A sweep whose head is round, as its labels tell.

    Attributes
    ----------
    sweep : StudySweep
        With moved poses.
    volume : SweepVolume
    labels : numpy.ndarray (D, H, W) uint8
        Of that volume.
    stretch : Stretch
        Of all rounds together.
    """

    sweep: StudySweep
    volume: SweepVolume
    labels: np.ndarray
    stretch: Stretch


def make_head_round(
    sweep: StudySweep,
    *,
    make_volume: Callable[[StudySweep], SweepVolume],
    label: Callable[[SweepVolume], np.ndarray],
    scheme: str,
    seen: tuple[SweepVolume, np.ndarray] | None = None,
) -> RoundSweep:
    """Move a sweep's poses along its way until the labelled head is a ball.

    Parameters
    ----------
    sweep : StudySweep
        With predicted poses.
    make_volume : callable
        Returns a sweep's volume, in the sweep's world.
    label : callable
        Returns a volume's labels (D, H, W) uint8.
    scheme : {"hip", "stills"}
        Of the labels.
    seen : tuple of SweepVolume and numpy.ndarray (D, H, W) uint8, optional
        The sweep's volume as it is and its labels, where both are there already.

    Returns
    -------
    RoundSweep
        Where no head is labelled, poses stay as they then are.

    Notes
    -----
    How much truer this makes the shape near the head stands in table hip_infant_motion, and
    what it rests on in docs/hip_angles.md: a newborn's head is not quite a ball.
    """
    if seen is None:
        volume = make_volume(sweep)
        seen = volume, label(volume)
    found = RoundSweep(sweep, *seen, Stretch(1.0, 0.0, 0.0))
    for label_sd in LABEL_SDS:
        spacing = found.volume.grid.spacing_xyz_mm[::-1]
        try:
            more = stretch_of_head(
                found.labels, scheme=scheme, spacing_zyx_mm=spacing, label_sd=label_sd
            )
        except VolumeRefused:
            break
        T = more.apply(found.sweep.T_centre_to_world)
        moved = replace(found.sweep, T_centre_to_world=T)
        volume = make_volume(moved)
        found = RoundSweep(moved, volume, label(volume), found.stretch.then(more))
    return found
