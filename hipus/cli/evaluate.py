"""`hipus evaluate poses`, `hipus evaluate masks`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit


class Scheme(StrEnum):
    """What the numbers of a mask mean."""

    HIP = "hip"
    STILLS = "stills"


app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Judge anybody's results as the study's own are judged.",
)
#: Means over sweeps that the command prints; the tables hold all measures.
_SHOWN = ("relative_mm", "relative_deg", "absolute_mm", "absolute_deg", "final_mm", "final_deg")
#: Scores of masks that the command prints: title, measure, and which summary of it.
_SHOWN_SCORES = (
    ("dice_mean", "dice", "mean_finite"),
    ("dice_median", "dice", "median"),
    ("hd95_mm_median", "hd95_mm", "median"),
    ("assd_mm_median", "assd_mm", "median"),
    ("surface_dice_1mm_mean", "surface_dice_1mm", "mean_finite"),
    ("volumes_without_value", "dice", "missing_count"),
)
_SHOWN_TESTS = ("model_a", "model_b", "n", "mean_difference", "mean_difference_low")
_SHOWN_TESTS += ("mean_difference_high", "level", "p_holm", "rank_biserial")


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
    from hipus import config
    from hipus.stages import pose_scores

    _refuse_own_tables(folder, profile)
    study = config.load(profile)
    scores = pose_scores.score_cohort(predictions, study=study, cohort=cohort, arm=name)
    found = pose_scores.tables_of(scores, seed=study.common.seed)
    written = _write_tables(found, pose_scores.TABLES, folder)
    emit(_cohort_facts(scores, found, cohort) | {"written": written})


def _refuse_own_tables(folder: Path | None, profile: str) -> None:
    """Raise if the tables of a stage would be replaced."""
    from hipus import paths

    own = paths.table_file(profile, "motion").parent
    if folder is not None and folder.resolve() == own.resolve():
        raise ValueError(f"output must not be the folder of the study's own tables, got {folder}")


def _write_tables(found: dict, keys: dict, folder: Path | None) -> list[Path]:
    """Write tables where a folder is named, and return their files."""
    from hipus import tables

    if folder is None:
        return []
    return [tables.write(found[name], folder / f"{name}.csv", key=keys[name]) for name in found]


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

    stated = calibration or sources.calibration_beside(truth)
    matrix = sources.read_calibration(stated) if stated else None
    tracked = sources.read_sweep(truth, calibration=matrix)
    if tracked.T_pixel_to_probe is None:
        raise ValueError(f"{truth} holds no calibration: name one with --calibration")
    marked = sweep_scores.read_landmarks(landmarks, truth) if landmarks else None
    scores = sweep_scores.score(predictions, tracked, landmarks=marked, name=str(truth))
    target = None if folder is None else folder / f"{truth.name.split('.')[0]}_scores.json"
    emit({"predictions": predictions, "truth": truth, **scores.flat()}, target)


@app.command("masks")
def masks(
    predictions: Annotated[
        Path, typer.Argument(help="Folder of <subject>_<sweep>.mha, .nii.gz, .nii or .nrrd.")
    ],
    cohort: Annotated[str, typer.Option(help="Cohort whose test volumes are scored: test.")],
    labels: Annotated[
        Scheme | None, typer.Option(help="What numbers mean in masks without a sidecar.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Profile that the cohort belongs to.")] = "small",
    name: Annotated[str, typer.Option(help="What tables call them; left out: the folder's.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write.")] = None,
) -> None:
    """Score label volumes of a cohort by what was insonified.

    Masks must lie on the grids of the study's own volumes (`results/<profile>/sweep_volumes`).
    Every test volume of the cohort must be there: a missing one is an error. The tables are
    those of the study's own models, which stand beside where the study has judged them.
    """
    from hipus import config
    from hipus.stages import mask_evaluation

    _refuse_own_tables(output, profile)
    found = mask_evaluation.score_cohort(
        predictions,
        study=config.load(profile),
        cohort=cohort,
        model_id=name,
        scheme=None if labels is None else labels.value,
    )
    written = _write_tables(found.tables, mask_evaluation.KEYS, output)
    emit(_mask_facts(found, cohort) | {"written": written})


def _mask_facts(found, cohort: str) -> dict:
    """Return what a reader looks at first: scores by model and structure, and the tests."""
    volumes = found.scores[["subject_id", "sweep_id"]].drop_duplicates()
    return {
        "model_id": found.model_id,
        "cohort": cohort,
        "origin": found.origin,
        "volumes": len(volumes),
        "subjects": volumes.subject_id.nunique(),
        "summary": _mask_summary(found.tables["segmentation_summary"]),
        "comparisons_of_subject_mean_dice": _mask_tests(found.tables),
    }


def _mask_summary(rows) -> list[dict]:
    """Return scores that a reader looks at first, a row per model and structure."""
    wide = rows.set_index(["model_id", "structure", "measure"])
    keys = rows[["model_id", "structure"]].drop_duplicates()
    return [
        dict(zip(("model_id", "structure"), key, strict=True))
        | {title: wide.loc[(*key, measure), value] for title, measure, value in _SHOWN_SCORES}
        for key in keys.itertuples(index=False, name=None)
    ]


def _mask_tests(found: dict) -> list[dict]:
    """Return the comparisons of means over structures; none where there is no other model."""
    from hipus.segmentation.volume_scores import MEAN

    if "segmentation_comparisons" not in found:
        return []
    rows = found["segmentation_comparisons"]
    return rows.loc[rows.structure == MEAN, list(_SHOWN_TESTS)].to_dict("records")
