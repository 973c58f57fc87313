"""A femoral head is round: what holds the angle between two sweeps and the length of each.

Decides which part of the head's outline counts (the first pixel from the probe in each column:
what lies behind may be shadow, not head) and how far it is from a ball common to both sweeps.
This is needed because crossing pictures leave one thing open: turn one sweep against the other
about the beam and shear both ways along, and all crossings fit as before. Only what is known of
a shape can tell. Deliberately knows no grey values and measures no head (see `morphometry`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import huber_loss

from hipus.fusion.anatomy import ball
from hipus.fusion.likeness import LabelledView
from hipus.labels import HipLabel
from hipus.reconstruction.pose_agreement import pixel_to_centre

#: Distances from the ball beyond this, mm, count by their length, not by their square: of 0.5, 0.2
#: and 0.1 on training and validation subjects, labelled by a network, targets' error was 0.67, 0.61
#: and 0.59 mm. Labels err in patches, not in noise.
OUTLIER_MM = 0.1
#: Every n-th outline pixel: neighbours say the same.
_EVERY = 4
#: Fewer outline points of a sweep cannot hold a ball.
LEAST_POINTS = 20


class RoundHead:
    """How far the head's outlines in two sweeps are from one ball.

    Parameters
    ----------
    views : sequence of 2 LabelledView
    device : str

    Raises
    ------
    ValueError
        If a sweep shows too little of the head's outline.
    """

    def __init__(self, views: Sequence[LabelledView], *, device: str):
        self.outlines = [_outline(view, device) for view in views]
        for name, (frames, _) in zip(("first", "second"), self.outlines, strict=True):
            if len(frames) < LEAST_POINTS:
                raise ValueError(
                    f"{name} must show the femoral head's outline at {LEAST_POINTS} points or "
                    f"more, got {len(frames)}"
                )
        self.start = torch.zeros(4, device=device)
        self.change = torch.zeros(4, device=device, requires_grad=True)

    def free(self) -> list:
        """Return what is optimised: centre and radius, mm, as changes of where they start."""
        return [self.change]

    def start_from(self, *poses) -> None:
        """Begin with the ball that fits best.

        Parameters
        ----------
        *poses : two torch.Tensor (N, 4, 4)
            T_centre_to_world of both sweeps' frames, in one world.
        """
        with torch.no_grad():
            places = torch.cat(self._places(poses)).cpu().double().numpy()
            centre, radius = ball(places)
            self.start.copy_(torch.tensor([*centre, radius]))
            self.change.zero_()

    def centre_mm(self, *poses) -> np.ndarray:
        """Return the centre (3,) of the ball that fits best.

        Parameters
        ----------
        *poses : two torch.Tensor (N, 4, 4)

        Returns
        -------
        numpy.ndarray (3,)
        """
        self.start_from(*poses)
        return self.start[:3].cpu().double().numpy()

    def unlikely(self, *poses):
        """Return how far the outlines are from the ball.

        Parameters
        ----------
        *poses : two torch.Tensor (N, 4, 4)

        Returns
        -------
        torch.Tensor ()
            Mean of half the squared distances, mm2, linear beyond `OUTLIER_MM`; both sweeps
            count alike, whatever the number of their points.
        """
        found = self.start + self.change
        off = [(at - found[:3]).norm(dim=1) - found[3] for at in self._places(poses)]
        return sum(huber_loss(one, torch.zeros_like(one), delta=OUTLIER_MM) for one in off) / 2

    def _places(self, poses) -> list:
        """Return the outlines' points (P, 3) of both sweeps in their common world."""
        return [
            (T[frames] @ points[:, :, None])[:, :3, 0]
            for T, (frames, points) in zip(poses, self.outlines, strict=True)
        ]


def _outline(view: LabelledView, device: str):
    """Return the frames (P,) and homogeneous places (P, 4) in the centre frame of an outline."""
    is_head = view.masks == HipLabel.FEMORAL_HEAD
    # Not along the picture's upper edge, where it is the edge that ends the head.
    first = is_head & (np.cumsum(is_head, axis=1) == 1)
    first[:, 0] = False
    frame, v, u = (place[::_EVERY] for place in np.nonzero(first))
    pixels = np.stack([u, v - 0.5, np.zeros(len(u)), np.ones(len(u))], axis=1)
    T = pixel_to_centre(view.frames.shape[1:], view.pixel_spacing_xy_mm)
    points = torch.tensor(pixels @ T.T, dtype=torch.float32, device=device)
    return torch.tensor(frame, device=device), points
