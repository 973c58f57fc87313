"""Two crossing sweeps as functions of few numbers, and how alike their volumes are.

Decides the unknowns (a slowly varying factor on each sweep's elevational steps, and where the
two lie against each other) and the likeness that `self_consistency` makes larger. Deliberately
optimises nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import avg_pool3d, interpolate, pad

from hipus import geometry
from hipus.reconstruction.adjoint import splat
from hipus.reconstruction.differentiable import pixel_to_voxel
from hipus.reconstruction.grid import VoxelGrid

#: Expected sizes of the unknowns: of log step factors, of the sweeps' middles against each
#: other (mm), and of the turn between them (rad). One unit of each number that is optimised.
FACTOR_SD, OFFSET_SD_MM, TURN_SD = 0.2, 4.0, 0.1
#: A voxel with this share of the largest weight counts as half known.
_HALF_KNOWN = 0.1
#: Contrast below which depths (grey levels) and windows (variances) count as plain.
_GREY_FLOOR, _VARIANCE_FLOOR = 12.0, 0.02
_LARGEST_CONTRAST = 3.0
#: Pixels as a share of the voxels: small enough to leave no gaps between them.
_PIXEL_SHARE = 0.75


class Chain:
    """A sweep's poses as a function of its log step factors, about its middle frame.

    Parameters
    ----------
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        Predicted.
    knots : int
    device : str
    factor_sd : float
        Expected size of a log factor; positive.
    """

    def __init__(
        self,
        T_centre_to_world: np.ndarray,
        *,
        knots: int,
        device: str,
        factor_sd: float = FACTOR_SD,
    ):
        if not factor_sd > 0:
            raise ValueError(f"factor_sd must be positive, got {factor_sd}")
        self.factor_sd = factor_sd
        T = np.asarray(T_centre_to_world, np.float64)
        T = geometry.relative(T[len(T) // 2], T)
        moved, normal = np.diff(T[:, :3, 3], axis=0), T[:-1, :3, 2]
        across = normal * (moved * normal).sum(axis=1, keepdims=True)
        parts = T[:, :3, :3], moved - across, across
        self.rotations, self.in_plane, self.across = (
            torch.tensor(part, dtype=torch.float32, device=device) for part in parts
        )
        place = torch.linspace(0, knots - 1, len(across), device=device)
        away = (place[:, None] - torch.arange(knots, device=device)).abs()
        self.shares = (1 - away).clamp(min=0) if knots > 1 else torch.ones_like(away)
        self.log_factor = self.across.new_zeros(knots).requires_grad_()

    def factors(self):
        """Return what each elevational step is multiplied by, (N - 1,)."""
        return torch.exp(self.factor_sd * (self.shares @ self.log_factor))

    def poses(self):
        """Return T_centre_to_middle (N, 4, 4)."""
        steps = self.in_plane + self.factors()[:, None] * self.across
        places = torch.cat([torch.zeros_like(steps[:1]), torch.cumsum(steps, dim=0)])
        return _rigid(self.rotations, places - places[len(places) // 2])


class Placement:
    """Where the second's middle frame lies in the first's, as a function of six numbers.

    Parameters
    ----------
    R_second_to_first : array-like (3, 3)
        Expected.
    device : str
    """

    def __init__(self, R_second_to_first, *, device: str):
        T = geometry.check_transform(geometry.transform(R_second_to_first), "R_second_to_first")
        self.start = torch.tensor(T[:3, :3], dtype=torch.float32, device=device)
        self.turn = self.start.new_zeros(3).requires_grad_()
        self.offset = self.start.new_zeros(3).requires_grad_()

    def pose(self):
        """Return T_second_to_first (4, 4)."""
        x, y, z = TURN_SD * self.turn
        o = torch.zeros_like(x)
        skew = torch.stack([o, -z, y, z, o, -x, -y, x, o]).view(3, 3)
        return _rigid(
            (torch.matrix_exp(skew) @ self.start)[None], OFFSET_SD_MM * self.offset[None]
        )[0]


class Overlap:
    """The region that both sweeps should show, and how alike they show it.

    Parameters
    ----------
    views : sequence of two
        With `frames` and `pixel_spacing_xy_mm`.
    voxel_mm, window_mm : float
    device : str
    """

    def __init__(self, views, *, voxel_mm: float, window_mm: float, device: str):
        size = np.array([*_size_xy_mm(views[0]), _size_xy_mm(views[1])[0]])
        count = np.maximum(np.round(size / voxel_mm).astype(int), 2)
        origin = -(count - 1) / 2 * voxel_mm
        self.grid = VoxelGrid(tuple(origin), (voxel_mm,) * 3, tuple(count[::-1].tolist()))
        self.window = min(max(2, round(window_mm / voxel_mm)), int(count.min()))
        self.pictures = [_picture(view, _PIXEL_SHARE * voxel_mm, device) for view in views]

    def agreement(self, *poses):
        """Return the mean correlation of both volumes within windows.

        Parameters
        ----------
        *poses : two torch.Tensor (N, 4, 4)
            T_centre_to_world of the first's and of the second's frames; the world's origin is
            the middle of the region.

        Returns
        -------
        torch.Tensor ()

        Raises
        ------
        ValueError
            If no voxel is known from both.
        """
        (a, in_a), (b, in_b) = map(self._volume, self.pictures, poses)
        # Held fixed: otherwise poses would be rewarded for leaving what they cannot explain.
        known = (in_a * in_b).detach()
        if not known.any():
            raise ValueError("first and second must overlap, got no voxel that both reach")
        moments = torch.stack([known, *(known * x for x in (a, b, a * a, b * b, a * b))])
        moments = avg_pool3d(moments[:, None], self.window, stride=max(1, self.window // 2))
        share = moments[0].clamp(min=1e-6)
        mean_a, mean_b, aa, bb, ab = (moment / share for moment in moments[1:])
        spread_a, spread_b = (aa - mean_a**2).clamp(min=0), (bb - mean_b**2).clamp(min=0)
        scale = (spread_a + _VARIANCE_FLOOR) * (spread_b + _VARIANCE_FLOOR)
        return (moments[0] * (ab - mean_a * mean_b) / scale.sqrt()).sum() / moments[0].sum()

    def _volume(self, picture, poses):
        """Return one sweep's blurred mean volume, and how well each voxel is known."""
        greys, places_mm = picture
        written = splat(
            torch.stack([greys, torch.ones_like(greys)]),
            pixel_to_voxel(poses, self.grid),
            pixels_px=places_mm,
            shape_zyx=self.grid.shape_zyx,
        )
        sums, weight = _blurred(written)
        little = _HALF_KNOWN * weight.detach().amax().clamp(min=1e-6)
        return sums / (weight + 0.1 * little), weight / (weight + little)


def _rigid(rotations, places):
    """Return (N, 4, 4) transforms of rotations (N, 3, 3) and places (N, 3)."""
    last = rotations.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(rotations), 1, 4)
    return torch.cat([torch.cat([rotations, places[:, :, None]], dim=2), last], dim=1)


def _size_xy_mm(view) -> tuple[float, float]:
    """Return a picture's width and height."""
    height, width = view.frames.shape[1:]
    return width * view.pixel_spacing_xy_mm[0], height * view.pixel_spacing_xy_mm[1]


def _picture(view, pixel_mm: float, device: str):
    """Return coarse contrasts (N, P) and their places (P, 2), mm from the picture's centre."""
    width, height = _size_xy_mm(view)
    size = max(2, round(height / pixel_mm)), max(2, round(width / pixel_mm))
    frames = torch.as_tensor(np.ascontiguousarray(view.frames), device=device).float()
    coarse = interpolate(frames[:, None], size=size, mode="area")[:, 0]
    # Depth by depth: gain and attenuation are the same in all sweeps, and say nothing.
    mean, spread = coarse.mean(dim=(0, 2), keepdim=True), coarse.std(dim=(0, 2), keepdim=True)
    contrast = ((coarse - mean) / (spread + _GREY_FLOOR)).clamp(
        -_LARGEST_CONTRAST, _LARGEST_CONTRAST
    )
    v, u = (
        ((torch.arange(count, device=device) + 0.5) / count - 0.5) * side
        for count, side in zip(size, (height, width), strict=True)
    )
    rows, columns = torch.meshgrid(v, u, indexing="ij")
    places = torch.stack([columns.ravel(), rows.ravel()], dim=1)
    return contrast.flatten(1), places


def _blurred(volumes):
    """Return volumes (C, D, H, W) convolved with 1 4 6 4 1: a deviation of one voxel."""
    for axis in (1, 2, 3):
        size = volumes.shape[axis]
        margin = [0, 0, 0, 0, 0, 0]
        margin[2 * (3 - axis)] = margin[2 * (3 - axis) + 1] = 2
        wide = pad(volumes, margin)
        parts = [wide.narrow(axis, shift, size) for shift in range(5)]
        volumes = (parts[0] + parts[4] + 4 * (parts[1] + parts[3]) + 6 * parts[2]) / 16
    return volumes
