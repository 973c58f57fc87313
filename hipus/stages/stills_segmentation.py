"""Stage `stills_segmentation` (of `make arms`): real stills, each case by the others' network.

Trains a 2D network on all labelled cases but one, from random weights and from the study's
model 2.1 (simulated frames; its last layers begin at random, because its structures are
others), and judges both on the case left out. Nothing is chosen by that case: lengths are
fixed and the last weights count. Truth is a program's masks. The networks learn from pictures
under CC BY-NC-SA 3.0: they stay in the scratch folder, and no picture goes into results.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from hipus import config, paths, tables
from hipus.formats.manifest import registry
from hipus.segmentation import model_files, stills, training
from hipus.segmentation.plans import ModelNumbers
from hipus.segmentation.stills import Fold, StillCase
from hipus.segmentation.training_cases import TrainingCase
from hipus.stages import runner, stills_tables

log = logging.getLogger(__name__)

STAGE = "stills_segmentation"
MODEL_ID = "2.1"
ORIGIN = "real, open (Radiopaedia, CC BY-NC-SA 3.0: not to be shipped), machine-labelled"


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; return the inputs."""
    names = [name for pair in stills.case_files().values() for name in pair]
    files = runner.real_inputs(study, STAGE, names)
    if files is None:
        runner.write_empty(study, stills_tables.COLUMNS)
        tables.write_metrics({"case_count": 0}, paths.metrics_file(study.profile, STAGE))
        return []
    sizes = study.stills
    pretrained = pretrained_dir(study.profile)
    numbers = numbers_of(pretrained, sizes)
    cases, refused = read_cases((sizes.rows, sizes.columns))
    folds = stills.leave_one_case_out(cases)[: sizes.folds]
    arms = {stills_tables.FROM_SCRATCH: None, stills_tables.PRETRAINED: pretrained}
    found = {"stills_cases": list(_case_rows(cases, refused))}
    found |= _run_folds(study, folds, numbers, arms)
    options = {"seed": study.common.seed, "resamples": sizes.resamples}
    content = stills_tables.make_tables(found, **options)
    runner.write_tables(study, content)
    metrics = stills_tables.make_metrics(content["stills_segmentation_summary"][0])
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return [*files.values(), *sorted(pretrained.iterdir())]


def pretrained_dir(profile: str) -> Path:
    """Return the folder of the study's model 2.1."""
    return paths.results_dir(profile) / "models" / "segmentation" / MODEL_ID


def numbers_of(folder: Path, sizes: config.Stills) -> ModelNumbers:
    """Return the numbers of a trained model with the length of this stage's trainings.

    Parameters
    ----------
    folder : Path
        Of the model that one arm starts from: both arms have its widths, patch, spacing,
        optimiser and augmentation, so that nothing but the first weights differs.
    sizes : hipus.config.Stills
        batch_size, epochs, iterations_per_epoch.

    Returns
    -------
    ModelNumbers

    Raises
    ------
    FileNotFoundError
        If the model is missing; the message says how to make it.
    """
    if not (folder / model_files.ABOUT).is_file():
        raise FileNotFoundError(
            f"{folder} is missing: model {MODEL_ID} is to be trained first (make reproduce)"
        )
    plan = model_files.load(folder).plan
    known = {item.name for item in fields(ModelNumbers)}
    stated = {name: value for name, value in plan["study"].items() if name in known}
    arch = plan["architecture"]["arch_kwargs"]
    stated |= {
        "patch_size": plan["patch_size"],
        "features_per_stage": arch["features_per_stage"],
        "convolutions_per_stage": [*arch["n_conv_per_stage"], *arch["n_conv_per_stage_decoder"]],
        "spacing_mm": plan["spacing"],
        "batch_size": sizes.batch_size,
        "epochs": sizes.epochs,
        "iterations_per_epoch": sizes.iterations_per_epoch,
    }
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in stated.items()}
    return ModelNumbers(**plain)


def read_cases(shape_px: tuple[int, int]) -> tuple[list[StillCase], dict[str, str]]:
    """Read every case of the registry, and say which one is refused and why.

    Parameters
    ----------
    shape_px : tuple of int
        Rows and columns of the working pictures.

    Returns
    -------
    cases : list of StillCase
    refused : dict of str to str
        Cases with empty masks, and what is said of them.
    """
    cases, refused = [], {}
    for case_id in stills.case_files():
        try:
            cases.append(stills.load_case(case_id, shape_px=shape_px))
        except stills.EmptyMasks as error:
            log.warning("not used: %s", error)
            refused[case_id] = str(error)
    return cases, refused


def training_cases(fold: Fold) -> Iterator[TrainingCase]:
    """Yield the frames of a fold's training cases.

    Parameters
    ----------
    fold : Fold

    Yields
    ------
    TrainingCase
        nnU-Net wants a validation picture: the first frame with most structures of the case
        with most frames is it, and is not learned from. It decides nothing.
    """
    largest = max(fold.training, key=lambda case: len(case.frames))
    watched = int(np.argmax([len(np.unique(labels)) for labels in largest.labels]))
    for case in fold.training:
        for place, index in enumerate(case.frame_index):
            is_watched = case is largest and place == watched
            yield TrainingCase(
                case_id=f"{case.case_id}_f{index:03d}",
                subject_id=case.case_id,
                split="validation" if is_watched else "train",
                channels=case.frames[place][None].astype(np.float32),
                labels=case.labels[place],
                spacing_mm=(case.pixel_mm, case.pixel_mm),
            )


def _run_folds(
    study: config.Study,
    folds: Iterable[Fold],
    numbers: ModelNumbers,
    arms: Mapping[str, Path | None],
) -> dict[str, list[dict]]:
    """Train and judge every fold in every arm; return rows of two tables."""
    scores, epochs = [], []
    for fold in folds:
        for arm, initial in arms.items():
            trained = _train(study, fold, numbers, arm=arm, initial=initial)
            predicted = _predict(trained.model_dir, fold.left_out)
            scores += stills_tables.score_case(fold.left_out, predicted, arm=arm)
            epochs += _epoch_rows(trained.epochs, fold.left_out.case_id, arm)
    return {"stills_segmentation": scores, "stills_segmentation_training": epochs}


def _train(study: config.Study, fold: Fold, numbers: ModelNumbers, *, arm: str, initial):
    """Train one network, or take it where it is finished."""
    case_id = fold.left_out.case_id
    scratch = paths.work_dir(study.profile) / STAGE
    return training.train(
        MODEL_ID,
        lambda: training_cases(fold),
        numbers,
        work_dir=scratch / "trainings",
        model_dir=scratch / "models" / f"{case_id}_{arm}",
        seed=study.common.seed,
        device=study.stills.device,
        title=f"without {case_id}, {arm.replace('_', ' ')}",
        scheme="still",
        splits_by="frame",  # of the picture that is watched; the judged case is not among them
        initial_weights=initial,
        origin=ORIGIN,
    )


def _predict(model_dir: Path, case: StillCase) -> np.ndarray:
    """Return the masks of all frames of a case."""
    from hipus.segmentation.prediction import Segmenter

    spacing = (case.pixel_mm, case.pixel_mm)
    return Segmenter.load(model_dir).segment_frames(case.frames, spacing_yx_mm=spacing)


def _epoch_rows(epochs: Iterable[Mapping], case_id: str, arm: str) -> Iterator[dict]:
    """Yield a training's rows of the table `stills_segmentation_training`."""
    for row in epochs:
        yield {
            "case_id": case_id,
            "arm": arm,
            "epoch": row["epoch"],
            "train_loss": row["train_loss"],
            "validation_loss": row["val_loss"],
        }


def _case_rows(cases: Iterable[StillCase], refused: Mapping[str, str]) -> Iterator[dict]:
    """Yield the rows of the table `stills_cases`."""
    for case in cases:
        yield stills_tables.case_row(case) | _origin(case.case_id)
    for case_id, reason in refused.items():
        yield {"case_id": case_id, "status": "refused", "reason": reason} | _origin(case_id)


def _origin(case_id: str) -> dict[str, str]:
    """Return what the licence asks to say of a case."""
    rows = registry().set_index("file")
    row = rows.loc[stills.case_files()[case_id][1]]
    return {"licence": row.licence, "attribution": row.attribution}


if __name__ == "__main__":
    runner.run(STAGE, main)
