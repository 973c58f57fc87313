"""Pages about the report itself: what made it, what it cannot tell, how to cite it, licences.

Decides what stands on them. Citation and limits are read from the files that hold them
(CITATION.cff, docs/limits.md), so that there is one source of each.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pandas as pd

from hipus import paths, tables

_OWN = "report"


@dataclass(frozen=True)
class Record:
    """What made the results of a stage.

    Attributes
    ----------
    stage, finished, commit, machine, seed : str
    versions : str
    inputs : pandas.DataFrame
        file, bytes, sha256.
    """

    stage: str
    finished: str
    commit: str
    machine: str
    seed: str
    versions: str
    inputs: pd.DataFrame


def records(profile: str) -> list[Record]:
    """Return the provenance of all stages but the report's own.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of Record
        By name of the stage.

    Raises
    ------
    FileNotFoundError
        If no stage left a record; the message names the command.
    """
    folder = paths.results_dir(profile) / "provenance"
    files = [path for path in sorted(folder.glob("*.json")) if path.stem != _OWN]
    if not files:
        raise FileNotFoundError(f"{folder} holds no record: run `dvc repro --glob '*@{profile}'`")
    return [_record(json.loads(path.read_text(encoding="utf-8"))) for path in files]


def _record(raw: dict) -> Record:
    """Return a provenance file as the page tells it."""
    inputs = [
        {"file": name, "bytes": one.get("bytes"), "sha256": one.get("sha256")}
        for name, one in raw["inputs"].items()
    ]
    changed = "+changes" if "+" in raw["commit"] else ""
    return Record(
        stage=raw["stage"],
        finished=raw["finished_utc"][:16].replace("T", " "),
        commit=raw["commit"][:12] + changed,
        machine=f"{raw['machine']['processor']}, {raw['machine']['cpu_count']} cores",
        seed=str(raw["settings"]["common"]["seed"]),
        versions=", ".join(f"{name} {version}" for name, version in raw["versions"].items()),
        inputs=pd.DataFrame(inputs, columns=["file", "bytes", "sha256"]),
    )


def stage_table(found: list[Record]) -> pd.DataFrame:
    """Return one row per stage.

    Parameters
    ----------
    found : list of Record

    Returns
    -------
    pandas.DataFrame
    """
    return pd.DataFrame(
        [
            {
                "stage": one.stage,
                "finished (UTC)": one.finished,
                "commit": one.commit,
                "inputs": len(one.inputs),
                "seed": one.seed,
                "machine": one.machine,
            }
            for one in found
        ]
    )


def licences(profile: str) -> pd.DataFrame:
    """Return licence and attribution of the real open data, by what they came from.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        group, licence, files, present; with attribution and repository where the registry of
        real data is there.
    """
    real = tables.read(paths.table_file(profile, "real_inputs"))
    registry = paths.data_dir() / "real" / "manifest.csv"
    names = ["group", "licence"]
    if registry.is_file():
        told = tables.read(registry, columns=("file", "attribution", "repository"))
        real = real.merge(told[["file", "attribution", "repository"]], on="file", how="left")
        names += ["attribution", "repository"]
    names = [name for name in names if name in real]
    if not names:
        return real
    real = real.assign(**{name: real[name].fillna("") for name in names})
    grouped = real.groupby(names, sort=True)["status"]
    found = grouped.agg(files="size", present=lambda part: int((part == "present").sum()))
    return found.reset_index()


def limits_html() -> str:
    """Return docs/limits.md as HTML, empty where the file is not there.

    Returns
    -------
    str
        Its own title is left out; links that lead out of the report are kept as text.
    """
    path = paths.root() / "docs" / "limits.md"
    if not path.is_file():
        return ""
    import mistune

    class Renderer(mistune.HTMLRenderer):
        """Keep what a page from disk can follow."""

        def link(self, text, url, title=None):
            """Return a link that leads to the web, and the words alone of any other."""
            return super().link(text, url, title) if url.startswith("https://") else text

    markdown = mistune.create_markdown(renderer=Renderer(escape=True), plugins=["table"])
    text = re.sub(r"\A# .*\n", "", path.read_text(encoding="utf-8"))
    return _scrolling(str(markdown(text)))


def _scrolling(html: str) -> str:
    """Return HTML whose tables scroll in a box of their own."""
    box = '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table class="data">'
    return html.replace("<table>", box).replace("</table>", "</table></div>")


def citations() -> list[tuple[str, str]]:
    """Return BibTeX of the paper and of this repository, empty without CITATION.cff.

    Returns
    -------
    list of (what, BibTeX)
    """
    path = paths.root() / "CITATION.cff"
    if not path.is_file():
        return []
    from hipus import plain_yaml

    (own,) = plain_yaml.read_documents(path, max_bytes=100_000)
    found = [("The paper, for the method", _bibtex(own["preferred-citation"], kind="inproceedings"))
             ] if "preferred-citation" in own else []  # fmt: skip
    return [*found, ("This repository, with its commit, for the code", _bibtex(own, kind="misc"))]


def _bibtex(one: dict, *, kind: str) -> str:
    """Return an entry of CITATION.cff as BibTeX."""
    people = " and ".join(
        f"{person['family-names']}, {person['given-names']}"
        if "family-names" in person
        else f"{{{person['name']}}}"
        for person in one["authors"]
    )
    first = one["authors"][0]
    key = re.sub(r"\W", "", str(first.get("family-names", "hipus"))).lower()
    fields = {
        "author": people,
        "title": f"{{{one['title']}}}",
        "booktitle": one.get("collection-title"),
        "year": one.get("year"),
        "version": one.get("version"),
        "doi": one.get("doi"),
        "url": one.get("url") or one.get("repository-code"),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key}{one.get('year', '')},", *lines, "}"])
