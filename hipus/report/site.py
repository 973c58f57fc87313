"""Write the report: a static site that opens from disk and asks nothing of a network.

Decides which pages there are, their order in the menu, and that every page is written from a
template with all text escaped. The same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2

from hipus import paths, tables
from hipus.figures.origin_words import cohort_origin, worded
from hipus.files import write_text
from hipus.report import (
    assets,
    availability,
    claims_page,
    content,
    figures_page,
    headlines,
    hip_scene,
    notebook_pages,
    reference_pages,
    topics,
)
from hipus.report.page import Goal, Picture, Section, table_html, unbroken

_TEMPLATES = Path(__file__).parent / "templates"
#: Files that pages share, copied as they are.
_SHARED = ("site.css", "notebook.css", "claims.js")
_STUDY = (("index", "Start"), ("hip", "A hip in 3D"), ("claims", "Claims beside ours"),
          ("figures", "The paper’s figures"))  # fmt: skip
_RECORD = (("notebooks", "Notebooks"), ("provenance", "What made the numbers"),
           ("limits", "What simulation cannot tell"), ("cite", "Citing and licences"))  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What every page says of the run that it shows.

    Attributes
    ----------
    profile, when, commit, machine : str
    origin : str
        "simulated" or "recorded": the cohort; "" where nothing says it.
    """

    profile: str
    when: str
    commit: str
    machine: str
    origin: str


def build_site(profile: str) -> Path:
    """Write all pages of a profile's report but the notebooks.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pathlib.Path
        The start page, `results/<profile>/report/index.html`.

    Raises
    ------
    FileNotFoundError
        If a stage has not run; the message names the command.
    """
    folder = paths.results_dir(profile) / "report"
    found = topics.sections(profile)
    records, lacks = reference_pages.records(profile), availability.lacking(profile)
    run = _run(profile, records)
    pages = {
        "index": _start(profile, found) | {"lacking": _lacking(lacks)},
        "hip": {"scene": hip_scene.scene_html(profile)},
        "claims": _claims(profile),
        "figures": {"groups": figures_page.groups(profile)},
        **{topic.slug: {"sections": found[topic.slug]} for topic in topics.TOPICS},
        "notebooks": {"notebooks": notebook_pages.titles(paths.results_dir(profile) / "notebooks")},
        "provenance": _provenance(profile, records),
        "limits": {"html": reference_pages.limits_html()},
        "cite": {"citations": reference_pages.citations(),
                 "licences": table_html(reference_pages.licences(profile), rows=200)},
    }  # fmt: skip
    for name in _SHARED:
        write_text(folder / assets.FOLDER / name, (_TEMPLATES / name).read_text(encoding="utf-8"))
    for slug, context in pages.items():
        context["lacks"] = lacks.get(slug, [])
    _write_pages(pages, folder, run)
    return folder / "index.html"


def _write_pages(pages: dict[str, dict], folder: Path, run: Run) -> None:
    """Write pages from their templates, and the pictures that they show."""
    environment = _environment(folder)
    titles = _titles()
    menu = (
        ("The study", _STUDY),
        ("Questions", tuple((topic.slug, topic.title) for topic in topics.TOPICS)),
        ("The record", _RECORD),
    )
    for slug, context in pages.items():
        name = "topic" if slug in {topic.slug for topic in topics.TOPICS} else slug
        template = environment.get_template(f"{name}.html" if name != "hip" else "turning_hip.html")
        page = template.render(
            slug=slug, title=titles[slug], menu=menu, run=run, policy=notebook_pages.POLICY,
            **context,
        )  # fmt: skip
        write_text(folder / f"{slug}.html", page)


def _titles() -> dict[str, str]:
    """Return the title of every page."""
    return dict((*_STUDY, *((one.slug, one.title) for one in topics.TOPICS), *_RECORD))


def _lacking(lacks: dict[str, list[availability.Lack]]) -> list[tuple[str, str, int]]:
    """Return the pages at whose top something is said to lack, and of how many stages."""
    titles = _titles()
    return [(page, titles[page], availability.count(part)) for page, part in lacks.items()]


def _environment(folder: Path) -> jinja2.Environment:
    """Return the templates; everything but marked HTML is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    written: dict[Path, str] = {}

    def address(shown: Picture) -> str:
        """Write a picture where the first page shows it; return its address."""
        if shown.source not in written:
            written[shown.source] = assets.write_picture(shown.source, folder)
        return written[shown.source]

    environment.filters |= {"unbroken": unbroken, "address": address}
    return environment


def _run(profile: str, records: list[reference_pages.Record]) -> Run:
    """Return what is said of the run: its newest stage."""
    newest = max(records, key=lambda record: record.finished)
    told = f"{newest.finished} UTC", newest.commit, newest.machine
    return Run(profile, *told, origin=cohort_origin(profile))


def _start(profile: str, found: dict[str, tuple[Section, ...]]) -> dict:
    """Return what the start page shows."""
    judged = headlines.goals(profile)
    return {
        "headlines": headlines.headlines(profile),
        "goals": _by_verdict(judged),
        "goal_count": len(judged),
        "overview": figures_page.overview(profile),
        "missing": _missing(section for part in found.values() for section in part),
    }


def _by_verdict(judged: list[Goal]) -> list[tuple[str, list[Goal]]]:
    """Return goals under a heading for each verdict that was given."""
    headings = {True: "Goals met", False: "Goals not met", None: "Goals not measured"}
    parts = [(headings[value], [goal for goal in judged if goal.is_met is value])
             for value in headings]  # fmt: skip
    return [(heading, part) for heading, part in parts if part]


def _missing(sections: Iterable[Section]) -> list[str]:
    """Return the questions that could not be answered for lack of real data."""
    return [section.question for section in sections if section.missing]


def _claims(profile: str) -> dict:
    """Return what the page of claims shows."""
    claims = claims_page.read_claims(profile)
    if not claims:
        return {"claims": []}
    origin = cohort_origin(profile)
    claims = [replace(one, ours=worded(one.ours, origin)) for one in claims]
    return {
        "claims": claims,
        "choices": claims_page.choices(claims),
        "signs": {one.verdict: (one.sign, one.tone) for one in claims},
        "counts": table_html(claims_page.counts(claims)),
    }


def _provenance(profile: str, records: list[reference_pages.Record]) -> dict:
    """Return what the page on the making of results shows."""
    return {
        "sections": (content.machine(profile),),
        "stages": table_html(reference_pages.stage_table(records), rows=200),
        "records": [(record, table_html(record.inputs, rows=12)) for record in records],
        "inventory": table_html(tables.read(paths.table_file(profile, "real_inputs")), rows=200),
    }
