"""`hipus figure`: one figure or table of the study, drawn again from what is saved.

Decides how a figure may be called (`5`, `table-3`, `10_hip_errors`) and what is said where it
cannot be drawn. Deliberately draws nothing itself: the registry of stage `figures` does, so that
a figure is the same drawn alone and with all others.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit

#: What may stand before a number, and the registry's name of it.
_KINDS = {"": "figure", "fig": "figure", "figure": "figure", "tab": "table", "table": "table"}
_NUMBERED = re.compile(r"([a-z]*)[ ._-]*0*(\d+)")
#: A pipeline larger than this is none of ours.
_MAX_BYTES = 1 << 20
#: Names that are offered where none fits.
_OFFERED = 3


def figure(
    name: Annotated[
        str | None,
        typer.Argument(help="The paper's figure by its number, `table-3`, or a name of --list."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Whose saved tables: smoke, small, paper.")
    ] = "small",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="FOLDER for PDF and PNG. Left out: figures/PROFILE."),
    ] = None,
    list_names: Annotated[bool, typer.Option("--list", help="Name all figures and stop.")] = False,
) -> None:
    """Draw one figure from saved tables and figure inputs, as PDF and PNG, in seconds.

    Nothing is trained or computed: what is not saved yet is named, with the stage that makes it.
    Figures of simulated content say so.
    """
    from hipus import config, paths
    from hipus.stages import figures

    if list_names:
        emit({"figures": {one: _line(entry[0]) for one, entry in sorted(figures.FIGURES.items())}})
        return
    began = time.perf_counter()
    full_name = resolve(name, figures.FIGURES)
    _require_profile(profile, config.profiles())
    case = figures.Case(profile, full_name, *figures.FIGURES[full_name])
    _require_sources(case.sources(), profile)
    drawn = figures.draw(profile, full_name, output or paths.figures_dir(profile))
    if not drawn.files:
        raise ValueError(f"{full_name}: a stage was skipped in profile {profile}, nothing to draw")
    seconds = round(time.perf_counter() - began, 2)
    emit({"figure": full_name, "profile": profile, "files": drawn.files,
          "made_from": drawn.sources, "seconds": seconds})  # fmt: skip


def resolve(name: str | None, names: Collection[str]) -> str:
    """Return the registry's name of a figure, however a person calls it.

    Parameters
    ----------
    name : str or None
        `5`, `figure-5`, `table 3`, or a full name.
    names : collection of str
        The registry's names.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If no figure is called so; the message offers the nearest names.
    """
    if not name:
        raise ValueError("NAME of a figure is missing: a number, table-3, or a name of --list")
    if name in names:
        return name
    numbered = _NUMBERED.fullmatch(name.strip().lower())
    if numbered and numbered[1] in _KINDS:
        found = [f"90_{_KINDS[numbered[1]]}_{numbered[2].zfill(width)}" for width in (1, 2)]
        for one in found:
            if one in names:
                return one
    near = difflib.get_close_matches(name, sorted(names), n=_OFFERED, cutoff=0.3)
    raise ValueError(f"no figure is called {name!r}; nearest: {', '.join(near) or 'see --list'}")


def _line(function) -> str:
    """Return what a drawing function says of its figure, without the verb."""
    said = (
        (getattr(function, "func", function).__doc__ or "")
        .strip()
        .splitlines()[0]
        .rstrip(".")
        .removeprefix("Draw ")
    )
    return said[:1].upper() + said[1:]


def _require_profile(profile: str, known: Collection[str]) -> None:
    """Raise if there is no such profile."""
    if profile not in known:
        raise ValueError(f"profile must be one of {sorted(known)}, got {profile!r}")


def _require_sources(sources: list[Path], profile: str) -> None:
    """Raise if a table or figure input is not there, naming the stage that makes it."""
    absent = [path for path in sources if not path.is_file()]
    if absent:
        made = ", ".join(f"{path} (by {_maker(path, profile)})" for path in absent)
        raise FileNotFoundError(f"not made yet: {made}")


def _maker(path: Path, profile: str) -> str:
    """Return the command that makes a result, read from the pipelines."""
    from hipus import paths, plain_yaml

    out = path.relative_to(paths.root()).as_posix().replace(f"/{profile}/", "/${item}/")
    for start in ("", "arms/dvc.yaml:"):
        file = paths.root() / (start.rstrip(":") or "dvc.yaml")
        documents = plain_yaml.read_documents(file, max_bytes=_MAX_BYTES) if file.is_file() else []
        for stage, block in documents[0]["stages"].items() if documents else ():
            if any(out in entry for entry in block["do"].get("outs", [])):
                return f"dvc repro {start}{stage}@{profile}"
    return f"dvc repro --glob '*@{profile}'"
