"""A sweep's poses, and where two sweeps lie to each other, as functions of few numbers.

Decides what a joint refinement may change: each sweep's way across its pictures by one factor,
and where its frames lie, in all three directions, by a curve of few knots. In two crossing
sweeps each one's pictures measure the other's way, so all three are seen: where a frame of one
crosses a frame of the other, their columns and depths must fit. Rotations of the prediction stay
(the inertial sensor knows them better), but for the one between the sweeps. Deliberately compares
no pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from hipus import geometry

#: Expected sizes of shift and turn between the sweeps, one unit of what is optimised; and how
#: little levels, shifts and turns are held back: where things lie is what is asked.
SHIFT_SD_MM, TURN_SD, _LOOSE = 1.0, 0.05, 0.1
#: Bends are told by the sixth of a sweep, however many knots there are.
_SIXTH = 6


@dataclass(frozen=True)
class PoseSpread:
    """What a sweep's poses are expected to be off by.

    Attributes
    ----------
    factor_sd : float
        Of the logarithm of the way across the pictures.
    bend_sd_mm : tuple of 3 float
        Lateral, axial, elevational: what errors grow by over a sixth of a sweep.
    """

    factor_sd: float
    bend_sd_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse what is no size."""
        sizes = (self.factor_sd, *self.bend_sd_mm)
        if len(sizes) != 4 or not all(np.isfinite(size) and size > 0 for size in sizes):
            raise ValueError(
                "spread must have a positive factor_sd and 3 positive bend_sd_mm, "
                f"got {self.factor_sd} and {self.bend_sd_mm}"
            )


#: Of the study's predictor, measured on training subjects left out of its fit, and of an
#: optical tracker whose reference an infant moves.
PREDICTED = PoseSpread(0.08, (0.6, 0.35, 0.8))
TRACKED = PoseSpread(0.004, (0.05, 0.05, 0.05))


class Trajectory:
    """A sweep's poses as a function of a factor and of a curve, about its middle frame.

    Parameters
    ----------
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        As predicted or tracked, all valid.
    knots : int
        Of the curve, from the first frame to the last; below 2 there is no curve.
    spread : PoseSpread
    device : str
    """

    def __init__(self, T_centre_to_world, *, knots: int, spread: PoseSpread, device: str):
        T = np.asarray(T_centre_to_world, np.float64)
        self.factor_sd = spread.factor_sd
        self.T_middle_to_world = T[len(T) // 2]
        T = geometry.relative(self.T_middle_to_world, T)
        moved, normal = np.diff(T[:, :3, 3], axis=0), T[:-1, :3, 2]
        across = normal * (moved * normal).sum(axis=1, keepdims=True)
        parts = T[:, :3, :3], moved - across, across, np.array(spread.bend_sd_mm)
        self.rotations, self.in_plane, self.across, self.bend_sd = (
            torch.tensor(part, dtype=torch.float32, device=device) for part in parts
        )
        knots = knots if knots > 1 else 0
        place = torch.linspace(0, max(knots - 1, 0), len(T), device=device)
        away = (place[:, None] - torch.arange(knots, device=device)).abs()
        self.shares = (1 - away).clamp(min=0)
        self.log_factor = self.across.new_zeros(1).requires_grad_()
        self.bends = self.across.new_zeros(knots, 3).requires_grad_()

    @property
    def factor(self) -> float:
        """Return what the way across the pictures is multiplied by."""
        return float(torch.exp(self.factor_sd * self.log_factor).detach())

    def free(self) -> list:
        """Return what is optimised."""
        return [self.log_factor, self.bends] if len(self.bends) else [self.log_factor]

    def start_from(self, other: Trajectory) -> None:
        """Begin where another trajectory of the same sweep ended, whatever its knots.

        Parameters
        ----------
        other : Trajectory
        """
        with torch.no_grad():
            self.log_factor.copy_(other.log_factor)
            if len(self.bends) and len(other.bends):
                curve = other.bends.T[None]
                size = len(self.bends)
                self.bends.copy_(
                    interpolate(curve, size=size, mode="linear", align_corners=True)[0].T
                )

    def unlikely(self):
        """Return how far the numbers are from what is expected: a sum of squares.

        Notes
        -----
        A curve's level is no error: it is between the sweeps. Only its bends count, from knot
        to knot, as steps of a random walk.
        """
        walked = torch.diff(self.bends, dim=0).square().sum() * (len(self.bends) - 1) / _SIXTH
        level = self.bends.sum(dim=0).square().sum() / max(len(self.bends), 1) ** 2
        return self.log_factor.square().sum() + walked + _LOOSE * level

    def poses(self):
        """Return T_centre_to_middle (N, 4, 4) as a tensor."""
        steps = self.in_plane + torch.exp(self.factor_sd * self.log_factor) * self.across
        places = torch.cat([torch.zeros_like(steps[:1]), torch.cumsum(steps, dim=0)])
        places = places - places[len(places) // 2] + self.shares @ (self.bends * self.bend_sd)
        return rigid(self.rotations, places)


class Placement:
    """How the second sweep's middle frame lies in the first's, as a function of six numbers.

    Parameters
    ----------
    T_second_to_first : array-like (4, 4)
        Expected, between middle frames.
    device : str
    """

    def __init__(self, T_second_to_first, *, device: str):
        T = geometry.check_transform(T_second_to_first, "T_second_to_first")
        self.start = torch.tensor(T, dtype=torch.float32, device=device)
        self.turn = self.start.new_zeros(3).requires_grad_()
        self.shift = self.start.new_zeros(3).requires_grad_()

    def free(self) -> list:
        """Return what is optimised."""
        return [self.turn, self.shift]

    def unlikely(self):
        """Return how far the numbers are from what is expected: a sum of squares."""
        return _LOOSE * (self.turn.square().sum() + self.shift.square().sum())

    def pose(self):
        """Return T_second_to_first (4, 4) as a tensor."""
        x, y, z = TURN_SD * self.turn
        o = torch.zeros_like(x)
        skew = torch.stack([o, -z, y, z, o, -x, -y, x, o]).view(3, 3)
        rotation = torch.matrix_exp(skew) @ self.start[:3, :3]
        return rigid(rotation[None], (self.start[:3, 3] + SHIFT_SD_MM * self.shift)[None])[0]


def rigid(rotations, places):
    """Return transforms of rotations and places.

    Parameters
    ----------
    rotations : torch.Tensor (N, 3, 3)
    places : torch.Tensor (N, 3)

    Returns
    -------
    torch.Tensor (N, 4, 4)
    """
    last = rotations.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(rotations), 1, 4)
    return torch.cat([torch.cat([rotations, places[:, :, None]], dim=2), last], dim=1)


def to_numpy(T) -> np.ndarray:
    """Return rigid matrices of a tensor, float64.

    Parameters
    ----------
    T : torch.Tensor (..., 4, 4)

    Returns
    -------
    numpy.ndarray (..., 4, 4)
    """
    return geometry.closest_rigid(T.detach().cpu().double().numpy())
