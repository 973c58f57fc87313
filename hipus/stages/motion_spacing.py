"""Stage `motion_spacing`: how does drift depend on the distance of frames?

Run by `make arms`, outside `make reproduce`. Some training and test-only sweeps are simulated
again at four times the frame rate; arms that need no network are fitted and judged on every
fourth, every second and on all frames of the same sweeps. All of it is simulated. Trap: the
tracker's noise per step is the same at every spacing, so that at a quarter of the spacing it is
as large as the step that is learned from. Curves of decorrelation, which belong to beam and
tissue and not to a frame rate, are therefore fitted once, at the recorded spacing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from hipus import config, paths, statistics
from hipus.motion.baselines import ConstantPath, ConstantStep, Identity, WithImuRotation
from hipus.motion.correlation_regression import CorrelationRegression, features_of
from hipus.motion.decorrelation import WINDOW, DecorrelationStep
from hipus.motion.evaluation import ALL_TYPES
from hipus.motion.prediction import Predictor
from hipus.motion.preparation import PreparedSweep
from hipus.motion.sweep_context import FOLDS, SweepContext
from hipus.parallel import map_cases
from hipus.phantom.cohort.frozen import check_frozen
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.seeds import generator
from hipus.stages import motion_data, runner
from hipus.stages.motion_judging import error_rows
from hipus.stages.motion_spacing_sweeps import (
    FINER,
    STRIDES,
    SpacingCase,
    chosen_cases,
    judged_cases,
    make_finer,
)

log = logging.getLogger(__name__)

STAGE = "motion_spacing"
KEY = ["arm", "sweep_type", "truth", "frame_spacing"]
COLUMNS = [*KEY, "mean", "low", "high", "subject_count", "sweep_count"]
COLUMNS += ["training_sweep_count", "made_by"]
MADE_BY = "make arms"


def main(study: config.Study) -> Iterable[Path]:
    """Write the table; empty for a cohort that is not simulated."""
    if study.cohort.source != "simulated":
        log.warning("%s SKIPPED: sweeps of a folder cannot be recorded again, faster", STAGE)
        runner.write_empty(study, {STAGE: COLUMNS})
        return []
    check_frozen(study.common.simulation_sha256)
    folder = paths.work_dir(study.profile) / STAGE
    training, tests = cases_of(study)
    make = partial(make_finer, folder=folder)
    map_cases(make, [*training, *tests], progress=f"sweeps at {FINER} x the frame rate", name=str)
    recorded = [one.sweep for one in judged_cases(training, folder, stride=FINER)]
    curves = DecorrelationStep.fit(recorded)
    options = {"folder": folder, "curves": curves}
    rows = [rows_at(training, tests, stride=stride, **options) for stride in STRIDES]
    table = summary(study, pd.concat(rows, ignore_index=True))
    table = table.assign(training_sweep_count=len(training), made_by=MADE_BY)
    runner.write_tables(study, {STAGE: (table[COLUMNS], KEY)})
    return []


def cases_of(study: config.Study) -> tuple[list[SpacingCase], list[SpacingCase]]:
    """Return the training and the test-only sweeps that are simulated again.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of SpacingCase, list of SpacingCase
        A turned probe is told by poses in training, by pictures in tests.
    """
    sizes = study.motion_spacing
    plan = plan_cohort(CohortSettings.from_config(study.cohort), study.common.seed)
    known = motion_data.training_sweeps(study, input_px=sizes.input_px)
    pictures = motion_data.reference_pictures(known)
    options = {"input_px": sizes.input_px}
    training = chosen_cases(
        plan,
        motion_data.sweep_rows(study, split="train"),
        subjects=sizes.training_subjects,
        **options,
    )
    tests = chosen_cases(
        plan,
        motion_data.sweep_rows(study, split="test", cohort=motion_data.TEST_COHORT),
        subjects=sizes.test_subjects,
        pictures=pictures,
        **options,
    )
    return training, tests


def rows_at(
    training: Sequence[SpacingCase],
    tests: Sequence[SpacingCase],
    *,
    folder: Path,
    curves: DecorrelationStep,
    stride: int,
) -> pd.DataFrame:
    """Fit and judge all arms at one frame spacing.

    Parameters
    ----------
    training, tests : sequence of SpacingCase
        Simulated before.
    folder : Path
    curves : DecorrelationStep
        Fitted at the recorded spacing.
    stride : int
        Of the finer frames.

    Returns
    -------
    pandas.DataFrame
        Rows of `sweep_rows.sweep_row`.
    """
    spacing = stride / FINER
    known = [one.sweep for one in judged_cases(training, folder, stride=stride)]
    judged = judged_cases(tests, folder, stride=stride)
    rows = []
    # Evidence is pooled over the same time, half a second, at every spacing.
    decorrelation = replace(curves, window=round(WINDOW / spacing))
    for arm in fitted_arms(known, decorrelation):
        log.info("spacing %g: %s", spacing, arm.name)
        rows.append(error_rows(arm, judged, arm=arm.name, frame_spacing=spacing))
    return pd.concat(rows)


def fitted_arms(
    training: Sequence[PreparedSweep], decorrelation: DecorrelationStep
) -> list[Predictor]:
    """Fit the arms that need no network on sweeps of one spacing.

    Parameters
    ----------
    training : sequence of PreparedSweep
    decorrelation : DecorrelationStep
        Fitted before.

    Returns
    -------
    list of Predictor
        Those that see pictures have the sensor's rotation added. Without the study's own arm
        where there are fewer subjects than it needs.
    """
    path = replace(ConstantPath.fit(training), name="constant path by type")
    features = [features_of(sweep) for sweep in training]
    seeing: list[Predictor] = [decorrelation]
    seeing.append(CorrelationRegression.fit(training, features=features))
    if len({sweep.subject_id for sweep in training}) >= FOLDS:
        seeing.append(SweepContext.fit(training, features_of_steps=features))
    else:
        log.warning("sweep context is left out: it needs %d training subjects", FOLDS)
    fused = [WithImuRotation.fit(base, training) for base in (path, *seeing)]
    steps = [ConstantStep.fit(training), ConstantStep.fit(training, by_type=True)]
    return [Identity.fit(training), *steps, *fused]


def summary(study: config.Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean final drift with its interval, by arm, sweep type, truth and spacing.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        Rows of `sweep_rows.sweep_row`.

    Returns
    -------
    pandas.DataFrame
        `KEY`, mean, low, high (mm, 95 % over subjects), subject_count, sweep_count.
    """
    doubled = pd.concat([rows, rows.assign(sweep_type=ALL_TYPES)])
    found = []
    for names, part in doubled.groupby(KEY, sort=True):
        interval = statistics.bootstrap_mean_by_subject(
            part["final_mm"],
            part["subject_id"],
            rng=generator(study.common.seed, STAGE, *map(str, names)),
            resamples=study.motion_spacing.resamples,
        )
        known = dict(zip(KEY, names, strict=True))
        known |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
        counts = {"subject_count": interval.subject_count, "sweep_count": interval.value_count}
        found.append(known | counts)
    return pd.DataFrame(found)


if __name__ == "__main__":
    runner.run(STAGE, main)
