"""Fuse the p_a and the p_d sweep of one hip into one volume: the whole way.

Decides the order: anatomy, rigid registration of the pelvis, both trajectories together, each
sweep labelled anew where it then lies, one volume. Decides what is refused: sweeps of different
hips, of which one lacks head or ilium, or that show nothing in common. The first sweep's world
stands. Deliberately measures no hip (see `morphometry`) and never looks at truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.fusion.anatomy import find_head, find_hip, place_by_anatomy, which_shows_roof
from hipus.fusion.compounding import FusedVolume, compound
from hipus.fusion.joint import LEVELS, ROUNDNESS, JointRefinement, Level, refine_jointly
from hipus.fusion.labelled_sweep import FUSED, LabelledSweep, Relabel, together
from hipus.fusion.rigid import (
    PelvisVolume,
    RigidPlacement,
    check_overlap,
    common_mm3,
    register_pelvis,
)
from hipus.fusion.trajectories import PREDICTED, PoseSpread
from hipus.reconstruction.label_volumes import SweepVolume
from hipus.segmentation.sweep_volumes import StudySweep


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
    refined : tuple of 2 LabelledSweep
        Each sweep alone by its refined poses.
    roof_sweep : int
        Which sweep's labels stand: 0 or 1.
    diagnostics : Diagnostics
    """

    T_second_to_first: np.ndarray
    T_first_to_world: np.ndarray
    T_second_to_world: np.ndarray
    volume: FusedVolume
    refined: tuple[LabelledSweep, LabelledSweep]
    roof_sweep: int
    diagnostics: Diagnostics

    @property
    def roof(self) -> LabelledSweep:
        """Return the sweep to measure a hip in: the one that shows the roof, straightened.

        Its labels are those of `volume`. But where a label ends at the border of its own volume
        it is cut, not ended, which a larger grid cannot tell: alpha moves by up to some degrees.
        """
        return self.refined[self.roof_sweep]


def fuse_sweeps(
    first: LabelledSweep,
    second: LabelledSweep,
    *,
    spreads: tuple[PoseSpread, PoseSpread] = (PREDICTED, PREDICTED),
    levels: Sequence[Level] = LEVELS,
    roundness: float = ROUNDNESS,
    spacing_mm: float | None = None,
    relabel: Relabel | None = None,
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
    relabel : callable, optional
        Labels a `SweepVolume` by its refined poses, most often the network that labelled
        `first` and `second`: what it takes for a roof depends on how bent a volume is. Left
        out, frames keep the labels that they have.
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
    refined = _refined(pair, joint, relabel)
    worlds = np.eye(4), joint.T_second_to_first
    placed = together(refined, worlds, spacing_mm=spacing_mm or first.volume.grid.spacing_xyz_mm[0])
    hips = [find_hip(one.labels, one.volume.grid, name=one.name) for one in refined]
    roof = which_shows_roof(*hips)
    return Fusion(
        joint.T_second_to_first,
        *(one.sweep.T_centre_to_world for one in refined),
        volume=compound(*placed, rotations=_held(joint), name=FUSED, teller=roof),
        refined=refined,
        roof_sweep=roof,
        diagnostics=_diagnostics(pair, placed, rigid=rigid, joint=joint),
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
        find_head(volume.labels[FUSED], volume.grid, name=one.name)[0]
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


def _refined(pair, joint: JointRefinement, relabel) -> tuple[LabelledSweep, LabelledSweep]:
    """Return each sweep by its refined poses, in its own world."""
    poses = joint.T_first_to_world, joint.T_second_to_world
    first, second = (
        one.moved(_spread_out(T, one.sweep.is_valid), relabel)
        for one, T in zip(pair, poses, strict=True)
    )
    return first, second


def _spread_out(T: np.ndarray, is_valid: np.ndarray) -> np.ndarray:
    """Return poses of all frames, NaN where there were none."""
    whole = np.full((len(is_valid), 4, 4), np.nan)
    whole[is_valid] = T
    return whole
