"""The one-page report of a run: one self-contained HTML file of what a folder holds.

Decides what a reader sees first (alpha, type, coverage, contact angle, each with interval or
refusal), that the page loads nothing from anywhere, and that it says it is no medical device.
Computes no measure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import jinja2

from hipus.files import write_text
from hipus.morphometry.measures import Measure
from hipus.report import hip_page_view, hip_page_words

_TEMPLATES = Path(__file__).parent / "templates"
_CARDS = ("alpha_deg", "femoral_head_coverage_percent", "acetabular_contact_angle_deg")


def write_hip_page(folder: Path, target: Path, *, steps: Mapping[str, Mapping]) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    folder : Path
        With measurements.json; graf.png and meshes/*.stl where there are any.
    target : Path
    steps : mapping of str to mapping
        "files" and "seconds" of each step that was made.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there are no measurements.
    """
    measurements = folder / "measurements.json"
    if not measurements.is_file():
        raise FileNotFoundError(f"{measurements} is missing: `hipus run` makes it")
    report = json.loads(measurements.read_text(encoding="utf-8"))
    page = _numbers(report) | _pictures(folder, report) | _making(report, steps)
    return write_text(target, _template().render(page=page))


def _template() -> jinja2.Template:
    """Return the page's template; everything is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.get_template("hip.html")


def _numbers(report: Mapping) -> dict:
    """Return titles, cards and the table of measures."""
    measures = hip_page_words.measures_of(report)
    side = report["side"]
    told = side["stated"] or side["by_anatomy"] or ""
    checks = report["checks"]
    met = sum(check["state"] == "met" for check in checks)
    intervals = report["uncertainty"]["intervals"]
    left_out = ", ".join(intervals.get("labels_only", ()))
    return {
        "title": f"{told} hip".strip().capitalize(),
        "subtitle": f"Sweep {report['source']}, labelled by {report['labelled_by']['made_by']}",
        "origin": "" if report["origin"] == "not stated" else report["origin"],
        "disclaimer": report["disclaimer"],
        "trained_on": report["poses"].get("trained_on", ""),
        "warnings": [side["contradicts"]] if "contradicts" in side else [],
        "cards": _cards(measures, report["graf_type"]),
        "gauge": hip_page_words.gauge(measures["alpha_deg"]),
        "rows": [_row(name, one) for name, one in measures.items()],
        "checks": checks,
        "checks_words": f"{met} of {len(checks)} met",
        "level": f"{100 * report['uncertainty']['level']:g} %",
        "interval_words": f"Intervals hold errors of {intervals['hold']}."
        + (f" Of labels only: {left_out}." if left_out else ""),
    }


def _cards(measures: Mapping[str, Measure], graf_type: Mapping) -> list[dict]:
    """Return what is read first."""
    cards = []
    for name in _CARDS:
        one = measures[name]
        interval = hip_page_words.interval_text(one)
        cards.append(
            {
                "what": hip_page_words.MEANINGS[name][0],
                "value": "refused" if one.is_refused else hip_page_words.value_text(one),
                "beside": one.refusal or ("" if interval == "–" else f"interval {interval}"),
                "is_refused": one.is_refused,
            }
        )
    graf = {
        "what": "Graf type",
        "value": graf_type["name"] or "refused",
        "beside": "; ".join(graf_type["notes"]),
        "is_refused": graf_type["name"] is None,
    }
    return [cards[0], graf, *cards[1:]]


def _row(name: str, one: Measure) -> dict:
    """Return a row of the table."""
    title, means = hip_page_words.MEANINGS.get(name, (name, ""))
    return {
        "title": title,
        "value": "" if one.is_refused else hip_page_words.value_text(one),
        "interval": hip_page_words.interval_text(one),
        "refusal": one.refusal,
        "means": means,
    }


def _pictures(folder: Path, report: Mapping) -> dict:
    """Return the turning view, its still picture and the Graf plane."""
    shown = hip_page_view.read_surfaces(folder / "meshes")
    graf, plane = folder / "graf.png", report["graf_plane"]
    encoded = base64.b64encode(graf.read_bytes()).decode("ascii") if graf.is_file() else ""
    words = "Graf's lines in the plane that was found"
    if plane is None:
        words = "No Graf plane was found; the middle of the volume is shown"
    elif not report["is_standard_plane"]:
        words += "; it is no standard plane by the checklist"
    return {
        "structures": [name.replace("_", " ") for name in shown],
        "still": hip_page_view.still_picture(shown) if shown else "",
        "view": hip_page_view.view_data(shown, plane) if shown else {},
        "graf": encoded and f"data:image/png;base64,{encoded}",
        "graf_words": f"{words}.",
    }


def _making(report: Mapping, steps: Mapping[str, Mapping]) -> dict:
    """Return how the results were made."""
    made_by = report["made_by"]
    return {
        "poses_words": hip_page_words.poses_words(report["poses"]),
        "steps": [
            {
                "name": name,
                "files": ", ".join(one["files"]),
                "seconds": f"{one['seconds']:.1f}",
            }
            for name, one in steps.items()
        ],
        "provenance": hip_page_words.provenance_rows(made_by),
        "when": made_by["created_utc"].replace("T", " ")[:16] + " UTC",
    }
