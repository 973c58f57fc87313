"""One picture of a checked sweep: what it shows, where writing is, when it moves.

Decides how what `hipus check` found is seen at a glance. Deliberately computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hipus.figures import style

_MARGIN_SHARE = 0.08


def draw_checked_sweep(row: Mapping, view: Mapping[str, np.ndarray], *, origin: str) -> Figure:
    """Draw one sweep.

    Parameters
    ----------
    row : mapping
        A row of the table of a check.
    view : mapping of str to numpy.ndarray
        frame, is_ink, time_s, pace, is_valid; as `SweepView` has them.
    origin : str
        "simulated" is stamped on the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.5, width_ratios=(1, 1.5))
        _draw_frame(axes[0], row, view)
        _draw_pace(axes[1], row, view)
        stamp = f", {origin}" if origin == "simulated" else ""
        problems = row["problems"] or "nothing wrong"
        title = f"{row['subject_id']}/{row['sweep_id']}{stamp}: {problems}"
        figure.suptitle(title, x=0.01, ha="left", fontsize=8.5, fontweight="bold")
    return figure


def _draw_frame(axes, row: Mapping, view: Mapping) -> None:
    """Show the middle frame to scale, writing outlined."""
    height, width = view["frame"].shape
    is_known = bool(row["pixel_x_mm"] > 0)
    side_x, side_y = (row["pixel_x_mm"], row["pixel_y_mm"]) if is_known else (1.0, 1.0)
    extent = (0, width * side_x, height * side_y, 0)
    axes.imshow(view["frame"], cmap=style.GREY, vmin=0, vmax=255, extent=extent)
    if view["is_ink"].any():
        v, u = np.nonzero(view["is_ink"])
        axes.plot((u + 0.5) * side_x, (v + 0.5) * side_y, ",", color=style.PALETTE["reference"])
    unit = "mm" if is_known else "px"
    axes.set_xlabel(f"lateral, {unit}")
    axes.set_ylabel(f"axial, {unit}")
    axes.set_title("middle frame")


def _draw_pace(axes, row: Mapping, view: Mapping) -> None:
    """Show the pace, the proposal for trimming and the frames without a pose."""
    time_s, pace = view["time_s"], view["pace"]
    is_tracked = bool(row["is_tracked"])
    if len(pace):
        middle_s = 0.5 * (time_s[1:] + time_s[:-1])
        axes.plot(middle_s, pace, color=style.PALETTE["ours"])
    last = max(int(row["trim_stop"]) - 1, 0)
    kept_s = time_s[int(row["trim_start"])], time_s[min(last, len(time_s) - 1)]
    axes.axvspan(*kept_s, color=style.PALETTE["second"], alpha=0.15, lw=0, label="proposed to keep")
    if is_tracked and not view["is_valid"].all():
        lost_s = time_s[~view["is_valid"]]
        axes.plot(
            lost_s,
            np.zeros_like(lost_s),
            "|",
            color=style.PALETTE["reference"],
            label=f"no pose, {len(lost_s)} of {len(time_s)} frames",
        )
    axes.margins(y=_MARGIN_SHARE)
    axes.set_xlabel("time, s")
    axes.set_ylabel("travel, mm/s" if is_tracked else "change of pictures, 1/s")
    axes.set_title("pace")
    axes.legend(loc="lower center", ncols=2)
