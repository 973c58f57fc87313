"""One sweep with its volume and what that shows: before a fusion, after it, beside another.

Decides how labels of a volume become labels of frames, that refined poses mean a new volume in
which a network may look again, and on which grid two sweeps of one world lie together.
Deliberately refines nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from hipus import geometry
from hipus.fusion.likeness import LabelledView
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.label_volumes import SweepVolume, shown_region, sweep_volume
from hipus.segmentation.sweep_volumes import StudySweep, make_sweep_volume

#: Labels a sweep's volume, (D, H, W) uint8 in the hip scheme on its grid.
Relabel = Callable[[SweepVolume], np.ndarray]
#: Name of the labels of volumes that lie together.
FUSED = "fused"
_MASKS = "masks"


@dataclass(frozen=True, eq=False)
class LabelledSweep:
    """A sweep, its volume, and what the volume shows.

    Attributes
    ----------
    sweep : StudySweep
        With poses: true, tracked or predicted.
    volume : SweepVolume
        Of this sweep in its own world (`segmentation.sweep_volumes.make_sweep_volume`).
    labels : numpy.ndarray (D, H, W) uint8
        In the hip scheme, on the volume's grid: by a network, a rater, truth.
    """

    sweep: StudySweep
    volume: SweepVolume
    labels: np.ndarray

    @property
    def name(self) -> str:
        """Return `subject/sweep`."""
        return f"{self.sweep.subject_id}/{self.sweep.sweep_id}"

    def frame_masks(self) -> np.ndarray:
        """Return what each frame with a pose shows, by the label volume, (M, H, W) uint8."""
        T = self.sweep.T_pixel_to_world[self.sweep.is_valid]
        rows = geometry.compose(self.volume.grid.T_world_to_voxel, T)
        height, width = self.sweep.frames.shape[1:]
        v, u = np.mgrid[:height, :width]
        masks = np.empty((len(T), height, width), np.uint8)
        for mask, row in zip(masks, rows, strict=True):
            zyx = [row[k, 0] * u + row[k, 1] * v + row[k, 3] for k in (2, 1, 0)]
            ndimage.map_coordinates(self.labels, zyx, output=mask, order=0)
        return mask_shown(masks, self.sweep.frames)

    def moved(self, T_centre_to_world: np.ndarray, relabel: Relabel | None = None) -> LabelledSweep:
        """Return the sweep by other poses, with a new volume.

        Parameters
        ----------
        T_centre_to_world : numpy.ndarray (N, 4, 4)
            NaN where unknown.
        relabel : callable, optional
            Labels the new volume; left out, frames keep what they show.

        Returns
        -------
        LabelledSweep
        """
        sweep = replace(self.sweep, T_centre_to_world=T_centre_to_world)
        spacing_mm, masks = self.volume.grid.spacing_xyz_mm[0], {}
        if relabel is None:
            shown = np.zeros(sweep.frames.shape, np.uint8)
            shown[self.sweep.is_valid] = self.frame_masks()
            masks = {_MASKS: shown}
        volume = make_sweep_volume(sweep, spacing_mm=spacing_mm, masks=masks)
        labels = relabel(volume) if relabel else volume.labels[_MASKS]
        return LabelledSweep(sweep, volume, labels)

    def view(self) -> LabelledView:
        """Return the frames with a pose as refinement wants them."""
        sweep, known = self.sweep, self.sweep.is_valid
        return LabelledView(
            sweep.frames[known],
            sweep.T_centre_to_world[known],
            sweep.pixel_spacing_xy_mm,
            self.frame_masks(),
        )


def mask_shown(masks: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return masks without what lies on the scanner's black canvas.

    Parameters
    ----------
    masks : numpy.ndarray (M, H, W) uint8
    frames : numpy.ndarray (N, H, W) uint8

    Returns
    -------
    numpy.ndarray (M, H, W) uint8
    """
    return np.where(shown_region(frames).mask(frames.shape[1:]), masks, 0).astype(np.uint8)


def together(
    sweeps: Sequence[LabelledSweep], T_to_first: Sequence[np.ndarray], *, spacing_mm: float
) -> list[SweepVolume]:
    """Put sweeps into volumes on one grid of the first's world.

    Parameters
    ----------
    sweeps : sequence of LabelledSweep
    T_to_first : sequence of numpy.ndarray (4, 4)
        From each one's world to the first's.
    spacing_mm : float

    Returns
    -------
    list of SweepVolume
        With labels under the name `FUSED`, from each one's own volume.

    Notes
    -----
    The grid is the first volume's, grown by whole voxels until it holds both, so that with the
    same spacing the first's labels are copied, not sampled: alpha moves by degrees where a roof
    three voxels thin is put on another grid.
    """
    poses = [
        geometry.compose(T, one.sweep.T_pixel_to_world)
        for T, one in zip(T_to_first, sweeps, strict=True)
    ]
    grid = _grown(sweeps[0].volume.grid, poses, sweeps, spacing_mm)
    found = []
    for T_world, T_pixels, one in zip(T_to_first, poses, sweeps, strict=True):
        made = sweep_volume(one.sweep.frames, T_pixels, grid=grid, threads=1)
        labels = _sampled(one.labels, one.volume.grid, geometry.invert(T_world), grid)
        # On another grid other gaps are bridged: what is labelled was known.
        found.append(replace(made, is_known=made.is_known | (labels > 0), labels={FUSED: labels}))
    return found


def _grown(first: VoxelGrid, poses, sweeps, spacing_mm: float) -> VoxelGrid:
    """Return the first's grid, grown to hold both sweeps' shown parts."""
    grids = [
        grid_around(T, shown_region(one.sweep.frames), spacing_xyz_mm=spacing_mm)
        for T, one in zip(poses, sweeps, strict=True)
    ]
    lows = np.array([grid.origin_xyz_mm for grid in grids])
    sizes = np.array([grid.shape_zyx[::-1] for grid in grids])
    low, high = lows.min(axis=0), (lows + (sizes - 1) * spacing_mm).max(axis=0)
    start = np.array(first.origin_xyz_mm)
    low = start + np.floor((low - start) / spacing_mm + 1e-6) * spacing_mm
    counts = np.ceil((high - low) / spacing_mm - 1e-6).astype(int) + 1
    return VoxelGrid(tuple(low), (spacing_mm,) * 3, tuple(counts[::-1].tolist()))


def _sampled(labels: np.ndarray, own: VoxelGrid, T_to_own, grid: VoxelGrid) -> np.ndarray:
    """Return labels on another grid: the largest linear share, 0 outside.

    Nearest voxels of two grids that lie almost alike are off by up to half a voxel, all one way.
    """
    # affine_transform maps output to input indices, both z y x.
    T = geometry.compose(own.T_world_to_voxel, T_to_own, geometry.invert(grid.T_world_to_voxel))
    place = {"matrix": T[:3, :3][::-1, ::-1], "offset": T[:3, 3][::-1]}
    best, winner = np.full(grid.shape_zyx, 0.0, np.float32), np.zeros(grid.shape_zyx, np.uint8)
    for label in np.unique(labels):
        one = (labels == label).astype(np.float32)
        # "constant" would lose the outermost voxels to rounding.
        share = ndimage.affine_transform(
            one, **place, output_shape=grid.shape_zyx, order=1, mode="grid-constant"
        )
        wins = share > best + 1e-6
        winner[wins], best[wins] = label, share[wins]
    return winner
