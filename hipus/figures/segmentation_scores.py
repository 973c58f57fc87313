"""Box plots of Dice: frames and volumes as the paper measured them, and under one protocol.

Decides which scores stand together: with raters' labels on the study's test subjects, as the
paper judges, and with what was insonified on the test-only cohort. Everything drawn is simulated
and says so; printed means are clinical and say that. Nothing is scored or tested here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hipus.figures import overlays, style
from hipus.figures.boxes import MEAN_LOOK, draw_boxes

#: 2D models grey, 3D models blue, later ones darker: the mean's orange stands out on all.
MODELS = {
    "2.1": "#E2E2E2",
    "2.2": "#BDBDBD",
    "2.3": "#8F8F8F",
    "3.1": "#BFDFF3",
    "3.2": "#56A8DC",
}
MEAN = "mean_over_structures"
_TRUTH, _CORRECTED, _DRAWN = "insonified_truth", "corrected_label", "drawn_label"
_STUDY, _TEST_ONLY = "study", "test"
#: Display only: room of a structure's boxes, and of one box.
_GROUP, _BOX = 5.9, 0.74
_WORDS = {**overlays.SPOKEN, "chondro_osseous_border": "border", MEAN: "mean of structures"}


def draw_dice(frames: pd.DataFrame, cases: pd.DataFrame, table1: pd.DataFrame) -> Figure:
    """Draw Dice of every model by structure, 2D models by frames and 3D models by volumes.

    Parameters
    ----------
    frames : pandas.DataFrame
        Table `frame_scores`: cohort, model_id, structure, dice_truth, dice_label (NaN where
        nobody labelled the frame, or where nobody sees the structure).
    cases : pandas.DataFrame
        Table `segmentation_cases`: cohort, model_id, reference, structure, dice.
    table1 : pandas.DataFrame
        Table `segmentation_table1`: model_id, structure, printed_dice.

    Returns
    -------
    matplotlib.figure.Figure
        Above as the paper measured: with labels, 3.1 with wholly drawn ones, 3.2 with corrected
        ones. Below with truth, on the test-only cohort. Crosses are means, diamonds printed ones.
    """
    frames, cases = _with_names(frames), _with_names(cases)
    labelled = pd.concat(
        [
            frames[frames["cohort"] == _STUDY].assign(dice=frames["dice_label"]),
            _of(cases, _STUDY, _DRAWN, models=("3.1",)),
            _of(cases, _STUDY, _CORRECTED, models=("3.2",)),
        ]
    )
    unseen = pd.concat(
        [
            frames[frames["cohort"] == _TEST_ONLY].assign(dice=frames["dice_truth"]),
            _of(cases, _TEST_ONLY, _TRUTH, models=("3.1", "3.2")),
        ]
    )
    titles = ("with raters' labels, as the paper measured: the study's test subjects",
              "with what was insonified: the test-only cohort")  # fmt: skip
    with style.look():
        figure, axes = style.new_figure(2, 1, height_in=4.9, sharex=True)
        for box, rows, title in zip(axes, (labelled, unseen), titles, strict=True):
            draw_models(box, rows, _with_names(table1), names=tuple(overlays.SPOKEN))
            box.set_title(f"{title}, simulated\n{_counted(rows)}", fontsize=8)
        _add_legend(figure, printed="printed mean (clinical, the paper's Table 1)")
    return figure


def draw_protocol(cases: pd.DataFrame, table5: pd.DataFrame, comparisons: pd.DataFrame) -> Figure:
    """Draw Dice of every model as volumes of the test-only cohort, and what tests say.

    Parameters
    ----------
    cases : pandas.DataFrame
        Table `segmentation_cases`: subject_id, sweep_id, cohort, model_id, reference, structure,
        dice.
    table5 : pandas.DataFrame
        Table `segmentation_table5`: model_id, structure, printed_dice; equal in all cohorts.
    comparisons : pandas.DataFrame
        Table `segmentation_comparisons`: family, structure, model_a, model_b, n, p_holm,
        mean_difference with its interval.

    Returns
    -------
    matplotlib.figure.Figure
        Above boxes over volumes; below differences of subject mean Dice with 95 % intervals and
        Holm's p, the three confirmatory ones first.
    """
    rows = _of(_with_names(cases), _TEST_ONLY, _TRUTH, models=tuple(MODELS))
    means = comparisons[comparisons["structure"] == MEAN]
    with style.look():
        figure, axes = style.new_figure(
            2, 2, height_in=4.6, height_ratios=[1.75, 1], width_ratios=[4.4, 1]
        )
        grid = axes[0, 0].get_gridspec()
        for box in (axes[0, 0], axes[0, 1], axes[1, 1]):
            box.remove()  # the lower panel leaves room for its p on the right
        top, bottom = figure.add_subplot(grid[0, :]), axes[1, 0]
        printed = _with_names(table5).drop_duplicates(["model_id", "structure"])
        draw_models(top, rows, printed, names=tuple(overlays.SPOKEN))
        counted = f"n = {_volume_count(rows)} volumes of {rows['subject_id'].nunique()} infants"
        title = f"all models as volumes, with what was insonified, simulated\n{counted}"
        top.set_title(title, fontsize=8)
        _draw_differences(bottom, means)
        _add_legend(figure, printed="printed mean (clinical, the paper's Table 5)")
    return figure


def draw_models(box, rows: pd.DataFrame, printed: pd.DataFrame, *, names: tuple[str, ...]) -> None:
    """Draw a box for each structure and model, with its mean and the printed one.

    Parameters
    ----------
    box : matplotlib axes
    rows : pandas.DataFrame
        model_id, structure, dice; rows without Dice are not drawn.
    printed : pandas.DataFrame
        model_id, structure, printed_dice.
    names : tuple of str
        Structures, left to right.
    """
    known = printed.set_index(["model_id", "structure"])["printed_dice"]
    for model_id, structure, place in _places(names):
        part = rows[(rows["model_id"] == model_id) & (rows["structure"] == structure)]
        draw_boxes(box, [part["dice"]], [place], colour=MODELS[model_id], width=_BOX)
        if (model_id, structure) in known.index:
            box.plot(place, known[model_id, structure], "D", ms=3.4, mfc="white", mew=0.8,
                     mec=style.PALETTE["ink"], zorder=5)  # fmt: skip
    _dress_boxes(box, names)


def _dress_boxes(box, names: tuple[str, ...]) -> None:
    """Label models under their boxes, structures under their models."""
    places = list(_places(names))
    box.set_xticks([place for *_, place in places], [model for model, *_ in places], fontsize=6.5)
    box.tick_params(axis="x", length=0, labelbottom=True)
    for number, name in enumerate(names):
        middle = number * _GROUP + (len(MODELS) - 1) / 2
        box.annotate(_WORDS[name], (middle, 0), (0, -15), xycoords=("data", "axes fraction"),
                     textcoords="offset points", ha="center", va="top", fontsize=8)  # fmt: skip
        if number:
            box.axvline(number * _GROUP - (_GROUP - len(MODELS) + 1) / 2, lw=0.5,
                        color=style.PALETTE["muted"])  # fmt: skip
    box.set(ylim=(-0.02, 1.02), ylabel="Dice", xlim=(-0.9, len(names) * _GROUP - 1))
    box.set_yticks(np.linspace(0, 1, 6))
    box.grid(axis="y", lw=0.4, alpha=0.5)
    box.set_axisbelow(True)


def _draw_differences(box, means: pd.DataFrame) -> None:
    """Draw mean differences between models, confirmatory ones first."""
    roles = {"confirmatory": ("ours", "o"), "exploratory": ("muted", "s")}
    means = means.sort_values(["family", "model_a", "model_b"], ascending=[True, False, True])
    for place, row in enumerate(means.itertuples()):
        role, marker = roles[row.family]
        box.hlines(place, row.mean_difference_low, row.mean_difference_high, lw=1.4,
                   color=style.PALETTE[role])  # fmt: skip
        box.plot(row.mean_difference, place, marker, ms=4.5, color=style.PALETTE[role])
        told = "p < 0.001" if row.p_holm < 0.001 else f"p = {row.p_holm:.3f}"
        words = box.annotate(f"{told}, n = {row.n}", (1.02, place), va="center", fontsize=7,
                             xycoords=("axes fraction", "data"))  # fmt: skip
        words.set_in_layout(False)
    names = [f"{row.model_a} − {row.model_b}" for row in means.itertuples()]
    box.set_yticks(range(len(means)), names)
    for label, family in zip(box.get_yticklabels(), means["family"], strict=True):
        label.set_fontweight("bold" if family == "confirmatory" else "normal")
    box.axvline(0, color=style.PALETTE["muted"], lw=0.7, ls="--")
    box.set_ylim(len(means) - 0.4, -0.6)
    box.set_xlabel("difference of subject mean Dice")
    title = "95 % interval over n infants and Holm's p; bold: confirmatory"
    box.set_title(title, fontsize=8)


def _places(names: tuple[str, ...]) -> Iterator[tuple[str, str, float]]:
    """Yield model, structure and place of every box."""
    for number, structure in enumerate(names):
        for step, model_id in enumerate(MODELS):
            yield model_id, structure, number * _GROUP + step


def _with_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose models are text: model "2.1" is no number."""
    return table.assign(model_id=table["model_id"].astype(str))


def _of(cases: pd.DataFrame, cohort: str, reference: str, *, models) -> pd.DataFrame:
    """Return the scores of some models by one reference in one cohort."""
    is_so = (cases["cohort"] == cohort) & (cases["reference"] == reference)
    return cases[is_so & cases["model_id"].isin(models)]


def _volume_count(rows: pd.DataFrame) -> int:
    return len(rows[["subject_id", "sweep_id"]].drop_duplicates())


def _counted(rows: pd.DataFrame) -> str:
    """Say how many frames or volumes each model was judged on, and of how many infants."""
    judged, counts = rows.dropna(subset=["dice"]), {}
    for model_id, part in judged.groupby("model_id"):
        case = [name for name in ("subject_id", "sweep_id", "frame_index") if name in part]
        counts[model_id] = len(part[case].drop_duplicates())
    frames = [count for model_id, count in counts.items() if model_id.startswith("2")]
    told = [f"{min(frames)} to {max(frames)} frames" if len(set(frames)) > 1
            else f"{frames[0]} frames"] if frames else []  # fmt: skip
    told += [f"{count} volumes ({model_id})" for model_id, count in counts.items()
             if model_id.startswith("3")]  # fmt: skip
    return f"n = {', '.join(told)} of {judged['subject_id'].nunique()} infants"


def _add_legend(figure: Figure, *, printed: str) -> None:
    """Explain boxes, crosses and diamonds below everything."""
    handles = [Patch(facecolor=colour, edgecolor=style.PALETTE["ink"], lw=0.7, label=model_id)
               for model_id, colour in MODELS.items()]  # fmt: skip
    look = {"ls": "", "color": style.PALETTE["ink"]}
    handles += [
        Line2D([], [], label="mean", **look, **MEAN_LOOK),
        Line2D([], [], marker="D", ms=3.4, mfc="white", mew=0.8, label=printed, **look),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=7, columnspacing=1.2,
                  handlelength=1.3)  # fmt: skip
