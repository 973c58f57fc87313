"""Figures of notebook 91: what the audit says, and how large the printed networks are."""

from __future__ import annotations

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
