"""Refine predicted poses by what two crossing sweeps of one hip must agree on.

Decides how the step lengths of two sweeps are corrected together: each sweep's pictures make a
volume, and where both are known the volumes must look alike. A frame is metric in its plane
and only predicted across it; in a sweep that crosses it at a right angle these swap, so that
each sweep is the other's ruler. What is corrected is the elevational step (a slowly varying
factor), whose bias is what learned motion leaves behind; the rotations of the prediction are
kept. Deliberately predicts no motion and reads no file or tracker.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hipus import geometry
from hipus.reconstruction.crossing import FACTOR_SD, Chain, Overlap, Placement

log = logging.getLogger(__name__)

#: A probe turned by a quarter about its beam, as from p_a to p_d, in the mirrored frame in
#: which all sweeps travel along +z: the second's elevational axis is the first's lateral one.
QUARTER_TURN = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
#: Weight of the expected sizes of all unknowns (`crossing`) against the loss of correlation.
PRIOR = 0.003
#: Adam: the largest step, in expected sizes.
LARGEST_STEP = 0.25


@dataclass(frozen=True)
class View:
    """One sweep and where its frames are thought to lie.

    Attributes
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        Predicted; origin at the picture's centre, axes lateral, axial, elevational, mm.
    pixel_spacing_xy_mm : tuple of 2 float
    """

    frames: np.ndarray
    T_centre_to_world: np.ndarray
    pixel_spacing_xy_mm: tuple[float, float]

    def __post_init__(self) -> None:
        """Check shapes, poses and spacing."""
        T = geometry.check_transform(self.T_centre_to_world, "T_centre_to_world")
        if np.ndim(self.frames) != 3 or T.shape != (len(self.frames), 4, 4) or len(T) < 2:
            raise ValueError(
                f"frames must be (N, H, W) with N = {len(T)} >= 2 as T_centre_to_world "
                f"{T.shape}, got {np.shape(self.frames)}"
            )
        spacing = tuple(float(side) for side in self.pixel_spacing_xy_mm)
        if len(spacing) != 2 or not all(np.isfinite(side) and side > 0 for side in spacing):
            raise ValueError(f"pixel_spacing_xy_mm must be 2 positive numbers, got {spacing}")


@dataclass(frozen=True)
class Level:
    """One pass, coarse or fine.

    Attributes
    ----------
    voxel_mm : float
        Of the volumes; they are blurred by as much (standard deviation).
    window_mm : float
        Side of the windows within which volumes are correlated.
    iterations : int
    """

    voxel_mm: float
    window_mm: float
    iterations: int

    def __post_init__(self) -> None:
        """Refuse what is no pass."""
        if not (0 < self.voxel_mm < self.window_mm < np.inf and self.iterations >= 1):
            raise ValueError(
                f"level must have 0 < voxel_mm < window_mm and iterations >= 1, got {self}"
            )


#: Coarse, then fine: found on training subjects.
LEVELS = (Level(2.0, 8.0, 30), Level(1.0, 4.0, 20))


@dataclass(frozen=True)
class Refinement:
    """Two sweeps whose poses agree better.

    Attributes
    ----------
    T_first_to_world, T_second_to_world : numpy.ndarray (N, 4, 4), (M, 4, 4)
        Refined; each begins where its prediction began.
    factors_first, factors_second : numpy.ndarray (N - 1,), (M - 1,)
        What elevational steps were multiplied by.
    T_second_to_first : numpy.ndarray (4, 4)
        From the second's world to the first's: one hip from both.
    agreement : numpy.ndarray (I,)
        Mean windowed correlation at every iteration; levels are not comparable.
    factor_course : numpy.ndarray (I, 2)
        Mean factor of the first's and of the second's steps at every iteration.
    level : numpy.ndarray (I,) int
        Which pass an iteration belongs to.
    """

    T_first_to_world: np.ndarray
    T_second_to_world: np.ndarray
    factors_first: np.ndarray
    factors_second: np.ndarray
    T_second_to_first: np.ndarray
    agreement: np.ndarray
    factor_course: np.ndarray
    level: np.ndarray


def refine_by_crossing(
    first: View,
    second: View,
    *,
    R_second_to_first=QUARTER_TURN,
    levels: Sequence[Level] = LEVELS,
    knots: int = 1,
    factor_sd: float = FACTOR_SD,
    device: str = "cpu",
) -> Refinement:
    """Correct the elevational steps of two crossing sweeps until they show one hip.

    Parameters
    ----------
    first, second : View
        Of one hip, at rest against each other.
    R_second_to_first : array-like (3, 3)
        How the second's middle frame is turned against the first's, by protocol. How far off
        turn and middles may be is said by `crossing.TURN_SD` and `crossing.OFFSET_SD_MM`.
    levels : sequence of Level
    knots : int
        1 corrects one factor a sweep; more let the factor vary linearly between knots.
    factor_sd : float
        What the predicted steps are expected to be off by, as the logarithm of a factor.
    device : str

    Returns
    -------
    Refinement

    Raises
    ------
    ValueError
        For fewer than one knot or level, an expectation that is not positive, or sweeps that do
        not overlap.

    Notes
    -----
    Loss: one less the mean correlation of the two volumes within windows, plus Gaussian
    expectations; Adam on log factors and on the placement of the sweeps. Volumes come from
    inverse grid sampling (`adjoint`), so gradients are exact.
    Only what both sweeps reach is compared: p_d is longer than p_a's pictures are wide, and
    its ends follow the factor of its middle. A final agreement well below that of other hips
    means that nothing was found to agree on: keep the prediction.
    Traps: without the windows the loss likes sweeps shrunk into their bright middle; which
    voxels count is held fixed in each gradient for the same reason.
    """
    if knots < 1 or not levels:
        raise ValueError(f"knots and levels must be at least 1, got {knots} and {len(levels)}")
    views = first, second
    chains = [
        Chain(view.T_centre_to_world, knots=knots, device=device, factor_sd=factor_sd)
        for view in views
    ]
    placement = Placement(R_second_to_first, device=device)
    courses = []
    for level in levels:
        sizes = {"voxel_mm": level.voxel_mm, "window_mm": level.window_mm}
        overlap = Overlap(views, **sizes, device=device)
        courses.append(_descend(overlap, chains, placement=placement, iterations=level.iterations))
        gained = courses[-1][0][0], courses[-1][-1][0]
        log.info("%g mm: agreement %.3f -> %.3f", level.voxel_mm, *gained)
    return _result(views, chains, placement=placement, courses=courses)


def _descend(overlap: Overlap, chains, *, placement: Placement, iterations: int) -> list[tuple]:
    """Follow the gradient for one level; return agreement and mean factors at every iteration."""
    free = [*(chain.log_factor for chain in chains), placement.turn, placement.offset]
    optimiser = torch.optim.Adam(free, lr=LARGEST_STEP, betas=(0.8, 0.95))
    # Ends with small steps: what is kept is the last place, not the best one seen.
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations, eta_min=0.01)
    course = []
    for _ in range(iterations):
        optimiser.zero_grad()
        agreement = overlap.agreement(chains[0].poses(), placement.pose() @ chains[1].poses())
        expected = sum((number**2).mean() for number in free)
        (1 - agreement + PRIOR * expected).backward()
        optimiser.step()
        slower.step()
        factors = [chain.factors().mean().item() for chain in chains]
        course.append((agreement.item(), *factors))
    return course


def _result(views, chains, *, placement: Placement, courses) -> Refinement:
    """Return poses in the predictions' own worlds, and how these lie to each other."""
    refined, to_middle = [], []
    for view, chain in zip(views, chains, strict=True):
        T = geometry.closest_rigid(chain.poses().detach().cpu().double().numpy())
        T_middle_to_world = view.T_centre_to_world[0] @ geometry.invert(T[0])
        refined.append(geometry.compose(T_middle_to_world, T))
        to_middle.append(T_middle_to_world)
    course = np.concatenate(courses)
    T_middles = geometry.closest_rigid(placement.pose().detach().cpu().double().numpy())
    return Refinement(
        *refined,
        *(chain.factors().detach().cpu().double().numpy() for chain in chains),
        T_second_to_first=to_middle[0] @ T_middles @ geometry.invert(to_middle[1]),
        agreement=course[:, 0],
        factor_course=course[:, 1:],
        level=np.repeat(np.arange(len(courses)), [len(course) for course in courses]),
    )
