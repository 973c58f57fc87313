"""What the rounds of training and correcting look like in numbers: courses, streaks, effort.

Decides nothing about models; draws what stages measured. Everything drawn is simulated and says
so, the raters' effort too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hipus.figures import overlays, style
from hipus.figures.boxes import draw_boxes

#: Light lines get a dark rim, so that structures keep their colours on a page.
_RIM = (patheffects.Stroke(linewidth=2.3, foreground="#555555"), patheffects.Normal())
_BORDER = {"chondro_osseous_border": "border"}
_STREAKS = {
    "slice_dice": "Dice of neighbouring slices",
    "roughness_elevational_mm": "roughness along the sweep, mm",
    "roughness_in_plane_mm": "roughness within slices, mm",
}
_WHO = {"truth_": ("what was insonified", "white"), "": ("model 2.2, frame by frame", "#9A9A9A")}
#: What a rater began with, in the order of the rounds.
PRIORS = {
    "nothing": "nothing",
    "first_masks": "2D masks\nin 3D",
    "first_round_masks": "masks of\n3.1",
}
_COSTS = {
    "minutes_simulated": "simulated time a volume, minutes",
    "changed_mm3": "changed labels a volume, mm³",
    "touched_slices": "touched slices a volume",
}


def draw_learning(*curves: pd.DataFrame) -> Figure:
    """Draw losses and validation Dice of every training, epoch by epoch.

    Parameters
    ----------
    *curves : pandas.DataFrame
        Tables `learning_curve_21` to `learning_curve_32`: model_id, epoch, train_loss, val_loss
        and dice_<structure> of the validation cases' patches.

    Returns
    -------
    matplotlib.figure.Figure
        A column a model: losses above, Dice by structure below.
    """
    with style.look():
        figure, axes = style.new_figure(
            2, len(curves), height_in=3.5, sharey="row", sharex="col", squeeze=False
        )
        for (top, bottom), curve in zip(axes.T, curves, strict=True):
            for name, role in (("train", "muted"), ("val", "ink")):
                top.plot(curve["epoch"], curve[f"{name}_loss"], color=style.PALETTE[role], lw=1,
                         label={"train": "training", "val": "validation"}[name])  # fmt: skip
            for label in overlays.STRUCTURES:
                bottom.plot(curve["epoch"], curve[f"dice_{label.name.lower()}"], lw=1.2,
                            color=overlays.COLOURS[label], ls=overlays.DASHES[label],
                            path_effects=_RIM, label=overlays.NAMES[label])  # fmt: skip
            top.set_title(f"{curve['model_id'].iloc[0]}: {len(curve)} epochs", fontsize=8)
            bottom.set_xlabel("epoch, number")
        axes[1, 0].set_ylim(-0.02, 1.02)
        axes[0, 0].set_ylabel("loss")
        axes[1, 0].set_ylabel("validation Dice")
        handles = [*axes[0, 0].get_lines(), *axes[1, 0].get_lines()]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=3,
                      title="simulated; loss: Dice + cross-entropy")  # fmt: skip
    return figure


def draw_streaks(first_masks: pd.DataFrame) -> Figure:
    """Draw how stepped the masks of single frames are once they are put into volumes.

    Parameters
    ----------
    first_masks : pandas.DataFrame
        Table `first_masks`: subject_id, structure, and slice_dice, roughness_elevational_mm,
        roughness_in_plane_mm of the masks and, as truth_<measure>, of what was insonified.

    Returns
    -------
    matplotlib.figure.Figure
        Boxes over volumes. The truth went through the same reconstruction: what lies between
        the two is the network's.
    """
    volumes = first_masks[["subject_id", "sweep_id"]].drop_duplicates()
    with style.look():
        figure, axes = style.new_figure(1, 3, height_in=2.7)
        for box, (measure, label) in zip(axes, _STREAKS.items(), strict=True):
            for (start, (_, colour)), shift in zip(_WHO.items(), (-0.2, 0.2), strict=True):
                groups = [first_masks.loc[first_masks["structure"] == name, start + measure]
                          for name in overlays.SPOKEN]  # fmt: skip
                draw_boxes(box, groups, np.arange(len(groups)) + shift, colour=colour, width=0.36)
            names = [_BORDER.get(key, words) for key, words in overlays.SPOKEN.items()]
            box.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
            box.tick_params(axis="x", length=0, labelsize=7)
            box.set_ylabel(label)
        for box in axes[1:]:
            box.set_yscale("log")
            box.yaxis.set_major_formatter("{x:g}")
        axes[0].set_title(f"n = {len(volumes)} volumes of {volumes['subject_id'].nunique()} "
                          "infants, simulated")  # fmt: skip
        handles = [Patch(facecolor=colour, edgecolor=style.PALETTE["ink"], lw=0.7, label=label)
                   for label, colour in _WHO.values()]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def draw_effort(first: pd.DataFrame, refined: pd.DataFrame) -> Figure:
    """Draw what correcting a volume costs the simulated rater, by what he began with.

    Parameters
    ----------
    first, refined : pandas.DataFrame
        Tables `volume_effort_first` and `volume_effort_refined`: subject_id, sweep_id, rater_id,
        prior, minutes_simulated, changed_mm3, touched_slices.

    Returns
    -------
    matplotlib.figure.Figure
        Points are volumes, crosses means. Volumes differ between the rounds; the same ones are
        compared by `make arms`.
    """
    rows = pd.concat([first, refined], ignore_index=True)
    rows = rows[rows["rater_id"] == first["rater_id"].iloc[0]]
    priors = [name for name in PRIORS if (rows["prior"] == name).any()]
    counts = [int((rows["prior"] == name).sum()) for name in priors]
    with style.look():
        figure, axes = style.new_figure(1, 3, height_in=2.7)
        for box, (cost, label) in zip(axes, _COSTS.items(), strict=True):
            groups = [rows.loc[rows["prior"] == name, cost] for name in priors]
            for place, values in enumerate(groups):
                spread = np.linspace(-0.26, 0.26, len(values)) if len(values) > 1 else 0
                box.scatter(place + spread, values, s=6, lw=0, alpha=0.5, zorder=3,
                            color=style.PALETTE["ours"])  # fmt: skip
            draw_boxes(box, groups, np.arange(len(groups)), colour="#F2F2F2", width=0.7,
                       outliers=False)  # fmt: skip
            names = [f"{PRIORS[name]}\nn = {count}"
                     for name, count in zip(priors, counts, strict=True)]  # fmt: skip
            box.set_xticks(range(len(names)), names)
            box.tick_params(axis="x", length=0, labelsize=6.5)
            box.set(ylabel=label, ylim=(0, None), xlabel="begun with")
        axes[0].set_title("volumes, one simulated rater")
    return figure
