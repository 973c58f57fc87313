"""Is this section a standard plane? Graf's checklist, each point with the number behind it.

Decides the points and reads their limits from `data/graf/section_quality.csv`. Flags only: what
makes a measure impossible is refused where it is measured. Deliberately judges no picture, so
what needs one or a label that is not there is "not assessable", never "met".
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hipus import paths
from hipus.morphometry.graf_lines import GrafLines
from hipus.morphometry.outlines import roundness
from hipus.morphometry.section_contours import SectionContours

MET, NOT_MET, NOT_ASSESSABLE = "met", "not met", "not assessable"
STATES = (MET, NOT_MET, NOT_ASSESSABLE)


@dataclass(frozen=True)
class Check:
    """One point of the checklist.

    Attributes
    ----------
    name : str
    state : str
        One of `STATES`.
    detail : str
        What was found, with its number, or why it cannot be told.
    """

    name: str
    state: str
    detail: str


@lru_cache
def limits() -> dict[str, float]:
    """Return the limits of the checklist by name, from the table in data/."""
    path = paths.data_dir() / "graf" / "section_quality.csv"
    with open(path, encoding="utf-8", newline="") as stream:
        return {row["limit"]: float(row["value"]) for row in csv.DictReader(stream)}


def check_section(contours: SectionContours, lines: GrafLines) -> tuple[Check, ...]:
    """Return the checklist of a section in which Graf's lines could be drawn.

    Parameters
    ----------
    contours : SectionContours
    lines : GrafLines

    Returns
    -------
    tuple of Check
        Lower limb, ilium straight, ilium parallel to the probe, labrum, chondro-osseous border,
        head in view, head round.

    Notes
    -----
    Graf (2006) asks for three things: the lower limb of the os ilium, the right section through
    it (a straight wing, parallel to the probe) and the labrum. The border and a round, whole
    head are what he names on the way to them.
    """
    return (
        _lower_limb(contours, lines),
        _compare("ilium straight", lines.bent_mm, "wing_bent_mm", "mm off a line (RMS)"),
        _compare("ilium parallel to the probe", _tilt_deg(lines), "wing_tilt_deg", "deg of tilt"),
        _label_check("labrum", "LABRUM", contours),
        _label_check("chondro-osseous border", "CHONDRO_OSSEOUS_BORDER", contours),
        *_head_checks(contours),
    )


def _compare(name: str, value: float, limit: str, words: str, *, at_least: bool = False) -> Check:
    bound = limits()[limit]
    is_met = value >= bound if at_least else value <= bound
    sign = ">=" if at_least else "<="
    return Check(name, MET if is_met else NOT_MET, f"{value:.2f} {words}; asked {sign} {bound:g}")


def _lower_limb(contours: SectionContours, lines: GrafLines) -> Check:
    """Check that the roof line ends deep enough and inside the picture."""
    depth = -float(lines.height_mm(lines.roof_mm[0]))
    check = _compare("lower limb", depth, "limb_depth_mm", "mm medial of the baseline",
                     at_least=True)  # fmt: skip
    if "ILIUM" in contours.cut and check.state == NOT_MET:
        return Check(check.name, NOT_MET, f"{check.detail}; the picture's border cuts the ilium")
    return check


def _tilt_deg(lines: GrafLines) -> float:
    return float(np.degrees(np.arccos(np.clip(lines.up[1], -1.0, 1.0))))


def _label_check(name: str, label: str, contours: SectionContours) -> Check:
    if label in contours.present:
        return Check(name, MET, "labelled in this section")
    return Check(name, NOT_ASSESSABLE, f"no {name} label")


def _head_checks(contours: SectionContours) -> tuple[Check, ...]:
    names = ("head in view", "head round")
    if contours.head_mm is None:
        return tuple(Check(name, NOT_ASSESSABLE, "no femoral head label") for name in names)
    is_cut = "FEMORAL_HEAD" in contours.cut
    seen = Check(
        names[0],
        NOT_MET if is_cut else MET,
        "the picture's border cuts the head" if is_cut else "the whole head is in the picture",
    )
    return seen, _compare(names[1], roundness(contours.head_mm), "head_roundness",
                          "short over long axis", at_least=True)  # fmt: skip
