"""Figures of notebook 04 on predicted poses: volumes near the head and far, poses refined.

Everything drawn here is simulated and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import overlays, style
from hipus.figures.motion import spoken

TYPES = {"p_a": "ours", "p_d": "reference"}
_ALIGNMENTS = {"first": ("at the first frame", "reference"), "head": ("at the head", "ours")}
_MEASURES = {
    "correlation": "correlation of grey levels",
    "dice_any": "Dice of labels",
    "displacement_mm": "displacement, mm",
}
_PLACES = {"near_mm": "near the head", "elsewhere_mm": "elsewhere", "final_mm": "final drift"}


def draw_volume_agreement(agreement: pd.DataFrame) -> Figure:
    """Draw similarity, overlap and displacement against distance from the head's centre.

    Parameters
    ----------
    agreement : pandas.DataFrame
        Table `volume_agreement` (see `hipus.stages.motion_volume_tables`).

    Returns
    -------
    matplotlib.figure.Figure
        A row an arm; thin lines are subjects, thick ones the mean of subjects.
    """
    arms = list(dict.fromkeys(agreement["arm"]))
    with style.look():
        figure, axes = style.new_figure(
            len(arms), 3, height_in=0.7 + 1.65 * len(arms), sharex=True, sharey="col", squeeze=False
        )
        for boxes, arm in zip(axes, arms, strict=True):
            part = agreement[agreement["arm"] == arm]
            for box, (measure, label) in zip(boxes, _MEASURES.items(), strict=True):
                for alignment, (name, role) in _ALIGNMENTS.items():
                    rows = part[part["alignment"] == alignment]
                    _draw_shells(box, rows, measure, style.PALETTE[role], name)
                box.set_ylabel(label)
            boxes[0].set_title(f"{spoken(arm)}, n = {part['subject_id'].nunique()} infants")
        for box in axes[-1]:
            box.set_xlabel("distance from the head, mm")
        for box, top in zip(axes[0], (1, 1, None), strict=True):
            box.set_ylim(bottom=0, top=top)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2,
                      title="predicted against tracked poses, simulated; aligned")  # fmt: skip
    return figure


def _draw_shells(box, rows: pd.DataFrame, measure: str, colour: str, label: str) -> None:
    """Draw one measure over the shells: a thin line a subject, and the mean."""
    middle = (rows["inner_mm"] + rows["outer_mm"]) / 2
    wide = rows.assign(middle=middle).pivot_table(
        index="middle", columns="subject_id", values=measure, aggfunc="mean", dropna=False
    )
    box.plot(wide.index, wide, color=colour, lw=0.5, alpha=0.35)
    box.plot(wide.index, wide.mean(axis=1), "o-", color=colour, ms=3, label=label)


def draw_local_consistency(local: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw displacement near the head against final drift, and against elsewhere.

    Parameters
    ----------
    local, summary : pandas.DataFrame
        Tables `local_consistency` and `local_consistency_summary`.

    Returns
    -------
    matplotlib.figure.Figure
        A row an arm. Left: sweeps. Right: means with 95 % intervals over subjects.
    """
    arms = list(dict.fromkeys(local["arm"]))
    with style.look():
        figure, axes = style.new_figure(
            len(arms), 2, height_in=0.3 + 2.1 * len(arms), squeeze=False, sharex="col", sharey="col"
        )
        for (left, right), arm in zip(axes, arms, strict=True):
            _draw_near_and_final(left, local[local["arm"] == arm])
            _draw_places(right, summary[summary["arm"] == arm])
            left.set_title(f"{spoken(arm)}, simulated")
            right.set_title("mean, 95 % interval")
        axes[-1, 0].set_xlabel("final drift, mm")
        axes[-1, 1].set_xlabel("displacement, mm")
        axes[0, 1].invert_yaxis()
        axes[0, 0].set(xlim=(0, None), ylim=(0, 1.1 * np.nanmax(local["near_mm"])))
    return figure


def _draw_near_and_final(box, local: pd.DataFrame) -> None:
    """Draw each sweep's displacement near the head over its final drift."""
    for sweep_type, role in TYPES.items():
        part = local[local["sweep_type"] == sweep_type]
        box.scatter(part["final_mm"], part["near_mm"], s=14, color=style.PALETTE[role],
                    alpha=0.8, lw=0, label=f"{sweep_type}, n = {len(part)}")  # fmt: skip
    box.axline((0, 0), slope=1, color=style.PALETTE["muted"], lw=0.8, ls="--", label="equal")
    box.set_ylabel("near the head, mm")
    box.legend()


def _draw_places(box, summary: pd.DataFrame) -> None:
    """Draw the mean displacement near the head, elsewhere and at the end, by sweep type."""
    rows = summary.set_index(["sweep_type", "quantity"])
    offsets = np.linspace(0.14, -0.14, len(TYPES))
    for (sweep_type, role), offset in zip(TYPES.items(), offsets, strict=True):
        found = rows.loc[[(sweep_type, name) for name in _PLACES]]
        ends = np.abs(found[["low", "high"]].to_numpy().T - found["mean"].to_numpy())
        heights = np.arange(len(_PLACES)) + offset
        box.errorbar(found["mean"], heights, xerr=ends, fmt="o", ms=4, capsize=2,
                     color=style.PALETTE[role], label=sweep_type)  # fmt: skip
    box.set_yticks(range(len(_PLACES)), list(_PLACES.values()))
    box.set_xlim(left=0)


def draw_placed_volumes(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw the plane through the head across the sweep, by tracked and by predicted poses.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `motion_volumes`: for p_a and p_d `<type>_name`, `<type>_<who>_grey` and
        `_labels` (axial, elevational) for who in tracked, first, head, `<type>_origin_zy_mm`;
        `spacing_mm`.

    Returns
    -------
    matplotlib.figure.Figure
        Zero is the head's centre; the volume was cut to the region about it.
    """
    columns = {"tracked": "tracked"} | {
        name: f"aligned {text}" for name, (text, _) in _ALIGNMENTS.items()
    }
    with style.look():
        figure, axes = style.new_figure(2, 3, height_in=3.7, sharex=True, sharey=True)
        for boxes, sweep_type in zip(axes, TYPES, strict=True):
            for box, (who, title) in zip(boxes, columns.items(), strict=True):
                _draw_plane(box, inputs, f"{sweep_type}_{who}", f"{sweep_type}_origin_zy_mm")
                if sweep_type == "p_a":
                    box.set_title(title, fontsize=8)
            boxes[0].set_ylabel(f"{sweep_type}\naxial, mm")
        for box in axes[-1]:
            box.set_xlabel("elevational, mm")
        names = " and ".join(str(inputs[f"{kind}_name"]) for kind in TYPES)
        figure.legend(handles=overlays.label_handles(tuple(overlays.COLOURS)),
                      loc="outside lower center", ncols=5, title=f"{names}, simulated")  # fmt: skip
    return figure


def _draw_plane(box, inputs, name: str, origin: str) -> None:
    """Draw a plane with its labels; the head's centre is marked and lies at zero."""
    side, grey = float(inputs["spacing_mm"]), inputs[f"{name}_grey"]
    z, y = inputs[origin] - side / 2
    extent = (z, z + side * grey.shape[1], y + side * grey.shape[0], y)
    options = {"extent": extent, "interpolation": "nearest"}
    box.imshow(grey, cmap=style.GREY, vmin=0, vmax=200, **options)
    box.imshow(overlays.colour_labels(inputs[f"{name}_labels"]), **options)
    box.plot(0, 0, "+", color=style.PALETTE["published"], ms=7, mew=1)
    box.set_facecolor("black")
    box.tick_params(length=2)


def draw_refinement(refinement: pd.DataFrame) -> Figure:
    """Draw final drift of sweeps before and after refinement by crossing sweeps.

    Parameters
    ----------
    refinement : pandas.DataFrame
        Table `pose_refinement`: arm, truth, sweep_type, final_mm_before, final_mm_after.

    Returns
    -------
    matplotlib.figure.Figure
        A row an arm, against the tracker. Left: each sweep, below the dashed line it became
        better. Right: what each gained.
    """
    rows = refinement[refinement["truth"] == "vs_tracker"]
    arms = list(dict.fromkeys(rows["arm"]))
    shape = {"height_in": 0.3 + 2.4 * len(arms), "width_ratios": [1, 1.1], "squeeze": False}
    with style.look():
        figure, axes = style.new_figure(len(arms), 2, **shape)
        for (left, right), arm in zip(axes, arms, strict=True):
            part = rows[rows["arm"] == arm]
            _draw_before_and_after(left, part)
            _draw_gain(right, part)
            left.set_title(f"{spoken(arm)}, simulated")
        for box, label in zip(axes[-1], ("before, mm", "after − before, mm"), strict=True):
            box.set_xlabel(label)
    return figure


def _draw_before_and_after(box, rows: pd.DataFrame) -> None:
    """Draw each sweep's final drift after refinement over the one before, on one scale."""
    for sweep_type, role in TYPES.items():
        part = rows[rows["sweep_type"] == sweep_type]
        box.scatter(part["final_mm_before"], part["final_mm_after"], s=16, lw=0,
                    color=style.PALETTE[role], label=f"{sweep_type}, n = {len(part)}")  # fmt: skip
    top = 1.05 * rows[["final_mm_before", "final_mm_after"]].to_numpy().max()
    box.axline((0, 0), slope=1, color=style.PALETTE["muted"], lw=0.8, ls="--")
    box.set(ylabel="final drift after, mm", xlim=(0, top), ylim=(0, top), aspect="equal")
    box.legend(loc="upper left")


def _draw_gain(box, rows: pd.DataFrame) -> None:
    """Draw the distribution of what sweeps gained, by their type."""
    for sweep_type, role in TYPES.items():
        part = rows[rows["sweep_type"] == sweep_type]
        if len(part):
            box.ecdf(part["final_mm_after"] - part["final_mm_before"], color=style.PALETTE[role],
                     label=f"{sweep_type}, n = {len(part)}")  # fmt: skip
    box.axvline(0, color=style.PALETTE["muted"], lw=0.8, ls="--")
    box.set(ylabel="share of sweeps", ylim=(0, 1.02))
