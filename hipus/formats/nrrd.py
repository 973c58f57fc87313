"""The NRRD syntax of sequence files: `.nrrd` with attached pixels.

Decides which fields are syntax, what they may say, and where the pixels lie. Deliberately
knows nothing of transforms, and reads no detached headers (`.nhdr`): PLUS writes none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from hipus.formats import header
from hipus.formats.header import Header
from hipus.formats.payload import GZIP, Payload

SUFFIXES = (".nrrd",)

_MAGIC = re.compile(r"NRRD000[1-5]")
_ENCODINGS = {"raw": None, "gz": GZIP, "gzip": GZIP}
_BYTES = ("uint8", "uint8_t", "uchar", "unsigned char")
#: Older PLUS versions name these fields in words.
_NAMES = {
    "ultrasound image orientation": "UltrasoundImageOrientation",
    "ultrasound image type": "UltrasoundImageType",
}


def read_header(path: Path) -> Header:
    """Read the header of a NRRD sequence and locate its pixels.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Header

    Raises
    ------
    ValueError
        For anything that is no sequence of 8-bit frames, naming file, field, expected, got.
    """
    syntax: dict[str, str] = {}
    with open(path, "rb") as file:
        fields, frames = header.split(_pairs(file, path, syntax), path)
        offset = file.tell()
    shape = header.sizes_of(header.required(syntax, "sizes", path), f"{path}: sizes")
    _check_syntax(syntax, path)
    columns = header.columns(frames, shape[0], path)
    if "Status" in columns and "ImageStatus" not in columns:
        columns["ImageStatus"] = columns.pop("Status")
    size = path.stat().st_size - offset
    payload = Payload(path, offset, size, shape, _ENCODINGS[syntax["encoding"].lower()])
    return Header(path, payload, _spacing(syntax, path), fields, columns)


def compose(
    shape: tuple[int, int, int],
    spacing_xy: tuple[float, float],
    pairs: Iterable[tuple[str, str]],
    *,
    is_compressed: bool = False,
) -> str:
    """Return the text of a header, blank line included.

    Parameters
    ----------
    shape : tuple (N, H, W)
    spacing_xy : tuple of 2 float
    pairs : iterable of (key, value)
        Fields of the header and of the frames.
    is_compressed : bool
        Whether a gzip stream follows.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a field does not fit on a line.

    Notes
    -----
    A tracker log has sizes `0 0 N`. Strict NRRD readers refuse a size of zero, but a made-up
    pixel would not come back as none.
    """
    count, height, width = shape
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        "type: uint8",
        "dimension: 3",
        "space dimension: 2",
        f"sizes: {width} {height} {count}",
        f"space directions: ({spacing_xy[0]!r},0) (0,{spacing_xy[1]!r}) none",
        "kinds: domain domain list",
        "endian: little",
        f"encoding: {'gzip' if is_compressed else 'raw'}",
        "space origin: (0,0)",
    ]
    for key, value in pairs:
        header.check_line(key, _escape(value), ":")
        if key.startswith("#"):
            raise ValueError(f"field name must not start with # in a NRRD file, got {key!r}")
        lines.append(f"{key}:={_escape(value)}")
    return "\n".join([*lines, "", ""])


def _pairs(file, path: Path, syntax: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield key:=value lines up to the blank line; gather `field: value` lines in `syntax`."""
    lines = iter(header.read_lines(file, path))
    magic = next(lines)
    if not _MAGIC.fullmatch(magic):
        raise ValueError(f"{path}: expected NRRD0001 to NRRD0005 at the start, got {magic[:40]!r}")
    for line in lines:
        if not line:
            return
        if line.startswith("#"):
            continue
        key, separator, value = re.match(r"([^:]*)(:=|:|)(.*)", line, re.DOTALL).groups()
        key = key.strip()
        if key and separator == ":=":
            yield _NAMES.get(key, key), _unescape(value.strip())
        elif key and separator and key not in syntax:
            syntax[key] = value.strip()
        else:
            fault = "is stated twice" if key in syntax else "must be `field: value`"
            raise ValueError(f"{path}: header line {line[:40]!r} {fault}")


def _check_syntax(syntax: dict[str, str], path: Path) -> None:
    """Raise unless the header describes attached 8-bit frames of one channel."""
    dimensions = str(len(syntax["sizes"].split()))
    expected = {
        "dimension": (dimensions,),
        "type": _BYTES,
        "encoding": tuple(_ENCODINGS),
    }
    for key, allowed in expected.items():
        if header.required(syntax, key, path).lower() not in allowed:
            raise ValueError(f"{path}: {key} must be {' or '.join(allowed)}, got {syntax[key]!r}")
    for key in ("line skip", "lineskip", "byte skip", "byteskip"):
        if syntax.get(key, "0") != "0":
            raise ValueError(f"{path}: {key} must be 0, got {syntax[key]!r}")
    for key in ("data file", "datafile"):
        if key in syntax:
            raise ValueError(f"{path}: {key} must be absent (attached pixels), got {syntax[key]!r}")
    if not re.match(r"domain|space|\?\?\?", syntax.get("kinds", "domain")):
        raise ValueError(f"{path}: kinds must start with domain, got {syntax['kinds']!r}")


def _spacing(syntax: dict[str, str], path: Path) -> tuple[float, float]:
    """Return the spacing of columns and rows, 1 where it is not stated."""
    if "space directions" in syntax:
        text = syntax["space directions"]
        vectors = re.findall(r"\(([^)]*)\)", text)
        where = f"{path}: space directions"
        lengths = [sum(header.numbers(v.replace(",", " "), where) ** 2) ** 0.5 for v in vectors]
    else:
        text = syntax.get("spacings", "1 1")
        lengths = header.numbers(text, f"{path}: spacings")
    if len(lengths) < 2 or not all(0 < side < np.inf for side in lengths[:2]):
        raise ValueError(f"{path}: spacing must start with 2 positive numbers, got {text!r}")
    return float(lengths[0]), float(lengths[1])


def _escape(value: str) -> str:
    """Protect the two signs that a NRRD value cannot hold: line end and backslash."""
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _unescape(value: str) -> str:
    """Undo the two escapes of a NRRD value: line end and backslash."""
    return re.sub(r"\\([n\\])", lambda match: "\n" if match[1] == "n" else "\\", value)
