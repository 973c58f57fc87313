"""`hipus fetch`: the real open data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit


def fetch(
    name: Annotated[
        str | None, typer.Argument(help="A file or a group, e.g. `plus`. Left out: everything.")
    ] = None,
) -> None:
    """Download real open data by URL and SHA-256, or take them from `HIPUS_MIRROR`.

    Prints what is here afterwards, and in which folders. Exit status 1 if something that was
    asked for is absent.
    """
    from hipus.formats import real_data

    if name is None:
        table = real_data.ensure_all()
    else:
        if name in real_data.groups():
            real_data.fetch_group(name)
        else:
            real_data.fetch(name)
        inventory = real_data.inventory()
        table = inventory[(inventory["file"] == name) | (inventory["group"] == name)]
    absent = table[table["status"] != "present"]
    emit(
        {
            "files_total": len(table),
            "files_present": len(table) - len(absent),
            "folders": _folders(table["file"]),
            "files_absent": dict(zip(absent["file"], absent["reason"], strict=True)),
            "licences": sorted(set(table["licence"])),
        }
    )
    if len(absent):
        raise typer.Exit(1)


def _folders(names: Iterable[str]) -> list[Path]:
    """Return the folders that present files lie in, each once, without subfolders."""
    from hipus.formats import real_data

    found = (real_data.local_path(name) for name in names)
    folders = {path.parent for path in found if path is not None}
    return sorted(folder for folder in folders if not folders & set(folder.parents))
