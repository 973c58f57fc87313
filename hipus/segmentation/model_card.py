"""The card of a segmentation model: what a person must know before using it.

Decides the words; all numbers come from the files beside it. Deliberately reads and writes
no file (see `model_files`).
"""

from __future__ import annotations

from collections.abc import Mapping

from hipus.segmentation.plans import configuration_name


def model_card(about: Mapping, plans: Mapping, dataset: Mapping) -> str:
    """Return what a person must know before using a model, as Markdown.

    Parameters
    ----------
    about, plans, dataset : mapping
        Contents of model.json, plans.json and dataset.json.

    Returns
    -------
    str
    """
    plan = plans["configurations"][configuration_name(plans)]
    study, arch = plan["study"], plan["architecture"]["arch_kwargs"]
    last = about["epochs"][-1] if about["epochs"] else {"dice": [], "val_loss": None}
    names = [name for name, value in dataset["labels"].items() if value]
    dice = ", ".join(
        f"{name} {'none' if value is None else format(value, '.3f')}"
        for name, value in zip(names, last["dice"], strict=False)
    )
    counts = about["case_counts"]
    return f"""# Segmentation model {about["model_id"]}

An nnU-Net (plain U-Net, Isensee et al. 2021) that labels {", ".join(names)} of the neonatal
hip in freehand ultrasound.

- **Data:** {about["origin"]} pictures, {counts["train"]} to train on
  ({len(about["training_subjects"])} subjects) and {counts["validation"]} to validate on
  ({len(about["validation_subjects"])} subjects). What it reaches on {about["origin"]} pictures
  says nothing about patients.
- **Network:** widths {arch["features_per_stage"]}, patch {plan["patch_size"]}, batch
  {plan["batch_size"]}, spacing {plan["spacing"]} mm, {about["channel_count"]} channel(s), each
  z-scored by itself.
- **Training:** {len(about["epochs"])} of {study["epochs"]} epochs of
  {study["iterations_per_epoch"]} updates, {study["optimiser"]} from
  {study["learning_rate"]:g}, rotation up to {study["rotation_deg"]:g} degrees, mirrored axes
  {study["mirror_axes"]}, seed {study["seed"]}, on {about["device"]}.
- **Validation in the last epoch** (Dice over patches, nnU-Net's own, not over whole pictures):
  {dice or "none"}.
- **Use:** research on reconstruction and segmentation of the neonatal hip. Not a medical
  device; never for the care of a patient.
- **Licence:** that of hipus, whose code and {about["origin"]} pictures made it.
- **Weights:** `weights.pt`, tensors only, SHA-256 `{about["sha256"]}`.
"""
