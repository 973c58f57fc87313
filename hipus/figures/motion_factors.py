"""Figures of notebooks 03 and 42: what drift depends on, and how speckle forgets.

Everything drawn here is simulated and says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style
from hipus.figures.motion import TRUTHS, legend_once, spoken

TYPES = {"p_a": "ours", "p_d": "reference"}
#: Colours of arms, in their order.
ROLES = ("ours", "second", "reference", "published", "bound", "muted")


def draw_spacing(spacing: pd.DataFrame) -> Figure:
    """Draw final drift over the distance of frames, by sweep type.

    Parameters
    ----------
    spacing : pandas.DataFrame
        Table `motion_spacing`: arm, sweep_type, truth, frame_spacing (1/4, 1/2, 1 of the
        recorded), mean, low, high (final drift in mm, 95 % interval), subject_count,
        sweep_count.

    Returns
    -------
    matplotlib.figure.Figure
        Against the tracker; arms in the table's order.
    """
    spacing = spacing[spacing["truth"] == "vs_tracker"]
    arms = list(dict.fromkeys(spacing["arm"]))
    colours = _colours(arms)
    with style.look():
        figure, axes = style.new_figure(1, len(TYPES), height_in=2.5, sharey=True, squeeze=False)
        for box, sweep_type in zip(axes[0], TYPES, strict=True):
            part = spacing[spacing["sweep_type"] == sweep_type]
            for place, arm in enumerate(arms):
                rows = part[part["arm"] == arm].sort_values("frame_spacing")
                ends = np.abs(rows[["low", "high"]].to_numpy().T - rows["mean"].to_numpy())
                mark = "s--" if place >= len(ROLES) else "o-"  # colours begin again
                box.errorbar(rows["frame_spacing"], rows["mean"], yerr=ends, fmt=mark, ms=3.5,
                             capsize=2, color=colours[arm], label=spoken(arm))  # fmt: skip
            box.set_xscale("log", base=2)
            box.set_xticks([0.25, 0.5, 1], ["1/4", "1/2", "1"])
            box.set_xlim(0.21, 1.19)
            box.set_xlabel("frame spacing, share of the recorded")
            box.set_title(f"{sweep_type}, n = {_count(part)} sweeps, simulated")
        axes[0, 0].set_ylabel("final drift, mm")
        axes[0, 0].set_ylim(bottom=0)
        legend_once(axes[0, 0], loc="outside lower center")
    return figure


def _count(rows: pd.DataFrame) -> str:
    """Return how many sweeps the rows are of, as a number or a range."""
    counts = sorted({int(count) for count in rows["sweep_count"]})
    return " to ".join(str(count) for count in dict.fromkeys(counts[:1] + counts[-1:]))


def _colours(arms: list[str]) -> dict[str, str]:
    """Return a colour for each arm, by its place in the table."""
    return {arm: style.PALETTE[ROLES[n % len(ROLES)]] for n, arm in enumerate(arms)}


def draw_factors(factors: pd.DataFrame) -> Figure:
    """Draw final drift over path, duration and the infant's motion, against both truths.

    Parameters
    ----------
    factors : pandas.DataFrame
        Table `motion_factors`: variant, subject_id, sweep_id, truth, path_mm, duration_s,
        infant_motion (factor), final_mm of one arm; a row a sweep and truth. Sweeps of the
        grid, which differ in nothing else, are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each factor of the infant's motion; points are sweeps, lines their means.
    """
    factors = factors[factors["variant"] == "grid"]
    motions = sorted(set(factors["infant_motion"]))
    durations = sorted(set(factors["duration_s"]))
    colours = dict(zip(durations, _colours([str(d) for d in durations]).values(), strict=True))
    with style.look():
        figure, axes = style.new_figure(1, len(motions), height_in=2.6, sharey=True, squeeze=False)
        for box, motion in zip(axes[0], motions, strict=True):
            part = factors[factors["infant_motion"] == motion]
            for (truth, duration), rows in part.groupby(["truth", "duration_s"]):
                _draw_factor(box, rows, colours[duration], truth, f"{duration:g} s, ")
            box.set_xticks(sorted(set(factors["path_mm"])))
            box.set_xlabel("planned path, mm")
            count = len(part[["subject_id", "sweep_id"]].drop_duplicates())
            box.set_title(f"infant's motion × {motion:g}, n = {count} sweeps")
        axes[0, 0].set_ylabel("final drift, mm (simulated)")
        axes[0, 0].set_ylim(bottom=0)
        legend_once(axes[0, -1], columns=2, loc="outside lower center")
    return figure


def _draw_factor(box, rows: pd.DataFrame, colour: str, truth: str, name: str) -> None:
    """Draw one duration against one truth."""
    label, marker = TRUTHS[truth]
    is_tracker = truth == "vs_tracker"
    means = rows.groupby("path_mm")["final_mm"].mean()
    box.plot(means.index, means, color=colour, ls="-" if is_tracker else ":", marker=marker, ms=4,
             mfc=colour if is_tracker else "white", label=f"{name}poses {label}")  # fmt: skip
    box.scatter(rows["path_mm"], rows["final_mm"], s=6, color=colour, alpha=0.4, lw=0)


def draw_decorrelation(curves: pd.DataFrame) -> Figure:
    """Draw correlation of patches against out-of-plane distance, by motion and tissue.

    Parameters
    ----------
    curves : pandas.DataFrame
        Table `decorrelation_motion`: tissue, motion, depth_mm, distance_mm, correlation,
        theory (NaN where none applies); a row a patch and frame.

    Returns
    -------
    matplotlib.figure.Figure
        A row a tissue, a column a motion; patches are coloured by their depth.
    """
    tissues, motions = (list(dict.fromkeys(curves[name])) for name in ("tissue", "motion"))
    shape = len(tissues), len(motions)
    with style.look():
        figure, axes = style.new_figure(
            *shape, height_in=0.6 + 1.6 * len(tissues), sharex=True, sharey=True, squeeze=False
        )
        for boxes, tissue in zip(axes, tissues, strict=True):
            for box, motion in zip(boxes, motions, strict=True):
                chosen = (curves["tissue"] == tissue) & (curves["motion"] == motion)
                points = _draw_patches(box, curves[chosen], curves["depth_mm"].max())
            boxes[0].set_ylabel(f"{tissue}\ncorrelation of envelopes")
        for box, motion in zip(axes[0], motions, strict=True):
            box.set_title(motion.replace("_", " "))
        for box in axes[-1]:
            box.set_xlabel("distance, mm")
        figure.colorbar(points, ax=axes, label="depth, mm", shrink=0.8)
        figure.suptitle("simulated; line: exp(−d² / 2σ²) of the simulated beam", fontsize=8)
    return figure


def _draw_patches(box, part: pd.DataFrame, deepest: float):
    """Draw the patches of one motion as points, the theory of each depth as a line."""
    points = box.scatter(part["distance_mm"], part["correlation"], c=part["depth_mm"], s=3,
                         cmap=style.SEQUENTIAL, vmin=0, vmax=deepest, alpha=0.6, lw=0)  # fmt: skip
    # The beam is wider in the deep: one line for all depths would jump between theirs.
    for _, theory in part.dropna(subset=["theory"]).groupby("depth_mm"):
        theory = theory.sort_values("distance_mm")
        box.plot(theory["distance_mm"], theory["theory"], color=style.PALETTE["ink"], lw=0.7)
    return points
