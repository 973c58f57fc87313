"""The paper's figures and tables as drawn here, on one page.

Decides only what is shown where; captions are those of the stage that draws.
"""

from __future__ import annotations

from dataclasses import dataclass

from hipus import paths
from hipus.report.page import Picture, picture

FIGURES, TABLES = range(1, 13), range(1, 7)
OVERVIEW = "90_figure_01"


@dataclass(frozen=True)
class Numbered:
    """A figure or table of the paper.

    Attributes
    ----------
    name, anchor : str
        "Figure 5" and "figure-5".
    command : str
        What draws it again.
    shown : Picture or None
        None where it was not drawn.
    """

    name: str
    anchor: str
    command: str
    shown: Picture | None


#: What each shows, in our words.
CAPTIONS = {
    "90_figure_01": "The staged approach: frames labelled, lifted to volumes, corrected in rounds.",
    "90_figure_02": "Frames, and what raters draw in them.",
    "90_figure_03": "Initial and refined truth, and what the models outline.",
    "90_figure_04": "Dice of the models of frames, by structure.",
    "90_figure_05": "Three sweeps: the way of the probe, predicted and tracked.",
    "90_figure_06": "A hip from round to round: surfaces above, slices below.",
    "90_figure_07": "Errors frame by frame, first of the three sweeps.",
    "90_figure_08": "Errors frame by frame, second of the three sweeps.",
    "90_figure_09": "Errors frame by frame, third of the three sweeps.",
    "90_figure_10": "Four cases in 3D: both directions of the sweep, both sides.",
    "90_figure_11": "Dice of all models judged as volumes, by structure.",
    "90_figure_12": "How a sweep is acquired.",
    "90_table_1": "Each model as the paper judges it.",
    "90_table_2": "Errors of predicted motion.",
    "90_table_3": "The refined model by direction of the sweep.",
    "90_table_4": "The refined model by case.",
    "90_table_5": "All models judged as volumes.",
    "90_table_6": "The cohort.",
}


def groups(profile: str) -> list[tuple[str, list[Numbered]]]:
    """Return the paper's figures and tables in their order.

    Parameters
    ----------
    profile : str

    Returns
    -------
    list of (heading, list of Numbered)
    """
    return [
        ("Figures", [_numbered(profile, "figure", number) for number in FIGURES]),
        ("Tables", [_numbered(profile, "table", number) for number in TABLES]),
    ]


def overview(profile: str) -> Picture | None:
    """Return the picture of the pipeline, None where it was not drawn.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Picture or None
    """
    return picture(paths.figures_dir(profile) / f"{OVERVIEW}.png", CAPTIONS[OVERVIEW])


def _numbered(profile: str, kind: str, number: int) -> Numbered:
    """Return one figure or table."""
    name = f"90_figure_{number:02d}" if kind == "figure" else f"90_table_{number}"
    asked = f"{number}" if kind == "figure" else f"table-{number}"
    return Numbered(
        f"{kind.capitalize()} {number}",
        f"{kind}-{number}",
        f"hipus figure {asked} --profile {profile}",
        picture(paths.figures_dir(profile) / f"{name}.png", CAPTIONS[name]),
    )
