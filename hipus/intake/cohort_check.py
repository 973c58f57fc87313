"""Every sweep of a cohort's folder, looked at: one table for a person to read.

Decides that a damaged sweep is a row and never the end of a check. Deliberately draws nothing
and judges no identity (see `identity`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields

import pandas as pd

from hipus.formats.cohort_layout import Cohort
from hipus.intake.sweep_check import SweepCheck, check_sweep, unreadable

log = logging.getLogger(__name__)

_LEFT_OUT = ("view",)


def each_check(cohort: Cohort) -> Iterator[tuple[object, SweepCheck]]:
    """Yield every sweep's row of the cohort's table, and what was found of it.

    Parameters
    ----------
    cohort : Cohort

    Yields
    ------
    row : namedtuple
        Of `cohort.sweeps`.
    check : SweepCheck
    """
    for row in cohort.sweeps.itertuples(index=False):
        try:
            sweep = cohort.sweep(row.subject_id, row.sweep_id)
            session = cohort.session(row.subject_id, row.session_id)
            found = check_sweep(sweep, session, side=row.side, sweep_type=row.sweep_type)
        except (ValueError, OSError) as error:
            found = unreadable(error)
        words = " ".join(found.problems) or "nothing wrong"
        log.info("%s/%s: %s", row.subject_id, row.sweep_id, words)
        yield row, found


def check_row(row, found: SweepCheck) -> dict:
    """Return a sweep's check as a row of a table.

    Parameters
    ----------
    row : namedtuple
    found : SweepCheck

    Returns
    -------
    dict
        subject_id, sweep_id, session_id, side, sweep_type, is_readable, and the fields of
        `SweepCheck`; problems separated by blanks.
    """
    known = {name: getattr(row, name) for name in ("subject_id", "sweep_id", "session_id")}
    known |= {"side": row.side, "sweep_type": row.sweep_type}
    known |= {"is_readable": int(not found.why_unreadable)}
    for one in fields(SweepCheck):
        if one.name not in _LEFT_OUT:
            value = getattr(found, one.name)
            known[one.name] = int(value) if isinstance(value, bool) else value
    return known | {"problems": " ".join(found.problems)}


def check_cohort(cohort: Cohort) -> pd.DataFrame:
    """Look at every sweep of a cohort.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    pandas.DataFrame
        Rows as `check_row` makes them.
    """
    return pd.DataFrame([check_row(row, found) for row, found in each_check(cohort)])
