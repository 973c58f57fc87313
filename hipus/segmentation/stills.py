"""The real open stills as cases to learn from: pictures, machine-made masks, folds by case.

Decides how a still becomes a working picture (drawings blackened, cut to the sonogram, scaled
by its width), which frames count, which pairs of picture and mask are refused, and that folds
part cases, never frames. Deliberately maps their labels to no other scheme, judges nothing, and
keeps nothing: pictures and what is learned from them are CC BY-NC-SA.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import images
from hipus.formats import dicom, manifest, real_data
from hipus.labels import StillLabel

log = logging.getLogger(__name__)

GROUP = "infant_hip_stills"
#: Who drew the masks: a program, no reader. Dice against them is agreement with that program.
LABEL_SOURCE = "machine-made (Retuve)"
#: Width of the found sonogram, mm: the foot of a linear probe and some 6 px on each side. Burnt-in
#: rulers say 50.7 mm (724 px at 14.27 px/mm) and 50.5 mm (831 px at 16.45 px/mm); the two cases
#: without a ruler (167854, 167855) are assumed as wide. `PixelSpacing` is a placeholder in all.
SONOGRAM_WIDTH_MM = 50.6
STRUCTURES = tuple(label for label in StillLabel if label is not StillLabel.BACKGROUND)
#: Part of the labelled pixels that may lie outside the sonogram; the open cases have 0.1 %.
_OUTSIDE_PART = 0.02


class EmptyMasks(ValueError):
    """A case has masks, and nothing is drawn in any."""


@dataclass(frozen=True)
class StillCase:
    """The labelled frames of one case.

    Attributes
    ----------
    case_id : str
    frames : numpy.ndarray (N, H, W) uint8
        0 where something was drawn and below the sonogram.
    labels : numpy.ndarray (N, H, W) uint8
        `hipus.labels.StillLabel`, machine-made.
    frame_index : numpy.ndarray (N,) int64
        Place of each frame in the file.
    dropped_index : numpy.ndarray (M,) int64
        Frames of the file in which the machine drew nothing.
    pixel_mm : float
        Side of a pixel if the sonogram is `SONOGRAM_WIDTH_MM` wide.
    attribution : str
    """

    case_id: str
    frames: np.ndarray
    labels: np.ndarray
    frame_index: np.ndarray
    dropped_index: np.ndarray
    pixel_mm: float
    attribution: str


@dataclass(frozen=True)
class Fold:
    """One case left out, and those that remain to learn from."""

    left_out: StillCase
    training: tuple[StillCase, ...]


def case_files() -> dict[str, tuple[str, str]]:
    """Return the registry names of each case's pictures and masks, empty ones included."""
    names = sorted(name for name in manifest.entries() if name.startswith(f"{GROUP}/dicom/"))
    cases = [Path(name).stem for name in names]
    return {
        case: (name, f"{GROUP}/labels/{case}.nii.gz")
        for case, name in zip(cases, names, strict=True)
    }


def load_case(case_id: str, *, shape_px: tuple[int, int]) -> StillCase:
    """Read one case of the registry, with its attribution.

    Parameters
    ----------
    case_id : str
        One of `case_files()`.
    shape_px : tuple of int
        Rows and columns of the working pictures.

    Returns
    -------
    StillCase

    Raises
    ------
    ValueError
        If the case is unknown, or as for `read_stills`.
    MissingRealData
        If a file is absent; the message says how to get it.
    """
    known = case_files()
    if case_id not in known:
        raise ValueError(f"case_id must be one of {list(known)}, got {case_id!r}")
    paths = [real_data.fetch(name) for name in known[case_id]]
    attribution = manifest.registry().set_index("file").attribution[known[case_id][1]]
    return read_stills(*paths, shape_px=shape_px, attribution=attribution)


def read_stills(
    dicom_path: str | os.PathLike,
    labels_path: str | os.PathLike,
    *,
    shape_px: tuple[int, int],
    attribution: str = "",
) -> StillCase:
    """Read the frames of a case that have a mask, at the working size.

    Parameters
    ----------
    dicom_path : path-like
        Its name without suffix is the case.
    labels_path : path-like
        Masks of the same frames, rows and columns, in the scheme `StillLabel`.
    shape_px : tuple of int
        Rows and columns of the working pictures.
    attribution : str
        Whom the licence asks to name.

    Returns
    -------
    StillCase

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    EmptyMasks
        If masks are empty in all frames; a ValueError.
    ValueError
        If a file cannot be read, shapes differ, masks are turned, have values outside the
        scheme or lie outside the sonogram, or `shape_px` would cut labelled rows off.

    Notes
    -----
    Burnt-in text and rulers are blackened at full resolution, then the sonogram's box is scaled
    to the working width, alike in both directions, and cut or filled with 0 at its lower edge:
    a pixel means the same length in all cases as far as sonograms are equally wide
    (`SONOGRAM_WIDTH_MM`). A label's pixel is the one with the greatest area in it.
    A frame without any mask is dropped and counted: structures are seen in those frames, so
    their emptiness is the machine's silence and no truth. Within a kept frame a structure may
    be missing for the same reason; judges must say what they make of it.
    """
    case_id = Path(dicom_path).stem
    rows, columns = _check_shape(shape_px)
    cine = dicom.read(dicom_path)
    labels = _read_labels(labels_path, cine.frames.shape, case_id)
    masked = dicom.mask_burnt_in_text(cine.frames, is_coloured=cine.is_coloured)
    _check_place(labels, masked.is_sonogram, case_id)
    box = _box(masked.is_sonogram)
    has_mask = labels.any(axis=(1, 2))
    kept, dropped = np.flatnonzero(has_mask), np.flatnonzero(~has_mask)
    log.info("%s: %d frames with masks, %d without dropped", case_id, len(kept), len(dropped))
    return StillCase(
        case_id=case_id,
        frames=np.stack([_fill(_scale(masked.frames[i][box], columns), rows) for i in kept]),
        labels=np.stack([_fit_labels(labels[i][box], rows, columns, case_id) for i in kept]),
        frame_index=kept,
        dropped_index=dropped,
        pixel_mm=SONOGRAM_WIDTH_MM / columns,
        attribution=attribution,
    )


def leave_one_case_out(cases: Sequence[StillCase]) -> tuple[Fold, ...]:
    """Return one fold per case: it is left out, all others are learned from.

    Parameters
    ----------
    cases : sequence of StillCase

    Returns
    -------
    tuple of Fold
        In the order of the cases.

    Raises
    ------
    ValueError
        If there are fewer than two cases, a case comes twice, cases differ in size, or one
        picture belongs to two cases.

    Notes
    -----
    A case is taken for an infant: the source says no more. Pictures of different open cases
    correlate by 0.82 at most (48 x 48 px), those of one case by up to 1.
    """
    cases = tuple(cases)
    if len(cases) < 2:
        raise ValueError(f"cases must be at least 2, got {len(cases)}")
    names = [case.case_id for case in cases]
    if len(set(names)) < len(names):
        raise ValueError(f"case_id must be unique, got {names}")
    shapes = {case.case_id: case.frames.shape[1:] for case in cases}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"cases must have one working size, got {shapes}")
    _check_apart(cases)
    return tuple(Fold(case, tuple(one for one in cases if one is not case)) for case in cases)


def _check_shape(shape_px) -> tuple[int, int]:
    """Return rows and columns of the working size."""
    shape = tuple(shape_px)
    if len(shape) != 2 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise ValueError(f"shape_px must be 2 positive whole numbers, got {shape}")
    return shape


def _read_labels(path, shape: tuple[int, ...], case_id: str) -> np.ndarray:
    """Return the masks as uint8 if they lie on the pictures' pixels and keep to the scheme."""
    volume = images.read(path)
    if volume.array.shape != shape:
        raise ValueError(
            f"{case_id}: masks must be {shape} like the frames, got {volume.array.shape}"
        )
    if not np.allclose(volume.direction, np.eye(3), atol=1e-3):
        raise ValueError(
            f"{case_id}: masks must have the frames' orientation (identity direction), "
            f"got\n{volume.direction}"
        )
    foreign = sorted(set(np.unique(volume.array).tolist()) - set(map(int, StillLabel)))
    if foreign:
        raise ValueError(
            f"{case_id}: mask values must be {[int(one) for one in StillLabel]} "
            f"(StillLabel), got {foreign[:5]}"
        )
    if not volume.array.any():
        raise EmptyMasks(f"{case_id}: masks are empty in all {shape[0]} frames")
    return volume.array.astype(np.uint8)


def _check_place(labels: np.ndarray, is_sonogram: np.ndarray, case_id: str) -> None:
    """Raise if labels lie where there is no picture."""
    outside = float(np.mean(np.broadcast_to(~is_sonogram, labels.shape)[labels > 0]))
    if outside > _OUTSIDE_PART:
        raise ValueError(
            f"{case_id}: labelled pixels must lie in the sonogram, got {100 * outside:.0f} % "
            "outside: are the masks turned, or of other pictures?"
        )


def _box(is_sonogram: np.ndarray) -> tuple[slice, slice]:
    """Return the sonogram's rows and columns."""
    rows, columns = (np.flatnonzero(is_sonogram.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _scale(picture: np.ndarray, columns: int) -> np.ndarray:
    """Return a picture scaled by area to a width, alike in both directions."""
    import cv2

    height = max(1, round(picture.shape[0] * columns / picture.shape[1]))
    return cv2.resize(picture, (columns, height), interpolation=cv2.INTER_AREA)


def _fill(picture: np.ndarray, rows: int) -> np.ndarray:
    """Return a picture cut or filled with 0 below."""
    return np.pad(picture[:rows], ((0, max(0, rows - len(picture))), (0, 0)))


def _fit_labels(labels: np.ndarray, rows: int, columns: int, case_id: str) -> np.ndarray:
    """Return labels at the working size; refuse to cut one off."""
    areas = [_scale((labels == one).astype(np.float32), columns) for one in StillLabel]
    scaled = np.argmax(areas, axis=0).astype(np.uint8)
    if scaled[rows:].any():
        lowest = int(np.flatnonzero(scaled.any(axis=1))[-1])
        raise ValueError(f"{case_id}: shape_px must have > {lowest} rows to hold all labels")
    return _fill(scaled, rows)


def _check_apart(cases: Sequence[StillCase]) -> None:
    """Raise if one picture belongs to two cases."""
    owner: dict[bytes, str] = {}
    for case in cases:
        for index, frame in zip(case.frame_index, case.frames, strict=True):
            first = owner.setdefault(frame.tobytes(), case.case_id)
            if first != case.case_id:
                raise ValueError(
                    f"a picture must belong to one case, got frame {index} of {case.case_id} "
                    f"in {first} too"
                )
