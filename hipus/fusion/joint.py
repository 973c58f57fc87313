"""Refine the trajectories of two crossing sweeps together until they show one pelvis.

Decides the course: sweep by sweep first (a factor each, and where they lie to each other), then
both trajectories with curves, coarse before fine. Where frames cross, each sweep's pictures
measure the other's way, so that what one cannot tell of itself, the other can; the angle between
the two, which no crossing shows, is held by the head being round. How far poses may be off is
said by whoever knows where they come from (`PoseSpread`). Deliberately predicts no motion and
reads no file.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hipus import geometry
from hipus.fusion.likeness import Focus, LabelledView, PelvisOverlap
from hipus.fusion.round_head import RoundHead
from hipus.fusion.trajectories import Placement, PoseSpread, Trajectory, to_numpy

log = logging.getLogger(__name__)

#: Weight of what is unlikely against the loss of agreement: of 0.0005, 0.001 and 0.002 on 15 hips
#: of training and validation subjects, the targets' error was 0.70, 0.72 and 0.76 mm (5 knots).
PRIOR = 0.0005
#: Share of labels in the agreement. Labels place the sweeps; grey values refine them: of 0, 0.3
#: and 0.7 on training subjects, with true labels, the targets' error was 0.52, 0.54 and 0.77 mm.
LABEL_SHARE = 0.1
#: Weight of the head's roundness (`round_head`), per mm2: of 0, 0.5 and 1.5 on training and
#: validation subjects, labelled by a network, 0.5 left the least drift at the head.
ROUNDNESS = 0.5
#: Adam: the largest step, in expected sizes.
LARGEST_STEP = 0.6


@dataclass(frozen=True)
class Level:
    """One pass.

    Attributes
    ----------
    voxel_mm, window_mm : float
        Of the volumes, and of the windows within which they are correlated.
    iterations : int
    knots : int
        Of each sweep's curve; 0 leaves the sweeps a factor each.
    reach_mm : float or None
        Only a cube about the head is compared, this far to each side, and only grey values;
        None compares all that both may show, labels too.
    """

    voxel_mm: float
    window_mm: float
    iterations: int
    knots: int
    reach_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no pass."""
        is_sized = 0 < self.voxel_mm < self.window_mm < np.inf
        if not (is_sized and self.iterations >= 1 and self.knots >= 0 and self.knots != 1):
            raise ValueError(
                "level must have 0 < voxel_mm < window_mm, iterations >= 1 and knots 0 or >= 2, "
                f"got {self}"
            )
        if self.reach_mm is not None and not self.window_mm / 2 <= self.reach_mm < np.inf:
            raise ValueError(
                f"reach_mm must be None or half a window and more, got {self.reach_mm} with "
                f"window_mm {self.window_mm}"
            )


#: Sweep by sweep, then jointly, then about the head alone. On 15 hips of training and validation
#: subjects, labelled by a network, targets were 1.08 mm off before; with the first two passes 0.59
#: (0.72 with 5 knots, no better with 19), with the third in voxels of 1.0 and 0.8 mm 0.42 and 0.39.
LEVELS = (
    Level(2.0, 8.0, 12, 0),
    Level(1.4, 5.6, 15, 13),
    Level(0.8, 3.2, 15, 13, reach_mm=15.0),
)


@dataclass(frozen=True, eq=False)
class JointRefinement:
    """Two sweeps in one world.

    Attributes
    ----------
    T_first_to_world, T_second_to_world : numpy.ndarray (N, 4, 4), (M, 4, 4)
        Of the frames' centres, each in its own world: the middle frames stay where they were
        up to the curves' bends.
    T_second_to_first : numpy.ndarray (4, 4)
        From the second's world to the first's.
    factors : tuple of 2 float
        What the ways across the pictures were multiplied by.
    agreement : numpy.ndarray (I,)
        At every iteration; levels are not comparable.
    level : numpy.ndarray (I,) int
        Which pass an iteration belongs to.
    """

    T_first_to_world: np.ndarray
    T_second_to_world: np.ndarray
    T_second_to_first: np.ndarray
    factors: tuple[float, float]
    agreement: np.ndarray
    level: np.ndarray


def refine_jointly(
    first: LabelledView,
    second: LabelledView,
    *,
    T_second_to_first,
    spreads: tuple[PoseSpread, PoseSpread],
    levels: Sequence[Level] = LEVELS,
    roundness: float = ROUNDNESS,
    device: str = "cpu",
) -> JointRefinement:
    """Correct two trajectories and where they lie to each other.

    Parameters
    ----------
    first, second : LabelledView
        Of one hip.
    T_second_to_first : array-like (4, 4)
        From the second's world to the first's, as far as it is known.
    spreads : tuple of 2 PoseSpread
        What the poses of each are expected to be off by.
    levels : sequence of Level
    roundness : float
        Weight of the head being a ball; 0 leaves that open.
    device : str

    Returns
    -------
    JointRefinement

    Raises
    ------
    ValueError
        If there is no level, the sweeps do not overlap, or one shows too little of the head.

    Notes
    -----
    Loss: one less the agreement (`PelvisOverlap`), plus what is unlikely of all numbers, plus
    the head's distance from a ball; Adam.
    Volumes come from inverse grid sampling (Heinrich et al. 2023), so gradients are exact.
    Trap: agreement can exceed that of the true poses, since two speckle patterns always have a
    bend that likes them better; only the expected sizes hold against it. And a head that was
    assumed round must not be asked how round it is: refine with `roundness=0` for that.
    """
    if not levels:
        raise ValueError("levels must hold at least one Level, got none")
    views = first, second
    start = geometry.check_transform(T_second_to_first, "T_second_to_first")
    head = RoundHead(views, device=device)
    T_middles, paths, courses = _between_middles(views, start), None, []
    for level in levels:
        paths = _paths(views, spreads, knots=level.knots, before=paths, device=device)
        placement = Placement(T_middles, device=device)
        middle = head.centre_mm(*_poses(paths, placement))
        goal = _Goal(_overlap(views, level, middle, device), paths, placement, head, roundness)
        courses.append(_descend(goal, iterations=level.iterations))
        log.info("%g mm: agreement %.3f -> %.3f", level.voxel_mm, *courses[-1][[0, -1]])
        T_middles = to_numpy(placement.pose())
    return _result(paths, T_middles, courses)


@dataclass(frozen=True, eq=False)
class _Goal:
    """What one pass makes small."""

    overlap: PelvisOverlap
    paths: list[Trajectory]
    placement: Placement
    head: RoundHead
    roundness: float

    def poses(self):
        """Return poses of both sweeps in the first's middle frame."""
        return _poses(self.paths, self.placement)

    def begin(self) -> list:
        """Return all that is optimised, the ball where it fits best."""
        parts = [*self.paths, self.placement]
        if self.roundness > 0:
            self.head.start_from(*self.poses())
            parts.append(self.head)
        return [number for part in parts for number in part.free()]

    def __call__(self):
        """Return the loss, and the agreement in it."""
        poses = self.poses()
        agreement = self.overlap.agreement(*poses)
        unlikely = sum(part.unlikely() for part in (*self.paths, self.placement))
        loss = 1 - agreement + PRIOR * unlikely
        if self.roundness > 0:
            loss = loss + self.roundness * self.head.unlikely(*poses)
        return loss, agreement


def _poses(paths, placement: Placement):
    """Return poses of both sweeps in the first's middle frame."""
    return paths[0].poses(), placement.pose() @ paths[1].poses()


def _overlap(views, level: Level, head_mm: np.ndarray, device: str) -> PelvisOverlap:
    """Return what is compared in one pass."""
    is_all = level.reach_mm is None
    return PelvisOverlap(
        views,
        voxel_mm=level.voxel_mm,
        window_mm=level.window_mm,
        device=device,
        label_share=LABEL_SHARE if is_all else 0.0,
        focus=None if is_all else Focus(head_mm, level.reach_mm),
    )


def _between_middles(views, T_second_to_first: np.ndarray) -> np.ndarray:
    """Return how the second's middle frame lies in the first's."""
    first, second = (view.T_centre_to_world[len(view.frames) // 2] for view in views)
    return geometry.compose(geometry.invert(first), T_second_to_first, second)


def _paths(views, spreads, *, knots: int, before, device: str) -> list[Trajectory]:
    """Return both trajectories with a number of knots, beginning where the last pass ended."""
    paths = [
        Trajectory(view.T_centre_to_world, knots=knots, spread=spread, device=device)
        for view, spread in zip(views, spreads, strict=True)
    ]
    for path, last in zip(paths, before or (), strict=False):
        path.start_from(last)
    return paths


def _descend(goal: _Goal, *, iterations: int) -> np.ndarray:
    """Follow the gradient for one level; return the agreement (I,) at every iteration."""
    optimiser = torch.optim.Adam(goal.begin(), lr=LARGEST_STEP, betas=(0.8, 0.95))
    # Ends with small steps: what is kept is the last place, not the best one seen.
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations, eta_min=0.01)
    course = np.empty(iterations)
    for iteration in range(iterations):
        optimiser.zero_grad()
        loss, agreement = goal()
        loss.backward()
        optimiser.step()
        slower.step()
        course[iteration] = agreement.item()
    return course


def _result(paths: list[Trajectory], T_middles: np.ndarray, courses) -> JointRefinement:
    """Return refined poses in the sweeps' own worlds, and how these lie to each other."""
    worlds = [path.T_middle_to_world for path in paths]
    refined = [
        geometry.compose(T, to_numpy(path.poses())) for T, path in zip(worlds, paths, strict=True)
    ]
    return JointRefinement(
        *refined,
        T_second_to_first=geometry.compose(worlds[0], T_middles, geometry.invert(worlds[1])),
        factors=(paths[0].factor, paths[1].factor),
        agreement=np.concatenate(courses),
        level=np.repeat(np.arange(len(courses)), [len(course) for course in courses]),
    )
