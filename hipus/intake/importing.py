"""A cohort in the study's layout, made of a hospital's recordings, without what names a patient.

Decides what is carried over: pictures without writing, times from zero where they were a date,
poses, scale, inertial samples, and the few facts that the list may state. Everything else of
every file stays behind. A cohort that still looks identified is not put in its place unless each
finding was accepted by name. Deliberately changes no recording and no list.
"""

from __future__ import annotations

import datetime
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables
from hipus.files import write_text
from hipus.formats import metafile
from hipus.formats.cohort_layout import (
    ABOUT,
    SUBJECT_KEY,
    SUBJECTS,
    SWEEP_KEY,
    SWEEPS,
    read_cohort,
    session_file,
    sweep_file,
)
from hipus.formats.sequence import from_sweep
from hipus.intake import dicom_copy, pseudonyms
from hipus.intake.acceptances import Acceptance
from hipus.intake.basic_profile import Pseudonym
from hipus.intake.identity import LATEST_CLOCK_S, check_identity
from hipus.intake.listing import OF_SUBJECT
from hipus.intake.recordings import Recording, read_recording
from hipus.intake.writing_removal import without_writing
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

_YES_NO = {"": True, "1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True)
class ImportedCohort:
    """What an import left.

    Attributes
    ----------
    folder : pathlib.Path
    subject_count, sweep_count : int
    masked : tuple of str
        Sweeps in which writing was found and blackened, as subject/sweep.
    """

    folder: Path
    subject_count: int
    sweep_count: int
    masked: tuple[str, ...]


def import_cohort(
    listing: pd.DataFrame,
    target: Path,
    *,
    mapping: Path,
    rng: np.random.Generator,
    origin: str = "recorded",
    keeps_dicom: bool = False,
    acceptance: Acceptance | None = None,
) -> ImportedCohort:
    """Make a cohort of listed recordings.

    Parameters
    ----------
    listing : pandas.DataFrame
        As `listing.read_listing` returns it.
    target : Path
        Must not exist; made as a whole or not at all.
    mapping : Path
        Who is who, outside `target`; patients that it knows keep their ids.
    rng : numpy.random.Generator
        Seeded by the machine.
    origin : str
        "recorded", or "simulated".
    keeps_dicom : bool
        Put a de-identified copy of each DICOM file beside its sweep.
    acceptance : Acceptance, optional
        Somebody's word that findings are no reason to refuse; kept in the cohort's folder.

    Returns
    -------
    ImportedCohort

    Raises
    ------
    FileExistsError
        If the target is there.
    ValueError
        If the mapping would lie in the cohort, a recording cannot be read or a session's rows
        contradict each other, or if the cohort still looks identified.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already: an import makes a new folder")
    pseudonyms.check_outside(mapping, target)
    part = target.with_name(f".part.{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        known = pseudonyms.read_mapping(mapping)
        rows, masked = _import_all(listing, part, known, rng, keeps_dicom=keeps_dicom)
        _write_tables(rows, part)
        write_text(part / ABOUT, json.dumps({"origin": origin}) + "\n")
        check_identity(part, acceptance)
        read_cohort(part)
        _remember(rows.assign(cohort=target.name), known, mapping)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return ImportedCohort(target, rows.subject_id.nunique(), len(rows), tuple(masked))


def _import_all(listing, part: Path, known, rng, *, keeps_dicom: bool):
    """Write every sweep and session; return the rows with their ids, and what was masked."""
    people = pseudonyms.assign(listing.patient, known, rng)
    operators = pseudonyms.operator_ids(listing.operator, known)
    rows = listing.assign(
        subject_id=[people[name].subject_id for name in listing.patient],
        shift_days=[people[name].shift_days for name in listing.patient],
        secret=[people[name].secret for name in listing.patient],
        operator_id=[operators[name] for name in listing.operator],
        session_id=[name or "1" for name in listing.session],
    )
    rows["sweep_id"] = _sweep_ids(rows)
    masked, sessions = [], {}
    for row in rows.itertuples():
        who, stated = people[row.patient], rows.loc[row.Index].to_dict()
        found = read_recording(Path(row.file), stated)
        sweep, is_masked = _without_writing(found)
        sequence = from_sweep(_from_zero(sweep, row.sweep_id))
        if not found.is_tracked:
            sequence = replace(sequence, transforms={})
        path = sweep_file(part, row.subject_id, row.sweep_id)
        path.parent.mkdir(exist_ok=True)
        metafile.write(path, sequence)
        if keeps_dicom and row.file.lower().endswith(".dcm"):
            copy = part / row.subject_id / f"{row.sweep_id}.dcm"
            dicom_copy.write_copy(Path(row.file), np.asarray(sweep.frames[:]), who, copy)
        masked += [f"{row.subject_id}/{row.sweep_id}"] if is_masked else []
        _add_session(sessions, row, _session(found, stated, who))
        log.info("%s/%s imported", row.subject_id, row.sweep_id)
    for (subject_id, session_id), content in sessions.items():
        path = session_file(part, subject_id, session_id)
        write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")
    return rows, masked


def _sweep_ids(rows: pd.DataFrame) -> list[str]:
    """Return stated ids, else side and kind, numbered where they repeat."""
    taken, ids = set(), []
    for row in rows.itertuples():
        stem = row.sweep or f"{row.side}_{row.sweep_type}"
        names = [stem, *(f"{stem}_{number}" for number in range(2, len(rows) + 2))]
        name = next(one for one in names if (row.subject_id, one) not in taken)
        taken.add((row.subject_id, name))
        ids.append(name)
    return ids


def _without_writing(found: Recording) -> tuple[Sweep, bool]:
    """Return a sweep whose pictures show no writing, and whether anything was blackened."""
    clean, is_masked = without_writing(
        found.sweep.frames, is_coloured=found.is_coloured, box_xyxy=found.box_xyxy
    )
    return (replace(found.sweep, frames=clean) if is_masked else found.sweep), is_masked


def _from_zero(sweep: Sweep, sweep_id: str) -> Sweep:
    """Return a sweep under its study id, whose clock tells no date."""
    sweep = replace(sweep, sweep_id=sweep_id)
    start_s = float(sweep.time_s[0])
    if abs(start_s) < LATEST_CLOCK_S:
        return sweep
    imu = sweep.imu and replace(sweep.imu, time_s=sweep.imu.time_s - start_s)
    return replace(sweep, time_s=sweep.time_s - start_s, imu=imu)


def _session(found: Recording, stated: Mapping[str, str], who: Pseudonym) -> dict:
    """Return what is known of the examination of a sweep."""
    corrected = _YES_NO.get(str(stated["poses_are_lag_corrected"]).lower())
    if corrected is None:
        raise ValueError(
            f"{stated['file']}: poses_are_lag_corrected must be 1 or 0, "
            f"got {stated['poses_are_lag_corrected']!r}"
        )
    content = {
        "is_tracked": found.is_tracked,
        "lag_s": _lag(stated),
        "poses_are_lag_corrected": corrected,
        "T_pixel_to_probe": None,
    }
    return content | _shifted_day(stated, who)


def _lag(stated: Mapping[str, str]) -> float | None:
    """Return the stated lag."""
    try:
        return float(stated["lag_s"]) if stated["lag_s"] else None
    except ValueError as error:
        raise ValueError(
            f"{stated['file']}: lag_s must be a number, got {stated['lag_s']!r}"
        ) from error


def _shifted_day(stated: Mapping[str, str], who: Pseudonym) -> dict:
    """Return the day of an examination, moved by the patient's number of days."""
    if not stated["date"]:
        return {}
    try:
        day = datetime.date.fromisoformat(stated["date"])
    except ValueError as error:
        raise ValueError(
            f"{stated['file']}: date must be like 2024-01-31, got {stated['date']!r}"
        ) from error
    return {"day_shifted": (day + datetime.timedelta(days=who.shift_days)).isoformat()}


def _add_session(sessions: dict, row, content: dict) -> None:
    """Remember a session; all of its sweeps must agree."""
    key = (row.subject_id, row.session_id)
    before = sessions.setdefault(key, content)
    if before != content:
        differing = sorted(name for name in content if before.get(name) != content[name])
        raise ValueError(
            f"{row.file}: {differing} must be as in the other sweeps of session "
            f"{row.session_id!r}, or it is another session"
        )


def _write_tables(rows: pd.DataFrame, part: Path) -> None:
    """Write subjects and sweeps, without columns in which nothing is stated."""
    tracked = {
        subject_id: int(_is_tracked(part, subject_id)) for subject_id in rows.subject_id.unique()
    }
    subjects = rows[["subject_id", *OF_SUBJECT]].drop_duplicates("subject_id")
    subjects = subjects.assign(is_tracked=subjects.subject_id.map(tracked))
    tables.write(_stated(subjects, SUBJECT_KEY), part / SUBJECTS, key=SUBJECT_KEY)
    names = [*SWEEP_KEY, "session_id", "order", "side", "sweep_type", "operator_id"]
    tables.write(_stated(rows[names], SWEEP_KEY), part / SWEEPS, key=SWEEP_KEY)


def _is_tracked(part: Path, subject_id: str) -> bool:
    """Return whether any examination of a subject was tracked."""
    files = sorted((part / subject_id).glob("session_*.json"))
    return any(json.loads(path.read_text(encoding="utf-8"))["is_tracked"] for path in files)


def _stated(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return a table without empty columns; ages are numbers, ids stay text."""
    kept = [name for name in table if name in key or (table[name] != "").any()]
    return table[kept]


def _remember(rows: pd.DataFrame, known: pd.DataFrame, mapping: Path) -> None:
    """Add the new rows to the mapping."""
    new = rows[list(pseudonyms.COLUMNS)].astype({"shift_days": int})
    parts = [new] if known.empty else [known, new]
    pseudonyms.write_mapping(pd.concat(parts, ignore_index=True), mapping)
