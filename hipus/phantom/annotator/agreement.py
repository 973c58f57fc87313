"""How well raters agree, and the fit of a rater to printed agreement.

Decides what agreement means (Dice frame by frame, then means) and how the typical rater's
errors were found. The printed values arrive as arguments: they are inputs of the simulation,
so that agreement of simulated raters confirms nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hipus.metrics import dice_per_label
from hipus.phantom.annotator.rater import DRAWN, TYPICAL, Rater, draw_rater
from hipus.phantom.annotator.slices import annotate_slicewise
from hipus.seeds import generator

log = logging.getLogger(__name__)

#: Where the fit looks for displacement SDs, mm.
SEARCHED_MM = (0.03, 1.0)


@dataclass(frozen=True)
class RaterCase:
    """One sweep that several raters annotate.

    Attributes
    ----------
    frames, truth_masks : numpy.ndarray (N, H, W) uint8
    pixel_side_mm : float
    frame_indices : numpy.ndarray (N,)
        Positions within the sweep: the paper's raters drew every third frame.
    """

    frames: np.ndarray
    truth_masks: np.ndarray
    pixel_side_mm: float
    frame_indices: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """Mean Dice of pairs of raters.

    Attributes
    ----------
    dice : numpy.ndarray (4,) float64
        Per structure in the order of `DRAWN`: mean over sweeps, pairs and the frames in which
        at least one of the two drew it (0 where only one did).
    frame_count : numpy.ndarray (4,) int64
        How many frames that were.
    """

    dice: np.ndarray
    frame_count: np.ndarray

    @property
    def mean(self) -> float:
        """Return the mean over the four structures."""
        return float(self.dice.mean())


@dataclass(frozen=True)
class RaterFit:
    """A fitted typical rater.

    Attributes
    ----------
    rater : Rater
    agreement : Agreement
        Reached by it, with the seed of the fit.
    target_dice : numpy.ndarray (4,) float64
    """

    rater: Rater
    agreement: Agreement
    target_dice: np.ndarray


def target_dice(*, mean: float, ilium: float, head: float) -> np.ndarray:
    """Return one wanted Dice per structure from the three printed ones.

    Parameters
    ----------
    mean, ilium, head : float
        Over the four structures, of the ilium, of the femoral head.

    Returns
    -------
    numpy.ndarray (4,) float64
        In the order of `DRAWN`; border and cortex share what is left equally, since nothing
        more is printed.

    Raises
    ------
    ValueError
        If what is left is no Dice between 0 and 1.
    """
    rest = (len(DRAWN) * mean - ilium - head) / 2
    wanted = np.array([ilium, head, rest, rest])
    if not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(f"target Dice must be between 0 and 1, got {wanted} from mean {mean}")
    return wanted


def measure_agreement(
    cases: Sequence[RaterCase], typical: Rater = TYPICAL, *, seed: int, pairs: int = 2
) -> Agreement:
    """Let pairs of drawn raters annotate sweeps, and compare them frame by frame.

    Parameters
    ----------
    cases : sequence of RaterCase
    typical : Rater
        Centre of the population that raters are drawn from.
    seed : int
        Equal seeds give equal raters and equal noise whatever `typical` is, so that two
        typical raters are compared on the same draws.
    pairs : int
        Of raters for each sweep.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If there are no cases or pairs, or nobody drew some structure.
    """
    if not len(cases) or pairs < 1:
        raise ValueError(f"cases and pairs must be at least 1, got {len(cases)} and {pairs}")
    scores = np.concatenate(
        [
            _pair_scores(case, typical, seed, unit=(index, pair))
            for index, case in enumerate(cases)
            for pair in range(pairs)
        ]
    )
    count = (~np.isnan(scores)).sum(axis=0)
    if not count.all():
        raise ValueError(f"cases must show all structures, got {count} frames of {DRAWN}")
    return Agreement(np.nanmean(scores, axis=0), count)


def _pair_scores(case: RaterCase, typical: Rater, seed: int, *, unit) -> np.ndarray:
    """Return the Dice of two raters, (N, 4), NaN where neither drew the structure."""
    drawn = []
    for who in ("first", "second"):
        rater = draw_rater(generator(seed, "rater", *unit, who), typical)
        result = annotate_slicewise(
            case.frames,
            case.truth_masks,
            pixel_side_mm=case.pixel_side_mm,
            rater=rater,
            rng=generator(seed, "annotation", *unit, who),
            frame_indices=case.frame_indices,
        )
        drawn.append(result.masks)
    return np.array([dice_per_label(*masks, DRAWN) for masks in zip(*drawn, strict=True)])


def fit_rater(
    cases: Sequence[RaterCase],
    wanted_dice,
    *,
    seed: int,
    start: Rater = TYPICAL,
    pairs: int = 2,
    iterations: int = 6,
) -> RaterFit:
    """Find the displacement SDs at which two raters agree as wanted.

    Parameters
    ----------
    cases : sequence of RaterCase
    wanted_dice : array-like (4,)
        In the order of `DRAWN`, see `target_dice`.
    seed : int
    start : Rater
        Everything but the four SDs is taken from it.
    pairs, iterations : int

    Returns
    -------
    RaterFit

    Raises
    ------
    ValueError
        If the wanted Dice are not 4 numbers between 0 and 1.

    Notes
    -----
    Bisection of log SD within `SEARCHED_MM`, for all structures at once: each structure's
    Dice falls with its own SD and depends on the others only where they cover it. Raters and
    noise are the same in every iteration. A step halves the range: six leave 5 % of an SD.
    """
    wanted = np.asarray(wanted_dice, np.float64)
    if wanted.shape != (len(DRAWN),) or not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(f"wanted_dice must be {len(DRAWN)} numbers in (0, 1), got {wanted_dice}")
    low, high = (np.full(len(DRAWN), np.log(limit)) for limit in SEARCHED_MM)
    for step in range(iterations):
        middle = 0.5 * (low + high)
        reached = measure_agreement(cases, _with_sd(start, middle), seed=seed, pairs=pairs)
        too_good = reached.dice > wanted
        low, high = np.where(too_good, middle, low), np.where(too_good, high, middle)
        log.info("step %d: Dice %s at %s mm", step, reached.dice, np.exp(middle))
    rater = _with_sd(start, 0.5 * (low + high))
    return RaterFit(rater, measure_agreement(cases, rater, seed=seed, pairs=pairs), wanted)


def _with_sd(rater: Rater, log_sd: np.ndarray) -> Rater:
    """Return the rater with other displacement SDs."""
    names = ("ilium_sd_mm", "head_sd_mm", "border_sd_mm", "cortex_sd_mm")
    return replace(rater, **dict(zip(names, np.exp(log_sd).tolist(), strict=True)))
