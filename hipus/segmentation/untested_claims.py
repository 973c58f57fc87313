"""Sentences of the paper on segmentation that this study cannot test, with what is known.

Decides which sentences have no verdict, and says why: their subject is not part of the study, or
the answer was put into the simulation, or the sentence states a rule. What is an input is never
told as confirmed. Sentences that can be tested are in `claims`, `further_claims` and
`round_claims`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.segmentation.claim_verdicts import Finding
from hipus.segmentation.claims import BORDER, CORTEX, HEAD, ILIUM

_NAN = float("nan")
_INPUT = (
    "an input: simulated raters' errors were set to the printed agreement, in which border and "
    "cortex share one mean"
)
_RATERS = "Dice between raters"


def rater_inputs(agreement: pd.DataFrame) -> list[Finding]:
    """Return what raters' agreement by structure is, which was put in.

    Parameters
    ----------
    agreement : pandas.DataFrame
        `inter_rater`: structure, dice, published_dice and frame_count.

    Returns
    -------
    list of Finding
        Of S521a and S521b; nothing where no frame was drawn twice.
    """
    rows = agreement.set_index("structure")
    needed = [ILIUM, HEAD, BORDER, CORTEX]
    if not set(needed) <= set(rows.index) or rows.dice[needed].isna().any():
        return []
    count = int(rows.frame_count[needed].max())
    reliable = "Bony and cartilaginous interfaces are drawn reliably; the head needs interpretation"
    order = "Raters agree least on the ilium, which is narrow, and most on the femoral head"
    interfaces, rest = [ILIUM, BORDER, CORTEX], {HEAD: [ILIUM, BORDER, CORTEX]}
    rest[ILIUM] = [HEAD, BORDER, CORTEX]
    asked = (
        ("S521a", reliable, "interfaces and head", "mean of the interfaces", "femoral head",
         lambda dice: (dice[interfaces].mean(), dice[HEAD])),
        ("S521b", order, "ilium lowest", "next lowest structure", "ilium",
         lambda dice: (dice[rest[ILIUM]].min(), dice[ILIUM])),
        ("S521b", order, "head highest", "femoral head", "next highest structure",
         lambda dice: (dice[HEAD], dice[rest[HEAD]].max())),
    )  # fmt: skip
    return [
        _untested(
            claim, text, "Paper, section 5.2.1", part, a, b, _RATERS, sides(rows.dice),
            printed=sides(rows.published_dice), n=count, unit="frames of one subject", note=_INPUT,
        )
        for claim, text, part, a, b, sides in asked
    ]  # fmt: skip


def pseudo_labels(labelled: pd.DataFrame, ends: pd.DataFrame) -> list[Finding]:
    """Return how many frames raters drew, and how many have a label by a network.

    Parameters
    ----------
    labelled : pandas.DataFrame
        subject_id, sweep_id and frame_index of frames that raters drew.
    ends : pandas.DataFrame
        subject_id, sweep_id, trim_start and trim_stop of sweeps.

    Returns
    -------
    list of Finding
        One, true by construction; nothing where nobody drew a frame.
    """
    drawn = ends.merge(labelled[["subject_id", "sweep_id"]].drop_duplicates())
    frames = int((drawn.trim_stop - drawn.trim_start).sum())
    if not frames:
        return []
    return [
        _untested(
            "S64c", "Pseudo-labels cover every frame, though every third was annotated",
            "Paper, section 6.4", "share of frames", "with a pseudo-label", "annotated",
            "share of frames", (1.0, len(labelled) / frames), n=frames,
            unit="frames of annotated sweeps",
            note="true by construction: stage first_masks labels every frame; how good they are "
            "is told by S64a and S64b",
        )
    ]  # fmt: skip


def not_part_of_the_study() -> list[Finding]:
    """Return the sentences for which nothing is measured here.

    Returns
    -------
    list of Finding
        Without numbers.
    """
    nothing = (_NAN, _NAN)
    return [
        _untested(
            "S522a", "Zero-shot and interactive models are substantially worse than nnU-Net",
            "Paper, section 5.2.2", "", "nnU-Net", "zero-shot and interactive models", "", nothing,
            note="no such model is part of this study",
        ),
        _untested(
            "C1", "2D Dice on slices interpolated from 3D means little and is avoided",
            "Paper, appendix C", "", "", "", "", nothing,
            note="a rule, which is kept: frames are judged as frames, volumes as volumes",
        ),
    ]  # fmt: skip


def _untested(
    *names, printed=(_NAN, _NAN), n: int = 0, unit: str = "", note: str
) -> Finding:  # fmt: skip
    """Return a finding that decides nothing; the last of `names` are the two numbers."""
    *words, values = names
    return Finding(
        *words, *map(float, values), low=np.nan, high=np.nan, n=n, unit=unit, note=note,
        printed_a=float(printed[0]), printed_b=float(printed[1]), is_testable=False,
    )  # fmt: skip
