"""Build the report's start page from one profile's saved results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import jinja2
import pandas as pd

from hipus import paths, tables
from hipus.files import write_text
from hipus.report import content
from hipus.report.page import Section, table_html, unbroken

_TEMPLATES = Path(__file__).parent / "templates"


def build_index(profile: str) -> Path:
    """Write `results/<profile>/report/index.html`, one self-contained page.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If a stage has not run; the message names the command.
    """
    sections = content.sections(profile)
    records = _provenance(profile)
    newest = max(records, key=lambda record: record["finished_utc"])
    page = _template().render(
        profile=profile,
        lead=content.LEAD,
        when=f"{newest['finished_utc'][:16].replace('T', ' ')} UTC",
        commit=newest["commit"][:12],
        machine=f"{newest['machine']['processor']}, {newest['machine']['cpu_count']} cores",
        sections=sections,
        cards=content.cards(profile),
        missing=_missing(sections),
        provenance=table_html(_provenance_table(records)),
        inventory=table_html(tables.read(paths.table_file(profile, "real_inputs")), rows=200),
    )
    return write_text(paths.results_dir(profile) / "report" / "index.html", page)


def _template() -> jinja2.Template:
    """Return the page's template; everything but marked HTML is escaped."""
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template("index.html")


def _missing(sections: Iterable[Section]) -> list[str]:
    """Return the questions that could not be answered for lack of real data."""
    return [section.question for section in sections if section.missing]


def _provenance(profile: str) -> list[dict]:
    """Return the provenance records of all stages."""
    folder = paths.results_dir(profile) / "provenance"
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise FileNotFoundError(f"{folder} holds no record: run `dvc repro --glob '*@{profile}'`")
    return found


def _provenance_table(records: list[dict]) -> pd.DataFrame:
    """Return one row per stage."""
    rows = [
        {
            "stage": record["stage"],
            "finished (UTC)": record["finished_utc"][:16].replace("T", " "),
            "commit": record["commit"][:12] + ("+changes" if "+" in record["commit"] else ""),
            "inputs": len(record["inputs"]),
            "seed": str(record["settings"]["common"]["seed"]),
            "numpy": record["versions"]["numpy"],
            "torch": record["versions"]["torch"],
            "SimpleITK": record["versions"]["SimpleITK"],
        }
        for record in records
    ]
    return pd.DataFrame(rows)
