"""A network applied to pictures of any size, patch by patch.

Decides where patches lie and how overlapping ones are weighted, as nnU-Net does: half a patch
apart, weighted by a Gaussian. A picture that fits into one patch is padded and seen at once.
Deliberately knows no spacing and no label.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional

_SIGMA = 1 / 8  # of a patch's side
_BATCH_PIXELS = 1 << 18


@dataclass(frozen=True)
class Windows:
    """How a network is applied.

    Attributes
    ----------
    patch_size : tuple of int
    step : float
        Largest distance of patches as a share of their side.
    mirror_axes : tuple of int
        Axes whose mirrored pictures are averaged in; () for none.
    """

    patch_size: tuple[int, ...]
    step: float = 0.5
    mirror_axes: tuple[int, ...] = ()

    def starts(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the first corners of all patches of a picture.

        Parameters
        ----------
        shape : sequence of int
            Nowhere below the patch.

        Returns
        -------
        list of tuple of int
        """
        axes = []
        for size, side in zip(shape, self.patch_size, strict=True):
            count = int(np.ceil((size - side) / (side * self.step))) + 1
            axes.append(np.round(np.linspace(0, size - side, count)).astype(int).tolist())
        return list(itertools.product(*axes))


@torch.inference_mode()
def logits_of(
    network: nn.Module, pictures: Sequence[torch.Tensor], windows: Windows
) -> list[torch.Tensor]:
    """Apply a network to pictures.

    Parameters
    ----------
    network : torch.nn.Module
        Maps (B, C, *patch) to (B, K, *patch).
    pictures : sequence of torch.Tensor (C, *shape)
        Of any shapes.
    windows : Windows

    Returns
    -------
    list of torch.Tensor (K, *shape)
        On the network's device.
    """
    padded = [_padded(picture, windows.patch_size) for picture in pictures]
    places = [(k, s) for k, (p, _) in enumerate(padded) for s in windows.starts(p.shape[1:])]
    batch = max(1, _BATCH_PIXELS // int(np.prod(windows.patch_size)))
    sums: list[torch.Tensor | None] = [None] * len(padded)
    counts = [sum(k == index for k, _ in places) for index in range(len(padded))]
    device = next(network.parameters()).device
    weight = _gaussian(windows.patch_size).to(device)
    for first in range(0, len(places), batch):
        chosen = places[first : first + batch]
        inputs = torch.stack([padded[k][0][_box(start, windows)] for k, start in chosen])
        answers = _answers(network, inputs.to(device), windows.mirror_axes)
        for (k, start), answer in zip(chosen, answers, strict=True):
            if counts[k] == 1:
                sums[k] = answer
                continue
            if sums[k] is None:
                sums[k] = answer.new_zeros((len(answer) + 1, *padded[k][0].shape[1:]))
            sums[k][_box(start, windows)] += torch.cat([answer * weight, weight[None]])
    return [
        (total if count == 1 else total[:-1] / total[-1])[(slice(None), *inner)]
        for total, count, (_, inner) in zip(sums, counts, padded, strict=True)
    ]


def _answers(network: nn.Module, inputs: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Return a network's logits, averaged over mirrored pictures."""
    sides = [axis + 2 for axis in axes]
    turns = [c for count in range(1, len(sides) + 1) for c in itertools.combinations(sides, count)]
    total = network(inputs)
    for turn in turns:
        total = total + torch.flip(network(torch.flip(inputs, turn)), turn)
    return total / (1 + len(turns))


def _box(start: Sequence[int], windows: Windows) -> tuple[slice, ...]:
    """Return the slices of a patch, all channels first."""
    sides = zip(start, windows.patch_size, strict=True)
    return (slice(None), *(slice(first, first + side) for first, side in sides))


def _padded(picture: torch.Tensor, patch: Sequence[int]) -> tuple[torch.Tensor, tuple[slice, ...]]:
    """Return a picture padded to at least a patch, and where it lies in that."""
    inner, amounts = [], []
    for size, side in zip(picture.shape[1:], patch, strict=True):
        low = max(side - size, 0) // 2
        inner.append(slice(low, low + size))
        amounts.append((low, max(side - size, 0) - low))
    flat = [amount for pair in reversed(amounts) for amount in pair]
    return (functional.pad(picture, flat) if any(flat) else picture), tuple(inner)


@lru_cache(maxsize=8)
def _gaussian(patch: tuple[int, ...]) -> torch.Tensor:
    """Return the weight of each place in a patch: largest in its middle, nowhere zero."""
    weight = np.zeros(patch)
    weight[tuple(side // 2 for side in patch)] = 1.0
    weight = ndimage.gaussian_filter(weight, [side * _SIGMA for side in patch], mode="constant")
    weight /= weight.max()
    return torch.from_numpy(np.maximum(weight, weight[weight > 0].min()).astype(np.float32))
