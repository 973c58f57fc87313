"""The paper's sentences on its rounds: streaks, effort of correcting, typical failures.

Decides which counts of streaks, effort and failures test which sentence, as differences with
intervals over subjects. Minutes are a stated model's (see `effort`), so that each sentence on
effort is also asked of the plain count of changed voxels. Reads no table of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus import statistics
from hipus.segmentation import networks
from hipus.segmentation.claim_verdicts import Finding
from hipus.segmentation.claims import STAGED

_KEY = ["subject_id", "sweep_id"]
_2D, _REFINED = networks.MODEL_2D_HIGH_RESOLUTION, networks.MODEL_3D_REFINED
_ALONG, _WITHIN = "roughness_elevational_mm", "roughness_in_plane_mm"
_STREAKS = "Masks reconstructed from 2D show stepped, streak-like artefacts across slices"
_START = "Coarse 3D masks are a valuable start: raters only correct and complete them"
_FAILURES = "Typical failures are incomplete bone and artefacts of irregular probe movement"
_ROUGH, _MM3, _MINUTES = "roughness along the sweep, mm", "changed mm3", "simulated minutes"
_COST = "minutes by a stated model of cost: nobody was timed"


def streak_findings(streaks: pd.DataFrame, *, truth: str, **options) -> list[Finding]:
    """Return whether masks of frames put into volumes are streaky.

    Parameters
    ----------
    streaks : pandas.DataFrame
        subject_id, sweep_id, model_id, structure and the numbers of `streaks.Streaks`.
    truth : str
        The model_id of the truth put through the same reconstruction.
    **options
        rng, resamples and level of the bootstrap over subjects.

    Returns
    -------
    list of Finding
        Neighbouring slices agree less than the truth's; surfaces are rougher along the sweep
        than the truth's and than those of model 3.2; and more is added along the sweep than
        within slices. A structure counts where both volumes show it.
    """
    masks, true, refined = (_of_model(streaks, name) for name in (_2D, truth, _REFINED))
    added = {name: _difference(masks[name], true[name]) for name in (_ALONG, _WITHIN)}
    source, note = "Paper, section 6.4", "means over structures that both volumes show"
    parts = (
        ("neighbouring slices, against truth", "truth", _2D, "Dice of neighbouring slices",
         (true.slice_dice, masks.slice_dice)),
        ("along the sweep, against truth", _2D, "truth", _ROUGH, (masks[_ALONG], true[_ALONG])),
        (f"along the sweep, against {_REFINED}", _2D, _REFINED, _ROUGH,
         (masks[_ALONG], refined[_ALONG])),
        ("along the sweep more than within slices", f"{_2D} above truth, along",
         f"{_2D} above truth, within", "roughness, mm", (added[_ALONG], added[_WITHIN])),
    )  # fmt: skip
    about = ("S64a", _STREAKS, source)
    return [
        _paired((*about, *names), a=a, b=b, note=note, **options)
        for *names, (a, b) in parts
    ]  # fmt: skip


def start_findings(effort: pd.DataFrame, *, prior: str, nothing: str, **options) -> list[Finding]:
    """Return whether correcting a coarse mask is less work than drawing from nothing.

    Parameters
    ----------
    effort : pandas.DataFrame
        `volume_effort_first`.
    prior, nothing : str
        Names of the coarse masks and of an empty beginning in column prior.
    **options
        rng, resamples and level of the bootstrap over subjects.

    Returns
    -------
    list of Finding
        What is changed against what is labelled in the end (all of it is changed by who begins
        with nothing), on the same volumes; and minutes, on different ones. Nothing where no
        coarse mask was corrected.
    """
    rows = effort[effort.prior == prior].set_index(_KEY)
    if rows.empty:
        return []
    about = ("S64b", _START, "Paper, section 6.4")
    names = ("voxels", "drawn from nothing", "corrected", _MM3)
    note = "same volumes: who begins with nothing changes all that is labelled in the end"
    found = [_paired((*about, *names), a=rows.labelled_mm3, b=rows.changed_mm3, note=note,
                     **options)]  # fmt: skip
    drawn = effort[effort.prior == nothing].minutes_simulated
    if len(drawn):
        whole = pd.Series(drawn.mean(), index=rows.index)
        names = ("minutes", "drawn from nothing", "corrected", _MINUTES)
        note = f"{_COST}; {len(drawn)} other volumes were drawn from nothing, without spread"
        found.append(_paired((*about, *names), a=whole, b=rows.minutes_simulated, note=note,
                             **options))  # fmt: skip
    return found


def staged_findings(first: pd.DataFrame, refined: pd.DataFrame, **options) -> list[Finding]:
    """Return whether the second round is less work than the first, and than none before it.

    Parameters
    ----------
    first, refined : pandas.DataFrame
        Effort of one rater on volumes that both rounds corrected or only the second one.
    **options
        rng, resamples and level of the bootstrap over subjects.

    Returns
    -------
    list of Finding
        Minutes of the first round against the second, on volumes that both corrected; voxels
        changed in the second against all that is labelled. Nothing where no volume is in both.
    """
    both = first.merge(refined, on=_KEY, suffixes=("_first", "_refined")).set_index(_KEY)
    if both.empty:
        return []
    rows = refined.set_index(_KEY)
    about = (STAGED.claim_id, STAGED.text, STAGED.source)
    return [
        _paired((*about, "minutes, round by round", "first round", "second round", _MINUTES),
                a=both.minutes_simulated_first, b=both.minutes_simulated_refined,
                note=f"same volumes; {_COST}", **options),
        _paired((*about, "voxels, against nothing", "drawn from nothing", "second round", _MM3),
                a=rows.labelled_mm3, b=rows.changed_mm3,
                note="same volumes; frames, first round and trainings are not counted",
                **options),
    ]  # fmt: skip


def failure_findings(
    grades: pd.DataFrame, kinds: Sequence[str], *, between: str, **options
) -> list[Finding]:
    """Return whether the named kinds of failure are the network's.

    Parameters
    ----------
    grades : pandas.DataFrame
        `volume_grades`, of volumes whose truth was graded too.
    kinds : sequence of str
        Kinds of failure that the sentence names.
    between : str
        What stands between kinds in a cell.
    **options
        rng, resamples and level of the bootstrap over subjects.

    Returns
    -------
    list of Finding
        The share of volumes that show each kind, against their truth, which lacks what the
        sweep itself lacks; nothing without volumes.
    """
    if grades.empty:
        return []
    rows = grades.set_index(_KEY)
    own, true = (rows[name].map(lambda cell: cell.split(between))
                 for name in ("failures", "failures_of_truth"))  # fmt: skip
    others = own.explode().value_counts().drop(["", *kinds], errors="ignore") / len(rows)
    beside = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in others.items())
    about = ("S64e", _FAILURES, "Paper, section 6.4")
    return [
        _paired(
            (*about, kind.replace("_", " "), f"masks of {_REFINED}", "truth", "share of volumes"),
            a=own.map(lambda cell, name=kind: float(name in cell)),
            b=true.map(lambda cell, name=kind: float(name in cell)),
            note=f"rules of form, no reader; other kinds in masks: {beside or 'none'}", **options,
        )
        for kind in kinds
    ]  # fmt: skip


def _of_model(streaks: pd.DataFrame, model_id: str) -> pd.DataFrame:
    """Return the numbers of one model by volume and structure."""
    rows = streaks[streaks.model_id == model_id]
    return rows.set_index([*_KEY, "structure"])[["slice_dice", _ALONG, _WITHIN]]


def _difference(first: pd.Series, second: pd.Series) -> pd.Series:
    """Return a difference where both are known."""
    return (first - second.reindex(first.index)).dropna()


def _paired(names: Sequence[str], *, a: pd.Series, b: pd.Series, note: str, **options) -> Finding:
    """Return the finding of two numbers on the same volumes.

    `names` are claim_id, claim, source, part, a, b and measure. Rows of a volume are averaged,
    then volumes; subjects are resampled with all their volumes.
    """
    pairs = pd.DataFrame({"a": a, "b": b}).dropna().groupby(_KEY).mean()
    if pairs.empty:
        nothing = (np.nan,) * 4
        return Finding(*names, *nothing, n=0, unit="subjects", note=note)
    subjects = pairs.index.get_level_values("subject_id").to_numpy(str)
    mean = statistics.bootstrap_mean_by_subject((pairs.a - pairs.b).to_numpy(), subjects, **options)
    value_a, value_b = pairs.mean()
    return Finding(
        *names, float(value_a), float(value_b), mean.low, mean.high, n=mean.subject_count,
        unit="subjects", note=note,
    )  # fmt: skip
