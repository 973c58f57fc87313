"""What the report reads of one profile: metrics, tables, figures, and what was absent.

Decides how each becomes a piece of a page; what a section says is decided by `content`.
"""

from __future__ import annotations

import pandas as pd

from hipus import paths, tables
from hipus.report.page import Picture, picture, table_html


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
    found = [picture(folder / f"{name}.png", caption) for name, caption in captions.items()]
    return tuple(one for one in found if one)


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


def has_rows(profile: str, name: str) -> bool:
    """Return whether a table of `make reproduce` has rows: a skipped stage writes none.

    Parameters
    ----------
    profile, name : str

    Returns
    -------
    bool

    Raises
    ------
    FileNotFoundError
        If the stage has not run; the message names the command.
    """
    return not tables.read(paths.table_file(profile, name)).empty


def is_made(profile: str, name: str) -> bool:
    """Return whether a table that only `make arms` writes is there and has rows.

    Parameters
    ----------
    profile, name : str

    Returns
    -------
    bool
    """
    return paths.table_file(profile, name).is_file() and has_rows(profile, name)


def rows_of(profile: str, name: str, **wanted) -> pd.DataFrame:
    """Return the rows of a table that have the wanted values; ids of models are text.

    Parameters
    ----------
    profile, name : str
    **wanted
        Column and value.

    Returns
    -------
    pandas.DataFrame
    """
    table = tables.read(
        paths.table_file(profile, name), columns=tuple(wanted), dtype=dict.fromkeys(_MODELS, str)
    )
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def captioned(profile: str, captions: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the tables that were made, with a caption before the file's name.

    Parameters
    ----------
    profile : str
    captions : dict of str to str
        By the table's name.

    Returns
    -------
    tuple of (caption, HTML)
    """
    return tuple(
        (f"{caption} (tables/{name}.csv)", table_html(rows_of(profile, name)))
        for name, caption in captions.items()
        if is_made(profile, name)
    )


#: Columns that hold "2.1", which is no number.
_MODELS = ("model_id", "model_a", "model_b")
