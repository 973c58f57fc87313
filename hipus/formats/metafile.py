"""Sequence metafiles of the PLUS toolkit: `.igs.mha`, `.igs.mhd` with raw, `.igs.nrrd`.

Decides how a header becomes a `Sequence` and how a `Sequence` becomes a file. Deliberately
leaves pixels on disk until they are asked for, and judges no pose: `Sequence.to_sweep` does.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np

from hipus.formats import header, metaimage, nrrd, orientation, payload
from hipus.formats.header import Header
from hipus.formats.sequence import _TRANSFORM_NAME, Sequence, TransformTrack
from hipus.sweep import check_times

log = logging.getLogger(__name__)

_READERS = {
    suffix: syntax.read_header for syntax in (metaimage, nrrd) for suffix in syntax.SUFFIXES
}


def read(path: str | os.PathLike) -> Sequence:
    """Read a sequence metafile.

    Parameters
    ----------
    path : path-like
        `.mha`, `.mhd` or `.nrrd`, usually with `.igs` before it.

    Returns
    -------
    Sequence
    """
    path = Path(path)
    parsed = _READERS[path.suffix.lower()](path)
    columns = dict(parsed.columns)
    fields = dict(parsed.fields)
    stored = fields.pop("UltrasoundImageOrientation", "").strip()
    image_type = fields.pop("UltrasoundImageType", "").strip()
    turn, presented = _turn(stored, parsed)
    frames = payload.open_frames(parsed.payload, turn)
    payload.check_frames(frames)
    spacing = parsed.spacing_xy
    return Sequence(
        frames=frames,
        time_s=_times(columns, path),
        transforms=_transforms(columns, path),
        image_status=tuple((text or "").strip() for text in columns.pop("ImageStatus", ()))
        or ("",) * len(frames),
        frame_fields=columns,
        fields=fields,
        orientation=presented,
        stored_orientation=stored,
        image_type=image_type,
        spacing_xy=spacing[::-1] if turn.is_transposed else spacing,
        source=str(path),
    )


def _turn(stored: str, parsed: Header) -> tuple[orientation.Turn, str]:
    """Return how frames are turned, and what their orientation is afterwards."""
    if parsed.payload.frame_bytes <= 1 and stored.upper() in orientation.NO_IMAGE:
        return orientation.Turn(), "XX"
    name = f"{parsed.path}: UltrasoundImageOrientation"
    return orientation.turn_to_mf(stored, name), orientation.presented(stored)


def _times(columns: dict, path: Path) -> np.ndarray:
    """Take the time stamps out of the columns."""
    if "Timestamp" not in columns:
        raise ValueError(f"{path}: Seq_Frame0000_Timestamp is missing")
    texts = columns.pop("Timestamp")
    for index, text in enumerate(texts):
        if text is None:
            raise ValueError(f"{path}: Seq_Frame{index:04d}_Timestamp is missing")
    times = header.numbers(" ".join(texts), f"{path}: Timestamp", count=len(texts))
    return check_times(times, f"{path}: Timestamp")


def _transforms(columns: dict, path: Path) -> dict[str, TransformTrack]:
    """Take the transforms and their statuses out of the columns."""
    names = [
        name.removesuffix("Transform")
        for name in columns
        if name.endswith("Transform") and _TRANSFORM_NAME.fullmatch(name.removesuffix("Transform"))
    ]
    tracks = {}
    for name in names:
        texts = columns.pop(f"{name}Transform")
        statuses = columns.pop(f"{name}TransformStatus", (None,) * len(texts))
        where = f"{path}: {name}Transform"
        matrices = np.full((len(texts), 16), np.nan)
        for index, text in enumerate(texts):
            if text is not None:
                matrices[index] = header.numbers(text, f"{where} of frame {index}", count=16)
        status = tuple((text or "").strip() for text in statuses)
        tracks[name] = TransformTrack(matrices.reshape(-1, 4, 4), status)
    return tracks
