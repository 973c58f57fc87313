"""Figures of notebook 01 on the cohort: hips, sweeps, frames, courses, trimming, anatomy.

Everything drawn here is simulated and says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import overlays, style

_TYPES = {"graf": "muted", "p_a": "ours", "p_d": "reference"}
#: Limits of Graf's types by alpha, degrees (Graf 2006): lines in the figure only.
_GRAF_LIMITS_DEG = (50, 60)


def draw_hips(hips: pd.DataFrame, subjects: pd.DataFrame) -> Figure:
    """Draw the constructed alpha of every hip by Graf type, and over the roof's sections.

    Parameters
    ----------
    hips, subjects : pandas.DataFrame
        Tables `cohort_hips` and `cohort_subjects`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    study = hips[hips["subject_id"].isin(subjects.loc[subjects["cohort"] == "study", "subject_id"])]
    kinds = [kind for kind in ("Ia", "Ib", "IIa", "IIb", "IIc", "D", "III", "IV")
             if (hips["graf_type"] == kind).any()]  # fmt: skip
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.5)
        for place, kind in enumerate(kinds):
            part = hips.loc[hips["graf_type"] == kind, "alpha_deg"]
            spread = np.linspace(-0.25, 0.25, len(part)) if len(part) > 1 else np.zeros(1)
            axes[0].scatter(place + spread, part, s=9, color=style.PALETTE["ours"], alpha=0.7, lw=0)
        for limit in _GRAF_LIMITS_DEG:
            axes[0].axhline(limit, color=style.PALETTE["muted"], lw=0.7, ls="--")
        axes[0].set_xticks(range(len(kinds)), kinds)
        axes[0].set_xlabel("Graf type")
        axes[0].set_ylabel("constructed alpha, deg")
        axes[0].set_title(f"all hips, n = {len(hips)}, simulated")
        names = ["alpha_anterior_deg", "alpha_deg", "alpha_posterior_deg"]
        axes[1].plot(study[names].T.to_numpy(), color=style.PALETTE["second"], alpha=0.35, lw=0.8)
        axes[1].plot(study[names].mean().to_numpy(), "o-", color=style.PALETTE["ink"], label="mean")
        axes[1].set_xticks(range(3), ["anterior", "standard", "posterior"])
        axes[1].set_ylabel("alpha, deg")
        axes[1].set_title(f"study hips, n = {len(study)}, simulated")
        axes[1].legend(loc="lower right")
    return figure


def draw_sweeps(sweeps: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Draw duration and path of every sweep by type, beside the printed durations.

    Parameters
    ----------
    sweeps, published : pandas.DataFrame
        Tables `cohort_sweeps` and `cohort_published`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    printed = published.set_index("quantity")["published"]
    kept = (sweeps["trim_stop"] - sweeps["trim_start"]) / sweeps["frame_count"]
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.5)
        for sweep_type, role in _TYPES.items():
            part = sweeps["sweep_type"] == sweep_type
            colour = style.PALETTE[role]
            seconds = (kept * sweeps["duration_s"])[part]
            axes[0].hist(seconds, bins=20, histtype="stepfilled", alpha=0.45, color=colour,
                         label=f"{sweep_type}, n = {part.sum()}")  # fmt: skip
            axes[0].axvline(printed[f"{sweep_type}_duration_kept"], color=colour, ls="--", lw=1)
            paths_mm = sweeps.loc[part, "path_mm"].dropna()
            axes[1].hist(paths_mm, bins=20, histtype="stepfilled", alpha=0.45, color=colour)
        axes[0].set_xlabel("duration without hesitation, s")
        axes[0].set_ylabel("sweeps (simulated)")
        axes[0].set_title("dashed: printed, or assumed for graf")
        axes[0].legend()
        axes[1].set_xlabel("path of the probe, mm")
        axes[1].set_ylabel("sweeps (simulated)")
    return figure


def draw_frames(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw frames along one sweep of each direction, with what they show in truth.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `cohort`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    side = float(inputs["pixel_side_mm"])
    rows = {"p_a": "posterior → anterior", "p_d": "proximal → distal"}
    count = len(inputs["p_a_frames"])
    with style.look():
        figure, axes = style.new_figure(
            4, count, height_in=4.7, sharex=True, sharey=True, squeeze=False
        )
        for row, (name, title) in enumerate(rows.items()):
            frames, masks = inputs[f"{name}_frames"], inputs[f"{name}_masks"]
            for column in range(count):
                overlays.show_labelled(axes[2 * row, column], frames[column], None, side)
                overlays.show_labelled(
                    axes[2 * row + 1, column], frames[column], masks[column], side
                )
                number = inputs[f"{name}_index"][column]
                axes[2 * row, column].set_title(f"frame {number}", fontsize=7)
            axes[2 * row, 0].set_ylabel(f"{title}\nmm")
            axes[2 * row + 1, 0].set_ylabel("with truth\nmm")
        for box in axes[-1]:
            box.set_xlabel("mm")
        figure.legend(handles=overlays.label_handles(), loc="outside lower center", ncols=4)
        figure.suptitle("simulated", fontsize=8)
    return figure


def draw_courses(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw where the image centre went, in truth and as the tracker reports it.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `cohort`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    views = (
        ("y, posterior, mm", 1, "z, superior, mm", 2),
        ("x, left, mm", 0, "z, superior, mm", 2),
    )
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.7)
        for box, (across, i, up, j) in zip(axes, views, strict=True):
            for name in ("p_a", "p_d"):
                true, reported = inputs[f"{name}_true_mm"], inputs[f"{name}_reported_mm"]
                colour = style.PALETTE[_TYPES[name]]
                box.plot(
                    true[:, i], true[:, j], color=colour, lw=2.4, alpha=0.35, label=f"{name}, truth"
                )
                box.plot(reported[:, i], reported[:, j], color=colour, lw=0.9, label="as reported")
            box.set_xlabel(across)
            box.set_ylabel(up)
            box.set_aspect("equal", adjustable="datalim")
        axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), title="simulated")
    return figure


def draw_trimming(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw the pace of one sweep, where it was trimmed, and where it truly moved.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `cohort`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    time = inputs["trim_time_s"] - inputs["trim_time_s"][0]
    pace = inputs["trim_pace_mm_s"]
    found, true = inputs["trim_found"], inputs["trim_true"]
    with style.look():
        figure, axes = style.new_figure(width_in=style.TEXT_WIDTH_IN * 0.8, height_in=2.0)
        axes.plot(time[: len(pace)], pace, color=style.PALETTE["ink"])
        axes.axvspan(time[found[0]], time[found[1] - 1], color=style.PALETTE["ours"], alpha=0.18,
                     lw=0, label="kept")  # fmt: skip
        for index in (true[0], true[1] - 1):
            axes.axvline(time[index], color=style.PALETTE["reference"], ls="--", lw=1,
                         label="truly moving between" if index == true[0] else None)  # fmt: skip
        axes.set_xlabel("time, s")
        axes.set_ylabel("pace, mm/s")
        axes.set_title("one p_a sweep, simulated")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_anatomy(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw three planes through the head's centre of the true anatomy's labels.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `cohort`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    volume, spacing = inputs["label_volume"], inputs["label_spacing_mm"]
    origin = inputs["label_origin_xyz_mm"][::-1]
    centre = [int(np.clip(round(-o / s), 0, n - 1))
              for o, s, n in zip(origin, spacing, volume.shape, strict=True)]  # fmt: skip
    planes = (
        (1, "coronal (Graf's plane)", "x, left, mm", "z, superior, mm", (2, 0)),
        (0, "axial", "x, left, mm", "y, posterior, mm", (2, 1)),
        (2, "sagittal", "y, posterior, mm", "z, superior, mm", (1, 0)),
    )
    with style.look():
        figure, axes = style.new_figure(1, 3, height_in=2.7)
        for box, (axis, title, across, up, (i, j)) in zip(axes, planes, strict=True):
            plane = np.take(volume, centre[axis], axis=axis)
            ends = [(origin[k], origin[k] + spacing[k] * volume.shape[k]) for k in (i, j)]
            box.imshow(overlays.colour_labels(plane, opacity=1.0), origin="lower",
                       extent=(*ends[0], *ends[1]), interpolation="nearest")  # fmt: skip
            box.set_facecolor("#30343A")
            box.set_title(title)
            box.set_xlabel(across)
            box.set_ylabel(up)
        figure.legend(
            handles=overlays.label_handles(tuple(overlays.COLOURS)),
            loc="outside lower center",
            ncols=5,
        )
    return figure


def draw_steps(steps: pd.DataFrame) -> Figure:
    """Draw elevational steps over the elevational correlation length, by sweep direction.

    Parameters
    ----------
    steps : pandas.DataFrame
        Table `cohort_step`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = steps["sweep_type"] + ", " + steps["side"]
    places = np.arange(len(steps))
    with style.look():
        figure, axes = style.new_figure(width_in=style.TEXT_WIDTH_IN * 0.8, height_in=1.9)
        axes.hlines(places, steps["step_per_length_p05"], steps["step_per_length_p95"],
                    color=style.PALETTE["muted"], lw=1)  # fmt: skip
        axes.hlines(places, steps["step_per_length_p25"], steps["step_per_length_p75"],
                    color=style.PALETTE["ours"], lw=4)  # fmt: skip
        axes.scatter(
            steps["step_per_length_p50"], places, color=style.PALETTE["ink"], zorder=3, s=14
        )
        axes.axvline(1, color=style.PALETTE["reference"], ls="--", lw=1)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlabel("elevational step / correlation length (simulated; bars: 5–95 %, 25–75 %)")
    return figure
