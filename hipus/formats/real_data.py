"""The real open data: what they are, whether they are here, and how to get them.

Decides which public files the study knows (`data/real/manifest.csv`: origin, SHA-256, licence,
attribution), where they are looked for (the mirror that `HIPUS_MIRROR` names, then the
per-user download folder), and that no file is used whose SHA-256 differs. Deliberately reads
none of the formats, and never turns an absence into silence: whoever needs a file gets it, or
an error that says how to get it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hipus import files, paths
from hipus.formats import transfer
from hipus.formats.manifest import Entry, entries, entry, groups, registry

__all__ = ["MissingRealData", "ensure_all", "fetch", "fetch_group", "groups", "inventory"]
__all__ += ["local_path", "missing", "registry"]

log = logging.getLogger(__name__)

_SLACK_BYTES = 1 << 20
NO_URL = "no public URL: mirror only"
NOT_FETCHED = "not fetched yet"
HOW_TO_GET = "run `hipus fetch`, or set HIPUS_MIRROR to a folder that holds the real open data"


class MissingRealData(FileNotFoundError):
    """A real file is needed and is neither in the mirror nor downloaded."""


@dataclass(frozen=True)
class _Found:
    """One file on this machine: where, from which source, and what it hashes to."""

    path: Path
    source: str
    sha256: str


def local_path(name: str) -> Path | None:
    """Return the verified local file of a registry entry, or None.

    Parameters
    ----------
    name : str
        Registry name, for example `"plus/SpinePhantomFreehand.igs.mha"`.

    Returns
    -------
    pathlib.Path or None
        In the mirror if it is there, else in the download folder; None where neither holds
        a file with the registered SHA-256.

    Raises
    ------
    ValueError
        If the registry does not know the name.
    """
    wanted = entry(name)
    found = _find(wanted)
    return found.path if found and found.sha256 == wanted.sha256 else None


def _find(wanted: Entry) -> _Found | None:
    """Return the right file if any source has it, else a wrong one, else None."""
    mirror = paths.mirror_dir()
    places = [(mirror / wanted.file, "mirror")] if mirror else []
    wrong = None
    for path, source in [*places, (_download_path(wanted), "download")]:
        if not path.is_file():
            continue
        state = path.stat()
        found = _Found(path, source, _digest(path, state.st_mtime_ns, state.st_size))
        if found.sha256 == wanted.sha256:
            return found
        wrong = wrong or found
    return wrong


@functools.lru_cache(maxsize=4096)
def _digest(path: Path, mtime_ns: int, size: int) -> str:
    """Return the SHA-256 of a file, hashing it once per time and size."""
    return files.sha256(path)


def missing(names: Iterable[str]) -> list[str]:
    """Return which of the named files are not here, in the order given, and warn of them.

    Parameters
    ----------
    names : iterable of str
        Registry names.

    Returns
    -------
    list of str
    """
    absent = [name for name in names if local_path(name) is None]
    if absent:
        log.warning("%d real files absent: %s. %s", len(absent), ", ".join(absent), HOW_TO_GET)
    return absent


def fetch(name: str, *, progress: bool = True) -> Path:
    """Return a real file: from the mirror, from an earlier download, or by downloading it.

    Parameters
    ----------
    name : str
        Registry name.
    progress : bool
        Show a bar while downloading, where standard error is a terminal.

    Returns
    -------
    pathlib.Path
        A local file with the registered SHA-256.

    Raises
    ------
    ValueError
        If the name is unknown, or what was downloaded has another SHA-256 (it is removed).
    MissingRealData
        If the file is not here and there is no way to it; the message says what to do.
    OSError
        If the server refuses, or the download folder cannot be written.
    """
    wanted, present = entry(name), local_path(name)
    if present is not None:
        return present
    found = _find(wanted)
    if found:
        log.warning("%s: the %s has SHA-256 %s, not used", name, found.source, found.sha256)
    if not wanted.url:
        raise MissingRealData(f"{name} is absent ({NO_URL}): {HOW_TO_GET}")
    try:
        transfer.check_network(wanted.url)
        return _download(wanted, progress=progress)
    except transfer.Unreachable as error:
        raise MissingRealData(f"{name} is absent ({error}): {HOW_TO_GET}") from error


def fetch_group(group: str) -> list[Path]:
    """Return all files of a group, downloading those that are absent.

    Parameters
    ----------
    group : str
        One of `groups()`.

    Returns
    -------
    list of pathlib.Path
        Sorted by name. Files without a public URL that are not here are left out with a
        warning: nobody could download them.

    Raises
    ------
    ValueError
        If the group is unknown, or a download has another SHA-256.
    MissingRealData
        If a file cannot be downloaded.
    """
    from tqdm import tqdm

    members = [e for e in entries().values() if e.group == group]
    if not members:
        raise ValueError(f"group must be one of {groups()}, got {group!r}")
    unobtainable = [e.file for e in members if not e.url and local_path(e.file) is None]
    for name in unobtainable:
        log.warning("%s left out: %s", name, NO_URL)
    wanted = [e.file for e in members if e.file not in unobtainable]
    return [fetch(name, progress=False) for name in tqdm(wanted, desc=group, disable=None)]


def inventory() -> pd.DataFrame:
    """Say of every registered file whether it is here and what it hashes to.

    Returns
    -------
    pandas.DataFrame
        One row per registered file, sorted: file, group, status (present, absent,
        wrong_sha256), source (mirror, download, -), sha256 (as found, or -), bytes (as
        registered), licence, reason (- where present). It names no folder of this machine.

    Notes
    -----
    Never touches the network. Within a process a file of unchanged size and time is hashed
    once.
    """
    return _inventory({})


def _inventory(reasons: dict[str, str]) -> pd.DataFrame:
    """Return the inventory and warn of what it lacks; `reasons` explain absences."""
    rows = [_inventory_row(e, reasons.get(e.file)) for e in entries().values()]
    table = pd.DataFrame(rows)
    lacking = table[table.status != "present"]
    if len(lacking):
        log.warning("%d of %d real files are not here. %s", len(lacking), len(table), HOW_TO_GET)
    return table


def _inventory_row(wanted: Entry, reason: str | None) -> dict[str, object]:
    """Return one row of the inventory."""
    found = _find(wanted)
    if found is None:
        status, reason = "absent", reason or (NOT_FETCHED if wanted.url else NO_URL)
    elif found.sha256 != wanted.sha256:
        status, reason = "wrong_sha256", reason or f"expected {wanted.sha256}"
    else:
        status, reason = "present", "-"
    return {
        "file": wanted.file,
        "group": wanted.group,
        "status": status,
        "source": found.source if found else "-",
        "sha256": found.sha256 if found else "-",
        "bytes": wanted.bytes,
        "licence": wanted.licence,
        "reason": reason,
    }


def ensure_all(*, download: bool = True) -> pd.DataFrame:
    """Try to get every registered file, and say what is here afterwards.

    Parameters
    ----------
    download : bool
        False only looks.

    Returns
    -------
    pandas.DataFrame
        As `inventory`, with the reason why each absent file could not be got.

    Notes
    -----
    Gives up on the network at the first host that does not answer (about 6 s), so that an
    offline machine does not pay once per file. A failed file is reported, not raised.
    """
    return _inventory(_download_absent() if download else {})


def _download_absent() -> dict[str, str]:
    """Download what is absent; return the reason of each failure."""
    from tqdm import tqdm

    absent = [e for e in entries().values() if e.url and local_path(e.file) is None]
    reasons: dict[str, str] = {}
    try:
        if absent:
            transfer.check_network(absent[0].url)
        for wanted in tqdm(absent, desc="real data", unit="file", disable=None):
            reasons |= _try_download(wanted)
    except transfer.Unreachable as error:
        log.warning("%s: the network is given up", error)
        reasons |= {e.file: str(error) for e in absent if local_path(e.file) is None}
    return reasons


def _try_download(wanted: Entry) -> dict[str, str]:
    """Download one file; return {} or its reason of failure, free of this machine's paths."""
    try:
        _download(wanted, progress=False)
    except transfer.Unreachable:
        raise
    except ValueError as error:
        log.warning("%s", error)
        return {wanted.file: "the download had a wrong SHA-256"}
    except OSError as error:
        log.warning("%s", error)
        return {wanted.file: "the download failed"}
    return {}


def _download(wanted: Entry, *, progress: bool) -> Path:
    """Download one file into the download folder."""
    target = _download_path(wanted)
    # A file that is somewhat longer is still hashed: both digests help to find out why.
    limits = {"sha256": wanted.sha256, "max_bytes": wanted.bytes + _SLACK_BYTES}
    return transfer.to_file(wanted.url, target, **limits, progress=progress)


def _download_path(wanted: Entry) -> Path:
    """Return where the download of a file is kept."""
    return paths.download_dir() / "real" / wanted.file
