"""What the headers of all sequence files have in common.

Decides how `Seq_FrameNNNN_...` fields become columns, one value per frame, and how numbers
are read from padded text. Deliberately knows no file syntax: `metaimage` and `nrrd` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus.formats.payload import Payload

#: Far above any recording (a frame takes about 1 kB), far below what hurts.
MAX_HEADER_BYTES = 1 << 28
MAX_LINE_BYTES = 1 << 20

#: Frame index and name of a frame field.
FRAME_KEY = re.compile(r"Seq_Frame(\d{1,9})_(.+)")


@dataclass(frozen=True)
class Header:
    """A parsed header.

    Attributes
    ----------
    path : pathlib.Path
        The file that was named by the user.
    payload : Payload
        Where the pixels are.
    spacing_xy : tuple of 2 float
        Of stored columns and rows, in the file's unit.
    fields : dict of str
        Everything that is neither syntax nor a frame's, in the file's order.
    columns : dict of tuple
        One value per frame for every frame field, None where a frame lacks it.
    """

    path: Path
    payload: Payload
    spacing_xy: tuple[float, float]
    fields: dict[str, str]
    columns: dict[str, tuple[str | None, ...]]


def split(pairs: Iterable[tuple[str, str]], path: Path) -> tuple[dict, dict]:
    """Split header lines into plain fields and the fields of each frame.

    Parameters
    ----------
    pairs : iterable of (key, value)
    path : pathlib.Path
        Named in messages.

    Returns
    -------
    fields : dict of str
    frames : dict of dict
        Frame index -> field name -> text.

    Raises
    ------
    ValueError
        If a key is stated twice.
    """
    fields: dict[str, str] = {}
    frames: dict[int, dict[str, str]] = {}
    for key, value in pairs:
        match = FRAME_KEY.fullmatch(key)
        target = frames.setdefault(int(match[1]), {}) if match else fields
        name = match[2] if match else key
        if name in target:
            raise ValueError(f"{path}: field {key} is stated twice")
        target[name] = value
    return fields, frames


def columns(frames: dict[int, dict[str, str]], count: int, path: Path) -> dict:
    """Return frame fields as columns after checking that every frame is there.

    Parameters
    ----------
    frames : dict of dict
        From `split`.
    count : int
        Number of frames that the sizes declare.
    path : pathlib.Path
        Named in messages.

    Returns
    -------
    dict of tuple
        Field name -> one text per frame, None where a frame lacks the field.

    Raises
    ------
    ValueError
        If there are no frame fields at all, or frames are missing or in excess.
    """
    if count == 0:
        raise ValueError(f"{path}: the sizes declare zero frames, expected at least one")
    if not frames:
        raise ValueError(
            f"{path}: expected Seq_Frame0000_... fields for {count} frames, got none "
            "(an image or volume, not a sequence)"
        )
    extra = [index for index in frames if index >= count]
    if extra or len(frames) < count:
        missing = next((index for index in range(count) if index not in frames), None)
        first = f"extra: {min(extra)}" if extra else f"missing: {missing}"
        raise ValueError(
            f"{path}: the sizes declare {count} frames, but fields of {len(frames)} frames are "
            f"there (first {first})"
        )
    names = dict.fromkeys(name for index in range(count) for name in frames[index])
    return {name: tuple(frames[index].get(name) for index in range(count)) for name in names}


def required(fields: dict[str, str], key: str, path: Path) -> str:
    """Return a field's text.

    Raises
    ------
    ValueError
        If the key is missing.
    """
    if key not in fields:
        raise ValueError(f"{path}: header key {key} is missing")
    return fields[key]


def numbers(text: str, where: str, *, count: int | None = None) -> np.ndarray:
    """Return the numbers of a padded text.

    Parameters
    ----------
    text : str
        Numbers separated by any white space; exponents may have three digits.
    where : str
        File and field, used in messages.
    count : int, optional
        How many numbers are expected.

    Returns
    -------
    numpy.ndarray (count,) float64

    Raises
    ------
    ValueError
        If a word is no number, or the count differs.
    """
    words = text.split()
    if count is not None and len(words) != count:
        raise ValueError(f"{where} must be {count} numbers, got {len(words)} in {_short(text)}")
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise ValueError(f"{where} must be {count or ''} numbers, got {_short(text)}") from error


def whole_number(text: str, where: str) -> int:
    """Return a padded whole number >= 0.

    Raises
    ------
    ValueError
        If the text is anything else.
    """
    if not re.fullmatch(r"\d{1,18}", text.strip()):
        raise ValueError(f"{where} must be a whole number, got {_short(text)}")
    return int(text)


def sizes_of(text: str, where: str) -> tuple[int, int, int]:
    """Return (frames, rows, columns) from sizes written columns first.

    Parameters
    ----------
    text : str
        Two sizes for a single frame, three for a sequence; four where frames are volumes
        that are one pixel thick.
    where : str
        File and field, used in messages.

    Returns
    -------
    tuple (N, H, W)

    Raises
    ------
    ValueError
        If these are not sizes, or the frames are volumes.
    """
    words = text.split()
    if not 2 <= len(words) <= 4 or not all(re.fullmatch(r"\d{1,9}", word) for word in words):
        raise ValueError(f"{where} must be 2 to 4 whole numbers, got {_short(text)}")
    sizes = [int(word) for word in words]
    if len(sizes) == 4 and sizes.pop(2) > 1:
        raise ValueError(f"{where} must describe 2D frames, got volumes: {_short(text)}")
    width, height, count = sizes if len(sizes) == 3 else (*sizes, 1)
    return count, height, width


def check_line(key: str, value: str, separator: str) -> None:
    """Raise unless a field would be read as it is written.

    Parameters
    ----------
    key, value : str
    separator : str
        What ends a key in the file's syntax.

    Raises
    ------
    ValueError
        If the key is empty or holds the separator, if key or value hold a line end, or
        blanks around them, which a reader takes for padding.
    """
    if not key or separator in key or "\n" in key or key != key.strip():
        raise ValueError(f"field name must be one line without {separator!r}, got {key!r}")
    if "\n" in value or value != value.strip():
        raise ValueError(f"field {key} must be one line without outer blanks, got {value!r}")


def read_lines(file, path: Path) -> Iterable[str]:
    """Yield header lines without their ends, within the size limits.

    Parameters
    ----------
    file : binary file
    path : pathlib.Path
        Named in messages.

    Yields
    ------
    str
        UTF-8 where it is valid, Latin-1 otherwise: old files name patients and places in
        whatever the machine was set to.

    Raises
    ------
    ValueError
        If a line or the header is too long, or the file ends within the header.
    """
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise ValueError(f"{path}: a header line is longer than {MAX_LINE_BYTES} bytes")
        if file.tell() > MAX_HEADER_BYTES:
            raise ValueError(f"{path}: the header is longer than {MAX_HEADER_BYTES} bytes")
        try:
            yield line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield line.decode("latin-1").rstrip("\r\n")
    raise ValueError(f"{path}: the file ends within its header")


def _short(text: str) -> str:
    """Return a text for a message, cut where it is long."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
