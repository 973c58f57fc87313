"""Figures of notebook 04: agreement with reference volumes, and frames seen again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style
from hipus.figures.volumes import show_plane

#: Grey levels shown as white, and as full colour in differences: display only.
_WINDOW = 140
_DIFFERENCE_WINDOW = 20
_SLICES_WIDTH_IN = 5.0
_VIEWS = {
    "volume": ("the volume itself", "muted"),
    "left_out": ("the volume without it, holes filled", "ours"),
    "posed_neighbours": ("its neighbours, by pose", "second"),
    "copied_neighbours": ("its neighbours, averaged as they are", "published"),
}


def draw_slices(inputs: Mapping[str, np.ndarray], agreement: pd.DataFrame) -> Figure:
    """Draw a middle slice of every reference volume, ours, and the difference.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `reconstruction`.
    agreement : pandas.DataFrame
        Table `reconstruction_agreement`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = {str(inputs[key]): key[5:] for key in inputs if key.startswith("name_")}
    shown = [name for name in agreement["reference"] if name in names]
    rows = agreement.set_index("reference")
    with style.look():
        figure, axes = style.new_figure(
            len(shown), 3, width_in=_SLICES_WIDTH_IN, height_in=1.22 * len(shown), squeeze=False
        )
        for boxes, name in zip(axes, shown, strict=True):
            picture = _draw_row(boxes, inputs, names[name])
            boxes[0].set_ylabel(f"{name}\nr = {rows.loc[name, 'correlation']:.4f}")
        for box, title in zip(axes[0], ("PLUS", "ours", "ours − PLUS"), strict=True):
            box.set_title(title)
        for box in axes[-1]:
            box.set_xlabel("x, mm")
        figure.colorbar(picture, ax=axes[:, 2], shrink=0.4, label="grey levels")
    return figure


def _draw_row(axes, inputs, number: str):
    """Draw theirs, ours and the difference; return the difference's picture."""
    theirs, ours = (inputs[f"{who}_{number}"].astype(float) for who in ("theirs", "ours"))
    extent = np.array(theirs.shape) * float(inputs["spacing_mm"])
    for box, plane in zip(axes, (theirs, ours), strict=False):
        show_plane(box, plane, extent, vmin=0, vmax=_WINDOW)
    picture = show_plane(axes[2], ours - theirs, extent, cmap=style.DIVERGING,
                         vmin=-_DIFFERENCE_WINDOW, vmax=_DIFFERENCE_WINDOW)  # fmt: skip
    for box in axes:
        box.set_xlabel("")
    for box in axes[1:]:
        box.set_yticklabels([])
    return picture


def draw_agreement(agreement: pd.DataFrame) -> Figure:
    """Draw how much of each reference volume ours equals, with the bound it must reach.

    Parameters
    ----------
    agreement : pandas.DataFrame
        Table `reconstruction_agreement`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = {
        "equal_fraction": ("equal", "o"),
        "within_tolerance_fraction": ("within tolerance", "s"),
        "correlation": ("correlation", "D"),
    }
    places = np.arange(len(agreement))
    with style.look():
        figure, axes = style.new_figure(height_in=2.3)
        for name, (label, marker) in measures.items():
            judged = (agreement["measure"] == name).to_numpy()
            values = agreement[name].to_numpy()
            axes.scatter(values, places, s=22, marker=marker, c=style.PALETTE["muted"], label=label)
            axes.scatter(values[judged], places[judged], s=34, marker=marker, zorder=3,
                         c=style.PALETTE["ours"])  # fmt: skip
        axes.scatter(agreement["bound"], places, marker="|", s=160, c=style.PALETTE["bound"],
                     label="bound of the judged measure (blue)")  # fmt: skip
        axes.set_yticks(places, agreement["reference"])
        axes.invert_yaxis()
        axes.set_xlabel("share of voxels, or correlation")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_reslice_errors(errors: pd.DataFrame) -> Figure:
    """Draw how well each frame is seen again, over the distance to its neighbours.

    Parameters
    ----------
    errors : pandas.DataFrame
        Table `reslice_errors`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with style.look():
        figure, axes = style.new_figure(height_in=2.4)
        for name, (label, role) in _VIEWS.items():
            axes.scatter(
                errors["neighbour_distance_mm"],
                errors[f"{name}_absolute_error"],
                s=16,
                color=style.PALETTE[role],
                label=label,
            )
        axes.set_xlabel("distance to the neighbouring frames, mm")
        axes.set_ylabel("mean absolute error, grey levels")
        axes.set_ylim(bottom=0)
        axes.legend(title="frame seen through", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_reslice(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw one frame, the same frame seen through the volume, and the error map.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `reconstruction`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    frame = inputs["resliced_frame"].astype(float)
    panels = {
        "frame": frame,
        "volume at its pose": inputs["resliced_volume"].astype(float),
        "volume without it": inputs["resliced_left_out"].astype(float),
    }
    with style.look():
        figure, axes = style.new_figure(2, 3, height_in=4.6, sharex=True, sharey=True)
        for column, (title, view) in enumerate(panels.items()):
            axes[0, column].imshow(view, cmap=style.GREY, vmin=0, vmax=255)
            axes[0, column].set_title(title)
            if column:
                picture = axes[1, column].imshow(
                    view - frame, cmap=style.DIVERGING, vmin=-60, vmax=60
                )
                axes[1, column].set_title("minus the frame")
            axes[1, column].set_xlabel("u, px")
        axes[0, 0].set_ylabel("v, px")
        axes[1, 0].axis("off")
        figure.colorbar(picture, ax=axes[1, :], label="grey levels", shrink=0.85)
    return figure
