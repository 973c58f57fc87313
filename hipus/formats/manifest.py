"""The registry of the real open data: which public files the study knows.

Decides what a row of `data/real/manifest.csv` must say (name, size, SHA-256, origin, licence,
attribution) and how one is looked up. Deliberately touches neither the files nor the network.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from hipus import paths, tables

_TEXT = ("file", "sha256", "repository", "commit", "path", "url", "licence", "attribution")


@dataclass(frozen=True)
class Entry:
    """What the registry says of one file.

    Attributes
    ----------
    file : str
        Relative name, group/...; also the name below the mirror and the download folder.
    bytes : int
    sha256 : str
    url : str
        "" for files that exist in a mirror only.
    licence : str
    """

    file: str
    bytes: int
    sha256: str
    url: str
    licence: str

    @property
    def group(self) -> str:
        """Return the first folder of the name."""
        return self.file.split("/")[0]


def registry() -> pd.DataFrame:
    """Return the registry of real open data, one row per file.

    Returns
    -------
    pandas.DataFrame
        Columns file, group (its first folder), bytes, sha256, repository, commit, path, url
        ("" for files that exist in a mirror only), licence and attribution.

    Raises
    ------
    FileNotFoundError
        If `data/real/manifest.csv` is missing.
    ValueError
        If a file repeats, lies outside a group, or has no SHA-256.
    """
    path = paths.data_dir() / "real" / "manifest.csv"
    state = path.stat() if path.is_file() else None
    return _read_registry(path, (state.st_mtime_ns, state.st_size) if state else None).copy()


@functools.lru_cache(maxsize=4)
def _read_registry(path: Path, state: tuple[int, int] | None) -> pd.DataFrame:
    """Read and check the registry once; time and size of the file are part of the key."""
    columns = [*_TEXT, "bytes"]
    text = dict.fromkeys(_TEXT, str)
    table = tables.read(path, columns=columns, dtype=text, keep_default_na=False)
    repeated = table.file[table.file.duplicated()]
    if len(repeated):
        raise ValueError(f"{path.name}: file must be unique, got {repeated.iloc[0]!r} twice")
    for name, digest in zip(table.file, table.sha256, strict=True):
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or len(parts.parts) < 2:
            raise ValueError(f"{path.name}: file must be a relative group/name, got {name!r}")
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{path.name}: sha256 of {name} must be 64 hex digits, got {digest!r}")
    table.insert(1, "group", [name.split("/")[0] for name in table.file])
    return table.sort_values("file", ignore_index=True)


def entries() -> dict[str, Entry]:
    """Return the registry by file name, in sorted order.

    Returns
    -------
    dict of str to Entry
    """
    columns = registry()[["file", "bytes", "sha256", "url", "licence"]]
    return {row[0]: Entry(*row) for row in columns.itertuples(index=False, name=None)}


def entry(name: str) -> Entry:
    """Return one entry, or suggest what may have been meant.

    Parameters
    ----------
    name : str
        Registry name, for example `"plus/SpinePhantomFreehand.igs.mha"`.

    Returns
    -------
    Entry

    Raises
    ------
    ValueError
        If the registry does not know the name.
    """
    known = entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"groups are {groups()}"
        raise ValueError(f"file must be in data/real/manifest.csv, got {name!r}; {hint}")
    return known[name]


def groups() -> tuple[str, ...]:
    """Return the names of all groups, sorted."""
    return tuple(sorted(set(registry().group)))
