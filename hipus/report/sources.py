"""What the report reads of one profile: metrics, tables, figures, and what was absent.

Decides how each becomes a piece of a page; what a section says is decided by `content`.
"""

from __future__ import annotations

from hipus import paths, tables
from hipus.report.page import Picture, embed, table_html


def metrics_of(profile: str, stage: str) -> dict:
    """Return a stage's metrics."""
    return tables.read_metrics(paths.metrics_file(profile, stage))


def absent_files(profile: str, stage: str) -> tuple[str, ...]:
    """Return the real files that a stage missed."""
    return tuple(tables.read(paths.table_file(profile, f"{stage}_missing"))["file"])


def pictures_of(profile: str, captions: dict[str, str]) -> tuple[Picture, ...]:
    """Return the figures that were drawn.

    Parameters
    ----------
    profile : str
    captions : dict of str to str
        By the figure's name.

    Returns
    -------
    tuple of Picture
    """
    folder = paths.figures_dir(profile)
    found = [embed(folder / f"{name}.png", caption) for name, caption in captions.items()]
    return tuple(picture for picture in found if picture)


def tables_of(profile: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return tables with the file they stand in as caption.

    Parameters
    ----------
    profile : str
    names : tuple of str

    Returns
    -------
    tuple of (caption, HTML)
    """
    return tuple(
        (f"tables/{name}.csv", table_html(tables.read(paths.table_file(profile, name))))
        for name in names
    )
