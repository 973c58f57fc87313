"""A measured section: Graf's lines and Morin's construction over picture and labels.

Decides how the construction looks. Every point comes from the measurement; what was refused
is not drawn and stands in words beside the picture.
"""

from __future__ import annotations

from textwrap import fill

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from hipus.figures import overlays, style
from hipus.labels import HipLabel, StillLabel

#: Label colours of each scheme, by number.
COLOURS = {
    "hip": {int(label): colour for label, colour in overlays.COLOURS.items()},
    "stills": {
        int(StillLabel.ILIUM): overlays.COLOURS[HipLabel.ILIUM],
        int(StillLabel.FEMORAL_HEAD): overlays.COLOURS[HipLabel.FEMORAL_HEAD],
        int(StillLabel.OS_ISCHIUM): "#E69F00",
    },
}
LINES = {
    "baseline": style.PALETTE["reference"],
    "bony roof line": style.PALETTE["second"],
    "cartilage roof line": style.PALETTE["bound"],
    "coverage d / D": style.PALETTE["published"],
}
DISCLAIMER = "Not a medical device."
_NAMES = {
    "alpha_deg": "alpha",
    "beta_deg": "beta",
    "coverage_percent": "coverage d / D",
    "head_diameter_mm": "head diameter",
}
#: How much longer than measured a line is drawn, so that lines cross visibly.
_OVERHANG = 0.35


def draw_graf_section(
    section,
    labels,
    *,
    scheme: str,
    spacing_yx_mm: tuple[float, float] | None = None,
    picture=None,
    graf_type=None,
    title: str = "",
) -> Figure:
    """Draw a section's construction beside its numbers, refusals and checklist.

    Parameters
    ----------
    section : hipus.morphometry.graf_section.SectionMeasures
    labels : array-like (H, W) int
        The measured mask.
    scheme : {"hip", "stills"}
    spacing_yx_mm : tuple of 2 float or None
        Sides of a pixel; None draws square pixels.
    picture : array-like (H, W) or None
        Grey levels; None draws the labels alone.
    graf_type : hipus.morphometry.graf_types.GrafType, optional
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the scheme is unknown or the picture has another shape than the labels.
    """
    labels = np.asarray(labels)
    if scheme not in COLOURS:
        raise ValueError(f"scheme must be one of {tuple(COLOURS)}, got {scheme!r}")
    if picture is not None and np.shape(picture) != labels.shape:
        raise ValueError(f"picture must be {labels.shape} like labels, got {np.shape(picture)}")
    with style.look():
        figure, (left, right) = style.new_figure(
            1, 2, height_in=3.1, gridspec_kw={"width_ratios": [1.55, 1.0]}
        )
        _show(left, labels, picture, COLOURS[scheme], opacity=0.3 if picture is not None else 0.8)
        dv, du = spacing_yx_mm or (1.0, 1.0)
        left.set_aspect(dv / du)
        draw_construction(left, section)
        left.set_title(title)
        _write(right, section, graf_type)
    return figure


def _show(axes, labels: np.ndarray, picture, colours: dict[int, str], *, opacity: float) -> None:
    """Show grey levels and labels, cut to what is labelled."""
    ground = np.zeros_like(labels) if picture is None else picture
    axes.imshow(ground, cmap=style.GREY, vmin=0, vmax=255, interpolation="nearest")
    coloured = np.zeros((*labels.shape, 4))
    for label, colour in colours.items():
        coloured[labels == label] = to_rgba(colour, opacity)
    axes.imshow(coloured, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    rows, columns = (np.flatnonzero(labels.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        margin = 0.12 * max(np.ptp(rows), np.ptp(columns)) + 2
        last_row, last_column = np.array(labels.shape) - 0.5
        axes.set_xlim(max(columns[0] - margin, -0.5), min(columns[-1] + margin, last_column))
        axes.set_ylim(min(rows[-1] + margin, last_row), max(rows[0] - margin, -0.5))
    axes.set_autoscale_on(False)


def draw_construction(axes, section) -> None:
    """Draw the lines and points that a section has, in pixels.

    Parameters
    ----------
    axes : matplotlib axes
        Showing the section, `imshow` coordinates.
    section : hipus.morphometry.graf_section.SectionMeasures
    """
    points = {name: np.array(place) for name, place in section.landmarks_px.items()}
    if "bony_rim" in points:
        _line(axes, points["wing_cranial"], points["head_baseline"] if "head_baseline" in points
              else points["wing_caudal"], "baseline")  # fmt: skip
        _line(axes, points["roof_touch"], points["lower_limb"], "bony roof line")
    if "labrum" in points:
        _line(axes, points["bony_rim"], points["labrum"], "cartilage roof line")
    if "head_lateral" in points:
        _coverage(axes, points)
    for name in ("bony_rim", "lower_limb", "labrum"):
        if name in points:
            axes.plot(*points[name], "o", ms=3, mfc="white", mec=style.PALETTE["ink"], mew=0.6)


def _line(axes, start: np.ndarray, end: np.ndarray, name: str) -> None:
    more = _OVERHANG * (end - start)
    axes.plot(*np.stack([start - 0.15 * more, end + more]).T, color=LINES[name], lw=1.2, label=name)


def _coverage(axes, points) -> None:
    """Draw D as a thin double arrow and d as a thick line beside it."""
    look = {"color": LINES["coverage d / D"], "solid_capstyle": "butt"}
    top, middle, bottom = (points[f"head_{name}"] for name in ("lateral", "baseline", "medial"))
    axes.plot(*np.stack([top, bottom]).T, lw=0.9, **look)
    axes.plot(*np.stack([middle, bottom]).T, lw=2.6, label="coverage d / D", **look)
    for place, word in (((middle + bottom) / 2, " d"), (top, " D")):
        axes.text(*place, word, color=look["color"], fontsize=8, va="center")


def _write(axes, section, graf_type) -> None:
    """Write numbers, refusals and checklist as text, and the lines' legend."""
    axes.axis("off")
    rows = [f"{_NAMES[name]}: {measure}" for name, measure in section.measures.items()]
    if graf_type is not None:
        rows += [f"Graf type: {graf_type.name or 'none'}", *graf_type.notes]
    rows += ["", *(f"{check.name}: {check.state}" for check in section.checks), "", DISCLAIMER]
    text = "\n".join(_wrapped(row) for row in rows)
    axes.text(0.0, 1.0, text, va="top", ha="left", fontsize=7, transform=axes.transAxes)
    handles, names = axes.figure.axes[0].get_legend_handles_labels()
    if handles:
        axes.legend(handles, names, loc="lower left", fontsize=7, borderaxespad=0.0)


def _wrapped(text: str) -> str:
    """Break a line so that it fits beside the picture."""
    return fill(text, 44, subsequent_indent="    ") if text else ""
