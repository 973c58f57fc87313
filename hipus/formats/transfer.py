"""Turn one public URL into one verified file.

Decides what a download may do: connect within seconds or give up, leave nothing behind that
has another SHA-256, and obey `HIPUS_OFFLINE=1`. Deliberately knows no data set: which files
the study uses is the business of `real_data`.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from pathlib import Path

from hipus import files

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0


class Unreachable(ConnectionError):
    """The network is forbidden, or a host did not answer."""


def is_forbidden() -> bool:
    """Return whether the environment variable `HIPUS_OFFLINE` forbids the network."""
    return os.environ.get("HIPUS_OFFLINE", "") not in ("", "0")


def check_network(url: str) -> None:
    """Raise unless the host of a URL answers at all, within a few seconds.

    Parameters
    ----------
    url : str
        Any status code counts as an answer.

    Raises
    ------
    Unreachable
        If the network is forbidden or nothing answers.

    Notes
    -----
    Asked from a thread of its own, because the time a name server takes is outside every
    time-out that an HTTP library offers (a broken resolver costs 10 to 40 s).
    """
    if is_forbidden():
        raise Unreachable("offline: HIPUS_OFFLINE is set")
    answered = threading.Event()
    thread = threading.Thread(target=_ask, args=(url, answered), daemon=True)
    thread.start()
    thread.join(CONNECT_TIMEOUT_S + 0.5)
    if not answered.is_set():
        raise Unreachable("offline: the host could not be reached")


def _ask(url: str, answered: threading.Event) -> None:
    """Set the event if the host answers a request for the headers."""
    import requests

    try:
        requests.head(url, timeout=CONNECT_TIMEOUT_S)
    except requests.RequestException as error:
        log.debug("%s does not answer: %s", url, error)
    else:
        answered.set()


def to_file(
    url: str,
    target: str | os.PathLike,
    *,
    sha256: str,
    max_bytes: int | None = None,
    progress: bool = True,
) -> Path:
    """Download a URL to a file whose SHA-256 is known.

    Parameters
    ----------
    url : str
        Source, http or https.
    target : path-like
        Final name; missing folders are made. An older file is replaced.
    sha256 : str
        64 hexadecimal digits.
    max_bytes : int, optional
        A longer answer is broken off there: no server may fill the disk.
    progress : bool
        Show a bar, where standard error is a terminal.

    Returns
    -------
    pathlib.Path
        The final name.

    Raises
    ------
    Unreachable
        If the network is forbidden or the connection fails.
    ValueError
        If the content is longer or has another SHA-256; nothing is kept.
    OSError
        If the server refuses, or the folder cannot be written.
    """
    target = Path(target)
    if is_forbidden():
        raise Unreachable("offline: HIPUS_OFFLINE is set")
    with files.atomic_path(target) as temporary:
        with _Bounded(temporary, f"{target.name} from {url}", max_bytes) as file:
            _stream(url, file, progress=progress and sys.stderr.isatty())
        found = files.sha256(temporary)
        if found != sha256:
            raise ValueError(
                f"{target.name} from {url}: SHA-256 must be {sha256}, got {found}; "
                "the download was removed"
            )
    return target


class _Bounded(io.BufferedWriter):
    """A file that takes so many bytes and no more."""

    def __init__(self, path: Path, name: str, max_bytes: int | None) -> None:
        super().__init__(io.FileIO(path, "wb"))
        self._name, self._max_bytes = name, max_bytes

    def write(self, block: bytes) -> int:
        """Write a block if there is room for it."""
        if self._max_bytes is not None and self.tell() + len(block) > self._max_bytes:
            raise ValueError(f"{self._name}: must be <= {self._max_bytes} bytes, got more")
        return super().write(block)


def _stream(url: str, file: _Bounded, *, progress: bool) -> None:
    """Write the body of a URL to an open file."""
    import pooch
    import requests

    timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    get = pooch.HTTPDownloader(progressbar=progress, timeout=timeout)
    try:
        get(url, file, None)
    except (requests.ConnectionError, requests.Timeout) as error:
        log.debug("%s: %s", url, error)
        raise Unreachable("offline: the host could not be reached") from error
    except requests.HTTPError as error:
        raise OSError(f"{url}: the server answered {error.response.status_code}") from error
    except requests.RequestException as error:
        raise OSError(f"{url}: the download failed: {error}") from error
