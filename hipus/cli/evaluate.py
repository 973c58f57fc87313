"""`hipus evaluate poses`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Judge anybody's results as the study's own are judged.",
)
#: Means over sweeps that the command prints; the tables hold all measures.
_SHOWN = ("relative_mm", "relative_deg", "absolute_mm", "absolute_deg", "final_mm", "final_deg")


@app.callback()
def start() -> None:
    """Keep `poses` a command of its own while it is the only one."""


@app.command("poses")
def poses(
    predictions: Annotated[
        Path, typer.Argument(help="Folder of .npz or .csv; of one sweep: .csv, .npz, .mha, .h5.")
    ],
    cohort: Annotated[
        str | None, typer.Option(help="Cohort whose test sweeps are scored, for example test.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Profile that the cohort belongs to.")] = "small",
    name: Annotated[str, typer.Option(help="What tables call them; left out: the file's.")] = "",
    truth: Annotated[
        Path | None, typer.Option(help="Tracked sweep to score one against, for example .h5.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Of the truth; left out: its own, or the TUS-REC .csv beside it."),
    ] = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="TUS-REC landmark .h5 of the truth's subject.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write.")] = None,
) -> None:
    """Score predicted poses, of a cohort (`--cohort`) or of one sweep (`--truth`).

    A cohort's tables are those of the study's own arms; a sweep or frame that is not predicted
    is an error. One sweep gets the pixel and landmark errors of TUS-REC and its drift.
    """
    if (cohort is None) == (truth is None):
        raise typer.BadParameter("name either --cohort or --truth")
    if truth is not None:
        _score_sweep(predictions, truth, calibration, landmarks, output)
        return
    if calibration or landmarks:
        raise typer.BadParameter("--calibration and --landmarks go with --truth")
    _score_cohort(predictions, cohort, profile, name, output)


def _score_cohort(
    predictions: Path, cohort: str, profile: str, name: str, folder: Path | None
) -> None:
    """Score a cohort's predictions, and write and print tables."""
    from hipus import config, paths, tables
    from hipus.stages import pose_scores

    own = paths.table_file(profile, "motion").parent
    if folder is not None and folder.resolve() == own.resolve():
        raise ValueError(f"output must not be the folder of the study's own tables, got {folder}")
    study = config.load(profile)
    scores = pose_scores.score_cohort(predictions, study=study, cohort=cohort, arm=name)
    found = pose_scores.tables_of(scores, seed=study.common.seed)
    written = []
    if folder is not None:
        for table, key in pose_scores.TABLES.items():
            written.append(tables.write(found[table], folder / f"{table}.csv", key=key))
    emit(_cohort_facts(scores, found, cohort) | {"written": written})


def _cohort_facts(scores, found: dict, cohort: str) -> dict:
    """Return the summary of a cohort's scores: a row per arm, truth and sweep type."""
    return {
        "arm": scores.arm,
        "cohort": cohort,
        "origin": scores.origin,
        "sweeps": len(scores.expected),
        "subjects": len({subject for subject, _ in scores.expected}),
        "tracker_noise_per_step_mm": scores.noise_mm,
        "tracker_noise_per_step_deg": scores.noise_deg,
        "summary": _summary(found),
    }


def _summary(found: dict) -> list[dict]:
    """Return the measures that a reader looks at first, a row per arm, truth and sweep type."""
    keys = ["arm", "truth", "sweep_type"]
    means = found["motion_summary"].pivot(index=keys, columns="measure", values="mean")
    rows = found["motion_arms"].set_index(keys).join(means[list(_SHOWN)]).reset_index()
    return [
        {key: row[key] for key in (*keys, "sweep_count", "subject_count")}
        | {name: row[name] for name in _SHOWN}
        | {"final_mm_interval_95": [row["low"], row["high"]]}
        for row in rows.to_dict("records")
    ]


def _score_sweep(
    predictions: Path,
    truth: Path,
    calibration: Path | None,
    landmarks: Path | None,
    folder: Path | None,
) -> None:
    """Score one sweep's prediction against its tracked poses."""
    from hipus.cli import sources
    from hipus.stages import sweep_scores

    stated = calibration or _beside(truth)
    matrix = sources.read_calibration(stated) if stated else None
    tracked = sources.read_sweep(truth, calibration=matrix)
    if tracked.T_pixel_to_probe is None:
        raise ValueError(f"{truth} holds no calibration: name one with --calibration")
    marked = sweep_scores.read_landmarks(landmarks, truth) if landmarks else None
    scores = sweep_scores.score(predictions, tracked, landmarks=marked, name=str(truth))
    target = None if folder is None else folder / f"{truth.name.split('.')[0]}_scores.json"
    emit({"predictions": predictions, "truth": truth, **scores.flat()}, target)


def _beside(truth: Path) -> Path | None:
    """Return the calibration that lies beside a TUS-REC scan, None where there is none."""
    places = [
        truth.with_name(f"{truth.stem}.calib_matrix.csv"),
        truth.with_name("calib_matrix.csv"),
    ]
    is_scan = truth.suffix.lower() == ".h5"
    return next((place for place in places if is_scan and place.is_file()), None)
