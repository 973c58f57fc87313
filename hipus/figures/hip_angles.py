"""Figures of notebook 10: hips measured in untracked sweeps, their errors and intervals.

Decides colours of poses, marks of masks and of cohorts, also for `hip_drift` and `hip_agreement`.
What was refused stands in numbers beneath the errors: it is no success. Everything drawn here is
simulated and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import ScalarFormatter

from hipus.figures import overlays, style
from hipus.figures.graf_section import LINES

#: Poses in the order of what they know of the truth, and their colours.
POSES = {"true": "ink", "tracked": "second", "predicted": "ours", "rounded": "published"}
#: The control: the best single frame of a p_a sweep, which needs no poses.
CONTROL, CONTROL_NAME, CONTROL_ROLE = ("p_a", "best_frame"), "best p_a frame", "muted"
MASKS = {"truth": "o", "rater": "s", "model": "D"}
SWEEP_TYPES = ("p_a", "p_d")
COHORTS = {"test": "ordinary hips", "dysplastic": "dysplastic hips"}
MEASURES = {
    "alpha_deg": "alpha, deg",
    "femoral_head_coverage_percent": "coverage, %",
    "acetabular_contact_angle_deg": "contact angle, deg",
}
#: Display only: the step between poses of one kind of masks, half the width of their points,
#: how much longer than between its points a line is drawn, and the radius of the angle's arc.
_STEP, _JITTER, _OVERHANG, _ARC_MM = 0.2, 0.05, 0.3, 4.0


def ordinary_sweeps(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the protocol sweeps of ordinary and dysplastic hips, the group called `all`."""
    return errors[errors["cohort"].isin(COHORTS) & (errors["truth_variant"] == "protocol")]


def spread(count: int) -> np.ndarray:
    """Return offsets that set points beside each other, the same in every run."""
    return _JITTER * (2 * np.modf(np.arange(count) * (np.sqrt(5) - 1) / 2)[0] - 1)


def counted(rows: pd.DataFrame) -> str:
    """Return how many sweeps and infants rows are of."""
    sweeps = len(rows[["subject_id", "sweep_id"]].drop_duplicates())
    return f"n = {sweeps} sweeps of {rows['subject_id'].nunique()} infants"


def draw_planes(inputs: Mapping[str, np.ndarray], errors: pd.DataFrame) -> Figure:
    """Draw the Graf plane of one sweep by all poses, beside what was insonified there.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `hip_measures` (see `hipus.stages.hip_views`): rows from superior to
        inferior, columns from lateral to medial; the head's centre lies in the middle column,
        as far above the lowest row as from either side.
    errors : pandas.DataFrame
        Table `hip_errors`, for the true alpha and for poses by which alpha was refused.

    Returns
    -------
    matplotlib.figure.Figure
        Above what was insonified, below the labels of model 3.2 with Graf's lines. The baseline
        goes through the iliac wing at the measured alpha to the roof line.
    """
    sweep = str(inputs["sweep"])
    is_it = (errors["subject_id"] + "/" + errors["sweep_id"]) == sweep
    rows = errors[is_it & (errors["measure"] == "alpha_deg") & (errors["masks"] == "model")]
    with style.look():
        figure, axes = style.new_figure(2, len(POSES), height_in=4.1, sharex=True, sharey=True)
        for (top, bottom), poses in zip(axes.T, POSES, strict=True):
            top.set_title(f"{poses} poses", fontsize=8)
            if f"{poses}_grey" in inputs:
                _draw_plane(top, bottom, inputs, poses)
            else:
                _say_refused(top, bottom)
            bottom.set_xlabel("medial, mm")
        for box, name in zip(axes[:, 0], ("insonified", "model 3.2's labels"), strict=True):
            box.set_ylabel(f"{name}\nfrom the top, mm")
        truth = "unknown" if rows.empty else f"{rows['truth'].iloc[0]:.1f} deg"
        handles = [*overlays.contour_handles(), *_line_handles()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3,
                      title=f"{sweep}, simulated; true alpha {truth}")  # fmt: skip
    return figure


def _say_refused(*boxes) -> None:
    """Say in empty panels that there is no plane to be shown."""
    for box in boxes:
        box.set(facecolor=overlays.GROUND, aspect="equal")
        box.text(0.5, 0.5, "alpha\nrefused", transform=box.transAxes, ha="center", va="center",
                 color="white")  # fmt: skip
        box.tick_params(length=2)


def _draw_plane(top, bottom, inputs: Mapping[str, np.ndarray], poses: str) -> None:
    """Draw one plane twice: with the truth's outlines, and with the model's and Graf's lines."""
    _show_outlined(top, inputs, poses, "truth")
    show_measured(bottom, inputs, poses)


def show_measured(box, inputs: Mapping[str, np.ndarray], poses: str) -> None:
    """Show the plane by one kind of poses with its labels, Graf's lines and alpha.

    Parameters
    ----------
    box : matplotlib axes
    inputs : mapping of str to array
        Figure input `hip_measures`, see `draw_planes`.
    poses : str
        A kind whose plane is there.
    """
    side = float(inputs["side_mm"])
    height, width = np.array(inputs[f"{poses}_grey"].shape) * side
    _show_outlined(box, inputs, poses, "labels")
    middle = np.array([width / 2, height - width / 2])
    places = dict(zip(inputs[f"{poses}_names"], middle - inputs[f"{poses}_landmarks_mm"],
                      strict=True))  # fmt: skip
    alpha_deg = float(inputs[f"{poses}_alpha_deg"])
    if {"wing_cranial", "bony_rim", "lower_limb"} <= set(places):
        _draw_lines(box, places, np.deg2rad(alpha_deg))
    box.text(0.96, 0.03, f"α {alpha_deg:.1f}°", transform=box.transAxes, ha="right",
             color="white", weight="bold", fontsize=8.5)  # fmt: skip
    box.set(xlim=(0, width), ylim=(height, 0))


def _show_outlined(box, inputs: Mapping[str, np.ndarray], poses: str, labels: str) -> None:
    """Show a plane with the outlines of labels, where there are any."""
    side, grey = float(inputs["side_mm"]), inputs[f"{poses}_grey"]
    height, width = np.array(grey.shape) * side
    box.imshow(grey, cmap=style.GREY, vmin=0, vmax=200, extent=(0, width, height, 0),
               interpolation="nearest")  # fmt: skip
    if f"{poses}_{labels}" in inputs:
        overlays.outline_labels(box, inputs[f"{poses}_{labels}"], (side, side), width=0.9)
    box.tick_params(length=2)


def _draw_lines(box, places: Mapping[str, np.ndarray], alpha_rad: float) -> None:
    """Draw the roof line, the baseline at its angle to it, and the angle."""
    wing, rim, limb = (places[name] for name in ("wing_cranial", "bony_rim", "lower_limb"))
    roof = (limb - rim) / np.linalg.norm(limb - rim)
    turned = [_turned(roof, sign * alpha_rad) for sign in (1, -1)]
    sign = 1 if turned[0] @ (rim - wing) > turned[1] @ (rim - wing) else -1
    base = turned[0] if sign > 0 else turned[1]
    along = np.linalg.solve(np.column_stack([base, -roof]), rim - wing)
    corner = wing + along[0] * base
    below = corner + max(np.linalg.norm(limb - corner), _ARC_MM) * base
    for name, (start, end) in {"baseline": (wing, below), "bony roof line": (corner, limb)}.items():
        ends = np.stack([start, end + _OVERHANG * (end - corner)])
        box.plot(*ends.T, color=LINES[name], lw=1.3)
    arc = [corner + _ARC_MM * _turned(roof, sign * part * alpha_rad)
           for part in np.linspace(0, 1, 20)]  # fmt: skip
    box.plot(*np.array(arc).T, color="white", lw=0.9)
    box.plot(*np.array([rim, limb]).T, "o", ms=2.6, mfc="white", mec=style.PALETTE["ink"], mew=0.5)


def _turned(direction: np.ndarray, angle_rad: float) -> np.ndarray:
    """Return a direction turned in the picture."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin], [sin, cos]]) @ direction


def _line_handles() -> list[Line2D]:
    return [Line2D([], [], color=LINES[name], lw=1.3, label=name)
            for name in ("baseline", "bony roof line")]  # fmt: skip


def draw_errors(errors: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw absolute errors by poses and masks, p_a and p_d apart, beside the control.

    Parameters
    ----------
    errors : pandas.DataFrame
        Table `hip_errors`: subject_id, sweep_id, sweep_type, cohort, truth_variant, poses,
        masks, measure, error (NaN where refused).
    summary : pandas.DataFrame
        Table `hip_error_summary`; group `all` is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Points are sweeps, bars medians with 95 % intervals over infants, the grey band is that
        of the control by the same masks; beneath stands the share refused.
    """
    errors, measures = ordinary_sweeps(errors), list(MEASURES)[:2]
    rows = summary[summary["group"] == "all"].set_index(["measure", "sweep_type", "poses", "masks"])
    rows = rows.sort_index()
    with style.look():
        figure, axes = style.new_figure(2, 2, height_in=4.9, sharex=True, sharey="row")
        for boxes, measure in zip(axes, measures, strict=True):
            for box, kind in zip(boxes, SWEEP_TYPES, strict=True):
                part = errors[(errors["measure"] == measure) & (errors["sweep_type"] == kind)]
                part = part[part["poses"] != CONTROL[1]]
                for place, masks in enumerate(MASKS):
                    _draw_control(box, rows, (measure, *CONTROL, masks), place)
                    _draw_masks(box, part[part["masks"] == masks], rows.loc[[measure]], place)
                if measure == measures[0]:
                    box.set_title(f"{kind}, {counted(part)}", fontsize=8)
            boxes[0].set_ylabel(f"absolute error of\n{MEASURES[measure]}")
            _dress_errors(boxes)
        title = "medians, 95 % intervals over infants, simulated; numbers: refused, %"
        figure.legend(handles=_error_handles(), loc="outside lower center", ncols=4, title=title)
    return figure


def _draw_control(box, rows: pd.DataFrame, key: tuple, place: int) -> None:
    """Draw the control's median and interval as a band behind one kind of masks."""
    if key not in rows.index:
        return
    row, half = rows.loc[key], _STEP * len(POSES) / 2
    wide, look = [place - half, place + half], {"color": style.PALETTE[CONTROL_ROLE], "zorder": 0}
    box.fill_between(wide, row["low"], row["high"], alpha=0.25, lw=0, **look)
    box.plot(wide, [row["median_absolute_error"]] * 2, lw=1.2, **look)
    _write_refused(box, wide[0] - _STEP / 4, row["refused_share"], CONTROL_ROLE)


def _draw_masks(box, part: pd.DataFrame, rows: pd.DataFrame, place: int) -> None:
    """Draw the errors by all poses of one kind of masks, and the share refused beneath."""
    for number, (poses, role) in enumerate(POSES.items()):
        own, middle = part[part["poses"] == poses], place + _STEP * (number - len(POSES) / 2 + 0.5)
        if own.empty:
            continue
        for cohort, is_filled in zip(COHORTS, (True, False), strict=True):
            size = own.loc[own["cohort"] == cohort, "error"].dropna().abs()
            colour = style.PALETTE[role]
            box.plot(middle + spread(len(size)), size, "o", ms=2.2, mew=0.5, mec=colour,
                     mfc=colour if is_filled else "white", alpha=0.6, zorder=1)  # fmt: skip
        key = (own["measure"].iloc[0], own["sweep_type"].iloc[0], poses, own["masks"].iloc[0])
        row = rows.loc[key]
        box.plot([middle - _STEP / 3, middle + _STEP / 3], [row["median_absolute_error"]] * 2,
                 color=style.PALETTE[role], lw=2.4, zorder=3)  # fmt: skip
        box.plot([middle] * 2, row[["low", "high"]], color=style.PALETTE[role], lw=1.0, zorder=3)
        _write_refused(box, middle, row["refused_share"], role)


def _write_refused(box, place: float, share: float, role: str) -> None:
    """Write the share of refused sweeps beneath, in percent."""
    box.text(place, 0.01, f"{100 * share:.0f}", ha="center", va="bottom", fontsize=6,
             color=style.PALETTE[role], transform=box.get_xaxis_transform())  # fmt: skip


def _dress_errors(boxes) -> None:
    """Give both panels of a row one scale: linear where most errors lie, then by decades."""
    for box in boxes:
        box.set_yscale("symlog", linthresh=5, linscale=1.6)
        top = box.get_ylim()[1]
        box.set_yticks([0, 1, 2, 5, 10, 20, 40])
        box.yaxis.set_major_formatter(ScalarFormatter())
        box.set_ylim(-0.9, top)
        box.minorticks_off()
        box.set_xticks(range(len(MASKS)), [f"{name} masks" for name in MASKS])
        box.tick_params(axis="x", length=0)


def _error_handles() -> list[Line2D]:
    """Return the legend of errors: poses, the control, both cohorts."""
    handles = [Line2D([], [], color=style.PALETTE[role], lw=2.4, label=f"{poses} poses")
               for poses, role in POSES.items()]  # fmt: skip
    handles.append(Line2D([], [], color=style.PALETTE[CONTROL_ROLE], lw=5, alpha=0.5,
                          label=f"control: {CONTROL_NAME}"))  # fmt: skip
    return handles + cohort_handles()


def cohort_handles() -> list[Line2D]:
    """Return legend handles of ordinary hips, filled, and dysplastic ones, hollow."""
    ink = style.PALETTE["ink"]
    return [Line2D([], [], ls="", marker="o", ms=4, mec=ink, mfc=face, label=name)
            for name, face in zip(COHORTS.values(), (ink, "white"), strict=True)]  # fmt: skip
