"""The audit, recomputed beside the transcribed one.

Decides which checks are repeated from the tables themselves; the network sizes are built in
`hipus.published.networks`. Deliberately leaves out checks that need knowledge from outside
the documents or a reading of figures.
"""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from hipus.published import (
    audit,
    recompute_cases,
    recompute_companions,
    recompute_counts,
    recompute_tables,
)


def recomputed_checks() -> pd.DataFrame:
    """Recompute the central checks of the audit from the printed tables.

    Returns
    -------
    pandas.DataFrame
        check_id, source (the document), statement, computed (by this code), printed,
        verdict (of this code), audit_computed and audit_verdict (as transcribed); sorted
        by check_id.

    Raises
    ------
    ValueError
        If a check is recomputed twice, or is unknown to the audit.
    """
    parts = (recompute_tables, recompute_cases, recompute_counts, recompute_companions)
    found = pd.DataFrame([asdict(check) for part in parts for check in part.checks()])
    found["verdict"] = found["verdict"].map(str)
    transcribed = audit.checks().rename(
        columns={"computed": "audit_computed", "verdict": "audit_verdict"}
    )
    columns = ["check_id", "source", "statement", "audit_computed", "audit_verdict"]
    unknown = sorted(set(found["check_id"]) - set(transcribed["check_id"]))
    if unknown:
        raise ValueError(f"recomputed checks {unknown} are not in audit.csv")
    try:
        joined = found.merge(transcribed[columns], on="check_id", validate="one_to_one")
    except pd.errors.MergeError as error:
        raise ValueError(f"a check is recomputed twice: {error}") from error
    order = ["check_id", "source", "statement", "computed", "printed", "verdict"]
    return joined.sort_values("check_id", ignore_index=True)[[*order, *columns[3:]]]


def published_checks() -> pd.DataFrame:
    """Return the whole audit with our recomputation beside it.

    Returns
    -------
    pandas.DataFrame
        One row per check of `audit.csv`: check_id, source, statement, printed,
        audit_computed, audit_verdict, note, recomputed and recomputed_verdict (both empty
        where the check is not recomputed), sorted by check_id.

    Raises
    ------
    ValueError
        As `recomputed_checks`.
    """
    ours = recomputed_checks().set_index("check_id")[["computed", "verdict"]]
    ours = ours.rename(columns={"computed": "recomputed", "verdict": "recomputed_verdict"})
    transcribed = audit.checks().rename(
        columns={"computed": "audit_computed", "verdict": "audit_verdict"}
    )
    columns = ["check_id", "source", "statement", "printed", "audit_computed", "audit_verdict"]
    joined = transcribed[[*columns, "note"]].join(ours, on="check_id")
    return joined.fillna({"recomputed": "", "recomputed_verdict": ""})
