"""One hip from two sweeps: sections of each alone and of both, and what fusing changes.

Decides that a hip is one line from before to after, coloured by whether it got better, with the
median on top; nothing is left out but hips without a number. Everything drawn here is simulated
and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from hipus.figures import overlays, style

WAYS = {"p_a": "p_a alone", "p_d": "p_d alone", "fused": "both, refined"}
SECTIONS = {
    "coronal": ("superior–inferior, mm", "right–left, mm"),
    "transverse": ("anterior–posterior, mm", "right–left, mm"),
}
#: Of the masks: their truth is known here without fault, the network's is what a clinic has.
MASKS, POSES = "model", {"predicted": "predicted poses", "tracked": "tracked poses"}
#: Of the axes of drift, which are logarithmic.
DRIFT_RANGE_MM, DRIFT_TICKS_MM = (0.1, 20.0), (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_BETTER, _WORSE = style.PALETTE["ours"], style.PALETTE["reference"]


def draw_sections(arrays: Mapping[str, np.ndarray]) -> Figure:
    """Draw sections through the head by each sweep alone and by both.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        Figure input "hip_fusion": `<way>_<section>_grey` and `_labels`, `truth_<section>_labels`,
        `side_mm`, `hip`.

    Returns
    -------
    matplotlib.figure.Figure
        Labels are tinted; thin lines are what was insonified: ilium and head, for the thigh lay
        otherwise in either sweep.
    """
    side_mm = float(arrays["side_mm"])
    with style.look():
        figure, axes = style.new_figure(
            len(SECTIONS), len(WAYS), height_in=4.5, squeeze=False, sharex=True
        )
        for row, (section, (down, across)) in zip(axes, SECTIONS.items(), strict=True):
            truth = arrays[f"truth_{section}_labels"]
            for box, (way, title) in zip(row, WAYS.items(), strict=True):
                grey, labels = (arrays[f"{way}_{section}_{name}"] for name in ("grey", "labels"))
                overlays.show_section(box, grey, labels, (side_mm, side_mm))
                overlays.outline_truth(box, truth, (side_mm, side_mm))
                box.set_title(f"{section}, {title}")
            row[0].set_ylabel(down)
            for box in row if section == "transverse" else ():
                box.set_xlabel(across)
        handles = [*overlays.contour_handles(), overlays.truth_handle()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        figure.suptitle(f"{arrays['hip']}, untracked, masks by model 3.2, simulated", fontsize=8)
    return figure


def draw_changes(hips: pd.DataFrame) -> Figure:
    """Draw drift at the head and error of alpha before and after, a line for each hip.

    Parameters
    ----------
    hips : pandas.DataFrame
        Table hip_fusion.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each kind of poses: drift of each sweep, |alpha error| of each sweep alone
        against both.
    """
    rows = hips[hips.masks == MASKS]
    kinds = [name for name in POSES if (rows.poses == name).any()] or list(POSES)
    with style.look():
        figure, axes = style.new_figure(
            len(kinds), 4, height_in=0.5 + 2.0 * len(kinds), squeeze=False
        )
        for row, name in zip(axes, kinds, strict=True):
            part = rows[rows.poses == name]
            for box, kind in zip(row[:2], ("p_a", "p_d"), strict=True):
                ends = [part[f"{kind}_drift_mm_{when}"] for when in ("before", "after")]
                _slopes(box, ends, ("before", "after"), f"drift, {kind}", is_log=True)
            for box, kind in zip(row[2:], ("p_a", "p_d"), strict=True):
                ends = [(part[f"alpha_deg_{way}"] - part.alpha_deg_truth).abs()
                        for way in (kind, "fused")]  # fmt: skip
                _slopes(box, ends, (f"{kind} alone", "both"), f"alpha, {kind}")
            row[0].set_ylabel(f"{POSES[name]}\ndrift at the head, mm")
            row[1].set_ylabel("drift at the head, mm")
            for box in row[2:]:
                box.set_ylabel("|error of alpha|, deg")
        figure.suptitle(
            "simulated; masks by model 3.2; black: median of the hips drawn", fontsize=8
        )
    return figure


def _slopes(axes, ends, names: tuple[str, str], title: str, *, is_log: bool = False) -> None:
    """Draw one line a hip, and the median."""
    both = ends[0].notna() & ends[1].notna()
    first, second = (end[both].to_numpy(float) for end in ends)
    for start, end in zip(first, second, strict=True):
        colour = _BETTER if end <= start else _WORSE
        axes.plot([0, 1], [start, end], color=colour, lw=0.7, alpha=0.6)
    if len(first):
        axes.plot(
            [0, 1], [np.median(first), np.median(second)], "o-", color=style.PALETTE["ink"], lw=2
        )
    axes.set_xticks([0, 1], names)
    axes.set_xlim(-0.25, 1.25)
    if is_log and len(first):  # a probe taken for turned drifts ten times as far
        axes.set_yscale("log")
        axes.set_ylim(*DRIFT_RANGE_MM)
        axes.set_yticks(DRIFT_TICKS_MM, [f"{tick:g}" for tick in DRIFT_TICKS_MM])
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.set_title(f"{title} ({len(first)} hips)", fontsize=6.5)
