"""`hipus check`: a cohort's folder, looked at before anything is computed from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit, tell

TABLE, PICTURES = "check.csv", "pictures"
Accept = Annotated[
    list[str] | None,
    typer.Option(help="Accept a finding by its name, KIND:WHERE, or all of a KIND; repeatable."),
]
By = Annotated[
    str, typer.Option(help="Who accepts: a role or initials, it stays in the cohort's folder.")
]
Reason = Annotated[str, typer.Option(help="Why the accepted findings tell nobody's name.")]


def check(
    folder: Annotated[Path, typer.Argument(help="A cohort, as docs/data_formats.md has it.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the table check.csv and the pictures."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw a picture of every sweep.")] = True,
    accept: Accept = None,
    by: By = "",
    reason: Reason = "",
) -> None:
    """Look at every sweep of a cohort, and for what still names a patient.

    Of each sweep: readable, calibrated, lag plausible, valid poses, orientation, duration, a
    proposal for trimming, burnt-in text, the rules of quality. Exit status 1 if a sweep has a
    problem or the folder still looks identified; a finding that is known to be harmless is
    accepted by its name, and the cohort's accepted_findings.csv remembers who did so and why.
    """
    from hipus.formats.cohort_layout import SWEEP_KEY, read_cohort
    from hipus.intake.identity import judge

    if output is not None and output.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"--output must lie outside the cohort {folder}, got {output}")
    cohort = read_cohort(folder)
    left, accepted = judge(folder, acceptance(accept, by=by, reason=reason))
    table = _checked(cohort, output if pictures else None)
    if output is not None:
        from hipus import tables

        tables.write(table, output / TABLE, key=SWEEP_KEY)
    emit(_summary(table, cohort, left=left, accepted=accepted) | {"written": output})
    if left or (table.problems != "").any():
        raise typer.Exit(1)


def acceptance(names: list[str] | None, *, by: str, reason: str):
    """Return what a person accepts, None for nothing."""
    if not names:
        return None
    import datetime

    from hipus.intake.acceptances import Acceptance

    today = datetime.datetime.now(datetime.UTC).date()
    return Acceptance(tuple(names), by, reason, today)


def _checked(cohort, output: Path | None):
    """Return the table of a check, drawing each sweep where a folder is named."""
    import pandas as pd

    from hipus.intake.cohort_check import check_row, each_check

    rows = []
    for row, found in each_check(cohort):
        rows.append(check_row(row, found))
        if found.problems:
            tell(f"{row.subject_id}/{row.sweep_id}: {' '.join(found.problems)}")
        if output is not None and found.view is not None:
            _draw(rows[-1], found.view, output / PICTURES, cohort.origin)
    return pd.DataFrame(rows)


def _draw(row: dict, view, folder: Path, origin: str) -> None:
    """Save the picture of one sweep."""
    from hipus.cli.measure_drawing import save
    from hipus.figures.checked_sweeps import draw_checked_sweep

    drawn = draw_checked_sweep(row, vars(view), origin=origin)
    save(drawn, folder / f"{row['subject_id']}_{row['sweep_id']}.png")


def _summary(table, cohort, *, left, accepted) -> dict:
    """Return what a person needs first: how many sweeps have which problem."""
    problems = Counter(name for words in table.problems for name in words.split())
    return {
        "origin": cohort.origin,
        "subjects_total": int(table.subject_id.nunique()),
        "sweeps_total": len(table),
        "sweeps_without_problem": int((table.problems == "").sum()),
        "problems": dict(sorted(problems.items())),
        "orientation": dict(sorted(Counter(table.orientation).items())),
        "lags_told": int(table.lag_left_s.notna().sum()),
        "still_identified": {one.name: one.what for one in left},
        "accepted": [one.name for one in accepted],
    }
