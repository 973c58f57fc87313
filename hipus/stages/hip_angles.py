"""Stage `hip_angles`: how far hips measured in untracked sweeps are from the truth, and why.

Learns offsets and intervals on calibration sweeps, compares test hips with the truth, one kind
of poses and masks with the other, all with the best single frame, and asks what drift does to
the angle. Measures nothing itself: tables come from stage `hip_measures`. All hips are simulated;
where nothing was measured, the stage is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SUBJECTS, TRUTH
from hipus.stages import hip_agreement as agreement
from hipus.stages import hip_drift, hip_error_tables, hip_intervals, motion_data, runner
from hipus.stages.hip_cells import MEASURES
from hipus.stages.hip_measures import CALIBRATION, TEST

log = logging.getLogger(__name__)

STAGE = "hip_angles"
READS = ("hip_measures", "hip_frames", "cohort_sweeps")
COLUMNS = {
    "hip_interval_scales": hip_intervals.SCALE_COLUMNS,
    "hip_interval_coverage": hip_intervals.COVERAGE_COLUMNS,
    "hip_errors": hip_intervals.COLUMNS,
    "hip_error_summary": hip_error_tables.SUMMARY_COLUMNS,
    "hip_gain": hip_error_tables.GAIN_COLUMNS,
    "hip_agreement": agreement.AGREEMENT_COLUMNS,
    "hip_icc": agreement.ICC_COLUMNS,
    "hip_repeatability": agreement.REPEAT_COLUMNS,
    "hip_types": agreement.TYPE_COLUMNS,
    "hip_type_confusion": agreement.CONFUSION_COLUMNS,
    "hip_roc": agreement.ROC_COLUMNS,
    "hip_roc_curves": agreement.CURVE_COLUMNS,
    "hip_added_errors": hip_drift.ADDED_COLUMNS,
    "hip_drift_model": hip_drift.MODEL_COLUMNS,
    "hip_drift_bins": hip_drift.BIN_COLUMNS,
    "hip_infant_motion": hip_drift.MOTION_COLUMNS,
    "hip_claims": hip_drift.CLAIM_COLUMNS,
}
KEYS = {
    "hip_interval_scales": hip_intervals.CELL,
    "hip_interval_coverage": hip_intervals.CELL,
    "hip_errors": hip_intervals.KEY,
    "hip_error_summary": hip_error_tables.SUMMARY_KEY,
    "hip_gain": hip_error_tables.GAIN_KEY,
    "hip_agreement": ["group", *hip_intervals.CELL, "quantity"],
    "hip_icc": ["group", "measure", "raters", "poses", "masks"],
    "hip_repeatability": ["measure", *agreement.WAY],
    "hip_types": ["group", *agreement.WAY, "measure"],
    "hip_type_confusion": ["group", *agreement.WAY, "true_type", "measured_type"],
    "hip_roc": ["group", *agreement.WAY],
    "hip_roc_curves": ["group", *agreement.WAY, "step"],
    "hip_added_errors": [*hip_drift.SWEEP, "poses"],
    "hip_drift_model": ["masks", "poses", "outcome", "name"],
    "hip_drift_bins": ["masks", "poses", "drift", "from_mm"],
    "hip_infant_motion": ["variant", "poses"],
    "hip_claims": ["claim"],
}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; return the inputs."""
    text = {"subject_id": str, "sweep_id": str}
    files = {name: paths.table_file(study.profile, name) for name in READS}
    read = {name: tables.read(path, dtype=text) for name, path in files.items()}
    if read["hip_measures"].empty:
        log.warning("%s SKIPPED: no hip was measured beside its truth", STAGE)
        runner.write_empty(study, COLUMNS)
        tables.write_metrics({}, paths.metrics_file(study.profile, STAGE))
        return []
    folder = motion_data.cohort_of(study).folder
    hips = tables.read(folder / TRUTH / "hips.csv", columns=MEASURES, dtype=text)
    ages = tables.read(folder / SUBJECTS, dtype=text).set_index("subject_id").age_days
    content = make_tables(study, read, hips=hips, ages_days=ages)
    runner.write_tables(study, {name: (table, KEYS[name]) for name, table in content.items()})
    tables.write_metrics(make_metrics(content), paths.metrics_file(study.profile, STAGE))
    return [*files.values(), folder / SUBJECTS, folder / TRUTH / "hips.csv"]


def make_tables(
    study: config.Study,
    read: dict[str, pd.DataFrame],
    *,
    hips: pd.DataFrame,
    ages_days: pd.Series,
) -> dict[str, pd.DataFrame]:
    """Return the stage's tables.

    Parameters
    ----------
    study : Study
    read : dict of str to pandas.DataFrame
        Tables of `READS`.
    hips : pandas.DataFrame
        True measures.
    ages_days : pandas.Series
        By subject.

    Returns
    -------
    dict of str to pandas.DataFrame
        As `COLUMNS` says.
    """
    long = hip_intervals.long_measures(read["hip_measures"], read["hip_frames"], hips)
    learned = hip_intervals.learn(long[long.role == CALIBRATION])
    for cell, why in learned.refusals.items():
        log.warning("%s: no interval of %s: %s", STAGE, " ".join(cell), why)
    errors = hip_intervals.apply(long[long.role == TEST], learned)
    moved = read["cohort_sweeps"].set_index(["subject_id", "sweep_id"]).truth_infant_moved_mm
    return {
        "hip_interval_scales": hip_intervals.scale_table(learned),
        "hip_interval_coverage": hip_intervals.coverage_table(errors),
        "hip_errors": errors,
        **_compared(errors, ages_days, seed=study.common.seed, study=study),
        **_drifted(errors, moved, seed=study.common.seed, study=study),
    }


def _compared(errors: pd.DataFrame, ages_days: pd.Series, *, seed: int, study) -> dict:
    """Return tables of errors and agreement."""
    options = {"seed": seed, "resamples": study.hip_angles.resamples}
    types, confusion = agreement.type_tables(errors, ages_days, **options)
    rocs, curves = agreement.roc_tables(errors, **options)
    return {
        "hip_error_summary": hip_error_tables.summary_table(errors, **options),
        "hip_gain": hip_error_tables.gain_table(errors, **options),
        "hip_agreement": agreement.agreement_table(errors, **options),
        "hip_icc": agreement.icc_table(errors),
        "hip_repeatability": agreement.repeatability_table(errors),
        "hip_types": types,
        "hip_type_confusion": confusion,
        "hip_roc": rocs,
        "hip_roc_curves": curves,
    }


def _drifted(errors: pd.DataFrame, moved_mm: pd.Series, *, seed: int, study) -> dict:
    """Return tables of what drift does."""
    options = {"seed": seed, "resamples": study.hip_angles.resamples}
    added = hip_drift.added_table(errors, moved_mm)
    model = hip_drift.model_table(added)
    bins = hip_drift.bin_table(added, **options)
    motion = hip_drift.motion_table(added, **options)
    return {
        "hip_added_errors": added,
        "hip_drift_model": model,
        "hip_drift_bins": bins,
        "hip_infant_motion": motion,
        "hip_claims": hip_drift.claim_table(model, bins, motion),
    }


def make_metrics(content: dict[str, pd.DataFrame]) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    content : dict of str to pandas.DataFrame
        As `make_tables` returns them.

    Returns
    -------
    dict
        Errors of alpha by model 3.2's masks, the control, and how often intervals hold.
    """
    found = hip_error_tables.goals(content["hip_error_summary"], content["hip_gain"])
    covered = content["hip_interval_coverage"]
    if len(covered):
        rows = covered.row_count.to_numpy()
        found["interval_coverage_share"] = float((covered.share * rows).sum() / rows.sum())
        found["interval_count"] = int(rows.sum())
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
