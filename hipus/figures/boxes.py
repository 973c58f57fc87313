"""Box plots of one look: quartiles, whiskers, outliers as points, the mean as an orange cross."""

from __future__ import annotations

import numpy as np

from hipus.figures import style

MEAN_LOOK = {"marker": "x", "ms": 5, "mew": 1.5, "mec": style.PALETTE["reference"]}


def draw_boxes(box, groups, places, *, colour: str, width: float, outliers: bool = True) -> None:
    """Draw boxes over groups of values.

    Parameters
    ----------
    box : matplotlib axes
    groups : sequence of pandas.Series
        Missing values are not drawn.
    places : array-like
        One per group.
    colour : str
    width : float
    outliers : bool
        Draw what lies beyond the whiskers; not where all values are drawn anyway.
    """
    ink = {"color": style.PALETTE["ink"], "lw": 0.7}
    values = [part[np.isfinite(part)].to_numpy(float) for part in groups]
    box.boxplot(
        values, positions=places, widths=width, patch_artist=True, manage_ticks=False,
        showmeans=True, showfliers=outliers,
        whiskerprops=ink, capprops=ink, medianprops={**ink, "lw": 1.1},
        boxprops={"facecolor": colour, "edgecolor": style.PALETTE["ink"], "lw": 0.7},
        flierprops={"marker": ".", "ms": 2, "mec": style.PALETTE["muted"], "alpha": 0.6},
        meanprops={**MEAN_LOOK, "zorder": 6},
    )  # fmt: skip
