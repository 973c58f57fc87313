"""Study ids for patients, and the one file that says who is who.

Decides that ids say nothing about the order in which patients came, that all dates of a patient
are moved by the same number of days, and that a patient who comes again keeps both. The file
that maps patients to ids lies outside the cohort, or nothing is written. Deliberately encrypts
nothing: who may read that file is the hospital's to decide.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables
from hipus.intake.basic_profile import Pseudonym

COLUMNS = ("cohort", "subject_id", "sweep_id", "patient", "file", "operator", "operator_id")
COLUMNS += ("shift_days", "secret")
KEY = ["cohort", "subject_id", "sweep_id"]
#: Dates move back by one day to ten years.
MOST_DAYS = 3650


def read_mapping(path: Path) -> pd.DataFrame:
    """Read who is who.

    Parameters
    ----------
    path : Path

    Returns
    -------
    pandas.DataFrame
        One row a sweep; none where there is no file yet.

    Raises
    ------
    ValueError
        If it is no such table.
    """
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    text = {name: str for name in COLUMNS if name != "shift_days"}
    return tables.read(path, columns=COLUMNS, dtype=text, keep_default_na=False)


def write_mapping(mapping: pd.DataFrame, path: Path) -> None:
    """Write who is who, readable by its owner only.

    Parameters
    ----------
    mapping : pandas.DataFrame
    path : Path
    """
    tables.write(mapping[list(COLUMNS)], path, key=KEY)
    os.chmod(path, 0o600)


def check_outside(mapping: Path, *folders: Path) -> None:
    """Raise unless the mapping lies outside folders that are passed on.

    Parameters
    ----------
    mapping : Path
    *folders : Path

    Raises
    ------
    ValueError
        Naming both.
    """
    for folder in folders:
        if mapping.resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"the mapping of patients must lie outside {folder}, which is passed on, "
                f"got {mapping}"
            )


def assign(
    patients: Iterable[str], known: pd.DataFrame, rng: np.random.Generator
) -> dict[str, Pseudonym]:
    """Give every patient a study id and a number of days.

    Parameters
    ----------
    patients : iterable of str
        As the hospital names them, repeated or not.
    known : pandas.DataFrame
        As `read_mapping` returns it: these patients keep theirs.
    rng : numpy.random.Generator
        Seeded by the machine, or ids and days could be guessed.

    Returns
    -------
    dict of str to Pseudonym
        S001, S002, ... in random order.
    """
    given = {
        row.patient: Pseudonym(row.subject_id, int(row.shift_days), row.secret)
        for row in known.itertuples()
    }
    wanted = sorted(set(patients))
    new = [name for name in wanted if name not in given]
    taken = {who.subject_id for who in given.values()}
    free = (f"S{number:03d}" for number in range(1, len(taken) + len(new) + 1))
    ids = [subject_id for subject_id in free if subject_id not in taken]
    for patient, subject_id in zip(rng.permutation(new), ids, strict=False):
        days = -int(rng.integers(1, MOST_DAYS + 1))
        given[str(patient)] = Pseudonym(subject_id, days, rng.bytes(16).hex())
    return {name: given[name] for name in wanted}


def operator_ids(operators: Iterable[str], known: pd.DataFrame) -> Mapping[str, str]:
    """Give every operator an id: who held the probe is a person, too.

    Parameters
    ----------
    operators : iterable of str
        "" where nobody is named.
    known : pandas.DataFrame

    Returns
    -------
    mapping of str to str
        O1, O2, ... in order of appearance; "" stays.
    """
    given = {"": ""} | dict(zip(known.operator, known.operator_id, strict=True))
    for name in operators:
        given.setdefault(name, f"O{len(given)}")
    return given
