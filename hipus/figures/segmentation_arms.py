"""Arms of segmentation: what a split by frame, a rater's errors and staging change.

Drawn where `make arms` has run. Everything drawn is simulated and says so, raters and effort too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import overlays, style

MEAN = "mean_over_structures"
#: What a correction began with: words, role, marker.
_PRIORS = {
    "nothing": ("nothing", "muted", "s"),
    "first_masks": ("2D masks in 3D", "published", "^"),
    "first_round_masks": ("masks of 3.1", "ours", "o"),
}
_SPLITS = {"by_subject": ("by subject", "ours"), "by_frame": ("by frame, as printed", "reference")}
_JUDGES = (
    ("own_test_frames", "label", "own test frames,\nby labels"),
    ("own_test_frames", "insonified_truth", "own test frames,\nby truth"),
    ("test_only_cohort", "insonified_truth", "test-only cohort,\nby truth"),
)
_WORDS = {**overlays.SPOKEN, "chondro_osseous_border": "border", MEAN: "mean"}


def draw_staging(effort: pd.DataFrame, errors: pd.DataFrame) -> Figure:
    """Draw what staging saves, and what networks lose, as the rater's errors grow.

    Parameters
    ----------
    effort : pandas.DataFrame
        Table `staging_effort`: error_scale, prior, subjects ("unseen" is drawn: of infants that
        no network learned from), volume_count, subject_count, minutes_simulated and
        saving_percent with `_low` and `_high`.
    errors : pandas.DataFrame
        Table `rater_error_arm`: prior, error_scale, structure, dice_corrected and
        dice_model_mean with `_low` and `_high`.

    Returns
    -------
    matplotlib.figure.Figure
        The same volumes were begun with each prior. Bars are 95 % intervals over infants.
    """
    own = effort[effort["subjects"] == "unseen"]
    own = own if len(own) else effort
    with style.look():
        figure, axes = style.new_figure(1, 3, height_in=3.0)
        for prior, (words, role, marker) in _PRIORS.items():
            look = {"label": words, "color": style.PALETTE[role], "marker": marker}
            part = own[own["prior"] == prior]
            _draw_line(axes[0], part, "minutes_simulated", **look)
            if prior != "nothing":
                _draw_line(axes[1], part, "saving_percent", **look)
            part = errors[(errors["prior"] == prior) & (errors["structure"] == MEAN)]
            _draw_line(axes[2], part, "dice_model_mean", **look)
            axes[2].plot(part["error_scale"], part["dice_corrected"], ls=":", lw=1,
                         color=style.PALETTE[role], marker=marker, mfc="white", ms=4)  # fmt: skip
        _dress_staging(axes, sorted(effort["error_scale"].unique()))
        axes[2].set_title("filled: 3.2, open: labels", fontsize=8)
        count = own.iloc[0]
        axes[0].set_title(f"n = {count.volume_count:.0f} volumes of {count.subject_count:.0f} "
                          "infants", fontsize=8)  # fmt: skip
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3,
                      title="simulated rater, begun with")  # fmt: skip
    return figure


def _dress_staging(axes, scales: list[float]) -> None:
    """Label the axes of time, saving and Dice."""
    labels = ("simulated time a volume, minutes", "saved against nothing, %",
              "mean Dice with truth")  # fmt: skip
    for box, label in zip(axes, labels, strict=True):
        box.set(ylabel=label, xlabel="rater's errors, times typical", xscale="log")
        box.set_xticks(scales, [f"{scale:g}" for scale in scales])
        box.minorticks_off()
    axes[0].set_ylim(bottom=0)
    axes[1].axhline(0, color=style.PALETTE["muted"], lw=0.7, ls="--")


def _draw_line(box, rows: pd.DataFrame, measure: str, **look) -> None:
    """Draw a measure over the scale of errors with its intervals."""
    rows = rows.sort_values("error_scale")
    stem = measure.removesuffix("_mean")
    ends = np.abs(rows[[f"{stem}_low", f"{stem}_high"]].to_numpy().T - rows[measure].to_numpy())
    box.errorbar(rows["error_scale"], rows[measure], yerr=ends, ms=4, lw=1.1, capsize=2, **look)


def draw_split(split_arm: pd.DataFrame) -> Figure:
    """Draw Dice of model 2.1 after a split by subject and one by frame, on what it was judged.

    Parameters
    ----------
    split_arm : pandas.DataFrame
        Table `split_arm`: split, judged_on, reference, structure, dice_mean, low, high,
        case_count, subject_count.

    Returns
    -------
    matplotlib.figure.Figure
        A split by frame puts frames of one sweep on both sides: what its own test frames
        promise beyond the test-only cohort is that.
    """
    names = list(_WORDS)
    with style.look():
        figure, axes = style.new_figure(1, len(_JUDGES), height_in=2.7, sharey=True)
        for box, (judged_on, reference, title) in zip(axes, _JUDGES, strict=True):
            is_it = (split_arm["judged_on"] == judged_on) & (split_arm["reference"] == reference)
            counts = []
            for (split, (words, role)), shift in zip(_SPLITS.items(), (-0.14, 0.14), strict=True):
                rows = split_arm[is_it & (split_arm["split"] == split)]
                rows = rows.set_index("structure").loc[names]
                ends = np.abs(rows[["low", "high"]].to_numpy().T - rows["dice_mean"].to_numpy())
                box.errorbar(np.arange(len(names)) + shift, rows["dice_mean"], yerr=ends, fmt="o",
                             ms=4, capsize=2, lw=1.1, color=style.PALETTE[role],
                             label=f"split {words}")  # fmt: skip
                counts.append(f"{rows['case_count'].iloc[0]:.0f}")
            box.set_title(f"{title}\nn = {' and '.join(counts)} frames", fontsize=8)
            box.set_xticks(range(len(names)), [_WORDS[name].replace(" ", "\n") for name in names])
            box.tick_params(axis="x", length=0, labelsize=6.5)
            box.set_ylim(0, 1.02)
            box.grid(axis="y", lw=0.4, alpha=0.5)
        axes[0].set_ylabel("Dice")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2,
                      title="model 2.1, simulated; 95 % interval over infants")  # fmt: skip
    return figure
