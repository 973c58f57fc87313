"""Figures of notebook 02: wires, errors in space, the lag, and both at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

_SOLUTIONS = {
    "PLUS's own matrix": ("PLUS", "reference"),
    "classic": ("ours, classic", "ours"),
    "joint": ("ours, joint", "second"),
}


def draw_wires(inputs: Mapping[str, np.ndarray]) -> Figure:
    """Draw one frame with the wires that were found and the toolkit's points.

    Parameters
    ----------
    inputs : mapping of str to array
        Figure input `calibration`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    points, plus = inputs["points_px"], inputs["plus_points_px"]
    with style.look():
        figure, axes = style.new_figure(width_in=style.TEXT_WIDTH_IN * 0.62, height_in=2.9)
        axes.imshow(inputs["frame"], cmap=style.GREY)
        for layer in points.reshape(-1, 3, 2):
            axes.plot(*layer[np.argsort(layer[:, 0])].T, color=style.PALETTE["ours"], lw=0.7)
        axes.scatter(*points.T, s=70, facecolors="none", edgecolors=style.PALETTE["published"],
                     linewidths=1.1, label="found")  # fmt: skip
        axes.scatter(*plus.T, s=14, marker="+", color=style.PALETTE["bound"], lw=0.8, label="PLUS")
        for name, (u, v) in zip(inputs["wire_names"], points, strict=True):
            axes.annotate(str(name).split(":")[0], (u, v), (5, 5), textcoords="offset points",
                          color="white", fontsize=6.5)  # fmt: skip
        axes.set_xlabel("u, px")
        axes.set_ylabel("v, px")
        axes.legend(loc="lower right", labelcolor="white")
    return figure


def draw_spatial_errors(errors: pd.DataFrame) -> Figure:
    """Draw the distribution of 3D errors of the middle wires, in and out of sample.

    Parameters
    ----------
    errors : pandas.DataFrame
        Table `spatial_errors`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import seaborn as sns  # here, for it takes longer to load than most figures take to draw

    shown = errors[errors["solution"].isin(_SOLUTIONS)]
    names = [label for label, _ in _SOLUTIONS.values()]
    colours = [style.PALETTE[role] for _, role in _SOLUTIONS.values()]
    shown = shown.assign(solution=shown["solution"].map({k: v[0] for k, v in _SOLUTIONS.items()}))
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.3, sharey=True)
        for box, sweep in zip(axes, ("calibration", "validation"), strict=True):
            part = shown[shown["sweep"] == sweep]
            sns.violinplot(data=part, x="solution", y="error_mm", hue="solution", order=names,
                           hue_order=names, palette=colours, inner="quart", cut=0, ax=box,
                           legend=False, linewidth=0.8)  # fmt: skip
            box.set_title(f"{sweep}, n = {_counts(part)}")
            box.set_xlabel("")
        axes[0].set_ylabel("3D error of the middle wires, mm")
        axes[0].set_ylim(bottom=0)
    return figure


def _counts(errors: pd.DataFrame) -> str:
    """Say how many errors each solution has: one number, or the least and the most."""
    counts = errors.groupby("solution")["error_mm"].count()
    low, high = counts.min(), counts.max()
    return f"{high}" if low == high else f"{low} to {high}"


def draw_lag(curve: pd.DataFrame, signals: pd.DataFrame, lags: pd.DataFrame) -> Figure:
    """Draw the correlation over the lag, and the two signals at the best lag.

    Parameters
    ----------
    curve, signals, lags : pandas.DataFrame
        Tables `lag_curve`, `lag_signals`, `temporal_calibration`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = lags.set_index("solution")
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.3)
        axes[0].plot(1e3 * curve["lag_s"], curve["correlation"], color=style.PALETTE["ours"])
        axes[0].axvspan(1e3 * rows.loc["ours", "lag_low_s"], 1e3 * rows.loc["ours", "lag_high_s"],
                        color=style.PALETTE["ours"], alpha=0.15, lw=0)  # fmt: skip
        axes[0].axvline(1e3 * rows.loc["PLUS", "lag_s"], color=style.PALETTE["reference"], ls="--",
                        label=f"PLUS {1e3 * rows.loc['PLUS', 'lag_s']:.1f} ms")  # fmt: skip
        axes[0].scatter(1e3 * rows.loc["ours", "lag_s"], rows.loc["ours", "correlation"], zorder=3,
                        s=22, color=style.PALETTE["ours"],
                        label=f"ours {1e3 * rows.loc['ours', 'lag_s']:.1f} ms")  # fmt: skip
        axes[0].set_xlabel("lag of the poses, ms")
        axes[0].set_ylabel("|correlation|")
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        time = signals["video_time_s"]
        axes[1].plot(time, signals["video_position_px"], color=style.PALETTE["ink"], label="image")
        axes[1].plot(time, signals["fitted_position_px"], color=style.PALETTE["ours"], lw=1,
                     label="tracker at the lag")  # fmt: skip
        axes[1].invert_yaxis()
        axes[1].set_xlabel("time, s")
        axes[1].set_ylabel("depth of the plane, px")
        axes[1].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def draw_joint_scan(scan: pd.DataFrame, joint: pd.DataFrame) -> Figure:
    """Draw the 3D error over the assumed lag, with what chance cannot tell apart.

    Parameters
    ----------
    scan, joint : pandas.DataFrame
        Tables `joint_scan` and `joint_calibration`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    row = joint.set_index("recording").loc["stamps moved"]
    with style.look():
        figure, axes = style.new_figure(height_in=2.2)
        axes.axvspan(1e3 * row["equivalent_low_s"], 1e3 * row["equivalent_high_s"], lw=0,
                     color=style.PALETTE["muted"], alpha=0.2,
                     label="not told from the best by chance")  # fmt: skip
        axes.plot(1e3 * scan["lag_s"], scan["error_mm"], "o-", ms=2.5, color=style.PALETTE["ours"])
        axes.axvline(1e3 * row["known_lag_s"], color=style.PALETTE["reference"], ls="--",
                     label=f"known {1e3 * row['known_lag_s']:.0f} ms")  # fmt: skip
        axes.scatter(1e3 * row["lag_s"], row["error_mm"], s=30, color=style.PALETTE["ours"],
                     zorder=3, label=f"found {1e3 * row['lag_s']:.0f} ms")  # fmt: skip
        axes.set_xlabel("assumed lag, ms")
        axes.set_ylabel("3D error, mm")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
