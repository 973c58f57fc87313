"""`hipus import`: a hospital's recordings become a cohort that names nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.check import Accept, By, Reason, acceptance
from hipus.cli.output import emit, refuse_input, tell


def import_(
    source: Annotated[
        Path, typer.Argument(help="A filled LIST (.csv), or with --draft a FOLDER of recordings.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Cohort to make; must not exist.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Who is who (.csv): outside the cohort; kept and extended.")
    ] = None,
    draft: Annotated[
        Path | None, typer.Option(help="Write a LIST to be filled in, and import nothing.")
    ] = None,
    origin: Annotated[str, typer.Option(help="recorded or simulated.")] = "recorded",
    keep_dicom: Annotated[
        bool, typer.Option("--keep-dicom", help="Put a de-identified DICOM beside each sweep.")
    ] = False,
    accept: Accept = None,
    by: By = "",
    reason: Reason = "",
) -> None:
    """Import sweeps from PLUS (.mha, .mhd, .nrrd), TUS-REC (.h5), Clarius (.raw) and DICOM (.dcm).

    First `hipus import FOLDER --draft list.csv`: a list of all recordings, with guesses. Fill it
    in, then `hipus import list.csv -o COHORT --mapping who.csv`. Study ids replace patients and
    file names, dates are moved, writing in pictures is blackened, headers stay behind. A cohort
    that still looks identified is refused; `--accept` names what is known to be harmless, and
    `--by` and `--reason` say who found it so, and why.
    """
    if draft is not None:
        _draft(source, draft)
        return
    if output is None or mapping is None:
        raise ValueError("an import needs --output and --mapping, or --draft LIST")
    if origin not in ("recorded", "simulated"):
        raise ValueError(f"--origin must be recorded or simulated, got {origin!r}")
    import numpy as np

    from hipus.intake.importing import import_cohort
    from hipus.intake.listing import read_listing

    refuse_input(mapping, source)
    done = import_cohort(
        read_listing(source),
        output,
        mapping=mapping,
        rng=np.random.default_rng(),
        origin=origin,
        keeps_dicom=keep_dicom,
        acceptance=acceptance(accept, by=by, reason=reason),
    )
    tell(f"{mapping} says who is who: keep it apart from {output}")
    emit(
        {
            "written": done.folder,
            "subjects_total": done.subject_count,
            "sweeps_total": done.sweep_count,
            "sweeps_with_text_masked": list(done.masked),
        }
    )


def _draft(source: Path, target: Path) -> None:
    """Write a list to be filled in; never over one that may be filled in already."""
    from hipus import tables
    from hipus.intake.listing import draft

    if target.exists():
        raise FileExistsError(f"{target} is there already and may be filled in: name another")
    found = draft(source)
    places = {name: _relative(found[name], source, target) for name in ("file", "calibration")}
    tables.write(found.assign(**places), target, key=["file"])
    missing = {name: int((found[name] == "").sum()) for name in ("side", "sweep_type")}
    emit({"written": target, "recordings_total": len(found), "to_fill_in": missing})


def _relative(names, source: Path, target: Path) -> list[str]:
    """Return the recordings' places as seen from the list's folder."""
    import os

    folder = target.resolve().parent
    whole = source.resolve()
    return [os.path.relpath(whole / name, folder) if name else "" for name in names]
