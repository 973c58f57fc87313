"""The MetaImage syntax of sequence metafiles: `.mha`, `.mhd` with `.raw` or `.zraw`.

Decides which header keys are syntax, what they may say, and where the pixels lie.
Deliberately knows nothing of transforms: `metafile` turns headers into sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from hipus.formats import header
from hipus.formats.header import Header
from hipus.formats.payload import ZLIB, Payload

SUFFIXES = (".mha", ".mhd")

#: Keys that the writer states anew. Position and direction (Offset ...) describe a volume
#: and mean nothing for a stack of tracked frames, so they are not kept.
_SYNTAX = frozenset(
    [
        "ObjectType",
        "NDims",
        "BinaryData",
        "BinaryDataByteOrderMSB",
        "ElementByteOrderMSB",
        "CompressedData",
        "CompressedDataSize",
        "TransformMatrix",
        "Rotation",
        "Orientation",
        "Offset",
        "Position",
        "Origin",
        "CenterOfRotation",
        "AnatomicalOrientation",
        "ElementSpacing",
        "ElementSize",
        "DimSize",
        "Kinds",
        "HeaderSize",
        "ElementNumberOfChannels",
        "ElementType",
        "ElementDataFile",
    ]
)


def read_header(path: Path) -> Header:
    """Read the header of a MetaImage sequence and locate its pixels.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Header

    Raises
    ------
    ValueError
        For anything that is no sequence of 8-bit frames, naming file, key, expected and got.
    OSError
        If a file cannot be read; for a missing pixel file the message names both files.
    """
    with open(path, "rb") as file:
        fields, frames = header.split(_pairs(file, path), path)
        offset = file.tell()
    for key in ("ObjectType", "NDims", "ElementType"):
        header.required(fields, key, path)
    shape = header.sizes_of(header.required(fields, "DimSize", path), f"{path}: DimSize")
    _check_syntax(fields, shape, path)
    columns = header.columns(frames, shape[0], path)
    custom = {key: value for key, value in fields.items() if key not in _SYNTAX}
    payload = _payload(fields, shape, path, offset)
    return Header(path, payload, _spacing(fields, path), custom, columns)


def compose(
    shape: tuple[int, int, int],
    spacing_xy: tuple[float, float],
    pairs: Iterable[tuple[str, str]],
    *,
    data_file: str = "LOCAL",
    compressed_size: int | None = None,
) -> str:
    """Return the text of a header.

    Parameters
    ----------
    shape : tuple (N, H, W)
    spacing_xy : tuple of 2 float
    pairs : iterable of (key, value)
        Fields of the header and of the frames.
    data_file : str
        LOCAL, or the name of the file beside the header that holds the pixels.
    compressed_size : int, optional
        Bytes of the compressed payload; None says that it is raw.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a field has the name of a syntax key, or does not fit on a line.

    Notes
    -----
    The compressed size is padded to 20 characters, as PLUS does, so that it can be set
    after the payload has been written: the length of the header does not depend on it.
    """
    lines = _syntax_lines(shape, spacing_xy, compressed_size)
    for key, value in pairs:
        if key in _SYNTAX:
            raise ValueError(f"field {key!r} has the name of a MetaImage key")
        header.check_line(key, value, "=")
        lines.append(f"{key} = {value}")
    return "\n".join([*lines, f"ElementDataFile = {data_file}", ""])


def _syntax_lines(shape: tuple, spacing_xy: tuple, compressed_size: int | None) -> list[str]:
    """Return the lines that every file has, in the order of PLUS."""
    count, height, width = shape
    is_compressed = compressed_size is not None
    return [
        "ObjectType = Image",
        "NDims = 3",
        "AnatomicalOrientation = RAI",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CenterOfRotation = 0 0 0",
        f"CompressedData = {is_compressed}",
        *([f"CompressedDataSize = {compressed_size:<20d}"] if is_compressed else []),
        f"DimSize = {width} {height} {count}",
        "Kinds = domain domain list",
        "ElementNumberOfChannels = 1",
        f"ElementSpacing = {spacing_xy[0]!r} {spacing_xy[1]!r} 1",
        "ElementType = MET_UCHAR",
        "Offset = 0 0 0",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
    ]


def _pairs(file, path: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of a header up to and including ElementDataFile."""
    for line in header.read_lines(file, path):
        key, equals, value = (part.strip() for part in line.partition("="))
        if line.strip() and not (key and equals):
            raise ValueError(f"{path}: expected `key = value` in the header, got {line[:40]!r}")
        if equals:
            yield key, value
        if key == "ElementDataFile":
            return


def _check_syntax(fields: dict[str, str], shape: tuple, path: Path) -> None:
    """Raise unless the header describes binary 8-bit frames of one channel."""
    dimensions = len(fields["DimSize"].split())
    expected = {
        "ObjectType": ("Image",),
        "NDims": (str(dimensions),),
        "BinaryData": ("True",),
        "ElementNumberOfChannels": ("1",),
        "HeaderSize": ("0",),
        "BinaryDataByteOrderMSB": ("True", "False"),
        "ElementByteOrderMSB": ("True", "False"),
        "CompressedData": ("True", "False"),
        # A tracker log has no pixels, and PLUS then says that their type is "other".
        "ElementType": ("MET_UCHAR",) if shape[1] * shape[2] else ("MET_UCHAR", "MET_OTHER"),
    }
    for key, allowed in expected.items():
        if fields.get(key, allowed[0]).lower() not in [word.lower() for word in allowed]:
            raise ValueError(f"{path}: {key} must be {' or '.join(allowed)}, got {fields[key]!r}")


def _payload(fields: dict[str, str], shape: tuple, path: Path, offset: int) -> Payload:
    """Return where the pixels lie."""
    name = fields["ElementDataFile"]
    data_path, data_offset = (
        (path, offset) if name.upper() == "LOCAL" else (_sibling(path, name), 0)
    )
    size = data_path.stat().st_size - data_offset
    if fields.get("CompressedData", "False").lower() == "false":
        return Payload(data_path, data_offset, size, shape)
    if "CompressedDataSize" in fields:
        size = header.whole_number(fields["CompressedDataSize"], f"{path}: CompressedDataSize")
    return Payload(data_path, data_offset, size, shape, ZLIB)


def _sibling(path: Path, name: str) -> Path:
    """Return the pixel file beside a header; nothing but a plain name is accepted."""
    is_plain = name not in ("", ".", "..", "LIST") and not set(name) & set('/\\:%*?"<>|\0')
    if not is_plain or name.split()[0] == "LIST":
        raise ValueError(
            f"{path}: ElementDataFile must be LOCAL or the plain name of a file in the same "
            f"folder, got {name!r}"
        )
    sibling = path.parent / name
    if not sibling.is_file():
        raise FileNotFoundError(f"{path}: ElementDataFile names {name!r}, which is not beside it")
    return sibling


def _spacing(fields: dict[str, str], path: Path) -> tuple[float, float]:
    """Return the spacing of columns and rows, 1 where it is not stated."""
    text = fields.get("ElementSpacing", fields.get("ElementSize", "1 1"))
    values = header.numbers(text, f"{path}: ElementSpacing")
    if len(values) < 2 or not (np.isfinite(values) & (values > 0))[:2].all():
        raise ValueError(f"{path}: ElementSpacing must start with 2 positive numbers, got {text!r}")
    return float(values[0]), float(values[1])
