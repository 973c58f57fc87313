"""One look for all figures: widths, palette by role, fonts, saving.

Decides colours by the role that a thing plays, so that one role has one colour in every
figure. The colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from hipus.files import atomic_path

#: Text width and column width of the proceedings, inches.
TEXT_WIDTH_IN = 6.0
COLUMN_WIDTH_IN = 2.9
PNG_DPI = 220
#: Endings of a saved figure, each with the metadata that would change from run to run.
SUFFIXES = {".pdf": {"CreationDate": None}, ".png": {"Software": None}}

PALETTE = {
    "ours": "#0072B2",
    "second": "#009E73",
    "reference": "#D55E00",
    "published": "#E69F00",
    "bound": "#CC79A7",
    "muted": "#8A8A8A",
    "ink": "#222222",
}
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"
GREY = "gray"

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALETTE["ink"],
    "axes.linewidth": 0.7,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "figure.dpi": 110,
    "savefig.dpi": PNG_DPI,
    "pdf.fonttype": 42,
    "svg.hashsalt": "hipus",
}


@contextmanager
def look() -> Iterator[None]:
    """Apply the study's look inside a block, leaving global settings alone."""
    with mpl.rc_context(_RC):
        yield


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width_in: float = TEXT_WIDTH_IN,
    height_in: float = 2.4,
    **grid,
) -> tuple[Figure, object]:
    """Make a figure with axes, laid out so that labels never overlap.

    Parameters
    ----------
    rows, columns : int
    width_in, height_in : float
        Size in inches; widths are the proceedings' text or column width.
    **grid
        Passed to `Figure.subplots`.

    Returns
    -------
    (matplotlib.figure.Figure, axes)
        As `Figure.subplots` returns them. The figure belongs to no pyplot state, so nothing
        leaks in long runs.
    """
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.subplots(rows, columns, **grid)


def save(figure: Figure, stem: Path) -> list[Path]:
    """Save a figure as PDF and PNG, byte for byte the same for the same drawing.

    Parameters
    ----------
    figure : Figure
    stem : Path
        Target without suffix.

    Returns
    -------
    list of Path
        The PDF and the PNG.

    Notes
    -----
    Each format is laid out for itself, because text widths differ with the resolution; a
    figure that was saved before may therefore move by a hair when it is saved again.
    """
    written = []
    for suffix, metadata in SUFFIXES.items():
        target = stem.with_name(stem.name + suffix)
        with look(), atomic_path(target) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
        written.append(target)
    return written
