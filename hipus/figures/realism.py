"""Figures on how real the simulated world is: speckle, statistics, grey levels, raters.

Simulated numbers stand beside real ones or beside what was designed, never alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hipus.figures import style

_GROUPS = ("ours", "reference", "published", "second")
_MARKERS = ("o", "s", "^", "D", "v")
_REPEATS = 8
_FEATURES = {
    "mean_grey": "mean, grey levels",
    "sd_grey": "SD, grey levels",
    "spectrum_slope": "spectral slope",
    "axial_fwhm_px": "axial texture, px",
    "lateral_fwhm_px": "lateral texture, px",
    "correlation_ratio": "lateral / axial",
    "gradient_down": "gradient down, grey levels",
    "gradient_across": "gradient across, grey levels",
}


def draw_decorrelation(decorrelation: pd.DataFrame) -> Figure:
    """Draw how speckle decorrelates with elevational motion, measured and as designed.

    Parameters
    ----------
    decorrelation : pandas.DataFrame
        Table `decorrelation`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    orientations = list(decorrelation["orientation"].unique())
    tissues = list(decorrelation["tissue"].unique())
    with style.look():
        figure, axes = style.new_figure(
            1, len(orientations), height_in=2.4, sharey=True, squeeze=False
        )
        for box, orientation in zip(axes[0], orientations, strict=True):
            for role, marker, tissue in zip(_cycle(_GROUPS), _MARKERS, tissues, strict=False):
                part = decorrelation[
                    (decorrelation["orientation"] == orientation)
                    & (decorrelation["tissue"] == tissue)
                ].sort_values("distance_mm")
                colour = style.PALETTE[role]
                box.plot(part["distance_mm"], part["designed"], color=colour, lw=1)
                box.scatter(part["distance_mm"], part["measured"], s=14, color=colour,
                            marker=marker, label=tissue)  # fmt: skip
            box.set_xlabel("elevational distance, mm")
            box.set_title(f"{orientation}, simulated")
        axes[0, 0].set_ylabel("correlation of envelopes")
        axes[0, -1].legend(title="lines: designed")
    return figure


def draw_features(features: pd.DataFrame) -> Figure:
    """Draw picture statistics of simulated and real pictures, mean and SD over pictures.

    Parameters
    ----------
    features : pandas.DataFrame
        Table `likeness_features`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [name for name in _FEATURES if (features["feature"] == name).any()]
    groups = list(features["group"].unique())
    with style.look():
        figure, axes = style.new_figure(2, int(np.ceil(len(names) / 2)), height_in=3.1,
                                        squeeze=False)  # fmt: skip
        for box, name in zip(axes.ravel(), names, strict=False):
            for place, (role, group) in enumerate(zip(_cycle(_GROUPS), groups, strict=False)):
                row = features[(features["feature"] == name) & (features["group"] == group)]
                box.errorbar(place, row["mean"], yerr=row["sd"], fmt="o", ms=4, capsize=2,
                             color=style.PALETTE[role],
                             label=f"{group}, n = {int(row['picture_count'].iloc[0])}")  # fmt: skip
            box.set_ylabel(_FEATURES[name], fontsize=7)
            box.set_xticks([])
            box.set_xlim(-0.7, len(groups) - 0.3)
        for box in axes.ravel()[len(names) :]:
            box.axis("off")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(groups))
    return figure


def draw_greys(greys: pd.DataFrame) -> Figure:
    """Draw grey levels by region, simulated beside real or printed ones.

    Parameters
    ----------
    greys : pandas.DataFrame
        Table `grey_levels`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    places = np.arange(len(greys))
    with style.look():
        figure, axes = style.new_figure(height_in=0.26 * len(greys) + 0.7)
        axes.scatter(greys["real"], places, marker="s", s=24, color=style.PALETTE["reference"],
                     label="real stills, or printed")  # fmt: skip
        axes.errorbar(greys["simulated"], places, xerr=greys["simulated_sd"], fmt="o", ms=4,
                      capsize=2, color=style.PALETTE["ours"], label="simulated, SD")  # fmt: skip
        axes.set_yticks(places, greys["region"] + ", " + greys["quantity"])
        axes.invert_yaxis()
        axes.set_xlabel("grey levels")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_raters(agreement: pd.DataFrame) -> Figure:
    """Draw the agreement of two simulated raters beside the published one.

    Parameters
    ----------
    agreement : pandas.DataFrame
        Table `rater_agreement`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = {
        "published_dice": ("published (input of the fit)", "published", "s"),
        "fitted_dice": ("simulated, as fitted", "muted", "o"),
        "independent_dice": ("simulated, other raters and infants", "ours", "o"),
    }
    places = np.arange(len(agreement))
    with style.look():
        figure, axes = style.new_figure(height_in=2.0)
        for column, (label, role, marker) in columns.items():
            axes.scatter(agreement[column], places, s=26, marker=marker, label=label,
                         color=style.PALETTE[role])  # fmt: skip
        axes.set_yticks(places, agreement["structure"].str.replace("_", " "))
        axes.invert_yaxis()
        axes.set_xlabel("Dice of two raters")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_simulated_calibration(calibration: pd.DataFrame, lags: pd.DataFrame) -> Figure:
    """Draw target registration errors and lag errors of simulated calibration sessions.

    Parameters
    ----------
    calibration, lags : pandas.DataFrame
        Tables `simulated_calibration` and `simulated_lag`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    cases = calibration.groupby(["phantom", "method"])
    with style.look():
        figure, axes = style.new_figure(1, 2, height_in=2.3)
        for place, (role, (names, part)) in enumerate(zip(_cycle(_GROUPS), cases, strict=False)):
            spread = np.linspace(-0.2, 0.2, len(part)) if len(part) > 1 else np.zeros(len(part))
            axes[0].scatter(place + spread, part["target_registration_error_mm_mean"], s=16,
                            color=style.PALETTE[role], label=", ".join(names))  # fmt: skip
        axes[0].set_xticks(range(len(cases)), [_narrow(*names) for names, _ in cases], fontsize=6.5)
        axes[0].set_ylim(bottom=0)
        axes[0].set_ylabel("target registration error, mm")
        axes[0].set_title("space, simulated with truth")
        axes[1].axhspan(-2, 2, color=style.PALETTE["bound"], alpha=0.15, lw=0, label="±2 ms")
        axes[1].scatter(1e3 * lags["true_lag_s"], 1e3 * lags["error_s"], s=16,
                        color=style.PALETTE["ours"])  # fmt: skip
        axes[1].set_xlabel("true lag, ms")
        axes[1].set_ylabel("error of the lag, ms")
        axes[1].set_title("time, simulated with truth")
        axes[1].legend(loc="upper right")
    return figure


def draw_beside(simulated: Sequence[np.ndarray], real: Mapping[str, np.ndarray]) -> Figure:
    """Draw simulated standard planes above real ones.

    Parameters
    ----------
    simulated : sequence of numpy.ndarray (H, W)
    real : mapping of attribution to numpy.ndarray (H, W)

    Returns
    -------
    matplotlib.figure.Figure
    """
    count = max(len(simulated), len(real))
    with style.look():
        figure, axes = style.new_figure(2, count, height_in=3.3, squeeze=False)
        for box in axes.ravel():
            box.axis("off")
        for box, picture in zip(axes[0], simulated, strict=False):
            box.imshow(picture, cmap=style.GREY, vmin=0, vmax=255)
            box.set_title("simulated", fontsize=7)
        for box, (name, picture) in zip(axes[1], real.items(), strict=False):
            box.imshow(picture, cmap=style.GREY, vmin=0, vmax=255)
            box.set_title(f"real: {name}", fontsize=6)
    return figure


def _narrow(phantom: str, method: str) -> str:
    """Return a tick's label on short lines."""
    return "\n".join((phantom.replace(" ", "\n", 1), method))


def _cycle(roles: Sequence[str]) -> tuple[str, ...]:
    """Return roles, repeated often enough for any table of the study."""
    return tuple(roles) * _REPEATS
