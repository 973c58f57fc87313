"""Labels of single frames on disk: which frames of a sweep are labelled, and how.

Decides the file's form (docs/data_formats.md, "Frame labels") and checks it on the way in and
out. Masks lie on frames as the study looks at them: flipped sweeps are turned back first
(`hipus.sweep_cleaning.correct_flip`), recorded ones are not. Knows no rater and no network.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus.files import atomic_path
from hipus.labels import HipLabel

SCHEME = "hip"
_LARGEST = max(label for label in HipLabel if label is not HipLabel.LABRUM)


@dataclass(frozen=True)
class FrameLabels:
    """Labels of some frames of one sweep.

    Attributes
    ----------
    frame_index : numpy.ndarray (N,) int64
        Positions in the recorded sweep, counted from 0, increasing.
    masks : numpy.ndarray (N, H, W) uint8
        Scheme hip without the labrum.

    Raises
    ------
    ValueError
        If they do not fit each other, or a label is none that raters draw.
    """

    frame_index: np.ndarray
    masks: np.ndarray

    def __post_init__(self) -> None:
        """Check shapes, order and labels."""
        index, masks = self.frame_index, self.masks
        if masks.ndim != 3 or masks.dtype != np.uint8 or index.shape != masks.shape[:1]:
            raise ValueError(
                f"masks must be (N, H, W) uint8 with frame_index (N,), got {masks.shape} "
                f"{masks.dtype} with {index.shape}"
            )
        if index.dtype.kind not in "iu" or (index < 0).any() or (np.diff(index) <= 0).any():
            raise ValueError(f"frame_index must be increasing integers >= 0, got {index}")
        if masks.size and masks.max() > _LARGEST:
            raise ValueError(f"labels must be 0 to {_LARGEST}, got {int(masks.max())}")


def label_file(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return where a sweep's frame labels are written."""
    return Path(folder) / f"{subject_id}_{sweep_id}.npz"


def write_frame_labels(labels: FrameLabels, path: Path) -> Path:
    """Write frame labels atomically.

    Parameters
    ----------
    labels : FrameLabels
    path : path-like
        As `label_file` names it.

    Returns
    -------
    pathlib.Path
        Equal labels give equal bytes.
    """
    content = {"frame_index": labels.frame_index.astype(np.int64), "masks": labels.masks}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, scheme=np.array(SCHEME), **content)
    return Path(path)


def read_frame_labels(path: Path) -> FrameLabels:
    """Read frame labels.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    FrameLabels

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no such file, or of another scheme.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing: stage frame_labels makes it")
    try:
        with np.load(path, allow_pickle=False) as stored:
            scheme = str(stored["scheme"])
            index, masks = stored["frame_index"], stored["masks"]
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds no frame labels: {error}") from error
    if scheme != SCHEME:
        raise ValueError(f"{path}: scheme must be {SCHEME!r}, got {scheme!r}")
    try:
        return FrameLabels(index, masks)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
