"""Figures of notebook 91: claims beside ours, what the audit says, how large the networks are."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

_VERDICTS = {
    "confirmed by arithmetic": "ours",
    "inconsistent": "reference",
    "not checkable": "published",
    "not audited": "muted",
}

#: Verdict beside ours -> colour, hatching, colour of its number. What we tested is saturated, what
#: we did not is grey; colours are Okabe and Ito's.
_LOOKS = {
    "confirmed by arithmetic": (style.PALETTE["second"], "", "white"),
    "same direction": (style.PALETTE["ours"], "", "white"),
    "undecided here": (style.PALETTE["published"], "", style.PALETTE["ink"]),
    "differs": (style.PALETTE["reference"], "", "white"),
    "input of the simulation": (style.PALETTE["bound"], "///", style.PALETTE["ink"]),
    "hardware, not comparable": ("#4D4D4D", "", "white"),
    "not testable without the clinical cohort": ("#9A9A9A", "...", style.PALETTE["ink"]),
    "quoted, not tested": ("#D9D9D9", "", style.PALETTE["ink"]),
}
#: Parts narrower than this, in percent, have no room for a number.
_LEAST_SHARE = 3.5


def draw_verdicts(verdicts: pd.DataFrame) -> Figure:
    """Draw how many claims of each document have each verdict.

    Parameters
    ----------
    verdicts : pandas.DataFrame
        Table `claim_verdicts`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For a verdict without a colour: leaving its claims out would change the totals.
    """
    unknown = sorted(set(verdicts["audit_verdict"]) - set(_VERDICTS))
    if unknown:
        raise ValueError(f"claim_verdicts: unknown audit_verdict {unknown}")
    counts = verdicts.pivot_table(
        index="document", columns="audit_verdict", values="claims", fill_value=0
    )
    counts = counts.loc[counts.sum(axis=1).sort_values().index]
    left = np.zeros(len(counts))
    with style.look():
        figure, axes = style.new_figure(height_in=2.5)
        for verdict, role in _VERDICTS.items():
            if verdict in counts:
                width = counts[verdict].to_numpy()
                axes.barh(counts.index, width, left=left, color=style.PALETTE[role], label=verdict)
                left += width
        for place, total in enumerate(left):
            axes.text(total, place, f" {total:.0f}", va="center", fontsize=7)
        axes.set_xlabel("published claims")
        axes.legend(loc="lower right")
    return figure


def draw_claim_verdicts(counts: pd.DataFrame) -> Figure:
    """Draw which share of each document's claims has which verdict beside ours.

    Parameters
    ----------
    counts : pandas.DataFrame
        Table `claim_counts`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For a verdict without a look: leaving its claims out would change the shares.

    Notes
    -----
    Shares, because documents print 35 to 744 claims; the number of claims stands in each part that
    has room for it. Neighbours differ by hatching as well as by colour.
    """
    unknown = sorted(set(counts["verdict"]) - set(_LOOKS))
    if unknown:
        raise ValueError(f"claim_counts: unknown verdict {unknown}")
    wide = counts.pivot_table(index="document", columns="verdict", values="claims", fill_value=0)
    wide = wide.loc[wide.sum(axis=1).sort_values().index]
    totals = wide.sum(axis=1)
    left = np.zeros(len(wide))
    with style.look():
        figure, axes = style.new_figure(height_in=3.3)
        for verdict in (name for name in _LOOKS if name in wide):
            _draw_part(axes, wide[verdict], totals, left=left, verdict=verdict)
            left += 100 * (wide[verdict] / totals).to_numpy()
        axes.set_yticks(range(len(wide)), [_wrapped(name) for name in wide.index])
        for place, total in enumerate(totals):
            axes.text(101, place, f"n = {total:.0f}", va="center", fontsize=7)
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of a document's claims, %")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw_part(axes, claims: pd.Series, totals: pd.Series, *, left, verdict: str) -> None:
    """Draw one verdict's part of every bar, with its count where there is room."""
    colour, hatch, ink = _LOOKS[verdict]
    width = 100 * (claims / totals).to_numpy()
    places = np.arange(len(claims))
    axes.barh(places, width, 0.72, left=left, color=colour, hatch=hatch, edgecolor="white",
              linewidth=0.6, label=verdict)  # fmt: skip
    for place in places[width >= _LEAST_SHARE]:
        axes.text(left[place] + width[place] / 2, place, f"{claims.iloc[place]:.0f}", color=ink,
                  ha="center", va="center", fontsize=7, fontweight="bold",
                  bbox={"facecolor": colour, "edgecolor": "none", "pad": 1})  # fmt: skip


def _wrapped(name: str) -> str:
    """Break a long name of a document."""
    return "\n".join(textwrap.wrap(name, 26))


def draw_network_sizes(sizes: pd.DataFrame) -> Figure:
    """Draw the printed parameter counts beside what the built networks have.

    Parameters
    ----------
    sizes : pandas.DataFrame
        Table `network_sizes`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = {
        "trainable_parameters": ("trainable, built", "ours"),
        "state_dict_elements": ("state-dict elements, built", "second"),
        "printed_parameters": ("printed", "published"),
    }
    places = np.arange(len(sizes))
    with style.look():
        figure, axes = style.new_figure(height_in=2.4)
        for offset, (column, (label, role)) in enumerate(columns.items()):
            millions = sizes[column] / 1e6
            axes.barh(places + 0.27 * (offset - 1), millions, 0.25,
                      color=style.PALETTE[role], label=label)  # fmt: skip
        axes.set_yticks(places, sizes["model_id"] + "  " + sizes["network"])
        axes.invert_yaxis()
        axes.set_xlabel("parameters, millions")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
