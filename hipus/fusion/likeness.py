"""How alike two sweeps show one pelvis: grey values and labels, the thigh left out.

Decides which pixels take part (not the thigh, nor what lies in its shadow: flexion differs
between the sweeps) and how labels join grey values: as further pictures, correlated in the same
windows. Builds on `reconstruction.crossing`, whose region and windows stand. Deliberately
optimises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import avg_pool3d, conv3d, interpolate

from hipus.labels import HipLabel
from hipus.reconstruction.adjoint import splat
from hipus.reconstruction.crossing import Overlap
from hipus.reconstruction.differentiable import pixel_to_voxel
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.reconstruction.self_consistency import View

#: What moves against the pelvis when the thigh is bent.
THIGH = (HipLabel.CHONDRO_OSSEOUS_BORDER, HipLabel.FEMORAL_CORTEX)
#: What the two sweeps are held together by, beside grey values.
ANCHORS = (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD)
#: Labels of the thigh are widened by this, mm: masks are not exact.
THIGH_MARGIN_MM = 1.0
#: Variances below which windows count as plain: of contrasts, and of shares of a label.
_GREY_FLOOR, _LABEL_FLOOR = 0.02, 0.01
#: Added to the spread of contrasts at a depth: plain depths are not blown up.
_SPREAD_FLOOR = 0.2
#: A voxel with this share of the largest weight counts as half known.
_HALF_KNOWN = 0.1


@dataclass(frozen=True)
class LabelledView(View):
    """A sweep's frames, where they are thought to lie, and what they show.

    Attributes
    ----------
    masks : numpy.ndarray (N, H, W) uint8
        Of the frames, in the hip scheme.
    """

    masks: np.ndarray

    def __post_init__(self) -> None:
        """Check the masks too."""
        super().__post_init__()
        if np.shape(self.masks) != np.shape(self.frames):
            raise ValueError(
                f"masks must be {np.shape(self.frames)} like the frames, got {np.shape(self.masks)}"
            )


@dataclass(frozen=True, eq=False)
class Focus:
    """A cube about the femoral head that alone is compared.

    Attributes
    ----------
    centre_mm : numpy.ndarray (3,)
        In the first's middle frame.
    reach_mm : float
        Half a side.
    """

    centre_mm: np.ndarray
    reach_mm: float


class PelvisOverlap(Overlap):
    """The region that both sweeps should show, and how alike they show the pelvis.

    Parameters
    ----------
    views : two LabelledView
    voxel_mm, window_mm : float
    device : str
    label_share : float
        Weight of labels against grey values, 0 to 1; without any, labels cost no time either.
    focus : Focus, optional
        Only this part of the region; left out: all of it.
    """

    def __init__(
        self,
        views,
        *,
        voxel_mm: float,
        window_mm: float,
        device: str,
        label_share: float,
        focus: Focus | None = None,
    ):
        super().__init__(views, voxel_mm=voxel_mm, window_mm=window_mm, device=device)
        floors, shares = [_GREY_FLOOR], [1.0 - label_share]
        if label_share > 0:
            floors += [_LABEL_FLOOR] * len(ANCHORS)
            shares += [label_share / len(ANCHORS)] * len(ANCHORS)
        self.floors, self.shares = (torch.tensor(x, device=device) for x in (floors, shares))
        self.pictures = [
            _with_labels(picture, view, labels=ANCHORS if label_share > 0 else ())
            for picture, view in zip(self.pictures, views, strict=True)
        ]
        if focus is not None:
            self._look_at(focus, views, voxel_mm)

    def _look_at(self, focus: Focus, views, voxel_mm: float) -> None:
        """Leave out what lies far from a place."""
        count = 2 * int(np.ceil(focus.reach_mm / voxel_mm)) + 1
        origin = np.asarray(focus.centre_mm, float) - (count - 1) / 2 * voxel_mm
        self.grid = VoxelGrid(tuple(origin), (voxel_mm,) * 3, (count,) * 3)
        self.window = min(self.window, count)
        self.pictures = [
            _near_head(picture, view, reach_mm=focus.reach_mm)
            for picture, view in zip(self.pictures, views, strict=True)
        ]

    def agreement(self, *poses):
        """Return the mean correlation of both pelves within windows.

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
            If no voxel of the pelvis is known from both.

        Notes
        -----
        The mean over grey values and labels, by their shares, of the mean over windows. A
        window's weight is how well it is known from both; for labels, times how much of the
        label it holds, so that empty windows say nothing.
        """
        (a, in_a), (b, in_b) = map(self._volume, self.pictures, poses)
        # Held fixed: otherwise poses would be rewarded for leaving what they cannot explain.
        known = (in_a * in_b).detach()
        if not known.any():
            raise ValueError("first and second must overlap, got no voxel that both reach")
        share = self._means(known[None])[0].clamp(min=1e-6)
        mean_a, mean_b, aa, bb, ab = (
            self._means(known * x) / share for x in (a, b, a * a, b * b, a * b)
        )
        spread_a, spread_b = (aa - mean_a**2).clamp(min=0), (bb - mean_b**2).clamp(min=0)
        floor = self.floors[:, None, None, None]
        alike = (ab - mean_a * mean_b) / ((spread_a + floor) * (spread_b + floor)).sqrt()
        weight = torch.cat([torch.ones_like(aa[:1]), (aa + bb)[1:].detach()]) * share
        total = weight.sum(dim=(1, 2, 3)).clamp(min=1e-6)
        return (self.shares * (weight * alike).sum(dim=(1, 2, 3)) / total).sum()

    def _means(self, values):
        """Return means (C, ...) within windows of volumes (C, D, H, W)."""
        return avg_pool3d(values[:, None], self.window, stride=max(1, self.window // 2))[:, 0]

    def _volume(self, picture, poses):
        """Return one sweep's blurred mean volumes (C, D, H, W), and how well voxels are known."""
        values, weights, places_mm = picture
        written = splat(
            torch.cat([values * weights, weights[None]]),
            pixel_to_voxel(poses, self.grid),
            pixels_px=places_mm,
            shape_zyx=self.grid.shape_zyx,
        )
        *sums, weight = _blurred(written)
        little = _HALF_KNOWN * weight.detach().amax().clamp(min=1e-6)
        return torch.stack(sums) / (weight + 0.1 * little), weight / (weight + little)


def pelvis_pixels(masks: np.ndarray, *, spacing_xy_mm, margin_mm: float = THIGH_MARGIN_MM):
    """Return which pixels show the pelvis and not the thigh or its shadow.

    Parameters
    ----------
    masks : numpy.ndarray (N, H, W) uint8
        Of the hip scheme.
    spacing_xy_mm : tuple of 2 float
    margin_mm : float
        How far the thigh's labels are widened sideways and upwards.

    Returns
    -------
    numpy.ndarray (N, H, W) bool
        False from the thigh's first pixel downwards along each line of sight.
    """
    from scipy.ndimage import maximum_filter

    is_thigh = np.isin(masks, THIGH)
    columns, rows = (1 + 2 * int(np.ceil(margin_mm / side)) for side in spacing_xy_mm)
    wide = maximum_filter(is_thigh, size=(1, rows, columns))
    return ~np.logical_or.accumulate(wide, axis=1)


def _with_labels(picture, view: LabelledView, *, labels):
    """Return contrasts and label shares (C, N, P), weights (N, P), places (P, 2)."""
    greys, places = picture
    size = len(torch.unique(places[:, 1])), len(torch.unique(places[:, 0]))
    keep = pelvis_pixels(view.masks, spacing_xy_mm=view.pixel_spacing_xy_mm)
    shares = [_coarse(view.masks == label, size, like=greys) for label in labels]
    weights = _coarse(keep, size, like=greys)
    return torch.stack([_standardised(greys, weights, size), *shares]), weights, places


def _near_head(picture, view: LabelledView, *, reach_mm: float):
    """Return a picture without pixels that are far from the head's middle in all frames."""
    values, weights, places = picture
    is_head = view.masks == HipLabel.FEMORAL_HEAD
    v, u = (np.average(np.arange(len(n)), weights=n) for n in (is_head.sum((0, 2)),
                                                              is_head.sum((0, 1))))  # fmt: skip
    T = pixel_to_centre(view.frames.shape[1:], view.pixel_spacing_xy_mm)
    middle = places.new_tensor((T @ [u, v, 0.0, 1.0])[:2])
    keep = ((places - middle).abs() <= reach_mm).all(dim=1)
    return values[:, :, keep], weights[:, keep], places[keep]


def _standardised(greys, weights, size):
    """Return contrasts (N, P) that are the pelvis' own at each depth, whatever the thigh shows."""
    values, share = greys.view(-1, *size), weights.view(-1, *size)
    total = share.sum(dim=(0, 2), keepdim=True).clamp(min=1)
    away = values - (share * values).sum(dim=(0, 2), keepdim=True) / total
    spread = ((share * away**2).sum(dim=(0, 2), keepdim=True) / total).sqrt()
    return (away / (spread + _SPREAD_FLOOR)).flatten(1)


def _coarse(mask: np.ndarray, size, *, like):
    """Return the share of a mask (N, H, W) in coarse pixels, (N, P)."""
    whole = torch.as_tensor(mask, dtype=like.dtype, device=like.device)
    return interpolate(whole[:, None], size=size, mode="area")[:, 0].flatten(1)


def _blurred(volumes):
    """Return volumes (C, D, H, W) convolved with 1 4 6 4 1 along each axis."""
    line = volumes.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    blurred = volumes[:, None]
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = 5
        padding = [2 if place == axis else 0 for place in range(3)]
        blurred = conv3d(blurred, line.view(shape), padding=padding)
    return blurred[:, 0]
