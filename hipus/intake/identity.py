"""Whether a cohort's folder still tells who somebody is.

Decides what looks like a name, a date, a record's number or writing in a picture, wherever it
may stand: file names, ids, tables, session files, headers, clocks, pixels, DICOM elements.
Deliberately repairs nothing, and promises nothing: what it does not find may still be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hipus import tables
from hipus.formats import metafile, sweep_fields
from hipus.formats.cohort_layout import ABOUT, SUBJECTS, SUFFIXES, SWEEPS, TRUTH
from hipus.intake import acceptances
from hipus.intake.acceptances import Acceptance
from hipus.intake.static_ink import has_writing

#: A clock that counts more seconds counts from 1970, or tells when a machine was switched on.
LATEST_CLOCK_S = 1e8
_SEP = r"[-_./]?"
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"(?<!\d)(?:{_YEAR}{_SEP}{_MONTH}{_SEP}{_DAY}|{_DAY}[-_./]{_MONTH}[-_./]{_YEAR})(?!\d)"
)
_RECORD = re.compile(r"\d{6,}")
_TELLING = re.compile(
    r"name|birth|dob\b|mrn|patient|address|phone|physician|operator|institution|hospital|"
    r"insurance|accession|date",
    re.IGNORECASE,
)
_PERSON = re.compile(r"[^\W\d_]+\^[^\W\d_]+")
#: Letters of an id that are no name.
_ID_WORDS = r"s|p|subject|infant|baby|patient|case|study|hip|centre|center|test|train|child"
_ID = re.compile(rf"(?:(?:{_ID_WORDS})[-_]?)*\d{{1,5}}[a-z]?", re.IGNORECASE)
_ALLOWED_KEYS = ("operator_id", "day_shifted")
_OURS = (sweep_fields.CALIBRATION, sweep_fields.SPACING, sweep_fields.SWEEP_ID)
_OURS += (sweep_fields.REFERENCE, "ImuToProbeTransform", "DataOrigin")


@dataclass(frozen=True)
class Finding:
    """One thing that may tell who somebody is.

    Attributes
    ----------
    kind : str
        For example "date_in_name".
    where : str
        File below the cohort's folder, or table and column.
    what : str
        What was found; a value is never repeated.
    """

    kind: str
    where: str
    what: str

    @property
    def name(self) -> str:
        """Return by what a person accepts it."""
        return f"{self.kind}:{self.where}"


def check_identity(folder: Path, acceptance: Acceptance | None = None) -> list[Finding]:
    """Refuse a cohort that still looks identified.

    Parameters
    ----------
    folder : Path
    acceptance : Acceptance, optional
        Somebody's word for more findings than the folder's `accepted_findings.csv` names; they
        are added to it.

    Returns
    -------
    list of Finding
        Those that were accepted, now or before.

    Raises
    ------
    ValueError
        Naming the findings that nobody accepted, at most five in full, and names of
        `acceptance` that fit none.
    """
    left, accepted = judge(folder, acceptance)
    if left:
        shown = "; ".join(f"{one.name} ({one.what})" for one in left[:5])
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        raise ValueError(
            f"{folder} still looks identified: {shown}{more}. Mend it, or accept each by its name"
        )
    return accepted


def judge(
    folder: Path, acceptance: Acceptance | None = None
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that nobody accepted, and those that somebody did.

    Parameters
    ----------
    folder : Path
    acceptance : Acceptance, optional
        As for `check_identity`; it is remembered in the folder.

    Returns
    -------
    left, accepted : list of Finding

    Raises
    ------
    ValueError
        For names of `acceptance` that fit no finding.
    """
    found = findings(folder)
    if acceptance is not None:
        _check_known(folder, found, acceptance.names)
        now = [one.name for one in found if acceptance.fits(one.kind, one.name)]
        acceptances.remember(folder, now, acceptance)
    known = acceptances.accepted_names(folder)
    left = [one for one in found if one.name not in known]
    return left, [one for one in found if one.name in known]


def _check_known(folder: Path, found: list[Finding], names: tuple[str, ...]) -> None:
    """Raise if a name fits no finding: a slip would leave the finding, or hide it later."""
    unknown = sorted(set(names) - {name for one in found for name in (one.kind, one.name)})
    if unknown:
        there = sorted({one.name for one in found}) or "none"
        raise ValueError(f"{folder}: accepted {unknown} fit no finding; there are {there}")


def findings(folder: Path) -> list[Finding]:
    """Return everything in a cohort's folder that may tell who somebody is.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Finding
        Sorted; truth of simulated cohorts is not looked at.
    """
    found = set()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] != TRUTH:
            found |= set(_of_names(place))
            found |= set(_of_file(path, place.as_posix())) if path.is_file() else set()
    return sorted(found, key=lambda one: one.name)


def _of_names(place: Path) -> Iterator[Finding]:
    """Yield what a file's or a folder's own name tells."""
    name = place.name
    if _DATE.search(name):
        yield Finding("date_in_name", place.as_posix(), "its name holds a date")
    elif _RECORD.search(name):
        yield Finding("number_in_name", place.as_posix(), "its name holds six or more digits")
    elif len(place.parts) == 1 and "." not in name and not _ID.fullmatch(name):
        yield Finding("name_as_id", place.as_posix(), "its name may be a person's")


def _of_file(path: Path, place: str) -> Iterator[Finding]:
    """Yield what a file holds."""
    name = path.name.lower()
    if place in (SUBJECTS, SWEEPS):
        yield from _of_table(path, place)
    elif name.endswith(SUFFIXES):
        yield from _of_sweep(path, place)
    elif place == acceptances.FILE:
        yield from _of_acceptances(path, place)
    elif place == ABOUT or re.fullmatch(r"session_.+\.json", name):
        yield from _of_entries(path, place)
    elif name.endswith(".dcm"):
        yield from _of_dicom(path, place)
    elif not name.endswith((".raw", ".zraw")):
        yield Finding("unknown_file", place, "no cohort has such a file, nobody looked into it")


def _of_acceptances(path: Path, place: str) -> Iterator[Finding]:
    """Yield what the words of those who accepted findings tell; the day is theirs."""
    table = tables.read(path, columns=acceptances.COLUMNS, dtype=str, keep_default_na=False)
    for name in ("accepted_by", "reason"):
        if any(_is_text_telling(value) for value in table[name]):
            yield Finding("telling_value", f"{place}/{name}", "it holds a date or a name")


def _of_table(path: Path, place: str) -> Iterator[Finding]:
    """Yield what columns and cells of a table tell."""
    table = tables.read(path, dtype=str, keep_default_na=False)
    for name in table:
        if _TELLING.search(name) and name not in _ALLOWED_KEYS:
            yield Finding("telling_column", f"{place}/{name}", "its title speaks of a person")
        elif _is_telling(table[name]):
            yield Finding("telling_value", f"{place}/{name}", "it holds a date or a name")


def _is_telling(values: pd.Series) -> bool:
    """Return whether any cell holds a whole date or a DICOM name."""
    return any(_DATE.fullmatch(value) or _PERSON.search(value) for value in values)


def _of_entries(path: Path, place: str) -> Iterator[Finding]:
    """Yield what entries of a JSON file tell."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        yield Finding("unreadable", place, "it is no JSON object")
        return
    for key, value in content.items():
        if key in _ALLOWED_KEYS:
            continue
        if _TELLING.search(key) or (isinstance(value, str) and _is_text_telling(value)):
            yield Finding("telling_entry", f"{place}/{key}", "it may name a person or a day")


def _is_text_telling(value: str) -> bool:
    """Return whether a text holds a date or a DICOM name."""
    return bool(_DATE.search(value) or _PERSON.search(value))


def _of_sweep(path: Path, place: str) -> Iterator[Finding]:
    """Yield what header, clock and pictures of a sweep tell."""
    try:
        found = metafile.read(path)
    except ValueError:
        yield Finding("unreadable", place, "it is no readable sequence")
        return
    fields = {k: v for k, v in found.fields.items() if k not in _OURS and "ImuSample" not in k}
    for frames_key, column in found.frame_fields.items():
        fields[frames_key] = next((value for value in column if value), "")
    for key, value in fields.items():
        if _TELLING.search(key) or _is_text_telling(value):
            yield Finding("telling_header", f"{place}/{key}", "it may name a person or a day")
    if abs(found.time_s[0]) >= LATEST_CLOCK_S:
        yield Finding("clock", place, "its times count from a date")
    if found.has_images and has_writing(found.frames):
        yield Finding("burnt_in_text", place, "something is written or drawn into its pictures")


def _of_dicom(path: Path, place: str) -> Iterator[Finding]:
    """Yield which elements a DICOM file should not have."""
    import pydicom

    from hipus.intake.basic_profile import identifying

    try:
        names = identifying(pydicom.dcmread(path, stop_before_pixels=True))
    except (pydicom.errors.InvalidDicomError, ValueError, AttributeError, EOFError):
        yield Finding("unreadable", place, "it is no readable DICOM")
        return
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield Finding("dicom_elements", place, f"it has {', '.join(names[:3])}{more}")
