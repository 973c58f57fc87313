"""The printed Table 2 beside ours, and how training went. No stage of its own.

Decides which of our columns may stand beside a printed one. The paper's x is an axis it does
not state, and its fourth number has lost its heading (a rotation or an elevational
translation): neither ever stands beside a number of ours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.motion.evaluation import ALL_TYPES
from hipus.motion.trained_model import TrainedModel

PRINTED_KEY = ["metric", "column_as_printed"]
_KINDS = {"Relative": "relative", "Absolute (mean)": "absolute", "Final drift": "final"}
_OURS = {"translation_total": "{}_mm", "translation_y": "{}_lateral_mm"}
_NOTES = {
    "translation_total": "simulated; length of the error against tracked poses",
    "translation_x": "axis not stated: nothing of ours stands beside it",
    "translation_y": "simulated; lateral, mean of absolute values",
    "rotation_total_as_printed": "heading lost: nothing of ours stands beside it",
}
_TYPES = (ALL_TYPES, "p_a", "p_d")


def printed_table() -> pd.DataFrame:
    """Return the printed Table 2, as it was transcribed."""
    path = paths.data_dir() / "published" / "midl2026_table2_reconstruction.csv"
    return tables.read(path, columns=(*PRINTED_KEY, "unit_as_printed", "mean", "spread_printed"))


def published_table(summary: pd.DataFrame, *, arm: str, training: str, profile: str):
    """Return the printed numbers beside ours.

    Parameters
    ----------
    summary : pandas.DataFrame
        `motion_summary`.
    arm : str
        Whose numbers ours are.
    training : str
        How long it was trained.
    profile : str

    Returns
    -------
    pandas.DataFrame
        metric, column_as_printed, unit, mean, spread_printed (as printed, clinical), then
        ours_mean and ours_sd over all sweeps, of p_a and of p_d ones (simulated, NaN where
        nothing may stand beside it), arm, profile, training, note.
    """
    means = summary[(summary.arm == arm) & (summary.truth == "vs_tracker")]
    known = means.set_index(["sweep_type", "measure"])
    rows = []
    for printed in printed_table().itertuples():
        column = _OURS.get(printed.column_as_printed)
        is_lost = "rotation" in printed.column_as_printed
        measure = column.format(_KINDS[printed.metric]) if column else None
        rows.append(
            {
                "metric": printed.metric,
                "column_as_printed": printed.column_as_printed,
                "unit": "not stated" if is_lost else printed.unit_as_printed,
                "mean": printed.mean,
                "spread_printed": printed.spread_printed,
                **_ours(known, measure),
                "arm": arm,
                "profile": profile,
                "training": training,
                "note": _NOTES[printed.column_as_printed],
            }
        )
    return pd.DataFrame(rows)


def _ours(known: pd.DataFrame, measure: str | None) -> dict[str, float]:
    """Return our mean and SD of a measure by sweep type; NaN for none."""
    found = {}
    for kind in _TYPES:
        suffix = "" if kind == ALL_TYPES else f"_{kind}"
        is_there = measure is not None and (kind, measure) in known.index
        for name in ("mean", "sd"):
            value = known.loc[(kind, measure), name] if is_there else np.nan
            found[f"ours_{name}{suffix}"] = value
    return found


def history_table(model: TrainedModel) -> pd.DataFrame:
    """Return how a training went.

    Parameters
    ----------
    model : TrainedModel

    Returns
    -------
    pandas.DataFrame
        arm, iteration, loss (NaN before the first update), validation_drift_mm, learning_rate
        (of the last update before the row).
    """
    total = model.history[-1].iteration
    rows = [
        (
            model.arm.name,
            row.iteration,
            row.loss,
            row.validation_drift_mm,
            model.settings.rate(max(row.iteration - 1, 0), total),
        )
        for row in model.history
    ]
    names = ["arm", "iteration", "loss", "validation_drift_mm", "learning_rate"]
    return pd.DataFrame(rows, columns=names)


def training_words(model: TrainedModel, windows: int) -> str:
    """Return how long a network was trained.

    Parameters
    ----------
    model : TrainedModel
    windows : int
        Training windows: an epoch shows each once.

    Returns
    -------
    str
        For example `400 iterations of 32 windows, 2.0 epochs`.
    """
    iterations, batch = model.history[-1].iteration, model.settings.batch_size
    epochs = iterations * batch / windows
    return f"{iterations} iterations of {batch} windows, {epochs:.1f} epochs"
