"""Figures of notebook 10: agreement of measured with true hips, intervals, types, who is missed.

Marks of cohorts are those of `hip_angles`. Everything drawn here is simulated and says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hipus.figures import style
from hipus.figures.hip_angles import (
    COHORTS,
    CONTROL,
    CONTROL_NAME,
    CONTROL_ROLE,
    MASKS,
    MEASURES,
    POSES,
    SWEEP_TYPES,
    cohort_handles,
    ordinary_sweeps,
)

#: What is compared: sweep type and poses, by model 3.2's masks; the control first.
WAYS = (CONTROL, *((kind, "rounded") for kind in SWEEP_TYPES))
LINES = {"lower": "reference", "bias": "ink", "upper": "reference"}
#: Graf's types by alpha and age alone, by falling alpha.
TYPES = ("I", "II", "IIc/D", "III/IV")
REFUSED = "refused"
#: The best threshold is not sought: Graf's own is the operating point.
THRESHOLD_DEG = 60.0
#: The goal of intervals: between these shares of truths lie within them.
GOAL, NOMINAL = (0.90, 0.98), 0.95
ROLES = {CONTROL: CONTROL_ROLE, ("p_a", "rounded"): "ours", ("p_d", "rounded"): "reference"}


def spoken(way: tuple[str, str]) -> str:
    """Return a way of measuring in words."""
    return CONTROL_NAME if way == CONTROL else f"{way[0]}, {way[1]} poses"


def draw_agreement(errors: pd.DataFrame, agreement: pd.DataFrame) -> Figure:
    """Draw measured minus true alpha over their mean, with limits of agreement.

    Parameters
    ----------
    errors : pandas.DataFrame
        Table `hip_errors`: calibrated and truth beside the keys.
    agreement : pandas.DataFrame
        Table `hip_agreement`: group `all`, quantity (bias, lower, upper), value, low, high.

    Returns
    -------
    matplotlib.figure.Figure
        The control, p_a and p_d, by masks of model 3.2; bands are 95 % intervals of the lines,
        over infants.
    """
    rows = ordinary_sweeps(errors)
    rows = rows[(rows["measure"] == "alpha_deg") & (rows["masks"] == "model")]
    lines = agreement[(agreement["group"] == "all") & (agreement["measure"] == "alpha_deg")]
    lines = lines[lines["masks"] == "model"]
    with style.look():
        figure, axes = style.new_figure(1, len(WAYS), height_in=2.9, sharex=True, sharey=True)
        for box, way in zip(axes, WAYS, strict=True):
            part = _of(rows, way)
            known = part.dropna(subset="error")
            _draw_points(box, known)
            _draw_limits(box, _of(lines, way))
            refused = len(part) - len(known)
            box.set_title(f"{spoken(way)}\n{len(known)} sweeps, {refused} refused", fontsize=8)
            box.set_xlabel("mean of both, deg")
        axes[0].set_ylabel("measured − true alpha, deg")
        handles = [*cohort_handles(), *_limit_handles()]
        figure.legend(handles=handles, loc="outside lower center", ncols=4,
                      title="alpha by model 3.2's masks, simulated; bands: 95 %")  # fmt: skip
    return figure


def _of(table: pd.DataFrame, way: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of one way of measuring."""
    return table[(table["sweep_type"] == way[0]) & (table["poses"] == way[1])]


def _draw_points(box, known: pd.DataFrame) -> None:
    colour = style.PALETTE["ours"]
    for cohort, face in zip(COHORTS, (colour, "white"), strict=True):
        part = known[known["cohort"] == cohort]
        box.plot((part["calibrated"] + part["truth"]) / 2, part["error"], "o", ms=3.4, mew=0.7,
                 mec=colour, mfc=face, alpha=0.85)  # fmt: skip


def _draw_limits(box, lines: pd.DataFrame) -> None:
    """Draw bias and limits, each with its interval."""
    box.axhline(0, color=style.PALETTE["muted"], lw=0.6, zorder=0)
    for row in lines.itertuples():
        colour = style.PALETTE[LINES[row.quantity]]
        box.axhline(row.value, color=colour, lw=1.1, ls="-" if row.quantity == "bias" else "--")
        if np.isfinite([row.low, row.high]).all():
            box.axhspan(row.low, row.high, color=colour, alpha=0.12, lw=0)


def _limit_handles() -> list[Line2D]:
    return [Line2D([], [], color=style.PALETTE["ink"], lw=1.1, label="bias"),
            Line2D([], [], color=style.PALETTE["reference"], lw=1.1, ls="--",
                   label="limits of agreement")]  # fmt: skip


def draw_types_and_roc(confusion: pd.DataFrame, curves: pd.DataFrame, rocs: pd.DataFrame) -> Figure:
    """Draw which types hips are taken for, and which hips below 60 deg are found.

    Parameters
    ----------
    confusion : pandas.DataFrame
        Table `hip_type_confusion`: group, sweep_type, poses, masks, true_type, measured_type
        (with refused), count.
    curves : pandas.DataFrame
        Table `hip_roc_curves`: sensitivity and specificity by step.
    rocs : pandas.DataFrame
        Table `hip_roc`: auc, low, high, sensitivity, specificity at Graf's own threshold.

    Returns
    -------
    matplotlib.figure.Figure
        Of the group `all`, rounded poses and masks of model 3.2; refused hips have a column of
        their own, and are in no curve.
    """
    tables = [table[(table["group"] == "all") & (table["masks"] == "model")]
              for table in (confusion, curves, rocs)]  # fmt: skip
    with style.look():
        figure, axes = style.new_figure(1, 3, height_in=2.9, width_ratios=[1, 1, 1.15])
        for box, way in zip(axes, WAYS[1:], strict=False):
            _draw_confusion(box, _of(tables[0], way), spoken(way))
        axes[0].set_ylabel("true type")
        for way, role in ROLES.items():
            _draw_curve(axes[2], _of(tables[1], way), _of(tables[2], way), way, role)
        low = f"true alpha\nbelow {THRESHOLD_DEG:.0f} deg"
        axes[2].plot([0, 1], [0, 1], color=style.PALETTE["muted"], lw=0.7, ls=":", zorder=0)
        axes[2].set(xlabel="share of other hips called so", ylabel="share of such hips found",
                    xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))  # fmt: skip
        axes[2].set_title(low, fontsize=8)
        axes[2].set_box_aspect(len(TYPES) / (len(TYPES) + 1))
        told = f"model 3.2's masks, simulated; dots: called by {THRESHOLD_DEG:.0f} deg"
        figure.legend(loc="outside lower center", title=told)
    return figure


def _draw_confusion(box, rows: pd.DataFrame, name: str) -> None:
    """Draw how many hips of each true type were taken for each type, or refused."""
    wide = rows.pivot(index="true_type", columns="measured_type", values="count")
    wide = wide.reindex(index=list(TYPES), columns=[*TYPES, REFUSED]).fillna(0)
    counts = wide.to_numpy(float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    box.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            is_dark = shares[row, column] > 0.55
            box.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=8,
                     color="white" if is_dark else style.PALETTE["ink"])  # fmt: skip
    box.axvline(len(TYPES) - 0.5, color=style.PALETTE["ink"], lw=1.0)
    box.set_xticks(range(len(TYPES) + 1), [*TYPES, REFUSED], rotation=45, ha="right",
                   rotation_mode="anchor")  # fmt: skip
    box.set_yticks(range(len(TYPES)), TYPES)
    box.tick_params(length=0)
    box.set_xlabel("measured type")
    box.set_title(f"{name}\nn = {counts.sum():.0f} hips", fontsize=8)


def _draw_curve(box, curve: pd.DataFrame, rows: pd.DataFrame, way, role: str) -> None:
    """Draw one curve with Graf's threshold, and its area in the legend."""
    if rows.empty:
        return
    row, colour = rows.iloc[0], style.PALETTE[role]
    curve = curve.sort_values("step")
    area = f"area {row['auc']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    count = row[["true_positives", "false_negatives"]].sum()
    name = f"{spoken(way)}: {area}, {count:.0f} such hips, {row['refused_count']:.0f} refused"
    box.plot(1 - curve["specificity"], curve["sensitivity"], color=colour, lw=1.2, label=name)
    box.plot(1 - row["specificity"], row["sensitivity"], "o", ms=5, color=colour)


def draw_coverage(coverage: pd.DataFrame) -> Figure:
    """Draw how often intervals hold the truth against how wide they are.

    Parameters
    ----------
    coverage : pandas.DataFrame
        Table `hip_interval_coverage`: sweep_type, poses, masks, measure, share, low, high
        (Wilson), mean_width, row_count, subject_count; a row a cell.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a clinical measure; the band is the goal, the dashed line what was promised.
    """
    with style.look():
        figure, axes = style.new_figure(1, len(MEASURES), height_in=3.0, sharey=True)
        for box, (measure, name) in zip(axes, MEASURES.items(), strict=True):
            part = coverage[coverage["measure"] == measure]
            box.axhspan(*(100 * end for end in GOAL), color=style.PALETTE["second"], alpha=0.15,
                        lw=0)  # fmt: skip
            box.axhline(100 * NOMINAL, color=style.PALETTE["muted"], lw=0.8, ls="--")
            for row in part.itertuples():
                _draw_cell(box, row)
            counts = f"n = {part['row_count'].min():.0f} to {part['row_count'].max():.0f} a cell"
            box.set_title(f"{name.split(',')[0]}\n{counts if len(part) else 'no interval'}",
                          fontsize=8)  # fmt: skip
            box.set_xlabel(f"mean width, {name.split(', ')[1]}")
            box.set_xlim(left=0)
        axes[0].set(ylabel="truths within, %", ylim=(None, 102))
        figure.legend(handles=_coverage_handles(), loc="outside lower center", ncols=5,
                      columnspacing=1.2, title="nominal 95 % intervals of test hips with Wilson "
                      "intervals, simulated; band: the goal")  # fmt: skip
    return figure


def _draw_cell(box, row) -> None:
    """Draw one cell: colour by poses, mark by masks, filled for p_a."""
    colour = style.PALETTE[POSES.get(row.poses, CONTROL_ROLE)]
    ends = np.array([[row.share - row.low], [row.high - row.share]]).clip(0)
    box.errorbar(row.mean_width, 100 * row.share, yerr=100 * ends, fmt=MASKS[row.masks], ms=4,
                 lw=0.7, color=colour, mec=colour, alpha=0.9,
                 mfc=colour if row.sweep_type == SWEEP_TYPES[0] else "white")  # fmt: skip


def _coverage_handles() -> list[Line2D]:
    """Return the legend of cells: poses, masks, sweep types."""
    ink = style.PALETTE["ink"]
    names = {f"{poses} poses": role for poses, role in POSES.items()} | {CONTROL_NAME: CONTROL_ROLE}
    handles = [Line2D([], [], lw=5, color=style.PALETTE[role], label=name)
               for name, role in names.items()]  # fmt: skip
    marks = {f"{masks} masks": (mark, ink) for masks, mark in MASKS.items()}
    marks |= dict(zip(SWEEP_TYPES, (("o", ink), ("o", "white")), strict=True))
    return handles + [
        Line2D([], [], ls="", marker=mark, ms=4, mec=ink, mfc=face, label=name)
        for name, (mark, face) in marks.items()
    ]
