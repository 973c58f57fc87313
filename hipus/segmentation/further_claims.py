"""The paper's sentences on learning curves, raters and grey values, as findings.

Decides how steady a learning curve is, when a model is "comparable" to raters, and whether zeros
in place of missing neighbours can explain the printed mean grey value of the 2.5D model's input.
Sentences on Dice of models alone are in `claims`, what a verdict is in `claim_verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.segmentation import networks
from hipus.segmentation.claim_verdicts import Finding
from hipus.segmentation.volume_scores import MEAN, STRUCTURE_NAMES

#: Share of a training's epochs, counted from the end, whose spread is a curve's steadiness.
LAST_SHARE = 0.2
#: A model that agrees with a rater less than raters do by no more than this is comparable.
COMPARABLE_DICE = 0.05
#: Neighbours on either side that model 2.3 sees.
REACH = 2
#: Ratios of printed means, rounded to grey levels, are known to about this.
_RATIO_MARGIN = 0.02
_HIGH = networks.MODEL_2D_HIGH_RESOLUTION
_FRAME, _CONTEXT = networks.MODEL_2D, networks.MODEL_2_5D
_VOLUME = networks.MODEL_3D_FIRST_ROUND
_NAN = float("nan")


def steadier_curves(curves: pd.DataFrame, *, level: float = 0.95) -> list[Finding]:
    """Return whether the high-resolution model's validation Dice is the steadiest.

    Parameters
    ----------
    curves : pandas.DataFrame
        model_id, epoch and dice_<structure> of the 2D models.
    level : float

    Returns
    -------
    list of Finding
        a and b are the SD of the validation Dice (mean of structures) over the last 20 % of the
        epochs, of another model and of the high-resolution one.

    Notes
    -----
    The interval is that of a ratio of variances (F distribution): epochs count as independent
    and normal, which they are not quite, and each model was trained once. With fewer than three
    epochs nothing is said.
    """
    last = {model: _last_dice(part) for model, part in curves.groupby("model_id")}
    found = []
    for other in sorted(set(last) - {_HIGH}):
        sd, own = (_spread(last[model]) for model in (other, _HIGH))
        low, high = _ratio_interval(last[other], last[_HIGH], level)
        found.append(
            Finding(
                "S62a", "The high-resolution 2D model has a more stable learning curve",
                "Paper, section 6.2", f"against {other}", f"SD of {other}", f"SD of {_HIGH}",
                "SD of validation Dice over the last 20 % of epochs", sd, own,
                own * (low - 1), own * (high - 1), len(last[_HIGH]), "epochs",
                note="F interval: epochs taken as independent; one training of each model",
            )
        )  # fmt: skip
    return found


def _last_dice(curve: pd.DataFrame) -> np.ndarray:
    """Return the mean validation Dice of the last fifth of the epochs."""
    dice = curve.sort_values("epoch")[[f"dice_{name}" for name in STRUCTURE_NAMES]]
    return dice.mean(axis=1).to_numpy(float)[-max(1, round(LAST_SHARE * len(dice))) :]


def _spread(values: np.ndarray) -> float:
    """Return the sample SD, NaN of fewer than two values."""
    return float(values.std(ddof=1)) if len(values) > 1 else _NAN


def _ratio_interval(first: np.ndarray, second: np.ndarray, level: float) -> tuple[float, float]:
    """Return the interval of the ratio of two standard deviations."""
    from scipy import stats

    degrees = len(first) - 1, len(second) - 1
    if min(degrees) < 2 or not second.std() or not np.isfinite([*first, *second]).all():
        return _NAN, _NAN
    ratio = first.var(ddof=1) / second.var(ddof=1)
    ends = stats.f.ppf([(1 + level) / 2, (1 - level) / 2], *degrees)
    low, high = np.sqrt(ratio / ends)
    return float(low), float(high)


def within_raters(raters: pd.DataFrame, *, cohort: str, between: str) -> list[Finding]:
    """Return whether the final model agrees with raters as these do with each other.

    Parameters
    ----------
    raters : pandas.DataFrame
        `segmentation_raters`.
    cohort : str
        Whose rows count.
    between : str
        The raters' own pair.

    Returns
    -------
    list of Finding
        A part per rater, over the mean of structures.
    """
    rows = raters[(raters.cohort == cohort) & (raters.structure == MEAN)].set_index("pair")
    model = networks.MODEL_3D_REFINED
    names = [name for name in rows.index if name.startswith(f"{model} and") and "truth" not in name]
    return [
        Finding(
            "S7b", "The final model agrees with raters comparably to these with each other",
            "Paper, section 7", name, name, between, "Dice of volumes", rows.dice_mean[name],
            rows.dice_mean[name] - rows.difference[name], rows.low[name], rows.high[name],
            int(rows.subject_count[name]), "subjects", margin=COMPARABLE_DICE,
            note="both raters corrected the same masks of model 3.1: they agree more than "
            "raters who draw independently",
        )
        for name in names
    ]  # fmt: skip


def more_consistent(
    volumes: pd.DataFrame, frames_dice: float, *, printed: float, **options
) -> list[Finding]:
    """Return whether raters agree more in volumes than slice by slice.

    Parameters
    ----------
    volumes : pandas.DataFrame
        subject_id and dice between raters of whole volumes, one row per volume.
    frames_dice : float
        Mean Dice between raters who drew the same frames, of one subject.
    printed : float
        The printed one of frames.
    **options
        rng, resamples and level of the bootstrap over subjects.

    Returns
    -------
    list of Finding
        One; the interval holds the spread of volumes only.
    """
    mean = statistics.bootstrap_mean_by_subject(
        volumes.dice, volumes.subject_id.to_numpy(str), **options
    )
    return [
        Finding(
            "S7a", "Slice-wise annotation is less consistent than annotation in 3D",
            "Paper, section 7", "raters", "raters of volumes", "raters of frames",
            "Dice between raters", mean.mean, frames_dice, mean.low - frames_dice,
            mean.high - frames_dice, mean.subject_count, "subjects", printed_b=printed,
            note="frames: one subject, drawn independently, no spread; volumes: both raters "
            "corrected the same masks of model 3.1; Dice of areas against Dice of volumes",
        )
    ]  # fmt: skip


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


def grey_findings(greys: pd.DataFrame, *, frame_count: int) -> list[Finding]:
    """Return what the mean grey values say of 131, 106 and 69.

    Parameters
    ----------
    greys : pandas.DataFrame
        Of `grey_means`.
    frame_count : int
        Training frames.

    Returns
    -------
    list of Finding
        Z131 is never decided: grey levels are the simulation's. Z106 holds if zeros darken a
        stack of five frames by as much as printed (106 of 131). Z69 holds if volumes are darker
        than frames.
    """
    means = greys.groupby("model_id")[["mean", "zero_filled_mean", "printed_mean"]].mean()
    frame, context, volume = (means.loc[model] for model in (_FRAME, _CONTEXT, _VOLUME))
    darker = 1 - context["zero_filled_mean"] / context["mean"]
    wanted = 1 - context["printed_mean"] / frame["printed_mean"]
    known = {"source": "Paper, appendices E and F", "measure": "mean grey level", "n": frame_count}
    known |= {"unit": "training frames"}
    return [
        Finding(
            "Z131", "Frames have a mean grey level of 131", part="2.1", a="ours", b="printed",
            value_a=frame["mean"], value_b=frame["printed_mean"], low=_NAN, high=_NAN,
            printed_b=frame["printed_mean"], note="grey levels are the simulation's", **known,
        ),
        Finding(
            "Z106", "Zeros in place of missing neighbours explain 106 of 131 (2.5D)",
            part="mean of five channels", a="darkening by zeros", b="printed darkening",
            value_a=darker, value_b=wanted, low=darker - wanted, high=darker - wanted,
            margin=_RATIO_MARGIN, printed_b=wanted,
            note="from the share of training frames without a neighbour: no sampling, no "
            "interval; the middle channel misses none, yet 106 is printed for each",
            **(known | {"measure": "share of the mean grey level"}),
        ),
        Finding(
            "Z69", "Volumes (69) are darker than frames (131): unknown voxels are 0",
            part="2.1 against 3.1", a="frames", b="volumes", value_a=frame["mean"],
            value_b=volume["mean"], low=frame["mean"] - volume["mean"],
            high=frame["mean"] - volume["mean"], printed_a=frame["printed_mean"],
            printed_b=volume["printed_mean"], note="means of all training data: no interval",
            **known,
        ),
    ]  # fmt: skip
