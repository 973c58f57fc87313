"""The standard's Basic Application Level Confidentiality Profile, applied to one DICOM data set.

Decides what becomes of each element: `basic_profile.csv` holds the actions of DICOM PS3.15
table E.1-1 (edition 2026c), and dates follow its option "retain longitudinal temporal
information with modified dates". What the table leaves open is decided for privacy: of several
allowed actions the one that leaves least, unlisted names and dates go, private elements go.
Deliberately touches no pixel (see `formats.burnt_in`) and knows no file.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

_TABLE = Path(__file__).with_name("basic_profile.csv")
#: Elements that hold the study id afterwards instead of nothing.
_SUBJECT = ("PatientID", "PatientName")
_TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
#: What stands for a value that must be there (action D), by value representation.
_DUMMIES = {"AS": "000D", "DS": "0", "IS": "0", "DA": "19000101", "TM": "000000"}
_DUMMIES |= {"DT": "19000101000000"} | dict.fromkeys(_TEXT, "REMOVED")
#: Unlisted elements of these kinds name a person or a day.
_TELLING = ("PN", "DA", "DT")
#: PS3.16 CID 7050.
_METHODS = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
}


@dataclass(frozen=True)
class Pseudonym:
    """What stands for a patient.

    Attributes
    ----------
    subject_id : str
    shift_days : int
        Added to every date of the patient, so that intervals stay.
    secret : str
        Makes new UIDs that nobody can compute who does not know it.
    """

    subject_id: str
    shift_days: int
    secret: str


@dataclass(frozen=True)
class Rule:
    """A row of the table: an action code of the standard, and whether dates may be shifted."""

    action: str
    is_date: bool


@lru_cache(maxsize=1)
def rules() -> dict[int, Rule]:
    """Return the actions of table E.1-1 by tag, repeating groups left out.

    Returns
    -------
    dict of int to Rule
    """
    with open(_TABLE, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {
        int(row["tag"], 16): Rule(row["basic_action"], row["modified_dates"] == "C") for row in rows
    }


def deidentify(found: Dataset, who: Pseudonym, *, has_clean_pixels: bool) -> Dataset:
    """Apply the basic profile to a data set.

    Parameters
    ----------
    found : pydicom.Dataset
        Not changed.
    who : Pseudonym
    has_clean_pixels : bool
        Whether burnt-in text was looked for and masked; stated in the result.

    Returns
    -------
    pydicom.Dataset
        With `PatientIdentityRemoved` YES and the methods by their codes.

    Notes
    -----
    DICOM PS3.15 (2026c), annex E. Table E.1-1 allows several actions where it depends on the
    kind of object; here X/Z becomes Z, X/D, Z/D and X/Z/D become D, X/Z/U* becomes U of a UID
    and an empty sequence otherwise, so that an object that was valid stays so. Times of day are
    treated by the basic profile, only days are shifted.
    """
    import copy

    clean = copy.deepcopy(found)
    _clean(clean, who)
    _rename_file(clean)
    clean.PatientIdentityRemoved = "YES"
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    clean.DeidentificationMethod = "DICOM PS3.15 2026c basic profile, dates shifted"
    codes = ["113100", "113107", *(["113101"] if has_clean_pixels else [])]
    clean.DeidentificationMethodCodeSequence = [_code(value) for value in sorted(codes)]
    if has_clean_pixels:
        clean.BurnedInAnnotation = "NO"
    return clean


def identifying(found: Dataset) -> list[str]:
    """Return the elements that a data set should not have if it were de-identified.

    Parameters
    ----------
    found : pydicom.Dataset

    Returns
    -------
    list of str
        Keywords (tags where there is none), sorted; the values are not repeated. Elements that
        the profile would remove or empty and that hold something. A data set that says that
        its dates were modified may have dates, one that says that its identity was removed
        may have a patient's name equal to its id (a pseudonym).
    """
    is_done = found.get("PatientIdentityRemoved") == "YES"
    may_date = found.get("LongitudinalTemporalInformationModified") in ("MODIFIED", "REMOVED")
    names = set()
    for element in _elements(found):
        rule = _rule_of(element)
        if rule.action[:1] not in ("X", "Z") or element.is_empty:
            continue
        is_pseudonym = is_done and element.keyword in _SUBJECT
        is_pseudonym = is_pseudonym and str(found.PatientName) == str(found.get("PatientID"))
        is_dummy = is_done and element.value == _DUMMIES.get(element.VR)
        is_new_uid = is_done and element.VR == "UI"
        is_shifted = rule.is_date and may_date and element.VR in ("DA", "DT")
        if not (is_pseudonym or is_dummy or is_shifted or is_new_uid):
            names.add(element.keyword or str(element.tag))
    return sorted(names)


def _elements(found: Dataset) -> Iterator[DataElement]:
    """Yield all elements, those of sequences' items too."""
    for element in found:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)


def _rule_of(element: DataElement) -> Rule:
    """Return what is to become of an element; "" as action: it is kept."""
    tag = element.tag
    is_curve, is_overlay = tag.group & 0xFF00 == 0x5000, tag.group & 0xFF00 == 0x6000
    if tag.is_private or is_curve or (is_overlay and tag.element in (0x3000, 0x4000)):
        return Rule("X", is_date=False)
    unlisted = Rule("X" if element.VR in _TELLING else "", is_date=False)
    return rules().get(int(tag), unlisted)


def _clean(found: Dataset, who: Pseudonym) -> None:
    """Apply the profile in place."""
    for element in list(found):
        rule = _rule_of(element)
        if element.keyword in _SUBJECT:
            element.value = who.subject_id
        elif rule.is_date and element.VR in ("DA", "DT") and not element.is_empty:
            element.value = _shifted(element.value, who.shift_days)
        elif rule.action == "X":
            del found[element.tag]
        elif "U" in rule.action and element.VR == "UI":
            element.value = _new_uids(element.value, who)
        elif rule.action in ("Z", "X/Z") or (rule.action and element.VR == "SQ"):
            element.value = [] if element.VR == "SQ" else None
        elif rule.action:
            element.value = _DUMMIES.get(element.VR, b"\0\0" if element.VR in ("OB", "UN") else 0)
        elif element.VR == "SQ":
            for item in element.value:
                _clean(item, who)


def _shifted(value, days: int):
    """Return dates (DA, or the day of a DT) some days later, or earlier; "" for what is none."""
    if not isinstance(value, str):
        try:
            return [_shifted(str(part), days) for part in value]
        except TypeError:
            value = str(value)
    try:
        day = datetime.datetime.strptime(value[:8], "%Y%m%d").date()
    except ValueError:
        return ""
    return (day + datetime.timedelta(days=days)).strftime("%Y%m%d")


def _new_uids(value, who: Pseudonym):
    """Return other UIDs, the same for the same ones."""
    from pydicom.uid import generate_uid

    if isinstance(value, str):
        return generate_uid(entropy_srcs=[who.secret, value]) if value else value
    return [_new_uids(str(one), who) for one in value]


def _rename_file(found: Dataset) -> None:
    """Make the file's own header agree, without what names a machine."""
    from pydicom.dataset import FileMetaDataset

    old, found.preamble = getattr(found, "file_meta", FileMetaDataset()), b"\0" * 128
    meta = FileMetaDataset()
    for keyword in ("TransferSyntaxUID", "MediaStorageSOPClassUID"):
        if keyword in old:
            setattr(meta, keyword, old[keyword].value)
    if "SOPInstanceUID" in found:
        meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.file_meta = meta


def _code(value: str) -> Dataset:
    """Return an item that names a method."""
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, "DCM"
    item.CodeMeaning = _METHODS[value]
    return item
