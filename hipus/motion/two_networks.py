"""Two networks that answer as one: rotations from one, translations from the other.

Decides how their numbers are put together. They share no weight and, as the squared error is
a sum, no gradient: training them side by side is training each alone.
"""

from __future__ import annotations

import torch
from torch import nn


class TwoNetworks(nn.Module):
    """One network for rotations beside one for translations.

    Parameters
    ----------
    rotation : torch.nn.Module
        Maps (B, C, P, P) to (B, step_count x rotation numbers).
    translation : torch.nn.Module
        Maps the same input to (B, step_count x 3).
    step_count : int
        Steps that both predict.
    """

    def __init__(self, rotation: nn.Module, translation: nn.Module, *, step_count: int) -> None:
        """Keep both networks."""
        super().__init__()
        self.rotation, self.translation = rotation, translation
        self.step_count = step_count

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (B, step_count x numbers), step by step, rotation first.

        Parameters
        ----------
        images : torch.Tensor (B, C, P, P) float32

        Returns
        -------
        torch.Tensor (B, step_count x (rotation numbers + 3)) float32
        """
        parts = [
            network(images).unflatten(1, (self.step_count, -1))
            for network in (self.rotation, self.translation)
        ]
        return torch.cat(parts, dim=2).flatten(1)
