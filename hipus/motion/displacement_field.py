"""Motion as a displacement field: how far each place of the image moves, in millimetres.

Decides the intermediate of the thesis (7 x 7 points, three components), its truth from a
rigid transform, what not being rigid costs, and the network that passes through it.
Deliberately does not weigh these against other losses (`hipus.motion.losses`) and fits no
transform to a field: the network's last layer learns that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from hipus.motion import frame_layout
from hipus.motion.dcl_net import WIDTH, DclTrunk

POINTS = 7
"""Points along each side of the image."""


class FieldPrediction(NamedTuple):
    """What the network with a displacement field returns.

    Attributes
    ----------
    numbers : torch.Tensor (B, step_count * numbers_per_step)
        Standardised transform numbers, as of every other network.
    field_mm : torch.Tensor (B, step_count, 7, 7, 3)
        Displacement of each point (lateral, axial, elevational) of frame i + 1, seen from
        frame i.
    """

    numbers: torch.Tensor
    field_mm: torch.Tensor


class DisplacementFieldNetwork(nn.Module):
    """DCL-Net that passes through a displacement field before its outputs.

    Parameters
    ----------
    trunk : DclTrunk
    step_count, numbers_per_step : int

    Attributes
    ----------
    field : torch.nn.Linear
        From features to the fields of all steps.
    head : torch.nn.Linear
        The last layer, from a field to the numbers of its step, the same for every step;
        set to zero, the network predicts the mean of its targets.
    """

    def __init__(self, trunk: DclTrunk, step_count: int, numbers_per_step: int):
        super().__init__()
        self.trunk = trunk
        self.step_count = step_count
        self.field = nn.Linear(trunk.feature_count, step_count * POINTS * POINTS * 3)
        self.head = nn.Linear(POINTS * POINTS * 3, numbers_per_step)

    def forward(self, windows: torch.Tensor) -> FieldPrediction:
        """Map (B, C, H, W), frame by frame, to numbers and fields."""
        field = self.field(self.trunk(windows)).unflatten(1, (self.step_count, -1))
        numbers = self.head(field).flatten(1)
        return FieldPrediction(numbers, field.unflatten(2, (POINTS, POINTS, 3)))


def build(
    in_channels: int, step_count: int, numbers_per_step: int, *, width: int = WIDTH
) -> DisplacementFieldNetwork:
    """Build DCL-Net with a displacement field before its outputs, with random weights.

    Parameters
    ----------
    in_channels : int
        Channels of the window, frame by frame.
    step_count : int
        Steps between its frames.
    numbers_per_step : int
        Rotation numbers and three of the translation.
    width : int
        Filters of DCL-Net's first convolution.

    Returns
    -------
    DisplacementFieldNetwork
        Maps (B, in_channels, H, W) float32 to a `FieldPrediction`. With 18 channels, 5 steps,
        9 numbers and width 16: 400,965 parameters.

    Raises
    ------
    ValueError
        As for `hipus.motion.dcl_net.build`.

    Notes
    -----
    The thesis (chapter on sensorless tracking, "Rigid motion enforcement") maps the pooled
    features to 7 x 7 x 3 and that to the numbers, both linearly.
    """
    frame_layout.channels_per_frame(in_channels, step_count, numbers_per_step)
    trunk = DclTrunk(in_channels, step_count, width=width)
    return DisplacementFieldNetwork(trunk, step_count, numbers_per_step)


def field_points(width_mm: float, height_mm: float) -> torch.Tensor:
    """Return the points of the field on an image.

    Parameters
    ----------
    width_mm, height_mm : float
        Size of the image: pixels times spacing.

    Returns
    -------
    torch.Tensor (7, 7, 3) float32
        Centres of 7 x 7 equal cells in the centre frame, mm: [row, column] is
        (lateral, axial, 0), rows from shallow to deep.

    Raises
    ------
    ValueError
        If a side is not positive.
    """
    if not (width_mm > 0 and height_mm > 0):
        raise ValueError(
            f"width_mm and height_mm must be positive, got {width_mm:g} and {height_mm:g}"
        )
    centres = (torch.arange(POINTS) + 0.5) / POINTS - 0.5
    axial, lateral = torch.meshgrid(centres * height_mm, centres * width_mm, indexing="ij")
    return torch.stack([lateral, axial, torch.zeros_like(lateral)], dim=-1)


def field_of_transforms(T_next_to_previous: torch.Tensor, points_mm: torch.Tensor) -> torch.Tensor:
    """Return the displacement field of rigid transforms.

    Parameters
    ----------
    T_next_to_previous : torch.Tensor (..., 4, 4)
        Step transforms in the centre frame, mm.
    points_mm : torch.Tensor (7, 7, 3)
        From `field_points`.

    Returns
    -------
    torch.Tensor (..., 7, 7, 3)
        R p + t - p for each point p: where the later frame's point lies in the earlier
        frame, minus where it lies in its own.
    """
    R, t = T_next_to_previous[..., :3, :3], T_next_to_previous[..., :3, 3]
    moved = torch.einsum("...ij,rcj->...rci", R, points_mm) + t[..., None, None, :]
    return moved - points_mm


def rigidity_loss(field_mm: torch.Tensor, points_mm: torch.Tensor) -> torch.Tensor:
    """Return how far a field is from moving the image rigidly.

    Parameters
    ----------
    field_mm : torch.Tensor (..., 7, 7, 3)
    points_mm : torch.Tensor (7, 7, 3)
        From `field_points`.

    Returns
    -------
    torch.Tensor ()
        Mean over all pairs of points of the squared change of their distance, mm^2.

    Notes
    -----
    The thesis states the idea (a rigid transform keeps the relative distances of points)
    without a formula. With rest distance r and new distance d we take
    ((d^2 - r^2) / (2 r))^2, which is (d - r)^2 for small changes: a polynomial, so that the
    gradient exists where two points meet. Points of a plane whose distances are all kept
    have been moved rigidly (a mirror image of a plane is a rotation of it), so the loss is
    zero for rigid fields and no others.
    """
    first, second = torch.triu_indices(POINTS**2, POINTS**2, 1, device=field_mm.device)
    rest = points_mm.flatten(0, 1)
    change = field_mm.flatten(-3, -2)
    between = rest[first] - rest[second]
    drift = change[..., first, :] - change[..., second, :]
    # d^2 - r^2 = |b + e|^2 - |b|^2 = e.(2 b + e): no difference of nearly equal squares.
    stretch = (drift * (2 * between + drift)).sum(-1)
    return (stretch / (2 * between.norm(dim=-1))).square().mean()
