"""One sweep's hip measured by every kind of poses and of masks. No stage of its own.

Decides the kinds: poses true, tracked, predicted, and predicted and then moved until the head
is round; masks by truth, by a rater who draws on the volume, and by model 3.2. Decides that
whatever makes the head round is seen in the model's masks, also where truth or a rater labels
afterwards, and that every volume is labelled anew, since its network sees another volume.
All raters are simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hipus import config, tables
from hipus.formats.cohort_layout import TRUTH, Cohort
from hipus.fusion.hip_errors import TrueSweep, head_drift_mm, shape_error, shell_targets
from hipus.fusion.round_sweep import make_head_round
from hipus.images import Volume
from hipus.morphometry.head_stretch import Stretch
from hipus.morphometry.hip_measures import measure_hip
from hipus.phantom.annotator.volume import correct_volume
from hipus.reconstruction.label_volumes import SweepVolume
from hipus.reconstruction.pose_agreement import picture_points
from hipus.seeds import generator
from hipus.segmentation import networks
from hipus.segmentation.finer_grid import finer_grid, united
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, StudySweep, make_sweep_volume
from hipus.stages import mask_volumes
from hipus.stages.placed_sweeps import POSES, PREDICTED, PlacedSweep, open_all_ways
from hipus.stages.study_raters import SECOND, idea_of_hip, person

#: Predicted poses, moved until the head is round.
ROUNDED = "rounded"
ALL_POSES = (*POSES, ROUNDED)
TRUTH_MASKS, RATER_MASKS, MODEL_MASKS = MASKS = ("truth", "rater", "model")
MODEL_ID = networks.MODEL_3D_REFINED
SCHEME = "hip"
MEASURES = (
    "alpha_deg",
    "alpha_anterior_deg",
    "alpha_posterior_deg",
    "femoral_head_coverage_percent",
    "femoral_head_coverage_3d_percent",
    "acetabular_contact_angle_deg",
    "head_radius_mm",
    "lateral_displacement_mm",
    "superior_displacement_mm",
    "posterior_displacement_mm",
)
DRIFT = ("final_drift_mm", "head_drift_mm", "head_shape_mm")
_HEAD = tuple(f"head_centre_{axis}_mm" for axis in "xyz")


@dataclass(frozen=True, eq=False)
class Placed:
    """A sweep's volume by one kind of poses, and what its labels are.

    Attributes
    ----------
    poses : str
        One of `ALL_POSES`.
    pose_arm : str
    sweep : StudySweep
    T_centre_to_hip : numpy.ndarray (N, 4, 4)
        True.
    volume : SweepVolume
    model_labels : numpy.ndarray (D, H, W) uint8 or None
        By model 3.2, where they were asked for.
    stretch : Stretch or None
        Of all rounds together, of rounded poses.
    """

    poses: str
    pose_arm: str
    sweep: StudySweep
    T_centre_to_hip: np.ndarray
    volume: SweepVolume
    model_labels: np.ndarray | None
    stretch: Stretch | None = None


def measure_sweep(row, *, study: config.Study, cohort: Cohort, masks: Sequence[str]) -> list[dict]:
    """Measure one sweep's hip by all poses and the given masks.

    Parameters
    ----------
    row : named tuple or pandas.Series
        Of `motion_data.sweep_rows`, of a simulated cohort.
    study : Study
    cohort : Cohort
    masks : sequence of str
        Some of `MASKS`.

    Returns
    -------
    list of dict
        A row per poses and masks: poses, pose_arm, masks, `DRIFT`, stretch, `MEASURES` (NaN
        where refused), alpha_refusal.

    Raises
    ------
    FileNotFoundError
        If truth or a model is missing.
    KeyError
        If truth or rater are asked for and the sweep has no truth masks.
    """
    rows = []
    for placed in place_sweep(row, study=study, cohort=cohort, masks=masks):
        known = {"poses": placed.poses, "pose_arm": placed.pose_arm} | drift(placed, row, cohort)
        known["stretch"] = placed.stretch.stretch if placed.stretch else np.nan
        for name in masks:
            labels = labels_of(placed, name, row, study=study)
            rows.append({**known, "masks": name, **measured(labels, placed.volume, row.side)})
    return rows


def place_sweep(
    row, *, study: config.Study, cohort: Cohort, masks: Sequence[str] = MASKS
) -> Iterator[Placed]:
    """Place a sweep by each of `ALL_POSES`.

    Parameters
    ----------
    row, study, cohort, masks
        As in `measure_sweep`.

    Yields
    ------
    Placed
    """
    found = open_all_ways(cohort, row, study=study)
    for name in POSES:
        is_needed = MODEL_MASKS in masks or name == PREDICTED
        yield (last := _placed(found[name], study, is_labelled=is_needed))
    yield rounded(last, study)


def rounded(placed: Placed, study: config.Study) -> Placed:
    """Move poses until the head is round, as model 3.2 sees it.

    Parameters
    ----------
    placed : Placed
    study : Study

    Returns
    -------
    Placed
        Where no head is labelled, poses stay.
    """
    found = make_head_round(
        placed.sweep,
        make_volume=lambda sweep: _volume(sweep, study),
        label=lambda volume: _labelled(volume, study),
        scheme=SCHEME,
        seen=None if placed.model_labels is None else (placed.volume, placed.model_labels),
    )
    return replace(
        placed, poses=ROUNDED, sweep=found.sweep, volume=found.volume, model_labels=found.labels,
        stretch=found.stretch,
    )  # fmt: skip


def _placed(found: PlacedSweep, study: config.Study, *, is_labelled: bool) -> Placed:
    """Make a sweep's volume and label it."""
    volume = _volume(found.sweep, study)
    labels = _labelled(volume, study) if is_labelled else None
    return Placed(found.poses, found.pose_arm, found.sweep, found.T_centre_to_hip, volume, labels)


def _volume(sweep: StudySweep, study: config.Study) -> SweepVolume:
    """Return a sweep's volume as the study makes it."""
    sizes = study.sweep_volumes
    return make_sweep_volume(sweep, spacing_mm=sizes.spacing_mm, widest_gap_mm=sizes.widest_gap_mm)


def _labelled(volume: SweepVolume, study: config.Study) -> np.ndarray:
    """Return model 3.2's labels of a volume."""
    return mask_volumes.segment_volume(study, MODEL_ID, grey_of(volume))


def grey_of(volume: SweepVolume) -> Volume:
    """Return a volume's grey values as networks see them, in place."""
    return volume.placed(np.rint(volume.grey).astype(np.uint8))


def labels_of(placed: Placed, masks: str, row, *, study: config.Study) -> np.ndarray:
    """Return the labels of one kind, (D, H, W) uint8 on the volume's grid.

    Parameters
    ----------
    placed : Placed
    masks : str
        One of `MASKS`.
    row : named tuple or pandas.Series
        subject_id, sweep_id, side.
    study : Study

    Raises
    ------
    KeyError
        If truth or a rater are asked for and the sweep has no truth masks.
    """
    if masks == MODEL_MASKS:
        return placed.model_labels
    truth = placed.volume.labels[TRUTH_LABELS]
    return truth if masks == TRUTH_MASKS else _drawn(placed, row, study)


def _drawn(placed: Placed, row, study: config.Study) -> np.ndarray:
    """Return what a rater draws on an empty volume, on a grid fine enough for slips."""
    factor, seed = study.volume_labels.refinement, study.common.seed
    grid = finer_grid(grey_of(placed.volume), factor)
    seen = make_sweep_volume(
        placed.sweep, grid=grid, widest_gap_mm=study.sweep_volumes.widest_gap_mm
    )
    truth = seen.labels[TRUTH_LABELS]
    drawn = correct_volume(
        seen.grey, np.zeros_like(truth), truth_mask=truth, spacing_zyx_mm=grid.spacing_xyz_mm[::-1],
        rater=person(seed, SECOND),
        rng=generator(seed, "hip_measures", SECOND, placed.poses, row.subject_id, row.sweep_id),
        misconception=idea_of_hip(
            seed, SECOND, subject_id=row.subject_id, side=row.side, ndim=3
        ),
    )  # fmt: skip
    return united(drawn.masks, factor)


def measured(labels: np.ndarray, volume: SweepVolume, side: str) -> dict:
    """Return a row's measures."""
    spacing = volume.grid.spacing_xyz_mm[::-1]
    found = measure_hip(labels, scheme=SCHEME, spacing_zyx_mm=spacing, side=side).measures
    values = {name: np.nan if (v := found[name].value) is None else v for name in MEASURES}
    return values | {"alpha_refusal": found["alpha_deg"].refusal or ""}


def drift(placed: Placed, row, cohort: Cohort) -> dict[str, float]:
    """Return how far poses are from where the pelvis had the pictures (`_vs_hip`).

    Parameters
    ----------
    placed : Placed
    row : named tuple or pandas.Series
    cohort : Cohort

    Returns
    -------
    dict of str to float
        final_drift_mm: of the last picture's middle, seen from the first; head_drift_mm: of
        tissue around the head, seen from the frame nearest it; head_shape_mm: of a shell
        around the head after the best rigid fit, which is what can bend angles.
    """
    head_mm, radius_mm = true_head(cohort, row)
    sweep = TrueSweep(placed.sweep.T_centre_to_world, placed.T_centre_to_hip)
    points = picture_points(placed.sweep.frames.shape[1:], placed.sweep.pixel_spacing_xy_mm)
    ends = [np.linalg.inv(T[0]) @ T[-1] for T in sweep.known]
    shape = shape_error(sweep, targets_mm=shell_targets(head_mm, radius_mm))
    return {
        "final_drift_mm": float(np.linalg.norm(ends[0][:3, 3] - ends[1][:3, 3])),
        "head_drift_mm": head_drift_mm(sweep, points, head_mm=head_mm, radius_mm=radius_mm),
        "head_shape_mm": shape.mean_mm,
    }


def true_head(cohort: Cohort, row) -> tuple[np.ndarray, float]:
    """Return the true head's centre (3,) in the pelvis and its radius, mm."""
    hips = tables.read(cohort.folder / TRUTH / "hips.csv", columns=_HEAD, dtype={"subject_id": str})
    hip = hips[(hips.subject_id == row.subject_id) & (hips.side == row.side)]
    return hip[list(_HEAD)].to_numpy(float)[0], float(hip.head_radius_mm.iloc[0])
