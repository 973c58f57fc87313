"""The control arm: what the best single frame of a sweep measures in 2D. No stage of its own.

Decides the best frame as somebody does who freezes a picture: of the frames in which Graf's
lines can be drawn, the one that misses fewest points of his checklist, and among these the one
that cuts the head widest. Masks choose, never truth, unless truth itself is the mask. The frame
that the model's masks choose is also what the simulated rater draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus import config
from hipus.morphometry.graf_section import SectionMeasures, measure_section
from hipus.morphometry.section_quality import NOT_MET
from hipus.phantom.annotator.slices import annotate_slicewise
from hipus.seeds import generator
from hipus.segmentation import networks
from hipus.segmentation.sweep_volumes import StudySweep
from hipus.stages import mask_volumes
from hipus.stages.hip_cells import MODEL_MASKS, SCHEME, TRUTH_MASKS
from hipus.stages.study_raters import SECOND, idea_of_hip, person

#: The 2D network with the best masks of validation frames.
MODEL_ID = networks.MODEL_2D
COLUMNS = ["masks", "frame_index", "plane_score", "alpha_deg", "femoral_head_coverage_percent",
           "alpha_refusal"]  # fmt: skip


@dataclass(frozen=True)
class BestFrame:
    """The frame that was chosen.

    Attributes
    ----------
    index : int
        Of the sweep's frames that count.
    score : float
        Share of the checklist that is not missed, plus the head's width as a share of its
        widest: 0 to 2.
    found : SectionMeasures
    """

    index: int
    score: float
    found: SectionMeasures


def measure_frames(sweep: StudySweep, row, *, study: config.Study, masks) -> list[dict]:
    """Measure the best single frame of a sweep by each kind of masks.

    Parameters
    ----------
    sweep : StudySweep
        Its poses are not looked at.
    row : named tuple or pandas.Series
        subject_id, sweep_id, side.
    study : Study
    masks : sequence of str
        Some of `hip_cells.MASKS`.

    Returns
    -------
    list of dict
        A row of `COLUMNS` per kind; numbers NaN and a refusal where no frame can be measured.
    """
    by_model = best_frame(
        mask_volumes.segment_frames(study.profile, MODEL_ID, sweep), sweep.pixel_spacing_xy_mm
    )
    rows = []
    for name in masks:
        if name == MODEL_MASKS:
            best = by_model
        elif name == TRUTH_MASKS:
            best = best_frame(sweep.masks, sweep.pixel_spacing_xy_mm)
        else:
            best = _drawn(sweep, row, by_model, study)
        rows.append({"masks": name, **_told(best, sweep)})
    return rows


def best_frame(masks: np.ndarray, spacing_xy_mm: tuple[float, float]) -> BestFrame | None:
    """Return the best frame of a sweep for Graf's lines.

    Parameters
    ----------
    masks : numpy.ndarray (N, H, W) uint8
        Scheme hip.
    spacing_xy_mm : tuple of 2 float

    Returns
    -------
    BestFrame or None
        None where no frame shows what the lines need. Of equals the first.
    """
    spacing_yx_mm = tuple(reversed(spacing_xy_mm))
    found = [measure_section(mask, scheme=SCHEME, spacing_yx_mm=spacing_yx_mm) for mask in masks]
    usable = [k for k, one in enumerate(found) if not one.alpha_deg.is_refused]
    if not usable:
        return None
    widths = np.array([found[k].head_diameter_mm.value or 0.0 for k in usable])
    scores = np.array([_share_met(found[k]) for k in usable]) + widths / max(widths.max(), 1e-9)
    best = int(scores.argmax())
    return BestFrame(usable[best], float(scores[best]), found[usable[best]])


def _share_met(found: SectionMeasures) -> float:
    """Return which share of the checklist is not missed."""
    return float(np.mean([check.state != NOT_MET for check in found.checks]))


def _drawn(sweep: StudySweep, row, chosen: BestFrame | None, study: config.Study):
    """Return the chosen frame as a rater draws it on an empty picture."""
    if chosen is None:
        return None
    seed, pick = study.common.seed, slice(chosen.index, chosen.index + 1)
    drawn = annotate_slicewise(
        sweep.frames[pick], sweep.masks[pick], pixel_side_mm=sweep.pixel_spacing_xy_mm[0],
        rater=person(seed, SECOND), frame_indices=np.array([chosen.index]),
        rng=generator(seed, "hip_frames", SECOND, row.subject_id, row.sweep_id),
        misconception=idea_of_hip(seed, SECOND, subject_id=row.subject_id, side=row.side, ndim=2),
    )  # fmt: skip
    spacing_yx_mm = tuple(reversed(sweep.pixel_spacing_xy_mm))
    found = measure_section(drawn.masks[0], scheme=SCHEME, spacing_yx_mm=spacing_yx_mm)
    return BestFrame(chosen.index, chosen.score, found)


def _told(best: BestFrame | None, sweep: StudySweep) -> dict:
    """Return a row's columns of one best frame."""
    if best is None:
        why = f"in none of {len(sweep)} frames can Graf's lines be drawn"
        return dict(zip(COLUMNS[1:], (np.nan, np.nan, np.nan, np.nan, why), strict=True))
    alpha, coverage = best.found.alpha_deg, best.found.coverage_percent
    values = [np.nan if one.is_refused else one.value for one in (alpha, coverage)]
    index = best.index + sweep.first_frame
    return dict(zip(COLUMNS[1:], (index, best.score, *values, alpha.refusal or ""), strict=True))
