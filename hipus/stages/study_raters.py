"""The simulated persons who annotate the study. No stage of its own.

Decides who they are and that they stay the same: A draws frames and B reviews them, C corrects
volumes and D does so independently. Each is drawn once from the study's seed, whatever is
annotated, and has one lasting idea of each hip.
"""

from __future__ import annotations

from hipus.phantom.annotator.idea import Misconception, draw_misconception
from hipus.phantom.annotator.rater import TYPICAL, Rater, draw_rater
from hipus.seeds import generator

DRAWS, REVIEWS = "A", "B"
CORRECTS, SECOND = "C", "D"


def person(seed: int, name: str) -> Rater:
    """Return a rater of the study.

    Parameters
    ----------
    seed : int
        The study's.
    name : str
        "A" to "D".

    Returns
    -------
    Rater
    """
    return draw_rater(generator(seed, "rater", name), TYPICAL)


def idea_of_hip(seed: int, name: str, *, subject_id: str, side: str, ndim: int) -> Misconception:
    """Return what a rater believes wrongly about one hip.

    Parameters
    ----------
    seed : int
    name : str
        The rater's.
    subject_id, side : str
        The hip: all its sweeps are seen with one idea.
    ndim : int
        2 for frames, 3 for volumes.

    Returns
    -------
    Misconception
    """
    rng = generator(seed, "misconception", name, subject_id, side, ndim)
    return draw_misconception(person(seed, name), rng, ndim=ndim)
