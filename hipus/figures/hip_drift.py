"""Figures of notebook 10: what drift and the infant's motion do to the angle.

Colours of poses are those of `hip_angles`. Everything drawn here is simulated and says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import ScalarFormatter

from hipus.figures import style
from hipus.figures.hip_angles import POSES, counted, spread

TYPES = {"p_a": "ours", "p_d": "reference"}
DRIFT = {
    "final_drift_mm": "drift of the last frame, mm",
    "head_shape_mm": "shape error near the head, mm",
}
#: An added error of this much is called harm; as in `hipus.stages.hip_drift`.
HARM_DEG = 2.0
#: Sweeps of the same infants by how still they lay, then all others.
VARIANTS = {"still": "still", "restless": "restless", "repeat": "repeated", "protocol": "protocol"}
UNTRACKED = ("tracked", "predicted", "rounded")
#: Display only: the step between poses of one variant.
_STEP = 0.22


def draw_drift(added: pd.DataFrame, bins: pd.DataFrame, *, poses: str = "predicted") -> Figure:
    """Draw the change of alpha by other poses over drift, over all and near the head.

    Parameters
    ----------
    added : pandas.DataFrame
        Table `hip_added_errors`: masks, poses, sweep_type, added_deg and columns of drift; a row
        a sweep.
    bins : pandas.DataFrame
        Table `hip_drift_bins`: masks, poses, drift, from_mm, to_mm, median_added_deg, low, high.
    poses : str
        Whose drift is drawn; masks are those of model 3.2.

    Returns
    -------
    matplotlib.figure.Figure
        Points are sweeps, steps medians of bins with 95 % intervals over infants, where there is
        more than one. The dashed line is harm.
    """
    added = added[(added["masks"] == "model") & (added["poses"] == poses)]
    bins = bins[(bins["masks"] == "model") & (bins["poses"] == poses)]
    known = added.dropna(subset="added_deg")
    with style.look():
        figure, axes = style.new_figure(1, len(DRIFT), height_in=3.1, sharey=True)
        for box, (drift, name) in zip(axes, DRIFT.items(), strict=True):
            for kind, role in TYPES.items():
                part = known[known["sweep_type"] == kind]
                box.plot(part[drift], part["added_deg"], "o", ms=3.4, mew=0, alpha=0.75,
                         color=style.PALETTE[role])  # fmt: skip
            _draw_bins(box, bins[bins["drift"] == drift], known[drift])
            box.axhline(HARM_DEG, color=style.PALETTE["muted"], lw=0.9, ls="--", zorder=0)
            _dress_drift(box, name)
        axes[0].set_ylabel("change of alpha\nagainst true poses, deg")
        axes[0].set_title(f"{poses} poses, {counted(known)}", fontsize=8)
        refused = f"alpha refused by either poses: {len(added) - len(known)} of {len(added)} sweeps"
        figure.legend(handles=_drift_handles(known), loc="outside lower center", ncols=4,
                      title=f"masks of model 3.2, simulated; {refused}")  # fmt: skip
    return figure


def _draw_bins(box, bins: pd.DataFrame, drift: pd.Series) -> None:
    """Draw each bin's median as a step as long as its sweeps reach, its interval as a band."""
    colour = style.PALETTE["ink"]
    for row in bins.sort_values("from_mm").itertuples():
        inside = drift[(drift >= row.from_mm) & (drift < row.to_mm)]
        if inside.empty:
            continue
        ends = [inside.min(), inside.max()]
        box.fill_between(ends, row.low, row.high, color=colour, alpha=0.12, lw=0, zorder=0)
        box.plot(ends, [row.median_added_deg] * 2, color=colour, lw=1.8)


def _dress_drift(box, name: str) -> None:
    """Set scales: drift spans decades, changes count from zero."""
    box.set_xscale("log")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    low, high = box.get_xlim()
    box.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    box.set_xlim(low, high)
    box.set_yscale("symlog", linthresh=5, linscale=1.6)
    box.set_yticks([0, 1, 2, 5, 10, 20])
    box.yaxis.set_major_formatter(ScalarFormatter())
    box.minorticks_off()
    box.set_ylim(bottom=0)
    box.set_xlabel(name)


def _drift_handles(known: pd.DataFrame) -> list[Line2D]:
    """Return the legend: types of sweep with their counts, bins, harm."""
    counts = known["sweep_type"].value_counts()
    handles = [Line2D([], [], ls="", marker="o", ms=4, color=style.PALETTE[role],
                      label=f"{kind}, n = {counts.get(kind, 0)}")
               for kind, role in TYPES.items()]  # fmt: skip
    ink, grey = style.PALETTE["ink"], style.PALETTE["muted"]
    return [
        *handles,
        Line2D([], [], color=ink, lw=1.8, label="median of a bin, 95 %"),
        Line2D([], [], color=grey, lw=0.9, ls="--", label=f"harm: {HARM_DEG:g} deg"),
    ]


def draw_motion(added: pd.DataFrame, motion: pd.DataFrame) -> Figure:
    """Draw the error of shape near the head by how still infants lay.

    Parameters
    ----------
    added : pandas.DataFrame
        Table `hip_added_errors`: truth_variant, poses, masks, head_shape_mm.
    motion : pandas.DataFrame
        Table `hip_infant_motion`: variant, poses, mean_shape_mm, low, high,
        less_than_tracked_mm, less_low, less_high, sweep_count, subject_count.

    Returns
    -------
    matplotlib.figure.Figure
        Left: sweeps, with means. Right: how much less the error is than a tracker's on the same
        sweeps; right of zero, pictures hold the shape better. Intervals are over infants.
    """
    variants = [name for name in VARIANTS if (motion["variant"] == name).any()]
    shapes = added[added["masks"] == "model"].dropna(subset="head_shape_mm")
    with style.look():
        figure, (left, right) = style.new_figure(
            1, 2, height_in=0.9 + 0.55 * len(variants), sharey=True
        )
        for row, variant in enumerate(variants):
            for number, poses in enumerate(UNTRACKED):
                is_it = (motion["variant"] == variant) & (motion["poses"] == poses)
                own = shapes[(shapes["truth_variant"] == variant) & (shapes["poses"] == poses)]
                place = row + _STEP * (number - 1)
                _draw_shapes(left, right, own["head_shape_mm"], motion[is_it], place, poses)
        left.set_yticks(range(len(variants)), [_named(motion, name) for name in variants])
        left.set(ylim=(len(variants) - 0.45, -0.55), xlabel=DRIFT["head_shape_mm"])
        left.set_xscale("log")
        left.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
        left.minorticks_off()
        right.axvline(0, color=style.PALETTE["muted"], lw=0.8, ls="--", zorder=0)
        right.set_xlabel("less error than by tracked poses, mm")
        handles = [Line2D([], [], marker="D", ms=4, color=style.PALETTE[POSES[name]],
                          label=f"{name} poses") for name in UNTRACKED]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=3,
                      title="means, 95 % intervals over infants, simulated")  # fmt: skip
    return figure


def _draw_shapes(left, right, shapes: pd.Series, rows: pd.DataFrame, place, poses: str) -> None:
    """Draw one variant and one kind of poses: sweeps, their mean, the gain over the tracker."""
    colour = style.PALETTE[POSES[poses]]
    left.plot(shapes, place + spread(len(shapes)), "o", ms=2.2, mew=0, alpha=0.5, color=colour)
    for row in rows.itertuples():
        look = {"fmt": "D", "ms": 4, "capsize": 2, "color": colour, "zorder": 3}
        ends = np.array([[row.mean_shape_mm - row.low], [row.high - row.mean_shape_mm]])
        left.errorbar(row.mean_shape_mm, place, xerr=ends, **look)
        if poses != UNTRACKED[0]:
            less = row.less_than_tracked_mm
            ends = np.array([[less - row.less_low], [row.less_high - less]])
            right.errorbar(less, place, xerr=ends, **look)


def _named(motion: pd.DataFrame, variant: str) -> str:
    """Return a variant with its counts."""
    row = motion[motion["variant"] == variant].iloc[0]
    return (
        f"{VARIANTS[variant]}\n{row['sweep_count']:.0f} sweeps,\n{row['subject_count']:.0f} infants"
    )
