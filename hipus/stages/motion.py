"""Stage `motion`: how well is the probe's motion predicted without tracking?

Prepares sweeps, fits every arm that `make reproduce` compares, predicts the test-only cohort
(and the variants of the protocol, where there are any) and measures what is left: against the
tracker as the paper does, and against the hip where truth is known. Deliberately runs no other
network (`motion_arms` does), refines nothing and makes no volumes.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import find_sweep
from hipus.motion import poses
from hipus.motion.prediction import StepPrediction
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.motion.preparation import PreparedSweep
from hipus.stages import motion_data, motion_skip, runner
from hipus.stages.motion_fit import (
    CONTEXT,
    NETWORKS,
    Fitted,
    fit_arms,
    folder_of,
    predict_all,
)
from hipus.stages.motion_judging import judged_sweeps
from hipus.stages.motion_measured import Case, Measured, case_of, measure_all
from hipus.stages.motion_published import (
    PRINTED_KEY,
    history_table,
    published_table,
    training_words,
)
from hipus.stages.motion_shown import (
    FRAME_KEY,
    shown_frames,
    shown_trajectories,
    three_of_growing_complexity,
)
from hipus.stages.motion_tables import error_tables, factor_tables, headline, study_arm

log = logging.getLogger(__name__)

STAGE = "motion"


@dataclass(frozen=True, eq=False)
class Prepared:
    """All sweeps of a run.

    Attributes
    ----------
    training, validation : list of PreparedSweep
    test : dict of str to list of PreparedSweep
        By variant of the protocol; the test-only cohort first.
    """

    training: list[PreparedSweep]
    validation: list[PreparedSweep]
    test: dict[str, list[PreparedSweep]]

    def all(self) -> list[PreparedSweep]:
        """Return every sweep that is read."""
        return [*self.training, *self.validation, *(s for part in self.test.values() for s in part)]


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, models, predictions, figure inputs and metrics; return the sweeps read."""
    if any(motion_data.sweep_rows(study, **one, is_needed=False).empty for one in _WANTED):
        log.warning("%s SKIPPED: no tracked sweep to train, to validate or to test on", STAGE)
        motion_skip.write_skip(study)
        return []
    prepared = prepare(study)
    fitted = fit_arms(study, prepared.training, prepared.validation)
    save_models(study, fitted)
    cases = predict(study, fitted, prepared.test)
    log.info("measuring %d predicted sweeps", len(cases))
    _write(study, fitted, prepared=prepared, cases=cases, measured=measure_all(cases))
    cohort = motion_data.cohort_of(study).folder
    return sorted(find_sweep(cohort, one.subject_id, one.sweep_id) for one in prepared.all())


def prepare(study: config.Study) -> Prepared:
    """Prepare the sweeps that motion is learned from, validated and judged on.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Prepared

    Raises
    ------
    ValueError
        If the cohort has no sweep to train, to validate or to test on. Variants are optional.
    """
    size = {"input_px": study.motion.input_px}
    for wanted in _WANTED:
        motion_data.sweep_rows(study, **wanted)  # refuses at once what would fail minutes later
    training = motion_data.training_sweeps(study, **size)
    size["training"] = training
    validation = motion_data.validation_sweeps(study, **size)
    test = {motion_data.PROTOCOL: motion_data.test_sweeps(study, **size)}
    for variant in motion_data.VARIANTS[1:]:
        if _has_variant(study, variant):
            test[variant] = motion_data.variant_sweeps(study, variant, **size)
    return Prepared(training, validation, test)


_TEST = {"split": "test", "cohort": motion_data.TEST_COHORT}
_WANTED = ({"split": "train"}, {"split": "validation"}, _TEST)


def _has_variant(study: config.Study, variant: str) -> bool:
    """Return whether the cohort has test sweeps of a variant."""
    try:
        motion_data.sweep_rows(study, split="test", variant=variant, only_usable=variant != "grid")
    except ValueError as error:
        log.info("variant left out: %s", error)
        return False
    return True


def save_models(study: config.Study, fitted: Fitted) -> None:
    """Write the trained models to `results/<profile>/models/motion/<name>`."""
    from hipus.motion import model_file, sweep_context_file

    folder = paths.results_dir(study.profile) / "models" / "motion"
    model_file.save(fitted.published, folder / NETWORKS[0])
    sweep_context_file.save(fitted.context, folder / folder_of(CONTEXT), origin=study.cohort.source)


def predict(
    study: config.Study, fitted: Fitted, test: Mapping[str, Sequence[PreparedSweep]]
) -> list[Case]:
    """Predict all test sweeps by all arms, write the predictions and return the cases.

    Parameters
    ----------
    study : Study
    fitted : Fitted
    test : mapping of str to sequence of PreparedSweep
        By variant.

    Returns
    -------
    list of Case
        One a sweep, in the order of variants.
    """
    cases, found = [], {}
    for variant, sweeps in test.items():
        said = predict_all(fitted, sweeps)
        judged = judged_sweeps(study, sweeps)
        seed = study.common.seed
        cases += [
            case_of(one, arms, variant=variant, seed=seed)
            for one, arms in zip(judged, said, strict=True)
        ]
        for sweep, by_arm in zip(sweeps, said, strict=True):
            for arm, one in by_arm.items():
                found.setdefault(arm, []).append(pose_prediction(one, sweep))
    for arm, predictions in found.items():
        folder = paths.results_dir(study.profile) / "motion_predictions" / folder_of(arm)
        shutil.rmtree(folder, ignore_errors=True)  # nothing of an earlier cohort may stay
        write_predictions(predictions, folder)
    return cases


def pose_prediction(said: StepPrediction, sweep: PreparedSweep) -> PosePrediction:
    """Return predicted steps as poses of the recorded sweep, not mirrored.

    Parameters
    ----------
    said : StepPrediction
    sweep : PreparedSweep

    Returns
    -------
    PosePrediction
    """
    T = poses.chain(said.T_next_to_previous)
    return PosePrediction(
        sweep.subject_id,
        sweep.sweep_id,
        sweep.first_frame,
        poses.mirrored(T) if sweep.is_mirrored else T,
        time_s=np.asarray(sweep.time_s),
        sd_mm=said.sd_mm,
        sd_deg=said.sd_deg,
        is_flipped=sweep.is_flipped,
    )


def _write(
    study: config.Study,
    fitted: Fitted,
    *,
    prepared: Prepared,
    cases: Sequence[Case],
    measured: Sequence[Measured],
) -> None:
    """Write tables, figure inputs and metrics."""
    rows = pd.DataFrame([row for one in measured for row in one.rows])
    protocol = [case for case in cases if case.variant == motion_data.PROTOCOL]
    expected = [(case.subject_id, case.sweep_id) for case in protocol]
    options = {"seed": study.common.seed, "resamples": study.motion.resamples}
    content = error_tables(rows, expected, **options)
    known = tables.read(
        paths.table_file(study.profile, "cohort_sweeps"),
        dtype=dict.fromkeys(("subject_id", "sweep_id"), str),
    )
    content |= factor_tables(rows, known, **options)
    shown, arm = three_of_growing_complexity(protocol), study_arm(rows.arm)
    scores = pd.DataFrame([row for one in measured for row in one.scores])
    content |= {
        "motion_tusrec": (scores, ["arm", "subject_id", "sweep_id"]),
        "motion_frames": (shown_frames(shown, arm), FRAME_KEY),
        "motion_history": (history_table(fitted.published), ["arm", "iteration"]),
        "motion_published": (_published(study, fitted, prepared, content), PRINTED_KEY),
    }
    runner.write_tables(study, content)
    runner.write_figure_input(study, "motion_trajectories", shown_trajectories(shown, arm))
    found = headline(content["motion_arms"][0], content["motion_comparisons"][0])
    metrics = found | _about(study, fitted, prepared=prepared, measured=measured)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))


def _published(study: config.Study, fitted: Fitted, prepared: Prepared, content) -> pd.DataFrame:
    """Return the printed Table 2 beside the published network's numbers."""
    words = training_words(fitted.published, _window_count(prepared.training))
    return published_table(
        content["motion_summary"][0], arm=NETWORKS[0], training=words, profile=study.profile
    )


def _window_count(training: Sequence[PreparedSweep]) -> int:
    """Return how many windows the published network is trained on."""
    from hipus.motion import arms
    from hipus.motion.batches import training_windows

    return len(training_windows(training, arms.named(NETWORKS[0])).trainable)


def _about(
    study: config.Study, fitted: Fitted, *, prepared: Prepared, measured: Sequence[Measured]
) -> dict[str, float | int | str]:
    """Return what the numbers are of, and the tracker's own error where truth is known."""
    floor_mm, floor_deg = (
        np.concatenate([getattr(one, name) for one in measured])
        for name in ("floor_mm", "floor_deg")
    )
    last = fitted.published.history[-1]
    found = {
        "origin": study.cohort.source,
        "training_sweep_count": len(prepared.training),
        "validation_sweep_count": len(prepared.validation),
        "test_sweep_count": len(prepared.test[motion_data.PROTOCOL]),
        "published_iteration_count": last.iteration,
        "published_validation_drift_mm": last.validation_drift_mm,
        "published_parameter_count": sum(
            one.numel() for one in fitted.published.network.parameters() if one.requires_grad
        ),
    }
    if len(floor_mm):
        found["tracker_step_error_median_mm"] = float(np.median(floor_mm))
        found["tracker_step_error_median_deg"] = float(np.median(floor_deg))
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
