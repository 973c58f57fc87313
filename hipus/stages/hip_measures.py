"""Stage `hip_measures`: every test hip by true, tracked and predicted poses and by three masks.

Measures the sweeps of the test-only cohort, of dysplastic hips and of repeated sweeps by every
kind of poses and masks, the control arm of the best single frame, and sweeps of infants who are
not tested on, by which intervals are calibrated. Deliberately compares nothing with truth but
poses: stage `hip_angles` does. Needs a simulated cohort and trained networks; without them it is
skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SUBJECTS, SWEEPS, find_sweep
from hipus.parallel import map_cases
from hipus.seeds import generator
from hipus.stages import hip_frames, mask_volumes, motion_data, runner
from hipus.stages.graded_cases import spread
from hipus.stages.hip_cells import (
    DRIFT,
    MASKS,
    MEASURES,
    MODEL_ID,
    MODEL_MASKS,
    RATER_MASKS,
    TRUTH_MASKS,
    measure_sweep,
)
from hipus.stages.hip_views import shown_sweep, typical_sweep
from hipus.stages.motion_volume_sweeps import has_truth
from hipus.stages.placed_sweeps import has_true_poses, open_all_ways
from hipus.stages.segmentation_training import model_dir

log = logging.getLogger(__name__)

STAGE = "hip_measures"
TEST, CALIBRATION = ROLES = ("test", "calibration")
#: Cohorts whose sweeps are tested on, and those of them whose raters draw.
TESTED, DRAWN = ("test", "dysplastic", "repeats"), ("test", "dysplastic")
FRAME_TYPE = "p_a"
NAMED = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "split", "operator_id",
         "truth_variant", "role"]  # fmt: skip
KEY = ["subject_id", "sweep_id", "poses", "masks"]
FRAME_KEY = ["subject_id", "sweep_id", "masks"]
COLUMNS = {
    STAGE: [*NAMED, "poses", "pose_arm", "masks", *DRIFT, "stretch", *MEASURES, "alpha_refusal"],
    "hip_frames": [*NAMED, *hip_frames.COLUMNS],
}


@dataclass(frozen=True, eq=False)
class Case:
    """One sweep and what is measured of it.

    Attributes
    ----------
    row : pandas.Series
        Of `motion_data.sweep_rows`.
    role : str
        One of `ROLES`.
    masks : tuple of str
    """

    row: pd.Series
    role: str
    masks: tuple[str, ...]

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.row.subject_id}/{self.row.sweep_id}"

    @property
    def key(self) -> dict:
        """Return the columns that name it in tables."""
        return {name: self.row[name] for name in NAMED[:-1]} | {"role": self.role}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure input and metrics; return the inputs."""
    cases = cases_of(study)
    models = (MODEL_ID, hip_frames.MODEL_ID)
    if not (cases and all(mask_volumes.is_trained(study.profile, one) for one in models)):
        log.warning("%s SKIPPED: no sweep has truth, or models %s are missing", STAGE, models)
        runner.write_empty(study, COLUMNS)
        runner.write_figure_input(study, STAGE, {})
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    found = map_cases(partial(measure_case, study=study), cases, progress="measured hips")
    content = {
        STAGE: (pd.DataFrame([row for rows, _ in found for row in rows]), KEY),
        "hip_frames": (pd.DataFrame([row for _, rows in found for row in rows]), FRAME_KEY),
    }
    content = {name: (table.reindex(columns=COLUMNS[name]), key)
               for name, (table, key) in content.items()}  # fmt: skip
    runner.write_tables(study, content)
    measures = content[STAGE][0]
    runner.write_figure_input(study, STAGE, _shown(study, cases, measures))
    tables.write_metrics(make_metrics(measures), paths.metrics_file(study.profile, STAGE))
    return _inputs(study, cases)


def _shown(study: config.Study, cases: list[Case], measures: pd.DataFrame) -> dict:
    """Return what a figure shows of the typical test sweep, nothing where none was tested."""
    tested = measures[measures.role == TEST]
    if tested.empty:
        return {}
    case = {str(case): case for case in cases}[typical_sweep(tested)]
    return shown_sweep(case.row, study=study, cohort=motion_data.cohort_of(study))


def cases_of(study: config.Study) -> list[Case]:
    """Return what is measured.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of Case
        Test sweeps, then those that intervals are calibrated on: labelled training subjects by
        truth and rater, for a model would be judged on what it learned; others by the model;
        the labelled study's validation and test subjects, who are not among `TESTED`, by all.
        Sweeps without truth are left out, so a hospital has none.
    """
    rows = [_rows(study, variant=name) for name in motion_data.VARIANTS if name != "grid"]
    rows = pd.concat(rows, ignore_index=True)
    rows = rows[rows.cohort.isin([*TESTED, "study", "training_only"])]
    cohort = motion_data.cohort_of(study)
    rows = rows.assign(has_masks=has_truth(cohort, rows))
    tested = rows[rows.cohort.isin(TESTED) & rows.has_masks]
    learned = rows[(rows.cohort == "study") & rows.has_masks]
    other = rows[rows.cohort == "training_only"]
    other = other[has_true_poses(cohort, other)]
    rng = generator(study.common.seed, STAGE, "sweeps")
    other = spread(other, study.hip_measures.calibration_sweeps, rng=rng)
    return [
        *_cases(tested[tested.cohort.isin(DRAWN)], TEST, MASKS),
        *_cases(tested[~tested.cohort.isin(DRAWN)], TEST, (TRUTH_MASKS, MODEL_MASKS)),
        *_cases(learned[learned.split == "train"], CALIBRATION, (TRUTH_MASKS, RATER_MASKS)),
        *_cases(learned[learned.split != "train"], CALIBRATION, MASKS),
        *_cases(other, CALIBRATION, (MODEL_MASKS,)),
    ]


def _rows(study: config.Study, variant: str) -> pd.DataFrame:
    """Return sweeps of a variant, none where the cohort has none."""
    return motion_data.sweep_rows(study, variant=variant, is_needed=False)


def _cases(rows: pd.DataFrame, role: str, masks: tuple[str, ...]) -> list[Case]:
    return [Case(row, role, masks) for _, row in rows.iterrows()]


def measure_case(case: Case, *, study: config.Study) -> tuple[list[dict], list[dict]]:
    """Measure one sweep.

    Parameters
    ----------
    case : Case
    study : Study

    Returns
    -------
    measures : list of dict
        Rows of table hip_measures.
    frames : list of dict
        Rows of table hip_frames; only p_a frames are near a Graf plane.
    """
    cohort = motion_data.cohort_of(study)
    rows = measure_sweep(case.row, study=study, cohort=cohort, masks=case.masks)
    frames = []
    if case.row.sweep_type == FRAME_TYPE:
        tracked = open_all_ways(cohort, case.row, study=study, poses=("tracked",))["tracked"]
        frames = hip_frames.measure_frames(tracked.sweep, case.row, study=study, masks=case.masks)
    return [case.key | row for row in rows], [case.key | row for row in frames]


def make_metrics(measures: pd.DataFrame) -> dict:
    """Return the stage's headline numbers: counts, and the share of refused alphas.

    Parameters
    ----------
    measures : pandas.DataFrame
        As the stage writes it.

    Returns
    -------
    dict
    """
    tested = measures[measures.role == TEST]
    sweeps = tested[["subject_id", "sweep_id"]].drop_duplicates()
    found: dict = {"test_sweep_count": len(sweeps), "subject_count": sweeps.subject_id.nunique()}
    for (kind, poses, masks), part in tested.groupby(["sweep_type", "poses", "masks"]):
        found[f"{kind}_{poses}_{masks}_alpha_refused_share"] = float(part.alpha_deg.isna().mean())
    return found


def _inputs(study: config.Study, cases: list[Case]) -> list[Path]:
    """Return the files that were read."""
    cohort = motion_data.cohort_of(study).folder
    sweeps = {find_sweep(cohort, case.row.subject_id, case.row.sweep_id) for case in cases}
    models = [f for one in (MODEL_ID, hip_frames.MODEL_ID)
              for f in model_dir(study.profile, one).iterdir()]  # fmt: skip
    return [cohort / SUBJECTS, cohort / SWEEPS, *sorted(models), *sorted(sweeps)]


if __name__ == "__main__":
    runner.run(STAGE, main)
