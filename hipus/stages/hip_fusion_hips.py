"""One hip from its p_a and its p_d sweep, beside each sweep alone and beside truth. No stage.

Decides what is compared: each sweep by the poses it had, and the fused hip, measured by one
function in the sweep that shows the roof; near the head, registration and drift before (placed as
rigid bodies) and after. Whoever labelled labels anew after refinement. A pair that cannot be fused
stays as a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import config, geometry, tables
from hipus.formats.cohort_layout import TRUTH, Cohort
from hipus.fusion.fuse import Fusion, LabelledSweep, fuse_sweeps
from hipus.fusion.hip_errors import (
    TrueSweep,
    head_drift_mm,
    shape_error,
    shell_targets,
    target_error,
)
from hipus.fusion.labelled_sweep import Relabel
from hipus.fusion.trajectories import PREDICTED as PREDICTED_SPREAD
from hipus.fusion.trajectories import TRACKED as TRACKED_SPREAD
from hipus.reconstruction.label_volumes import SweepVolume
from hipus.reconstruction.pose_agreement import picture_points
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, make_sweep_volume
from hipus.stages import mask_volumes
from hipus.stages.hip_cells import (
    MODEL_ID,
    MODEL_MASKS,
    TRUTH_MASKS,
    grey_of,
    measured,
    true_head,
)
from hipus.stages.hip_fusion_dice import known_share, true_hip
from hipus.stages.placed_sweeps import PREDICTED, TRACKED, PlacedSweep, open_all_ways

KINDS = ("p_a", "p_d")
FUSED = "fused"
WAYS = (*KINDS, FUSED)
POSES, MASKS = (PREDICTED, TRACKED), (TRUTH_MASKS, MODEL_MASKS)
SPREADS = {PREDICTED: PREDICTED_SPREAD, TRACKED: TRACKED_SPREAD}
MEASURES = (
    "alpha_deg",
    "femoral_head_coverage_percent",
    "acetabular_contact_angle_deg",
    "head_radius_mm",
)
WHEN = BEFORE, AFTER = "before", "after"
_NEAR = ("registration_mean_mm", "registration_p95_mm", "p_a_drift_mm", "p_d_drift_mm",
         "p_a_shape_mm", "p_d_shape_mm")  # fmt: skip
DICE = ("dice_femoral_head", "dice_ilium")
NUMBERS = [
    *(f"{name}_{when}" for name in _NEAR for when in WHEN),
    *("registration_seen_share", "heads_apart_mm", "known_share", "rigid_is_believed"),
    *("factor_p_a", "factor_p_d"),
    *(f"{name}_{way}" for name in DICE for way in WAYS),
    *(f"{name}_{way}" for name in MEASURES for way in (*WAYS, "truth")),
]
TEXT = ["fusion_refusal", *(f"alpha_refusal_{way}" for way in WAYS)]
KEY = ["subject_id", "side", "poses", "masks"]
NAMED = ["subject_id", "side", "cohort", "poses", "masks", "pose_arm", "p_a_sweep", "p_d_sweep"]
COLUMNS = [*NAMED, *NUMBERS, *TEXT]


@dataclass(frozen=True, eq=False)
class HipPair:
    """Both sweeps of one hip.

    Attributes
    ----------
    subject_id, side, cohort : str
    rows : mapping of str to pandas.Series
        Of `motion_data.sweep_rows`, by `KINDS`.
    """

    subject_id: str
    side: str
    cohort: str
    rows: Mapping[str, pd.Series]

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.side} hip of {self.subject_id}"


@dataclass(frozen=True, eq=False)
class FusedPair:
    """One way of placing and of labelling a hip's two sweeps, and what came of it.

    Attributes
    ----------
    poses, masks : str
    placed : tuple of 2 PlacedSweep
    labelled : tuple of 2 LabelledSweep
    fusion : Fusion or None
    refusal : str
        Why there is none; "" otherwise.
    """

    poses: str
    masks: str
    placed: tuple[PlacedSweep, PlacedSweep]
    labelled: tuple[LabelledSweep, LabelledSweep]
    fusion: Fusion | None
    refusal: str


def measure_hip_pair(pair: HipPair, *, study: config.Study, cohort: Cohort) -> list[dict]:
    """Fuse a hip's sweeps by all poses and masks, and compare with truth.

    Parameters
    ----------
    pair : HipPair
    study : Study
    cohort : Cohort
        Simulated.

    Returns
    -------
    list of dict
        Rows of table hip_fusion, `COLUMNS`.
    """
    found = fuse_all_ways(pair, study=study, cohort=cohort)
    return [row_of(one, pair, cohort) for one in found]


def fuse_all_ways(
    pair: HipPair, *, study: config.Study, cohort: Cohort, poses=POSES, masks=MASKS
) -> list[FusedPair]:
    """Place, label and fuse a hip's sweeps by each kind of poses and of masks.

    Parameters
    ----------
    pair : HipPair
    study : Study
    cohort : Cohort
    poses, masks : sequence of str
        Some of `POSES` and `MASKS`.

    Returns
    -------
    list of FusedPair
    """
    opened = [open_all_ways(cohort, pair.rows[k], study=study, poses=poses) for k in KINDS]
    found = []
    for name in poses:
        placed = tuple(one[name] for one in opened)
        found += [_fused(placed, kind, study) for kind in masks]
    return found


def labeller(masks: str, study: config.Study) -> Relabel:
    """Return what labels a sweep's volume.

    Parameters
    ----------
    masks : str
        One of `MASKS`.
    study : Study

    Returns
    -------
    callable
        From a volume to its labels.
    """

    def by_truth(volume: SweepVolume) -> np.ndarray:
        return volume.labels[TRUTH_LABELS]

    def by_model(volume: SweepVolume) -> np.ndarray:
        return mask_volumes.segment_volume(study, MODEL_ID, grey_of(volume))

    return by_truth if masks == TRUTH_MASKS else by_model


def _fused(placed: tuple[PlacedSweep, PlacedSweep], masks: str, study) -> FusedPair:
    """Label and fuse one pair, or say why not."""
    label, sizes = labeller(masks, study), study.sweep_volumes
    labelled = []
    for one in placed:
        volume = make_sweep_volume(
            one.sweep, spacing_mm=sizes.spacing_mm, widest_gap_mm=sizes.widest_gap_mm
        )
        labelled.append(LabelledSweep(one.sweep, volume, label(volume)))
    poses = placed[0].poses
    fusion, refusal = None, ""
    try:
        fusion = fuse_sweeps(*labelled, spreads=(SPREADS[poses],) * 2, relabel=label)
    except ValueError as why:
        refusal = str(why)
    return FusedPair(poses, masks, placed, tuple(labelled), fusion, refusal)


def row_of(found: FusedPair, pair: HipPair, cohort: Cohort) -> dict:
    """Return one row of table hip_fusion.

    Parameters
    ----------
    found : FusedPair
    pair : HipPair
    cohort : Cohort

    Returns
    -------
    dict
        `COLUMNS`; numbers NaN where there is no fusion or a measure is refused.
    """
    row = dict.fromkeys(NUMBERS, np.nan) | dict.fromkeys(TEXT, "")
    row |= {"subject_id": pair.subject_id, "side": pair.side, "cohort": pair.cohort}
    row |= {"poses": found.poses, "masks": found.masks, "fusion_refusal": found.refusal}
    row["pose_arm"] = "; ".join(sorted({one.pose_arm for one in found.placed}))
    row |= {f"{kind}_sweep": pair.rows[kind].sweep_id for kind in KINDS}
    row |= true_measures(cohort, pair)
    volumes = dict(zip(KINDS, ((one.labels, one.volume) for one in found.labelled), strict=True))
    if found.fusion is not None:
        volumes[FUSED] = found.fusion.roof.labels, found.fusion.roof.volume
        row |= _near_head(found, pair, cohort) | _diagnostics(found.fusion)
        row |= _overlap(found, pair, cohort)
    for way, (labels, volume) in volumes.items():
        values = measured(labels, volume, pair.side)
        row |= {f"{name}_{way}": values[name] for name in MEASURES}
        row[f"alpha_refusal_{way}"] = values["alpha_refusal"]
    return row


def true_measures(cohort: Cohort, pair: HipPair) -> dict[str, float]:
    """Return a hip's true measures, by the names of the table's columns."""
    path = cohort.folder / TRUTH / "hips.csv"
    hips = tables.read(path, columns=MEASURES, dtype={"subject_id": str})
    hip = hips[(hips.subject_id == pair.subject_id) & (hips.side == pair.side)].iloc[0]
    return {f"{name}_truth": float(hip[name]) for name in MEASURES}


def _near_head(found: FusedPair, pair: HipPair, cohort: Cohort) -> dict[str, float]:
    """Return registration error, drift and shape near the head, before and after."""
    head_mm, radius_mm = true_head(cohort, pair.rows[KINDS[0]])
    fusion, targets = found.fusion, shell_targets(head_mm, radius_mm)
    ways = {
        BEFORE: (
            [one.sweep.T_centre_to_world for one in found.labelled],
            fusion.diagnostics.rigid.T_second_to_first,
        ),
        AFTER: ([fusion.T_first_to_world, fusion.T_second_to_world], fusion.T_second_to_first),
    }
    row = {}
    for when, (poses, T_second_to_first) in ways.items():
        sweeps = [TrueSweep(T, one.T_centre_to_hip)
                  for T, one in zip(poses, found.placed, strict=True)]  # fmt: skip
        error = target_error(*sweeps, T_second_to_first, targets_mm=targets)
        row[f"registration_mean_mm_{when}"] = error.mean_mm
        row[f"registration_p95_mm_{when}"] = error.p95_mm
        row["registration_seen_share"] = error.seen_share
        for kind, one, placed in zip(KINDS, sweeps, found.placed, strict=True):
            points = picture_points(placed.sweep.frames.shape[1:], placed.sweep.pixel_spacing_xy_mm)
            row[f"{kind}_drift_mm_{when}"] = head_drift_mm(
                one, points, head_mm=head_mm, radius_mm=radius_mm
            )
            row[f"{kind}_shape_mm_{when}"] = shape_error(one, targets_mm=targets).mean_mm
    return row


def _diagnostics(fusion: Fusion) -> dict[str, float]:
    """Return what needs no truth."""
    told = fusion.diagnostics
    factors = zip(KINDS, told.joint.factors, strict=True)
    return {
        "heads_apart_mm": told.heads_apart_mm,
        "rigid_is_believed": float(told.rigid.is_believed),
        **{f"factor_{kind}": factor for kind, factor in factors},
    }


def _overlap(found: FusedPair, pair: HipPair, cohort: Cohort) -> dict[str, float]:
    """Return Dice of each sweep alone and of the fused hip in one grid, and what is known."""
    head_mm, radius_mm = true_head(cohort, pair.rows[KINDS[0]])
    spacing_mm = found.labelled[0].volume.grid.spacing_xyz_mm[0]
    truth = true_hip(found.placed, head_mm=head_mm, radius_mm=radius_mm, spacing_mm=spacing_mm)
    fusion, row = found.fusion, {}
    shown = [
        (kind, one.labels, one.volume.grid, one.sweep.T_centre_to_world, placed)
        for kind, one, placed in zip(KINDS, found.labelled, found.placed, strict=True)
    ]
    volume = fusion.volume
    shown.append((FUSED, volume.labels, volume.grid, fusion.T_first_to_world, found.placed[0]))
    for way, labels, grid, T, placed in shown:
        scores = truth.dice(labels, grid, sweep=TrueSweep(T, placed.T_centre_to_hip))
        row |= {f"{name}_{way}": score for name, score in zip(DICE, scores, strict=True)}
    first = TrueSweep(fusion.T_first_to_world, found.placed[0].T_centre_to_hip)
    row["known_share"] = known_share(
        volume, geometry.invert(truth.hip_to(first)), head_mm=head_mm, radius_mm=radius_mm
    )
    return row
