"""Labels of frames and volumes by a trained network.

Decides what a network sees at the ends of a sweep and what is returned: labels on the grid
that came in. Deliberately builds on torch alone: nnU-Net takes seconds to import and changes
matplotlib's backend; a test compares the answers with nnU-Net's own predictor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hipus.segmentation import model_files, network_grid
from hipus.segmentation.components import keep_largest
from hipus.segmentation.model_files import SegmentationModel
from hipus.segmentation.sliding_windows import Windows, logits_of
from hipus.segmentation.training_cases import with_neighbours

_FRAMES_AT_ONCE = 8


@dataclass(frozen=True)
class Segmenter:
    """A trained network and how it is applied.

    Attributes
    ----------
    model : SegmentationModel
    windows : Windows
    """

    model: SegmentationModel
    windows: Windows

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "cpu",
        step: float = 0.5,
        is_mirrored: bool = False,
    ) -> Segmenter:
        """Read a model's folder.

        Parameters
        ----------
        folder : path-like
            As `training.train` leaves it.
        device : str
            "cpu" or "cuda".
        step : float
            Largest distance of patches as a share of their side.
        is_mirrored : bool
            Average over mirrored pictures too, along the axes that training mirrored; takes 4
            (2D) or 8 (3D) times as long.

        Returns
        -------
        Segmenter

        Raises
        ------
        FileNotFoundError, ValueError
            If the folder holds no model of the study (see `model_files.load`), or mirroring
            is asked of one that was trained without.
        """
        model = model_files.load(folder)
        axes = tuple(model.plan["study"]["mirror_axes"]) if is_mirrored else ()
        if is_mirrored and not axes:
            raise ValueError(f"model {model.model_id} was trained without mirrored pictures")
        model.network.to(device)
        return cls(model, Windows(tuple(model.plan["patch_size"]), step, axes))

    def segment_frames(self, frames: np.ndarray, *, spacing_yx_mm: Sequence[float]) -> np.ndarray:
        """Label each pixel of frames.

        Parameters
        ----------
        frames : numpy.ndarray (N, H, W)
            Grey levels as in training, consecutive where the model sees neighbours.
        spacing_yx_mm : sequence of 2 float

        Returns
        -------
        numpy.ndarray (N, H, W) uint8

        Raises
        ------
        ValueError
            If the model labels volumes, or frames or spacing are no such.

        Notes
        -----
        Model 2.3 sees two frames before and two after; beyond an end of the sweep the end
        frame is repeated, in training as here. Of the structures that `model.whole_structures`
        names only the largest piece is kept (see `components.decide`).
        """
        self._check(frames, spacing_yx_mm, dimensions=2)
        labels = np.zeros(frames.shape, np.uint8)
        for index, box, logits in self._frame_logits(frames, spacing_yx_mm):
            labels[index][box] = _largest(logits).cpu().numpy()
            labels[index] = keep_largest(labels[index], self.model.whole_structures)
        return labels

    def segment_case(self, channels: np.ndarray, *, spacing_mm: Sequence[float]) -> np.ndarray:
        """Label one picture or volume given as the network's channels, every piece kept.

        Parameters
        ----------
        channels : numpy.ndarray (C, H, W) or (C, D, H, W)
            As in `training_cases.TrainingCase`.
        spacing_mm : sequence of float
            Of the last 2 or 3 axes, in array order.

        Returns
        -------
        numpy.ndarray (H, W) or (D, H, W) uint8
        """
        labels = np.zeros(channels.shape[1:], np.uint8)
        (box,), (logits,) = self._logits([channels], spacing_mm)
        labels[box] = _largest(logits).cpu().numpy()
        return labels

    def frame_probabilities(
        self, frames: np.ndarray, *, spacing_yx_mm: Sequence[float]
    ) -> np.ndarray:
        """Return the probability of each class at each pixel of frames.

        Parameters
        ----------
        frames, spacing_yx_mm
            As for `segment_frames`.

        Returns
        -------
        numpy.ndarray (N, K, H, W) float32
            Background first; 1 for background where a frame is black to its edge.

        Raises
        ------
        ValueError
            As `segment_frames`.
        """
        self._check(frames, spacing_yx_mm, dimensions=2)
        count, *shape = frames.shape
        result = self._background((count, len(self.model.labels) + 1, *shape), axis=1)
        for index, box, logits in self._frame_logits(frames, spacing_yx_mm):
            result[index][(slice(None), *box)] = logits.softmax(dim=0).cpu().numpy()
        return result

    def segment_volume(self, volume: np.ndarray, *, spacing_zyx_mm: Sequence[float]) -> np.ndarray:
        """Label each voxel of a volume.

        Parameters
        ----------
        volume : numpy.ndarray (D, H, W)
            Grey levels as in training.
        spacing_zyx_mm : sequence of 3 float

        Returns
        -------
        numpy.ndarray (D, H, W) uint8

        Raises
        ------
        ValueError
            If the model labels frames, or volume or spacing are no such.

        Notes
        -----
        Of the structures that `model.whole_structures` names only the largest piece is kept.
        """
        self._check(volume, spacing_zyx_mm, dimensions=3)
        labels = self.segment_case(volume[None], spacing_mm=spacing_zyx_mm)
        return keep_largest(labels, self.model.whole_structures)

    def volume_probabilities(
        self, volume: np.ndarray, *, spacing_zyx_mm: Sequence[float]
    ) -> np.ndarray:
        """Return the probability of each class at each voxel of a volume.

        Parameters
        ----------
        volume, spacing_zyx_mm
            As for `segment_volume`.

        Returns
        -------
        numpy.ndarray (K, D, H, W) float32
            Background first.

        Raises
        ------
        ValueError
            As `segment_volume`.
        """
        self._check(volume, spacing_zyx_mm, dimensions=3)
        result = self._background((len(self.model.labels) + 1, *volume.shape), axis=0)
        box, logits = self._volume_logits(volume, spacing_zyx_mm)
        result[(slice(None), *box)] = logits.softmax(dim=0).cpu().numpy()
        return result

    def _frame_logits(
        self, frames: np.ndarray, spacing_mm: Sequence[float]
    ) -> Iterator[tuple[int, tuple[slice, ...], torch.Tensor]]:
        """Yield index, box of content and logits of that box for each frame."""
        reach = (len(self.model.plan["normalization_schemes"]) - 1) // 2
        for first in range(0, len(frames), _FRAMES_AT_ONCE):
            indices = range(first, min(first + _FRAMES_AT_ONCE, len(frames)))
            channels = [with_neighbours(frames, index, reach=reach) for index in indices]
            yield from zip(indices, *self._logits(channels, spacing_mm), strict=True)

    def _volume_logits(self, volume, spacing_mm) -> tuple[tuple[slice, ...], torch.Tensor]:
        """Return box of content and logits of that box."""
        (box,), (logits,) = self._logits([volume[None]], spacing_mm)
        return box, logits

    def _logits(self, pictures: list[np.ndarray], spacing_mm: Sequence[float]):
        """Return boxes of content and logits on the grid of the pictures."""
        target = self.model.plan["spacing"]
        boxes = [network_grid.content_box(picture) for picture in pictures]
        thick = network_grid.thick_axis(spacing_mm, target)
        inputs = []
        for picture, box in zip(pictures, boxes, strict=True):
            content = network_grid.standardised(picture[(slice(None), *box)])
            shape = network_grid.resampled_shape(content.shape[1:], spacing_mm, target)
            content = torch.from_numpy(content)
            inputs.append(network_grid.resampled_pictures(content, shape, thick=thick))
        answers = logits_of(self.model.network, inputs, self.windows)
        thick = network_grid.thick_axis(target, spacing_mm)
        return boxes, [
            network_grid.resampled_logits(
                answer, [side.stop - side.start for side in box], thick=thick
            )
            for answer, box in zip(answers, boxes, strict=True)
        ]

    def _background(self, shape: tuple[int, ...], *, axis: int) -> np.ndarray:
        """Return probabilities that are all background."""
        result = np.zeros(shape, np.float32)
        result[(slice(None),) * axis + (0,)] = 1.0
        return result

    def _check(self, pictures: np.ndarray, spacing_mm: Sequence[float], *, dimensions: int) -> None:
        """Raise unless pictures and spacing are such as the model labels."""
        kinds = {2: "frames (N, H, W)", 3: "volumes (D, H, W)"}
        own = len(self.windows.patch_size)
        if own != dimensions:
            raise ValueError(
                f"model {self.model.model_id} labels {kinds[own]}, not {kinds[dimensions]}"
            )
        if pictures.ndim != 3 or 0 in pictures.shape:
            raise ValueError(f"a model labels {kinds[own]}, none of them 0, got {pictures.shape}")
        if len(spacing_mm) != own or not all(0 < side < np.inf for side in spacing_mm):
            raise ValueError(f"spacing must be {own} positive numbers of mm, got {spacing_mm}")
        if not np.isfinite(pictures).all():
            raise ValueError(f"{kinds[own]} must be finite, got NaN or infinity")


def _largest(logits: torch.Tensor) -> torch.Tensor:
    """Return the first class with the largest logit, as uint8.

    One comparison for each class: torch's argmax over the first of three axes takes 9 ms for
    a frame, a third of all that a small network needs.
    """
    labels = torch.zeros(logits.shape[1:], dtype=torch.uint8, device=logits.device)
    best = logits[0].clone()
    for value in range(1, len(logits)):
        is_better = logits[value] > best
        labels.masked_fill_(is_better, value)
        torch.maximum(best, logits[value], out=best)
    return labels
