"""Stage `motion_arms`: every learned arm on one budget, and whether others' findings hold here.

Run by `make arms`, outside `make reproduce`. Decides that arms which differ in nothing that is
trained share one training, that all have the same iterations, batches and pictures, and that
each is judged on the test-only cohort. A killed run goes on where it was: trainings keep
checkpoints in work/, and a finished one is not run again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hipus import config, paths, statistics, tables
from hipus.motion import evaluation
from hipus.motion.arms import ARMS, Arm
from hipus.motion.claims import NOT_NETWORKS
from hipus.motion.correlation_maps import correlation_maps
from hipus.motion.findings import NOT_LEARNED, NOT_RUN, verdicts
from hipus.motion.network_prediction import NetworkPredictor, calibrated
from hipus.motion.preparation import PreparedSweep
from hipus.motion.sweep_rows import SweepKey
from hipus.motion.trained_model import HistoryRow, TrainedModel, TrainingSettings
from hipus.seeds import generator
from hipus.stages import motion_data, runner
from hipus.stages.motion_judging import JudgedSweep, error_rows, judged_sweeps
from hipus.stages.motion_trainings import Trainings

log = logging.getLogger(__name__)

STAGE = "motion_arms"
MADE_BY = "make arms"
#: A training that takes less than this share off the validation drift of its first, constant
#: answer has learned nothing: such an arm is a constant step, whatever its network.
LEAST_GAIN = 0.1
ROW_KEY = ["arm", "subject_id", "sweep_id", "truth"]
_SUMMARY_KEY = ["arm", "truth", "sweep_type", "measure"]
#: Further maps of frame pairs that an arm may look at, by channel name.
EXTRA_MAPS = ("correlation",)
#: Means that stand beside the final drift.
_MEASURES = ["relative_mm", "relative_deg", "final_deg"]
#: Measures that are summarised by sweep type; the rows of sweeps hold all.
_SUMMARISED = (
    *("relative_mm", "relative_deg", "absolute_mm", "absolute_deg", "final_mm", "final_deg"),
    *("bias_elevational_mm", "final_rate_of_path_percent"),
)


def main(study: config.Study) -> Iterable[Path]:
    """Train and judge all arms, and write their tables; return the tables read."""
    sizes = study.motion_arms
    training = motion_data.training_sweeps(study, input_px=sizes.input_px)
    beside = {"input_px": sizes.input_px, "training": training}
    validation = motion_data.validation_sweeps(study, **beside)
    tests = judged_sweeps(study, motion_data.test_sweeps(study, **beside))
    trainings = Trainings(paths.work_dir(study.profile) / STAGE, settings=settings_of(study))
    found, about = [], []
    for arms in distinct_trainings(ARMS.values()):
        rows, told = judged_arms(arms, training, validation, tests=tests, trainings=trainings)
        found.append(rows)
        about += told
    rows = pd.concat(found, ignore_index=True)
    expected = [(one.sweep.subject_id, one.sweep.sweep_id) for one in tests]
    others, read = rows_of_motion(study)
    unlearned = [one["arm"] for one in about if not one["has_learned"]]
    summary = evaluation.summarise(rows, expected, measures=_SUMMARISED)
    content = {
        "motion_arm_errors": (rows, ROW_KEY),
        "motion_arm_summary": (summary, _SUMMARY_KEY),
        "motion_arm_comparison": (comparison(study, rows, pd.DataFrame(about)), ["arm", "truth"]),
        "motion_claims": (claims(study, rows, others, unlearned=unlearned), ["finding"]),
    }
    runner.write_tables(study, content)
    return read


def settings_of(study: config.Study) -> TrainingSettings:
    """Return the one budget of all arms; on one thread, so that bits do not depend on it."""
    sizes = study.motion_arms
    return TrainingSettings(
        iterations=sizes.iterations,
        batch_size=sizes.batch_size,
        learning_rate=sizes.learning_rate,
        validate_every=sizes.validate_every,
        seed=study.common.seed,
        threads=1,
    )


def distinct_trainings(arms: Iterable[Arm]) -> list[list[Arm]]:
    """Return arms in groups that share one training.

    Parameters
    ----------
    arms : iterable of Arm

    Returns
    -------
    list of list of Arm
        In the order of the first arm of each.
    """
    groups: dict[str, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(json.dumps(arm.trained_settings(), sort_keys=True), []).append(arm)
    return list(groups.values())


def judged_arms(
    arms: Sequence[Arm],
    training: Sequence[PreparedSweep],
    validation: Sequence[PreparedSweep],
    *,
    tests: Sequence[JudgedSweep],
    trainings: Trainings,
) -> tuple[pd.DataFrame, list[dict]]:
    """Train once what some arms share, and judge each of them.

    Parameters
    ----------
    arms : sequence of Arm
        Of one training.
    training, validation : sequence of PreparedSweep
    tests : sequence of JudgedSweep
    trainings : Trainings

    Returns
    -------
    pandas.DataFrame
        Rows of `sweep_rows.sweep_row`.
    list of dict
        Of each arm: network, trained_as, uses_imu, parameters, iterations, batch_size,
        input_px, has_learned, training_cpu_s.
    """
    training, validation = (with_maps(sweeps, arms[0]) for sweeps in (training, validation))
    tests = [replace(one, sweep=with_maps([one.sweep], arms[0])[0]) for one in tests]
    model, cpu_s = trainings.model(arms[0], training, validation)
    rows, told = [], []
    for arm in arms:
        log.info("%s: predicting %d sweeps", arm.name, len(tests))
        own = model if arm == model.arm else calibrated(replace(model, arm=arm), validation)
        rows.append(error_rows(NetworkPredictor(own), tests, arm=arm.name))
        told.append(_about(own, trained_as=arms[0].name) | {"training_cpu_s": cpu_s})
    return pd.concat(rows), told


def with_maps(sweeps: Sequence[PreparedSweep], arm: Arm) -> list[PreparedSweep]:
    """Return sweeps with the further maps of frame pairs that an arm looks at.

    Parameters
    ----------
    sweeps : sequence of PreparedSweep
    arm : Arm

    Returns
    -------
    list of PreparedSweep
        The same where the arm looks at none.
    """
    if not set(EXTRA_MAPS) & set(arm.channels):
        return list(sweeps)
    return [sweep.with_extra(correlation=_correlation(sweep)) for sweep in sweeps]


def _correlation(sweep: PreparedSweep):
    """Return local correlation of neighbouring frames, (N - 1, P, P)."""
    size = sweep.thumbnails.shape[-1]
    return correlation_maps(sweep.frames, sweep.flow, lags=(1,), map_px=size)[0, :-1]


def _about(model: TrainedModel, *, trained_as: str) -> dict[str, object]:
    """Return what a table says of an arm beside its errors."""
    settings = model.settings
    return {
        "arm": model.arm.name,
        "network": model.arm.network,
        "trained_as": trained_as,
        "uses_imu": model.arm.uses_imu,
        "parameters": sum(one.numel() for one in model.network.parameters() if one.requires_grad),
        "iterations": settings.iterations,
        "batch_size": settings.batch_size,
        "input_px": model.input_px,
        "has_learned": has_learned(model.history),
        "made_by": MADE_BY,
    }


def has_learned(history: Sequence[HistoryRow]) -> bool:
    """Return whether a training's last answer drifts less than its first, which is constant."""
    first, last = (history[place].validation_drift_mm for place in (0, -1))
    return last < (1 - LEAST_GAIN) * first


def comparison(study: config.Study, rows: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Return one row per arm and truth: final drift with its interval, and what it took.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        Rows of `sweep_rows.sweep_row`.
    about : pandas.DataFrame
        A row per arm.

    Returns
    -------
    pandas.DataFrame
        arm, truth, final_mm with low and high (95 % over subjects), means of the other
        measures, subject_count, sweep_count, and the columns of `about`.
    """
    found = []
    for (arm, truth), part in rows.groupby(["arm", "truth"], sort=True):
        interval = statistics.bootstrap_mean_by_subject(
            part["final_mm"],
            part["subject_id"],
            rng=generator(study.common.seed, STAGE, arm, truth),
            resamples=study.motion_arms.resamples,
        )
        known = {"arm": arm, "truth": truth, "final_mm": interval.mean}
        known |= {"low": interval.low, "high": interval.high}
        known |= part[_MEASURES].mean().to_dict()
        counts = {"subject_count": interval.subject_count, "sweep_count": interval.value_count}
        found.append(known | counts)
    return pd.DataFrame(found).merge(about, on="arm", validate="many_to_one")


def claims(
    study: config.Study,
    rows: pd.DataFrame,
    others: pd.DataFrame,
    *,
    unlearned: Collection[str] = (),
) -> pd.DataFrame:
    """Return the verdict on every finding of others.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        Of the arms on one budget.
    others : pandas.DataFrame
        Of stage `motion`, for arms that are no networks of this stage.
    unlearned : collection of str
        Arms that learned nothing: a finding on one of them stays open.

    Returns
    -------
    pandas.DataFrame
        As `findings.verdicts` returns it, but for those findings, and `made_by`.
    """
    union = pd.concat([rows, others], ignore_index=True) if len(others) else rows
    rng = generator(study.common.seed, STAGE, "claims")
    table = verdicts(union, rng, resamples=study.motion_arms.resamples)
    arms = pd.concat([table[side].str.split(":").str[0] for side in ("a", "b")], axis=1)
    is_open = arms.isin(list(unlearned)).any(axis=1) & (table["verdict"] != NOT_RUN)
    return table.assign(verdict=table["verdict"].mask(is_open, NOT_LEARNED), made_by=MADE_BY)


def rows_of_motion(study: config.Study) -> tuple[pd.DataFrame, list[Path]]:
    """Return the rows of stage `motion` that findings need, and the table they are from.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
        Of `claims.NOT_NETWORKS` on the protocol's sweeps; none before `motion` has run.
    list of Path
    """
    path = paths.table_file(study.profile, "motion_errors")
    if not path.is_file():
        log.warning(
            "%s is missing: findings on %s stay open", path.name, " and ".join(NOT_NETWORKS)
        )
        return pd.DataFrame(), []
    rows = tables.read(path, columns=ROW_KEY, dtype=dict.fromkeys(ROW_KEY, str))
    names = {name.replace(" ", "_"): name for name in NOT_NETWORKS}
    rows = rows.assign(arm=rows["arm"].replace(names))
    usual = SweepKey("", "", "", "", "", truth="vs_tracker")
    kept = rows["arm"].isin(NOT_NETWORKS) & (rows["variant"] == usual.variant)
    return rows[kept & (rows["frame_spacing"] == usual.frame_spacing)], [path]


if __name__ == "__main__":
    runner.run(STAGE, main)
