"""What a cohort cannot tell: stages that lack what they need, at the top of their page.

Decides on which page each stage is told. Judges nothing: the table of stage `availability` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from hipus import paths, tables

TABLE = "availability"
AVAILABLE = "available"
_COLUMNS = ("stage", "status", "what_it_would_take")
#: Page -> the stages behind it. Stages that need nothing of a cohort have no page.
PAGES = {
    "hip": ("hip_scene",),
    "figures": ("paper_views",),
    "cohort": ("realism",),
    "motion": ("motion", "motion_transfer"),
    "reconstruction": ("motion_volumes", "pose_refinement", "sweep_volumes"),
    "frames": ("frame_labels", "train_21", "train_22", "train_23"),
    "rounds": (
        *("first_masks", "volume_labels_first", "train_31", "first_round_masks"),
        *("volume_labels_refined", "train_32"),
    ),
    "models": ("model_masks", "segmentation_scores", "segmentation_views"),
    "grades": ("volume_grades",),
    "angles": ("hip_measures", "hip_angles"),
    "fusion": ("hip_fusion",),
}
#: Where a stage is told that nobody gave a page.
_REST = "provenance"


@dataclass(frozen=True)
class Lack:
    """Stages of a page that lack the same.

    Attributes
    ----------
    stages : tuple of str
    status : str
        "not available: no tracking".
    takes : str
        What it would take.
    """

    stages: tuple[str, ...]
    status: str
    takes: str


def lacking(profile: str) -> dict[str, list[Lack]]:
    """Return what the cohort cannot tell, by page.

    Parameters
    ----------
    profile : str

    Returns
    -------
    dict of str to list of Lack
        Pages without any are left out; none at all where stage `availability` has not run.
    """
    path = paths.table_file(profile, TABLE)
    if not path.is_file():
        return {}
    table = tables.read(path, columns=_COLUMNS, dtype=dict.fromkeys(_COLUMNS, str))
    table = table[list(_COLUMNS)].fillna("")
    table = table[table["status"] != AVAILABLE]
    table = table.assign(page=[_page_of(stage) for stage in table["stage"]])
    found: dict[str, list[Lack]] = {page: [] for page in (*PAGES, _REST)}
    for (page, status, takes), part in table.groupby(
        ["page", "status", "what_it_would_take"], sort=False
    ):
        found[page].append(Lack(tuple(part["stage"]), status, takes))
    return {page: lacks for page, lacks in found.items() if lacks}


def count(lacks: list[Lack]) -> int:
    """Return how many stages lack something.

    Parameters
    ----------
    lacks : list of Lack

    Returns
    -------
    int
    """
    return sum(len(one.stages) for one in lacks)


def _page_of(stage: str) -> str:
    """Return the page on which a stage is told."""
    return next((page for page, stages in PAGES.items() if stage in stages), _REST)
