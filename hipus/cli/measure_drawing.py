"""What `hipus measure` draws: the construction over a volume's Graf plane, or over a picture.

Decides titles, and that a figure says what it shows and whether that is simulated. How lines look
is decided in `figures.graf_section`.
"""

from __future__ import annotations

from pathlib import Path

from hipus.cli.measure_inputs import Measurable
from hipus.cli.measure_numbers import MeasuredSection
from hipus.morphometry.graf_types import GrafType
from hipus.morphometry.hip_measures import HipMeasures


def side_words(side: dict) -> str:
    """Return a hip's side as a title says it.

    Parameters
    ----------
    side : dict
        As `measure_report.side_report` returns it.
    """
    if "contradicts" in side:
        return f"stated {side['stated']}, by anatomy {side['by_anatomy']}"
    told = side["stated"] or side["by_anatomy"]
    return f"{told} hip" if told else ""


def draw_volume(
    found: Measurable, hip: HipMeasures, graf_type: GrafType, *, words: tuple[str, ...]
):
    """Draw the Graf plane of a volume.

    Parameters
    ----------
    found : Measurable
    hip : HipMeasures
    graf_type : GrafType
    words : tuple of str
        For the title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from hipus.figures.graf_section import draw_graf_section
    from hipus.images import Volume
    from hipus.morphometry.plane_section import cut_plane, nominal_side_mm

    spacing = found.spacing_zyx_mm or (nominal_side_mm(found.labels, found.scheme),) * 3
    placed = Volume(found.labels, spacing, found.origin_xyz_mm, found.direction)
    cut = cut_plane(hip, placed, scheme=found.scheme, grey=found.grey)
    plane = "no Graf plane" if hip.plane is None else "Graf plane"
    drawn = draw_graf_section(
        cut.section,
        cut.labels,
        scheme=found.scheme,
        spacing_yx_mm=cut.spacing_yx_mm,
        picture=cut.picture,
        graf_type=graf_type,
    )
    return _titled(drawn, found, *words, plane)


def draw_picture(found: Measurable, best: MeasuredSection, *, name: str):
    """Draw the best of several pictures.

    Parameters
    ----------
    found : Measurable
    best : MeasuredSection
    name : str
        For the title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from hipus.figures.graf_section import draw_graf_section

    drawn = draw_graf_section(
        best.section,
        found.labels[best.index],
        scheme=found.scheme,
        spacing_yx_mm=found.spacing_zyx_mm and found.spacing_zyx_mm[1:],
        picture=None if found.grey is None else found.grey[best.index],
        graf_type=best.graf_type,
    )
    return _titled(drawn, found, name, f"frame {best.index}" if len(found.labels) > 1 else "")


def _titled(drawn, found, *words: str):
    """Return a figure that says what it shows, and whether that is simulated."""
    words = (*words, found.origin if found.origin == "simulated" else "")
    title = ", ".join(word for word in words if word)
    drawn.suptitle(title, x=0.01, ha="left", fontsize=8.5, fontweight="bold")
    return drawn


def save(drawn, target: Path) -> None:
    """Save a figure wholly or not at all.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure
    target : Path
        Its ending names the format.
    """
    from hipus.figures import style
    from hipus.files import atomic_path

    with style.look(), atomic_path(target) as temporary:
        drawn.savefig(
            temporary, format=target.suffix[1:], metadata=style.SUFFIXES.get(target.suffix)
        )
