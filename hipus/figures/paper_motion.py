"""The paper's figures 5 and 7 to 9: three sweeps in space, and their errors frame by frame.

Decides that two predictions stand beside each other: the printed network, trained here, and the
study's own. The three sweeps are the same everywhere; stage `motion` chose them by what the
tracker says, never by how well they are predicted. Everything drawn is simulated and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import motion, style

#: Whose poses: words, the colour's role, dashes and width.
_WAYS = {
    "tracked": ("tracked", "ink", "solid", 1.9),
    "printed": ("the paper's network, trained here", "reference", (0, (3, 1)), 1.4),
    "predicted": ("this study's own arm", "ours", "solid", 1.2),
}
#: The three sweeps in words, from the left of figure 5.
_RANKS = {1: "plainest", 2: "median", 3: "most complex"}
_ROWS = (
    ("relative", "mm", "translation\nof a step, mm"),
    ("absolute", "mm", "translation\nadded up, mm"),
    ("relative", "deg", "rotation\nof a step, deg"),
    ("absolute", "deg", "rotation\nadded up, deg"),
)
_DIRECTIONS = {"p_a": "posterior to anterior", "p_d": "proximal to distal"}
#: Display only: of ways in space, against the room that they have.
_ZOOM = 0.9
#: Layout of figure 5, shares of its page: bottom and height of the ways in space, and the rest.
_SPACE = (0.47, 0.48)
_SIDES = {"left": 0.1, "right": 0.99, "bottom": 0.185, "top": 0.46, "hspace": 0.24, "wspace": 0.1}


def draw_trajectories(
    shown: Mapping[str, np.ndarray],
    printed: Mapping[str, np.ndarray],
    errors: pd.DataFrame,
    arms: pd.DataFrame,
) -> Figure:
    """Draw three tracked ways of the probe with two predictions, in space and from two sides.

    Parameters
    ----------
    shown : mapping of str to array
        Figure input `motion_trajectories`, see `motion.draw_trajectories`.
    printed : mapping of str to array
        Figure input `paper_motion`: `T_printed_<n>` (N, 4, 4), in the same axes, and `side_<n>`.
    errors : pandas.DataFrame
        Table `paper_motion_frames`: order, frame_index, absolute_mm, of the printed network.
    arms : pandas.DataFrame
        Table `motion_arms`: sweep_count and subject_count say of how many the three were chosen.

    Returns
    -------
    matplotlib.figure.Figure
        Above one scale on all axes, pictures outlined at both ends. Below the same ways from
        above and from the side, sideways enlarged. Left hips are mirrored.
    """
    count = _count(shown)
    with style.look():
        figure = Figure(figsize=(style.TEXT_WIDTH_IN, 5.0))
        grid = figure.add_gridspec(2, count, **_SIDES).subplots(
            sharex="col", sharey="row", squeeze=False
        )
        for n in range(count):
            ways = {"tracked": shown[f"T_tracked_{n}"], "printed": printed[f"T_printed_{n}"],
                    "predicted": shown[f"T_predicted_{n}"]}  # fmt: skip
            space = figure.add_axes(
                (n / count - 0.015, _SPACE[0], 0.92 / count, _SPACE[1]), projection="3d"
            )
            _draw_space(space, ways, shown[f"picture_mm_{n}"])
            _draw_sideways(grid[:, n], ways)
            told = _told(shown, errors, n=n)
            figure.text((n + 0.5) / count, 0.99, told, ha="center", va="top", fontsize=7.5)
        _label_sideways(grid)
        _explain(figure, grid[0, 0], arms)
    return figure


def _count(shown: Mapping[str, np.ndarray]) -> int:
    """Return how many sweeps are shown."""
    return sum(key.startswith("name_") for key in shown)


def _draw_space(box, ways: Mapping[str, np.ndarray], picture_mm) -> None:
    """Draw all ways of one sweep in space, with outlines of the first and last picture."""
    for who, T in ways.items():
        words, role, dashes, width = _WAYS[who]
        drawn = len(box.get_lines())
        motion.draw_course(box, T, picture_mm, style.PALETTE[role], words)
        box.get_lines()[drawn].set(linestyle=dashes, linewidth=width)
    motion.dress_space(box)
    limits = np.array([box.get_xlim(), box.get_ylim(), box.get_zlim()])
    box.set_box_aspect(np.ptp(limits, axis=1), zoom=_ZOOM)


def _draw_sideways(boxes, ways: Mapping[str, np.ndarray]) -> None:
    """Draw where the picture's centre is to the side and in depth, along the elevational axis."""
    for box, axis in zip(boxes, (0, 1), strict=True):
        for who, T in ways.items():
            words, role, dashes, width = _WAYS[who]
            box.plot(T[:, 2, 3], T[:, axis, 3], color=style.PALETTE[role], ls=dashes,
                     lw=0.8 * width, label=words)  # fmt: skip
        box.axhline(0, color=style.PALETTE["muted"], lw=0.4, zorder=0)


def _label_sideways(grid) -> None:
    """Name the axes below the ways in space; depth grows downwards."""
    for box in grid[-1]:
        box.set_xlabel("elevational, mm")
    for row, name in zip(grid, ("lateral", "axial"), strict=True):
        row[0].set_ylabel(f"{name}, mm")
    grid[-1, 0].invert_yaxis()
    grid[0, 0].figure.align_ylabels(grid[:, 0])


def _told(shown: Mapping[str, np.ndarray], errors: pd.DataFrame, *, n: int) -> str:
    """Name one sweep, how it was chosen, and the final drift of both predictions."""
    own = errors[errors["order"] == n + 1].sort_values("frame_index")
    printed, predicted = own["absolute_mm"].iloc[-1], float(shown[f"final_mm_{n}"])
    return (f"{_RANKS[n + 1]}: {shown[f'name_{n}']}\nfinal drift {printed:.1f} mm (paper's),\n"
            f"{predicted:.1f} mm (own)")  # fmt: skip


def _explain(figure: Figure, box, arms: pd.DataFrame) -> None:
    """Explain lines, and of how many sweeps the three were chosen."""
    about = arms.iloc[0]
    title = (f"simulated; chosen by the tracked way of n = {about.sweep_count} test sweeps of "
             f"{about.subject_count} infants, never by a prediction")  # fmt: skip
    figure.legend(*box.get_legend_handles_labels(), loc="lower center", ncols=len(_WAYS),
                  title=title, title_fontsize=7.5)  # fmt: skip


def draw_frame_errors(
    shown: Mapping[str, np.ndarray],
    printed: Mapping[str, np.ndarray],
    own_errors: pd.DataFrame,
    printed_errors: pd.DataFrame,
    *,
    order: int,
) -> Figure:
    """Draw one sweep's errors frame by frame, of the printed network and of the study's own arm.

    Parameters
    ----------
    shown, printed : mapping of str to array
        As for `draw_trajectories`; they say the sweep's name and side.
    own_errors, printed_errors : pandas.DataFrame
        Tables `motion_frames` and `paper_motion_frames`: order, name, frame_index, and
        `relative_*` and `absolute_*`, lengths and signed components, mm and deg.
    order : int
        Which of the three sweeps, from 1.

    Returns
    -------
    matplotlib.figure.Figure
        A column a prediction; translation of steps and added up, then rotation, each row with
        one scale.
    """
    columns = {"printed": printed_errors, "predicted": own_errors}
    with style.look():
        figure, axes = style.new_figure(
            len(_ROWS), len(columns), height_in=5.2, sharex=True, sharey="row", squeeze=False
        )
        for column, (who, table) in zip(axes.T, columns.items(), strict=True):
            part = table[table["order"] == order].sort_values("frame_index")
            for box, (kind, unit, _) in zip(column, _ROWS, strict=True):
                motion.draw_components(box, part, kind, unit)
            column[0].set_title(_summary(part, _WAYS[who][0]), fontsize=7.5)
            column[-1].set_xlabel("frame, number in the sweep")
        for box, (*_, label) in zip(axes[:, 0], _ROWS, strict=True):
            box.set_ylabel(label)
        figure.align_ylabels(axes[:, 0])
        figure.suptitle(_sweep_title(shown, printed, order=order), fontsize=8, weight="bold")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4,
                      title="predicted − tracked (simulated), first frame's axes")  # fmt: skip
    return figure


def _summary(part: pd.DataFrame, words: str) -> str:
    """Say whose errors a column shows, and where they end."""
    last = part.iloc[-1]
    return f"{words}\nat the end {last['absolute_mm']:.1f} mm, {last['absolute_deg']:.1f}°"


def _sweep_title(shown, printed: Mapping[str, np.ndarray], *, order: int) -> str:
    """Name the sweep, its direction and side, and how many of its frames have a pose."""
    name, side = str(shown[f"name_{order - 1}"]), printed[f"side_{order - 1}"]
    direction = next((words for key, words in _DIRECTIONS.items() if name.endswith(key)), "")
    frames = int(np.isfinite(shown[f"T_tracked_{order - 1}"][:, 0, 0]).sum())
    return (f"sweep {order} of figure 5, the {_RANKS[order]}: {name.split(' ')[0]}, {side} hip, "
            f"{direction}, n = {frames} frames")  # fmt: skip
