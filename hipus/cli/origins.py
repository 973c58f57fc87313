"""Whether pictures are simulated or recorded, and how a volume keeps that from command to command.

Decides that a volume's facts lie beside it, in `<volume>.json`. Deliberately guesses nothing from
the pictures themselves.
"""

from __future__ import annotations

from pathlib import Path


def origin_of(path: Path, *, is_sequence: bool) -> str:
    """Return whether pictures are "simulated" or "recorded", as far as files tell.

    Parameters
    ----------
    path : Path
    is_sequence : bool
        Whether the file is a sequence metafile, which can say so itself.

    Returns
    -------
    str
        "simulated" where a sequence says so, a volume's facts do, or the file lies beside a
        simulated cohort, as the study's own do.
    """
    from hipus.cli import sources
    from hipus.formats.cohort_layout import ABOUT
    from hipus.formats.cohort_session import read_json

    if is_sequence:
        told = sources.read_sequence(path).fields.get("DataOrigin")
    else:
        cohort = path.resolve().parent.parent / "cohort" / ABOUT
        places = [file for file in (facts_file(path), cohort) if file.is_file()]
        told = read_json(places[0]).get("origin") if places else None
    return "simulated" if told == "simulated" else "recorded"


def facts_file(volume: Path) -> Path:
    """Return where commands say what a volume that they wrote is made of.

    Parameters
    ----------
    volume : Path

    Returns
    -------
    Path
    """
    return volume.with_name(f"{volume.name}.json")
