"""Sequence metafiles of the PLUS toolkit: `.igs.mha`, `.igs.mhd` with raw, `.igs.nrrd`.

Decides how a header becomes a `Sequence` and a `Sequence` becomes a file, written wholly or
not at all. Deliberately leaves pixels on disk until they are asked for, and judges no pose:
`Sequence.to_sweep` does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hipus.files import atomic_path
from hipus.formats import header, metaimage, nrrd, orientation, pixels
from hipus.formats.header import Header
from hipus.formats.payload import GZIP, ZLIB
from hipus.formats.sequence import TRANSFORM_NAME, Sequence, TransformTrack, from_sweep
from hipus.formats.sweep_fields import text

__all__ = ["SUFFIXES", "Sequence", "TransformTrack", "from_sweep", "read", "write"]

log = logging.getLogger(__name__)

#: Endings of the files that `read` and `write` know; `.igs` may stand before them.
SUFFIXES = metaimage.SUFFIXES + nrrd.SUFFIXES

_ORIENTATION = "UltrasoundImageOrientation"
_IMAGE_TYPE = "UltrasoundImageType"


def read(
    path: str | os.PathLike,
    *,
    on_bad_time: str = "raise",
    assumed_orientation: str | None = None,
    checks_payload: bool = True,
) -> Sequence:
    """Read a sequence metafile; its frames stay on disk until they are asked for.

    Parameters
    ----------
    path : path-like
        `.mha`, `.mhd` or `.nrrd`, usually with `.igs` before it.
    on_bad_time : str
        "raise", or "drop" to leave out frames whose time stamp does not lie after all
        earlier ones (a recorder that wrote a frame twice); their number is logged.
    assumed_orientation : str, optional
        Orientation of the images where the file states none, for example "MF". Without it
        such a file is refused: an image that is upside down looks like an image.
    checks_payload : bool
        Pass over a compressed payload once, so that damage is found here and not in the
        middle of a run (0.1 s for 50 MB of pixels). Going back is fast afterwards.

    Returns
    -------
    Sequence

    Raises
    ------
    ValueError
        For a file that is no such sequence, is damaged, or contradicts itself: names file,
        field, expected and got.
    OSError
        If a file cannot be read.
    """
    path = Path(path)
    if on_bad_time not in ("raise", "drop"):
        raise ValueError(f"on_bad_time must be 'raise' or 'drop', got {on_bad_time!r}")
    parsed = _syntax_of(path).read_header(path)
    used = _used_orientation(parsed, assumed_orientation)
    turn = orientation.turn_to_mf(used, f"{path}: {_ORIENTATION}") if used else orientation.Turn()
    frames = pixels.open_frames(parsed.payload, turn)
    if checks_payload:
        frames.check()
    columns = dict(parsed.columns)
    time_s = _times(columns, path)
    if on_bad_time == "drop":
        kept = _after_all_earlier(time_s, path)
        columns = {name: tuple(column[i] for i in kept) for name, column in columns.items()}
        time_s, frames = time_s[kept], pixels.pick_frames(frames, kept)
    return Sequence(
        frames=frames,
        time_s=time_s,
        transforms=_transforms(columns, path),
        image_status=_statuses(columns.pop("ImageStatus", (None,) * len(time_s))),
        frame_fields=columns,
        orientation=orientation.presented(used) if used else "XX",
        source=str(path),
        **_described(parsed, turn),
    )


def write(path: str | os.PathLike, sequence: Sequence, *, compressed: bool = True) -> Path:
    """Write a sequence metafile, block by block and wholly or not at all.

    Parameters
    ----------
    path : path-like
        Ending in `.mha`, `.mhd` (pixels go to `.raw` or `.zraw` beside it) or `.nrrd`.
    sequence : Sequence
        Frames may be larger than memory, and may come from the file that is replaced.
    compressed : bool

    Returns
    -------
    pathlib.Path
        The header's final name.

    Raises
    ------
    ValueError
        If the ending is unknown, or a field cannot be written as a line.
    OSError
        If the files cannot be written.
    """
    path = Path(path)
    syntax = _syntax_of(path)
    # PLUS calls it Status in NRRD files; ours goes by either name.
    is_free = syntax is nrrd and "Status" not in sequence.frame_fields
    pairs = list(_pairs(sequence, "Status" if is_free else "ImageStatus"))
    has_pixels = sequence.frames.shape[1] * sequence.frames.shape[2] > 0
    writer = {".mha": _write_mha, ".mhd": _write_mhd, ".nrrd": _write_nrrd}[path.suffix.lower()]
    with atomic_path(path) as temporary:
        writer(temporary, path, sequence, pairs, compressed and has_pixels)
    return path


def _syntax_of(path: Path):
    """Return the module that knows a file's syntax."""
    for syntax in (metaimage, nrrd):
        if path.suffix.lower() in syntax.SUFFIXES:
            return syntax
    raise ValueError(f"{path}: a sequence file must end in {', '.join(SUFFIXES)}")


def _used_orientation(parsed: Header, assumed: str | None) -> str:
    """Return the letters to go by; none where the file states none and has no images."""
    stored = parsed.fields.get(_ORIENTATION, "")
    if stored.upper() not in orientation.NO_IMAGE:
        return stored
    return "" if parsed.payload.frame_bytes <= 1 else assumed or stored or "XX"


def _described(parsed: Header, turn: orientation.Turn) -> dict:
    """Return what a header says of the sequence as a whole, as arguments of `Sequence`."""
    fields = dict(parsed.fields)
    return {
        "stored_orientation": fields.pop(_ORIENTATION, ""),
        "image_type": fields.pop(_IMAGE_TYPE, ""),
        "fields": fields,
        "spacing_xy": parsed.spacing_xy[::-1] if turn.is_transposed else parsed.spacing_xy,
    }


def _after_all_earlier(time_s: np.ndarray, path: Path) -> np.ndarray:
    """Return the indices of frames whose time lies after those of all earlier ones."""
    kept = []
    latest = -np.inf
    for index, time in enumerate(time_s):
        if np.isfinite(time) and time > latest:
            kept.append(index)
            latest = time
    if not kept:
        raise ValueError(f"{path}: no frame has a finite Timestamp, out of {len(time_s)}")
    if len(kept) < len(time_s):
        log.warning("%s: left out %d frames for their times", path, len(time_s) - len(kept))
    return np.array(kept, int)


def _times(columns: dict, path: Path) -> np.ndarray:
    """Take the time stamps out of the columns."""
    texts = columns.pop("Timestamp", (None,))
    time_s = np.empty(len(texts))
    for index, stamp in enumerate(texts):
        name = f"Seq_Frame{index:04d}_Timestamp"
        if stamp is None:
            raise ValueError(f"{path}: header key {name} is missing")
        time_s[index] = header.numbers(stamp, f"{path}: {name}", count=1)[0]
    return time_s


def _statuses(texts: tuple[str | None, ...]) -> tuple[str, ...]:
    """Return statuses, empty where a frame states none."""
    return tuple(status or "" for status in texts)


def _transforms(columns: dict, path: Path) -> dict[str, TransformTrack]:
    """Take the transforms and their statuses out of the columns."""
    tracks = {}
    for key in list(columns):
        name = _transform_name(key)
        if name is None:
            continue
        texts = columns.pop(key)
        matrices = np.full((len(texts), 16), np.nan)
        for index, written in enumerate(texts):
            if written is not None:
                where = f"{path}: Seq_Frame{index:04d}_{key}"
                matrices[index] = header.numbers(written, where, count=16)
        status = _statuses(columns.pop(f"{key}Status", (None,) * len(texts)))
        tracks[name] = TransformTrack(matrices.reshape(-1, 4, 4), status)
    return tracks


def _transform_name(key: str) -> str | None:
    """Return the name of the transform that a frame field states, None if it is no transform."""
    name = key.removesuffix("Transform")
    return name if name != key and TRANSFORM_NAME.fullmatch(name) else None


def _pairs(sequence: Sequence, status_name: str) -> Iterator[tuple[str, str]]:
    """Yield the header fields and frame fields of a sequence."""
    fields = {_ORIENTATION: sequence.orientation, _IMAGE_TYPE: sequence.image_type}
    for key, value in (fields | sequence.fields).items():
        if header.FRAME_KEY.fullmatch(key) or (key in fields and key in sequence.fields):
            raise ValueError(f"header field {key} has the name of something else")
        if value or key not in fields:
            yield key, value
    columns = _columns(sequence, status_name)
    for index in range(len(sequence)):
        for name, column in columns.items():
            if column[index] is not None:
                yield f"Seq_Frame{index:04d}_{name}", column[index]


def _columns(sequence: Sequence, status_name: str) -> dict[str, list[str | None]]:
    """Return everything that is stated per frame as text, None where it is not stated."""
    columns: dict[str, list[str | None]] = {}
    for name, track in sequence.transforms.items():
        is_stated = ~np.isnan(track.matrices).all(axis=(1, 2))
        columns[f"{name}Transform"] = [
            text(matrix) if stated else None
            for matrix, stated in zip(track.matrices, is_stated, strict=True)
        ]
        columns[f"{name}TransformStatus"] = [status or None for status in track.status]
    columns["Timestamp"] = [text(time) for time in sequence.time_s]
    columns[status_name] = [status or None for status in sequence.image_status]
    for name, column in sequence.frame_fields.items():
        if name in columns or _transform_name(name):
            raise ValueError(f"frame field {name} has the name of something else")
        columns[name] = list(column)
    return columns


def _write_mha(temporary: Path, path: Path, sequence: Sequence, pairs, compressed: bool) -> None:
    """Write header and pixels; the compressed size is set afterwards, in its padded place."""
    shape, spacing = sequence.frames.shape, sequence.spacing_xy
    size = 0 if compressed else None
    with open(temporary, "wb") as file:
        file.write(metaimage.compose(shape, spacing, pairs, compressed_size=size).encode())
        size = pixels.write_frames(file, sequence.frames, wbits=ZLIB if compressed else None)
        if compressed:
            file.seek(0)
            file.write(metaimage.compose(shape, spacing, pairs, compressed_size=size).encode())


def _write_mhd(temporary: Path, path: Path, sequence: Sequence, pairs, compressed: bool) -> None:
    """Write pixels and header under temporary names; the header gets its final name last."""
    data_path = path.with_suffix(".zraw" if compressed else ".raw")
    with atomic_path(data_path) as data:
        with open(data, "wb") as file:
            wbits = ZLIB if compressed else None
            size = pixels.write_frames(file, sequence.frames, wbits=wbits)
        head = metaimage.compose(
            sequence.frames.shape,
            sequence.spacing_xy,
            pairs,
            data_file=data_path.name,
            compressed_size=size if compressed else None,
        )
        temporary.write_bytes(head.encode())


def _write_nrrd(temporary: Path, path: Path, sequence: Sequence, pairs, compressed: bool) -> None:
    """Write header and pixels."""
    shape, spacing = sequence.frames.shape, sequence.spacing_xy
    with open(temporary, "wb") as file:
        file.write(nrrd.compose(shape, spacing, pairs, is_compressed=compressed).encode())
        pixels.write_frames(file, sequence.frames, wbits=GZIP if compressed else None)
