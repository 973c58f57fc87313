"""The cohort's tables: what a hospital would write down of each sweep, and the truth apart.

Decides columns. Rows come from the sweeps' manifests, so that tables can be made again at
any time. Deliberately summarises nothing (see `assignment`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables
from hipus.formats.cohort_layout import SUBJECT_KEY, SUBJECTS, SWEEP_KEY, SWEEPS, TRUTH
from hipus.phantom.acquisition.recorded import RecordedPoses
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.cohort import storage
from hipus.phantom.cohort.plan import CohortPlan
from hipus.sweep import Sweep
from hipus.sweep_cleaning import trim_hesitation
from hipus.sweep_quality import measure_quality

HIP_KEY = ["subject_id", "side"]
#: Columns of a plan's sweep that an operator knows as well.
_KNOWN = ("subject_id", "sweep_id", "session_id", "order", "side", "sweep_type", "operator_id")


def recorded_row(sweep: dict, reported: Sweep, *, is_tracked: bool) -> dict:
    """Return what can be said of a sweep from what was recorded.

    Parameters
    ----------
    sweep : dict
        A row of the plan.
    reported : Sweep
    is_tracked : bool

    Returns
    -------
    dict
        The plan's plain columns, and those of `measured_row`.
    """
    known = {name: sweep[name] for name in _KNOWN}
    return known | measured_row(reported, sweep["sweep_type"], is_tracked=is_tracked)


def measured_row(reported: Sweep, sweep_type: str, *, is_tracked: bool) -> dict:
    """Return what a recorded sweep itself says, simulated or a hospital's own.

    Parameters
    ----------
    reported : Sweep
    sweep_type : {"graf", "p_a", "p_d"}
    is_tracked : bool

    Returns
    -------
    dict
        frame_count, duration_s, path_mm, lost_share, dark_share, broken_rules (names,
        separated by blanks), is_usable, and the frames between the hesitations at both ends:
        trim_start, trim_stop.
    """
    quality = measure_quality(reported, is_tracked=is_tracked)
    broken = quality.broken_rules(sweep_type)
    # A Graf sweep stays in its plane: nothing of it is hesitation.
    whole = slice(0, len(reported))
    kept = whole if sweep_type == "graf" or not is_tracked else trim_hesitation(reported)
    return {
        "frame_count": quality.frame_count,
        "duration_s": float(reported.time_s[-1] - reported.time_s[0]),
        "path_mm": quality.path_mm,
        "lost_share": quality.lost_share,
        "dark_share": quality.dark_share,
        "broken_rules": " ".join(broken),
        "is_usable": int(not broken),
        "trim_start": kept.start,
        "trim_stop": kept.stop,
    }


def true_row(sweep: dict, recorded: RecordedPoses, hip: Hip) -> dict:
    """Return the truth of a sweep.

    Parameters
    ----------
    sweep : dict
        A row of the plan.
    recorded : RecordedPoses
    hip : Hip
        As bent during this sweep.

    Returns
    -------
    dict
        variant, drawn_as and infant_motion of the plan; path_length_mm and duration_s as
        drawn; is_flipped; informative_start and _stop (frames of the moving part);
        flexion_deg; head_depth_mm; lost_contact_share; infant_moved_mm (farthest the hip's
        centre came from its mean place in the room).
    """
    centres = recorded.T_hip_to_tracker[:, :3, 3]
    planned = recorded.plan
    return {
        "subject_id": sweep["subject_id"],
        "sweep_id": sweep["sweep_id"],
        "variant": sweep["variant"],
        "drawn_as": sweep["drawn_as"],
        "infant_motion": float(sweep["infant_motion"]),
        "course": planned.course,
        "path_length_mm": float(planned.path_length_mm),
        "duration_s": float(planned.duration_s),
        "is_flipped": int(planned.is_flipped),
        "informative_start": int(recorded.informative.start),
        "informative_stop": int(recorded.informative.stop),
        "flexion_deg": float(hip.parameters.flexion_deg),
        "head_depth_mm": float(planned.head_depth_mm),
        "lost_contact_share": float((recorded.contact < 0.5).mean()),
        "infant_moved_mm": float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).max()),
    }


def write_tables(plan: CohortPlan, folder: Path) -> None:
    """Write subjects.csv and sweeps.csv, and below truth/ sweeps.csv and hips.csv.

    Parameters
    ----------
    plan : CohortPlan
    folder : pathlib.Path

    Raises
    ------
    FileNotFoundError
        If a planned sweep is not there.
    """
    recorded, truth, hips = [], [], {}
    for row in plan.sweeps.itertuples():
        manifest = storage.read_manifest(folder, row.subject_id, row.sweep_id)
        if manifest is None:
            raise FileNotFoundError(f"{folder}: sweep {row.subject_id}/{row.sweep_id} is missing")
        recorded.append(manifest["recorded"])
        truth.append(manifest["truth"])
        hips[row.subject_id, row.side] = manifest["hip"]
    flags = {name: int for name in plan.subjects.columns if name.startswith("is_")}
    tables.write(plan.subjects.astype(flags), folder / SUBJECTS, key=SUBJECT_KEY)
    tables.write(pd.DataFrame(recorded), folder / SWEEPS, key=SWEEP_KEY)
    tables.write(pd.DataFrame(truth), folder / TRUTH / "sweeps.csv", key=SWEEP_KEY)
    rows = [
        {"subject_id": subject_id} | _flat(hip) for (subject_id, _), hip in sorted(hips.items())
    ]
    true_hips = pd.DataFrame(rows).merge(plan.hips, on=HIP_KEY)
    tables.write(true_hips, folder / TRUTH / "hips.csv", key=HIP_KEY)


def _flat(hip: dict) -> dict:
    """Return a hip's truth with one column per number: points become x, y and z."""
    row = {}
    for name, value in hip.items():
        if isinstance(value, (list, tuple)):
            stem = name.removesuffix("_mm")
            row |= {f"{stem}_{axis}_mm": part for axis, part in zip("xyz", value, strict=True)}
        else:
            row[name] = value
    return row
