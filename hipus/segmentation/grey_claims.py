"""The paper's sentences on the grey values that its networks saw, as findings.

Decides whether zeros in place of missing neighbours can explain the printed mean of the 2.5D
model's input: asked of how often neighbours are missing, whatever the frames at a sweep's ends
look like. What a verdict is, is decided in `claim_verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hipus.segmentation import networks
from hipus.segmentation.claim_verdicts import Finding

#: Neighbours on either side that model 2.3 sees.
REACH = 2
#: The brightest grey level: what a zero takes away at most.
WHITE = 255.0
#: Two printed means, each rounded to a grey level, differ by their difference to within this.
_ROUNDING = 1.0
_FRAME, _CONTEXT = networks.MODEL_2D, networks.MODEL_2_5D
_VOLUME = networks.MODEL_3D_FIRST_ROUND
_NAN = float("nan")
_SOURCE = "Paper, appendices E and F"
_ZEROS = "Zeros in place of missing neighbours explain 106 of 131 (2.5D)"
_ANY = "interval: end frames black to white, whatever they look like"


def missing_shares(labelled: pd.DataFrame, ends: pd.DataFrame, *, reach: int = REACH) -> np.ndarray:
    """Return the share of labelled frames that lack each neighbour.

    Parameters
    ----------
    labelled : pandas.DataFrame
        subject_id, sweep_id and frame_index of frames that are learned from.
    ends : pandas.DataFrame
        subject_id, sweep_id, trim_start and trim_stop of their sweeps.
    reach : int

    Returns
    -------
    numpy.ndarray (2 reach + 1,)
        From the earliest neighbour to the latest; 0 in the middle.

    Raises
    ------
    ValueError
        If the ends of a sweep are not known.
    """
    rows = labelled.merge(ends, on=["subject_id", "sweep_id"], how="left")
    unknown = rows[rows[["trim_start", "trim_stop"]].isna().any(axis=1)]
    if len(unknown):
        one = unknown.iloc[0]
        raise ValueError(f"{one.subject_id}/{one.sweep_id}: trim_start and trim_stop are not known")
    places = rows.frame_index.to_numpy()[:, None] + np.arange(-reach, reach + 1)
    first, stop = rows.trim_start.to_numpy()[:, None], rows.trim_stop.to_numpy()[:, None]
    return ((places < first) | (places >= stop)).mean(axis=0)


def grey_means(inputs: pd.DataFrame, shares: Sequence[float], printed: Mapping) -> pd.DataFrame:
    """Return the mean grey values of networks' inputs, printed ones beside.

    Parameters
    ----------
    inputs : pandas.DataFrame
        `network_inputs_<id>` of all models.
    shares : sequence of float
        Share of frames that lack each neighbour, see `missing_shares`.
    printed : mapping of model_id to (mean, sd)

    Returns
    -------
    pandas.DataFrame
        `inputs` with missing_share, zero_filled_mean (what the mean would be with zeros in place
        of missing neighbours, instead of the end frame repeated), printed_mean and printed_sd.

    Notes
    -----
    Zeros take away the end frame's share of the mean; that frame counts as bright as the
    channel's mean.
    """
    table = inputs.sort_values(["model_id", "channel"]).reset_index(drop=True)
    is_context = table.model_id == _CONTEXT
    share = np.zeros(len(table))
    if is_context.any():
        share[is_context] = np.asarray(shares)[table.channel[is_context].astype(int)]
    values = [printed.get(model, (_NAN, _NAN)) for model in table.model_id]
    return table.assign(
        missing_share=share,
        zero_filled_mean=table["mean"] * (1 - share),
        printed_mean=[mean for mean, _ in values],
        printed_sd=[sd for _, sd in values],
    )


def grey_findings(
    greys: pd.DataFrame, *, frame_count: int, printed_ends: tuple[int, int]
) -> list[Finding]:
    """Return what the mean grey values say of 131, 106 and 69.

    Parameters
    ----------
    greys : pandas.DataFrame
        Of `grey_means`.
    frame_count : int
        Training frames.
    printed_ends : tuple of (int, int)
        Printed numbers of annotated sweeps and of training frames.

    Returns
    -------
    list of Finding
        Z131 is never decided: grey levels are the simulation's. Z106 does not hold if zeros
        darken too little even where they replace white frames. Z69 holds if volumes are darker
        than frames.
    """
    means = greys.groupby("model_id")[["mean", "printed_mean"]].mean()
    frame, volume = means.loc[_FRAME], means.loc[_VOLUME]
    known = {"source": _SOURCE, "n": frame_count, "unit": "training frames"}
    about = known | {"measure": "mean grey level"}
    return [
        Finding(
            "Z131", "Frames have a mean grey level of 131", part="2.1", a="ours", b="printed",
            value_a=frame["mean"], value_b=frame["printed_mean"], low=_NAN, high=_NAN,
            printed_b=frame["printed_mean"], note="grey levels are the simulation's", **about,
        ),
        *_zeros(greys, known, printed_ends),
        _under_labels(greys, known),
        Finding(
            "Z69", "Volumes (69) are darker than frames (131): unknown voxels are 0",
            part="2.1 against 3.1", a="frames", b="volumes", value_a=frame["mean"],
            value_b=volume["mean"], low=frame["mean"] - volume["mean"],
            high=frame["mean"] - volume["mean"], printed_a=frame["printed_mean"],
            printed_b=volume["printed_mean"], note="means of all training data: no interval",
            **about,
        ),
    ]  # fmt: skip


def _zeros(greys: pd.DataFrame, known: Mapping, printed_ends: tuple[int, int]) -> list[Finding]:
    """Return by how many printed grey levels zeros can darken at most.

    Only every third frame is annotated, so at most one of a sweep lacks earlier neighbours and
    at most one lacks later ones (reach 2): the printed counts bound the share as well.
    """
    bright, wanted = _printed(greys)
    shares = greys[greys.model_id == _CONTEXT].missing_share
    sweeps, frames = printed_ends
    parts = (
        ("mean of five channels", shares.mean(), known, ""),
        ("channel with most missing", shares.max(), known, ""),
        ("at most, by printed counts", sweeps / frames,
         known | {"n": frames, "unit": "printed training frames"},
         "; all end frames of all sweeps taken to be trained on"),
    )  # fmt: skip
    return [
        Finding(
            "Z106", _ZEROS, part=part, a="darkening by zeros, end frames of mean brightness",
            b="printed darkening", measure="grey levels", value_a=share * bright, value_b=wanted,
            low=-wanted, high=share * WHITE - wanted, margin=_ROUNDING, printed_b=wanted,
            note=_ANY + more + "; the middle channel misses none, yet 106 is printed for each",
            **about,
        )
        for part, share, about, more in parts
    ]  # fmt: skip


def _under_labels(greys: pd.DataFrame, known: Mapping) -> Finding:
    """Return whether neighbours are darker under the labels of the frame between them.

    nnU-Net's own means are over labelled pixels (`foreground_intensity_properties`), and what
    is labelled moves from frame to frame.
    """
    bright, wanted = _printed(greys)
    labelled = greys.groupby("model_id").labelled_mean.mean()
    darker = bright * (1 - labelled[_CONTEXT] / labelled[_FRAME])
    return Finding(
        "Z106, labels", "Neighbours, darker under the middle frame's labels, explain 106 of 131",
        part="mean of five channels", a="darkening under labels", b="printed darkening",
        measure="grey levels", value_a=darker, value_b=wanted, low=darker - wanted,
        high=darker - wanted, margin=_ROUNDING, printed_b=wanted,
        note="share of the mean over labelled pixels here, times the printed 131: no interval",
        **known,
    )  # fmt: skip


def _printed(greys: pd.DataFrame) -> tuple[float, float]:
    """Return the printed mean of frames, and by how much that of 2.5D is darker."""
    means = greys.groupby("model_id").printed_mean.mean()
    return means[_FRAME], means[_FRAME] - means[_CONTEXT]
