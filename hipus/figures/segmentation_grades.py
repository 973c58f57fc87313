"""How good volumes look by rules: shares of grades, and kinds of failure.

Everything drawn here is simulated and says so; the printed shares are clinical, were read by
people, and stand apart.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

#: Grades, the best first, with their colours and the colour of numbers on them.
_GRADES = {
    "good": ("#0072B2", "white"),
    "adequate": ("#A9D3EE", "#222222"),
    "insufficient": ("#D55E00", "white"),
}
#: Groups of volumes: all ordinary ones and their parts, then the hard ones.
_ORDER = ("ordinary", "labelled_test", "test_only", "remaining", "dysplastic", "provoked",
          "second_centre")  # fmt: skip
_PRINTED = "printed, clinical\nread by people"
#: Display only: heights of a bar and of the truth's below it, and the least share with a number.
_TALL, _LOW, _LEAST = 0.46, 0.16, 0.06


def draw_grades(shares: pd.DataFrame, failures: pd.DataFrame) -> Figure:
    """Draw the share of each grade by group of volumes, the printed one below, and failures.

    Parameters
    ----------
    shares : pandas.DataFrame
        Table `volume_grade_shares`: group, poses, sweep_type ("all" is drawn), grade, share,
        share_of_truth, volume_count, subject_count, published_percent, published_volume_count.
    failures : pandas.DataFrame
        Table `volume_failures`: group, poses, failure, share; a volume may show several.

    Returns
    -------
    matplotlib.figure.Figure
        Thin bars are the grades of what was insonified in the same volumes: what no network
        could mend.
    """
    shares = shares[shares["sweep_type"] == "all"]
    found = set(zip(shares["group"], shares["poses"], strict=True))
    keys = sorted(found, key=lambda key: (_ORDER.index(key[0]), key[1] != "tracked"))
    with style.look():
        figure, (left, right) = style.new_figure(
            1, 2, height_in=0.9 + 0.42 * (len(keys) + 1), width_ratios=[1.15, 1]
        )
        _draw_shares(left, shares, keys)
        _draw_failures(right, failures, keys)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4,
                      title="grades by rules, model 3.2, simulated; thin bars: the grades of "
                      "what was insonified")  # fmt: skip
    return figure


def _draw_shares(box, shares: pd.DataFrame, keys: list[tuple[str, str]]) -> None:
    """Draw stacked bars, a row a group, and the printed shares at the bottom."""
    names, rows = [], shares.set_index(["group", "poses", "grade"]).sort_index()
    for place, key in enumerate(keys):
        own = rows.loc[key]
        _stack(box, own["share"] * 100, place - 0.08, height=_TALL, label=not place)
        if own["share_of_truth"].notna().any():
            _stack(box, own["share_of_truth"] * 100, place + 0.27, height=_LOW)
        first = own.iloc[0]
        names.append(f"{_spoken(*key)}\nn = {first.volume_count:.0f} of "
                     f"{first.subject_count:.0f} infants")  # fmt: skip
    printed = rows.loc[keys[0]]
    _stack(box, printed["published_percent"], len(keys), height=_TALL, hatch="///")
    names.append(f"{_PRINTED}, n = {printed['published_volume_count'].iloc[0]:.0f}")
    box.axhline(len(keys) - 0.45, color=style.PALETTE["muted"], lw=0.7)
    box.set_yticks(range(len(names)), names, fontsize=6.5)
    box.set(ylim=(len(keys) + 0.5, -0.5), xlim=(0, 100), xlabel="share of volumes, %")
    box.tick_params(axis="y", length=0)


def _stack(box, percent: pd.Series, place: float, *, height: float, label=False, hatch="") -> None:
    """Draw one bar of shares that add up to 100 %."""
    start = 0.0
    for grade, (colour, ink) in _GRADES.items():
        share = float(percent[grade])
        box.barh(place, share, left=start, height=height, color=colour, lw=0, hatch=hatch,
                 edgecolor="white", label=grade if label else None)  # fmt: skip
        if height == _TALL and share >= 100 * _LEAST:
            words = box.text(start + share / 2, place, f"{share:.0f}", ha="center", va="center",
                             fontsize=7, color="#222222" if hatch else ink)  # fmt: skip
            if hatch:
                words.set_bbox({"facecolor": "white", "lw": 0, "pad": 0.8, "alpha": 0.85})
        start += share


def _draw_failures(box, failures: pd.DataFrame, keys: list[tuple[str, str]]) -> None:
    """Draw the share of volumes that show each kind of failure as a table of colours."""
    wide = failures.pivot(index=["group", "poses"], columns="failure", values="share")
    wide = wide.reindex(index=keys, columns=list(dict.fromkeys(failures["failure"]))) * 100
    picture = wide.to_numpy(float)
    box.imshow(picture, cmap="Oranges", vmin=0, vmax=100, aspect="auto")
    for (row, column), share in np.ndenumerate(picture):
        if np.isfinite(share):
            box.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7,
                     color="white" if share > 60 else style.PALETTE["ink"])  # fmt: skip
    for column, name in enumerate(wide.columns):
        words = box.text(column, len(keys) - 0.42, name.replace("_", "\n"), ha="center", va="top",
                         fontsize=6.5, rotation=90)  # fmt: skip
        words.set_in_layout(False)
    box.set(xticks=[], yticks=[])
    box.set_ylim(len(keys) + 0.5, -0.5)
    box.set_title("failures, % of volumes", fontsize=8)
    box.spines[:].set_visible(False)


def _spoken(group: str, poses: str) -> str:
    """Return a group of volumes in words."""
    return f"{group.replace('_', ' ')}, {poses} poses"
