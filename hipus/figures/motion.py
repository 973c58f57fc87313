"""Figures of notebook 03: trajectories, their errors frame by frame, and all arms.

Everything drawn here is simulated and says so; printed values are clinical and say that. What
drift depends on is drawn in `motion_factors`, what it does to volumes in `motion_volumes`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

#: Components of a translation, as everywhere: in the first frame's axes.
AXES = {"lateral": "second", "axial": "published", "elevational": "ours"}
#: Display only: how far apart the points of one arm and of the two truths are drawn.
_JITTER, _TRUTH_OFFSET = 0.22, 0.16
TRUTHS = {"vs_tracker": ("of the tracker", "o"), "vs_hip": ("of the pelvis", "D")}


def draw_trajectories(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw three trajectories of growing complexity, predicted against tracked, in space.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `motion_trajectories`; for n in 0, 1, 2: `name_<n>` (text), `T_tracked_<n>`
        and `T_predicted_<n>` (N, 4, 4) in the first frame's axes, NaN where unknown,
        `final_mm_<n>` and `picture_mm_<n>` (width, height).

    Returns
    -------
    matplotlib.figure.Figure
        Pictures are outlined at both ends. All axes have one scale. The elevational axis lies
        along the page, the axial one points down.
    """
    count = sum(key.startswith("name_") for key in inputs)
    with style.look():
        figure, axes = style.new_figure(
            1, count, height_in=2.9, squeeze=False, subplot_kw={"projection": "3d"}
        )
        # The layout engine leaves axes in space half of their room: they are placed by hand.
        figure.set_layout_engine("none")
        for n, box in enumerate(axes[0]):
            box.set_position([n / count, 0.15, 0.94 / count, 0.74])
            for who, role in (("tracked", "ink"), ("predicted", "ours")):
                poses = inputs[f"T_{who}_{n}"]
                draw_course(box, poses, inputs[f"picture_mm_{n}"], style.PALETTE[role], who)
            title = f"{inputs[f'name_{n}']}\nfinal drift {float(inputs[f'final_mm_{n}']):.1f} mm"
            figure.text((n + 0.5) / count, 0.98, title, ha="center", va="top", weight="bold",
                        fontsize=7.5)  # fmt: skip
            dress_space(box)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        labels = [f"{label} (simulated)" for label in labels]
        figure.legend(handles, labels, loc="lower center", ncols=2)
    return figure


def draw_course(box, poses: np.ndarray, picture_mm, colour: str, label: str) -> None:
    """Draw the way of the image's centre, and the picture's outline at both ends.

    Parameters
    ----------
    box : matplotlib axes in space
    poses : numpy.ndarray (N, 4, 4)
        T_centre_to_first, mm; NaN where unknown, one known at least.
    picture_mm : sequence of 2 float
        Width and height.
    colour, label : str
    """
    poses = poses[np.isfinite(poses[:, 0, 0])]
    # Drawn as (elevational, lateral, up): the page's axes of a probe that looks down.
    order, sign = [2, 0, 1], [1, 1, -1]
    box.plot(*(poses[:, :3, 3][:, order] * sign).T, color=colour, lw=1.6, label=label)
    half = np.append(np.asarray(picture_mm) / 2, 0.0)
    corners = half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [-1, -1, 0]])
    for pose in (poses[0], poses[-1]):
        outline = corners @ pose[:3, :3].T + pose[:3, 3]
        box.plot(*(outline[:, order] * sign).T, color=colour, lw=0.7, alpha=0.8)


def dress_space(box) -> None:
    """Give one scale, units and few ticks to axes in space.

    Parameters
    ----------
    box : matplotlib axes in space
        With all that `draw_course` drew.
    """
    limits = np.array([box.get_xlim(), box.get_ylim(), box.get_zlim()])
    box.set_box_aspect(np.ptp(limits, axis=1), zoom=0.88)
    box.view_init(elev=18, azim=-62)
    for name, text in (("x", "elevational, mm"), ("y", "lateral, mm"), ("z", "−axial, mm")):
        axis = getattr(box, f"{name}axis")
        axis.set_label_text(text, fontsize=6.5)
        axis.set_tick_params(labelsize=6, pad=-2)
        axis.labelpad = -6
        axis.set_pane_color((1, 1, 1, 0))
        box.locator_params(axis=name, nbins=4)
    box.grid(visible=True, alpha=0.3)


def draw_frame_errors(frames: pd.DataFrame) -> Figure:
    """Draw errors frame by frame of the three sweeps, per axis: of steps and added up.

    Parameters
    ----------
    frames : pandas.DataFrame
        Table `motion_frames`: order (1, 2, 3), name, and the columns of
        `hipus.motion.sweep_rows.frame_table`: frame_index, relative_* and absolute_* in mm
        (total and lateral, axial, elevational, signed) and deg.

    Returns
    -------
    matplotlib.figure.Figure
        A column a sweep; translation of steps and accumulated, then rotation.
    """
    groups = [part for _, part in frames.groupby("order", sort=True)]
    rows = (
        ("relative", "mm", "of each step, mm"),
        ("absolute", "mm", "accumulated, mm"),
        ("relative", "deg", "of each step, deg"),
        ("absolute", "deg", "accumulated, deg"),
    )
    with style.look():
        figure, axes = style.new_figure(
            len(rows), len(groups), height_in=5.4, sharex="col", sharey="row", squeeze=False
        )
        for column, part in enumerate(groups):
            axes[0, column].set_title(str(part["name"].iloc[0]), fontsize=7.5)
            for row, (kind, unit, label) in enumerate(rows):
                draw_components(axes[row, column], part, kind, unit)
                axes[row, 0].set_ylabel(label)
            axes[-1, column].set_xlabel("frame, number in the sweep")
        figure.align_ylabels(axes[:, 0])
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4,
                      title="predicted − tracked (simulated); turns about the axes")  # fmt: skip
    return figure


def draw_components(box, part: pd.DataFrame, kind: str, unit: str) -> None:
    """Draw the three signed components of an error and its length, frame by frame.

    Parameters
    ----------
    box : matplotlib axes
    part : pandas.DataFrame
        frame_index, and `<kind>_<unit>` with its components, of one sweep.
    kind : str
        relative (of a step) or absolute (added up since the first frame).
    unit : str
        mm or deg.
    """
    for name, role in AXES.items():
        values = part[f"{kind}_{name}_{unit}"]
        box.plot(part["frame_index"], values, color=style.PALETTE[role], lw=1, label=name)
    box.plot(part["frame_index"], part[f"{kind}_{unit}"], color=style.PALETTE["ink"], lw=1.3,
             ls=":", label="total")  # fmt: skip
    box.axhline(0, color=style.PALETTE["muted"], lw=0.5, zorder=0)


def draw_arms(subjects: pd.DataFrame, arms: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Draw the final drift of every arm: subjects as points, mean with its interval.

    Parameters
    ----------
    subjects : pandas.DataFrame
        Table `motion_subjects`: arm, truth, subject_id, final_mm (mean of the subject's sweeps).
    arms : pandas.DataFrame
        Table `motion_arms`: arm, truth, is_learned, mean, low, high (mm, 95 % interval over
        resampled subjects), subject_count, sweep_count.
    published : pandas.DataFrame
        Table `motion_published`: metric, column_as_printed, mean, as printed (Table 2).

    Returns
    -------
    matplotlib.figure.Figure
        Best arm on top; what is not learned in grey. Means against both truths: the tracker's,
        and the pelvis', which an infant moves under the tracker's reference.
    """
    order = arms[arms["truth"] == "vs_tracker"].sort_values("mean", ascending=False)
    places = {arm: place for place, arm in enumerate(order["arm"])}
    with style.look():
        figure, axes = style.new_figure(height_in=0.9 + 0.25 * len(places))
        for row in arms[arms["arm"].isin(places)].itertuples():
            _draw_arm(axes, row, subjects, places[row.arm])
        printed = published[
            (published["metric"] == "Final drift")
            & (published["column_as_printed"] == "translation_total")
        ]
        for value in printed["mean"]:
            axes.axvline(value, color=style.PALETTE["published"], ls="--", lw=1,
                         label=f"{value:.2f} mm: printed, clinical")  # fmt: skip
        axes.set_yticks(range(len(places)), [spoken(name) for name in places])
        axes.set_ylim(-0.6, len(places) - 0.4)
        axes.set_xlim(left=0)
        axes.set_xlabel("final drift, mm")
        counts = order.iloc[0]
        axes.set_title(f"simulated, n = {counts.subject_count} infants, {counts.sweep_count} "
                       "sweeps\nmean and 95 % interval")  # fmt: skip
        legend_once(axes, loc="outside lower center")
    return figure


def _draw_arm(axes, row, subjects: pd.DataFrame, place: int) -> None:
    """Draw one arm against one truth: subjects only for the tracker's."""
    label, marker = TRUTHS[row.truth]
    is_tracker = row.truth == "vs_tracker"
    colour = style.PALETTE["ours" if row.is_learned else "muted"]
    height = place + _TRUTH_OFFSET * (1 if is_tracker else -1)
    if is_tracker:
        chosen = (subjects["arm"] == row.arm) & (subjects["truth"] == row.truth)
        points = subjects.loc[chosen, "final_mm"]
        spread = np.linspace(-_JITTER, _JITTER, len(points)) if len(points) > 1 else 0
        axes.scatter(points, height + spread, s=9, color=colour, alpha=0.45, lw=0, zorder=2)
    axes.hlines(height, row.low, row.high, color=colour, lw=1.4 if is_tracker else 0.8, zorder=3)
    axes.scatter(row.mean, height, s=26 if is_tracker else 16, marker=marker, zorder=4,
                 facecolor=colour if is_tracker else "white", edgecolor=colour, lw=1,
                 label=f"against poses {label}" if row.is_learned else None)  # fmt: skip


def legend_once(axes, *, columns: int = 3, **options) -> None:
    """Give the figure a legend in which each label of some axes stands once.

    Parameters
    ----------
    axes : matplotlib axes
    columns : int
    **options
        Passed to `Figure.legend`.
    """
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axes.figure.legend(once.values(), once.keys(), ncols=columns, **options)


def spoken(arm: str) -> str:
    """Return an arm's name as a figure shows it.

    Parameters
    ----------
    arm : str
        As tables call it, or the name of its folder (`sweep_context_imu`).

    Returns
    -------
    str
        In words: "IMU rotation + sweep context".
    """
    base, without, what = arm.replace("_", " ").partition(" without ")
    if without:
        return f"{base}, without {what.replace('imu', 'IMU')}"
    fused = base.removesuffix(" imu")
    return base if fused == base else f"IMU rotation + {fused}"
