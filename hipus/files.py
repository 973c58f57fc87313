"""Write files wholly or not at all, and identify them by content.

Decides how an output reaches its final name (temporary sibling, then rename) and how a
file is fingerprinted (SHA-256). Deliberately knows nothing about formats.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK_BYTES = 1 << 20
#: Errors of a write that name no file by themselves.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; move it to `path` when the block succeeds.

    Parameters
    ----------
    path : path-like
        Final name. Missing parent folders are made.

    Yields
    ------
    pathlib.Path
        A name in the same folder with the same suffixes, to be written by the caller.

    Raises
    ------
    OSError
        If the folder cannot be made or written, if the disk is full, or if a folder, a pipe
        or a device has that name; the message names `path`.

    Notes
    -----
    The same folder keeps the final rename on one file system, where it is atomic. On any
    exception the temporary file is removed and an older `path` stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    if path.exists() and not path.is_file():  # a rename would put a file in a device's place
        raise OSError(f"cannot write {path}: it is a pipe or a device, not a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in _NO_ROOM and error.filename is None:
            raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write UTF-8 text atomically with Unix line ends.

    Parameters
    ----------
    path : path-like
        Final name.
    text : str
        Content.

    Returns
    -------
    pathlib.Path
        The final name.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, reading it in blocks.

    Parameters
    ----------
    path : path-like
        File to read.

    Returns
    -------
    str
        Lower-case hexadecimal digest.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
