"""What a person sees in a notebook: tables, figures, volumes.

Decides that every view leaves a true still picture in the executed copy, and adds a live
viewer only when a person is there: the pipeline sets `HIPUS_STATIC_VIEWS=1`. What a person can
move through has modules of its own, which not every notebook needs: `sweep_explorer` (a sweep,
its poses and its drift) and `hip_explorer` (the plane that a hip is measured in).
"""

from __future__ import annotations

import html
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure

from hipus import images, live_volumes, paths, tables
from hipus.figures import label_volumes, style, volumes

log = logging.getLogger(__name__)

_SCREEN_DPI, _SAVED_DPI = 130, 160
VIEWERS = ("niivue", "itkwidgets", "none")


def is_static() -> bool:
    """Return whether live viewers are switched off (`HIPUS_STATIC_VIEWS`)."""
    return os.environ.get("HIPUS_STATIC_VIEWS", "") not in ("", "0")


def show_table(table: pd.DataFrame, caption: str = "", *, rows: int = 30) -> None:
    """Show a table with a caption and without its index.

    Parameters
    ----------
    table : pandas.DataFrame
    caption : str
        What the rows are, with n and real or simulated.
    rows : int
        Rows shown at most; the caption says how many there are.
    """
    cut = f" (first {rows} of {len(table)} rows)" if len(table) > rows else ""
    styled = table.head(rows).style.hide(axis="index")
    styled = styled.format(precision=4, na_rep="–", escape="html").format_index(
        escape="html", axis="columns"
    )
    display(HTML(styled.set_caption(html.escape(f"{caption}{cut}")).to_html()))


def show_figure(figure: Figure, caption: str = "") -> None:
    """Show a figure as a picture with its caption.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    caption : str
        What is shown, with n and real or simulated; also what a screen reader says.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figure.png"
        with style.look():
            figure.savefig(target, dpi=_SAVED_DPI)
        width = round(figure.get_figwidth() * _SCREEN_DPI)
        display(Image(data=target.read_bytes(), width=width, alt=caption or "figure"))
    if caption:
        display(Markdown(f"*{caption}*"))


def show_skips(profile: str, stage: str) -> bool:
    """Say loudly which real files a stage missed; return whether there were any.

    Parameters
    ----------
    profile, stage : str

    Returns
    -------
    bool
    """
    missing = tables.read(paths.table_file(profile, f"{stage}_missing"))
    if len(missing):
        listed = "".join(f"\n- `{name}`" for name in missing["file"])
        display(Markdown(f"**SKIPPED: real open data are absent.** Run `hipus fetch`:{listed}"))
    return bool(len(missing))


def show_stage_skip(profile: str, stage: str) -> bool:
    """Say loudly that a stage had nothing to do; return whether that is so.

    Parameters
    ----------
    profile, stage : str

    Returns
    -------
    bool
        A skipped stage leaves metrics without a number, and tables without rows.
    """
    is_skipped = not tables.read_metrics(paths.metrics_file(profile, stage))
    if is_skipped:
        said = f"**SKIPPED: stage `{stage}` had nothing to do in profile {profile}"
        said += f": {_lacking(profile, stage)}.**"
        display(Markdown(said))
    return is_skipped


def _lacking(profile: str, stage: str) -> str:
    """Return what the cohort lacks for a stage, as far as stage `availability` tells."""
    path = paths.table_file(profile, "availability")
    rows = tables.read(path).query("stage == @stage") if path.is_file() else pd.DataFrame()
    if len(rows) and rows["status"].iloc[0] != "available":
        return f"{rows['status'].iloc[0]}. It would take {rows['what_it_would_take'].iloc[0]}"
    return "its log says why"


def read_if_made(profile: str, name: str, *, command: str) -> pd.DataFrame:
    """Return a table that a further command makes, or say loudly that it is not there.

    Parameters
    ----------
    profile, name : str
    command : str
        What makes it, for example "make arms".

    Returns
    -------
    pandas.DataFrame
        Without rows and columns where the command has not run.
    """
    path = paths.table_file(profile, name)
    if path.is_file():
        return tables.read(path)
    said = f"**NOT RUN: `{command}` makes `{name}.csv`; profile {profile} has none.**"
    display(Markdown(said))
    return pd.DataFrame()


def load_figure_input(profile: str, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a saved figure input; none if its stage was skipped.

    Parameters
    ----------
    profile, name : str

    Returns
    -------
    dict of str to array
    """
    with np.load(tables.existing(paths.figure_input_file(profile, name))) as stored:
        return dict(stored)


def show_volume(
    volume: images.Volume,
    labels: images.Volume | None = None,
    *,
    caption: str = "",
    viewer: str = "niivue",
) -> None:
    """Show a volume, with its labels, as a picture, and a live viewer where a person is.

    Parameters
    ----------
    volume : Volume
    labels : Volume, optional
        In the hip scheme, on the volume's grid.
    caption : str
    viewer : str
        "niivue" (default), "itkwidgets" (by name only: it loads its viewer from the
        internet) or "none".

    Raises
    ------
    ValueError
        For an unknown viewer, or labels on another grid.
    """
    if viewer not in VIEWERS:
        raise ValueError(f"viewer must be one of {VIEWERS}, got {viewer!r}")
    if labels is None:
        figure = volumes.draw_three_planes(volume)
    else:
        figure = label_volumes.draw_label_volume(volume, labels.array)
    show_figure(figure, caption)
    if not is_static() and viewer != "none":
        _show_live(volume, viewer, labels)


def show_labelled_volume(
    volume: images.Volume, labels: images.Volume, *, caption: str = "", viewer: str = "niivue"
) -> None:
    """Show a labelled volume; the same as `show_volume` with labels."""
    show_volume(volume, labels, caption=caption, viewer=viewer)


def _show_live(volume: images.Volume, viewer: str, labels: images.Volume | None) -> None:
    """Add a live viewer, or say in a line why it is not there."""
    made_by = {"niivue": live_volumes.niivue_widget, "itkwidgets": live_volumes.itkwidgets_view}
    try:
        widget = made_by[viewer](volume, labels)
    except Exception as error:  # a viewer must never stop a notebook
        log.warning("no live %s viewer here: %s. The picture above is complete", viewer, error)
        return
    display(widget)
