"""The paper's sentences on learning curves and raters, as findings.

Decides how steady a learning curve is, and when a model is "comparable" to raters. Sentences on
Dice of models alone are in `claims`, on grey values in `grey_claims`, what a verdict is in
`claim_verdicts`.
"""

from __future__ import annotations

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
_HIGH = networks.MODEL_2D_HIGH_RESOLUTION
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
