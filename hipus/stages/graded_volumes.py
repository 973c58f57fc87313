"""One volume labelled by model 3.2, graded, and compared with what was insonified. No stage.

Decides that a volume is made the same way whatever tells its poses, and that truth is put into
it by the same poses: Dice then says what the network does to a volume, not where tissue is. A
distorted volume shows in the grade, because rules know the size and form of hips; the grade of
the truth in the same volume says what even a faultless network could not mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import config, images
from hipus.formats.cohort_layout import Cohort
from hipus.formats.mask_files import LabelMask
from hipus.labels import HipLabel
from hipus.metrics import dice_per_label
from hipus.segmentation import networks
from hipus.segmentation.grading import GradingRules, grade
from hipus.segmentation.structure_shape import STRUCTURES, measure_structures
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, make_sweep_volume, open_study_sweep
from hipus.segmentation.volume_scores import SCHEME, read_on
from hipus.stages import mask_volumes, model_masks
from hipus.stages.grade_rules import told
from hipus.stages.graded_cases import PREDICTED, Case
from hipus.stages.sweep_volumes import truth_file, volumes_dir
from hipus.stages.untracked_poses import predict_poses

MODEL_ID = networks.MODEL_3D_REFINED
NAMED = ("subject_id", "sweep_id", "side", "sweep_type", "cohort", "centre", "variant", "group")
DICE = [f"dice_{label.name.lower()}" for label in STRUCTURES]
#: Sections are thinned to at most this many pixels a side.
_WIDEST_PX = 128


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """What is graded.

    Attributes
    ----------
    grey : hipus.images.Volume
        uint8, as networks see it.
    labels : numpy.ndarray (D, H, W) uint8
        Model 3.2's.
    truth : numpy.ndarray (D, H, W) uint8 or None
        What was insonified, by the same poses.
    pose_arm : str
    is_flipped : float
        1 where pictures were turned back, NaN where that is not known.
    """

    grey: images.Volume
    labels: np.ndarray
    truth: np.ndarray | None
    pose_arm: str
    is_flipped: float


@dataclass(frozen=True, eq=False)
class GradedVolume:
    """What is told of one volume.

    Attributes
    ----------
    row : dict
        Of table volume_grades.
    broken : list of dict
        A row per broken rule.
    sections : dict of str to numpy.ndarray
        Small pictures, see `sections`.
    """

    row: dict
    broken: list[dict]
    sections: dict[str, np.ndarray]


def grade_case(
    case: Case, *, study: config.Study, cohort: Cohort, rules: Mapping[str, GradingRules]
) -> GradedVolume:
    """Label a sweep's volume, or take its stored labels, and grade them.

    Parameters
    ----------
    case : Case
    study : Study
    cohort : Cohort
    rules : mapping of str to GradingRules
        By sweep type.

    Returns
    -------
    GradedVolume

    Raises
    ------
    ValueError
        If there are no rules for the case's sweep type, or a stored mask lies elsewhere than
        its volume.
    FileNotFoundError
        If a stored mask, the model or the sweep is missing.
    """
    if case.sweep_type not in rules:
        raise ValueError(
            f"{case}: no training truth of sweep type {case.sweep_type!r} to set its rules by, "
            f"only of {sorted(rules)}"
        )
    made = _stored(case, study) if case.is_stored else _made(case, study, cohort)
    spacing = made.grey.spacing_zyx_mm
    found = grade(measure_structures(made.labels, spacing), rules[case.sweep_type])
    key = {name: getattr(case, name) for name in NAMED}
    key |= {"poses": case.poses, "pose_arm": made.pose_arm, "is_flipped": made.is_flipped}
    row = key | told(found) | _beside_truth(made, rules[case.sweep_type])
    short = {name: key[name] for name in ("subject_id", "sweep_id", "poses")}
    broken = [short | rule for rule in found.table().to_dict("records")]
    return GradedVolume(row, broken, sections(made))


def sections(made: LabelledVolume) -> dict[str, np.ndarray]:
    """Return three sections through the middle of the head, or of all labels without one.

    Parameters
    ----------
    made : LabelledVolume

    Returns
    -------
    dict of str to numpy.ndarray
        `<plane>_grey`, `<plane>_labels` and, where known, `<plane>_truth`, (rows, columns)
        uint8, for planes lateral_axial (rows axial, columns lateral), elevational_axial (rows
        axial, columns elevational) and lateral_elevational (rows elevational, columns
        lateral); `<plane>_spacing_mm` (2,) of rows and columns.
    """
    z, y, x = _middle(made.labels)
    d_mm, h_mm, w_mm = made.grey.spacing_zyx_mm
    planes = {
        "lateral_axial": (lambda volume: volume[z], (h_mm, w_mm)),
        "elevational_axial": (lambda volume: volume[:, :, x].T, (h_mm, d_mm)),
        "lateral_elevational": (lambda volume: volume[:, y], (d_mm, w_mm)),
    }
    volumes = {"grey": made.grey.array, "labels": made.labels, "truth": made.truth}
    found = {}
    for plane, (cut, spacing_mm) in planes.items():
        step = -(-max(cut(made.labels).shape) // _WIDEST_PX)
        found[f"{plane}_spacing_mm"] = step * np.array(spacing_mm)
        for name, volume in volumes.items():
            if volume is not None:
                found[f"{plane}_{name}"] = np.ascontiguousarray(cut(volume)[::step, ::step])
    return found


def _middle(labels: np.ndarray) -> np.ndarray:
    """Return the voxel in the middle of the head, else of all labels, else of the volume."""
    for shown in (labels == HipLabel.FEMORAL_HEAD, labels > 0, np.ones_like(labels)):
        if shown.any():
            break
    return np.rint(np.argwhere(shown).mean(axis=0)).astype(int)


def _beside_truth(made: LabelledVolume, rules: GradingRules) -> dict:
    """Return Dice by structure and in the mean, and the grade of the truth itself."""
    row = dict.fromkeys(("grade_of_truth", "failures_of_truth"), "")
    values = np.full(len(STRUCTURES), np.nan)
    if made.truth is not None:
        found = told(grade(measure_structures(made.truth, made.grey.spacing_zyx_mm), rules))
        row = {f"{name}_of_truth": found[name] for name in ("grade", "failures")}
        values = dice_per_label(made.labels, made.truth, STRUCTURES)
    known = values[np.isfinite(values)]
    row |= dict(zip(DICE, values, strict=True))
    return row | {"dice_mean": known.mean() if len(known) else np.nan}


def _made(case: Case, study: config.Study, cohort: Cohort) -> LabelledVolume:
    """Make a sweep's volume by tracked or predicted poses, and label it."""
    prediction, arm = case.prediction, case.pose_arm
    if case.poses == PREDICTED and prediction is None:
        wanted = study.motion_volumes.arms[0]
        poses = predict_poses(cohort, case, profile=study.profile, arm=wanted)
        prediction, arm = poses.prediction, poses.arm
    sweep = open_study_sweep(cohort, case, prediction=prediction)
    sizes = study.sweep_volumes
    made = make_sweep_volume(sweep, spacing_mm=sizes.spacing_mm, widest_gap_mm=sizes.widest_gap_mm)
    grey = made.placed(np.rint(made.grey).astype(np.uint8))
    labels = mask_volumes.segment_volume(study, MODEL_ID, grey)
    truth = made.labels.get(TRUTH_LABELS)
    return LabelledVolume(grey, labels, truth, arm, float(sweep.is_flipped))


def _stored(case: Case, study: config.Study) -> LabelledVolume:
    """Read a test volume, its mask by model 3.2 and its truth."""
    grey = mask_volumes.read_grey(study, case)
    folder = model_masks.masks_dir(study.profile) / MODEL_ID
    labels = _on_grid(grey, mask_volumes.mask_file(folder, case))
    path = truth_file(volumes_dir(study.profile), case.subject_id, case.sweep_id)
    truth = _on_grid(grey, path) if path.is_file() else None
    return LabelledVolume(grey, labels, truth, case.pose_arm, case.is_flipped)


def _on_grid(grey: images.Volume, path: Path) -> np.ndarray:
    """Read a mask that must lie where its volume does."""
    place = (grey.spacing_zyx_mm, grey.origin_xyz_mm, grey.direction)
    return read_on(path, LabelMask(grey.array, SCHEME, *place))
