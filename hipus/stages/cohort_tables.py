"""The tables of stage `cohort`: subjects, hips, sweeps, elevational steps.

Decides columns. Truth stands in columns that begin with `truth_` or in tables of its own, and
is empty for a cohort that has none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import SUBJECT_KEY, SWEEP_KEY, TRUTH, Cohort
from hipus.phantom.cohort.records import HIP_KEY, measured_row
from hipus.phantom.ultrasound.checks import steps_per_correlation_length
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.stages.cohort_published import published_table

#: What a hospital need not state of its subjects, and what is then taken.
ASSUMED = {
    "cohort": "study",
    "centre": 1,
    "split": "",
    "sex": "",
    "age_days": np.nan,
    "is_labelled_2d": 0,
    "is_labelled_3d": 0,
}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STEP_NAMES = [f"step_per_length_p{round(100 * q):02d}" for q in QUANTILES]
_POINTS = ("head_centre", "bony_rim", "turning_point", "lower_limb", "labrum_centre")
COLUMNS = {
    "cohort_hips": [
        *("subject_id", "side", "graf_type", "alpha_asked_deg", "alpha_deg"),
        *("alpha_anterior_deg", "alpha_posterior_deg", "beta_deg"),
        *("femoral_head_coverage_percent", "femoral_head_coverage_3d_percent"),
        *("acetabular_contact_angle_deg", "head_radius_mm", "lateral_displacement_mm"),
        *("superior_displacement_mm", "posterior_displacement_mm"),
        *(f"{point}_{axis}_mm" for point in _POINTS for axis in "xyz"),
    ],
    "cohort_truth": [
        *("variant", "drawn_as", "infant_motion", "course", "path_length_mm", "duration_s"),
        *("is_flipped", "informative_start", "informative_stop", "flexion_deg"),
        *("head_depth_mm", "lost_contact_share", "infant_moved_mm"),
    ],
    "cohort_step": [
        *("sweep_type", "side", "sweep_count", "step_count", "correlation_length_mm"),
        "step_mm_median",
        *_STEP_NAMES,
    ],
}


def make_tables(cohort: Cohort) -> dict:
    """Return all tables of a cohort.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    dict of str to (table, key)
    """
    subjects, sweeps = complete_subjects(cohort.subjects), sweep_table(cohort)
    hips = hip_table(cohort.folder)
    return {
        "cohort_subjects": (subjects, SUBJECT_KEY),
        "cohort_hips": (hips, HIP_KEY),
        "cohort_sweeps": (sweeps, SWEEP_KEY),
        "cohort_published": (published_table(subjects, sweeps, hips), ["quantity"]),
        "cohort_step": (step_table(cohort.folder, sweeps), ["sweep_type", "side"]),
    }


def complete_subjects(subjects: pd.DataFrame) -> pd.DataFrame:
    """Return the subjects with the columns that a hospital may leave out."""
    absent = {name: value for name, value in ASSUMED.items() if name not in subjects}
    return subjects.assign(**absent)


def hip_table(folder: Path) -> pd.DataFrame:
    """Return the plan and the constructed truth of every hip, empty without truth."""
    path = Path(folder) / TRUTH / "hips.csv"
    names = COLUMNS["cohort_hips"]
    return tables.read(path, columns=names)[names] if path.is_file() else _empty("cohort_hips")


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame(columns=COLUMNS[name])


def sweep_table(cohort: Cohort) -> pd.DataFrame:
    """Return what was recorded of every sweep and, in columns `truth_`, what is true of it."""
    sweeps = cohort.sweeps
    if "trim_stop" not in sweeps:  # a hospital's table: measured here as for simulated sweeps
        measured = pd.DataFrame([_measured(cohort, row) for row in sweeps.itertuples()])
        kept = [name for name in sweeps if name not in measured or name in SWEEP_KEY]
        sweeps = sweeps[kept].merge(measured, on=SWEEP_KEY)
    path = cohort.folder / TRUTH / "sweeps.csv"
    names = COLUMNS["cohort_truth"]
    truth = pd.DataFrame(columns=[*SWEEP_KEY, *names])
    if path.is_file():
        truth = tables.read(path, columns=names, dtype=dict.fromkeys(SWEEP_KEY, str))
    renamed = {name: f"truth_{name}" for name in names}
    chosen = truth[[*SWEEP_KEY, *names]].rename(columns=renamed)
    return sweeps.merge(chosen, on=SWEEP_KEY, how="left", validate="one_to_one")


def _measured(cohort: Cohort, row) -> dict:
    """Return a hospital's sweep, measured."""
    sweep = cohort.sweep(row.subject_id, row.sweep_id)
    session = cohort.session(row.subject_id, row.session_id)
    found = measured_row(sweep, row.sweep_type, is_tracked=session.is_tracked)
    return {"subject_id": row.subject_id, "sweep_id": row.sweep_id} | found


def step_table(folder: Path, sweeps: pd.DataFrame) -> pd.DataFrame:
    """Return elevational steps over the elevational correlation length, at the focus.

    Parameters
    ----------
    folder : pathlib.Path
        Of the cohort.
    sweeps : pandas.DataFrame
        As `sweep_table` gives them.

    Returns
    -------
    pandas.DataFrame
        Of true steps between neighbouring frames of the moving part, protocol sweeps only;
        no rows without truth.
    """
    probe = ProbeSettings()
    rows = []
    chosen = sweeps[sweeps["truth_variant"] == "protocol"]
    for (sweep_type, side), group in chosen.groupby(["sweep_type", "side"]):
        steps = np.concatenate([_steps(folder, row, probe) for row in group.itertuples()])
        length_mm = float(probe.elevational_fwhm_at(probe.elevational_focus_mm))
        row = {
            "sweep_type": sweep_type,
            "side": side,
            "sweep_count": len(group),
            "step_count": len(steps),
            "correlation_length_mm": length_mm,
            "step_mm_median": length_mm * np.median(steps),
        }
        rows.append(row | dict(zip(_STEP_NAMES, np.quantile(steps, QUANTILES), strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS["cohort_step"])


def _steps(folder: Path, row, probe: ProbeSettings) -> np.ndarray:
    """Return the steps of the moving part of one sweep."""
    with np.load(Path(folder) / TRUTH / row.subject_id / f"{row.sweep_id}.npz") as truth:
        moving = slice(*truth["informative"])
        poses = truth["T_image_to_hip"][moving]
    return steps_per_correlation_length(poses, probe, depth_mm=probe.elevational_focus_mm)


def metrics(cohort: Cohort, content: dict) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    cohort : Cohort
    content : dict
        As `make_tables` returns it.

    Returns
    -------
    dict
    """
    sweeps, steps = content["cohort_sweeps"][0], content["cohort_step"][0]
    found = {
        "origin": cohort.origin,
        "subjects_total": len(cohort.subjects),
        "sweeps_total": len(sweeps),
        "sweeps_usable": int(sweeps.is_usable.sum()),
        "frames_total": int(sweeps.frame_count.sum()),
    }
    for row in steps.itertuples():
        name = f"{row.sweep_type}_{row.side}_step_per_correlation_length_median"
        found[name] = row.step_per_length_p50
    return found
