"""The true hip of two sweeps on one grid about the head, and masks carried onto it. No stage.

Decides the common grid: a box about the true head in the pelvis' frame, where either sweep truly
passed; what one sweep does not show there counts as missed. Decides how a volume gets there: as a
rigid body, at the frame nearest the head's centre, so that its own bends count against it.
Flexion differs between the sweeps, so head and ilium are judged, the thigh is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus import geometry
from hipus.fusion.compounding import FusedVolume
from hipus.fusion.hip_errors import TrueSweep, shell_targets
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.label_volumes import sweep_volume
from hipus.reconstruction.pose_agreement import nearest_frame, pixel_to_centre
from hipus.segmentation.sweep_volumes import TRUTH_LABELS
from hipus.stages.placed_sweeps import PlacedSweep

JUDGED = (HipLabel.FEMORAL_HEAD, HipLabel.ILIUM)
#: The box reaches this far beyond the head, mm: roof, rim and the wing's lower part.
BEYOND_MM = 8.0


@dataclass(frozen=True, eq=False)
class TrueHip:
    """What either of two sweeps truly showed about the head.

    Attributes
    ----------
    labels : numpy.ndarray (D, H, W) uint8
    is_known : numpy.ndarray (D, H, W) bool
    grid : VoxelGrid
        In the pelvis' frame.
    head_mm : numpy.ndarray (3,)
    """

    labels: np.ndarray
    is_known: np.ndarray
    grid: VoxelGrid
    head_mm: np.ndarray

    def hip_to(self, sweep: TrueSweep) -> np.ndarray:
        """Return T_hip_to_world (4, 4) of a sweep at its frame nearest the head's centre."""
        T, true = sweep.known
        k = nearest_frame(true, self.head_mm)
        return geometry.compose(T[k], geometry.invert(true[k]))

    def dice(self, labels: np.ndarray, grid: VoxelGrid, *, sweep: TrueSweep) -> np.ndarray:
        """Return Dice of a volume's labels with the true hip, by `JUDGED`.

        Parameters
        ----------
        labels : numpy.ndarray (D, H, W) uint8
        grid : VoxelGrid
            In the sweep's world.
        sweep : TrueSweep
            Says how that world lies in the pelvis.

        Returns
        -------
        numpy.ndarray (2,)
            NaN where neither has the label.
        """
        ours = self.carried(labels, grid, sweep=sweep)
        return dice_per_label(ours[self.is_known], self.labels[self.is_known], JUDGED)

    def carried(
        self, volume: np.ndarray, grid: VoxelGrid, *, sweep: TrueSweep, order: int = 0
    ) -> np.ndarray:
        """Return a volume of a sweep's world on the common grid.

        Parameters
        ----------
        volume : numpy.ndarray (D, H, W)
        grid : VoxelGrid
            In the sweep's world.
        sweep : TrueSweep
        order : {0, 1}
            Nearest for labels, linear for grey values.

        Returns
        -------
        numpy.ndarray (E, F, G)
            0 outside.
        """
        index = np.indices(self.grid.shape_zyx)[::-1].reshape(3, -1).T
        places = index * np.array(self.grid.spacing_xyz_mm) + np.array(self.grid.origin_xyz_mm)
        into = geometry.compose(grid.T_world_to_voxel, self.hip_to(sweep))
        zyx = geometry.apply(into, places)[:, ::-1].T
        found = ndimage.map_coordinates(volume, zyx, order=order, mode="constant", cval=0)
        return found.reshape(self.grid.shape_zyx)


def true_hip(
    placed: Sequence[PlacedSweep],
    *,
    head_mm,
    radius_mm: float,
    spacing_mm: float,
    beyond_mm: float = BEYOND_MM,
) -> TrueHip:
    """Put the truth of both sweeps' frames where they truly were.

    Parameters
    ----------
    placed : sequence of 2 PlacedSweep
        With truth masks.
    head_mm : array-like (3,)
        True centre, in the pelvis' frame.
    radius_mm, spacing_mm : float
    beyond_mm : float
        How far the grid reaches beyond the head.

    Returns
    -------
    TrueHip
    """
    head_mm = np.asarray(head_mm, float)
    reach = radius_mm + beyond_mm
    count = 2 * int(np.ceil(reach / spacing_mm)) + 1
    origin = head_mm - (count - 1) / 2 * spacing_mm
    grid = VoxelGrid(tuple(origin), (spacing_mm,) * 3, (count,) * 3)
    made = [_volume(one, grid) for one in placed]
    known = [one.is_known for one in made]
    # Where both pass, the first stands: true poses put both truths in one place.
    labels = np.where(known[0], made[0].labels[TRUTH_LABELS], made[1].labels[TRUTH_LABELS])
    return TrueHip(labels.astype(np.uint8), known[0] | known[1], grid, head_mm)


def _volume(one: PlacedSweep, grid: VoxelGrid):
    """Return a sweep's truth by true poses."""
    sweep = one.sweep
    T = geometry.compose(
        one.T_centre_to_hip, pixel_to_centre(sweep.frames.shape[1:], sweep.pixel_spacing_xy_mm)
    )
    return sweep_volume(sweep.frames, T, masks={TRUTH_LABELS: sweep.masks}, grid=grid, threads=1)


def known_share(volume: FusedVolume, T_world_to_hip, *, head_mm, radius_mm: float) -> float:
    """Return which part of a shell about the head a fused volume knows.

    Parameters
    ----------
    volume : FusedVolume
    T_world_to_hip : array-like (4, 4)
    head_mm : array-like (3,)
        In the pelvis' frame.
    radius_mm : float

    Returns
    -------
    float
        0 to 1, of `hip_errors.shell_targets`.
    """
    targets = shell_targets(head_mm, radius_mm)
    into = geometry.compose(volume.grid.T_world_to_voxel, geometry.invert(T_world_to_hip))
    zyx = geometry.apply(into, targets)[:, ::-1].T
    known = volume.is_known.astype(np.uint8)
    return float(ndimage.map_coordinates(known, zyx, order=0, mode="constant", cval=0).mean())
