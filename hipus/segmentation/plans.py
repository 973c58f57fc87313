"""Plans of the study's networks: the published ones with other numbers in them.

Decides which numbers a profile may change (patch, batch, widths, length, optimiser,
augmentation) and puts them into nnU-Net's own plans format, so that one driver serves every
size. Deliberately neither trains nor imports nnU-Net, and changes no kind of layer.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from hipus.segmentation import networks
from hipus.segmentation_settings import ModelNumbers

DATASET_NAME = "Dataset001_NeonatalHip"
_LEAST_STAGES = 3  # with two, nnU-Net's deep supervision weights its only output by 0 / 0


def published_numbers(model_id: str) -> ModelNumbers:
    """Return the numbers of a published network and of nnU-Net's stock training.

    Parameters
    ----------
    model_id : str
        "2.1" to "3.2".

    Returns
    -------
    ModelNumbers

    Raises
    ------
    ValueError
        If the id is unknown.

    Notes
    -----
    Isensee et al. (2021): 1000 epochs of 250 updates, SGD with Nesterov momentum 0.99 and
    weight decay 3e-5. Stock rotation is 180 degrees for patches whose sides differ by less
    than half, as both published 2D patches do.
    """
    plan = networks.published_plan(model_id)
    dimensions = len(plan.patch_size)
    stored = _published()["configurations"][networks.CONFIGURATIONS[model_id]]
    return ModelNumbers(
        patch_size=plan.patch_size,
        batch_size=plan.batch_size,
        features_per_stage=tuple(plan.arch_kwargs["features_per_stage"]),
        epochs=1000,
        iterations_per_epoch=250,
        validation_iterations=50,
        optimiser="sgd",
        learning_rate=1e-2,
        weight_decay=3e-5,
        momentum=0.99,
        mirror_axes=tuple(range(dimensions)),
        rotation_deg=180.0 if dimensions == 2 else 30.0,
        batch_dice=stored["batch_dice"],
        loader_processes=12,
    )


def study_plans(
    model_id: str,
    numbers: ModelNumbers,
    *,
    spacing_mm: tuple[float, ...],
    median_shape: tuple[int, ...],
    seed: int = 0,
) -> dict:
    """Put a profile's numbers into the published plan of a network.

    Parameters
    ----------
    model_id : str
        "2.1" to "3.2".
    numbers : ModelNumbers
    spacing_mm : tuple of float
        Of the training images, in array order: (y, x) or (z, y, x).
    median_shape : tuple of int
        Median shape of the training images in pixels of that spacing.
    seed : int
        Of weights, batches and augmentation.

    Returns
    -------
    dict
        In nnU-Net's format, with one configuration (`configuration_name`). Its block "study"
        holds what nnU-Net keeps in code: length, optimiser, augmentation, seed.

    Raises
    ------
    ValueError
        If the numbers do not fit the network: another dimension, a patch that its strides do
        not divide, too few or too many stages, an axis that is none; or if model 3.2 would be
        resampled.
    """
    name = networks.CONFIGURATIONS.get(model_id)
    published = networks.published_plan(model_id)
    plans = _published()
    plan = copy.deepcopy(plans["configurations"][name])
    arch = _cut(plan["architecture"]["arch_kwargs"], len(numbers.features_per_stage), model_id)
    arch["features_per_stage"] = list(numbers.features_per_stage)
    if numbers.convolutions_per_stage:
        down = len(numbers.features_per_stage)
        arch["n_conv_per_stage"] = list(numbers.convolutions_per_stage[:down])
        arch["n_conv_per_stage_decoder"] = list(numbers.convolutions_per_stage[down:])
    _check_shape(model_id, numbers, len(published.patch_size), arch["strides"])
    target = _target_spacing(model_id, numbers, spacing_mm)
    plan["architecture"]["arch_kwargs"] = arch
    plan |= {
        "data_identifier": f"study_{name}",
        "batch_size": numbers.batch_size,
        "batch_dice": numbers.batch_dice,
        "patch_size": list(numbers.patch_size),
        "spacing": list(target),
        "median_image_size_in_voxels": _resampled_shape(median_shape, spacing_mm, target),
        "study": _study(model_id, numbers, seed),
    }
    del plans["assumptions"]  # they are about spacings and shapes that are the data's now
    return plans | {
        "dataset_name": DATASET_NAME,
        "plans_name": "study",
        "original_median_spacing_after_transp": _three(spacing_mm, 999.0),
        "original_median_shape_after_transp": _three(median_shape, 1),
        "configurations": {name: plan},
    }


def configuration_name(plans: Mapping) -> str:
    """Return the name of the one configuration of a network's plans.

    Parameters
    ----------
    plans : mapping
        As `study_plans` gives them.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there are none or several.
    """
    names = list(plans.get("configurations", {}))
    if len(names) != 1:
        raise ValueError(f"plans must have one configuration, got {names}")
    return names[0]


def _published() -> dict:
    """Return the plans of the published networks."""
    return json.loads(networks.plans_file().read_text(encoding="utf-8"))


def _cut(arch_kwargs: Mapping, stages: int, model_id: str) -> dict:
    """Return an architecture with fewer stages, its last stride that of the published one."""
    most = arch_kwargs["n_stages"]
    if not _LEAST_STAGES <= stages <= most:
        raise ValueError(
            f"model {model_id}: features_per_stage must have {_LEAST_STAGES} to {most} entries, "
            f"got {stages}"
        )
    strides = arch_kwargs["strides"]
    return {
        **arch_kwargs,
        "n_stages": stages,
        "strides": [*strides[: stages - 1], strides[-1]],
        "kernel_sizes": arch_kwargs["kernel_sizes"][:stages],
        "n_conv_per_stage": arch_kwargs["n_conv_per_stage"][:stages],
        "n_conv_per_stage_decoder": arch_kwargs["n_conv_per_stage_decoder"][: stages - 1],
    }


def _check_shape(model_id: str, numbers: ModelNumbers, dimensions: int, strides) -> None:
    """Raise unless patch and mirrored axes fit the network."""
    patch = numbers.patch_size
    if len(patch) != dimensions:
        raise ValueError(f"model {model_id}: patch_size must have {dimensions} sides, got {patch}")
    factors = tuple(math.prod(axis) for axis in zip(*strides, strict=True))
    if any(side < 1 or side % factor for side, factor in zip(patch, factors, strict=True)):
        raise ValueError(
            f"model {model_id}: patch_size must be divisible by its strides {factors}, got {patch}"
        )
    if not set(numbers.mirror_axes) <= set(range(dimensions)):
        raise ValueError(
            f"model {model_id}: mirror_axes must be below {dimensions}, got {numbers.mirror_axes}"
        )


def _target_spacing(model_id: str, numbers: ModelNumbers, spacing_mm) -> tuple[float, ...]:
    """Return the spacing that a network sees, after checking both."""
    target = tuple(float(side) for side in numbers.spacing_mm or spacing_mm)
    for name, spacing in (("spacing_mm", spacing_mm), ("numbers.spacing_mm", target)):
        sides = np.asarray(spacing, np.float64)
        if sides.shape != (len(numbers.patch_size),) or not (sides > 0).all():
            raise ValueError(
                f"model {model_id}: {name} must be {len(numbers.patch_size)} positive numbers, "
                f"got {tuple(spacing)}"
            )
    if model_id == networks.MODEL_3D_REFINED and not np.allclose(target, spacing_mm, rtol=1e-6):
        raise ValueError(
            f"model 3.2 sees its volumes at their own spacing {tuple(spacing_mm)}, never "
            f"resampled, got {target}"
        )
    return target


def _resampled_shape(shape, spacing_mm, target) -> list[int]:
    """Return a shape after resampling, as nnU-Net rounds it."""
    return [
        int(round(old / new * size))
        for old, new, size in zip(spacing_mm, target, shape, strict=True)
    ]


def _study(model_id: str, numbers: ModelNumbers, seed: int) -> dict:
    """Return what nnU-Net keeps in code instead of plans, as JSON can hold it."""
    own = asdict(numbers)
    stated_elsewhere = ("patch_size", "batch_size", "batch_dice", "spacing_mm")
    for name in (*stated_elsewhere, "features_per_stage", "convolutions_per_stage"):
        del own[name]
    return own | {"model_id": model_id, "mirror_axes": list(numbers.mirror_axes), "seed": seed}


def _three(values, first) -> list[float]:
    """Return three numbers, as nnU-Net's own readers give them for a single picture too."""
    return [first] * (3 - len(values)) + [float(value) for value in values]
