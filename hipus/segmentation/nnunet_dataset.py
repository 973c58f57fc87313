"""Training cases in nnU-Net's own format.

Decides what training reads: cases cropped, z-scored and resampled by nnU-Net's own
preprocessor, in this process and from arrays, so that no copy of the raw pictures is needed.
Deliberately checks no case (see `training_cases`), and imports nnU-Net only when it writes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from hipus.files import write_text
from hipus.segmentation import plans as study_plans
from hipus.segmentation.training_cases import SPLITS, TrainingCase

_SLICE_SPACING_MM = 999.0  # what nnU-Net's readers give the missing axis of a picture


def write_dataset(
    cases: Iterable[TrainingCase],
    folder: Path,
    *,
    plans: Mapping,
    label_names: Mapping[str, int],
) -> Path:
    """Write what nnU-Net's training reads.

    Parameters
    ----------
    cases : iterable of TrainingCase
        As `examine` has passed them; read once, one at a time.
    folder : Path
        nnU-Net's folder of preprocessed data; the data set goes to a folder of its own there.
    plans : mapping
        As `plans.study_plans` gives them.
    label_names : mapping of str to int
        The scheme without background.

    Returns
    -------
    Path
        The folder of the data set.

    Notes
    -----
    Each case is cropped to what is not zero, each channel z-scored by its own mean and
    standard deviation over that crop, then resampled to the spacing of the plans (Isensee et
    al. 2021). A data set that is there already is replaced: only the caller's marker can say
    whether it is whole.
    """
    name = study_plans.configuration_name(plans)
    base = Path(folder) / plans["dataset_name"]
    target = base / plans["configurations"][name]["data_identifier"]
    shutil.rmtree(base, ignore_errors=True)
    target.mkdir(parents=True)
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    description = dataset_description(plans, label_names)
    save = _preprocessor(plans, description, target)
    for case in cases:
        save(case)
        splits[case.split].append(case.case_id)
    description["numTraining"] = sum(len(names) for names in splits.values())
    fold = {"train": splits["train"], "val": splits["validation"]}
    _write_json(base / "splits_final.json", [fold])
    _write_json(base / "dataset.json", description)
    _write_json(base / "dataset_fingerprint.json", {})  # copied, never read
    return base


def dataset_description(plans: Mapping, label_names: Mapping[str, int]) -> dict:
    """Return the content of nnU-Net's dataset.json.

    Parameters
    ----------
    plans : mapping
    label_names : mapping of str to int
        The scheme without background.

    Returns
    -------
    dict
    """
    plan = plans["configurations"][study_plans.configuration_name(plans)]
    count = len(plan["normalization_schemes"])
    return {
        "channel_names": {str(k): f"ultrasound_{k}" for k in range(count)},
        "labels": {"background": 0, **{name: int(value) for name, value in label_names.items()}},
        "file_ending": ".nii.gz",
    }


def _preprocessor(plans: Mapping, description: Mapping, target: Path):
    """Return a function that preprocesses a case and saves it."""
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
    from nnunetv2.training.dataloading.nnunet_dataset import (
        comp_blosc2_params,
        nnUNetDatasetBlosc2,
    )
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    manager = PlansManager(json.loads(json.dumps(plans)))
    configuration = manager.get_configuration(study_plans.configuration_name(plans))
    preprocessor = DefaultPreprocessor(verbose=False)

    def layout(array):
        return comp_blosc2_params(array.shape, configuration.patch_size, array.itemsize)

    def save(case: TrainingCase) -> None:
        data, labels, properties = preprocessor.run_case_npy(
            *_as_volume(case), manager, configuration, description
        )
        data, labels = data.astype(np.float32, copy=False), labels.astype(np.int16, copy=False)
        (blocks, chunks), (label_blocks, label_chunks) = layout(data), layout(labels)
        nnUNetDatasetBlosc2.save_case(
            data,
            labels,
            properties,
            str(target / case.case_id),
            chunks=chunks,
            blocks=blocks,
            chunks_seg=label_chunks,
            blocks_seg=label_blocks,
        )

    return save


def _as_volume(case: TrainingCase) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return channels (C, D, H, W), labels (1, D, H, W) and spacing as nnU-Net reads files."""
    channels, labels = np.asarray(case.channels, np.float32), case.labels[None].astype(np.int16)
    spacing = [float(side) for side in case.spacing_mm]
    if channels.ndim == 3:
        channels, labels = channels[:, None], labels[:, None]
        spacing = [_SLICE_SPACING_MM, *spacing]
    return channels, labels, {"spacing": spacing}


def _write_json(path: Path, content) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
