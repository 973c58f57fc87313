"""Stage `motion_volumes`: what do predicted poses do to the volume, near the head and far?

Makes the volume of every test sweep twice, by tracked and by predicted poses, aligned at the
first frame and at the frame nearest the femoral head's centre, and compares pictures, labels
and the place of tissue in shells about that centre. Tests the paper's argument that the region
of the head is more consistent than the final drift says, against the same measure elsewhere on
the same sweep. Needs simulated truth (labels and the head's centre); without it, it is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import Cohort
from hipus.labels import HipLabel
from hipus.motion.predictions import PosePrediction, prediction_file, read_predictions
from hipus.parallel import map_cases
from hipus.reconstruction import pose_agreement, volume_agreement
from hipus.stages import motion_data, runner
from hipus.stages.motion_volume_sweeps import PlacedSweep, has_truth, open_placed
from hipus.stages.motion_volume_tables import (
    COLUMNS,
    SWEEP_TYPES,
    Measured,
    make_metrics,
    make_tables,
)

log = logging.getLogger(__name__)

STAGE = "motion_volumes"
LABELS = tuple(label for label in HipLabel if label not in (HipLabel.BACKGROUND, HipLabel.LABRUM))
ALIGNMENTS = ("first", "head")


@dataclass(frozen=True)
class Case:
    """One sweep and one arm's prediction of it.

    Attributes
    ----------
    arm, side, sweep_type : str
    prediction : PosePrediction
    """

    arm: str
    side: str
    sweep_type: str
    prediction: PosePrediction

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.arm} {self.prediction.subject_id}/{self.prediction.sweep_id}"

    @property
    def key(self) -> dict[str, str]:
        """Return the columns that name it in tables."""
        return {
            "arm": self.arm,
            "subject_id": self.prediction.subject_id,
            "sweep_id": self.prediction.sweep_id,
            "side": self.side,
            "sweep_type": self.sweep_type,
        }


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure inputs and metrics; return the inputs."""
    cohort = motion_data.cohort_of(study)
    sweeps = motion_data.sweep_rows(
        study, split="test", cohort=motion_data.TEST_COHORT, is_needed=False
    )
    sweeps = sweeps[has_truth(cohort, sweeps)]
    if sweeps.empty or not predictions_dir(study.profile, study.motion_volumes.arms[0]).is_dir():
        log.warning("%s SKIPPED: no test sweep has truth and predicted poses", STAGE)
        _write_skip(study)
        return []
    sizes = study.motion_volumes
    cases = [case for arm in sizes.arms for case in _cases(study, arm, sweeps)]
    measure = partial(measure_case, cohort=cohort, sizes=sizes)
    found = map_cases(measure, cases, progress="predicted volumes", name=str)
    content = make_tables(found, seed=study.common.seed, resamples=sizes.resamples)
    runner.write_tables(study, content)
    runner.write_figure_input(study, STAGE, _shown(cases, found, sizes.spacing_mm))
    metrics = make_metrics(content["local_consistency"][0], content["local_consistency_summary"][0])
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return sorted(_prediction_files(study, cases))


def predictions_dir(profile: str, arm: str) -> Path:
    """Return `results/<profile>/motion_predictions/<arm>`."""
    return paths.results_dir(profile) / "motion_predictions" / arm


def _cases(study: config.Study, arm: str, sweeps: pd.DataFrame) -> Iterator[Case]:
    """Yield an arm's cases; a sweep that it did not predict is an error."""
    expected = list(zip(sweeps.subject_id, sweeps.sweep_id, strict=True))
    found = read_predictions(predictions_dir(study.profile, arm), expected)
    for row in sweeps.itertuples():
        yield Case(arm, row.side, row.sweep_type, found[row.subject_id, row.sweep_id])


def _prediction_files(study: config.Study, cases: Iterable[Case]) -> Iterator[Path]:
    """Yield the files that were read."""
    for case in cases:
        one = case.prediction
        folder = predictions_dir(study.profile, case.arm)
        yield prediction_file(folder, one.subject_id, one.sweep_id)


def measure_case(case: Case, *, cohort: Cohort, sizes: config.MotionVolumes) -> Measured:
    """Measure one sweep placed by tracked and by predicted poses.

    Parameters
    ----------
    case : Case
    cohort : Cohort
    sizes : hipus.config.MotionVolumes
        spacing_mm of the volumes, shell_mm and outer_mm of the shells, near_mm that counts as
        near the head.

    Returns
    -------
    Measured
    """
    sweep = open_placed(cohort, case.prediction)
    points = sweep.points()
    local = pose_agreement.local_consistency(
        sweep.T_predicted, sweep.T_tracked, points, centre_mm=sweep.head_mm, radius_mm=sizes.near_mm
    )
    aligned = sweep.aligned()
    volumes = _volumes(sweep, aligned, sizes)
    edges = np.arange(0, sizes.outer_mm + sizes.shell_mm / 2, sizes.shell_mm)
    rows = []
    for name, T in aligned.items():
        moved = pose_agreement.displacements(T, sweep.T_tracked, points)
        away = sweep.distance_from_head(points)
        shells = volume_agreement.compare_shells(
            volumes[name], volumes["tracked"], grid=volumes["grid"], centre_mm=sweep.head_mm,
            edges_mm=edges, labels=LABELS,
        )  # fmt: skip
        rows += [{**case.key, "alignment": name, **_shell_row(one, moved, away)} for one in shells]
    row = {"near_mm": local.near_mm, "elsewhere_mm": local.elsewhere_mm}
    row |= {"elsewhere_places": local.places, "final_mm": local.final_mm}
    return Measured(rows, {**case.key, **row}, _planes(volumes, sweep))


def _volumes(sweep: PlacedSweep, aligned: dict, sizes: config.MotionVolumes) -> dict:
    """Return the volumes of all placements, on one grid, and that grid."""
    shape = sweep.frames.shape[1:]
    placements = {"tracked": sweep.T_tracked, **aligned}
    T = {name: poses @ sweep.T_pixel_to_centre for name, poses in placements.items()}
    grid = volume_agreement.grid_of(
        list(T.values()), shape, centre_mm=sweep.head_mm, radius_mm=sizes.outer_mm,
        spacing_mm=sizes.spacing_mm,
    )  # fmt: skip
    made = {
        name: volume_agreement.place(sweep.frames, sweep.masks, T_pixel_to_world=one, grid=grid)
        for name, one in T.items()
    }
    return made | {"grid": grid}


def _shell_row(shell: volume_agreement.ShellAgreement, moved, away) -> dict:
    """Return one shell's columns; the displacement is of the pixels that lie in it."""
    inside = (away >= shell.inner_mm) & (away < shell.outer_mm) & np.isfinite(moved)
    dice = {
        f"dice_{HipLabel(label).name.lower()}": value
        for label, value in zip(LABELS, shell.dice, strict=True)
    }
    return {
        "inner_mm": shell.inner_mm,
        "outer_mm": shell.outer_mm,
        "voxel_count": shell.voxel_count,
        "known_share": shell.known_share,
        "correlation": shell.correlation,
        "mean_absolute_difference_grey_levels": shell.mean_absolute_difference,
        "structural_similarity": shell.structural_similarity,
        "dice_any": shell.dice_any,
        **dice,
        "displacement_mm": float(moved[inside].mean()) if inside.any() else np.nan,
    }


def _planes(volumes: dict, sweep: PlacedSweep) -> dict[str, np.ndarray]:
    """Return the elevational-axial planes through the head's centre: rows are axial."""
    grid = volumes["grid"]
    column = round((sweep.head_mm[0] - grid.origin_xyz_mm[0]) / grid.spacing_xyz_mm[0])
    planes = {"origin_zy_mm": np.array(grid.origin_xyz_mm)[[2, 1]] - sweep.head_mm[[2, 1]]}
    for name in ("tracked", *ALIGNMENTS):
        planes[f"{name}_grey"] = volumes[name].grey[:, :, column].T.round().astype(np.uint8)
        planes[f"{name}_labels"] = volumes[name].labels[:, :, column].T
    return planes


def _shown(cases: list[Case], found: list[Measured], spacing_mm: float) -> dict:
    """Return the figure input: one sweep of each type, of the first arm and the first subject."""
    arrays: dict[str, np.ndarray] = {"spacing_mm": np.array(spacing_mm)}
    for sweep_type in SWEEP_TYPES:
        for case, one in zip(cases, found, strict=True):
            if case.sweep_type == sweep_type and f"{sweep_type}_name" not in arrays:
                arrays[f"{sweep_type}_name"] = np.array(str(case))
                arrays |= {f"{sweep_type}_{name}": plane for name, plane in one.planes.items()}
    return arrays


def _write_skip(study: config.Study) -> None:
    """Write the form of a skip: every output, and nothing in it."""
    runner.write_empty(study, COLUMNS)
    runner.write_figure_input(study, STAGE, {})
    tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))


if __name__ == "__main__":
    runner.run(STAGE, main)
