"""How far fused sweeps are from the truth near the femoral head.

Decides the targets: points in a shell around the head, fixed to the pelvis, which is where roof
and rim lie. Decides how a point is carried into a sweep's world: by the two frames that it lies
between, so that errors of the registration and of both trajectories count. Decides the drift at
the head: what is seen from the frame nearest its centre. Truth is given, not read; it never
enters a fusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.reconstruction.pose_agreement import displacement_near

#: The shell of targets reaches this far beyond the head's radius: roof, rim and labrum.
SHELL_MM = 3.0
#: The ball within which drift is measured reaches this far beyond the head's radius.
BALL_MM = 5.0
#: A target beyond a sweep's first or last frame counts if it lies this close to it.
_NEAR_MM = 1.0


@dataclass(frozen=True, eq=False)
class TrueSweep:
    """Where the frames of a sweep are thought to lie, and where they truly lay.

    Attributes
    ----------
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        As predicted, tracked or refined; NaN where unknown.
    T_centre_to_hip : numpy.ndarray (N, 4, 4)
        True, in the pelvis' frame.
    """

    T_centre_to_world: np.ndarray
    T_centre_to_hip: np.ndarray

    def __post_init__(self) -> None:
        """Refuse stacks that do not belong together."""
        shapes = np.shape(self.T_centre_to_world), np.shape(self.T_centre_to_hip)
        if shapes[0] != shapes[1] or len(shapes[0]) != 3 or shapes[0][1:] != (4, 4):
            raise ValueError(
                f"T_centre_to_world and T_centre_to_hip must both be (N, 4, 4), got {shapes[0]} "
                f"and {shapes[1]}"
            )

    @property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both stacks without frames that lack either."""
        both = np.isfinite(self.T_centre_to_world[:, 0, 0] + self.T_centre_to_hip[:, 0, 0])
        return self.T_centre_to_world[both], self.T_centre_to_hip[both]


@dataclass(frozen=True)
class TargetError:
    """What lies apart of targets near the head.

    Attributes
    ----------
    mean_mm, p95_mm : float
        NaN where no target is seen.
    seen_share : float
        Of the targets.
    """

    mean_mm: float
    p95_mm: float
    seen_share: float


def shell_targets(head_mm, radius_mm: float, *, count: int = 400) -> np.ndarray:
    """Return points spread evenly through a shell around the head.

    Parameters
    ----------
    head_mm : array-like (3,)
        In the pelvis' frame.
    radius_mm : float
        Of the head.
    count : int

    Returns
    -------
    numpy.ndarray (count, 3)

    Notes
    -----
    A Fibonacci lattice of directions (Gonzalez 2010); the distance from the head's surface
    takes turns through `SHELL_MM`, by the golden ratio.
    """
    index = np.arange(count) + 0.5
    golden = (1 + np.sqrt(5)) / 2
    z, around = 1 - 2 * index / count, 2 * np.pi * index / golden
    flat = np.sqrt(1 - z**2)
    directions = np.column_stack([flat * np.cos(around), flat * np.sin(around), z])
    away = radius_mm + SHELL_MM * ((index * np.sqrt(2)) % 1)
    return np.asarray(head_mm, float) + away[:, None] * directions


def carried(sweep: TrueSweep, points_mm: np.ndarray) -> np.ndarray:
    """Return where a sweep's world has points of the pelvis.

    Parameters
    ----------
    sweep : TrueSweep
    points_mm : numpy.ndarray (P, 3)
        In the pelvis' frame.

    Returns
    -------
    numpy.ndarray (P, 3)
        NaN where no frame passes a point.

    Notes
    -----
    Between two frames a point is where either frame would put it, weighted by how close the
    planes truly pass. A sweep that goes back over a point counts where it first passes.
    """
    T, true = sweep.known
    off = geometry.apply(geometry.invert(true), points_mm)[:, :, 2]
    moved = geometry.apply(geometry.compose(T, geometry.invert(true)), points_mm)
    between = (off[:-1] > 0) != (off[1:] > 0)
    passes, index = between.any(axis=0), np.arange(len(points_mm))
    k = between.argmax(axis=0)
    span = off[k, index] - off[k + 1, index]
    share = np.divide(off[k, index], span, out=np.zeros(len(k)), where=passes)[:, None]
    inside = (1 - share) * moved[k, index] + share * moved[k + 1, index]
    nearest = np.abs(off).argmin(axis=0)
    beside = np.abs(off[nearest, index]) <= _NEAR_MM
    outside = np.where(beside[:, None], moved[nearest, index], np.nan)
    return np.where(passes[:, None], inside, outside)


def target_error(
    first: TrueSweep, second: TrueSweep, T_second_to_first, *, targets_mm
) -> TargetError:
    """Return how far apart two sweeps in one world have the same points of the pelvis.

    Parameters
    ----------
    first, second : TrueSweep
    T_second_to_first : array-like (4, 4)
        From the second's world to the first's.
    targets_mm : numpy.ndarray (P, 3)
        In the pelvis' frame (`shell_targets`).

    Returns
    -------
    TargetError
        The target registration error; drift of either sweep is part of it.
    """
    ours = geometry.apply(T_second_to_first, carried(second, targets_mm))
    apart = np.linalg.norm(ours - carried(first, targets_mm), axis=1)
    return _summary(apart)


def shape_error(sweep: TrueSweep, *, targets_mm) -> TargetError:
    """Return how far targets lie from where they should after the best rigid fit.

    Parameters
    ----------
    sweep : TrueSweep
    targets_mm : numpy.ndarray (P, 3)

    Returns
    -------
    TargetError
        What no choice of world can undo: what bends angles. NaN below four seen targets.
    """
    found = carried(sweep, targets_mm)
    seen = np.isfinite(found[:, 0])
    apart = np.full(len(found), np.nan)
    if seen.sum() >= 4:
        true, ours = targets_mm[seen], found[seen]
        centred = true - true.mean(axis=0), ours - ours.mean(axis=0)
        R = geometry.closest_rigid(geometry.transform(centred[1].T @ centred[0]))[:3, :3]
        apart[seen] = np.linalg.norm(centred[1] - centred[0] @ R.T, axis=1)
    return _summary(apart)


def head_drift_mm(sweep: TrueSweep, points_centre_mm, *, head_mm, radius_mm: float) -> float:
    """Return the drift at the head: mean displacement of tissue around it.

    Parameters
    ----------
    sweep : TrueSweep
    points_centre_mm : numpy.ndarray (P, 3)
        Pixels that stand for the picture (`pose_agreement.picture_points`).
    head_mm : array-like (3,)
        In the pelvis' frame.
    radius_mm : float
        Of the head; the ball reaches `BALL_MM` further.

    Returns
    -------
    float
        mm, seen from the frame nearest the head's centre; `_vs_hip`, for truth is the hip's.
    """
    T, true = sweep.known
    reach = radius_mm + BALL_MM
    return displacement_near(T, true, points_centre_mm, centre_mm=head_mm, radius_mm=reach)


def _summary(apart: np.ndarray) -> TargetError:
    """Return mean, 95th percentile and share of what is finite."""
    seen = apart[np.isfinite(apart)]
    if not len(seen):
        return TargetError(float("nan"), float("nan"), 0.0)
    return TargetError(float(seen.mean()), float(np.percentile(seen, 95)), len(seen) / len(apart))
