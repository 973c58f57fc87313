"""Fuse the p_a and the p_d sweep of one hip into one volume: the whole way.

Decides the order: anatomy, rigid registration of the pelvis, both trajectories together, one
volume. Decides what is refused: sweeps of different hips, of which one lacks head or ilium, or
that show nothing in common. The first sweep's world stands. Deliberately measures no hip (see
`morphometry`) and never looks at truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hipus import geometry
from hipus.fusion.anatomy import find_head, find_hip, place_by_anatomy
from hipus.fusion.compounding import FusedVolume, compound
from hipus.fusion.joint import LEVELS, ROUNDNESS, JointRefinement, Level, refine_jointly
from hipus.fusion.likeness import LabelledView
from hipus.fusion.rigid import (
    PelvisVolume,
    RigidPlacement,
    check_overlap,
    common_mm3,
    register_pelvis,
)
from hipus.fusion.trajectories import PREDICTED, PoseSpread
from hipus.reconstruction.grid import VoxelGrid, grid_around
from hipus.reconstruction.label_volumes import SweepVolume, shown_region, sweep_volume
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.segmentation.sweep_volumes import StudySweep

_FUSED = "fused"


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


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """What the steps of a fusion found.

    Attributes
    ----------
    heads_apart_mm : float
        Between the head's centres by the labels of either sweep, placed by refined poses: small
        if the sweeps fit.
    rigid : RigidPlacement
    joint : JointRefinement
    common_mm3 : float
        Volume known from both sweeps in the end.
    """

    heads_apart_mm: float
    rigid: RigidPlacement
    joint: JointRefinement
    common_mm3: float


@dataclass(frozen=True, eq=False)
class Fusion:
    """One hip from two sweeps.

    Attributes
    ----------
    T_second_to_first : numpy.ndarray (4, 4)
        From the second's world to the first's.
    T_first_to_world, T_second_to_world : numpy.ndarray (N, 4, 4), (M, 4, 4)
        Refined `T_centre_to_world` of all frames, each in its own sweep's world; NaN where
        the sweep has no pose.
    volume : FusedVolume
        In the first's world.
    diagnostics : Diagnostics
    """

    T_second_to_first: np.ndarray
    T_first_to_world: np.ndarray
    T_second_to_world: np.ndarray
    volume: FusedVolume
    diagnostics: Diagnostics


def fuse_sweeps(
    first: LabelledSweep,
    second: LabelledSweep,
    *,
    spreads: tuple[PoseSpread, PoseSpread] = (PREDICTED, PREDICTED),
    levels: Sequence[Level] = LEVELS,
    roundness: float = ROUNDNESS,
    spacing_mm: float | None = None,
    device: str = "cpu",
) -> Fusion:
    """Fuse two crossing sweeps of one hip.

    Parameters
    ----------
    first, second : LabelledSweep
        p_a and p_d, or the other way round.
    spreads : tuple of 2 PoseSpread
        What the poses of each are expected to be off by (`trajectories.PREDICTED`, `TRACKED`).
    levels : sequence of Level
    roundness : float
        Weight of the head being a ball; 0 where its roundness is to be measured afterwards.
    spacing_mm : float, optional
        Of the fused volume; the first's where left out.
    device : str
        For the refinement.

    Returns
    -------
    Fusion

    Raises
    ------
    ValueError
        If the sweeps are of different hips, one lacks head or ilium, or they do not overlap.
    """
    _check_same_hip(first.sweep, second.sweep)
    pair = first, second
    rigid = place_rigidly(*pair)
    views = [one.view() for one in pair]
    joint = refine_jointly(
        *views,
        T_second_to_first=rigid.T_second_to_first,
        spreads=spreads,
        levels=levels,
        roundness=roundness,
        device=device,
    )
    placed = _placed(views, joint, spacing_mm or first.volume.grid.spacing_xyz_mm[0])
    return Fusion(
        joint.T_second_to_first,
        _spread_out(joint.T_first_to_world, first.sweep.is_valid),
        _spread_out(joint.T_second_to_world, second.sweep.is_valid),
        compound(*placed, rotations=_held(joint), name=_FUSED),
        _diagnostics(pair, placed, rigid=rigid, joint=joint),
    )


def place_rigidly(first: LabelledSweep, second: LabelledSweep) -> RigidPlacement:
    """Place one sweep in the other's world as a rigid body: by anatomy, then by registration.

    Parameters
    ----------
    first, second : LabelledSweep

    Returns
    -------
    RigidPlacement

    Raises
    ------
    ValueError
        If one lacks head or ilium, or they do not overlap.
    """
    pair = first, second
    places = [find_hip(one.labels, one.volume.grid, name=one.name) for one in pair]
    start = place_by_anatomy(*places)
    seen = [
        PelvisVolume(one.volume.grey, one.volume.is_known, one.labels, one.volume.grid)
        for one in pair
    ]
    check_overlap(common_mm3(*seen, start), names=_names(pair))
    return register_pelvis(*seen, start, centre_mm=places[0].head_mm)


def _names(pair: Sequence[LabelledSweep]) -> str:
    """Return what both sweeps are called."""
    return " and ".join(one.name for one in pair)


def _diagnostics(pair, placed: Sequence[SweepVolume], *, rigid, joint) -> Diagnostics:
    """Return what the steps found, once the sweeps still overlap."""
    both = placed[0].is_known & placed[1].is_known
    common = float(both.sum() * np.prod(placed[0].grid.spacing_xyz_mm))
    check_overlap(common, names=_names(pair))
    heads = [
        find_head(volume.labels[_FUSED], volume.grid, name=one.name)[0]
        for one, volume in zip(pair, placed, strict=True)
    ]
    return Diagnostics(float(np.linalg.norm(heads[1] - heads[0])), rigid, joint, common)


def _check_same_hip(first: StudySweep, second: StudySweep) -> None:
    """Refuse sweeps of two hips."""
    hips = [(one.subject_id, one.side) for one in (first, second)]
    if hips[0] != hips[1]:
        names = " and ".join(f"{side} of {subject}" for subject, side in hips)
        raise ValueError(f"first and second must show one hip, got {names}")


def _in_one_world(joint: JointRefinement) -> tuple[np.ndarray, np.ndarray]:
    """Return refined poses of both sweeps in the first's world."""
    return (
        joint.T_first_to_world,
        geometry.compose(joint.T_second_to_first, joint.T_second_to_world),
    )


def _held(joint: JointRefinement) -> list[np.ndarray]:
    """Return how each probe was held in its middle frame."""
    return [T[len(T) // 2, :3, :3] for T in _in_one_world(joint)]


def _placed(views, joint: JointRefinement, spacing_mm: float) -> list[SweepVolume]:
    """Return each sweep's volume by refined poses, on one grid of the first's world."""
    poses = [
        geometry.compose(T, pixel_to_centre(view.frames.shape[1:], view.pixel_spacing_xy_mm))
        for T, view in zip(_in_one_world(joint), views, strict=True)
    ]
    grid = _grid(poses, views, spacing_mm)
    return [
        sweep_volume(view.frames, T, masks={_FUSED: view.masks}, grid=grid, threads=1)
        for T, view in zip(poses, views, strict=True)
    ]


def _grid(placed, views, spacing_mm: float) -> VoxelGrid:
    """Return the grid around both sweeps' shown parts."""
    grids = [
        grid_around(T, shown_region(view.frames), spacing_xyz_mm=spacing_mm)
        for T, view in zip(placed, views, strict=True)
    ]
    lows = np.array([grid.origin_xyz_mm for grid in grids])
    sizes = np.array([grid.shape_zyx[::-1] for grid in grids])
    low, high = lows.min(axis=0), (lows + (sizes - 1) * spacing_mm).max(axis=0)
    counts = np.ceil((high - low) / spacing_mm - 1e-6).astype(int) + 1
    return VoxelGrid(tuple(low), (spacing_mm,) * 3, tuple(counts[::-1].tolist()))


def _spread_out(T: np.ndarray, is_valid: np.ndarray) -> np.ndarray:
    """Return poses of all frames, NaN where there were none."""
    whole = np.full((len(is_valid), 4, 4), np.nan)
    whole[is_valid] = T
    return whole
